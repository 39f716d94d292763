package emv

import (
	"errors"
	"fmt"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// RevokedCertificate names an issuer's certificate that its certification authority has revoked (Book 2, 5.1.2).
type RevokedCertificate struct {
	RID    [5]byte
	Index  byte    // of the authority's key
	Serial [3]byte // of the certificate
}

func missingError(tag tlv.Tag) error {
	return fmt.Errorf("emv: %s %X is missing", tlv.Name(tag), tag)
}

// issuerKey recovers the issuer's key, once in a transaction (Book 2, 5.3).
func (s *Session) issuerKey() (*security.PublicKey, error) {
	k := &s.oda.issuer
	if !k.done {
		k.done, k.err = true, s.recoverIssuerKey()
		s.decideKey(RuleIssuerKey, k)
	}
	return &k.key, k.err
}

func (s *Session) recoverIssuerKey() error {
	ca, err := s.caKey()
	if err != nil {
		return err
	}
	certificate, exponent := s.icc.get(tlv.IssuerPublicKeyCertificate), s.icc.get(tlv.IssuerPublicKeyExponent)
	switch {
	case certificate == nil:
		return s.missing(tlv.IssuerPublicKeyCertificate)
	case exponent == nil:
		return s.missing(tlv.IssuerPublicKeyExponent)
	}
	c, err := s.oda.arithmetic.RecoverIssuerKey(&s.oda.issuer.key, ca, certificate, s.icc.get(tlv.IssuerPublicKeyRemainder), exponent)
	if err != nil {
		return s.remainder(err, tlv.IssuerPublicKeyRemainder)
	}
	if !security.IdentifierMatches(c.IssuerIdentifier, s.number.Digits()) {
		return errors.New("emv: issuer certificate 90: the issuer identifier is not the PAN's")
	}
	if !security.ValidOn(c.Expiration, today(s.txn.Time)) {
		return fmt.Errorf("emv: issuer certificate 90: expired in %X (MMYY)", c.Expiration)
	}
	return s.checkRevocation(ca, c.SerialNumber)
}

// caKey finds the certification authority's key by the application's RID and the card's index (Book 2, 5.2).
func (s *Session) caKey() (*security.CAPublicKey, error) {
	index := s.icc.get(tlv.CertificationAuthorityPublicKeyIndex)
	if index == nil {
		return nil, s.missing(tlv.CertificationAuthorityPublicKeyIndex)
	}
	rid := [5]byte(s.AID()[:5])
	for _, k := range s.cfg.CAPublicKeys {
		if k.RID() == rid && len(index) == 1 && k.Index() == index[0] {
			if s.traced() {
				s.decide(RuleCAKey, fmt.Sprintf("the key of %d bits is here", 8*k.Size()), about("RID", "%X", rid), s.fromCard(tlv.CertificationAuthorityPublicKeyIndex))
			}
			return k, nil
		}
	}
	if s.traced() {
		s.decide(RuleCAKey, "the terminal has no such key", about("RID", "%X", rid), s.fromCard(tlv.CertificationAuthorityPublicKeyIndex))
	}
	return nil, fmt.Errorf("emv: the terminal has no certification authority key %X of RID %X", index, rid)
}

func (s *Session) checkRevocation(ca *security.CAPublicKey, serial [3]byte) error {
	for i := range s.cfg.Revoked {
		if r := &s.cfg.Revoked[i]; r.RID == ca.RID() && r.Index == ca.Index() && r.Serial == serial {
			if s.traced() {
				s.decide(RuleRevocation, "the issuer's certificate is revoked", about("serial number", "%X", serial))
			}
			return fmt.Errorf("emv: issuer certificate 90: serial number %X is revoked", serial)
		}
	}
	return nil
}

// iccKey recovers the card's own key, once in a transaction (Book 2, 6.4). Its certificate signs the static data too.
func (s *Session) iccKey() (*security.PublicKey, error) {
	k := &s.oda.icc
	if !k.done {
		k.done, k.err = true, s.recoverICCKey()
		s.decideKey(RuleICCKey, k)
	}
	return &k.key, k.err
}

func (s *Session) recoverICCKey() error {
	issuer, err := s.issuerKey()
	if err != nil {
		return err
	}
	static, err := s.staticData()
	if err != nil {
		return err
	}
	return s.recoverCardKey(&s.oda.icc.key, issuer, static, tlv.ICCPublicKeyCertificate, tlv.ICCPublicKeyRemainder, tlv.ICCPublicKeyExponent)
}

// pinKey is the key for offline enciphered PINs: the card's PIN encipherment key, which signs no static data, or the card's own
// key if it has none (Book 2, 7.1).
func (s *Session) pinKey() (*security.PublicKey, error) {
	if s.icc.get(tlv.ICCPINEnciphermentPublicKeyCertificate) == nil && s.icc.get(tlv.ICCPINEnciphermentPublicKeyExponent) == nil {
		return s.iccKey()
	}
	issuer, err := s.issuerKey()
	if err != nil {
		return nil, err
	}
	k := new(recoveredKey)
	k.err = s.recoverCardKey(&k.key, issuer, nil, tlv.ICCPINEnciphermentPublicKeyCertificate, tlv.ICCPINEnciphermentPublicKeyRemainder, tlv.ICCPINEnciphermentPublicKeyExponent)
	s.decideKey(RulePINKey, k)
	return &k.key, k.err
}

func (s *Session) recoverCardKey(dst, issuer *security.PublicKey, static []byte, certificateTag, remainderTag, exponentTag tlv.Tag) error {
	certificate, exponent := s.icc.get(certificateTag), s.icc.get(exponentTag)
	switch {
	case certificate == nil:
		return s.missing(certificateTag)
	case exponent == nil:
		return s.missing(exponentTag)
	}
	c, err := s.oda.arithmetic.RecoverICCKey(dst, issuer, certificate, s.icc.get(remainderTag), exponent, static)
	if err != nil {
		return s.remainder(err, remainderTag)
	}
	if !security.PANMatches(c.PAN, s.number.Digits()) {
		return fmt.Errorf("emv: certificate %X: the PAN is not the card's", certificateTag)
	}
	if !security.ValidOn(c.Expiration, today(s.txn.Time)) {
		return fmt.Errorf("emv: certificate %X: expired in %X (MMYY)", certificateTag, c.Expiration)
	}
	return nil
}

// remainder gives a missing remainder its bit: it is only known to be needed once the certificate is open (Book 3, 7.5).
func (s *Session) remainder(err error, tag tlv.Tag) error {
	if errors.Is(err, security.ErrRemainderMissing) {
		return s.missing(tag)
	}
	return err
}

func (s *Session) decideKey(rule Rule, k *recoveredKey) {
	if !s.traced() {
		return
	}
	if k.err != nil {
		s.decide(rule, "not recovered: "+k.err.Error())
		return
	}
	s.decide(rule, fmt.Sprintf("recovered, %d bits, exponent %X", 8*k.key.Size(), k.key.Exponent()))
}
