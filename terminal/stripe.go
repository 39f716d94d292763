package terminal

import (
	"errors"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/transport/dialect"
)

// maxPINTries is how often a wrong PIN of a stripe may be entered again in one sale: each is a request of its own.
const maxPINTries = 3

// stripeCard is what a stripe says of its card.
type stripeCard struct {
	number  pan.PAN
	expiry  string // YYMM
	service serviceCode
	track2  string // DE 35; "": only track 1 could be read
	entry   panEntry
}

var errNoTrack = errors.New("terminal: stripe: neither track 1 nor track 2 was read")

// readStripe makes a card of what a swipe gave. Track 2 is enough; without it track 1 has the same card, but the issuer cannot
// check it. Where there are both they must agree: no issuer writes two cards on one stripe. spoilt says which other tracks were
// there and could not be read. Errors quote nothing of the tracks.
func readStripe(s Stripe) (card *stripeCard, spoilt []error, err error) {
	bad := func(err error) { spoilt = append(spoilt, err) }
	var t1 track1
	var t2 track2
	var err1, err2 error
	if s.Track1 != "" {
		t1, err1 = parseTrack1(s.Track1)
	}
	if s.Track2 != "" {
		t2, err2 = parseTrack2(s.Track2)
	}
	if s.Track3 != "" {
		if _, err := parseTrack3(s.Track3); err != nil {
			bad(err)
		}
	}
	has1, has2 := s.Track1 != "" && err1 == nil, s.Track2 != "" && err2 == nil
	switch {
	case !has1 && err2 != nil:
		return nil, spoilt, err2
	case !has1 && !has2 && err1 != nil:
		return nil, spoilt, err1
	case !has1 && !has2:
		return nil, spoilt, errNoTrack
	case has1 && has2:
		if err := agree(t1, t2); err != nil {
			return nil, spoilt, err
		}
	case err1 != nil:
		bad(err1)
	case err2 != nil:
		bad(err2)
	}
	if has2 {
		return &stripeCard{t2.number, t2.expiry, t2.service, t2.data, entryStripe}, spoilt, nil
	}
	return &stripeCard{t1.number, t1.expiry, t1.service, "", entryPart}, spoilt, nil
}

func agree(t1 track1, t2 track2) error {
	switch {
	case t1.number != t2.number:
		return errors.New("terminal: tracks 1 and 2: card numbers differ")
	case t1.expiry != t2.expiry:
		return errors.New("terminal: tracks 1 and 2: expiries differ")
	case t1.service != t2.service:
		return errors.New("terminal: tracks 1 and 2: service codes differ")
	}
	return nil
}

// stripeAllowed asks the service code what the terminal must obey; false: the card is not accepted here, and the screen says so.
func (t *Terminal) stripeAllowed(card *stripeCard) bool {
	switch {
	case !card.service.goods():
		t.remark("stripe: service code: %v", card.service)
		t.show(say("not-accepted"), say("not-for-goods"))
	case card.service.pinRequired() && !t.can(tlv.CapabilityOnlinePIN):
		t.remark("stripe: service code: %v", card.service)
		t.show(say("not-accepted"), say("pin-required"))
	case t.offlineOnly():
		t.remark("stripe: this terminal has no line to an issuer")
		t.show(say("not-accepted"))
	default:
		return true
	}
	return false
}

// offlineOnly is a terminal without a line, by its type (EMV Book 4, A1).
func (t *Terminal) offlineOnly() bool {
	return tlv.OfflineOnly(t.profile.EMV.Type)
}

// stripeSale always goes online. A wrong PIN may be entered again, as a new transaction with its own STAN.
func (t *Terminal) stripeSale(w wanted, card *stripeCard) (Ended, error) {
	if !t.stripeAllowed(card) {
		return Ended{Outcome: OutcomeNotAccepted}, nil
	}
	title := Key("pin")
	for try := 1; ; try++ {
		e, err := t.stripeTry(w, card, title)
		if err == nil && e.Outcome == OutcomeDeclined && e.Code == "55" && try < maxPINTries && t.can(tlv.CapabilityOnlinePIN) {
			title = "pin-again"
			continue
		}
		return e, err
	}
}

// stripePIN takes the PIN of a stripe, wherever the terminal can: PIN or signature is the cardholder's choice unless the service
// code leaves none. cvm is what the receipt will say; an outcome ends the sale.
func (t *Terminal) stripePIN(card *stripeCard, title Key) (cvm string, o Outcome) {
	entry := emv.PINBypassed
	if t.can(tlv.CapabilityOnlinePIN) {
		var err error
		if entry, err = t.enterPIN(title, false, -1); err != nil { // cancelled, or nobody there
			t.show(say("cancelled"))
			return "", OutcomeCancelled
		}
	}
	switch {
	case entry == emv.PINEntered:
		return cvmPIN, ""
	case card.service.pinRequired():
		t.remark("stripe: service code: %v", card.service)
		t.show(say("not-accepted"), say("pin-required"))
		return "", OutcomeNotAccepted
	case t.can(tlv.CapabilitySignature):
		return cvmSignature, ""
	}
	return cvmNone, ""
}

func (t *Terminal) stripeTry(w wanted, card *stripeCard, title Key) (Ended, error) {
	cvm, o := t.stripePIN(card, title)
	if o != "" {
		return Ended{Outcome: o}, nil
	}
	r := t.newRecord(w)
	r.Card, r.Entry, r.CVM = card.number.Masked(), t.posEntryMode(card.entry), cvm
	d := &deal{record: r, number: card.number, expiry: card.expiry, track2: card.track2}
	if w.kind == dialect.KindBalance {
		return t.inquire(d)
	}
	return t.transact(d)
}
