package scenario

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/terminal"
)

// SessionOptions are how a house for somebody at a screen is built.
type SessionOptions struct {
	Seed     uint64
	Rules    rules.Set // left out: a naive variant
	Terminal string    // profile; empty: generic
}

// Session is a house in virtual time with a person in front of it: events are posted, time is let pass, and what can be
// seen is a View. A script can be played in it, and the person may interfere.
//
// A Session belongs to one goroutine and starts none. Close it: a house that is dropped keeps its coroutines.
type Session struct {
	library *Library
	options SessionOptions
	rig     *rig
	playing *playing // nil: no script since the house was built

	story []Line
	told  int // lines ever
	money []MoneyAt
	view  *View // of the present; nil: something has happened since
}

// The most that a session keeps of what happened. A view taken earlier keeps its own.
const (
	maxStory   = 4000
	maxChanges = 1000 // changes of the positions
)

// NewSession builds a house and switches the terminal on.
func NewSession(l *Library, o SessionOptions) (*Session, error) {
	if o.Terminal == "" {
		o.Terminal = defaultTerminal
	}
	if l.terminals[o.Terminal] == nil {
		return nil, fmt.Errorf("scenario: no terminal %q", o.Terminal)
	}
	s := &Session{library: l, options: o}
	if err := s.restart(); err != nil {
		return nil, err
	}
	return s, nil
}

// Close unwinds the house. The session's views stay good; nothing else of it may be used any more.
func (s *Session) Close() {
	if s.playing != nil {
		s.rig.story = nil
		s.playing.stop()
		s.playing = nil
	}
	s.rig.world.Close()
}

// restart builds a new house for whoever stands in front of it.
func (s *Session) restart() error {
	r, err := s.build(&Script{Terminal: s.options.Terminal})
	if err != nil {
		return err
	}
	s.move(r, nil)
	return r.boot()
}

// play builds a new house for a script, which begins as time passes. Of an enumeration it is one run: that without power
// cuts, or that of the first values.
func (s *Session) play(script *Script) error {
	if script.Each.Range != nil { // its first value is known only once the script has been run
		options := Options{Seed: s.options.Seed, Rules: s.options.Rules}
		if all := s.library.runs(script, options, func(string, *outcome) {}); len(all) > 0 {
			script = all[0].script
		}
	}
	r, err := s.build(script)
	if err != nil {
		return err
	}
	s.move(r, newPlaying(s, r, script))
	return nil
}

// build makes a house that knows every card of the library, whatever the script names.
func (s *Session) build(script *Script) (*rig, error) {
	known := *script
	known.every = s.library.Cards()
	return newRig(s.library, &known, Options{Seed: s.options.Seed, Rules: s.options.Rules})
}

// move leaves the present house for another.
func (s *Session) move(r *rig, p *playing) {
	if s.rig != nil {
		s.Close()
	}
	s.rig, s.playing, s.story, s.told, s.money, s.view = r, p, nil, 0, nil, nil
	r.story, r.byHand = s.tell, true
}

// tell keeps a line of the story.
func (s *Session) tell(l Line) {
	if p := s.playing; p != nil && l.Kind == "step" {
		p.step++
	}
	s.story = appendBounded(s.story, l, maxStory)
	s.told++
	s.view = nil
}

// Step lets happen what happens next, up to the first thing that can be seen, and tells whether there was one; false:
// nothing is left to happen, or nothing that can be seen does.
func (s *Session) Step() bool {
	for n := 0; n < maxEvents; n++ {
		if _, ok := s.due(); !ok {
			return false
		}
		if s.happen() {
			return true
		}
	}
	return false
}

// Advance lets d of virtual time pass. After each thing that can be seen, seen (if not nil) may stop it by answering
// false; time then stands where it happened.
func (s *Session) Advance(d time.Duration, seen func() bool) {
	end := s.rig.world.Now().Add(d)
	for n := 0; n < maxEvents; n++ {
		at, ok := s.due()
		if !ok || at.After(end) {
			s.sleepUntil(end)
			return
		}
		if s.happen() && seen != nil && !seen() {
			return
		}
	}
}

// due tells when the next thing happens: an event, or the script going on.
func (s *Session) due() (time.Time, bool) {
	at, ok := s.rig.world.Next()
	if p := s.playing; p != nil && !p.over {
		switch now := s.rig.world.Now(); {
		case !p.waiting || p.done() || !ok || p.events >= maxEvents:
			return now, true
		case at.After(p.end):
			return p.end, true
		}
	}
	return at, ok
}

// happen does the next thing, which due has found, and tells whether it could be seen.
func (s *Session) happen() bool {
	told := s.told
	p, w := s.playing, s.rig.world
	at, ok := w.Next()
	switch {
	case p == nil || p.over:
		w.Step()
	case !p.waiting:
		p.resume(true)
	case p.done():
		p.resume(true)
	case !ok || p.events >= maxEvents:
		p.resume(false)
	case at.After(p.end):
		s.sleepUntil(p.end)
		p.resume(false)
	default:
		p.events++
		w.Step()
	}
	s.view = nil
	if p != nil && p.over && p.result == nil {
		tellVerdict(p.progress(), func(l Line) {
			l.At = s.rig.world.Now().Sub(Start)
			s.tell(l)
		})
	}
	if s.told == told {
		return false
	}
	s.count()
	return true
}

