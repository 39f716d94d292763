package host

import (
	"testing"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// TestARefundOfAPayoutThatComesBack: a refund is laid out while its sale's payout is under way. When the bank returns that, the refund needs no
// item any more: the sale's next payout is less by it.
func TestARefundOfAPayoutThatComesBack(t *testing.T) {
	o := newBureau(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) {
		a.PayTo, a.Refunds = AccountClosed, RefundPolicy{Netting: true, Fee: RefundFeeKept}
	})
	sale := o.sold(1, 10000)
	o.jam = FilePayoutResult
	o.calendar(CalendarPayout, "2026-03-03")
	o.expect("the payout", o.paid(sale), "ordered")
	refund := o.after(dialect.KindRefund, 2, sale, 4000)
	o.ask(refund)
	o.expect("while the bank has not answered", o.item(atAcquirer, refund), "refund-netted 4000 open")
	o.restart(atAcquirer)
	o.jam = 0
	o.calendar(CalendarDate, "2026-03-03") // the bank hands its answer out again
	o.expect("the payout", o.paid(sale), "returned")
	o.expect("the refund", o.item(atAcquirer, refund), "refund-netted 4000 closed")

	if err := o.does(atAcquirer, Deed{Do: DeedCorrect, MID: testMID, Account: AccountOpen}); err != nil {
		t.Fatal(err)
	}
	o.calendar(CalendarPayout, "2026-03-04")
	o.expect("the payout", o.paid(sale), "credited")
	o.expect("the money", o.money(), "cardholder -6000 merchant 5940 fees 60")
	o.calendar(CalendarDate, "2026-04-30")
	o.expect("behind every deadline", o.money(), "cardholder -6000 merchant 5940 fees 60")
}

// TestWhatIsLeftOfALaidOutRefund: each payout makes the item less, the last one ends it, and nothing is taken of what the acquirer has borne.
func TestWhatIsLeftOfALaidOutRefund(t *testing.T) {
	o := newBureau(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) { a.Refunds = RefundPolicy{Netting: true, Fee: RefundFeeKept} })
	sale := o.sold(1, 10000)
	o.calendar(CalendarPayout, "2026-03-03")
	refund := o.after(dialect.KindRefund, 2, sale, 4000)
	o.ask(refund)
	o.sold(3, 1000)
	o.calendar(CalendarPayout, "2026-03-04")
	o.restart(atAcquirer)
	o.expect("after one payout", o.item(atAcquirer, refund), "refund-netted 3006 open")
	o.refuses(atAcquirer, DeedClaim, refund, "only what is open and missing is claimed")
	o.sold(4, 3024)
	o.calendar(CalendarPayout, "2026-03-05")
	o.expect("after the second, to the cent", o.item(atAcquirer, refund), "refund-netted 3006 closed")
	o.calendar(CalendarDate, "2026-04-30")
	o.expect("losses", o.positions()["loss:acquirer"], 0)
	o.expect("acquirer", o.positions()[PositionAcquirer], 0)
}
