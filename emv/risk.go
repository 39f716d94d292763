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
	if s.txn.ForceOnline {
		tlv.TVRMerchantForcedOnline.Set(s.tvr[:])
		s.decide("risk", "10.6", "the merchant forced the transaction online")
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
	s.decide("risk", "10.6", "terminal risk management was performed")
	return nil
}

// checkFloorLimit is 10.6.1: the amount, with that of the latest transaction of the same card in the terminal's log, reaches
// the limit.
func (s *Session) checkFloorLimit() bool {
	total := s.txn.Amount
	if s.txn.LoggedAmount != nil {
		if logged := s.txn.LoggedAmount(s.number, s.PANSequenceNumber()); logged > 0 && logged <= maxAmount {
			total += logged
		}
	}
	if total < s.app.FloorLimit {
		return false
	}
	tlv.TVRFloorLimitExceeded.Set(s.tvr[:])
	if s.cfg.Trace != nil {
		s.decide("risk", "10.6.1", fmt.Sprintf("amount %d with the log reaches the floor limit %d", total, s.app.FloorLimit))
	}
	return true
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
	if s.cfg.Trace != nil {
		s.decide("risk", "10.6.2", fmt.Sprintf("random selection: %d drawn, selected up to %d", drawn, percent))
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
	if !known || !alsoKnown {
		tlv.TVRICCDataMissing.Set(s.tvr[:]) // Book 3, 7.5
		s.exceedBoth("a counter cannot be read")
		return nil
	}
	if l == 0 {
		tlv.TVRNewCard.Set(s.tvr[:])
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
	if s.cfg.Trace != nil {
		s.decide("risk", "10.6.3", fmt.Sprintf("%d transactions since the last online one, limits %d and %d", n-l, lower[0], upper[0]))
	}
	return nil
}

func (s *Session) exceedBoth(why string) {
	tlv.TVRLowerConsecutiveOfflineLimitExceeded.Set(s.tvr[:])
	tlv.TVRUpperConsecutiveOfflineLimitExceeded.Set(s.tvr[:])
	s.decide("risk", "10.6.3", why)
}

// getCounter reads a counter of the card, two bytes, with GET DATA (Book 3, 6.5.7); it is not known if the card does not
// give it.
func (s *Session) getCounter(tag tlv.Tag) (n int, known bool, err error) {
	r, err := s.transmit(apdu.Command{CLA: 0x80, INS: apdu.InsGetData, P1: byte(tag >> 8), P2: byte(tag), Le: apdu.MaxLe})
	if err != nil || !r.SW.Success() {
		return 0, false, err
	}
	v, err := tlv.Only(r.Data, tag)
	if err != nil {
		return 0, false, terminate("GET DATA %X: %w", tag, err)
	}
	if len(v) != 2 {
		return 0, false, terminate("GET DATA %X: %d bytes: want 2", tag, len(v))
	}
	return int(v[0])<<8 | int(v[1]), true, nil
}
