package crypt

import (
	"encoding/binary"
	"math/bits"
	"strings"
)

// DES is the schedule of a DES key (FIPS 46-3, SP 800-67). Used by itself it is for a key that encrypts one block, or a
// few, and is gone: that is what each step of a TDES DUKPT derivation does with its keys. Keys that are kept have NewDES and
// NewTDES, which are made of it too. It is here because a schedule of crypto/des takes ten times as long as a block, and a
// house in virtual time makes dozens of keys for a few messages.
//
// It lies in the caller's memory, so that nothing is allocated and the caller can wipe it: assign DES{}. It is
// table driven, as crypto/des is, and so neither is constant time: what lies in the cache afterwards tells of key and block.
type DES struct {
	// Each round's key: S-box inputs of six bits, a byte for each, at the places that desShift tells.
	rounds [16]uint64
}

// Expand makes the schedule of key, whose parity bits do not count. key is not kept.
func (s *DES) Expand(key *[8]byte) {
	var cd uint64 // C, 28 bits, above D, 28 bits, each at the low end of 32
	for i, b := range key {
		cd |= desPC1[i][b>>1]
	}
	for i := range s.rounds {
		n := desRotations >> (2 * i) & 3
		// What leaves a half on the left comes back on its right.
		cd = cd<<n&0x0FFFFFFF_0FFFFFFF | cd>>(28-n)&0x00000003_00000003
		s.rounds[i] = desPC2[0][cd>>53&127] | desPC2[1][cd>>46&127] | desPC2[2][cd>>39&127] | desPC2[3][cd>>32&127] |
			desPC2[4][cd>>21&127] | desPC2[5][cd>>14&127] | desPC2[6][cd>>7&127] | desPC2[7][cd&127]
	}
}

// Encrypt encrypts a block, the standard's bit 1 being the highest.
func (s *DES) Encrypt(block uint64) uint64 {
	return desOutput(s.encipher(desInput(block)))
}

// Decrypt undoes Encrypt.
func (s *DES) Decrypt(block uint64) uint64 {
	return desOutput(s.decipher(desInput(block)))
}

// desInput is a block behind the initial permutation. Both halves go through the rounds rotated by one bit: then the six bits
// that each S-box gets of a half, the expansion E, lie side by side, those of boxes 2, 4, 6, 8 at the low end of the bytes,
// those of 1, 3, 5, 7 four bits higher.
func desInput(block uint64) (l, r uint32) {
	l, r = desInitial(uint32(block>>32), uint32(block))
	return bits.RotateLeft32(l, 1), bits.RotateLeft32(r, 1)
}

// desOutput undoes desInput.
func desOutput(l, r uint32) uint64 {
	l, r = desFinal(bits.RotateLeft32(l, -1), bits.RotateLeft32(r, -1))
	return uint64(l)<<32 | uint64(r)
}

// encipher is the sixteen rounds. After the last the halves do not change places, so that what comes out of one key's rounds
// can go into the next key's: the permutations between them would undo each other.
func (s *DES) encipher(l, r uint32) (uint32, uint32) {
	for _, key := range &s.rounds {
		l, r = r, l^desF(key, r)
	}
	return r, l
}

// decipher is the same, the last round's key first.
func (s *DES) decipher(l, r uint32) (uint32, uint32) {
	for i := len(s.rounds) - 1; i >= 0; i-- {
		l, r = r, l^desF(s.rounds[i], r)
	}
	return r, l
}

// desF is the cipher function f of half a block, rotated, and a round's key.
func desF(key uint64, r uint32) uint32 {
	x := key ^ (uint64(r)<<32 | uint64(bits.RotateLeft32(r, -4)))
	// Summed up as a tree: each round waits for the one before it.
	odd := desSP[0][x>>24&63] ^ desSP[2][x>>16&63] ^ (desSP[4][x>>8&63] ^ desSP[6][x&63])
	even := desSP[1][x>>56&63] ^ desSP[3][x>>48&63] ^ (desSP[5][x>>40&63] ^ desSP[7][x>>32&63])
	return odd ^ even
}

// singleDES is the block cipher of a single-length key.
type singleDES struct{ k DES }

// tripleDES is the block cipher of a key of two or three parts: encrypted, decrypted, encrypted (SP 800-67, 3.1).
type tripleDES struct{ k [3]DES }

const desBlock = 8

func (*singleDES) BlockSize() int { return desBlock }
func (*tripleDES) BlockSize() int { return desBlock }

func (c *singleDES) Encrypt(dst, src []byte) {
	binary.BigEndian.PutUint64(dst, c.k.Encrypt(binary.BigEndian.Uint64(src)))
}

func (c *singleDES) Decrypt(dst, src []byte) {
	binary.BigEndian.PutUint64(dst, c.k.Decrypt(binary.BigEndian.Uint64(src)))
}

