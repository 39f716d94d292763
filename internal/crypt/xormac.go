package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/hex"
)

// XORMAC is the MAC of the UnionPay terminal dialect, there called "ECB": the blocks of the message, zero padded, are added
// up by XOR; the sum is written as upper-case hexadecimal text; its left half is encrypted, its right half added, the result
// encrypted again; the first eight characters of that as text are the code. It is a weak function (the order of the blocks
// does not matter), and what terminals speak.
type XORMAC struct {
	first, second cipher.Block
	n             int
	steps         XORMACSteps
}

// XORMACSteps is what a XORMAC computes on its way: each of as many bytes as the cipher's block, Text of twice as many.
type XORMACSteps struct {
	XOR, Text, First, Sum, Second []byte
}

// NewXORMAC takes the ciphers of its two passes, of the same block size: mostly twice the same. There are hosts that keep a
// double-length key and use it whole in the first pass, and its left half alone, as DES, in the second.
func NewXORMAC(first, second cipher.Block) *XORMAC {
	n := first.BlockSize()
	if second.BlockSize() != n {
		panic("crypt: the passes of a MAC have ciphers of different blocks") // a caller's bug
	}
	work := make([]byte, 6*n)
	return &XORMAC{first, second, n, XORMACSteps{work[:n], work[n : 3*n], work[3*n : 4*n], work[4*n : 5*n], work[5*n:]}}
}

// Size is eight characters, whatever the block.
func (m *XORMAC) Size() int { return 8 }

// Sum fills dst with the first characters of the code.
func (m *XORMAC) Sum(dst, data []byte) {
	m.run(data)
	var text [2 * largest]byte
	copy(dst, upperHex(text[:2*m.n], m.steps.Second)[:m.Size()])
}

// Steps computes the code of data and returns what there was on the way. It is for whoever compares them; they are
// overwritten by the next code.
func (m *XORMAC) Steps(data []byte) XORMACSteps {
	m.run(data)
	return m.steps
}

func (m *XORMAC) run(data []byte) {
	s := &m.steps
	clear(s.XOR)
	for ; len(data) > m.n; data = data[m.n:] {
		subtle.XORBytes(s.XOR, s.XOR, data[:m.n])
	}
	subtle.XORBytes(s.XOR, s.XOR, data)
	upperHex(s.Text, s.XOR)
	m.first.Encrypt(s.First, s.Text[:m.n])
	subtle.XORBytes(s.Sum, s.First, s.Text[m.n:])
	m.second.Encrypt(s.Second, s.Sum)
}

// upperHex writes src as hexadecimal text.
func upperHex(dst, src []byte) []byte {
	hex.Encode(dst, src)
	for i, c := range dst {
		if c >= 'a' {
			dst[i] = c - 'a' + 'A'
		}
	}
	return dst
}
