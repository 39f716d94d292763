package host

import "github.com/posim/posim/transport/dialect"

// reverseByHand undoes what a terminal that is gone cannot reverse itself, and says why not. Nobody knows whether that terminal has a sale,
// so there is an item until its own reversal comes, its batch says so, or the deadline has passed.
func (x *Relay) reverseByHand(e *Entry, reason string) (why string) {
	switch {
	case !x.cfg.Acquirer || e.Function == Advice || e.Kind == dialect.KindBalance || e.Original != (dialect.Key{}):
		return "only what a terminal asked the acquirer for is reversed"
	case e.State != Approved && e.State != Pending:
		return "it is " + e.State.String()
	case e.Leaving() || e.settled() || e.Difference != nil:
		return "it is paid, or has an item"
	}
	if why := x.book.stands(e); why != "" {
		return why
	}
	if reason == "" {
		reason = "the terminal has not said what it has"
	}
	e.conn = 0
	e = x.revoke(e, dialect.ReasonNoAnswer, nil)
	t := e.Transaction
	t.Difference = x.item(&t, ReversedByHand, t.approved(), "reversed by hand: "+reason)
	x.sendReversal(x.put(t), false)
	return ""
}

// saidItself closes the item when the terminal's own reversal comes.
func (x *Relay) saidItself(e *Entry) {
	if e.State == Reversed && e.Difference.Open() && e.Difference.Type == ReversedByHand {
		x.advance(e, ItemClosed, "its terminal has reversed it, too", nil)
	}
}
