package terminal

import (
	"errors"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/hsm"
)

// session serves one customer: amount and card in either order, then the sale.
func (t *Terminal) session() error {
	end := func(o Outcome) error {
		t.cfg.Observe(Ended{Outcome: o})
		return nil
	}
	if t.journal.full() {
		return errBatchFull
	}
	amount, ok := t.enterAmount()
	if !ok {
		t.show(say("cancelled"))
		return end(OutcomeCancelled)
	}
	for {
		chip, ok := t.awaitCard(amount)
		switch {
		case !ok:
			t.show(say("cancelled"))
			return end(OutcomeCancelled)
		case chip:
			return t.chipSale(amount)
		}
		stripe := *t.swiped
		t.swiped = nil
		card, err := parseStripe(stripe)
		if err != nil {
			t.remark("%v", err)
			t.show(say("stripe-failed"), say("insert-or-swipe"))
			continue
		}
		if stripe.Physical {
			if err := t.admit(card.number); err != nil {
				if errors.Is(err, errLiveRead) {
					return end(OutcomeLiveRead)
				}
				return end(OutcomeLiveRefused)
			}
		}
		if card.hasChip() && t.slot != nil { // a chip card is read by its chip where that can be done
			t.show(say("insert-chip"))
			continue
		}
		return t.stripeSale(amount, card)
	}
}

// housekeeping is what follows every sale: its reversal at once, and what waited for a host that answers.
func (t *Terminal) housekeeping() error {
	if _, err := t.reverseDue(); err != nil {
		return err
	}
	if t.adviceDue() && t.link != nil && t.link.Err() == nil {
		return t.sendAdvices()
	}
	return nil
}

// enterAmount takes digits and ENTER; false: cancelled, or nobody came.
func (t *Terminal) enterAmount() (amount int64, ok bool) {
	t.show(say("amount", Amount(0)))
	for {
		if !t.clock.Wait(t.clock.Now().Add(t.profile.CardWait), func() bool { return len(t.keys) > 0 }) {
			return 0, false
		}
		key := t.keys[0]
		t.keys = t.keys[1:]
		switch {
		case key == KeyCancel:
			return 0, false
		case key == KeyClear:
			amount = 0
		case key == KeyEnter && amount > 0:
			return amount, true
		case key >= '0' && key <= '9':
			if next := amount*10 + int64(key-'0'); next <= t.profile.MaxAmount {
				amount = next
			} else {
				t.show(say("limit"), say("amount", Amount(amount)))
				continue
			}
		default:
			continue
		}
		t.show(say("amount", Amount(amount)))
	}
}

// awaitCard waits for a card; chip tells which way it came. ok is false when it was cancelled, or nobody came.
func (t *Terminal) awaitCard(amount int64) (chip, ok bool) {
	if !t.cardPresent() && t.swiped == nil {
		t.show(say("sale", Amount(amount)), say("insert-or-swipe"))
	}
	came := t.clock.Wait(t.clock.Now().Add(t.profile.CardWait), func() bool {
		return t.cardPresent() || t.swiped != nil || len(t.keys) > 0
	})
	switch {
	case !came:
		return false, false
	case t.cardPresent():
		return true, true
	case t.swiped != nil:
		return false, true
	}
	key := t.keys[0]
	t.keys = t.keys[1:]
	if key == KeyCancel {
		return false, false
	}
	return t.awaitCard(amount) // another key means nothing here
}

// How a PIN entry can end besides with a PIN.
var (
	errCardGone  = errors.New("terminal: card removed during PIN entry")
	errNoPINTime = errors.New("terminal: nobody entered a PIN")
)

// enterPIN has the security module's pad take a PIN. The digits never come here; the screen shows how many there are.
// tries is how many the card still allows, -1 if nobody knows.
func (t *Terminal) enterPIN(title Key, chip bool, tries int) (emv.PINEntry, error) {
	pad := t.cfg.Module.Keypad()
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
