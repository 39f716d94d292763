package host

import (
	"errors"
	"fmt"
	"slices"

	"github.com/posim/posim/transport/dialect"
)

// ErrUnknownTerminal is an order about a terminal that the acquirer does not have; ErrOrder one that says what nobody can do.
var (
	ErrUnknownTerminal = errors.New("no such terminal")
	ErrOrder           = errors.New("no such order")
)

// The statuses of a terminal at its acquirer.
const (
	TerminalEnabled  = "enabled"
	TerminalDisabled = "disabled" // its requests are refused 58; what undoes something, and what has happened, is not
)

// TerminalOrder changes how an acquirer treats a terminal, from outside the protocol.
type TerminalOrder struct {
	TID      string
	Status   string                      // "" leaves it
	Requests []dialect.ProcessingRequest // what its next answers ask for, behind what they ask for already
}

// Check refuses an order that nobody can carry out.
func (o *TerminalOrder) Check() error {
	if o.Status != "" && o.Status != TerminalEnabled && o.Status != TerminalDisabled {
		return fmt.Errorf("host: terminal %s: status %q: %w: want %s or %s", o.TID, o.Status, ErrOrder, TerminalEnabled, TerminalDisabled)
	}
	for _, r := range o.Requests {
		if r == dialect.RequestNone || r > 0xF {
			return fmt.Errorf("host: terminal %s: request %d: %w: want 1 to 15", o.TID, r, ErrOrder)
		}
	}
	return nil
}

// Terminal gives an order about a terminal, for the acquirer's next turn. What changes nothing is observed as Refused.
func (p *Party) Terminal(o TerminalOrder) { p.TerminalThen(o, nil) }

// TerminalThen is Terminal, and calls done on the party's clock once the change is durable, or with why there is none
// (ErrUnknownTerminal, ErrOrder). A party that stops calls nobody.
func (p *Party) TerminalThen(o TerminalOrder, done func(error)) {
	p.later(Event{Kind: EventTerminal, Terminal: o, done: done})
}

// order carries out an order about a terminal.
func (x *Relay) order(o TerminalOrder) {
	t := x.terminals[o.TID]
	if t == nil {
		x.refused(fmt.Errorf("host: %s: terminal %q: %w", x.cfg.Name, o.TID, ErrUnknownTerminal))
		return
	}
	if err := o.Check(); err != nil {
		x.refused(err)
		return
	}
	s := x.stateOf(t)
	switch o.Status {
	case TerminalEnabled:
		s.enable()
	case TerminalDisabled:
		s.Disabled = true
	}
	s.Requests = slices.Clone(s.Requests)
	for _, r := range o.Requests {
		if !slices.Contains(s.Requests, r) {
			s.Requests = append(s.Requests, r)
		}
	}
	x.keep(t, s)
}

// TerminalReport is how a terminal stands at its acquirer. Amounts are minor units.
type TerminalReport struct {
	TID          string     `json:"tid"`
	MID          string     `json:"mid"`
	Dialect      string     `json:"dialect,omitempty"`
	Scheme       string     `json:"scheme"`
	Status       string     `json:"status"`
	Why          string     `json:"why,omitempty"`    // it is disabled
	Opened       int        `json:"opened,omitempty"` // how often its case was opened since it was let back last
	SignedOn     bool       `json:"signed_on"`
	Requests     []string   `json:"requests"` // what it is still asked for
	Said         string     `json:"said,omitempty"`
	Batch        string     `json:"batch"` // the one that it is in
	BatchState   BatchState `json:"batch_state"`
	Debits       int        `json:"debits"`
	DebitAmount  int64      `json:"debit_amount"`
	Credits      int        `json:"credits"`
	CreditAmount int64      `json:"credit_amount"`
}

// terminalReports are all terminals, in the order of their configuration.
func (x *Relay) terminalReports() []TerminalReport {
	all := []TerminalReport{}
	for _, c := range x.cfg.Terminals {
		all = append(all, *x.terminalReport(c.TID))
	}
	return all
}

// terminalReport is one of them; nil if there is none of that name.
func (x *Relay) terminalReport(tid string) *TerminalReport {
	t := x.terminals[tid]
	if t == nil {
		return nil
	}
	s, b := x.stateOf(t), x.book.batches.current(terminalID{t.MID, t.TID})
	_, totals := x.count(b.id())
	r := &TerminalReport{
		TID: t.TID, MID: t.MID, Scheme: t.Scheme.String(), Status: TerminalEnabled, Why: s.Why, Opened: len(s.Opened), SignedOn: (t.session != nil || t.Scheme.DUKPT()) && !s.SignedOff,
		Requests: []string{}, Said: s.Status, Batch: b.Number, BatchState: b.State,
		Debits: totals.Debits.Count, DebitAmount: totals.Debits.Amount, Credits: totals.Credits.Count, CreditAmount: totals.Credits.Amount,
	}
	if t.Dialect != nil {
		r.Dialect = t.Dialect.Name()
	}
	if s.Disabled {
		r.Status = TerminalDisabled
	}
	for _, q := range s.Requests {
		r.Requests = append(r.Requests, q.String())
	}
	return r
}
