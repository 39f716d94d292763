package emv

import (
	"fmt"
	"io"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// TerminalRiskManagement looks at the amount, draws lots and counts offline transactions (Book 3, 10.6). It is performed for
// every card, also for one that does not ask for it in the AIP, as the book allows: it only ever sends more online.
func (s *Session) TerminalRiskManagement() error {
	s.checkExceptionFile()
	if s.txn.ForceOnline {
		tlv.TVRMerchantForcedOnline.Set(s.tvr[:])
		s.decide(RuleMerchantForced, "the clerk forced the transaction online")
	}
	if !s.checkFloorLimit() {
		if err := s.selectRandomly(); err != nil {
			return err
		}
	}
	if err := s.checkVelocity(); err != nil {
		return err
	}
	tlv.TSITerminalRiskManagementPerformed.Set(s.tsi[:])
	s.decide(RuleRiskEnd, "terminal risk management was performed")
	return nil
}

// checkExceptionFile is for terminals that have one.
func (s *Session) checkExceptionFile() {
	if s.cfg.OnExceptionFile == nil {
		return
	}
	listed := s.cfg.OnExceptionFile(s.number, s.PANSequenceNumber())
	if listed {
		tlv.TVRCardOnExceptionFile.Set(s.tvr[:])
	}
	s.decide(RuleExceptionFile, pick(listed, "the card is on the terminal's exception file", "the card is not on the terminal's exception file"))
}

// checkFloorLimit is 10.6.1: the amount, with that of the latest transaction of the same card in the terminal's log, reaches
// the limit.
func (s *Session) checkFloorLimit() bool {
	var logged int64
	if s.txn.LoggedAmount != nil {
		if n := s.txn.LoggedAmount(s.number, s.PANSequenceNumber()); n > 0 && n <= maxAmount {
			logged = n
		}
	}
	reached := s.txn.Amount+logged >= s.app.FloorLimit
	if reached {
		tlv.TVRFloorLimitExceeded.Set(s.tvr[:])
	}
	if s.traced() {
		text := "below the floor limit"
		if reached {
			text = "the floor limit is reached"
		}
		s.decide(RuleFloorLimit, text, about("amount", "%d", s.txn.Amount), about("latest sale of the card in the log", "%d", logged), about("floor limit 9F1B", "%d", s.app.FloorLimit))
	}
	return reached
}

// selectRandomly is 10.6.2, for terminals that can do both: below the threshold one in so many, above it more the nearer the
// amount comes to the floor limit.
func (s *Session) selectRandomly() error {
	a := s.app
	if s.onlineOnly() || s.offlineOnly() || a.MaxTargetPercent == 0 {
		return nil
	}
	percent := int64(a.TargetPercent)
	if s.txn.Amount >= a.Threshold {
		percent += int64(a.MaxTargetPercent-a.TargetPercent) * (s.txn.Amount - a.Threshold) / (a.FloorLimit - a.Threshold)
	}
	drawn, err := s.draw()
	if err != nil {
		return err
	}
	if int64(drawn) <= percent {
		tlv.TVRSelectedRandomlyForOnline.Set(s.tvr[:])
	}
	if s.traced() {
		text := "not selected"
		if int64(drawn) <= percent {
			text = "selected"
		}
		s.decide(RuleRandomSelection, text, about("drawn of 1 to 99", "%d", drawn), about("selected up to", "%d", percent))
	}
	return nil
}

// draw gives a number of 1 to 99, each as likely as any other.
func (s *Session) draw() (int, error) {
	const tries = 64 // a fair source misses that often once in 10^41 transactions
	var b [1]byte
	for range tries {
		if _, err := io.ReadFull(s.cfg.Rand, b[:]); err != nil {
			return 0, fmt.Errorf("emv: random selection: %w", err)
		}
		if n := int(b[0] & 0x7F); n >= 1 && n <= 99 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("emv: random selection: the random source gave no number of 1 to 99 in %d tries", tries)
}

// checkVelocity is 10.6.3: how many transactions the card has done since it was online last. It needs both limits.
func (s *Session) checkVelocity() error {
	lower, upper := s.icc.get(tlv.LowerConsecutiveOfflineLimit), s.icc.get(tlv.UpperConsecutiveOfflineLimit)
	if lower == nil || upper == nil {
		return nil
	}
	n, known, err := s.getCounter(tlv.ApplicationTransactionCounter)
	if err != nil {
		return err
	}
	l, alsoKnown, err := s.getCounter(tlv.LastOnlineATCRegister)
	if err != nil {
		return err
	}
	if alsoKnown && l == 0 { // whether the other counter can be read or not
		tlv.TVRNewCard.Set(s.tvr[:])
		s.decide(RuleNewCard, "the card was never online")
	}
	if !known || !alsoKnown {
		tlv.TVRICCDataMissing.Set(s.tvr[:]) // Book 3, 7.5
		s.exceedBoth("a counter cannot be read")
		return nil
	}
	if n <= l {
		s.exceedBoth("the counter is not above its value at the last online transaction")
		return nil
	}
	if n-l > int(lower[0]) {
		tlv.TVRLowerConsecutiveOfflineLimitExceeded.Set(s.tvr[:])
	}
	if n-l > int(upper[0]) {
		tlv.TVRUpperConsecutiveOfflineLimitExceeded.Set(s.tvr[:])
	}
	if s.traced() {
		s.decide(RuleVelocity, fmt.Sprintf("%d transactions since the last online one", n-l), s.fromCard(tlv.LowerConsecutiveOfflineLimit), s.fromCard(tlv.UpperConsecutiveOfflineLimit))
	}
	return nil
}

func (s *Session) exceedBoth(why string) {
	tlv.TVRLowerConsecutiveOfflineLimitExceeded.Set(s.tvr[:])
	tlv.TVRUpperConsecutiveOfflineLimitExceeded.Set(s.tvr[:])
	s.decide(RuleVelocity, "both limits are taken as exceeded: "+why)
}

// getCounter reads a counter of the card, two bytes; it is not known if the card does not give it.
func (s *Session) getCounter(tag tlv.Tag) (n int, known bool, err error) {
	v, known, err := s.getData(tag, 2)
	if err != nil || !known {
		return 0, false, err
	}
	return int(v[0])<<8 | int(v[1]), true, nil
}

// getData reads a data object of size bytes with GET DATA (Book 3, 6.5.7); it is not known if the card does not give it.
func (s *Session) getData(tag tlv.Tag, size int) (v []byte, known bool, err error) {
	r, err := s.transmit(apdu.Command{CLA: 0x80, INS: apdu.InsGetData, P1: byte(tag >> 8), P2: byte(tag), Le: apdu.MaxLe})
	if err != nil || !r.SW.Success() {
		return nil, false, err
	}
	if v, err = tlv.Only(r.Data, tag); err != nil {
		return nil, false, terminate("GET DATA %X: %w", tag, err)
	}
	if len(v) != size {
		return nil, false, terminate("GET DATA %X: %d bytes: want %d", tag, len(v), size)
	}
	return v, true, nil
}
