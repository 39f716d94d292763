package host

import (
	"errors"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
)

// newPurseStreet is a street whose only account is a purse's.
func newPurseStreet(t *testing.T) *street {
	return newStreet(t, rules.Set{}, func(_, _ *RelayConfig, i *IssuerConfig) { i.Accounts[0].Purse = true })
}

// claim is what somebody claims at the issuer's counter, and why not.
func (s *street) claim(stan int, log *CardLog) (why error) {
	for _, f := range s.nodes[atIssuer].m.Step(s.now, Event{Kind: EventDeed, Deed: Deed{Do: DeedClaim, Key: s.message("0220", stan).Key(), Purse: log}}) {
		if f.Refused != nil {
			why = f.Refused
		}
	}
	return why
}

func TestAPurseIsPaidFromThePool(t *testing.T) {
	s := newPurseStreet(t)
	s.ask(s.chip("0220", 1, 10000, 1))
	s.expect("code", s.till.last().ResponseCode, "00")
	s.expect("money", s.money(), "acquirer 10000 purse-pool -10000")
	s.ask(s.chip("0220", 1, 10000, 1))
	s.ask(s.chip("0220", 2, 10000, 1)) // the same certificate for another sale
	s.expect("a certificate twice", s.till.last().ResponseCode, "05")
	s.expect("money", s.money(), "acquirer 10000 purse-pool -10000")
	wrong := s.chip("0220", 3, 10000, 2)
	wrong.ICCSystemRelatedData[4] ^= 1 // of the cryptogram
	s.ask(wrong)
	s.expect("a wrong certificate", s.till.last().ResponseCode, "05")
	s.ask(s.sale(4, 10000))
	s.expect("asked for", s.till.last().ResponseCode, "12")
	s.expect("money", s.money(), "acquirer 10000 purse-pool -10000")
	if why := s.claim(1, &CardLog{"card", 1, 10000}); !errors.Is(why, ErrItem) {
		t.Errorf("a claim of what was booked: %v", why)
	}
	s.restart(atIssuer)
	s.expect("money after a restart", s.money(), "acquirer 10000 purse-pool -10000")
	if bad := s.wrong(); len(bad) > 0 {
		t.Error(bad)
	}
}

func TestAClaimIsPaidOrItsCertificateIs(t *testing.T) {
	log := &CardLog{"card", 1, 10000}
	deadline := func(s *street) {
		s.step(atIssuer, Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarDate, Date: s.now.AddDate(0, 0, DifferenceDays+1).Format(time.DateOnly)}}, 0)
	}
	upload := func(s *street, stan int) string {
		s.ask(s.chip("0220", stan, 10000, 1))
		return s.till.last().ResponseCode
	}
	for _, test := range []struct {
		name        string
		play        func(s *street) string
		code, money string
		stage       ItemStage
	}{
		{"nobody uploads it", func(s *street) string { deadline(s); deadline(s); return "" }, "", "cardholder 10000 purse-pool -10000", ItemAdjusted},
		{"it is uploaded in time", func(s *street) string { c := upload(s, 1); deadline(s); return c }, "00", "acquirer 10000 purse-pool -10000", ItemClosed},
		{"it is uploaded too late", func(s *street) string { deadline(s); return upload(s, 1) }, "25", "cardholder 10000 purse-pool -10000", ItemAdjusted},
		{"it is uploaded as another sale", func(s *street) string { return upload(s, 2) }, "05", "", ItemOpen},
		{"a wrong one is uploaded", func(s *street) string {
			m := s.chip("0220", 1, 10000, 1)
			m.ICCSystemRelatedData[4] ^= 1
			s.ask(m)
			deadline(s)
			return s.till.last().ResponseCode
		}, "05", "cardholder 10000 purse-pool -10000", ItemAdjusted},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newPurseStreet(t)
			for range 2 { // the second asks for the same
				if why := s.claim(1, log); why != nil {
					t.Fatal(why)
				}
			}
			s.expect("code", test.play(s), test.code)
			s.expect("money", s.money(), test.money)
			i := s.view(atIssuer).Find(s.message("0220", 1).Key()).Difference
			if i.Stage != test.stage || i.Type != PurseClaimed || i.Owner != "issuer" {
				t.Errorf("item %v, want %v", i, test.stage)
			}
			s.restart(atIssuer)
			s.expect("money after a restart", s.money(), test.money)
			p := s.positions()
			if moved := s.nodes[atIssuer].m.(*Issuer).Moved(); moved != p[PositionCardholder]+p[PositionPursePool] {
				t.Errorf("the accounts changed by %d, the positions are %v", moved, p)
			}
		})
	}
}

func TestAClaimThatIsNone(t *testing.T) {
	s := newPurseStreet(t)
	for _, log := range []*CardLog{nil, {"nobody", 1, 10000}, {"card", 1, 0}, {"card", 1, -1}, {"card", 1, maxRecorded + 1}} {
		if why := s.claim(1, log); !errors.Is(why, ErrItem) {
			t.Errorf("%v: %v", log, why)
		}
	}
	s.expect("transactions", len(s.view(atIssuer).Transactions), 0)
	plain := newStreet(t, rules.Set{})
	if why := plain.claim(1, &CardLog{"card", 1, 10000}); !errors.Is(why, ErrItem) {
		t.Errorf("a claim about a card that is no purse: %v", why)
	}
}
