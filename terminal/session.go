package terminal

import (
	"errors"
	"slices"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport/dialect"
)

// wanted is what a customer and the clerk want: one transaction, whatever it takes to read the card.
type wanted struct {
	kind     dialect.Kind // KindNone: a sale
	amount   int64        // minor units; cash back and tip are parts of it
	cashBack int64
	tip      int64
	parts    int  // of an instalment
	online   bool // the clerk wants the issuer asked
	offline  bool // the clerk wants nobody asked: the card decides
}

// about is the kind that is wanted.
func (w wanted) about() dialect.Kind {
	if w.kind == dialect.KindNone {
		return dialect.KindSale
	}
	return w.kind
}

// title is what the card prompt says is being done.
func (w wanted) title() Text {
	if w.kind == dialect.KindBalance {
		return say("balance-inquiry")
	}
	return say(titleOf(w.about()), Amount(w.amount))
}

// newRecord is the record of what is wanted, without a card.
func (t *Terminal) newRecord(w wanted) *Record {
	return &Record{Kind: w.about(), Amount: w.amount, CashBack: w.cashBack, Tip: w.tip, Parts: w.parts, Currency: t.profile.Currency}
}

// session serves one customer: amount and card in either order, then the sale; or what the menu has.
func (t *Terminal) session() error {
	choose := t.beginSale
	if len(t.keys) > 0 && t.keys[0] == KeyMenu {
		t.keys = t.keys[1:]
		choose = t.browse
	}
	if r := t.tornTap(); r != nil && len(t.keys) == 0 && t.swiped == nil && t.cardPresent() { // whoever comes back at the idle terminal
		choose = func() (Ended, error) { return t.tapAgain(r, true) }
	}
	e, err := choose()
	if err != nil {
		return err
	}
	t.cfg.Observe(e)
	return nil
}

// beginSale is a sale that needs no menu.
func (t *Terminal) beginSale() (Ended, error) {
	if o, err := t.gate(FunctionSale); err != nil || o != "" {
		return Ended{Outcome: o}, err
	}
	return t.chooseSale()
}

// chooseSale is a sale: what a key or a card at the idle terminal begins.
func (t *Terminal) chooseSale() (Ended, error) {
	s, ok := t.enterAmount()
	if !ok {
		return t.cancelled(), nil
	}
	return t.serve(s)
}

// serve takes cards until one of them ends the sale: a stripe that cannot be read, or that has a chip, and a chip that gives no
// answer have another way or another try.
func (t *Terminal) serve(s wanted) (Ended, error) {
	prompt, before := Key("insert-or-swipe"), Ended{Outcome: OutcomeCancelled}
	for {
		how := t.awaitPresentation(s.title(), prompt, t.mayType(s))
		switch how {
		case byKeys:
			return t.typedSale(s, cvmSignature)
		case byNothing:
			if before.Outcome == OutcomeCancelled {
				t.show(say("cancelled"))
			}
			return before, nil
		case byChip:
			e, again, err := t.chipSale(s)
			if err != nil || again == "" {
				return e, err
			}
			if !t.cardTaken() {
				return e, nil
			}
			prompt, before = again, e
			continue
		}
		card, err := t.swipe()
		if err != nil {
			return Ended{Outcome: liveOutcome(err)}, nil
		}
		if card == nil {
			continue
		}
		switch t.swipeRule(card) {
		case swipeInsert:
			t.remark("stripe: service code: %v", card.service)
			prompt = "insert-chip"
			continue
		case swipeNotAllowed:
			t.show(say("not-accepted"), say("no-fallback"))
			return Ended{Outcome: OutcomeNotAccepted}, nil
		case swipeNever:
			t.show(say("not-accepted"), say("no-stripe"))
			return Ended{Outcome: OutcomeNotAccepted}, nil
		case swipeFallback:
			t.remark("stripe: the chip cannot be read: fallback, DE 22 PAN entry %s", entryFallback)
			card.entry = entryFallback
			t.failures.good() // one swipe, and no more
		}
		return t.stripeSale(s, card)
	}
}

// swipe reads the stripe that was swiped; nil: it cannot be read, and the screen says so. The error is a live card.
func (t *Terminal) swipe() (*stripeCard, error) {
	stripe := *t.swiped
	t.swiped = nil
	card, spoilt, err := readStripe(stripe)
	for _, err := range spoilt {
		t.remark("%v", err)
	}
	if err != nil {
		t.remark("%v", err)
		t.show(say("stripe-failed"))
		return nil, nil
	}
	if stripe.Physical {
		if err := t.admit(card.number); err != nil {
			return nil, err
		}
	}
	return card, nil
}

