package host

import (
	"fmt"
	"slices"
	"strings"
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
	Batch       *Batch         // acquirer
	Upload      *Upload        // acquirer
	Terminal    *TerminalState // acquirer
	Cleared     *Cleared       // acquirer, switch
	File        *FileRecord    // a file, at its sender or its receiver
	Credit      *BankCredit    // bank
	Merchant    *MerchantState // acquirer
	Duty        *Duty          // aggregator
	Epoch       *Epoch         // of a store that several processes share
	Postings    []Posting      // only with a Transaction, which they belong to
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

// UnmarshalText reads what MarshalText writes.
func (f *Function) UnmarshalText(b []byte) error {
	return unnamed(functionNames[:], b, (*byte)(f))
}

// UnmarshalText reads what MarshalText writes.
func (s *State) UnmarshalText(b []byte) error {
	return unnamed(stateNames[:], b, (*byte)(s))
}

func unnamed(names []string, b []byte, i *byte) error {
	at := slices.Index(names, string(b))
	if at < 0 {
		return fmt.Errorf("host: %q: want one of %s", b, strings.Join(names, ", "))
	}
	*i = byte(at)
	return nil
}

func named(names []string, i byte) string {
	if int(i) < len(names) {
		return names[i]
	}
	return "unknown"
}

// Transaction is one transaction as a party believes it. It never holds a clear card number, track data or a PIN block.
type Transaction struct {
	Key                      dialect.Key `json:"key"`
	Function                 Function    `json:"function"`
	State                    State       `json:"state"`
	ProcessingCode           string      `json:"processing_code,omitempty"`            // DE 3
	Amount                   int64       `json:"amount"`                               // DE 4, minor units
	Currency                 string      `json:"currency,omitempty"`                   // DE 49
	POSEntryMode             string      `json:"pos_entry_mode,omitempty"`             // DE 22
	Card                     string      `json:"card,omitempty"`                       // the number, masked
	Token                    string      `json:"-"`                                    // keyed digest of the number and its cryptogram; with amount, processing code and currency the fingerprint
	Account                  string      `json:"account,omitempty"`                    // issuer: the account's name
	ATC                      string      `json:"atc,omitempty"`                        // issuer: application transaction counter of a cryptogram that verified, hex
	RetrievalReferenceNumber string      `json:"retrieval_reference_number,omitempty"` // DE 37
	AuthorizationIDResponse  string      `json:"authorization_id_response,omitempty"`  // DE 38
	ResponseCode             string      `json:"response_code,omitempty"`              // DE 39 of the stored answer
	Note                     string      `json:"note,omitempty"`                       // why, where the code does not say it
	AnswerICC                []byte      `json:"answer_icc,omitempty"`                 // DE 55 of the stored answer
	ReversalDue              bool        `json:"reversal_due,omitempty"`               // the next hop has not acknowledged the reversal
	ReversalReason           string      `json:"reversal_reason,omitempty"`            // DE 60 of the reversal
	ReversalICC              []byte      `json:"reversal_icc,omitempty"`               // DE 55 of the reversal: what decisions need, never card data
	LateCode                 string      `json:"late_code,omitempty"`                  // code of an answer that came after the decision and changed nothing
	BusinessDate             string      `json:"business_date,omitempty"`              // YYYY-MM-DD of the day it was opened on
	Paid                     bool        `json:"paid,omitempty"`                       // the merchant has it
	Fee                      int64       `json:"fee,omitempty"`                        // minor units kept at the payout; of a refund, given back
	Payout                   *Payout     `json:"payout,omitempty"`                     // acquirer; replaced, never changed
	Risk                     *RiskHold   `json:"risk,omitempty"`                       // acquirer; replaced, never changed
	Difference               *Item       `json:"difference,omitempty"`
	PossibleDuplicate        bool        `json:"possible_duplicate,omitempty"` // acquirer: the same card paid the same amount to the same merchant shortly before
	ReversalCode             string      `json:"reversal_code,omitempty"`      // the code by which the next hop last refused the reversal that is due

	ScriptSTAN    string     `json:"script_stan,omitempty"`    // of the message that told what the card did with scripts
	ScriptResults []byte     `json:"script_results,omitempty"` // what it did: tag 9F5B
	Signature     *Signature `json:"signature,omitempty"`      // replaced, never changed

	Kind              dialect.Kind `json:"kind,omitempty"`               // of a tombstone: none
	Original          dialect.Key  `json:"original,omitzero"`            // the transaction that it names; the zero Key: none
	ApprovedAmount    int64        `json:"approved_amount,omitempty"`    // minor units, of a partial approval; 0: all of Amount
	Partial           bool         `json:"partial,omitempty"`            // the terminal can take a partial approval
	HostTime          string       `json:"host_time,omitempty"`          // DE 12 of a terminal that numbers its batches: the acquirer's, hhmmss
	HostDate          string       `json:"host_date,omitempty"`          // DE 13 of such a terminal, MMDD
	Expired           bool         `json:"expired,omitempty"`            // of a pre-authorisation: it holds nothing any more
	AdditionalAmounts string       `json:"additional_amounts,omitempty"` // DE 54 of the stored answer

	StandIn      StandInState `json:"stand_in,omitempty"`      // of what a switch has approved in the issuer's place; at the issuer: StandInTold, it has taken it over
	Sealed       []byte       `json:"-"`                       // what telling the issuer needs, sealed; only while that is due
	CardToken    string       `json:"-"`                       // keyed digest of the card number, where a switch may stand in or a rule counts by card
	Waiting      bool         `json:"waiting,omitempty"`       // at a wallet: its owner has not agreed to pay yet
	CardType     CardType     `json:"card_type,omitempty"`     // acquirer: by which the fee goes
	MerchantCode string       `json:"merchant_code,omitempty"` // acquirer: the category that it was booked under
	MerchantName string       `json:"merchant_name,omitempty"` // acquirer: the merchant whom it was booked for, where that is another
	FeePlan      string       `json:"fee_plan,omitempty"`      // acquirer: the plan by which Fee was reckoned, at the payout
	FeeOf        int64        `json:"fee_of,omitempty"`        // acquirer: the minor units that Fee was reckoned of
	Audited      bool         `json:"audited,omitempty"`       // acquirer: the fee audit has opened an item about it
	Overdrawn    bool         `json:"overdrawn,omitempty"`     // issuer: what was credited had been spent when it was taken back
}

// Posting moves money from one position to another. The record it stands in names its transaction.
type Posting struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Amount int64  `json:"amount"` // minor units, above 0
}

