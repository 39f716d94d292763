package emv

import (
	"fmt"

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
		s.arc = []byte(arcOfflineDeclined)
	case tc:
		s.arc = []byte(arcOfflineApproved)
	}
	if s.cfg.Trace != nil {
		s.decide("TAA", "10.7", fmt.Sprintf("ask for %s", s.requested))
	}
	return nil
}

func (s *Session) analyse() cryptogramType {
	if s.matches("denial", tlv.IssuerActionCodeDenial, 0x00, s.app.TACDenial) {
		return aac
	}
	switch {
	case s.onlineOnly():
		return arqc
	case s.offlineOnly():
		if s.matches("default", tlv.IssuerActionCodeDefault, 0xFF, s.app.TACDefault) {
			return aac
		}
	case s.matches("online", tlv.IssuerActionCodeOnline, 0xFF, s.app.TACOnline):
		return arqc
	}
	return tc
}

// matches tells whether a bit of the TVR is set in the issuer's or the terminal's action code; absent is every byte of an
// issuer action code that the card does not have.
func (s *Session) matches(name string, tag tlv.Tag, absent byte, tac [5]byte) bool {
	iac := [5]byte{absent, absent, absent, absent, absent}
	copy(iac[:], s.icc.get(tag))
	for i, b := range s.tvr {
		if b&(iac[i]|tac[i]) == 0 {
			continue
		}
		s.reason = fmt.Errorf("emv: action code %s: TVR byte %d is %02X, issuer %02X, terminal %02X", name, i+1, b, iac[i], tac[i])
		if s.cfg.Trace != nil {
			s.decide("TAA", "10.7", fmt.Sprintf("action code %s: TVR byte %d is %02X, issuer %02X, terminal %02X", name, i+1, b, iac[i], tac[i]))
		}
		return true
	}
	return false
}
