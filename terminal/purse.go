package terminal

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/purse"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// A purse debits itself when it answers the last of its records. If it leaves at that moment nobody but the card knows whether it
// did, so the record is durable before that record is asked for, and says what to ask: it is torn until the same card comes back and
// tells, for as long as the profile's window lasts. Then it is for the card's bank. Asking is all that a second tap does: only a card
// that has not been debited pays anew (rule T12), so one sale costs its holder one debit.

// Purse says how electronic purses are taken. The zero Purse takes none.
type Purse struct {
	Limit  int64         // the most of one tap, minor units
	Window time.Duration // how long a card that was torn away may come back; 0: 60 s
}

// purse reads how purses are taken.
func (f *profileFile) purse(p *Profile) error {
	if f.Purse == nil {
		return nil
	}
	if f.Purse.Limit == nil {
		return wrong("purse", ": want limit, the most that is taken of one, in minor units")
	}
	if err := within("purse.limit", f.Purse.Limit, &p.Purse.Limit, 1, p.MaxAmount, 0); err != nil {
		return err
	}
	return within("purse.window", (*time.Duration)(f.Purse.Window), &p.Purse.Window, time.Second, time.Hour, time.Minute)
}

// choosePurse is a sale that an electronic purse pays. As long as a card that was torn away may come back, it is asked for first.
func (t *Terminal) choosePurse() (Ended, error) {
	if err := t.expireTaps(); err != nil {
		return Ended{}, err
	}
	if r := t.tornTap(); r != nil {
		return t.tapAgain(r, false)
	}
	amount, ok := t.askAmount("amount", min(t.profile.MaxAmount, t.profile.Purse.Limit), false)
	if !ok {
		return t.cancelled(), nil
	}
	if !t.mayOffline(wanted{amount: amount}) {
		t.show(say("offline-full"))
		return Ended{Outcome: OutcomeNotAllowed}, nil
	}
	t.show(say("purse-sale", Amount(amount)), say("tap-card"))
	if !t.cardComes(t.clock.Now().Add(t.profile.CardWait)) {
		return t.cancelled(), nil
	}
	return t.tap(amount)
}

// cardComes waits for a card; false: CANCEL, or nobody came in time.
func (t *Terminal) cardComes(deadline time.Time) bool {
	t.clock.Wait(deadline, func() bool { return t.cardPresent() || t.pressedCancel() })
	return t.cardPresent()
}

// tapping is one tap, as the purse's kernel sees its terminal.
type tapping struct {
	t      *Terminal
	amount int64
	record *Record // nil: nothing was worth keeping yet
	fatal  error   // of storage or security module
}

// tap takes the purse that is in front of the reader through a sale.
func (t *Terminal) tap(amount int64) (Ended, error) {
	p := &tapping{t: t, amount: amount}
	result, err := p.run(purse.Pay)
	switch {
	case p.fatal != nil:
		return Ended{}, p.fatal
	case err != nil:
		return t.tapFailed(err), nil
	case p.record == nil:
		return Ended{Outcome: t.showTap(result)}, nil
	}
	e, again, err := t.tapped(p.record, result)
	if !again || err != nil {
		return e, err
	}
	return t.tapAgain(p.record, false)
}

// run powers the card, has a step of the purse's kernel run over it, and takes the power away.
func (p *tapping) run(step func(apdu.Card, purse.Terminal, purse.Request) (purse.Result, error)) (purse.Result, error) {
	t := p.t
	t.show(say("reading"))
	card, err := t.slot.PowerOn()
	if err != nil {
		return purse.Result{}, err
	}
	kernel := t.profile.EMV
	kernel.Rand = t.cfg.Rand
	term := purse.Terminal{Kernel: &kernel, Limit: t.profile.Purse.Limit}
	if t.slot.Physical() {
		term.Admit = func(number pan.PAN) error { return t.admit(number) }
	}
	result, err := step(card, term, purse.Request{Amount: p.amount, Time: t.calendar(), Keep: p.keep})
	if result.Err != nil {
		t.remark("purse: %v", result.Err)
	}
	if t.cardPresent() {
		if err := t.slot.PowerOff(); err != nil {
			t.remark("chip: %v", err)
		}
	}
	return result, err
}

