package host

import (
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/transport/dialect"
)

// What a card did with its issuer's scripts may come in a message of its own (0620). Its terminal repeats it until it is
// answered, so nobody on the way keeps it: it goes up as it came, and is answered when the issuer has answered. Then the
// acquirer writes down that it has been told, and a copy is answered at once.

// maxWaiting bounds the terminals that wait for an answer to what nobody keeps.
const maxWaiting = 1024

// waiting is whoever waits for the answer to what was passed on and is not kept.
type waiting struct {
	conn    int
	message *dialect.Message
}

// scriptResult passes on what a card did with scripts.
func (x *Relay) scriptResult(e Event) {
	m := e.Message
	o := x.book.named(m)
	switch {
	case !whole(m.Key()) || len(m.ICCSystemRelatedData) == 0 || tlv.Check(m.ICCSystemRelatedData) != nil:
		x.refuse(e.Conn, m, codeFormat)
	case o == nil:
		x.refuse(e.Conn, m, codeNoOriginal)
	case o.ScriptSTAN == m.SystemsTraceAuditNumber:
		x.refuse(e.Conn, m, codeApproved)
	case len(x.waiting) >= maxWaiting && x.waiting[m.Key()].message == nil:
		x.refuse(e.Conn, m, codeSystem) // the repeat brings it again
	default:
		x.waiting[m.Key()] = waiting{e.Conn, m}
		up := *m
		up.MAC, up.KeySerialNumber, up.PINData = nil, nil, nil
		up.Original = dialect.Original{Batch: o.Key.Batch, STAN: o.Key.STAN, Date: o.Key.Date, Time: o.Key.Time}
		x.send(0, &up)
	}
}

// scriptTold is the answer from above to what a card did with scripts.
func (x *Relay) scriptTold(m *dialect.Message) {
	w, ok := x.waiting[m.Key()]
	if !ok {
		x.unmatched(m)
		return
	}
	delete(x.waiting, m.Key())
	if o := x.book.named(w.message); o != nil && !dialect.Undecided(m.ResponseCode) {
		t := o.Transaction
		t.ScriptSTAN, t.ScriptResults = w.message.SystemsTraceAuditNumber, icc(w.message.ICCSystemRelatedData).get(tlv.IssuerScriptResults)
		x.put(t)
	}
	code := m.ResponseCode
	if code == codeBadMAC { // between hosts; the terminal would take it for its own
		code = codeSystem
	}
	x.refuse(w.conn, w.message, code)
}

// scriptResult takes what a card did with scripts: its orders go by it.
func (x *Issuer) scriptResult(e Event) {
	m := e.Message
	old := x.book.named(m)
	switch {
	case e.Force != "" && !dialect.Approves(e.Force):
		x.refuse(e.Conn, m, e.Force)
	case len(m.ICCSystemRelatedData) > 0 && tlv.Check(m.ICCSystemRelatedData) != nil:
		x.refuse(e.Conn, m, codeFormat)
	case old == nil:
		x.refuse(e.Conn, m, codeNoOriginal)
	default:
		x.learnReversed(m, old)
		x.refuse(e.Conn, m, codeApproved)
	}
}
