package keyblock

import (
	"crypto/cipher"
	"crypto/subtle"

	"github.com/posim/posim/internal/crypt"
)

// checkValues compares the check values in the header with the keys they speak of, so that no block says what is not so.
// Those of keys that are no cipher's, and of the export protection key, cannot be compared here.
func (h *Header) checkValues(kbpk cipher.Block, key []byte) error {
	for _, o := range h.Optional {
		var b cipher.Block
		switch o.ID {
		case idProtection:
			b = kbpk
		case idKeyCheck:
			var err error
			if b, err = keyCipher(h.Algorithm, key); err != nil {
				return err
			}
		}
		if b == nil {
			continue
		}
		value, err := o.CheckValue()
		if err != nil {
			return fail(ErrFormat, "optional block %q: %v", o.ID, err)
		}
		if !value.of(b) {
			return fail(ErrCheckValue, "optional block %q is the check value of another key", o.ID)
		}
	}
	return nil
}

// keyCipher is the cipher of a key, or nil if its algorithm is none.
func keyCipher(algorithm byte, key []byte) (cipher.Block, error) {
	switch {
	case (algorithm == 'T' || algorithm == 'D') && len(key) == 8:
		return crypt.NewDES(key)
	case algorithm == 'T':
		return crypt.NewTDES(key)
	case algorithm == 'A':
		return crypt.NewAES(key)
	}
	return nil, nil
}

// of tells whether c is the check value of a cipher's key.
func (c CheckValue) of(b cipher.Block) bool {
	if c.CMAC {
		v := crypt.CMACCheckValue(b)
		return subtle.ConstantTimeCompare(c.Value, v[:len(c.Value)]) == 1
	}
	v := crypt.CheckValue(b)
	return subtle.ConstantTimeCompare(c.Value, v[:len(c.Value)]) == 1
}
