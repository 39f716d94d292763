package purse

import (
	"errors"
	"fmt"
	"slices"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// recoverKeys opens the card's certificates (Book 2, 5.2, 5.3 and 6.4), with everything that may be wrong with them. It needs the
// records before the last one only.
func (t *tap) recoverKeys() error {
	if err := t.recoverCardKey(); err != nil {
		return stop(NotAuthentic, "%w", err)
	}
	if len(t.signature) != t.key.Size() {
		return stop(NotAuthentic, "signed dynamic application data 9F4B of %d bytes: want %d", len(t.signature), t.key.Size())
	}
	return nil
}

func (t *tap) recoverCardKey() error {
	issuer, err := t.recoverIssuerKey()
	if err != nil {
		return err
	}
	static, err := t.staticData()
	if err != nil {
		return err
	}
	certificate, err := t.need(tlv.ICCPublicKeyCertificate)
	if err != nil {
		return err
	}
	exponent, err := t.need(tlv.ICCPublicKeyExponent)
	if err != nil {
		return err
	}
	c, err := t.arithmetic.RecoverICCKey(&t.key, issuer, certificate, t.get(tlv.ICCPublicKeyRemainder), exponent, static)
	switch {
	case err != nil:
		return err
	case !security.PANMatches(c.PAN, t.owner.PAN.Digits()):
		return errors.New("certificate 9F46: the PAN is not the card's")
	case !security.ValidOn(c.Expiration, t.today):
		return fmt.Errorf("certificate 9F46: expired in %X (MMYY)", c.Expiration)
	}
	return nil
}

func (t *tap) recoverIssuerKey() (*security.PublicKey, error) {
	ca, err := t.authority()
	if err != nil {
		return nil, err
	}
	certificate, err := t.need(tlv.IssuerPublicKeyCertificate)
	if err != nil {
		return nil, err
	}
	exponent, err := t.need(tlv.IssuerPublicKeyExponent)
	if err != nil {
		return nil, err
	}
	issuer := new(security.PublicKey)
	c, err := t.arithmetic.RecoverIssuerKey(issuer, ca, certificate, t.get(tlv.IssuerPublicKeyRemainder), exponent)
	switch {
	case err != nil:
		return nil, err
	case !security.IdentifierMatches(c.IssuerIdentifier, t.owner.PAN.Digits()):
		return nil, errors.New("issuer certificate 90: the issuer identifier is not the PAN's")
	case !security.ValidOn(c.Expiration, t.today):
		return nil, fmt.Errorf("issuer certificate 90: expired in %X (MMYY)", c.Expiration)
	}
	for _, r := range t.terminal.Kernel.Revoked {
		if r.RID == ca.RID() && r.Index == ca.Index() && r.Serial == c.SerialNumber {
			return nil, fmt.Errorf("issuer certificate 90: serial number %X is revoked", c.SerialNumber)
		}
	}
	return issuer, nil
}

// authority finds the certification authority's key by RID and index.
func (t *tap) authority() (*security.CAPublicKey, error) {
	index, err := t.need(tlv.CertificationAuthorityPublicKeyIndex)
	if err != nil {
		return nil, err
	}
	for _, k := range t.terminal.Kernel.CAPublicKeys {
		if k.RID() == [5]byte([]byte(AID)) && len(index) == 1 && k.Index() == index[0] {
			return k, nil
		}
	}
	return nil, fmt.Errorf("the terminal has no certification authority key %X of RID %X", index, AID[:5])
}

func (t *tap) need(tag tlv.Tag) ([]byte, error) {
	if v := t.get(tag); v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("%s %X is missing", tlv.Name(tag), tag)
}

// staticData is what the card's certificate covers: the authenticated records, and the AIP if the card says so (Book 3, 10.3). It
// is never nil, which would mark a certificate that covers none.
func (t *tap) staticData() ([]byte, error) {
	static := append([]byte{}, t.static...)
	switch list := t.get(tlv.StaticDataAuthenticationTagList); {
	case list == nil:
		return static, nil
	case len(list) == 1 && tlv.Tag(list[0]) == tlv.ApplicationInterchangeProfile:
		return append(static, t.get(tlv.ApplicationInterchangeProfile)...), nil
	}
	return nil, errors.New("static data authentication tag list 9F4A: want 82 and nothing else")
}

// relatedVersion is what tag 9F69 begins with where the signature covers amount, currency and the card's own data, too.
const relatedVersion = 0x01

// verifySignature looks at what the card signed: the terminal's number, what was asked for, and its own last record (Book 2,
// 6.5.2, in the fast form of the contactless kernels 3 and 7). It does not cover the cryptogram: whether that is right only the
// issuer can tell.
func (t *tap) verifySignature() error {
	if len(t.related) == 0 || t.related[0] != relatedVersion {
		return stop(NotAuthentic, "card authentication related data 9F69 of %d bytes: want version 01", len(t.related))
	}
	covered := slices.Concat(t.un[:], t.data(tlv.AmountAuthorised), t.data(tlv.TransactionCurrencyCode), t.related)
	if _, err := t.arithmetic.RecoverDynamicData(&t.key, t.signature, covered); err != nil {
		return stop(NotAuthentic, "%w", err)
	}
	t.stage = Paid
	return nil
}
