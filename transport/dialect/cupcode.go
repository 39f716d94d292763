package dialect

import (
	"errors"
	"fmt"
	"strings"
)

// DE 59 holds a tag of two characters, a length of three digits and a value.
const (
	tagCodeScanned   = "A3"
	tagVoucherNumber = "A4"
)

// cupCode writes DE 59.
func cupCode(m *Message) (string, error) {
	if m.PrivateData59 != "" {
		var other Message
		if m.CodeScanned != "" || m.VoucherNumber != "" {
			return "", errors.New("private data beside a code or a voucher number: want one of them")
		}
		if setCUPCode(&other, m.PrivateData59); other.PrivateData59 == "" {
			return "", errors.New("private data that is a code or a voucher number: want CodeScanned or VoucherNumber")
		}
		return m.PrivateData59, nil
	}
	var s strings.Builder
	for _, v := range []struct{ tag, value string }{{tagCodeScanned, m.CodeScanned}, {tagVoucherNumber, m.VoucherNumber}} {
		if v.value == "" {
			continue
		}
		if len(v.value) > 99 {
			return "", fmt.Errorf("%s of %d characters: want up to 99", v.tag, len(v.value))
		}
		fmt.Fprintf(&s, "%s%03d%s", v.tag, len(v.value), v.value)
	}
	return s.String(), nil
}

// setCUPCode reads DE 59: the two objects in their order, each once, or else it is somebody's private data.
func setCUPCode(m *Message, s string) error {
	code, rest := cupObject(s, tagCodeScanned)
	voucher, rest := cupObject(rest, tagVoucherNumber)
	if rest != "" {
		m.PrivateData59 = s
		return nil
	}
	m.CodeScanned, m.VoucherNumber = code, voucher
	return nil
}

// cupObject reads the object with a tag at the front of s, if it is there, and returns what follows.
func cupObject(s, tag string) (value, rest string) {
	if len(s) < 5 || s[:2] != tag || !isDigits(s[2:5]) || s[2] != '0' {
		return "", s
	}
	n := int(s[3]-'0')*10 + int(s[4]-'0')
	if n == 0 || len(s) < 5+n {
		return "", s
	}
	return s[5 : 5+n], s[5+n:]
}

// showCUPCode leaves out the code: whoever has it can pay with it.
func showCUPCode(m *Message, s string) string {
	if m.PrivateData59 != "" {
		return redacted(len(s), "characters")
	}
	var parts []string
	if n := len(m.CodeScanned); n > 0 {
		parts = append(parts, tagCodeScanned+"="+redacted(n, "characters"))
	}
	if m.VoucherNumber != "" {
		parts = append(parts, tagVoucherNumber+"="+printable(m.VoucherNumber))
	}
	return strings.Join(parts, " ")
}
