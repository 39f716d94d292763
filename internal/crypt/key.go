package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
	"math/bits"
)

// CheckValue is the X9.24-1 check value: the first three bytes of an encrypted zero block.
func CheckValue(b cipher.Block) (v [3]byte) {
	copy(v[:], LegacyCheckValue(b, len(v)))
	return v
}

// LegacyCheckValue is the first n bytes, at most a block, of an encrypted zero block (X9.24-1); some zones send more than three.
func LegacyCheckValue(b cipher.Block, n int) []byte {
	block := make([]byte, b.BlockSize())
	b.Encrypt(block, block)
	return block[:n]
}

// CMACCheckValue is the check value of X9.24-3 and X9.143: the first five bytes of the CMAC of a zero block.
func CMACCheckValue(b cipher.Block) (v [5]byte) {
	NewCMAC(b).Sum(v[:], make([]byte, b.BlockSize()))
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

// HasOddParity tells whether every byte has odd parity, as those of a DES key.
func HasOddParity(key []byte) bool {
	even := 0
	for _, c := range key {
		even |= bits.OnesCount8(c)&1 ^ 1
	}
	return even == 0
}

// EqualParts tells whether two 8-byte parts of a TDES key are equal, which makes it a weaker cipher than it says.
func EqualParts(key []byte) bool {
	for i := 0; i+8 <= len(key); i += 8 {
		for j := 0; j < i; j += 8 {
			if subtle.ConstantTimeCompare(key[i:i+8], key[j:j+8]) == 1 {
				return true
			}
		}
	}
	return false
}

// WeakDES tells whether key, of 8 bytes with odd parity, is one of the 64 weak, semi-weak and possibly weak DES keys
// (SP 800-67, 3.4.2).
//
// It knows them by their build: each of the four left bytes is 01, 1F, E0 or FE; the right bytes say the same in their own
// spelling, 01, 0E, F1 or FE; and with the four spellings counted 0 to 3 the left bytes XOR to zero.
func WeakDES(key []byte) bool {
	const left, right = "\x01\x1F\xE0\xFE", "\x01\x0E\xF1\xFE"
	if len(key) != 8 {
		return false
	}
	sum := 0
	for i := range 4 {
		n := -1
		for j := range 4 {
			if key[i] == left[j] && key[4+i] == right[j] {
				n = j
			}
		}
		if n < 0 {
			return false
		}
		sum ^= n
	}
	return sum == 0
}

// WeakTDES tells whether a part of a TDES key with odd parity is weak (WeakDES), or two are equal (EqualParts).
func WeakTDES(key []byte) bool {
	for i := 0; i+8 <= len(key); i += 8 {
		if WeakDES(key[i : i+8]) {
			return true
		}
	}
	return EqualParts(key)
}
