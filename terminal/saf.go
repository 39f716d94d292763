package terminal

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/dialect"
)

// queueState is what is durable about the queue as a whole.
type queueState struct {
	Paused bool
}

// tried is how often an advice that is still due has been tried.
type tried struct {
	identity
	Attempts int
}

func (j *Journal) applyTried(e *tried) error {
	r := j.find(e.identity)
	if r == nil || e.Attempts < 0 {
		return fmt.Errorf("%d tries of no sale, or fewer than none", e.Attempts)
	}
	r.Attempts = e.Attempts
	return nil
}

// tried keeps how often a record has been tried; 0 forgets it.
func (j *Journal) tried(r *Record, attempts int) error {
	if err := j.put(entryRecord{Tried: &tried{r.identity(), attempts}}); err != nil {
		return err
	}
	r.Attempts = attempts
	return nil
}

// pause stops the sending of what was approved offline, or lets it go on.
func (j *Journal) pause(paused bool) error {
	if err := j.put(entryRecord{SAF: &queueState{paused}}); err != nil {
		return err
	}
	j.paused = paused
	return nil
}

// Sending what waits. Oldest first, and the first silence ends the occasion. What a host answers and does not settle stays first,
// unless the profile counts tries: then, after so many, it goes behind the others, so that one item that nobody wants does not
// keep the rest for ever. It is never given up: it comes again, and a person may park it.

// nextAdvice is the one to send next; nil if nothing waits.
func (t *Terminal) nextAdvice() *Record {
	var next *Record
	for _, r := range t.journal.Records() {
		if r.State == AdviceDue && (next == nil || t.round(r) < t.round(next)) {
			next = r
		}
	}
	return next
}

// round is how often a record has gone behind the others.
func (t *Terminal) round(r *Record) int {
	if n := t.profile.SAF.Attempts; n > 0 {
		return r.Attempts / n
	}
	return 0
}

// failed counts a try of an advice that did not settle it, a silent one too, where the profile counts them.
func (t *Terminal) failed(r *Record) error {
	if t.profile.SAF.Attempts == 0 || r.State != AdviceDue {
		return nil
	}
	before := t.round(r)
	if err := t.journal.tried(r, r.Attempts+1); err != nil {
		return err
	}
	if t.round(r) != before {
		t.remark("alarm: %s was tried %d times and goes behind the others", r.STAN, r.Attempts)
	}
	return nil
}

// maxBackoff is how long an idle terminal rests at most between two tries, where its profile does not say it.
const maxBackoff = 15 * time.Minute

// backOff says when the idle terminal tries again: after an interval, and after a longer one each time nothing was settled.
func (t *Terminal) backOff(progress bool) {
	s := t.profile.SAF
	every := orDuration(s.Interval, t.profile.AdviceInterval)
	if progress || t.safWait == 0 {
		t.safWait = every
	} else if s.Backoff > 1 {
		t.safWait = min(t.safWait*time.Duration(s.Backoff), max(every, orDuration(s.MaxBackoff, maxBackoff)))
	}
	t.adviceAt = t.clock.Now().Add(t.safWait)
}

// retryNow makes everything due at once.
func (t *Terminal) retryNow() {
	t.adviceAt, t.safWait = t.clock.Now(), 0
}

// deliverAll is an occasion for everything that is due, paused or not: reversals first, then each advice, whatever became of the
// one before it. Only silence, or a broken line, ends it: then nobody is there.
func (t *Terminal) deliverAll() error {
	if err := t.tellScriptResults(); err != nil {
		return err
	}
	clear, err := t.reverseDue()
	if err != nil || !clear {
		return err
	}
	for _, r := range slices.Clone(t.journal.Records()) {
		if r.State != AdviceDue {
			continue
		}
		t.show(say("sending-advice", t.journal.count(AdviceDue)))
		how, err := t.advise(r, nil)
		if err != nil {
			return err
		}
		switch how {
		case silent:
			t.hangUp()
			return t.failed(r)
		case broken:
			return t.failed(r)
		case notYet, keysStale:
			if err := t.failed(r); err != nil {
				return err
			}
		}
	}
	return t.uploadSignatures()
}

