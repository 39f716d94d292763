package host

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// heldStreet has a pre-authorisation of 100.00.
func heldStreet(t testing.TB, naive rules.Set) (s *street, hold *dialect.Message) {
	s = newStreet(t, naive)
	hold = s.kind(dialect.KindPreAuth, s.sale(1, 10000))
	s.ask(hold)
	return s, hold
}

// available is what the card's account can spend, less what it began with.
func (s *street) available() int64 {
	return s.nodes[atIssuer].m.(*Issuer).byName["card"].available() - testBalance
}

func TestPreAuthorisation(t *testing.T) {
	calendar := func(s *street, date string) {
		for at := range s.nodes {
			s.step(at, Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarDate, Date: date}}, 0)
		}
	}
	undoneBy := func(k dialect.Kind, amount int64) func(s *street, hold *dialect.Message) *dialect.Message {
		return func(s *street, hold *dialect.Message) *dialect.Message {
			m := s.after(k, 2, hold, amount)
			s.ask(m)
			return m
		}
	}
	completed := undoneBy(dialect.KindCompletion, 10000)
	tests := []struct {
		name      string
		play      func(s *street, hold *dialect.Message)
		code      string // of the last answer
		money     string
		available int64
		hold      int64
	}{
		{"it holds and moves nothing", func(*street, *dialect.Message) {}, "0110/00", "", -10000, 10000},
		{"reversed, it holds nothing", func(s *street, hold *dialect.Message) { s.undo(hold, "0400") }, "0410/00", "", 0, 0},
		{"its reversal comes first", func(s *street, _ *dialect.Message) {
			m := s.kind(dialect.KindPreAuth, s.sale(2, 5000))
			s.undo(m, "0400")
			s.ask(m)
		}, "0110/25", "", -10000, 10000},
		{"its approval is lost, and comes too late", func(s *street, _ *dialect.Message) {
			s.fault("issuer>switch 0110", hold)
			s.ask(s.kind(dialect.KindPreAuth, s.sale(2, 5000)))
			s.pass(46 * time.Second)
			s.release()
		}, "0110/68", "", -10000, 10000},
		{"what is held cannot be spent", func(s *street, _ *dialect.Message) { s.ask(s.sale(2, testBalance-9999)) }, "0210/51", "", -10000, 10000},
		{"what is not held can", func(s *street, _ *dialect.Message) { s.ask(s.sale(2, testBalance-10000)) }, "0210/00",
			"cardholder -990000 acquirer 990000", -testBalance, 10000},
		{"voided, it holds nothing", func(s *street, hold *dialect.Message) { undoneBy(dialect.KindPreAuthVoid, 10000)(s, hold) }, "0110/00", "", 0, 0},
		{"and the void reversed, it holds again", func(s *street, hold *dialect.Message) {
			s.undo(undoneBy(dialect.KindPreAuthVoid, 10000)(s, hold), "0400")
		}, "0410/00", "", -10000, 10000},
		{"a void of another amount", func(s *street, hold *dialect.Message) { undoneBy(dialect.KindPreAuthVoid, 9999)(s, hold) }, "0110/64", "", -10000, 10000},
		{"a sale's void is not its void", func(s *street, hold *dialect.Message) { undoneBy(dialect.KindVoid, 10000)(s, hold) }, "0210/12", "", -10000, 10000},
		{"completed, it is paid", func(s *street, hold *dialect.Message) { completed(s, hold) }, "0210/00", "cardholder -10000 acquirer 10000", -10000, 0},
		{"completed for less, the rest is released", func(s *street, hold *dialect.Message) { undoneBy(dialect.KindCompletion, 4000)(s, hold) }, "0210/00",
			"cardholder -4000 acquirer 4000", -4000, 0},
		{"completed for 115 %", func(s *street, hold *dialect.Message) { undoneBy(dialect.KindCompletion, 11500)(s, hold) }, "0210/00",
			"cardholder -11500 acquirer 11500", -11500, 0},
		{"for more than that", func(s *street, hold *dialect.Message) { undoneBy(dialect.KindCompletion, 11501)(s, hold) }, "0210/61", "", -10000, 10000},
		{"for more than there is", func(s *street, hold *dialect.Message) {
			s.ask(s.sale(5, testBalance-10000))
			undoneBy(dialect.KindCompletion, 10001)(s, hold)
		}, "0210/51", "cardholder -990000 acquirer 990000", -testBalance, 10000},
		{"told so by an advice, it is taken all the same", func(s *street, hold *dialect.Message) {
			s.ask(s.sale(5, testBalance-10000))
			undoneBy(dialect.KindCompletionAdvice, 10001)(s, hold)
		}, "0230/00", "cardholder -1000001 acquirer 1000001", -testBalance - 1, 0},
		{"completed twice", func(s *street, hold *dialect.Message) {
			completed(s, hold)
			s.ask(s.after(dialect.KindCompletion, 3, hold, 10000))
		}, "0210/12", "cardholder -10000 acquirer 10000", -10000, 0},
		{"voided after its completion", func(s *street, hold *dialect.Message) {
			completed(s, hold)
			s.ask(s.after(dialect.KindPreAuthVoid, 3, hold, 10000))
		}, "0110/12", "cardholder -10000 acquirer 10000", -10000, 0},
		{"reversed after its completion", func(s *street, hold *dialect.Message) { completed(s, hold); s.undo(hold, "0400") }, "0410/12",
			"cardholder -10000 acquirer 10000", -10000, 0},
		// W27: the money goes back to the hold, and not to what can be spent.
		{"the completion reversed, it holds again", func(s *street, hold *dialect.Message) { s.undo(completed(s, hold), "0400") }, "0410/00", "", -10000, 10000},
		{"the completion voided, it holds again", func(s *street, hold *dialect.Message) {
			s.ask(s.after(dialect.KindCompletionVoid, 3, completed(s, hold), 10000))
		}, "0210/00", "", -10000, 10000},
		{"and completed again", func(s *street, hold *dialect.Message) {
			s.ask(s.after(dialect.KindCompletionVoid, 3, completed(s, hold), 10000))
			s.ask(s.after(dialect.KindCompletion, 4, hold, 3000))
		}, "0210/00", "cardholder -3000 acquirer 3000", -3000, 0},
		{"the completion's void reversed, it is paid", func(s *street, hold *dialect.Message) {
			void := s.after(dialect.KindCompletionVoid, 3, completed(s, hold), 10000)
			s.ask(void)
			s.undo(void, "0400")
		}, "0410/00", "cardholder -10000 acquirer 10000", -10000, 0},
		{"a completion with another authorisation", func(s *street, hold *dialect.Message) {
			m := s.after(dialect.KindCompletion, 2, hold, 10000)
			m.AuthorizationIDResponse = "999999"
			s.ask(m)
		}, "0210/25", "", -10000, 10000},
		// W26
		{"on the last day", func(s *street, hold *dialect.Message) { calendar(s, "2026-04-01"); completed(s, hold) }, "0210/00",
			"cardholder -10000 acquirer 10000", -10000, 0},
		{"it expires", func(s *street, _ *dialect.Message) { calendar(s, "2026-04-02") }, "0110/00", "", 0, 0},
		{"and is not completed then", func(s *street, hold *dialect.Message) { calendar(s, "2026-04-02"); completed(s, hold) }, "0210/25", "", 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, hold := heldStreet(t, rules.Set{})
			test.play(s, hold)
			s.expect("code", s.code(), test.code)
			s.pass(2 * time.Minute)
			if bad := s.wrong(); len(bad) > 0 {
				t.Error(bad)
			}
			s.expect("money", s.money(), test.money)
			for range 2 { // and after a restart
				s.expect("available", s.available(), test.available)
				for at := range s.nodes {
					s.expect("held at the "+placeNames[at], s.view(at).Find(hold.Key()).Hold, test.hold)
					s.restart(at)
				}
			}
		})
	}
}

