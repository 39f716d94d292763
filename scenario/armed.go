package scenario

import (
	"slices"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/reader"
)

// armed is a fault that waits for its event.
type armed struct {
	Fault
	seen, fired int
	at          int  // how many events had been watched when it struck first
	nth         int  // of all such events of the run, if they are watched
	added       bool // to a script's own
}

// hit counts an event and tells whether the fault strikes at it.
func (a *armed) hit(seam, event string) bool {
	if a.Seam != seam || a.Event != event {
		return false
	}
	a.seen++
	if a.N != 0 && a.seen != a.N && !(a.Later && a.seen > a.N) {
		return false
	}
	a.fired++
	return true
}

// moment is what can go wrong at a place in the code: which kinds of faults strike there, and of a crash at which point.
// One event has several moments where it is asked about more than once, as a host's message is before and after the log.
type moment struct {
	kinds []string
	point string
}

// The moments never change.
var (
	atConnect   = &moment{kinds: []string{"refuse", "black-hole"}}
	atFrame     = &moment{kinds: kindsOf(linkKinds[:])}
	atBeforeLog = &moment{kinds: []string{"crash"}, point: "before-log"}
	atAfterLog  = &moment{kinds: []string{"crash"}, point: "after-log"}
	atStall     = &moment{kinds: []string{"pause"}}
	atMessage   = &moment{kinds: []string{"slow", "wrong-mac", "wrong-stan", "wrong-amount", "wrong-arpc", "answer"}}
	atWrite     = &moment{kinds: []string{"power-off", "disk-full", "disk-error", "sync-error"}}
	atPoint     = &moment{kinds: []string{"power-off", "clock-jump", "clock-reset"}}
	atPaper     = &moment{kinds: []string{"paper-out"}}
	atHardware  = &moment{kinds: []string{"tear", "mute", "slow"}}
	atAnswer    = &moment{kinds: []string{"answer", "sw", "wrong-length", cardGone, wrongCryptogram, wrongCID}}
	atFile      = &moment{kinds: kindsOf(fileFaults[:])}
	atUse       = &moment{kinds: []string{"tamper", "fail"}}
	atScreen    = &moment{kinds: []string{"cancel", "enter", "pull-card"}}
	atPIN       = &moment{kinds: []string{"wrong-pin", "no-pin"}}
	atReader    = &moment{kinds: []string{"unplug", "nak", "bad-lrc", "wrong-sequence", "wtx-flood", "null-flood"}}
)

func kindsOf(all []faultKind) (names []string) {
	for _, k := range all {
		names = append(names, k.name)
	}
	return names
}

// takes tells whether f can strike at this moment.
func (at *moment) takes(f *Fault) bool {
	return slices.Contains(at.kinds, f.Kind) && (at.point == "" || at.point == f.Point)
}

// happening is an event as a run passed it: what an exploration enumerates.
type happening struct {
	Place
	at    *moment
	bytes int   // of the frame or the write; 0: neither
	parts []int // of a frame: where its elements begin

	// What makes a fault there the same run as another, and not worth a run of its own.
	noCard bool // there is none in the slot to be pulled
	unread bool // the terminal does not look at its calendar before the next event at which it can be set
}

// armory is the faults of one run.
type armory struct {
	faults []*armed
	tell   func(f *Fault) // a fault fired

	differs  bool     // an added fault has struck
	strew    *strewer // nil: only what is armed strikes
	watching bool     // passed is kept
	passed   []happening
	times    map[passing]int
	noCard   bool // there is none in the slot now
	settable int  // the event in passed at which the terminal's calendar could be set last, from 1, if nobody has looked at it since
}

// passing is what happenings are counted by, as faults count them.
type passing struct {
	seam, event string
	at          *moment
}

// watch begins to keep every event.
func (m *armory) watch() { m.watching, m.passed, m.settable = true, nil, 0 }

// looked tells that the terminal has looked at its calendar.
func (m *armory) looked() { m.settable = 0 }

