package scenario

import (
	"slices"
	"time"
)

// maxTries bounds the runs that one shrinking takes.
const maxTries = 2000

// Shrink finds a smaller run that breaks the same invariant as t did: first fewer faults, then fewer steps, then simpler
// values. t must be a trial of this script under these options; one that did not fail is returned as it is. Runs is how
// many runs it took.
func (x *Exploration) Shrink(s *Script, t Trial) (small Trial, runs int) {
	k := shrinking{x: x, script: s, options: x.options, best: t}
	k.options.Seed = t.seed
	k.shape = shape{faults: t.Faults, seed: t.seed}
	for i := range s.Steps {
		k.shape.steps = append(k.shape.steps, i+1)
	}
	if !t.Failed() {
		return t, 0
	}
	k.lift()
	for again := true; again && k.tries < maxTries; {
		again = k.fewerFaults()
		again = k.fewerSteps() || again
		again = k.simplerValues() || again
	}
	return k.best, k.tries
}

// shape is a run as shrinking varies it.
type shape struct {
	steps  []int
	bare   bool // without the script's own faults
	faults []Fault
	seed   uint64
}

type shrinking struct {
	x       *Exploration
	script  *Script
	options Options
	shape   shape
	best    Trial
	tries   int
}

// holds tells whether a smaller run still breaks what the first one broke, and keeps it then.
func (k *shrinking) holds(c shape) bool {
	if k.tries >= maxTries {
		return false
	}
	k.tries++
	t := k.x.run(k.script, c)
	if !sameFault(&k.best, &t) {
		return false
	}
	k.shape, k.best = c, t
	return true
}

// sameFault tells whether two trials failed alike.
func sameFault(a, b *Trial) bool {
	switch {
	case len(a.Violations) > 0:
		return len(b.Violations) > 0 && slices.ContainsFunc(b.Violations, func(v Violation) bool { return v.Invariant == a.Violations[0].Invariant })
	case a.Err != nil:
		return b.Err != nil
	}
	return b.Unfired
}

// run runs a shape of a script.
func (x *Exploration) run(s *Script, c shape) Trial {
	o := x.options
	o.Seed, o.Extra, o.bare = c.seed, c.faults, c.bare
	steps := c.steps
	if len(steps) == len(s.Steps) {
		steps = nil
	}
	kept, err := s.keep(steps)
	if err != nil {
		return Trial{Err: err}
	}
	t := x.library.trial(kept, o, false)
	t.ID = replay{name: s.ID, steps: steps, bare: c.bare, seed: c.seed, faults: c.faults}.String()
	t.Unfired = false // a smaller run may well not come to where a fault strikes
	return t
}

// lift makes added faults of the script's own, so that they can be left out, too.
func (k *shrinking) lift() {
	o := k.options
	o.Extra = k.shape.faults
	t := k.x.library.trial(k.script, o, true)
	if len(t.own) == 0 && t.Own == 0 || len(t.own)+len(k.shape.faults) > maxFaults {
		return
	}
	c := k.shape
	c.bare, c.faults = true, append(slices.Clone(t.own), c.faults...)
	k.holds(c)
}

// fewerFaults leaves out halves, quarters, and at last single faults.
func (k *shrinking) fewerFaults() (better bool) {
	for size := (len(k.shape.faults) + 1) / 2; size >= 1; size /= 2 {
		for at := 0; at < len(k.shape.faults); {
			c := k.shape
			c.faults = slices.Delete(slices.Clone(c.faults), at, min(at+size, len(c.faults)))
			if k.holds(c) {
				better = true
				continue
			}
			at += size
		}
	}
	return better
}

// fewerSteps leaves out steps, the last ones first.
func (k *shrinking) fewerSteps() (better bool) {
	for size := (len(k.shape.steps) + 1) / 2; size >= 1; size /= 2 {
		for end := len(k.shape.steps); end > 0; end -= size {
			from := max(0, end-size)
			if end > len(k.shape.steps) || end-from == len(k.shape.steps) {
				continue
			}
			c := k.shape
			c.steps = slices.Delete(slices.Clone(c.steps), from, end)
			better = k.holds(c) || better
		}
	}
	return better
}

// simplerValues makes each fault as plain as it may be.
func (k *shrinking) simplerValues() (better bool) {
	if k.shape.seed != 1 {
		c := k.shape
		c.seed = 1
		better = k.holds(c)
	}
	for i := range k.shape.faults {
		for _, simpler := range simplerFaults(k.shape.faults[i]) {
			c := k.shape
			c.faults = slices.Clone(c.faults)
			c.faults[i] = simpler
			if k.holds(c) {
				better = true
				break
			}
		}
	}
	return better
}

// simplerFaults are plainer forms of a fault, the plainest first.
func simplerFaults(f Fault) (all []Fault) {
	add := func(change func(*Fault)) {
		g := f
		change(&g)
		all = append(all, g)
	}
	if f.Later {
		add(func(g *Fault) { g.Later = false })
	}
	for _, n := range []int{1, f.N / 2, f.N - 1} {
		if n > 0 && n < f.N {
			add(func(g *Fault) { g.N = n })
		}
	}
	for _, d := range plainer(f) {
		if d < f.Duration {
			add(func(g *Fault) { g.Duration = d })
		}
	}
	if f.Number > 1 {
		add(func(g *Fault) { g.Number = 1 })
		add(func(g *Fault) { g.Number /= 2 })
	}
	return all
}

// plainer are the durations that are tried for a fault's.
func plainer(f Fault) []time.Duration {
	switch f.argumentSort() {
	case argPoint:
		return tryRestart[:]
	case argDuration:
		h := happening{Place: f.place()}
		return h.durations(f.Kind)
	}
	return nil
}
