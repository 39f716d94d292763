package terminal

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// sealed is what an advice needs of the card and the journal must not show.
type sealed struct{ PAN, Expiry string }

func (t *Terminal) seal(r *Record, number pan.PAN, expiry string) error {
	plain, err := json.Marshal(sealed{number.Digits(), expiry})
	if err != nil {
		return err
	}
	r.Sealed, err = t.module.Seal(t.journalKey, []byte(r.STAN+r.Date+r.Time), plain)
	clear(plain)
	if err != nil {
		return fmt.Errorf("%w: %w", errModule, err)
	}
	return nil
}

func (t *Terminal) unseal(r *Record) (number pan.PAN, expiry string, err error) {
	plain, err := t.module.Open(t.journalKey, []byte(r.STAN+r.Date+r.Time), r.Sealed)
	if err != nil {
		return number, "", err
	}
	defer clear(plain)
	var s sealed
	if err := json.Unmarshal(plain, &s); err != nil {
		return number, "", fmt.Errorf("terminal: sealed card of %s is unreadable", r.STAN)
	}
	number, err = pan.Parse(s.PAN)
	return number, s.Expiry, err
}

func (t *Terminal) advicesWaiting() bool {
	return !t.journal.paused && t.journal.first(AdviceDue) != nil
}

// adviceDue tells whether it is time to try the advices that wait.
func (t *Terminal) adviceDue() bool { return t.advicesWaiting() && !t.clock.Now().Before(t.adviceAt) }

// adviceDeadline is when the idle terminal tries again; zero when nothing waits.
func (t *Terminal) adviceDeadline() (at time.Time) {
	if t.advicesWaiting() {
		at = t.adviceAt
	}
	return at
}

// sendAdvices sends what was approved offline, oldest first, each until it is answered; the first silence ends the
// occasion. A reversal that is due goes before them. What has been tried too often goes behind the others (nextAdvice).
func (t *Terminal) sendAdvices() error {
	if !t.advicesWaiting() {
		return nil
	}
	clear, err := t.reverseDue()
	if err != nil || !clear {
		t.backOff(false)
		return err
	}
	for r := t.nextAdvice(); r != nil; r = t.nextAdvice() {
		t.show(say("sending-advice", t.journal.count(AdviceDue)))
		how, err := t.advise(r, nil)
		if err != nil {
			return err
		}
		if how == settled {
			t.safWait = 0
			continue
		}
		if how == silent {
			t.hangUp()
		}
		before := t.round(r)
		if err := t.failed(r); err != nil {
			return err
		}
		if how == notYet && t.round(r) != before && t.nextAdvice() != r { // the others need not wait for it
			continue
		}
		t.backOff(false)
		return nil
	}
	return nil
}

// advise tries an advice once, and once more after the sign-on that the host may ask for.
func (t *Terminal) advise(r *Record, first *deal) (try, error) {
	how, err := t.tryAdvice(r, first)
	if how == keysStale && err == nil && r.State == AdviceDue {
		how, err = t.tryAdvice(r, nil)
	}
	if err == nil && r.State != AdviceDue { // or it was set aside
		how = settled
	}
	return how, err
}

// tryAdvice sends an advice, or its repeat when it may have been sent before, and waits for its answer. first is what is known of
// the card besides the record, while its session lasts.
func (t *Terminal) tryAdvice(r *Record, first *deal) (try, error) {
	if reached, err := t.reach(); err != nil || !reached {
		return broken, err
	}
	m, err := t.advice(r)
	switch {
	case errors.Is(err, hsm.ErrSealed): // the module does not open what it sealed, and never will: for a person
		t.remark("advice %s: %v", r.STAN, err)
		return settled, t.journal.park(r, "")
	case err != nil: // the module is out of order: another one may take its place
		t.remark("advice %s: %v", r.STAN, err)
		return broken, nil
	}
	if t.attempted[r] && !t.kept(rules.AdviceKeepsSTAN) {
		if err := t.renumber(m); err != nil {
			return broken, err
		}
	}
	t.attempted[r] = true
	err = t.sendMade(m, func() error {
		if first == nil {
			return nil
		}
		return t.addPIN(m, first.number)
	})
	if err != nil {
		return broken, fatal(err)
	}
	if !t.kept(rules.ClearAdviceAfterAnswer) {
		return settled, t.journal.advised(r, "", "")
	}
	answer, err := t.receive(m, t.profile.ReversalWait, !t.kept(rules.MatchAdviceAnswer))
	switch {
	case isStorage(err):
		return broken, err
	case errors.Is(err, errMAC):
		t.stale = t.stale || dialect.RefusesKeys(answer.ResponseCode)
		return notYet, nil
	case errors.Is(err, transport.ErrTimeout):
		return silent, t.adviceUnanswered(r)
	case err != nil:
		return broken, nil
	}
	return t.adviceAnswered(r, answer)
}

// adviceUnanswered: it has happened, and silence changes nothing about it. The advice stays due (D5).
func (t *Terminal) adviceUnanswered(r *Record) error {
	switch {
	case undoes(r.about()) && !t.kept(rules.UnknownVoid): // the terminal thinks that silence is a refusal
		t.show(say("void-failed"))
		return t.journal.refused(r, "")
	case !t.kept(rules.RepeatAdvice): // one try, and it is forgotten
		return t.journal.advised(r, "", "")
	case !t.kept(rules.ReverseNoAdvice):
		return t.journal.reverseAdvice(r)
	}
	return nil
}

