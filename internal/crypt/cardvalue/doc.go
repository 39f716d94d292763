// Package cardvalue computes what an issuer writes on a card, or keeps, to know the card and its PIN again: card
// verification values (CVV, CVV2, iCVV, dCVV, CVC3), Visa's PIN verification value, and IBM 3624 PINs with their offsets.
//
// A function takes a key whose schedule the caller keeps, a *Work that the caller keeps too (so that nothing is
// allocated) and finds wiped, and fields as ASCII digits, as they stand on a track or line. A PIN alone comes and goes as
// numbers 0 to 9, as a keypad and package pinblock have it. Errors name the field and what was expected; they never quote
// a value.
//
// Card keys come derived: EMV option A (Book 2, A1.4.1) belongs to package emv/security, which stands no lower than this
// one. Values are returned, not compared: whoever verifies does so in constant time and counts the tries.
//
// Standards: Visa's CVV and PVV as IBM's CCA Application Programmer's Guide describes them (PIN formats and algorithms),
// the same guide's 3624 processing; EMV Contactless Book C-2 (CVC3). Visa's dCVV has no published worked example.
package cardvalue

import (
	"errors"
	"fmt"
)

// Work is room for one computation. Its owner keeps it, and no two computations use it at once. It is all zeros when a
// function has returned.
type Work struct {
	in     [16]byte // what goes into the cipher
	out    [8]byte  // what comes out
	digits [16]byte // and what digits those are
}

func (w *Work) wipe() { *w = Work{} }

// ErrInput is every error of this package: a field is not what the algorithm takes.
var ErrInput = errors.New("cardvalue")

// checkDigits checks that a field is ASCII digits, least to most of them.
func checkDigits(field string, b []byte, least, most int) error {
	for i, c := range b {
		if c < '0' || c > '9' {
			return fmt.Errorf("%w: %s: character %d of %d is no digit", ErrInput, field, i+1, len(b))
		}
	}
	switch {
	case len(b) >= least && len(b) <= most:
		return nil
	case least == most:
		return fmt.Errorf("%w: %s of %d digits: want %d", ErrInput, field, len(b), least)
	}
	return fmt.Errorf("%w: %s of %d digits: want %d to %d", ErrInput, field, len(b), least, most)
}

// ISO 9564-1, 8.1.
const (
	minPIN = 4
	maxPIN = 12
)

// checkPIN checks digits as numbers. It says the same of a wrong length and a wrong digit.
func checkPIN(pin []byte) error {
	ok := len(pin) >= minPIN && len(pin) <= maxPIN
	for _, d := range pin {
		ok = ok && d <= 9
	}
	if !ok {
		return errPIN()
	}
	return nil
}

func errPIN() error { return fmt.Errorf("%w: PIN: want %d to %d digits", ErrInput, minPIN, maxPIN) }

// ISO/IEC 7812-1: no PAN is longer.
const maxPAN = 19

// pack writes fields of checked digits one behind the other, two digits a byte, into in, which is zero.
func (w *Work) pack(fields ...[]byte) {
	at := 0
	for _, f := range fields {
		for _, c := range f {
			w.in[at/2] |= (c - '0') << (4 * (1 - at%2))
			at++
		}
	}
}

// decimalise fills dst with ASCII digits out of w.out: the decimal digits first, in order; when they do not suffice, a
// second pass over the letters, A as 0 to F as 5. Sixteen nibbles give sixteen digits.
func (w *Work) decimalise(dst []byte) {
	n := 0
	for _, letters := range []bool{false, true} {
		for i := range 16 {
			d := w.out[i/2] >> (4 * (1 - i%2)) & 15
			if (d >= 10) != letters || n == len(dst) {
				continue
			}
			dst[n] = '0' + d%10
			n++
		}
	}
}
