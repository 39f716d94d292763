package host

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// When an issuer says nothing, its switch may stand in: it approves in the issuer's place, and tells the issuer afterwards. Until
// then the switch owes the money. The approval says with its code that the merchant had better ask, and by that code the acquirer
// knows who owes it. What the issuer is to be told is part of the approval's record, so that no crash forgets it (S1).
//
// A reversal cancels the advice and goes up all the same: nobody knows whether the request or an earlier advice got there.

// StandIn is what a switch may approve in the issuer's place.
type StandIn struct {
	Limit int64  // minor units: of all that one card has got so and its issuer has not taken over yet
	Code  string // of the answer: 11, A2, A4, A5 or A6; "" is A2
}

// StandInCodes are the codes that a switch may approve with in the issuer's place.
func StandInCodes() []string { return []string{"11", "A2", "A4", "A5", "A6"} }

// standsIn tells whether an approval is one in the issuer's place.
func standsIn(code string) bool {
	return code != codeApproved && dialect.ApprovesInFull(code)
}

func (s *StandIn) validate() error {
	switch {
	case s == nil:
		return nil
	case s.Limit <= 0 || s.Limit > maxRecorded:
		return fmt.Errorf("stand-in up to %d: want 1 or more", s.Limit)
	case s.Code != "" && !standsIn(s.Code):
		return fmt.Errorf("stand-in with code %q: want one of %v", s.Code, StandInCodes())
	}
	return nil
}

func (s *StandIn) code() string {
	if s.Code == "" {
		return "A2"
	}
	return s.Code
}

// StandInState is how far a switch's approval in the issuer's place has come.
type StandInState byte

// The states.
const (
	StandInDue     StandInState = iota + 1 // the issuer is to be told
	StandInTold                            // it has taken it over
	StandInRefused                         // it has refused to
	StandInUndone                          // a reversal came first
	lastStandIn    = StandInUndone
)

var standInNames = [...]string{"none", "due", "told", "refused", "undone"}

// String names the state.
func (s StandInState) String() string { return named(standInNames[:], byte(s)) }

// MarshalText is String.
func (s StandInState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *StandInState) UnmarshalText(b []byte) error {
	return unnamed(standInNames[:], b, (*byte)(s))
}

// remembers keeps which card it is, for a switch that may have to stand in, and for an acquirer whose rules count what a card pays: what
// can be shown of a number is the same for many cards. Who names an original and has no number has that one's card.
func (x *Relay) remembers(t *Transaction, o *Entry, number pan.PAN) error {
	counts := x.cfg.Acquirer && purposeOf(t.Kind) == charging && slices.ContainsFunc(x.cfg.Risk, func(r RiskRule) bool { return r.By == ByCard })
	standsIn := !x.cfg.Acquirer && x.cfg.StandIn != nil && t.Kind == dialect.KindSale
	switch {
	case !counts && !standsIn:
		return nil
	case number.IsZero():
		if o != nil {
			t.CardToken = o.CardToken
		}
		return nil
	}
	var err error
	t.CardToken, err = x.token(number.Digits(), nil)
	return err
}

// standIn approves a request in the issuer's place, and tells whether it did.
func (x *Relay) standIn(e *Entry) bool {
	s := x.cfg.StandIn
	if s == nil || x.cfg.Acquirer || e.request == nil || e.CardToken == "" || x.barred(e) || e.Amount > s.Limit-x.exposed(e) {
		return false
	}
	t := e.Transaction
	t.State, t.ResponseCode, t.Note = Approved, s.code(), "approved in the issuer's place"
	t.AuthorizationIDResponse = fmt.Sprintf("%06d", len(x.book.order)%1e6)
	t.StandIn = StandInTold
	if x.rules.Kept(rules.AdviseStandIn) {
		sealed, err := x.seal(e)
		if err != nil {
			return false
		}
		t.StandIn, t.Sealed = StandInDue, sealed
	}
	x.answer(x.put(t))
	x.advise(e, false)
	return true
}

