package scenario

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/posim/posim/host"
)

// Script is one scenario file, typed and checked. Its slices belong to it: read them, do not change them.
type Script struct {
	ID       string // what stands before the first - of the file's name; a run of an enumeration has .1, .2 ... behind it
	File     string // as given to Parse
	Name     string // in English
	Zh       string // in Chinese
	About    string // one sentence, or empty
	Card     string // default card of the sales, or empty
	Terminal string // "generic" unless the script says otherwise
	Spare    string // another terminal of the shop, of which one has power at a time; empty: there is none
	Host     Host   // settings of the host side from the start; Pos is zero without any
	Each     Each   // what the file is repeated for
	Values   []Value
	Faults   []Fault // armed from the start
	Steps    []Step
	Expect   End

	doc   *document
	every []string // cards that the issuer knows besides those the script names
}

// Value is one variable of an enumeration as this run has it; of a PIN, asterisks.
type Value struct{ Name, Text string }

// Step is one thing that happens. Do is the action's key, and the field that goes with it is set: Task for what is done at the
// till, Wait, Calendar, Host, Line, Desk, Disk; off, boot, sign-on and battery need nothing.
type Step struct {
	Pos      Pos // of the action's key
	Do       string
	Task     *Task
	Beside   *Task // what is done at the shop's other terminal meanwhile; nil: nothing
	Wait     *Wait
	Calendar *Calendar
	Host     *Host
	Line     string // down, up: the terminal's line to the acquirer
	Desk     *Desk
	Disk     string // damage, repair (the journal; with the power off), full, free
	Faults   []Fault
	Expect   *Expect // nil: nothing is expected
}

// PIN is what a cardholder of a script types before ENTER; nothing is a PIN that is not given. It prints as asterisks, whatever the verb.
type PIN struct{ digits string }

// Digits is the clear PIN, for the keypad and for nothing else.
func (p PIN) Digits() string { return p.digits }

// Format implements fmt.Formatter and writes asterisks.
func (p PIN) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "****") }

// MarshalText writes asterisks.
func (p PIN) MarshalText() ([]byte, error) { return []byte("****"), nil }

// Wait lets time pass: until the terminal is "idle", until its last "reversal" was answered, until its "advices" are,
// or, with an empty For, for a Duration.
type Wait struct {
	For      string
	Duration time.Duration
}

// Calendar moves the business date: to the next "cutover" or "payout", or, with an empty Event, to Date (midnight UTC).
type Calendar struct {
	Event string
	Date  time.Time
}

// Host is a setting of the host side: of a script the acquirer's Fee or Plan, SwitchCode, Refunds, Risk and PayTo and the switch's StandIn,
// of a step an account's Status, Balance, Answer and
// Script. Card names whose account it is.
type Host struct {
	Pos        Pos
	Card       string
	Wallet     string                 // instead of a card's
	Limits     *host.Limits           // of the account; nil: as they are
	Pays       *int                   // of a wallet: the seconds until its owner agrees, host.OwnerAway; nil: as it is
	Status     string                 // active, lost, stolen, frozen, closed, restricted; empty: as it is
	Balance    *Money                 // nil: as it is
	Answer     string                 // the code that the issuer declines its requests with; host.AnswerOwn: it decides again; empty: as it is
	Script     []ScriptOrder          // what the card is told
	Fee        *Rate                  // what the acquirer keeps of a sale; nil: as it is
	StandIn    *host.StandIn          // what the switch approves when an issuer says nothing; nil: nothing
	Clearing   host.ClearingPolicy    // of a script: how the acquirer settles differences
	Risk       []host.RiskRule        // which sales the acquirer holds back
	Aggregator *host.AggregatorConfig // who is paid for the merchant; nil: he is
	PayTo      host.Standing          // how the account stands that the merchant is paid to; empty: open
	FailOver   time.Duration          // until a second acquirer process takes over from one that fell; 0: there is none

	Settles    host.Settlement    // when the merchant is paid; empty: as the profile says
	Plan       string             // the fee plan of the terminal's merchant; empty: the profile's
	SwitchCode *SwitchCode        // what sales are booked under; nil: what they are
	Refunds    *host.RefundPolicy // how money is given back; nil: as host says
}

// Known answers which names exist outside the script. A nil function knows every name.
type Known struct {
	Card     func(name string) bool
	Terminal func(name string) bool
	Wallet   func(name string) bool

	Plan         func(name string) bool // of a fee plan
	MerchantCode func(code string) bool // that a fee plan is for
}

// Limits of one script: what a person writes stays far below them, and what somebody else sends cannot hurt.
const (
	maxFile   = 256 << 10 // bytes
	maxTokens = 50_000
	maxDepth  = 16 // of nested lists and mappings; a fields: expectation needs 6
	maxColumn = 100
	maxSteps  = 200
	maxFaults = 64 // of one step
	maxList   = 256
	maxRuns   = 4096           // of one enumeration; a message's length bounds the honest ones
	maxWork   = 1_000_000      // runs times values of the script: a long script has fewer runs
	maxTime   = 24 * time.Hour // longer waits are the calendar's
)

// defaultTerminal is the terminal profile of a script that names none.
const defaultTerminal = "generic"

// Parse reads one script. The error is an [*Error] with the place: YAML that is not well formed, an unknown key, card,
// fault, position, state, outcome, tag or data element, a wrong type, or a limit. Variables of an "each:" are checked
// with every value; Steps, Faults and Expect of the result are those of the first (of a range: those of 1).
func Parse(file string, src []byte, known Known) (*Script, error) {
	id, _, _ := strings.Cut(filepath.Base(file), "-")
	id = strings.TrimSuffix(strings.TrimSuffix(id, ".yaml"), ".yml")
	doc, failed := newDocument(file, src)
	if failed != nil {
		return nil, failed
	}
	if !wellFormedID(id) {
		return nil, doc.errorf(Pos{}, "a script's file name starts with its id, letters and digits: W04-approval-lost.yaml")
	}
	doc.id, doc.known = id, known
	return doc.scripts()
}

// Errorf is the error of a failed expectation at p, with the line quoted. The text says what was found.
func (s *Script) Errorf(p Pos, format string, args ...any) *Error {
	return s.doc.errorf(p, format, args...)
}

func wellFormedID(id string) bool {
	for _, r := range id {
		if !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '_') {
			return false
		}
	}
	return id != ""
}
