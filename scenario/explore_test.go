package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/posim/posim/host"
	"github.com/posim/posim/internal/rules"
)

func script(t testing.TB, l *Library, id string) *Script {
	t.Helper()
	for _, s := range allScripts(t, l) {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("no script %s", id)
	return nil
}

// TestEverySingleFaultOfASale explores one sale: every pair that is listed can be run, its fault strikes, and no invariant
// breaks. The whole library takes longer: posim explore.
func TestEverySingleFaultOfASale(t *testing.T) {
	l := builtIn(t)
	x, err := l.Explore([]*Script{script(t, l, "W04")}, Options{Seed: 1, Every: true})
	if err != nil {
		t.Fatal(err)
	}
	step := 1
	if testing.Short() {
		step = 10
	}
	listed := map[string]bool{}
	var seen Sometimes
	for i := 0; i < x.Count(); i += step {
		trial := x.Try(i)
		if trial.Failed() {
			t.Errorf("%s: %s", trial.ID, trial.Reason())
		}
		if id := x.PairID(i); id != trial.ID || listed[id] {
			t.Errorf("pair %d is listed as %s and runs as %s; listed before: %v", i, id, trial.ID, listed[id])
		}
		listed[trial.ID] = true
		seen.Add(trial.Sometimes)
	}
	for _, spec := range []string{
		"net.rsp[0210].lose", "up.req[0200].delay(50s)", "iss.rsp[0210#1+].corrupt(byte=0)", "net.req[0200].cut(1)", "issuer[0200].crash(after-log)",
		"term[write#2].power-off(torn,15)", "term[write].sync-error", "term[send 0200].clock-reset", "term[receive 0410].power-off",
		"term[show#8].clock-jump(-2h)", "card[apdu#5].tear", "card[GENERATE AC].answer(AAC)", "reader[frame#9].wtx-flood", "hsm[use].tamper",
		"operator[screen#4].cancel", "operator[pin].wrong-pin", "net.req[0400].lose",
	} {
		if id := "W04#seed=1," + spec; step == 1 && !listed[id] {
			t.Errorf("%s is not enumerated", id)
		}
	}
	for _, n := range []int{bootPending, hostDied, namedStop, modulesDead, thirdReversal} {
		if step == 1 && seen[n] == 0 { // a sample need not meet what is rare
			t.Errorf("never seen: %s", sometimes[n])
		}
	}
}

// TestASecondFaultStrikesAfterTheFirst: the seconds of a first fault are events of what follows it, recovery among them.
func TestASecondFaultStrikesAfterTheFirst(t *testing.T) {
	l := builtIn(t)
	x, err := l.Explore([]*Script{script(t, l, "W01")}, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Count() {
		if _, f := x.At(i); f.String() != "term[send 0200].power-off" {
			continue
		}
		first, seconds := x.Seconds(i)
		recovery := false
		for j, f := range seconds {
			recovery = recovery || f.String() == "net.req[0400].lose"
			if j%20 != 0 {
				continue
			}
			if trial := x.TryPair(i, f); trial.Failed() {
				t.Errorf("%s: %s", trial.ID, trial.Reason())
			}
		}
		if len(seconds) < 300 || !recovery {
			t.Errorf("behind %s: %d faults, one of them in the recovery: %v", first, len(seconds), recovery)
		}
		return
	}
	t.Fatal("the power is never cut behind the request")
}

// TestShrinking begins with a run in which most things do not matter.
func TestShrinking(t *testing.T) {
	l := builtIn(t)
	set, err := rules.Without("clear-on-send")
	if err != nil {
		t.Fatal(err)
	}
	s := script(t, l, "W06")
	x, err := l.Explore([]*Script{s}, Options{Seed: 7, Rules: set})
	if err != nil {
		t.Fatal(err)
	}
	b := x.Bases()[0]
	var noise []Fault
	for _, spec := range []string{"iss.req[0200].delay(10s)", "term[show#3].clock-jump(26h)", "net.rsp[0210#1+].lose", "net.req[0400#2+].lose", "card[apdu#2].slow(12s)"} {
		f, err := ParseFault(spec)
		if err != nil {
			t.Fatal(err)
		}
		noise = append(noise, f)
	}
	trial := x.attempt(b, noise, false)
	if !trial.Failed() {
		t.Fatal("nobody objects")
	}
	small, runs := x.Shrink(s, trial)
	if n := len(small.Faults) + small.Own; n > 2 || strings.Contains(small.ID, "seed=7") || runs > maxTries {
		t.Errorf("shrunk in %d runs to %s, which has %d faults", runs, small.ID, n)
	}
	r, err := l.Replay(allScripts(t, l), small.ID, Options{Rules: set})
	if err != nil {
		t.Fatal(err)
	}
	if r.Passed || r.EventHash != small.Hash || r.Failure.Violations[0].Invariant != small.Violations[0].Invariant {
		t.Errorf("%s: replayed as %+v", small.ID, r)
	}
	if r, err := l.Replay(allScripts(t, l), small.ID, Options{}); err != nil || !r.Passed {
		t.Errorf("%s, every rule kept: %+v, %v", small.ID, r, err)
	}
}

// TestASwarmRunIsItsReplay: what the seed strewed, armed by hand, is the same run, byte for byte.
func TestASwarmRunIsItsReplay(t *testing.T) {
	l := builtIn(t)
	x, err := l.Explore(nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	faults, sales := 0, 0
	for seed := range uint64(60) {
		trial := x.Swarm(seed)
		if trial.Failed() {
			t.Errorf("%s: %s", trial.ID, trial.Reason())
		}
		faults += len(trial.Faults)
		sales += len(x.SwarmScript(seed).Steps)
		r, err := l.Replay(nil, trial.ID, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.EventHash != trial.Hash {
			t.Errorf("%s: %016x, replayed %016x", trial.ID, trial.Hash, r.EventHash)
		}
	}
	if faults < 60 || sales < 120 {
		t.Errorf("%d faults, %d steps in 60 runs", faults, sales)
	}
}

func TestReplayIDsAreRefused(t *testing.T) {
	l := builtIn(t)
	all := allScripts(t, l)
	for id, want := range map[string]string{
		"W04/0#seed=1": "want numbers from 1 to 200 that rise", "W04/2-1#seed=1": "that rise", "W04/#seed=1": "that rise", "W04/9#seed=1": "no step 9",
		"W04/!x#seed=1": "that rise", "swarm.01#seed=1": "want a number behind swarm.", "swarm.x": "want a number behind swarm.",
		"W04#seed=-1": "want ID#seed=N", "W04#seed=1,": "unknown seam", "W04#seed=1" + strings.Repeat(",net.rsp[0210].lose", 65): "more than 64 faults",
		"W04" + strings.Repeat("1", maxReplay): "longer than",
	} {
		if _, err := l.Replay(all, id, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", shorten(id), err, want)
		}
	}
}

func TestReplayIDReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := replay{name: "W04", bare: rapid.Bool().Draw(t, "bare"), seed: rapid.Uint64().Draw(t, "seed"), seeded: true}
		for n := range 12 {
			if rapid.Bool().Draw(t, fmt.Sprint("step ", n+1)) {
				r.steps = append(r.steps, n+1)
			}
		}
		got, err := parseReplay(r.String())
		if err != nil || fmt.Sprint(got) != fmt.Sprint(r) {
			t.Fatalf("%s reads back as %s: %v", r, got, err)
		}
	})
}

// FuzzReplayID: an id is refused, or writes itself back.
func FuzzReplayID(f *testing.F) {
	for _, id := range []string{"W04", "W09.17#seed=1", "W04/!1-3+5#seed=7,net.rsp[0210#2+].lose,term[write].power-off(torn,17)", "swarm.5#seed=5", "#", "W/"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		r, err := parseReplay(id)
		if err != nil {
			return
		}
		again, err := parseReplay(r.String())
		if err != nil || again.String() != r.String() {
			t.Fatalf("%q writes %q: %q, %v", id, r.String(), again.String(), err)
		}
	})
}

