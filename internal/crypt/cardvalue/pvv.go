package cardvalue

import (
	"crypto/cipher"
	"fmt"
)

// PVV computes Visa's PIN verification value of four digits, in ASCII: the decimalised encryption of eleven digits of the
// PAN (those left of the check digit), the key's index and the PIN's first four digits. k is the TDES cipher of the PIN
// verification key pair; pvki is its index, one ASCII digit; pin is digits as numbers. A longer PIN than four has the PVV
// of its first four. ErrInput for a PAN of other than 12 to 19 digits, an index that is no digit, a PIN of other than 4
// to 12, another cipher.
func PVV(w *Work, k cipher.Block, pan []byte, pvki byte, pin []byte) (v [4]byte, err error) {
	const fromPAN = 11
	if err := checkBlock("PVV", k); err != nil {
		return v, err
	}
	if err := checkDigits("PAN", pan, fromPAN+1, maxPAN); err != nil {
		return v, err
	}
	index := [...]byte{pvki}
	if err := checkDigits("PIN verification key index", index[:], 1, 1); err != nil {
		return v, err
	}
	if err := checkPIN(pin); err != nil {
		return v, err
	}
	defer w.wipe()
	w.pack(pan[len(pan)-1-fromPAN:len(pan)-1], index[:])
	w.in[6] = pin[0]<<4 | pin[1]
	w.in[7] = pin[2]<<4 | pin[3]
	k.Encrypt(w.out[:], w.in[:8])
	w.decimalise(v[:])
	return v, nil
}

func checkBlock(what string, k cipher.Block) error {
	if n := k.BlockSize(); n != 8 {
		return fmt.Errorf("%w: %s under a cipher of %d-byte blocks: want 8", ErrInput, what, n)
	}
	return nil
}
