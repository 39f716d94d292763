package security

import (
	"fmt"

	"github.com/posim/posim/internal/crypt"
)

// maxTreeHeight is the height of the tallest tree that 65,536 transactions need: the one that branches in two.
const maxTreeHeight = 16

// TreeSessionKey derives a 16-byte session key with odd parity by the tree of EMV 2000 (Book 2, A1.3 of that edition; EMV
// 4.1 and later have only CommonSessionKey). mk is the 16-byte ICC master key and the root; the tree has height levels
// below it, each key with branch children, and needs branch to the power of height to be at least 65,536: 2 and 16, or 4
// and 8. iv stands for the key above the root: 16 bytes, nil for zeros.
func TreeSessionKey(mk []byte, atc [2]byte, branch, height int, iv []byte) ([]byte, error) {
	if iv == nil {
		iv = make([]byte, doubleLength)
	}
	if len(mk) != doubleLength || len(iv) != doubleLength {
		return nil, fmt.Errorf("security: session key tree: key of %d and initial value of %d bytes: want %d", len(mk), len(iv), doubleLength)
	}
	if branch < 2 || branch > 1<<8 || height < 1 || height > maxTreeHeight {
		return nil, fmt.Errorf("security: session key tree: branch %d, height %d: want at least 2, and 1 to %d", branch, height, maxTreeHeight)
	}
	leaves := 1
	for range height {
		leaves = min(leaves*branch, 1<<16)
	}
	if leaves < 1<<16 {
		return nil, fmt.Errorf("security: session key tree: branch %d, height %d: want at least %d keys", branch, height, 1<<16)
	}
	// The way down: at each level the ATC's digit to the base of branch says which child.
	var digits [maxTreeHeight]byte
	for n, i := int(atc[0])<<8|int(atc[1]), height-1; i >= 0; i-- {
		digits[i] = byte(n % branch)
		n /= branch
	}
	above, key := [doubleLength]byte(iv), [doubleLength]byte(mk)
	var last [doubleLength]byte // the key two levels above key
	for _, digit := range digits[:height] {
		last, above, key = above, key, treeChild(key, above, digit)
	}
	session := make([]byte, doubleLength)
	for i := range session {
		session[i] = key[i] ^ last[i]
	}
	crypt.OddParity(session)
	return session, nil
}

// treeChild is the child of a key and its own parent.
func treeChild(key, parent [doubleLength]byte, digit byte) [doubleLength]byte {
	parent[7] ^= digit
	parent[15] ^= digit ^ 0xF0
	crypt.EncryptECB(mustTDES(key[:]), parent[:], parent[:])
	return parent
}
