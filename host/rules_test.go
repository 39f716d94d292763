package host

import (
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
)

// Every rule of this room has a story in which the money is right with it and wrong without it.
func TestRules(t *testing.T) {
	tests := []struct {
		name  string
		rule  rules.Rule
		play  func(s *street)
		money string // with every rule kept
		sick  string // what the judge finds without the rule
	}{
		{"H1 a request that comes twice while it is pending debits once", rules.ReplayDuplicates, func(s *street) {
			s.fault("terminal>acquirer 0200", double)
			s.ask(s.sale(1, 10000))
		}, "cardholder -10000 acquirer 10000", "I1"},
		{"H1 a request that comes again after the decision gets the stored answer", rules.ReplayDuplicates, func(s *street) {
			m := s.sale(1, 10000)
			s.ask(m)
			s.ask(m)
		}, "cardholder -10000 acquirer 10000", "I1"},
		{"H2 a reversal that overtakes its request leaves a tombstone", rules.RememberUnmatched, func(s *street) {
			m := s.sale(1, 10000)
			s.fault("terminal>acquirer 0200", hold)
			s.ask(m)
			s.undo(m, "0400")
			s.release()
		}, "", "I4"},
		{"H2 a tombstone outlives the request's way", rules.KeepTombstones, func(s *street) {
			m := s.sale(1, 10000)
			s.fault("terminal>acquirer 0200", hold)
			s.ask(m)
			s.undo(m, "0400")
			s.pass(3 * time.Second)
			s.release()
		}, "", "I4"},
		{"H2 so it does at the issuer", rules.IssuerRemembersUnmatched, func(s *street) {
			m := s.sale(1, 10000)
			s.fault("switch>issuer 0200", hold)
			s.ask(m)
			s.undo(m, "0400")
			s.release()
		}, "", "I4"},
		{"H3 a reversal that comes twice credits once", rules.CreditOnce, func(s *street) {
			m := s.sale(1, 10000)
			s.fault("acquirer>terminal 0210", lose)
			s.ask(m)
			s.fault("terminal>acquirer 0400", double)
			s.undo(m, "0400")
		}, "", "I4"},
		{"H3 a reversal whose acknowledgement was lost credits once", rules.CreditOnce, func(s *street) {
			m := s.sale(1, 10000)
			s.fault("acquirer>terminal 0210", lose)
			s.ask(m)
			s.fault("acquirer>terminal 0410", lose)
			s.undo(m, "0400")
			s.undo(m, "0401")
		}, "", "I4"},
		{"H5 a reversal undoes its own original and no other", rules.ExactKey, func(s *street) {
			s.ask(s.sale(1, 10000))
			m := s.sale(2, 20000)
			s.fault("terminal>acquirer 0200", lose)
			s.ask(m)
			s.undo(m, "0400")
		}, "cardholder -10000 acquirer 10000", "I4"},
		{"H6 an answer is durable before it leaves", rules.LogBeforeAnswer, func(s *street) {
			s.fault("switch>acquirer 0210", crashBeforeLog)
			s.ask(s.sale(1, 10000))
			s.pass(time.Minute)
		}, "", "I4"},
		{"A1 a request is durable before it is forwarded", rules.LogBeforeForward, func(s *street) {
			m := s.sale(1, 10000)
			s.fault("switch>acquirer 0210", crashBeforeLog)
			s.ask(m)
			s.undo(m, "0400")
			s.pass(time.Minute)
		}, "", "I4"},
		{"H3 the issuer credits once", rules.IssuerCreditsOnce, func(s *street) {
			m := s.sale(1, 10000)
			s.ask(m)
			s.fault("issuer>switch 0430", lose)
			s.undo(m, "0400")
		}, "", "I1"},
		{"A2 a request that is declined for want of an answer is reversed above", rules.ReverseUpstream, func(s *street) {
			s.fault("issuer>switch 0210", hold)
			s.ask(s.sale(1, 10000))
			s.pass(35 * time.Second)
			s.release()
			s.pass(time.Minute)
		}, "", "I4"},
		{"A4 a reversal cancels what is pending", rules.CancelPending, func(s *street) {
			m := s.sale(1, 10000)
			s.fault("switch>acquirer 0210", hold)
			s.ask(m)
			s.undo(m, "0400")
			s.release()
		}, "", "I4"},
		{"A5 what is acknowledged is reversed above, whatever falls", rules.QueueBeforeAcknowledging, func(s *street) {
			m := s.sale(1, 10000)
			s.ask(m)
			s.fault("acquirer>switch 0420", lose)
			s.undo(m, "0400")
			s.expect("answer", s.till.last().MTI+s.till.last().ResponseCode, "041000")
			s.restart(atAcquirer)
			s.run()
		}, "", "I4"},
		{"A6 a reversal that is lost on the way up is sent again", rules.RepeatUpstream, func(s *street) {
			m := s.sale(1, 10000)
			s.ask(m)
			s.fault("acquirer>switch 0420", lose)
			s.undo(m, "0400")
		}, "", "I4"},
		{"A3 a late approval changes nothing", rules.KeepDecision, func(s *street) {
			s.fault("switch>acquirer 0210", hold)
			s.ask(s.sale(1, 10000))
			s.pass(46 * time.Second)
			s.release()
			s.pass(time.Minute)
		}, "", "I4"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			test.play(s)
			s.pass(2 * time.Minute)
			if bad := s.wrong(); len(bad) > 0 {
				t.Errorf("with the rule: %v", bad)
			}
			s.expect("money", s.money(), test.money)

			s = newStreet(t, rules.Leave(test.rule))
			test.play(s)
			s.pass(2 * time.Minute)
			if bad := strings.Join(s.wrong(), "; "); !strings.Contains(bad, test.sick) {
				t.Errorf("without the rule the judge finds %q, want %s; money %s", bad, test.sick, s.money())
			}
		})
	}
}

