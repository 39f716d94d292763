package host

import "time"

// calendar moves the business day, or pays out.
func (x *Relay) calendar(c Calendar) {
	if c.Kind == CalendarPayout {
		x.payout()
		return
	}
	if r := x.moved(c); r != nil {
		x.add(r, x.Apply)
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

// payout pays the merchant every sale that stands, once: the sale less the fee.
func (x *Relay) payout() {
	if !x.cfg.Acquirer {
		return
	}
	for _, e := range x.book.order {
		if e.State != Approved || e.Paid {
			continue
		}
		t := e.Transaction
		t.Paid, t.Fee = true, x.cfg.Fee.Of(t.Amount)
		var posts []Posting
		for _, p := range []Posting{{PositionAcquirer, PositionMerchant, t.Amount - t.Fee}, {PositionAcquirer, PositionFees, t.Fee}} {
			if p.Amount > 0 {
				posts = append(posts, p)
			}
		}
		x.put(t, posts...)
	}
}
