package crypt

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
)

// MAC makes message authentication codes under one key whose schedules are kept. Nothing but its maker is asked for a key.
// One goroutine uses it at a time.
type MAC interface {
	// Size is the length of the whole code in bytes.
	Size() int
	// Sum fills dst, at most Size bytes, with the leftmost bytes of the code of data. It does not allocate.
	Sum(dst, data []byte)
}

// largest is the largest cipher block in bytes, so that the work of a MAC has a place of its own.
const largest = 16

// chain is the work of a cipher block chain that begins with zeros.
type chain struct {
	b cipher.Block
	n int
	h [largest]byte
}

func newChain(b cipher.Block) chain { return chain{b: b, n: b.BlockSize()} }

// begin starts a new code; with padding method 3 its first block is the length of data in bits.
func (c *chain) begin(p Padding, data []byte) {
	c.h = [largest]byte{}
	if p == Padding3 {
		binary.BigEndian.PutUint64(c.h[c.n-8:], 8*uint64(len(data)))
		c.encrypt()
	}
}

// blocks takes the whole blocks of data, all but the last keep bytes, and returns what is left.
func (c *chain) blocks(data []byte, keep int) []byte {
	for len(data) >= c.n+keep {
		subtle.XORBytes(c.h[:c.n], c.h[:c.n], data[:c.n])
		data = data[c.n:]
		c.encrypt()
	}
	return data
}

// end takes the rest, padded.
func (c *chain) end(p Padding, rest []byte, empty bool) {
	subtle.XORBytes(c.h[:], c.h[:], rest)
	switch {
	case p == Padding2:
		c.h[len(rest)] ^= 0x80
		c.encrypt()
	case len(rest) > 0, empty && p == Padding1:
		c.encrypt()
	}
}

func (c *chain) encrypt() { c.b.Encrypt(c.h[:c.n], c.h[:c.n]) }

// CBCMAC is ISO 9797-1 MAC algorithm 1: the last block of a cipher block chain. With DES it is ANSI X9.9.
type CBCMAC struct {
	chain
	padding Padding
}

// NewCBCMAC returns the MAC under a cipher whose schedule is kept.
func NewCBCMAC(b cipher.Block, p Padding) *CBCMAC { return &CBCMAC{newChain(b), p} }

// Size is the cipher's block.
func (m *CBCMAC) Size() int { return m.n }

// Sum fills dst with the leftmost bytes of the code.
func (m *CBCMAC) Sum(dst, data []byte) {
	m.begin(m.padding, data)
	m.end(m.padding, m.blocks(data, 0), len(data) == 0)
	copy(dst, m.h[:m.n])
}

// RetailMAC is ISO 9797-1 MAC algorithm 3 (X9.19) under one double-length key whose schedules are kept. It is safe for
// concurrent use.
type RetailMAC struct{ k1, k2 DES }

// NewRetailMAC takes a 16-byte key.
func NewRetailMAC(key []byte) (*RetailMAC, error) {
	if len(key) != 16 {
		return nil, fmt.Errorf("crypt: retail MAC key of %d bytes: want 16", len(key))
	}
	r := &RetailMAC{}
	r.k1.Expand((*[8]byte)(key))
	r.k2.Expand((*[8]byte)(key[8:]))
	return r, nil
}

// Sum writes the MAC of data with padding method 1: zeros to a whole block; empty data is one zero block.
func (r *RetailMAC) Sum(dst *[8]byte, data []byte) {
	h, rest := r.blocks(0, data)
	if len(rest) > 0 || len(data) == 0 {
		h = r.k1.Encrypt(h ^ padded(rest))
	}
	r.finish(dst, h)
}

// Sum2 writes the MAC of data with padding method 2: a byte 80, then zeros to a whole block.
func (r *RetailMAC) Sum2(dst *[8]byte, data []byte) {
	h, rest := r.blocks(0, data)
	r.finish(dst, r.k1.Encrypt(h^padded(rest)^0x80<<(56-8*len(rest))))
}

// Sum3 writes the MAC of data with padding method 3: the length in bits, then data, then zeros to a whole block.
func (r *RetailMAC) Sum3(dst *[8]byte, data []byte) {
	h, rest := r.blocks(r.k1.Encrypt(8*uint64(len(data))), data)
	if len(rest) > 0 {
		h = r.k1.Encrypt(h ^ padded(rest))
	}
	r.finish(dst, h)
}

