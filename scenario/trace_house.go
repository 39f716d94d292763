package scenario

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// Dossier is what the records of one house say, joined: what a trace answers from. It changes nothing.
type Dossier struct {
	books    []*terminal.Books
	views    map[string]*host.View
	records  map[*host.Entry][][]byte // of each, as they stand in its log: what was when is read only of what is asked about
	changes  map[*host.Entry][]change // of a running house, which tells no records
	closings map[terminalOf][]closing
	credits  map[string][]credit // what the bank has made of an order
	all      []*transaction
	families map[*transaction]*family
	owner    map[*transaction]int // which journal
	date     string               // the business date; "" if no calendar has moved
	last     time.Time            // of the newest record
}

// The parties in the order in which a transaction's entries stand.
var chain = [...]string{"acquirer", "switch", "issuer"}

type terminalOf struct{ mid, tid string }

// The merchants' bank is a party, and on no transaction's way.
const partyBank = "bank"

// credit is what became of an order at the bank, and when.
type credit struct {
	at time.Time
	host.BankCredit
}

// closing is the end of a batch at the acquirer.
type closing struct {
	at    time.Time
	batch host.Batch
}

// change is one record about a transaction: the image before it and the one that it makes.
type change struct {
	at     time.Time
	party  string
	before host.Transaction // the zero Transaction: none
	after  host.Transaction
	posts  []host.Posting
	order  *host.FileLine // of a payout file: nothing else has changed
}

// Read reads the records. A torn one at the end of a store is left out; damage before it is an error.
func (s *Stores) Read() (*Dossier, error) {
	e := &Dossier{views: map[string]*host.View{}, records: map[*host.Entry][][]byte{}, closings: map[terminalOf][]closing{}, credits: map[string][]credit{}}
	for _, j := range s.Journals {
		b, err := terminal.ReadBooks(j.Data)
		if err != nil {
			return nil, placed(j, err)
		}
		e.books = append(e.books, b)
	}
	for _, l := range s.Logs {
		if err := e.readLog(l); err != nil {
			return nil, placed(l, err)
		}
	}
	e.join()
	return e, nil
}

func placed(s Store, err error) error {
	if s.Place == "" {
		return fmt.Errorf("scenario: %s: %w", s.Party, err)
	}
	return fmt.Errorf("scenario: %s: %w", s.Place, err)
}

// readLog reads a log, and keeps where the records of each transaction are.
func (e *Dossier) readLog(s Store) error {
	var ordered []func(*host.View)
	v, err := host.RecoverEach(s.Data, func(body []byte, r *host.Record, entry *host.Entry) {
		if r.At.After(e.last) {
			e.last = r.At
		}
		if r.Calendar != nil && r.Calendar.Date > e.date {
			e.date = r.Calendar.Date
		}
		if b := r.Batch; b != nil && b.State == host.BatchClosed {
			k := terminalOf{b.MID, b.TID}
			e.closings[k] = append(e.closings[k], closing{r.At, *b})
		}
		if c := r.Credit; c != nil {
			e.credits[c.Order] = append(e.credits[c.Order], credit{r.At, *c})
		}
		if f := r.File; f != nil && f.Kind == host.FilePayout && f.State == host.FileDue && s.Party != partyBank {
			ordered = append(ordered, func(v *host.View) { e.orderedBy(v, f, body) })
		}
		if entry != nil {
			e.records[entry] = append(e.records[entry], body)
		}
	})
	if err != nil {
		return err
	}
	for _, f := range ordered {
		f(v)
	}
	e.views[s.Party] = v
	return nil
}

// orderedBy keeps the record of a payout file with each transaction that it pays.
func (e *Dossier) orderedBy(v *host.View, f *host.FileRecord, body []byte) {
	for i := range f.Lines {
		if entry := v.Find(f.Lines[i].Key); entry != nil {
			e.records[entry] = append(e.records[entry], body)
		}
	}
}

// changesOf is what the records of an entry have changed, one after the other.
func (e *Dossier) changesOf(party string, entry *host.Entry) []change {
	if e.records == nil {
		return e.changes[entry]
	}
	all := make([]change, 0, len(e.records[entry]))
	var now host.Transaction
	for _, body := range e.records[entry] {
		r, err := host.DecodeRecord(body)
		if err != nil {
			continue // it was read before
		}
		if r.Transaction == nil {
			all = append(all, change{at: r.At, party: party, order: lineOf(r.File, entry.Key)})
			continue
		}
		all = append(all, change{at: r.At, party: party, before: now, after: *r.Transaction, posts: r.Postings})
		now = *r.Transaction
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].at.Before(all[j].at) })
	return all
}

