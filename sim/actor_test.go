package sim_test

import (
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

func never() bool { return false }

func TestOnlyTheActorAnEventBelongsToIsWoken(t *testing.T) {
	w := newWorld(t, 1)
	const n = 1000
	asked := make([]int, n)
	mail := make([]bool, n)
	woken := make([]time.Duration, n)
	actors := make([]*sim.Actor, n)
	for i := range n {
		actors[i] = w.Actor("a")
		actors[i].PowerOn(func(c sim.Clock) {
			c.Wait(time.Time{}, func() bool { asked[i]++; return mail[i] })
			woken[i] = w.Now().Sub(start)
		})
	}
	w.Until(0, n, never) // all are parked
	asked = make([]int, n)
	for range 100 {
		actors[500].After(time.Second, func() {}) // theirs, and not what they wait for
	}
	actors[500].After(2*time.Second, func() { mail[500] = true })
	w.After(time.Second, func() {}) // nobody's
	w.Until(time.Minute, 1000, never)
	for i := range n {
		switch {
		case i == 500 && (asked[i] != 101 || woken[i] != 2*time.Second):
			t.Errorf("the owner was asked %d times, want 101, and woken at %v", asked[i], woken[i])
		case i != 500 && (asked[i] != 0 || woken[i] != 0):
			t.Errorf("actor %d was asked %d times and woken at %v", i, asked[i], woken[i])
		}
	}
}

func TestWait(t *testing.T) {
	for _, tt := range []struct {
		name     string
		deadline time.Duration // 0: the zero deadline
		readyAt  time.Duration // negative: never; 0: before the wait
		want     bool
		at       time.Duration
	}{
		{"ready before the wait: no time passes", time.Minute, 0, true, 0},
		{"ready before the deadline", time.Minute, 10 * time.Second, true, 10 * time.Second},
		{"the deadline before ready", 10 * time.Second, time.Minute, false, 10 * time.Second},
		{"never ready", time.Minute, -1, false, time.Minute},
		{"zero deadline: for ever", 0, 1000 * time.Hour, true, 1000 * time.Hour},
		{"a deadline in the past: at once", -time.Hour, -1, false, 0},
		{"a deadline in the past, and ready", -time.Hour, 0, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 1)
			var got bool
			var at time.Time
			w.Actor("a").PowerOn(func(c sim.Clock) {
				ready := tt.readyAt == 0
				if tt.readyAt > 0 {
					c.After(tt.readyAt, func() { ready = true })
				}
				var deadline time.Time
				if tt.deadline != 0 {
					deadline = start.Add(tt.deadline)
				}
				got, at = c.Wait(deadline, func() bool { return ready }), c.Now()
			})
			run(t, w)
			if got != tt.want || at != start.Add(tt.at) {
				t.Errorf("%v at %v, want %v at %v", got, at.Sub(start), tt.want, tt.at)
			}
		})
	}
}

func TestReadyAndDeadlineAtOneInstantGoByOrderOfEntry(t *testing.T) {
	for _, early := range []bool{true, false} {
		w := newWorld(t, 1)
		a := w.Actor("a")
		var got, ready bool
		enter := func() { a.After(time.Second, func() { ready = true }) }
		a.PowerOn(func(c sim.Clock) {
			if early {
				enter()
			}
			got = c.Wait(start.Add(time.Second), func() bool { return ready })
		})
		if !early {
			w.After(0, enter) // runs when the actor waits already
		}
		run(t, w)
		if got != early {
			t.Errorf("entered before the deadline %v: ready in time %v", early, got)
		}
	}
}

