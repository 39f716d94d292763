package host

import (
	"fmt"

	"github.com/posim/posim/transport/dialect"
)

// Limits is what an issuer lets an account be charged, beside what it has. Zero is no limit.
type Limits struct {
	Sale  int64 `json:"sale,omitempty"`  // minor units of one sale
	Day   int64 `json:"day,omitempty"`   // minor units of a business day
	Sales int   `json:"sales,omitempty"` // how many a business day
}

func (l Limits) check() error {
	if l.Sale < 0 || l.Day < 0 || l.Sales < 0 || l.Sale > maxRecorded || l.Day > maxRecorded {
		return fmt.Errorf("limits of %d a sale, %d and %d sales a day: want 0 to 2^53", l.Sale, l.Day, l.Sales)
	}
	return nil
}

// checkMore refuses what an order says of limits and owners that no account can have.
func (c *Admin) checkMore(a *account) error {
	if c.OwnerWait != nil && (a.Code == "" || *c.OwnerWait < OwnerAway) {
		return fmt.Errorf("an owner who agrees after %d s: want a wallet's, and %d or more", *c.OwnerWait, OwnerAway)
	}
	if c.Limits != nil {
		return c.Limits.check()
	}
	return nil
}

// withinLimits looks at what an account may be charged: 61 for amounts, 65 for their number; "" for what may be. What was reversed or
// voided is not counted, and what happened offline is counted and not refused.
func (x *Issuer) withinLimits(a *account, t *Transaction) (code, note string) {
	l := a.state.Limits
	if l == (Limits{}) || t.Kind == dialect.KindBalance {
		return "", ""
	}
	amount, sales := t.Amount, 1
	for _, e := range x.book.order {
		counts := purposeOf(e.Kind) == charging || purposeOf(e.Kind) == holding && x.book.completed(e) == nil
		if e.Account == a.Name && e.BusinessDate == t.BusinessDate && counts && e.State == Approved && x.book.undone(e, Approved) == nil {
			amount, sales = amount+x.book.amount(e), sales+1
		}
	}
	switch {
	case l.Sale > 0 && t.Amount > l.Sale:
		return codeAmountLimit, fmt.Sprintf("more than %d", l.Sale)
	case l.Day > 0 && amount > l.Day:
		return codeAmountLimit, fmt.Sprintf("%d of %d a day", amount, l.Day)
	case l.Sales > 0 && sales > l.Sales:
		return codeCountLimit, fmt.Sprintf("sale %d of %d a day", sales, l.Sales)
	}
	return "", ""
}
