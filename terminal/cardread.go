package terminal

import (
	"errors"
	"strings"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

// Where a card is only to say which one it is (a void, a refund, a completion), its chip is read as far as its data, and gives no
// cryptogram: there is nothing that it could approve.

// presented is a card that said its number.
type presented struct {
	number pan.PAN
	expiry string // YYMM
	track2 string // DE 35
	psn    string // DE 23
	label  string
	aid    string
	entry  panEntry
}

// take makes a card that of a transaction.
func (d *deal) take(t *Terminal, card *presented) {
	d.number, d.expiry, d.track2 = card.number, card.expiry, card.track2
	r := d.record
	r.Card, r.PSN, r.Entry, r.Label, r.AID = card.number.Masked(), card.psn, t.posEntryMode(card.entry), card.label, card.aid
}

func (t *Terminal) takesOnlinePIN() bool { return t.can(tlv.CapabilityOnlinePIN) }

// presentCard takes a card the way it comes; typed tells whether ENTER at the prompt begins a number that is typed. Without a card
// it ended, and the screen says how.
func (t *Terminal) presentCard(title Text, typed bool) (*presented, Ended) {
	prompt := Key("insert-or-swipe")
	typed = typed && t.profile.Takes(EntryModeManual)
	for {
		how := t.awaitPresentation(title, prompt, typed)
		switch how {
		case byNothing:
			return nil, t.cancelled()
		case byKeys:
			return t.typeCard(title)
		case byChip:
			card, o := t.readChip()
			if card == nil {
				return nil, Ended{Outcome: o}
			}
			return card, Ended{}
		}
		stripe, err := t.swipe()
		switch {
		case err != nil:
			return nil, Ended{Outcome: liveOutcome(err)}
		case stripe == nil:
			continue
		}
		switch t.swipeRule(stripe) {
		case swipeInsert:
			prompt = "insert-chip"
			continue
		case swipeNotAllowed:
			t.show(say("not-accepted"), say("no-fallback"))
			return nil, Ended{Outcome: OutcomeNotAccepted}
		case swipeNever:
			t.show(say("not-accepted"), say("no-stripe"))
			return nil, Ended{Outcome: OutcomeNotAccepted}
		case swipeFallback:
			stripe.entry = entryFallback
			t.failures.good()
		}
		return &presented{number: stripe.number, expiry: stripe.expiry, track2: stripe.track2, entry: stripe.entry}, Ended{}
	}
}

// presentation is how a card's number comes.
type presentation byte

const (
	byNothing presentation = iota // cancelled, or nobody came
	byChip
	byStripe
	byKeys
)

// awaitPresentation waits for a card, or for ENTER where its number may be typed.
func (t *Terminal) awaitPresentation(title Text, prompt Key, typed bool) presentation {
	if !t.cardPresent() && t.swiped == nil {
		lines := []Text{title, say(prompt)}
		if typed {
			lines = append(lines, say("enter-to-type"))
		}
		t.show(lines...)
	}
	for {
		came := t.clock.Wait(t.clock.Now().Add(t.profile.CardWait), func() bool {
			return t.cardPresent() || t.swiped != nil || len(t.keys) > 0
		})
		switch {
		case !came:
			return byNothing
		case t.cardPresent():
			return byChip
		case t.swiped != nil:
			return byStripe
		}
		key := t.keys[0]
		t.keys = t.keys[1:]
		switch {
		case key == KeyCancel:
			return byNothing
		case key == KeyEnter && typed:
			return byKeys
		}
	}
}

// readChip reads what the chip in the slot says of its card; without one the screen says what became of it.
func (t *Terminal) readChip() (*presented, Outcome) {
	t.show(say("reading"))
	failed := func(err error) (*presented, Outcome) {
		t.remark("chip: %v", err)
		switch {
		case errors.Is(err, apdu.ErrCardRemoved):
			t.show(say("card-removed"))
			return nil, OutcomeCardRemoved
		case errors.Is(err, emv.ErrCancelled):
			t.show(say("cancelled"))
			return nil, OutcomeCancelled
		case errors.Is(err, errLiveRefused), errors.Is(err, errLiveRead):
			return nil, liveOutcome(err)
		}
		t.show(say("chip-failed"))
		return nil, OutcomeChipFailed
	}
	card, err := t.slot.PowerOn()
	if err != nil {
		return failed(err)
	}
	s, err := t.readData(card)
	if t.cardPresent() {
		if err := t.slot.PowerOff(); err != nil {
			t.remark("chip: %v", err)
		}
	}
	if err == nil && t.slot.Physical() {
		err = t.admit(s.PAN())
	}
	if err != nil {
		return failed(err)
	}
	return &presented{
		number: s.PAN(), expiry: expiry(s), track2: strings.Replace(s.Track2(), "D", "=", 1), psn: cardSequence(s.PANSequenceNumber()),
		label: s.Label(), aid: hexOf(s.AID()), entry: entryChip,
	}, ""
}

// readData is the kernel as far as the card's data (EMV Book 3, 10.1 and 10.2).
func (t *Terminal) readData(card apdu.Card) (*emv.Session, error) {
	cfg := t.profile.EMV
	cfg.Rand, cfg.Trace = t.cfg.Rand, t.cfg.Trace
	s, err := emv.NewSession(card, &chip{t: t}, &cfg, emv.Transaction{Time: t.calendar(), SequenceCounter: uint32(t.journal.nextSTAN)})
	if err != nil {
		return nil, err
	}
	for accepted := false; !accepted; {
		if err := s.SelectApplication(); err != nil {
			return nil, err
		}
		if accepted, err = s.InitiateApplicationProcessing(); err != nil {
			return nil, err
		}
	}
	return s, s.ReadApplicationData()
}