func TestAWaitThatEndedLeavesNoDeadlineBehind(t *testing.T) {
	w := newWorld(t, 1)
	var at []time.Duration
	w.Actor("a").PowerOn(func(c sim.Clock) {
		answered := false
		c.After(time.Second, func() { answered = true })
		if !c.Wait(start.Add(time.Minute), func() bool { return answered }) {
			t.Error("not answered")
		}
		at = append(at, c.Now().Sub(start))
		if c.Wait(start.Add(time.Hour), never) { // the deadline of a minute must not end this one
			t.Error("ready?")
		}
		at = append(at, c.Now().Sub(start))
	})
	run(t, w)
	if !slices.Equal(at, []time.Duration{time.Second, time.Hour}) {
		t.Errorf("went on at %v", at)
	}
}

func TestWaitOutsideTheCoroutineIsABug(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.Actor("a"), w.Actor("b")
	const want = "sim: Wait outside the coroutine of a"
	wait := func() { a.Wait(time.Time{}, never) }
	if got := panics(t, wait); got != want { // without power
		t.Errorf("%v", got)
	}
	a.PowerOn(func(c sim.Clock) { c.Wait(time.Time{}, never) })
	run(t, w)
	w.After(0, wait)
	if got := panics(t, func() { w.Step() }); got != want { // in the world's event
		t.Errorf("%v", got)
	}
	a.After(0, wait)
	if got := panics(t, func() { w.Step() }); got != want { // in its own event
		t.Errorf("%v", got)
	}
	b.PowerOn(func(sim.Clock) { wait() })
	if got := panics(t, func() { w.Step() }); got != want { // in another's coroutine
		t.Errorf("%v", got)
	}
}

func TestPowerOnTwiceIsABug(t *testing.T) {
	w := newWorld(t, 1)
	for _, f := range []func(sim.Clock){nil, func(c sim.Clock) { c.Wait(time.Time{}, never) }} {
		a := w.Actor("a")
		a.PowerOn(f)
		if got := panics(t, func() { a.PowerOn(f) }); got != "sim: a is on already" {
			t.Error(got)
		}
	}
}

func TestAPowerCutUnwindsAtTheWait(t *testing.T) {
	w := newWorld(t, 1)
	a := w.Actor("a")
	d := sim.NewMemDisk(a)
	var log []string
	a.PowerOn(func(c sim.Clock) {
		f, _ := d.Open("journal")
		write(t, f, "synced")
		defer func() { log = append(log, "first deferred function") }()
		defer c.Wait(start.Add(time.Hour), func() bool { log = append(log, "asked"); return true })
		defer func() { write(t, f, "durable after death"); log = append(log, "wrote") }()
		defer func() { _, _ = d.Open("another"); log = append(log, "opened") }()
		defer func() { _ = f.Truncate(0); log = append(log, "truncated") }()
		defer func() { a.PowerOff(); log = append(log, "cut again") }()
		defer func() { c.After(0, func() { log = append(log, "a timer of the dead") }) }()
		c.Wait(time.Time{}, never)
		log = append(log, "went on")
	})
	w.Step()
	if !a.On() || !a.Alive(a.Epoch()) {
		t.Fatal("no power")
	}
	epoch := a.Epoch()
	a.PowerOff()
	a.PowerOff() // without power: nothing
	if a.On() || a.Alive(epoch) {
		t.Error("still alive")
	}
	a.PowerOn(nil)
	run(t, w)
	if !slices.Equal(log, []string{"first deferred function"}) {
		t.Errorf("%q", log)
	}
	if got, _ := d.ReadFile("journal"); string(got) != "synced" {
		t.Errorf("the disk says %q", got)
	}
	if _, err := d.ReadFile("another"); err == nil {
		t.Error("a file made after death")
	}
	if a.Alive(epoch) || !a.Alive(a.Epoch()) {
		t.Error("an old epoch lives")
	}
}

