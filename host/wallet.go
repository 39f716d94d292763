package host

import (
	"time"

	"github.com/posim/posim/transport/dialect"
)

// A wallet pays when its owner has agreed on the telephone. Until then a sale from its code is pending here, and nobody is answered;
// the relays ask again from time to time, so that an approval that is lost on its way is said again. What the owner agrees to after
// the sale was cancelled is paid and given back: a wallet keeps nothing that nobody sold anything for.

// OwnerAway is the OwnerWait of a wallet whose owner agrees to nothing before somebody says so.
const OwnerAway = -1

// QRPatience is how long a relay asks again for a sale from a code before it gives up.
const QRPatience = 200 * time.Second

// asksAgain repeats a sale from a code to the next hop, and tells whether it did.
func (x *Relay) asksAgain(e *Entry) bool {
	if e.Kind != dialect.KindQRSale || e.request == nil || x.now.Sub(e.Opened) >= QRPatience {
		return false
	}
	e.again = true
	m := *e.request
	m.MTI = "0201"
	x.fx = append(x.fx, Effect{Send: &Send{Message: &m, Repeat: true}})
	x.set(Timer{TimerAnswer, e.Key}, x.cfg.wait())
	return true
}

// refusedCopy is a refusal of what was asked more than once: of which copy nobody can tell, and another may be pending up there. One
// that decides nothing leaves things as they are; any other is made true by a reversal.
func (x *Relay) refusedCopy(e *Entry, m *dialect.Message) {
	if dialect.Undecided(m.ResponseCode) {
		x.unmatched(m)
		return
	}
	x.cancel(Timer{TimerAnswer, e.Key})
	x.declineAndReverse(e, m.ResponseCode, "a copy was refused", dialect.ReasonNoAnswer)
}

// waits tells whether the owner of a wallet is to be asked about what the issuer would approve.
func (a *account) waits(t *Transaction, code string) bool {
	return a != nil && t.Kind == dialect.KindQRSale && a.state.OwnerWait != 0 && code == codeApproved
}

// askOwner begins the wait for the owner.
func (x *Issuer) askOwner(e *Entry) {
	if a := x.byName[e.Account]; a != nil && e.Waiting && a.state.OwnerWait > 0 {
		x.set(Timer{TimerOwner, e.Key}, time.Duration(a.state.OwnerWait)*time.Second)
	}
}

// agreed is the owner's yes to a sale: paid, or, if it has been cancelled since, paid and given back.
func (x *Issuer) agreed(e *Entry) {
	a := x.byName[e.Account]
	if !e.Waiting || a == nil {
		return
	}
	x.cancel(Timer{TimerOwner, e.Key})
	t := e.Transaction
	t.Waiting = false
	if t.State == Reversed {
		t.Note = "the owner agreed when it had been cancelled: given back"
		paid := moves(a.position(), PositionIssuer, t.Amount)
		x.put(&Record{Transaction: &t, Postings: append(paid, moves(PositionIssuer, a.position(), t.Amount)...)})
		return
	}
	var d decision
	if x.fund(a, &t, &d); d.code == codeApproved {
		t.State, t.AuthorizationIDResponse = Approved, x.authorisation()
	} else {
		t.State = Declined
	}
	t.ResponseCode = d.code
	r := &Record{Transaction: &t}
	if t.State == Approved {
		r.Postings = x.postings(&t, a, nil)
	}
	conn := e.conn
	e = x.put(r)
	if conn != 0 {
		x.send(conn, e.stored())
	}
}

// agreedAll is the owner's yes to everything that waits.
func (x *Issuer) agreedAll(a *account) {
	for _, e := range x.book.order {
		if e.Waiting && e.Account == a.Name {
			x.agreed(e)
		}
	}
}
