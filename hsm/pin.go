package hsm

import (
	"crypto/subtle"
	"fmt"

	"github.com/posim/posim/internal/crypt/pinblock"
	"github.com/posim/posim/internal/pan"
)

// PINFormat is a PIN block format of ISO 9564-1, or SM4X98.
type PINFormat = pinblock.Format

// The formats.
const (
	Format0 = pinblock.Format0 // with the PAN; TDES
	Format1 = pinblock.Format1 // without; TDES
	Format2 = pinblock.Format2 // for VERIFY only
	Format3 = pinblock.Format3 // with the PAN, random fill; TDES
	Format4 = pinblock.Format4 // with the PAN, random fill, 16 bytes; AES
	SM4X98  = pinblock.SM4X98  // with the PAN, 16 bytes; SM4
)

// ParsePINFormat reads a format as its String gives it: "0" to "4", "sm4-x98-16".
func ParsePINFormat(name string) (PINFormat, error) { return pinblock.ParseFormat(name) }

// PINCarrier is how a PIN block travels: in which format, under which PIN encryption key.
type PINCarrier struct {
	Key    Key
	Format PINFormat
}

// carrier finds a carrier's key and checks that format and key belong together and the key may do what is asked.
func (m *Module) carrier(c PINCarrier, modes string) (*slot, error) {
	s, err := m.slot(c.Key, PINEncryption)
	if err != nil {
		return nil, err
	}
	if err := s.may(modes); err != nil {
		return nil, err
	}
	want := TDES
	switch c.Format {
	case Format0, Format1, Format3:
	case Format4:
		want = AES
	case SM4X98:
		want = SM4
	default:
		return nil, fmt.Errorf("%w: format %v under a PIN encryption key", ErrFormat, c.Format)
	}
	if s.a.Algorithm != want {
		return nil, fmt.Errorf("%w: format %v under a key for %v: want %v", ErrFormat, c.Format, s.a.Algorithm, want)
	}
	return s, nil
}

// EncryptPIN enciphers the PIN that the keypad holds for card p, and appends the block to dst. The key of c may encrypt. The entry
// is wiped whatever the outcome, once it is this module's own. ErrNoPIN unless it is Entered; ErrFormat for a format that the key
// does not carry.
func (m *Module) EncryptPIN(dst []byte, c PINCarrier, pad *Keypad, p pan.PAN) ([]byte, error) {
	if err := m.ready(); err != nil {
		return dst, err
	}
	if pad == nil || pad.m != m || pad.state != Entered {
		return dst, ErrNoPIN
	}
	defer pad.end(Used) // in memory only
	s, err := m.carrier(c, mayEncrypt)
	if err != nil {
		return dst, err
	}
	return m.encipher(dst, s, c.Format, pad.secret.digits[:pad.n], p)
}

// encipher makes a block of digits and appends it to dst.
func (m *Module) encipher(dst []byte, s *slot, f PINFormat, digits []byte, p pan.PAN) ([]byte, error) {
	fill := m.fill[:f.FillLen(len(digits))]
	defer clear(m.fill[:]) // in memory only
	if len(fill) > 0 {
		if err := pinblock.RandomFill(fill, f, m.rand); err != nil {
			return dst, fmt.Errorf("hsm: PIN block: %w", err)
		}
	}
	if err := pinblock.Encipher(m.other[:], s.block, f, digits, m.number(p), fill); err != nil {
		return dst, fmt.Errorf("hsm: PIN block: %w", err)
	}
	return append(dst, m.other[:f.Size()]...), nil
}

// number is a PAN's digits where they are not allocated anew.
func (m *Module) number(p pan.PAN) []byte { return append(m.digits[:0], p.Digits()...) }

// decipher opens a block and leaves the PIN's digits in m.work, the caller's to wipe. Every failure is the same ErrPINBlock: a
// caller that could tell them apart could ask for a PIN digit by digit.
func (m *Module) decipher(s *slot, f PINFormat, block []byte, p pan.PAN) ([]byte, error) {
	n, err := pinblock.Decipher(&m.work, s.block, f, block, m.number(p))
	if err != nil {
		return nil, ErrPINBlock
	}
	return m.work[:n], nil
}