// pass keeps an event for whoever watches. The fault is what is strewn there; nil for none. parts may be nil.
func (m *armory) pass(seam, event string, at *moment, bytes int, parts func() []int) *Fault {
	if !m.watching && m.strew == nil {
		return nil
	}
	key := passing{seam, event, at}
	m.times[key]++
	h := happening{Place: Place{Seam: seam, Event: event, N: m.times[key]}, at: at, bytes: bytes}
	if m.watching {
		if parts != nil {
			h.parts = parts()
		}
		h.noCard = m.noCard
		if at == atPoint {
			if m.settable > 0 {
				m.passed[m.settable-1].unread = true
			}
			m.settable = len(m.passed) + 1
		}
		m.passed = append(m.passed, h)
	}
	if m.strew == nil {
		return nil
	}
	f := m.strew.draw(h, parts)
	if f != nil {
		m.tell(f)
	}
	return f
}

// idle tells whether events need not be counted at all.
func (m *armory) idle() bool { return len(m.faults) == 0 && !m.watching && m.strew == nil }

func (m *armory) arm(faults []Fault) {
	for _, f := range faults {
		m.faults = append(m.faults, &armed{Fault: f})
	}
}

// heal takes every fault away.
func (m *armory) heal() { m.faults, m.strew = nil, nil }

// strike returns the first fault that strikes at an event. Every fault armed for the event counts it.
func (m *armory) strike(seam, event string, at *moment) *Fault { return m.strikeAt(seam, event, at, 0) }

// strikeAt is strike for an event of so many bytes.
func (m *armory) strikeAt(seam, event string, at *moment, bytes int) *Fault {
	first := m.pass(seam, event, at, bytes, nil)
	for _, a := range m.faults {
		if !at.takes(&a.Fault) || !a.hit(seam, event) {
			continue
		}
		m.struck(a, at)
		if first == nil {
			first = &a.Fault
		}
	}
	return first
}

// struck notes that a fault has struck.
func (m *armory) struck(a *armed, at *moment) {
	if a.fired == 1 {
		m.differs = m.differs || a.added
		a.at, a.nth = len(m.passed), m.times[passing{a.Seam, a.Event, at}]
	}
	m.tell(&a.Fault)
}

// onFrame returns the faults that strike at a message on a link, which is so long with its framing. parts, called only if
// somebody wants to know, is where its elements begin.
func (m *armory) onFrame(seam, mti string, bytes int, parts func() []int) (out []transport.Fault) {
	if f := m.pass(seam, mti, atFrame, bytes, parts); f != nil {
		out = append(out, f.link())
	}
	for _, a := range m.faults {
		if a.hit(seam, mti) {
			m.struck(a, atFrame)
			out = append(out, a.Fault.link())
		}
	}
	return out
}

// onReader says what goes wrong in the reader, or at a command of the card.
func (m *armory) onReader(event string) (reader.Fault, bool) {
	if m.idle() {
		return reader.Fault{}, false
	}
	switch event {
	case reader.EventFrame:
		f := m.strike("reader", event, atReader)
		if f == nil {
			return reader.Fault{}, false
		}
		return reader.Fault{Kind: reader.FaultKind(f.Kind)}, true
	case reader.EventIBlock, reader.EventRBlock, reader.EventSBlock:
		return reader.Fault{}, false
	}
	f := m.strike("card", event, atHardware)
	if any := m.strike("card", "apdu", atHardware); f == nil {
		f = any
	}
	if f == nil {
		return reader.Fault{}, false
	}
	return reader.Fault{Kind: reader.FaultKind(f.Kind), Delay: f.Duration}, true
}

// onAnswer is what a fault makes of a card's answer.
func (m *armory) onAnswer(command, answer []byte) ([]byte, error) {
	if m.idle() || len(command) < 2 {
		return answer, nil
	}
	f := m.strike("card", apdu.Name(command[1]), atAnswer)
	if any := m.strike("card", "apdu", atAnswer); f == nil {
		f = any
	}
	switch {
	case f == nil:
		return answer, nil
	case f.Kind == cardGone:
		return nil, apdu.ErrCardRemoved
	case f.Kind == "wrong-length":
		return withWrongLength(answer), nil
	case f.Kind == wrongCryptogram:
		return withWrongCryptogram(answer), nil
	case f.Kind == wrongCID:
		return withWrongCID(answer), nil
	case len(f.Hex) > 0:
		return append([]byte(nil), f.Hex...), nil
	}
	return withCryptogramType(answer, f.Code)
}

// link is the fault as a link applies it.
func (a *Fault) link() transport.Fault {
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
