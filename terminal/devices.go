package terminal

import (
	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/transport/dialect"
)

// Devices are what a terminal has around it. Nothing here may wait except the slot and Dial of Config, which wait on the
// terminal's clock.
type Devices struct {
	// Show puts a screen on the display.
	Show func(Screen)
	// Print prints one copy of a receipt. ErrPaperOut and any other error mean that it did not come out.
	Print func(Receipt) error
	// Sign asks the signature pad for the picture of the cardholder's signature of a sale, as the acquirer's document wants it
	// coded; nil, or none: it is signed on paper.
	Sign func(Record) []byte
	// OpenSlot starts the chip reader, at boot. nil: the terminal has none.
	OpenSlot func() (Slot, error)
}

// Slot is a chip reader with a slot.
type Slot interface {
	// Present tells whether a card is in the slot. It changes only in events of the terminal's clock.
	Present() bool
	// Lost is why the reader is gone; nil while it works.
	Lost() error
	// PowerOn resets the card and returns it, ready for commands.
	PowerOn() (apdu.Card, error)
	// PowerOff takes the power from the card.
	PowerOff() error
	// Physical tells whether what is in the slot may be plastic. Then it may be somebody's money, too.
	Physical() bool
}

// A key of the keyboard: '0' to '9', or one of these.
const (
	KeyEnter  byte = '\r'
	KeyClear  byte = '\b'
	KeyCancel byte = 0x1B
	KeyOnline byte = 'O' // the clerk's: this sale goes online whatever the risk; before ENTER
	KeyMenu   byte = 'M' // of an idle terminal: what it can do beside sales
)

// Stripe is what a swipe gave, each track as the reader decoded it: with its sentinels, and then perhaps its LRC, or without; ""
// if there is none. It lives in memory until the transaction ends.
type Stripe struct {
	Track1, Track2, Track3 string

	Physical bool // it came from a real reader
}

// Observation is one thing that happened, for a story, a script's expectations and a judge. It is one of the types below.
type Observation interface{ observation() }

type (
	// Shown is a screen.
	Shown struct{ Screen Screen }
	// Printed is a copy of a receipt that came out.
	Printed struct{ Receipt Receipt }
	// Moved is a record that is durable in a new state; From is "" for a new one.
	Moved struct {
		Record Record
		From   State
	}
	// Sent is a message whose bytes have left.
	Sent struct{ Message *dialect.Message }
	// Received is a message that came and could be read.
	Received struct {
		Message *dialect.Message
		MAC     error // nil: right
	}
	// Unmatched is an answer to nothing that is waited for, with both keys in the error's text; it was dropped.
	Unmatched struct{ Err error }
	// Ended is the end of a sale: its outcome is known, and nothing has been reversed yet.
	Ended struct {
		Outcome  Outcome
		Function Function // what was chosen; "" is a sale without the menu
		Code     string   // DE 39, if the host answered
		Session  *emv.Session
	}
	// BatchClosed is a batch that is durably closed, and what the journal drops of it. After a power cut it may come twice.
	BatchClosed struct {
		Settlement Settlement
		Dropped    []*Record
	}
	// Remark is anything else worth a line.
	Remark struct{ Text string }
)

func (Shown) observation()       {}
func (Printed) observation()     {}
func (Moved) observation()       {}
func (Sent) observation()        {}
func (Received) observation()    {}
func (Unmatched) observation()   {}
func (Ended) observation()       {}
func (BatchClosed) observation() {}
func (Remark) observation()      {}

// Outcome is how a sale ended, in the words of scripts.
type Outcome string

// The outcomes.
const (
	OutcomeApproved        Outcome = "approved"
	OutcomeDeclined        Outcome = "declined"
	OutcomeNoAnswer        Outcome = "no-answer" // of any use: silence, a broken line, a wrong MAC
	OutcomeRefused         Outcome = "refused"   // the host approved and the card did not
	OutcomeOfflineApproved Outcome = "offline-approved"
	OutcomeOfflineDeclined Outcome = "offline-declined"
	OutcomeNoConnection    Outcome = "no-connection"
	OutcomeBlocked         Outcome = "blocked" // by a reversal that is due
	OutcomeCancelled       Outcome = "cancelled"
	OutcomeCardRemoved     Outcome = "card-removed"
	OutcomeChipFailed      Outcome = "chip-failed"
	OutcomeNotAccepted     Outcome = "not-accepted"
	OutcomeLiveRefused     Outcome = "live-card-refused"
	OutcomeLiveRead        Outcome = "live-card-read" // nothing but reading was done with it
	OutcomePartRefused     Outcome = "part-refused"   // the host approved a part, which the clerk did not want
	OutcomeParked          Outcome = "parked"         // set aside for a person
	OutcomeTorn            Outcome = "torn"           // a purse has left in the middle, and may come back
	OutcomeUnresolved      Outcome = "unresolved"     // it has not, and whether it paid only its bank can find out
	OutcomeNotPrinted      Outcome = "not-printed"
	OutcomeDone            Outcome = "done"        // of what is no transaction
	OutcomeNotAllowed      Outcome = "not-allowed" // here, for this person, or for this transaction
	OutcomeNotFound        Outcome = "not-found"   // no such transaction is in the journal
)
