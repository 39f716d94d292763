package host

import (
	"errors"
	"fmt"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/transport/dialect"
)

// maxWrongPINs in a row and the PIN is not looked at any more.
const maxWrongPINs = 3

// decision is what the issuer says to one request, and why.
type decision struct {
	code, note string
	chip       *chip        // a cryptogram that verified: the answer is authenticated to the card
	state      AccountState // the account's, as the decision leaves it
	changed    bool         // and that is another than before
}

// decide takes up a request or an advice that is new here: one record holds the decision, the money, the PIN tries and what
// the card was told.
func (x *Issuer) decide(e Event, t Transaction, number pan.PAN) *Entry {
	a := x.byPAN[number]
	d := x.judge(a, e, &t)
	if a != nil {
		t.Account = a.Name
	}
	t.State, t.ResponseCode, t.Note = Declined, d.code, d.note
	r := &Record{Transaction: &t}
	if d.code == codeApproved {
		t.State = Approved
		t.AuthorizationIDResponse = fmt.Sprintf("%06d", (len(x.book.order)+1)%1e6)
		r.Postings = []Posting{{PositionCardholder, PositionIssuer, t.Amount}}
	}
	if d.chip != nil {
		t.ATC = d.chip.atc
		if t.Function == Sale {
			t.AnswerICC = x.instruct(a, d.chip, t.ResponseCode, &d)
		}
	}
	x.keep(a, r, &d)
	return x.book.find(t.Key)
}

// judge asks everything that can refuse, in the order of the package comment. The cryptogram is verified whatever the code
// will be: a card that proved itself is answered with a proof, and a declined one too.
func (x *Issuer) judge(a *account, e Event, t *Transaction) (d decision) {
	m := e.Message
	var wrong error
	if a != nil {
		d.state = a.state
		if d.chip, wrong = x.verify(a, m, t); d.chip != nil {
			d.learn(d.chip)
		}
	}
	if e.Force != "" && !dialect.Approves(e.Force) {
		d.code, d.note = e.Force, "forced"
		return d
	}
	if d.code, d.note = x.usable(a, m, t); d.code != "" {
		return d
	}
	if wrong != nil {
		d.code, d.note = codeDoNotHonour, wrong.Error()
		return d
	}
	if t.Function == Advice { // it has happened: neither PIN nor funds can be asked for any more
		if d.chip == nil {
			d.code, d.note = codeDoNotHonour, "advice without a cryptogram"
			return d
		}
		d.code = codeApproved
		return d
	}
	if a.state.Answer != "" {
		d.code, d.note = a.state.Answer, "as ordered for the account"
		return d
	}
	if x.pin(a, m, &d); d.code != "" {
		return d
	}
	d.code = codeApproved
	if t.Amount > a.available() {
		d.code = codeFunds
	}
	return d
}

// usable is what account and card say before anything is computed.
func (x *Issuer) usable(a *account, m *dialect.Message, t *Transaction) (code, note string) {
	switch {
	case a == nil:
		return codeUnknownCard, "no such account"
	case m.CardSequenceNumber != "" && a.PANSequenceNumber != "" && trimZeros(m.CardSequenceNumber) != trimZeros(a.PANSequenceNumber):
		return codeUnknownCard, "other card sequence number"
	case a.status().code() != "":
		return a.status().code(), "account is " + string(a.status())
	case "20"+a.Expiry < x.now.Format("200601"):
		return codeExpired, ""
	case currency(t.Currency) != currency(a.Currency):
		return codeInvalidTransaction, "other currency"
	case len(t.ProcessingCode) < 2 || t.ProcessingCode[:2] != "00":
		return codeInvalidTransaction, "not a purchase"
	}
	return "", ""
}

func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}

// pin looks at the PIN of a request: the code stays "" when nothing is wrong. The count of wrong PINs is part of the
// decision's record; a right PIN takes it back.
func (x *Issuer) pin(a *account, m *dialect.Message, d *decision) {
	s := &d.state
	switch {
	case len(m.PINData) == 0 && a.PINRequired:
		d.code, d.note = codeWrongPIN, "no PIN"
		return
	case len(m.PINData) == 0:
		return
	case s.WrongPINs >= maxWrongPINs:
		d.code = codePINTries
		return
	}
	err := hsm.ErrPIN // no PIN is known, and none is right
	if reference := a.reference(s); reference != nil {
		err = x.module.VerifyPIN(hsm.PINCarrier{Key: x.cfg.Below.PIN, Format: innerFormat}, a.PAN, m.PINData, x.cfg.PINReferenceKey, reference)
	}
	switch {
	case err == nil:
		d.changed = d.changed || s.WrongPINs != 0
		s.WrongPINs = 0
	case errors.Is(err, hsm.ErrPIN):
		s.WrongPINs++
		d.code, d.changed = codeWrongPIN, true
	default:
		d.code, d.note = codeSystem, "PIN block does not decode" // keys differ somewhere: nobody has tried a PIN
	}
}

// reference is the PIN reference that counts: the one that the card confirmed last, or else the one that it began with.
func (a *account) reference(s *AccountState) []byte {
	if s.PINReference != nil {
		return s.PINReference
	}
	return a.PINReference
}