func TestAPowerCutUnwindsAtADiskOperation(t *testing.T) {
	w := newWorld(t, 1)
	a := w.Actor("a")
	d := sim.NewMemDisk(a)
	n := 0
	d.OnWrite(func(string, int) sim.DiskFault {
		if n++; n == 2 {
			return sim.PowerOffLost
		}
		return sim.NoDiskFault
	})
	var log []string
	a.PowerOn(func(c sim.Clock) {
		f, _ := d.Open("journal")
		write(t, f, "one ")
		defer func() { log = append(log, "deferred") }()
		defer write(t, f, "three")
		write(t, f, "two ")
		log = append(log, "went on")
	})
	run(t, w)
	if a.On() || !slices.Equal(log, []string{"deferred"}) || n != 2 {
		t.Errorf("on %v, %q, %d writes", a.On(), log, n)
	}
	if got, _ := d.ReadFile("journal"); string(got) != "one " {
		t.Errorf("the disk says %q", got)
	}
}

// A party of events has its root in Step: the power cut ends it there, and nobody else.
func TestAPowerCutInAnEvent(t *testing.T) {
	for _, tt := range []struct {
		name string
		main func(sim.Clock)
	}{
		{"a party of events", nil},
		{"an actor that waits", func(c sim.Clock) { c.Wait(time.Time{}, never) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 1)
			a := w.Actor("a")
			d := sim.NewMemDisk(a)
			d.OnWrite(func(string, int) sim.DiskFault { return sim.PowerOffKept })
			a.PowerOn(tt.main)
			hooks, after := 0, false
			a.OnPowerOff(func() { hooks++ })
			a.After(time.Second, func() {
				f, _ := d.Open("log")
				write(t, f, "x")
				after = true
			})
			a.After(2*time.Second, func() { after = true })
			run(t, w)
			if a.On() || after || hooks != 1 || string(d.Durable("log")) != "x" {
				t.Errorf("on %v, went on %v, %d hooks, %q", a.On(), after, hooks, d.Durable("log"))
			}
		})
	}
}

func TestAStrangersPowerCutIsABug(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.Actor("a"), w.Actor("b")
	d := sim.NewMemDisk(b)
	b.PowerOn(nil)
	f, _ := d.Open("b's")
	b.PowerOff()
	for _, use := range []func(){
		func() { a.PowerOn(func(sim.Clock) { _ = f.Sync() }) },
		func() { a.PowerOn(nil); a.After(0, func() { _ = f.Sync() }) },
		func() { w.After(0, func() { _ = f.Sync() }) },
	} {
		use()
		if got := panics(t, func() { w.Step() }); got != (sim.PowerCut{Actor: "b"}) {
			t.Errorf("%v", got)
		}
		a.PowerOff()
	}
}

func TestATimerOfADeadEpochNeverFires(t *testing.T) {
	w := newWorld(t, 1)
	a := w.Actor("a")
	var log []string
	say := func(s string) func() { return func() { log = append(log, s) } }
	a.After(time.Second, say("entered before there was power"))
	a.PowerOn(func(c sim.Clock) {
		c.After(time.Minute, say("first life"))
		c.Wait(start.Add(time.Hour), never)
		log = append(log, "the first life went on")
	})
	w.After(10*time.Second, a.PowerOff)
	w.After(20*time.Second, func() { a.After(time.Minute, say("without power")) })
	w.After(30*time.Second, func() {
		a.PowerOn(func(c sim.Clock) {
			c.After(time.Minute, say("second life"))
			c.Wait(start.Add(2*time.Hour), never)
			log = append(log, "the second life went on")
		})
	})
	w.After(50*time.Minute, say("the world's"))
	run(t, w)
	if want := []string{"second life", "the world's", "the second life went on"}; !slices.Equal(log, want) {
		t.Errorf("%q", log)
	}
	if w.Now() != start.Add(2*time.Hour) || w.Events() != 8 {
		t.Errorf("at %v after %d events", w.Now(), w.Events())
	}
}

func TestWithoutPowerThereIsNoClock(t *testing.T) {
	w := newWorld(t, 1)
	a := w.Actor("a")
	if a.On() || a.Alive(a.Epoch()) {
		t.Error("alive before it ever had power")
	}
	if got := panics(t, func() { a.Check(a.Epoch()) }); got != (sim.PowerCut{Actor: "a"}) {
		t.Errorf("%v", got)
	}
	for range 2 {
		a.After(time.Second, func() { t.Error("a timer without power") })
		run(t, w)
		a.PowerOn(nil)
		a.PowerOff()
	}
}

