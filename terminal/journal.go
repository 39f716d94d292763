package terminal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/internal/wal"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/dialect"
)

// JournalFile is the journal's name on the terminal's disk.
const JournalFile = "journal"

// Limits of the journal.
const (
	maxSTAN    = 999999 // six digits; after it comes 1, unless the batch has used that
	maxRecords = 10000  // a day's sales of a busy till, several times over
	fewSTANs   = 2      // only without UniqueSTAN
)

// Journal is what the terminal remembers across a power cut. Every change is one record, durable before the change is
// acted on. Its methods are the only way to change a Record; each refuses a move that is not forward.
type Journal struct {
	log        *wal.Log
	disk       sim.Disk
	records    []*Record // those that closed batches have left, then those of the batch
	index      map[identity]*Record
	nextSTAN   int
	batch      batch
	keys       *sessionKeys
	people     []person
	paused     bool // what was approved offline is not sent, until somebody says so
	loaded     *loaded
	signatures []signature // that wait
	kept       rules.Set
	moved      func(r *Record, from State)
	closed     func(Settlement, []*Record) // a batch is closed, and these records are dropped; nil: nobody is told

	unreadable bool // a whole record made no sense
}

// entryRecord is one record of the log; exactly one field is set.
type entryRecord struct {
	Sale      *Record      `json:",omitempty"`
	Printed   *identity    `json:",omitempty"` // that sale's receipt is out
	Keys      *sessionKeys `json:",omitempty"`
	STAN      int          `json:",omitempty"` // used up by a message that is no sale
	Uploaded  []identity   `json:",omitempty"` // the host has the lines of these
	Tried     *tried       `json:",omitempty"` // an advice that is still due
	Number    string       `json:",omitempty"` // of the batch, which is empty
	Settling  *Settlement  `json:",omitempty"` // the batch is being closed, and has come so far
	Closed    *Settlement  `json:",omitempty"` // the batch is closed, and another one is open
	Slip      string       `json:",omitempty"` // of this batch the settlement's slip is out
	Person    *person      `json:",omitempty"`
	SAF       *queueState  `json:",omitempty"`
	Open      *openBatch   `json:",omitempty"` // of a compacted journal: what follows is of this batch
	Loaded    *loaded      `json:",omitempty"` // what was downloaded, all of it
	Signature *signature   `json:",omitempty"`
	Signed    *identity    `json:",omitempty"` // that sale's signature needs to wait no longer
}

// identity names a sale of the journal.
type identity struct {
	STAN, Date, Time string
	Year             int
	Batch            string `json:",omitempty"`
}

func (r *Record) identity() identity { return identity{r.STAN, r.Date, r.Time, r.Year, r.Batch} }

// sessionKeys are the session's keys as the host sent them: cryptograms under the terminal master key.
type sessionKeys struct{ DE62 []byte }

// ErrJournal is a journal whose durable records cannot be read.
var ErrJournal = errors.New("terminal: journal damaged")

func openJournal(d sim.Disk, kept rules.Set, moved func(*Record, State)) (*Journal, error) {
	j := newJournal()
	j.disk, j.kept, j.moved = d, kept, moved
	log, err := wal.Open(d, JournalFile, j.apply)
	if errors.Is(err, wal.ErrCorrupt) || j.unreadable {
		return nil, fmt.Errorf("%w: %w", ErrJournal, err)
	}
	if err != nil {
		return nil, fmt.Errorf("terminal: journal: %w", err)
	}
	j.log = log
	return j, nil
}

func newJournal() *Journal {
	return &Journal{nextSTAN: 1, index: map[identity]*Record{}, batch: batch{number: firstBatch, firstSTAN: 1}}
}

// ReadJournal returns the records of a journal's bytes, as a judge reads them. Those of a closed batch are not among them.
func ReadJournal(data []byte) ([]*Record, error) {
	j := newJournal()
	if _, err := wal.Recover(JournalFile, data, j.apply); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return j.records, nil
}

// apply takes one durable record.
func (j *Journal) apply(body []byte) error {
	err := j.take(body)
	j.unreadable = err != nil
	return err
}