// A completion goes over the hops like a sale: each rule that a sale needs, it needs.
func TestRulesOfCompletions(t *testing.T) {
	tests := []struct {
		name string
		rule rules.Rule
		play func(s *street, m *dialect.Message)
	}{
		{"H1 it comes twice", rules.ReplayDuplicates, func(s *street, m *dialect.Message) {
			s.fault("acquirer>terminal 0210", lose)
			s.ask(m)
			s.post(envelope{atTerminal, atAcquirer, s.recode(m)})
			s.run()
		}},
		{"H2 its reversal comes first", rules.RememberUnmatched, func(s *street, m *dialect.Message) {
			s.fault("terminal>acquirer 0200", hold)
			s.ask(m)
			s.undo(m, "0400")
			s.release()
		}},
		{"A2 nobody answers", rules.ReverseUpstream, func(s *street, m *dialect.Message) {
			s.fault("issuer>switch 0210", lose)
			s.ask(m)
		}},
		{"A6 its reversal is lost", rules.RepeatUpstream, func(s *street, m *dialect.Message) {
			s.fault("acquirer>terminal 0210", lose)
			s.ask(m)
			s.fault("acquirer>switch 0420", lose)
			s.undo(m, "0400")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, naive := range []rules.Set{{}, rules.Leave(test.rule)} {
				s, held := heldStreet(t, naive)
				test.play(s, s.after(dialect.KindCompletion, 2, held, 10000))
				s.pass(2 * time.Minute)
				if bad := s.wrong(); (len(bad) > 0) != (naive != rules.Set{}) {
					t.Errorf("naive %v: %v", naive != rules.Set{}, bad)
				}
			}
		})
	}
}

