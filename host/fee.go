package host

import (
	"fmt"
	"slices"
	"strings"
)

// CardType is what a payer's means of payment costs the merchant by.
type CardType string

// The card types.
const (
	Credit CardType = "credit"
	Debit  CardType = "debit"
	QR     CardType = "qr" // a wallet's code
)

// CardTypes lists them.
func CardTypes() []CardType { return []CardType{Credit, Debit, QR} }

// Rounding is how a fraction of a minor unit becomes a whole one.
type Rounding string

// The roundings.
const (
	HalfUp   Rounding = "half-up" // also ""
	HalfEven Rounding = "half-even"
	Down     Rounding = "down"
	Up       Rounding = "up"
)

// Roundings lists them.
func Roundings() []Rounding { return []Rounding{HalfUp, HalfEven, Down, Up} }

// Fee is what the acquirer keeps of a sale within a range of amounts. Amounts are minor units.
type Fee struct {
	From, To    int64 // the amounts that it is for, both included; To 0: no end
	BasisPoints int64 // hundredths of a percent
	Minimum     int64 // at least so much; 0: nothing
	Cap         int64 // at most so much; 0: no cap
	Rounding    Rounding
}

const wholeFee = 10000 // basis points

// Of is the fee of a sale of n, in minor units; never more than n.
func (f Fee) Of(n int64) int64 {
	if n <= 0 {
		return 0
	}
	fee := max(f.round(n*f.BasisPoints), f.Minimum)
	if f.Cap > 0 {
		fee = min(fee, f.Cap)
	}
	return min(fee, n)
}

// round makes whole units of ten-thousandths.
func (f Fee) round(parts int64) int64 {
	whole, rest := parts/wholeFee, parts%wholeFee
	switch f.Rounding {
	case Down:
		return whole
	case Up:
		return whole + min(rest, 1)
	case HalfEven:
		if 2*rest > wholeFee || 2*rest == wholeFee && whole%2 == 1 {
			whole++
		}
		return whole
	}
	if 2*rest >= wholeFee {
		whole++
	}
	return whole
}

func (f Fee) validate() error {
	switch {
	case f.BasisPoints < 0 || f.BasisPoints > wholeFee:
		return fmt.Errorf("%d basis points: want 0 to %d", f.BasisPoints, wholeFee)
	case f.Cap < 0 || f.Minimum < 0 || f.Cap > 0 && f.Minimum > f.Cap:
		return fmt.Errorf("minimum %d, cap %d: want 0 or more, and the cap not below the minimum", f.Minimum, f.Cap)
	case f.Rounding != "" && !slices.Contains(Roundings(), f.Rounding):
		return fmt.Errorf("rounding %q: want half-up, half-even, down or up", f.Rounding)
	}
	return nil
}

// FeePlan is what a merchant has agreed to pay: for each card type the fees of all amounts, without a gap.
type FeePlan struct {
	Name  string
	Codes []string // the merchant category codes that it is for; none: any
	Fees  map[CardType][]Fee
}

// DefaultFee is in basis points: 0.6 %.
const DefaultFee = 60

// FlatPlan is a plan that takes one rate of everything, half up.
func FlatPlan(name string, basisPoints int64) *FeePlan {
	p := &FeePlan{Name: name, Fees: map[CardType][]Fee{}}
	for _, t := range CardTypes() {
		p.Fees[t] = []Fee{{From: 1, BasisPoints: basisPoints}}
	}
	return p
}

// StandardPlan is the plan of who has agreed on none.
func StandardPlan() *FeePlan { return FlatPlan("standard", DefaultFee) }

// Fee is the fee that the plan has for an amount of a card type.
func (p *FeePlan) Fee(t CardType, n int64) Fee {
	fees := p.Fees[t]
	for _, f := range fees {
		if n <= f.To || f.To == 0 {
			return f
		}
	}
	return Fee{}
}

// Of is the fee of a sale of n by a card of a type, in minor units; never more than n.
func (p *FeePlan) Of(t CardType, n int64) int64 { return p.Fee(t, n).Of(n) }

// For tells whether the plan is for merchants of a category.
func (p *FeePlan) For(code string) bool { return len(p.Codes) == 0 || slices.Contains(p.Codes, code) }

// Validate says what is wrong with a plan: a card type that is missing or unknown, a gap, an overlap, a fee that is none.
func (p *FeePlan) Validate() error {
	if p.Name == "" {
		return fmt.Errorf("host: fee plan without a name")
	}
	for _, t := range CardTypes() {
		if err := checkFees(p.Fees[t]); err != nil {
			return fmt.Errorf("host: fee plan %s: %s: %w", p.Name, t, err)
		}
	}
	if len(p.Fees) != len(CardTypes()) {
		return fmt.Errorf("host: fee plan %s: want credit, debit and qr, and no other card type", p.Name)
	}
	return nil
}

// checkFees: the first is from one minor unit on, each goes on where the one before it ends, and the last has no end.
func checkFees(fees []Fee) error {
	next := int64(1)
	for i, f := range fees {
		if err := f.validate(); err != nil {
			return err
		}
		switch last := i == len(fees)-1; {
		case f.From > next:
			return fmt.Errorf("a gap from %d to %d", next, f.From-1)
		case f.From < next:
			return fmt.Errorf("an overlap from %d on", f.From)
		case last && f.To != 0:
			return fmt.Errorf("a gap above %d", f.To)
		case !last && f.To == 0:
			return fmt.Errorf("an overlap: the %d. has no end and is not the last", i+1)
		case !last && f.To < f.From:
			return fmt.Errorf("a range from %d to %d", f.From, f.To)
		}
		next = f.To + 1
	}
	if len(fees) == 0 {
		return fmt.Errorf("no fee")
	}
	return nil
}

// BINs says of which type cards are, by the first digits of their numbers: the longest that fits counts.
type BINs map[string]CardType

// The digits that a card's type is found by.
const (
	shortestBIN = 6
	longestBIN  = 16
)

// newBINs is the table of some cards: each by as few digits as tell it from those of another type.
func newBINs(cards map[string]CardType) BINs {
	table := BINs{}
	for number, t := range cards {
		n := shortestBIN
		for n < min(len(number), longestBIN) && ambiguous(cards, number[:n], t) {
			n++
		}
		table[number[:n]] = t
	}
	return table
}

func ambiguous(cards map[string]CardType, prefix string, t CardType) bool {
	for number, other := range cards {
		if other != t && strings.HasPrefix(number, prefix) {
			return true
		}
	}
	return false
}

// Type is the type of the card with that number; "" for one that is in no table.
func (b BINs) Type(number string) CardType {
	for n := min(len(number), longestBIN); n >= shortestBIN; n-- {
		if t, known := b[number[:n]]; known {
			return t
		}
	}
	return ""
}
