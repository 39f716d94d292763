package terminal

import (
	"slices"
	"strconv"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// The states of a terminal in which it does not do everything. Each has a name on the screen and a way out.

// Batteries, in percent.
const (
	batteryLow   = 20 // the clerk is warned
	batteryEmpty = 5  // nothing new is begun that a power cut would leave unfinished
)

// Battery posts how full the battery is, in percent, in an event of the terminal's clock. A terminal that was told nothing runs on
// mains.
func (t *Terminal) Battery(percent int) {
	t.battery, t.batteryTold = min(max(percent, 0), 100), true
}

func (t *Terminal) batteryBelow(percent int) bool { return t.batteryTold && t.battery < percent }

// gate is asked before a function is begun. An outcome says that it may not be now; the screen has said why.
func (t *Terminal) gate(f Function) (Outcome, error) {
	if !sells(f) {
		return "", nil
	}
	if settled, err := t.continueSettlement(); err != nil || !settled {
		return OutcomeBlocked, err
	}
	if t.profile.Operators.Required && t.operator == "" {
		first := t.keys // what the clerk has pressed is for the function, and not for the questions before it
		t.keys = nil
		if ok, err := t.logIn(); err != nil || !ok {
			return OutcomeNotAllowed, err
		}
		t.keys = append(first, t.keys...)
	}
	switch {
	case t.batchFull(f):
		t.show(say("batch-full"), say("please-settle"))
		return OutcomeBlocked, nil
	case t.batteryBelow(batteryEmpty):
		t.show(say("battery-empty"), say("please-charge"))
		return OutcomeBlocked, nil
	case t.batteryBelow(batteryLow):
		t.show(say("battery-low", t.battery))
	}
	return "", t.mindClock()
}

// sells tells whether a function is a transaction: it has a record, or asks an issuer.
func sells(f Function) bool {
	switch f {
	case FunctionTipSale, FunctionQRScan:
		return true
	}
	k := kindOf(f)
	return k > dialect.KindNone && k < dialect.KindScriptResult
}

// batchFull tells whether the batch has no place for a function. At the profile's limit nothing new is sold, and what is sold can
// still be taken back; a journal that can hold no more takes nothing.
func (t *Terminal) batchFull(f Function) bool {
	limit := t.profile.BatchLimit
	return t.journal.full() || limit > 0 && len(t.journal.inBatch()) >= limit && !takesBack(kindOf(f))
}

// takesBack tells whether a kind undoes what is in the batch.
func takesBack(k dialect.Kind) bool {
	return k == dialect.KindVoid || k == dialect.KindPreAuthVoid || k == dialect.KindCompletionVoid
}

// mindClock compares the calendar with the latest record: a clock that is behind it has jumped. Where the host tells the time, a
// sign-on asks for it.
func (t *Terminal) mindClock() error {
	if !t.clockBehind() || !t.numbersBatches() {
		return nil
	}
	t.show(say("clock-behind"), say("signing-on"))
	if err := t.signOn(); err != nil {
		return err
	}
	if t.clockBehind() {
		t.show(say("clock-behind"))
	}
	return nil
}

// clockSlack is how far a clock may be behind the latest record: what a sign-on has put right is right to the second, and a host
// need not know it better.
const clockSlack = 2 * time.Minute

func (t *Terminal) clockBehind() bool {
	all := t.journal.Records()
	if len(all) == 0 {
		return false
	}
	r := all[len(all)-1]
	last, err := time.Parse("2006"+"0102"+"150405", strconv.Itoa(r.Year)+r.Date+r.Time)
	return err == nil && t.calendar().Add(clockSlack).Before(last)
}

// syncClock takes the time of an answer that tells it. Of the year a message says nothing: it is the one that is nearest.
func (t *Terminal) syncClock(m *dialect.Message) {
	if !t.numbersBatches() { // there it is the terminal's own, echoed
		return
	}
	now := t.calendar()
	best, found := time.Duration(0), false
	for _, year := range []int{now.Year() - 1, now.Year(), now.Year() + 1} {
		at, err := time.ParseInLocation("2006"+"0102"+"150405", strconv.Itoa(year)+m.DateLocalTransaction+m.TimeLocalTransaction, now.Location())
		if err != nil {
			continue // no time, or 29 February of another year
		}
		if d := at.Sub(now); !found || d.Abs() < best.Abs() {
			best, found = d, true
		}
	}
	if found {
		t.clockOffset += best
	}
}

// signedOn takes what an approved sign-on says besides keys: the time, and the number of the batch. The number is taken only while
// the batch is empty (K3): what is in it has the old one, at the host too.
func (t *Terminal) signedOn(m *dialect.Message) error {
	t.syncClock(m)
	b := &t.journal.batch
	empty := len(t.journal.inBatch()) == 0 && b.settling == nil
	switch {
	case !t.numbersBatches() || !isBatchNumber(m.BatchNumber) || m.BatchNumber == b.number:
		return nil
	case !empty && t.kept(rules.KeepBatch):
		t.remark("the host is in batch %s; batch %s is open here, and stays", m.BatchNumber, b.number)
		return nil
	}
	return t.journal.adoptBatch(m.BatchNumber)
}

// heed remembers what an answer's header asks for. It is done when the transaction is over (obey).
func (t *Terminal) heed(m *dialect.Message) {
	if r := m.ProcessingRequest; r != dialect.RequestNone && !slices.Contains(t.asked, r) {
		t.asked = append(t.asked, r)
	}
}

// obey does what hosts have asked for, after reversals: those come before anything else that talks to a host. What would change
// how the terminal works waits until its batch and its queue are empty.
func (t *Terminal) obey() error {
	if len(t.asked) == 0 {
		return nil
	}
	var later []dialect.ProcessingRequest
	asked := t.asked
	t.asked = nil
	for _, r := range asked {
		done, err := t.fulfil(r)
		if err != nil {
			return err
		}
		if !done && !slices.Contains(later, r) {
			later = append(later, r)
		}
	}
	t.asked = later
	return nil
}

// fulfil does one thing that a host has asked for; false: not now.
func (t *Terminal) fulfil(r dialect.ProcessingRequest) (bool, error) {
	switch r {
	case dialect.RequestSignOn:
		return true, t.signOn()
	case dialect.RequestStatus:
		_, err := t.sendStatus()
		return true, err
	case dialect.RequestCAKeys:
		_, err := t.downloadCAKeys()
		return true, err
	case dialect.RequestICParameters:
		_, err := t.downloadAIDs()
		return true, err
	case dialect.RequestParameters, dialect.RequestTMSParameters:
		if !t.mayChange() {
			t.show(say("download-later"))
			return false, nil
		}
		_, err := t.downloadParameters()
		return true, err
	}
	t.remark("the host asks for %d, which this terminal does not know", r)
	return true, nil
}

// mayChange tells whether the terminal's parameters may be changed: nothing that was done under the old ones is still to be
// settled or sent.
func (t *Terminal) mayChange() bool {
	return len(t.journal.inBatch()) == 0 && t.journal.batch.settling == nil && !slices.ContainsFunc(t.journal.left(), (*Record).due)
}
