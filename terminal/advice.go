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

func (t *Terminal) advicesWaiting() bool { return t.journal.first(AdviceDue) != nil }

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
// occasion. A reversal that is due goes before them.
func (t *Terminal) sendAdvices() error {
	if !t.advicesWaiting() {
		return nil
	}
	clear, err := t.reverseDue()
	if err != nil || !clear {
		t.adviceAt = t.clock.Now().Add(t.profile.AdviceInterval)
		return err
	}
	for r := t.journal.first(AdviceDue); r != nil; r = t.journal.first(AdviceDue) {
		t.show(say("sending-advice", t.journal.count(AdviceDue)))
		how, err := t.tryAdvice(r)
		if err != nil {
			return err
		}
		if how == keysStale {
			if how, err = t.tryAdvice(r); err != nil { // after the sign-on it asks for
				return err
			}
		}
		if how != settled {
			if how == silent {
				t.hangUp()
			}
			t.adviceAt = t.clock.Now().Add(t.profile.AdviceInterval)
			return nil
		}
	}
	return nil
}

// tryAdvice sends one 0220, or 0221 when it may have been sent before, and waits for its 0230.
func (t *Terminal) tryAdvice(r *Record) (try, error) {
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
	if err := t.send(m); err != nil {
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

// adviceUnanswered: the sale has happened, and silence changes nothing about it. The advice stays due (D5).
func (t *Terminal) adviceUnanswered(r *Record) error {
	switch {
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
		if err := t.journal.advised(r, m.AuthorizationIDResponse, m.RetrievalReferenceNumber); err != nil {
			return broken, err
		}
		t.show(say("advice-sent"))
		return settled, nil
	case dialect.RefusesKeys(code):
		t.stale = true
		return keysStale, nil
	case dialect.Undecided(code) && t.kept(rules.UndecidedIsNoRefusal): // nobody has decided about it yet (D9)
		return notYet, nil
	case code == "94" && t.kept(rules.ParkDuplicate), dialect.Approves(code): // a host that takes the repeat for another sale (D11), or only a part of it: for a person
		return settled, t.journal.park(r, code)
	case !t.kept(rules.RefusedLeavesQueue): // and is tried again
		return notYet, nil
	case !t.kept(rules.RefusedLeavesBatch):
		return settled, t.journal.advised(r, "", "")
	default: // on the failed list (D8)
		if err := t.journal.refused(r, code); err != nil {
			return broken, err
		}
		t.show(say("advice-refused"))
		return settled, nil
	}
}

// advice is the 0220 of a sale approved offline.
func (t *Terminal) advice(r *Record) (*dialect.Message, error) {
	number, expiry, err := t.unseal(r)
	if err != nil {
		return nil, err
	}
	mti := "0220"
	if t.attempted[r] {
		mti = "0221"
	}
	m := t.message(mti, r)
	m.PrimaryAccountNumber, m.DateExpiration, m.CardSequenceNumber = number, expiry, r.PSN
	m.POSConditionCode = conditionNormal
	m.ICCSystemRelatedData = r.ICC
	return m, nil
}

// conditionNormal is DE 25 of a presentment like any other.
const conditionNormal = "00"
