package host

import (
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

func (s *street) calendar(k CalendarKind, date string) {
	for at := range s.nodes {
		s.step(at, Event{Kind: EventCalendar, Calendar: Calendar{Kind: k, Date: date}}, 0)
	}
}

func TestRefund(t *testing.T) {
	refund := func(s *street, stan int, sale *dialect.Message, r int64) *dialect.Message {
		m := s.after(dialect.KindRefund, stan, sale, r)
		s.ask(m)
		return m
	}
	tests := []struct {
		name   string
		policy RefundPolicy
		play   func(s *street, sale *dialect.Message)
		code   string
		money  string
	}{
		{"before the payout the acquirer gives it", RefundPolicy{}, func(s *street, sale *dialect.Message) { refund(s, 2, sale, 4000) }, "0230/00",
			"cardholder -10000 switch 4000 acquirer 6000"},
		{"the next clearing brings it", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			refund(s, 2, sale, 4000)
			s.calendar(CalendarDate, "2026-03-03")
		}, "0230/00", "cardholder -6000 acquirer 6000"},
		{"whoever says what day it is", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			refund(s, 2, sale, 4000)
			s.now = s.now.AddDate(0, 0, 1)
			s.calendar(CalendarDate, "2026-03-03")
		}, "0230/00", "cardholder -6000 acquirer 6000"},
		{"and not a Saturday", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			s.calendar(CalendarDate, "2026-03-06")
			refund(s, 2, sale, 4000)
			s.calendar(CalendarCutover, "")
			s.calendar(CalendarDate, "2026-03-08")
		}, "0230/00", "cardholder -10000 switch 4000 acquirer 6000"},
		{"once", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			refund(s, 2, sale, 4000)
			s.calendar(CalendarPayout, "2026-03-03")
			s.calendar(CalendarPayout, "2026-03-04")
		}, "0230/00", "cardholder -6000 merchant 5964 fees 36"},
		{"then the merchant does, and gets its fee", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			s.calendar(CalendarPayout, "2026-03-03")
			refund(s, 2, sale, 4000)
		}, "0230/00", "cardholder -10000 switch 4000 merchant 5964 fees 36"},
		{"or does not get it", RefundPolicy{Fee: RefundFeeKept}, func(s *street, sale *dialect.Message) {
			s.calendar(CalendarPayout, "2026-03-03")
			refund(s, 2, sale, 4000)
		}, "0230/00", "cardholder -10000 switch 4000 merchant 5940 fees 60"},
		{"the fee of what is refunded before the payout", RefundPolicy{Fee: RefundFeeKept}, func(s *street, sale *dialect.Message) {
			refund(s, 2, sale, 10000)
			s.calendar(CalendarPayout, "2026-03-03")
		}, "0230/00", "merchant -60 fees 60"},
		{"all of it, in parts, leaves nothing with anybody", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			s.calendar(CalendarPayout, "2026-03-03")
			for stan, r := range []int64{3333, 3333, 3334} {
				refund(s, 2+stan, sale, r)
			}
			s.calendar(CalendarPayout, "2026-03-04")
		}, "0230/00", ""},
		{"one before and one after the payout", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			refund(s, 2, sale, 5000)
			s.calendar(CalendarPayout, "2026-03-03")
			refund(s, 3, sale, 5000)
			s.calendar(CalendarPayout, "2026-03-04")
		}, "0230/00", ""},
		{"more than is left: 61", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			refund(s, 2, sale, 6000)
			refund(s, 3, sale, 4001)
		}, "0230/61", "cardholder -10000 switch 6000 acquirer 4000"},
		{"of what is voided: 12", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			s.ask(s.after(dialect.KindVoid, 2, sale, 10000))
			refund(s, 3, sale, 1)
		}, "0230/12", ""},
		{"it comes twice", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			s.fault("acquirer>terminal 0230", lose)
			again := *refund(s, 2, sale, 4000)
			again.MTI = "0221"
			s.ask(&again)
		}, "0230/00", "cardholder -10000 switch 4000 acquirer 6000"},
		{"its answer is lost above", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			s.fault("issuer>switch 0230", lose)
			again := *refund(s, 2, sale, 4000)
			s.pass(time.Hour)
			again.MTI = "0221"
			s.ask(&again)
		}, "0230/00", "cardholder -10000 switch 4000 acquirer 6000"},
		{"by its reference number and date", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			m := s.after(dialect.KindRefund, 2, sale, 4000)
			m.Original = dialect.Original{Date: "0302"}
			m.RetrievalReferenceNumber = s.view(atAcquirer).Find(sale.Key()).RetrievalReferenceNumber
			s.ask(m)
		}, "0230/00", "cardholder -10000 switch 4000 acquirer 6000"},
		{"by its number and another date: 25", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			m := s.after(dialect.KindRefund, 2, sale, 4000)
			m.Original = dialect.Original{Date: "0303"}
			m.RetrievalReferenceNumber = s.view(atAcquirer).Find(sale.Key()).RetrievalReferenceNumber
			s.ask(m)
		}, "0230/25", "cardholder -10000 acquirer 10000"},
		{"it is not reversed: 12", RefundPolicy{}, func(s *street, sale *dialect.Message) {
			s.undo(refund(s, 2, sale, 4000), "0400")
		}, "0410/12", "cardholder -10000 switch 4000 acquirer 6000"},
		// W52
		{"strictly: more than the merchant is owed is refused", RefundPolicy{Strict: true}, func(s *street, sale *dialect.Message) {
			s.calendar(CalendarPayout, "2026-03-03")
			s.ask(s.sale(5, 3000))
			refund(s, 2, sale, 3001)
		}, "0230/61", "cardholder -13000 acquirer 3000 merchant 9940 fees 60"},
		{"strictly: no more is not", RefundPolicy{Strict: true}, func(s *street, sale *dialect.Message) {
			s.ask(s.sale(5, 3000))
			refund(s, 2, sale, 10000)
		}, "0230/00", "cardholder -13000 switch 10000 acquirer 3000"},
		{"the merchant is gone: the acquirer bears it", RefundPolicy{NoPayout: true}, func(s *street, sale *dialect.Message) {
			s.calendar(CalendarPayout, "2026-03-03")
			refund(s, 2, sale, 4000)
		}, "0230/00", "cardholder -10000 switch 4000 acquirer -4000 merchant 9940 fees 60"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) { a.Refunds = test.policy })
			sale := s.sale(1, 10000)
			s.ask(sale)
			test.play(s, sale)
			s.expect("code", s.code(), test.code)
			s.expect("money", s.money(), test.money)
			if bad := s.wrong(); len(bad) > 0 && test.code != "0410/12" {
				t.Error(bad)
			}
			for at := range s.nodes {
				s.restart(at)
			}
			s.expect("money after restarts", s.money(), test.money)
			if open := s.view(atAcquirer).Differences(); (len(open) == 1) != (test.policy.NoPayout || test.code == "0410/12") {
				t.Errorf("%d difference items", len(open))
			}
		})
	}
	if _, err := NewRelay(func() RelayConfig { c := acquirerConfig(t, rules.Set{}); c.Refunds.Fee = "half"; return c }()); err == nil {
		t.Error("no error about an unknown refund fee")
	}
}

