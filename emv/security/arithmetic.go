package security

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"math/bits"
)

// Arithmetic is scratch space for operations with public keys: once warm they do not allocate. The zero value is ready. It
// is not for several goroutines at once.
//
// crypto/rsa cannot serve: it refuses the short keys that cards have, and it gives no bare public operation, which message
// recovery (ISO 9796-2, Book 2, A2.1) is made of.
type Arithmetic struct {
	base, power, product, quotient big.Int

	room    *room
	block   [maxModulus]byte // the last block recovered
	modulus [maxModulus]byte // a key being put together
	hash    hash.Hash
	sum     [sha1.Size]byte
}

// room is where the numbers live, one piece in place of one for each that would grow on its first use: a terminal has a new
// Arithmetic for every transaction.
type room struct {
	base, power, quotient [words + spare]big.Word
	product               [2*words + spare]big.Word
}

// words is how many machine words the longest modulus has; spare is what math/big takes more.
const (
	words = maxModulus * 8 / bits.UintSize
	spare = 4
)

func (a *Arithmetic) furnish() {
	if a.room != nil {
		return
	}
	a.room = new(room)
	a.base.SetBits(a.room.base[:0])
	a.power.SetBits(a.room.power[:0])
	a.quotient.SetBits(a.room.quotient[:0])
	a.product.SetBits(a.room.product[:0])
}

var errOutOfRange = errors.New("the number is not below the modulus")

// Recover is the bare public operation: signature to the public exponent, modulo n. The result is as long as the modulus
// and is appended to dst. A signature of another length, or one not below the modulus, is an error.
func (a *Arithmetic) Recover(dst []byte, k *PublicKey, signature []byte) ([]byte, error) {
	block, err := a.recover(k, signature)
	if err != nil {
		return dst, fmt.Errorf("security: %w", err)
	}
	return append(dst, block...), nil
}

// recover leaves the result in a.block.
func (a *Arithmetic) recover(k *PublicKey, signature []byte) ([]byte, error) {
	if k == nil || k.size == 0 {
		return nil, errors.New("no public key")
	}
	if len(signature) != k.size {
		return nil, fmt.Errorf("length %d: want %d, as the modulus of the key has", len(signature), k.size)
	}
	a.furnish()
	a.base.SetBytes(signature)
	if a.base.Cmp(&k.n) >= 0 {
		return nil, errOutOfRange
	}
	// Both exponents are a power of two plus one. big.Int.Exp takes three times as long for 3.
	squarings := 1
	if k.exponent() == 65537 {
		squarings = 16
	}
	a.power.Set(&a.base)
	for range squarings {
		a.multiply(&a.power, &a.power, &k.n)
	}
	a.multiply(&a.power, &a.base, &k.n)
	block := a.block[:k.size]
	a.power.FillBytes(block)
	return block, nil
}

// multiply sets x to x times y modulo n.
func (a *Arithmetic) multiply(x, y, n *big.Int) {
	a.product.Mul(x, y)
	a.quotient.QuoRem(&a.product, n, x)
}

// digest is the SHA-1 of the parts, in order.
func (a *Arithmetic) digest(parts ...[]byte) [sha1.Size]byte {
	if a.hash == nil {
		a.hash = sha1.New()
	}
	a.hash.Reset()
	for _, p := range parts {
		a.hash.Write(p)
	}
	a.hash.Sum(a.sum[:0])
	return a.sum
}