// CheckValue is the X9.24-1 check value of the key: the first three bytes of a zero block encrypted by TDES with K1 K2 K1.
func (r *RetailMAC) CheckValue() (v [3]byte) {
	var h [8]byte
	r.finish(&h, r.k1.Encrypt(0))
	copy(v[:], h[:])
	return v
}

// blocks runs the whole blocks of data from h on and returns what is left, shorter than a block.
func (r *RetailMAC) blocks(h uint64, data []byte) (uint64, []byte) {
	left, right := desInput(h) // and stays between the permutations, which would undo each other from block to block
	for len(data) >= desBlock {
		a, b := desInput(binary.BigEndian.Uint64(data))
		left, right = r.k1.encipher(left^a, right^b)
		data = data[desBlock:]
	}
	return desOutput(left, right), data
}

func (r *RetailMAC) finish(dst *[8]byte, h uint64) {
	binary.BigEndian.PutUint64(dst[:], r.k1.Encrypt(r.k2.Decrypt(h)))
}

// padded is less than a block with zeros behind it.
func padded(rest []byte) (v uint64) {
	for i, c := range rest {
		v |= uint64(c) << (56 - 8*i)
	}
	return v
}

// Padded gives the retail MAC with one of the padding methods as a MAC.
func (r *RetailMAC) Padded(p Padding) MAC { return &paddedRetailMAC{r: r, padding: p} }

type paddedRetailMAC struct {
	r       *RetailMAC
	padding Padding
	h       [8]byte
}

func (m *paddedRetailMAC) Size() int { return len(m.h) }

func (m *paddedRetailMAC) Sum(dst, data []byte) {
	switch m.padding {
	case Padding2:
		m.r.Sum2(&m.h, data)
	case Padding3:
		m.r.Sum3(&m.h, data)
	default:
		m.r.Sum(&m.h, data)
	}
	copy(dst, m.h[:])
}

// CMAC is the MAC of SP 800-38B (ISO 9797-1 algorithm 5) under TDES, AES or SM4.
type CMAC struct {
	chain
	k1, k2 [largest]byte // the subkeys of a whole and of a broken last block
}

// NewCMAC returns the MAC under a cipher whose schedule is kept.
func NewCMAC(b cipher.Block) *CMAC {
	m := &CMAC{chain: newChain(b)}
	m.encrypt() // zeros
	m.k1 = m.doubled(m.h)
	m.k2 = m.doubled(m.k1)
	return m
}

// doubled multiplies by x in the field of the block's size (SP 800-38B, 5.3 and 6.1), in constant time.
func (m *CMAC) doubled(a [largest]byte) (d [largest]byte) {
	for i := range m.n {
		d[i] = a[i] << 1
		if i+1 < m.n {
			d[i] |= a[i+1] >> 7
		}
	}
	r := byte(0x87)
	if m.n == 8 {
		r = 0x1B
	}
	d[m.n-1] ^= r & -(a[0] >> 7)
	return d
}

// Size is the cipher's block.
func (m *CMAC) Size() int { return m.n }

// Sum fills dst with the leftmost bytes of the code.
func (m *CMAC) Sum(dst, data []byte) {
	m.begin(Padding1, nil)
	rest := m.blocks(data, 1)
	subtle.XORBytes(m.h[:], m.h[:], rest)
	k := &m.k1
	if len(rest) < m.n {
		m.h[len(rest)] ^= 0x80
		k = &m.k2
	}
	subtle.XORBytes(m.h[:], m.h[:], k[:])
	m.encrypt()
	copy(dst, m.h[:m.n])
}

// HMAC is the MAC of FIPS 198-1.
type HMAC struct {
	h   hash.Hash
	sum []byte
}

// NewHMAC returns the MAC over a hash.
func NewHMAC(h func() hash.Hash, key []byte) *HMAC { return &HMAC{h: hmac.New(h, key)} }

// Size is the hash's.
func (m *HMAC) Size() int { return m.h.Size() }

// Sum fills dst with the leftmost bytes of the code.
func (m *HMAC) Sum(dst, data []byte) {
	m.h.Reset()
	m.h.Write(data) // a hash does not fail
	m.sum = m.h.Sum(m.sum[:0])
	copy(dst, m.sum)
}
