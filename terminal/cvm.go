package terminal

import (
	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/tlv"
)

// How the cardholder was verified, as a record keeps it and the receipt says it.
const (
	cvmPIN              = "pin"         // by the issuer: a receipt means that it agreed
	cvmOfflinePIN       = "offline pin" // by the card
	cvmOfflineSignature = "offline pin, signature"
	cvmSignature        = "signature"
	cvmNone             = "none"   // no verification was wanted
	cvmFailed           = "failed" // one was wanted, and did not succeed
	cvmUnseen           = "unseen" // a PIN was taken for an issuer who never saw it
)

// cvmOf reads the CVM results, tag 9F34 (EMV Book 4, A4): the method in the low six bits, its condition, and 1 for failed, 2 for
// successful; what only issuer or paper can judge is neither.
func cvmOf(s *emv.Session) string {
	v := s.Data(tlv.CVMResults)
	switch method := v[0] & 0x3F; {
	case v[0] == 0x3F && v[2] != 1: // not performed: the card has no list, or none that applies
		return cvmNone
	case v[2] == 1:
		return cvmFailed
	case method == 0x01 || method == 0x04:
		return cvmOfflinePIN
	case method == 0x03 || method == 0x05:
		return cvmOfflineSignature
	case method == 0x02:
		return cvmPIN
	case method == 0x1E:
		return cvmSignature
	}
	return cvmNone
}

// cvmLines is what a copy of the receipt says of it. The signature is written on the merchant's, unless there is a picture of it.
func cvmLines(r *Record, c Copy) (lines []Text) {
	signature := func() {
		switch {
		case r.OnPad:
			lines = append(lines, say("r-signed-on-pad"))
		case c == MerchantCopy:
			lines = append(lines, say("r-signature"))
		}
	}
	switch r.CVM {
	case cvmPIN:
		lines = append(lines, say("r-pin"))
	case cvmOfflinePIN:
		lines = append(lines, say("r-offline-pin"))
	case cvmOfflineSignature:
		lines = append(lines, say("r-offline-pin"))
		signature()
	case cvmSignature:
		signature()
	case cvmFailed:
		lines = append(lines, say("r-not-verified"))
	case cvmUnseen:
		lines = append(lines, say("r-pin-unseen"))
	default:
		lines = append(lines, say("r-no-cvm"))
	}
	return lines
}
