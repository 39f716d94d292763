package host

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/posim/posim/transport/dialect"
)

// AlarmReport is an alarm as the admin view shows it.
type AlarmReport struct {
	At    time.Time   `json:"at"`
	Party string      `json:"party"`
	Key   dialect.Key `json:"key"` // of AlarmSuspended only the terminal's number
	Kind  AlarmKind   `json:"kind"`
	Text  string      `json:"text"`
	Code  string      `json:"code,omitempty"` // of AlarmReversal: the answer
	Why   string      `json:"why,omitempty"`  // of AlarmSuspended: as its rule says
	Item  *Item       `json:"item,omitempty"` // of AlarmItem: as it was then
}

// AlarmPage is what people were told: the newest of it.
type AlarmPage struct {
	Earlier int           `json:"earlier"` // alarms that are left out
	Alarms  []AlarmReport `json:"alarms"`  // in time
}

// maxAlarms is how many alarms an answer has.
const maxAlarms = 1000

func (a *Alarm) report(party string, at time.Time) AlarmReport {
	r := AlarmReport{At: at, Party: party, Kind: a.Kind, Text: a.Text, Why: a.Why, Key: dialect.Key{TID: a.TID}}
	if a.Transaction != nil {
		r.Key = a.Transaction.Key
	}
	switch a.Kind {
	case AlarmItem:
		r.Item = a.Transaction.Difference
	case AlarmReversal:
		r.Code = a.Transaction.ReversalCode
	}
	return r
}

// newest puts the alarms in time and keeps the last n.
func (p *AlarmPage) newest(n int) {
	sort.SliceStable(p.Alarms, func(i, j int) bool { return p.Alarms[i].At.Before(p.Alarms[j].At) })
	if p.Earlier = max(0, len(p.Alarms)-n); p.Earlier > 0 {
		p.Alarms = slices.Clone(p.Alarms[p.Earlier:])
	}
}

// DeedOrder is a deed, and what it is about by what is known of it: a transaction by terminal and trace number, or by its reference
// number; the batch or the terminal's date tells which, where the numbers have come round.
type DeedOrder struct {
	Do      string   `json:"deed"` // one of Deeds and PlainDeeds
	TID     string   `json:"tid,omitempty"`
	STAN    string   `json:"stan,omitempty"`
	Batch   string   `json:"batch,omitempty"`
	Date    string   `json:"date,omitempty"` // MMDD
	RRN     string   `json:"rrn,omitempty"`
	MID     string   `json:"mid,omitempty"`     // of correct-account
	Account Standing `json:"account,omitempty"` // of correct-account
	Reason  string   `json:"reason,omitempty"`  // of suspend, and of what is about a transaction: it is kept, and goes to the other side
}

// DeedReport is how things stand once a deed is durable.
type DeedReport struct {
	Do       string          `json:"deed"`
	Party    string          `json:"party"`              // whose desk has done it
	Key      *dialect.Key    `json:"key,omitempty"`      // of the transaction
	State    State           `json:"state,omitempty"`    // of the transaction
	Item     *Item           `json:"item,omitempty"`     // about it
	Risk     *RiskHold       `json:"risk,omitempty"`     // about it
	Terminal *TerminalReport `json:"terminal,omitempty"` // of suspend, lift and opened
	MID      string          `json:"mid,omitempty"`      // of correct-account
	Account  string          `json:"account,omitempty"`  // of correct-account: where the merchant is paid from now on
}

// maxReason is how long a reason may be, in bytes; with what is put in front of it, a file's line has room for it.
const maxReason = 100

// Check refuses a deed that says too little, or what it has no use for.
func (o *DeedOrder) Check() error {
	all := append(Deeds(), PlainDeeds()...)
	if !slices.Contains(all, o.Do) {
		return fmt.Errorf("deed %.30q: want one of %s", o.Do, strings.Join(all, ", "))
	}
	takes, want := []string{"terminal", "trace number", "batch", "date", "reference number", "reason"}, "terminal and trace number, or reference number"
	complete := o.RRN != "" || o.TID != "" && o.STAN != ""
	switch o.Do {
	case DeedCorrect:
		takes, want = []string{"merchant", "account"}, "merchant and account"
		complete = o.MID != "" && o.Account != ""
	case DeedSuspend:
		takes, want = []string{"terminal", "reason"}, "terminal"
		complete = o.TID != ""
	case DeedLift, DeedOpened:
		takes, want = []string{"terminal"}, "terminal"
		complete = o.TID != ""
	}
	for _, x := range []struct{ name, given string }{{"terminal", o.TID}, {"trace number", o.STAN}, {"batch", o.Batch}, {"date", o.Date},
		{"reference number", o.RRN}, {"merchant", o.MID}, {"account", string(o.Account)}, {"reason", o.Reason}} {
		if x.given != "" && !slices.Contains(takes, x.name) {
			return fmt.Errorf("%s with %s: want %s", o.Do, x.name, want)
		}
	}
	if !complete {
		return fmt.Errorf("%s: want %s", o.Do, want)
	}
	return checkReason(o.Reason)
}

// checkReason refuses what no log should keep.
func checkReason(s string) error {
	if len(s) > maxReason || !utf8.ValidString(s) {
		return fmt.Errorf("reason of %d bytes: want at most %d, in UTF-8", len(s), maxReason)
	}
	digits := 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == ' ' || r == '-': // as card numbers are written
		default:
			digits = 0
		}
		if !unicode.IsPrint(r) {
			return fmt.Errorf("reason: character %U: want printable ones", r)
		}
		if digits > 12 { // a reference number has twelve
			return errors.New("reason with more than 12 digits in a row: want no card number")
		}
	}
	return nil
}

// names tells whether a transaction is like that.
func (o *DeedOrder) names(e *Entry) bool {
	for _, x := range [][2]string{{o.TID, e.Key.TID}, {o.STAN, e.Key.STAN}, {o.Batch, e.Key.Batch}, {o.Date, e.Key.Date}, {o.RRN, e.RetrievalReferenceNumber}} {
		if x[0] != "" && x[0] != x[1] {
			return false
		}
	}
	return true
}
