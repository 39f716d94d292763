package emv

import (
	"crypto/sha1" // by definition of the TC hash
	"errors"
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// Cryptogram information data, tag 9F27 (Book 3, 6.5.5).
const (
	cidAdvice            = 0x08
	cidReason            = 0x07
	cidServiceNotAllowed = 0x01
)

// CardActionAnalysis sends the first GENERATE AC (Book 3, 10.8). The card may decide for less than it was asked, never for
// more: that is a violation.
func (s *Session) CardActionAnalysis() error {
	s.firstTVR = s.tvr
	got, err := s.generateAC(s.requested, "CDOL1 8C", s.icc.get(tlv.CDOL1))
	if err != nil {
		return err
	}
	if got == arqc {
		s.arqc = s.icc.get(tlv.ApplicationCryptogram)
	}
	switch {
	case got == s.requested, got == aac, got == arqc && s.requested == tc:
	default:
		return terminate("first GENERATE AC: the card gave %s for %s", got, s.requested)
	}
	switch {
	case got == aac:
		s.arc = s.keepText(arcOfflineDeclined)
		if s.requested != aac {
			s.reason = fmt.Errorf("emv: first GENERATE AC: the card declined, CID 9F27 %02X", s.cid)
		}
	case s.oda.wrong: // a TC is worth nothing then, and an ARQC is not sent (Book 2, 6.6.2)
		s.arc = s.keepText(arcOfflineDeclined)
		s.reason = errSignatureWrong
	case got == tc:
		s.arc = s.keepText(arcOfflineApproved)
		s.reason = nil
	case got == arqc:
		s.arc = nil // the host's to give
		s.reason = nil
	}
	if s.traced() {
		s.decisive(RuleCardDecision, fmt.Sprintf("asked for %s, the card gave %s", s.requested, got), s.fromCard(tlv.CryptogramInformationData))
	}
	return nil
}

// cardAskedOnline tells whether the first cryptogram is an ARQC.
func (s *Session) cardAskedOnline() bool { return s.cryptogram() == arqc }

func (s *Session) cryptogram() cryptogramType { return cryptogramType(s.cid & 0xC0) }

// generateAC sends GENERATE AC with the data that the list names, and keeps 9F27, 9F36, 9F26 and 9F10 (Book 3, 6.5.5).
func (s *Session) generateAC(want cryptogramType, name string, dol []byte) (cryptogramType, error) {
	if tlv.DOLHas(dol, tlv.TCHashValue) {
		if err := s.hashTC(); err != nil {
			return 0, err
		}
	}
	data, err := s.fillDOL(name, dol)
	if err != nil {
		return 0, err
	}
	data = s.keep(data)
	s.cdolData[min(s.generated, 1)] = data
	p1, signature := byte(want), s.wantsSignature(want)
	if signature {
		p1 |= askForSignature
	}
	r, err := s.transmit(apdu.Command{CLA: 0x80, INS: apdu.InsGenerateAC, P1: p1, Data: data, Le: apdu.MaxLe})
	if err != nil {
		return 0, err
	}
	if !r.SW.Success() {
		return 0, terminate("%w", &apdu.StatusError{INS: apdu.InsGenerateAC, SW: r.SW})
	}
	if err := s.takeCryptogram(r.Data, signature); err != nil {
		return 0, terminate("GENERATE AC: %w", err)
	}
	s.generated++
	tlv.TSICardRiskManagementPerformed.Set(s.tsi[:])
	return s.cryptogram(), nil
}

// cryptogramResponse is what a GENERATE AC gives.
type cryptogramResponse struct {
	cid, atc, ac, iad []byte
	signed            []byte // 9F4B
	objects           []byte // the value of 77
}

// parseCryptogramResponse reads format 1 (80: CID 1, ATC 2, AC 8, IAD 0 to 32) and format 2 (77). A cryptogram that the card
// has signed is inside its signature (Book 2, 6.6.1).
func parseCryptogramResponse(b []byte) (cryptogramResponse, error) {
	var c cryptogramResponse
	if len(b) > 0 && tlv.Tag(b[0]) == tlv.ResponseMessageTemplateFormat1 {
		v, err := tlv.Only(b, tlv.ResponseMessageTemplateFormat1)
		if err != nil {
			return c, err
		}
		if len(v) < 11 || len(v) > 43 {
			return c, fmt.Errorf("format 1 of %d bytes: want 11 to 43", len(v))
		}
		c.cid, c.atc, c.ac = v[:1], v[1:3], v[3:11]
		if len(v) > 11 {
			c.iad = v[11:]
		}
		return c, nil
	}
	v, err := tlv.Only(b, tlv.ResponseMessageTemplateFormat2)
	if err != nil {
		return c, err
	}
	c.objects = v
	r := tlv.NewReader(v)
	for r.Next() {
		var dst *[]byte
		least, most := 0, 0
		switch r.Tag() {
		case tlv.CryptogramInformationData:
			dst, least, most = &c.cid, 1, 1
		case tlv.ApplicationTransactionCounter:
			dst, least, most = &c.atc, 2, 2
		case tlv.ApplicationCryptogram:
			dst, least, most = &c.ac, 8, 8
		case tlv.IssuerApplicationData:
			dst, least, most = &c.iad, 0, 32
		case tlv.SignedDynamicApplicationData:
			dst, least, most = &c.signed, 1, 248
		default:
			continue
		}
		if *dst != nil {
			return c, fmt.Errorf("data object %X twice", r.Tag())
		}
		if n := len(r.Value()); n < least || n > most {
			return c, fmt.Errorf("data object %X of %d bytes: want %d to %d", r.Tag(), n, least, most)
		}
		*dst = r.Value()
	}
	if r.Err() != nil {
		return c, r.Err()
	}
	switch {
	case c.cid == nil:
		return c, fmt.Errorf("format 2: no CID 9F27")
	case c.atc == nil:
		return c, fmt.Errorf("format 2: no ATC 9F36")
	case c.ac == nil && c.signed == nil:
		return c, fmt.Errorf("format 2: no application cryptogram 9F26")
	}
	return c, nil
}

// errSignatureWrong is why a card is declined whose combined signature does not verify.
var errSignatureWrong = errors.New("emv: combined DDA failed: the card's signature over its cryptogram is wrong")

// takeCryptogram keeps what the card gave. An AAC comes without a signature, asked for or not (Book 2, 6.6.1).
func (s *Session) takeCryptogram(b []byte, signature bool) error {
	c, err := parseCryptogramResponse(b)
	if err != nil {
		return err
	}
	s.cid = c.cid[0]
	switch {
	case s.cryptogram() == rfu:
		return fmt.Errorf("CID 9F27 %02X: bits 8-7 are reserved", s.cid)
	case s.cryptogram() == aac:
		signature = false
	case signature && c.signed == nil:
		return errors.New("no signed dynamic application data 9F4B, which was asked for")
	}
	if !signature && c.ac == nil {
		return errors.New("no application cryptogram 9F26")
	}
	s.icc.set(tlv.CryptogramInformationData, c.cid)
	s.icc.set(tlv.ApplicationTransactionCounter, c.atc)
	s.icc.set(tlv.ApplicationCryptogram, c.ac) // nil: it is inside the signature, or nowhere; never the one before
	if c.iad != nil {
		s.icc.set(tlv.IssuerApplicationData, c.iad)
	}
	if signature {
		s.verifyCDA(c.objects, c.signed)
	}
	return nil
}

// hashTC computes 98 for a list that asks for it (Book 3, 9.2.2): SHA-1 over the data of the card's TDOL or, with a bit in the
// TVR, of the terminal's default one, which may be empty.
func (s *Session) hashTC() error {
	tdol := s.icc.get(tlv.TDOL)
	if tdol == nil {
		tdol = s.app.DefaultTDOL
		tlv.TVRDefaultTDOLUsed.Set(s.tvr[:])
		s.decide(RuleTDOL, "the card has no TDOL: the default one is used")
	}
	data, err := s.fillDOL("TDOL 97", tdol)
	if err != nil {
		return err
	}
	hash := sha1.Sum(data)
	s.terminal.set(tlv.TCHashValue, s.keep(hash[:]))
	return nil
}
