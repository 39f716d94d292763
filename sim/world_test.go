package sim_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

var start = time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC)

func newWorld(t testing.TB, seed uint64) *sim.World {
	w := sim.NewWorld(start, seed)
	t.Cleanup(w.Close)
	return w
}

// run steps until nothing is left to happen.
func run(t testing.TB, w *sim.World) {
	t.Helper()
	for range 1_000_000 {
		if !w.Step() {
			return
		}
	}
	t.Fatal("a million events, and more to come")
}

// panics returns what f panics with.
func panics(t testing.TB, f func()) (got any) {
	t.Helper()
	defer func() {
		if got = recover(); got == nil {
			t.Error("no panic")
		}
	}()
	f()
	return nil
}

func TestEventsRunInOrderOfInstantThenEntry(t *testing.T) {
	w := newWorld(t, 1)
	a := w.Actor("a")
	a.PowerOn(nil)
	rng := rand.New(rand.NewPCG(1, 2))
	type entry struct {
		at  time.Duration
		seq int
	}
	var want, got []entry
	enter := func(e entry) {
		f := func() {
			if w.Now() != start.Add(e.at) {
				t.Errorf("event of %v runs at %v", e.at, w.Now().Sub(start))
			}
			got = append(got, e)
		}
		if e.seq%2 == 0 { // the world's events and an actor's stand in one order
			w.After(e.at, f)
		} else {
			a.After(e.at, f)
		}
		want = append(want, e)
	}
	for i := range 3000 {
		enter(entry{time.Duration(rng.IntN(50)) * time.Millisecond, i})
	}
	run(t, w)
	slices.SortStableFunc(want, func(x, y entry) int { return int(x.at - y.at) })
	if !reflect.DeepEqual(got, want) {
		t.Error("not in order of instant, then of entry")
	}
	if w.Events() != len(want) {
		t.Errorf("%d events counted, want %d", w.Events(), len(want))
	}
}

func TestAnEventEnteredForNowRunsAfterThoseAlreadyDue(t *testing.T) {
	w := newWorld(t, 1)
	var got []string
	w.After(0, func() {
		got = append(got, "first")
		w.After(-time.Second, func() { got = append(got, "entered later, in the past: now") })
	})
	w.After(0, func() { got = append(got, "second") })
	run(t, w)
	if want := []string{"first", "second", "entered later, in the past: now"}; !slices.Equal(got, want) || w.Now() != start {
		t.Errorf("%q at %v", got, w.Now())
	}
}

func TestCancelledTimersDoNotMoveTime(t *testing.T) {
	w := newWorld(t, 1)
	a := w.Actor("a")
	a.PowerOn(nil)
	never := func() { t.Error("a cancelled timer ran") }
	cancels := []func(){w.After(time.Hour, never), a.After(time.Minute, never)}
	w.After(time.Second, func() {
		for _, cancel := range cancels {
			cancel()
			cancel() // again: nothing
		}
	})
	run(t, w)
	if _, more := w.Next(); more || w.Now() != start.Add(time.Second) || w.Events() != 1 {
		t.Errorf("at %v after %d events", w.Now(), w.Events())
	}
}

func TestTheLastInstantStandsForAllLaterOnes(t *testing.T) {
	w := newWorld(t, 1)
	a := w.Actor("a")
	var got []string
	w.After(math.MaxInt64, func() { got = append(got, "world") })
	a.PowerOn(func(c sim.Clock) {
		c.After(math.MaxInt64, func() { got = append(got, "actor") })
		c.Wait(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), func() bool { return false })
	})
	if !w.Until(math.MaxInt64, 100, func() bool { return w.Events() == 1 }) || w.Now() != start || got != nil {
		t.Fatalf("at %v: %q", w.Now(), got)
	}
	w.After(time.Hour, func() { got = append(got, "in an hour") })
	w.Step()
	if !slices.Equal(got, []string{"in an hour"}) {
		t.Errorf("%q: later events came before", got)
	}
	run(t, w)
	if w.Now().Year() != 2262 || len(got) != 3 {
		t.Errorf("at %v: %q", w.Now(), got)
	}
}

