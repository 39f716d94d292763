package emv

import (
	"bytes"

	"github.com/posim/posim/emv/tlv"
)

// ProcessingRestrictions judges whether the application may be used here, today, for this (Book 3, 10.4). It only sets bits.
func (s *Session) ProcessingRestrictions() error {
	s.checkApplicationVersion()
	s.checkApplicationUsageControl()
	return s.checkDates()
}

// checkApplicationVersion is 10.4.1. A card without 9F08 is taken to have the terminal's version.
func (s *Session) checkApplicationVersion() {
	card := s.icc.get(tlv.ApplicationVersionNumberCard)
	differ := card != nil && !bytes.Equal(card, s.terminal.get(tlv.ApplicationVersionNumberTerminal))
	if differ {
		tlv.TVRApplicationVersionsDiffer.Set(s.tvr[:])
	}
	if s.traced() {
		s.decide(RuleVersion, pick(differ, "the versions differ", "no difference"),
			s.fromCard(tlv.ApplicationVersionNumberCard), s.in(tlv.ApplicationVersionNumberTerminal))
	}
}

// checkApplicationUsageControl is 10.4.2. Absent AUC means no restriction; without the issuer's country nothing that depends
// on the country can be tested.
func (s *Session) checkApplicationUsageControl() {
	allowed := true
	if auc := s.icc.get(tlv.ApplicationUsageControl); auc != nil {
		allowed = s.allowedWhere(auc) && s.allowedFor(auc)
	}
	if !allowed {
		tlv.TVRServiceNotAllowed.Set(s.tvr[:])
	}
	if s.traced() {
		s.decide(RuleUsageControl, pick(allowed, "allowed", "the card is not for this, here"), s.fromCard(tlv.ApplicationUsageControl),
			s.fromCard(tlv.IssuerCountryCode), s.in(tlv.TerminalCountryCode), s.in(tlv.TransactionType), s.in(tlv.TerminalType))
	}
}

// allowedWhere looks at the kind of terminal.
func (s *Session) allowedWhere(auc []byte) bool {
	if s.isATM() {
		return tlv.AUCATMs.In(auc)
	}
	return tlv.AUCOtherThanATMs.In(auc)
}

// allowedFor looks at what is wanted, at home or abroad. The type of a purchase does not tell goods from services: one is
// enough.
func (s *Session) allowedFor(auc []byte) bool {
	issuer := s.icc.get(tlv.IssuerCountryCode)
	if issuer == nil {
		return true
	}
	domestic := bytes.Equal(issuer, s.terminal.get(tlv.TerminalCountryCode))
	in := func(home, abroad tlv.Bit) bool { return domestic && home.In(auc) || !domestic && abroad.In(auc) }
	allowed := true
	switch {
	case s.isCash():
		allowed = in(tlv.AUCDomesticCash, tlv.AUCInternationalCash)
	case s.txn.Type == typePurchase || s.txn.Type == typeCashback:
		allowed = in(tlv.AUCDomesticGoods, tlv.AUCInternationalGoods) || in(tlv.AUCDomesticServices, tlv.AUCInternationalServices)
	}
	if s.isCashback() {
		allowed = allowed && in(tlv.AUCDomesticCashback, tlv.AUCInternationalCashback)
	}
	return allowed
}

// checkDates is 10.4.3. The last day and the first day are both valid. A date that is none is a violation.
func (s *Session) checkDates() error {
	now := today(s.txn.Time)
	if v := s.icc.get(tlv.ApplicationEffectiveDate); v != nil { // absent: in effect
		effective, ok := date(v)
		if !ok {
			return terminate("application effective date 5F25 is %X: want YYMMDD", v)
		}
		if now < effective {
			tlv.TVRApplicationNotYetEffective.Set(s.tvr[:])
		}
		if s.traced() {
			s.decide(RuleEffectiveDate, pick(now < effective, "not yet effective", "in effect"), s.fromCard(tlv.ApplicationEffectiveDate), s.in(tlv.TransactionDate))
		}
	}
	v := s.icc.get(tlv.ApplicationExpirationDate)
	expires, ok := date(v)
	if !ok {
		return terminate("application expiration date 5F24 is %X: want YYMMDD", v)
	}
	if now > expires {
		tlv.TVRExpiredApplication.Set(s.tvr[:])
	}
	if s.traced() {
		s.decide(RuleExpirationDate, pick(now > expires, "expired", "not expired"), s.fromCard(tlv.ApplicationExpirationDate), s.in(tlv.TransactionDate))
	}
	return nil
}

func pick(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}
