package hsm

import (
	"crypto/subtle"
	"fmt"
)

// MAC writes the retail MAC of data (X9.19: ISO 9797-1 algorithm 3, padding method 1) to dst. k is a MAC key.
// It does not allocate.
func (m *Module) MAC(k Key, dst *[8]byte, data []byte) error {
	s, err := m.slot(k, MAC)
	if err != nil {
		return err
	}
	s.mac.Sum(dst, data)
	return nil
}

// VerifyMAC compares mac, eight bytes, with the MAC of data, in constant time: ErrMAC when they differ.
func (m *Module) VerifyMAC(k Key, mac, data []byte) error {
	s, err := m.slot(k, MAC)
	if err != nil {
		return err
	}
	if len(mac) != len(m.work) {
		return fmt.Errorf("%w: %d bytes: want %d", ErrMAC, len(mac), len(m.work))
	}
	s.mac.Sum(&m.work, data)
	ok := subtle.ConstantTimeCompare(m.work[:], mac) == 1
	m.work = [8]byte{} // the right MAC of a message that failed is worth having
	if !ok {
		return ErrMAC
	}
	return nil
}
