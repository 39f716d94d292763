package host

import (
	"fmt"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// W50
func TestPartialApproval(t *testing.T) {
	sixty := func(t *testing.T, naive rules.Set) (*street, *dialect.Message) {
		s := newStreet(t, naive)
		s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", SetBalance: true, Balance: 6000}}, 0)
		m := s.sale(1, 10000)
		m.PartialSupport = "1"
		return s, m
	}
	s, m := sixty(t, rules.Set{})
	s.ask(m)
	s.expect("answer", fmt.Sprint(s.code(), " ", s.till.last().AmountTransaction), "0210/10 6000")
	s.expect("money", s.money(), "cardholder -6000 acquirer 6000")
	for at := range s.nodes {
		s.expect("approved", s.view(at).Find(m.Key()).ApprovedAmount, 6000)
		s.restart(at)
	}
	s.ask(m)
	s.expect("the same again", fmt.Sprint(s.code(), " ", s.till.last().AmountTransaction), "0210/10 6000")
	s.ask(s.after(dialect.KindVoid, 2, m, 10000))
	s.expect("void of what was asked for", s.code(), "0210/64")
	s.ask(s.after(dialect.KindVoid, 3, m, 6000))
	s.expect("void of what was approved", s.code()+s.money(), "0210/00")
	if bad := s.wrong(); len(bad) > 0 {
		t.Error(bad)
	}

	s, m = sixty(t, rules.Set{})
	s.fault("acquirer>terminal 0210", lose)
	s.ask(m)
	s.undo(m, "0400") // of 100: it credits the 60
	s.expect("reversal", s.code()+s.money(), "0410/00")

	s, m = sixty(t, rules.Set{})
	s.fault("acquirer>terminal 0210", lose)
	s.ask(m)
	part := *m
	part.SetAmount(6000)
	s.undo(&part, "0400") // of 60, too
	s.expect("reversal of the part", s.code()+s.money(), "0410/00")
	part.SetAmount(7000)
	s.undo(&part, "0400")
	s.expect("reversal of something else", s.code(), "0410/94")

	s, m = sixty(t, rules.Set{})
	m.PartialSupport = "" // who cannot take it is not offered it
	s.ask(m)
	s.expect("without support", s.code()+s.money(), "0210/51")

	s, m = sixty(t, rules.Set{})
	s.ask(s.kind(dialect.KindPreAuth, m))
	s.expect("a hold is whole", s.code(), "0110/51")

	s, m = sixty(t, rules.Set{})
	s.ask(m)
	s.calendar(CalendarPayout, "")
	s.expect("payout", s.money(), "cardholder -6000 merchant 5964 fees 36")
}

// An issuer's partial approval that says no part of the amount is not taken.
func TestPartialApprovalOfNoPart(t *testing.T) {
	for _, amount := range []int64{0, 10000} {
		s := newStreet(t, rules.Set{})
		m := s.sale(1, 10000)
		m.PartialSupport = "1"
		s.fault("issuer>switch 0210", lose)
		s.ask(m)
		a := s.message("0210", 1)
		a.SetAmount(amount)
		a.ResponseCode = "10"
		s.step(atSwitch, Event{Kind: EventMessage, Message: s.recode(a)}, 0)
		s.run()
		s.pass(2 * time.Minute)
		s.expect("answer", s.code(), "0210/96")
		s.expect("money", s.money(), "")
	}
}

func TestBalance(t *testing.T) {
	s := newStreet(t, rules.Set{}, func(_, _ *RelayConfig, i *IssuerConfig) { i.Accounts[0].PINRequired = true })
	s.signOn(99)
	ask := func(stan int, pin string) *dialect.Message {
		m := s.kind(dialect.KindBalance, s.sale(stan, 0))
		m.AmountTransaction, m.HasAmount = 0, false
		if pin != "" {
			m.PINData = s.typed(pin)
		}
		s.post(envelope{atTerminal, atAcquirer, s.recode(m)})
		s.run()
		return m
	}
	m := ask(1, testPIN)
	s.expect("answer", s.code(), "0110/00")
	n, ok := s.till.last().Balance()
	s.expect("balance", fmt.Sprint(n, ok), fmt.Sprint(testBalance, true))
	s.expect("money", s.money(), "")
	first := s.till.last().AdditionalAmounts
	s.restart(atAcquirer)
	s.post(envelope{atTerminal, atAcquirer, s.recode(m)})
	s.run()
	s.expect("the same again", s.till.last().AdditionalAmounts, first)

	ask(2, "9999")
	s.expect("wrong PIN", s.code()+s.till.last().AdditionalAmounts, "0110/55")
	ask(3, "")
	s.expect("no PIN", s.code(), "0110/55")

	held := s.kind(dialect.KindPreAuth, s.sale(4, 10000))
	held.PINData = s.typed(testPIN)
	s.ask(held)
	ask(5, testPIN)
	n, _ = s.till.last().Balance()
	s.expect("less what is held", n, testBalance-10000)

	// It is not reversed, by nobody.
	s.fault("issuer>switch 0110", lose)
	lost := ask(6, testPIN)
	s.pass(46 * time.Second)
	s.expect("no answer", s.code(), "0110/68")
	for at := range s.nodes {
		if e := s.view(at).Find(lost.Key()); e.ReversalDue || e.State == Reversed {
			t.Errorf("%s reverses an inquiry", placeNames[at])
		}
	}
	rev := s.message("0400", 1)
	rev.ReversalReason = "98"
	s.post(envelope{atTerminal, atAcquirer, s.recode(rev)})
	s.run()
	s.expect("a reversal of it", s.code(), "0410/12")
	s.expect("items", len(s.view(atAcquirer).Differences()), 0)
	if bad := s.wrong(); len(bad) > 0 {
		t.Error(bad)
	}
}

const testCode = "6212345678901234567"

// payStreet has somebody who pays with a code.
func payStreet(t *testing.T, naive rules.Set) (s *street, sale *dialect.Message) {
	s = newStreet(t, naive, func(_, _ *RelayConfig, i *IssuerConfig) {
		i.Accounts = append(i.Accounts, Account{Name: "wallet", Code: testCode, Expiry: noExpiry, Currency: "156", Balance: 50000})
	})
	return s, s.qr(1, 10000)
}

func (s *street) qr(stan int, amount int64) *dialect.Message {
	m := s.message("0200", stan)
	m.SetAmount(amount)
	m.CodeScanned = testCode
	return s.kind(dialect.KindQRSale, m)
}

func TestQRSale(t *testing.T) {
	const sold = "acquirer 10000 wallet -10000"
	query := func(s *street, sale *dialect.Message) {
		s.post(envelope{atTerminal, atAcquirer, s.recode(s.after(dialect.KindQRQuery, 8, sale, sale.AmountTransaction))})
		s.run()
	}
	cancel := func(s *street, sale *dialect.Message) *dialect.Message {
		m := s.after(dialect.KindQRCancel, 9, sale, sale.AmountTransaction)
		s.post(envelope{atTerminal, atAcquirer, s.recode(m)})
		s.run()
		return m
	}
	tests := []struct {
		name  string
		play  func(s *street, sale *dialect.Message)
		code  string
		money string
	}{
		{"approved", func(s *street, sale *dialect.Message) { s.ask(sale) }, "0210/00", sold},
		{"a code that is nobody's", func(s *street, sale *dialect.Message) { sale.CodeScanned = "1"; s.ask(sale) }, "0210/14", ""},
		{"more than there is", func(s *street, sale *dialect.Message) { sale.SetAmount(50001); s.ask(sale) }, "0210/51", ""},
		{"it comes twice", func(s *street, sale *dialect.Message) { s.ask(sale); s.ask(sale) }, "0210/00", sold},
		{"under the same number, from another code", func(s *street, sale *dialect.Message) {
			s.ask(sale)
			other := *sale
			other.CodeScanned = "2"
			s.post(envelope{atTerminal, atAcquirer, s.recode(&other)})
			s.run()
		}, "0210/94", sold},
		{"asked about: approved", func(s *street, sale *dialect.Message) { s.ask(sale); query(s, sale) }, "0210/00", sold},
		{"asked about: not decided yet", func(s *street, sale *dialect.Message) {
			s.fault("switch>acquirer 0210", hold)
			s.ask(sale)
			query(s, sale)
			s.expect("code", s.code(), "0210/09")
			s.release()
		}, "0210/00", sold},
		{"asked about: declined", func(s *street, sale *dialect.Message) { sale.SetAmount(50001); s.ask(sale); query(s, sale) }, "0210/51", ""},
		{"asked about: it was lost, and asked for again", func(s *street, sale *dialect.Message) {
			s.fault("issuer>switch 0210", lose)
			s.ask(sale)
			s.pass(2 * time.Minute)
			query(s, sale)
		}, "0210/00", "acquirer 10000 wallet -10000"},
		{"asked about: unknown", func(s *street, sale *dialect.Message) { query(s, sale) }, "0210/25", ""},
		{"cancelled", func(s *street, sale *dialect.Message) { s.ask(sale); cancel(s, sale) }, "0230/00", ""},
		{"cancelled, and asked about", func(s *street, sale *dialect.Message) { s.ask(sale); cancel(s, sale); query(s, sale) }, "0210/25", ""},
		{"cancelled twice", func(s *street, sale *dialect.Message) { s.ask(sale); cancel(s, sale); cancel(s, sale) }, "0230/00", ""},
		{"cancelled before it comes", func(s *street, sale *dialect.Message) { cancel(s, sale); s.ask(sale) }, "0210/25", ""},
		{"cancelled while it is pending", func(s *street, sale *dialect.Message) {
			s.fault("switch>acquirer 0210", hold)
			s.ask(sale)
			cancel(s, sale)
			s.release()
		}, "0230/00", ""},
		{"cancelled after it was declined", func(s *street, sale *dialect.Message) {
			sale.SetAmount(50001)
			s.ask(sale)
			cancel(s, sale)
		}, "0230/00", ""},
		{"cancelled after the payout: 12", func(s *street, sale *dialect.Message) {
			s.ask(sale)
			s.calendar(CalendarPayout, "")
			cancel(s, sale)
		}, "0230/12", "merchant 9940 fees 60 wallet -10000"},
		{"the cancellation of a card's sale: 12", func(s *street, _ *dialect.Message) {
			card := s.sale(5, 7000)
			s.ask(card)
			cancel(s, card)
		}, "0230/12", "cardholder -7000 acquirer 7000"},
		{"the cancellation goes up, whatever falls", func(s *street, sale *dialect.Message) {
			s.ask(sale)
			s.fault("acquirer>switch 0420", lose)
			cancel(s, sale)
			s.restart(atAcquirer)
			s.run()
		}, "0230/00", ""},
		{"refunded", func(s *street, sale *dialect.Message) {
			s.ask(sale)
			s.ask(s.after(dialect.KindRefund, 3, sale, 4000))
			s.calendar(CalendarPayout, "2026-03-03")
		}, "0230/00", "merchant 5964 fees 36 wallet -6000"},
		{"no such cancellation: 30", func(s *street, sale *dialect.Message) {
			m := s.after(dialect.KindQRCancel, 9, sale, 10000)
			m.Original = dialect.Original{}
			s.ask(m)
		}, "0230/30", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, sale := payStreet(t, rules.Set{})
			test.play(s, sale)
			s.pass(2 * time.Minute)
			s.expect("code", s.code(), test.code)
			s.expect("money", s.money(), test.money)
			x := s.nodes[atIssuer].m.(*Issuer)
			if p := s.positions(); x.Moved() != p[PositionCardholder]+p[PositionWallet] {
				t.Errorf("the accounts changed by %d", x.Moved())
			}
			for at := range s.nodes {
				if due := s.view(at).Unresolved(); len(due) > 0 {
					t.Errorf("%s: %v waits", placeNames[at], due[0].Key)
				}
				s.restart(at)
			}
			s.expect("money after restarts", s.money(), test.money)
		})
	}
}

