package host

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

func TestDuplicateRequestInEveryState(t *testing.T) {
	tests := []struct {
		name  string
		play  func(s *street, m *dialect.Message)
		want  string // the code that the copy is answered with; "" for no answer
		state State  // at the acquirer
	}{
		{"pending: it joins the first", func(s *street, m *dialect.Message) {
			s.fault("switch>acquirer 0210", lose)
			s.ask(m)
		}, "", Pending},
		{"approved: the stored answer", func(s *street, m *dialect.Message) { s.ask(m) }, "00", Approved},
		{"declined: the stored answer", func(s *street, m *dialect.Message) {
			s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", SetBalance: true, Balance: 1}}, 0)
			s.ask(m)
		}, "51", Declined},
		{"declined by the timer: the stored answer", func(s *street, m *dialect.Message) {
			s.fault("acquirer>switch 0200", lose)
			s.ask(m)
			s.pass(time.Minute)
		}, "68", Declined},
		{"reversed: 25", func(s *street, m *dialect.Message) { s.ask(m); s.undo(m, "0400") }, "25", Reversed},
		{"tombstone: 25", func(s *street, m *dialect.Message) { s.undo(m, "0400") }, "25", Tombstone},
	}
	for _, test := range tests {
		for _, other := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, other contents %v", test.name, other), func(t *testing.T) {
				s := newStreet(t, rules.Set{})
				m := s.sale(1, 10000)
				test.play(s, m)
				first := s.till.last()
				s.till.got = nil
				want, before := test.want, s.money()
				copied := *m
				if other {
					copied.SetAmount(10001)
					if test.state != Tombstone {
						want = "94"
					}
				}
				s.post(envelope{atTerminal, atAcquirer, s.recode(&copied)})
				s.run()
				s.expect("code", s.till.last().ResponseCode, want)
				s.expect("money", s.money(), before)
				s.expect("state", s.view(atAcquirer).Transactions[0].State, test.state)
				if a := s.till.last(); want == first.ResponseCode && first.MTI == "0210" {
					x, _ := dialect.ISO87().Pack(first, nil)
					y, _ := dialect.ISO87().Pack(a, nil)
					if !bytes.Equal(x, y) {
						t.Errorf("the stored answer is not the first one: %v and %v", first, a)
					}
				}
			})
		}
	}
}

// A copy may come on another connection, because the terminal has dialled again: the answer goes where it listens.
func TestAnswerGoesToTheNewestConnection(t *testing.T) {
	s := newStreet(t, rules.Set{})
	m := s.recode(s.sale(1, 10000))
	for _, conn := range []int{3, 5} {
		s.step(atAcquirer, Event{Kind: EventMessage, Conn: conn, Message: m}, 0)
	}
	s.expect("messages up", len(s.wire), 1)
	a := s.message("0210", 1)
	a.SetAmount(10000)
	a.ResponseCode = "00"
	for _, f := range s.nodes[atAcquirer].m.Step(s.now, Event{Kind: EventMessage, Message: a}) {
		if f.Send != nil {
			s.expect("connection", f.Send.Conn, 5)
			return
		}
	}
	t.Error("no answer")
}

func TestReversalInEveryState(t *testing.T) {
	decline := func(s *street, m *dialect.Message) {
		s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", SetBalance: true, Balance: 1}}, 0)
		s.ask(m)
	}
	payout := Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarPayout}}
	tests := []struct {
		name string
		play func(s *street, m *dialect.Message)
		want string
		open bool // a difference item
	}{
		{"unknown: 25", func(*street, *dialect.Message) {}, "25", false},
		{"approved: 00", func(s *street, m *dialect.Message) { s.ask(m) }, "00", false},
		{"declined: 00", decline, "00", false},
		{"paid out: 12 and a difference item", func(s *street, m *dialect.Message) { s.ask(m); s.step(atAcquirer, payout, 0) }, "12", true},
		{"an approved advice: 12 and a difference item", func(s *street, m *dialect.Message) {
			*m = *s.chip("0220", 1, 10000, 1)
			s.ask(m)
		}, "12", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			m := s.sale(1, 10000)
			test.play(s, m)
			s.undo(m, "0400")
			first, money, logged := s.till.last(), s.money(), len(s.nodes[atAcquirer].log)
			s.expect("code", first.ResponseCode, test.want)
			s.undo(m, "0401")
			again := s.till.last()
			s.expect("code of the repeat", again.ResponseCode, test.want)
			s.expect("reference number of the repeat", again.RetrievalReferenceNumber, first.RetrievalReferenceNumber)
			s.expect("money after the repeat", s.money(), money)
			s.expect("records after the repeat", len(s.nodes[atAcquirer].log), logged)
			open := s.view(atAcquirer).Differences()
			if (len(open) == 1) != test.open {
				t.Fatalf("%d difference items", len(open))
			}
			if test.open {
				s.expect("item", fmt.Sprintf("%s %d %s", open[0].Difference.Owner, open[0].Difference.Amount, open[0].Difference.Deadline), "acquirer 10000 2026-03-22")
			}
		})
	}
}

