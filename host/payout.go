package host

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/posim/posim/internal/rules"
)

// An acquirer pays its merchants through their bank. A payout file has a line for each transaction that it pays; the lines of one
// merchant are one order, which the bank credits or returns as a whole. The file's own record makes its transactions ordered, so
// that no power cut parts the two. No money moves then: the merchant has it when the bank says that it is credited, which posts
// acquirer -N, merchant +(N-f), fees +f. What comes back stays with the acquirer, and is an item until somebody has corrected the
// merchant's account; the next payout orders it once more.

// PayoutState is what has become of the payout of a transaction.
type PayoutState byte

// The states of a payout.
const (
	PayoutOrdered   PayoutState = iota + 1 // the bank has not answered
	PayoutCredited                         // the merchant has it
	PayoutReturned                         // the bank could not credit it; it waits for an account that can be paid to
	PayoutCorrected                        // the account has been corrected: the next payout orders it again
	PayoutPassedOn                         // it was credited to an aggregator, and the merchant has it
	PayoutLost                             // it was credited to an aggregator, and the merchant will not have it
)

var payoutStateNames = [...]string{"none", "ordered", "credited", "returned", "corrected", "passed-on", "lost"}

// String names the state.
func (s PayoutState) String() string { return named(payoutStateNames[:], byte(s)) }

// MarshalText is String.
func (s PayoutState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *PayoutState) UnmarshalText(b []byte) error {
	return unnamed(payoutStateNames[:], b, (*byte)(s))
}

// PayoutStates lists the names.
func PayoutStates() []string { return slices.Clone(payoutStateNames[1:]) }

// Payout is the order by which a transaction is paid. It is replaced, never changed.
type Payout struct {
	Order    string      `json:"order"`
	State    PayoutState `json:"state"`
	Amount   int64       `json:"amount"`             // minor units for the merchant
	Fee      int64       `json:"fee,omitempty"`      // minor units that stay with the acquirer
	Account  string      `json:"account"`            // at the bank
	Returns  int         `json:"returns,omitempty"`  // how often it has come back
	Reason   string      `json:"reason,omitempty"`   // why it came back last
	Via      string      `json:"via,omitempty"`      // the aggregator who is paid for the merchant
	Deadline string      `json:"deadline,omitempty"` // YYYY-MM-DD, by which he has to pass it on
}

func (p *Payout) check() error {
	switch {
	case p.Order == "" || p.Account == "" || p.State < PayoutOrdered || p.State > PayoutLost:
		return fmt.Errorf("payout %.20q to account %.20q in state %d: want both, and a known state", p.Order, p.Account, p.State)
	case p.Amount <= 0 || p.Amount > maxRecorded || p.Fee < 0 || p.Fee > maxRecorded || p.Returns < 0:
		return fmt.Errorf("payout of %d with a fee of %d, returned %d times: want 1 to 2^53, and not below 0", p.Amount, p.Fee, p.Returns)
	}
	return nil
}

func (c *codec) payout(p *Payout) {
	c.text(1, &p.Order)
	small(c, 2, &p.State)
	number(c, 3, &p.Amount)
	number(c, 4, &p.Fee)
	c.text(5, &p.Account)
	number(c, 6, &p.Returns)
	c.text(7, &p.Reason)
	c.text(8, &p.Via)
	c.text(9, &p.Deadline)
}

// MerchantState is what an acquirer keeps of a merchant: where he is paid.
type MerchantState struct {
	MID     string `json:"mid"`
	Account string `json:"account"` // at the bank
}

func (m *MerchantState) check() error {
	if m.MID == "" || m.Account == "" {
		return errors.New("merchant without a number or an account")
	}
	return nil
}

func (c *codec) merchant(m *MerchantState) {
	c.text(1, &m.MID)
	c.text(2, &m.Account)
}

// Leaving tells whether the merchant has a transaction's money, or is about to: it is out of the acquirer's hands.
func (t *Transaction) Leaving() bool {
	return t.Paid || t.Payout != nil && t.Payout.State == PayoutOrdered
}

// ordered is what a payout file that is durable makes of its transactions.
func (b *book) ordered(f *File, at time.Time) {
	for i := range f.Lines {
		l := &f.Lines[i]
		e := b.find(l.Key)
		if e == nil {
			continue // only in somebody else's log
		}
		p := &Payout{Order: l.Order, State: PayoutOrdered, Amount: l.Amount, Fee: l.Fee, Account: l.Account}
		if e.Payout != nil {
			p.Returns = e.Payout.Returns
		}
		e.Payout, e.Fee, e.FeeOf, e.FeePlan = p, l.Fee, l.FeeOf, l.FeePlan
		e.ordered = at
	}
}

// corrected is what another account makes of the payouts that came back.
func (b *book) corrected(m *MerchantState) {
	if b.merchants == nil {
		b.merchants = map[string]*MerchantState{}
	}
	b.merchants[m.MID] = m
	for _, e := range b.order {
		if e.Key.MID == m.MID && e.Payout != nil && e.Payout.State == PayoutReturned {
			p := *e.Payout
			p.State = PayoutCorrected
			e.Payout = &p
		}
	}
}

// accountOf is where a merchant is paid: what was said last, or an account of his own that stands as the configuration says.
func (x *Relay) accountOf(mid string) string {
	if m := x.book.merchants[mid]; m != nil {
		return m.Account
	}
	return AccountName(mid, x.cfg.PayTo)
}

