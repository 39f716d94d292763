package scenario

import (
	"strings"
	"testing"

	"github.com/posim/posim/internal/rules"
)

// TestEveryNaiveVariantIsCaught runs the library with one rule left out, every script's expectations ignored: the money
// and the invariants alone must object, and to the same library with every rule kept they must not.
func TestEveryNaiveVariantIsCaught(t *testing.T) {
	l := builtIn(t)
	all := allScripts(t, l)
	violations := func(t *testing.T, set rules.Set) (caught []string) {
		for _, s := range all {
			r := l.Run(s, Options{Seed: 1, Rules: set, IgnoreExpect: true})
			if f := r.Failure; f != nil {
				if len(f.Violations) == 0 {
					t.Errorf("%s failed for another reason than the money: %v", f.Run, f.Err)
					continue
				}
				caught = append(caught, f.Run+" "+f.Violations[0].String())
			}
		}
		return caught
	}
	if caught := violations(t, 0); len(caught) > 0 {
		t.Fatalf("every rule kept:\n%s", strings.Join(caught, "\n"))
	}
	for _, v := range rules.Variants() {
		t.Run(v.Name, func(t *testing.T) {
			caught := violations(t, v.Rules)
			if len(caught) == 0 {
				t.Errorf("%s (%s) was not caught: %s", v.Name, v.ID, v.About)
			}
			t.Log(strings.Join(caught, "\n"))
		})
	}
}
