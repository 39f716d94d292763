package dialect

import (
	"bytes"
	"fmt"
)

// sequenceWord begins DE 62 of a sign-on in cup: two digits of length follow, and the terminal's serial number.
const sequenceWord = "Sequence No"

// AppendSequence appends DE 62 of a sign-on's request to dst: the number by which the terminal's maker or its acquirer knows it, 1 to
// 99 characters.
func AppendSequence(dst []byte, serial string) ([]byte, error) {
	if n := len(serial); n < 1 || n > 99 || !isPrintable(serial) {
		return nil, &FieldError{DE: 62, Err: fmt.Errorf("serial number of %d characters: want 1 to 99 printable ones", n)}
	}
	return fmt.Appendf(dst, "%s%02d%s", sequenceWord, len(serial), serial), nil
}

// ParseSequence reads DE 62 of a sign-on's request.
func ParseSequence(b []byte) (serial string, err error) {
	rest, ok := bytes.CutPrefix(b, []byte(sequenceWord))
	if !ok || len(rest) < 2 || !isDigits(string(rest[:2])) {
		return "", &FieldError{DE: 62, Err: fmt.Errorf("want %q and a length of two digits", sequenceWord)}
	}
	n := int(rest[0]-'0')*10 + int(rest[1]-'0')
	if n == 0 || len(rest) != 2+n || !isPrintable(string(rest[2:])) {
		return "", &FieldError{DE: 62, Err: fmt.Errorf("serial number of %d characters: want %d printable ones, as its length says", len(rest)-2, n)}
	}
	return string(rest[2:]), nil
}

func isPrintable(s string) bool {
	return text{}.check([]byte(s)) == nil
}