// keep makes durable what a later tap has to know, before the card can debit itself. A card that has not done so, and pays anew,
// replaces what was kept of it.
func (p *tapping) keep(torn purse.Torn) error {
	t := p.t
	number := torn.PAN
	torn.PAN = pan.PAN{} // it is sealed
	if r := p.record; r != nil {
		p.fatal = t.journal.tornAgain(r, &torn)
		return p.fatal
	}
	r := t.newRecord(wanted{kind: dialect.KindOfflineSale, amount: p.amount})
	r.Card, r.PSN, r.Entry, r.CVM, r.Purse = number.Masked(), cardSequence(torn.PSN), t.posEntryMode(entryTap), cvmNone, &torn
	if p.fatal = t.stamp(&deal{record: r, number: number, expiry: torn.Expiry}); p.fatal == nil {
		p.fatal = t.journal.begin(r, Torn)
	}
	if p.fatal == nil {
		p.record = r
	}
	return p.fatal
}

// tornAgain replaces what is kept of a torn tap: no move, because nothing is known yet.
func (j *Journal) tornAgain(r *Record, torn *purse.Torn) error {
	n := *r
	n.Purse = torn
	if err := j.put(entryRecord{Sale: &n}); err != nil {
		return err
	}
	*r = n
	return nil
}

// tapFailed is the end of a tap that met no purse's decision: the card was gone at once, or is nobody's test card.
func (t *Terminal) tapFailed(err error) Ended {
	t.remark("purse: %v", err)
	if errors.Is(err, errLiveRefused) || errors.Is(err, errLiveRead) {
		return Ended{Outcome: liveOutcome(err)}
	}
	o := brokenOutcome(err)
	if o == OutcomeCardRemoved {
		t.show(say("card-removed"))
	} else {
		t.show(say("chip-failed"))
	}
	return Ended{Outcome: o}
}

// showTap says why a purse was not debited.
func (t *Terminal) showTap(result purse.Result) Outcome {
	switch result.Reason {
	case purse.CardGone:
		t.show(say("card-removed"))
		return OutcomeCardRemoved
	case purse.NotEnough:
		t.show(say("purse-not-enough"), say("purse-balance", Amount(result.BalanceBefore)))
		return OutcomeOfflineDeclined
	case purse.CardDeclined, purse.CardWantsMore, purse.OverLimit:
		t.show(say("declined-offline"))
		return OutcomeOfflineDeclined
	case purse.NotAPurse:
		t.show(say("no-purse"))
	case purse.CardBlocked:
		t.show(say("card-blocked"))
	default:
		t.show(say("terminated"))
	}
	return OutcomeNotAccepted
}

// tapped moves a torn record to where the tap has brought it; again: nowhere yet.
func (t *Terminal) tapped(r *Record, result purse.Result) (e Ended, again bool, err error) {
	switch {
	case result.Stage == purse.Paid:
		return Ended{Outcome: OutcomeOfflineApproved}, false, t.approveTap(r, result)
	case result.Stage == purse.Debited, result.Reason == purse.UsedSince, result.Reason == purse.BalanceUnclear:
		e, err = t.giveUpTap(r, result.Reason)
		return e, false, err
	case result.Stage == purse.Before && debitsNothing(result.Reason):
		if err := t.journal.declined(r, ""); err != nil {
			return e, false, err
		}
		return Ended{Outcome: t.showTap(result)}, false, nil
	}
	return e, true, nil
}

// debitsNothing tells whether a reason is a decision not to pay, of a card that has said first that it had not been debited.
func debitsNothing(r purse.Reason) bool {
	switch r {
	case purse.CardDeclined, purse.CardWantsMore, purse.OverLimit, purse.NotEnough, purse.OnExceptions, purse.OutOfDate, purse.NotAuthentic:
		return true
	}
	return false
}

// approveTap makes a line of the batch, and an advice that is due, of a tap.
func (t *Terminal) approveTap(r *Record, result purse.Result) error {
	t.adviceAt = t.clock.Now().Add(t.profile.AdviceInterval)
	return t.approve(r, func(r *Record) error {
		return t.journal.move(r, AdviceDue, func(n *Record) {
			n.Code, n.ICC, n.Balance = "Y1", result.ICC, result.BalanceAfter
			n.Label, n.AID = result.Card.Label, hexOf([]byte(purse.AID))
			n.CryptogramType, n.Cryptogram = "TC", hexOf(result.TC[:])
		})
	}, say("approved-offline"), say("purse-balance", Amount(result.BalanceAfter)), say("to-be-sent"))
}

// giveUpTap leaves a torn tap to the card's bank.
func (t *Terminal) giveUpTap(r *Record, why tapReason) (Ended, error) {
	if err := t.journal.move(r, Unresolved, func(n *Record) { n.Parking = string(why) }); err != nil {
		return Ended{}, err
	}
	t.show(say("purse-sale", Amount(r.Amount)), say("tap-unresolved"))
	return Ended{Outcome: OutcomeUnresolved}, nil
}