// A terminal that numbers its batches has no date and time in its keys: the acquirer's go up and come back.
func TestBatchKeys(t *testing.T) {
	s := newStreet(t, rules.Set{})
	numbered := func(m *dialect.Message, batch string) *dialect.Message {
		m.BatchNumber, m.TimeLocalTransaction, m.DateLocalTransaction = batch, "", ""
		return m
	}
	sale := numbered(s.sale(1, 10000), "000007")
	s.ask(sale)
	a := s.till.last()
	s.expect("answer", fmt.Sprint(s.code(), a.BatchNumber, a.TimeLocalTransaction, a.DateLocalTransaction), fmt.Sprint("0210/00", "000007", "140500", "0302"))
	s.expect("key", s.view(atIssuer).Transactions[0].Key, sale.Key())
	s.now = s.now.Add(time.Hour)
	s.ask(sale)
	s.expect("the same again, at the same time", s.till.last().TimeLocalTransaction, "140500")

	void := numbered(s.after(dialect.KindVoid, 2, sale, 10000), "000007")
	void.Original.Date, void.Original.Time = "", ""
	s.ask(void)
	s.expect("void", s.code()+s.money(), "0210/00")
	s.expect("original at the issuer", s.view(atIssuer).Find(void.Key()).Original, sale.Key())

	other := numbered(s.sale(1, 3000), "000008") // the same number in the next batch is another sale
	s.ask(other)
	s.expect("the next batch", s.code()+" "+s.money(), "0210/00 cardholder -3000 acquirer 3000")
	void = numbered(s.after(dialect.KindVoid, 3, other, 3000), "000009")
	void.Original = dialect.Original{Batch: "000008", STAN: "000001"}
	s.ask(void)
	s.expect("a void in another batch", s.code(), "0210/12")
	back := numbered(s.after(dialect.KindRefund, 4, other, 3000), "000009")
	back.Original = dialect.Original{Batch: "000008", STAN: "000001"}
	s.ask(back)
	s.expect("a refund in another batch", s.code(), "0230/00")
	if bad := s.wrong(); len(bad) > 0 {
		t.Error(bad)
	}
}

