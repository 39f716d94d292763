package host

import (
	"bytes"
	"testing"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// mayStandIn makes a street whose switch approves up to a limit when the issuer says nothing.
func mayStandIn(t testing.TB, limit int64) func(a, s *RelayConfig, i *IssuerConfig) {
	return func(a, s *RelayConfig, _ *IssuerConfig) {
		a.StandIn = &StandIn{Limit: limit}
		s.StandIn = a.StandIn
		key, err := s.Module.Install("", hsm.Attributes{Usage: hsm.Sealing}, bytes.Repeat([]byte{7}, 32))
		if err != nil {
			t.Fatal(err)
		}
		s.SealKey = key
	}
}

func TestStandIn(t *testing.T) {
	tests := []struct {
		name  string
		limit int64
		play  func(s *street, sale *dialect.Message)
		said  string
		money string
	}{
		{"the issuer never heard of it and takes it over", 10000, func(s *street, sale *dialect.Message) {
			s.fault("switch>issuer 0200", lose)
		}, "A2", "cardholder -10000 acquirer 10000"},
		{"until it has been told the switch owes it", 10000, func(s *street, sale *dialect.Message) {
			s.fault("switch>issuer 0200", lose)
			s.fault("switch>issuer 0220", hold)
		}, "A2", "switch -10000 acquirer 10000"},
		{"the issuer had approved", 10000, func(s *street, sale *dialect.Message) {
			s.fault("issuer>switch 0210", lose)
		}, "A2", "cardholder -10000 acquirer 10000"},
		{"the issuer's approval comes late", 10000, func(s *street, sale *dialect.Message) {
			s.fault("issuer>switch 0210", hold)
			s.fault("switch>issuer 0220", hold)
		}, "A2", "cardholder -10000 issuer 10000 switch -10000 acquirer 10000"},
		{"the advice is told twice", 10000, func(s *street, sale *dialect.Message) {
			s.fault("switch>issuer 0200", lose)
			s.fault("switch>issuer 0220", double)
		}, "A2", "cardholder -10000 acquirer 10000"},
		{"more than the limit", 9999, func(s *street, sale *dialect.Message) {
			s.fault("switch>issuer 0200", lose)
		}, "68", ""},
		{"an account that was closed", 10000, func(s *street, sale *dialect.Message) {
			s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", Status: Closed}}, 0)
			s.fault("switch>issuer 0200", lose)
		}, "A2", "switch -10000 acquirer 10000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{}, mayStandIn(t, test.limit))
			sale := s.sale(1, 10000)
			test.play(s, sale)
			s.ask(sale)
			s.pass(31 * time.Second)
			s.expect("answer", s.till.said[sale.Key()], test.said)
			s.expect("money", s.money(), test.money)
			s.restart(atSwitch) // and what it owes it still knows
			s.release()
			s.pass(5 * time.Minute)
			for _, bad := range s.wrong() {
				t.Error(bad)
			}
		})
	}
}

// TestStandInUndone: whatever was told to whom, a reversal leaves nobody charged.
func TestStandInUndone(t *testing.T) {
	for name, play := range map[string]func(*street){
		"told to nobody":                     func(s *street) { s.fault("switch>issuer 0200", lose); s.fault("switch>issuer 0220", lose) },
		"told":                               func(s *street) { s.fault("switch>issuer 0200", lose) },
		"the advice comes behind":            func(s *street) { s.fault("switch>issuer 0200", lose); s.fault("switch>issuer 0220", hold) },
		"approved there":                     func(s *street) { s.fault("issuer>switch 0210", lose); s.fault("switch>issuer 0220", lose) },
		"approved there and told":            func(s *street) { s.fault("issuer>switch 0210", lose) },
		"its answer is lost":                 func(s *street) { s.fault("switch>issuer 0200", lose); s.fault("issuer>switch 0230", lose) },
		"the switch falls before it is told": func(s *street) { s.fault("switch>issuer 0200", lose); s.fault("issuer>switch 0230", crashBeforeLog) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStreet(t, rules.Set{}, mayStandIn(t, 10000))
			play(s)
			sale := s.sale(1, 10000)
			s.ask(sale)
			s.pass(31 * time.Second)
			s.expect("answer", s.till.said[sale.Key()], "A2")
			s.undo(sale, "0400")
			s.expect("answer to the reversal", s.till.last().ResponseCode, codeApproved)
			s.release()
			s.pass(5 * time.Minute)
			s.expect("money", s.money(), "")
			for _, bad := range s.wrong() {
				t.Error(bad)
			}
		})
	}
}