func (t *Terminal) adviceAnswered(r *Record, m *dialect.Message) (try, error) {
	switch code := m.ResponseCode; {
	case dialect.ApprovesInFull(code):
		return settled, t.adviceAccepted(r, m)
	case dialect.RefusesKeys(code):
		t.stale = true
		return keysStale, t.inProgress(r, code)
	case dialect.Undecided(code) && t.kept(rules.UndecidedIsNoRefusal) && !decides(r.about(), code): // nobody has decided about it yet (D9)
		return notYet, t.inProgress(r, code)
	case code == "94" && t.kept(rules.ParkDuplicate), dialect.Approves(code): // a host that takes the repeat for another sale (D11), or only a part of it: for a person
		return settled, t.journal.park(r, code)
	case r.about() == dialect.KindQRCancel && code != "12" && code != "25": // it undoes, and a code that a reversal would not end by does not end it
		t.remark("alarm: cancellation of %s answered %s", r.Original.STAN, code)
		return notYet, nil
	case !t.kept(rules.RefusedLeavesQueue): // and is tried again
		return notYet, nil
	case !t.kept(rules.RefusedLeavesBatch):
		return settled, t.journal.advised(r, "", "")
	default: // on the failed list (D8)
		if err := t.journal.refused(r, code); err != nil {
			return broken, err
		}
		if r.about() == dialect.KindOfflineSale {
			t.show(say("advice-refused"))
		} else {
			t.showDeclined(code)
		}
		return settled, nil
	}
}

// inProgress counts how often a void was said to be in progress, or had its keys refused, new ones too: a host that says so for
// ever has decided, and will not tell. Then it is for a person.
func (t *Terminal) inProgress(r *Record, code string) error {
	if r.about().Advice() {
		return nil
	}
	if t.progress[r]++; t.progress[r] < t.profile.Attempts {
		return nil
	}
	return t.journal.park(r, code)
}

// decides tells whether a code that decides nothing about what has happened is an answer all the same: a void is asked for, and a
// hop that gives up on the next one declines it, stores that, and reverses the void there (V9). Only 09 says nothing.
func decides(k dialect.Kind, code string) bool { return !k.Advice() && code != "09" }

// adviceAccepted records that the host agrees. What became true by that has its receipt only now.
func (t *Terminal) adviceAccepted(r *Record, m *dialect.Message) error {
	offline := r.about() == dialect.KindOfflineSale
	err := t.journal.accepted(r, func(n *Record) {
		code := n.Code
		t.taken(n, m)
		if offline {
			n.Code = code // the card's
		}
		if !t.numbersBatches() { // else an upload carries it
			n.Sealed = nil
		}
	})
	switch {
	case err != nil:
		return err
	case offline:
		t.show(say("advice-sent"))
		return nil
	case r.owedReceipt():
		t.show(append([]Text{say(titleOf(r.about()), Amount(r.Amount))}, approvedLines(m.ResponseCode)...)...)
		return t.receipt(r, false)
	}
	return nil
}

// advice is the message of a record that is told: of a sale approved offline, the 0220.
func (t *Terminal) advice(r *Record) (*dialect.Message, error) {
	m, err := t.message("", r)
	if err != nil {
		return nil, err
	}
	if t.attempted[r] {
		m = t.cfg.Dialect.AsRepeat(m, t.calendar().Format("0102150405"))
	}
	m.ICCSystemRelatedData = r.ICC
	if r.about() == dialect.KindOfflineSale { // without its card it is nothing
		m.CardSequenceNumber = r.PSN
		m.PrimaryAccountNumber, m.DateExpiration, err = t.unseal(r)
		return m, err
	}
	return m, t.addNumber(m, r)
}

// tell takes a transaction that is told as far as it goes now: it is in the queue before it is sent, and stays there until it is
// answered.
func (t *Terminal) tell(d *deal) (Ended, error) {
	if o, err := t.clearTheWay(); o != "" || err != nil {
		return Ended{Outcome: o}, err
	}
	t.show(say("connecting"))
	if reached, err := t.reach(); err != nil || !reached {
		return Ended{Outcome: OutcomeNoConnection}, err
	}
	r := d.record
	if err := t.stamp(d); err != nil {
		return Ended{}, err
	}
	if err := t.journal.begin(r, AdviceDue); err != nil {
		return Ended{}, err
	}
	t.show(say("wait"))
	how, err := t.advise(r, d)
	if err != nil {
		return Ended{}, err
	}
	switch r.State {
	case Advised:
		return Ended{Outcome: OutcomeApproved, Code: r.Code}, nil
	case Refused:
		return Ended{Outcome: OutcomeDeclined, Code: r.Code}, nil
	case Parked:
		t.show(say("set-aside"))
		return Ended{Outcome: OutcomeParked, Code: r.Code}, nil
	}
	if how == silent {
		t.hangUp()
	}
	t.adviceAt = t.clock.Now().Add(t.profile.AdviceInterval)
	t.show(say("not-answered"), say("to-be-sent"))
	return Ended{Outcome: OutcomeNoAnswer}, nil
}
