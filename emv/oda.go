package emv

import "github.com/posim/posim/emv/tlv"

// OfflineDataAuthentication is step 10.3 of Book 3. This terminal announces no method (9F33 byte 3; NewSession sees to it), so
// card and terminal have none in common: the TVR says that it was not performed, and the TSI bit stays 0.
func (s *Session) OfflineDataAuthentication() error {
	tlv.TVROfflineDataAuthenticationNotPerformed.Set(s.tvr[:])
	s.decide("ODA", "10.3", "no method in common: offline data authentication was not performed")
	return nil
}