// TestStandInBorne: what the issuer refuses has an owner, who bears it when the deadline has passed; a reversal before that leaves nothing.
func TestStandInBorne(t *testing.T) {
	s := newStreet(t, rules.Set{}, mayStandIn(t, 10000))
	s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", Status: Lost}}, 0)
	s.fault("switch>issuer 0200", lose)
	sale := s.sale(1, 10000)
	s.ask(sale)
	s.pass(31 * time.Second)
	d := s.view(atSwitch).Transactions[0].Difference
	if d == nil || d.Owner != "acquirer" || d.Amount != 10000 || d.Deadline != "2026-03-22" {
		t.Fatalf("item %+v", d)
	}
	s.calendar(CalendarDate, "2026-03-22")
	s.expect("losses at the deadline", s.positions()["loss:acquirer"], 0)
	for range 2 {
		s.calendar(CalendarDate, "2026-03-23")
		s.calendar(CalendarDate, "2026-03-24")
	}
	s.expect("losses behind it", s.positions()["loss:acquirer"], -10000)
	s.expect("money", s.money(), "acquirer 10000")
	other := s.sale(2, 100)
	s.fault("switch>issuer 0200", lose)
	s.ask(other)
	s.pass(31 * time.Second)
	s.expect("answer to the next sale of the card", s.till.said[other.Key()], codeNoAnswer)
	s.undo(sale, "0400")
	s.pass(time.Minute)
	s.expect("losses behind the reversal", s.positions()["loss:acquirer"], 0)
	s.expect("money", s.money(), "")
}

// TestStandInForgotten: without rule S1 the switch owes for ever.
func TestStandInForgotten(t *testing.T) {
	s := newStreet(t, rules.Leave(rules.AdviseStandIn), mayStandIn(t, 10000))
	s.fault("switch>issuer 0200", lose)
	s.ask(s.sale(1, 10000))
	s.pass(time.Hour)
	s.expect("money", s.money(), "switch -10000 acquirer 10000")
	if len(s.wrong()) == 0 {
		t.Error("nobody objects")
	}
}

func TestStandInConfig(t *testing.T) {
	for _, c := range []struct {
		s  *StandIn
		ok bool
	}{
		{nil, true}, {&StandIn{Limit: 1}, true}, {&StandIn{Limit: 0}, false}, {&StandIn{Limit: -1}, false}, {&StandIn{Limit: maxRecorded}, true}, {&StandIn{Limit: maxRecorded + 1}, false},
		{&StandIn{Limit: 1, Code: "11"}, true}, {&StandIn{Limit: 1, Code: "A6"}, true}, {&StandIn{Limit: 1, Code: "00"}, false}, {&StandIn{Limit: 1, Code: "05"}, false},
	} {
		if err := c.s.validate(); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.s, err)
		}
	}
	cfg := switchConfig(t, rules.Set{})
	cfg.StandIn = &StandIn{Limit: 1}
	if _, err := NewRelay(cfg); err == nil {
		t.Error("a switch stands in without a key that seals")
	}
	for _, code := range StandInCodes() {
		if !standsIn(code) {
			t.Errorf("%s does not stand in", code)
		}
	}
}

// The limit is of all that a card has got so and its issuer has not taken over: just so much, not one more, and all of it again when the
// issuer has.
func TestLimitOfStandIn(t *testing.T) {
	s := newStreet(t, rules.Set{}, mayStandIn(t, 10000))
	down := func(m *dialect.Message) string {
		s.fault("switch>issuer 0200", lose)
		s.fault("switch>issuer 0220", lose)
		s.ask(m)
		s.pass(31 * time.Second)
		delete(s.faults, "switch>issuer 0220")
		return s.till.said[m.Key()]
	}
	s.force = func(to int, m *dialect.Message) string { // the issuer says what decides nothing to whatever it is told
		if to == atIssuer && m.MTI[:2] == "02" && m.MTI != "0200" {
			return "91"
		}
		return ""
	}
	s.expect("a part", down(s.sale(1, 9999)), "A2")
	s.expect("two more", down(s.sale(2, 2)), codeNoAnswer)
	s.expect("one more", down(s.sale(3, 1)), "A2")
	s.expect("nothing is left", down(s.sale(4, 1)), codeNoAnswer)
	s.expect("owed", s.positions()[PositionSwitch], -10000)
	s.force = nil
	s.pass(time.Hour)
	s.expect("taken over", s.money(), "cardholder -10000 acquirer 10000")
	s.expect("all of it again", down(s.sale(5, 10000)), "A2")
	s.pass(time.Hour)
	for _, bad := range s.wrong() {
		t.Error(bad)
	}
}

// What an issuer has said of a card last decides whether its switch may stand in for it: a code about the card, and none about one sale.
func TestCardsThatAreBarred(t *testing.T) {
	for code, want := range map[string]string{"41": codeNoAnswer, "43": codeNoAnswer, "14": codeNoAnswer, "54": codeNoAnswer, "75": codeNoAnswer, "51": "A2", "61": "A2", "05": "A2"} {
		s := newStreet(t, rules.Set{}, mayStandIn(t, 10000))
		s.force = func(to int, m *dialect.Message) string {
			if to == atIssuer {
				return code
			}
			return ""
		}
		first := s.sale(1, 100)
		s.ask(first)
		s.expect("the issuer says", s.till.said[first.Key()], code)
		s.force = nil
		s.fault("switch>issuer 0200", lose)
		next := s.sale(2, 100)
		s.ask(next)
		s.pass(31 * time.Second)
		s.expect("behind "+code, s.till.said[next.Key()], want)
		s.pass(5 * time.Minute)
		s.ask(s.sale(3, 100))
		s.fault("switch>issuer 0200", lose)
		last := s.sale(4, 100)
		s.ask(last)
		s.pass(31 * time.Second)
		s.expect("behind an approval", s.till.said[last.Key()], "A2")
	}
}

