package scenario

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/internal/rules"
)

// counterexample is a line of docs/model/counterexamples.tsv: the model's shortest way to harm without a rule, as the real
// code goes it.
type counterexample struct{ model, variant, replay string }

func counterexamples(t *testing.T) (all []counterexample) {
	t.Helper()
	data, err := os.ReadFile("../docs/model/counterexamples.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 4 || slices.Contains(f, "") {
			t.Fatalf("%q: want four columns", line)
		}
		all = append(all, counterexample{f[0], f[1], f[2]})
	}
	return all
}

// objections are the violations of a run that is judged by the money alone.
func objections(t *testing.T, r *Result) []Violation {
	t.Helper()
	switch f := r.Failure; {
	case f == nil:
		return nil
	case len(f.Violations) == 0:
		t.Fatalf("%s failed for another reason than the money: %v", f.Run, f.Err)
		return nil
	default:
		return f.Violations
	}
}

// TestTheModelsCounterexamples replays every one with its variant, and the judge must object; and with every rule kept, and
// it must not.
func TestTheModelsCounterexamples(t *testing.T) {
	l := builtIn(t)
	all := allScripts(t, l)
	for _, c := range counterexamples(t) {
		t.Run(c.model+" "+c.variant, func(t *testing.T) {
			set, err := rules.Without(c.variant)
			if err != nil {
				t.Fatal(err)
			}
			run := func(set rules.Set) []Violation {
				r, err := l.Replay(all, c.replay, Options{Rules: set, IgnoreExpect: true})
				if err != nil {
					t.Fatal(err)
				}
				return objections(t, r)
			}
			wrong := run(set)
			if len(wrong) == 0 {
				t.Errorf("%s: nobody objects to %s", c.replay, c.variant)
			}
			t.Log(wrong)
			if wrong := run(rules.Set{}); len(wrong) > 0 {
				t.Errorf("%s, every rule kept: %v", c.replay, wrong)
			}
		})
	}
}

// TestEveryVariantOfTheModelIsHere compares three tables: what the model breaks and what it holds, the variants, and the
// counterexamples.
func TestEveryVariantOfTheModelIsHere(t *testing.T) {
	data, err := os.ReadFile("../docs/model/variants.tsv")
	if err != nil {
		t.Fatal(err)
	}
	byModel := map[string]rules.Variant{}
	for _, v := range rules.Variants() {
		for _, id := range v.Model {
			if other, twice := byModel[id]; twice {
				t.Errorf("%s stands for %s and %s", id, other.Name, v.Name)
			}
			byModel[id] = v
		}
	}
	replayed := map[string]string{}
	for _, c := range counterexamples(t) {
		if v := byModel[c.model]; v.Name != c.variant {
			t.Errorf("the counterexample of %s is for %s, and the variant is %s", c.model, c.variant, v.Name)
		}
		replayed[c.model] = c.replay
	}
	// Left out are the lines that keep every rule, and these.
	without := map[string]string{
		"K4s": "as K4, and the network doubles nothing", "K5s": "a host cannot tell stale keys from an altered message", "K5r": "as K5s",
		"K6": "the link keeps the order, so no two sign-ons chase each other: K6s", "K7": "the order of the link is what keeps it", "K7s": "as K7",
	}
	other := func(id, expect string) bool {
		return expect == "ends" || without[id] != "" || id[0] == 'V' && byModel[id].Name == "" || strings.ContainsRune("SADK", rune(id[0])) && id[1] == '0' // V: what the model has for voids over two hops is left out in the hosts nowhere
	}
	known := map[string]bool{}
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") || len(f) < 2 {
			continue
		}
		id, breaks := f[0], f[1] != "holds"
		known[id] = true
		v, here := byModel[id]
		switch {
		case other(id, f[1]):
			if here {
				t.Errorf("%s has the variant %s", id, v.Name)
			}
		case !here:
			t.Errorf("%s has no variant", id)
		case v.Safe == breaks:
			t.Errorf("%s: the model says %s, and %s is safe: %v", id, f[1], v.Name, v.Safe)
		case breaks && replayed[id] == "":
			t.Errorf("%s has no counterexample", id)
		}
	}
	for id := range byModel {
		if !known[id] {
			t.Errorf("%s is no line of the model", id)
		}
	}
}
