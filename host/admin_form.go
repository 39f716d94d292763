package host

import (
	"context"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// AdminView is what can be asked of a running house: of a Server in this process, or over HTTP by an AdminClient. Amounts
// are minor units; card numbers are masked; nothing secret is in it. Each call is bounded, and may be made from any
// goroutine.
type AdminView interface {
	Health(ctx context.Context) (Health, error)
	Positions(ctx context.Context) (map[string]int64, error)
	Views(ctx context.Context) ([]*View, error) // acquirer, switch, issuer
	Log(ctx context.Context, since uint64) (LogPage, error)
	Trace(ctx context.Context, tid, stan string) ([]Trace, error)
	Differences(ctx context.Context) ([]DifferenceItem, error)
	Calendar(ctx context.Context, c Calendar) (businessDate string, err error)
	Account(ctx context.Context, a Admin) (AccountReport, error)
	Batches(ctx context.Context) ([]*Batch, error) // the acquirer's, in the order of their first settlement
	Terminals(ctx context.Context) ([]TerminalReport, error)
	Terminal(ctx context.Context, o TerminalOrder) (TerminalReport, error)
	Alarms(ctx context.Context) (AlarmPage, error)
	Deed(ctx context.Context, o DeedOrder) (DeedReport, error)
	Records(ctx context.Context, party string, since uint64) (RecordPage, error)
}

var (
	_ AdminView = (*Server)(nil)
	_ AdminView = (*AdminClient)(nil)
)

// Health is how a server is.
type Health struct {
	Status  string        `json:"status"` // "ok"
	Version string        `json:"version"`
	Run     string        `json:"run"` // names this run of the server
	Started time.Time     `json:"started"`
	Listen  string        `json:"listen"`
	Lines   []LineHealth  `json:"lines"`   // where terminals connect, and what they speak there
	Parties []PartyHealth `json:"parties"` // acquirer, switch, issuer
}

// LineHealth is an address where terminals connect.
type LineHealth struct {
	Dialect string `json:"dialect"`
	Listen  string `json:"listen"`
}

// PartyHealth is how a party stands.
type PartyHealth struct {
	Name         string `json:"name"`
	Transactions int    `json:"transactions"`
	Unresolved   int    `json:"unresolved"`  // pending, or a reversal that is due
	Differences  int    `json:"differences"` // open items
	Sessions     int    `json:"sessions"`    // terminals that have signed on
	BusinessDate string `json:"business_date"`
}

// Trace is one transaction as every party believes it.
type Trace struct {
	Key       dialect.Key      `json:"key"`
	Parties   []TraceParty     `json:"parties"`   // acquirer, switch, issuer
	Positions map[string]int64 `json:"positions"` // what the transaction moved, minor units
	Events    []LogEvent       `json:"events"`    // its messages, as far as the server remembers them
}

// TraceParty is one party's belief.
type TraceParty struct {
	Party string `json:"party"`
	Entry *Entry `json:"entry"` // null: unknown there
}

// DifferenceItem is an open difference and where it stands.
type DifferenceItem struct {
	Party string      `json:"party"` // whose log has it
	Key   dialect.Key `json:"key"`
	Age   int         `json:"age_days"` // since it was opened, in calendar days of the business date
	Item
}

// AccountReport is an account as it is now.
type AccountReport struct {
	Account string   `json:"account"`
	Status  Status   `json:"status"`
	Balance int64    `json:"balance"`          // minor units that can be spent
	Answer  string   `json:"answer,omitempty"` // the code that its requests are declined with, as ordered
	Orders  []*Order `json:"orders,omitempty"` // what the card is to be told, and was
}

// The bodies of the requests, and the answers that are no type of their own.
type (
	calendarOrder struct {
		Event string `json:"event"` // date, cutover, payout
		Date  string `json:"date,omitempty"`
	}
	accountOrder struct {
		Account string       `json:"account"`
		Status  Status       `json:"status,omitempty"`
		Balance *int64       `json:"balance,omitempty"`
		Answer  string       `json:"answer,omitempty"`
		Limits  *Limits      `json:"limits,omitempty"`
		Owner   *int         `json:"owner_wait,omitempty"`
		Script  []scriptForm `json:"script,omitempty"`
	}
	scriptForm struct {
		ScriptOrder
		PINBlock []byte `json:"pin_block,omitempty"` // goes in, and never comes out
	}
	positionsAnswer struct {
		Positions map[string]int64 `json:"positions"`
	}
	calendarAnswer struct {
		BusinessDate string `json:"business_date"`
	}
	viewAnswer struct {
		Parties []*View `json:"parties"`
	}
	traceAnswer struct {
		Transactions []Trace `json:"transactions"`
	}
	differencesAnswer struct {
		Differences []DifferenceItem `json:"differences"`
	}
	batchesAnswer struct {
		Batches []*Batch `json:"batches"`
	}
	terminalsAnswer struct {
		Terminals []TerminalReport `json:"terminals"`
	}
	terminalOrder struct {
		TID      string   `json:"tid"`
		Status   string   `json:"status,omitempty"`
		Requests []string `json:"requests,omitempty"`
	}
	errorAnswer struct {
		Error string `json:"error"`
	}
)

// form is the order of an account as it travels.
func (a Admin) form() accountOrder {
	o := accountOrder{Account: a.Account, Status: a.Status, Answer: a.Answer, Limits: a.Limits, Owner: a.OwnerWait}
	if a.SetBalance {
		o.Balance = &a.Balance
	}
	for _, s := range a.Script {
		o.Script = append(o.Script, scriptForm{s, s.PINBlock})
	}
	return o
}

// order is what the form says.
func (o *accountOrder) order() Admin {
	a := Admin{Account: o.Account, Status: o.Status, Answer: o.Answer, Limits: o.Limits, OwnerWait: o.Owner}
	if o.Balance != nil {
		a.SetBalance, a.Balance = true, *o.Balance
	}
	for _, s := range o.Script {
		s.ScriptOrder.PINBlock = s.PINBlock
		a.Script = append(a.Script, s.ScriptOrder)
	}
	return a
}

// form is the order about a terminal as it travels.
func (o TerminalOrder) form() terminalOrder {
	f := terminalOrder{TID: o.TID, Status: o.Status}
	for _, r := range o.Requests {
		f.Requests = append(f.Requests, r.String())
	}
	return f
}

// order is what the form says.
func (f *terminalOrder) order() (TerminalOrder, error) {
	o := TerminalOrder{TID: f.TID, Status: f.Status}
	for _, name := range f.Requests {
		r, err := dialect.ParseProcessingRequest(name)
		if err != nil {
			return o, err
		}
		o.Requests = append(o.Requests, r)
	}
	return o, nil
}

// The calendar's events as they are written.
var calendarEvents = map[string]CalendarKind{"date": CalendarDate, "cutover": CalendarCutover, "payout": CalendarPayout}

// String names the kind.
func (k CalendarKind) String() string {
	for name, kind := range calendarEvents {
		if kind == k {
			return name
		}
	}
	return "unknown"
}