func TestPowerOffBeforeTheFirstStep(t *testing.T) {
	w := newWorld(t, 1)
	a := w.Actor("a")
	a.PowerOn(func(sim.Clock) { t.Error("it ran") })
	a.PowerOff()
	ran := false
	a.PowerOn(func(sim.Clock) { ran = true })
	run(t, w)
	if !ran || a.On() {
		t.Errorf("ran %v, on %v: the power goes when the coroutine returns", ran, a.On())
	}
}

func TestAnEventThatPowersItsActorOffAndOn(t *testing.T) {
	w := newWorld(t, 1)
	a := w.Actor("a")
	lives, asked := 0, 0
	var life func(c sim.Clock)
	life = func(c sim.Clock) {
		lives++
		if lives == 1 {
			c.After(time.Second, func() { a.PowerOff(); a.PowerOn(life) })
		}
		c.Wait(start.Add(time.Minute), func() bool { asked++; return false })
	}
	a.PowerOn(life)
	run(t, w)
	if lives != 2 || a.On() || w.Now() != start.Add(time.Minute) {
		t.Errorf("%d lives, on %v, at %v", lives, a.On(), w.Now())
	}
}

func TestAPanicReachesStepsCaller(t *testing.T) {
	boom := errors.New("boom")
	for _, tt := range []struct {
		name string
		main func(c sim.Clock, a *sim.Actor)
	}{
		{"at the start", func(sim.Clock, *sim.Actor) { panic(boom) }},
		{"after a wait", func(c sim.Clock, _ *sim.Actor) { c.Wait(start.Add(time.Second), never); panic(boom) }},
		{"in an event", func(c sim.Clock, _ *sim.Actor) {
			c.After(time.Second, func() { panic(boom) })
			c.Wait(time.Time{}, never)
		}},
		{"in a ready", func(c sim.Clock, _ *sim.Actor) {
			c.After(time.Second, func() {})
			n := 0
			c.Wait(time.Time{}, func() bool {
				if n++; n > 2 { // asked by Wait, and after the event that started the coroutine
					panic(boom)
				}
				return false
			})
		}},
		{"in a deferred function after a power cut", func(_ sim.Clock, a *sim.Actor) {
			defer panic(boom)
			a.PowerOff()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 1) // closed at the end, which must not panic
			a, b := w.Actor("a"), w.Actor("b")
			hooks := 0
			a.PowerOn(func(c sim.Clock) { a.OnPowerOff(func() { hooks++ }); tt.main(c, a) })
			ran := false
			b.PowerOn(func(c sim.Clock) { ran = c.Wait(start.Add(time.Hour), never) || true })
			got := panics(t, func() {
				for w.Step() {
				}
			})
			if got != boom {
				t.Fatalf("%v", got)
			}
			a.PowerOff() // what waits still, unwinds
			if a.On() || hooks != 1 {
				t.Errorf("on %v, %d hooks", a.On(), hooks)
			}
			a.PowerOn(nil)
			run(t, w)
			if !ran {
				t.Error("the other actor did not go on")
			}
		})
	}
}

// t.FailNow and the like end a coroutine too.
func TestAnActorThatLeavesItsGoroutine(t *testing.T) {
	w := newWorld(t, 1)
	a := w.Actor("a")
	a.PowerOn(func(sim.Clock) { runtime.Goexit() })
	done := make(chan bool)
	go func() {
		defer close(done)
		w.Step()
		t.Error("Step returned")
	}()
	<-done
	if a.On() {
		t.Error("still on")
	}
	w.Close()
}

