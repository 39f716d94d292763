package host

import (
	"fmt"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// request is a request from below, or a 0201: the copy of one that may have come.
func (x *Relay) request(e Event, k dialect.Kind) {
	m := e.Message
	t, number, code := x.opening(m, k)
	if code != "" {
		x.refuse(e.Conn, m, code)
		return
	}
	o := x.names(m, &t)
	old := x.decides(e, t.Key)
	switch {
	case old == nil || old.State != Tombstone && !x.rules.Kept(rules.ReplayDuplicates):
		x.open(e, t, o, number)
	case old.State == Tombstone:
		x.refuse(e.Conn, m, codeNoOriginal)
	case !old.sameAs(&t), x.cfg.Acquirer && !x.rules.Kept(rules.AcceptDuplicates):
		x.refuse(e.Conn, m, codeDuplicate)
	case old.State == Pending:
		old.conn, old.ksn = e.Conn, x.ksn // joins the one in flight, on the connection that is newest
	case old.State == Reversed:
		x.send(e.Conn, old.late())
	default:
		x.send(e.Conn, old.stored())
	}
}

// names finds the original of a message that names one, and writes down which it is: from the acquirer up everybody is told
// its whole key. nil without one, or if it is not known here.
func (x *Relay) names(m *dialect.Message, t *Transaction) *Entry {
	o := x.book.named(m)
	switch {
	case !depends(t.Kind):
		return nil
	case o != nil:
		t.Original = o.Key
		if t.Card == "" {
			t.Card = o.Card
		}
	case m.Original.STAN != "":
		t.Original = m.OriginalKey()
	}
	return o
}

// open takes up a request that is new here.
func (x *Relay) open(e Event, t Transaction, o *Entry, number pan.PAN) {
	x.number(&t)
	x.classify(&t, o, number)
	if x.unstored(e, t.Kind) {
		x.refuse(e.Conn, e.Message, e.Force)
		return
	}
	if e.Force != "" && !dialect.Approves(e.Force) {
		x.declineAtOnce(e.Conn, t, e.Force, "forced")
		return
	}
	if x.suspended(&t) {
		x.declineAtOnce(e.Conn, t, codeTerminal, "the terminal is suspended")
		return
	}
	if code, note := x.against(&t, o); code != "" {
		x.declineAtOnce(e.Conn, t, code, note)
		return
	}
	up, err := x.forwarded(e, &t, number)
	if err != nil {
		x.declineAtOnce(e.Conn, t, codeSystem, err.Error())
		return
	}
	if err := x.remembers(&t, o, number); err != nil {
		x.declineAtOnce(e.Conn, t, codeSystem, err.Error())
		return
	}
	t.State = Pending
	pending := x.pend(t, rules.LogBeforeForward)
	pending.conn, pending.ksn = e.Conn, x.ksn
	if t.CardToken != "" && !x.cfg.Acquirer || t.Kind == dialect.KindQRSale {
		pending.request = up
	}
	x.send(0, up)
	x.set(Timer{TimerAnswer, t.Key}, x.cfg.wait())
}

// unstored tells whether a party is made to give an answer that decides nothing about what is repeated until it is answered:
// every repeat would get it for ever (D9). A void is such a thing in some dialects.
func (d *desk) unstored(e Event, k dialect.Kind) bool {
	return dialect.Undecided(e.Force) && (functionOf(k) == Advice || purposeOf(k) == undoing) && d.rules.Kept(rules.StoreOnlyDecisions)
}

func (x *Relay) declineAtOnce(conn int, t Transaction, code, note string) {
	t.State, t.ResponseCode, t.Note = Declined, code, note
	x.put(t, x.gone(&t)...)
	x.send(conn, t.stored())
}

// against says why the acquirer does not pass on what names another transaction: what is left of the original is decided
// where its batch and its merchant are. "" for what may go up.
func (x *Relay) against(t *Transaction, o *Entry) (code, note string) {
	if !x.cfg.Acquirer || !depends(t.Kind) {
		return "", ""
	}
	if code, note = x.book.against(t, o); code != "" {
		return code, note
	}
	switch purposeOf(t.Kind) {
	case undoing:
		switch {
		case o.Leaving():
			return codeInvalidTransaction, "the merchant has been paid"
		case o.Key.Batch != t.Key.Batch && t.Kind == dialect.KindVoid:
			return codeInvalidTransaction, "it is in another batch"
		case o.BusinessDate != t.BusinessDate && t.Kind == dialect.KindVoid: // a refund gives it back
			return codeInvalidTransaction, "it is of another business day"
		}
	case adjusting:
		if o.Leaving() {
			return codeInvalidTransaction, "the merchant has been paid"
		}
	case refunding:
		return x.againstRefund(t, o)
	}
	return "", ""
}

// number gives a transaction its retrieval reference number: last digit of the year, day of the year, hour, count.
// Below the acquirer nobody else does, and above it everybody keeps it.
func (x *Relay) number(t *Transaction) {
	if x.cfg.Acquirer {
		t.RetrievalReferenceNumber = fmt.Sprintf("%d%03d%02d%06d", x.now.Year()%10, x.now.YearDay(), x.now.Hour(), (len(x.book.order)+1)%1e6)
		if t.Key.Batch != "" {
			t.HostTime, t.HostDate = x.now.Format("150405"), t.hostDate()
		}
	}
}

// forwarded is the request as it goes up: all the same, but for the reference number and a PIN block under the next hop's key.
func (x *Relay) forwarded(e Event, t *Transaction, number pan.PAN) (*dialect.Message, error) {
	up := t.up(e.Message)
	if len(up.PINData) > 0 {
		above := hsm.PINCarrier{Key: x.cfg.Above.PIN, Format: innerFormat}
		block, err := x.module.TranslatePIN(nil, x.pinCarrier(e.Message), above, number, up.PINData)
		if err != nil {
			return nil, fmt.Errorf("PIN block: %w", err)
		}
		up.PINData = block
	}
	return up, nil
}

// up is a message as the next hop gets it: with this transaction's reference number and its original's key. Where a batch
// tells transactions apart, date and time are the host's.
func (t *Transaction) up(m *dialect.Message) *dialect.Message {
	up := *m
	up.MAC, up.KeySerialNumber = nil, nil
	up.RetrievalReferenceNumber = t.RetrievalReferenceNumber
	if t.Key.Batch != "" {
		up.TimeLocalTransaction, up.DateLocalTransaction = t.HostTime, t.HostDate
	}
	if t.Original != (dialect.Key{}) {
		up.Original = t.original()
	}
	return &up
}

// original is the original's key as messages carry it.
func (t *Transaction) original() dialect.Original {
	return dialect.Original{Batch: t.Original.Batch, STAN: t.Original.STAN, Date: t.Original.Date, Time: t.Original.Time}
}

// answer gives whoever waits the stored answer.
func (x *Relay) answer(e *Entry) {
	if e.conn != 0 {
		m := e.stored()
		m.KeySerialNumber = e.ksn
		x.send(e.conn, m)
	}
}
