package terminal

import "github.com/posim/posim/transport/dialect"

// titleOf is what screens call a kind of transaction; the text takes an amount.
func titleOf(k dialect.Kind) Key {
	switch k {
	case dialect.KindCashBack:
		return "cash-back"
	case dialect.KindMOTOSale:
		return "moto-sale"
	case dialect.KindInstalment:
		return Key("instalment")
	case dialect.KindQRSale:
		return "qr-sale"
	case dialect.KindVoid:
		return Key("void")
	case dialect.KindRefund:
		return Key("refund")
	case dialect.KindPreAuth, dialect.KindMOTOPreAuth:
		return "pre-auth"
	case dialect.KindPreAuthVoid:
		return "pre-auth-void"
	case dialect.KindCompletion, dialect.KindCompletionAdvice:
		return Key("completion")
	case dialect.KindCompletionVoid:
		return "completion-void"
	case dialect.KindTipAdjust:
		return "tip-adjust"
	}
	return Key("sale")
}

// slipOf is what receipts call it.
func slipOf(k dialect.Kind) Key {
	switch k {
	case dialect.KindOfflineSale:
		return "r-offline-sale"
	case dialect.KindCashBack:
		return "r-cash-back-sale"
	case dialect.KindMOTOSale:
		return "r-moto-sale"
	case dialect.KindInstalment:
		return "r-instalment"
	case dialect.KindQRSale:
		return "r-qr-sale"
	case dialect.KindVoid:
		return "r-void"
	case dialect.KindRefund:
		return "r-refund"
	case dialect.KindPreAuth, dialect.KindMOTOPreAuth:
		return "r-pre-auth"
	case dialect.KindPreAuthVoid:
		return "r-pre-auth-void"
	case dialect.KindCompletion, dialect.KindCompletionAdvice:
		return "r-completion"
	case dialect.KindCompletionVoid:
		return "r-completion-void"
	case dialect.KindTipAdjust:
		return "r-tip-adjust"
	}
	return "r-sale"
}

// moneyLines are the amounts of a receipt: what the total is made of, the total, and what it takes back in minus.
func (t *Terminal) moneyLines(r *Record) (lines []Text) {
	add := func(k Key, args ...any) { lines = append(lines, say(k, args...)) }
	if o := r.Original; o != nil && o.STAN != "" {
		add("r-original", o.STAN)
	}
	if r.Parts > 0 {
		add("r-parts", r.Parts)
	}
	if r.CashBack > 0 || r.Tip > 0 {
		add("r-goods", Amount(r.Amount-r.CashBack-r.Tip))
	}
	if r.CashBack > 0 {
		add("r-cash-back", Amount(r.CashBack))
	}
	if r.Tip > 0 {
		add("r-tip", Amount(r.Tip))
	}
	amount := r.Amount
	if r.side() == credit || r.about() == dialect.KindPreAuthVoid {
		amount = -amount
	}
	add("r-amount", Amount(amount))
	if r.Purse != nil {
		add("r-purse-balance", Amount(r.Balance))
	}
	if r.Asked > r.Amount {
		add("r-asked", Amount(r.Asked))
		add("r-left", Amount(r.Asked-r.Amount))
	}
	return lines
}
