package host

import (
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// A sale from a scanned code is never reversed by its terminal: who pays has agreed on his own device, and the terminal asks
// what became of it, and may cancel it under a number of its own. The acquirer's log is the answer to both.

// query answers what became of a sale from a code, and changes nothing: 00 approved, 09 not decided yet, 25 unknown or
// cancelled, or else the code that it was declined with.
func (x *Relay) query(e Event) {
	m := e.Message
	code := codeNoOriginal
	o := x.book.named(m)
	switch {
	case !whole(m.Key()):
		code = codeFormat
	case e.Force != "" && !dialect.Approves(e.Force):
		code = codeSystem // who will not answer says nothing about the sale: any other code would be the sale's
	case o == nil || o.Kind != dialect.KindQRSale:
	case o.State == Pending:
		code = codeInProgress
	case o.State == Approved && x.book.undone(o, Approved) == nil, o.State == Declined:
		code = o.ResponseCode
	}
	a := answerTo(m, code)
	if o != nil {
		a.RetrievalReferenceNumber = o.RetrievalReferenceNumber
		a.DateSettlement = o.hostDate()
		if dialect.Approves(code) {
			a.AuthorizationIDResponse = o.AuthorizationIDResponse
			a.SetAmount(o.approved())
		}
	}
	x.send(e.Conn, a)
}

// cancelQR undoes a sale from a code, or leaves its tombstone: what a reversal does, asked for under another number.
func (x *Relay) cancelQR(e Event) {
	m := e.Message
	t, _, code := x.opening(m, dialect.KindQRCancel)
	k := m.OriginalKey()
	switch {
	case code != "":
	case !x.cfg.Acquirer:
		code = codeInvalidTransaction
	case !whole(k):
		code = codeFormat
	}
	if code != "" {
		x.refuse(e.Conn, m, code)
		return
	}
	t.Original = k
	if old := x.decides(e, t.Key); old != nil && (old.State == Tombstone || x.rules.Kept(rules.ReplayDuplicates)) {
		switch {
		case old.State == Tombstone:
			x.refuse(e.Conn, m, codeNoOriginal)
		case !old.sameAs(&t):
			x.refuse(e.Conn, m, codeDuplicate)
		default:
			x.send(e.Conn, old.stored())
		}
		return
	}
	x.number(&t)
	switch {
	case e.Force == codeInvalidTransaction: // for good, and so there is an item
		x.disputeQR(&t)
		x.declineAtOnce(e.Conn, t, e.Force, "forced")
		return
	case e.Force == codeNoOriginal: // who has none says so below; who has one cannot
		x.refuse(e.Conn, m, codeSystem)
		return
	case e.Force != "" && !dialect.Approves(e.Force): // it decides nothing, as of a reversal, and is stored by nobody
		x.refuse(e.Conn, m, e.Force)
		return
	}
	t.State, t.ResponseCode = Approved, codeApproved
	var undone *Entry
	o := x.find(k)
	switch {
	case o == nil:
		x.bury(k, &t)
	case o.Kind != dialect.KindQRSale && o.State != Tombstone:
		t.State, t.ResponseCode, t.Note = Declined, codeInvalidTransaction, "the original is a "+o.Kind.String()
	case o.State == Approved && (o.Leaving() || x.book.stands(o) != ""):
		t.State, t.ResponseCode, t.Note = Declined, codeInvalidTransaction, x.whyRefused(o)
		x.dispose(o)
	case o.State == Approved || o.State == Pending:
		undone = x.revoke(o, dialect.ReasonNoAnswer, nil)
	}
	x.send(e.Conn, x.put(t).stored())
	if undone != nil {
		x.sendReversal(undone, false)
	}
}

// disputeQR opens the item of a sale from a code that this acquirer is made not to cancel, or of its tombstone.
func (x *Relay) disputeQR(t *Transaction) {
	if x.find(t.Original) == nil {
		x.bury(t.Original, t)
	}
	x.dispose(x.find(t.Original))
}

// bury puts up the tombstone of a sale from a code that its cancellation has overtaken.
func (x *Relay) bury(k dialect.Key, t *Transaction) {
	x.put(Transaction{Key: k, State: Tombstone, ProcessingCode: t.ProcessingCode, Amount: t.Amount, Currency: t.Currency,
		ReversalReason: dialect.ReasonNoAnswer, ResponseCode: codeNoOriginal, BusinessDate: t.BusinessDate})
}
