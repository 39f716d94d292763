package host

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// soldStreet has a sale of 100.00 that was approved, and the void of it.
func soldStreet(t testing.TB, naive rules.Set, change ...func(*RelayConfig, *RelayConfig, *IssuerConfig)) (s *street, sale, void *dialect.Message) {
	s = newStreet(t, naive, change...)
	sale = s.sale(1, 10000)
	s.ask(sale)
	return s, sale, s.after(dialect.KindVoid, 2, sale, 10000)
}

// code is what the last answer said, with its MTI.
func (s *street) code() string { return s.till.last().MTI + "/" + s.till.last().ResponseCode }

// The rules of voids over two hops (docs/model/void.pml): each is one of the rules of a sale's reversal, once more.
func TestRulesOfVoids(t *testing.T) {
	const sold, gone = "cardholder -10000 acquirer 10000", ""
	tests := []struct {
		name  string
		rule  rules.Rule
		play  func(s *street, void *dialect.Message)
		money string
		sick  string
	}{
		{"V8 a void that comes twice credits once", rules.ReplayDuplicates, func(s *street, void *dialect.Message) {
			s.fault("terminal>acquirer 0200", double)
			s.ask(void)
			again := *void
			again.MTI = "0201"
			s.ask(&again)
		}, gone, ""},
		{"V2 a reversal that overtakes its void leaves a tombstone", rules.RememberUnmatched, func(s *street, void *dialect.Message) {
			s.fault("terminal>acquirer 0200", hold)
			s.ask(void)
			s.undo(void, "0400")
			s.release()
		}, sold, "I4"},
		{"V12 so it does at the issuer", rules.IssuerRemembersUnmatched, func(s *street, void *dialect.Message) {
			s.fault("switch>issuer 0200", hold)
			s.ask(void)
			s.undo(void, "0400")
			s.release()
		}, sold, "I4"},
		{"V5 the acquirer's log of the void is durable before it answers", rules.LogBeforeAnswer, func(s *street, void *dialect.Message) {
			s.fault("switch>acquirer 0210", crashBeforeLog)
			s.ask(void)
			s.pass(time.Minute)
		}, sold, "I4"},
		{"V6 the reversal of the void is queued before it is acknowledged", rules.QueueBeforeAcknowledging, func(s *street, void *dialect.Message) {
			s.fault("acquirer>terminal 0210", lose)
			s.ask(void)
			s.fault("acquirer>switch 0420", lose)
			s.undo(void, "0400")
			s.restart(atAcquirer)
			s.run()
		}, sold, "I4"},
		{"V7 and repeated until the issuer answers", rules.RepeatUpstream, func(s *street, void *dialect.Message) {
			s.fault("acquirer>terminal 0210", lose)
			s.ask(void)
			s.fault("acquirer>switch 0420", lose)
			s.undo(void, "0400")
		}, sold, "I4"},
		{"V8 the issuer debits again once", rules.IssuerCreditsOnce, func(s *street, void *dialect.Message) {
			s.fault("acquirer>terminal 0210", lose)
			s.ask(void)
			s.fault("issuer>switch 0430", lose)
			s.undo(void, "0400")
		}, sold, "I1"},
		{"V9 a void that is refused for want of an answer is reversed above", rules.ReverseUpstream, func(s *street, void *dialect.Message) {
			s.fault("issuer>switch 0210", hold)
			s.ask(void)
			s.pass(35 * time.Second)
			s.expect("code", s.code(), "0210/68")
			s.release()
		}, sold, "I4"},
		{"V9 and a late approval changes nothing", rules.KeepDecision, func(s *street, void *dialect.Message) {
			s.fault("switch>acquirer 0210", hold)
			s.ask(void)
			s.pass(46 * time.Second)
			s.release()
		}, sold, "I4"},
		{"V10 the pending void is durable before it is passed on", rules.LogBeforeForward, func(s *street, void *dialect.Message) {
			s.fault("switch>acquirer 0210", crashBeforeLog)
			s.ask(void)
			s.undo(void, "0400")
		}, sold, "I4"},
		{"V11 a reversal of a void cancels it while it is pending", rules.CancelPending, func(s *street, void *dialect.Message) {
			s.fault("switch>acquirer 0210", hold)
			s.ask(void)
			s.undo(void, "0400")
			s.release()
		}, sold, "I4"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, _, void := soldStreet(t, rules.Set{})
			test.play(s, void)
			s.pass(2 * time.Minute)
			if bad := s.wrong(); len(bad) > 0 {
				t.Errorf("with the rule: %v", bad)
			}
			s.expect("money", s.money(), test.money)
			if test.sick == "" {
				return
			}
			s, _, void = soldStreet(t, rules.Leave(test.rule))
			test.play(s, void)
			s.pass(2 * time.Minute)
			if bad := strings.Join(s.wrong(), "; "); !strings.Contains(bad, test.sick) {
				t.Errorf("without the rule the judge finds %q, want %s; money %s", bad, test.sick, s.money())
			}
		})
	}
}

