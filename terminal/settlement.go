package terminal

import (
	"fmt"

	"github.com/posim/posim/transport/dialect"
)

// Settlement is the closing of a batch: in progress it is what a power cut must not forget, and closed it is what the slip says.
type Settlement struct {
	Batch string // six digits
	STAN  string // of the totals; a repeat has the same
	Date  string // MMDD and
	Time  string // hhmmss when they were counted
	Year  int

	Totals dialect.Totals // the terminal's own
	Kinds  []KindTotal    `json:",omitempty"`

	Stage    Stage
	Code     string                   `json:",omitempty"` // of the host's last answer
	Result   dialect.SettlementResult `json:",omitempty"` // domestic, and of all where nobody tells foreign cards apart
	Foreign  dialect.SettlementResult `json:",omitempty"`
	Host     *dialect.Totals          `json:",omitempty"` // the host's, if it has told them
	EndSTAN  string                   `json:",omitempty"` // of the end of the upload; a repeat has the same
	Uploaded int                      `json:",omitempty"` // lines that the host was given

	Carried []Carried `json:",omitempty"` // what was due, and is a person's now
	Failed  []Carried `json:",omitempty"` // offline approvals that the host refused
}

// KindTotal is what a slip says of one kind of transaction.
type KindTotal struct {
	Kind   dialect.Kind
	Count  int
	Amount int64
}

// Carried is a record that a closed batch leaves to a person, or tells of for the last time.
type Carried struct {
	identity
	Amount int64
	Card   string `json:",omitempty"` // masked
	Why    string `json:",omitempty"`
}

// Stage is how far the closing of a batch has come.
type Stage string

// The stages. A closed batch has none.
const (
	StageTotals Stage = "totals" // the totals may have been sent
	StageUpload Stage = "upload" // the host has answered, and lines are to be uploaded
	StageEnd    Stage = "end"    // they are, and the end may have been told
)

// check refuses what this program has not written.
func (s *Settlement) check() error {
	switch {
	case !isBatchNumber(s.Batch):
		return fmt.Errorf("batch %q: want six digits, not all of them 0", s.Batch)
	case !digits(s.STAN, 6) || s.EndSTAN != "" && !digits(s.EndSTAN, 6):
		return fmt.Errorf("STANs %q and %q of a settlement: want six digits", s.STAN, s.EndSTAN)
	case !digits(s.Date, 4) || !digits(s.Time, 6):
		return fmt.Errorf("date %q and time %q of a settlement: want MMDD and hhmmss", s.Date, s.Time)
	case s.Stage != "" && s.Stage != StageTotals && s.Stage != StageUpload && s.Stage != StageEnd:
		return fmt.Errorf("unknown stage %q of a settlement", s.Stage)
	case s.Uploaded < 0:
		return fmt.Errorf("%d lines uploaded", s.Uploaded)
	}
	return nil
}

// Equal tells whether the host's totals are the terminal's.
func (s *Settlement) Equal() bool {
	return s.Result == dialect.SettlementEqual && (s.Foreign == dialect.SettlementEqual || s.Foreign == dialect.SettlementNone)
}
