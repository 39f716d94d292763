package host

import (
	"fmt"
	"maps"
	"slices"

	"github.com/posim/posim/transport/dialect"
)

// reconcile compares a batch's lines with our log and opens an item for each transaction on which we differ: one that only we
// have (long), one that only the terminal has (short), and one with another amount. It returns how many there are. The items
// are durable with the record that closes the batch or before it; opened again they are the same.
func (x *Relay) reconcile(b *Batch) (items int) {
	l, lines := x.ledgers[b.id()], x.book.batches.lines[b.id().terminalID]
	ours, _ := x.count(b.id())
	known := make(map[string]*Entry, len(l))
	for _, e := range l {
		known[e.Key.STAN] = e
	}
	seen := map[string]bool{}
	for _, c := range ours {
		line, there := lines[c.entry.Key.STAN]
		there = there && !line.Notice
		seen[c.entry.Key.STAN] = seen[c.entry.Key.STAN] || there && line.Debit == c.debit
		switch {
		case !there || line.Debit != c.debit:
			items += x.differs(c.entry, HostOnly, c.amount, c.amount, "long item: the terminal's batch does not have it")
		case line.Amount != c.amount:
			items += x.differs(c.entry, AmountMore, c.amount-line.Amount, c.amount-line.Amount, fmt.Sprintf("the terminal's batch has %d", line.Amount))
		}
	}
	for _, stan := range slices.Sorted(maps.Keys(lines)) { // in order, so that a log is the same each time
		if line := lines[stan]; !seen[stan] && !line.Notice {
			items += x.short(b, known[stan], &line)
		}
	}
	return items
}

// differs opens an item about a transaction of ours, once. What we hold of a debit that is disputed and not paid out goes to
// suspense until people have settled it; extra is how much of it the terminal knows nothing of.
func (x *Relay) differs(e *Entry, k ItemType, amount, extra int64, reason string) int {
	if !e.unclaimed() {
		return 1
	}
	t := e.Transaction
	if k == AmountMore && amount < 0 {
		k = AmountLess
	}
	t.Difference = x.item(&t, k, max(amount, -amount), reason)
	var posts []Posting
	if n := min(extra, e.Net(PositionAcquirer)); n > 0 && !t.Leaving() {
		posts = []Posting{{PositionAcquirer, PositionSuspense, n}}
	}
	x.put(t, posts...)
	return 1
}

// short opens an item about a line that our totals do not have: of a transaction that we know otherwise, or of none. Then it
// stands as one that will be refused should it still come.
func (x *Relay) short(b *Batch, e *Entry, line *Line) int {
	const reason = "short item: only the terminal's batch has it"
	if line.Amount == 0 {
		return 0
	}
	if e != nil {
		if columnOf(e.Kind) == inNone && e.State == Approved { // a hold, an adjustment: in no totals, and rightly so
			return 0
		}
		if i := e.Difference; i.Open() && i.Type == SwitchOnly && i.Stage == ItemOpen && e.State != Approved {
			return x.slipToo(e)
		}
		return x.differs(e, TerminalOnly, line.Amount, 0, fmt.Sprintf("%s; here it is %v", reason, e.State))
	}
	t := &Transaction{
		Key:   dialect.Key{MID: b.MID, TID: b.TID, STAN: line.STAN, Batch: b.Number},
		State: Tombstone, Amount: line.Amount, Card: line.Card, ResponseCode: codeNoOriginal, BusinessDate: x.book.businessDate(x.now),
	}
	t.Difference = x.item(t, TerminalOnly, t.Amount, reason)
	x.put(*t)
	return 1
}

// slipToo makes an item about what only the switch has one about what only we have not: the terminal's batch has come, and has it, too.
// The merchant has a slip, so the money is his, as much of it as was approved above, and does not go back to the cardholder.
func (x *Relay) slipToo(e *Entry) int {
	t := e.Transaction
	i := t.Difference.moved(ItemOpen, x.book.businessDate(x.now), "the terminal's batch has it, too")
	i.Type, i.Reason = TerminalOnly, fmt.Sprintf("the terminal's batch and the switch have it; here it is %v", e.State)
	t.Difference = i
	x.put(t)
	return 1
}

// unsuspended takes an item back whose transaction is reversed after all: its terminal had only not been able to say so before
// its batch was closed.
func (x *Relay) unsuspended(t *Transaction, e *Entry) []Posting {
	n := e.Net(PositionSuspense)
	if n <= 0 {
		return nil
	}
	t.Difference = t.Difference.moved(ItemClosed, x.book.businessDate(x.now), "reversed after all")
	return []Posting{{PositionSuspense, PositionAcquirer, n}}
}
