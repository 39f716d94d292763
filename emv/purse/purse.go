package purse

import (
	"fmt"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/internal/pan"
)

// AID is the application that the kernel looks for: UnionPay's pure electronic cash.
const AID = "\xA0\x00\x00\x03\x33\x01\x01\x06"

// Terminal is what a terminal brings to a tap, the same for many. The kernel does not change it.
type Terminal struct {
	// Kernel is the terminal's data. Used of it are CountryCode, CurrencyCode, Type, Capabilities, CAPublicKeys, Revoked,
	// OnExceptionFile and Rand; required.
	Kernel *emv.Config
	// Limit is the most that one tap takes, minor units; 0: none.
	Limit int64
	// Admit, if not nil, is asked for the card before anything that it remembers: its error ends the tap and comes back from Pay
	// and Resume. It has the purpose of emv.Config.Admit.
	Admit func(number pan.PAN) error
}

// Request is one payment.
type Request struct {
	Amount int64     // 9F02, minor units of the terminal's currency; more than 0
	Time   time.Time // the terminal's local date and time: 9A

	// Keep is called once in a tap, right before the command that makes the card debit itself: what it is given has to be
	// durable when it returns, because no later moment is certain. Its error ends the tap with nothing debited, and comes back.
	// Required.
	Keep func(Torn) error
}

// Stage is how far a tap came: what is known of the card's money.
type Stage byte

// The stages.
const (
	Before  Stage = iota // the last record was not asked for: nothing was debited
	Unknown              // it was asked for and its answer did not come: only the card knows
	Debited              // the card debited itself, but what it signed is wrong: no sale
	Paid                 // the card debited itself and has vouched for it
)

func (s Stage) String() string { return [...]string{"before", "unknown", "debited", "paid"}[s] }

// Reason names why a tap did not end as Paid; its text is stable.
type Reason string

// The reasons.
const (
	CardGone       Reason = "card-gone"       // no answer: torn away, or mute
	NotAPurse      Reason = "not-a-purse"     // no directory, or none of our application in it
	CardBlocked    Reason = "card-blocked"    // the card or its application
	CardViolation  Reason = "card-violation"  // an answer that is none
	CardDeclined   Reason = "card-declined"   // AAC: by its own rules, such as too little money
	CardWantsMore  Reason = "card-wants-more" // ARQC, or conditions of use: it does not pay like this
	OverLimit      Reason = "over-limit"      // the terminal's
	NotEnough      Reason = "not-enough"      // the card's balance is below the amount
	OnExceptions   Reason = "exception-file"
	OutOfDate      Reason = "out-of-date" // expired, or not yet effective
	NotAuthentic   Reason = "not-authentic"
	OtherCard      Reason = "other-card"      // Resume: not the card that was torn
	UsedSince      Reason = "used-since"      // Resume: it has paid or been used since, and its balance no longer tells
	BalanceUnclear Reason = "balance-unclear" // Resume: neither as before nor lower by the amount
)

// Card is whose purse it is.
type Card struct {
	PAN    pan.PAN
	PSN    string // 5F34, two digits; "" if the card has none
	Expiry string // 5F24 as YYMM; "" if not known
	Label  string // 50
}

// Result is how a tap ended. What the card did not come to is zero.
type Result struct {
	Stage  Stage
	Reason Reason // "" if and only if Stage is Paid
	Err    error  // what exactly, for the story; nil if Stage is Paid

	Card Card
	ATC  uint16
	TC   [8]byte
	// ICC is field 55 of the advice: data objects, without card number and track.
	ICC []byte

	BalanceBefore int64 // minor units
	BalanceAfter  int64 // minor units; of a tap that debited

	// Resumed tells that Resume completed the torn transaction, instead of having the card pay anew.
	Resumed bool
	// Torn is what Resume needs, if Stage is Unknown: what Keep was given last.
	Torn *Torn
}

// Torn is what is kept of a tap whose last record was asked for. It holds no track data; its JSON has no card number, which
// whoever keeps it seals and puts back.
type Torn struct {
	PAN    pan.PAN `json:"-"`
	PSN    string  `json:",omitempty"`
	Expiry string  // YYMM
	Label  string  `json:",omitempty"`

	Amount        int64 // minor units
	Currency      int   // ISO 4217
	ATC           uint16
	BalanceBefore int64  // minor units
	AFL           []byte // 94: where its records are
	Signature     []byte // 9F4B
	ICC           []byte // field 55 of the advice, should the card have debited itself; the TC is in it
}

// Format prints the masked number and the amount, for every verb.
func (t Torn) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "torn purse tap of card %s, amount %d, ATC %d", t.PAN.Masked(), t.Amount, t.ATC)
}
