package terminal

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/posim/posim/emv/purse"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/transport/dialect"
)

// State is where a record of the journal has come to. It only moves forward.
type State string

// The states.
const (
	Pending           State = "Pending"           // the request may have left; nothing is known
	Approved          State = "Approved"          // in the batch
	Declined          State = "Declined"          // no money
	ReversalDue       State = "ReversalDue"       // to be reversed until the host acknowledges
	Reversed          State = "Reversed"          // acknowledged: the host had it and undid it
	ReversedUnmatched State = "ReversedUnmatched" // acknowledged: the host never had it, and will refuse it
	ReversalRefused   State = "ReversalRefused"   // the host cannot undo it any more: handed to dispute
	Parked            State = "Parked"            // set aside by a person
	AdviceDue         State = "AdviceDue"         // approved offline, in the batch, not yet sent
	Advised           State = "Advised"           // sent and accepted
	Refused           State = "Refused"           // sent and refused: on the failed list
	Torn              State = "Torn"              // a purse was tapped, and nobody knows whether it has debited itself
	Unresolved        State = "Unresolved"        // and nobody here will: its cardholder may claim it at his bank
	erased            State = "Erased"            // only without rule T2
)

// moves is every move a record may make.
var moves = map[State][]State{
	"":          {Pending, AdviceDue, Torn},
	Pending:     {Approved, Declined, ReversalDue},
	ReversalDue: {Reversed, ReversedUnmatched, ReversalRefused, Parked},
	AdviceDue:   {Advised, Refused, Parked},
	Torn:        {AdviceDue, Declined, Unresolved},
}

// States lists the states a record can be in, in the order of a record's life.
func States() []State {
	return []State{Pending, Approved, Declined, ReversalDue, Reversed, ReversedUnmatched, ReversalRefused, Parked, AdviceDue, Advised, Refused, Torn, Unresolved}
}

// Record is one financial transaction as the terminal knows it. It holds no track, PIN or PIN block; the card number is
// masked, and sealed by the security module where an advice will have to carry it.
type Record struct {
	STAN     string // SystemsTraceAuditNumber, DE 11
	Date     string // DateLocalTransaction, DE 13, MMDD
	Time     string // TimeLocalTransaction, DE 12, hhmmss
	Year     int    // of Date, for receipts
	Amount   int64  // AmountTransaction, DE 4, minor units
	Currency string // CurrencyCodeTransaction, DE 49
	Card     string // masked
	Entry    string // POSEntryMode, DE 22
	PSN      string `json:",omitempty"` // CardSequenceNumber, DE 23
	State    State
	Reason   string `json:",omitempty"` // of the reversal: 98, 96, A0, 06
	Why      string `json:",omitempty"` // what the reversal's reason does not tell apart: one of the Why constants
	Code     string `json:",omitempty"` // ResponseCode, DE 39, or Y1, Y3 offline
	Auth     string `json:",omitempty"` // AuthorizationIDResponse, DE 38
	RRN      string `json:",omitempty"` // RetrievalReferenceNumber, DE 37
	Printed  bool   `json:",omitempty"` // both copies of the receipt are out
	OnPad    bool   `json:",omitempty"` // the cardholder signed on a pad: the paper has no line for it

	Kind     dialect.Kind `json:",omitempty"` // KindNone, as older journals have it: a sale
	Batch    string       `json:",omitempty"` // six digits: the batch it was begun in, of a terminal that numbers its batches
	Original *Original    `json:",omitempty"` // the transaction that it undoes, completes or adjusts
	CashBack int64        `json:",omitempty"` // minor units: the part of Amount that is cash
	Tip      int64        `json:",omitempty"` // minor units: the part of Amount that is a tip
	Asked    int64        `json:",omitempty"` // minor units: what was asked for, of a partial approval; else 0
	Parts    int          `json:",omitempty"` // in how many the cardholder pays an instalment
	HostDate string       `json:",omitempty"` // MMDD: the host's date of the answer, DE 13
	Scheme   string       `json:",omitempty"` // of the card, as the answer named it
	Uploaded bool         `json:",omitempty"` // the host has its line: a flag of a settlement, with its own write
	Attempts int          `json:",omitempty"` // tries of its reversal or advice, silent ones too, where the profile counts them
	Parking  string       `json:",omitempty"` // who parked it, and why; of a tap that stays unresolved: why
	Operator string       `json:",omitempty"` // who was logged in; two digits

	ICC    []byte `json:",omitempty"` // DE 55 of the reversal or the advice
	Sealed []byte `json:",omitempty"` // an advice's card number and expiry

	Purse   *purse.Torn `json:",omitempty"` // of a tap: what is asked of the card, should it have been torn away; without its number
	Balance int64       `json:",omitempty"` // minor units that are left on the purse

	Label, AID, TVR, TSI string `json:",omitempty"` // of the receipt
	CryptogramType       string `json:",omitempty"` // TC, ARQC, AAC
	Cryptogram           string `json:",omitempty"`
	CVM                  string `json:",omitempty"` // pin, signature, none
}

// Why an approval that arrived is reversed with reason 06: whom it was that did not take it.
const (
	WhyCard     = "card"     // the card refused, or was taken away
	WhyMismatch = "mismatch" // the answer is about something else
	WhyPart     = "part"     // a part of the amount was approved, and nobody wanted that
)

