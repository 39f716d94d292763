package clear

import (
	"bytes"
	"crypto/subtle"
)

// Verify is ErrCheckValue unless check, of at least three bytes, is the beginning of the key's check value in the older way.
func (k Key) Verify(check []byte) error {
	if check == nil {
		check = []byte{}
	}
	return k.verify(check)
}

// verify is ErrCheckValue unless check, if there is one, is the beginning of the key's check value.
func (k Key) verify(check []byte) error {
	if check == nil {
		return nil
	}
	if len(check) < 3 { // fewer prove nothing
		return wrongLength("check value", len(check), "at least 3 bytes")
	}
	v, err := k.LegacyCheckValue(len(check))
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(v, check) != 1 {
		return &Error{"check value", ErrCheckValue, "", ""}
	}
	return nil
}

// CUPWorkingKey decrypts a slot of the sign-on answer of China UnionPay's dialect (field 62): 8 or 16 bytes under the terminal master
// key. A single-length key in a slot of 16 has zeros after it, and is a DES key: its check value is that of DES under 8 bytes, not of
// TDES under what the zeros decrypt to. check is the slot's check value, 4 bytes, or nil.
func CUPWorkingKey(tmk Key, slot, check []byte) (Key, error) {
	if err := tmk.of("terminal master key", TDES, SM4); err != nil {
		return Key{}, err
	}
	if len(slot) != 8 && len(slot) != 16 {
		return Key{}, wrongLength("slot", len(slot), "8 or 16 bytes")
	}
	if tmk.algorithm == TDES && len(slot) == 16 && bytes.Equal(slot[8:], make([]byte, 8)) {
		slot = slot[:8]
	}
	return ImportECB(tmk, slot, check)
}
