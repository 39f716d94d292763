package terminal

import (
	"errors"
	"strconv"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// inquire asks what can be spent. Nothing moves, so nothing is recorded, reversed or blocked; its STAN is used up all the same.
func (t *Terminal) inquire(d *deal) (Ended, error) {
	m, o, err := t.askBalance(d)
	e := Ended{Outcome: o}
	if m != nil {
		e.Code = m.ResponseCode
	}
	if o == OutcomeApproved {
		t.showBalance(m)
	}
	return e, err
}

func (t *Terminal) askBalance(d *deal) (*dialect.Message, Outcome, error) {
	t.show(say("connecting"))
	if reached, err := t.reach(); err != nil || !reached {
		return nil, OutcomeNoConnection, err
	}
	if err := t.stampInquiry(d.record); err != nil {
		return nil, "", err
	}
	m, b, err := t.prepare(d)
	if err != nil {
		return t.unsendable(err)
	}
	t.show(say("wait"))
	if err := t.transmit(m, b); err != nil {
		t.show(say("no-connection"))
		return nil, OutcomeNoAnswer, nil
	}
	answer, err := t.receive(m, t.profile.AnswerWait, false)
	switch {
	case isStorage(err):
		return nil, "", err
	case err == nil && dialect.RefusesKeys(answer.ResponseCode), errors.Is(err, errMAC) && dialect.RefusesKeys(answer.ResponseCode):
		t.stale = true
		t.showDeclined(answer.ResponseCode)
		return answer, OutcomeDeclined, nil
	case errors.Is(err, errMAC):
		t.show(say("wrong-answer"))
		return nil, OutcomeNoAnswer, nil
	case err != nil:
		if errors.Is(err, transport.ErrTimeout) {
			t.hangUp()
		}
		t.show(say("not-answered"))
		return nil, OutcomeNoAnswer, nil
	case !dialect.ApprovesInFull(answer.ResponseCode):
		t.showDeclined(answer.ResponseCode)
		return answer, OutcomeDeclined, nil
	}
	return answer, OutcomeApproved, nil
}

// stampInquiry gives an inquiry its identity, durably: it is no record that would do that.
func (t *Terminal) stampInquiry(r *Record) (err error) {
	now := t.calendar()
	r.Date, r.Time, r.Year = now.Format("0102"), now.Format("150405"), now.Year()
	if t.numbersBatches() {
		r.Batch = t.journal.batch.number
	}
	r.STAN, err = t.journal.takeServiceSTAN()
	return err
}

// inquire is a balance inquiry with a chip: the card is told what the issuer said, and what it makes of that changes nothing.
func (c *chip) inquire(d *deal) (emv.OnlineAnswer, error) {
	answer, o, err := c.t.askBalance(d)
	if err != nil {
		c.fatal = err
		return emv.OnlineAnswer{}, err
	}
	c.outcome = o
	switch o {
	case OutcomeApproved, OutcomeDeclined:
		c.balance, c.code = answer, answer.ResponseCode
		code := answer.ResponseCode
		if o == OutcomeApproved {
			code = "00"
		}
		return c.onlineAnswer(answer, code), nil
	}
	c.ended = o
	return emv.OnlineAnswer{}, emv.ErrCancelled
}

// concludeBalance shows what an inquiry was answered, once the card is done.
func (c *chip) concludeBalance() Outcome {
	if c.outcome == OutcomeApproved {
		c.t.showBalance(c.balance)
	}
	return c.outcome
}

// balance is one amount of DE 54.
type balance struct {
	account, kind string // two digits each: ISO 8583's account and amount types; "02" is what is available
	currency      string
	amount        int64 // minor units
}

// balanceLength is one amount's, in characters: account 2, type 2, currency 3, C or D, twelve digits (ISO 8583:1987, 4.4.17).
const balanceLength = 2 + 2 + 3 + 1 + 12

// parseBalances takes DE 54 apart. What is not of its form is left out with all that follows.
func parseBalances(s string) (all []balance) {
	for len(s) >= balanceLength {
		sign, value := s[7], s[8:balanceLength]
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || !digits(value, 12) || sign != 'C' && sign != 'D' {
			return all
		}
		if sign == 'D' {
			n = -n
		}
		all = append(all, balance{s[:2], s[2:4], s[4:7], n})
		s = s[balanceLength:]
	}
	return all
}

// availableBalance is what can be spent: the amount of that type, or else the first there is.
const availableBalance = "02"

// showBalance shows what can be spent.
func (t *Terminal) showBalance(m *dialect.Message) {
	all := parseBalances(m.AdditionalAmounts)
	if len(all) == 0 {
		t.show(say("approved"), say("no-balance"))
		return
	}
	best := all[0]
	for _, b := range all {
		if b.kind == availableBalance {
			best = b
			break
		}
	}
	t.show(say("balance", Amount(best.amount)))
}
