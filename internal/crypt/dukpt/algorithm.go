package dukpt

import (
	"errors"
	"fmt"
)

// ErrKey is a key whose length no algorithm here has. The text names the key and what was expected, never the key.
var ErrKey = errors.New("dukpt: key")

// Algorithm is what a key is for, with its length. TDES2 and the AES ones are also what derives.
type Algorithm uint8

// The algorithms of X9.24-3, 6.2.1. TDES DUKPT knows TDES2 only.
const (
	TDES2 Algorithm = 1 + iota
	TDES3
	AES128
	AES192
	AES256
	HMAC128
	HMAC192
	HMAC256
)

// algorithm is an Algorithm in the derivation data of X9.24-3, 6.2 and 6.3.
type algorithm struct {
	name     string
	size     int    // bytes
	code     uint16 // algorithm indicator
	strength int    // bits, SP 800-57
}

var algorithms = [...]algorithm{
	TDES2:   {"TDES2", 16, 0, 80},
	TDES3:   {"TDES3", 24, 1, 112},
	AES128:  {"AES128", 16, 2, 128},
	AES192:  {"AES192", 24, 3, 192},
	AES256:  {"AES256", 32, 4, 256},
	HMAC128: {"HMAC128", 16, 5, 128},
	HMAC192: {"HMAC192", 24, 5, 192},
	HMAC256: {"HMAC256", 32, 5, 256},
}

// ParseAlgorithm reads a name as String gives it.
func ParseAlgorithm(name string) (Algorithm, error) {
	for a := TDES2; a <= HMAC256; a++ {
		if algorithms[a].name == name {
			return a, nil
		}
	}
	return 0, fmt.Errorf("dukpt: algorithm %q: want TDES2, TDES3, AES128, AES192, AES256, HMAC128, HMAC192 or HMAC256", name)
}

// facts is the zero algorithm for what is none.
func (a Algorithm) facts() algorithm {
	if int(a) >= len(algorithms) {
		return algorithm{}
	}
	return algorithms[a]
}

// Size is the key's length in bytes, 0 for what is no algorithm.
func (a Algorithm) Size() int { return a.facts().size }

// String is the name: "TDES2", "AES128", "HMAC256".
func (a Algorithm) String() string {
	if f := a.facts(); f.size != 0 {
		return f.name
	}
	return fmt.Sprintf("Algorithm(%d)", uint8(a))
}

// hmac tells whether a serves MACs only.
func (a Algorithm) hmac() bool { return a >= HMAC128 }

// derivationTDES is the algorithm of a TDES derivation key of n bytes. X9.24-1 knows double-length keys only.
func derivationTDES(what string, n int) (Algorithm, error) {
	if n != TDES2.Size() {
		return 0, fmt.Errorf("%w: %s of %d bytes: want %d (TDES)", ErrKey, what, n, TDES2.Size())
	}
	return TDES2, nil
}

// derivationAES is the algorithm of an AES derivation key of n bytes.
func derivationAES(what string, n int) (Algorithm, error) {
	for a := AES128; a <= AES256; a++ {
		if a.Size() == n {
			return a, nil
		}
	}
	return 0, fmt.Errorf("%w: %s of %d bytes: want 16, 24 or 32 (AES)", ErrKey, what, n)
}

// derivation is the algorithm of a derivation key of n bytes that belongs to k: the KSN's length tells TDES from AES.
func derivation(what string, k KSN, n int) (Algorithm, error) {
	if k.AES() {
		return derivationAES(what, n)
	}
	return derivationTDES(what, n)
}