// TestTheTaintSearchSings: a search that finds nothing proves nothing.
func TestTheTaintSearchSings(t *testing.T) {
	l := builtIn(t)
	x := newTaint(l, allScripts(t, l))
	p := l.Card("visa-credit").PAN
	block := clearBlock("1234", p)
	for _, c := range []struct {
		text string
		wire bool
		want string
	}{
		{"PAN " + p.Digits() + ".", false, "the number of visa-credit"},
		{"\x47\x61\x73\x90\x01\x01\x01\x19", false, "the number of visa-credit as BCD"},
		{"\x74\x16\x37\x09\x10\x10\x10\x91", false, "the number of visa-credit as BCD with its nibbles swapped"},
		{p.Digits(), true, ""},
		{p.Masked(), false, ""},
		{"xx" + string(block), true, "a clear PIN block of visa-credit"},
		{fmt.Sprintf("%X", block), false, "a clear PIN block of visa-credit"},
		{"\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10", true, "the issuer master key of cup-credit"}, // the same test key
		{"ASNFZ4mrze/+3LqYdlQyEA==", false, "the issuer master key of cup-credit"},
		{"key=" + strings.ToLower(host.TestKeys()[1]), true, "a key of the house"},
		{"0123456789abcdeffedcba987654321", false, ""},
	} {
		if got := x.search([]byte(c.text), c.wire); got != c.want {
			t.Errorf("%q (on a wire: %v): found %q, want %q", c.text, c.wire, got, c.want)
		}
	}
}

