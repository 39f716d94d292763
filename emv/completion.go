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
	if got == tc && s.oda.wrong {
		s.reason = errSignatureWrong
	}
	if s.traced() {
		s.decisive(RuleFinalCryptogram, fmt.Sprintf("asked for %s, the card gave %s", want, got), s.fromCard(tlv.CryptogramInformationData))
	}
	return s.runScripts(tlv.IssuerScriptTemplate2)
}

// decideFinally is the host's answer or, without one, the default action codes (Book 3, 10.7; Book 4, 6.3.8).
func (s *Session) decideFinally() cryptogramType {
	if s.oda.wrong { // nobody was asked
		return aac
	}
	if s.answer.Reached {
		if s.hostApproves() {
			s.decisive(RuleHostDecision, "approved: ask for TC")
			return tc
		}
		s.decisive(RuleHostDecision, "declined: ask for AAC")
		s.reason = fmt.Errorf("emv: the host declined, authorisation response code %q", s.answer.AuthorisationResponseCode)
		return aac
	}
	if s.matches(RuleActionDefault, tlv.IssuerActionCodeDefault, 0xFF, s.app.TACDefault) {
		s.arc = s.keepText(arcUnableDeclined)
		s.decisive(RuleUnableOnline, "declined: ask for AAC, Z3")
		return aac
	}
	s.arc = s.keepText(arcUnableApproved)
	s.decisive(RuleUnableOnline, "approved: ask for TC, Y3")
	return tc
}

// result is how a transaction ended that went through all steps.
func (s *Session) result() Result {
	approved := s.cryptogram() == tc && !s.oda.wrong
	choose := func(yes, no Result) Result {
		if approved {
			return yes
		}
		return no
	}
	switch {
	case s.generated < 2, s.neverAsked():
		return choose(OfflineApproved, OfflineDeclined)
	case s.answer.Reached:
		return choose(OnlineApproved, OnlineDeclined)
	}
	return choose(ApprovedUnableToGoOnline, DeclinedUnableToGoOnline)
}

// neverAsked tells whether the terminal declined after an ARQC whose signature was wrong.
func (s *Session) neverAsked() bool {
	return s.oda.wrong && string(s.arc) == arcOfflineDeclined
}
