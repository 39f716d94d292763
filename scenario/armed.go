package scenario

import (
	"github.com/posim/posim/transport"
)

// armed is a fault that waits for its event.
type armed struct {
	Fault
	seen, fired int
}

// hit counts an event and tells whether the fault strikes at it.
func (a *armed) hit(seam, event string) bool {
	if a.Seam != seam || a.Event != event {
		return false
	}
	a.seen++
	if a.N != 0 && a.seen != a.N {
		return false
	}
	a.fired++
	return true
}

// armory is the faults of one run.
type armory struct {
	faults []*armed
	tell   func(f *Fault) // a fault fired
}

func (m *armory) arm(faults []Fault) {
	for _, f := range faults {
		m.faults = append(m.faults, &armed{Fault: f})
	}
}

// heal takes every fault away.
func (m *armory) heal() { m.faults = nil }

// strike returns the first fault that strikes at an event, of those that also satisfies. Every fault armed for the event
// counts it.
func (m *armory) strike(seam, event string, also func(*Fault) bool) *Fault {
	var first *Fault
	for _, a := range m.faults {
		if also != nil && !also(&a.Fault) {
			continue
		}
		if a.hit(seam, event) {
			m.tell(&a.Fault)
			if first == nil {
				first = &a.Fault
			}
		}
	}
	return first
}

// onFrame returns the faults that strike at a message on a link.
func (m *armory) onFrame(seam, mti string) (out []transport.Fault) {
	for _, a := range m.faults {
		if a.hit(seam, mti) {
			m.tell(&a.Fault)
			out = append(out, a.link())
		}
	}
	return out
}

// link is the fault as a link applies it.
func (a *armed) link() transport.Fault {
	switch a.Kind {
	case "lose":
		return transport.Lose{}
	case "delay":
		return transport.Delay{D: a.Duration}
	case "duplicate":
		return transport.Duplicate{D: a.Duration}
	case "corrupt":
		return transport.Corrupt{Byte: a.Number}
	case "truncate":
		return transport.Truncate{N: a.Number}
	case "cut":
		return transport.Cut{N: a.Number}
	case "slice":
		return transport.Slice{N: a.Number}
	case "merge":
		return transport.Merge{}
	case "drip":
		return transport.Drip{D: a.Duration}
	case "reset":
		return transport.Reset{}
	}
	panic("scenario: no link fault " + a.Kind) // the grammar's table and this list are compared by a test
}

// unfired returns the faults that never struck, except those for every event.
func (m *armory) unfired() (out []*Fault) {
	for _, a := range m.faults {
		if a.fired == 0 && a.N != 0 {
			out = append(out, &a.Fault)
		}
	}
	return out
}