func (j *Journal) take(body []byte) error {
	var e entryRecord
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return err
	}
	switch {
	case e.Sale != nil:
		return j.applySale(e.Sale)
	case e.Printed != nil:
		r := j.find(*e.Printed)
		if r == nil {
			return fmt.Errorf("a receipt of no sale")
		}
		r.Printed = true
	case e.Keys != nil:
		j.keys = e.Keys
	case e.STAN > 0:
		return j.use(e.STAN)
	case e.Person != nil:
		return j.applyPerson(e.Person)
	case e.SAF != nil:
		j.paused = e.SAF.Paused
	case e.Loaded != nil:
		j.loaded = e.Loaded
	case e.Signature != nil:
		return j.applySignature(e.Signature)
	case e.Signed != nil:
		j.applySigned(*e.Signed)
	default:
		return j.takeBatch(&e)
	}
	return nil
}

func (j *Journal) applySale(r *Record) error {
	if err := r.check(); err != nil {
		return err
	}
	n, _ := strconv.Atoi(r.STAN) // six digits
	x := j.find(r.identity())
	if !j.ofClosedBatch(x) && (x != nil || j.kept.Kept(rules.DurableSTAN)) { // without T11 a STAN is used up by what follows its record
		if err := j.use(n); err != nil {
			return err
		}
	}
	if x != nil {
		*x = *r
		return nil
	}
	if len(j.records) >= maxRecords {
		return fmt.Errorf("more than %d records", maxRecords)
	}
	j.add(r)
	return nil
}

// find looks for a sale.
func (j *Journal) find(id identity) *Record { return j.index[id] }

func (j *Journal) add(r *Record) {
	j.records = append(j.records, r)
	j.index[r.identity()] = r
}

// put makes one record durable.
func (j *Journal) put(e entryRecord) error {
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("terminal: journal: %w", err)
	}
	if err := j.log.Append(b); err != nil {
		return fmt.Errorf("%w: %w", errStorage, err)
	}
	if err := j.log.Commit(); err != nil {
		return fmt.Errorf("%w: %w", errStorage, err)
	}
	return nil
}

// errStorage is a journal that cannot be written: the terminal stops.
var errStorage = errors.New("terminal: journal not written")

func isStorage(err error) bool { return errors.Is(err, errStorage) }

// Records are the transactions, oldest first. They are the journal's own.
func (j *Journal) Records() []*Record { return j.records }

// takeSTAN returns the next STAN. Who takes it makes it durable before it is used on the wire (T11).
func (j *Journal) takeSTAN() (string, error) {
	if j.batch.usedSTANs >= maxSTAN {
		return "", errBatchFull
	}
	n := j.nextSTAN
	j.batch.usedSTANs++
	j.nextSTAN = n%maxSTAN + 1
	if !j.kept.Kept(rules.UniqueSTAN) {
		n = (n-1)%fewSTANs + 1
	}
	return sixDigits(n), nil
}

// sixDigits writes a STAN or a batch number.
func sixDigits(n int) string { return fmt.Sprintf("%06d", n) }

// takeServiceSTAN returns a STAN for a message that is no sale, durably used up.
func (j *Journal) takeServiceSTAN() (string, error) {
	stan, err := j.takeSTAN()
	if err != nil {
		return "", err
	}
	return stan, j.put(entryRecord{STAN: (j.nextSTAN+maxSTAN-2)%maxSTAN + 1}) // the one before the next
}

func (j *Journal) full() bool { return len(j.records) >= maxRecords || j.batch.usedSTANs >= maxSTAN }

// storeKeys keeps the session's keys.
func (j *Journal) storeKeys(k *sessionKeys) error {
	if err := j.put(entryRecord{Keys: k}); err != nil {
		return err
	}
	j.keys = k
	return nil
}

// begin writes a new record in its first state.
func (j *Journal) begin(r *Record, s State) error {
	if err := allowed("", s); err != nil {
		return err
	}
	r.State = s
	if err := j.put(entryRecord{Sale: r}); err != nil {
		return err
	}
	j.add(r)
	j.moved(r, "")
	return nil
}

