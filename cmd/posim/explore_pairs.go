package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"sync"

	"github.com/posim/posim"
	"github.com/posim/posim/scenario"
)

// Pairs are a work of hours, so they can be interrupted: the first faults are taken in an order that spreads over the
// library (a stride that is prime to their number), and a file says how many of that order are done.

// pairsState is the file of --resume.
type pairsState struct {
	Version    string `json:"version"`
	Seed       uint64 `json:"seed"`
	Pairs      int    `json:"pairs"`       // single faults of this library: another library is another order
	Done       int    `json:"done"`        // first faults that are done, from the beginning of the order
	Runs       int    `json:"runs"`        // pairs that were run for them
	Violations int    `json:"violations"`  // that were found
	Library    string `json:"fingerprint"` // of the library's runs without added faults
}

func (e *exploring) runPairs(ctx context.Context, stop func()) error {
	state, err := e.loadPairs()
	if err != nil {
		return err
	}
	n := e.x.Count()
	e.of = int64(n - state.Done)
	stride := coprime(n)
	frontier := newFrontier(state.Done)
	var saving sync.Mutex
	var failure error
	e.each(ctx, n-state.Done, func(k int) {
		k += state.Done
		i := int(int64(k) * int64(stride) % int64(n))
		b, _ := e.x.At(i)
		_, seconds := e.x.Seconds(i)
		for j, second := range seconds {
			if ctx.Err() != nil {
				return // not done: it is begun again
			}
			e.take(j+1, b.Script, func() scenario.Trial { return e.x.TryPair(i, second) }, stop)
		}
		saving.Lock()
		defer saving.Unlock()
		if done := frontier.end(k); e.flags.resume != "" {
			e.mu.Lock()
			s := e.pairsState(done, state.Runs+e.runs, state.Violations+e.violated)
			e.mu.Unlock()
			if err := savePairs(e.flags.resume, s); err != nil && failure == nil {
				failure = err
			}
		}
	})
	if failure != nil {
		return failed(failure)
	}
	return nil
}

func (e *exploring) pairsState(done, runs, violations int) pairsState {
	return pairsState{posim.Version, e.flags.seed, e.x.Count(), done, runs, violations, e.x.Fingerprint()}
}

func (e *exploring) loadPairs() (s pairsState, err error) {
	if e.flags.resume == "" {
		return s, nil
	}
	b, err := os.ReadFile(e.flags.resume)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, misuse("--resume: %w", err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, misuse("--resume %s: want a file that explore --pairs wrote: %w", e.flags.resume, err)
	}
	want := e.pairsState(s.Done, s.Runs, s.Violations)
	if s != want || s.Done < 0 || s.Done > s.Pairs {
		return s, misuse("--resume %s is of another version, seed or library: begin another file", e.flags.resume)
	}
	return s, nil
}

// savePairs replaces the file at once: a kill leaves the old one or the new.
func savePairs(name string, s pairsState) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// coprime is a number near the golden section of n that has no divisor in common with it.
func coprime(n int) int {
	for s := max(1, n*618/1000); ; s++ {
		a, b := n, s
		for b != 0 {
			a, b = b, a%b
		}
		if a <= 1 {
			return s
		}
	}
}

// frontier is how many items of an order are done without a gap.
type frontier struct {
	next  int
	ahead map[int]bool
}

func newFrontier(next int) *frontier { return &frontier{next, map[int]bool{}} }

func (f *frontier) end(k int) int {
	f.ahead[k] = true
	for f.ahead[f.next] {
		delete(f.ahead, f.next)
		f.next++
	}
	return f.next
}
