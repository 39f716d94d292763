package emv

import (
	"fmt"
	"strings"

	"github.com/posim/posim/emv/tlv"
)

// cryptogramType is what a GENERATE AC asks for and what a card gives: bits 8-7 of P1 and of the CID (Book 3, 6.5.5).
type cryptogramType byte

const (
	aac  cryptogramType = 0x00 // declined
	tc   cryptogramType = 0x40 // approved offline
	arqc cryptogramType = 0x80 // go online
	rfu  cryptogramType = 0xC0
)

func (t cryptogramType) String() string {
	switch t {
	case aac:
		return "AAC"
	case tc:
		return "TC"
	case arqc:
		return "ARQC"
	}
	return "RFU"
}

// Authorisation response codes that the terminal gives itself (Book 4, A6).
const (
	arcOfflineApproved = "Y1"
	arcOfflineDeclined = "Z1"
	arcUnableApproved  = "Y3"
	arcUnableDeclined  = "Z3"
)

// TerminalActionAnalysis asks issuer and acquirer what to do about the bits of the TVR, and decides which cryptogram to ask
// for (Book 3, 10.7). Absent issuer action codes are zeros for denial and ones for online and default.
func (s *Session) TerminalActionAnalysis() error {
	s.requested = s.analyse()
	switch s.requested { // 8A is in the data of the first GENERATE AC only if the terminal decides offline
	case aac:
		s.arc = s.keepText(arcOfflineDeclined)
	case tc:
		s.arc = s.keepText(arcOfflineApproved)
	}
	if s.traced() {
		s.decide(RuleTerminalDecision, fmt.Sprintf("ask for %s", s.requested), s.in(tlv.TVR), s.in(tlv.TerminalType))
	}
	return nil
}

func (s *Session) analyse() cryptogramType {
	if s.matches(RuleActionDenial, tlv.IssuerActionCodeDenial, 0x00, s.app.TACDenial) {
		return aac
	}
	switch {
	case s.onlineOnly():
		return arqc
	case s.offlineOnly():
		if s.matches(RuleActionDefault, tlv.IssuerActionCodeDefault, 0xFF, s.app.TACDefault) {
			return aac
		}
	case s.matches(RuleActionOnline, tlv.IssuerActionCodeOnline, 0xFF, s.app.TACOnline):
		return arqc
	}
	return tc
}

// matches tells whether a bit of the TVR is set in the issuer's or the terminal's action code; absent is every byte of an
// issuer action code that the card does not have.
func (s *Session) matches(rule Rule, tag tlv.Tag, absent byte, tac [5]byte) bool {
	iac := [5]byte{absent, absent, absent, absent, absent}
	copy(iac[:], s.icc.get(tag))
	var met [5]byte
	for i, b := range s.tvr {
		met[i] = b & (iac[i] | tac[i])
	}
	matched := met != [5]byte{}
	if matched {
		s.reason = fmt.Errorf("emv: action code %s: TVR %X, issuer %X, terminal %X: %s", rule.row().name, s.tvr, iac, tac, bitList(met))
	}
	if s.traced() {
		text := "no bit of the TVR is in it"
		if matched {
			text = "matches: " + bitList(met)
		}
		s.tell(Decision{Rule: rule, Text: text, Decisive: matched, Matched: met, Inputs: []Input{
			s.in(tlv.TVR), s.fromCard(tag), about("issuer action code in force", "%X", iac), about("terminal action code", "%X", tac),
		}})
	}
	return matched
}

// bitList names the bits of a TVR.
func bitList(tvr [5]byte) string {
	var none [5]byte
	names := appendChanged(nil, tlv.TVR, none[:], tvr[:])
	for i := range names {
		if names[i] = names[i][1:]; names[i] == "" {
			names[i] = "a reserved bit"
		}
	}
	return strings.Join(names, ", ")
}
