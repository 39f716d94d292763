package host

import (
	"fmt"

	"github.com/posim/posim/transport/dialect"
)

// A void, a refund, a completion names another transaction, its original. It is an entry of its own with postings of its own,
// and the original stays as it is: what is left of it follows from those that name it and stand. So when one of them is
// reversed, the original is what it was before.

// Percentages of an original's amount that may not be exceeded.
const (
	completionPercent = 115 // of what a pre-authorisation holds
	tipPercent        = 115 // of the sale's amount, whatever adjusts it
)

// HoldDays is how long a pre-authorisation holds, in calendar days.
const HoldDays = 30

// approved is what a transaction was approved for, in minor units: its amount, or a part of it.
func (t *Transaction) approved() int64 {
	if t.ApprovedAmount > 0 {
		return t.ApprovedAmount
	}
	return t.Amount
}

// naming lists the transactions that name e, in the order they came.
func (b *book) naming(e *Entry) []*Entry { return b.about[indexed(e.Key, b.short)] }

// undone finds the void of e that is in state s: one that stands (Approved), or is being decided (Pending); nil without one.
func (b *book) undone(e *Entry, s State) *Entry {
	for _, d := range b.naming(e) {
		if purposeOf(d.Kind) == undoing && d.State == s {
			return d
		}
	}
	return nil
}

// amount is what e comes to now: what was approved, or what the newest adjustment that stands made of it.
func (b *book) amount(e *Entry) int64 {
	n := e.approved()
	for _, d := range b.naming(e) {
		if purposeOf(d.Kind) == adjusting && d.State == Approved {
			n = d.Amount
		}
	}
	return n
}

// refunded sums the refunds of e that stand, and of all that are being decided.
func (b *book) refunded(e *Entry) (stand, pending int64) {
	for _, d := range b.naming(e) {
		if d.Kind != dialect.KindRefund {
			continue
		}
		switch d.State {
		case Approved:
			stand += d.Amount
		case Pending:
			pending += d.Amount
		}
	}
	return stand, pending
}

// completed finds the completion of a pre-authorisation that stands or is being decided; nil without one.
func (b *book) completed(e *Entry) *Entry {
	for _, d := range b.naming(e) {
		if completes(d.Kind) && (d.State == Pending || d.State == Approved && b.undone(d, Approved) == nil) {
			return d
		}
	}
	return nil
}

func completes(k dialect.Kind) bool {
	return k == dialect.KindCompletion || k == dialect.KindCompletionAdvice
}

// preAuth is the pre-authorisation that e is, completes, or voids the completion of; nil for others.
func (b *book) preAuth(e *Entry) *Entry {
	for range 3 {
		switch {
		case e == nil || purposeOf(e.Kind) == holding:
			return e
		case completes(e.Kind) || purposeOf(e.Kind) == undoing:
			e = b.find(e.Original)
		default:
			return nil
		}
	}
	return nil
}

// hold is what a pre-authorisation keeps from being spent. A completion that is voided or reversed gives it back, and not
// the money to the cardholder's free balance.
func (b *book) hold(e *Entry) int64 {
	if e.State != Approved || e.Expired || b.undone(e, Approved) != nil {
		return 0
	}
	if c := b.completed(e); c != nil && c.State == Approved {
		return 0
	}
	return e.approved()
}

// stands tells why an entry that names others cannot be taken back or changed any more: something that stands on it, or is
// being decided, would hang in the air; "" if nothing does.
func (b *book) stands(e *Entry) string {
	for _, d := range b.naming(e) {
		switch {
		case d.State != Pending && d.State != Approved:
		case purposeOf(d.Kind) == undoing:
			return "it has been voided"
		case d.Kind == dialect.KindRefund:
			return "it has been refunded"
		case purposeOf(d.Kind) == adjusting:
			return "its amount has been adjusted"
		case completes(d.Kind) && b.completed(e) == d:
			return "it has been completed"
		}
	}
	return ""
}

// settled tells whether people have moved a transaction's money beside the protocol, or are about to: nothing else moves it then.
func (t *Transaction) settled() bool {
	return t.Difference != nil && t.Difference.Type != AdviceRefused && t.Difference.Stage != ItemOpen && t.Difference.Stage != ItemClosed || t.disputed()
}

// disputed tells whether the cardholder's bank has ever asked for the money back.
func (t *Transaction) disputed() bool { return t.Difference != nil && t.Difference.Type == Dispute }