func TestOnPowerOff(t *testing.T) {
	for _, tt := range []struct {
		name string
		off  func(w *sim.World, a *sim.Actor)
	}{
		{"PowerOff", func(_ *sim.World, a *sim.Actor) { a.PowerOff() }},
		{"Close", func(w *sim.World, _ *sim.Actor) { w.Close() }},
		{"the coroutine's own PowerOff", func(w *sim.World, _ *sim.Actor) { w.Until(time.Hour, 100, never) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 1)
			a := w.Actor("a")
			a.PowerOn(func(c sim.Clock) {
				c.Wait(start.Add(time.Minute), never)
				a.PowerOff()
			})
			w.Step()
			var log []string
			say := func(s string) func() {
				return func() {
					if a.On() {
						t.Error("power in a hook")
					}
					log = append(log, s)
				}
			}
			a.OnPowerOff(say("one"))
			cancel := a.OnPowerOff(say("cancelled"))
			a.OnPowerOff(say("two"))
			var late func()
			a.OnPowerOff(func() { late(); say("three")() })
			late = a.OnPowerOff(say("cancelled by three"))
			a.OnPowerOff(say("four"))
			cancel()
			cancel() // again: nothing
			tt.off(w, a)
			want := []string{"one", "two", "three", "four"}
			if !slices.Equal(log, want) {
				t.Fatalf("%q", log)
			}
			cancel()
			a.PowerOn(nil)
			a.PowerOff()
			if !slices.Equal(log, want) {
				t.Errorf("then %q: a hook of a dead epoch", log)
			}
		})
	}
}

// A long life opens and closes many connections.
func TestWithdrawnHooksTakeNoRoom(t *testing.T) {
	a := newWorld(t, 1).Actor("a")
	a.PowerOn(nil)
	a.OnPowerOff(func() {})
	for range 100 {
		a.OnPowerOff(func() { t.Error("it ran") })()
	}
	if a.Hooks() != 1 {
		t.Errorf("%d hooks", a.Hooks())
	}
}

func TestCloseUnwindsEverything(t *testing.T) {
	w := sim.NewWorld(start, 1)
	unwound := 0
	for range 10 {
		w.Actor("waits").PowerOn(func(c sim.Clock) {
			defer func() { unwound++ }()
			c.Wait(time.Time{}, never)
		})
	}
	w.Actor("events only").PowerOn(nil)
	w.Actor("without power")
	w.Actor("ended").PowerOn(func(sim.Clock) {})
	run(t, w)
	w.Actor("never started").PowerOn(func(sim.Clock) { t.Error("it ran") })
	w.After(time.Second, func() { t.Error("an event after Close") })
	w.Close()
	w.Close()
	if unwound != 10 || w.Step() {
		t.Errorf("%d unwound, or an event was left", unwound)
	}
}

func TestTenThousandWorldsLeaveNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for i := range 10_000 {
		w := sim.NewWorld(start, uint64(i))
		for n := range 4 {
			a := w.Actor("a")
			a.PowerOn(func(c sim.Clock) { c.Wait(time.Time{}, never) })
			if n == 3 {
				w.After(0, func() { a.PowerOff(); a.PowerOn(func(c sim.Clock) { c.Wait(time.Time{}, never) }) })
			}
		}
		for w.Step() {
		}
		if i == 0 && runtime.NumGoroutine() < before+3 {
			t.Fatalf("%d goroutines more, want 4: nothing would be proven", runtime.NumGoroutine()-before)
		}
		w.Close()
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

func TestActorKnowsItsWorld(t *testing.T) {
	w := newWorld(t, 1)
	a := w.Actor("till 1")
	if a.Name() != "till 1" || a.World() != w || a.Now() != start || a.Now().Location() != time.UTC {
		t.Error(a.Name(), a.Now())
	}
}

// write writes and syncs, and expects both to work.
func write(t testing.TB, f sim.File, s string) {
	t.Helper()
	if n, err := f.Write([]byte(s)); err != nil || n != len(s) {
		t.Errorf("write %q: %d, %v", s, n, err)
	}
	if err := f.Sync(); err != nil {
		t.Errorf("sync %q: %v", s, err)
	}
}
