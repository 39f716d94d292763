package scenario

import (
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/host"
)

// FuzzReplay holds replay ids to their word: an id is refused, or what it names runs again as it ran; and the id that a failed
// run gives names that run.
func FuzzReplay(f *testing.F) {
	for _, id := range []string{
		"W01#seed=1", "W02", "W01s#seed=18446744073709551615", "W04#seed=2,net.rsp[0210].lose", "W09.3#seed=1", "W01#seed=07", "W01#seed=1x", "W01#",
		"W01#seed=1,net.req[0200].lose,card[GENERATE AC].answer(AAC)", "W01#seed=1,,term[send 0200].power-off", "W01#,)(", "W1", "#seed=1", "W01.1",
		"W04/1#seed=1", "W04/!#seed=1,net.req[0200].lose", "W04/!1-1+3#seed=1", "W04/2-1", "W04/", "W04/!", "swarm1#seed=1", swarmPrefix + "7/1-3+5#seed=2",
	} {
		f.Add(id)
	}
	l := builtIn(f)
	var scripts []*Script
	for _, s := range allScripts(f, l) {
		switch s.ID {
		case "W01", "W01s", "W02", "W04", "W09":
			scripts = append(scripts, s)
		}
	}
	f.Fuzz(func(t *testing.T, id string) {
		if len(id) > 300 || id == "W09" || strings.HasPrefix(id, "W09#") && !strings.Contains(id, ",") {
			return // which is every run of it
		}
		if parsed, err := parseReplay(id); err == nil {
			if again, err := parseReplay(parsed.String()); err != nil || again.String() != parsed.String() || again.name != parsed.name ||
				!slices.Equal(again.steps, parsed.steps) || again.bare != parsed.bare || again.seed != parsed.seed || len(again.faults) != len(parsed.faults) || len(parsed.steps) > maxSteps || len(parsed.faults) > maxFaults {
				t.Fatalf("%q is written %q, then %q, %v", id, parsed, again, err)
			}
		}
		r, err := l.Replay(scripts, id, Options{Seed: 1})
		if err != nil {
			if r != nil || len(err.Error()) > 2000+8*len(id) {
				t.Fatalf("%q: %d characters: %v", id, len(err.Error()), err)
			}
			return
		}
		if r.Runs < 1 || r.Runs > maxRuns || !strings.HasPrefix(id, r.ID) {
			t.Fatalf("%q is %d runs of %s", id, r.Runs, r.ID)
		}
		same := id
		if r.Failure != nil {
			same = r.Failure.Replay
		}
		again, err := l.Replay(scripts, same, Options{Seed: 1})
		if err != nil {
			t.Fatalf("%q gives %q: %v", id, same, err)
		}
		if again.Seed != r.Seed || again.Passed != r.Passed || again.Runs == r.Runs && again.EventHash != r.EventHash || r.Failure != nil && again.Failure.Replay != same {
			t.Fatalf("%q, then %q: %+v, then %+v", id, same, r, again)
		}
	})
}

// FuzzMoney: an amount and a fee are refused or written again as they were read, and no fee is more than its amount.
func FuzzMoney(f *testing.F) {
	f.Add("100.00", "0.6%")
	f.Add("-0.40", "100%")
	f.Add("9999999999.99", "0.01%")
	f.Add("00.1", "1.00000%")
	f.Add("-", "%")
	f.Fuzz(func(t *testing.T, amount, fee string) {
		m, moneyErr := ParseMoney(amount)
		if moneyErr == nil && m.String() != amount && amount != "-0.00" {
			t.Fatalf("%q is read as %v", amount, m)
		}
		r, rateErr := ParseRate(fee)
		if rateErr == nil {
			if again, err := ParseRate(r.String()); err != nil || again != r {
				t.Fatalf("%q is read as %v, which is read as %v, %v", fee, r, again, err)
			}
		}
		if moneyErr == nil && rateErr == nil && m >= 0 {
			if of := Money(host.Fee{BasisPoints: int64(r)}.Of(int64(m))); of < 0 || of > m {
				t.Fatalf("%v of %v is %v", r, m, of)
			}
		}
	})
}