// wants lists the kinds that a kind can name.
func wants(k dialect.Kind) []dialect.Kind {
	switch k {
	case dialect.KindVoid:
		return []dialect.Kind{dialect.KindSale, dialect.KindCashBack, dialect.KindMOTOSale, dialect.KindInstalment, dialect.KindQRSale, dialect.KindOfflineSale,
			dialect.KindForcedSale}
	case dialect.KindRefund:
		return []dialect.Kind{dialect.KindSale, dialect.KindCashBack, dialect.KindMOTOSale, dialect.KindInstalment, dialect.KindQRSale, dialect.KindOfflineSale,
			dialect.KindForcedSale, dialect.KindCompletion, dialect.KindCompletionAdvice}
	case dialect.KindTipAdjust, dialect.KindAdjustment:
		return []dialect.Kind{dialect.KindSale, dialect.KindMOTOSale, dialect.KindOfflineSale, dialect.KindForcedSale}
	case dialect.KindPreAuthVoid, dialect.KindCompletion, dialect.KindCompletionAdvice:
		return []dialect.Kind{dialect.KindPreAuth, dialect.KindMOTOPreAuth}
	case dialect.KindCompletionVoid:
		return []dialect.Kind{dialect.KindCompletion, dialect.KindCompletionAdvice}
	}
	return nil
}

// depends tells whether transactions of a kind are nothing without the one that they name.
func depends(k dialect.Kind) bool { return wants(k) != nil }

// against says why t must not be done to its original: a code and, where that says too little, a note. Every party that
// asks gets the same answer from the same book; what only one of them knows, it asks beside this.
func (b *book) against(t *Transaction, o *Entry) (code, note string) {
	if o == nil || o.State == Declined || o.State == Reversed || o.State == Tombstone {
		return codeNoOriginal, "no such original"
	}
	fits := false
	for _, k := range wants(t.Kind) {
		fits = fits || k == o.Kind
	}
	if o.settled() {
		return codeInvalidTransaction, "it has been settled as a difference"
	}
	switch {
	case !fits:
		return codeInvalidTransaction, fmt.Sprintf("%v of a %v", t.Kind, o.Kind)
	case o.State != Approved:
		return codeInvalidTransaction, "the original is not decided"
	case t.Card != "" && o.Card != "" && t.Card != o.Card:
		return codeInvalidTransaction, "other card"
	case currency(t.Currency) != currency(o.Currency):
		return codeInvalidTransaction, "other currency"
	case o.Expired && o.Hold == 0 && b.completed(o) == nil:
		return codeNoOriginal, "the hold has expired"
	}
	if t.Kind == dialect.KindRefund {
		stand, pending := b.refunded(o)
		if b.undone(o, Approved) != nil || b.undone(o, Pending) != nil {
			return codeInvalidTransaction, "it has been voided"
		}
		if t.Amount > b.amount(o)-stand-pending && !b.unlimited {
			return codeAmountLimit, fmt.Sprintf("of %d, %d have been refunded", b.amount(o), stand+pending)
		}
		return "", ""
	}
	why := b.stands(o)
	if purposeOf(t.Kind) == adjusting && b.undone(o, Approved) == nil && b.undone(o, Pending) == nil {
		why = b.adjusting(o)
	}
	if why != "" {
		return codeInvalidTransaction, why
	}
	return againstAmount(t, o)
}

// adjusting tells why an amount cannot be adjusted: a refund goes by it, and one adjustment at a time.
func (b *book) adjusting(o *Entry) string {
	for _, d := range b.naming(o) {
		switch {
		case d.Kind == dialect.KindRefund && (d.State == Pending || d.State == Approved):
			return "it has been refunded"
		case purposeOf(d.Kind) == adjusting && d.State == Pending:
			return "another adjustment is being decided"
		}
	}
	return ""
}

func againstAmount(t *Transaction, o *Entry) (code, note string) {
	limit := func(percent int64) (string, string) {
		// 115 % of the largest amount that a message has is far from where an int64 ends.
		if t.Amount*100 > o.approved()*percent {
			return codeAmountLimit, fmt.Sprintf("more than %d %% of %d", percent, o.approved())
		}
		return "", ""
	}
	switch {
	case purposeOf(t.Kind) == undoing && t.Amount != o.approved():
		return codeOriginalAmount, fmt.Sprintf("the original's amount is %d", o.approved())
	case completes(t.Kind):
		return limit(completionPercent)
	case t.Kind == dialect.KindTipAdjust && t.Amount < o.approved():
		return codeOriginalAmount, "less than the sale"
	case purposeOf(t.Kind) == adjusting:
		return limit(tipPercent)
	}
	return "", ""
}

// charged is what an entry's postings, at an issuer, take from whoever pays, in minor units: a cardholder, a wallet or the pool
// into which a purse has paid.
func (e *Entry) charged() int64 {
	return -e.Net(PositionCardholder) - e.Net(PositionWallet) - e.Net(PositionPursePool)
}

// back is the posting that undoes what e has posted. What can be reversed posts once, when it is approved; a naive party that
// has undone it already does so again.
func (e *Entry) back() []Posting {
	if len(e.Postings) == 0 {
		return nil
	}
	p := e.Postings[0]
	return []Posting{{p.To, p.From, p.Amount}}
}
