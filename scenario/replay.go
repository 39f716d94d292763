package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// replay is a replay id taken apart: SCENARIO/!STEPS#seed=S,FAULT,FAULT. Of it, only SCENARIO must be there.
type replay struct {
	name   string
	bare   bool  // !: without the script's own faults
	steps  []int // from 1; none: all
	seed   uint64
	seeded bool
	faults []Fault
}

// replayID names a run so that it can be run again.
func replayID(id string, seed uint64, faults []Fault) string {
	return replay{name: id, seed: seed, faults: faults}.String()
}

func (r replay) String() string {
	var b strings.Builder
	b.WriteString(r.name)
	if r.bare || len(r.steps) > 0 {
		b.WriteByte('/')
	}
	if r.bare {
		b.WriteByte('!')
	}
	fmt.Fprintf(&b, "%s#seed=%d", stepsText(r.steps), r.seed)
	for _, f := range r.faults {
		b.WriteString("," + f.String())
	}
	return b.String()
}

// stepsText is the part that says which steps of a script are run: 1-3+5.
func stepsText(steps []int) string {
	var b strings.Builder
	for i := 0; i < len(steps); {
		j := i
		for j+1 < len(steps) && steps[j+1] == steps[j]+1 {
			j++
		}
		if i > 0 {
			b.WriteByte('+')
		}
		b.WriteString(strconv.Itoa(steps[i]))
		if j > i {
			b.WriteString("-" + strconv.Itoa(steps[j]))
		}
		i = j + 1
	}
	return b.String()
}

// maxReplay bounds a replay id, in characters.
const maxReplay = 10_000

func parseReplay(id string) (r replay, err error) {
	bad := func(format string, args ...any) (replay, error) {
		return replay{}, fmt.Errorf("scenario: replay id %q: %s", maskNumbers(shorten(id)), fmt.Sprintf(format, args...))
	}
	if len(id) > maxReplay {
		return bad("longer than %d characters", maxReplay)
	}
	head, rest, more := strings.Cut(id, "#")
	name, steps, some := strings.Cut(head, "/")
	r.name = name
	steps, r.bare = strings.CutPrefix(steps, "!")
	if some && (steps != "" || !r.bare) {
		if r.steps, err = parseSteps(steps); err != nil {
			return bad("%v", err)
		}
	}
	if !more {
		return r, nil
	}
	parts := splitFaults(rest)
	seed, ok := strings.CutPrefix(parts[0], "seed=")
	if r.seed, err = strconv.ParseUint(seed, 10, 64); !ok || err != nil || strconv.FormatUint(r.seed, 10) != seed {
		return bad("want ID#seed=N, then ,FAULT for each added fault")
	}
	r.seeded = true
	if len(parts)-1 > maxFaults {
		return bad("more than %d faults", maxFaults)
	}
	for _, spec := range parts[1:] {
		f, err := ParseFault(spec)
		if err != nil {
			return replay{}, err
		}
		r.faults = append(r.faults, f)
	}
	return r, nil
}

// parseSteps reads 1-3+5: numbers that rise.
func parseSteps(s string) (steps []int, err error) {
	last := 0
	for _, part := range strings.Split(s, "+") {
		from, to, span := strings.Cut(part, "-")
		a, ok := parseNumber(from, last+1, maxSteps)
		b := a
		if span && ok {
			b, ok = parseNumber(to, a+1, maxSteps)
		}
		if !ok {
			return nil, fmt.Errorf("steps %q: want numbers from 1 to %d that rise, such as 1-3+5", shorten(s), maxSteps)
		}
		for n := a; n <= b; n++ {
			steps = append(steps, n)
		}
		last = b
	}
	return steps, nil
}

// keep is the script with some of its steps alone, counted from 1.
func (s *Script) keep(steps []int) (*Script, error) {
	if len(steps) == 0 {
		return s, nil
	}
	if last := steps[len(steps)-1]; last > len(s.Steps) {
		return nil, fmt.Errorf("scenario: %s has %d steps and no step %d", s.ID, len(s.Steps), last)
	}
	out := *s
	out.Steps = nil
	for _, n := range steps {
		out.Steps = append(out.Steps, s.Steps[n-1])
	}
	return &out, nil
}

// Replay runs the one run that a replay id names: SCENARIO#seed=S, with ,FAULT for each added fault, with /1-3+5 behind the
// scenario for some of its steps alone, and with /! for the script without its own faults. The seed of the id replaces that of the options. Under added faults, and
// without some of its steps, a script's own expectations are not looked at: only the invariants judge.
func (l *Library) Replay(scripts []*Script, id string, o Options) (*Result, error) {
	r, err := parseReplay(id)
	if err != nil {
		return nil, err
	}
	if r.seeded {
		o.Seed = r.seed
	}
	s, run, err := l.named(scripts, r.name, o.Seed)
	if err != nil {
		return nil, fmt.Errorf("scenario: replay id %q: %w", maskNumbers(shorten(id)), err)
	}
	added := len(r.faults) > 0 || len(r.steps) > 0 || r.bare
	if !added && run == nil {
		return l.Run(s, o), nil
	}
	if run == nil {
		run = &planned{id: s.ID, script: s}
	}
	if run.script, err = run.script.keep(r.steps); err != nil {
		return nil, err
	}
	if added || strings.HasPrefix(r.name, swarmPrefix) {
		o.IgnoreExpect, o.Explore, o.taint = true, true, newTaint(l, []*Script{run.script})
	}
	run.steps, run.bare, run.extra = r.steps, r.bare, append(slices.Clip(run.extra), r.faults...)
	return l.single(*run, o), nil
}

// named finds a script by its id, or the run of a script that is repeated.
func (l *Library) named(scripts []*Script, name string, seed uint64) (*Script, *planned, error) {
	if s, err := l.swarmNamed(name); s != nil || err != nil {
		return s, &planned{id: name, script: s}, err
	}
	for _, s := range scripts {
		if s.ID == name {
			return s, nil, nil
		}
		if !strings.HasPrefix(name, s.ID+".") {
			continue
		}
		for _, run := range l.runs(s, Options{Seed: seed}, func(string, *outcome) {}) {
			if run.id == name {
				return s, &run, nil
			}
		}
		return nil, nil, fmt.Errorf("%s has no run %s", s.ID, name)
	}
	return nil, nil, fmt.Errorf("no scenario %s", shorten(name))
}

func (l *Library) single(run planned, o Options) *Result {
	one := l.once(run.script, run.options(o))
	out := &Result{ID: run.id, Seed: o.Seed, File: run.script.File, Name: run.script.Name, Zh: run.script.Zh, Passed: !one.failed(), End: one.end,
		Money: one.money, EventHash: one.hash, Virtual: one.virtual, Runs: 1}
	if one.failed() {
		id := replay{name: run.id, steps: run.steps, bare: run.bare, seed: o.Seed}
		if o.Explore {
			id.faults = run.extra
		}
		out.Failure = &Failure{Run: run.id, Err: one.err, Violations: one.wrong, Where: one.where, Replay: id.String()}
	}
	return out
}

// splitFaults splits at the commas that stand outside of parentheses.
func splitFaults(s string) (parts []string) {
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, s[from:i])
				from = i + 1
			}
		}
	}
	return append(parts, s[from:])
}
