package scenario

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/posim/posim/emv/transcript"
	"github.com/posim/posim/host"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// Options are how scripts are run.
type Options struct {
	Seed  uint64
	Rules rules.Set // left out: a naive variant
	// IgnoreExpect leaves the judging to the money and the invariants.
	IgnoreExpect bool
	// Story, if not nil, is told what happens, line by line.
	Story func(Line)
	// Record, if not nil, is given the transcript of every chip sale that ended, or why there is none.
	Record func(*transcript.Transcript, error)
	// Transcript, if not nil, is the card that every customer inserts.
	Transcript *transcript.Transcript
	// Keep, if not nil, is given what the disks hold when a run's last step is over, before anything is healed.
	Keep func(run string, s *Stores)
	// Extra faults are armed from the first step on, besides the script's own.
	Extra []Fault
	// Explore runs a script under faults that it does not know of: only the judge decides, a terminal without power is
	// switched on when the script needs it, and once more at the end, before anything is healed.
	Explore bool
	// OneDialect explores a script that runs in several dialects in one of them: a library is long enough.
	OneDialect bool
	// Every has every argument of a fault explored at every event with every value of a list, and not one of each sort in turn.
	Every bool

	run      string // the run's id, for Keep
	trial    bool   // only the judge is asked: not how it ended
	searched bool   // as far as the first of Extra it is a run in which secrets have been searched for already
	bare     bool   // leave the script's own faults out
	watch    bool   // keep the events that were passed
	strew    *strewer
	taint    *taint // nil: nobody searches for secrets
}

// Result is what became of one script: of all its runs, if it is an enumeration.
type Result struct {
	ID, File, Name, Zh string
	Passed             bool
	Seed               uint64           // of the options, or of the id that was replayed
	End                string           // of each transaction, joined: "F1", "F2, F1"
	Money              map[string]Money // positions at the script's end
	EventHash          uint64           // of everything on wires, disks and screens of all runs
	Virtual, Wall      time.Duration    // Wall is the caller's to set
	Runs               int
	Failure            *Failure // the first; nil if Passed
	Hidden             []string // expectations that this house cannot judge: a foreign host's money, plastic's insides
}

// Failure is why a script failed.
type Failure struct {
	Run        string // the id of the run: W09, W09.17
	Err        error  // the expectation that was not met, an *Error with the line quoted; nil if only the judge objects
	Violations []Violation
	Where      string // the money, in a sentence
	Replay     string // what posim replay takes
}

// Run runs a script, every run of it.
func (l *Library) Run(s *Script, o Options) *Result {
	out := &Result{ID: s.ID, Seed: o.Seed, File: s.File, Name: s.Name, Zh: s.Zh, Passed: true}
	h := fnv.New64a()
	take := func(id string, one *outcome, replay string) {
		fmt.Fprintf(h, "%s %016x\n", id, one.hash)
		out.Runs++
		out.Virtual += one.virtual
		if out.Runs == 1 {
			out.End, out.Money = one.end, one.money
		}
		if one.failed() && out.Failure == nil {
			out.Passed, out.End, out.Money = false, one.end, one.money
			out.Failure = &Failure{Run: id, Err: one.err, Violations: one.wrong, Where: one.where, Replay: replay}
		}
	}
	for _, run := range l.runs(s, o, func(id string, one *outcome) { take(id, one, replayID(id, o.Seed, nil)) }) {
		take(run.id, l.once(run.script, run.options(o)), replayID(run.id, o.Seed, nil))
	}
	out.EventHash = h.Sum64()
	return out
}

// planned is one run of a script.
type planned struct {
	id     string
	script *Script
	extra  []Fault
	steps  []int // that are run; none: all
	bare   bool  // without the script's own faults
}

func (p planned) options(o Options) Options {
	o.run = p.id
	o.Extra, o.bare = append(append([]Fault(nil), o.Extra...), p.extra...), p.bare
	return o
}

