package emv

import (
	"fmt"

	"github.com/posim/posim/emv/tlv"
)

// Completion runs the issuer's scripts for before the second GENERATE AC, tells the card how it ends, and runs those for
// after it (Book 3, 10.10 and 10.11). The card may still refuse what the host approved; it cannot approve what was declined.
func (s *Session) Completion() error {
	if err := s.runScripts(tlv.IssuerScriptTemplate1); err != nil {
		return err
	}
	want := s.decideFinally()
	got, err := s.generateAC(want, "CDOL2 8D", s.icc.get(tlv.CDOL2))
	if err != nil {
		return err
	}
	switch {
	case got == arqc:
		return terminate("second GENERATE AC: the card gave ARQC: want TC or AAC")
	case got == tc && want == aac:
		return terminate("second GENERATE AC: the card gave TC for AAC")
	case got == aac && want == tc:
		s.reason = fmt.Errorf("emv: second GENERATE AC: the card declined, CID 9F27 %02X", s.cid)
	}
	if s.cfg.Trace != nil {
		s.decide("completion", "10.11", fmt.Sprintf("asked for %s, the card gave %s", want, got))
	}
	return s.runScripts(tlv.IssuerScriptTemplate2)
}

// decideFinally is the host's answer or, without one, the default action codes (Book 3, 10.7; Book 4, 6.3.8).
func (s *Session) decideFinally() cryptogramType {
	if s.answer.Reached {
		if s.hostApproves() {
			return tc
		}
		s.reason = fmt.Errorf("emv: the host declined, authorisation response code %q", s.answer.AuthorisationResponseCode)
		return aac
	}
	if s.matches("default", tlv.IssuerActionCodeDefault, 0xFF, s.app.TACDefault) {
		s.arc = []byte(arcUnableDeclined)
		return aac
	}
	s.arc = []byte(arcUnableApproved)
	return tc
}

// result is how a transaction ended that went through all steps.
func (s *Session) result() Result {
	approved := s.cryptogram() == tc
	pick := func(yes, no Result) Result {
		if approved {
			return yes
		}
		return no
	}
	switch {
	case s.generated < 2:
		return pick(OfflineApproved, OfflineDeclined)
	case s.answer.Reached:
		return pick(OnlineApproved, OnlineDeclined)
	}
	return pick(ApprovedUnableToGoOnline, DeclinedUnableToGoOnline)
}
