package scenario

import (
	"time"

	"github.com/posim/posim/host"
)

// fileLatency is how long a file is on its way. It is the same for all: a seed has no part in it.
const fileLatency = 5 * time.Millisecond

// deliver carries a file to the party that it is for. Who has no power does not get it: its sender hands it out again.
func (p *party) deliver(f *host.File) {
	r := p.r
	to := r.partyNamed(f.To)
	if to == nil {
		r.tellf("file", "", "%s: file %s is for %s, who is not here", p.name, f.ID, f.To)
		return
	}
	times := []time.Duration{fileLatency}
	if x := r.strike("file", f.Kind.String(), atFile); x != nil {
		switch x.Kind {
		case "lose":
			times = nil
		case "delay":
			times[0] += x.Duration
		case "duplicate":
			times = append(times, fileLatency+x.Duration)
		}
	}
	r.tellf("file", "", "%s hands %s the %s of %s, %d lines", p.name, f.To, f.Kind, f.Date, len(f.Lines))
	for _, d := range times {
		r.world.After(d, func() {
			if to.actor.On() && to.run != nil {
				to.run.File(f)
			}
		})
	}
}

// partyNamed is one of the hosts; nil if there is none of that name.
func (r *rig) partyNamed(name string) *party {
	for _, p := range r.everyHost() {
		if p.name == name {
			return p
		}
	}
	return nil
}
