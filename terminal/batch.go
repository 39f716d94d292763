package terminal

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/posim/posim/transport/dialect"
)

// A batch is what a terminal has done since it settled last. Every terminal numbers its batches; whether messages carry the
// number, and transactions are told apart by it, is the dialect's matter.

// firstBatch is a new terminal's.
const firstBatch = "000001"

// batch is where the present one begins, and how far it has come.
type batch struct {
	number    string // six digits
	from      int    // the index of its first record: what stands before it is left of closed ones
	firstSTAN int
	usedSTANs int // from firstSTAN on, over 999999 to 000001 if need be: none comes twice in a batch
	settling  *Settlement
	last      *Settlement // that of the batch before
	slip      bool        // and its slip is out
	stale     bool        // the file holds what a closed batch has dropped,
	dropped   []*Record   // these
}

// openBatch begins a batch in a compacted journal.
type openBatch struct {
	Number string
	STAN   int         // its first
	Last   *Settlement `json:",omitempty"` // of the batch before
	Slip   bool        `json:",omitempty"` // and its slip is out
}

// after is the number of the batch after this one: after 999999 comes 000001.
func after(number string) string {
	n, _ := strconv.Atoi(number) // six digits
	return fmt.Sprintf("%06d", n%maxSTAN+1)
}

func isBatchNumber(s string) bool { return digits(s, 6) && s != "000000" }

// use takes note that a STAN of this batch has been used.
func (j *Journal) use(stan int) error {
	if stan < 1 || stan > maxSTAN {
		return fmt.Errorf("STAN %d: want 1 to %d", stan, maxSTAN)
	}
	b := &j.batch
	if n := (stan-b.firstSTAN+maxSTAN)%maxSTAN + 1; n > b.usedSTANs {
		b.usedSTANs, j.nextSTAN = n, stan%maxSTAN+1
	}
	return nil
}

// inBatch are the records of the present batch, oldest first.
func (j *Journal) inBatch() []*Record { return j.records[j.batch.from:] }

// left are the records of closed batches that something is still to be done about.
func (j *Journal) left() []*Record { return j.records[:j.batch.from] }

// ofClosedBatch tells whether r is left of a closed batch.
func (j *Journal) ofClosedBatch(r *Record) bool {
	return r != nil && slices.Contains(j.left(), r) // a few at most
}

// takeBatch applies what a journal's record says about its batch.
func (j *Journal) takeBatch(e *entryRecord) error {
	b := &j.batch
	switch {
	case len(e.Uploaded) > 0:
		return j.applyUploaded(e.Uploaded)
	case e.Tried != nil:
		return j.applyTried(e.Tried)
	case e.Number != "":
		if !isBatchNumber(e.Number) {
			return fmt.Errorf("batch number %q: want six digits, not all of them 0", e.Number)
		}
		b.number = e.Number
	case e.Settling != nil:
		b.settling = e.Settling
		return b.settling.check()
	case e.Closed != nil:
		if err := e.Closed.check(); err != nil {
			return err
		}
		j.applyClosed(e.Closed)
	case e.Slip != "":
		b.slip = b.last != nil && b.last.Batch == e.Slip
	case e.Open != nil:
		return j.applyOpen(e.Open)
	default:
		return fmt.Errorf("a record of nothing")
	}
	return nil
}

func (j *Journal) applyUploaded(ids []identity) error {
	for _, id := range ids {
		r := j.find(id)
		if r == nil {
			return fmt.Errorf("a line of no sale")
		}
		r.Uploaded = true
	}
	return nil
}

// applyOpen begins the batch of a compacted journal: the records before it are of closed ones.
func (j *Journal) applyOpen(o *openBatch) error {
	if !isBatchNumber(o.Number) || o.STAN < 1 || o.STAN > maxSTAN {
		return fmt.Errorf("batch %q from STAN %d: want six digits, and a STAN of at most six", o.Number, o.STAN)
	}
	if o.Last != nil {
		if err := o.Last.check(); err != nil {
			return err
		}
	}
	j.batch = batch{number: o.Number, from: len(j.records), firstSTAN: o.STAN, last: o.Last, slip: o.Slip}
	j.nextSTAN = o.STAN
	return nil
}

