package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/terminal"
)

// customer is whoever stands at the till: the clerk who types the amount and answers what the terminal asks, and the cardholder.
// People react to what the screen says, a second later. The zero customer is nobody.
type customer struct {
	task     *Task
	card     string
	original *terminal.Record     // the slip of the transaction that the task is about; nil: there is none
	entries  []string             // what is left to do with the card
	taps     []string             // the cards that are still to be tapped
	reached  bool                 // something has been done with it
	prompts  int                  // PIN prompts so far
	answered map[terminal.Key]int // how often each prompt has been
	failed   error
}

// newCustomer comes with a task.
func newCustomer(l *Library, x *Task, original *terminal.Record) customer {
	c := customer{task: x, original: original, card: x.Card, entries: x.Entries, taps: x.Taps, answered: map[terminal.Key]int{}}
	switch {
	case len(c.taps) > 0:
		c.entries = slices.Repeat([]string{"tap"}, len(c.taps))
	case len(c.entries) > 0 || c.card == "":
	case l.Card(c.card).HasChip:
		c.entries = []string{"chip"}
	default:
		c.entries = []string{"swipe"}
	}
	return c
}

// wish is what a screen asks of a customer.
type wish int

const (
	wishNothing wish = iota
	wishCard
	wishCardOut
	wishChoice
	wishPIN
	wishAnswer // of the clerk, to the prompt that goes with it
)

// wishOf reads a screen: the first of its lines that asks for something counts. Of what is typed at the terminal only the empty
// prompt does: the others show how far the typing is.
func wishOf(s terminal.Screen) (wish, terminal.Key) {
	for _, line := range s {
		switch line.Key {
		case "insert-or-swipe", "insert-chip", "insert-again", "swipe-instead", "tap-card", "tap-again":
			return wishCard, line.Key
		case "remove-card":
			return wishCardOut, line.Key
		case "choose":
			return wishChoice, line.Key
		case "stars":
			if len(line.Args) == 1 && line.Args[0] == "" {
				return wishPIN, line.Key
			}
		case "confirm", "ask-reason":
			return wishAnswer, line.Key
		}
		if asks(line) {
			return wishAnswer, line.Key
		}
	}
	return wishNothing, ""
}

// asks tells whether a line is a prompt of the clerk's at which nothing has been typed yet.
func asks(line terminal.Text) bool {
	if line.Key != "amount" && !strings.HasPrefix(string(line.Key), "ask-") {
		return false
	}
	return len(line.Args) == 1 && (line.Args[0] == "" || line.Args[0] == terminal.Amount(0))
}

// next is how the card is presented now, and not again; "" when there is nothing left that this customer would do.
func (c *customer) next() string {
	c.reached = true
	if len(c.entries) == 0 {
		return ""
	}
	e := c.entries[0]
	c.entries = c.entries[1:]
	if e == "tap" {
		c.card, c.taps = c.taps[0], c.taps[1:]
	}
	return e
}

// arrive begins a task at an idle terminal: the clerk types the amount of a sale, or chooses in the menu.
func (r *rig) arrive(x *Task) error {
	keys, err := x.clerkKeys(r.profile)
	if err != nil {
		return err
	}
	r.customer = newCustomer(r.library, x, r.log.about(x))
	r.typeKeys(keys)
	return nil
}

// clerkKeys is what the clerk presses at an idle terminal.
func (x *Task) clerkKeys(p *terminal.Profile) ([]byte, error) {
	if x.Function == terminal.FunctionSale {
		keys := amountKeys(x.Amount)
		if x.ForceOnline {
			keys = append([]byte{terminal.KeyOnline}, keys...)
		}
		return keys, nil
	}
	keys, ok := terminal.Menu(p, x.Function)
	if !ok {
		return nil, fmt.Errorf("terminal %s has no %s in its menu", p.Name, x.Function)
	}
	return []byte(keys), nil
}

// choiceKey is what the cardholder presses for an application.
func (x *Task) choiceKey() byte {
	switch x.Choose {
	case NoChoice:
		return terminal.KeyCancel
	case 0:
		return '1'
	}
	return byte('0' + x.Choose)
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
		r.term.Do(at, func() { t.Press(k) })
		at += keystroke
	}
}

// react is what the customer does about a screen.
func (r *rig) react(s terminal.Screen) {
	c := &r.customer
	if c.task == nil {
		return
	}
	switch wish, prompt := wishOf(s); wish {
	case wishCard:
		r.presentCard()
	case wishCardOut:
		r.takeCard()
	case wishChoice:
		r.typeKeys([]byte{c.task.choiceKey()})
	case wishPIN:
		r.enterPIN()
	case wishAnswer:
		r.typeKeys(c.answer(prompt, r.library))
	}
}

// presentCard inserts or swipes the card, as often as the script has it; then the customer has had enough.
func (r *rig) presentCard() {
	c := &r.customer
	switch c.next() {
	case "":
		r.typeKeys([]byte{terminal.KeyCancel})
		return
	case "manual": // the clerk wants to type the number
		r.typeKeys([]byte{terminal.KeyEnter})
		return
	case "swipe":
		p := r.library.Card(c.card)
		t := r.terminal
		r.term.Do(hand, func() {
			r.tellf("card", "", "swiped: %s", p.PAN)
			t.Swipe(stripeOf(p))
		})
		return
	}
	card, err := r.present(c.card)
	if err != nil {
		c.failed = err
		return
	}
	name := c.card
	r.readerActor.Do(hand, func() {
		r.tellf("card", "", "inserted: %s", r.library.Card(name).PAN)
		r.inSlot = card
		if r.term.On() && r.emulator != nil { // otherwise it is found in the slot when the reader gets its power
			r.emulator.Insert(card)
		}
	})
}

// stripeOf is what a swipe of a card gives.
func stripeOf(p *card.Profile) terminal.Stripe {
	track1, track2 := p.Stripe()
	return terminal.Stripe{Track1: track1, Track2: track2}
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
	r.noCard = r.inSlot == nil
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
	case c.task.Cancel:
		keys[0] = terminal.KeyCancel
	case n < len(c.task.PINs):
		keys = append([]byte(c.task.PINs[n].Digits()), terminal.KeyEnter)
	case n > 0:
		keys[0] = terminal.KeyCancel // nothing more to try
	}
	c.prompts++
	return keys
}

// leave takes the card away.
func (r *rig) leave() {
	if r.byHand && r.customer.task == nil {
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
	r.readerActor.Do(hand, func() {
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