// windowOver is why nobody asks a card any more.
const windowOver tapReason = "window over"

// unknownCard: what says which card it was cannot be opened any more.
const unknownCard tapReason = "card not known"

// tapReason is why a torn tap stays unresolved: one of these, or what the purse's kernel has found.
type tapReason = purse.Reason

// tapAgain asks for the card that was torn away until it has told, or somebody cancels, or the window is over. here tells
// that a card has come already.
func (t *Terminal) tapAgain(r *Record, here bool) (Ended, error) {
	lines := []Text{say("purse-sale", Amount(r.Amount)), say("tap-again")}
	for {
		left := t.tapLeft(r)
		if left <= 0 {
			return t.giveUpTap(r, windowOver)
		}
		if !here && !t.awaitAgain(lines, t.clock.Now().Add(left)) {
			if t.tapLeft(r) <= 0 {
				continue
			}
			return Ended{Outcome: OutcomeTorn}, nil
		}
		here = false
		e, why, err := t.resume(r)
		if err != nil || why == "" {
			return e, err
		}
		lines = append(lines[:2:2], say(why))
	}
}

// awaitAgain waits until the card has left, and one has come.
func (t *Terminal) awaitAgain(lines []Text, deadline time.Time) bool {
	if t.cardPresent() {
		t.show(append(slices.Delete(slices.Clone(lines), 1, 2), say("remove-card"))...) // first things first
		t.clock.Wait(deadline, func() bool { return !t.cardPresent() || t.pressedCancel() })
		if t.cardPresent() {
			return false
		}
	}
	t.show(lines...)
	return t.cardComes(deadline)
}

// resume asks the card in front of the reader what became of a torn tap. why, unless empty, is why another one is asked for.
func (t *Terminal) resume(r *Record) (e Ended, why Key, err error) {
	torn := *r.Purse
	if torn.PAN, _, err = t.unseal(r); err != nil { // the module has other keys now, and nobody can say any more which card it was
		t.remark("purse: %v", err)
		e, err = t.giveUpTap(r, unknownCard)
		return e, "", err
	}
	p := &tapping{t: t, amount: r.Amount, record: r}
	result, err := p.run(func(card apdu.Card, term purse.Terminal, request purse.Request) (purse.Result, error) {
		if !t.kept(rules.AskTornCard) {
			return purse.Pay(card, term, request)
		}
		return purse.Resume(card, term, request, torn)
	})
	switch {
	case p.fatal != nil:
		return e, "", p.fatal
	case err != nil:
		return t.tapBroken(err)
	}
	e, again, err := t.tapped(r, result)
	switch {
	case err != nil || !again:
		return e, "", err
	case result.Reason == purse.OtherCard, result.Reason == purse.NotAPurse:
		return e, "other-card", nil
	case result.Reason == purse.CardGone:
		return e, "card-removed", nil
	}
	return e, "chip-failed", nil
}

// tapBroken is what is said of a card that gave no answer at all when it came back.
func (t *Terminal) tapBroken(err error) (e Ended, why Key, _ error) {
	e = t.tapFailed(err)
	switch e.Outcome {
	case OutcomeCardRemoved:
		return e, "card-removed", nil
	case OutcomeChipFailed:
		return e, "chip-failed", nil
	}
	return e, "", nil // a live card: the next one is somebody else's
}

// tornTap is the tap that a card may still come back for; nil: there is none.
func (t *Terminal) tornTap() *Record { return t.journal.first(Torn) }

// tapLeft is how long the card may still come back. A calendar that stands before the tap tells nothing, and so the window is over.
func (t *Terminal) tapLeft(r *Record) time.Duration {
	now := t.calendar()
	at, err := time.ParseInLocation("20060102150405", fmt.Sprintf("%04d", r.Year)+r.Date+r.Time, now.Location())
	if err != nil || now.Before(at) {
		return 0
	}
	window := t.profile.Purse.Window
	if window == 0 {
		window = time.Minute
	}
	return window - now.Sub(at)
}

// tapDeadline is when the idle terminal stops to ask for a card; zero when it asks for none.
func (t *Terminal) tapDeadline() time.Time {
	r := t.tornTap()
	if r == nil {
		return time.Time{}
	}
	return t.clock.Now().Add(max(0, t.tapLeft(r)))
}

// expireTaps leaves the taps whose window is over to the cards' banks.
func (t *Terminal) expireTaps() error {
	for _, r := range t.journal.Records() {
		if r.State != Torn || t.tapLeft(r) > 0 {
			continue
		}
		if _, err := t.giveUpTap(r, windowOver); err != nil {
			return err
		}
	}
	return nil
}
