package terminal

import (
	"errors"
	"strings"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/transport/dialect"
)

// entryStripe is DE 22 of a swiped stripe read by a terminal that can take a PIN.
const entryStripe = "0021"

// maxPINTries is how often a wrong PIN of a stripe may be entered again in one sale: each is a request of its own.
const maxPINTries = 3

// stripeCard is a parsed track 2 (ISO 7813).
type stripeCard struct {
	number      pan.PAN
	expiry      string // YYMM
	serviceCode string
	track2      string // without sentinels
}

// hasChip tells whether the service code says that the card has a chip.
func (s *stripeCard) hasChip() bool { return s.serviceCode[0] == '2' || s.serviceCode[0] == '6' }

// maxTrack2 is the longest track 2 without its sentinels and LRC.
const maxTrack2 = 37

// parseStripe reads track 2: card number, separator, expiry, service code, discretionary data. Errors quote nothing of it.
func parseStripe(s Stripe) (*stripeCard, error) {
	t := strings.TrimSuffix(strings.TrimPrefix(s.Track2, ";"), "?")
	digits, rest, ok := strings.Cut(t, "=")
	switch {
	case len(t) > maxTrack2:
		return nil, errors.New("terminal: track 2: longer than 37 characters")
	case !ok:
		return nil, errors.New("terminal: track 2: no separator")
	case len(rest) < 7:
		return nil, errors.New("terminal: track 2: want expiry and service code after the separator")
	case strings.Trim(rest, "0123456789") != "":
		return nil, errors.New("terminal: track 2: want digits after the separator")
	}
	number, err := pan.Parse(digits)
	if err != nil {
		return nil, err
	}
	if !number.LuhnValid() {
		return nil, errors.New("terminal: track 2: check digit of the card number is wrong")
	}
	return &stripeCard{number: number, expiry: rest[:4], serviceCode: rest[4:7], track2: t}, nil
}

// stripeSale always goes online. A wrong PIN may be entered again, as a new transaction with its own STAN.
func (t *Terminal) stripeSale(amount int64, card *stripeCard) error {
	title := Key("pin")
	for try := 1; ; try++ {
		o, code, err := t.stripeTry(amount, card, title)
		if err != nil {
			return err
		}
		if o == OutcomeDeclined && code == "55" && try < maxPINTries {
			title = "pin-again"
			continue
		}
		t.cfg.Observe(Ended{Outcome: o, Code: code})
		return nil
	}
}

func (t *Terminal) stripeTry(amount int64, card *stripeCard, title Key) (o Outcome, code string, err error) {
	entry, err := t.enterPIN(title, false, -1)
	if err != nil { // cancelled, or nobody there
		t.show(say("cancelled"))
		return OutcomeCancelled, "", nil
	}
	r := &Record{Amount: amount, Currency: t.profile.Currency, Card: card.number.Masked(), Entry: entryStripe, CVM: cvmSignature}
	if entry == emv.PINEntered {
		r.CVM = cvmPIN
	}
	answer, o, err := t.authorise(r, func(r *Record) (*dialect.Message, error) {
		m := t.message("0200", r)
		m.PrimaryAccountNumber, m.DateExpiration, m.Track2Data = card.number, card.expiry, card.track2
		m.POSConditionCode = conditionNormal
		return m, t.addPIN(m, card.number)
	})
	if err != nil {
		return "", "", err
	}
	if answer != nil {
		code = answer.ResponseCode
	}
	switch o {
	case OutcomeApproved:
		err = t.approve(r, func(r *Record) error {
			return t.journal.approved(r, func(n *Record) {
				n.Code, n.Auth, n.RRN = answer.ResponseCode, answer.AuthorizationIDResponse, answer.RetrievalReferenceNumber
			})
		}, say("approved"))
	case OutcomeDeclined:
		t.showDeclined(code)
	}
	return o, code, err
}