func TestUntil(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limit  time.Duration
		events int
		done   int // after so many ticks of a second
		want   bool
		at     time.Duration
		ticks  int
	}{
		{"done before anything", time.Minute, 100, 0, true, 0, 0},
		{"done in time", time.Minute, 100, 3, true, 3 * time.Second, 3},
		{"the event at the limit runs", 3 * time.Second, 100, 3, true, 3 * time.Second, 3},
		{"the limit of time", 2500 * time.Millisecond, 100, 3, false, 2500 * time.Millisecond, 2},
		{"the limit of events", time.Minute, 2, 3, false, 2 * time.Second, 2},
		{"nothing left to happen", time.Minute, 100, 99, false, 5 * time.Second, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 1)
			ticks := 0
			for i := range 5 {
				w.After(time.Duration(i+1)*time.Second, func() { ticks++ })
			}
			got := w.Until(tt.limit, tt.events, func() bool { return ticks >= tt.done })
			if got != tt.want || w.Now().Sub(start) != tt.at || ticks != tt.ticks {
				t.Errorf("%v at %v after %d ticks", got, w.Now().Sub(start), ticks)
			}
		})
	}
}

// A day of questions answered at once, each with a time-out of an hour: what cannot happen any more takes no room.
func TestDeadEventsDoNotPileUp(t *testing.T) {
	w := newWorld(t, 1)
	a := w.Actor("a")
	rounds, most := 0, 0
	a.PowerOn(func(c sim.Clock) {
		for range 100_000 {
			answered := false
			c.After(time.Hour, func() { t.Error("a cancelled timer ran") })()
			c.After(time.Millisecond, func() { answered = true })
			if !c.Wait(c.Now().Add(time.Hour), func() bool { return answered }) {
				t.Error("timed out")
			}
			rounds++
			most = max(most, w.Queued())
		}
	})
	run(t, w)
	if most > 3000 || rounds != 100_000 {
		t.Errorf("up to %d events in the queue, %d rounds", most, rounds)
	}
}

func TestThrowingOutDeadEventsKeepsTheOrder(t *testing.T) {
	w := newWorld(t, 1)
	rng := rand.New(rand.NewPCG(3, 4))
	var want, got []int // milliseconds
	for range 20_000 {
		at := rng.IntN(1000)
		d := time.Duration(at) * time.Millisecond
		if cancel := w.After(d, func() { got = append(got, at) }); rng.IntN(4) > 0 {
			cancel()
		} else {
			want = append(want, at)
		}
	}
	if w.Queued() > 2*len(want) {
		t.Errorf("%d events in the queue, %d live", w.Queued(), len(want))
	}
	run(t, w)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d events, want %d, or not in order", len(got), len(want))
	}
}

// picks makes choices of many kinds and returns them.
func picks(w *sim.World) (out []int) {
	for n := 1; n <= 40; n++ {
		out = append(out, w.Choose(fmt.Sprint("among ", n), n))
	}
	return out
}

func TestChoices(t *testing.T) {
	w := newWorld(t, 7)
	first := picks(w)
	for i, p := range w.Tape() {
		if want := (sim.Pick{Label: fmt.Sprint("among ", i+1), N: i + 1, Picked: first[i]}); p != want {
			t.Errorf("choice %d is %+v on the tape, want %+v", i, p, want)
		}
		if first[i] < 0 || first[i] > i {
			t.Errorf("choice %d of %d: %d", i, i+1, first[i])
		}
	}
	if len(w.Tape()) != len(first) {
		t.Fatalf("%d choices on the tape", len(w.Tape()))
	}
	if again := picks(newWorld(t, 7)); !slices.Equal(again, first) {
		t.Error("the same seed picks otherwise")
	}
	if other := picks(newWorld(t, 8)); slices.Equal(other, first) {
		t.Error("another seed picks the same")
	}
	replay := newWorld(t, 8)
	replay.Preset(first)
	if got := picks(replay); !slices.Equal(got, first) || !reflect.DeepEqual(replay.Tape(), w.Tape()) {
		t.Errorf("replayed %v, want %v", got, first)
	}
	if next := replay.Choose("after the tape", 1<<30); next == replay.Choose("after the tape", 1<<30) {
		t.Error("behind the tape the seed goes on")
	}
}

func TestAPresetIsTakenModuloTheAlternatives(t *testing.T) {
	w := newWorld(t, 1)
	w.Preset([]int{7, -1, math.MinInt64, math.MaxInt64})
	for i, want := range []int{1, 2, 1, 1} { // MinInt64 = -2^63, and 2^63 = 2 modulo 3; MaxInt64 = 2^63-1
		if got := w.Choose("x", 3); got != want {
			t.Errorf("choice %d: %d, want %d", i, got, want)
		}
	}
}

