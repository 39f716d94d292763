package security

import (
	"bytes"
	"crypto/sha1"
	"fmt"
)

// CAPublicKey is a certification authority's public key as a terminal holds it (Book 2, 11.2). Its hash algorithm is SHA-1
// and its public key algorithm RSA, the only ones there are. It does not change once made.
type CAPublicKey struct {
	rid      [5]byte
	index    byte
	key      PublicKey
	checksum [sha1.Size]byte
}

// NewCAPublicKey makes a key from what an authority publishes. checksum is the SHA-1 of RID, index, modulus and exponent
// (Book 2, 11.2.2), nil where none is published; one that differs is an error.
func NewCAPublicKey(rid [5]byte, index byte, modulus, exponent, checksum []byte) (*CAPublicKey, error) {
	k := &CAPublicKey{rid: rid, index: index}
	where := func() string { return fmt.Sprintf("security: CA public key %X %02X", rid, index) }
	if err := k.key.Set(modulus, exponent); err != nil {
		return nil, fmt.Errorf("%s: %w", where(), err)
	}
	h := sha1.New()
	h.Write(rid[:])
	h.Write([]byte{index})
	h.Write(modulus)
	h.Write(exponent)
	h.Sum(k.checksum[:0])
	if len(checksum) > 0 && !bytes.Equal(checksum, k.checksum[:]) {
		return nil, fmt.Errorf("%s: checksum %X: want %X", where(), checksum, k.checksum)
	}
	return k, nil
}

// RID is the registered application provider identifier: the first five bytes of the scheme's AIDs.
func (k *CAPublicKey) RID() [5]byte { return k.rid }

// Index is the certification authority public key index (tag 8F of the card).
func (k *CAPublicKey) Index() byte { return k.index }

// Size is the length of the modulus in bytes.
func (k *CAPublicKey) Size() int { return k.key.size }

// Checksum is the SHA-1 of RID, index, modulus and exponent.
func (k *CAPublicKey) Checksum() [20]byte { return k.checksum }

// Key is the RSA key itself, which is not to be changed.
func (k *CAPublicKey) Key() *PublicKey { return &k.key }
