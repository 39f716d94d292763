package scenario

import (
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/internal/rules"
)

// TestEveryNaiveVariantIsCaught runs the library with the rules of one variant left out, every script's expectations
// ignored. To a variant that breaks something the money and the invariants alone must object; to the library with every
// rule kept, and to a variant that is safe, they must not.
func TestEveryNaiveVariantIsCaught(t *testing.T) {
	l := builtIn(t)
	all := allScripts(t, l)
	slices.Reverse(all) // the long enumerations come late
	violations := func(t *testing.T, set rules.Set, one bool, which func(*Script) bool) (caught []string) {
		for _, s := range all {
			if !which(s) {
				continue
			}
			if one && len(caught) > 0 {
				break
			}
			r := l.Run(s, Options{Seed: 1, Rules: set, IgnoreExpect: true})
			if wrong := objections(t, r); len(wrong) > 0 {
				caught = append(caught, r.Failure.Run+" "+wrong[0].String())
			}
		}
		return caught
	}
	every := func(*Script) bool { return true }
	dated := func(s *Script) bool { return !numbered(l, s) }
	if caught := violations(t, rules.Set{}, false, every); len(caught) > 0 {
		t.Fatalf("every rule kept:\n%s", strings.Join(caught, "\n"))
	}
	for _, v := range rules.Variants() {
		t.Run(v.Name, func(t *testing.T) {
			which := every
			if v.Dated {
				which = dated
				caught := violations(t, v.Rules, true, func(s *Script) bool { return numbered(l, s) })
				if len(caught) == 0 {
					t.Errorf("%s (%s) was not caught where batches are numbered: %s", v.Name, v.ID, v.About)
				}
				t.Log(strings.Join(caught, "\n"))
			}
			caught := violations(t, v.Rules, !v.Safe, which)
			for _, c := range counterexamples(t) {
				if len(caught) > 0 || c.variant != v.Name {
					continue
				}
				r, err := l.Replay(all, c.replay, Options{Rules: v.Rules, IgnoreExpect: true})
				if err != nil {
					t.Fatal(err)
				}
				for _, wrong := range objections(t, r) {
					caught = append(caught, c.replay+" "+wrong.String())
				}
			}
			switch {
			case v.Safe && len(caught) > 0:
				t.Errorf("%s is safe, and the judge objects:\n%s", v.Name, strings.Join(caught, "\n"))
			case !v.Safe && len(caught) == 0:
				t.Errorf("%s (%s) was not caught: %s", v.Name, v.ID, v.About)
			}
			t.Log(strings.Join(caught, "\n"))
		})
	}
}

// numbered tells whether a terminal of the script's tells its transactions apart by batch and STAN.
func numbered(l *Library, s *Script) bool {
	runs, err := s.Variants(1)
	return err == nil && slices.ContainsFunc(runs, func(run *Script) bool { return l.Terminal(run.Terminal).Speaks().NumbersBatches() })
}
