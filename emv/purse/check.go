package purse

import (
	"fmt"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

// checkCard is who the card is and whether it may be used: the exception file, its dates (Book 3, 10.4.3), and whoever lends the
// terminal its hands.
func (t *tap) checkCard() error {
	owner, err := t.identity()
	if err != nil {
		return stop(CardViolation, "%w", err)
	}
	t.owner = owner
	if admit := t.terminal.Admit; admit != nil {
		if err := admit(owner.PAN); err != nil {
			return fmt.Errorf("purse: %w", err)
		}
	}
	if on := t.terminal.Kernel.OnExceptionFile; on != nil && on(owner.PAN, owner.PSN) {
		return stop(OnExceptions, "the card is on the exception file")
	}
	return t.checkDates()
}

// identity reads who the card is from its records, the last of them not among them.
func (t *tap) identity() (c Card, err error) {
	digits := text(t.get(tlv.ApplicationPAN))
	if digits == "" {
		return c, fmt.Errorf("PAN 5A is not among the records before the last")
	}
	if c.PAN, err = pan.Parse(digits); err != nil {
		return c, fmt.Errorf("PAN 5A: %w", err)
	}
	if v := t.get(tlv.ApplicationPANSequenceNumber); v != nil {
		if _, ok := number(v); !ok || len(v) != 1 {
			return c, fmt.Errorf("PAN sequence number 5F34: want two digits")
		}
		c.PSN = fmt.Sprintf("%X", v)
	}
	v := t.get(tlv.ApplicationExpirationDate)
	if _, ok := day(v); !ok {
		return c, fmt.Errorf("application expiration date 5F24: want YYMMDD")
	}
	c.Expiry, c.Label = fmt.Sprintf("%X", v[:2]), t.label
	return c, nil
}

func (t *tap) checkDates() error {
	if v := t.get(tlv.ApplicationEffectiveDate); v != nil { // absent: in effect
		effective, ok := day(v)
		switch {
		case !ok:
			return stop(CardViolation, "application effective date 5F25: want YYMMDD")
		case t.today < effective:
			return stop(OutOfDate, "application effective date 5F25 %X: not yet effective", v)
		}
	}
	v := t.get(tlv.ApplicationExpirationDate)
	if expires, _ := day(v); t.today > expires {
		return stop(OutOfDate, "application expiration date 5F24 %X: expired", v)
	}
	return nil
}

// day reads a date of a card as YYYYMMDD; years from 50 on are of the last century (Book 4, 6.7.3).
func day(b []byte) (int64, bool) {
	n, ok := number(b)
	if !ok || len(b) != 3 || n/100%100 < 1 || n/100%100 > 12 || n%100 < 1 || n%100 > 31 {
		return 0, false
	}
	if n >= 500000 {
		return 19000000 + n, true
	}
	return 20000000 + n, true
}