// runs lists the runs of a script. What has to be run to find that out is done here, and counted.
func (l *Library) runs(s *Script, o Options, counted func(id string, one *outcome)) (all []planned) {
	if s.Each.Power && len(o.Extra) == 0 {
		watched := o
		watched.watch, watched.run = true, s.ID
		first := l.once(s, watched)
		counted(s.ID, first)
		for i, f := range powerCuts(first.passed) {
			all = append(all, planned{id: fmt.Sprintf("%s.%d", s.ID, i+1), script: s, extra: []Fault{f}})
		}
		return all
	}
	variants, err := l.variants(s, o)
	if err != nil {
		counted(s.ID, &outcome{err: err})
		return nil
	}
	for _, v := range variants {
		all = append(all, planned{id: v.ID, script: v})
	}
	return all
}

// variants are the runs of a script that is repeated for values. The length that a range counts to is measured first.
func (l *Library) variants(s *Script, o Options) ([]*Script, error) {
	length := 0
	if s.Each.Range != nil {
		without, err := s.Without()
		if err != nil {
			return nil, err
		}
		o.IgnoreExpect, o.Story, o.Keep, o.watch = true, nil, nil, true
		for _, h := range l.once(without, o).passed {
			if h.at == atFrame && h.Place == s.Each.Range.Of {
				length = h.bytes
			}
		}
	}
	return s.Variants(length)
}

// powerCuts is one fault for each point that a run passed, and for each write one for each image of the disk.
func powerCuts(passed []happening) (all []Fault) {
	for _, h := range passed {
		f := Fault{Seam: h.Seam, Event: h.Event, N: h.N, Kind: "power-off"}
		switch h.at {
		case atPoint:
			all = append(all, f)
		case atWrite:
			for _, f.Image = range []string{"lost", "kept", "torn"} {
				all = append(all, f)
			}
		}
	}
	return all
}

// outcome is what became of one run.
type outcome struct {
	err       error
	wrong     []Violation
	end       string
	money     map[string]Money
	hash      uint64
	virtual   time.Duration
	where     string
	sometimes Sometimes
	passed    []happening // if they were watched
	own       []Fault     // the script's own that struck, if they were watched, as if armed from the first step on
	struck    []int       // how many events had passed when each of the extra faults struck first; -1: it never did
	spent     bool        // none of their events came again after they had struck
	hidden    []string    // expectations that could not be judged
}

func (o *outcome) failed() bool { return o.err != nil || len(o.wrong) > 0 }

// once runs a script once, in a world of its own.
func (l *Library) once(s *Script, o Options) *outcome {
	out := &outcome{money: map[string]Money{}}
	r, err := newRig(l, s, o)
	if err != nil {
		out.err = err
		return out
	}
	defer r.world.Close()
	r.guard(o.taint, o.searched)
	newPlay(r, s, o, out).perform()
	out.hash, out.virtual = r.world.Hash(), r.world.Now().Sub(Start)
	return out
}

// play is a script being run in a virtual house.
type play struct {
	*rig
	script  *Script
	options Options
	out     *outcome
	seen    evidence
	besides string // the outcome at the other terminal of the latest step
}

func newPlay(r *rig, s *Script, o Options, out *outcome) *play {
	return &play{rig: r, script: s, options: o, out: out, seen: evidence{
		script: s, options: o, out: out, log: &r.till.log, dialect: r.dialect,
		books: r.books, state: r.terminalState, positions: r.positions, where: r.where, issuer: r.hosts[2].durable, acquirer: r.hosts[0].durable, dossier: func() (*Dossier, error) { return r.stores().Read() }, views: r.views, keyOf: func(of Of) (dialect.Key, bool) { return r.keyOf(of) },
	}}
}

// fail keeps the first expectation that was not met.
func (p *play) fail(at Pos, format string, args ...any) { p.seen.fail(at, format, args...) }

