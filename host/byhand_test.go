package host

import (
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
)

func TestReversedByHand(t *testing.T) {
	s := newStreet(t, rules.Set{})
	by := func(n int) {
		s.step(atAcquirer, Event{Kind: EventDeed, Deed: Deed{Do: DeedReverse, Key: s.till.asked[n].Key()}}, 0)
		s.run()
	}
	item := func(n int) string {
		e := s.view(atAcquirer).Find(s.till.asked[n].Key())
		if e == nil || e.Difference == nil {
			return "none"
		}
		return e.Difference.Type.String() + " " + e.Difference.Stage.String()
	}
	sale := s.sale(1, 10000)
	s.ask(sale)
	s.fault("acquirer>switch 0420", lose)
	by(0)
	s.expect("money at once", s.money(), "cardholder -10000 issuer 10000")
	s.restart(atAcquirer)
	s.pass(time.Minute)
	s.expect("money", s.money(), "")
	s.expect("item", item(0), "reversed-by-hand open")
	by(0) // once is enough
	s.expect("money after another", s.money(), "")
	s.undo(sale, "0400")
	s.expect("its own reversal", s.till.last().ResponseCode, codeApproved)
	s.expect("item then", item(0), "reversed-by-hand closed")
	s.expect("money then", s.money(), "")

	s.ask(s.sale(2, 500))
	s.calendar(CalendarPayout, "2026-03-03")
	before := s.money()
	by(1)
	s.expect("what was paid stays", s.money(), before)
	s.expect("without an item", item(1), "none")

	s.ask(s.sale(3, 700))
	by(2)
	s.calendar(CalendarDate, "2026-04-30")
	s.expect("item behind its deadline", item(2), "reversed-by-hand closed")
	s.expect("losses", s.positions()["loss:acquirer"], 0)
}