// TranslatePIN opens a PIN block as it came and makes one for the next hop, for the same card, and appends it to dst. Formats 0, 3, 4
// and SM4X98 become one another; format 1, which has no PAN, comes from format 1 only (ErrFormat; PCI PIN security, 2014, requirement
// 3-3). ErrPINBlock, and nothing more, when the block does not decode.
func (m *Module) TranslatePIN(dst []byte, from, to PINCarrier, p pan.PAN, block []byte) ([]byte, error) {
	in, err := m.carrier(from, mayDecrypt)
	if err != nil {
		return dst, fmt.Errorf("hsm: translate PIN: from: %w", err)
	}
	on, err := m.carrier(to, mayEncrypt)
	if err != nil {
		return dst, fmt.Errorf("hsm: translate PIN: to: %w", err)
	}
	if err := pinblock.Permitted(from.Format, to.Format); err != nil {
		return dst, fmt.Errorf("%w: translate PIN: %w", ErrFormat, err)
	}
	digits, err := m.decipher(in, from.Format, block, p)
	if err != nil {
		return dst, err
	}
	defer clear(m.work[:]) // in memory only
	return m.encipher(dst, on, to.Format, digits, p)
}

// referenceSize is the length of a PIN reference in bytes.
const referenceSize = 8

// PINReference makes the value that an issuer keeps instead of a card's PIN: the clear format 0 block under a PIN verification key
// (V0), which has no operation that deciphers. The PIN is the one that the keypad holds, whose entry is wiped.
func (m *Module) PINReference(k Key, p pan.PAN, pad *Keypad) (reference [referenceSize]byte, err error) {
	if err := m.ready(); err != nil {
		return reference, err
	}
	if pad == nil || pad.m != m || pad.state != Entered {
		return reference, ErrNoPIN
	}
	defer pad.end(Used) // in memory only
	on, err := m.referenceKey(k, mayGenerate)
	if err != nil {
		return reference, err
	}
	return m.reference(on, pad.secret.digits[:pad.n], p)
}

// ReferencePIN makes the same of a PIN that came in a block. ErrPINBlock, and nothing more, when the block does not decode.
func (m *Module) ReferencePIN(from PINCarrier, p pan.PAN, block []byte, ref Key) (reference [referenceSize]byte, err error) {
	in, err := m.carrier(from, mayDecrypt)
	if err != nil {
		return reference, fmt.Errorf("hsm: PIN reference: %w", err)
	}
	on, err := m.referenceKey(ref, mayGenerate)
	if err != nil {
		return reference, fmt.Errorf("hsm: PIN reference: reference key: %w", err)
	}
	digits, err := m.decipher(in, from.Format, block, p)
	if err != nil {
		return reference, err
	}
	defer clear(m.work[:]) // in memory only
	return m.reference(on, digits, p)
}

func (m *Module) referenceKey(k Key, modes string) (*slot, error) {
	s, err := m.slot(k, PINVerification)
	if err != nil {
		return nil, err
	}
	return s, s.may(modes)
}

func (m *Module) reference(on *slot, digits []byte, p pan.PAN) (reference [referenceSize]byte, err error) {
	if err := pinblock.Encipher(m.other[:], on.block, Format0, digits, m.number(p), nil); err != nil {
		return reference, fmt.Errorf("hsm: PIN reference: %w", err)
	}
	return [referenceSize]byte(m.other[:referenceSize]), nil
}

// VerifyPIN opens a PIN block and compares its PIN with the reference that PINReference or ReferencePIN made under ref. ErrPIN for a
// wrong PIN; ErrPINBlock, and nothing more, for a block that does not decode. Counting tries is the issuer's part.
func (m *Module) VerifyPIN(from PINCarrier, p pan.PAN, block []byte, ref Key, refBlock []byte) error {
	in, err := m.carrier(from, mayDecrypt)
	if err != nil {
		return fmt.Errorf("hsm: verify PIN: %w", err)
	}
	on, err := m.referenceKey(ref, mayVerify)
	if err != nil {
		return fmt.Errorf("hsm: verify PIN: reference key: %w", err)
	}
	if len(refBlock) != referenceSize {
		return fmt.Errorf("hsm: verify PIN: reference of %d bytes: want %d", len(refBlock), referenceSize)
	}
	digits, err := m.decipher(in, from.Format, block, p)
	if err != nil {
		return err
	}
	defer clear(m.work[:]) // in memory only
	reference, err := m.reference(on, digits, p)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(reference[:], refBlock) != 1 {
		return ErrPIN
	}
	return nil
}
