package scenario

import (
	"slices"
	"strings"
	"testing"
)

// Money is asserted for every party that has some of it in the end, where that is the same in every run, and each figure matters: a cent more and the scenario fails.
func TestACentMakesAScenarioFail(t *testing.T) {
	l := builtIn(t)
	figures := 0
	for _, s := range allScripts(t, l) {
		if !strings.HasPrefix(s.ID, "W") {
			continue
		}
		runs, err := l.variants(s, Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		run := runs[0]
		out := l.once(run, Options{Seed: 1})
		if out.err != nil || len(out.wrong) > 0 {
			t.Errorf("%s: %v %v", run.ID, out.err, out.wrong)
			continue
		}
		for party, amount := range out.money {
			if amount != 0 && !s.Each.Power && !slices.ContainsFunc(run.Expect.Money, func(p Position) bool { return p.Party == party }) {
				t.Errorf("%s: %s has %s in the end, and nothing is expected of it", run.ID, party, amount)
			}
		}
		fails := func(where string, all []Position) {
			for i := range all {
				figures++
				all[i].Amount++
				if out := l.once(run, Options{Seed: 1}); out.err == nil {
					t.Errorf("%s: a cent more for %s %s, and it passes", run.ID, all[i].Party, where)
				}
				all[i].Amount--
			}
		}
		for _, st := range run.Steps {
			if st.Expect != nil {
				fails("in a step", st.Expect.Money)
			}
		}
		fails("in the end", run.Expect.Money)
	}
	if figures < 500 {
		t.Errorf("only %d figures", figures)
	}
}
