// Package pan holds the primary account number as a type that cannot print itself, and the masking writer that every sink
// of the program (screen, log, trace, report, error output) goes through.
//
// Start with Parse, carry the PAN, and ask for Digits only where the clear number must go on a wire or into a key
// derivation. Put NewWriter around whatever text leaves the program.
//
// Standards: ISO/IEC 7812-1 (structure of the number, Luhn's check digit), ISO/IEC 7813 (tracks 1 and 2), PCI DSS 3.4.1
// (first six and last four digits may be shown). The package does not encrypt: what must be stored is sealed by the
// security module. It does not claim compliance with anything.
package pan

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	minDigits = 8  // ISO/IEC 7812-1: eight-digit IIN, nothing shorter identifies a card
	maxDigits = 19 // ISO/IEC 7812-1
)

// PAN is a primary account number of 8 to 19 digits. It is comparable, and its zero value is "no number".
// Every way of printing it (fmt's verbs, JSON, text, slog) gives the masked form.
//
// fmt reads an unexported field of a struct by reflection and calls no method on it. So the number is kept neither as text
// nor as a number, but disguised: a struct that holds a PAN and is printed by mistake shows noise. The disguise is no
// encryption.
type PAN struct {
	disguised uint64 // the digits as a number, XOR disguise
	n         uint8  // how many digits, leading zeros included
}

// disguise is any constant that turns the decimal and hexadecimal form of a number into something else.
const disguise = 0x9E3779B97F4A7C15

// Parse makes a PAN of 8 to 19 decimal digits; payment cards have 12 to 19. The check digit is not checked: see LuhnValid.
// The error never quotes the input.
func Parse(digits string) (PAN, error) {
	if len(digits) < minDigits || len(digits) > maxDigits {
		return PAN{}, fmt.Errorf("pan: %d characters: want %d to %d digits", len(digits), minDigits, maxDigits)
	}
	var v uint64 // 19 digits fit
	for i := 0; i < len(digits); i++ {
		if !isDigit(digits[i]) {
			return PAN{}, fmt.Errorf("pan: character %d of %d is not a digit", i+1, len(digits))
		}
		v = v*10 + uint64(digits[i]-'0')
	}
	return PAN{v ^ disguise, uint8(len(digits))}, nil
}

// Digits returns the clear number, "" for the zero PAN. It is the only way to it.
func (p PAN) Digits() string {
	var b [maxDigits]byte
	v := p.disguised ^ disguise
	for i := int(p.n) - 1; i >= 0; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
	return string(b[:p.n])
}

// Masked returns the number as Mask shows it, "" for the zero PAN.
func (p PAN) Masked() string { return Mask(p.Digits()) }

// IsZero tells whether p is no number.
func (p PAN) IsZero() bool { return p.n == 0 }

// LuhnValid tells whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B).
func (p PAN) LuhnValid() bool { return p.n > 0 && luhn(p.Digits()) }

// String returns the masked number.
func (p PAN) String() string { return p.Masked() }

// GoString returns the masked number.
func (p PAN) GoString() string { return "pan.PAN(" + p.Masked() + ")" }

// Format prints the masked number for every verb; %q puts it in quotes, %#v names the type. Width and the flag - are kept,
// so that receipts can align it.
func (p PAN) Format(f fmt.State, verb rune) {
	s := p.Masked()
	switch {
	case verb == 'v' && f.Flag('#'):
		s = p.GoString()
	case verb == 'q':
		s = strconv.Quote(s)
	}
	pad := ""
	if w, ok := f.Width(); ok && w > utf8.RuneCountInString(s) {
		pad = strings.Repeat(" ", w-len(s))
	}
	if f.Flag('-') {
		s += pad
	} else {
		s = pad + s
	}
	io.WriteString(f, s) // fmt.State keeps its own errors
}

// MarshalJSON returns the masked number as a JSON string.
func (p PAN) MarshalJSON() ([]byte, error) { return []byte(`"` + p.Masked() + `"`), nil }

// MarshalText returns the masked number.
func (p PAN) MarshalText() ([]byte, error) { return []byte(p.Masked()), nil }

// LogValue gives slog the masked number.
func (p PAN) LogValue() slog.Value { return slog.StringValue(p.Masked()) }

// Mask hides a card number given as text: from 13 characters on it keeps the first six and the last four, from 8 on the
// last four, of anything shorter nothing. The length stays.
func Mask(digits string) string {
	n := len(digits)
	switch {
	case n >= 13:
		return digits[:6] + strings.Repeat("*", n-10) + digits[n-4:]
	case n >= minDigits:
		return strings.Repeat("*", n-4) + digits[n-4:]
	}
	return strings.Repeat("*", n)
}

// luhn wants decimal digits.
func luhn[T string | []byte](digits T) bool {
	sum, double := 0, false
	for i := len(digits) - 1; i >= 0; i-- {
		d := int(digits[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return sum%10 == 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
