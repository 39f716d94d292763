package security

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
)

// PrivateKey is an RSA private key by its primes (the Chinese remainder theorem). It prints nothing of itself.
//
// It is for test keys. Operations are neither blinded nor in constant time, and results are not verified before they leave:
// none of that would protect anything here, and it would double the time of a signature.
type PrivateKey struct {
	public     PublicKey
	p, q       big.Int
	dp, dq     big.Int // private exponent modulo p-1 and q-1
	qInverse   big.Int // of q modulo p
	pLen, qLen int     // bytes
}

// NewPrivateKey makes a key from its two primes and its public exponent, all big endian. Their product has to be a legal
// modulus (see PublicKey.Set); primes that are none, or that do not suit the exponent, are errors, which quote neither.
func NewPrivateKey(p, q, exponent []byte) (*PrivateKey, error) {
	if len(p) > maxModulus || len(q) > maxModulus {
		return nil, fmt.Errorf("security: private key: primes of %d and %d bytes: want at most %d", len(p), len(q), maxModulus)
	}
	x, y := new(big.Int).SetBytes(p), new(big.Int).SetBytes(q)
	if x.Cmp(y) == 0 {
		return nil, errors.New("security: private key: both primes are the same")
	}
	if !x.ProbablyPrime(primeRounds) || !y.ProbablyPrime(primeRounds) {
		return nil, errors.New("security: private key: p or q is no prime")
	}
	k, err := newPrivateKey(x, y, exponent)
	if err != nil {
		return nil, fmt.Errorf("security: private key: %w", err)
	}
	return k, nil
}

// StoredPrivateKey is NewPrivateKey for primes that were tested before they were stored: it takes their word for it, which
// saves most of the time, and only sees that the key undoes what its public half does.
func StoredPrivateKey(p, q, exponent []byte) (*PrivateKey, error) {
	if len(p) > maxModulus || len(q) > maxModulus {
		return nil, fmt.Errorf("security: private key: primes of %d and %d bytes: want at most %d", len(p), len(q), maxModulus)
	}
	x, y := new(big.Int).SetBytes(p), new(big.Int).SetBytes(q)
	if x.Cmp(y) == 0 || x.Bit(0) == 0 || y.Bit(0) == 0 {
		return nil, errors.New("security: private key: p or q is no prime")
	}
	k, err := newPrivateKey(x, y, exponent)
	if err != nil {
		return nil, fmt.Errorf("security: private key: %w", err)
	}
	sample := make([]byte, k.public.size)
	for i := range sample {
		sample[i] = byte(i)
	}
	var a Arithmetic
	signature, err := k.operate(sample)
	if err == nil {
		signature, err = a.Recover(nil, &k.public, signature)
	}
	if err != nil || !bytes.Equal(signature, sample) {
		return nil, errors.New("security: private key: p or q is no prime")
	}
	return k, nil
}

func newPrivateKey(p, q *big.Int, exponent []byte) (*PrivateKey, error) {
	k := new(PrivateKey)
	if err := k.public.Set(new(big.Int).Mul(p, q).Bytes(), exponent); err != nil {
		return nil, err
	}
	k.p.Set(p)
	k.q.Set(q)
	k.pLen, k.qLen = (p.BitLen()+7)/8, (q.BitLen()+7)/8
	e, one := new(big.Int).SetBytes(exponent), big.NewInt(1)
	if k.dp.ModInverse(e, new(big.Int).Sub(p, one)) == nil || k.dq.ModInverse(e, new(big.Int).Sub(q, one)) == nil {
		return nil, fmt.Errorf("exponent %X has no inverse", exponent)
	}
	k.qInverse.ModInverse(q, p)
	return k, nil
}

// Public is the key's public half, a part of it.
func (k *PrivateKey) Public() *PublicKey { return &k.public }

// P is the first prime, big endian; the bytes are the caller's, and secret.
func (k *PrivateKey) P() []byte { return k.p.FillBytes(make([]byte, k.pLen)) }

// Q is the second prime, as P is the first.
func (k *PrivateKey) Q() []byte { return k.q.FillBytes(make([]byte, k.qLen)) }

// Sign is the bare private operation on a block as long as the modulus and, as a number, below it: anything else is an
// error. The same operation deciphers.
func (k *PrivateKey) Sign(block []byte) ([]byte, error) {
	signature, err := k.operate(block)
	if err != nil {
		return nil, fmt.Errorf("security: sign: %w", err)
	}
	return signature, nil
}

func (k *PrivateKey) operate(block []byte) ([]byte, error) {
	if len(block) != k.public.size {
		return nil, fmt.Errorf("length %d: want %d, as the modulus of the key has", len(block), k.public.size)
	}
	x := new(big.Int).SetBytes(block)
	if x.Cmp(&k.public.n) >= 0 {
		return nil, errOutOfRange
	}
	// Garner: y = yq + q * ((yp - yq) / q mod p).
	yq := new(big.Int).Mod(x, &k.q)
	yq.Exp(yq, &k.dq, &k.q)
	yp := x.Mod(x, &k.p)
	yp.Exp(yp, &k.dp, &k.p)
	yp.Sub(yp, yq).Mul(yp, &k.qInverse).Mod(yp, &k.p)
	y := yp.Mul(yp, &k.q).Add(yp, yq)
	return y.FillBytes(make([]byte, k.public.size)), nil
}

// Format prints the type's name for every verb.
func (k *PrivateKey) Format(f fmt.State, _ rune) { io.WriteString(f, "RSA private key") }
