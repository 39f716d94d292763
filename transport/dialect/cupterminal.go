package dialect

import (
	"errors"
	"fmt"
	"strings"
)

// TerminalInformation is object A2 of DE 57 in cup: who the terminal is (document 21 of 2017 on terminals' registration). Empty parts are left
// out. Factor and Cipher are the proof that the serial number is the device's: made of its last digits of the card number, or of the code.
type TerminalInformation struct {
	DeviceType string // 04, two digits
	Serial     string // 05: maker 6, type 2, and its number
	Factor     string // 06: the last 6 digits of the card number or the code
	Cipher     string // 07: 8 characters
	Version    string // 08, of the application
}

const terminalInformationTag = "A2"

func (t *TerminalInformation) parts() []struct {
	tag string
	at  *string
} {
	return []struct {
		tag string
		at  *string
	}{{"04", &t.DeviceType}, {"05", &t.Serial}, {"06", &t.Factor}, {"07", &t.Cipher}, {"08", &t.Version}}
}

// Append appends DE 57 (Message.PrivateData57) to dst.
func (t TerminalInformation) Append(dst string) (string, error) {
	var s strings.Builder
	for _, p := range t.parts() {
		if *p.at != "" {
			if len(*p.at) > 99 {
				return "", &FieldError{DE: 57, Err: fmt.Errorf("A2: %s of %d characters: want up to 99", p.tag, len(*p.at))}
			}
			fmt.Fprintf(&s, "%s%03d%s", p.tag, len(*p.at), *p.at)
		}
	}
	return fmt.Sprintf("%s%s%03d%s", dst, terminalInformationTag, s.Len(), s.String()), nil
}

// ParseTerminalInformation reads DE 57 that is object A2 alone. Its parts stand in order, each once, and none is empty.
func ParseTerminalInformation(s string) (t TerminalInformation, err error) {
	tag, inner, rest, err := cupTLV(s)
	if err == nil && (tag != terminalInformationTag || rest != "") {
		err = errors.New("want A2 and nothing behind it")
	}
	parts := t.parts()
	for err == nil && inner != "" {
		var value string
		if tag, value, inner, err = cupTLV(inner); err != nil {
			break
		}
		for len(parts) > 0 && parts[0].tag != tag {
			parts = parts[1:]
		}
		if len(parts) == 0 || value == "" || len(value) > 99 {
			err = errors.New("A2: want 04, 05, 06, 07 and 08 in order, each with 1 to 99 characters")
			break
		}
		*parts[0].at, parts = value, parts[1:]
	}
	if err != nil {
		return TerminalInformation{}, &FieldError{DE: 57, Err: err}
	}
	return t, nil
}

// cupTLV reads an object at the front of s: a tag of two characters, a length of three digits, a value.
func cupTLV(s string) (tag, value, rest string, err error) {
	if len(s) < 5 || !isDigits(s[2:5]) {
		return "", "", "", errors.New("want a tag of two characters and a length of three digits")
	}
	n := int(s[2]-'0')*100 + int(s[3]-'0')*10 + int(s[4]-'0')
	if len(s) < 5+n {
		return "", "", "", fmt.Errorf("%d characters: want %d, as the length says", len(s)-5, n)
	}
	return s[:2], s[5 : 5+n], s[5+n:], nil
}

// Format makes every verb print what is no part of a card number.
func (t TerminalInformation) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "device type %s, serial %s, version %s", t.DeviceType, t.Serial, t.Version)
}
