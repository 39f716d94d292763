package purse

import (
	"errors"
	"fmt"

	"github.com/posim/posim/emv/apdu"
)

// Pay takes one card, which has been reset, through one tap. An error is broken configuration, a card that Admit refuses, or
// what Keep says; what the card does or does not do is a Result.
func Pay(card apdu.Card, terminal Terminal, request Request) (Result, error) {
	t, err := newTap(card, terminal, request)
	if err != nil {
		return Result{}, err
	}
	return t.end(t.pay())
}

// Resume takes a card through a second tap for what was torn: if the card debited itself then, the transaction is completed as
// it was, with its own cryptogram; if it did not, it pays anew, once. The request has the same amount; torn is what Keep was
// given last. As long as the stage stays Unknown the transaction is as torn as before, whoever was tapped; Before says that
// nothing was debited and nothing will be.
func Resume(card apdu.Card, terminal Terminal, request Request, torn Torn) (Result, error) {
	t, err := newTap(card, terminal, request)
	if err == nil {
		err = torn.check(&terminal, request)
	}
	if err != nil {
		return Result{}, err
	}
	t.stage, t.torn = Unknown, &torn
	return t.end(t.resume(torn))
}

// pay is the tap, from the directory to the card's signature.
func (t *tap) pay() error {
	if t.request.Amount > t.terminal.Limit && t.terminal.Limit > 0 {
		return stop(OverLimit, "amount above the terminal's limit for a tap")
	}
	if err := t.selectPurse(); err != nil {
		return err
	}
	if err := t.readBalance(); err != nil {
		return err
	}
	return t.payAnew()
}

// payAnew asks a selected purse for the money. Every reason not to that can be known before the last record is looked at
// before it.
func (t *tap) payAnew() error {
	if err := t.getProcessingOptions(); err != nil { // Book 3, 10.1: the cryptogram comes here
		return err
	}
	if err := t.readRecords(t.locator[:len(t.locator)-1]); err != nil { // 10.2, all but the last
		return err
	}
	if err := t.checkCard(); err != nil { // 10.4, the exception file, who the card is
		return err
	}
	if err := t.recoverKeys(); err != nil { // Book 2, 6.2 to 6.4
		return err
	}
	if err := t.keep(); err != nil {
		return err
	}
	t.stage = Unknown
	if err := t.readLastRecord(); err != nil { // here the card debits itself
		return err
	}
	t.stage = Debited
	return t.verifySignature() // Book 2, 6.5.2
}

// resume finds out what became of a tap and ends it. Nothing that it does before it knows can move money: the purse is asked
// for no transaction.
func (t *tap) resume(torn Torn) error {
	if err := t.selectPurse(); err != nil {
		return err
	}
	if err := t.readCounter(); err != nil {
		return err
	}
	if err := t.readBalance(); err != nil {
		return err
	}
	if err := t.identify(torn); err != nil {
		return err
	}
	debited, err := t.whatBecameOf(torn)
	if err != nil {
		return err
	}
	if !debited {
		t.startAnew()
		return t.payAnew()
	}
	return t.complete(torn)
}

// whatBecameOf compares the card with what was kept of it. A balance that is what it was means that nothing was debited,
// though the counter may have moved on: it does so at each tap that came to nothing. A balance that is lower by the amount means
// that this was debited, but only as long as the counter is the same: later, it could be another shop's.
func (t *tap) whatBecameOf(torn Torn) (debited bool, err error) {
	switch {
	case t.atc < torn.ATC:
		return false, stop(CardViolation, "ATC 9F36 is %d: want at least %d, which it was", t.atc, torn.ATC)
	case t.balance == torn.BalanceBefore:
		return false, nil
	case t.atc > torn.ATC:
		return false, stop(UsedSince, "ATC 9F36 is %d and the balance another: %d was torn", t.atc, torn.ATC)
	case t.balance == torn.BalanceBefore-torn.Amount:
		return true, nil
	}
	return false, stop(BalanceUnclear, "balance 9F79 is neither as before nor lower by the amount")
}

// startAnew forgets the torn transaction: its cryptogram is void, because the card never paid for it.
func (t *tap) startAnew() {
	t.stage, t.torn = Before, nil
	t.objects, t.static = nil, nil
}

// complete ends a transaction that had debited the card before it was torn. The card gives its last record once more, as it was.
func (t *tap) complete(torn Torn) error {
	t.take(torn)
	if err := t.recoverKeys(); err != nil {
		return err
	}
	if err := t.readLastRecord(); err != nil {
		return err
	}
	t.resumed = true
	return t.verifySignature() // if it is wrong the stage stays: the right card may still come
}

// stopped is why a tap ended before it was paid.
type stopped struct {
	reason Reason
	err    error
}

func (s *stopped) Error() string { return s.err.Error() }
func (s *stopped) Unwrap() error { return s.err }

func stop(reason Reason, format string, args ...any) error {
	return &stopped{reason, fmt.Errorf("purse: "+format, args...)}
}

// end makes the Result of a tap that err ended, nil after its last step.
func (t *tap) end(err error) (Result, error) {
	var why *stopped
	if err != nil && !errors.As(err, &why) {
		return Result{Stage: t.stage, Torn: t.torn}, err
	}
	r := Result{Stage: t.stage, Card: t.owner, ATC: t.atc, TC: t.tc, ICC: t.icc, BalanceBefore: t.balance}
	switch r.Stage {
	case Unknown:
		r.Torn = t.torn
		r.Card, r.ATC, r.TC, r.ICC, r.BalanceBefore = r.Torn.owner(), r.Torn.ATC, r.Torn.tc(), r.Torn.ICC, r.Torn.BalanceBefore
	case Debited, Paid:
		r.BalanceBefore, r.BalanceAfter = t.torn.BalanceBefore, t.torn.BalanceBefore-t.torn.Amount
		r.Resumed = t.resumed
	}
	if why != nil {
		r.Reason, r.Err = why.reason, why.err
	}
	return r, nil
}
