package sim

import (
	"testing"
	"time"
)

// Catch names the bug of one run, wherever in its world it was met, and nothing where there is none: a power cut is no bug.
func TestCatch(t *testing.T) {
	in := func(work func(w *World, a *Actor)) func() {
		return func() {
			w := NewWorld(time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC), 1)
			defer w.Close()
			a := w.Actor("term")
			a.PowerOn(func(Clock) { work(w, a) })
			w.Until(time.Minute, 100, func() bool { return !a.On() })
		}
	}
	for _, c := range []struct {
		name, want string // the error; empty: none
		f          func()
	}{
		{"nothing", "", func() {}},
		{"a panic outside the world", "panic: a bug", func() { panic("a bug") }},
		{"an actor that ends", "", in(func(*World, *Actor) {})},
		{"a power cut", "", in(func(_ *World, a *Actor) { a.PowerOff() })},
		{"an actor's panic", "panic: a bug of term", in(func(*World, *Actor) { panic("a bug of term") })},
		{"an event's panic", "panic: a bug at 14:00:01", in(func(w *World, a *Actor) {
			w.After(time.Second, func() { panic("a bug at " + w.Now().Format(time.TimeOnly)) })
			a.Wait(time.Time{}, func() bool { return false })
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			bug := Catch(c.f)
			switch {
			case bug == nil && c.want != "":
				t.Errorf("nothing was caught, want %s", c.want)
			case bug != nil && bug.Error() != c.want:
				t.Errorf("caught %q, want %q", bug, c.want)
			case bug != nil && len(bug.Stack) == 0:
				t.Error("no stack")
			}
		})
	}
}
