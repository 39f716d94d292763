package host

import (
	"errors"
	"fmt"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport/dialect"
)

// AggregatorConfig is somebody between the acquirer and its merchants, who is paid for them and is to pass it on: a second clearing,
// which those who licence acquirers forbid, and this is why.
type AggregatorConfig struct {
	Name     string // of the company; who bears what it loses
	Defaults bool   // it keeps what it was given
}

func (c *AggregatorConfig) validate() error {
	if c == nil || c.Name != "" && len(c.Name) <= maxFileText {
		return nil
	}
	return fmt.Errorf("aggregator %.20q: want a name of at most %d bytes", c.Name, maxFileText)
}

// aggregatorName is the party, whatever its company is called; PositionAggregator is what it holds for merchants.
const (
	aggregatorName     = "aggregator"
	PositionAggregator = "aggregator"
)

// PassOnDays is how many working days an aggregator has to pass on what it was given; then it is lost.
const PassOnDays = 2

// Aggregator is told what it has been paid for whom, and passes it on when the next business day has begun. Its log is its own, and
// moves no position: a merchant has his money when the acquirer has read that it was passed on.
type Aggregator struct {
	desk
	cfg AggregatorConfig
}

var _ Machine = (*Aggregator)(nil)

// NewAggregator returns an aggregator with an empty book.
func NewAggregator(cfg AggregatorConfig) (*Aggregator, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	x := &Aggregator{cfg: cfg}
	x.name = aggregatorName
	return x, nil
}

// Duty is what an aggregator has been given to pass on: a file of its acquirer.
type Duty struct {
	ID    string     `json:"id"`   // of the file
	From  string     `json:"from"` // who sent it
	Date  string     `json:"date"` // the business day on which it came
	Done  bool       `json:"done,omitempty"`
	Lines []FileLine `json:"lines,omitempty"` // until it is done
}

func (d *Duty) check() error {
	if d.Done == (len(d.Lines) > 0) {
		return errors.New("a duty has lines until it is done")
	}
	f := File{ID: d.ID, Kind: FilePassOn, From: d.From, To: d.From + "'s", Date: d.Date, Lines: d.Lines}
	return f.check()
}

func (c *codec) duty(d *Duty) {
	c.text(1, &d.ID)
	c.text(2, &d.From)
	c.text(3, &d.Date)
	c.flag(4, &d.Done)
	c.fileLines(5, &d.Lines)
}

// MACKey returns nothing: no line ends here.
func (x *Aggregator) MACKey(int, *dialect.Message) (hsm.Key, hsm.MACParams, bool) {
	return hsm.Key{}, hsm.MACParams{}, false
}

// Apply replays one record.
func (x *Aggregator) Apply(r *Record) error {
	if r.Transaction != nil || r.SignOn != nil || r.Account != nil || r.desk() || r.Merchant != nil || r.Credit != nil {
		return fmt.Errorf("host: %s: a record of another party", x.name)
	}
	return x.book.apply(r)
}

// Step reacts to one event.
func (x *Aggregator) Step(now time.Time, e Event) []Effect {
	x.begin(now)
	x.office(e, x.Apply, x.read)
	if e.Kind == EventCalendar {
		x.passOn()
	}
	return x.fx
}

func (x *Aggregator) read(f *File) error {
	if f.Kind != FilePassOn || len(f.Lines) == 0 {
		return ErrFile
	}
	if x.book.duties[f.ID] == nil {
		x.add(&Record{Duty: &Duty{ID: f.ID, From: f.From, Date: x.book.businessDate(x.now), Lines: f.Lines}}, x.Apply)
	}
	return nil
}

// passOn pays the merchants what came on an earlier day, unless it keeps that.
func (x *Aggregator) passOn() {
	if x.cfg.Defaults {
		return
	}
	today := x.book.businessDate(x.now)
	for _, id := range x.book.dutyOrder {
		d := x.book.duties[id]
		if d.Done || d.Date >= today {
			continue
		}
		x.hand(&File{ID: "of " + d.ID, Kind: FilePassedOn, To: d.From, Lines: d.Lines}, x.Apply)
		done := *d
		done.Done, done.Lines = true, nil
		x.add(&Record{Duty: &done}, x.Apply)
	}
}

// toPassOn has the aggregator pass on what the bank has just credited to it.
func (x *Relay) toPassOn(lines []FileLine) {
	if len(lines) > 0 {
		x.hand(&File{Kind: FilePassOn, To: aggregatorName, Lines: lines}, x.Apply)
	}
}

// passedOn reads what an aggregator says that it has paid. It says so once about each. What was given up for lost has come after
// all, then.
func (x *Relay) passedOn(f *File) error {
	for i := range f.Lines {
		e := x.book.find(f.Lines[i].Key)
		if e == nil || e.Payout == nil || e.Payout.Via == "" || e.Payout.State != PayoutCredited && e.Payout.State != PayoutLost {
			continue
		}
		t := e.Transaction
		p := *e.Payout
		from := PositionAggregator
		if p.State == PayoutLost {
			from = PositionLoss + p.Via
		}
		p.State = PayoutPassedOn
		t.Payout = &p
		if i := t.Difference; i != nil && i.Type == NotPassedOn {
			t.Difference = i.moved(ItemClosed, x.book.businessDate(x.now), "the aggregator has paid after all")
			t.Difference.Bearer = ""
		}
		x.put(t, moves(from, PositionMerchant, p.Amount)...)
	}
	return nil
}

// defaulted books as lost what an aggregator has not passed on in time, and opens an item about it: the merchant's slip is good, and
// the acquirer has paid.
func (x *Relay) defaulted() {
	if !x.cfg.Acquirer {
		return
	}
	today := x.book.businessDate(x.now)
	for _, e := range x.book.order {
		p := e.Payout
		if p == nil || p.State != PayoutCredited || p.Via == "" || p.Deadline >= today {
			continue
		}
		t := e.Transaction
		lost := *p
		lost.State = PayoutLost
		t.Payout = &lost
		if t.Difference == nil {
			i := x.item(&t, NotPassedOn, p.Amount, "the aggregator "+p.Via+" has not paid the merchant")
			t.Difference = i.moved(ItemLost, today, "it has not passed on what it was paid")
			t.Difference.Bearer = p.Via
		}
		x.put(t, moves(PositionAggregator, PositionLoss+p.Via, p.Amount)...)
	}
}

// workingDaysLater is so many working days behind a business date.
func workingDaysLater(date string, n int) string {
	for range n {
		date = nextWorkingDay(date)
	}
	return date
}
