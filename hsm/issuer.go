package hsm

import (
	"crypto/subtle"
	"fmt"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// VerifyCryptogram checks an application cryptogram (ARQC, TC or AAC; EMV Book 2, 8.1) under the issuer master key imk.
// v and o say how the card was personalised; pan is the clear number and psn the sequence number's two digits; get returns
// the value of a data element by its tag, nil where there is none. ErrCryptogram when it does not verify; another error
// when it cannot be computed (an element is missing or has a wrong length).
func (m *Module) VerifyCryptogram(imk Key, v security.Version, o security.Option, pan, psn string, get func(tag tlv.Tag) []byte, ac []byte) error {
	m.recent = nil
	id, session, err := m.issuerSession(imk, v, o, pan, psn, get)
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
	m.recent = &recentSession{id, session} // the ARPC that follows is of the same transaction
	return nil
}

// ARPC builds the issuer authentication data (the value of tag 91; EMV Book 2, 8.2) that answers arqc, by the method that
// the version has. Verify the ARQC first: an ARPC over a cryptogram that nobody checked authenticates nothing.
func (m *Module) ARPC(imk Key, v security.Version, o security.Option, pan, psn string, get func(tag tlv.Tag) []byte, arqc []byte, answer security.IssuerAnswer) ([]byte, error) {
	_, session, err := m.issuerSession(imk, v, o, pan, psn, get)
	m.recent = nil // one question, one answer: nothing of the card's keys stays behind
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

// sessionID is everything that a transaction's keys are derived from.
type sessionID struct {
	imk      Key
	version  security.Version
	option   security.Option
	pan, psn string
	atc, un  string
}

// recentSession is the keys of one transaction, kept from the verification of its cryptogram to the answer: the derivation
// is most of what either costs.
type recentSession struct {
	id      sessionID
	session *security.Session
}

// issuerSession derives the keys of one transaction of one card, or finds those that it has just derived.
func (m *Module) issuerSession(imk Key, v security.Version, o security.Option, pan, psn string, get func(tag tlv.Tag) []byte) (sessionID, *security.Session, error) {
	s, err := m.slot(imk, IssuerMasterAC) // first: an erased key has no sessions either
	if err != nil {
		return sessionID{}, nil, err
	}
	atc, un := get(tlv.ApplicationTransactionCounter), get(tlv.UnpredictableNumber)
	id := sessionID{imk, v, o, pan, psn, string(atc), string(un)}
	if m.recent != nil && m.recent.id == id {
		return id, m.recent.session, nil
	}
	mk, err := security.ICCMasterKey(s.clear, pan, psn, o)
	if err != nil {
		return id, nil, fmt.Errorf("hsm: cryptogram: %w", err)
	}
	defer wipe(mk) // in memory only
	master, err := security.NewMasterKey(mk)
	if err != nil {
		return id, nil, fmt.Errorf("hsm: cryptogram: %w", err)
	}
	session, err := v.Session(master, atc, un)
	if err != nil {
		return id, nil, fmt.Errorf("hsm: cryptogram: %w", err)
	}
	return id, session, nil
}
