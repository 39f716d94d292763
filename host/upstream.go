package host

import (
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// fromAbove is a message from the next hop. One whose MAC is bad says nothing: the timers resolve.
func (x *Relay) fromAbove(e Event) {
	if e.MACBad {
		return
	}
	m := e.Message
	switch class := dialect.Class(m.MTI); {
	case !dialect.IsAnswer(m.MTI):
		x.unmatched(m)
	case class == dialect.ClassFinancial && dialect.IsAdvice(m.MTI) && x.stoodIn(m.Key()) != nil:
		x.advised(x.stoodIn(m.Key()), m)
	case class == dialect.ClassFinancial || class == dialect.ClassAuthorization:
		x.decided(e)
	case class == dialect.ClassReversal && dialect.IsAdvice(m.MTI):
		code := e.Message.ResponseCode
		if e.Force != "" {
			code = e.Force
		}
		x.acknowledged(e.Message, code)
	case m.Kind == dialect.KindScriptResult:
		x.scriptTold(m)
	default:
		x.unmatched(e.Message)
	}
}

// decided is the next hop's answer to what is pending. Once decided, nothing from above changes the decision (A3).
func (x *Relay) decided(e Event) {
	m := e.Message
	old := x.book.find(m.Key())
	if old == nil || m.MTI != dialect.Response(old.asked()) || !x.awaits(old, m.ResponseCode) {
		x.late(old, m)
		return
	}
	if old.Function == Sale && old.State == Pending && old.again && !dialect.Approves(m.ResponseCode) {
		x.refusedCopy(old, m)
		return
	}
	if old.Function == Sale && old.State == Pending {
		x.cancel(Timer{TimerAnswer, old.Key})
		if err := dialect.MatchContent(old.message(old.asked()), m); err != nil {
			x.declineAndReverse(old, codeSystem, "answer from above about something else", dialect.ReasonMismatch)
			return
		}
		if m.ResponseCode == codeInProgress { // and then nobody says more: it is unknown
			x.declineAndReverse(old, codeSystem, "the next hop does not know yet", dialect.ReasonNoAnswer)
			return
		}
		if code := x.refusal(e, old); code != "" {
			x.declineAndReverse(old, code, "approval from above not taken", dialect.ReasonMismatch)
			return
		}
	}
	if old.Function == Advice && (dialect.Undecided(m.ResponseCode) && x.rules.Kept(rules.StoreOnlyDecisions) || dialect.MatchContent(old.message(old.asked()), m) != nil) {
		x.unmatched(m) // it decides nothing about this advice; the repeat brings another answer
		return
	}
	t := old.Transaction
	t.ResponseCode, t.AnswerICC = m.ResponseCode, m.ICCSystemRelatedData
	var posts []Posting
	if x.takes(t.ResponseCode, old) {
		t.State, t.AuthorizationIDResponse, t.AdditionalAmounts = Approved, m.AuthorizationIDResponse, m.AdditionalAmounts
		if t.ResponseCode == codePartiallyApproved {
			t.ApprovedAmount = m.AmountTransaction
		}
		posts = x.postings(&t)
		t.PossibleDuplicate = x.doubles(&t)
		t.Risk = x.screen(&t)
	} else {
		t.State = Declined
		switch {
		case t.ResponseCode == codeBadMAC: // between hosts; the terminal would take it for its own
			t.ResponseCode, t.Note = codeSystem, "the next hop refused our MAC"
		case purposeOf(t.Kind) == undoing && dialect.RefusesKeys(t.ResponseCode): // a void would be asked for again and again
			t.ResponseCode, t.Note = codeSystem, "the next hop refused our keys"
		}
	}
	posts = append(posts, x.gone(&t)...)
	x.answer(x.put(t, posts...))
}

// takes tells whether an answer with that code is an approval of e: a partial one only to who can take it, one in the issuer's place
// only where the switch may stand in.
func (x *Relay) takes(code string, e *Entry) bool {
	return code == codeApproved || code == codePartiallyApproved && e.Partial ||
		x.cfg.Acquirer && x.cfg.StandIn != nil && standsIn(code) && e.Kind == dialect.KindSale
}

// refusal is the code by which an approval from above is turned down, "" for none: this relay is made to, or it is an
// approval of another kind than asked for, a partial one to somebody who cannot take it for instance.
func (x *Relay) refusal(e Event, old *Entry) string {
	switch code := e.Message.ResponseCode; {
	case !dialect.Approves(code):
		return ""
	case purposeOf(old.Kind) == undoing && dialect.RefusesKeys(e.Force):
		return codeSystem
	case e.Force != "" && !dialect.Approves(e.Force):
		return e.Force
	case !x.takes(code, old):
		return codeSystem
	case code == codePartiallyApproved && !(e.Message.AmountTransaction > 0 && e.Message.AmountTransaction < old.Amount):
		return codeSystem
	}
	return ""
}

// awaits tells whether an answer with that code may decide the transaction. The naive relays decide again.
func (x *Relay) awaits(e *Entry, code string) bool {
	switch e.State {
	case Pending:
		return true
	case Approved: // the copy of a request that was decided again
		return x.takes(code, e) && !x.rules.Kept(rules.ReplayDuplicates)
	case Declined:
		return x.takes(code, e) && !x.rules.Kept(rules.KeepDecision)
	}
	return false
}

// late reports an answer that comes too late or to nobody. What contradicts the decision is noted once.
func (x *Relay) late(e *Entry, m *dialect.Message) {
	x.unmatched(m)
	if e == nil || e.LateCode != "" || m.ResponseCode == "" {
		return
	}
	if e.State == Reversed || e.State == Declined && e.ResponseCode != m.ResponseCode {
		t := e.Transaction
		t.LateCode = m.ResponseCode
		x.catchUp(e)
		x.put(t)
	}
}
