package hsm

import (
	"fmt"

	"github.com/posim/posim/internal/pan"
)

// ISO 9564-1 format 0: the plain text PIN field (control nibble 0, length, digits, filler F) XOR the account number field
// (four zeros, then the rightmost twelve digits of the PAN without its check digit).

// pinField builds the PIN field of 4 to 12 digits, given as numbers.
func pinField(digits []byte) (b [8]byte) {
	b[0] = byte(len(digits)) // control nibble 0: format 0
	for i := 2; i < 16; i++ {
		d := byte(0xF)
		if i-2 < len(digits) {
			d = digits[i-2]
		}
		b[i/2] |= d << (4 * (1 - i%2))
	}
	return b
}

// accountField builds the account number field; a short PAN is padded with zeros on the left.
func accountField(p pan.PAN) (b [8]byte, err error) {
	if p.IsZero() {
		return b, fmt.Errorf("hsm: PIN block: no PAN")
	}
	digits := p.Digits()
	for i, at := len(digits)-2, 15; i >= 0 && at >= 4; i, at = i-1, at-1 {
		b[at/2] |= (digits[i] - '0') << (4 * (1 - at%2))
	}
	return b, nil
}

// format0 tells whether block is a clear format 0 block for the account field. It looks at every nibble whatever it finds,
// so that the time tells little about where a block fails.
func format0(block, account [8]byte) bool {
	xor(&block, account)
	n := int(block[0] & 15)
	bad := block[0] >> 4 // control nibble: 0
	if n < minPIN || n > maxPIN {
		bad = 1
	}
	for i := 2; i < 16; i++ {
		d := block[i/2] >> (4 * (1 - i%2)) & 15
		switch digit := i-2 < n; {
		case digit && d > 9:
			bad |= 1
		case !digit && d != 15:
			bad |= 1
		}
	}
	return bad == 0
}

func xor(b *[8]byte, with [8]byte) {
	for i := range b {
		b[i] ^= with[i]
	}
}