// A host that answers a true duplicate 94 is taken for one that has declined.
func TestDuplicatesRefused(t *testing.T) {
	s := newStreet(t, rules.Leave(rules.AcceptDuplicates))
	m := s.sale(1, 10000)
	s.fault("acquirer>terminal 0210", lose)
	s.ask(m)
	s.ask(m)
	s.expect("answer", s.code(), "0210/94")
	if bad := s.wrong(); len(bad) != 1 {
		t.Errorf("the judge finds %v", bad)
	}
}

// A sale that was authorised by telephone is told with the word for it.
func TestForcedSale(t *testing.T) {
	s := newStreet(t, rules.Set{})
	m := s.kind(dialect.KindForcedSale, s.sale(1, 10000))
	m.Original.AuthMethod = "01"
	s.ask(m)
	s.expect("without an authorisation", s.code()+s.money(), "0230/05")
	m = s.kind(dialect.KindForcedSale, s.sale(2, 10000))
	m.Original.AuthMethod, m.AuthorizationIDResponse = "01", "123456"
	s.ask(m)
	s.expect("with one", s.code()+" "+s.money(), "0230/00 cardholder -10000 acquirer 10000")
	s.ask(s.after(dialect.KindAdjustment, 3, m, 11000))
	s.expect("adjusted", s.code()+" "+s.money(), "0230/00 cardholder -11000 acquirer 11000")
	s.ask(s.after(dialect.KindAdjustment, 4, m, 8000))
	s.expect("to less", s.code()+" "+s.money(), "0230/00 cardholder -8000 acquirer 8000")
	s.ask(s.after(dialect.KindRefund, 5, m, 8001))
	s.expect("refunded for more", s.code(), "0230/61")
	if bad := s.wrong(); len(bad) > 0 {
		t.Error(bad)
	}
}

