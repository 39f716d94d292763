package scenario

import (
	"time"

	"github.com/posim/posim/terminal"
)

// customer is whoever stands at the till: the clerk who types the amount, and the cardholder. People react to what the
// screen says, a second later. The zero customer is nobody.
type customer struct {
	sale     *Sale
	card     string
	entry    string
	inserted bool // the card has been presented
	prompts  int  // PIN prompts so far
	failed   error
}

// arrive begins a sale at an idle terminal: the clerk types the amount.
func (r *rig) arrive(s *Sale, defaultCard string) {
	r.customer = newCustomer(r.library, s, defaultCard)
	r.typeKeys(amountKeys(s.Amount))
}

// newCustomer has the sale's card, or else the default one, and uses its chip if it has one, unless the sale says how.
func newCustomer(l *Library, s *Sale, defaultCard string) customer {
	c := customer{sale: s, card: s.Card, entry: s.Entry}
	if c.card == "" {
		c.card = defaultCard
	}
	if c.entry == "" {
		c.entry = "swipe"
		if l.Card(c.card).HasChip {
			c.entry = "chip"
		}
	}
	return c
}

// amountKeys is what the clerk presses for an amount.
func amountKeys(amount Money) []byte {
	var keys []byte
	for _, d := range []byte(terminal.Amount(int64(amount))) {
		if d != '.' && (d != '0' || len(keys) > 0) {
			keys = append(keys, d)
		}
	}
	return append(keys, terminal.KeyEnter)
}

// typeKeys presses keys one after the other, beginning in a second.
func (r *rig) typeKeys(keys []byte) {
	t := r.terminal
	at := hand
	for _, k := range keys {
		r.term.After(at, func() { t.Press(k) })
		at += keystroke
	}
}

// react is what the customer does about a screen.
func (r *rig) react(s terminal.Screen) {
	c := &r.customer
	if c.sale == nil {
		return
	}
	for _, line := range s {
		switch line.Key {
		case "insert-or-swipe":
			r.presentCard()
		case "pin", "pin-again":
			if len(s) > 2 && len(s[2].Args) == 1 && s[2].Args[0] == "" {
				r.enterPIN()
			}
			return
		}
	}
}

// presentCard inserts or swipes the card, once in a sale.
func (r *rig) presentCard() {
	c := &r.customer
	if c.inserted {
		return
	}
	c.inserted = true
	if c.entry == "swipe" {
		p := r.library.Card(c.card)
		_, track2 := p.Stripe()
		t := r.terminal
		r.term.After(hand, func() {
			r.tellf("card", "", "swiped: %s", p.PAN)
			t.Swipe(terminal.Stripe{Track2: track2})
		})
		return
	}
	card, err := r.present(c.card)
	if err != nil {
		c.failed = err
		return
	}
	name := c.card
	r.readerActor.After(hand, func() {
		r.tellf("card", "", "inserted: %s", r.library.Card(name).PAN)
		r.inSlot = card
		if r.term.On() && r.emulator != nil { // otherwise it is found in the slot when the reader gets its power
			r.emulator.Insert(card)
		}
	})
}

// enterPIN types what the script says for this prompt, or what a fault has the cardholder type.
func (r *rig) enterPIN() {
	keys := r.customer.pinKeys()
	switch f := r.strike("operator", "pin", atPIN); {
	case f == nil:
	case f.Kind == "no-pin":
		keys = []byte{terminal.KeyEnter}
	default:
		keys = otherPIN(keys)
	}
	r.typeKeys(keys)
}

// otherPIN is another PIN of the same length.
func otherPIN(keys []byte) []byte {
	out := append([]byte(nil), keys...)
	for i, k := range out {
		if k >= '0' && k <= '9' {
			out[i] = '0' + (k-'0'+1)%10
		}
	}
	return out
}

// tired is after how many keys whoever meddles goes away.
const tired = 20

// meddle is what a fault has somebody at the till do about a screen, whether they are asked or not.
func (r *rig) meddle() {
	f := r.strike("operator", "screen", atScreen)
	if f == nil {
		return
	}
	key := byte(terminal.KeyEnter)
	switch f.Kind {
	case "cancel":
		key = terminal.KeyCancel
	case "pull-card":
		r.takeCard()
		return
	}
	if r.meddling.After(r.world.Now()) || r.meddled >= tired {
		return // one hand presses one key at a time, and not for ever
	}
	r.meddling, r.meddled = r.world.Now().Add(hand), r.meddled+1
	r.typeKeys([]byte{key})
}

// pinKeys is what the cardholder presses at the next prompt; without a PIN in the script it is ENTER alone.
func (c *customer) pinKeys() []byte {
	keys := []byte{terminal.KeyEnter}
	switch n := c.prompts; {
	case c.sale.Cancel:
		keys[0] = terminal.KeyCancel
	case n < len(c.sale.PINs):
		keys = append([]byte(c.sale.PINs[n].Digits()), terminal.KeyEnter)
	case n > 0:
		keys[0] = terminal.KeyCancel // nothing more to try
	}
	c.prompts++
	return keys
}

// leave takes the card away.
func (r *rig) leave() {
	if r.byHand && r.customer.sale == nil {
		return
	}
	r.customer = customer{}
	r.takeCard()
}

// takeCard has the card in the slot pulled out a second later.
func (r *rig) takeCard() {
	if r.inSlot == nil {
		return
	}
	r.readerActor.After(hand, func() {
		if r.inSlot == nil {
			return
		}
		r.inSlot = nil
		r.tellf("card", "", "removed")
		if r.term.On() && r.emulator != nil {
			r.emulator.Remove()
		}
	})
}

// removeAtOnce is what a card's owner does before a power cycle.
func (r *rig) removeAtOnce() {
	r.customer, r.inSlot = customer{}, nil
}

const patience = 2 * time.Hour // for a step: far beyond every timer