func TestTheCryptogramIsPartOfTheFingerprint(t *testing.T) {
	s := newStreet(t, rules.Set{})
	m := s.chip("0200", 1, 10000, 1)
	s.ask(m)
	copied := *m
	copied.ICCSystemRelatedData = bytes.Clone(m.ICCSystemRelatedData)
	s.ask(&copied)
	s.expect("copy", s.till.last().ResponseCode, "00")
	copied.ICCSystemRelatedData[4] ^= 1 // inside 9F26
	s.ask(&copied)
	s.expect("other cryptogram", s.till.last().ResponseCode, "94")
}

// Of a reversal's chip data what tells how the card decided goes up, and is kept; the card's number is neither.
func TestChipDataOfAReversal(t *testing.T) {
	s := newStreet(t, rules.Set{})
	m := s.chip("0200", 1, 10000, 1)
	s.ask(m)
	r := s.message("0400", 1)
	r.SetAmount(10000)
	number := []byte{0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x01, 0x19}
	r.ICCSystemRelatedData = appendTLV(appendTLV(appendTLV(nil, 0x5A, number), 0x95, []byte{0, 0, 8, 0, 0}), 0x9F36, []byte{0, 1})
	s.fault("acquirer>switch 0420", hold)
	s.post(envelope{atTerminal, atAcquirer, s.recode(r)})
	s.run()
	s.expect("DE 55 up", fmt.Sprintf("%X", s.held[0].m.ICCSystemRelatedData), "950500000800009F36020001")
	s.restart(atAcquirer)
	s.expect("DE 55 after a restart", fmt.Sprintf("%X", s.wire[0].m.ICCSystemRelatedData), "950500000800009F36020001")
	s.expect("repeat", s.wire[0].m.MTI, "0421")
	for _, b := range s.nodes[atAcquirer].log {
		if bytes.Contains(b, number) {
			t.Error("the log holds a card number")
		}
	}
}

func TestReversalOfAnotherAmountChangesNothing(t *testing.T) {
	s := newStreet(t, rules.Set{})
	m := s.sale(1, 10000)
	s.ask(m)
	r := *m
	r.AmountTransaction = 9999
	s.undo(&r, "0400")
	s.expect("code", s.till.last().ResponseCode, "94")
	s.expect("money", s.money(), "cardholder -10000 acquirer 10000")
}

func TestAnswersToAReversalFromAbove(t *testing.T) {
	for _, test := range []struct {
		code string
		due  bool
		open int
	}{{"00", false, 0}, {"25", false, 0}, {"12", false, 1}, {"96", true, 0}, {"05", true, 0}, {"A0", true, 0}} {
		t.Run(test.code, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			m := s.sale(1, 10000)
			s.ask(m)
			s.fault("acquirer>switch 0420", lose)
			s.undo(m, "0400")
			a := s.message("0430", 1)
			a.ResponseCode = test.code
			s.step(atAcquirer, Event{Kind: EventMessage, Message: a, MACBad: true}, 0)
			s.expect("due after a bad MAC", s.view(atAcquirer).Transactions[0].ReversalDue, true)
			s.step(atAcquirer, Event{Kind: EventMessage, Message: a}, 0)
			s.expect("due", s.view(atAcquirer).Transactions[0].ReversalDue, test.due)
			s.expect("difference items", len(s.view(atAcquirer).Differences()), test.open)
			s.expect("timer", len(s.nodes[atAcquirer].timers), map[bool]int{true: 1}[test.due])
		})
	}
}

func TestAnswersFromAboveThatMatchNothing(t *testing.T) {
	s := newStreet(t, rules.Set{})
	s.fault("acquirer>switch 0200", lose)
	s.ask(s.sale(7, 10000))
	for _, test := range []struct {
		name  string
		mti   string
		stan  int
		want  string
		state State
	}{
		{"other trace number", "0210", 8, "000007", 0},
		{"other class", "0230", 7, "000007", Pending},
		{"acknowledgement without a reversal", "0430", 7, "000007", Pending},
		{"a request from above", "0200", 7, "000007", Pending},
	} {
		m := s.message(test.mti, test.stan)
		m.SetAmount(10000)
		m.ResponseCode = "00"
		fx := s.nodes[atAcquirer].m.Step(s.now, Event{Kind: EventMessage, Message: m})
		if len(fx) != 1 || fx[0].Unmatched == nil {
			t.Fatalf("%s: %d effects", test.name, len(fx))
		}
		u := fx[0].Unmatched
		s.expect(test.name, fmt.Sprint(u.Want.STAN, u.State, u.Message.SystemsTraceAuditNumber), fmt.Sprintf("%s%v%06d", test.want, test.state, test.stan))
	}
}

