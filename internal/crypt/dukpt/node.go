package dukpt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"
	"encoding/binary"
)

const (
	tdesRegisters = 21
	aesRegisters  = 32
	maxKey        = 32
)

// mask is what X9.24-1, annex A, XORs to each half of a key for the left half of the key below it, and to the BDK for the
// right half of an initial key.
var mask = [8]byte{0xC0, 0xC0, 0xC0, 0xC0}

// Key usage indicators of X9.24-3, 6.3, for keys that derive; use.go has those of working keys.
const (
	keyDerivation        = 0x8000
	keyDerivationInitial = 0x8001
)

// node is a derivation key with its schedules ready: all keys below it in the tree of counters come from these. It works in
// memory of its own, because what goes through a cipher.Block moves to the heap; it is no secret's home: wipe it.
type node struct {
	alg             Algorithm
	key, masked     cipher.Block // AES: key alone. TDES: the left half, and the left half under the mask
	right           [8]byte      // TDES: the right half
	in, out, scaled [16]byte     // work space
}

// load makes key, of algorithm a, ready.
func (n *node) load(a Algorithm, key []byte) (err error) {
	n.alg = a
	if a != TDES2 {
		n.key, err = aes.NewCipher(key)
		return err
	}
	if n.key, err = des.NewCipher(key[:8]); err != nil {
		return err
	}
	subtle.XORBytes(n.in[:8], key[:8], mask[:])
	if n.masked, err = des.NewCipher(n.in[:8]); err != nil {
		return err
	}
	copy(n.right[:], key[8:])
	return nil
}

// child writes to dst the derivation key of a counter that has one one-bit more than the node's own, below all of its bits.
// dst may be the bytes that were loaded.
func (n *node) child(dst []byte, k KSN, counter uint32) {
	k = k.with(counter)
	if n.alg != TDES2 {
		n.expand(dst, keyDerivation, n.alg, k.b[4:])
		return
	}
	// The non-reversible key generation of X9.24-1, annex A, on the right 64 bits of the KSN, once for each half.
	serial := k.b[2:tdesKSNSize]
	n.half(dst[8:16], n.key, n.right[:], serial)
	subtle.XORBytes(n.scaled[:8], n.right[:], mask[:])
	n.half(dst[:8], n.masked, n.scaled[:8], serial)
}

// half is the one-way step: dst = E(serial xor right) xor right.
func (n *node) half(dst []byte, left cipher.Block, right, serial []byte) {
	subtle.XORBytes(n.in[:8], serial, right)
	left.Encrypt(n.out[:8], n.in[:8])
	subtle.XORBytes(dst, n.out[:8], right)
}

// expand writes to dst, of a.Size() bytes, the key that an AES node derives for a usage indicator: X9.24-3, 6.3. The
// derivation data ends with the 8 bytes of id.
func (n *node) expand(dst []byte, usage uint16, a Algorithm, id []byte) {
	size := a.Size()
	n.in[0] = 1 // version
	binary.BigEndian.PutUint16(n.in[2:], usage)
	binary.BigEndian.PutUint16(n.in[4:], a.facts().code)
	binary.BigEndian.PutUint16(n.in[6:], uint16(size*8))
	copy(n.in[8:], id)
	for at, block := 0, byte(1); at < size; at, block = at+16, block+1 {
		n.in[1] = block
		n.key.Encrypt(n.out[:], n.in[:])
		copy(dst[at:size], n.out[:])
	}
}

// wipe forgets the key. The cipher objects are let go: their schedules cannot be overwritten.
func (n *node) wipe() { *n = node{} }
