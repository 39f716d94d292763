package clear

import (
	"errors"
	"fmt"
	"strconv"
)

// What can be wrong with an input, for errors.Is.
var (
	ErrName       = errors.New("unknown name")
	ErrLength     = errors.New("wrong length")
	ErrHex        = errors.New("characters that are not hexadecimal")
	ErrDigits     = errors.New("characters that are not decimal digits")
	ErrParity     = errors.New("wrong parity")
	ErrWeakKey    = errors.New("a weak key")
	ErrEqualParts = errors.New("equal parts")
	ErrPIN        = errors.New("wrong number of digits")
	ErrPAN        = errors.New("wrong number of digits")
	ErrRange      = errors.New("out of range")
	ErrNotTaken   = errors.New("an input that is not taken")
	ErrMAC        = errors.New("does not verify")
	ErrCheckValue = errors.New("is not the key's check value")
)

// Error is an input that cannot be used. It tells of the value no more than its length.
type Error struct {
	Field string // "key", "component 2", "pin"
	Err   error  // what is wrong, for errors.Is
	Got   string // how much there is, "" where that says nothing
	Want  string // what was expected
}

// Error is the field, what is wrong with it, and what was expected.
func (e *Error) Error() string {
	text := "clear: " + e.Field + ": " + e.Err.Error()
	if e.Got != "" {
		text += ", " + e.Got
	}
	if e.Want != "" {
		text += ": want " + e.Want
	}
	return text
}

// Unwrap gives what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// wrongLength is a field of bytes that has n of them.
func wrongLength(field string, n int, want string) error {
	return &Error{field, ErrLength, plural(n, "byte"), want}
}

func plural(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return strconv.Itoa(n) + " " + of + "s"
}

// inField says in which field an error of another room arose.
func inField(field string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("clear: %s: %w", field, err)
}
