package hsm

import (
	"crypto/subtle"
	"fmt"

	"github.com/posim/posim/internal/pan"
)

// EncryptPIN enciphers the PIN that the keypad holds for card p: ISO 9564-1 format 0, TDES. k is a PIN encryption key.
// The entry is wiped whatever the outcome, once it is this module's own. ErrNoPIN unless it is Entered.
func (m *Module) EncryptPIN(k Key, pad *Keypad, p pan.PAN) (block [8]byte, err error) {
	if err := m.ready(); err != nil {
		return block, err
	}
	if pad == nil || pad.m != m || pad.state != Entered {
		return block, ErrNoPIN
	}
	defer pad.end(Used) // in memory only
	s, err := m.slot(k, PINEncryption)
	if err != nil {
		return block, err
	}
	field, err := accountField(p)
	if err != nil {
		return block, err
	}
	m.work = pinField(pad.secret.digits[:pad.n])
	xor(&m.work, field)
	s.block.Encrypt(m.work[:], m.work[:])
	block, m.work = m.work, [8]byte{}
	return block, nil
}

// TranslatePIN deciphers a format 0 PIN block under one PIN encryption key and enciphers it under another, for the same
// card: a hop's work. ErrPINBlock, and nothing more, when the block does not decode.
func (m *Module) TranslatePIN(from, to Key, p pan.PAN, block []byte) (out [8]byte, err error) {
	in, err := m.slot(from, PINEncryption)
	if err != nil {
		return out, fmt.Errorf("hsm: translate PIN: from: %w", err)
	}
	on, err := m.slot(to, PINEncryption)
	if err != nil {
		return out, fmt.Errorf("hsm: translate PIN: to: %w", err)
	}
	if err := m.clearBlock(in, p, block); err != nil {
		return out, err
	}
	on.block.Encrypt(m.work[:], m.work[:])
	out, m.work = m.work, [8]byte{}
	return out, nil
}

// PINReference makes the value that an issuer keeps instead of a card's PIN: the clear format 0 block under a PIN
// verification key, which has no operation that deciphers. It takes the PIN as text because it serves personalisation, where
// test PINs are written in a profile. pin has 4 to 12 digits; errors do not quote it.
func (m *Module) PINReference(k Key, p pan.PAN, pin string) (reference [8]byte, err error) {
	s, err := m.slot(k, PINVerification)
	if err != nil {
		return reference, err
	}
	field, err := accountField(p)
	if err != nil {
		return reference, err
	}
	if len(pin) < minPIN || len(pin) > maxPIN {
		return reference, fmt.Errorf("hsm: PIN reference: want %d to %d digits", minPIN, maxPIN)
	}
	var digits [maxPIN]byte
	for i := range len(pin) {
		if pin[i] < '0' || pin[i] > '9' {
			return reference, fmt.Errorf("hsm: PIN reference: want %d to %d digits", minPIN, maxPIN)
		}
		digits[i] = pin[i] - '0'
	}
	m.work = pinField(digits[:len(pin)])
	wipe(digits[:])
	xor(&m.work, field)
	s.block.Encrypt(m.work[:], m.work[:])
	reference, m.work = m.work, [8]byte{}
	return reference, nil
}

// VerifyPIN deciphers a PIN block under k, a PIN encryption key, and compares it with the reference that PINReference made
// under ref. ErrPIN for a wrong PIN; ErrPINBlock, and nothing more, for a block that does not decode. Counting tries is the
// issuer's part.
func (m *Module) VerifyPIN(k Key, p pan.PAN, block []byte, ref Key, refBlock []byte) error {
	in, err := m.slot(k, PINEncryption)
	if err != nil {
		return fmt.Errorf("hsm: verify PIN: %w", err)
	}
	reference, err := m.slot(ref, PINVerification)
	if err != nil {
		return fmt.Errorf("hsm: verify PIN: reference key: %w", err)
	}
	if len(refBlock) != len(m.work) {
		return fmt.Errorf("hsm: verify PIN: reference of %d bytes: want %d", len(refBlock), len(m.work))
	}
	if err := m.clearBlock(in, p, block); err != nil {
		return err
	}
	reference.block.Encrypt(m.work[:], m.work[:])
	ok := subtle.ConstantTimeCompare(m.work[:], refBlock) == 1
	m.work = [8]byte{}
	if !ok {
		return ErrPIN
	}
	return nil
}

// clearBlock deciphers block into m.work and checks that it is a format 0 block for card p. Every failure is the same
// ErrPINBlock: a caller that could tell them apart could ask for a PIN digit by digit.
func (m *Module) clearBlock(s *slot, p pan.PAN, block []byte) error {
	field, err := accountField(p)
	if err != nil || len(block) != len(m.work) {
		return ErrPINBlock
	}
	s.block.Decrypt(m.work[:], block)
	if !format0(m.work, field) {
		m.work = [8]byte{}
		return ErrPINBlock
	}
	return nil
}
