package terminal

import (
	"errors"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// reverseDue is one occasion for every reversal that is due, oldest first: at once, before an online financial
// transaction, at boot. It returns false when one stays due; the next occasion tries again (T6).
func (t *Terminal) reverseDue() (clear bool, err error) {
	for r := t.journal.first(ReversalDue); r != nil; r = t.journal.first(ReversalDue) {
		settled, err := t.reverse(r)
		if err != nil {
			return false, err
		}
		if !settled {
			t.show(say("reversal-failed"))
			return false, nil
		}
	}
	return true, nil
}

// try is how one try ended.
type try byte

const (
	settled   try = iota
	silent        // no answer in time
	broken        // no connection, or it broke
	notYet        // an answer that settles nothing
	keysStale     // the host does not know the session's keys
)

// reverse gives a record its tries.
func (t *Terminal) reverse(r *Record) (bool, error) {
	for n := 1; ; n++ {
		t.show(say("reversing", r.STAN))
		how, err := t.tryReversal(r)
		switch {
		case err != nil:
			return false, err
		case how == settled:
			return true, nil
		case !t.kept(rules.RepeatUntilAcknowledged): // one try, and it is forgotten
			return true, t.journal.reversed(r, Reversed)
		case n >= t.profile.Attempts, t.cfg.Dialect.Switches().ReverseOnce:
			return false, nil
		}
		switch how {
		case broken, notYet:
			t.pause()
		case silent:
			t.hangUp() // the next dials again
		}
	}
}

// pause waits before the next try. What arrives meanwhile waits in the link.
func (t *Terminal) pause() {
	t.clock.Wait(t.clock.Now().Add(t.profile.RetryPause), func() bool { return false })
}

// tryReversal sends one 0400 and waits for its 0410. Only the answer with this record's key clears it (T7), and only when
// it has come (T6).
func (t *Terminal) tryReversal(r *Record) (try, error) {
	if r.about() == dialect.KindQRSale {
		return t.tryCancel(r)
	}
	if reached, err := t.reach(); err != nil || !reached {
		return broken, err
	}
	m, err := t.reversal(r)
	if err != nil { // what it needs is not to be had: tried again, until a person sees to it
		t.remark("reversal of %s: %v", r.STAN, err)
		return broken, fatal(err)
	}
	if t.attempted[r] && !t.kept(rules.ReversalKeepsSTAN) {
		if err := t.renumber(m); err != nil {
			return broken, err
		}
	}
	if t.undoing[r] && t.cfg.Dialect.Has(transmissionDateTime) { // 0401: with its first time of transmission, or by the profile a new one
		m = t.cfg.Dialect.AsRepeat(m, t.calendar().Format("0102150405"))
	}
	t.undoing[r] = true
	if err := t.send(m); err != nil {
		return broken, fatal(err)
	}
	if !t.kept(rules.ClearAfterAcknowledgment) {
		return settled, t.journal.reversed(r, Reversed)
	}
	answer, err := t.receive(m, t.profile.ReversalWait, !t.kept(rules.MatchAcknowledgment))
	switch {
	case errors.Is(err, errAdopted):
		return settled, nil
	case isStorage(err):
		return broken, err
	case errors.Is(err, errMAC):
		if dialect.RefusesKeys(answer.ResponseCode) { // an answer that cannot be trusted may still make us ask for new keys
			return t.acknowledged(r, answer.ResponseCode)
		}
		return notYet, nil
	case errors.Is(err, transport.ErrTimeout):
		return silent, nil
	case err != nil:
		return broken, nil
	}
	return t.acknowledged(r, answer.ResponseCode)
}

// acknowledged takes the response code of a 0410.
func (t *Terminal) acknowledged(r *Record, code string) (try, error) {
	state, text, s := Reversed, Key("reversed"), t.cfg.Dialect.Switches()
	switch {
	case code == "00":
	case s.OnlyApprovalEnds && (code == "25" || code == "12"):
		return notYet, nil
	case code == "25" && t.kept(rules.AcknowledgeUnmatched): // the host never had it, and has put up a tombstone
		state = ReversedUnmatched
	case code == "12": // too late to undo: a difference item, in other hands
		state, text = ReversalRefused, "reversal-refused"
	case dialect.RefusesKeys(code) && !t.kept(rules.StaleKeyIsNoAcknowledgment):
	case dialect.RefusesKeys(code) && !t.kept(rules.StaleKeyIsNoRefusal):
		state, text = ReversalRefused, "reversal-refused"
	case dialect.RefusesKeys(code) && t.kept(rules.SignOnWhenStale): // then the same again, under new keys (K1)
		t.stale, t.attempted[r] = true, true
		return keysStale, nil
	default:
		t.remark("alarm: reversal of %s answered %s", r.STAN, code)
		if s.ReasonBecomes06 {
			t.reasons[r] = dialect.ReasonMismatch
		}
		return notYet, nil
	}
	if err := t.journal.reversed(r, state); err != nil {
		return broken, err
	}
	t.show(say(text))
	return settled, nil
}

// reversal is the 0400 of a record, with its original's identity and never a new one.
func (t *Terminal) reversal(r *Record) (*dialect.Message, error) {
	m, err := t.message("0400", r)
	if err != nil {
		return nil, err
	}
	m.ReversalReason = r.Reason
	if later, ok := t.reasons[r]; ok {
		m.ReversalReason = later
	}
	m.AuthorizationIDResponse, m.ICCSystemRelatedData = r.Auth, r.ICC
	if t.numbersBatches() {
		m.RetrievalReferenceNumber = "" // the host has one of its own for it
		err = t.addNumber(m, r)
	} else {
		m.RetrievalReferenceNumber, m.POSConditionCode = r.RRN, "" // the original's key says which transaction it is
	}
	if o := r.Original; o != nil && undoes(r.about()) && !t.kept(rules.VoidKeepsKey) {
		m.SystemsTraceAuditNumber = o.STAN // as if the sale, and not its void, were reversed
		if o.Batch != "" {
			m.BatchNumber = o.Batch
		} else {
			m.DateLocalTransaction, m.TimeLocalTransaction = o.Date, o.Time
		}
	}
	return m, err
}

// renumber gives a repeat a STAN of its own: what D6 and K2 forbid.
func (t *Terminal) renumber(m *dialect.Message) (err error) {
	m.SystemsTraceAuditNumber, err = t.journal.takeServiceSTAN()
	return err
}