// Item is one record that waits to be sent, or that a person has set aside.
type Item struct {
	STAN     string
	Date     string // MMDD
	Time     string // hhmmss
	Batch    string // six digits; "" where batches have no part in a transaction's identity
	Kind     dialect.Kind
	Amount   int64  // minor units
	Card     string // masked
	State    State  // ReversalDue, AdviceDue, Parked
	Reason   string // of a reversal
	Code     string // of the host's last answer that settled something
	Attempts int    // as far as the profile has them counted
	Parking  string // who parked it, and why
}

// queue is what waits, in the order in which it is sent, and then what is parked.
func (j *Journal) queue(round func(*Record) int) (items []Item) {
	var all []*Record
	rank := func(r *Record) int {
		return map[State]int{Pending: 0, ReversalDue: 1, AdviceDue: 2, Parked: 3}[r.State]
	}
	for _, r := range j.records {
		if r.due() || r.State == Parked {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(x, y *Record) int {
		return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(round(x), round(y)))
	})
	for _, r := range all {
		items = append(items, Item{r.STAN, r.Date, r.Time, r.Batch, r.about(), r.Amount, r.Card, r.State, r.Reason, r.Code, r.Attempts, r.Parking})
	}
	return items
}

// Queue is what waits in a terminal's journal while the terminal is off.
type Queue struct{ j *Journal }

// OpenQueue opens the queue of a terminal's disk. Nobody else may have it open. A damaged journal is ErrJournal.
func OpenQueue(d sim.Disk) (*Queue, error) {
	j, err := openJournal(d, rules.Set{}, func(*Record, State) {})
	if err != nil {
		return nil, err
	}
	return &Queue{j}, nil
}

// Items are what waits, in the order in which they are sent if nothing has been tried too often, and then what is parked.
func (q *Queue) Items() []Item { return q.j.queue(func(r *Record) int { return 0 }) }

// Paused tells whether advices wait until somebody resumes the queue.
func (q *Queue) Paused() bool { return q.j.paused }

// What Retry and Park refuse.
var (
	ErrNotQueued  = errors.New("terminal: nothing with this STAN waits")
	ErrManyQueued = errors.New("terminal: more than one item has this STAN")
	ErrNoParking  = errors.New("terminal: what may still be on its way cannot be parked: start the terminal, which makes a reversal of it")
	ErrNoReason   = errors.New("terminal: to park an item needs a reason, of at most 80 printable characters")
)

// Retry forgets how often items have been tried, so that they are sent at the next start, each in its place. "" is all of them.
// It returns how many there are.
func (q *Queue) Retry(stan string) (int, error) {
	n := 0
	for _, r := range q.j.records {
		if !r.due() || stan != "" && r.STAN != stan {
			continue
		}
		n++
		if r.Attempts == 0 {
			continue
		}
		if err := q.j.tried(r, 0); err != nil {
			return n, err
		}
	}
	if n == 0 && stan != "" {
		return 0, fmt.Errorf("%w: %s", ErrNotQueued, stan)
	}
	if stan == "" && q.j.paused {
		return n, q.j.pause(false)
	}
	return n, nil
}

// Park sets an item aside for a person: nothing is sent for it any more. The reason is kept with it.
func (q *Queue) Park(stan, reason string) error {
	r, err := q.j.waiting(stan)
	if err != nil {
		return err
	}
	return q.j.parkFor(r, reason)
}

// Close gives the journal up.
func (q *Queue) Close() error { return q.j.log.Close() }

