package host

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/internal/rules"
)

// payEasy has an acquirer's merchants paid through an aggregator.
func payEasy(a, _ *RelayConfig, _ *IssuerConfig) { a.Aggregator = &AggregatorConfig{Name: "payeasy"} }

func TestAggregatorPassesOn(t *testing.T) {
	o := newBureau(t, rules.Set{}, payEasy)
	sale := o.sold(1, 10000)
	o.fault("file pass-on", double)
	o.days("2026-03-03")
	o.expect("credited", o.paid(sale)+", "+o.all(), "credited, cardholder -10000 fees 60 aggregator 9940")
	p := o.view(atAcquirer).Find(sale.Key()).Payout
	o.expect("via", fmt.Sprint(p.Via, " ", p.Deadline), "payeasy 2026-03-05")
	o.calendar(CalendarDate, "2026-03-03")
	o.expect("not on the same day", o.paid(sale), "credited")
	o.restart(atAggregator)
	o.fault("file passed-on", double)
	o.days("2026-03-04")
	o.expect("on the next", o.paid(sale)+", "+o.all(), "passed-on, cardholder -10000 merchant 9940 fees 60")
	o.days("2026-03-05", "2026-03-06", "2026-03-09")
	o.expect("once", o.all(), "cardholder -10000 merchant 9940 fees 60")
	o.expect("item", o.item(atAcquirer, sale), "none")
}

// Two working days are not two days: what is credited on a Friday is lost on the Wednesday. What comes after all is no loss.
func TestAggregatorKeepsTheMoney(t *testing.T) {
	o := newBureau(t, rules.Set{}, payEasy)
	o.calendar(CalendarDate, "2026-03-05")
	sale := o.sold(1, 10000)
	o.jam = FilePassOn
	o.days("2026-03-06") // a Friday
	o.expect("deadline", o.view(atAcquirer).Find(sale.Key()).Payout.Deadline, "2026-03-10")
	o.calendar(CalendarDate, "2026-03-10")
	o.expect("on the day", o.paid(sale)+" "+o.item(atAcquirer, sale), "credited none")
	o.calendar(CalendarDate, "2026-03-11")
	o.expect("behind it", o.paid(sale)+" "+o.item(atAcquirer, sale), "lost not-passed-on 9940 lost payeasy")
	o.expect("money", o.all(), "cardholder -10000 fees 60 loss:payeasy 9940")
	o.jam = 0
	o.days("2026-03-12", "2026-03-13", "2026-03-16")
	o.expect("after all", o.paid(sale)+" "+o.item(atAcquirer, sale), "passed-on not-passed-on 9940 closed")
	o.expect("money", o.all(), "cardholder -10000 merchant 9940 fees 60")
}

func TestAggregatorThatDefaults(t *testing.T) {
	x, err := NewAggregator(AggregatorConfig{Name: "payeasy", Defaults: true})
	if err != nil {
		t.Fatal(err)
	}
	o := newBureau(t, rules.Set{}, payEasy)
	o.nodes[atAggregator].m = x
	sale := o.sold(1, 10000)
	o.days("2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06", "2026-03-09")
	o.expect("lost", o.paid(sale)+" "+o.item(atAcquirer, sale), "lost not-passed-on 9940 lost payeasy")
	o.expect("money", o.all(), "cardholder -10000 fees 60 loss:payeasy 9940")
}

