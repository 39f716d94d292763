package hsm

import (
	"fmt"
	"io"
)

// maxSeals is how many random nonces one GCM key may have (SP 800-38D, 8.3).
const maxSeals = 1 << 32

// Seal encrypts plain and authenticates it together with aad (AES-256-GCM, SP 800-38D): nonce of 12 bytes, cryptogram, tag
// of 16. k is a sealing key. The nonce comes from the module's reader; a key seals 2^32 times at most.
func (m *Module) Seal(k Key, aad, plain []byte) ([]byte, error) {
	s, err := m.slot(k, Sealing)
	if err != nil {
		return nil, err
	}
	if s.seals == maxSeals {
		return nil, fmt.Errorf("hsm: seal: key %v is used up", k)
	}
	n := s.aead.NonceSize()
	out := make([]byte, n, n+len(plain)+s.aead.Overhead())
	if _, err := io.ReadFull(m.rand, out); err != nil {
		return nil, fmt.Errorf("hsm: seal: nonce: %w", err)
	}
	s.seals++
	return s.aead.Seal(out, out, plain, aad), nil
}

// Open undoes Seal: ErrSealed when anything is not as it was sealed.
func (m *Module) Open(k Key, aad, sealed []byte) ([]byte, error) {
	s, err := m.slot(k, Sealing)
	if err != nil {
		return nil, err
	}
	n := s.aead.NonceSize()
	if len(sealed) < n+s.aead.Overhead() {
		return nil, ErrSealed
	}
	plain, err := s.aead.Open(nil, sealed[:n], sealed[n:], aad)
	if err != nil {
		return nil, ErrSealed // the cipher's own error says no more
	}
	return plain, nil
}