// applyClosed ends the batch: what is at rest goes, and the numbers go on.
func (j *Journal) applyClosed(s *Settlement) {
	dropped := j.batch.dropped
	carried := map[identity]string{}
	for _, c := range s.Carried {
		carried[c.identity] = c.Why
	}
	var left []*Record
	for i, r := range j.records {
		if why, ok := carried[r.identity()]; ok {
			r.State, r.Parking = Parked, why
		}
		if r.outlives(i < j.batch.from) {
			left = append(left, r)
			continue
		}
		dropped = append(dropped, r)
		delete(j.index, r.identity())
	}
	j.records = left
	j.batch = batch{number: after(s.Batch), from: len(left), firstSTAN: j.nextSTAN, last: s, stale: true, dropped: dropped}
}

// outlives tells whether a record stays when its batch is closed, or (again) the batch after it: as long as something is to be
// sent for it, or a receipt is owed. What is for a person stays for one batch more.
func (r *Record) outlives(again bool) bool {
	switch r.State {
	case Pending, ReversalDue, AdviceDue, Torn:
		return true
	case Parked, Unresolved:
		return !again
	}
	return r.owedReceipt() && !r.Printed
}

// adoptBatch takes the number that a host gives, which only an empty batch may.
func (j *Journal) adoptBatch(number string) error {
	if err := j.put(entryRecord{Number: number}); err != nil {
		return err
	}
	j.batch.number = number
	return nil
}

// settling keeps how far the closing of the batch has come.
func (j *Journal) settling(s *Settlement) error {
	if err := j.put(entryRecord{Settling: s}); err != nil {
		return err
	}
	j.batch.settling = s
	return nil
}

// uploaded remembers that the host has the lines of these records: a flag, not a move.
func (j *Journal) uploaded(records []*Record) error {
	ids := make([]identity, len(records))
	for i, r := range records {
		ids[i] = r.identity()
	}
	if err := j.put(entryRecord{Uploaded: ids}); err != nil {
		return err
	}
	for _, r := range records {
		r.Uploaded = true
	}
	return nil
}

// closeBatch ends the batch in one durable write. Then the journal is compacted.
func (j *Journal) closeBatch(s *Settlement) error {
	var from []State
	var carried []*Record
	for _, c := range s.Carried {
		if r := j.find(c.identity); r != nil {
			carried, from = append(carried, r), append(from, r.State)
		}
	}
	if err := j.put(entryRecord{Closed: s}); err != nil {
		return err
	}
	j.applyClosed(s)
	for i, r := range carried {
		j.moved(r, from[i])
	}
	return j.compact()
}

// slipPrinted remembers that the settlement's slip is out.
func (j *Journal) slipPrinted() error {
	if err := j.put(entryRecord{Slip: j.batch.last.Batch}); err != nil {
		return err
	}
	j.batch.slip = true
	return nil
}

// totals counts the batch. home is the scheme of domestic cards; "": every one is.
func (j *Journal) totals(home string) (t dialect.Totals) {
	for _, l := range j.lines() {
		foreign := home != "" && l.Scheme != "" && l.Scheme != home
		at := &t.Debits
		switch {
		case l.side() == debit && foreign:
			at = &t.ForeignDebits
		case l.side() == credit && foreign:
			at = &t.ForeignCredits
		case l.side() == credit:
			at = &t.Credits
		}
		at.Count++
		at.Amount += l.amount
	}
	return t
}

// line is a record that counts in its batch, with the amount that an adjustment may have put in the place of its own.
type line struct {
	*Record
	amount int64
}

// lines are what counts in the batch (decisions: "Totals"): what stands, and is debit or credit. A voided sale stands beside
// its void.
func (j *Journal) lines() (lines []line) {
	adjusted := map[*Record]int64{}
	for _, r := range j.inBatch() {
		if r.Kind == dialect.KindTipAdjust && r.InBatch() {
			if x := j.originalOf(r); x != nil {
				adjusted[x] = r.Amount
			}
		}
	}
	for _, r := range j.inBatch() {
		if !r.InBatch() || r.side() == neither {
			continue
		}
		l := line{r, r.Amount}
		if a, ok := adjusted[r]; ok {
			l.amount = a
		}
		lines = append(lines, l)
	}
	return lines
}

// originalOf is the record of the batch that r names; nil if there is none.
func (j *Journal) originalOf(r *Record) *Record {
	o := r.Original
	if o == nil || o.STAN == "" {
		return nil
	}
	for _, x := range j.inBatch() {
		if x.STAN == o.STAN && x != r && (o.Batch == "" || o.Batch == x.Batch) && (o.Batch != "" || o.Time == "" || o.Time == x.Time) {
			return x
		}
	}
	return nil
}