func (c *tripleDES) Encrypt(dst, src []byte) {
	l, r := c.k[0].encipher(desInput(binary.BigEndian.Uint64(src)))
	l, r = c.k[2].encipher(c.k[1].decipher(l, r))
	binary.BigEndian.PutUint64(dst, desOutput(l, r))
}

func (c *tripleDES) Decrypt(dst, src []byte) {
	l, r := c.k[2].decipher(desInput(binary.BigEndian.Uint64(src)))
	l, r = c.k[0].decipher(c.k[1].encipher(l, r))
	binary.BigEndian.PutUint64(dst, desOutput(l, r))
}

// desInitial is the initial permutation IP: the block as a matrix of eight by eight bits is transposed, its rows in another
// order. Five exchanges between the halves do that.
func desInitial(l, r uint32) (uint32, uint32) {
	l, r = desExchange(l, r, 4, 0x0F0F0F0F)
	l, r = desExchange(l, r, 16, 0x0000FFFF)
	r, l = desExchange(r, l, 2, 0x33333333)
	r, l = desExchange(r, l, 8, 0x00FF00FF)
	return desExchange(l, r, 1, 0x55555555)
}

// desFinal undoes desInitial.
func desFinal(l, r uint32) (uint32, uint32) {
	l, r = desExchange(l, r, 1, 0x55555555)
	r, l = desExchange(r, l, 8, 0x00FF00FF)
	r, l = desExchange(r, l, 2, 0x33333333)
	l, r = desExchange(l, r, 16, 0x0000FFFF)
	return desExchange(l, r, 4, 0x0F0F0F0F)
}

// desExchange exchanges the bits of b under mask with those of a that are n places higher.
func desExchange(a, b uint32, n int, mask uint32) (uint32, uint32) {
	t := (a>>n ^ b) & mask
	return a ^ t<<n, b ^ t
}

// desShift tells where the input of S-box s, counted from 0, lies in a round key.
func desShift(s int) int { return 24 - 8*(s/2) + 32*(s%2) }

// Tables to look things up in, made from the standard's below: PC-1 and PC-2 by seven bits of what they choose from, and
// each S-box with the permutation P behind it, rotated as the halves are.
var (
	desPC1 = desChoice(desPC1Bits, 8, func(p int) int { return 59 - p - p/28*4 })
	desPC2 = desChoice(desPC2Bits, 7, func(p int) int { return desShift(p/6) + 5 - p%6 })
	desSP  = desBoxes()
)

// desChoice makes a table for each seven bits of a permuted choice's input, of which stride tells how far they are from the
// next seven; place tells where the bit at place p of the choice goes.
func desChoice(choice []byte, stride int, place func(p int) int) (t [8][128]uint64) {
	for p, n := range choice {
		group, bit := int(n-1)/stride, 6-int(n-1)%stride
		for v := range uint64(128) {
			t[group][v] |= v >> bit & 1 << place(p)
		}
	}
	return t
}

func desBoxes() (t [8][64]uint32) {
	for s, box := range desSBoxes {
		for in := range 64 {
			row, column := in>>4&2|in&1, in>>1&15
			out := uint32(strings.IndexByte("0123456789ABCDEF", box[16*row+column])) << (28 - 4*s)
			for p, n := range desPBits {
				t[s][in] |= bits.RotateLeft32(out>>(32-n)&1, 32-p)
			}
		}
	}
	return t
}

// desRotations is how far C and D are rotated before each round, two bits for a round, the first at the low end.
const desRotations uint64 = 0b01_10_10_10_10_10_10_01_10_10_10_10_10_10_01_01

// The standard's tables; it counts bits from 1, the highest. An S-box is its four rows, one after the other.
var (
	desPC1Bits = []byte{
		57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18,
		10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
		63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22,
		14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
	}
	desPC2Bits = []byte{
		14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10,
		23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
		41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48,
		44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
	}
	desPBits = []byte{
		16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
		2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
	}
	desSBoxes = [8]string{
		"E4D12FB83A6C59070F74E2D1A6CB953841E8D62BFC973A50FC8249175B3EA06D",
		"F18E6B34972DC05A3D47F28EC01A69B50E7BA4D158C6932FD8A13F42B67C05E9",
		"A09E63F51DC7B428D709346A285ECBF1D6498F30B12C5AE71AD069874FE3B52C",
		"7DE3069A1285BC4FD8B56F03472C1AE9A690CB7DF13E52843F06A1D8945BC72E",
		"2C417AB6853FD0E9EB2C47D150FA3986421BAD78F9C5630EB8C71E2D6F09A453",
		"C1AF92680D34E75BAF427C9561DE0B389EF528C3704A1DB6432C95FABE17608D",
		"4B2EF08D3C975A61D0B7491AE35C2F8614BDC37EAF6805926BD814A7950FE23C",
		"D2846FB1A93E50C71FD8A374C56B0E927B419CE206ADF35821E74A8DFC90356B",
	}
)
