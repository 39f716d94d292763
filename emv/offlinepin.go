package emv

import (
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// maxPINTries bounds how often a PIN is asked for: a PIN try counter in a status word has four bits.
const maxPINTries = 15

// Status words of VERIFY (Book 3, 6.5.12).
const (
	swAuthenticationBlocked apdu.SW = 0x6983
	swReferenceDataUsable   apdu.SW = 0x6984
	swTriesLeft             apdu.SW = 0x63C0 // with the number of tries in the low nibble
)

// hasOfflinePIN reads terminal capabilities.
func (s *Session) hasOfflinePIN(enciphered bool) bool {
	if enciphered {
		return tlv.CapabilityOfflineEncipheredPIN.In(s.cfg.Capabilities[:])
	}
	return tlv.CapabilityOfflinePlaintextPIN.In(s.cfg.Capabilities[:])
}

// offlinePIN has the card verify a PIN (Book 3, 10.5.1), and tells whether it did. CVM results are the caller's.
func (s *Session) offlinePIN(enciphered bool) (bool, error) {
	if tlv.TVRPINNotEntered.In(s.tvr[:]) { // bypassed once is bypassed for the transaction (Book 4, 6.3.4.3)
		return s.pinFails(tlv.TVRPINNotEntered, "PIN entry was bypassed before")
	}
	tries, err := s.triesLeft()
	if err != nil {
		return false, err
	}
	if tries == 0 {
		return s.pinFails(tlv.TVRPINTryLimitExceeded, "the card has no try left")
	}
	var key *security.PublicKey
	if enciphered {
		if key, err = s.pinKey(); err != nil {
			s.decide(RuleOfflinePIN, "no key to encipher the PIN under: "+err.Error())
			return false, nil
		}
	}
	return s.presentPIN(OfflinePIN{Card: s.card, Key: key, TriesLeft: tries})
}

// presentPIN repeats PIN entry until the card agrees, or has no try left, or the cardholder gives up.
func (s *Session) presentPIN(p OfflinePIN) (bool, error) {
	for range maxPINTries {
		entry, sw, err := s.term.VerifyPIN(s, p)
		if err != nil {
			return false, fmt.Errorf("emv: verify PIN: %w", err)
		}
		switch entry {
		case PINEntered:
		case PINBypassed:
			return s.pinFails(tlv.TVRPINNotEntered, "PIN entry was bypassed")
		case PINPadAbsent:
			return s.pinFails(tlv.TVRPINPadNotPresent, "no PIN pad, or it does not work")
		case PINNotSent:
			s.decide(RuleOfflinePIN, "the PIN could not be enciphered: the card gave no challenge")
			return false, nil
		default:
			return false, fmt.Errorf("emv: verify PIN: unknown entry %d", entry)
		}
		switch {
		case sw.Success():
			if s.traced() {
				s.decide(RuleOfflinePIN, "the PIN is right", about("VERIFY", "%v", sw))
			}
			return true, nil
		case sw == swTriesLeft, sw == swAuthenticationBlocked, sw == swReferenceDataUsable:
			return s.pinFails(tlv.TVRPINTryLimitExceeded, "the card has no try left, VERIFY "+sw.String())
		case sw&0xFFF0 != swTriesLeft:
			s.decide(RuleOfflinePIN, "the card did not verify the PIN, VERIFY "+sw.String())
			return false, nil
		}
		p.TriesLeft, p.Again = int(sw&0x0F), true
		if s.traced() {
			s.decide(RuleOfflinePIN, fmt.Sprintf("the PIN is wrong, tries left: %d", p.TriesLeft), about("VERIFY", "%v", sw))
		}
	}
	s.decide(RuleOfflinePIN, "the card offers more tries than it can count")
	return false, nil
}

// triesLeft reads the PIN try counter, -1 if the card does not give it: then the PIN is asked for all the same.
func (s *Session) triesLeft() (int, error) {
	v, known, err := s.getData(tlv.PINTryCounter, 1)
	if err != nil || !known {
		return -1, err
	}
	return int(v[0]), nil
}

// pinFails sets the bit that says why there is no PIN.
func (s *Session) pinFails(bit tlv.Bit, why string) (bool, error) {
	bit.Set(s.tvr[:])
	s.decide(RuleOfflinePIN, why)
	return false, nil
}
