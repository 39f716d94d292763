package clear

import (
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/posim/posim/internal/crypt"
)

// maxComponents is far more than any key ceremony has custodians.
const maxComponents = 16

// Combine makes a key of its components by XOR, as a ceremony does. raw is what the XOR gives; parity asks for a key of odd parity
// instead of it, and is for DES and TDES.
func Combine(components []Key, parity bool) (k Key, raw []byte, err error) {
	if len(components) < 2 || len(components) > maxComponents {
		return Key{}, nil, &Error{"components", ErrLength, plural(len(components), "component"), fmt.Sprintf("2 to %d", maxComponents)}
	}
	first := components[0]
	raw = first.Bytes()
	for i, c := range components[1:] {
		field := fmt.Sprintf("component %d", i+2)
		if err := c.of(field, first.algorithm); err != nil {
			return Key{}, nil, err
		}
		if len(c.raw()) != len(raw) {
			return Key{}, nil, wrongLength(field, len(c.raw()), plural(len(raw), "byte")+" as the first")
		}
		subtle.XORBytes(raw, raw, c.raw())
	}
	if k, err = NewKey(first.algorithm, raw); err == nil && parity {
		k, err = k.OddParity()
	}
	return k, raw, err
}

// ErrZero is a part of zeros, which adds nothing to a key.
var ErrZero = errors.New("zeros")

// CheckComponents is what a key ceremony asks of its parts: ErrZero, ErrEqualParts if two of them are equal (they would cancel out),
// and ErrParity for parts of DES and TDES keys, unless anyParity.
func CheckComponents(components []Key, anyParity bool) error {
	for i, c := range components {
		field := fmt.Sprintf("component %d", i+1)
		if subtle.ConstantTimeCompare(c.raw(), make([]byte, c.Len())) == 1 {
			return &Error{field, ErrZero, "", "a part that is not zero"}
		}
		if c.algorithm.isDES() && !anyParity && !crypt.HasOddParity(c.raw()) {
			return &Error{field, ErrParity, "", "odd parity in every byte"}
		}
		for j, other := range components[:i] {
			if subtle.ConstantTimeCompare(c.raw(), other.raw()) == 1 {
				return &Error{field, ErrEqualParts, fmt.Sprintf("as component %d", j+1), "parts that differ"}
			}
		}
	}
	return nil
}
