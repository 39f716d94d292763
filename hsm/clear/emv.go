package clear

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// ICCMasterKey derives a card's key from its issuer's (Book 2, A1.4). option is A or B; sequence is the two digits of the PAN sequence
// number, or "" where the card has none.
func ICCMasterKey(issuer Key, option, pan, sequence string) (Key, error) {
	imk, err := issuer.double("issuer master key")
	if err != nil {
		return Key{}, err
	}
	o, err := security.ParseOption(option)
	if err != nil {
		return Key{}, &Error{"option", ErrName, "", "A or B"}
	}
	if err := checkDigits("pan", pan, ErrPAN, 1, 19); err != nil {
		return Key{}, err
	}
	if sequence != "" {
		if err := checkDigits("pan sequence number", sequence, ErrLength, 2, 2); err != nil {
			return Key{}, err
		}
	}
	mk, err := security.ICCMasterKey(imk, pan, sequence, o)
	if err != nil {
		return Key{}, inField("issuer master key", err)
	}
	return NewKey(TDES, mk)
}

// The rules by which a card's key becomes the key of one transaction.
const (
	SessionNone   = "none"   // the card's key itself
	SessionCommon = "common" // Book 2, A1.3.1: a diversifier of up to 8 bytes
	SessionVisa   = "visa"   // of scripts: the transaction counter, 2 bytes
)

// SessionKey derives the key of one transaction from a card's key.
func SessionKey(rule string, mk Key, diversifier []byte) (Key, error) {
	key, err := mk.double("card master key")
	if err != nil {
		return Key{}, err
	}
	switch rule {
	case SessionNone:
		if len(diversifier) > 0 {
			return Key{}, &Error{"diversifier", ErrNotTaken, "", "none with the rule none"}
		}
		return mk, nil
	case SessionCommon:
		if len(diversifier) == 0 || len(diversifier) > 8 {
			return Key{}, wrongLength("diversifier", len(diversifier), "1 to 8 bytes")
		}
		return NewKey(TDES, security.CommonSessionKey(key, diversifier))
	case SessionVisa:
		if len(diversifier) != 2 {
			return Key{}, wrongLength("diversifier", len(diversifier), "the 2 bytes of the transaction counter")
		}
		return NewKey(TDES, security.ScriptSessionKeyFromATC(key, diversifier))
	}
	return Key{}, &Error{"session key", ErrName, "", "none, common or visa"}
}

// TreeSessionKey derives the key of one transaction by the tree of EMV 2000. iv is 16 bytes, nil for zeros.
func TreeSessionKey(mk Key, atc []byte, branch, height int, iv []byte) (Key, error) {
	key, err := mk.double("card master key")
	if err != nil {
		return Key{}, err
	}
	if len(atc) != 2 {
		return Key{}, wrongLength("atc", len(atc), "2 bytes")
	}
	sk, err := security.TreeSessionKey(key, [2]byte(atc), branch, height, iv)
	if err != nil {
		return Key{}, inField("tree", err)
	}
	return NewKey(TDES, sk)
}

// ARPC1 answers a cryptogram by method 1 (Book 2, 8.2.1), with the two bytes of a response code. It is 8 bytes.
func ARPC1(k Key, arqc, code []byte) ([]byte, error) {
	key, err := k.double("key")
	switch {
	case err != nil:
		return nil, err
	case len(arqc) != 8:
		return nil, wrongLength("arqc", len(arqc), "8 bytes")
	case len(code) != 2:
		return nil, wrongLength("response code", len(code), "2 bytes")
	}
	arpc := security.ARPC1(key, [8]byte(arqc), [2]byte(code))
	return arpc[:], nil
}

// ARPC2 answers a cryptogram by method 2 (Book 2, 8.2.2), with the four bytes of a card status update and up to eight of proprietary
// data. It is 4 bytes.
func ARPC2(k Key, arqc, csu, proprietary []byte) ([]byte, error) {
	key, err := k.double("key")
	switch {
	case err != nil:
		return nil, err
	case len(arqc) != 8:
		return nil, wrongLength("arqc", len(arqc), "8 bytes")
	case len(csu) != 4:
		return nil, wrongLength("card status update", len(csu), "4 bytes")
	case len(proprietary) > 8:
		return nil, wrongLength("proprietary authentication data", len(proprietary), "up to 8 bytes")
	}
	return security.ARPC2(key, [8]byte(arqc), [4]byte(csu), proprietary), nil
}

