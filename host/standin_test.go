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