func TestAnswerFromAboveAboutSomethingElse(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(m *dialect.Message)
	}{
		{"other amount", func(m *dialect.Message) { m.SetAmount(10001) }},
		{"partial approval", func(m *dialect.Message) { m.ResponseCode = "10"; m.SetAmount(5000) }},
		{"other currency", func(m *dialect.Message) { m.CurrencyCodeTransaction = "0840" }},
		{"stand-in approval", func(m *dialect.Message) { m.ResponseCode = "A2" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			s.fault("switch>acquirer 0210", hold)
			s.ask(s.sale(1, 10000))
			test.change(s.held[0].m)
			s.release()
			s.expect("code", s.till.last().ResponseCode, "96")
			s.expect("reason", s.view(atAcquirer).Transactions[0].ReversalReason, "06")
			s.expect("money", s.money(), "")
			if bad := s.wrong(); len(bad) > 0 {
				t.Error(bad)
			}
		})
	}
}

func TestAdvice(t *testing.T) {
	approved := "cardholder -10000 acquirer 10000"
	tests := []struct {
		name  string
		play  func(s *street, m *dialect.Message)
		code  string
		money string
	}{
		{"it is posted", func(s *street, m *dialect.Message) { s.ask(m) }, "00", approved},
		{"it is posted once however often it comes", func(s *street, m *dialect.Message) {
			s.fault("terminal>acquirer 0220", double)
			s.ask(m)
			s.ask(m)
			m.MTI = "0221"
			s.ask(m)
		}, "00", approved},
		{"lost above: no timer, and the repeat is forwarded", func(s *street, m *dialect.Message) {
			s.fault("switch>issuer 0220", lose)
			s.ask(m)
			s.pass(10 * time.Minute)
			s.expect("answers", len(s.till.got), 0)
			s.expect("state", s.view(atAcquirer).Transactions[0].State, Pending)
			m.MTI = "0221"
			s.ask(m)
		}, "00", approved},
		{"its answer lost: the repeat gets it", func(s *street, m *dialect.Message) {
			s.fault("switch>acquirer 0230", lose)
			s.ask(m)
			s.ask(m)
		}, "00", approved},
		{"restart: it stays pending, and nothing is reversed", func(s *street, m *dialect.Message) {
			s.fault("switch>acquirer 0230", crashBeforeLog)
			s.ask(m)
			s.expect("state", s.view(atAcquirer).Transactions[0].State, Pending)
			s.ask(m)
		}, "00", approved},
		{"a bad cryptogram: declined", func(s *street, m *dialect.Message) {
			m.ICCSystemRelatedData[4] ^= 1
			s.ask(m)
		}, "05", ""},
		{"no cryptogram: declined", func(s *street, m *dialect.Message) {
			m.ICCSystemRelatedData = nil
			s.ask(m)
		}, "05", ""},
		{"an ARQC where a TC belongs: declined", func(s *street, m *dialect.Message) {
			*m = *s.chip("0200", 1, 10000, 1)
			m.MTI = "0220"
			s.ask(m)
		}, "05", ""},
		{"not enough money: it has happened, so it is posted", func(s *street, m *dialect.Message) {
			s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", SetBalance: true, Balance: 1}}, 0)
			s.ask(m)
		}, "00", approved},
		{"refused above for its MAC: not decided, and the repeat is forwarded", func(s *street, m *dialect.Message) {
			s.fault("acquirer>switch 0220", hold)
			s.ask(m)
			e := Event{Kind: EventMessage, Conn: 1, Message: s.held[0].m, MACBad: true}
			s.held = nil
			s.step(atSwitch, e, 0)
			s.run()
			s.expect("state", s.view(atAcquirer).Transactions[0].State, Pending)
			s.ask(m)
		}, "00", approved},
		{"a lost card: declined", func(s *street, m *dialect.Message) {
			s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", Status: Lost}}, 0)
			s.ask(m)
		}, "41", ""},
		{"the key of a sale: 94", func(s *street, m *dialect.Message) {
			s.ask(s.sale(1, 10000))
			s.ask(m)
		}, "94", approved},
		{"its reversal came first: 25", func(s *street, m *dialect.Message) {
			s.undo(m, "0400")
			s.ask(m)
		}, "25", ""},
		{"the same counter again: declined", func(s *street, m *dialect.Message) {
			s.ask(m)
			s.ask(s.chip("0220", 2, 10000, 1))
		}, "05", approved},
		{"the counter of the sale that it ends: posted", func(s *street, m *dialect.Message) {
			sale := s.chip("0200", 2, 10000, 1)
			s.fault("acquirer>terminal 0210", lose)
			s.ask(sale)
			s.undo(sale, "0400")
			s.ask(m)
		}, "00", approved},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			test.play(s, s.chip("0220", 1, 10000, 1))
			s.expect("answer", s.till.last().MTI+" "+s.till.last().ResponseCode, "0230 "+test.code)
			s.expect("money", s.money(), test.money)
		})
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name   string
		change func(m *dialect.Message, e *Event)
		want   string
	}{
		{"bad MAC", func(_ *dialect.Message, e *Event) { e.MACBad = true }, "0210 A0"},
		{"unknown merchant", func(m *dialect.Message, _ *Event) { m.CardAcceptorIdentificationCode = "SIM000000000002" }, "0210 03"},
		{"unknown terminal", func(m *dialect.Message, _ *Event) { m.CardAcceptorTerminalIdentification = "SIM00002" }, "0210 03"},
		{"pre-authorisation", func(m *dialect.Message, _ *Event) { m.MTI = "0100" }, "0110 12"},
		{"no amount", func(m *dialect.Message, _ *Event) { m.AmountTransaction, m.HasAmount = 0, false }, "0210 30"},
		{"zero amount", func(m *dialect.Message, _ *Event) { m.SetAmount(0) }, "0210 13"},
		{"no card", func(m *dialect.Message, _ *Event) { m.PrimaryAccountNumber = testCardZero; m.Track2Data = "" }, "0210 30"},
		{"no trace number", func(m *dialect.Message, _ *Event) { m.SystemsTraceAuditNumber = "" }, "0210 30"},
		{"chip data that is none", func(m *dialect.Message, _ *Event) { m.ICCSystemRelatedData = []byte{0x9F} }, "0210 30"},
		{"PIN block without a session", func(m *dialect.Message, _ *Event) { m.PINData = make([]byte, 8) }, "0210 96"},
		{"made to decline", func(_ *dialect.Message, e *Event) { e.Force = "91" }, "0210 91"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			m := s.sale(1, 10000)
			e := Event{Kind: EventMessage, Conn: 1, Message: m}
			test.change(m, &e)
			s.step(atAcquirer, e, 0)
			s.run()
			s.expect("answer", s.till.last().MTI+" "+s.till.last().ResponseCode, test.want)
			s.expect("money", s.money(), "")
			s.expect("what reached the switch", len(s.view(atSwitch).Transactions), 0)
		})
	}
}

