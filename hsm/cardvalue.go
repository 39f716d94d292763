package hsm

import (
	"crypto/subtle"
	"fmt"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/cardvalue"
	"github.com/posim/posim/internal/pan"
)

// Service codes that tell a card's values apart; on the stripe stands the card's own, and gives its CVV.
const (
	ServiceCodeCVV2 = "000"
	ServiceCodeICVV = "999"
)

// GenerateCVV makes a card verification value: CVV by the card's service code, CVV2 by ServiceCodeCVV2, iCVV by ServiceCodeICVV.
// expiry is four digits in the order that the value's user has it: YYMM on a stripe, commonly MMYY for a CVV2. k is a card
// verification key (C0).
func (m *Module) GenerateCVV(k Key, p pan.PAN, expiry, serviceCode string) (string, error) {
	v, err := m.cvv(k, mayGenerate, p, expiry, serviceCode)
	if err != nil {
		return "", err
	}
	return string(v[:]), nil
}

// VerifyCVV compares such a value: ErrCardValue when it is another.
func (m *Module) VerifyCVV(k Key, p pan.PAN, expiry, serviceCode, cvv string) error {
	v, err := m.cvv(k, mayVerify, p, expiry, serviceCode)
	if err != nil {
		return err
	}
	return sameValue(v[:], cvv)
}

func (m *Module) cvv(k Key, modes string, p pan.PAN, expiry, serviceCode string) (v [3]byte, err error) {
	s, err := m.slot(k, CardVerification)
	if err == nil {
		err = s.may(modes)
	}
	if err != nil {
		return v, fmt.Errorf("hsm: CVV: %w", err)
	}
	if s.retail == nil {
		if s.retail, err = crypt.NewRetailMAC(s.clear); err != nil {
			return v, fmt.Errorf("hsm: CVV: %w", err)
		}
	}
	if v, err = cardvalue.CVV(&m.card, s.retail, m.number(p), []byte(expiry), []byte(serviceCode)); err != nil {
		return v, fmt.Errorf("hsm: CVV: %w", err)
	}
	return v, nil
}

// DynamicValue is a card and its transaction, for values that are made anew each time. The issuer's key for dynamic numbers (E4)
// gives the card's own by EMV option A.
type DynamicValue struct {
	PAN               pan.PAN
	PANSequenceNumber string // two digits, or ""
	ATC               uint16
}

// VerifyDynamicCVV compares Visa's dynamic CVV of a contactless stripe transaction, for which the card's counter must be below
// 10000: ErrCardValue when it is another. expiry is YYMM.
func (m *Module) VerifyDynamicCVV(k Key, d DynamicValue, expiry, serviceCode, dcvv string) error {
	card, err := m.cardKey(k, d)
	if err != nil {
		return err
	}
	if d.ATC > 9999 {
		return fmt.Errorf("hsm: dynamic CVV: transaction counter %d: want four digits", d.ATC)
	}
	v, err := cardvalue.DCVV(&m.card, card, m.number(d.PAN), fmt.Appendf(nil, "%04d", d.ATC), []byte(expiry), []byte(serviceCode))
	if err != nil {
		return fmt.Errorf("hsm: dynamic CVV: %w", err)
	}
	return sameValue(v[:], dcvv)
}

// VerifyCVC3 compares the last digits, 1 to 5, of Mastercard's CVC3: ErrCardValue when they are others. track is the track's static
// data, un the terminal's unpredictable number (tag 9F6A).
func (m *Module) VerifyCVC3(k Key, d DynamicValue, track []byte, un [4]byte, cvc3 string) error {
	card, err := m.cardKey(k, d)
	if err != nil {
		return err
	}
	iv, err := cardvalue.IVCVC3(&m.card, card, track)
	if err != nil {
		return fmt.Errorf("hsm: CVC3: %w", err)
	}
	v := cardvalue.CVC3(&m.card, card, iv, un, [2]byte{byte(d.ATC >> 8), byte(d.ATC)})
	if len(cvc3) < 1 || len(cvc3) > len(v) {
		return fmt.Errorf("%w: %d digits: want 1 to %d", ErrCardValue, len(cvc3), len(v))
	}
	return sameValue(v[len(v)-len(cvc3):], cvc3)
}

// cardKey derives a card's own key.
func (m *Module) cardKey(k Key, d DynamicValue) (*crypt.RetailMAC, error) {
	s, err := m.slot(k, IssuerMasterDynamic)
	if err == nil {
		err = s.may(mayDerive)
	}
	if err != nil {
		return nil, fmt.Errorf("hsm: dynamic value: %w", err)
	}
	clear, err := security.ICCMasterKey(s.clear, d.PAN.Digits(), d.PANSequenceNumber, security.OptionA)
	if err != nil {
		return nil, fmt.Errorf("hsm: dynamic value: %w", err)
	}
	defer wipe(clear) // in memory only
	card, err := crypt.NewRetailMAC(clear)
	if err != nil {
		return nil, fmt.Errorf("hsm: dynamic value: %w", err)
	}
	return card, nil
}

func sameValue(got []byte, want string) error {
	if subtle.ConstantTimeCompare(got, []byte(want)) != 1 {
		return ErrCardValue
	}
	return nil
}