// move changes a record by f and moves it, in one durable write (T2).
func (j *Journal) move(r *Record, to State, f func(n *Record)) error {
	from := r.State
	if err := allowed(from, to); err != nil {
		return fmt.Errorf("%w of %s", err, r)
	}
	n := *r
	if f != nil {
		f(&n)
	}
	if !j.kept.Kept(rules.OneWrite) { // T2 left out: first the record goes, then the new one comes
		n.State = erased
		if err := j.put(entryRecord{Sale: &n}); err != nil {
			return err
		}
	}
	n.State = to
	if err := j.put(entryRecord{Sale: &n}); err != nil {
		return err
	}
	*r = n
	j.moved(r, from)
	return nil
}

func allowed(from, to State) error {
	if slices.Contains(moves[from], to) {
		return nil
	}
	return fmt.Errorf("terminal: journal: move %s -> %s refused", from, to) // our bug: it stops the terminal
}

func (j *Journal) pending(r *Record) error { return j.begin(r, Pending) }

// offlineApproved makes a line of the batch, and an advice that is due, in one write (D2).
func (j *Journal) offlineApproved(r *Record) error {
	if !j.kept.Kept(rules.OneWrite) {
		line := *r
		line.State = Approved
		if err := j.put(entryRecord{Sale: &line}); err != nil {
			return err
		}
	}
	return j.begin(r, AdviceDue)
}

func (j *Journal) approved(r *Record, f func(*Record)) error { return j.move(r, Approved, f) }

func (j *Journal) declined(r *Record, code string) error {
	return j.move(r, Declined, func(n *Record) { n.Code = code })
}

// reversalDue takes the first reason; later ones do not replace it. answer may be nil.
func (j *Journal) reversalDue(r *Record, reason, why string, answer *dialect.Message) error {
	return j.move(r, ReversalDue, func(n *Record) {
		n.Reason, n.Why = reason, why
		if answer != nil {
			n.Auth, n.RRN = answer.AuthorizationIDResponse, answer.RetrievalReferenceNumber
		}
	})
}

// adoptLate is what rule T5 forbids: an answer that came too late approves what is being reversed.
func (j *Journal) adoptLate(r *Record, code string) error {
	r.State = Pending // as if the reversal had never been due
	return j.move(r, Approved, func(n *Record) { n.Code = code })
}

// reverseAdvice is what rule D5 forbids: what has happened is reversed.
func (j *Journal) reverseAdvice(r *Record) error {
	r.State = Pending // as if it had been asked for
	return j.reversalDue(r, dialect.ReasonNoAnswer, "", nil)
}

// reversed takes the acknowledgement's meaning.
func (j *Journal) reversed(r *Record, to State) error { return j.move(r, to, nil) }

func (j *Journal) advised(r *Record, auth, rrn string) error {
	return j.accepted(r, func(n *Record) { n.Auth, n.RRN, n.Sealed = auth, rrn, nil })
}

// accepted takes what the host said about an advice with f.
func (j *Journal) accepted(r *Record, f func(*Record)) error { return j.move(r, Advised, f) }

func (j *Journal) refused(r *Record, code string) error {
	return j.move(r, Refused, func(n *Record) { n.Code, n.Sealed = code, nil })
}

// park sets a record aside for a person; nothing is sent for it any more.
func (j *Journal) park(r *Record, code string) error {
	return j.move(r, Parked, func(n *Record) { n.Code = code })
}

// printed remembers that the receipt is out: a flag, not a move.
func (j *Journal) printed(r *Record) error {
	id := r.identity()
	if err := j.put(entryRecord{Printed: &id}); err != nil {
		return err
	}
	r.Printed = true
	return nil
}

// first returns the oldest record in a state.
func (j *Journal) first(s State) *Record {
	for _, r := range j.records {
		if r.State == s {
			return r
		}
	}
	return nil
}

func (j *Journal) count(s State) (n int) {
	for _, r := range j.records {
		if r.State == s {
			n++
		}
	}
	return n
}
