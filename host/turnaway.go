package host

import (
	"github.com/posim/posim/transport/dialect"
)

// numbersBatches tells whether the terminal that speaks numbers its batches.
func (e *Event) numbersBatches() bool {
	return e.Dialect != nil && e.Dialect.NumbersBatches()
}

// knows tells whether terminal and merchant belong together here, and the terminal speaks what it has been configured for.
func (x *Relay) knows(e Event) bool {
	m := e.Message
	t := x.terminals[m.CardAcceptorTerminalIdentification]
	return t != nil && t.MID == m.CardAcceptorIdentificationCode && t.speaks(e.Dialect)
}

// speaks tells whether a terminal is of a line's dialect.
func (t *terminal) speaks(d *dialect.Dialect) bool {
	return t.Dialect == nil || d == nil || t.Dialect.Name() == d.Name()
}

// stranger is the code for a terminal that is not known. Some dialects tell it from an unknown merchant.
func (x *Relay) stranger(e Event) string {
	t := x.terminals[e.Message.CardAcceptorTerminalIdentification]
	if e.numbersBatches() && (t == nil || !t.speaks(e.Dialect)) {
		return codeUnknownTerminal
	}
	return codeInvalidMerchant
}

// unverified is the code for a message whose MAC cannot be verified: its keys are stale or foreign, or there are none.
func (x *Relay) unverified(e Event) string {
	if !x.cfg.Acquirer || !e.numbersBatches() {
		return codeBadMAC
	}
	if !x.knows(e) {
		return x.stranger(e)
	}
	if t := x.terminals[e.Message.CardAcceptorTerminalIdentification]; t.session == nil && !t.Scheme.DUKPT() {
		return codeBatch // it has never signed on
	}
	return codeBadMAC
}

// turnedAway answers a request that its terminal may not make now, and tells whether it was one. What undoes something, and what
// has happened already, is never turned away because of its batch: it names the batch that it belongs to (K3). A copy of what
// is known gets its stored answer, whatever has become of its terminal since. So a request of a terminal that is disabled is not turned away
// here, it is declined: a copy that comes when the terminal is let back must not be taken for a new one.
func (x *Relay) turnedAway(e Event) bool {
	m := e.Message
	class := dialect.Class(m.MTI)
	if !x.cfg.Acquirer || class != dialect.ClassAuthorization && class != dialect.ClassFinancial || x.find(m.Key()) != nil {
		return false
	}
	t := x.terminals[m.CardAcceptorTerminalIdentification]
	state, b := x.stateOf(t), x.book.batches.current(terminalID{t.MID, t.TID})
	switch kind := kindOf(m); {
	case state.Disabled && kind != dialect.KindOfflineSale && transacts(kind):
		return false // declined where its refusal is remembered
	case state.Disabled && !transacts(kind):
		x.refuse(e.Conn, m, codeTerminal)
		return true
	case e.numbersBatches() && m.Kind == dialect.KindNone: // nothing that another hop could be told
		x.refuse(e.Conn, m, codeUnsupported)
		return true
	case e.numbersBatches() && !m.Kind.Advice() && (state.SignedOff || m.BatchNumber != b.Number):
		x.refuse(e.Conn, m, codeBatch)
		return true
	}
	if b.State == BatchCompared && columnOf(m.Kind) != inNone {
		x.reopened(b)
	}
	return false
}

// suspended tells whether a transaction's terminal may not make it: it is disabled, and the transaction has not happened already.
func (x *Relay) suspended(t *Transaction) bool {
	known := x.terminals[t.Key.TID]
	return x.cfg.Acquirer && known != nil && x.stateOf(known).Disabled && t.Kind != dialect.KindOfflineSale
}
