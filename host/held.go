package host

// giveHeldBack has a held sale go back to the cardholder, by a credit adjustment. A sale that has an item already is settled there.
func (x *Relay) giveHeldBack(e *Entry, by string) {
	if e.Difference.Open() || e.State != Approved {
		return
	}
	owed := e.Net(PositionAcquirer)
	for _, d := range x.book.naming(e) {
		owed += d.Net(PositionAcquirer)
	}
	t := e.Transaction
	h := *t.Risk
	h.State, h.By = HoldReturned, by
	t.Risk = &h
	if owed > 0 {
		t.Difference = x.item(&t, HeldBack, owed, h.Reason)
	}
	x.put(t)
	if owed > 0 {
		x.adjust(e, "given back by "+by)
	}
}
