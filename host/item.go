package host

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Item is money that stands with the wrong party until people settle it: what it is, who sees to it, until when, and what became
// of it. It only moves forward. Items are replaced, never changed.
type Item struct {
	Owner    string     `json:"owner,omitempty"`    // the party that has to see to it
	Amount   int64      `json:"amount"`             // minor units
	Deadline string     `json:"deadline,omitempty"` // YYYY-MM-DD
	Reason   string     `json:"reason,omitempty"`
	Type     ItemType   `json:"type,omitempty"`
	Stage    ItemStage  `json:"stage"`
	Evidence string     `json:"evidence,omitempty"` // what proves the sale: its reference number, its slip
	Bearer   string     `json:"bearer,omitempty"`   // of what is lost: who bears it
	History  []ItemMove `json:"history,omitempty"`  // oldest first
}

// ItemMove is a stage that an item came to, and why.
type ItemMove struct {
	Date  string    `json:"date"` // the business date, YYYY-MM-DD
	Stage ItemStage `json:"stage"`
	Why   string    `json:"why,omitempty"`
}

// ItemType says what does not agree.
type ItemType byte

// The types. A long one is money too much on our side, which goes back to the cardholder; a short one is money that is missing.
const (
	ReversalRefused ItemType = iota + 1 // long: a reversal that nobody carries out any more
	HostOnly                            // long: the acquirer has it, the terminal's batch does not
	AmountMore                          // long: the acquirer has more than the terminal's batch
	SwitchOnly                          // long: the switch has approved what the acquirer has not
	TerminalOnly                        // short: the terminal's batch has it, the acquirer does not
	AmountLess                          // short: the terminal's batch has more than the acquirer
	AcquirerOnly                        // short: the acquirer has what the switch has not approved
	SwitchLess                          // short: the acquirer has more than the switch
	RefundUncovered                     // short: a refund that nobody can be charged for
	Dispute                             // the cardholder's bank asks for the money back
	AdviceRefused                       // short: approved in the issuer's place, and the issuer refused it
	FeeDiffers                          // another fee was taken than the contract says
	ReturnedPayout                      // the merchant's bank could not credit him; it stays his until his account is corrected
	OfflineRefused                      // short: approved offline, refused when it was told; the goods are gone
	ReversedByHand                      // undone at the desk; what its terminal has, nobody knows
	HeldBack                            // long: a sale that risk control gives back to the cardholder
	NotPassedOn                         // an aggregator was paid for the merchant, and has not paid him
	RefundNetted                        // a refund that the merchant's next payouts have to bear: as much as they have not borne yet
	PurseClaimed                        // at the issuer: a purse has debited itself, and nobody has asked for the money
)

var itemTypeNames = [...]string{"none", "reversal-refused", "host-only", "amount-more", "switch-only", "terminal-only", "amount-less", "acquirer-only",
	"switch-less", "refund-uncovered", "dispute", "advice-refused", "fee-differs", "payout-returned", "offline-refused", "reversed-by-hand", "held-back", "not-passed-on", "refund-netted", "purse-claimed"}

// ItemTypes lists the types' names.
func ItemTypes() []string { return append([]string(nil), itemTypeNames[1:]...) }

// String names the type.
func (t ItemType) String() string { return named(itemTypeNames[:], byte(t)) }

// MarshalText is String.
func (t ItemType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (t *ItemType) UnmarshalText(b []byte) error { return unnamed(itemTypeNames[:], b, (*byte)(t)) }

// long tells whether an item is money too much, that goes back to the cardholder.
func (t ItemType) long() bool {
	return t >= ReversalRefused && t <= SwitchOnly || t == HeldBack || t == 0
}

// short tells whether it is money that is missing.
func (t ItemType) short() bool { return t >= TerminalOnly && t <= RefundUncovered }

// ItemStage is how far an item has come.
type ItemStage byte

// The stages.
const (
	ItemOpen        ItemStage = iota // people have to see to it
	ItemAdjusted                     // the money is on its way back to the cardholder
	ItemClaimed                      // the cardholder's bank is asked for it
	ItemAccepted                     // and has paid
	ItemRefused                      // or will not
	ItemChargedBack                  // the cardholder's bank has taken the money back
	ItemRepresented                  // the acquirer asks for it again, with its evidence
	ItemChargedBackAgain
	ItemLost   // a party bears it
	ItemClosed // nothing is left to do
)

var itemStageNames = [...]string{"open", "adjusted", "claimed", "accepted", "refused", "charged-back", "represented", "charged-back-again", "lost", "closed"}

// ItemStages lists the stages' names.
func ItemStages() []string { return append([]string(nil), itemStageNames[:]...) }

// String names the stage.
func (s ItemStage) String() string { return named(itemStageNames[:], byte(s)) }

// MarshalText is String.
func (s ItemStage) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *ItemStage) UnmarshalText(b []byte) error { return unnamed(itemStageNames[:], b, (*byte)(s)) }

