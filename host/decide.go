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
	o := x.book.named(e.Message)
	a := x.account(e.Message, &t, o, number)
	d := x.judge(a, e, &t, o)
	if a != nil {
		t.Account = a.Name
	}
	t.State, t.ResponseCode, t.Note = Declined, d.code, d.note
	r := &Record{Transaction: &t}
	if a.waits(&t, d.code) {
		t.State, t.ResponseCode, t.Waiting = Pending, "", true
		x.keep(a, r, &d)
		return x.book.find(t.Key)
	}
	if d.code == codeApproved || d.code == codePartiallyApproved {
		t.State = Approved
		t.AuthorizationIDResponse = x.authorisation()
		r.Postings = x.postings(&t, a, o)
		if t.Kind == dialect.KindBalance {
			t.AdditionalAmounts = balance(a)
		}
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

// authorisation is the next approval's number.
func (x *Issuer) authorisation() string { return fmt.Sprintf("%06d", (len(x.book.order)+1)%1e6) }

// account finds whose money it is about: the original's, the code's or the card's; nil for nobody's.
func (x *Issuer) account(m *dialect.Message, t *Transaction, o *Entry, number pan.PAN) *account {
	switch {
	case o != nil && depends(t.Kind):
		return x.byName[o.Account]
	case t.Kind == dialect.KindQRSale:
		return x.byCode[m.CodeScanned]
	}
	return x.byPAN[number]
}

// postings is what an approval moves at the issuer. A refund comes with the next clearing.
func (x *Issuer) postings(t *Transaction, a *account, o *Entry) []Posting {
	switch purposeOf(t.Kind) {
	case charging:
		return moves(a.position(), PositionIssuer, t.approved())
	case undoing:
		if purposeOf(o.Kind) == charging {
			return moves(PositionIssuer, a.position(), o.charged())
		}
	case adjusting:
		return moves(a.position(), PositionIssuer, t.Amount-x.book.amount(o))
	}
	return nil
}

// balance is what an account has, as DE 54 says it.
func balance(a *account) string {
	var m dialect.Message
	const most = 999_999_999_999
	m.SetBalance(max(-most, min(a.available(), most)), currency(a.Currency))
	return m.AdditionalAmounts
}

// judge asks everything that can refuse, in the order of the package comment. The cryptogram is verified whatever the code
// will be: a card that proved itself is answered with a proof, and a declined one too.
func (x *Issuer) judge(a *account, e Event, t *Transaction, o *Entry) (d decision) {
	m := e.Message
	var wrong error
	if a != nil {
		d.state = a.state
		// What is done to an original needs no card: its chip data, if there is any, was made for something else.
		if !depends(t.Kind) {
			if d.chip, wrong = x.verify(a, m, t); d.chip != nil {
				d.learn(d.chip)
			}
		}
	}
	if e.Force != "" && !dialect.Approves(e.Force) {
		d.code, d.note = e.Force, "forced"
		return d
	}
	if depends(t.Kind) {
		x.judgeDependent(a, m, t, o, &d)
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
		switch {
		case t.Kind == dialect.KindForcedSale && m.AuthorizationIDResponse == "":
			d.code, d.note = codeDoNotHonour, "forced sale without an authorisation"
			return d
		case t.Kind == dialect.KindOfflineSale && d.chip == nil:
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
	if x.pin(a, m, a.pinRequired(t.Kind), &d); d.code != "" {
		return d
	}
	if d.code, d.note = x.withinLimits(a, t); d.code == "" {
		x.fund(a, t, &d)
	}
	return d
}

// fund approves what the account has, and a part of it to a terminal that can take that.
func (x *Issuer) fund(a *account, t *Transaction, d *decision) {
	n := a.available()
	switch {
	case t.Amount <= n || t.Kind == dialect.KindBalance:
		d.code = codeApproved
	case n > 0 && t.Partial && (t.Kind == dialect.KindSale || t.Kind == dialect.KindMOTOSale):
		d.code, t.ApprovedAmount = codePartiallyApproved, n
	default:
		d.code = codeFunds
	}
}

// judgeDependent decides about what names another transaction. The cardholder agreed to the original, so the account's state
// is not asked again: money goes back to a card that was lost since, and what was held is taken.
func (x *Issuer) judgeDependent(a *account, m *dialect.Message, t *Transaction, o *Entry, d *decision) {
	d.code, d.note = x.book.against(t, o)
	switch {
	case d.code != "":
		return
	case a == nil || a.status() == Closed && purposeOf(t.Kind) == refunding:
		d.code, d.note = codeUnknownCard, "no such account"
		return
	case completes(t.Kind) && m.AuthorizationIDResponse != "" && m.AuthorizationIDResponse != o.AuthorizationIDResponse:
		d.code, d.note = codeNoOriginal, "other authorisation"
		return
	}
	if x.pin(a, m, false, d); d.code != "" {
		return
	}
	d.code = codeApproved
	if t.Kind == dialect.KindCompletion && t.Amount-o.Hold > a.available() {
		d.code = codeFunds
	}
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
	case a.Purse && t.Kind != dialect.KindOfflineSale:
		return codeInvalidTransaction, "a purse pays by itself, and its card says so"
	case (t.Kind == dialect.KindSale || t.Kind == dialect.KindOfflineSale) && (len(t.ProcessingCode) < 2 || t.ProcessingCode[:2] != "00"):
		return codeInvalidTransaction, "not a purchase"
	}
	return "", ""
}

// pinRequired tells whether a request of that kind must bring a PIN: by mail and telephone there is no pad.
func (a *account) pinRequired(k dialect.Kind) bool {
	return a.PINRequired && k != dialect.KindMOTOSale && k != dialect.KindMOTOPreAuth
}

func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}

// pin looks at the PIN of a request: the code stays "" when nothing is wrong. The count of wrong PINs is part of the
// decision's record; a right PIN takes it back.
func (x *Issuer) pin(a *account, m *dialect.Message, required bool, d *decision) {
	s := &d.state
	switch {
	case len(m.PINData) == 0 && required:
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
