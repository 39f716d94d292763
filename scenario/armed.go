package scenario

import (
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/reader"
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

// onReader says what goes wrong in the reader, or at a command of the card.
func (m *armory) onReader(event string) (reader.Fault, bool) {
	if len(m.faults) == 0 {
		return reader.Fault{}, false
	}
	switch event {
	case reader.EventFrame:
		f := m.strike("reader", event, nil)
		if f == nil {
			return reader.Fault{}, false
		}
		return reader.Fault{Kind: reader.FaultKind(f.Kind)}, true
	case reader.EventIBlock, reader.EventRBlock, reader.EventSBlock:
		return reader.Fault{}, false
	}
	hardware := func(f *Fault) bool { return f.Kind == "tear" || f.Kind == "mute" || f.Kind == "slow" }
	f := m.strike("card", event, hardware)
	if any := m.strike("card", "apdu", hardware); f == nil {
		f = any
	}
	if f == nil {
		return reader.Fault{}, false
	}
	return reader.Fault{Kind: reader.FaultKind(f.Kind), Delay: f.Duration}, true
}

// onAnswer is what a fault makes of a card's answer.
func (m *armory) onAnswer(command, answer []byte) ([]byte, error) {
	if len(m.faults) == 0 || len(command) < 2 {
		return answer, nil
	}
	altered := func(f *Fault) bool { return f.Kind == "answer" || f.Kind == "sw" }
	f := m.strike("card", apdu.Name(command[1]), altered)
	if any := m.strike("card", "apdu", altered); f == nil {
		f = any
	}
	switch {
	case f == nil:
		return answer, nil
	case len(f.Hex) > 0:
		return append([]byte(nil), f.Hex...), nil
	}
	return withCryptogramType(answer, f.Code)
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
