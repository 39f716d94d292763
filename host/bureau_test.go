package host

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// A bureau is a street whose parties hand each other their files, with a bank and an aggregator that keep logs of their own.
type bureau struct {
	*street
	shelf []*File  // what is held back
	jam   FileKind // files of this kind are all lost
}

const (
	atBank = atIssuer + 1 + iota
	atAggregator
)

// desks are who takes files, by the names that files have.
var desks = map[string]int{"acquirer": atAcquirer, "switch": atSwitch, "issuer": atIssuer, "bank": atBank, "aggregator": atAggregator}

func newBureau(t testing.TB, naive rules.Set, change ...func(a, s *RelayConfig, i *IssuerConfig)) *bureau {
	o := &bureau{street: newStreet(t, naive, change...)}
	for _, build := range []func() (Machine, error){
		func() (Machine, error) { return NewBank(testBankConfig(naive)) },
		func() (Machine, error) { return NewAggregator(AggregatorConfig{Name: "payeasy"}) },
	} {
		build := func() Machine {
			m, err := build()
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		o.nodes = append(o.nodes, &node{make: build, m: build()})
	}
	o.paper = o.carry
	return o
}

// carry takes a file where it belongs, unless a fault befalls it: "file payout" -> lose, hold, double, or a crash of who takes it.
func (o *bureau) carry(f *File) {
	if f.Kind == o.jam {
		return
	}
	where := "file " + f.Kind.String()
	what := o.faults[where]
	delete(o.faults, where)
	switch what {
	case lose:
	case hold:
		o.shelf = append(o.shelf, f)
	case double:
		o.hand(f, 0)
		o.hand(f, 0)
	default:
		o.hand(f, what)
	}
}

func (o *bureau) hand(f *File, stop int) {
	at, known := desks[f.To]
	if !known {
		o.t.Fatalf("a file for %s", f.To)
	}
	o.step(at, Event{Kind: EventFile, File: f}, stop)
	o.run()
}

// unshelve hands out what was held back.
func (o *bureau) unshelve() {
	all := o.shelf
	o.shelf = nil
	for _, f := range all {
		o.hand(f, 0)
	}
}

// deed has something done at a desk, and says why not.
func (o *bureau) deed(at int, do string, m *dialect.Message) error {
	o.t.Helper()
	return o.does(at, Deed{Do: do, Key: m.Key(), Reason: "a reason"})
}

func (o *bureau) does(at int, d Deed) error {
	before := len(o.no)
	o.step(at, Event{Kind: EventDeed, Deed: d}, 0)
	o.run()
	if len(o.no) == before {
		return nil
	}
	return o.no[len(o.no)-1]
}

// refuses is deed for what must not be done.
func (o *bureau) refuses(at int, do string, m *dialect.Message, want string) {
	o.t.Helper()
	logged := len(o.nodes[at].log)
	err := o.deed(at, do, m)
	if !errors.Is(err, ErrItem) || !strings.Contains(err.Error(), want) {
		o.t.Errorf("%s at the %s: %v, want %q", do, placeNames[at], err, want)
	}
	o.expect("records of what is refused", len(o.nodes[at].log), logged)
}

// must is deed for what is allowed.
func (o *bureau) must(at int, do string, m *dialect.Message) {
	o.t.Helper()
	if err := o.deed(at, do, m); err != nil {
		o.t.Errorf("%s: %v", do, err)
	}
}

// sold is a sale that was approved.
func (o *bureau) sold(stan int, amount int64) *dialect.Message {
	o.t.Helper()
	m := o.sale(stan, amount)
	o.ask(m)
	o.expect("answer", o.till.said[m.Key()], codeApproved)
	return m
}

// item is how the item about a transaction stands at a party, in short.
func (o *bureau) item(at int, m *dialect.Message) string {
	e := o.view(at).Find(m.Key())
	if e == nil || e.Difference == nil {
		return "none"
	}
	i := e.Difference
	s := fmt.Sprintf("%v %d %v", i.Type, i.Amount, i.Stage)
	if i.Bearer != "" {
		s += " " + i.Bearer
	}
	return s
}

// paid is how the payout of a transaction stands.
func (o *bureau) paid(m *dialect.Message) string {
	e := o.view(atAcquirer).Find(m.Key())
	if e == nil || e.Payout == nil {
		return "none"
	}
	return e.Payout.State.String()
}

// all is every position that is not zero, losses and what an aggregator has included.
func (o *bureau) all() string {
	s := o.money()
	p := o.positions()
	for _, name := range []string{"aggregator", "loss:acquirer", "loss:payeasy"} {
		if p[name] != 0 {
			s += fmt.Sprintf(" %s %d", name, p[name])
		}
	}
	return strings.TrimPrefix(s, " ")
}

// days has so many working days go by, each with its cut-over and its payout.
func (o *bureau) days(dates ...string) {
	for _, d := range dates {
		o.calendar(CalendarCutover, d)
		o.calendar(CalendarPayout, d)
	}
}