func TestAggregatorRefuses(t *testing.T) {
	for name, c := range map[string]AggregatorConfig{"no name": {}, "a long one": {Name: strings.Repeat("x", 129)}} {
		if _, err := NewAggregator(c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	o := newBureau(t, rules.Set{}, payEasy)
	line := lineOf("000001", 5, true)
	for name, f := range map[string]*File{
		"a file without lines":    {ID: "x", Kind: FilePassOn},
		"a file of another kind":  {ID: "x", Kind: FilePayout, Lines: []FileLine{orderLine("1", "o", "a", 1)}},
		"what it writes itself":   {ID: "x", Kind: FilePassedOn, Lines: []FileLine{line}},
		"a line about no sale":    {ID: "x", Kind: FilePassOn, Lines: []FileLine{{Amount: 1}}},
		"a file of a switch's":    {ID: "x", Kind: FileClearing, Part: 1, Parts: 1, Lines: []FileLine{line}},
		"an amount below nothing": {ID: "x", Kind: FilePassOn, Lines: []FileLine{lineOf("000001", -5, true)}},
	} {
		f.From, f.To, f.Date = "acquirer", "aggregator", "2026-03-02"
		no := len(o.no)
		o.step(atAggregator, Event{Kind: EventFile, File: f}, 0)
		if len(o.no) != no+1 || !errors.Is(o.no[no], ErrFile) || len(o.nodes[atAggregator].log) != 0 {
			t.Errorf("%s: refused %v, %d records", name, o.no[no:], len(o.nodes[atAggregator].log))
		}
	}
	// The acquirer is told of what it was never paid for: nothing moves.
	sale := o.sold(1, 10000)
	before := o.all()
	l := line
	l.Key = sale.Key()
	o.hand(&File{ID: "y", Kind: FilePassedOn, From: "aggregator", To: "acquirer", Date: "2026-03-02", Lines: []FileLine{l, line}}, 0)
	o.expect("money", o.all(), before)
	for name, r := range map[string]*Record{
		"a credit": {Credit: &BankCredit{Order: "o", Account: "a", Amount: 1}}, "a merchant": {Merchant: &MerchantState{MID: "m", Account: "a"}},
		"an account": {Account: everything().Account}, "a batch": {Batch: everything().Batch}, "a sign-on": {SignOn: everything().SignOn},
		"a duty that is done and has lines": {Duty: &Duty{ID: "d", From: "a", Date: "2026-03-02", Done: true, Lines: []FileLine{line}}},
		"a duty that has none":              {Duty: &Duty{ID: "d", From: "a", Date: "2026-03-02"}},
		"a duty of no day":                  {Duty: &Duty{ID: "d", From: "a", Lines: []FileLine{line}}},
	} {
		if err := o.nodes[atAggregator].m.Apply(r); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestWorkingDays(t *testing.T) {
	for _, c := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-03-02", 0, "2026-03-02"}, {"2026-03-02", 1, "2026-03-03"}, {"2026-03-06", 1, "2026-03-09"}, {"2026-03-07", 1, "2026-03-09"},
		{"2026-03-08", 1, "2026-03-09"}, {"2026-03-05", 2, "2026-03-09"}, {"2026-03-06", 2, "2026-03-10"}, {"2026-02-27", 5, "2026-03-06"}, {"never", 2, "never"},
	} {
		want(t, fmt.Sprint(c.from, "+", c.n), workingDaysLater(c.from, c.n), c.want)
	}
}

// A file says once what was passed on, whatever its name; and what is done is not done again.
func TestPassedOnOnce(t *testing.T) {
	o := newBureau(t, rules.Set{}, payEasy)
	sale := o.sold(1, 10000)
	o.days("2026-03-03", "2026-03-04")
	o.expect("passed on", o.paid(sale), "passed-on")
	had := o.all()
	l := lineOf("", 9940, false)
	l.Key = sale.Key()
	o.hand(&File{ID: "once more", Kind: FilePassedOn, From: "aggregator", To: "acquirer", Date: "2026-03-04", Lines: []FileLine{l}}, 0)
	o.expect("money", o.all(), had)
	logged := len(o.nodes[atAggregator].log)
	o.days("2026-03-05", "2026-03-06")
	o.expect("records of two days", len(o.nodes[atAggregator].log)-logged, 2)
	o.expect("files", len(o.view(atAggregator).Files), 2) // what came, and what it made of it
}