// A void that is decided again is refused, because its sale is voided: the terminal would take that for its answer, and not
// believe what has happened.
func TestVoidDecidedAgain(t *testing.T) {
	s, _, void := soldStreet(t, rules.Leave(rules.ReplayDuplicates))
	s.fault("acquirer>terminal 0210", lose)
	s.ask(void)
	again := *void
	again.MTI = "0201"
	s.ask(&again)
	if s.till.said[void.Key()] != "12" || len(s.wrong()) == 0 {
		t.Errorf("answered %q, the judge finds %v", s.till.said[void.Key()], s.wrong())
	}
}

func TestVoid(t *testing.T) {
	s, sale, void := soldStreet(t, rules.Set{})
	s.ask(void)
	s.expect("answer", s.code(), "0210/00")
	s.expect("money", s.money(), "")
	for _, at := range []int{atAcquirer, atSwitch, atIssuer} {
		v := s.view(at)
		s.expect("the sale", v.Find(sale.Key()).State, Approved)
		e := v.Find(void.Key())
		s.expect("the void", fmt.Sprint(e.State, e.Kind, e.Original), fmt.Sprint(Approved, dialect.KindVoid, sale.Key()))
		s.restart(at)
	}
	s.expect("money after restarts", s.money(), "")
	// V1: asked again, it is answered again.
	again := *void
	again.MTI = "0201"
	s.ask(&again)
	s.expect("the repeat's answer", s.code(), "0210/00")
	// V2: reversed, the sale stands again; and it can be voided again.
	s.undo(void, "0400")
	s.expect("the reversal's answer", s.code(), "0410/00")
	s.expect("money", s.money(), "cardholder -10000 acquirer 10000")
	s.ask(s.after(dialect.KindVoid, 3, sale, 10000))
	s.expect("answer", s.code(), "0210/00")
	s.expect("money", s.money(), "")
}

func TestVoidRefused(t *testing.T) {
	calendar := func(c CalendarKind) Event { return Event{Kind: EventCalendar, Calendar: Calendar{Kind: c}} }
	tests := []struct {
		name string
		play func(s *street, sale, void *dialect.Message)
		want string
	}{
		{"of a sale that nobody knows: 25", func(_ *street, _, void *dialect.Message) { void.Original.STAN = "000009" }, "0210/25"},
		{"of a sale of another day: 25", func(_ *street, _, void *dialect.Message) { void.Original.Date = "0301" }, "0210/25"},
		{"of nothing: 25", func(_ *street, _, void *dialect.Message) { void.Original = dialect.Original{} }, "0210/25"},
		{"of another amount: 64", func(_ *street, _, void *dialect.Message) { void.SetAmount(9999) }, "0210/64"},
		{"of another card: 12", func(s *street, _, void *dialect.Message) {
			void.PrimaryAccountNumber, _ = panOf("5413330089020011")
		}, "0210/12"},
		{"of a sale that is voided: 12", func(s *street, sale, _ *dialect.Message) { s.ask(s.after(dialect.KindVoid, 5, sale, 10000)) }, "0210/12"},
		{"of a sale that is being voided: 12", func(s *street, sale, _ *dialect.Message) {
			s.fault("acquirer>switch 0200", lose)
			s.ask(s.after(dialect.KindVoid, 5, sale, 10000))
		}, "0210/12"},
		{"of a sale that is reversed: 25", func(s *street, sale, _ *dialect.Message) { s.undo(sale, "0400") }, "0210/25"},
		{"of a sale that is refunded: 12", func(s *street, sale, _ *dialect.Message) { s.ask(s.after(dialect.KindRefund, 5, sale, 1)) }, "0210/12"},
		{"of a sale with a tip: 12", func(s *street, sale, _ *dialect.Message) { s.ask(s.after(dialect.KindTipAdjust, 5, sale, 10500)) }, "0210/12"},
		{"of a void: 12", func(s *street, sale, void *dialect.Message) {
			first := s.after(dialect.KindVoid, 5, sale, 10000)
			s.ask(first)
			void.Original.STAN = "000005"
		}, "0210/12"},
		{"of a sale that is paid out: 12", func(s *street, _, _ *dialect.Message) { s.step(atAcquirer, calendar(CalendarPayout), 0) }, "0210/12"},
		{"of a sale before the cut-over: 12", func(s *street, _, _ *dialect.Message) { s.step(atAcquirer, calendar(CalendarCutover), 0) }, "0210/12"},
		{"of a hold: 12", func(s *street, _, void *dialect.Message) {
			s.ask(s.kind(dialect.KindPreAuth, s.sale(5, 10000)))
			void.Original.STAN = "000005"
		}, "0210/12"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, sale, void := soldStreet(t, rules.Set{})
			test.play(s, sale, void)
			before := s.money()
			s.ask(void)
			s.expect("answer", s.code(), test.want)
			s.expect("money", s.money(), before)
			s.ask(void)
			s.expect("the same again", s.code(), test.want)
		})
	}
}

