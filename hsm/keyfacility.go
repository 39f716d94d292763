package hsm

import (
	"fmt"

	"github.com/posim/posim/internal/crypt/dukpt"
	"github.com/posim/posim/internal/crypt/keyblock"
)

// DeriveInitialKey makes a device's initial key from a base derivation key (B0) and its key serial number, whose counter must be
// zero, and gives it as a TR-31 key block under a key block protection key (K1), with the serial number in it: what a key injection
// facility sends to the device, where ImportKeyBlock takes it. The clear key is nowhere outside.
func (m *Module) DeriveInitialKey(bdk, under Key, ksn []byte) (string, error) {
	s, err := m.slot(bdk, BaseDerivation)
	if err == nil {
		err = s.may(mayDerive)
	}
	if err != nil {
		return "", fmt.Errorf("hsm: initial key: %w", err)
	}
	protection, err := m.slot(under, KeyBlockProtection)
	if err == nil {
		err = protection.may(mayEncrypt)
	}
	if err != nil {
		return "", fmt.Errorf("hsm: initial key: protection key: %w", err)
	}
	serial, err := m.initialKSN(s.a.Algorithm, ksn)
	if err != nil {
		return "", err
	}
	clear, err := s.host.d.InitialKey(nil, serial)
	if err != nil {
		return "", fmt.Errorf("hsm: initial key: %w", err)
	}
	defer wipe(clear)
	version := byte('B')
	if protection.a.Algorithm == AES {
		version = 'D'
	}
	h := keyblock.Header{
		Version: version, Usage: string(InitialKey), Algorithm: byte(s.a.Algorithm), Mode: byte(DeriveOnly), KeyVersion: "00",
		Exportability: byte(NonExportable), Optional: []keyblock.Optional{serialBlock(serial)},
	}
	block, err := keyblock.Wrap(protection.clear, h, clear, keyblock.Padding{Random: m.rand})
	if err != nil {
		return "", fmt.Errorf("%w: initial key: %w", ErrExport, err)
	}
	return block, nil
}

// serialBlock is where a block of an initial key has its serial number.
func serialBlock(k dukpt.KSN) keyblock.Optional {
	b := k.Bytes()
	if k.AES() {
		return keyblock.NewInitialKeyID([8]byte(b))
	}
	return keyblock.NewKSN([10]byte(b))
}