func TestChooseAmongNoneIsABug(t *testing.T) {
	w := newWorld(t, 1)
	if got := panics(t, func() { w.Choose("colour", 0) }); got != "sim: Choose colour among none" {
		t.Error(got)
	}
}

func TestRandomBytesAreChoices(t *testing.T) {
	w := newWorld(t, 5)
	b := make([]byte, 64)
	if n, err := w.Rand("kernel").Read(b); n != len(b) || err != nil {
		t.Fatal(n, err)
	}
	for i, p := range w.Tape() {
		if want := (sim.Pick{Label: "kernel", N: 256, Picked: int(b[i])}); p != want {
			t.Fatalf("byte %d is %+v on the tape, want %+v", i, p, want)
		}
	}
	if len(w.Tape()) != len(b) || strings.Count(string(b), string(b[:1])) > 8 {
		t.Errorf("%d choices for % X", len(w.Tape()), b)
	}
	w = newWorld(t, 5)
	w.Preset([]int{0xCA, 0xFE})
	if w.Rand("kernel").Read(b); b[0] != 0xCA || b[1] != 0xFE {
		t.Errorf("replayed % X", b[:2])
	}
}

func TestTheHashTellsHistoriesApart(t *testing.T) {
	type note struct {
		at        time.Duration
		who, kind string
		b         string
	}
	history := func(notes ...note) uint64 {
		w := newWorld(t, 1)
		for _, n := range notes {
			w.After(n.at, func() { w.Note(n.who, n.kind, []byte(n.b)) })
		}
		run(t, w)
		return w.Hash()
	}
	base := []note{{time.Second, "term", "wire", "0200 1234"}, {2 * time.Second, "host", "disk log", "0210"}}
	if again := history(base...); history(base...) != again {
		t.Fatal("the same history has two hashes")
	}
	change := func(f func(n []note)) []note {
		n := slices.Clone(base)
		f(n)
		return n
	}
	seen := map[uint64]string{history(base...): "the base", history(): "nothing"}
	for _, tt := range []struct {
		name  string
		notes []note
	}{
		{"one byte", change(func(n []note) { n[0].b = "0200 1235" })},
		{"one bit of the last byte", change(func(n []note) { n[1].b = "0211" })},
		{"a byte more", change(func(n []note) { n[0].b += "\x00" })},
		{"another instant", change(func(n []note) { n[0].at++ })},
		{"another party", change(func(n []note) { n[0].who = "terM" })},
		{"another kind", change(func(n []note) { n[0].kind = "line" })},
		{"a letter moved from party to kind", change(func(n []note) { n[0].who, n[0].kind = "ter", "mwire" })},
		{"a letter moved from kind to bytes", change(func(n []note) { n[0].kind, n[0].b = "wir", "e0200 1234" })},
		{"the bytes in two notes", []note{{time.Second, "term", "wire", "0200"}, {time.Second, "term", "wire", " 1234"}, base[1]}},
		{"the bytes in two other notes", []note{{time.Second, "term", "wire", "0200 "}, {time.Second, "term", "wire", "1234"}, base[1]}},
		{"two notes exchanged", change(func(n []note) { n[0].at, n[1].at = n[1].at, n[0].at })},
		{"the last note absent", base[:1]},
		{"an empty note more", append(slices.Clone(base), note{2 * time.Second, "host", "disk log", ""})},
	} {
		h := history(tt.notes...)
		if other, ok := seen[h]; ok {
			t.Errorf("%s has the hash of %s", tt.name, other)
		}
		seen[h] = tt.name
	}
}

// The instants' own zeros do not stand in for bytes: the length is in the hash too.
func TestTheHashCountsZeros(t *testing.T) {
	one, two := sim.NewWorld(time.Unix(0, 0), 1), sim.NewWorld(time.Unix(0, 0), 1)
	one.Note("", "", []byte{0, 0, 0})
	two.Note("", "", nil)
	two.Note("", "", nil)
	if one.Hash() == two.Hash() {
		t.Error("one note of three zeros, two of none")
	}
}

func TestNotesAreSeenAsTheyAreMade(t *testing.T) {
	w := newWorld(t, 1)
	var got []string
	w.OnNote(func(at time.Time, who, kind string, b []byte) {
		got = append(got, fmt.Sprintf("%v %s %s %s", at.Sub(start), who, kind, b))
	})
	w.After(time.Second, func() { w.Note("term", "wire", []byte("0800")) })
	run(t, w)
	if want := []string{"1s term wire 0800"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