// lineOf is a transaction's line in a file.
func lineOf(f *host.FileRecord, k dialect.Key) *host.FileLine {
	for i := range f.Lines {
		if f.Lines[i].Key == k {
			return &f.Lines[i]
		}
	}
	return &host.FileLine{}
}

// DossierOf is what a running house believes. What was when is told as far as its entries say it.
func DossierOf(acquirer, swtch, issuer *host.View) *Dossier {
	e := &Dossier{views: map[string]*host.View{}, changes: map[*host.Entry][]change{}, closings: map[terminalOf][]closing{}}
	for i, v := range []*host.View{acquirer, swtch, issuer} {
		if v == nil {
			continue
		}
		e.views[chain[i]] = v
		e.date = max(e.date, v.BusinessDate)
		for _, entry := range v.Transactions {
			e.changes[entry] = []change{{at: entry.Opened, party: chain[i], after: host.Transaction{State: host.Pending, Kind: entry.Kind}}}
			if entry.State == host.Pending {
				continue
			}
			e.changes[entry] = append(e.changes[entry], change{at: entry.Changed, party: chain[i], before: host.Transaction{State: host.Pending, Kind: entry.Kind}, after: entry.Transaction, posts: entry.Postings})
			if entry.Changed.After(e.last) {
				e.last = entry.Changed
			}
		}
		for _, b := range v.Batches {
			if b.State == host.BatchClosed {
				k := terminalOf{b.MID, b.TID}
				e.closings[k] = append(e.closings[k], closing{time.Time{}, *b})
			}
		}
	}
	e.join()
	return e
}

// join makes one transaction of what everybody has of it: the hosts' entries by their key, and the terminals' records, which have
// no terminal's number in them, by what else is in the key and by what they are about.
func (e *Dossier) join() {
	byKey := map[dialect.Key]*transaction{}
	byNumber := map[dialect.Key][]*transaction{} // without MID and TID
	for i, party := range chain {
		v := e.views[party]
		if v == nil {
			continue
		}
		for _, entry := range v.Transactions {
			t := byKey[entry.Key]
			if t == nil {
				t = &transaction{key: entry.Key, entries: make([]*host.Entry, len(chain))}
				byKey[entry.Key] = t
				k := entry.Key
				k.MID, k.TID = "", ""
				byNumber[k] = append(byNumber[k], t)
				e.all = append(e.all, t)
			}
			t.entries[i] = entry
		}
	}
	e.owner = map[*transaction]int{}
	for i, b := range e.books {
		home := homeOf(b, byNumber)
		for _, rec := range b.Records {
			t := claimed(rec, byNumber[numberOf(rec)], home)
			if t == nil {
				t = &transaction{key: numberOf(rec), entries: make([]*host.Entry, len(chain))}
				t.key.MID, t.key.TID = home.mid, home.tid
				e.all = append(e.all, t)
			}
			t.record, e.owner[t] = rec, i
		}
	}
	for _, t := range e.all {
		t.debit = t.toldDebit()
	}
	sort.SliceStable(e.all, func(i, j int) bool { return e.all[i].opened().Before(e.all[j].opened()) })
	e.families = make(map[*transaction]*family, len(e.all))
	for _, f := range families(e.all) {
		for _, t := range f.members {
			e.families[t] = f
		}
	}
}

// numberOf is what a record knows of its key.
func numberOf(r *terminal.Record) dialect.Key {
	if r.Batch != "" {
		return dialect.Key{STAN: r.STAN, Batch: r.Batch}
	}
	return dialect.Key{STAN: r.STAN, Date: r.Date, Time: r.Time}
}

// homeOf is the terminal that a journal is of: whose numbers most of its records have.
func homeOf(b *terminal.Books, byNumber map[dialect.Key][]*transaction) (home terminalOf) {
	votes := map[terminalOf]int{}
	for _, rec := range b.Records {
		for _, t := range byNumber[numberOf(rec)] {
			if oneTransaction(rec, t) {
				votes[terminalOf{t.key.MID, t.key.TID}]++
			}
		}
	}
	if len(votes) == 0 { // a box that has done nothing yet but what was refused for its number
		for _, rec := range b.Records {
			for _, t := range byNumber[numberOf(rec)] {
				votes[terminalOf{t.key.MID, t.key.TID}]++
			}
		}
	}
	for k, n := range votes {
		if best := votes[home]; n > best || n == best && (k.mid+k.tid < home.mid+home.tid) {
			home = k
		}
	}
	return home
}

