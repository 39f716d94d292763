package main

import (
	"math"
	"runtime"
	"time"

	"github.com/posim/posim"
)

// The shape of explore --json. Field names are stable.

type jsonExploration struct {
	Version    string         `json:"version"`
	Seed       uint64         `json:"seed"`
	Naive      string         `json:"naive,omitempty"`
	Mode       string         `json:"mode"` // single faults, pairs of faults, swarm
	Bases      []jsonBase     `json:"bases,omitempty"`
	Pairs      int            `json:"pairs,omitempty"` // of an event and a fault, enumerated
	Done       int64          `json:"done"`            // of those, or first faults, or seeds
	Runs       int            `json:"runs"`
	Twice      int            `json:"runs_made_twice"`
	Same       int            `json:"same_runs,omitempty"` // pairs whose run is another's, byte for byte: done, and not run again
	Violated   int            `json:"violations"`
	Findings   []jsonFinding  `json:"findings"` // the first few sorts, shrunk
	Sometimes  map[string]int `json:"sometimes"`
	Days       int            `json:"virtual_days"`
	Seconds    float64        `json:"seconds"`
	RunsSecond float64        `json:"runs_per_second"`
	Cores      int            `json:"cores"`
}

type jsonBase struct {
	ID     string `json:"id"`
	Events int    `json:"events"`
	Pairs  int    `json:"pairs"`
}

type jsonFinding struct {
	Violations []jsonViolation `json:"violations"`
	Error      string          `json:"error,omitempty"`
	Found      string          `json:"found"`  // the replay id it was found as
	Replay     string          `json:"replay"` // and the one it was shrunk to
	Faults     int             `json:"faults"` // in it, the script's own among them
	ShrinkRuns int             `json:"shrink_runs"`
}

func (e *exploring) writeJSON(all []told) error {
	out := jsonExploration{
		Version: posim.Version, Seed: e.flags.seed, Naive: e.naive.Name, Mode: e.mode(), Done: e.done.Load(), Runs: e.runs, Twice: e.twice, Same: e.same,
		Violated: e.violated, Findings: []jsonFinding{}, Sometimes: map[string]int{}, Days: int(e.virtual),
		Seconds: e.elapsed.Round(time.Millisecond).Seconds(), RunsSecond: math.Round(float64(e.runs+e.twice) / max(e.elapsed.Seconds(), 0.001)),
		Cores: runtime.GOMAXPROCS(0), // whole numbers: the sink takes a long fraction for a card number
	}
	if e.mode() != modeSwarm {
		out.Pairs = e.x.Count()
		for _, b := range e.x.Bases() {
			out.Bases = append(out.Bases, jsonBase{b.ID, b.Events, b.Pairs})
		}
	}
	e.sometimes.Each(func(name string, n int) { out.Sometimes[name] = n })
	for _, t := range all {
		f := jsonFinding{Violations: []jsonViolation{}, Found: t.first.ID, Replay: t.ID, Faults: len(t.Faults) + t.Own, ShrinkRuns: t.shrink}
		for _, v := range t.Violations {
			f.Violations = append(f.Violations, jsonViolation{v.Invariant, v.Text})
		}
		if len(t.Violations) == 0 {
			f.Error = reasonOf(t)
		}
		out.Findings = append(out.Findings, f)
	}
	return writeJSON(e.stdout, out)
}
