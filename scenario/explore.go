package scenario

import (
	"fmt"
	"hash/fnv"
	"slices"
	"sort"
	"sync/atomic"
	"time"

	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/dialect"
)

// Exploration is every single fault of the catalogue at every event of some scripts. Scripts show the faults somebody
// thought of; this is the rest, and only the invariants judge it.
//
// Its methods may be called by several goroutines at once: each run has a world of its own.
type Exploration struct {
	library *Library
	options Options
	bases   []*Base
	from    []int // of each base: how many pairs come before it
	count   int
}

// Base is one run of a script without added faults, whose events are enumerated. A script that is repeated has a base for
// each value of a list, and one for a range of bytes or for power cuts, which exploration enumerates itself.
type Base struct {
	ID     string // W02.3
	Script *Script
	Events int // that a fault can strike at
	Pairs  int // of an event and a fault, each once and staying
	Trial  Trial

	passed     []happening
	turns      []int
	every      bool
	share, of  int   // which part of its pairs is tried with this base, of how many: bases that pass the same events share them
	from       []int // of each event: how many pairs of this base come before it
	enumerated atomic.Pointer[faultsAt]
}

// faultsAt is every fault that is tried at an event of a base.
type faultsAt struct {
	event  int
	faults []Fault
}

// Trial is what became of one run of an exploration.
type Trial struct {
	ID         string // what posim replay takes
	Faults     []Fault
	Violations []Violation
	Err        error // the run could not be made: a defect of ours
	Unfired    bool  // an added fault did not strike: the enumeration is wrong
	Spent      bool  // after the added fault had struck, its event never came again: staying, it makes the same run
	Hash       uint64
	Virtual    time.Duration
	Sometimes  Sometimes

	Own int // faults of the script itself

	seed   uint64
	passed []happening
	own    []Fault
	struck int
}

// Failed tells whether the run found something.
func (t *Trial) Failed() bool { return t.Err != nil || len(t.Violations) > 0 || t.Unfired }

// Reason is what it found first.
func (t *Trial) Reason() string {
	switch {
	case len(t.Violations) > 0:
		return t.Violations[0].String()
	case t.Err != nil:
		return t.Err.Error()
	case t.Unfired:
		return "an added fault never struck"
	}
	return ""
}

// Explore runs every script once and lists its events. o gives the seed, the rules, OneDialect and Every; what else it says is
// not looked at.
func (l *Library) Explore(scripts []*Script, o Options) (*Exploration, error) {
	x := &Exploration{library: l, options: Options{Seed: o.Seed, Rules: o.Rules, Every: o.Every, IgnoreExpect: true, Explore: true, taint: newTaint(l, scripts)}}
	repeated := 0
	for _, s := range scripts {
		runs, err := l.variants(s, x.options)
		if err != nil {
			return nil, err
		}
		if s.Each.Range != nil {
			runs = runs[:1] // exploration cuts everywhere by itself
		}
		if o.OneDialect {
			runs = l.oneDialect(runs, &repeated)
		}
		first := len(x.bases)
		for _, run := range runs {
			if !l.leavesToPeople(run) {
				x.add(run)
			}
		}
		if !o.Every {
			share(x.bases[first:])
		}
		for _, b := range x.bases[first:] {
			x.enumerate(b)
		}
	}
	if x.count == 0 && len(scripts) > 0 {
		return nil, fmt.Errorf("scenario: nothing to explore in %s: want a script with events, in which the terminal keeps its memory (no battery step)", scripts[0].ID)
	}
	return x, nil
}

// leavesToPeople tells whether a script leaves something that nobody finds before a batch is closed or a day is over, which a run that is
// cut short never comes to: such a script is run and not explored. Its terminal loses its memory or forgets what it does not
// understand, or a host says that it approved what it has declined.
func (l *Library) leavesToPeople(s *Script) bool {
	if s.losesMemory() || l.terminals[s.Terminal] != nil && l.terminals[s.Terminal].Speaks().Switches().BCTCMismatch {
		return true
	}
	lies := func(f Fault) bool {
		return f.Kind == "answer" && dialect.Approves(f.Code) && (f.Seam == "acquirer" || f.Event == "0220")
	}
	return slices.ContainsFunc(s.Faults, lies) || slices.ContainsFunc(s.Steps, func(st Step) bool { return slices.ContainsFunc(st.Faults, lies) })
}

// losesMemory tells whether the terminal's memory goes in a script, its journal with it. What it still owed then, nobody can know: such a
// script is run and not explored.
func (s *Script) losesMemory() bool {
	return slices.ContainsFunc(s.Steps, func(st Step) bool { return st.Do == "battery" })
}