// Same key, other contents: nothing happens, and the old approval is not given away (W46).
func TestVoidOfAnotherSaleUnderTheSameNumber(t *testing.T) {
	s, _, void := soldStreet(t, rules.Set{})
	other := s.sale(3, 10000)
	s.ask(other)
	s.ask(void)
	copied := *void
	copied.Original.STAN = "000003"
	s.post(envelope{atTerminal, atAcquirer, s.recode(&copied)})
	s.run()
	s.expect("answer", s.code(), "0210/94")
	s.expect("money", s.money(), "cardholder -10000 acquirer 10000")
}

// The cardholder spends the money before the reversal of the void takes it back (W44).
func TestVoidReversedWhenTheMoneyIsSpent(t *testing.T) {
	s := newStreet(t, rules.Set{})
	s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", SetBalance: true, Balance: 10000}}, 0)
	sale := s.sale(1, 10000)
	s.ask(sale)
	void := s.after(dialect.KindVoid, 2, sale, 10000)
	s.fault("acquirer>terminal 0210", lose)
	s.ask(void)
	s.ask(s.sale(3, 9000))
	s.expect("the other sale", s.code(), "0210/00")
	s.undo(void, "0400")
	s.expect("answer", s.code(), "0410/00")
	s.expect("money", s.money(), "cardholder -19000 acquirer 19000")
	if note := s.view(atIssuer).Find(void.Key()).Note; !strings.Contains(note, "overdrawn") {
		t.Errorf("note %q", note)
	}
	if bad := s.wrong(); len(bad) > 0 {
		t.Error(bad)
	}
}

// What has been voided or refunded, or is in the day's file, is not reversed: an item is opened (W47).
func TestReversalOfWhatIsVoided(t *testing.T) {
	payout := Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarPayout}}
	tests := []struct {
		name string
		play func(s *street, sale, void *dialect.Message) *dialect.Message // what is reversed then
		open bool
		want string
	}{
		{"a sale that is voided", func(s *street, sale, void *dialect.Message) *dialect.Message { s.ask(void); return sale }, true, "0410/12"},
		{"a sale that is being voided", func(s *street, sale, void *dialect.Message) *dialect.Message {
			s.fault("acquirer>switch 0200", lose)
			s.ask(void)
			return sale
		}, true, "0410/12"},
		{"a sale that is refunded", func(s *street, sale, _ *dialect.Message) *dialect.Message {
			s.ask(s.after(dialect.KindRefund, 5, sale, 1))
			return sale
		}, true, "0410/12"},
		{"a void that was in the file", func(s *street, _, void *dialect.Message) *dialect.Message {
			s.ask(void)
			s.step(atAcquirer, payout, 0)
			return void
		}, true, "0410/12"},
		{"a sale in grace, behind the cut-over", func(s *street, sale, _ *dialect.Message) *dialect.Message {
			s.step(atAcquirer, Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarCutover}}, 0)
			return sale
		}, false, "0410/00"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, sale, void := soldStreet(t, rules.Set{})
			m := test.play(s, sale, void)
			before := s.money()
			s.undo(m, "0400")
			s.expect("answer", s.code(), test.want)
			open := s.view(atAcquirer).Differences()
			s.expect("items", len(open) == 1, test.open)
			if test.open {
				s.expect("money", s.money(), before)
				s.expect("item's amount", open[0].Difference.Amount, 10000)
			}
			logged := len(s.nodes[atAcquirer].log)
			s.undo(m, "0400")
			s.expect("records of the repeat", len(s.nodes[atAcquirer].log), logged)
		})
	}
}