// waiting finds the one item with this STAN.
func (j *Journal) waiting(stan string) (*Record, error) {
	var found *Record
	for _, r := range j.records {
		switch {
		case r.STAN != stan || !r.due():
		case found != nil:
			return nil, fmt.Errorf("%w: %s", ErrManyQueued, stan)
		default:
			found = r
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%w: %s", ErrNotQueued, stan)
	}
	return found, nil
}

// maxParking bounds a reason to park something.
const maxParking = 80

// parkFor parks a record, with whose will it is and why.
func (j *Journal) parkFor(r *Record, why string) error {
	switch {
	case r.State == Pending:
		return ErrNoParking
	case why == "" || utf8.RuneCountInString(why) > maxParking || strings.ContainsFunc(why, func(c rune) bool { return !unicode.IsPrint(c) }):
		return ErrNoReason
	}
	return j.move(r, Parked, func(n *Record) { n.Parking = why })
}

// chooseQueue shows and prints what waits.
func (t *Terminal) chooseQueue() (Ended, error) {
	items := t.journal.queue(t.round)
	lines := []Text{say("saf-title", len(items))}
	if t.journal.paused {
		lines = append(lines, say("saf-paused"))
	}
	for _, i := range items {
		lines = append(lines, say("saf-item", i.STAN, bilingual(stateNames[i.State]), Amount(i.Amount), i.Attempts))
	}
	return t.report(FunctionSAFList, lines)
}

// stateNames is what an item's state is called.
var stateNames = map[State]entry{
	Pending: {"pending", "待定"}, ReversalDue: {"reversal due", "待冲正"}, AdviceDue: {"to be sent", "待上送"}, Parked: {"parked", "已搁置"},
}

// chooseRetry sends everything that waits, now.
func (t *Terminal) chooseRetry() (Ended, error) {
	t.retryNow()
	for _, r := range t.journal.Records() {
		if r.due() && r.Attempts > 0 {
			if err := t.journal.tried(r, 0); err != nil {
				return Ended{}, err
			}
		}
	}
	if err := t.deliverAll(); err != nil {
		return Ended{}, err
	}
	n := len(t.journal.queue(t.round))
	t.show(say("saf-left", n))
	t.backOff(n == 0)
	if t.journal.first(AdviceDue) != nil || t.journal.first(ReversalDue) != nil {
		return Ended{Outcome: OutcomeNoAnswer}, nil
	}
	return Ended{Outcome: OutcomeDone}, nil
}

// choosePause stops the sending of advices, or lets it go on.
func (t *Terminal) choosePause() (Ended, error) {
	if err := t.journal.pause(!t.journal.paused); err != nil {
		return Ended{}, err
	}
	if t.journal.paused {
		t.show(say("saf-paused"))
	} else {
		t.retryNow()
		t.show(say("saf-resumed"))
	}
	return Ended{Outcome: OutcomeDone}, nil
}

// parkReasons are why a supervisor parks something, by the digit.
var parkReasons = []Key{Key("park-refused"), Key("park-duplicate"), Key("park-by-hand"), Key("park-other")}

// choosePark sets one item aside. It is the supervisor's.
func (t *Terminal) choosePark() (Ended, error) {
	stan, ok := t.askSTAN("ask-stan")
	if !ok {
		return t.cancelled(), nil
	}
	r, err := t.journal.waiting(stan)
	if err != nil {
		t.remark("%v", err)
		t.show(say("saf-not-found", stan))
		return Ended{Outcome: OutcomeNotFound}, nil
	}
	why, ok := t.pick("ask-reason", len(parkReasons), func(i int) (Key, bool) { return parkReasons[i], true })
	if !ok {
		return t.cancelled(), nil
	}
	if !t.confirm(say("saf-item", r.STAN, bilingual(stateNames[r.State]), Amount(r.Amount), r.Attempts), say("park-warning")) {
		return t.cancelled(), nil
	}
	if err := t.journal.parkFor(r, "supervisor: "+catalogue[parkReasons[why]].en); err != nil {
		return Ended{}, err
	}
	t.show(say("parked", r.STAN))
	return Ended{Outcome: OutcomeParked}, nil
}