// oneDialect keeps the runs in one dialect of a script that runs in several: of the scripts that do, each in another in turn, so that
// every dialect is explored all over the library.
func (l *Library) oneDialect(runs []*Script, repeated *int) (kept []*Script) {
	var names []string
	for _, run := range runs {
		if name := l.terminals[run.Terminal].Speaks().Name(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) < 2 {
		return runs
	}
	name := names[*repeated%len(names)]
	*repeated++
	for _, run := range runs {
		if l.terminals[run.Terminal].Speaks().Name() == name {
			kept = append(kept, run)
		}
	}
	return kept
}

func (x *Exploration) add(s *Script) {
	b := &Base{ID: s.ID, Script: s, every: x.options.Every, of: 1}
	b.Trial = x.library.trial(s, x.options, true)
	b.passed, b.Trial.passed = b.Trial.passed, nil
	b.turns = turns(b.passed)
	x.bases = append(x.bases, b)
}

// share has bases that pass the same events, runs of one script, take turns with the pairs.
func share(bases []*Base) {
	for i, b := range bases {
		alike := []*Base{b}
		for _, other := range bases[i+1:] {
			if b.of == 1 && other.of == 1 && b.passesAs(other) {
				alike = append(alike, other)
			}
		}
		for n, other := range alike {
			if len(alike) > 1 {
				other.share, other.of = n, len(alike)
			}
		}
	}
}

// enumerate counts the pairs of a base.
func (x *Exploration) enumerate(b *Base) {
	for n := range b.passed {
		b.from = append(b.from, b.Pairs)
		if pairs := len(b.faults(n)); pairs > 0 {
			b.Events++
			b.Pairs += pairs
		}
	}
	x.from = append(x.from, x.count)
	x.count += b.Pairs
}

// Bases are the runs whose events are enumerated, in order.
func (x *Exploration) Bases() []*Base { return x.bases }

// Count is how many pairs of an event and a fault there are.
func (x *Exploration) Count() int { return x.count }

// Fingerprint names the library as it is explored: the bytes of every base, and what is enumerated.
func (x *Exploration) Fingerprint() string {
	h := fnv.New64a()
	for _, b := range x.bases {
		fmt.Fprintf(h, "%s %016x %d\n", b.ID, b.Trial.Hash, b.Pairs)
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// At is the base and the fault of pair i, counted from 0.
func (x *Exploration) At(i int) (*Base, Fault) {
	n := sort.SearchInts(x.from, i+1) - 1 // of several that begin at one number the last has the pairs
	b := x.bases[n]
	return b, b.fault(i - x.from[n])
}

func (b *Base) fault(i int) Fault {
	n := sort.SearchInts(b.from, i+1) - 1
	at := b.enumerated.Load() // pairs are mostly taken one after the other
	if at == nil || at.event != n {
		at = &faultsAt{n, b.faults(n)}
		b.enumerated.Store(at)
	}
	return at.faults[i-b.from[n]]
}

// faults is what is tried at event n of this base.
func (b *Base) faults(n int) []Fault {
	t := trying{b.every, b.turns[n]}
	all := b.passed[n].faults(t)
	if b.of > 1 {
		mine := all[:0]
		for i, f := range all {
			if (n+i)%b.of == b.share {
				mine = append(mine, f)
			}
		}
		all = mine
	}
	return both(all, t)
}

// passesAs tells whether two bases pass the same events in the same order: they differ in values alone.
func (b *Base) passesAs(other *Base) bool {
	return slices.EqualFunc(b.passed, other.passed, func(p, q happening) bool { return p.Place == q.Place && p.at == q.at })
}

// Twin tells whether pair i has the fault of the pair before it, staying instead of striking once. If that one's trial is Spent, the
// two are the same run.
func (x *Exploration) Twin(i int) bool {
	if i >= x.count {
		return false
	}
	_, f := x.At(i)
	return f.Later
}

// PairID names pair i as posim replay takes it.
func (x *Exploration) PairID(i int) string {
	b, f := x.At(i)
	return replayID(b.ID, x.options.Seed, []Fault{f})
}

// Try runs pair i.
func (x *Exploration) Try(i int) Trial {
	b, f := x.At(i)
	return x.attempt(b, []Fault{f}, false)
}

func (x *Exploration) attempt(b *Base, faults []Fault, watch bool) Trial {
	o := x.options
	o.Extra, o.searched = faults, true
	return x.library.trial(b.Script, o, watch)
}

// trial runs a script once under what o adds.
func (l *Library) trial(s *Script, o Options, watch bool) Trial {
	o.watch, o.trial = watch, true
	var out *outcome
	if bug := sim.Catch(func() { out = l.once(s, o) }); bug != nil {
		return Trial{ID: replayID(s.ID, o.Seed, o.Extra), Faults: o.Extra, Err: bug, seed: o.Seed}
	}
	t := Trial{
		ID: replayID(s.ID, o.Seed, o.Extra), Faults: o.Extra, Violations: out.wrong, Err: out.err, Hash: out.hash, Virtual: out.virtual,
		Sometimes: out.sometimes, seed: o.Seed, passed: out.passed, own: out.own,
	}
	if !o.bare {
		t.Own = len(s.Faults)
		for i := range s.Steps {
			t.Own += len(s.Steps[i].Faults)
		}
	}
	t.Spent = out.spent
	for _, at := range out.struck {
		t.struck = max(t.struck, at)
		t.Unfired = t.Unfired || at < 0
	}
	return t
}

// Seconds are the faults that make pairs with a first one: every fault at every event that happens after it has struck.
// first is the number of a single fault. The events are those of the run with the first fault, so that what goes wrong
// while something is being put right is among them.
func (x *Exploration) Seconds(i int) (first Fault, seconds []Fault) {
	b, first := x.At(i)
	t := x.attempt(b, []Fault{first}, true)
	turns := turns(t.passed)
	for at := t.struck; at < len(t.passed); at++ {
		seconds = append(seconds, t.passed[at].faults(trying{x.options.Every, turns[at]})...)
	}
	return first, seconds
}

// TryPair runs a single fault and a second one.
func (x *Exploration) TryPair(i int, second Fault) Trial {
	b, first := x.At(i)
	return x.attempt(b, []Fault{first, second}, false)
}
