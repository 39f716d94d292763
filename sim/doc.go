// Package sim is time, power, storage and chance: everything a party does not decide itself.
//
// A party sees a Clock, a Disk and randomness, and nothing else of its surroundings. In a World they are virtual: one
// actor or event runs at a time, ties go by order of entry, time jumps to the next event, and the same seed gives the
// same bytes. A party is either a coroutine that waits at Clock.Wait, or a set of events on its own Actor.
//
// Rules of the house:
//
//   - State that a ready function reads changes only in events of that actor's own clock; a sender therefore schedules on
//     the receiver's clock (receiver.After). Only the actor an event belongs to is woken.
//   - A power cut unwinds the actor at its Wait, or at the handle operation (disk, line, link) in which it happens. Every
//     later operation of that epoch unwinds again, so a deferred function can do nothing durable. Only this package
//     recovers a power cut, at the actor's root: its coroutine, or the event in which it happens. Another actor's power
//     cut there is a bug and goes on to Step's caller.
//   - Whatever is not determined goes through World.Choose, randomness included. The choices made are the tape.
//
// A Wall is the same in real time: its owner is a goroutine, and what happens outside is posted to it. OpenDir gives it a
// directory that is its own.
//
// Of a file system's directory operations it models what Disk.Replace needs and no other, and a World is not safe for use by several goroutines: run
// several worlds instead.
package sim

import "time"

// Clock is a party's only door to time.
type Clock interface {
	// Now is the present instant, in UTC.
	Now() time.Time
	// After runs f once d has passed, on this clock: while the owner waits, never beside it. cancel withdraws it; a
	// cancelled timer does not move time.
	After(d time.Duration, f func()) (cancel func())
	// Wait is the single wait point: it returns true as soon as ready does, and false once the deadline has passed. The
	// zero deadline waits for ever.
	Wait(deadline time.Time, ready func() bool) bool
}

var _ Clock = (*Actor)(nil)