// The positions. A party's position is what it holds of the money since the run began. The switch
// holds what is refunded until it is cleared; nothing is posted to suspense before settlement, and it is listed as zero.
const (
	PositionCardholder = "cardholder"
	PositionIssuer     = "issuer"
	PositionSwitch     = "switch"
	PositionAcquirer   = "acquirer"
	PositionSuspense   = "suspense"
	PositionMerchant   = "merchant"
	PositionFees       = "fees"
	PositionWallet     = "wallet" // of cardholders who pay with a code; listed once something is posted to it
	PositionPurse      = "purse"  // of cards that hold money of their own: what they have debited themselves
	// PositionPursePool is the money that stands behind the purses. A card that debits itself has paid into it, whoever knows.
	PositionPursePool = "purse-pool"
)

// PositionLoss, with the party's name behind it, is what a party bears.
const PositionLoss = "loss:"

// SignOn is the session keys that an acquirer gave a terminal, as cryptograms under its master key.
type SignOn struct {
	Key              dialect.Key // of the sign-on that asked for them
	PINKey           []byte
	PINKeyCheckValue []byte
	MACKey           []byte
	MACKeyCheckValue []byte

	TrackKey, TrackKeyCheckValue []byte // where the terminal's dialect has one
}

// AccountState is what an issuer keeps of an account beside its postings.
type AccountState struct {
	Account    string `json:"account"`
	Status     Status `json:"status,omitempty"`
	WrongPINs  int    `json:"wrong_pins,omitempty"` // in a row
	Adjustment int64  `json:"adjustment,omitempty"` // minor units that were added to or taken from the balance from outside the protocol
	Limits     Limits `json:"limits,omitzero"`
	OwnerWait  int    `json:"owner_wait,omitempty"` // of a wallet: seconds until its owner agrees to a sale, or OwnerAway
	Answer     string `json:"answer,omitempty"`     // the code that every request is declined with; "": the issuer decides
	// PINReference is the reference of the PIN that the card confirmed last; nil: it has the one of its account.
	PINReference []byte   `json:"-"`
	LastOrder    int      `json:"-"`                // the highest number that an order of this account had
	Orders       []*Order `json:"orders,omitempty"` // replaced, never changed, as is each of them
}

// CalendarRecord is a move of the business calendar.
type CalendarRecord struct {
	Kind CalendarKind
	Date string // the business date from now on, YYYY-MM-DD
}
