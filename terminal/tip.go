package terminal

import (
	"github.com/posim/posim/transport/dialect"
)

// chooseTipAdjust adds a tip to a sale of this batch after the cardholder has left: the host is told the new amount. It is done once:
// a second tip on the same slip is somebody else's hand.
func (t *Terminal) chooseTipAdjust() (Ended, error) {
	o, e := t.askOriginal(dialect.KindTipAdjust, func(k dialect.Kind) bool {
		return k == dialect.KindSale || k == dialect.KindMOTOSale || k == dialect.KindOfflineSale
	})
	if o == nil {
		return e, nil
	}
	if o.Tip > 0 {
		t.show(say("not-possible"))
		return Ended{Outcome: OutcomeNotAllowed}, nil
	}
	tip, ok := t.askTip(o.Amount)
	if !ok || tip == 0 {
		return t.cancelled(), nil
	}
	if !t.confirm(append(t.shownRecord(o), say("tip-adjust", Amount(o.Amount+tip)))...) {
		return t.cancelled(), nil
	}
	d, e, err := t.dependent(dialect.KindTipAdjust, o, false, false)
	if d == nil {
		return e, err
	}
	d.record.Amount, d.record.Tip = o.Amount+tip, tip
	return t.transact(d)
}