// tellVerdict ends the story of a script.
func tellVerdict(p Progress, tell func(Line)) {
	verdict := "passed"
	if !p.Passed {
		verdict = "failed"
	}
	text := fmt.Sprintf("%s %s: %s", p.ID, verdict, p.End)
	if p.Failure != "" {
		text += "\n" + p.Failure
	}
	for _, line := range strings.Split(text, "\n") {
		tell(Line{Kind: "judge", Text: line})
	}
}

// sleepUntil moves the clock to an instant before which nothing happens.
func (s *Session) sleepUntil(at time.Time) {
	w := s.rig.world
	if d := at.Sub(w.Now()); d > 0 {
		w.After(d, func() {})
		w.Step()
		s.view = nil
	}
}

// count notes the positions when they have changed.
func (s *Session) count() {
	now, err := s.rig.positions()
	if err != nil {
		return // the judge says so, and the next count may do better
	}
	if n := len(s.money); n > 0 && same(s.money[n-1].Positions, now) {
		return
	}
	s.money = appendBounded(s.money, MoneyAt{s.rig.world.Now().Sub(Start), now}, maxChanges)
}

// appendBounded appends x. When twice most are there, the older half goes: into a new array, because a view may have the
// old one.
func appendBounded[T any](all []T, x T, most int) []T {
	if len(all) >= 2*most {
		all = append(make([]T, 0, 2*most), all[len(all)-most:]...)
	}
	return append(all, x)
}

func same(x, y map[string]int64) bool {
	for k, v := range x {
		if y[k] != v {
			return false
		}
	}
	return len(x) == len(y)
}

// playing is a script that is being played: a coroutine that waits where a script waits.
type playing struct {
	script *Script
	out    *outcome
	next   func() (struct{}, bool)
	stop   func()
	step   int // steps begun
	over   bool
	result *Progress // the verdict, once it is over

	waiting bool
	end     time.Time
	done    func() bool
	events  int // since the wait began
	met     bool
}

func newPlaying(s *Session, r *rig, script *Script) *playing {
	p := &playing{script: script, out: &outcome{money: map[string]Money{}}}
	p.next, p.stop = iter.Pull(func(yield func(struct{}) bool) {
		r.await = func(limit time.Duration, done func() bool) bool {
			if done() {
				return true
			}
			p.waiting, p.end, p.done, p.events = true, r.world.Now().Add(limit), done, 0
			return yield(struct{}{}) && p.met // stopped: nothing is waited for any more
		}
		newPlay(r, script, Options{Seed: s.options.Seed, Rules: s.options.Rules}, p.out).perform()
	})
	return p
}

// resume lets the script go on; met tells whether what it waited for has come.
func (p *playing) resume(met bool) {
	p.waiting, p.met = false, met
	if _, more := p.next(); !more {
		p.over = true
	}
}

// progress is how far the script has come.
func (p *playing) progress() Progress {
	if p.result != nil {
		return *p.result
	}
	out := progressOf(p.script)
	out.Step = p.step
	if p.over {
		out.ended(p.out)
		p.result = &out
	}
	return out
}

// progressOf is a script that has not begun.
func progressOf(s *Script) Progress {
	out := Progress{ID: s.ID, Name: s.Name, Zh: s.Zh, About: s.About}
	for i := range s.Steps {
		out.Steps = append(out.Steps, s.Steps[i].describe())
	}
	return out
}

// ended says how the script ended.
func (p *Progress) ended(out *outcome) {
	p.Over, p.Passed, p.End = true, !out.failed(), out.end
	switch {
	case out.err != nil:
		p.Failure = out.err.Error()
	case len(out.wrong) > 0:
		p.Failure = out.wrong[0].String()
	}
}

// describe is a step in a few words, as the script has it.
func (st *Step) describe() string {
	switch {
	case st.Task != nil:
		if st.Beside != nil {
			return st.Do + st.Task.describe() + ", and" + st.Beside.describe()
		}
		return st.Do + st.Task.describe()
	case st.Wait != nil && st.Wait.For != "":
		return "wait " + st.Wait.For
	case st.Wait != nil:
		return "wait " + durationString(st.Wait.Duration)
	case st.Calendar != nil && st.Calendar.Event != "":
		return "calendar " + st.Calendar.Event
	case st.Calendar != nil:
		return "calendar " + st.Calendar.Date.Format(time.DateOnly)
	case st.Line != "":
		return "line " + st.Line
	case st.Disk != "":
		return "disk " + st.Disk
	}
	return st.Do
}

// screen is what the display shows: nothing without power.
func (s *Session) screen() terminal.Screen {
	r := s.rig
	if n := len(r.log.screens); n > 0 && r.term.On() {
		return r.log.screens[n-1]
	}
	return nil
}
