package cardvalue

import "crypto/cipher"

// IBM 3624: a card has a natural PIN, which is its encrypted and decimalised validation data; an offset leads from there
// to the PIN that the customer has chosen, digit by digit, modulo 10. The validation data is the PAN or part of it,
// padded as the issuer does, sixteen nibbles packed. k is the DES or TDES cipher of the PIN verification key.

// NaturalPIN writes the natural PIN's first digits to pin, as numbers, as many as pin is long. ErrInput when that is not
// 4 to 12, or when the table is none or the cipher another; then nothing is written.
func NaturalPIN(w *Work, k cipher.Block, t *Table, validation *[8]byte, pin []byte) error {
	if len(pin) < minPIN || len(pin) > maxPIN {
		return errPIN()
	}
	defer w.wipe()
	if err := natural(w, k, t, validation); err != nil {
		return err
	}
	copy(pin, w.digits[:])
	return nil
}

// Offset writes what leads from the natural PIN to pin to offset[:len(pin)], in ASCII digits. pin is digits as numbers.
// ErrInput as for NaturalPIN, and for a wrong digit; then nothing is written.
func Offset(w *Work, k cipher.Block, t *Table, validation *[8]byte, pin, offset []byte) error {
	if err := checkPIN(pin); err != nil {
		return err
	}
	defer w.wipe()
	if err := natural(w, k, t, validation); err != nil {
		return err
	}
	for i, d := range pin {
		offset[i] = '0' + (d+10-w.digits[i])%10
	}
	return nil
}

// PINFromOffset writes the PIN that an offset of ASCII digits leads to, to pin[:len(offset)], as numbers. ErrInput as for
// NaturalPIN, and for an offset of other than 4 to 12 digits; then nothing is written.
func PINFromOffset(w *Work, k cipher.Block, t *Table, validation *[8]byte, offset, pin []byte) error {
	if err := checkDigits("offset", offset, minPIN, maxPIN); err != nil {
		return err
	}
	defer w.wipe()
	if err := natural(w, k, t, validation); err != nil {
		return err
	}
	for i, c := range offset {
		pin[i] = (w.digits[i] + c - '0') % 10
	}
	return nil
}

// natural leaves the natural PIN in w.digits.
func natural(w *Work, k cipher.Block, t *Table, validation *[8]byte) error {
	if err := checkBlock("IBM 3624", k); err != nil {
		return err
	}
	if err := t.check(); err != nil {
		return err
	}
	copy(w.in[:], validation[:])
	k.Encrypt(w.out[:], w.in[:8])
	t.decimalise(&w.digits, &w.out)
	return nil
}