func liveOutcome(err error) Outcome {
	if errors.Is(err, errLiveRead) {
		return OutcomeLiveRead
	}
	return OutcomeLiveRefused
}

// swipeRule asks whether this stripe may be read here and now.
func (t *Terminal) swipeRule(card *stripeCard) swipeRule {
	if !t.profile.Takes(EntryModeStripe) {
		return swipeNever
	}
	reads := t.cfg.Devices.OpenSlot != nil && t.can(tlv.CapabilityICWithContacts) && t.profile.Takes(EntryModeChip) // a terminal that never could reads the stripe
	return t.profile.Fallback.swipe(&t.failures, reads && card.service.chip(), t.slotWorks(), card.number, t.clock.Now())
}

// slotWorks tells whether a chip could be read here and now.
func (t *Terminal) slotWorks() bool { return t.slot != nil && t.slot.Lost() == nil }

// cardTaken waits until a card that could not be read has left the slot; false: nobody took it.
func (t *Terminal) cardTaken() bool {
	t.show(say("chip-failed"), say("remove-card"))
	t.keys = nil
	gone := t.clock.Wait(t.clock.Now().Add(t.profile.CardWait), func() bool { return !t.cardPresent() || t.pressedCancel() })
	return gone && !t.cardPresent()
}

// pressedCancel looks for CANCEL among the keys that wait.
func (t *Terminal) pressedCancel() bool { return slices.Contains(t.keys, KeyCancel) }

// housekeeping is what follows every sale: its reversal at once, and what waited for a host that answers.
func (t *Terminal) housekeeping() error {
	if err := t.tellScriptResults(); err != nil {
		return err
	}
	if _, err := t.reverseDue(); err != nil {
		return err
	}
	if t.adviceDue() && t.link != nil && t.link.Err() == nil {
		if err := t.sendAdvices(); err != nil {
			return err
		}
	}
	if len(t.journal.signatures) > 0 && t.link != nil && t.link.Err() == nil {
		if err := t.uploadSignatures(); err != nil {
			return err
		}
	}
	return t.obey()
}

// enterAmount takes digits and ENTER; false: cancelled, or nobody came. With KeyOnline the clerk has the issuer asked, or not
// after all.
func (t *Terminal) enterAmount() (s wanted, ok bool) {
	show := func(before ...Text) {
		lines := append(before, say("amount", Amount(s.amount)))
		if s.online {
			lines = append(lines, say("force-online"))
		}
		t.show(lines...)
	}
	show()
	for {
		if !t.clock.Wait(t.clock.Now().Add(t.profile.CardWait), func() bool { return len(t.keys) > 0 }) {
			return s, false
		}
		key := t.keys[0]
		t.keys = t.keys[1:]
		switch {
		case key == KeyCancel:
			return s, false
		case key == KeyClear:
			s.amount = 0
		case key == KeyEnter && s.amount > 0:
			return s, true
		case key == KeyOnline:
			s.online = !s.online
		case key >= '0' && key <= '9':
			if next := s.amount*10 + int64(key-'0'); next <= t.profile.MaxAmount {
				s.amount = next
			} else {
				show(say("limit"))
				continue
			}
		default:
			continue
		}
		show()
	}
}

// How a PIN entry can end besides with a PIN.
var (
	errCardGone  = errors.New("terminal: card removed during PIN entry")
	errNoPINTime = errors.New("terminal: nobody entered a PIN")
)

// enterPIN has the security module's pad take a PIN. The digits never come here; the screen shows how many there are.
// tries is how many the card still allows, -1 if nobody knows.
func (t *Terminal) enterPIN(title Key, chip bool, tries int) (emv.PINEntry, error) {
	pad := t.module.Keypad()
	t.pad, t.pressed = pad, false
	defer func() { t.pad = nil }()
	stars := "************"
	screen := func(stars string) {
		lines := []Text{say(title), say("test-pin-only"), say("stars", stars)}
		if tries == 1 {
			lines = append(lines, say("last-try"))
		}
		t.show(lines...)
	}
	screen("")
	deadline := t.clock.Now().Add(t.profile.CardWait)
	for !pad.Done() {
		if !t.clock.Wait(deadline, func() bool { return t.pressed || chip && !t.cardPresent() }) {
			pad.Cancel()
			return 0, errNoPINTime
		}
		if chip && !t.cardPresent() {
			pad.Cancel()
			return 0, errors.Join(errCardGone, apdu.ErrCardRemoved)
		}
		t.pressed = false
		if !pad.Done() {
			screen(stars[:pad.Len()])
		}
	}
	switch pad.State() {
	case hsm.Entered:
		t.entry = pad
		return emv.PINEntered, nil
	case hsm.Bypassed:
		return emv.PINBypassed, nil
	}
	return 0, emv.ErrCancelled
}