func (p *play) perform() {
	s := p.script
	if err := p.boot(); err != nil {
		p.out.err = err
		return
	}
	p.untilReady()
	p.armOwn(s.Faults)
	p.times = map[passing]int{}
	if p.strew = p.options.strew; p.options.watch {
		p.watch()
	}
	from := len(p.faults)
	p.arm(p.options.Extra)
	extra := p.faults[from:]
	for _, a := range extra {
		a.added = true
	}
	p.atOnce()
	for i := range s.Steps {
		p.step(&s.Steps[i])
	}
	if !p.settle() && p.out.err == nil && !p.waiting() {
		p.violate("I10", "no rest within %s of virtual time after the last step", quiet)
	}
	if p.options.Explore && p.unable() != "" {
		p.revive()
		p.settle()
	}
	for _, r := range p.both() {
		r.judgeState()
	}
	p.passedOut(extra)
	if !p.options.Explore && len(p.options.Extra) == 0 {
		for _, f := range p.unfired() {
			p.fail(f.Pos, "fault %s never fired: its event did not happen", f)
		}
	}
	if !p.options.trial {
		p.end()
	}
	if p.options.Keep != nil {
		p.options.Keep(p.options.run, p.stores())
	}
	p.heal()
	p.judge()
	p.out.wrong, p.out.sometimes = p.log.wrong, p.log.sometimes
	if p.out.failed() {
		p.out.where = p.where()
	}
}

// passedOut hands over what was watched.
func (p *play) passedOut(extra []*armed) {
	p.out.passed = p.passed
	if p.watching {
		p.out.own = p.ownFaults(extra)
	}
	p.watching = false
	p.out.spent = true
	for _, a := range extra {
		p.out.spent = p.out.spent && a.N != 0 && a.seen == a.N
		at := -1
		if a.fired > 0 {
			at = a.at
		}
		p.out.struck = append(p.out.struck, at)
	}
}

// armOwn arms faults of the script, unless they are left out.
func (p *play) armOwn(faults []Fault) {
	if !p.options.bare {
		p.arm(faults)
	}
}

// ownFaults are the script's faults that struck, with their events counted from the first step on. What struck more than
// once stays.
func (p *play) ownFaults(extra []*armed) (all []Fault) {
	for _, a := range p.faults {
		if a.fired == 0 || a.nth == 0 || slices.Contains(extra, a) {
			continue
		}
		f := a.Fault
		f.N, f.Later = a.nth, a.fired > 1
		all = append(all, f)
	}
	return all
}

// revive gives a terminal that is off or stopped its power again, as its owner would.
func (p *play) revive() {
	if p.unable() == "" {
		return
	}
	if p.term.On() {
		p.powerOff(sim.PowerOffLost)
	}
	p.removeAtOnce()
	if err := p.boot(); err != nil {
		p.violate("I12", "the terminal does not boot: %v", err)
		return
	}
	p.untilReady()
}

// end compares what the script left, before anything is healed.
func (p *play) end() {
	v, err := p.assess()
	if err != nil {
		p.out.err = fmt.Errorf("scenario: %s: %w", p.script.ID, err)
		return
	}
	p.seen.expectEnd(v.ends, v.positions)
}

// waiting tells whether somebody rightly goes on trying for ever: an advice whose line is down, a host that is repeating.
func (p *play) waiting() bool {
	if p.lineDown || len(p.faults) > 0 || p.strew != nil {
		return true
	}
	for _, r := range p.both() {
		books, err := r.books()
		if err != nil {
			return true // the judge says so
		}
		for _, rec := range books.Records {
			if rec.State == terminal.AdviceDue {
				return true
			}
		}
	}
	return false
}

// untilReady runs until the terminal is idle, stopped or off, and the shop's other one, too.
func (p *play) untilReady() bool {
	all := p.both()
	return p.until(patience, func() bool {
		return !slices.ContainsFunc(all, func(r *rig) bool { return r.unable() == "" && !r.terminal.Idle() })
	})
}

// step does one step and compares what it showed.
func (p *play) step(st *Step) {
	p.armOwn(st.Faults)
	p.atOnce()
	from := p.log.mark()
	for _, r := range p.both() {
		r.log.ended = nil
	}
	p.tellf("step", "", "%s", st.Do)
	if p.options.Explore && (st.Task != nil || st.Do == "sign-on") {
		p.revive()
	}
	outcome := p.act(st)
	if st.Expect != nil && !p.options.IgnoreExpect {
		p.seen.expect(st, from, outcome)
		if w := st.Expect.Beside; w.Set() && w.Value != p.besides {
			p.fail(w.Pos, "expected %s at the other terminal, found %s", w.Value, orNothingFound(p.besides))
		}
	}
}

