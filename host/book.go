package host

import (
	"fmt"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// book is what the records of one party say: the last image of every transaction, and the postings that added up.
type book struct {
	entries    map[dialect.Key]*Entry
	short      bool // date and time are no part of the key (H5 left out): entries are found without them, and keep them
	order      []*Entry
	numbered   map[string]*Entry        // by retrieval reference number, the latest
	about      map[dialect.Key][]*Entry // the transactions that name one, by its key
	sessions   map[string]*SignOn       // by terminal
	accounts   []*AccountState
	date       string // the business date; "" until the calendar has moved
	batches    batches
	states     map[terminalID]*TerminalState
	files      files
	credits    map[string]*BankCredit // bank: by order
	credited   []*BankCredit          // the same, in their order
	merchants  map[string]*MerchantState
	statements map[string]*statement // what the day's files of a party say
	duties     map[string]*Duty      // aggregator: by file
	dutyOrder  []string

	unlimited bool // refunds have no limit (F1 left out)
}

// Entry is one transaction as a party believes it, and the money it moved there.
type Entry struct {
	Transaction
	Postings []Posting `json:"postings"`
	Opened   time.Time `json:"opened"`  // the first record
	Changed  time.Time `json:"changed"` // the last one
	ordered  time.Time // when its payout was ordered; of its file
	Hold     int64     `json:"hold,omitempty"` // minor units that a pre-authorisation keeps from being spent now
	conn     int       // where its answer goes; 0: nobody waits. Not durable
	ksn      []byte    // under which keys its answer goes there; nil of a session. Not durable
	// repeatAfter is how long the next repeat of its reversal, or of its advice, waits for an answer; 0: as the first one. Not durable.
	repeatAfter time.Duration
	again       bool             // the request went up more than once. Not durable
	request     *dialect.Message // as it went up, of a switch that may have to stand in. Not durable
	unlogged    *Record          // what is believed and not durable yet; only without rule A5
}

func (b *book) apply(r *Record) error {
	if err := r.check(); err != nil {
		return fmt.Errorf("host: %w", err)
	}
	if t := r.Transaction; t != nil {
		e := b.find(t.Key)
		if e == nil {
			if b.entries == nil {
				b.entries = map[dialect.Key]*Entry{}
			}
			e = &Entry{Opened: r.At}
			b.entries[indexed(t.Key, b.short)] = e
			b.order = append(b.order, e)
		}
		b.link(e, t)
		e.Transaction = *t
		e.Changed = r.At
		e.Postings = append(e.Postings, r.Postings...)
		if p := b.preAuth(e); p != nil {
			p.Hold = b.hold(p)
		}
	}
	if s := r.SignOn; s != nil {
		if b.sessions == nil {
			b.sessions = map[string]*SignOn{}
		}
		b.sessions[s.Key.TID] = s
	}
	if a := r.Account; a != nil {
		*b.account(a.Account) = *a
	}
	if c := r.Calendar; c != nil {
		b.date = c.Date
	}
	b.applyDesk(r)
	if r.Cleared != nil {
		b.said(r.Cleared.From).apply(r.Cleared)
	}
	return b.applyPayout(r)
}

// applyPayout takes what a record says about files and payouts.
func (b *book) applyPayout(r *Record) error {
	if f := r.File; f != nil {
		if f.Kind == FilePayout && f.State == FileDue {
			b.ordered(&f.File, r.At)
		}
		b.files.apply(f)
	}
	if c := r.Credit; c != nil {
		if b.credits == nil {
			b.credits = map[string]*BankCredit{}
		}
		if b.credits[c.Order] != nil {
			return fmt.Errorf("host: order %s is carried out already", c.Order)
		}
		b.credits[c.Order] = c
		b.credited = append(b.credited, c)
	}
	if d := r.Duty; d != nil {
		if b.duties == nil {
			b.duties = map[string]*Duty{}
		}
		if b.duties[d.ID] == nil {
			b.dutyOrder = append(b.dutyOrder, d.ID)
		}
		b.duties[d.ID] = d
	}
	if r.Merchant != nil {
		b.corrected(r.Merchant)
	}
	return nil
}

// applyDesk takes what a record says about terminals and their batches.
func (b *book) applyDesk(r *Record) {
	if r.Batch != nil {
		b.batches.apply(r.Batch)
	}
	if r.Upload != nil {
		b.batches.upload(r.Upload)
	}
	if s := r.Terminal; s != nil {
		if b.states == nil {
			b.states = map[terminalID]*TerminalState{}
		}
		b.states[terminalID{s.MID, s.TID}] = s
	}
}

// link makes an entry found by its reference number, and by the transaction that it names.
func (b *book) link(e *Entry, t *Transaction) {
	if rrn := t.RetrievalReferenceNumber; rrn != "" && rrn != e.RetrievalReferenceNumber {
		if b.numbered == nil {
			b.numbered = map[string]*Entry{}
		}
		b.numbered[rrn] = e
	}
	if k := indexed(t.Original, b.short); k != (dialect.Key{}) && k != indexed(e.Original, b.short) {
		if b.about == nil {
			b.about = map[dialect.Key][]*Entry{}
		}
		b.about[k] = append(b.about[k], e)
	}
}

// account finds the state of an account, which begins as zero.
func (b *book) account(name string) *AccountState {
	for _, a := range b.accounts {
		if a.Account == name {
			return a
		}
	}
	a := &AccountState{Account: name}
	b.accounts = append(b.accounts, a)
	return a
}

func (b *book) find(k dialect.Key) *Entry { return b.entries[indexed(k, b.short)] }

// indexed is the part of a key that entries are found by.
func indexed(k dialect.Key, short bool) dialect.Key {
	if short {
		return k.Undated()
	}
	return k
}

const dateForm = "2006-01-02"

// businessDate is the date that the calendar says, or the clock's as long as it says none.
func (b *book) businessDate(now time.Time) string {
	return dateOr(b.date, now)
}

func dateOr(date string, now time.Time) string {
	if date != "" {
		return date
	}
	return now.Format(dateForm)
}

// lookBack bounds a search through the newest transactions: what is in flight is among them.
const lookBack = 1000

// inFlight is the newest pending transaction of a terminal, nil without one.
func (b *book) inFlight(tid string) *Entry {
	return b.newest(tid, Pending)
}

func (b *book) newest(tid string, s State) *Entry {
	for i, n := len(b.order)-1, 0; i >= 0 && n < lookBack; i, n = i-1, n+1 {
		if e := b.order[i]; e.Key.TID == tid && e.State == s {
			return e
		}
	}
	return nil
}

// sameAs tells whether t has the fingerprint of this transaction.
func (e *Entry) sameAs(t *Transaction) bool {
	return e.Function == t.Function && e.Kind == t.Kind && e.Original == t.Original && e.Amount == t.Amount &&
		e.ProcessingCode == t.ProcessingCode && e.Currency == t.Currency && e.Token == t.Token
}
