package host

import (
	"fmt"

	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// Booking is a merchant that an acquirer, or whoever has made him one, books sales under that were made elsewhere: a hospital, of
// which no fee is taken, instead of a restaurant. It is found by what the merchant has agreed to pay.
type Booking struct {
	Code string   // merchant category code
	Name string   // of the merchant
	Plan *FeePlan // by which he pays
}

func (b *Booking) validate() error {
	switch {
	case b == nil:
		return nil
	case !merchantCode(b.Code) || b.Name == "" || b.Plan == nil:
		return fmt.Errorf("sales booked elsewhere: want a merchant category code of four digits, a name and a plan")
	case !b.Plan.For(b.Code):
		return fmt.Errorf("sales booked elsewhere: fee plan %s is not for merchant category %s", b.Plan.Name, b.Code)
	}
	return b.Plan.Validate()
}

// merchantCode tells whether s is a merchant category code (ISO 18245).
func merchantCode(s string) bool {
	if len(s) != 4 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// classify writes down what the fee of a transaction will go by: the type of the card, and whose sale it is booked as.
func (x *Relay) classify(t *Transaction, o *Entry, number pan.PAN) {
	if !x.cfg.Acquirer {
		return
	}
	switch known := x.cfg.BINs.Type(number.Digits()); {
	case t.Kind == dialect.KindQRSale:
		t.CardType = QR
	case known != "":
		t.CardType = known
	case o != nil && o.CardType != "":
		t.CardType = o.CardType
	default:
		t.CardType = Credit
	}
	if at := x.terminals[t.Key.TID]; at != nil {
		t.MerchantCode = at.Code
	}
	if b := x.cfg.Books; b != nil {
		t.MerchantCode, t.MerchantName = b.Code, b.Name
	}
}

// contract is the plan that a transaction's merchant has agreed on.
func (x *Relay) contract(t *Transaction) *FeePlan {
	if at := x.terminals[t.Key.TID]; at != nil && at.Plan != nil {
		return at.Plan
	}
	return x.cfg.Plan
}

// plan is the one by which a transaction pays: the contract's, or that of whom it was booked for.
func (x *Relay) plan(t *Transaction) *FeePlan {
	if b := x.cfg.Books; b != nil && t.MerchantName == b.Name && t.MerchantCode == b.Code {
		return b.Plan
	}
	return x.contract(t)
}

// batchSums is what a payout has paid so far by card type: what a naive acquirer takes the fee of.
type batchSums map[CardType]int64

// charge takes the fee of a sale of which so much is owed now. What was voided costs nothing, and what was refunded only where the
// acquirer keeps the fee. A fee is of one transaction: a cap and a rounding of a batch's sum would be another contract.
func (x *Relay) charge(t *Transaction, e *Entry, owed int64, so batchSums) {
	p := x.plan(t)
	t.FeePlan, t.FeeOf = p.Name, max(0, owed)
	if x.cfg.Refunds.kept() && x.book.undone(e, Approved) == nil {
		t.FeeOf = x.book.amount(e)
	}
	t.Fee = p.Of(t.CardType, t.FeeOf)
	if !x.rules.Kept(rules.FeeByTransaction) {
		before := so[t.CardType]
		so[t.CardType] += t.FeeOf
		t.Fee = min(t.FeeOf, max(0, p.Of(t.CardType, so[t.CardType])-p.Of(t.CardType, before)))
	}
}

// audit compares the fee of each transaction that was paid with what its merchant's contract says, and opens an item about one
// that differs, once. Who takes the fee and who audits it look at different things: this one never asks what it was booked as.
func (x *Relay) audit() {
	if !x.cfg.Acquirer {
		return
	}
	for _, e := range x.book.order {
		x.auditOne(e)
	}
}

func (x *Relay) auditOne(e *Entry) {
	if !e.Paid || e.FeePlan == "" || e.Audited || e.Difference != nil {
		return
	}
	p := x.contract(&e.Transaction)
	want := p.Of(e.CardType, e.FeeOf)
	if e.Fee == want {
		return
	}
	t := e.Transaction
	t.Audited = true
	t.Difference = x.item(&t, FeeDiffers, max(want-t.Fee, t.Fee-want), fmt.Sprintf("%s: %d was taken by plan %s under merchant category %s, and the contract %s says %d",
		ReasonFeeAudit, t.Fee, t.FeePlan, orNothing(t.MerchantCode), p.Name, want))
	x.put(t)
}

// ReasonFeeAudit begins the reason of an item that the fee audit has opened.
const ReasonFeeAudit = "fee audit"

func orNothing(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