// act does what the step says; the answer is the outcome of what was done at the till.
func (p *play) act(st *Step) string {
	if st.Task != nil {
		return p.task(st)
	}
	switch st.Do {
	case "wait":
		p.wait(st)
	case "off":
		if p.term.On() {
			p.powerOff(sim.PowerOffLost)
		}
	case "boot":
		if !p.term.On() {
			p.removeAtOnce()
			if err := p.boot(); err != nil {
				p.fail(st.Pos, "the terminal does not boot: %v", err)
				break
			}
		}
		p.untilReady()
	case "calendar":
		p.calendar(st)
	case "host":
		p.setHost(st)
	case "sign-on":
		p.signOn(st)
	case "line":
		p.setLine(st.Line == "down")
	case "disk":
		p.setDisk(st)
	case "spare":
		p.plugIn(st)
	case "desk":
		p.desk(st)
	case "new-keys":
		p.newKeys(st)
	case "battery":
		if p.term.On() {
			p.fail(st.Pos, "the terminal's memory can be lost only with the power off")
			break
		}
		p.loseMemory()
	default:
		p.fail(st.Pos, "step %s is not built", st.Do)
	}
	return ""
}

// task ends when its outcome is known, before any reversal; with somebody at the other terminal, when both outcomes are.
func (p *play) task(st *Step) string {
	p.besides = ""
	besides := p.openBeside(st)
	p.untilReady()
	if out := p.unable(); out != "" {
		return out
	}
	if err := p.arrive(st.Task); err != nil {
		p.fail(st.Pos, "%v", err)
		return ""
	}
	if besides != nil && besides.unable() == "" {
		p.sleepUntil(p.world.Now().Add(hand / 2)) // whoever comes second
		p.tellf("term", "", "at terminal %s: %s%s", besides.profile.TID, st.Do, st.Beside.describe())
		if err := besides.arrive(st.Beside); err != nil {
			p.fail(st.Pos, "%v", err)
			return ""
		}
	}
	done := p.until(patience, func() bool { return p.rig.served() && (besides == nil || besides.served()) })
	if besides != nil {
		p.besides = besides.outcome()
	}
	switch {
	case p.customer.failed != nil:
		p.fail(st.Pos, "%v", p.customer.failed)
		return ""
	case p.log.ended != nil:
		return string(p.log.ended.Outcome)
	case !done:
		p.violate("I12", "the %s did not end within %s: the terminal is %s", st.Do, patience, p.terminal.State())
		p.fail(st.Pos, "the %s did not end within %s: the terminal is %s", st.Do, patience, p.terminal.State())
		return ""
	}
	return p.unable()
}

// served tells whether a customer need not be waited for any more.
func (r *rig) served() bool {
	return r.log.ended != nil || r.unable() != "" || r.customer.failed != nil
}

// outcome is how the terminal's customer was served.
func (r *rig) outcome() string {
	if r.log.ended != nil {
		return string(r.log.ended.Outcome)
	}
	return r.unable()
}

// unable says why the terminal cannot serve a customer.
func (r *rig) unable() string {
	switch {
	case !r.term.On():
		return "power-off"
	case r.terminal.Stopped() != nil:
		return "stopped"
	}
	return ""
}

func (p *play) wait(st *Step) {
	w := st.Wait
	switch w.For {
	case "idle":
		p.untilReady()
	case "reversal":
		if !p.until(time.Hour, func() bool { return p.none(terminal.Pending, terminal.ReversalDue) }) {
			p.fail(st.Pos, "no reversal was answered within an hour: the journal is %s", p.states())
		}
	case "advices":
		if !p.until(time.Hour, func() bool { return p.none(terminal.AdviceDue) }) {
			p.fail(st.Pos, "no advice was answered within an hour: the journal is %s", p.states())
		}
	default:
		p.sleepUntil(p.world.Now().Add(w.Duration))
	}
}

// none tells whether no terminal that can do something about it has a record in one of the states.
func (p *play) none(states ...terminal.State) bool {
	for _, r := range p.both() {
		if r.unable() == "" && slices.ContainsFunc(r.terminal.Records(), func(rec *terminal.Record) bool { return slices.Contains(states, rec.State) }) {
			return false
		}
	}
	return true
}

