package dukpt

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"

	"github.com/posim/posim/internal/crypt"
)

const (
	tdesRegisters = 21
	aesRegisters  = 32
	maxKey        = 32
)

// mask is what X9.24-1, annex A, XORs to each half of a key for the left half of the key below it, and to the BDK for the
// right half of an initial key.
const mask = 0xC0C0C0C000000000

// Key usage indicators of X9.24-3, 6.3, for keys that derive; use.go has those of working keys.
const (
	keyDerivation        = 0x8000
	keyDerivationInitial = 0x8001
)

// node is a derivation key with its schedules ready: all keys below it in the tree of counters come from these. It works in
// memory of its own, because what goes through a cipher.Block moves to the heap; it is no secret's home: wipe it.
type node struct {
	alg          Algorithm
	key          cipher.Block // AES
	left, masked crypt.DES    // TDES: the left half, and the left half under the mask
	right        uint64       // TDES: the right half
	in, out      [16]byte     // work space
}

// load makes key, of algorithm a, ready.
func (n *node) load(a Algorithm, key []byte) (err error) {
	n.alg = a
	if a != TDES2 {
		n.key, err = aes.NewCipher(key)
		return err
	}
	half := (*[8]byte)(n.in[:])
	copy(half[:], key)
	n.left.Expand(half)
	xorMask(half[:], key[:8])
	n.masked.Expand(half)
	n.right = binary.BigEndian.Uint64(key[8:])
	return nil
}

// child writes to dst the derivation key of a counter that has one one-bit more than the node's own, below all of its bits;
// tail is that of the KSN with this counter. dst may be the bytes that were loaded.
func (n *node) child(dst []byte, tail uint64) {
	if n.alg != TDES2 {
		n.expand(dst, keyDerivation, n.alg, tail)
		return
	}
	// The non-reversible key generation of X9.24-1, annex A, once for each half: E(tail xor right) xor right.
	right := n.right
	binary.BigEndian.PutUint64(dst[8:], n.left.Encrypt(tail^right)^right)
	right ^= mask
	binary.BigEndian.PutUint64(dst, n.masked.Encrypt(tail^right)^right)
}

// expand writes to dst, of a.Size() bytes, the key that an AES node derives for a usage indicator (X9.24-3, 6.3). last is
// the end of the derivation data: the initial key ID for an initial key, the tail of the KSN for all others.
func (n *node) expand(dst []byte, usage uint16, a Algorithm, last uint64) {
	size := a.Size()
	n.in[0] = 1 // version
	binary.BigEndian.PutUint16(n.in[2:], usage)
	binary.BigEndian.PutUint16(n.in[4:], a.facts().code)
	binary.BigEndian.PutUint16(n.in[6:], uint16(size*8))
	binary.BigEndian.PutUint64(n.in[8:], last)
	for at, block := 0, byte(1); at < size; at, block = at+16, block+1 {
		n.in[1] = block
		n.key.Encrypt(n.out[:], n.in[:])
		copy(dst[at:size], n.out[:])
	}
}

// xorMask writes key, whole halves, under the mask to dst.
func xorMask(dst, key []byte) {
	for i := 0; i < len(key); i += 8 {
		binary.BigEndian.PutUint64(dst[i:], binary.BigEndian.Uint64(key[i:])^mask)
	}
}

// wipe forgets the key. The schedules of TDES lie in the node and are overwritten; the cipher object of AES is let go: its
// schedule cannot be.
func (n *node) wipe() { *n = node{} }
