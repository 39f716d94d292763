package host

import "slices"

// Settlement is when a merchant is paid for a sale.
type Settlement string

// The settlements. What is paid before its day is over is paid in advance: nothing has been compared yet.
const (
	SettleT1 Settlement = "t1" // at the payout of the next working day
	SettleD1 Settlement = "d1" // when the files of its day have been compared, on holidays too
	SettleD0 Settlement = "d0" // at the cut-over that ends its day, in advance
)

// Settlements lists their names.
func Settlements() []string { return []string{string(SettleT1), string(SettleD1), string(SettleD0)} }

// known tells whether it is one of them, or none.
func (s Settlement) known() bool { return s == "" || slices.Contains(Settlements(), string(s)) }

// settles is when the merchant of a transaction is paid.
func (x *Relay) settles(t *Transaction) Settlement {
	if at := x.terminals[t.Key.TID]; at != nil && at.Settles != "" {
		return at.Settles
	}
	return SettleT1
}
