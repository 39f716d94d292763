// Package crypt holds the primitives that the security module, EMV security and the emulated card share: TDES, the retail
// MAC, paddings, parity and check values. It knows no keys by name and keeps nothing; who owns a key is the caller's matter.
//
// Standards: ISO 9797-1 (MAC algorithm 3, padding methods 1 and 2), X9.19, X9.24-1 (check values), SP 800-67 (TDES).
// None of it is meant to protect live data: posim works on published test keys.
package crypt

import (
	"crypto/cipher"
	"crypto/des"
	"fmt"
	"math/bits"
)

// NewTDES returns the TDES block cipher of a 16-byte (K1 K2 K1) or 24-byte key.
// Making one costs three DES key schedules: keep it.
func NewTDES(key []byte) (cipher.Block, error) {
	switch len(key) {
	case 16:
		var k [24]byte
		copy(k[:], key)
		copy(k[16:], key[:8])
		return des.NewTripleDESCipher(k[:])
	case 24:
		return des.NewTripleDESCipher(key)
	}
	return nil, fmt.Errorf("crypt: TDES key of %d bytes: want 16 or 24", len(key))
}

// RetailMAC is ISO 9797-1 MAC algorithm 3 (X9.19) under one double-length key whose schedules are kept.
type RetailMAC struct{ k1, k2 cipher.Block }

// NewRetailMAC takes a 16-byte key.
func NewRetailMAC(key []byte) (*RetailMAC, error) {
	if len(key) != 16 {
		return nil, fmt.Errorf("crypt: retail MAC key of %d bytes: want 16", len(key))
	}
	k1, err := des.NewCipher(key[:8])
	if err != nil {
		return nil, err
	}
	k2, err := des.NewCipher(key[8:])
	if err != nil {
		return nil, err
	}
	return &RetailMAC{k1, k2}, nil
}

// Sum writes the MAC of data with padding method 1: zeros to a whole block; empty data is one zero block.
func (r *RetailMAC) Sum(dst *[8]byte, data []byte) {
	rest := r.chain(dst, data)
	if len(rest) > 0 || len(data) == 0 {
		xor(dst, rest)
		r.k1.Encrypt(dst[:], dst[:])
	}
	r.finish(dst)
}

// Sum2 writes the MAC of data with padding method 2: a byte 80, then zeros to a whole block.
func (r *RetailMAC) Sum2(dst *[8]byte, data []byte) {
	rest := r.chain(dst, data)
	xor(dst, rest)
	dst[len(rest)] ^= 0x80
	r.k1.Encrypt(dst[:], dst[:])
	r.finish(dst)
}

// CheckValue is the X9.24-1 check value of the key: the first three bytes of a zero block encrypted by TDES with K1 K2 K1.
func (r *RetailMAC) CheckValue() (v [3]byte) {
	var h [8]byte
	r.k1.Encrypt(h[:], h[:])
	r.finish(&h)
	copy(v[:], h[:])
	return v
}

// chain runs the whole blocks of data and returns what is left, shorter than a block.
func (r *RetailMAC) chain(h *[8]byte, data []byte) []byte {
	*h = [8]byte{}
	for len(data) >= 8 {
		xor(h, data[:8])
		data = data[8:]
		r.k1.Encrypt(h[:], h[:])
	}
	return data
}

func (r *RetailMAC) finish(h *[8]byte) {
	r.k2.Decrypt(h[:], h[:])
	r.k1.Encrypt(h[:], h[:])
}

func xor(h *[8]byte, p []byte) {
	for i, c := range p {
		h[i] ^= c
	}
}

// CheckValue is the X9.24-1 check value: the first three bytes of an encrypted zero block.
func CheckValue(b cipher.Block) (v [3]byte) {
	block := make([]byte, b.BlockSize())
	b.Encrypt(block, block)
	copy(v[:], block)
	return v
}

// OddParity sets bit 0 of every byte so that the byte has odd parity, in place.
func OddParity(key []byte) {
	for i, c := range key {
		if bits.OnesCount8(c)&1 == 0 {
			key[i] = c ^ 1
		}
	}
}

// EncryptECB encrypts src, a whole number of blocks, block by block into dst. dst and src may be the same slice.
func EncryptECB(b cipher.Block, dst, src []byte) { ecb(b.BlockSize(), b.Encrypt, dst, src) }

// DecryptECB undoes EncryptECB.
func DecryptECB(b cipher.Block, dst, src []byte) { ecb(b.BlockSize(), b.Decrypt, dst, src) }

func ecb(n int, f func(dst, src []byte), dst, src []byte) {
	if len(src)%n != 0 || len(dst) < len(src) {
		panic("crypt: ECB needs whole blocks") // a caller's bug: lengths are checked where input enters
	}
	for i := 0; i < len(src); i += n {
		f(dst[i:i+n], src[i:i+n])
	}
}
