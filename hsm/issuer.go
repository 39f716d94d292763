package hsm

import (
	"crypto/subtle"
	"fmt"

	"github.com/posim/posim/emv/security"
)

// Tags that key derivation needs.
const (
	tagATC = 0x9F36
	tagUN  = 0x9F37
)

// VerifyCryptogram checks an application cryptogram (ARQC, TC or AAC; EMV Book 2, 8.1) under the issuer master key imk.
// v and o say how the card was personalised; pan is the clear number and psn the sequence number's two digits; get returns
// the value of a data element by its tag, nil where there is none. ErrCryptogram when it does not verify; another error
// when it cannot be computed (an element is missing or has a wrong length).
func (m *Module) VerifyCryptogram(imk Key, v security.Version, o security.Option, pan, psn string, get func(tag uint32) []byte, ac []byte) error {
	session, err := m.issuerSession(imk, v, o, pan, psn, get)
	if err != nil {
		return err
	}
	input, err := v.Input(get)
	if err != nil {
		return fmt.Errorf("hsm: cryptogram: %w", err)
	}
	want := session.Cryptogram(input)
	if subtle.ConstantTimeCompare(want[:], ac) != 1 {
		return ErrCryptogram
	}
	return nil
}

// ARPC builds the issuer authentication data (the value of tag 91; EMV Book 2, 8.2) that answers arqc, by the method that
// the version has. Verify the ARQC first: an ARPC over a cryptogram that nobody checked authenticates nothing.
func (m *Module) ARPC(imk Key, v security.Version, o security.Option, pan, psn string, get func(tag uint32) []byte, arqc []byte, answer security.IssuerAnswer) ([]byte, error) {
	session, err := m.issuerSession(imk, v, o, pan, psn, get)
	if err != nil {
		return nil, err
	}
	if len(arqc) != 8 {
		return nil, fmt.Errorf("hsm: ARPC: cryptogram of %d bytes: want 8", len(arqc))
	}
	data, err := session.IssuerAuthenticationData([8]byte(arqc), answer)
	if err != nil {
		return nil, fmt.Errorf("hsm: ARPC: %w", err)
	}
	return data, nil
}

// issuerSession derives the keys of one transaction of one card.
func (m *Module) issuerSession(imk Key, v security.Version, o security.Option, pan, psn string, get func(tag uint32) []byte) (*security.Session, error) {
	s, err := m.slot(imk, IssuerMasterAC)
	if err != nil {
		return nil, err
	}
	mk, err := security.ICCMasterKey(s.clear, pan, psn, o)
	if err != nil {
		return nil, fmt.Errorf("hsm: cryptogram: %w", err)
	}
	defer wipe(mk) // in memory only
	master, err := security.NewMasterKey(mk)
	if err != nil {
		return nil, fmt.Errorf("hsm: cryptogram: %w", err)
	}
	session, err := v.Session(master, get(tagATC), get(tagUN))
	if err != nil {
		return nil, fmt.Errorf("hsm: cryptogram: %w", err)
	}
	return session, nil
}
