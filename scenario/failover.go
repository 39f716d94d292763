package scenario

import (
	"time"

	"github.com/posim/posim/sim"
)

// An acquirer may be two processes on one store, of which one works. When that one falls or stands still, the other takes over: it
// recovers the store, writes that it is its own now, and serves. Terminals dial one address, at which whoever works answers.

// standby is the other process of such a host, and what the store knows of the two.
type standby struct {
	actor *sim.Actor
	after time.Duration // until it notices that the one that works does not
	epoch int           // the highest that the store was shown
}

// share gives the host a second process, and both a disk that has a power supply of its own.
func (p *party) share(after time.Duration) {
	store := p.r.world.Actor(p.name + " store")
	store.PowerOn(nil)
	p.disk = sim.NewMemDisk(store)
	p.other = &standby{actor: p.r.world.Actor(p.name + "-b"), after: after}
}

// latest tells whether no epoch is later than this one, and remembers it.
func (s *standby) latest(epoch int) bool {
	s.epoch = max(s.epoch, epoch)
	return epoch == s.epoch
}

// takeOver has the other process take over from this one after a while, if it is still this one that is meant to work.
func (p *party) takeOver(from *sim.Actor) {
	p.r.world.After(p.longer(p.other.after), func() {
		if p.actor != from {
			return
		}
		p.actor, p.other.actor = p.other.actor, from
		p.r.tellf("host", "", "%s takes over", p.actor.Name())
		if p.actor.On() { // it stood still, and has been fenced since
			p.actor.PowerOff()
		}
		p.powerOn()
	})
}

// stall is a process that stands still between its decision and its write. One that does so for longer than the other waits finds
// the store taken.
func (p *party) stall(actor *sim.Actor, mti string) {
	f := p.r.strike(p.seam, mti, atStall)
	if f == nil {
		return
	}
	if f.Duration > p.other.after {
		p.takeOver(actor)
	}
	actor.Wait(p.r.world.Now().Add(f.Duration), never)
}