// states lists the journal.
func (p *play) states() string {
	var all []string
	for _, rec := range p.terminal.Records() {
		all = append(all, rec.STAN+" "+string(rec.State))
	}
	if len(all) == 0 {
		return "empty"
	}
	return strings.Join(all, ", ")
}

// The hours of the business calendar.
const (
	cutoverHour = 23
	payoutHour  = 10
)

// calendar lets the business date come: the cut-over at 23:00, the payout in the morning of the next working day.
func (p *play) calendar(st *Step) {
	c := st.Calendar
	switch {
	case c.Event == "cutover":
		p.cutover()
	case c.Event == "payout":
		if p.world.Now().Hour() >= payoutHour {
			p.cutover()
		}
		p.sleepUntil(p.nextWorkingDay(payoutHour))
		p.toHosts(host.Calendar{Kind: host.CalendarPayout, Date: p.world.Now().Format(time.DateOnly)})
	case c.Date.After(p.world.Now()):
		p.sleepUntil(c.Date)
		p.toHosts(host.Calendar{Kind: host.CalendarDate, Date: p.world.Now().Format(time.DateOnly)})
	default:
		p.fail(st.Pos, "it is %s already", p.world.Now().Format(time.DateTime))
	}
}

func (p *play) cutover() {
	now := p.world.Now()
	at := time.Date(now.Year(), now.Month(), now.Day(), cutoverHour, 0, 0, 0, time.UTC)
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	p.sleepUntil(at)
	next := at.AddDate(0, 0, 1).Format(time.DateOnly)
	p.toHosts(host.Calendar{Kind: host.CalendarCutover, Date: next})
}

func (p *play) nextWorkingDay(hour int) time.Time {
	now := p.world.Now()
	at := time.Date(now.Year(), now.Month(), now.Day(), hour, 0, 0, 0, time.UTC)
	for !at.After(now) || at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

// sleepUntil lets the world run to an instant.
func (p *play) sleepUntil(at time.Time) {
	over := false
	d := at.Sub(p.world.Now())
	cancel := p.world.After(d, func() { over = true })
	defer cancel() // a world that is too busy to get there must not find it later
	p.until(d, func() bool { return over })
}

// toHosts tells every host that has power, and lets them work on it.
func (p *play) toHosts(c host.Calendar) {
	for _, h := range p.everyHost() {
		if h.actor.On() && h.run != nil {
			h.run.Calendar(c)
		}
	}
	p.sleepUntil(p.world.Now().Add(time.Second))
	p.tellMoney()
}

// setHost changes an account at the issuer. What the issuer refuses is the script's mistake.
func (p *play) setHost(st *Step) {
	h := st.Host
	order, err := h.order(p.library)
	if err != nil {
		p.fail(st.Pos, "%v", err)
		return
	}
	issuer := p.hosts[2]
	if !issuer.actor.On() || issuer.run == nil {
		p.fail(st.Pos, "the issuer is down")
		return
	}
	issuer.run.AdminThen(order, func(refused error) { err = refused })
	p.sleepUntil(p.world.Now().Add(time.Second))
	if err != nil {
		p.fail(st.Pos, "%v", err)
	}
}

// signOn has the clerk sign on.
func (p *play) signOn(st *Step) {
	p.untilReady()
	if out := p.unable(); out != "" {
		p.fail(st.Pos, "the terminal is %s", out)
		return
	}
	t := p.terminal
	p.term.After(0, t.RequestSignOn)
	p.until(patience, func() bool { return !t.Idle() || p.unable() != "" })
	p.untilReady()
}

func (p *play) setDisk(st *Step) {
	var err error
	switch st.Disk {
	case "full":
		p.disk.full = true
	case "free":
		p.disk.full = false
	case "damage":
		err = p.damage()
	case "repair":
		if p.damaged == nil {
			err = errors.New("nothing is damaged")
		}
		p.repair()
	}
	if err != nil {
		p.fail(st.Pos, "%v", err)
	}
}
