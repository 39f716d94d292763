package security

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/big"
)

// The lengths of an RSA modulus in bytes. Book 2, B2.1 and D1: at most 1984 bits; cards for tests go down to 512.
const (
	minModulus = 64
	maxModulus = 248
)

// PublicKey is an RSA public key (Book 2, B2.1). The zero value is no key, and a destination for Set and the Recover
// methods, which reuse its storage; a key that is in use must not be copied.
type PublicKey struct {
	n       big.Int
	modulus [maxModulus]byte
	size    int
	e       [4]byte // big endian; the exponent's own bytes are the last eLen
	eLen    int
}

// NewPublicKey makes a key from the big-endian bytes of its modulus and exponent, which are copied.
func NewPublicKey(modulus, exponent []byte) (*PublicKey, error) {
	k := new(PublicKey)
	if err := k.Set(modulus, exponent); err != nil {
		return nil, fmt.Errorf("security: %w", err)
	}
	return k, nil
}

// Set replaces the key, without allocating where the storage is large enough. The modulus is 64 to 248 bytes, odd, and has
// its first bit set (Book 2, B2.1: its length in bits is a multiple of 8); the exponent is 3 or 65537, one or three bytes.
// On an error k is no key any more.
func (k *PublicKey) Set(modulus, exponent []byte) error {
	k.Clear()
	switch n := len(modulus); {
	case n < minModulus || n > maxModulus:
		return fmt.Errorf("modulus of %d bytes: want %d to %d", n, minModulus, maxModulus)
	case modulus[0]&0x80 == 0:
		return fmt.Errorf("modulus of %d bytes: its first bit is 0: want 1", n)
	case modulus[n-1]&1 == 0:
		return fmt.Errorf("modulus of %d bytes: it is even", n)
	}
	if !legalExponent(exponent) {
		return fmt.Errorf("exponent %X: want 03 or 010001", exponent)
	}
	k.n.SetBytes(modulus)
	k.size = copy(k.modulus[:], modulus)
	k.eLen = copy(k.e[len(k.e)-len(exponent):], exponent)
	return nil
}

var exponents = [...][]byte{{3}, {1, 0, 1}} // Book 2, B2.1: 3 and 65537 are the only ones

func legalExponent(exponent []byte) bool {
	return bytes.Equal(exponent, exponents[0]) || bytes.Equal(exponent, exponents[1])
}

// Clear makes k no key.
func (k *PublicKey) Clear() { k.size, k.eLen, k.e = 0, 0, [4]byte{} }

// Size is the length of the modulus in bytes, 0 for no key.
func (k *PublicKey) Size() int { return k.size }

// Modulus is a part of the key: it is not to be changed, and holds until the key is set again.
func (k *PublicKey) Modulus() []byte { return k.modulus[:k.size] }

// Exponent is a part of the key, as Modulus is: one or three bytes.
func (k *PublicKey) Exponent() []byte { return k.e[len(k.e)-k.eLen:] }

// Equal tells whether both are the same key; no key equals nothing.
func (k *PublicKey) Equal(other *PublicKey) bool {
	return k.size != 0 && bytes.Equal(k.Modulus(), other.Modulus()) && k.e == other.e
}

func (k *PublicKey) exponent() uint32 { return binary.BigEndian.Uint32(k.e[:]) }
