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
		r.carry(f, to, d)
	}
}

// lateFile is a file that a fault keeps for longer than files take.
type lateFile struct {
	file   *host.File
	to     *party
	cancel func()
}

// carry has a file arrive after a while.
func (r *rig) carry(f *host.File, to *party, d time.Duration) {
	late := &lateFile{file: f, to: to}
	late.cancel = r.world.After(d, func() {
		late.file = nil
		if to.actor.On() && to.run != nil {
			to.run.File(f)
		}
	})
	if d > fileLatency {
		r.late = append(r.late, late)
	}
}

// deliverLate has everything arrive that a fault still keeps.
func (r *rig) deliverLate() {
	for _, l := range r.late {
		if l.file != nil {
			l.cancel()
			r.carry(l.file, l.to, fileLatency)
		}
	}
	r.late = nil
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
