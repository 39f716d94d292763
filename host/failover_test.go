package host

import (
	"errors"
	"testing"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/sim"
)

// twin is a process of an acquirer that shares its store with another one.
type twin struct {
	party *Party
	err   error
	ended bool
}

// takeOver starts a process on the store; latest says under which epoch the store was taken over last.
func takeOver(t *testing.T, actor *sim.Actor, disk sim.Disk, holder string, latest *int) *twin {
	x := &twin{}
	actor.PowerOn(func(c sim.Clock) {
		cfg := acquirerConfig(t, rules.Set{})
		m, err := NewRelay(cfg)
		if err != nil {
			t.Error(err)
			return
		}
		x.party, err = NewParty(Config{Name: "acquirer", Clock: c, Disk: disk, Machine: m, Module: cfg.Module, Holder: holder, Fence: func(epoch int) bool {
			if epoch > *latest {
				*latest = epoch
			}
			return epoch == *latest
		}})
		if err != nil {
			t.Error(err)
			return
		}
		x.err, x.ended = x.party.Run(), true
	})
	return x
}

// epochs are who has taken a store over, in order.
func epochs(t *testing.T, log []byte) (all []Epoch) {
	_, err := RecoverEach(log, func(_ []byte, r *Record, _ *Entry) {
		if r.Epoch != nil {
			all = append(all, *r.Epoch)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A process that takes a store over says so in its log with the next number. One whose store was taken over writes nothing any more and
// tells nobody that it has.
func TestWhoIsFencedWritesNothing(t *testing.T) {
	w := sim.NewWorld(streetStart, 1)
	t.Cleanup(w.Close)
	pass := func() {
		end := w.Now().Add(time.Second)
		w.After(time.Second, func() {})
		for w.Now().Before(end) && w.Step() {
		}
	}
	latest := 0
	a := w.Actor("a")
	disk := sim.NewMemDisk(a)
	first := takeOver(t, a, disk, "a", &latest)
	pass()
	done := 0
	first.party.CalendarThen(Calendar{Kind: CalendarDate, Date: "2026-03-03"}, func(error) { done++ })
	pass()
	want(t, "moves of the calendar", done, 1)
	want(t, "epochs", epochs(t, disk.Durable(LogName)), []Epoch{{1, "a"}})
	latest = 2 // somebody else has it now
	before := len(disk.Durable(LogName))
	first.party.CalendarThen(Calendar{Kind: CalendarDate, Date: "2026-03-04"}, func(error) { done++ })
	pass()
	if !errors.Is(first.err, ErrFenced) || !first.ended {
		t.Errorf("ended %v: %v", first.ended, first.err)
	}
	want(t, "moves that were told", done, 1)
	want(t, "bytes of its log", len(disk.Durable(LogName)), before)

	a.PowerOff()
	latest = 1
	second := takeOver(t, a, disk, "b", &latest)
	pass()
	want(t, "epochs", epochs(t, disk.Durable(LogName)), []Epoch{{1, "a"}, {2, "b"}})
	want(t, "the latest", latest, 2)
	want(t, "what the first had said", second.party.Machine().View().BusinessDate, "2026-03-03")

	a.PowerOff()
	latest = 7 // it comes too late to its own take-over
	third := takeOver(t, a, disk, "c", &latest)
	pass()
	if !errors.Is(third.err, ErrFenced) {
		t.Errorf("%v", third.err)
	}
}

func TestFenceAndHolderGoTogether(t *testing.T) {
	w := sim.NewWorld(streetStart, 1)
	t.Cleanup(w.Close)
	a := w.Actor("a")
	cfg := Config{Name: "acquirer", Clock: sim.Clock(nil), Disk: sim.NewMemDisk(a), Machine: &Bank{}, Module: &hsm.Module{}}
	if _, err := NewParty(cfg); err == nil {
		t.Error("a party without a clock")
	}
	for e, ok := range map[Epoch]bool{{1, "a"}: true, {0, "a"}: false, {-1, "a"}: false, {1, ""}: false} {
		if err := e.check(); (err == nil) != ok {
			t.Errorf("%+v: %v", e, err)
		}
	}
}