// What is repeated until it is answered must not get an answer for ever that decides nothing (D9).
func TestUndecidedVoidIsDecidedByItsRepeat(t *testing.T) {
	for _, at := range []int{atAcquirer, atSwitch, atIssuer} {
		for _, code := range []string{"09", "91", "96", "A0"} {
			s, _, void := soldStreet(t, rules.Set{})
			s.force = func(to int, m *dialect.Message) string {
				if to == at && m.Kind == dialect.KindVoid && !dialect.IsAnswer(m.MTI) {
					return code
				}
				return ""
			}
			s.ask(void)
			first := s.till.last().ResponseCode
			if e := s.view(at).Find(void.Key()); e != nil && e.State != Tombstone { // what is unknown is reversed
				t.Errorf("%s: %s is stored as %v", placeNames[at], code, e.State)
			}
			if at != atAcquirer && (first == "09" || s.view(atAcquirer).Find(void.Key()).State != Declined) {
				t.Errorf("%s of the %s reaches the terminal as %s", code, placeNames[at], first)
			}
			s.force = nil
			s.ask(void)
			want := "0210/" + first
			if at == atAcquirer {
				want = "0210/00"
			}
			s.expect(placeNames[at]+"'s "+code+", and again", s.code(), want)
			s.pass(2 * time.Minute)
			if bad := s.wrong(); len(bad) > 0 && at != atAcquirer {
				t.Error(bad)
			}
		}
	}
}

// The issuer asks by itself: what its acquirer lets through is not done either.
func TestIssuerAsksToo(t *testing.T) {
	send := func(s *street, m *dialect.Message) string {
		s.wire = nil
		s.step(atIssuer, Event{Kind: EventMessage, Conn: 1, Message: s.recode(m)}, 0)
		if len(s.wire) != 1 {
			t.Fatalf("%d answers", len(s.wire))
		}
		a := s.wire[0].m
		s.wire = nil
		return a.MTI + "/" + a.ResponseCode
	}
	s, sale, void := soldStreet(t, rules.Set{})
	s.expect("another amount", send(s, s.after(dialect.KindVoid, 7, sale, 9999)), "0210/64")
	s.expect("a refund of more", send(s, s.after(dialect.KindRefund, 8, sale, 10001)), "0230/61")
	s.ask(void)
	s.expect("voided already", send(s, s.after(dialect.KindVoid, 9, sale, 10000)), "0210/12")
	s.expect("refunded after that", send(s, s.after(dialect.KindRefund, 10, sale, 1)), "0230/12")
	undo := *sale
	undo.MTI, undo.ReversalReason, undo.PrimaryAccountNumber, undo.Track2Data = "0420", "98", testCardZero, ""
	s.expect("the sale reversed after that", send(s, &undo), "0430/12")
	s.expect("money", s.money(), "")
}
