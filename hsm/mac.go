package hsm

import (
	"crypto/subtle"
	"fmt"

	"github.com/posim/posim/internal/crypt"
)

// MACParams say what a MAC is beyond its key, whose usage says the algorithm. The zero value is right wherever nothing else
// is agreed.
type MACParams struct {
	// Padding is the padding method of ISO 9797-1, 1 to 3, of algorithms 1 and 3; 0 is method 1. Others have none.
	Padding int
	// LeftHalf has the second pass of an XOR MAC use the left half of a double-length key alone, as some hosts do.
	LeftHalf bool
}

// shortestMAC is the least number of bytes a MAC may be cut to (ISO 9797-1, 5: half a block of DES).
const shortestMAC = 4

// MAC fills mac with the leftmost bytes of the code of data, at least four and at most what the algorithm gives: 8 bytes for
// M1 and M3 (the cipher's block), the block for M6, 32 for M7, 8 characters for the XOR MAC. k is a MAC key that may generate.
// It does not allocate once the key has been used with p.
func (m *Module) MAC(k Key, p MACParams, mac, data []byte) error {
	s, err := m.slot(k, MACAlgorithm3, MACAlgorithm1, CMAC, HMAC, XORMAC)
	if err != nil {
		return err
	}
	if err := s.may(mayGenerate); err != nil {
		return err
	}
	f, err := s.macer(p)
	if err != nil {
		return err
	}
	if len(mac) < shortestMAC || len(mac) > f.Size() {
		return fmt.Errorf("hsm: MAC of %d bytes: want %d to %d", len(mac), shortestMAC, f.Size())
	}
	f.Sum(mac, data)
	return nil
}

// VerifyMAC compares mac with as many bytes of the code of data, in constant time: ErrMAC when they differ. How long a mac must
// be is agreed between two parties and fixed by their format; a mac of less than four bytes is no MAC. k is a MAC key that may
// verify.
func (m *Module) VerifyMAC(k Key, p MACParams, mac, data []byte) error {
	s, err := m.slot(k, MACAlgorithm3, MACAlgorithm1, CMAC, HMAC, XORMAC)
	if err != nil {
		return err
	}
	if err := s.may(mayVerify); err != nil {
		return err
	}
	f, err := s.macer(p)
	if err != nil {
		return err
	}
	if len(mac) < shortestMAC || len(mac) > min(f.Size(), len(m.code)) {
		return fmt.Errorf("%w: %d bytes: want %d to %d", ErrMAC, len(mac), shortestMAC, f.Size())
	}
	want := m.code[:len(mac)]
	f.Sum(want, data)
	ok := subtle.ConstantTimeCompare(want, mac) == 1
	clear(want) // the right MAC of a message that failed is worth having
	if !ok {
		return ErrMAC
	}
	return nil
}

// macer is the key's MAC with parameters; it is made when it is first wanted.
func (s *slot) macer(p MACParams) (crypt.MAC, error) {
	padded := s.a.Usage == MACAlgorithm1 || s.a.Usage == MACAlgorithm3
	switch {
	case p.Padding < 0 || p.Padding > 3:
		return nil, fmt.Errorf("hsm: MAC: padding method %d: want 1 to 3", p.Padding)
	case p.Padding != 0 && !padded:
		return nil, fmt.Errorf("hsm: MAC: padding method %d: a key of usage %s has none", p.Padding, s.a.Usage)
	case p.LeftHalf && (s.a.Usage != XORMAC || s.a.Algorithm != TDES):
		return nil, fmt.Errorf("hsm: MAC: left half: want an XOR MAC key of double length, found %s %v", s.a.Usage, s.a.Algorithm)
	}
	at := 0
	switch {
	case padded:
		at = max(p.Padding, 1)
	case p.LeftHalf:
		at = 1
	}
	if s.macs[at] != nil {
		return s.macs[at], nil
	}
	var err error
	s.macs[at], err = s.newMACer(p, crypt.Padding(at))
	return s.macs[at], err
}

func (s *slot) newMACer(p MACParams, padding crypt.Padding) (crypt.MAC, error) {
	switch s.a.Usage {
	case MACAlgorithm1:
		return crypt.NewCBCMAC(s.block, padding), nil
	case MACAlgorithm3:
		return s.retail.Padded(padding), nil
	case CMAC:
		return crypt.NewCMAC(s.block), nil
	}
	second := s.block
	if p.LeftHalf {
		var err error
		if second, err = crypt.NewDES(s.clear[:8]); err != nil {
			return nil, err
		}
	}
	return crypt.NewXORMAC(s.block, second), nil
}
