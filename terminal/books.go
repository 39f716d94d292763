package terminal

import (
	"fmt"

	"github.com/posim/posim/internal/wal"
	"github.com/posim/posim/transport/dialect"
)

// Books are what a journal's bytes say, as a judge reads them.
type Books struct {
	Records  []*Record      // of the present batch, and what is left of closed ones, oldest first
	Left     int            // how many of Records are left of closed ones
	Batch    string         // its number, six digits
	Totals   dialect.Totals // of the present batch
	Settling *Settlement    // its closing in progress; nil: none
	Last     *Settlement    // that of the batch before; nil: none was closed
	Paused   bool           // nothing that is due is sent before somebody wants it
}

// ReadBooks reads the bytes of a journal.
func ReadBooks(data []byte) (*Books, error) {
	j := newJournal()
	if _, err := wal.Recover(JournalFile, data, j.apply); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return &Books{
		Records: j.records, Left: j.batch.from, Batch: j.batch.number, Totals: j.totals(""), Settling: j.batch.settling, Last: j.batch.last, Paused: j.paused,
	}, nil
}
