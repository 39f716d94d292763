package emv

import (
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// maxScriptBytes bounds the scripts of one answer. Field 55 of an ISO 8583 message cannot carry more; the book promises
// cards no more than 128 bytes (Book 3, 10.10).
const maxScriptBytes = 1024

// OnlineProcessing has the terminal ask the host, and lets the card check that the issuer answered (Book 3, 10.9). A terminal
// without online capability asks nobody.
func (s *Session) OnlineProcessing() error {
	if s.oda.wrong { // the second GENERATE AC follows at once, for an AAC (Book 2, 6.6.2)
		s.decide(RuleOnline, "the issuer is not asked: combined DDA failed")
		return nil
	}
	if s.offlineOnly() {
		s.decide(RuleOnline, "the terminal has no online capability")
		return nil
	}
	answer, err := s.term.GoOnline(s)
	if err != nil {
		return fmt.Errorf("emv: go online: %w", err)
	}
	if !answer.Reached {
		s.decide(RuleOnline, "unable to go online")
		return nil
	}
	s.answer = OnlineAnswer{Reached: true, AuthorisationResponseCode: answer.AuthorisationResponseCode}
	s.arc = s.keepText(answer.AuthorisationResponseCode)
	if err := s.takeAnswer(answer); err != nil {
		return err
	}
	if s.traced() {
		s.decide(RuleOnline, "authorisation response code "+printable(s.arc), about("issuer authentication data 91", "%d bytes", len(s.answer.IssuerAuthenticationData)),
			about("issuer scripts", "%d bytes", len(s.answer.Scripts)))
	}
	return s.authenticateIssuer()
}

// takeAnswer checks what the host sent. An answer that is not in order ends the transaction; if the host had approved, the
// outcome says so and the terminal reverses.
func (s *Session) takeAnswer(a OnlineAnswer) error {
	if len(a.AuthorisationResponseCode) != 2 {
		return terminate("authorisation response code 8A of %d characters: want 2", len(a.AuthorisationResponseCode))
	}
	if n := len(a.IssuerAuthenticationData); n != 0 && !tlv.LengthAllowed(tlv.IssuerAuthenticationData, n) {
		e, _ := tlv.Lookup(tlv.IssuerAuthenticationData)
		return terminate("issuer authentication data 91 of %d bytes: want %d to %d, or none", n, e.MinLength, e.MaxLength)
	}
	if len(a.Scripts) > maxScriptBytes {
		return terminate("issuer scripts of %d bytes: want at most %d", len(a.Scripts), maxScriptBytes)
	}
	if len(a.IssuerAuthenticationData) > 0 {
		s.answer.IssuerAuthenticationData = s.keep(a.IssuerAuthenticationData)
	}
	s.answer.Scripts = s.keep(a.Scripts)
	return nil
}

// authenticateIssuer sends EXTERNAL AUTHENTICATE if the card wants it and there is something to send. A card that does not say
// so in the AIP takes tag 91 in the second GENERATE AC. No data, no bit.
func (s *Session) authenticateIssuer() error {
	data := s.answer.IssuerAuthenticationData
	if len(data) == 0 || !tlv.AIPIssuerAuthenticationSupported.In(s.icc.get(tlv.ApplicationInterchangeProfile)) {
		return nil
	}
	r, err := s.transmit(apdu.Command{INS: apdu.InsExternalAuthenticate, Data: data, Le: apdu.LeAbsent})
	if err != nil {
		return err
	}
	tlv.TSIIssuerAuthenticationPerformed.Set(s.tsi[:])
	if !r.SW.Success() {
		tlv.TVRIssuerAuthenticationFailed.Set(s.tvr[:])
	}
	if s.traced() {
		s.decide(RuleIssuerAuthentication, pick(r.SW.Success(), "the card knows its issuer", "the card does not take the data for its issuer's"), about("EXTERNAL AUTHENTICATE", "%v", r.SW))
	}
	return nil
}

// hostApproves reads the authorisation response code (Book 4, A6). Referrals are declined here.
func (s *Session) hostApproves() bool {
	switch s.answer.AuthorisationResponseCode {
	case "00", "10", "11":
		return true
	}
	return false
}
