package host

import (
	"time"

	"github.com/posim/posim/transport/dialect"
)

// Record is one durable write of a party: the whole new image of what changed, and the money that moved with it. At least
// one part is set.
type Record struct {
	At          time.Time
	Transaction *Transaction
	SignOn      *SignOn
	Account     *AccountState
	Calendar    *CalendarRecord
	Postings    []Posting // only with a Transaction, which they belong to
}

// Function says what a transaction's key was used for.
type Function byte

// The functions. A tombstone has none.
const (
	Sale   Function = iota + 1 // 0200: asked before it happens
	Advice                     // 0220: told after it happened
)

var functionNames = [...]string{"none", "sale", "advice"}

// String names the function.
func (f Function) String() string { return named(functionNames[:], byte(f)) }

// MarshalText is String.
func (f Function) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// State is where a transaction stands at a party.
type State byte

// The states. Only Pending and Approved are left again.
const (
	Pending   State = iota + 1 // forwarded, not decided
	Approved                   // money moved, where this party posts it
	Declined                   // no money moved here; ReversalDue tells whether the next hop is being told so
	Reversed                   // undone
	Tombstone                  // its reversal came first: the request will be refused
)

var stateNames = [...]string{"none", "pending", "approved", "declined", "reversed", "tombstone"}

// String names the state.
func (s State) String() string { return named(stateNames[:], byte(s)) }

// MarshalText is String.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func named(names []string, i byte) string {
	if int(i) < len(names) {
		return names[i]
	}
	return "unknown"
}

// Transaction is one transaction as a party believes it. It never holds a clear card number, track data or a PIN block.
type Transaction struct {
	Key                      dialect.Key
	Function                 Function
	State                    State
	ProcessingCode           string // DE 3
	Amount                   int64  // DE 4, minor units
	Currency                 string // DE 49
	POSEntryMode             string // DE 22
	Card                     string // the number, masked
	Token                    string // keyed digest of the number and its cryptogram; with amount, processing code and currency the fingerprint
	Account                  string // issuer: the account's name
	ATC                      string // issuer: application transaction counter of a cryptogram that verified, hex
	RetrievalReferenceNumber string // DE 37
	AuthorizationIDResponse  string // DE 38
	ResponseCode             string // DE 39 of the stored answer
	Note                     string // why, where the code does not say it
	AnswerICC                []byte // DE 55 of the stored answer
	ReversalDue              bool   // the next hop has not acknowledged the reversal
	ReversalReason           string // DE 60 of the reversal
	ReversalICC              []byte // DE 55 of the reversal: what decisions need, never card data
	LateCode                 string // code of an answer that came after the decision and changed nothing
	BusinessDate             string // YYYY-MM-DD of the day it was opened on
	Paid                     bool   // the merchant has it
	Fee                      int64  // minor units kept at the payout
	Difference               *Difference
}

// Difference is money that stands with the wrong party until people settle it.
type Difference struct {
	Owner    string // the party that has to see to it
	Amount   int64  // minor units
	Deadline string // YYYY-MM-DD
	Reason   string
}

// Posting moves money from one position to another. The record it stands in names its transaction.
type Posting struct {
	From, To string
	Amount   int64 // minor units, above 0
}

// The positions that this room posts to. A party's position is what it holds of the money since the run began.
const (
	PositionCardholder = "cardholder"
	PositionIssuer     = "issuer"
	PositionSwitch     = "switch"
	PositionAcquirer   = "acquirer"
	PositionSuspense   = "suspense"
	PositionMerchant   = "merchant"
	PositionFees       = "fees"
)

// SignOn is the session keys that an acquirer gave a terminal, as cryptograms under its master key.
type SignOn struct {
	Key              dialect.Key // of the sign-on that asked for them
	PINKey           []byte
	PINKeyCheckValue []byte
	MACKey           []byte
	MACKeyCheckValue []byte
}

// AccountState is what an issuer keeps of an account beside its postings.
type AccountState struct {
	Account    string
	Status     Status
	WrongPINs  int   // in a row
	Adjustment int64 // minor units that were added to or taken from the balance from outside the protocol
}

// CalendarRecord is a move of the business calendar.
type CalendarRecord struct {
	Kind CalendarKind
	Date string // the business date from now on, YYYY-MM-DD
}
