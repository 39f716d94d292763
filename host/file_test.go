package host

import (
	"errors"
	"testing"

	"github.com/posim/posim/transport/dialect"
)

// clerk is a party that hands out and takes files, and does nothing else.
type clerk struct {
	desk
	read []string
	log  []byte
}

func newClerk(name string) *clerk { return &clerk{desk: desk{name: name}} }

// step has the clerk do something; the answer is the files that are handed out for it, and why one was refused.
func (c *clerk) step(t *testing.T, do func()) (out []*File, refused error) {
	t.Helper()
	c.begin(streetStart)
	do()
	for _, f := range c.fx {
		switch {
		case f.File != nil:
			out = append(out, f.File)
		case f.Refused != nil:
			refused = f.Refused
		case f.Append != nil:
			r, err := DecodeRecord(AppendRecord(nil, f.Append))
			if err != nil {
				t.Fatal(err)
			}
			c.log = append(c.log, byte(r.File.State))
		}
	}
	return out, refused
}

func (c *clerk) take(t *testing.T, f *File) ([]*File, error) {
	t.Helper()
	return c.step(t, func() {
		c.took(f, c.book.apply, func(f *File) error {
			if f.Kind != FilePayout {
				return ErrFile
			}
			c.read = append(c.read, f.ID)
			return nil
		})
	})
}

func payoutLine() FileLine {
	return FileLine{Key: dialect.Key{MID: "m", TID: "t", STAN: "000001"}, Amount: 5, Fee: 1, Order: "o", Account: "a"}
}

// A file that comes twice does nothing, and gets another receipt; what has none is handed out again.
func TestFileIsTakenOnce(t *testing.T) {
	from, to := newClerk("acquirer"), newClerk("bank")
	from.begin(streetStart)
	from.add(&Record{Transaction: &Transaction{Key: payoutLine().Key, Function: Sale, State: Approved, Amount: 6}}, from.book.apply)
	out, _ := from.step(t, func() {
		from.hand(&File{Kind: FilePayout, To: "bank", Lines: []FileLine{payoutLine()}}, from.book.apply)
	})
	if len(out) != 1 || out[0].ID != "payout-000001" || out[0].From != "acquirer" || out[0].Date != "2026-03-02" {
		t.Fatalf("handed out: %+v", out)
	}
	again, _ := from.step(t, from.handAgain)
	if len(again) != 1 || len(again[0].Lines) != 1 || again[0].ID != out[0].ID {
		t.Fatalf("without a receipt: %+v", again)
	}
	first, err := to.take(t, out[0])
	second, err2 := to.take(t, again[0])
	if err != nil || err2 != nil || len(first) != 1 || len(second) != 1 || len(to.read) != 1 {
		t.Fatalf("taken twice: %v %v, %v, %v, read %v", first, second, err, err2, to.read)
	}
	for range 2 {
		if answer, err := from.take(t, second[0]); err != nil || len(answer) != 0 {
			t.Errorf("a receipt is answered: %v, %v", answer, err)
		}
	}
	if again, _ := from.step(t, from.handAgain); len(again) != 0 {
		t.Errorf("with a receipt: %+v", again)
	}
	want(t, "the sender's log", string(from.log), string([]byte{byte(FileDue), byte(FileDelivered)}))
	want(t, "the receiver's log", string(to.log), string([]byte{byte(FileTaken)}))
	out, _ = from.step(t, func() { from.hand(&File{Kind: FilePayout, To: "bank"}, from.book.apply) })
	want(t, "the next file", out[0].ID, "payout-000002")
}

// What a party has no use for gets no receipt, and changes nothing.
func TestFileIsRefused(t *testing.T) {
	to := newClerk("bank")
	good := File{ID: "x", Kind: FilePayout, From: "acquirer", To: "bank", Date: "2026-03-02", Lines: []FileLine{payoutLine()}}
	for name, change := range map[string]func(f *File){
		"for another":       func(f *File) { f.To = "switch" },
		"of no use":         func(f *File) { f.Kind = FilePayoutResult },
		"of a kind unknown": func(f *File) { f.Kind = 99 },
		"of no day":         func(f *File) { f.Date = "2026-13-01" },
		"about nothing":     func(f *File) { f.Lines = []FileLine{{Amount: 1}} },
	} {
		f := good
		change(&f)
		out, err := to.take(t, &f)
		if err == nil || !errors.Is(err, ErrFile) || len(out) != 0 || len(to.log) != 0 {
			t.Errorf("%s: %v, handed out %v", name, err, out)
		}
	}
	stray := File{ID: "never sent", Kind: FileReceipt, From: "acquirer", To: "bank", Date: "2026-03-02"}
	if out, err := to.take(t, &stray); err != nil || len(out) != 0 || len(to.log) != 0 {
		t.Errorf("a stray receipt: %v, %v", out, err)
	}
}

// A receipt counts if it comes from whom the file was for.
func TestReceiptOfAStranger(t *testing.T) {
	from := newClerk("acquirer")
	out, _ := from.step(t, func() { from.hand(&File{Kind: FilePayout, To: "bank"}, from.book.apply) })
	for i, who := range []string{"issuer", "bank"} {
		if _, err := from.take(t, &File{ID: out[0].ID, Kind: FileReceipt, From: who, To: "acquirer", Date: "2026-03-02"}); err != nil {
			t.Error(err)
		}
		again, _ := from.step(t, from.handAgain)
		want(t, "still to be handed out behind the receipt of the "+who, len(again), 1-i)
	}
}
