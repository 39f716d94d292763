package hsm

import (
	"errors"
	"fmt"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/keyblock"
)

// hmacHash is the hash that this module's HMAC keys are for.
const hmacHash, hmacHashCode = "SHA-256", "21"

// ImportKeyBlock takes a key out of a TR-31 key block (X9.143; versions A, B, C and D) that is under a key block protection key,
// with the attributes that the block binds to it, and stores it; with a label, if there is one, as Install does. An initial key's
// serial number is in the block: KS for TDES, IK for AES. ErrKeyBlock for a block that is altered or is none; ErrAttributes for a
// usage or mode that this module has no place for; ErrParity for a TDES key that was wrapped with wrong parity.
func (m *Module) ImportKeyBlock(label string, under Key, block string) (Key, error) {
	s, err := m.slot(under, KeyBlockProtection)
	if err == nil {
		err = s.may(mayDecrypt)
	}
	if err != nil {
		return Key{}, fmt.Errorf("hsm: import: protection key: %w", err)
	}
	if err := m.unused(label); err != nil {
		return Key{}, err
	}
	h, clear, err := keyblock.Unwrap(s.clear, block)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrKeyBlock, err)
	}
	defer wipe(clear)
	a := Attributes{Usage: Usage(h.Usage), Algorithm: Algorithm(h.Algorithm), Mode: Mode(h.Mode), Exportability: Exportability(h.Exportability)}
	if a.Usage == InitialKey {
		ksn, err := blockKSN(h, a.Algorithm)
		if err != nil {
			return Key{}, err
		}
		return m.installInitialKey(label, a, clear, ksn)
	}
	if (a.Algorithm == TDES || a.Algorithm == DES) && !crypt.HasOddParity(clear) {
		return Key{}, fmt.Errorf("%w: %v in a key block: want odd parity in every byte", ErrParity, a)
	}
	if o, ok := h.Find("HM"); ok && a.Usage == HMAC {
		if hash, err := o.Hash(); err != nil || hash != hmacHash {
			return Key{}, fmt.Errorf("%w: HMAC key of a key block for %q: want %s", ErrAttributes, hash, hmacHash)
		}
	}
	k, err := m.put(a, append([]byte(nil), clear...))
	if err != nil {
		return Key{}, fmt.Errorf("hsm: import: %w", err)
	}
	return m.labelled(label, k)
}

// blockKSN is the serial number that a block of an initial key carries: a whole one, or of AES the 8 bytes that identify the key.
func blockKSN(h keyblock.Header, a Algorithm) ([]byte, error) {
	id, read := "KS", func(o keyblock.Optional) ([]byte, error) {
		ksn, err := o.KSN()
		return ksn[:], err
	}
	if a == AES {
		id, read = "IK", func(o keyblock.Optional) ([]byte, error) {
			key, err := o.InitialKeyID()
			return append(key[:], 0, 0, 0, 0), err
		}
	}
	o, ok := h.Find(id)
	if !ok {
		return nil, fmt.Errorf("%w: key block of an initial key for %v: no optional block %s", ErrKSN, a, id)
	}
	ksn, err := read(o)
	if err != nil {
		return nil, fmt.Errorf("%w: optional block %s: %w", ErrKSN, id, err)
	}
	return ksn, nil
}

// ExportKeyBlock wraps k as a TR-31 key block of version 'A' to 'D' under a key block protection key, with its attributes.
// ErrExport for a key that may not leave the module, for a DUKPT device's, and for one that is stronger than its protection.
func (m *Module) ExportKeyBlock(k, under Key, version byte) (string, error) {
	protection, err := m.slot(under, KeyBlockProtection)
	if err == nil {
		err = protection.may(mayEncrypt)
	}
	if err != nil {
		return "", fmt.Errorf("hsm: export: protection key: %w", err)
	}
	s, err := m.slot(k)
	if err != nil {
		return "", fmt.Errorf("hsm: export: %w", err)
	}
	if s.a.Exportability == NonExportable || s.device != nil || s.clear == nil {
		return "", fmt.Errorf("%w: %v: want a key of exportability E or S", ErrExport, k)
	}
	h := keyblock.Header{
		Version: version, Usage: string(s.a.Usage), Algorithm: byte(s.a.Algorithm), Mode: byte(s.a.Mode),
		KeyVersion: "00", Exportability: byte(s.a.Exportability),
	}
	if s.a.Usage == HMAC {
		h.Optional = append(h.Optional, keyblock.Optional{ID: "HM", Data: hmacHashCode})
	}
	block, err := keyblock.Wrap(protection.clear, h, s.clear, keyblock.Padding{Random: m.rand})
	switch {
	case errors.Is(err, keyblock.ErrStrength):
		return "", fmt.Errorf("%w: %w", ErrExport, err)
	case err != nil:
		return "", fmt.Errorf("hsm: export: %w", err)
	}
	return block, nil
}
