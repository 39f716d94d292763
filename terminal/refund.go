package terminal

import (
	"github.com/posim/posim/transport/dialect"
)

// chooseRefund gives back a sale, or a part of it, perhaps long after its batch was closed. The clerk names it by the reference
// number and the date on its receipt. A card number that was typed gets no refund: whoever has a number could have it sent there.
func (t *Terminal) chooseRefund() (Ended, error) {
	rrn, ok := t.ask("ask-rrn", 12, 12)
	if !ok {
		return t.cancelled(), nil
	}
	date, ok := t.askDate("ask-date")
	if !ok {
		return t.cancelled(), nil
	}
	o := t.journal.refundable(rrn, date)
	name := &Original{RRN: rrn, Date: date}
	if o != nil {
		name = t.named(o)
		if why := t.againstRefund(o); why != "" {
			t.show(say(why))
			return Ended{Outcome: OutcomeNotAllowed}, nil
		}
	} else if t.numbersBatches() {
		if name.Batch, name.STAN, ok = t.askBatchLine(); !ok {
			return t.cancelled(), nil
		}
	}
	most := t.profile.MaxAmount
	var above []Text
	if o != nil {
		most, above = t.refundableAmount(o), t.shownRecord(o)
	}
	amount, ok := t.askAmount("amount", most, false, above...)
	if !ok {
		return t.cancelled(), nil
	}
	d, e, err := t.refundDeal(o, amount, name)
	if d == nil {
		return e, err
	}
	if !t.confirm(say("refund", Amount(amount)), say("show-record", name.STAN, d.record.Card, name.Date)) {
		return t.cancelled(), nil
	}
	return t.transact(d)
}

// refundDeal finds the card that gets a refund: the one that is presented, or, where the profile trusts the journal, the sale's own.
func (t *Terminal) refundDeal(o *Record, amount int64, name *Original) (*deal, Ended, error) {
	if o != nil && !t.profile.RefundCard {
		if o.enteredAs() == entryManual {
			t.show(say("not-possible"))
			return nil, Ended{Outcome: OutcomeNotAllowed}, nil
		}
		d, e, err := t.dependent(dialect.KindRefund, o, false, false)
		if d != nil {
			d.record.Amount, d.record.Entry = amount, o.Entry
		}
		return d, e, err
	}
	card, e := t.presentCard(say("refund", Amount(amount)), false)
	if card == nil {
		return nil, e, nil
	}
	d := &deal{record: &Record{Kind: dialect.KindRefund, Amount: amount, Currency: t.profile.Currency, CVM: cvmNone, Original: name}}
	d.take(t, card)
	if o != nil && d.record.Card != o.Card {
		t.show(say("other-card"))
		return nil, Ended{Outcome: OutcomeNotAllowed}, nil
	}
	return d, Ended{}, nil
}

// askBatchLine takes the batch and the STAN of a sale that the journal no longer has; ENTER alone: the clerk does not know.
func (t *Terminal) askBatchLine() (batch, stan string, ok bool) {
	if batch, ok = t.ask("ask-batch", 0, 6); !ok || batch == "" {
		return "", "", ok
	}
	if stan, ok = t.ask("ask-stan", 1, 6); !ok {
		return "", "", false
	}
	return padded(batch), padded(stan), true
}

// refundable finds a sale of the journal by what its receipt says.
func (j *Journal) refundable(rrn, date string) *Record {
	for _, r := range j.inBatch() {
		if r.RRN == rrn && (r.Date == date || r.HostDate == date) && r.InBatch() && r.side() == debit {
			return r
		}
	}
	return nil
}

// againstRefund says why a sale gets no refund; "": nothing is against it. Several refunds of one sale may come to its amount.
func (t *Terminal) againstRefund(o *Record) Key {
	for _, r := range t.journal.inBatch() {
		if r.Original == nil || t.journal.originalOf(r) != o || r.about() == dialect.KindRefund {
			continue
		}
		switch {
		case undoes(r.about()) && (r.State == Approved || r.State == Advised):
			return "voided-already"
		case r.State == Pending, r.State == ReversalDue, r.State == AdviceDue:
			return "unfinished-yet"
		}
	}
	if t.refundableAmount(o) <= 0 {
		return "not-possible"
	}
	return ""
}

// refundableAmount is what is left of a sale to be given back.
func (t *Terminal) refundableAmount(o *Record) int64 {
	left := o.Amount
	for _, r := range t.journal.inBatch() {
		if r.Original == nil || t.journal.originalOf(r) != o {
			continue
		}
		switch {
		case r.about() == dialect.KindTipAdjust && r.State == Advised:
			left += r.Amount - o.Amount
		case r.about() == dialect.KindRefund && (r.State == Advised || r.State == AdviceDue):
			left -= r.Amount
		}
	}
	return left
}