// AccountName is what a house calls a merchant's account of some standing.
func AccountName(mid string, s Standing) string {
	if s == "" {
		s = AccountOpen
	}
	return mid + "/" + string(s)
}

// due tells whether a payout takes a sale. One that came back waits for its account (the naive acquirer pays it again each time).
func (x *Relay) due(e *Entry) bool {
	p := e.Payout
	switch {
	case !e.payable() || x.undecided(e):
		return false
	case x.uncleared(e) && x.rules.Kept(rules.PayWhatIsCleared):
		return false
	case e.held() && x.rules.Kept(rules.HoldUntilReleased) || e.Risk != nil && e.Risk.State == HoldReturned:
		return false
	case p != nil && p.Returns > 0 && p.State == PayoutCredited && !x.rules.Kept(rules.RepayOnce):
		return true
	case e.Paid:
		return false
	}
	return p == nil || p.State == PayoutCorrected
}

// uncleared tells whether a sale's day is over and the switch has not said what it has of it. What is paid before its day is over is
// paid in advance.
func (x *Relay) uncleared(e *Entry) bool {
	return e.BusinessDate <= x.book.said(x.cfg.Name).date && e.BusinessDate > x.book.said(switchName).date
}

// orderPayouts makes the payout files of what is due, in the order of the transactions.
func (x *Relay) orderPayouts(lines []FileLine) {
	for len(lines) > 0 {
		n := min(len(lines), maxFileLines)
		f := &File{ID: x.fileID(FilePayout), Kind: FilePayout, To: bankName, Lines: lines[:n:n]}
		for i := range f.Lines {
			f.Lines[i].Order = f.ID + "/" + f.Lines[i].Key.MID
		}
		x.hand(f, x.Apply)
		lines = lines[n:]
	}
}

// bankName is the party that payouts go to.
const bankName = "bank"

// paidOut reads what the bank says. A line that is not about the order under way says nothing new.
func (x *Relay) paidOut(f *File) error {
	for i := range f.Lines { // a file is read as a whole, or not at all
		if r := f.Lines[i].Result; r != resultCredited && r != resultReturned {
			return fmt.Errorf("line %d: result %q: want %s or %s: %w", i+1, r, resultCredited, resultReturned, ErrFile)
		}
	}
	given := map[string]int64{}
	var via []FileLine
	for i := range f.Lines {
		l := &f.Lines[i]
		e := x.book.find(l.Key)
		if e == nil || e.Payout == nil || e.Payout.State != PayoutOrdered || e.Payout.Order != l.Order {
			continue
		}
		if l.Result == resultReturned {
			x.returned(e, l.Reason)
			continue
		}
		x.credited(e)
		if e.Payout.Via != "" {
			via = append(via, *l)
			continue
		}
		given[l.Key.MID] += e.Payout.Amount
	}
	x.toPassOn(via)
	x.collect(given)
	for i := range f.Lines {
		if e := x.book.find(f.Lines[i].Key); e != nil {
			x.auditOne(e)
		}
	}
	return nil
}

// credited posts a payout. What names the sale and is in its amount is settled with it.
func (x *Relay) credited(e *Entry) {
	x.settleNaming(e, e.ordered)
	t := e.Transaction
	p := *e.Payout
	p.State = PayoutCredited
	to := PositionMerchant
	if x.cfg.Aggregator != nil {
		p.Via, p.Deadline = x.cfg.Aggregator.Name, workingDaysLater(x.book.businessDate(x.now), PassOnDays)
		to = PositionAggregator
	}
	t.Payout, t.Paid = &p, true
	x.bounceSettled(&t)
	x.put(t, append(moves(PositionAcquirer, to, p.Amount), moves(PositionAcquirer, PositionFees, p.Fee)...)...)
}

// bounceSettled ends the item of a payout that came back and is paid now.
func (x *Relay) bounceSettled(t *Transaction) {
	if i := t.Difference; i.Open() && i.Type == ReturnedPayout {
		t.Difference = i.moved(ItemClosed, x.book.businessDate(x.now), "paid")
	}
}

// settleNaming marks what named a sale at some time as settled.
func (x *Relay) settleNaming(e *Entry, at time.Time) {
	for _, d := range x.book.naming(e) {
		if d.State == Approved && !d.Paid && !d.Changed.After(at) {
			settled := d.Transaction
			settled.Paid = true
			x.put(settled)
		}
	}
}

// returned opens the item of a payout that came back. It keeps the reason, so that the item is known again when it is paid.
func (x *Relay) returned(e *Entry, reason string) {
	t := e.Transaction
	p := *e.Payout
	p.State, p.Reason = PayoutReturned, reason
	p.Returns++
	t.Payout, t.Fee, t.FeeOf, t.FeePlan = &p, 0, 0, ""
	if !t.Difference.Open() {
		t.Difference = x.item(&t, ReturnedPayout, p.Amount, payoutReturned(reason))
	}
	x.put(t)
	x.netsItself(e)
}

// payoutReturned is the reason of an item.
func payoutReturned(reason string) string { return "payout returned: " + reason }

// payoutLine is a sale's line in a payout file.
func (x *Relay) payoutLine(t *Transaction, amount int64) FileLine {
	return FileLine{
		Key: t.Key, Kind: t.Kind, Amount: amount, Fee: t.Fee, FeeOf: t.FeeOf, FeePlan: t.FeePlan, Card: t.Card, RRN: t.RetrievalReferenceNumber,
		Account: x.accountOf(t.Key.MID),
	}
}
