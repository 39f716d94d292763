package emv

import "github.com/posim/posim/emv/apdu"

// Run takes one card through one contact transaction (Book 3, 10). The error is not nil only if something is broken; the
// Outcome beside it then still tells whether the host had approved.
func Run(card apdu.Card, term Terminal, cfg *Config, txn Transaction) (Outcome, error) {
	s, err := NewSession(card, term, cfg, txn)
	if err != nil {
		return Outcome{}, err
	}
	for accepted := false; !accepted; { // 6985 to GET PROCESSING OPTIONS: select again (Book 4, 6.3.1)
		if err := s.SelectApplication(); err != nil { // Book 1, 12
			return s.end(err)
		}
		if accepted, err = s.InitiateApplicationProcessing(); err != nil { // 10.1
			return s.end(err)
		}
	}
	if err := s.ReadApplicationData(); err != nil { // 10.2
		return s.end(err)
	}
	if err := s.admit(); err != nil {
		return s.end(err)
	}
	if err := s.OfflineDataAuthentication(); err != nil { // 10.3
		return s.end(err)
	}
	if err := s.ProcessingRestrictions(); err != nil { // 10.4
		return s.end(err)
	}
	if err := s.CardholderVerification(); err != nil { // 10.5
		return s.end(err)
	}
	if err := s.TerminalRiskManagement(); err != nil { // 10.6
		return s.end(err)
	}
	if err := s.TerminalActionAnalysis(); err != nil { // 10.7
		return s.end(err)
	}
	if err := s.CardActionAnalysis(); err != nil { // 10.8, first GENERATE AC
		return s.end(err)
	}
	if s.cardAskedOnline() {
		if err := s.OnlineProcessing(); err != nil { // 10.9, issuer authentication
			return s.end(err)
		}
		if err := s.Completion(); err != nil { // 10.10 scripts, 10.11 second GENERATE AC
			return s.end(err)
		}
	}
	return s.end(nil)
}
