package host

import (
	"slices"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// calendar moves the business day, or pays out.
func (x *Relay) calendar(c Calendar) {
	x.handAgain()
	if c.Kind == CalendarPayout {
		x.payout(SettleT1, SettleD1, SettleD0)
		x.audit()
		return
	}
	if r := x.moved(c); r != nil {
		ended := x.book.businessDate(x.now)
		if c.Kind == CalendarCutover {
			x.payout(SettleD0)
		}
		x.add(r, x.Apply)
		x.unheard()
		x.endOfDay(ended)
	}
	x.overdue()
	x.expire(x.Apply) // as long as nobody has moved it the date is the clock's, which may have gone far
	x.holdDeadlines()
	x.defaulted()
	x.audit()
}

// expire ends the pre-authorisations that nobody completed in time: the money can be spent again.
func (d *desk) expire(apply func(*Record) error) {
	today := d.book.businessDate(d.now)
	for _, e := range d.book.order {
		if e.Hold == 0 || d.book.completed(e) != nil {
			continue
		}
		opened, err := time.Parse(dateForm, e.BusinessDate)
		if err != nil || opened.AddDate(0, 0, HoldDays).Format(dateForm) >= today {
			continue
		}
		t := e.Transaction
		t.Expired, t.Note = true, "the hold has expired"
		d.add(&Record{Transaction: &t}, apply)
	}
}

// moved is the record of a new business date; nil when the date does not move forward. A date that is none counts as absent.
func (d *desk) moved(c Calendar) *Record {
	today := d.book.businessDate(d.now)
	next := c.Date
	if _, err := time.Parse(dateForm, next); err != nil {
		next = ""
	}
	if next == "" && c.Kind == CalendarCutover {
		day, err := time.Parse(dateForm, today)
		if err != nil {
			day = d.now // a log from another program; the clock is right enough
		}
		next = day.AddDate(0, 0, 1).Format(dateForm)
	}
	if next <= today { // the form sorts as text
		return nil
	}
	return &Record{Calendar: &CalendarRecord{Kind: c.Kind, Date: next}}
}

// payout has the merchants of some settlements paid what stands of every sale, once: what has become of it since, less the fee. One that is being
// voided, refunded or adjusted waits for the next payout, and so does one that its terminal's batch disputes. Where there is
// nothing for the merchant the bank has nothing to do.
func (x *Relay) payout(who ...Settlement) {
	if !x.cfg.Acquirer {
		return
	}
	so := batchSums{}
	var lines []FileLine
	for _, e := range x.book.order {
		if !slices.Contains(who, x.settles(&e.Transaction)) || !x.due(e) {
			continue
		}
		if e.Paid { // only a naive acquirer's
			lines = append(lines, x.payoutLine(&e.Transaction, e.Payout.Amount))
			continue
		}
		owed := e.Net(PositionAcquirer)
		for _, d := range x.book.naming(e) {
			owed += d.Net(PositionAcquirer)
		}
		t := e.Transaction
		x.charge(&t, e, owed, so)
		if owed > t.Fee {
			lines = append(lines, x.payoutLine(&t, owed-t.Fee))
			continue
		}
		x.settleNaming(e, x.now)
		t.Paid, t.Payout = true, nil
		x.bounceSettled(&t)
		x.put(t, x.pays(owed, t.Fee)...)
	}
	x.orderPayouts(lines)
}

// undecided tells whether something about e waits for an answer.
func (x *Relay) undecided(e *Entry) bool {
	for _, d := range x.book.naming(e) {
		if d.State == Pending {
			return true
		}
	}
	return false
}

// pays is the postings of a sale of which nothing is left for the merchant: what the fee is more than is owed is his.
func (x *Relay) pays(owed, fee int64) []Posting {
	return append(moves(PositionAcquirer, PositionFees, owed), moves(PositionMerchant, PositionFees, fee-owed)...)
}

// calendar moves the business day. At a payout, and on a working day that is later than theirs, refunds are cleared.
func (x *Issuer) calendar(c Calendar) {
	x.handAgain()
	if c.Kind != CalendarPayout {
		if r := x.moved(c); r != nil {
			x.add(r, x.Apply)
		}
		x.overdue() // as long as nobody has moved it the date is the clock's
		x.expire(x.Apply)
	}
	for _, e := range x.book.order {
		if e.Kind != dialect.KindRefund || e.State != Approved || e.Paid || !x.clears(c, e) {
			continue
		}
		a := x.byName[e.Account]
		if a == nil {
			continue // no longer configured: the money waits at the switch
		}
		t := e.Transaction
		t.Paid = true
		x.put(&Record{Transaction: &t, Postings: moves(PositionSwitch, a.position(), t.Amount)})
	}
}

// clears tells whether a refund is cleared by a move of the calendar: at a payout and when the date says so; at a cut-over, which
// only makes the day's file, not before its day is over.
func (x *Issuer) clears(c Calendar, e *Entry) bool {
	today, due := x.book.businessDate(x.now), nextWorkingDay(e.BusinessDate)
	return c.Kind == CalendarPayout || c.Kind == CalendarDate && today >= due || today > due
}

// nextWorkingDay is the first day behind a business date that is no Saturday or Sunday.
func nextWorkingDay(date string) string {
	day, err := time.Parse(dateForm, date)
	if err != nil {
		return date
	}
	for day = day.AddDate(0, 0, 1); day.Weekday() == time.Saturday || day.Weekday() == time.Sunday; {
		day = day.AddDate(0, 0, 1)
	}
	return day.Format(dateForm)
}
