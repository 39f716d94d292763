package emv

import "github.com/posim/posim/emv/tlv"

// Transaction types, tag 9C: the first two digits of the ISO 8583 processing code.
const (
	typePurchase         = 0x00
	typeCash             = 0x01
	typeCashback         = 0x09
	typeCashDisbursement = 0x17
)

// isCash tells whether cash is all that is wanted.
func (s *Session) isCash() bool { return s.txn.Type == typeCash || s.txn.Type == typeCashDisbursement }

// isCashback tells whether cash is wanted beside goods or services.
func (s *Session) isCashback() bool {
	return !s.isCash() && (s.txn.AmountOther > 0 || s.txn.Type == typeCashback)
}

// attended is a terminal with a clerk at it (Book 4, A1: second digit 1 to 3).
func (s *Session) attended() bool { return s.cfg.Type&15 <= 3 }

// onlineOnly, offlineOnly: the second digit 1 and 4, 3 and 6 of the terminal type; 2 and 5 are offline with online capability.
func (s *Session) onlineOnly() bool  { return s.cfg.Type&15 == 1 || s.cfg.Type&15 == 4 }
func (s *Session) offlineOnly() bool { return tlv.OfflineOnly(s.cfg.Type) }

// isATM is an unattended terminal of a financial institution that gives cash (Book 4, A1).
func (s *Session) isATM() bool {
	return s.cfg.Type >= 0x14 && s.cfg.Type <= 0x16 && tlv.AdditionalCash.In(s.cfg.AdditionalCapabilities[:])
}