// whys are the texts that say so on the screen.
var whys = map[Key]string{"card-refused": WhyCard, "mismatch": WhyMismatch, "part-refused": WhyPart}

// Original names another transaction of this terminal.
type Original struct {
	Batch  string `json:",omitempty"` // six digits
	STAN   string `json:",omitempty"` // six digits
	Date   string `json:",omitempty"` // MMDD; the host's where the dialect wants that
	Time   string `json:",omitempty"` // hhmmss
	RRN    string `json:",omitempty"`
	Auth   string `json:",omitempty"`
	Amount int64  `json:",omitempty"` // minor units

	Of dialect.Kind `json:",omitempty"` // what it is, where a message about it has its numbers
}

// maxAmount is what DE 4 holds.
const maxAmount = 999_999_999_999

// check refuses a record that this program has not written: messages and receipts take its fields apart.
func (r *Record) check() error {
	switch {
	case !digits(r.STAN, 6) || r.STAN == "000000":
		return fmt.Errorf("STAN %q: want six digits, not all of them 0", r.STAN)
	case !digits(r.Date, 4) || !digits(r.Time, 6):
		return fmt.Errorf("date %q and time %q: want MMDD and hhmmss", r.Date, r.Time)
	case r.Amount < 0 || r.Amount > maxAmount:
		return fmt.Errorf("amount %d: want at most twelve digits", r.Amount)
	case r.State != erased && !slices.Contains(States(), r.State):
		return fmt.Errorf("unknown state %q", r.State)
	}
	return nil
}

// digits tells whether s is n decimal digits.
func digits(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789") == "" }

// about is the record's kind; the records of older journals have none.
func (r *Record) about() dialect.Kind {
	switch {
	case r.Kind != dialect.KindNone:
		return r.Kind
	case r.State == AdviceDue, r.State == Advised, r.State == Refused, r.setAside():
		return dialect.KindOfflineSale
	}
	return dialect.KindSale
}

// asked is the amount that was asked for: of a partial approval more than came of it.
func (r *Record) asked() int64 {
	if r.Asked > 0 {
		return r.Asked
	}
	return r.Amount
}

// InBatch tells whether the transaction is a line of the batch. What a card approved alone is one before the host knows; anything
// else that is told is none before the host has said yes.
func (r *Record) InBatch() bool {
	if r.hidden() {
		return false
	}
	return r.State == Approved || r.State == Advised || r.State == AdviceDue && r.about() == dialect.KindOfflineSale
}

// Signed is what the record adds to its batch's totals, in minor units: what the merchant gets is positive, what goes back
// is negative. What holds no money, and what is not in the batch, adds nothing.
func (r *Record) Signed() int64 {
	if !r.InBatch() {
		return 0
	}
	switch r.side() {
	case debit:
		return r.Amount
	case credit:
		return -r.Amount
	}
	return 0
}

// side is where a kind of transaction stands in the totals.
type side byte

const (
	neither side = iota
	debit        // sales, completions, offline sales
	credit       // refunds, voids, completion voids
)

// side is the record's, by its kind (decisions: "Totals"). What only holds an amount, or asks, stands nowhere; an adjustment
// replaces its original's amount, and has no line of its own.
func (r *Record) side() side {
	switch r.Kind {
	case dialect.KindNone, dialect.KindSale, dialect.KindCashBack, dialect.KindMOTOSale, dialect.KindInstalment, dialect.KindQRSale,
		dialect.KindCompletion, dialect.KindCompletionAdvice, dialect.KindOfflineSale:
		return debit
	case dialect.KindVoid, dialect.KindRefund, dialect.KindCompletionVoid:
		return credit
	}
	return neither
}

// HostNotAuthenticated tells whether the card did not believe that its issuer had answered, and approved all the same: such a
// sale stands, and is noticed at settlement.
func (r *Record) HostNotAuthenticated() bool {
	tvr, err := hex.DecodeString(r.TVR)
	return err == nil && len(tvr) == 5 && r.State == Approved && tlv.TVRIssuerAuthenticationFailed.In(tvr)
}

// hidden tells whether a record is between terminal and host, and no business of the merchant's.
func (r *Record) hidden() bool {
	return r.Kind == dialect.KindScriptResult || r.Kind == dialect.KindQRCancel || r.Kind == dialect.KindSignature
}

// owedReceipt tells whether a receipt must exist: the sale stands, or was handed over offline.
func (r *Record) owedReceipt() bool {
	return r.InBatch() || (r.State == Refused || r.setAside()) && r.about() == dialect.KindOfflineSale
}

// setAside tells whether a person has to see to a sale that was approved offline: of a reversal that was parked, the record
// has a reason.
func (r *Record) setAside() bool { return r.State == Parked && r.Reason == "" }

// String is the record's identity and state, for errors.
func (r *Record) String() string { return r.STAN + "/" + r.Date + r.Time + " " + string(r.State) }

// key is the identity that answers are matched by.
func (t *Terminal) key(r *Record) dialect.Key {
	k := dialect.Key{MID: t.profile.MID, TID: t.profile.TID, STAN: r.STAN, Batch: r.Batch}
	if r.Batch == "" {
		k.Date, k.Time = r.Date, r.Time
	}
	return k
}

// Amount writes minor units with two decimals.
func Amount(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}