// What waits for the next hop.
func TestReversalQueue(t *testing.T) {
	tests := []struct {
		name  string
		play  func(s *street)
		money string
	}{
		{"A4 a reversal cancels what is pending, and goes up", func(s *street) {
			m := s.sale(1, 10000)
			s.fault("switch>acquirer 0210", hold)
			s.ask(m)
			s.undo(m, "0400")
			s.expect("answer", s.till.last().MTI+s.till.last().ResponseCode, "041000")
			s.expect("timers", len(s.nodes[atAcquirer].timers), 0)
			s.release() // the approval is late now
			s.expect("late code", s.view(atAcquirer).Transactions[0].LateCode, "00")
		}, ""},
		{"A5 the acknowledgement to the terminal survives a crash of the acquirer", func(s *street) {
			m := s.sale(1, 10000)
			s.ask(m)
			s.fault("terminal>acquirer 0400", crashAfterLog)
			s.undo(m, "0400")
		}, ""},
		{"A5 a crash before the log acknowledges nothing and forgets nothing", func(s *street) {
			m := s.sale(1, 10000)
			s.ask(m)
			s.fault("terminal>acquirer 0400", crashBeforeLog)
			s.undo(m, "0400")
			s.expect("answer", s.till.last().MTI, "0210")
			s.undo(m, "0401")
			s.expect("answer", s.till.last().MTI+s.till.last().ResponseCode, "041000")
		}, ""},
		{"A6 a reversal that is lost on the way up is sent again", func(s *street) {
			m := s.sale(1, 10000)
			s.ask(m)
			s.fault("acquirer>switch 0420", lose)
			s.fault("acquirer>switch 0421", lose)
			s.undo(m, "0400")
			s.pass(31 * time.Second)
			s.expect("money", s.money(), "cardholder -10000 issuer 10000")
			s.pass(30 * time.Second)
		}, ""},
		{"A6 its acknowledgement too", func(s *street) {
			m := s.sale(1, 10000)
			s.ask(m)
			s.fault("issuer>switch 0430", lose)
			s.undo(m, "0400")
			s.pass(31 * time.Second)
		}, ""},
		{"a request that was lost above is reversed there without harm", func(s *street) {
			s.fault("acquirer>switch 0200", lose)
			s.ask(s.sale(1, 10000))
			s.pass(46 * time.Second)
			s.expect("code", s.till.last().ResponseCode, "68")
		}, ""},
		{"a pending request found at boot is declined and reversed above", func(s *street) {
			s.fault("issuer>switch 0210", crashBeforeLog)
			s.ask(s.sale(1, 10000))
			s.expect("code at the switch", s.view(atSwitch).Transactions[0].ResponseCode, "91")
			s.pass(46 * time.Second)
			s.expect("code", s.till.last().ResponseCode, "68")
		}, ""},
		{"a due reversal is sent again at boot", func(s *street) {
			m := s.sale(1, 10000)
			s.ask(m)
			s.fault("acquirer>switch 0420", lose)
			s.undo(m, "0400")
			s.restart(atAcquirer)
			s.run()
			s.expect("money", s.money(), "")
		}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			test.play(s)
			s.pass(2 * time.Minute)
			if bad := s.wrong(); len(bad) > 0 {
				t.Error(bad)
			}
			s.expect("money", s.money(), test.money)
		})
	}
}