func TestCardNumberFromTrack2Alone(t *testing.T) {
	s := newStreet(t, rules.Set{})
	m := s.sale(1, 10000)
	m.PrimaryAccountNumber = testCardZero
	s.ask(m)
	s.expect("code", s.till.last().ResponseCode, "00")
	s.expect("card", s.view(atIssuer).Transactions[0].Card, "476173******0119")
}

// What the fault "answer" makes a party decide is a decision: a copy gets it too, and nothing is left to be reversed.
func TestForcedDecision(t *testing.T) {
	for at := atAcquirer; at <= atIssuer; at++ {
		s := newStreet(t, rules.Set{})
		m := s.sale(1, 10000)
		e := Event{Kind: EventMessage, Conn: 1, Message: s.recode(m), Force: "91"}
		s.step(at, e, 0)
		e.Force = ""
		s.step(at, e, 0)
		s.run()
		s.expect("state", s.view(at).Transactions[0].State, Declined)
		s.expect("money", s.money(), "")
	}
	s := newStreet(t, rules.Set{}) // an approval from above that the switch is made to turn down
	s.fault("issuer>switch 0210", hold)
	s.ask(s.sale(1, 10000))
	s.step(atSwitch, Event{Kind: EventMessage, Message: s.held[0].m, Force: "05"}, 0)
	s.run()
	s.expect("code", s.till.last().ResponseCode, "05")
	s.expect("money", s.money(), "")
	s.step(atIssuer, Event{Kind: EventMessage, Conn: 1, Message: s.message("0420", 1), Force: "12"}, 0)
	s.expect("made to refuse", s.wire[0].m.ResponseCode, "12")
}

