package host

import (
	"errors"
	"fmt"
	"time"

	"github.com/posim/posim/transport/dialect"
)

var errNoSession = errors.New("host: the terminal has no session")

// ObservationKind says what was seen.
type ObservationKind byte

// The kinds of observations.
const (
	Received        ObservationKind = iota + 1 // a message arrived; Err: its MAC is bad
	Sent                                       // a message left
	Dropped                                    // a message could not leave, or could not be taken; Err says why
	Undecodable                                // a frame is no message; Err says why
	UnmatchedAnswer                            // an answer that nothing waits for; Want and State tell what was there
	DialFailed                                 // the next hop cannot be reached; Err says why
	OrderMoved                                 // an order to a card is new, or its state is; Order
	AlarmRaised                                // an item is open, or moved, or something is odd; Alarm
	Refused                                    // an order from outside changed nothing, or a connection of a terminal came to nothing (Conn -1); Err says why
)

var observationNames = [...]string{"none", "received", "sent", "dropped", "undecodable", "unmatched answer", "dial failed", "order", "alarm", "refused"}

// String names the kind.
func (k ObservationKind) String() string { return named(observationNames[:], byte(k)) }

// Observation is one thing that happened at a party, for stories and counts. Message is the party's: it must not be
// changed. It prints masked.
type Observation struct {
	At      time.Time
	Party   string
	Kind    ObservationKind
	Conn    int // 0: the line up; above 0: a connection from below; -1: one that came to nothing
	Message *dialect.Message
	Want    dialect.Key // UnmatchedAnswer: the key of what is in flight there; the zero Key without one
	State   State       // UnmatchedAnswer: how the record with the answer's own key stands; 0 without one
	Order   *OrderMove
	Alarm   *Alarm
	Err     error
}

// Up tells whether it happened on the line up.
func (o Observation) Up() bool { return o.Conn == 0 }

// String is one line for a trace.
func (o Observation) String() string {
	s := o.Party + ": " + o.Kind.String()
	if o.Message != nil {
		s += " " + o.Message.String()
	}
	if o.Kind == UnmatchedAnswer {
		s += fmt.Sprintf(", want %s, record %v", o.Want, o.State)
	}
	if o.Order != nil {
		s += " " + o.Order.String()
	}
	if o.Alarm != nil {
		s += " " + o.Alarm.String()
	}
	if o.Err != nil {
		s += ": " + o.Err.Error()
	}
	return s
}

func (p *Party) observe(o Observation) {
	if p.cfg.Observe == nil {
		return
	}
	o.At, o.Party = p.cfg.Clock.Now(), p.cfg.Name
	p.cfg.Observe(o)
}
