package host

import (
	"fmt"
	"slices"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// TerminalState is what an acquirer keeps of a terminal beside its keys and its batches. A terminal without one is as its
// configuration says, and nothing is asked of it.
type TerminalState struct {
	MID       string                      `json:"mid"`
	TID       string                      `json:"tid"`
	Disabled  bool                        `json:"disabled,omitempty"`   // by an order from outside: its requests are refused 58
	SignedOff bool                        `json:"signed_off,omitempty"` // until its next sign-on its sales are refused 77
	Requests  []dialect.ProcessingRequest `json:"requests,omitempty"`   // what it is still to be asked for, the next one first
	Status    string                      `json:"status,omitempty"`     // what it said of itself last
	Why       string                      `json:"why,omitempty"`        // it is disabled, for people
	Device    int                         `json:"device,omitempty"`     // of a DUKPT terminal, the number of the device that speaks for it
	Opened    []time.Time                 `json:"opened,omitempty"`     // when it was noted that its case had been opened, since it was let back last
}

// maxStatus bounds what is kept of what a terminal says of itself, in characters.
const maxStatus = 64

// plain tells whether a text has printable characters of ASCII alone, and no number that could be a card's.
func plain(s string) bool {
	digits := 0
	for i := range len(s) {
		if digits++; s[i] < '0' || s[i] > '9' {
			digits = 0
		}
		if s[i] < ' ' || s[i] > '~' || digits >= 12 {
			return false
		}
	}
	return true
}

// same tells whether two states say the same.
func (s *TerminalState) same(o *TerminalState) bool {
	return s.Disabled == o.Disabled && s.SignedOff == o.SignedOff && s.Status == o.Status && slices.Equal(s.Requests, o.Requests) &&
		s.Why == o.Why && s.Device == o.Device && slices.EqualFunc(s.Opened, o.Opened, time.Time.Equal)
}

// without takes what has been done off the list.
func (s *TerminalState) without(done dialect.ProcessingRequest) {
	s.Requests = slices.DeleteFunc(slices.Clone(s.Requests), func(r dialect.ProcessingRequest) bool { return r == done })
}

// maxRequests is more than there are different ones.
const maxRequests = 16

func (s *TerminalState) check() error {
	if s.TID == "" || len(s.Requests) > maxRequests {
		return fmt.Errorf("state of terminal %q: %d requests: want a terminal, and at most %d", s.TID, len(s.Requests), maxRequests)
	}
	if len(s.Status) > maxStatus || !plain(s.Status) {
		return fmt.Errorf("state of terminal %s: status of %d bytes: want at most %d characters of ASCII", s.TID, len(s.Status), maxStatus)
	}
	if len(s.Why) > maxFileText || s.Device < 0 || s.Device >= sameTerminal || len(s.Opened) > maxOpened {
		return fmt.Errorf("state of terminal %s: device %d, opened %d times, a reason of %d bytes: want at most %d, %d and %d", s.TID, s.Device, len(s.Opened), len(s.Why), sameTerminal-1, maxOpened, maxFileText)
	}
	for i, r := range s.Requests {
		if r < 1 || r > 0xF || slices.Contains(s.Requests[:i], r) {
			return fmt.Errorf("state of terminal %s: request %d: want 1 to 15, each once", s.TID, r)
		}
	}
	return nil
}

// stateOf is the state of a terminal.
func (x *Relay) stateOf(t *terminal) TerminalState {
	if s := x.book.states[terminalID{t.MID, t.TID}]; s != nil {
		return *s
	}
	return TerminalState{MID: t.MID, TID: t.TID}
}

// keep makes a terminal's state durable, if it is another.
func (x *Relay) keep(t *terminal, s TerminalState) {
	if old := x.stateOf(t); !old.same(&s) {
		x.add(&Record{Terminal: &s}, x.Apply)
	}
}

// done takes off the list what a terminal has done.
func (x *Relay) done(t *terminal, r dialect.ProcessingRequest) {
	s := x.stateOf(t)
	s.without(r)
	x.keep(t, s)
}

// finish is what an acquirer adds to every answer to a terminal that numbers its batches: the host's date and time, which set the
// terminal's clock, and what the terminal is to do next.
func (x *Relay) finish() {
	if !x.cfg.Acquirer {
		return
	}
	for _, f := range x.fx {
		if f.Send == nil || f.Send.Conn <= 0 || f.Send.Message.BatchNumber == "" {
			continue
		}
		m := f.Send.Message
		if m.TimeLocalTransaction == "" {
			date := x.book.businessDate(x.now)
			m.DateLocalTransaction, m.TimeLocalTransaction = date[5:7]+date[8:], x.now.Format("150405")
		}
		if t := x.terminals[m.CardAcceptorTerminalIdentification]; t != nil {
			if s := x.stateOf(t); len(s.Requests) > 0 {
				m.ProcessingRequest = s.Requests[0]
			}
		}
	}
}
