package host

import (
	"github.com/posim/posim/transport/dialect"
)

// EventKind says what happened.
type EventKind byte

// The kinds of events.
const (
	EventBoot     EventKind = iota + 1 // the log is recovered, work begins
	EventMessage                       // a message arrived: Conn, Message, MACBad, Force
	EventTimer                         // a timer fired: Timer
	EventCalendar                      // the business calendar moved: Calendar
	EventAdmin                         // somebody changed an account: Admin
	EventTerminal                      // somebody changed how a terminal is treated: Terminal
	EventDeed                          // somebody behind the desk does something about a transaction: Deed
	EventFile                          // another party's file arrived: File
)

// Event is what a machine reacts to. Kind says which of the other fields matter.
type Event struct {
	Kind    EventKind
	Conn    int // 0: the line up; above 0: a connection from below
	Message *dialect.Message
	// Dialect is what the line speaks that the message came on; nil: what the machine thinks in. The message itself has been
	// given the machine's numbers.
	Dialect *dialect.Dialect
	MACBad  bool // the message has no MAC where it must have one, or a wrong one, or its session is unknown
	// Force is a fault: the response code that the party is made to decide with, "" for none. A code that declines takes the
	// place of the party's own decision, and is logged like one; a code that approves is put into the answer by the runner.
	Force    string
	Timer    Timer
	Calendar Calendar
	Admin    Admin
	Terminal TerminalOrder
	File     *File
	Deed     Deed

	wire    string      // the message's MTI as it came, or the file's kind
	seen    *Entry      // how the transaction stood when the message arrived; only without rule H4
	done    func(error) // told once what the event changed is durable, or why it changed nothing; nil: nobody waits
	refused error       // what done is to be told
}

// TimerKind says what a timer is for.
type TimerKind byte

// The timers of a relay.
const (
	TimerAnswer   TimerKind = iota + 1 // the next hop has not answered a request
	TimerReversal                      // the next hop has not acknowledged a reversal
	TimerOwner                         // a wallet's owner agrees to pay
	TimerAdvice                        // the next hop has not answered an advice of this relay's own
)

// Timer names a timer: what for, and whose.
type Timer struct {
	Kind TimerKind
	Key  dialect.Key
}

// CalendarKind says how the business calendar moved.
type CalendarKind byte

// The kinds of calendar events.
const (
	CalendarDate    CalendarKind = iota + 1 // it is that date now
	CalendarCutover                         // the business day ends; Date, or the next day, begins
	CalendarPayout                          // the acquirer pays its merchants what it owes them
)

// Calendar is a move of the business calendar.
type Calendar struct {
	Kind CalendarKind
	Date string // YYYY-MM-DD; may be empty where the kind says so
}

// Admin changes an issuer's account, from outside the protocol.
type Admin struct {
	Account    string // its name
	Status     Status // "" leaves it
	SetBalance bool
	Balance    int64         // minor units that can be spent; only if SetBalance
	Script     []ScriptOrder // what the card is to be told
	Limits     *Limits       // what it may be charged from now on; nil leaves them
	OwnerWait  *int          // of a wallet: how many seconds its owner takes to agree; 0 agrees to everything that waits, too; nil leaves it
	Answer     string        // the code that requests are declined with from now on, AnswerOwn for the issuer's own decision; "" leaves it
}