// exposed is what the switch owes for a card, in minor units.
func (x *Relay) exposed(e *Entry) (n int64) {
	for _, o := range x.book.order {
		if o.CardToken == e.CardToken && o.State == Approved && (o.StandIn == StandInDue || o.StandIn == StandInRefused) {
			n += o.Amount
		}
	}
	return n
}

// barred tells whether the last that an issuer has said of a card is that it must not be used.
func (x *Relay) barred(e *Entry) bool {
	for i := len(x.book.order) - 1; i >= 0; i-- {
		o := x.book.order[i]
		switch {
		case o.CardToken != e.CardToken || o == e || o.StandIn == StandInDue || o.StandIn == StandInUndone:
		case o.StandIn == StandInRefused:
			return true
		case o.State == Approved:
			return false
		case o.State == Declined && bad[o.ResponseCode]:
			return true
		}
	}
	return false
}

// bad is the codes that say something of the card and not of one sale.
var bad = map[string]bool{
	"04": true, "07": true, codeUnknownCard: true, "33": true, "36": true, codeLost: true, codeStolen: true, codeExpired: true,
	codeRestricted: true, codePINTries: true,
}

// seal is what the advice needs of the request and no record may hold: card number, sequence number and chip data.
func (x *Relay) seal(e *Entry) ([]byte, error) {
	m := e.request
	plain := append([]byte(cardNumber(m).Digits()+"="+m.CardSequenceNumber+"="), m.ICCSystemRelatedData...)
	return x.module.Seal(x.cfg.SealKey, []byte(e.Key.String()), plain)
}

// unseal puts it into a message again.
func (x *Relay) unseal(e *Entry, m *dialect.Message) error {
	plain, err := x.module.Open(x.cfg.SealKey, []byte(e.Key.String()), e.Sealed)
	if err != nil {
		return err
	}
	parts := bytes.SplitN(plain, []byte("="), 3)
	if len(parts) != 3 {
		return fmt.Errorf("host: %s: what was sealed is no request", x.cfg.Name)
	}
	if m.PrimaryAccountNumber, err = pan.Parse(string(parts[0])); err != nil {
		return err
	}
	m.CardSequenceNumber, m.ICCSystemRelatedData = string(parts[1]), parts[2]
	return nil
}

// advise tells the issuer what was approved in its place, and wakes up to tell it again.
func (x *Relay) advise(e *Entry, repeat bool) {
	if e.StandIn != StandInDue {
		return
	}
	mti := "0220"
	if repeat {
		mti = "0221"
	}
	m := e.message(mti)
	m.Kind, m.POSConditionCode, m.POSEntryMode = dialect.KindOfflineSale, "00", e.POSEntryMode
	m.ResponseCode, m.AuthorizationIDResponse = e.ResponseCode, e.AuthorizationIDResponse
	if err := x.unseal(e, m); err != nil {
		x.refused(fmt.Errorf("host: %s: advice of %s: %w", x.cfg.Name, e.Key, err)) // and it stays due
	} else {
		x.fx = append(x.fx, Effect{Send: &Send{Message: m, Repeat: repeat}})
	}
	x.repeatLater(TimerAdvice, e, repeat)
}

// stoodIn finds what this relay has approved in the issuer's place; nil without it.
func (x *Relay) stoodIn(k dialect.Key) *Entry {
	if e := x.book.find(k); e != nil && e.StandIn != 0 {
		return e
	}
	return nil
}

// advised is the issuer's answer to an advice. One that decides nothing leaves it due.
func (x *Relay) advised(e *Entry, m *dialect.Message) {
	if e.StandIn != StandInDue || m.ResponseCode == codePartiallyApproved || dialect.Undecided(m.ResponseCode) || dialect.MatchContent(e.message("0220"), m) != nil {
		x.unmatched(m)
		return
	}
	t := e.Transaction
	t.StandIn, t.Sealed = StandInTold, nil
	if !dialect.Approves(m.ResponseCode) {
		t.StandIn = StandInRefused
		t.Difference = x.item(&t, AdviceRefused, t.Amount, "approved in the issuer's place, and the issuer refused it: "+m.ResponseCode)
		t.Difference.Owner = standInBearer
	}
	x.cancel(Timer{TimerAdvice, e.Key})
	x.put(t)
}

