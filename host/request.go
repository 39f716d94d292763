package host

import (
	"fmt"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// request is a 0200 from below, or a 0201: the copy of one that may have come.
func (x *Relay) request(e Event) {
	m := e.Message
	t, number, code := x.opening(m, Sale)
	if code != "" {
		x.refuse(e.Conn, m, code)
		return
	}
	old := x.decides(e, t.Key)
	switch {
	case old == nil || old.State != Tombstone && !x.rules.Kept(rules.ReplayDuplicates):
		x.open(e, t, number)
	case old.State == Tombstone:
		x.refuse(e.Conn, m, codeNoOriginal)
	case !old.sameAs(&t):
		x.refuse(e.Conn, m, codeDuplicate)
	case old.State == Pending:
		old.conn, old.ksn = e.Conn, x.ksn // joins the one in flight, on the connection that is newest
	case old.State == Reversed:
		x.send(e.Conn, old.late("0210"))
	default:
		x.send(e.Conn, old.stored())
	}
}

// open takes up a request that is new here.
func (x *Relay) open(e Event, t Transaction, number pan.PAN) {
	x.number(&t)
	if e.Force != "" && !dialect.Approves(e.Force) {
		x.declineAtOnce(e.Conn, t, e.Force, "forced")
		return
	}
	up, err := x.forwarded(e, &t, number)
	if err != nil {
		x.declineAtOnce(e.Conn, t, codeSystem, err.Error())
		return
	}
	t.State = Pending
	pending := x.pend(t, rules.LogBeforeForward)
	pending.conn, pending.ksn = e.Conn, x.ksn
	x.send(0, up)
	x.set(Timer{TimerAnswer, t.Key}, x.cfg.wait())
}

func (x *Relay) declineAtOnce(conn int, t Transaction, code, note string) {
	t.State, t.ResponseCode, t.Note = Declined, code, note
	x.put(t)
	x.send(conn, t.stored())
}

// number gives a transaction its retrieval reference number: last digit of the year, day of the year, hour, count.
// Below the acquirer nobody else does, and above it everybody keeps it.
func (x *Relay) number(t *Transaction) {
	if x.cfg.Acquirer {
		t.RetrievalReferenceNumber = fmt.Sprintf("%d%03d%02d%06d", x.now.Year()%10, x.now.YearDay(), x.now.Hour(), (len(x.book.order)+1)%1e6)
	}
}

// forwarded is the request as it goes up: all the same, but for the reference number and a PIN block under the next hop's key.
func (x *Relay) forwarded(e Event, t *Transaction, number pan.PAN) (*dialect.Message, error) {
	up := *e.Message
	up.MAC, up.KeySerialNumber = nil, nil
	up.RetrievalReferenceNumber = t.RetrievalReferenceNumber
	if len(up.PINData) > 0 {
		above := hsm.PINCarrier{Key: x.cfg.Above.PIN, Format: innerFormat}
		block, err := x.module.TranslatePIN(nil, x.pinCarrier(e.Message), above, number, up.PINData)
		if err != nil {
			return nil, fmt.Errorf("PIN block: %w", err)
		}
		up.PINData = block
	}
	return &up, nil
}

// answer gives whoever waits the stored answer.
func (x *Relay) answer(e *Entry) {
	if e.conn != 0 {
		m := e.stored()
		m.KeySerialNumber = e.ksn
		x.send(e.conn, m)
	}
}
