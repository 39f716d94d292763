package terminal

import (
	"errors"
	"time"

	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// A sale by code waits for somebody with a telephone. That nobody has answered yet is therefore no failure, and neither is silence:
// the terminal asks what became of it until that is final or the time is up, and then has it cancelled. The cancellation is a
// transaction of its own, told until it is answered, so that a payment that succeeds after it is given back by whoever took it. Until
// then the sale is to be reversed, like any other of which nobody knows, and its cancellation is how.

const (
	qrWait     = 2 * time.Minute // for somebody who pays
	qrInterval = 5 * time.Second // between two questions
	codeMin    = 16              // digits of a code
	codeMax    = 20
)

// chooseQRScan takes the code that a customer shows.
func (t *Terminal) chooseQRScan() (Ended, error) {
	amount, ok := t.askAmount("amount", t.profile.MaxAmount, false)
	if !ok {
		return t.cancelled(), nil
	}
	code, ok := t.askHidden("ask-code", codeMin, codeMax, say("qr-sale", Amount(amount)))
	if !ok {
		return t.cancelled(), nil
	}
	return t.qr(amount, code)
}

// chooseQRSale shows a code for the customer to scan.
func (t *Terminal) chooseQRSale() (Ended, error) {
	amount, ok := t.askAmount("amount", t.profile.MaxAmount, false)
	if !ok {
		return t.cancelled(), nil
	}
	return t.qr(amount, "")
}

func (t *Terminal) qr(amount int64, code string) (Ended, error) {
	r := t.newRecord(wanted{kind: dialect.KindQRSale, amount: amount})
	r.Entry, r.CVM = t.posEntryMode(entryCode), cvmNone
	return t.transact(&deal{record: r, code: code})
}

// orderCode is the code that a terminal shows: its own name for the sale.
func orderCode(r *Record) string { return r.Date + r.Time + r.STAN + "0000" }

// waiting is what the screen says while an answer is waited for.
func (d *deal) waiting() []Text {
	if d.shows {
		return []Text{say("qr-sale", Amount(d.record.Amount)), say("qr-code", d.code)}
	}
	return []Text{say("wait")}
}

// settleQR asks what became of a sale by code until that is final, or the time is up, or the clerk gives up.
func (t *Terminal) settleQR(d *deal) (Ended, error) {
	r := d.record
	for deadline := t.clock.Now().Add(qrWait); t.clock.Now().Before(deadline) && !t.pressedCancel(); {
		t.show(append(d.waiting(), say("qr-asking"))...)
		answer, err := t.queryQR(r)
		if err != nil {
			return Ended{}, err
		}
		switch {
		case answer == nil:
		case dialect.ApprovesInFull(answer.ResponseCode):
			return Ended{Outcome: OutcomeApproved, Code: answer.ResponseCode}, t.approve(r, func(r *Record) error {
				return t.journal.approved(r, func(n *Record) { t.taken(n, answer) })
			}, approvedLines(answer.ResponseCode)...)
		case answer.ResponseCode != "25" && !dialect.Undecided(answer.ResponseCode) && !dialect.Approves(answer.ResponseCode):
			t.showDeclined(answer.ResponseCode) // 25 is no end: the sale may still be on its way
			return Ended{Outcome: OutcomeDeclined, Code: answer.ResponseCode}, t.journal.declined(r, answer.ResponseCode)
		}
		t.clock.Wait(t.clock.Now().Add(qrInterval), t.pressedCancel)
	}
	return Ended{Outcome: OutcomeNoAnswer}, t.reverseLater(r, dialect.ReasonNoAnswer, "qr-cancelling", nil)
}

// queryQR asks once; nil: there was no answer of any use.
func (t *Terminal) queryQR(r *Record) (*dialect.Message, error) {
	if reached, err := t.reach(); err != nil || !reached {
		return nil, err
	}
	q := &Record{Kind: dialect.KindQRQuery, Amount: r.Amount, Currency: r.Currency, Entry: r.Entry, Original: t.named(r)}
	if err := t.stampInquiry(q); err != nil {
		return nil, err
	}
	m, err := t.message("", q)
	if err != nil {
		t.remark("query: %v", err)
		return nil, nil
	}
	if err := t.send(m); err != nil {
		return nil, fatal(err)
	}
	answer, err := t.receive(m, t.profile.ReversalWait, false)
	switch {
	case isStorage(err):
		return nil, err
	case err == nil && dialect.RefusesKeys(answer.ResponseCode), errors.Is(err, errMAC) && dialect.RefusesKeys(answer.ResponseCode):
		t.stale = true
		return nil, nil
	case errors.Is(err, transport.ErrTimeout):
		t.hangUp()
		return nil, nil
	case err != nil:
		return nil, nil
	}
	return answer, nil
}

// tryCancel is tryReversal of a sale by code: what undoes it is its cancellation.
func (t *Terminal) tryCancel(r *Record) (try, error) {
	c := t.journal.cancellation(r)
	if c == nil {
		c = &Record{Kind: dialect.KindQRCancel, Amount: r.Amount, Currency: r.Currency, Entry: r.Entry, Original: t.named(r)}
		if err := t.stamp(&deal{record: c}); err != nil {
			return broken, err
		}
		if err := t.journal.begin(c, AdviceDue); err != nil {
			return broken, err
		}
	}
	how, err := settled, error(nil)
	if c.State == AdviceDue {
		if how, err = t.advise(c, nil); err != nil || c.State == AdviceDue {
			return how, err
		}
	}
	to, text := Reversed, Key("reversed")
	switch {
	case c.State == Parked: // and so is what it would have undone
		to, text = Parked, "set-aside"
	case c.State == Refused && c.Code != "25":
		to, text = ReversalRefused, "reversal-refused"
	case c.State == Refused:
		to = ReversedUnmatched
	}
	if err := t.journal.reversed(r, to); err != nil {
		return broken, err
	}
	t.show(say(text))
	return settled, nil
}

// cancellation finds the cancellation of a sale by code.
func (j *Journal) cancellation(r *Record) *Record {
	for _, c := range j.records {
		if o := c.Original; c.Kind == dialect.KindQRCancel && o != nil && o.STAN == r.STAN && o.Batch == r.Batch && (o.Batch != "" || o.Time == r.Time && o.Date == r.Date) {
			return c
		}
	}
	return nil
}