// A relay without a limit, and an acquirer, approve nothing themselves.
func TestWhoDoesNotStandIn(t *testing.T) {
	s := newStreet(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) { a.StandIn = &StandIn{Limit: 10000} })
	for _, where := range []string{"switch>issuer 0200", "acquirer>switch 0200"} {
		s.fault(where, lose)
		m := s.sale(len(s.till.asked)+1, 100)
		s.ask(m)
		s.pass(time.Minute)
		s.expect(where, s.till.said[m.Key()], codeNoAnswer)
	}
	hold := newStreet(t, rules.Set{}, mayStandIn(t, 10000))
	m := hold.kind(dialect.KindPreAuth, hold.sale(1, 100))
	hold.fault("switch>issuer 0100", lose)
	hold.ask(m)
	hold.pass(time.Minute)
	hold.expect("a pre-authorisation", hold.till.said[m.Key()], codeNoAnswer)
}

// What a switch owes for a card, and whether the card is barred, is of that card alone.
func TestWhatASwitchKnowsOfACard(t *testing.T) {
	entry := func(token string, s State, in StandInState, amount int64, code string) *Entry {
		return &Entry{Transaction: Transaction{CardToken: token, State: s, StandIn: in, Amount: amount, ResponseCode: code}}
	}
	asks := entry("a", Pending, 0, 5, "")
	for _, c := range []struct {
		name   string
		all    []*Entry
		owes   int64
		barred bool
	}{
		{"nothing", nil, 0, false},
		{"due", []*Entry{entry("a", Approved, StandInDue, 100, "A2")}, 100, false},
		{"refused", []*Entry{entry("a", Approved, StandInRefused, 100, "A2")}, 100, true},
		{"told", []*Entry{entry("a", Approved, StandInTold, 100, "A2")}, 0, false},
		{"undone", []*Entry{entry("a", Reversed, StandInUndone, 100, "A2")}, 0, false},
		{"another card's", []*Entry{entry("b", Approved, StandInDue, 100, "A2"), entry("b", Declined, 0, 1, "41")}, 0, false},
		{"the issuer's own", []*Entry{entry("a", Approved, 0, 100, "00")}, 0, false},
		{"declined for the card", []*Entry{entry("a", Declined, 0, 100, "41")}, 0, true},
		{"declined for the sale", []*Entry{entry("a", Declined, 0, 100, "51")}, 0, false},
		{"declined for the card, and approved since", []*Entry{entry("a", Declined, 0, 100, "41"), entry("a", Approved, 0, 100, "00")}, 0, false},
		{"refused, and approved since", []*Entry{entry("a", Approved, StandInRefused, 100, "A2"), entry("a", Approved, 0, 100, "00")}, 100, false},
		{"approved, and declined for the card since", []*Entry{entry("a", Approved, 0, 100, "00"), entry("a", Declined, 0, 100, "43")}, 0, true},
		{"what was approved in its place since says nothing", []*Entry{entry("a", Declined, 0, 100, "43"), entry("a", Approved, StandInDue, 7, "A2")}, 7, true},
	} {
		x := &Relay{}
		x.book.order = append(c.all, asks)
		if owes, barred := x.exposed(asks), x.barred(asks); owes != c.owes || barred != c.barred {
			t.Errorf("%s: owes %d, barred %v", c.name, owes, barred)
		}
	}
}

// An answer to an advice counts once; another request under a number that is known is no advice of it.
func TestAnswersToAnAdvice(t *testing.T) {
	s := newStreet(t, rules.Set{}, mayStandIn(t, 10000))
	s.fault("switch>issuer 0200", lose)
	sale := s.sale(1, 10000)
	s.ask(sale)
	s.pass(31 * time.Second)
	state := func() StandInState { return s.view(atSwitch).Find(sale.Key()).StandIn }
	s.expect("told", state(), StandInTold)
	e := s.view(atSwitch).Find(sale.Key())
	late := e.message("0230")
	late.Kind, late.ResponseCode = dialect.KindOfflineSale, "05"
	s.step(atSwitch, Event{Kind: EventMessage, Message: late}, 0)
	s.expect("a refusal that comes late", state(), StandInTold)
	other := *s.sale(1, 9999)
	other.MTI, other.ResponseCode, other.Track2Data = "0220", "A2", ""
	before := s.money()
	var said string
	for _, f := range append([]Effect(nil), s.nodes[atIssuer].m.Step(s.now, Event{Kind: EventMessage, Conn: 1, Message: &other})...) {
		if f.Send != nil {
			said = f.Send.Message.ResponseCode
		}
	}
	s.expect("another amount", said+" "+s.money(), codeDuplicate+" "+before)
}
