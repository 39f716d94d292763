package emv

import (
	"errors"
	"fmt"
	"slices"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// odaMethod is a method of offline data authentication. XDA, of elliptic curves, is not among them.
type odaMethod byte

const (
	odaNone odaMethod = iota
	odaSDA
	odaDDA
	odaCDA
)

func (m odaMethod) String() string { return [...]string{"none", "SDA", "DDA", "CDA"}[m] }

// authentication is what offline data authentication knows: the method, the keys as far as they were recovered, and what the
// card's signature must cover.
type authentication struct {
	method     odaMethod
	arithmetic security.Arithmetic
	issuer     recoveredKey
	icc        recoveredKey

	records    []byte // the records to authenticate (Book 3, 10.3)
	recordsErr error  // they are not what they must be

	wrong bool // a signature that combined DDA asked for does not verify: no approval
}

// authenticate adds a record to those that offline data authentication covers. Cards have one or two of them.
func (a *authentication) authenticate(record []byte) {
	if a.records == nil {
		a.records = make([]byte, 0, max(512, len(record)+2)) // 2: the AIP may follow
	}
	a.records = append(a.records, record...)
}

// recoveredKey is a public key that is recovered once in a transaction, if at all.
type recoveredKey struct {
	key  security.PublicKey
	done bool
	err  error
}

// OfflineDataAuthentication tells whether the card is what its issuer made (Book 3, 10.3), by the best method that card and
// terminal have in common. Without one the TVR says that it was not performed, and the TSI bit stays 0. Whatever fails is for the
// action codes to judge.
func (s *Session) OfflineDataAuthentication() error {
	s.oda.method = s.chooseODAMethod()
	if s.traced() {
		s.decide(RuleODAMethod, "method: "+s.oda.method.String(), s.in(tlv.ApplicationInterchangeProfile), s.in(tlv.TerminalCapabilities))
	}
	switch s.oda.method {
	case odaCDA:
		s.prepareCDA()
	case odaDDA:
		return s.performDDA()
	case odaSDA:
		s.performSDA()
	}
	return nil
}

func (s *Session) chooseODAMethod() odaMethod {
	aip := s.icc.get(tlv.ApplicationInterchangeProfile)
	both := func(card, terminal tlv.Bit) bool { return card.In(aip) && terminal.In(s.cfg.Capabilities[:]) }
	switch {
	case both(tlv.AIPCDASupported, tlv.CapabilityCDA):
		return odaCDA
	case both(tlv.AIPDDASupported, tlv.CapabilityDDA):
		return odaDDA
	case both(tlv.AIPSDASupported, tlv.CapabilitySDA):
		tlv.TVRSDASelected.Set(s.tvr[:])
		return odaSDA
	}
	tlv.TVROfflineDataAuthenticationNotPerformed.Set(s.tvr[:])
	return odaNone
}

// ODAMethod is the method that was selected, "CDA", "DDA", "SDA" or "none".
func (s *Session) ODAMethod() string { return s.oda.method.String() }

// performSDA verifies the issuer's signature over the static data (Book 2, 5.4).
func (s *Session) performSDA() {
	err := s.verifyStaticData()
	if err != nil {
		tlv.TVRSDAFailed.Set(s.tvr[:])
	}
	tlv.TSIOfflineDataAuthenticationPerformed.Set(s.tsi[:])
	s.decideODA(RuleSDA, err)
}

func (s *Session) verifyStaticData() error {
	key, err := s.issuerKey()
	if err != nil {
		return err
	}
	signed := s.icc.get(tlv.SignedStaticApplicationData)
	if signed == nil {
		return s.missing(tlv.SignedStaticApplicationData)
	}
	static, err := s.staticData()
	if err != nil {
		return err
	}
	data, err := s.oda.arithmetic.RecoverStaticData(key, signed, static)
	if err != nil {
		return err
	}
	s.icc.set(tlv.DataAuthenticationCode, s.keep(data.DataAuthenticationCode[:]))
	return nil
}

// performDDA has the card sign the terminal's unpredictable number (Book 2, 6.5). An error is the card's or the transport's; a
// signature that does not verify is a bit.
func (s *Session) performDDA() error {
	failure, err := s.verifyDynamicSignature()
	if err != nil {
		return err
	}
	if failure != nil {
		tlv.TVRDDAFailed.Set(s.tvr[:])
	}
	tlv.TSIOfflineDataAuthenticationPerformed.Set(s.tsi[:])
	s.decideODA(RuleDDA, failure)
	return nil
}

// verifyDynamicSignature returns why the authentication failed, and apart from it the error that ends the transaction.
func (s *Session) verifyDynamicSignature() (failure, err error) {
	key, failure := s.iccKey()
	if failure != nil {
		return failure, nil
	}
	ddol := s.icc.get(tlv.DDOL)
	if ddol == nil {
		ddol = s.app.DefaultDDOL
	}
	if !tlv.DOLHas(ddol, tlv.UnpredictableNumber) { // Book 2, 6.5.1
		return errors.New("emv: neither the card's DDOL 9F49 nor the default one has the unpredictable number 9F37"), nil
	}
	data, err := s.fillDOL("DDOL 9F49", ddol)
	if err != nil {
		return nil, err
	}
	data = s.keep(data)
	r, err := s.transmit(apdu.Command{INS: apdu.InsInternalAuthenticate, Data: data, Le: apdu.MaxLe})
	if err != nil {
		return nil, err
	}
	if !r.SW.Success() {
		return nil, terminate("%w", &apdu.StatusError{INS: apdu.InsInternalAuthenticate, SW: r.SW})
	}
	signed, err := parseDynamicSignature(r.Data)
	if err != nil {
		return nil, terminate("INTERNAL AUTHENTICATE: %w", err)
	}
	dynamic, failure := s.oda.arithmetic.RecoverDynamicData(key, signed, data)
	if failure != nil {
		return failure, nil
	}
	number, failure := dynamic.Number()
	if failure != nil {
		return failure, nil
	}
	s.icc.set(tlv.SignedDynamicApplicationData, signed)
	s.icc.set(tlv.ICCDynamicNumber, s.keep(number))
	return nil, nil
}

// parseDynamicSignature reads the answer to INTERNAL AUTHENTICATE: 80 with the signature, or 77 with 9F4B (Book 3, 6.5.9).
func parseDynamicSignature(b []byte) ([]byte, error) {
	if len(b) > 0 && tlv.Tag(b[0]) == tlv.ResponseMessageTemplateFormat1 {
		return tlv.Only(b, tlv.ResponseMessageTemplateFormat1)
	}
	v, err := tlv.Only(b, tlv.ResponseMessageTemplateFormat2)
	if err != nil {
		return nil, err
	}
	var signed []byte
	r := tlv.NewReader(v)
	for r.Next() {
		switch {
		case r.Tag() != tlv.SignedDynamicApplicationData:
		case signed != nil:
			return nil, errors.New("format 2: signed dynamic application data 9F4B twice")
		default:
			signed = r.Value()
		}
	}
	if r.Err() == nil && signed == nil {
		return nil, errors.New("format 2: no signed dynamic application data 9F4B")
	}
	return signed, r.Err()
}

// staticData is what the issuer, or the card's certificate, has signed: the records to authenticate, and the AIP if the card
// says so (Book 3, 10.3).
func (s *Session) staticData() ([]byte, error) {
	data, err := s.gatherStaticData()
	if s.traced() {
		text := fmt.Sprintf("%d bytes", len(data))
		if err != nil {
			text = "failed: " + err.Error()
		}
		s.decide(RuleStaticData, text, s.fromCard(tlv.ApplicationFileLocator), s.fromCard(tlv.StaticDataAuthenticationTagList))
	}
	return data, err
}

// gatherStaticData never returns nil for no data: that is what marks a certificate that covers none (security.RecoverICCKey).
func (s *Session) gatherStaticData() ([]byte, error) {
	if s.oda.recordsErr != nil {
		return nil, s.oda.recordsErr
	}
	list := s.icc.get(tlv.StaticDataAuthenticationTagList)
	switch {
	case list == nil && s.oda.records == nil:
		return []byte{}, nil
	case list == nil:
		return s.oda.records, nil
	case len(list) == 1 && tlv.Tag(list[0]) == tlv.ApplicationInterchangeProfile:
		return append(s.oda.records, s.icc.get(tlv.ApplicationInterchangeProfile)...), nil
	}
	return nil, errors.New("emv: static data authentication tag list 9F4A: want 82 and nothing else")
}

// StaticData is what the card's records give to offline data authentication, known after ReadApplicationData. An error says why
// they cannot be authenticated: a record that is no template, or a tag list 9F4A that asks for more than the AIP.
func (s *Session) StaticData() ([]byte, error) {
	b, err := s.gatherStaticData()
	return slices.Clone(b), err
}

// missing is the error of a data object that offline data authentication cannot do without (Book 3, 7.5).
func (s *Session) missing(tag tlv.Tag) error {
	tlv.TVRICCDataMissing.Set(s.tvr[:])
	return missingError(tag)
}

// decideODA tells the trace how a method ended.
func (s *Session) decideODA(rule Rule, err error) {
	if !s.traced() {
		return
	}
	if err == nil {
		s.decide(rule, "the signature is right")
		return
	}
	s.tell(Decision{Rule: rule, Text: "failed: " + err.Error(), Decisive: rule == RuleCDA}) // the others are for the action codes
}
