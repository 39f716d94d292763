package host

import (
	"errors"
	"fmt"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// Hosts hand each other files outside the lines: what to pay, what became of it, what was cleared. A file is durable at its
// sender before anybody sees it, under an ID that the sender never gives again. Whoever takes it stores what it did and that it
// has it, and says so with a receipt; a file that comes twice does nothing but get another receipt. What has no durable receipt
// is handed out again at the sender's boot and at every move of its calendar. So a file that is lost, late or doubled on its way
// neither loses what it is about nor does it twice.

// FileKind says what a file is about.
type FileKind byte

// The kinds of files.
const (
	FileReceipt       FileKind = iota + 1 // its ID is that of the file that has come
	FilePayout                            // acquirer to bank: what merchants are to be paid
	FilePayoutResult                      // bank to acquirer: what became of a payout file
	FileClearing                          // switch to acquirer: what it has of a day
	FileAdjustment                        // acquirer or switch to issuer: what goes back to a cardholder
	FileClaim                             // acquirer to issuer: what is asked for
	FileClaimAnswer                       // issuer to acquirer: what it says to that
	FileChargeBack                        // issuer to acquirer: what is taken back
	FileRepresentment                     // acquirer to issuer: what is asked for once more, with its slip
	FilePassOn                            // acquirer to aggregator: what it has been paid for whom
	FilePassedOn                          // aggregator to acquirer: what it has paid
	fileKinds
)

var fileKindNames = [...]string{"none", "receipt", "payout", "payout-result", "clearing", "adjustment", "claim", "claim-answer", "charge-back",
	"representment", "pass-on", "passed-on"}

// String names the kind, as a fault's event does.
func (k FileKind) String() string { return named(fileKindNames[:], byte(k)) }

// MarshalText is String.
func (k FileKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (k *FileKind) UnmarshalText(b []byte) error { return unnamed(fileKindNames[:], b, (*byte)(k)) }

// FileKinds lists the names of all kinds, in their order.
func FileKinds() []string { return append([]string(nil), fileKindNames[1:]...) }

// File is what one host hands another. It is never changed once it is made, so that both may keep it.
type File struct {
	ID    string     `json:"id"` // the sender's, never given again
	Kind  FileKind   `json:"kind"`
	From  string     `json:"from"` // names of parties
	To    string     `json:"to"`
	Date  string     `json:"date"`            // the sender's business date, YYYY-MM-DD
	Part  int        `json:"part,omitempty"`  // clearing: which of a day's files it is, from 1
	Parts int        `json:"parts,omitempty"` // clearing: how many the day has
	Lines []FileLine `json:"lines,omitempty"`
}

// FileLine is about one transaction. Which of the fields a kind of file uses is its own affair.
type FileLine struct {
	Key     dialect.Key  `json:"key"`
	Kind    dialect.Kind `json:"kind,omitempty"`
	Amount  int64        `json:"amount,omitempty"` // minor units, 0 or more
	Fee     int64        `json:"fee,omitempty"`    // minor units, 0 or more
	Debit   bool         `json:"debit,omitempty"`  // the amount is taken from the merchant
	Card    string       `json:"card,omitempty"`   // masked
	RRN     string       `json:"rrn,omitempty"`
	Order   string       `json:"order,omitempty"`   // payout: the lines of one merchant's payout have one
	Account string       `json:"account,omitempty"` // payout: the merchant's, at the bank
	Result  string       `json:"result,omitempty"`  // a word
	Reason  string       `json:"reason,omitempty"`
	FeeOf   int64        `json:"fee_of,omitempty"`   // payout: minor units that the fee is of, 0 or more
	FeePlan string       `json:"fee_plan,omitempty"` // payout
}

// FileState is where a file stands at one of its two parties.
type FileState byte

// The states of a file.
const (
	FileDue       FileState = iota + 1 // sent, and there is no receipt
	FileDelivered                      // sent, and the receipt has come
	FileTaken                          // received, and what it asks for is done
)

var fileStateNames = [...]string{"none", "due", "delivered", "taken"}

// String names the state.
func (s FileState) String() string { return named(fileStateNames[:], byte(s)) }

// MarshalText is String.
func (s FileState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *FileState) UnmarshalText(b []byte) error { return unnamed(fileStateNames[:], b, (*byte)(s)) }

// FileRecord is a file as one of its parties keeps it. Lines are there as long as it is due: the sender hands them out again.
type FileRecord struct {
	File
	State FileState `json:"state"`
}

// Limits of a file.
const (
	maxFileLines = 1000 // of about 200 bytes, far below what a record holds; a sender with more makes more files
	maxFileText  = 128  // bytes of an ID and of a line's texts
)

// check refuses a file that no party makes.
func (f *File) check() error {
	switch {
	case f.ID == "" || len(f.ID) > maxFileText || f.From == "" || f.To == "" || f.From == f.To:
		return fmt.Errorf("file %.20q from %.20q to %.20q: want an ID and two parties", f.ID, f.From, f.To)
	case f.Kind < FileReceipt || f.Kind >= fileKinds:
		return fmt.Errorf("file %s of kind %d: unknown", f.ID, f.Kind)
	case len(f.Lines) > maxFileLines:
		return fmt.Errorf("file %s of %d lines: want at most %d", f.ID, len(f.Lines), maxFileLines)
	}
	if f.Part < 0 || f.Part > f.Parts || f.Part == 0 && f.Parts > 0 {
		return fmt.Errorf("file %s: part %d of %d: want one of them", f.ID, f.Part, f.Parts)
	}
	if _, err := time.Parse(dateForm, f.Date); err != nil {
		return fmt.Errorf("file %s: date %.20q: want YYYY-MM-DD", f.ID, f.Date)
	}
	for i := range f.Lines {
		l := &f.Lines[i]
		if err := l.check(); err != nil {
			return fmt.Errorf("file %s: line %d: %w", f.ID, i+1, err)
		}
		if f.Kind == FilePayout && (l.Order == "" || l.Account == "" || l.Amount == 0) {
			return fmt.Errorf("file %s: line %d: order %q to account %q of %d: want all three", f.ID, i+1, l.Order, l.Account, l.Amount)
		}
	}
	return nil
}

func (l *FileLine) check() error {
	switch {
	case l.Key.TID == "" || l.Key.STAN == "":
		return errors.New("no terminal or trace number")
	case l.Amount < 0 || l.Amount > maxRecorded || l.Fee < 0 || l.Fee > maxRecorded || l.FeeOf < 0 || l.FeeOf > maxRecorded:
		return fmt.Errorf("amount %d, fee %d of %d: want 0 to 2^53", l.Amount, l.Fee, l.FeeOf)
	case l.Kind != dialect.KindNone && l.Kind.String() == dialect.KindNone.String():
		return fmt.Errorf("kind %d: unknown", l.Kind)
	case l.Card != "" && !masked(l.Card):
		return errors.New("card number is not masked")
	}
	for _, s := range []string{l.RRN, l.Order, l.Account, l.Result, l.Reason, l.FeePlan} {
		if len(s) > maxFileText {
			return fmt.Errorf("text of %d bytes: want at most %d", len(s), maxFileText)
		}
	}
	return nil
}

func (r *FileRecord) check() error {
	if r.State < FileDue || r.State > FileTaken {
		return fmt.Errorf("file %.20q in state %d: unknown", r.ID, r.State)
	}
	if r.State != FileDue && len(r.Lines) > 0 {
		return fmt.Errorf("file %.20q is %v and has lines", r.ID, r.State)
	}
	return r.File.check()
}

// fileName is what a file is found by at a party: two senders may give one ID.
type fileName struct{ from, id string }

// files is the files of one party's book.
type files struct {
	byName map[fileName]*FileRecord
	order  []*FileRecord // replaced in place, never changed
	at     map[fileName]int
	sent   int // that this party has sent
}

func (x *files) apply(r *FileRecord) {
	n := fileName{r.From, r.ID}
	if x.byName == nil {
		x.byName, x.at = map[fileName]*FileRecord{}, map[fileName]int{}
	}
	if _, known := x.at[n]; known {
		x.order[x.at[n]] = r
	} else {
		x.at[n] = len(x.order)
		x.order = append(x.order, r)
		if r.State == FileDue {
			x.sent++
		}
	}
	x.byName[n] = r
}

// fileID is the ID of this party's next file.
func (d *desk) fileID(k FileKind) string { return fmt.Sprintf("%v-%06d", k, d.book.files.sent+1) }

// hand makes a file durable, and has it handed out then. Its sender is set here, and its ID and date where it
// has none.
func (d *desk) hand(f *File, apply func(*Record) error) {
	if f.From = d.name; f.Date == "" {
		f.Date = d.book.businessDate(d.now)
	}
	if f.ID == "" {
		f.ID = d.fileID(f.Kind)
	}
	d.add(&Record{File: &FileRecord{File: *f, State: FileDue}}, apply)
	d.fx = append(d.fx, Effect{File: f})
}

// handAgain hands out every file that has no receipt: at boot, and when the calendar moves.
func (d *desk) handAgain() {
	for _, r := range d.book.files.order {
		if r.State == FileDue {
			f := r.File
			d.fx = append(d.fx, Effect{File: &f})
		}
	}
}

// took is a file that has come. read does what a new one asks for, in the step that takes it. What read cannot use is refused, and
// gets no receipt.
func (d *desk) took(f *File, apply func(*Record) error, read func(*File) error) {
	if err := f.check(); err != nil || f.To != d.name {
		d.refused(fmt.Errorf("host: %s: a file for %q: %w", d.name, f.To, errors.Join(ErrFile, err)))
		return
	}
	if f.Kind == FileReceipt {
		d.delivered(f, apply)
		return
	}
	if d.book.files.byName[fileName{f.From, f.ID}] == nil {
		if err := read(f); err != nil {
			d.refused(fmt.Errorf("host: %s: file %s of %s: %w", d.name, f.ID, f.From, err))
			return
		}
		taken := FileRecord{File: *f, State: FileTaken}
		taken.Lines = nil
		d.add(&Record{File: &taken}, apply)
	}
	d.fx = append(d.fx, Effect{File: &File{ID: f.ID, Kind: FileReceipt, From: d.name, To: f.From, Date: d.book.businessDate(d.now)}})
}

// delivered takes a file off the queue. A receipt that comes twice, or of what was never sent, does nothing.
func (d *desk) delivered(receipt *File, apply func(*Record) error) {
	r := d.book.files.byName[fileName{d.name, receipt.ID}]
	if r == nil || r.State != FileDue || r.To != receipt.From {
		return
	}
	done := FileRecord{File: r.File, State: FileDelivered}
	done.Lines = nil
	d.add(&Record{File: &done}, apply)
}

// ErrFile is a file that a party has no use for: for somebody else, or of a kind that it does not read.
var ErrFile = errors.New("no such file is read here")

// office is what a party does that only files come to: take a file, and keep the business date.
func (d *desk) office(e Event, apply func(*Record) error, read func(*File) error) {
	switch e.Kind {
	case EventBoot:
		d.handAgain()
	case EventCalendar:
		d.handAgain()
		if r := d.moved(e.Calendar); r != nil && e.Calendar.Kind != CalendarPayout {
			d.add(r, apply)
		}
	case EventFile:
		d.took(e.File, apply, read)
	case EventMessage:
		d.unmatched(e.Message)
	}
}

// File hands the party a file, for its next turn.
func (p *Party) File(f *File) { p.later(Event{Kind: EventFile, File: f, wire: f.Kind.String()}) }

// The file's part of a record: number 30.
func (c *codec) file(r *FileRecord) {
	c.text(1, &r.ID)
	small(c, 2, &r.Kind)
	c.text(3, &r.From)
	c.text(4, &r.To)
	c.text(5, &r.Date)
	small(c, 6, &r.State)
	c.fileLines(7, &r.Lines)
	number(c, 8, &r.Part)
	number(c, 9, &r.Parts)
}

func (c *codec) fileLines(n byte, lines *[]FileLine) {
	var all []*FileLine
	for i := range *lines {
		all = append(all, &(*lines)[i])
	}
	list(c, n, &all, maxFileLines, (*codec).fileLine)
	if c.decode {
		for _, l := range all {
			*lines = append(*lines, *l)
		}
	}
}

func (c *codec) fileLine(l *FileLine) {
	c.wholeKey(1, &l.Key)
	small(c, 2, &l.Kind)
	number(c, 3, &l.Amount)
	number(c, 4, &l.Fee)
	c.flag(5, &l.Debit)
	c.text(6, &l.Card)
	c.text(7, &l.RRN)
	c.text(8, &l.Order)
	c.text(9, &l.Account)
	c.text(10, &l.Result)
	c.text(11, &l.Reason)
	number(c, 12, &l.FeeOf)
	c.text(13, &l.FeePlan)
}
