package host

import (
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// advice is a 0220 or 0221 from below: what has happened already. It is repeated from below until it is answered,
// so there is no timer here, and it is never reversed.
func (x *Relay) advice(e Event, k dialect.Kind) {
	m := e.Message
	t, number, code := x.opening(m, k)
	if code != "" {
		x.refuse(e.Conn, m, code)
		return
	}
	o := x.names(m, &t)
	old := x.decides(e, t.Key)
	switch {
	case old == nil || old.Function == Advice && old.State != Pending && !x.rules.Kept(rules.ReplayDuplicates):
		x.openAdvice(e, t, o, number)
	case old.State == Tombstone:
		x.refuse(e.Conn, m, codeNoOriginal)
	case !old.sameAs(&t):
		x.refuse(e.Conn, m, codeDuplicate)
	case old.State == Pending:
		old.conn, old.ksn = e.Conn, x.ksn
		x.forwardAdvice(e, old, "0221")
	case old.State == Approved && x.cfg.Acquirer && !(x.rules.Kept(rules.ReplayAdviceAnswer) && x.rules.Kept(rules.AcceptDuplicates)): // as some hosts do
		x.refuse(e.Conn, m, codeDuplicate)
	default:
		x.send(e.Conn, old.stored())
	}
}

func (x *Relay) openAdvice(e Event, t Transaction, o *Entry, number pan.PAN) {
	x.number(&t)
	x.classify(&t, o, number)
	switch {
	case x.unstored(e, t.Kind):
		x.refuse(e.Conn, e.Message, e.Force)
		return
	case e.Force != "" && !dialect.Approves(e.Force):
		x.declineAtOnce(e.Conn, t, e.Force, "forced")
		return
	case x.suspended(&t):
		x.declineAtOnce(e.Conn, t, codeTerminal, "the terminal is suspended")
		return
	}
	if code, note := x.against(&t, o); code != "" {
		x.declineAtOnce(e.Conn, t, code, note)
		return
	}
	if err := x.remembers(&t, o, number); err != nil {
		x.declineAtOnce(e.Conn, t, codeSystem, err.Error())
		return
	}
	t.State = Pending
	entry := x.pend(t, rules.LogAdviceBeforeForward)
	entry.conn, entry.ksn = e.Conn, x.ksn
	x.forwardAdvice(e, entry, "0220")
	if !x.rules.Kept(rules.NoAdviceTimer) {
		x.set(Timer{TimerAnswer, t.Key}, x.cfg.wait())
	}
	if x.cfg.Acquirer && !x.rules.Kept(rules.AnswerAfterNextHop) {
		t.State, t.ResponseCode = Approved, codeApproved
		x.answer(x.put(t, x.postings(&t)...))
	}
}

// forwardAdvice passes the advice on as it came: what the card said is not kept here, the repeat brings it again.
func (x *Relay) forwardAdvice(e Event, entry *Entry, mti string) {
	up := entry.up(e.Message)
	up.MTI, up.PINData = mti, nil
	x.send(0, up)
}
