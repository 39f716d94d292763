package dukpt

import (
	"errors"
	"fmt"

	"github.com/posim/posim/internal/crypt"
)

// ErrUse is a working key that the standards do not know: a use or an algorithm that the derivation key cannot serve.
var ErrUse = errors.New("dukpt: working key")

// Use is what a working key is for. Request is what the terminal makes (and the host checks or decrypts), Response the other
// way, Both one key for both ways.
type Use uint8

// The uses of working keys. KeyEncryption is of AES DUKPT only.
const (
	PIN Use = 1 + iota
	MACRequest
	MACResponse
	MACBoth
	DataRequest
	DataResponse
	DataBoth
	KeyEncryption
)

// use is a Use in the standards' terms.
type use struct {
	name      string
	indicator uint16 // X9.24-3, 6.3
	tdes      int    // X9.24-1, A.4.1: the byte of each half that is XORed with FF; 0: not there
	data      bool   // X9.24-1: encrypted under itself
}

// X9.24-1 has one MAC key and one data key for "request or both ways".
var uses = [...]use{
	PIN:           {"PIN", 0x1000, 7, false},
	MACRequest:    {"MAC request", 0x2000, 6, false},
	MACResponse:   {"MAC response", 0x2001, 4, false},
	MACBoth:       {"MAC both ways", 0x2002, 6, false},
	DataRequest:   {"data request", 0x3000, 5, true},
	DataResponse:  {"data response", 0x3001, 3, true},
	DataBoth:      {"data both ways", 0x3002, 5, true},
	KeyEncryption: {"key encryption", 0x0002, 0, false},
}

func (u Use) facts() use {
	if int(u) >= len(uses) {
		return use{}
	}
	return uses[u]
}

// String names the use: "PIN", "MAC request", "data both ways".
func (u Use) String() string {
	if f := u.facts(); f.name != "" {
		return f.name
	}
	return fmt.Sprintf("Use(%d)", uint8(u))
}

// WorkingKey is the key for one use of one transaction, from its transaction key; the slice is the caller's. With TDES DUKPT
// a is TDES2. With AES DUKPT a may be anything not stronger than the transaction key (X9.24-3), HMAC for MACs only.
// ErrKSN when k has no transaction key, ErrKey by length, ErrUse.
func WorkingKey(txn []byte, k KSN, u Use, a Algorithm) ([]byte, error) {
	if err := k.Valid(); err != nil {
		return nil, err
	}
	d, err := derivation("transaction key", k, len(txn))
	if err != nil {
		return nil, err
	}
	var n node
	defer n.wipe()
	return n.working(nil, d, txn, k, u, a)
}

// working appends the working key to dst.
func (n *node) working(dst []byte, d Algorithm, txn []byte, k KSN, u Use, a Algorithm) ([]byte, error) {
	if err := permitted(d, u, a); err != nil {
		return dst, err
	}
	at := len(dst)
	dst = append(dst, make([]byte, a.Size())...)
	if d == TDES2 {
		return dst, variantKey(dst[at:], txn, u.facts())
	}
	if err := n.load(d, txn); err != nil {
		return dst[:at], err
	}
	n.expand(dst[at:], u.facts().indicator, a, k.tail())
	return dst, nil
}

// permitted tells whether a derivation key of algorithm d serves u under a.
func permitted(d Algorithm, u Use, a Algorithm) error {
	switch f := u.facts(); {
	case f.name == "" || a.Size() == 0:
		return fmt.Errorf("%w: %v for %v: no such use or algorithm", ErrUse, a, u)
	case d == TDES2 && (f.tdes == 0 || a != TDES2):
		return fmt.Errorf("%w: %v for %v: want TDES2 for PIN, MAC or data (TDES DUKPT)", ErrUse, a, u)
	case a.facts().strength > d.facts().strength:
		return fmt.Errorf("%w: %v for %v: want nothing stronger than the derivation key, %v", ErrUse, a, u, d)
	case a.hmac() && (u < MACRequest || u > MACBoth):
		return fmt.Errorf("%w: %v for %v: want HMAC for a MAC only", ErrUse, a, u)
	}
	return nil
}

// variantKey is a working key of X9.24-1, A.4.1: one byte of each half inverted; for data, each half then encrypted under
// the whole.
func variantKey(dst, txn []byte, f use) error {
	copy(dst, txn)
	dst[f.tdes] ^= 0xFF
	dst[8+f.tdes] ^= 0xFF
	if !f.data {
		return nil
	}
	b, err := crypt.NewTDES(dst)
	if err != nil {
		return err
	}
	crypt.EncryptECB(b, dst, dst)
	return nil
}