// TestARunThatAnotherIsIsTheSame: what exploration leaves out because another pair makes the same run does make the same run: a fault
// that stays and never strikes again, a calendar set twice before anybody looks at it, a card pulled that is not there.
func TestARunThatAnotherIsIsTheSame(t *testing.T) {
	l := builtIn(t)
	x, err := l.Explore([]*Script{script(t, l, "W04"), script(t, l, "W20")}, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	twins := 0
	for i := 0; i+1 < x.Count(); i += step {
		if x.Twin(i) || !x.Twin(i+1) {
			continue
		}
		if once := x.Try(i); once.Spent {
			twins++
			if staying := x.Try(i + 1); staying.Hash != once.Hash {
				t.Errorf("%s and %s are not the same run", once.ID, staying.ID)
			}
		}
	}
	jumps, pulls := 0, 0
	for _, b := range x.Bases() {
		for n := range b.passed {
			h := &b.passed[n]
			run := func(h *happening, kind string) Trial {
				f := Fault{Seam: h.Seam, Event: h.Event, N: h.N, Kind: kind}
				if kind == "clock-jump" {
					f.Duration = tryJump[0]
				}
				return x.attempt(b, []Fault{f}, false)
			}
			switch {
			case h.noCard && h.at == atScreen:
				pulls++
				if got := run(h, "pull-card"); got.Hash != b.Trial.Hash {
					t.Errorf("%s is not the run without it", got.ID)
				}
			case h.unread:
				next := slices.IndexFunc(b.passed[n+1:], func(h happening) bool { return h.at == atPoint })
				jumps++
				if got, want := run(h, "clock-jump"), run(&b.passed[n+1+next], "clock-jump"); got.Hash != want.Hash {
					t.Errorf("%s and %s are not the same run", got.ID, want.ID)
				}
			}
		}
	}
	if twins < 50 || jumps < 10 || pulls < 10 {
		t.Errorf("%d twins, %d jumps, %d pulls: too few to show anything", twins, jumps, pulls)
	}
}

// TestEachSortIsTried: one argument of each sort at an event, and all of them over a script; and bases that pass the same events have
// every pair between them.
func TestEachSortIsTried(t *testing.T) {
	l := builtIn(t)
	all := func(id string, every bool) (at map[string]bool, kinds map[string]bool, pairs int) {
		x, err := l.Explore([]*Script{script(t, l, id)}, Options{Seed: 1, Every: every})
		if err != nil {
			t.Fatal(err)
		}
		at, kinds = map[string]bool{}, map[string]bool{}
		for i := range x.Count() {
			_, f := x.At(i)
			place, kind, _ := strings.Cut(f.String(), "].")
			at[place], kinds[kind] = true, true
		}
		return at, kinds, x.Count()
	}
	for _, id := range []string{"W04", "E15"} {
		places, kinds, pairs := all(id, false)
		everywhere, every, most := all(id, true)
		if pairs*5 > most*4 {
			t.Errorf("%s: %d pairs of %d", id, pairs, most)
		}
		for place := range everywhere {
			if !places[place] {
				t.Errorf("%s: nothing is tried at %s]", id, place)
			}
		}
		for kind := range every {
			exact := strings.HasPrefix(kind, "corrupt") || strings.HasPrefix(kind, "power-off(torn") || strings.HasPrefix(kind, "power-off(flipped")
			if !exact && !kinds[kind] {
				t.Errorf("%s: %s is tried nowhere", id, kind)
			}
		}
	}
}
