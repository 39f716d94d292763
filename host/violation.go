package host

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/posim/posim/hsm"
)

// Violation control: a terminal whose case was opened loses its keys, and needs new ones to speak again. Whose case is opened again and
// again is taken out of service until somebody behind the desk lets it back (DeedLift).
//
// A DUKPT terminal says so itself, in a way that nobody can forge: with new keys it is another device, and the number of that is in
// every key serial number that a MAC was verified under. Of a terminal with session keys the acquirer knows what whoever gave it keys
// reports (DeedOpened).

// maxOpened bounds how many openings are kept of a terminal: the latest. No device after the sixteenth speaks for it (sameTerminal).
const maxOpened = sameTerminal

// deviceNumber is which of the devices that speak for a terminal, one after the other, has a key serial number: 0 to 15, 0 the one that it
// was configured with.
func (t *terminal) deviceNumber(ksn []byte) int {
	counter := 21 // bits, X9.24-1
	if t.Key.Attributes().Algorithm == hsm.AES {
		counter = 32 // X9.24-3
	}
	number := func(ksn []byte) uint64 { return binary.BigEndian.Uint64(ksn[len(ksn)-8:]) >> counter }
	return int((number(ksn) - number(t.KSN)) % sameTerminal)
}

// watchDevice notes what the key serial number of a message says whose MAC is right: that its terminal has had new keys since. A device
// before the present one says nothing new.
func (x *Relay) watchDevice(t *terminal, ksn []byte) {
	if !t.Scheme.DUKPT() || !t.device(ksn) {
		return
	}
	s := x.stateOf(t)
	if n := t.deviceNumber(ksn); n > s.Device {
		opened := n - s.Device
		s.Device = n
		x.opened(t, s, opened)
	}
}

// opened notes that a terminal's case has been opened so many times, and suspends it if a rule says so.
func (x *Relay) opened(t *terminal, s TerminalState, times int) {
	s.Opened = slices.Clone(s.Opened)
	for range times {
		s.Opened = append(s.Opened, x.now)
	}
	s.Opened = s.Opened[max(0, len(s.Opened)-maxOpened):]
	for i := range x.cfg.Risk {
		r := &x.cfg.Risk[i]
		n := s.openedSince(x.now.Add(-r.Within))
		if r.Opened == 0 || n < r.Opened || s.Disabled {
			continue
		}
		s.Disabled, s.Why = true, r.Reason
	}
	x.keep(t, s)
}

// suspension is what people are told of a terminal's new state: it is suspended because its case was opened, and not by them; nil: it is
// not.
func (d *desk) suspension(s *TerminalState) *Alarm {
	old := d.book.states[terminalID{s.MID, s.TID}]
	if !s.Disabled || old != nil && (old.Disabled || slices.EqualFunc(old.Opened, s.Opened, time.Time.Equal)) || len(s.Opened) == 0 {
		return nil
	}
	return &Alarm{TID: s.TID, Kind: AlarmSuspended, Why: s.Why, Text: fmt.Sprintf("suspended: its case was opened %d times: %s", len(s.Opened), s.Why)}
}

// openedSince counts the openings from an instant on.
func (s *TerminalState) openedSince(since time.Time) (n int) {
	for _, at := range s.Opened {
		if !at.Before(since) {
			n++
		}
	}
	return n
}

// enable lets a terminal back. What it has done until now counts no more: somebody has looked at it.
func (s *TerminalState) enable() { s.Disabled, s.Why, s.Opened = false, "", nil }

// reportOpened is somebody who reports that the case of a terminal was opened, and says why it is not noted.
func (x *Relay) reportOpened(d Deed) string {
	t := x.terminals[d.TID]
	switch {
	case t == nil:
		return fmt.Sprintf("terminal %q: there is none", d.TID)
	case t.Scheme.DUKPT():
		return fmt.Sprintf("terminal %s: its key serial numbers say so", d.TID)
	}
	x.opened(t, x.stateOf(t), 1)
	return ""
}