// claimed is the transaction that a record is about, of those with its numbers; nil: none of them.
func claimed(r *terminal.Record, all []*transaction, home terminalOf) *transaction {
	for _, t := range all {
		if t.record == nil && (terminalOf{t.key.MID, t.key.TID}) == home && oneTransaction(r, t) {
			return t
		}
	}
	return nil
}

// oneTransaction tells whether a record and what hosts have under its numbers are one transaction: a number that was used again is another
// amount, or another card.
func oneTransaction(r *terminal.Record, t *transaction) bool {
	for _, e := range t.entries {
		if e == nil || e.State == host.Tombstone {
			continue
		}
		if r.Code == codeUsed || e.Card != "" && r.Card != "" && e.Card != r.Card {
			return false
		}
		if r.RRN != "" && e.RetrievalReferenceNumber != "" && r.RRN != e.RetrievalReferenceNumber {
			return false
		}
	}
	return true
}

// codeUsed is the answer to a number that stands for something else already.
const codeUsed = "94"

// opened is when the transaction began, as far as anybody knows.
func (t *transaction) opened() time.Time {
	if r := t.record; r != nil {
		if at, err := time.Parse("20060102150405", fmt.Sprintf("%04d%s%s", r.Year, r.Date, r.Time)); err == nil {
			return at
		}
	}
	var first time.Time
	for _, e := range t.entries {
		if e != nil && (first.IsZero() || e.Opened.Before(first)) {
			first = e.Opened
		}
	}
	if t.key.Date != "" { // the terminal's clock; of the year a key says nothing
		at, err := time.Parse("20060102150405", fmt.Sprintf("%04d%s%s", first.Year(), t.key.Date, t.key.Time))
		if err == nil && at.Sub(first) > halfYear {
			at = at.AddDate(-1, 0, 0)
		}
		if err == nil {
			return at
		}
	}
	return first
}

const halfYear = 180 * 24 * time.Hour

// history is what hosts have written about a transaction, in time.
func (e *Dossier) history(t *transaction) (all []change) {
	for i, entry := range t.entries {
		if entry != nil {
			all = append(all, e.changesOf(chain[i], entry)...)
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].at.Before(all[j].at) })
	return all
}

// closed is the closing of the batch that the transaction was in; nil: none yet, or nobody knows.
func (e *Dossier) closed(t *transaction) *closing {
	for _, c := range e.closings[terminalOf{t.key.MID, t.key.TID}] {
		if t.key.Batch == c.batch.Number || t.key.Batch == "" && (c.at.IsZero() || t.opened().Before(c.at)) {
			return &c
		}
	}
	return nil
}

// left is what a closed batch has left of a transaction that is no longer in the journal; nil: nothing.
func (e *Dossier) left(t *transaction) (c *terminal.Carried, failed bool) {
	for _, b := range e.books {
		if b.Last == nil {
			continue
		}
		for i := range b.Last.Failed {
			if c := &b.Last.Failed[i]; t.named(c) {
				return c, true
			}
		}
		for i := range b.Last.Carried {
			if c := &b.Last.Carried[i]; t.named(c) {
				return c, false
			}
		}
	}
	return nil, false
}

func (t *transaction) named(c *terminal.Carried) bool {
	return c.STAN == t.key.STAN && (t.key.Batch != "" && c.Batch == t.key.Batch || t.key.Batch == "" && c.Date == t.key.Date && c.Time == t.key.Time)
}

// card is the card as receipts have it.
func (t *transaction) card() string {
	if t.record != nil && t.record.Card != "" {
		return t.record.Card
	}
	for _, e := range t.entries {
		if e != nil && e.Card != "" {
			return e.Card
		}
	}
	return ""
}

// currency is the ISO 4217 number.
func (t *transaction) currency() string {
	if t.record != nil && t.record.Currency != "" {
		return strings.TrimLeft(t.record.Currency, "0")
	}
	for _, e := range t.entries {
		if e != nil && e.Currency != "" {
			return strings.TrimLeft(e.Currency, "0")
		}
	}
	return ""
}