// standInBearer owns what an issuer refuses of what its switch has approved, and bears it when the deadline has passed: the acquirer
// has taken the merchant on, and the code has told it to ask.
const standInBearer = "acquirer"

// unadvised is t with nothing left to tell the issuer, because it is being undone.
func (x *Relay) unadvised(t *Transaction) {
	switch t.StandIn {
	case StandInDue:
		x.cancel(Timer{TimerAdvice, t.Key})
		t.StandIn, t.Sealed = StandInUndone, nil
	case StandInRefused:
		t.StandIn, t.Difference = StandInUndone, t.Difference.moved(ItemClosed, x.book.businessDate(x.now), "reversed")
	}
}

// tellsStandIn tells whether a message is an advice of what was approved in this issuer's place: who sends it has decided.
func tellsStandIn(m *dialect.Message) bool {
	return dialect.Class(m.MTI) == dialect.ClassFinancial && dialect.IsAdvice(m.MTI) && standsIn(m.ResponseCode)
}

// standIn takes over what the switch has approved in the issuer's place, or refuses to: as the card and the account allow. Neither
// PIN nor funds are asked for any more. What the issuer has approved itself it owes to the switch now, and does not charge again.
func (x *Issuer) standIn(e Event) {
	m := e.Message
	t, number, code := x.opening(m, dialect.KindSale)
	if code != "" {
		x.refuse(e.Conn, m, code)
		return
	}
	old := x.decides(e, t.Key)
	switch {
	case dialect.Undecided(e.Force):
		code = e.Force
	case old == nil:
		code = x.takeOver(e, t, number)
	case old.State == Tombstone, old.State == Reversed:
		code = codeNoOriginal
	case !old.sameAs(&t):
		code = codeDuplicate
	case old.State == Declined && dialect.Undecided(old.ResponseCode): // that was no answer to what has happened
		code = x.takeOver(e, t, number)
	case old.State == Declined:
		code = old.ResponseCode
	default:
		code = codeApproved
		x.settleWith(old)
	}
	x.refuse(e.Conn, m, code)
}

func (x *Issuer) takeOver(e Event, t Transaction, number pan.PAN) string {
	a := x.byPAN[number]
	d := decision{code: e.Force, note: "forced"}
	if a != nil {
		d.state = a.state
	}
	if d.code == "" || dialect.Approves(d.code) {
		d.code, d.note = x.usable(a, e.Message, &t)
	}
	if d.code == "" {
		c, wrong := x.verify(a, e.Message, &t)
		switch {
		case wrong != nil:
			d.code, d.note = codeDoNotHonour, wrong.Error()
		case c != nil:
			d.learn(c)
			t.ATC = c.atc
		}
	}
	r := &Record{Transaction: &t}
	t.State, t.ResponseCode, t.Note = Declined, d.code, d.note
	if a != nil {
		t.Account = a.Name
	}
	if d.code == "" {
		t.State, t.ResponseCode, t.Note, t.StandIn = Approved, codeApproved, "the switch stood in", StandInTold
		t.AuthorizationIDResponse = e.Message.AuthorizationIDResponse
		r.Postings = moves(a.position(), PositionSwitch, t.Amount)
	}
	x.keep(a, r, &d)
	return t.ResponseCode
}

// settleWith gives the switch what this issuer approved and the switch, who did not hear of it, has approved too.
func (x *Issuer) settleWith(old *Entry) {
	a := x.byName[old.Account]
	if old.StandIn == StandInTold || a == nil {
		return
	}
	t := old.Transaction
	t.StandIn = StandInTold
	posts := moves(PositionIssuer, PositionSwitch, t.approved())
	posts = append(posts, moves(a.position(), PositionSwitch, t.Amount-t.approved())...)
	t.ApprovedAmount = 0
	x.put(&Record{Transaction: &t, Postings: posts})
}

// undoing is the postings that undo e: of what the switch stood in for the money goes back to the switch, who owes it no more.
func (x *Issuer) undoing(e *Entry) []Posting {
	if a := x.byName[e.Account]; e.StandIn == StandInTold && a != nil {
		return moves(PositionSwitch, a.position(), e.charged())
	}
	return e.back()
}
