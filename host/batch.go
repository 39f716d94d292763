package host

import (
	"fmt"
	"strings"

	"github.com/posim/posim/transport/dialect"
)

// BatchState is where a batch stands at the acquirer.
type BatchState byte

// The states. A batch that is compared goes back to open only if its terminal sells once more.
const (
	BatchOpen     BatchState = iota + 1
	BatchCompared            // its totals have been answered; lines may come, and then the end
	BatchClosed              // nothing new comes into it
)

var batchStateNames = [...]string{"none", "open", "compared", "closed"}

// String names the state.
func (s BatchState) String() string { return named(batchStateNames[:], byte(s)) }

// MarshalText is String.
func (s BatchState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *BatchState) UnmarshalText(b []byte) error { return unnamed(batchStateNames[:], b, (*byte)(s)) }

// Batch is one batch of a terminal as the acquirer believes it. It holds no money: what is paid out comes from the
// transactions. A terminal that does not number its batches has numbers here all the same.
type Batch struct {
	MID           string                   `json:"mid"`
	TID           string                   `json:"tid"`
	Number        string                   `json:"number"` // six digits
	State         BatchState               `json:"state"`
	Settlement    dialect.Key              `json:"settlement,omitzero"` // of the message whose totals were compared
	Terminal      dialect.Totals           `json:"terminal"`            // as it said
	Host          dialect.Totals           `json:"host"`                // as our log said then
	Result        dialect.SettlementResult `json:"result"`
	ForeignResult dialect.SettlementResult `json:"foreign_result,omitempty"`
	Uploaded      int                      `json:"uploaded"`                // different lines that came
	Items         int                      `json:"items,omitempty"`         // difference items that its lines opened
	End           dialect.Key              `json:"end,omitzero"`            // of the message that closed it
	BusinessDate  string                   `json:"business_date,omitempty"` // YYYY-MM-DD of the day it was closed on
}

// Line is one line that a terminal uploaded.
type Line struct {
	STAN        string       `json:"stan"`
	Kind        dialect.Kind `json:"kind"`
	Amount      int64        `json:"amount"` // minor units
	Debit       bool         `json:"debit"`
	Card        string       `json:"card,omitempty"`   // masked
	Notice      bool         `json:"notice,omitempty"` // of what is in no totals: a card that declined offline, for instance
	Certificate []byte       `json:"-"`                // chip data of what the card decided: what decisions need, never card data
}

// Upload is the lines that one message brought.
type Upload struct {
	MID, TID, Number string
	Lines            []*Line
}

// terminalID names a terminal of a merchant.
type terminalID struct{ mid, tid string }

// batchID names a batch.
type batchID struct {
	terminalID
	number string
}

// firstBatch is the number of a terminal's first batch.
const firstBatch = "000001"

// nextBatch is the number behind n; behind the last one the numbers begin again.
func nextBatch(n string) string {
	i := 0
	for _, c := range n {
		i = i*10 + int(c-'0')
	}
	if i = (i + 1) % 1e6; i == 0 {
		i = 1
	}
	return fmt.Sprintf("%06d", i)
}

// batches is what the records say about batches.
type batches struct {
	all    []*Batch
	last   map[terminalID]*Batch          // of each terminal the newest one that has a record
	before map[terminalID]*Batch          // the one before it
	lines  map[terminalID]map[string]Line // by STAN; of a batch that is compared and not closed
}

// apply takes a batch's new image.
func (b *batches) apply(r *Batch) {
	if b.last == nil {
		b.last, b.before, b.lines = map[terminalID]*Batch{}, map[terminalID]*Batch{}, map[terminalID]map[string]Line{}
	}
	id := terminalID{r.MID, r.TID}
	old := b.last[id]
	if old == nil || old.Number != r.Number || r.State != BatchCompared || r.Settlement != old.Settlement {
		delete(b.lines, id)
	}
	if old == nil || old.Number != r.Number {
		c := *r
		b.all = append(b.all, &c)
		b.before[id], b.last[id] = old, &c
		return
	}
	*old = *r
}

// upload adds lines to a batch that has been compared; others are not taken. A line that comes again takes the place of the
// earlier one.
func (b *batches) upload(u *Upload) {
	old := b.last[terminalID{u.MID, u.TID}]
	if old == nil || old.Number != u.Number || old.State != BatchCompared {
		return
	}
	id := terminalID{u.MID, u.TID}
	if b.lines[id] == nil {
		b.lines[id] = map[string]Line{}
	}
	for _, l := range u.Lines {
		b.lines[id][l.STAN] = *l
	}
	old.Uploaded = len(b.lines[id])
}

// current is the batch that a terminal is in. One without a record is open and empty.
func (b *batches) current(id terminalID) Batch {
	switch last := b.last[id]; {
	case last == nil:
		return Batch{MID: id.mid, TID: id.tid, Number: firstBatch, State: BatchOpen}
	case last.State == BatchClosed:
		return Batch{MID: id.mid, TID: id.tid, Number: nextBatch(last.Number), State: BatchOpen}
	default:
		return *last
	}
}

// find is the batch with that number if it is the terminal's current one or the last one that it closed.
func (b *batches) find(id terminalID, number string) (Batch, bool) {
	if c := b.current(id); c.Number == number {
		return c, true
	}
	for _, o := range []*Batch{b.last[id], b.before[id]} {
		if o != nil && o.Number == number {
			return *o, true
		}
	}
	return Batch{}, false
}

func (r *Batch) check() error {
	switch {
	case r.TID == "" || !sixDigits(r.Number):
		return fmt.Errorf("batch %q of terminal %q: want both, the number in six digits", r.Number, r.TID)
	case r.State < BatchOpen || r.State > BatchClosed:
		return fmt.Errorf("batch %s: state %d: want %d to %d", r.Number, r.State, BatchOpen, BatchClosed)
	case r.Result > dialect.SettlementError || r.ForeignResult > dialect.SettlementError:
		return fmt.Errorf("batch %s: result %d, %d: want 0 to %d", r.Number, r.Result, r.ForeignResult, dialect.SettlementError)
	case r.Uploaded < 0 || r.Uploaded > maxLines || r.Items < 0:
		return fmt.Errorf("batch %s: %d lines, %d items: want 0 or more, and at most %d lines", r.Number, r.Uploaded, r.Items, maxLines)
	}
	return nil
}

// maxLines bounds what a terminal may upload for one batch: ten times what the largest one holds.
const maxLines = 100_000

// maxUploadLines bounds the lines of one message.
const maxUploadLines = 64

func (u *Upload) check() error {
	if u.TID == "" || !sixDigits(u.Number) || len(u.Lines) == 0 {
		return fmt.Errorf("lines of batch %q of terminal %q: want both, the number in six digits, and a line", u.Number, u.TID)
	}
	for _, l := range u.Lines {
		if !sixDigits(l.STAN) || l.Amount < 0 || l.Kind.String() == dialect.KindNone.String() && l.Kind != dialect.KindNone {
			return fmt.Errorf("line of batch %s: want six digits, an amount of 0 or more and a kind that is known", u.Number)
		}
		if l.Card != "" && !strings.Contains(l.Card, "*") {
			return fmt.Errorf("line of batch %s: card number is not masked", u.Number)
		}
	}
	return nil
}

func sixDigits(s string) bool {
	if len(s) != 6 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
