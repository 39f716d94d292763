package host

import (
	"bytes"
	"time"

	"github.com/posim/posim/internal/wal"
	"github.com/posim/posim/transport/dialect"
)

// LogName is the file that a party keeps its records in.
const LogName = "log"

// View is what a party believes, for judges and stories: nothing in it is a key, a clear card number or a PIN. Of a running
// machine it is a window that changes with the next step; of Recover it is the reader's own.
type View struct {
	Transactions []*Entry        `json:"transactions"` // in the order of their first record
	Accounts     []*AccountState `json:"accounts"`
	BusinessDate string          `json:"business_date"`     // YYYY-MM-DD; "" until the calendar has moved
	Sessions     int             `json:"sessions"`          // terminals that have signed on
	Batches      []*Batch        `json:"batches"`           // acquirer: in the order of their first record
	Files        []*FileRecord   `json:"files,omitempty"`   // sent and received, in the order of their first record
	Credits      []*BankCredit   `json:"credits,omitempty"` // bank: in the order in which they were decided
	Bytes        int             `json:"-"`                 // Recover: how many bytes of the log are whole records
	byKey        map[dialect.Key]*Entry
	short        bool // as in the book
}

func (b *book) view() *View {
	return &View{Transactions: b.order, Accounts: b.accounts, BusinessDate: b.date, Sessions: len(b.sessions), Batches: b.batches.all, Files: b.files.order, Credits: b.credited, byKey: b.entries, short: b.short}
}

// Recover reads the bytes of a party's log, without its keys and its configuration. A torn record at the end is left out;
// damage before it is an error, and so is a record that no party writes.
func Recover(log []byte) (*View, error) {
	return RecoverEach(log, func([]byte, *Record, *Entry) {})
}

// RecoverEach is Recover for whoever wants to know what was when: each is told of every record, with its bytes, which are the log's,
// and with the entry of its transaction as it is from then on; nil: it is about none. The entry is the view's.
func RecoverEach(log []byte, each func(body []byte, r *Record, e *Entry)) (*View, error) {
	var b book
	n, err := wal.Recover(LogName, log, func(body []byte) error {
		r, err := DecodeRecord(body)
		if err != nil {
			return err
		}
		if err := b.apply(r); err != nil {
			return err
		}
		var e *Entry
		if r.Transaction != nil {
			e = b.find(r.Transaction.Key)
		}
		each(body, r, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	v := b.view()
	v.Bytes = n
	return v, nil
}

// Follower reads the log of a party again and again while it grows, and each record once. The zero value has read nothing.
type Follower struct {
	records []*Record
	read    []byte // what its records were read from
	reader  *wal.Reader
	book    *book
}

// Records are those that were read, in their order. They are not to be changed.
func (f *Follower) Records() []*Record { return f.records }

// Read is Recover, of a log that has grown since the last time, or of another one. What it returns is a window that changes with the next
// Read.
func (f *Follower) Read(log []byte) (*View, error) {
	if f.reader == nil || !bytes.HasPrefix(log, f.read) {
		*f = Follower{reader: wal.NewReader(LogName), book: &book{}}
	}
	n, err := f.reader.Read(log, func(body []byte) error {
		r, err := DecodeRecord(body)
		if err != nil {
			return err
		}
		f.records = append(f.records, r)
		return f.book.apply(r)
	})
	if err != nil {
		f.reader = nil
		return nil, err
	}
	f.read = log[:n]
	v := f.book.view()
	v.Bytes = n
	return v, nil
}

// clone is a copy that the machine's next step does not change.
func (v *View) clone() *View {
	c := &View{short: v.short, BusinessDate: v.BusinessDate, Sessions: v.Sessions, Transactions: make([]*Entry, len(v.Transactions)), Accounts: make([]*AccountState, len(v.Accounts)), Batches: make([]*Batch, len(v.Batches))}
	entries := make([]Entry, len(v.Transactions))
	for i, e := range v.Transactions {
		entries[i] = *e // what its slices and its Difference point to is replaced, never changed
		c.Transactions[i] = &entries[i]
	}
	for i, a := range v.Accounts {
		state := *a
		c.Accounts[i] = &state
	}
	for i, b := range v.Batches {
		batch := *b
		c.Batches[i] = &batch
	}
	c.Files = append(c.Files, v.Files...) // each is replaced, never changed
	c.Credits = append(c.Credits, v.Credits...)
	c.index()
	return c
}

// index makes Find work.
func (v *View) index() {
	v.byKey = make(map[dialect.Key]*Entry, len(v.Transactions))
	for _, e := range v.Transactions {
		v.byKey[indexed(e.Key, v.short)] = e
	}
}

// date is the business date, which is the clock's until the calendar has moved.
func (v *View) date(now time.Time) string { return dateOr(v.BusinessDate, now) }

// Find returns the transaction with that key, nil without one.
func (v *View) Find(k dialect.Key) *Entry { return v.byKey[indexed(k, v.short)] }

// snapshot is a copy of a transaction that later steps do not change; nil without one.
func (v *View) snapshot(k dialect.Key) *Entry {
	e := v.Find(k)
	if e == nil {
		return nil
	}
	c := *e
	return &c
}

// Unresolved lists the transactions that still wait for somebody: pending ones, reversals that are due, and what was approved in an
// issuer's place and has not been told.
func (v *View) Unresolved() (due []*Entry) {
	for _, e := range v.Transactions {
		if e.State == Pending || e.ReversalDue || e.StandIn == StandInDue {
			due = append(due, e)
		}
	}
	return due
}

// Differences lists the transactions with an open difference item.
func (v *View) Differences() (open []*Entry) {
	for _, e := range v.Transactions {
		if e.Difference.Open() {
			open = append(open, e)
		}
	}
	return open
}

// Overdue lists an issuer's refunds that should have been cleared: the working day after their own is over.
func (v *View) Overdue() (due []*Entry) {
	for _, e := range v.Transactions {
		if e.Kind == dialect.KindRefund && e.Account != "" && e.State == Approved && !e.Paid && v.BusinessDate > nextWorkingDay(e.BusinessDate) {
			due = append(due, e)
		}
	}
	return due
}

// Net sums the postings of one transaction: how much it moved into a position, in minor units.
func (e *Entry) Net(position string) (n int64) {
	for _, p := range e.Postings {
		if p.To == position {
			n += p.Amount
		}
		if p.From == position {
			n -= p.Amount
		}
	}
	return n
}

// Positions sums all postings of several parties by position, in minor units. The sum over the positions is zero.
func Positions(views ...*View) map[string]int64 {
	all := map[string]int64{}
	for _, p := range []string{PositionCardholder, PositionIssuer, PositionSwitch, PositionAcquirer, PositionSuspense, PositionMerchant, PositionFees} {
		all[p] = 0
	}
	for _, v := range views {
		for _, e := range v.Transactions {
			for _, p := range e.Postings {
				all[p.From] -= p.Amount
				all[p.To] += p.Amount
			}
		}
	}
	return all
}