// CardSession is one transaction of a card under a scheme's cryptogram version, by its name: "visa-cvn10", "mchip-cvn16". The version
// decides which data are under the cryptogram, its key, and how it is answered.
type CardSession struct {
	version security.Version
	session *security.Session
	key     Key
}

// CryptogramVersions lists the versions' names.
func CryptogramVersions() (names []string) {
	for _, v := range security.Versions() {
		names = append(names, v.String())
	}
	return names
}

// CryptogramVersionNamed finds a version's name by that name or by the number that its scheme gives it: "visa-cvn18", "18".
func CryptogramVersionNamed(text string) (string, error) {
	for _, v := range security.Versions() {
		name := v.String()
		number, err := strconv.Atoi(text)
		if text == name || err == nil && strings.HasSuffix(name, fmt.Sprintf("-cvn%02d", number)) {
			return name, nil
		}
	}
	return "", &Error{"version", ErrName, "", strings.Join(CryptogramVersions(), ", ")}
}

// Method is how the version answers a cryptogram: by method 1 or 2 (Book 2, 8.2).
func (s *CardSession) Method() int { return s.version.ARPCMethod() }

// NewCardSession derives the keys of a transaction. un, the unpredictable number, may be nil where the version does not need it.
func NewCardSession(version string, mk Key, atc, un []byte) (*CardSession, error) {
	v, err := security.VersionNamed(version)
	if err != nil {
		return nil, &Error{"version", ErrName, "", fmt.Sprint(CryptogramVersions())}
	}
	key, err := mk.double("card master key")
	if err != nil {
		return nil, err
	}
	m, err := security.NewMasterKey(key)
	if err != nil {
		return nil, inField("card master key", err)
	}
	session, err := v.Session(m, atc, un)
	if err != nil {
		return nil, inField("session key", err)
	}
	sk, err := v.Key(key, atc, un)
	if err != nil {
		return nil, inField("session key", err)
	}
	k, err := NewKey(TDES, sk)
	return &CardSession{v, session, k}, err
}

// Format prints the version and the check value of the key for every verb.
func (s *CardSession) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%v, %v", s.version, s.key) }

// Key makes the cryptogram: the session key, or the card's own where the version has none.
func (s *CardSession) Key() Key { return s.key }

// Cryptogram gathers the data under the cryptogram from its tags, and makes it. get is nil-valued for a tag that is not there.
func (s *CardSession) Cryptogram(get func(tag tlv.Tag) []byte) (input, ac []byte, err error) {
	if input, err = s.version.Input(get); err != nil {
		return nil, nil, inField("data", err)
	}
	sum := s.session.Cryptogram(input)
	return input, sum[:], nil
}

// IssuerAuthenticationData answers a cryptogram: the value of tag 91, whose first 8 or 4 bytes are the ARPC.
func (s *CardSession) IssuerAuthenticationData(arqc []byte, a security.IssuerAnswer) ([]byte, error) {
	if len(arqc) != 8 {
		return nil, wrongLength("arqc", len(arqc), "8 bytes")
	}
	data, err := s.session.IssuerAuthenticationData([8]byte(arqc), a)
	return data, inField("answer", err)
}

// Answer is IssuerAuthenticationData for what somebody typed. code is the response code, 2 bytes, and csu the card status update, 4
// bytes, whose bit for approval counts; a version takes one of the two. proprietary data go with method 2 only.
func (s *CardSession) Answer(arqc, code, csu, proprietary []byte) ([]byte, error) {
	takesCSU := s.version.Tells(security.CSUIssuerApproves)
	switch {
	case takesCSU && code != nil:
		return nil, &Error{"response code", ErrNotTaken, "", "a card status update: " + s.version.String() + " answers with one"}
	case !takesCSU && csu != nil:
		return nil, &Error{"card status update", ErrNotTaken, "", "a response code: " + s.version.String() + " answers with one"}
	case takesCSU && len(csu) != 4:
		return nil, wrongLength("card status update", len(csu), "4 bytes")
	case !takesCSU && len(code) != 2:
		return nil, wrongLength("response code", len(code), "2 bytes")
	case s.Method() == 1 && len(proprietary) > 0:
		return nil, &Error{"proprietary authentication data", ErrNotTaken, "", "none: " + s.version.String() + " answers by method 1"}
	}
	a := security.IssuerAnswer{Proprietary: proprietary}
	if takesCSU {
		a.CardStatusUpdate = security.CSU(csu)
		a.Approved = a.CardStatusUpdate.Has(security.CSUIssuerApproves)
	} else {
		a.AuthorisationResponseCode = [2]byte(code)
	}
	return s.IssuerAuthenticationData(arqc, a)
}
