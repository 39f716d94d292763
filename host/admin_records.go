package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/posim/posim/internal/wal"
)

// LogRecord is a record of a party's log as the admin view shows it: what a trace answers from. Keys of sessions, accounts and what
// else must not leave the data directory are not among them, and neither is what the transaction's JSON leaves out.
type LogRecord struct {
	Number       uint64       `json:"number"` // in the log, from 1
	At           time.Time    `json:"at"`
	Transaction  *Transaction `json:"transaction,omitempty"`
	Postings     []Posting    `json:"postings,omitempty"`
	BusinessDate string       `json:"business_date,omitempty"` // from now on, YYYY-MM-DD
	Batch        *Batch       `json:"batch,omitempty"`
	File         *FileRecord  `json:"file,omitempty"`
	Credit       *BankCredit  `json:"credit,omitempty"`
}

// RecordPage is a part of a party's log.
type RecordPage struct {
	Party   string      `json:"party"`
	Next    uint64      `json:"next"` // to go on with as since
	More    bool        `json:"more"` // there are records behind Next
	Records []LogRecord `json:"records"`
}

// shown is what the admin view shows of a record; ok: anything.
func (r *Record) shown(number uint64) (l LogRecord, ok bool) {
	l = LogRecord{Number: number, At: r.At, Transaction: r.Transaction, Postings: r.Postings, Batch: r.Batch, File: r.File, Credit: r.Credit}
	if t := r.Transaction; t != nil {
		open := *t
		open.Token, open.CardToken, open.Sealed = "", "", nil // what JSON leaves out
		l.Transaction = &open
	}
	if r.Calendar != nil {
		l.BusinessDate = r.Calendar.Date
	}
	return l, l.Transaction != nil || l.BusinessDate != "" || l.Batch != nil || l.File != nil || l.Credit != nil
}

// record is one that says as much, for Recover.
func (l *LogRecord) record() *Record {
	r := &Record{At: l.At, Transaction: l.Transaction, Postings: l.Postings, Batch: l.Batch, File: l.File, Credit: l.Credit}
	if l.BusinessDate != "" {
		r.Calendar = &CalendarRecord{Kind: CalendarDate, Date: l.BusinessDate}
	}
	if t := l.Transaction; t != nil && t.StandIn == StandInDue { // what is sealed was left out, and a log has something there
		sealed := *t
		sealed.Sealed = []byte{0}
		r.Transaction = &sealed
	}
	return r
}

// RecordedParties are the parties whose records the admin view shows.
func RecordedParties() []string { return []string{nameAcquirer, nameSwitch, nameIssuer, nameBank} }

// ReadLog asks for all records of a party and returns them as a log for Recover: with what a trace needs, and without the rest. What
// the party writes meanwhile may be missing.
func ReadLog(ctx context.Context, v AdminView, party string) ([]byte, error) {
	var bodies [][]byte
	total := 0
	for since := uint64(0); ; {
		page, err := v.Records(ctx, party, since)
		if err != nil {
			return nil, err
		}
		for i := range page.Records {
			body := AppendRecord(nil, page.Records[i].record())
			if _, err := DecodeRecord(body); err != nil {
				return nil, fmt.Errorf("host: admin view: %s: record %d: %w", party, page.Records[i].Number, err)
			}
			if total += len(body); total > maxShownLog {
				return nil, errTooMuchLog
			}
			bodies = append(bodies, body)
		}
		if !page.More {
			return wal.Encode(bodies)
		}
		if page.Next <= since {
			return nil, fmt.Errorf("host: admin view: %s: records behind %d go on at %d", party, since, page.Next)
		}
		since = page.Next
	}
}

// Limits of what is shown of a log, in its bytes.
const (
	maxShownLog  = 256 << 20 // all of it: some hundred thousand sales
	maxShownPage = 4 << 20
)

var errTooMuchLog = errors.New("host: the log is too long to be read from a running host: copy its data directory, and read the copy")

// PageOfLog is the part of a log behind its record number since, as the admin view shows it.
func PageOfLog(party string, log []byte, since uint64) (RecordPage, error) {
	page := RecordPage{Party: party, Next: since, Records: []LogRecord{}}
	number, size := uint64(0), 0
	_, err := wal.Recover(LogName, log, func(body []byte) error {
		number++
		switch {
		case number <= since:
			return nil
		case size > 0 && size+len(body) > maxShownPage:
			page.More = true
			return errPageFull
		}
		r, err := DecodeRecord(body)
		if err != nil {
			return err
		}
		size += len(body)
		page.Next = number
		if l, ok := r.shown(number); ok {
			page.Records = append(page.Records, l)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errPageFull) {
		return page, fmt.Errorf("host: %s: %w", party, err)
	}
	return page, nil
}

// errPageFull ends the reading of a log.
var errPageFull = errors.New("host: the page is full")
