package host

import (
	"fmt"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// RefundPolicy is how an acquirer gives money back. The zero value gives the fee back in proportion, and takes from the
// merchant's account what it does not hold for him any more.
type RefundPolicy struct {
	Fee      string // RefundFeeProRata (also ""), RefundFeeKept
	Strict   bool   // a refund of more than what is still to be paid to the merchant is refused
	Netting  bool   // what has been paid to the merchant is not taken back from him but from his next payouts
	NoPayout bool   // the merchant is gone: what has been paid to him cannot be had back, and the acquirer bears it
}

// What becomes of the fee of a sale that is refunded.
const (
	RefundFeeProRata = "prorata"
	RefundFeeKept    = "kept"
)

func (p *RefundPolicy) validate() error {
	if p.Fee != "" && p.Fee != RefundFeeProRata && p.Fee != RefundFeeKept {
		return fmt.Errorf("refund fee %q: want %s or %s", p.Fee, RefundFeeProRata, RefundFeeKept)
	}
	return nil
}

// kept tells whether the acquirer keeps the fee of what is refunded.
func (p *RefundPolicy) kept() bool { return p.Fee == RefundFeeKept }

// againstRefund is what only the merchant's acquirer can say against a refund.
func (x *Relay) againstRefund(t *Transaction, o *Entry) (code, note string) {
	if !x.cfg.Refunds.Strict || !x.rules.Kept(rules.RefundWithinLimit) {
		return "", ""
	}
	if n := x.payable(o.Key.MID); t.Amount > n {
		return codeAmountLimit, fmt.Sprintf("the merchant is owed %d", n)
	}
	return "", ""
}

// payable is what the acquirer holds for a merchant, in minor units.
func (x *Relay) payable(mid string) (n int64) {
	for _, e := range x.book.order {
		if e.Key.MID == mid && !e.Leaving() {
			n += e.Net(PositionAcquirer)
		}
	}
	return n
}

// refundPostings takes a refund from whoever has the money: from the acquirer until the sale is paid out, then from the
// merchant, who gets the fee's share back if the acquirer does not keep it. The switch holds it until the next clearing.
func (x *Relay) refundPostings(t *Transaction, o *Entry) []Posting {
	if o == nil || !o.Leaving() {
		return []Posting{{PositionAcquirer, PositionSwitch, t.Amount}}
	}
	if x.cfg.Refunds.NoPayout {
		t.Paid = true // no payout nets it
		t.Difference = x.item(t, RefundUncovered, t.Amount, reasonUncharged)
		return []Posting{{PositionAcquirer, PositionSwitch, t.Amount}}
	}
	if x.cfg.Refunds.Netting {
		t.Fee = x.feeShare(t, o)
		if n := t.Amount - t.Fee; n > 0 {
			t.Difference = x.item(t, RefundNetted, n, reasonNetted)
		}
		return append(moves(PositionAcquirer, PositionSwitch, t.Amount-t.Fee), moves(PositionFees, PositionSwitch, t.Fee)...)
	}
	t.Paid = true
	posts := []Posting{{PositionMerchant, PositionSwitch, t.Amount}}
	if share := x.feeShare(t, o); share > 0 {
		t.Fee = share
		posts = append(posts, Posting{PositionFees, PositionMerchant, share})
	}
	return posts
}

// feeShare is the part of an original's fee that goes back with a refund: what has gone back in all is never more than its
// share of what has been refunded in all.
func (x *Relay) feeShare(t *Transaction, o *Entry) int64 {
	if x.cfg.Refunds.kept() {
		return 0
	}
	total, back := x.book.amount(o), t.Amount
	var given int64
	for _, d := range x.book.naming(o) {
		if d.Kind == dialect.KindRefund && d.State == Approved && d.Key != t.Key {
			if d.Paid && d.Net(PositionAcquirer) < 0 { // before the payout: no fee was taken of it
				total -= d.Amount
				continue
			}
			back += d.Amount
			given += d.Fee
		}
	}
	if total <= 0 {
		return 0
	}
	return min(o.Fee, o.Fee*min(back, total)/total) - given
}

// reasonUncharged is of the item about a refund that the acquirer has paid for itself.
const reasonUncharged = "the merchant cannot be charged for a refund"

// reasonNetted is of the item about a refund that nothing has paid for yet.
const reasonNetted = "laid out until the merchant's next payouts"

// collect takes the refunds that merchants owe out of what they have just been given: so much of each, by merchant.
func (x *Relay) collect(given map[string]int64) {
	if !x.cfg.Refunds.Netting || x.cfg.Refunds.NoPayout {
		return
	}
	for _, e := range x.book.order {
		o := x.book.find(e.Original)
		if e.Kind != dialect.KindRefund || e.State != Approved || e.Paid || o == nil || !o.Paid {
			continue
		}
		owes := -e.Net(PositionAcquirer)
		n := min(owes, given[e.Key.MID])
		if n <= 0 {
			continue
		}
		given[e.Key.MID] -= n
		t := e.Transaction
		t.Paid = n == owes
		x.lessOwed(&t, owes-n)
		x.put(t, Posting{PositionMerchant, PositionAcquirer, n})
	}
}

// lessOwed is what a payout leaves of a refund's item.
func (x *Relay) lessOwed(t *Transaction, left int64) {
	switch i := t.Difference; {
	case !i.Open() || i.Type != RefundNetted:
	case left == 0:
		t.Difference = i.moved(ItemClosed, x.book.businessDate(x.now), "taken from the merchant's payouts")
	default:
		less := *i
		less.Amount = left
		t.Difference = &less
	}
}

// netsItself ends the items of a sale's refunds when its payout has come back: the next one is less by them.
func (x *Relay) netsItself(e *Entry) {
	for _, d := range x.book.naming(e) {
		if i := d.Difference; i.Open() && i.Type == RefundNetted {
			x.advance(d, ItemClosed, "the sale has not been paid out: its next payout is less", nil)
		}
	}
}
