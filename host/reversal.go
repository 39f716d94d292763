package host

import (
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// reversal is a 0400, 0401, 0420 or 0421 from below.
func (x *Relay) reversal(e Event) {
	m := e.Message
	switch code := x.unusable(e); {
	case code == codeInvalidTransaction:
		x.dispute(e.Conn, m)
		return
	case code != "":
		x.refuse(e.Conn, m, code)
		return
	}
	old := x.original(m)
	switch {
	case old == nil:
		x.remember(m)
		x.refuse(e.Conn, m, codeNoOriginal)
	case old.State == Tombstone:
		x.refuse(e.Conn, m, codeNoOriginal)
	case old.State == Declined, old.State == Reversed && x.rules.Kept(rules.CreditOnce):
		x.saidItself(old)
		x.acknowledge(e.Conn, m, old, codeApproved)
	case old.State == Pending && old.Function == Sale && !x.rules.Kept(rules.CancelPending): // and its approval is waited for still
		x.acknowledge(e.Conn, m, old, codeApproved)
	case old.Kind == dialect.KindBalance: // nothing has moved, and nothing can be undone
		x.acknowledge(e.Conn, m, old, codeInvalidTransaction)
	case old.Function == Advice || old.Leaving() || old.settled() || old.State == Approved && x.book.stands(old) != "":
		x.contest(e.Conn, m, old)
	default:
		x.undo(e.Conn, m, old)
	}
}

// dispute is a reversal that this relay is made to refuse for good: whoever says 12 has opened an item first.
func (x *Relay) dispute(conn int, m *dialect.Message) {
	if old := x.original(m); old != nil {
		x.contest(conn, m, old)
		return
	}
	r := x.tombstone(m) // its original may still come, and must find that it was given up
	r.Transaction.Difference = x.item(r.Transaction, ReversalRefused, r.Transaction.Amount, "reversal refused: forced")
	x.add(r, x.Apply)
	x.refuse(conn, m, codeInvalidTransaction)
}

// unusable is the code that refuses a reversal without looking for its original; "" for none.
func (d *desk) unusable(e Event) string {
	m := e.Message
	switch {
	case !whole(m.Key()):
		return codeFormat
	case e.Force != "" && !dialect.Approves(e.Force):
		return e.Force
	}
	if old := d.find(m.Key()); old != nil && old.State != Tombstone && m.HasAmount && m.AmountTransaction != old.Amount && m.AmountTransaction != old.approved() {
		return codeDuplicate
	}
	return ""
}

// original finds what a reversal means: by its whole key (H5). The naive acquirer takes the terminal's last approved sale.
func (x *Relay) original(m *dialect.Message) *Entry {
	exact := x.find(m.Key())
	if x.rules.Kept(rules.ExactKey) || !x.cfg.Acquirer || exact != nil && exact.State == Reversed {
		return exact
	}
	if last := x.book.newest(m.CardAcceptorTerminalIdentification, Approved); last != nil {
		return last
	}
	return exact
}

// tombstone is what an unmatched reversal leaves, so that its original is refused when it comes later (H2).
func (d *desk) tombstone(m *dialect.Message) *Record {
	return &Record{Transaction: &Transaction{
		Key: m.Key(), State: Tombstone, ProcessingCode: m.ProcessingCode, Amount: max(0, m.AmountTransaction), Currency: m.CurrencyCodeTransaction,
		ReversalReason: m.ReversalReason, ResponseCode: codeNoOriginal, BusinessDate: d.book.businessDate(d.now),
	}}
}

// remember puts up the tombstone, and there the reversal ends. The naive relay forwards it too; or puts up none, and a
// terminal that is naive in the same way takes the 25 for a refusal.
func (x *Relay) remember(m *dialect.Message) {
	if !x.rules.Kept(rules.RememberUnmatched) || !x.rules.Kept(rules.AcknowledgeUnmatched) {
		return
	}
	r := x.tombstone(m)
	r.Transaction.ReversalDue = !x.rules.Kept(rules.HoldUnmatched)
	x.add(r, x.Apply)
	if r.Transaction.ReversalDue {
		x.sendReversal(x.book.find(m.Key()), false)
	}
}

// acknowledge answers a reversal with what it is about: every repeat gets the same.
func (d *desk) acknowledge(conn int, m *dialect.Message, e *Entry, code string) {
	a := answerTo(m, code)
	a.RetrievalReferenceNumber = e.RetrievalReferenceNumber
	a.DateSettlement = e.hostDate()
	d.send(conn, a)
}

// contest refuses to undo what has been paid out or has happened outside: people settle it.
func (x *Relay) contest(conn int, m *dialect.Message, old *Entry) {
	x.dispose(old)
	x.acknowledge(conn, m, old, codeInvalidTransaction)
}

// dispose opens the difference item of a transaction that is not undone, once.
func (x *Relay) dispose(old *Entry) {
	if old.unclaimed() && old.Amount > 0 {
		t := old.Transaction
		t.Difference = x.item(&t, ReversalRefused, t.Amount, "reversal refused: "+x.whyRefused(old))
		x.put(t)
	}
}

func (x *Relay) whyRefused(e *Entry) string {
	switch why := x.book.stands(e); {
	case e.settled():
		return "it has been settled as a difference"
	case e.Leaving():
		return "the merchant has been paid"
	case e.Function == Advice:
		return "an advice is not reversed"
	case why != "" && e.State == Approved:
		return why
	}
	return "forced"
}

// unclaimed tells whether an item about a transaction's money can be opened: there is none. One about its fee gives way, and
// so does one about what became of it behind the payout.
func (t *Transaction) unclaimed() bool {
	i := t.Difference
	return i == nil || i.Type == FeeDiffers || i.Type == NotPassedOn || i.Type == ReturnedPayout && !i.Open()
}

// item is a new difference item of this party's. It says, too, what it takes the place of.
func (x *Relay) item(t *Transaction, k ItemType, amount int64, reason string) *Item {
	if t.Difference != nil && (t.Difference.Type == FeeDiffers || t.Difference.Type == NotPassedOn) {
		reason += "; " + t.Difference.Reason
	}
	return itemFor(t, x.cfg.Name, k, amount, x.deadline(), x.book.businessDate(x.now), reason)
}

// undo reverses, and acknowledges that.
func (x *Relay) undo(conn int, m *dialect.Message, old *Entry) {
	old.conn = 0
	e := x.revoke(old, m.ReversalReason, icc(m.ICCSystemRelatedData).forDecisions())
	x.acknowledge(conn, m, e, codeApproved)
	x.sendReversal(e, false)
}

// revoke reverses here, and queues the reversal for the next hop in the same record, before anybody is told (A4, A5). A
// request that is pending gets no answer any more. Sending it is the caller's.
func (x *Relay) revoke(old *Entry, reason string, chip []byte) *Entry {
	t := old.Transaction
	var posts []Posting
	if t.State == Pending {
		x.cancel(Timer{TimerAnswer, t.Key})
	} else {
		posts = append(x.unsuspended(&t, old), old.back()...)
	}
	x.unadvised(&t)
	t.State, t.ReversalDue, t.ReversalReason, t.ReversalICC = Reversed, true, reason, chip
	if t.ReversalReason == "" {
		t.ReversalReason = dialect.ReasonNoAnswer
	}
	if x.rules.Kept(rules.QueueBeforeAcknowledging) {
		return x.put(t, posts...)
	}
	e, owed := x.believe(t, posts...)
	e.unlogged = owed
	return e
}

// sendReversal sends the reversal that is due, and wakes up to send it again (A6). The naive relay sends it once.
func (x *Relay) sendReversal(e *Entry, repeat bool) {
	mti := "0420"
	if repeat {
		mti = "0421"
	}
	m := e.message(mti)
	m.POSEntryMode = e.POSEntryMode
	m.AuthorizationIDResponse = e.AuthorizationIDResponse
	m.ReversalReason = e.ReversalReason
	m.Original = e.original()
	m.ICCSystemRelatedData = e.ReversalICC
	x.fx = append(x.fx, Effect{Send: &Send{Conn: 0, Message: m, Repeat: repeat}})
	if !x.rules.Kept(rules.RepeatUpstream) {
		t := e.Transaction
		t.ReversalDue = false
		x.put(t)
		return
	}
	x.repeatLater(TimerReversal, e, repeat)
}

// repeatLater wakes up to say again what was just said, each time later.
func (x *Relay) repeatLater(k TimerKind, e *Entry, repeat bool) {
	if !repeat || e.repeatAfter == 0 {
		e.repeatAfter = ReversalRepeat
	}
	x.set(Timer{k, e.Key}, e.repeatAfter)
	e.repeatAfter = min(2*e.repeatAfter, MaxReversalRepeat)
}

// acknowledged is the next hop's answer to a reversal. Only what settles it takes it off the queue.
func (x *Relay) acknowledged(m *dialect.Message, code string) {
	e := x.book.find(m.Key())
	if e == nil || !e.ReversalDue {
		x.unmatched(m)
		return
	}
	t := e.Transaction
	switch code {
	case codeApproved, codeNoOriginal:
	case codeInvalidTransaction:
		t.Difference = x.item(&t, ReversalRefused, t.Amount, "reversal refused by the next hop: the card is still debited")
	default:
		if e.ReversalCode != code && x.rules.Kept(rules.RepeatUpstream) { // the timer sends it again
			t.ReversalCode = code
			x.catchUp(e)
			x.put(t)
		}
		return
	}
	t.ReversalDue = false
	x.catchUp(e)
	x.put(t)
	x.cancel(Timer{TimerReversal, t.Key})
}

// catchUp makes durable what was only believed.
func (x *Relay) catchUp(e *Entry) {
	if e.unlogged != nil {
		x.fx = append(x.fx, Effect{Append: e.unlogged})
		e.unlogged = nil
	}
}
