package emv

import (
	"bytes"
	"fmt"

	"github.com/posim/posim/emv/tlv"
)

// ProcessingRestrictions judges whether the application may be used here, today, for this (Book 3, 10.4). It only sets bits.
func (s *Session) ProcessingRestrictions() error {
	s.checkApplicationVersion()
	s.checkApplicationUsageControl()
	if err := s.checkDates(); err != nil {
		return err
	}
	if s.cfg.Trace != nil {
		s.decide("restrictions", "10.4", s.describeRestrictions())
	}
	return nil
}

// checkApplicationVersion is 10.4.1. A card without 9F08 is taken to have the terminal's version.
func (s *Session) checkApplicationVersion() {
	card := s.icc.get(tlv.ApplicationVersionNumberCard)
	if card != nil && !bytes.Equal(card, s.terminal.get(tlv.ApplicationVersionNumberTerminal)) {
		tlv.TVRApplicationVersionsDiffer.Set(s.tvr[:])
	}
}

// checkApplicationUsageControl is 10.4.2. Absent AUC means no restriction; without the issuer's country nothing that depends
// on the country can be tested.
func (s *Session) checkApplicationUsageControl() {
	auc := s.icc.get(tlv.ApplicationUsageControl)
	if auc == nil {
		return
	}
	where := tlv.AUCOtherThanATMs
	if s.isATM() {
		where = tlv.AUCATMs
	}
	allowed := where.In(auc)
	if issuer := s.icc.get(tlv.IssuerCountryCode); issuer != nil {
		domestic := bytes.Equal(issuer, s.terminal.get(tlv.TerminalCountryCode))
		in := func(home, abroad tlv.Bit) bool { return domestic && home.In(auc) || !domestic && abroad.In(auc) }
		switch {
		case s.isCash():
			allowed = allowed && in(tlv.AUCDomesticCash, tlv.AUCInternationalCash)
		case s.txn.Type == typePurchase || s.txn.Type == typeCashback: // the type does not tell goods from services: one is enough
			allowed = allowed && (in(tlv.AUCDomesticGoods, tlv.AUCInternationalGoods) || in(tlv.AUCDomesticServices, tlv.AUCInternationalServices))
		}
		if s.isCashback() {
			allowed = allowed && in(tlv.AUCDomesticCashback, tlv.AUCInternationalCashback)
		}
	}
	if !allowed {
		tlv.TVRServiceNotAllowed.Set(s.tvr[:])
	}
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
	}
	v := s.icc.get(tlv.ApplicationExpirationDate)
	expires, ok := date(v)
	if !ok {
		return terminate("application expiration date 5F24 is %X: want YYMMDD", v)
	}
	if now > expires {
		tlv.TVRExpiredApplication.Set(s.tvr[:])
	}
	return nil
}

func (s *Session) describeRestrictions() string {
	text := "no restriction"
	for i, b := range [...]tlv.Bit{tlv.TVRApplicationVersionsDiffer, tlv.TVRExpiredApplication, tlv.TVRApplicationNotYetEffective, tlv.TVRServiceNotAllowed} {
		if !b.In(s.tvr[:]) {
			continue
		}
		if name := tlv.BitName(tlv.TVR, b); i == 0 || text == "no restriction" {
			text = name
		} else {
			text = fmt.Sprintf("%s; %s", text, name)
		}
	}
	return text
}
