package terminal

import (
	"github.com/posim/posim/transport/dialect"
)

// chooseCashBack is a sale and cash from the till with it: what goes to the host is the sum.
func (t *Terminal) chooseCashBack() (Ended, error) {
	goods, ok := t.askAmount("amount", t.profile.MaxAmount, false)
	if !ok {
		return t.cancelled(), nil
	}
	cash, ok := t.askAmount("ask-cash-back", t.profile.MaxAmount-goods, false, say("sale", Amount(goods)))
	if !ok {
		return t.cancelled(), nil
	}
	return t.serve(wanted{kind: dialect.KindCashBack, amount: goods + cash, cashBack: cash})
}

// chooseTipSale is a sale and a tip in one amount.
func (t *Terminal) chooseTipSale() (Ended, error) {
	goods, ok := t.askAmount("amount", t.profile.MaxAmount, false)
	if !ok {
		return t.cancelled(), nil
	}
	tip, ok := t.askTip(goods)
	if !ok {
		return t.cancelled(), nil
	}
	return t.serve(wanted{amount: goods + tip, tip: tip})
}

// askTip takes a tip for an amount, at most as much as the profile says.
func (t *Terminal) askTip(goods int64) (int64, bool) {
	most := min(percent(goods, t.profile.TipPercent, usualTip), t.profile.MaxAmount-goods)
	return t.askAmount("ask-tip", most, true, say("sale", Amount(goods)))
}

// What a profile says that does not say it.
const (
	usualTip        = 15  // percent of a sale
	usualCompletion = 115 // percent of a pre-authorisation
)

// percent is a part of an amount, rounded down: what a limit is never exceeds it.
func percent(amount int64, percent, usual int) int64 {
	if percent == 0 {
		percent = usual
	}
	p := int64(percent)
	return amount/100*p + amount%100*p/100 // an amount has at most twelve digits
}

// mostParts is in how many parts a cardholder may pay: two digits' worth of months is more than any issuer gives.
const mostParts = 60

// chooseInstalment is a sale that the cardholder pays in parts.
func (t *Terminal) chooseInstalment() (Ended, error) {
	amount, ok := t.askAmount("amount", t.profile.MaxAmount, false)
	if !ok {
		return t.cancelled(), nil
	}
	parts, ok := t.askNumber("ask-parts", 2, mostParts, say("instalment", Amount(amount)))
	if !ok {
		return t.cancelled(), nil
	}
	return t.serve(wanted{kind: dialect.KindInstalment, amount: amount, parts: parts})
}

// chooseOfflineSale is a sale that is not to be asked for: the card decides, and the host is told later.
func (t *Terminal) chooseOfflineSale() (Ended, error) {
	amount, ok := t.askAmount("amount", t.profile.MaxAmount, false)
	if !ok {
		return t.cancelled(), nil
	}
	w := wanted{amount: amount, offline: true}
	if !t.mayOffline(w) {
		t.show(say("offline-full"))
		return Ended{Outcome: OutcomeNotAllowed}, nil
	}
	return t.serve(w)
}

// chooseMOTOSale is a sale by mail or telephone: the card's number is typed, and nobody is verified.
func (t *Terminal) chooseMOTOSale() (Ended, error) { return t.moto(dialect.KindMOTOSale) }

// chooseMOTOPreAuth holds an amount, by mail or telephone.
func (t *Terminal) chooseMOTOPreAuth() (Ended, error) { return t.moto(dialect.KindMOTOPreAuth) }

func (t *Terminal) moto(k dialect.Kind) (Ended, error) {
	amount, ok := t.askAmount("amount", t.profile.MaxAmount, false)
	if !ok {
		return t.cancelled(), nil
	}
	return t.typedSale(wanted{kind: k, amount: amount}, cvmNone)
}

// chooseBalance asks what can be spent.
func (t *Terminal) chooseBalance() (Ended, error) {
	return t.serve(wanted{kind: dialect.KindBalance})
}