func TestFees(t *testing.T) {
	for _, test := range []struct {
		fee        Fee
		sale, fee1 int64
	}{
		{Fee{BasisPoints: 60}, 10000, 60}, {Fee{BasisPoints: 60}, 1200, 7}, {Fee{BasisPoints: 60}, 1, 0}, {Fee{BasisPoints: 60}, 100, 1},
		{Fee{BasisPoints: 55, Cap: 2000}, 363545, 1999}, {Fee{BasisPoints: 55, Cap: 2000}, 363546, 2000}, {Fee{BasisPoints: 55, Cap: 2000}, 363728, 2000},
		{Fee{BasisPoints: 55}, 363728, 2001}, {Fee{BasisPoints: 50, Cap: 2000}, 399899, 1999}, {Fee{BasisPoints: 50, Cap: 2000}, 399900, 2000},
		{Fee{BasisPoints: 50, Cap: 2000}, 400100, 2000}, {Fee{BasisPoints: 50}, 400100, 2001}, {Fee{BasisPoints: 10000}, 5, 5}, {Fee{}, 10000, 0},
		{Fee{BasisPoints: 60}, 999999999999, 6000000000},
	} {
		if got := test.fee.Of(test.sale); got != test.fee1 {
			t.Errorf("%+v of %d: %d, want %d", test.fee, test.sale, got, test.fee1)
		}
	}
}

func TestPayout(t *testing.T) {
	s := newStreet(t, rules.Set{})
	s.ask(s.sale(1, 10000))
	s.ask(s.chip("0220", 2, 1200, 1))
	gone := s.sale(3, 5000)
	s.ask(gone)
	s.undo(gone, "0400")
	for range 2 { // the second finds nothing to pay
		s.step(atAcquirer, Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarPayout}}, 0)
		s.expect("money", s.money(), "cardholder -11200 merchant 11133 fees 67")
	}
	s.restart(atAcquirer)
	s.step(atAcquirer, Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarPayout}}, 0)
	s.expect("money after a restart", s.money(), "cardholder -11200 merchant 11133 fees 67")
	if bad := s.wrong(); len(bad) > 0 {
		t.Error(bad)
	}
}

func TestCalendar(t *testing.T) {
	s := newStreet(t, rules.Set{})
	for _, test := range []struct {
		c    Calendar
		want string
	}{
		{Calendar{Kind: CalendarCutover}, "2026-03-03"},
		{Calendar{Kind: CalendarCutover}, "2026-03-04"},
		{Calendar{Kind: CalendarDate, Date: "2026-03-10"}, "2026-03-10"},
		{Calendar{Kind: CalendarDate, Date: "2026-03-05"}, "2026-03-10"}, // never back
		{Calendar{Kind: CalendarDate, Date: "soon"}, "2026-03-10"},
		{Calendar{Kind: CalendarCutover, Date: "2026-03-31"}, "2026-03-31"},
	} {
		for at := range s.nodes {
			s.step(at, Event{Kind: EventCalendar, Calendar: test.c}, 0)
			s.expect(fmt.Sprintf("%+v at %s", test.c, placeNames[at]), s.view(at).BusinessDate, test.want)
		}
	}
	s.restart(atAcquirer)
	s.ask(s.sale(1, 100))
	s.expect("date of a sale", s.view(atAcquirer).Transactions[0].BusinessDate, "2026-03-31")
}

func TestRetrievalReferenceNumber(t *testing.T) {
	s := newStreet(t, rules.Set{})
	s.ask(s.sale(1, 100))
	s.ask(s.sale(2, 100))
	for at := range s.nodes {
		s.expect(placeNames[at], s.view(at).Transactions[1].RetrievalReferenceNumber, "606114000002")
	}
	s.expect("answer", s.till.last().RetrievalReferenceNumber, "606114000002")
}

func TestConfigurationThatCannotWork(t *testing.T) {
	good := acquirerConfig(t, rules.Set{})
	for name, change := range map[string]func(c *RelayConfig){
		"no name":         func(c *RelayConfig) { c.Name = "" },
		"no module":       func(c *RelayConfig) { c.Module = nil },
		"fee":             func(c *RelayConfig) { c.Plan = FlatPlan("x", -1) },
		"booked nowhere":  func(c *RelayConfig) { c.Books = &Booking{Code: "8062", Name: "HOSPITAL"} },
		"terminal twice":  func(c *RelayConfig) { c.Terminals = append(c.Terminals, c.Terminals[0]) },
		"switch, no line": func(c *RelayConfig) { c.Acquirer, c.Terminals = false, nil },
	} {
		c := good
		change(&c)
		if _, err := NewRelay(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