// A payout pays completions, and pre-authorisations not.
func TestPayoutOfCompletions(t *testing.T) {
	s, hold := heldStreet(t, rules.Set{})
	s.ask(s.after(dialect.KindCompletion, 2, hold, 11000))
	s.ask(s.kind(dialect.KindMOTOPreAuth, s.sale(3, 5000)))
	s.step(atAcquirer, Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarPayout}}, 0)
	s.expect("money", s.money(), "cardholder -11000 merchant 10934 fees 66")
}

// The names of what is asked for by mail or telephone, in parts, with cash: sales, all of them.
func TestKindsOfSales(t *testing.T) {
	for _, k := range []dialect.Kind{dialect.KindMOTOSale, dialect.KindInstalment, dialect.KindCashBack} {
		s := newStreet(t, rules.Set{}, func(_, _ *RelayConfig, i *IssuerConfig) { i.Accounts[0].PINRequired = k == dialect.KindMOTOSale })
		m := s.kind(k, s.sale(1, 10000))
		if k == dialect.KindCashBack {
			m.CashBackAmount = 3000
		}
		s.ask(m)
		s.expect(k.String(), s.code(), "0210/00")
		for at := range s.nodes {
			s.expect(k.String(), s.view(at).Find(m.Key()).Kind, k)
			s.restart(at)
			s.expect(k.String(), s.view(at).Find(m.Key()).Kind, k)
		}
		s.expect("money", s.money(), "cardholder -10000 acquirer 10000")
		s.ask(s.after(dialect.KindVoid, 2, m, 10000))
		s.expect("void", s.code()+s.money(), "0210/00")
	}
	s := newStreet(t, rules.Set{})
	m := s.kind(dialect.KindCashBack, s.sale(1, 10000))
	m.CashBackAmount = 10001
	s.ask(m)
	s.expect("more cash than the amount", s.code(), "0210/13")
	if s.ask(s.after(dialect.KindVoid, 2, m, 10000)); !strings.Contains(fmt.Sprint(s.code()), "25") {
		t.Errorf("void of what was refused: %s", s.code())
	}
}