// itemMoves are where each stage can go. What is not here is at its end.
var itemMoves = map[ItemStage][]ItemStage{
	ItemOpen:             {ItemAdjusted, ItemClaimed, ItemChargedBack, ItemLost, ItemClosed},
	ItemClaimed:          {ItemAccepted, ItemRefused},
	ItemRefused:          {ItemLost, ItemClosed},
	ItemChargedBack:      {ItemRepresented, ItemLost, ItemClosed},
	ItemRepresented:      {ItemChargedBackAgain, ItemAccepted},
	ItemChargedBackAgain: {ItemLost, ItemClosed},
}

// ErrItem is a deed that an item's stage, or what it is about, does not allow.
var ErrItem = errors.New("not allowed")

// Open tells whether somebody has to do something about it.
func (i *Item) Open() bool { return i != nil && len(itemMoves[i.Stage]) > 0 }

// String is one line for people.
func (i *Item) String() string {
	s := fmt.Sprintf("%v %d, %v", i.Type, i.Amount, i.Stage)
	if i.Type == 0 {
		s = fmt.Sprintf("%d, %v", i.Amount, i.Stage)
	}
	if i.Bearer != "" {
		s += ", borne by " + i.Bearer
	}
	if i.Open() {
		s += ", " + i.Owner + " until " + i.Deadline
	}
	if i.Reason != "" {
		s += ": " + i.Reason
	}
	return s
}

// moved is the item at another stage.
func (i *Item) moved(to ItemStage, date, why string) *Item {
	m := *i
	if m.Stage = to; to != ItemLost {
		m.Bearer = ""
	}
	m.History = append(slices.Clone(i.History), ItemMove{date, to, why})
	if len(m.History) > maxMoves {
		m.History = m.History[len(m.History)-maxMoves:]
	}
	return &m
}

// age is how many calendar days an item is old on a date; 0 for one of a log that does not say when it was opened.
func (i *Item) age(today string) int {
	if len(i.History) == 0 {
		return 0
	}
	opened, err := time.Parse(dateForm, i.History[0].Date)
	now, other := time.Parse(dateForm, today)
	if err != nil || other != nil {
		return 0
	}
	return max(0, int(now.Sub(opened).Hours())/24)
}

// maxMoves is more than an item has: two rounds, and what came before.
const maxMoves = 16

func (i *Item) check() error {
	switch {
	case i.Owner == "" || i.Amount <= 0:
		return errors.New("difference without owner or amount")
	case int(i.Type) >= len(itemTypeNames) || int(i.Stage) >= len(itemStageNames):
		return fmt.Errorf("difference of type %d at stage %d: want at most %d and %d", i.Type, i.Stage, len(itemTypeNames)-1, len(itemStageNames)-1)
	case len(i.History) > maxMoves:
		return fmt.Errorf("difference with %d moves: want at most %d", len(i.History), maxMoves)
	case (i.Stage == ItemLost) != (i.Bearer != ""):
		return fmt.Errorf("difference at stage %v, borne by %q: want a name for what is lost, and for nothing else", i.Stage, i.Bearer)
	}
	for _, m := range i.History {
		if int(m.Stage) >= len(itemStageNames) || m.Date == "" {
			return fmt.Errorf("difference moved to stage %d on %q: want at most %d, and a date", m.Stage, m.Date, len(itemStageNames)-1)
		}
	}
	return nil
}