// A refund that is decided again is refunded twice.
func TestRefundWithoutDuplicateDetection(t *testing.T) {
	s := newStreet(t, rules.Leave(rules.ReplayDuplicates))
	sale := s.sale(1, 10000)
	s.ask(sale)
	s.fault("acquirer>terminal 0230", lose)
	m := s.after(dialect.KindRefund, 2, sale, 4000)
	s.ask(m)
	again := *m
	again.MTI = "0221"
	s.ask(&again)
	if len(s.wrong()) == 0 {
		t.Errorf("the judge finds nothing; money %s", s.money())
	}
}

// W51: an adjustment replaces the amount, once.
func TestTipAdjust(t *testing.T) {
	tests := []struct {
		name  string
		play  func(s *street, sale *dialect.Message)
		code  string
		money string
	}{
		{"15 % more", func(s *street, sale *dialect.Message) { s.ask(s.after(dialect.KindTipAdjust, 2, sale, 11500)) }, "0230/00",
			"cardholder -11500 acquirer 11500"},
		{"more than that: 61", func(s *street, sale *dialect.Message) { s.ask(s.after(dialect.KindTipAdjust, 2, sale, 11501)) }, "0230/61",
			"cardholder -10000 acquirer 10000"},
		{"less than the sale: 64", func(s *street, sale *dialect.Message) { s.ask(s.after(dialect.KindTipAdjust, 2, sale, 9999)) }, "0230/64",
			"cardholder -10000 acquirer 10000"},
		{"it comes twice", func(s *street, sale *dialect.Message) {
			m := s.after(dialect.KindTipAdjust, 2, sale, 11500)
			s.fault("acquirer>terminal 0230", lose)
			s.ask(m)
			again := *m
			again.MTI = "0221"
			s.ask(&again)
		}, "0230/00", "cardholder -11500 acquirer 11500"},
		{"a second one replaces the first", func(s *street, sale *dialect.Message) {
			s.ask(s.after(dialect.KindTipAdjust, 2, sale, 11500))
			s.ask(s.after(dialect.KindTipAdjust, 3, sale, 11000))
		}, "0230/00", "cardholder -11000 acquirer 11000"},
		{"none at all", func(s *street, sale *dialect.Message) { s.ask(s.after(dialect.KindTipAdjust, 2, sale, 10000)) }, "0230/00",
			"cardholder -10000 acquirer 10000"},
		{"then no void: 12", func(s *street, sale *dialect.Message) {
			s.ask(s.after(dialect.KindTipAdjust, 2, sale, 11500))
			s.ask(s.after(dialect.KindVoid, 3, sale, 11500))
		}, "0210/12", "cardholder -11500 acquirer 11500"},
		{"but a refund of all of it", func(s *street, sale *dialect.Message) {
			s.ask(s.after(dialect.KindTipAdjust, 2, sale, 11500))
			s.ask(s.after(dialect.KindRefund, 3, sale, 11500))
			s.calendar(CalendarPayout, "")
		}, "0230/00", ""},
		{"the payout pays it", func(s *street, sale *dialect.Message) {
			s.ask(s.after(dialect.KindTipAdjust, 2, sale, 11500))
			s.calendar(CalendarPayout, "")
		}, "0230/00", "cardholder -11500 merchant 11431 fees 69"},
		{"after the payout: 12", func(s *street, sale *dialect.Message) {
			s.calendar(CalendarPayout, "")
			s.ask(s.after(dialect.KindTipAdjust, 2, sale, 11500))
		}, "0230/12", "cardholder -10000 merchant 9940 fees 60"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			sale := s.sale(1, 10000)
			s.ask(sale)
			test.play(s, sale)
			s.expect("code", s.code(), test.code)
			s.expect("money", s.money(), test.money)
			if bad := s.wrong(); len(bad) > 0 {
				t.Error(bad)
			}
		})
	}
}

// A voided sale and its void are paid with nothing.
func TestPayoutOfVoids(t *testing.T) {
	s, _, void := soldStreet(t, rules.Set{})
	s.ask(void)
	s.ask(s.sale(3, 5000))
	pending := s.sale(4, 7000)
	s.ask(pending)
	s.fault("acquirer>switch 0200", lose)
	s.ask(s.after(dialect.KindVoid, 5, pending, 7000))
	s.calendar(CalendarPayout, "")
	s.expect("money", s.money(), "cardholder -12000 acquirer 7000 merchant 4970 fees 30")
	for _, e := range s.view(atAcquirer).Transactions {
		if e.Paid != (e.Amount != 7000) {
			t.Errorf("%s, %v of %d: paid %v", e.Key, e.Kind, e.Amount, e.Paid)
		}
	}
	s.pass(2 * time.Minute) // the void is refused: the next payout pays its sale
	s.calendar(CalendarPayout, "")
	s.expect("money", s.money(), "cardholder -12000 merchant 11928 fees 72")
}
