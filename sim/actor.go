package sim

import (
	"iter"
	"time"
)

// Actor is one party: a Clock, power that can be cut, and perhaps a coroutine that waits.
//
// An epoch is one stretch of power. Handles (files, streams, lines) remember the epoch in which they were made and ask
// Check before every operation.
type Actor struct {
	w       *World
	name    string
	epoch   uint32
	on      bool
	cut     bool // the power went while its coroutine was on the stack
	running bool
	waits   uint64
	waiting uint64 // which wait it is parked in; 0: none
	ready   func() bool
	met     bool // how the wait ended
	yield   func(struct{}) bool
	next    func() (struct{}, bool)
	stop    func()
	off     []*func()
}

// PowerCut is what unwinds an actor whose power went. Nobody but this package recovers it.
type PowerCut struct{ Actor string }

// Actor adds a party, without power.
func (w *World) Actor(name string) *Actor {
	a := &Actor{w: w, name: name}
	w.actors = append(w.actors, a)
	return a
}

// Name is the party's name, as notes carry it.
func (a *Actor) Name() string { return a.name }

// World is the world the actor lives in.
func (a *Actor) World() *World { return a.w }

// Now is the present instant, in UTC.
func (a *Actor) Now() time.Time { return a.w.Now() }

// On tells whether the power is on.
func (a *Actor) On() bool { return a.on }

// Epoch names the present stretch of power.
func (a *Actor) Epoch() uint32 { return a.epoch }

// Alive tells whether the power has not been cut since epoch.
func (a *Actor) Alive(epoch uint32) bool { return a.on && !a.cut && a.epoch == epoch }

// Check unwinds the caller when the power has been cut since epoch.
func (a *Actor) Check(epoch uint32) {
	if !a.Alive(epoch) {
		panic(PowerCut{a.name})
	}
}

// After runs f once d has passed, unless the power is cut before. An actor without power has no clock: f never runs.
func (a *Actor) After(d time.Duration, f func()) (cancel func()) {
	off := new(bool)
	a.w.push(event{at: a.w.due(d), a: a, epoch: a.epoch, f: f, off: off})
	return func() { *off = true }
}

// Do is After for what nobody will cancel.
func (a *Actor) Do(d time.Duration, f func()) {
	a.w.push(event{at: a.w.due(d), a: a, epoch: a.epoch, f: f})
}

// Wait parks the actor's coroutine. Calling it from anywhere else is a bug and panics.
func (a *Actor) Wait(deadline time.Time, ready func() bool) bool {
	if !a.running {
		panic("sim: Wait outside the coroutine of " + a.name)
	}
	if a.cut {
		panic(PowerCut{a.name})
	}
	if ready() {
		return true
	}
	a.waits++
	a.waiting, a.ready = a.waits, ready
	if !deadline.IsZero() {
		a.w.push(event{at: max(instant(deadline), a.w.now), a: a, epoch: a.epoch, wait: a.waits})
	}
	if !a.yield(struct{}{}) {
		a.cut = true
		panic(PowerCut{a.name})
	}
	return a.met
}

// PowerOn begins a new epoch and starts f as the actor's coroutine; the power goes when f returns. With f nil the actor
// is a party of events only. Powering what has power is a bug and panics: two lives on one disk prove nothing.
func (a *Actor) PowerOn(f func(Clock)) {
	if a.on {
		panic("sim: " + a.name + " is on already")
	}
	a.epoch++
	a.on, a.cut, a.waiting = true, false, 0
	a.next, a.stop = nil, nil
	if f == nil {
		return
	}
	a.next, a.stop = iter.Pull(func(yield func(struct{}) bool) {
		a.yield = yield
		a.root(func() { f(a) })
	})
	a.Do(0, func() { a.resume(true) })
}

// root runs what belongs to the actor and recovers the actor's own power cut, and nothing else: another's power cut here
// means that somebody used a handle that is not his.
func (a *Actor) root(f func()) {
	defer func() {
		if r := recover(); r != nil && r != (PowerCut{a.name}) {
			panic(r)
		}
	}()
	f()
}

// resume gives the coroutine the processor until it waits or ends. One that ends, by a panic too, has no power.
func (a *Actor) resume(met bool) {
	a.met, a.waiting, a.ready = met, 0, nil
	more := false
	a.running = true
	defer func() {
		a.running = false
		if !more {
			a.powerless()
		}
	}()
	_, more = a.next()
}

// PowerOff cuts the power. Called by the actor's own coroutine (in a handle's operation) it does not return.
func (a *Actor) PowerOff() {
	if !a.on {
		return
	}
	a.cut = true
	if a.running {
		panic(PowerCut{a.name})
	}
	defer a.powerless() // whatever its deferred functions do
	if a.stop != nil {
		a.running = true // its deferred functions run: a Wait of theirs unwinds, and is no stranger's
		defer func() { a.running = false }()
		a.stop()
	}
}

// OnPowerOff has f run when the power of this epoch goes: peers see a reset. Several run in the order in which they were
// registered. cancel withdraws f, from within another such function too.
func (a *Actor) OnPowerOff(f func()) (cancel func()) {
	p := &f
	a.off = append(a.off, p)
	return func() {
		*p = nil
		for i, q := range a.off {
			if q == p {
				a.off = append(a.off[:i], a.off[i+1:]...)
				return
			}
		}
	}
}

func (a *Actor) powerless() {
	if !a.on {
		return
	}
	a.on = false
	a.epoch++
	a.waiting, a.ready = 0, nil
	hooks := a.off
	a.off = nil
	for _, f := range hooks {
		if *f != nil {
			(*f)()
		}
	}
}