func (c *codec) difference(d *Item) {
	c.text(1, &d.Owner)
	number(c, 2, &d.Amount)
	c.text(3, &d.Deadline)
	c.text(4, &d.Reason)
	small(c, 5, &d.Type)
	small(c, 6, &d.Stage)
	c.text(7, &d.Evidence)
	c.text(8, &d.Bearer)
	var all []*ItemMove
	for i := range d.History {
		all = append(all, &d.History[i])
	}
	list(c, 9, &all, maxMoves, func(c *codec, m *ItemMove) {
		c.text(1, &m.Date)
		small(c, 2, &m.Stage)
		c.text(3, &m.Why)
	})
	if c.decode {
		for _, m := range all {
			d.History = append(d.History, *m)
		}
	}
}

// Alarm is what people must be told: an item that opens or moves, or something odd. It is told once.
type Alarm struct {
	Transaction *Transaction // nil: it is about a terminal
	TID         string       // then
	Why         string       // then, where somebody has said so
	Kind        AlarmKind
	Text        string
}

// AlarmKind says what an alarm is about.
type AlarmKind string

// The kinds of alarms.
const (
	AlarmItem      AlarmKind = "item"               // an item opens, or moves
	AlarmOverdrawn AlarmKind = "overdrawn"          // what was credited had been spent when it was taken back
	AlarmDuplicate AlarmKind = "possible-duplicate" // the same card, amount and merchant shortly before
	AlarmReversal  AlarmKind = "reversal-refused"   // a reversal is refused, and repeated
	AlarmSuspended AlarmKind = "terminal-suspended" // a terminal whose case was opened too often may not sell any more
)

// AlarmKinds lists them.
func AlarmKinds() []AlarmKind {
	return []AlarmKind{AlarmItem, AlarmOverdrawn, AlarmDuplicate, AlarmReversal, AlarmSuspended}
}

// String is one line for a story.
func (a *Alarm) String() string {
	if a.Transaction == nil {
		return "terminal " + a.TID + " " + a.Text
	}
	return a.Transaction.Key.STAN + " " + a.Text
}

// alarm is what people are told of what a record says; nil: nothing new.
func (d *desk) alarm(r *Record) *Alarm {
	if r.Terminal != nil {
		return d.suspension(r.Terminal)
	}
	t := r.Transaction
	if t == nil {
		return nil
	}
	old := d.book.find(t.Key)
	var before Item
	if old != nil && old.Difference != nil {
		before = *old.Difference
	}
	i := t.Difference
	switch {
	case i != nil && (old == nil || old.Difference == nil || before.Stage != i.Stage || len(before.History) != len(i.History)):
		text := i.String()
		if n := len(i.History); n > 0 && i.History[n-1].Why != "" && i.History[n-1].Why != i.Reason {
			text += " (" + i.History[n-1].Why + ")"
		}
		return &Alarm{Transaction: t, Kind: AlarmItem, Text: text}
	case t.Overdrawn && (old == nil || !old.Overdrawn):
		return &Alarm{Transaction: t, Kind: AlarmOverdrawn, Text: t.Note}
	case t.PossibleDuplicate && (old == nil || !old.PossibleDuplicate):
		return &Alarm{Transaction: t, Kind: AlarmDuplicate, Text: "possible duplicate: the same card, amount and merchant"}
	case t.ReversalCode != "" && t.ReversalDue && (old == nil || old.ReversalCode != t.ReversalCode):
		return &Alarm{Transaction: t, Kind: AlarmReversal, Text: "the reversal is refused with " + t.ReversalCode + ", and repeated"}
	}
	return nil
}

// evidence is what can be shown for a sale: its reference number, and the slip's digest.
func (t *Transaction) evidence() string {
	var all []string
	if t.RetrievalReferenceNumber != "" {
		all = append(all, "rrn "+t.RetrievalReferenceNumber)
	}
	if t.Signature != nil {
		all = append(all, "slip "+t.Signature.Digest)
	}
	return strings.Join(all, ", ")
}

// itemFor is a new item about t.
func itemFor(t *Transaction, owner string, k ItemType, amount int64, deadline, date, reason string) *Item {
	return &Item{
		Owner: owner, Amount: amount, Deadline: deadline, Reason: reason, Type: k,
		Evidence: t.evidence(), History: []ItemMove{{Date: date, Stage: ItemOpen}},
	}
}
