package hsm

import (
	"crypto/subtle"
	"encoding/hex"
	"fmt"

	"github.com/posim/posim/internal/crypt/cardvalue"
	"github.com/posim/posim/internal/pan"
)

// GeneratePVV makes Visa's PIN verification value of the PIN in a block. pvk is a PVV key (V2), index its number, 0 to 9.
// ErrPINBlock, and nothing more, when the block does not decode.
func (m *Module) GeneratePVV(pvk Key, index int, from PINCarrier, p pan.PAN, block []byte) (string, error) {
	v, err := m.pvv(pvk, mayGenerate, index, from, p, block)
	if err != nil {
		return "", err
	}
	return string(v[:]), nil
}

// VerifyPVV compares the PVV of the PIN in a block with pvv, four digits: ErrPIN when it is another. Counting tries is the issuer's
// part, here and in the other verifications.
func (m *Module) VerifyPVV(pvk Key, index int, from PINCarrier, p pan.PAN, block []byte, pvv string) error {
	v, err := m.pvv(pvk, mayVerify, index, from, p, block)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(v[:], []byte(pvv)) != 1 {
		return ErrPIN
	}
	return nil
}

// ChangePVV gives the PVV of a new PIN to whoever knows the old one: ErrPIN when the old block's PVV is not pvv.
func (m *Module) ChangePVV(pvk Key, index int, from PINCarrier, p pan.PAN, old []byte, pvv string, block []byte) (string, error) {
	if err := m.VerifyPVV(pvk, index, from, p, old, pvv); err != nil {
		return "", err
	}
	return m.GeneratePVV(pvk, index, from, p, block)
}

func (m *Module) pvv(pvk Key, modes string, index int, from PINCarrier, p pan.PAN, block []byte) (v [4]byte, err error) {
	s, err := m.slot(pvk, PINVerificationVisa)
	if err == nil {
		err = s.may(modes)
	}
	if err != nil {
		return v, fmt.Errorf("hsm: PVV: %w", err)
	}
	if index < 0 || index > 9 {
		return v, fmt.Errorf("hsm: PVV: key index %d: want 0 to 9", index)
	}
	in, err := m.carrier(from, mayDecrypt)
	if err != nil {
		return v, fmt.Errorf("hsm: PVV: %w", err)
	}
	digits, err := m.decipher(in, from.Format, block, p)
	if err != nil {
		return v, err
	}
	defer clear(m.work[:]) // in memory only
	if v, err = cardvalue.PVV(&m.card, s.block, m.number(p), '0'+byte(index), digits); err != nil {
		return v, fmt.Errorf("hsm: PVV: %w", err)
	}
	return v, nil
}

// IBM3624 is how an issuer makes natural PINs.
type IBM3624 struct {
	// Decimalization is the sixteen digits that 0 to F become. A table that favours few digits is refused
	// (ErrDecimalization): with tables of its choice a caller finds a PIN digit by digit (Bond and Zielinski, 2003).
	Decimalization string
	// Validation is what is encrypted: 16 hexadecimal digits, mostly of the card number.
	Validation string
}

// GeneratePINOffset makes the offset from a card's natural PIN to the PIN in a block, of as many digits. k is an IBM 3624 key (V1).
func (m *Module) GeneratePINOffset(k Key, i IBM3624, from PINCarrier, p pan.PAN, block []byte) (string, error) {
	return m.pinOffset(k, mayGenerate, i, from, p, block)
}

// VerifyPINOffset compares that offset with offset: ErrPIN when it is another, so also when the PIN has another length.
func (m *Module) VerifyPINOffset(k Key, i IBM3624, from PINCarrier, p pan.PAN, block []byte, offset string) error {
	got, err := m.pinOffset(k, mayVerify, i, from, p, block)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(got), []byte(offset)) != 1 {
		return ErrPIN
	}
	return nil
}

func (m *Module) pinOffset(k Key, modes string, i IBM3624, from PINCarrier, p pan.PAN, block []byte) (string, error) {
	s, table, validation, err := m.ibm3624(k, modes, i)
	if err != nil {
		return "", err
	}
	in, err := m.carrier(from, mayDecrypt)
	if err != nil {
		return "", fmt.Errorf("hsm: IBM 3624: %w", err)
	}
	digits, err := m.decipher(in, from.Format, block, p)
	if err != nil {
		return "", err
	}
	defer clear(m.work[:]) // in memory only
	var offset [maxPIN]byte
	if err := cardvalue.Offset(&m.card, s.block, &table, &validation, digits, offset[:]); err != nil {
		return "", fmt.Errorf("hsm: IBM 3624: %w", err)
	}
	return string(offset[:len(digits)]), nil
}

// GeneratePIN makes a card's PIN and gives it enciphered, as a PIN printer takes it: the natural PIN plus offset, which has as many
// digits as the PIN ("0000": the natural PIN itself). k is an IBM 3624 key (V1); the key of to may encrypt. The block is appended
// to dst.
func (m *Module) GeneratePIN(dst []byte, k Key, i IBM3624, offset string, to PINCarrier, p pan.PAN) ([]byte, error) {
	s, table, validation, err := m.ibm3624(k, mayGenerate, i)
	if err != nil {
		return dst, err
	}
	on, err := m.carrier(to, mayEncrypt)
	if err != nil {
		return dst, fmt.Errorf("hsm: IBM 3624: %w", err)
	}
	if len(offset) < minPIN || len(offset) > maxPIN {
		return dst, fmt.Errorf("hsm: IBM 3624: offset of %d digits: want %d to %d", len(offset), minPIN, maxPIN)
	}
	defer clear(m.work[:]) // in memory only
	digits := m.work[:len(offset)]
	if err := cardvalue.PINFromOffset(&m.card, s.block, &table, &validation, []byte(offset), digits); err != nil {
		return dst, fmt.Errorf("hsm: IBM 3624: %w", err)
	}
	return m.encipher(dst, on, to.Format, digits, p)
}

// ibm3624 checks a key and its parameters.
func (m *Module) ibm3624(k Key, modes string, i IBM3624) (s *slot, table cardvalue.Table, validation [8]byte, err error) {
	if s, err = m.slot(k, PINVerification3624); err == nil {
		err = s.may(modes)
	}
	if err != nil {
		return nil, table, validation, fmt.Errorf("hsm: IBM 3624: %w", err)
	}
	if table, err = cardvalue.ParseTable([]byte(i.Decimalization)); err == nil {
		err = table.Policy()
	}
	if err != nil {
		return nil, table, validation, fmt.Errorf("%w: %w", ErrDecimalization, err)
	}
	b, err := hex.DecodeString(i.Validation)
	if err != nil || len(b) != len(validation) {
		return nil, table, validation, fmt.Errorf("hsm: IBM 3624: validation data of %d characters: want 16 hexadecimal digits", len(i.Validation))
	}
	return s, table, [8]byte(b), nil
}
