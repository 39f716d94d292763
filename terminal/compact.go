package terminal

import (
	"encoding/json"
	"fmt"

	"github.com/posim/posim/internal/wal"
)

// A journal only grows, until a batch is closed: then it is written anew, with what is left. The closing itself is one record
// of the old journal, so a power cut before, during or after the rewriting changes nothing but the file's length.

// compact writes the journal anew, in one durable write, if it holds what a closed batch has dropped. Whoever wants to know what
// that is, is told before.
func (j *Journal) compact() error {
	if !j.batch.stale {
		return nil
	}
	if j.closed != nil {
		j.closed(*j.batch.last, j.batch.dropped)
	}
	var bodies [][]byte
	for _, e := range j.entries() {
		b, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("terminal: journal: %w", err)
		}
		bodies = append(bodies, b)
	}
	log, err := wal.Rewrite(j.disk, JournalFile, bodies)
	if err != nil {
		return fmt.Errorf("%w: %w", errStorage, err)
	}
	_ = j.log.Close() // the old file: nobody reads it any more
	j.log, j.batch.stale, j.batch.dropped = log, false, nil
	return nil
}

// entries are the records of a journal that say all that this one says, and no more.
func (j *Journal) entries() (all []entryRecord) {
	for _, r := range j.left() {
		all = append(all, entryRecord{Sale: r})
	}
	b := &j.batch
	all = append(all, entryRecord{Open: &openBatch{Number: b.number, STAN: b.firstSTAN, Last: b.last, Slip: b.slip}})
	if j.keys != nil {
		all = append(all, entryRecord{Keys: j.keys})
	}
	for i := range j.people {
		all = append(all, entryRecord{Person: &j.people[i]})
	}
	if j.paused {
		all = append(all, entryRecord{SAF: &queueState{Paused: true}})
	}
	if j.loaded != nil {
		all = append(all, entryRecord{Loaded: j.loaded})
	}
	for i := range j.signatures {
		all = append(all, entryRecord{Signature: &j.signatures[i]})
	}
	for _, r := range j.inBatch() {
		all = append(all, entryRecord{Sale: r})
	}
	if b.usedSTANs > 0 {
		all = append(all, entryRecord{STAN: (j.nextSTAN+maxSTAN-2)%maxSTAN + 1})
	}
	if b.settling != nil {
		all = append(all, entryRecord{Settling: b.settling})
	}
	return all
}
