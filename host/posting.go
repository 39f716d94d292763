package host

// postings is what an approval moves at the acquirer, by what t was approved for. Elsewhere nothing moves: a switch only
// passes on.
func (x *Relay) postings(t *Transaction) []Posting {
	if !x.cfg.Acquirer {
		return nil
	}
	o := x.book.find(t.Original)
	switch purposeOf(t.Kind) {
	case charging:
		if standsIn(t.ResponseCode) { // until its issuer takes it over
			return moves(PositionSwitch, PositionAcquirer, t.approved())
		}
		return moves(PositionIssuer, PositionAcquirer, t.approved())
	case undoing:
		if o != nil && purposeOf(o.Kind) == charging {
			return moves(PositionAcquirer, PositionIssuer, o.Net(PositionAcquirer))
		}
	case adjusting:
		if o != nil {
			return moves(PositionIssuer, PositionAcquirer, t.Amount-x.book.amount(o))
		}
	case refunding:
		return x.refundPostings(t, o)
	}
	return nil
}

// moves is the posting of an amount, the other way round if it is negative, and none of nothing.
func moves(from, to string, n int64) []Posting {
	switch {
	case n > 0:
		return []Posting{{from, to, n}}
	case n < 0:
		return []Posting{{to, from, -n}}
	}
	return nil
}
