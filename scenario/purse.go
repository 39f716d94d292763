package scenario

import (
	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
)

// What purses have done is read from the cards' own memory: it is what happened, whoever believes what. A card that has debited
// itself has paid into the pool behind the purses.

// purseOf is what a card of this run has debited itself, in its order; nil: it holds no money, or nobody has held it.
func (r *rig) purseOf(name string) (all []card.Debit) {
	c := r.cards[name]
	if c == nil {
		return nil
	}
	for _, p := range c.Purses() {
		all = append(all, p.Debits...)
	}
	return all
}

// withPurses adds what the purses have paid to the positions.
func (r *rig) withPurses(all map[string]int64) map[string]int64 {
	for _, name := range r.cardNames {
		for _, d := range r.purseOf(name) {
			all[host.PositionPurse] -= d.Amount
			all[host.PositionPursePool] += d.Amount
		}
	}
	return all
}

// ofCard tells whether a record is of a tap of that card.
func (r *rig) ofCard(rec *terminal.Record, name string) bool {
	return rec != nil && rec.Purse != nil && rec.Card == r.library.Card(name).PAN.Masked()
}

// debitFor is what a purse has debited itself for a record: the transaction of the counter that the terminal has kept.
func (r *rig) debitFor(rec *terminal.Record) (n int64) {
	for _, name := range r.cardNames {
		if !r.ofCard(rec, name) {
			continue
		}
		for _, d := range r.purseOf(name) {
			if d.ATC == rec.Purse.ATC {
				n += d.Amount
			}
		}
	}
	return n
}

// claimOf is what a cardholder has to show who claims what his purse has paid; nil: the deed is another, or about no tap.
func (p *play) claimOf(d Desk) *host.CardLog {
	rec := p.log.slip(d.Of)
	if d.Do != host.DeedClaim || rec == nil || rec.Purse == nil {
		return nil
	}
	for _, name := range p.cardNames {
		if p.ofCard(rec, name) {
			return &host.CardLog{Account: name, ATC: rec.Purse.ATC, Amount: p.debitFor(rec)}
		}
	}
	return nil
}

// judgePurses: what a card has debited itself has become exactly one thing: a sale that the merchant is credited with, an open
// question that somebody can settle, or a claim that was paid (I19). And nobody is credited for what no card has paid.
func (r *rig) judgePurses(all []*transaction) {
	for _, name := range r.cardNames {
		for _, d := range r.purseOf(name) {
			r.judgeDebit(name, d, all)
		}
	}
	for _, t := range all {
		if t.record == nil || t.record.Purse == nil {
			continue
		}
		if credited, claimed, _ := t.cameOf(); (credited || claimed) && t.debit == 0 {
			r.violate("I19", "sale %s: a purse's payment was booked, and no card has debited itself for it", t.key.STAN)
		}
	}
}

// judgeDebit looks for what has come of one debit.
func (r *rig) judgeDebit(name string, d card.Debit, all []*transaction) {
	number := r.library.Card(name).PAN.Masked()
	var of []*transaction
	for _, t := range all {
		if r.ofCard(t.record, name) && t.record.Purse.ATC == d.ATC {
			of = append(of, t)
		}
	}
	if len(of) != 1 {
		r.violate("I19", "purse %s has debited itself %s with counter %d, and %d records of the terminal know of it", number, Money(d.Amount), d.ATC, len(of))
		return
	}
	t := of[0]
	credited, claimed, open := t.cameOf()
	switch {
	case t.record.Amount != d.Amount:
		r.violate("I19", "purse %s has debited itself %s for sale %s of %s", number, Money(d.Amount), t.key.STAN, Money(t.record.Amount))
	case credited && claimed:
		r.violate("I19", "sale %s: the merchant was credited %s, and the cardholder's claim was paid, too", t.key.STAN, Money(d.Amount))
	case !credited && !claimed && !open:
		r.violate("I19", "sale %s: purse %s has debited itself %s, the terminal's record is %s, and nobody is credited or asked", t.key.STAN, number, Money(d.Amount), t.record.State)
	}
}

// cameOf is what has come of a purse's payment: the merchant's side has it, the claim was paid, or somebody can still settle it.
func (t *transaction) cameOf() (credited, claimed, open bool) {
	credited = t.record.InBatch()
	if e := t.entries[0]; e != nil && e.State == host.Approved {
		credited = true
	}
	if e := t.issuer(); e != nil && e.Difference != nil && e.Difference.Type == host.PurseClaimed {
		claimed = e.Difference.Stage == host.ItemAdjusted
		open = e.Difference.Open()
	}
	switch t.record.State {
	case terminal.Unresolved, terminal.Parked, terminal.Torn:
		open = true
	}
	return credited, claimed, open || t.difference()
}

// toldDebit is what the records of hosts say that a purse has debited itself: its certificate was booked, or its card was read at
// the counter. A terminal that waits for the card says nothing.
func (t *transaction) toldDebit() int64 {
	e := t.issuer()
	if e != nil && (e.Net(host.PositionPursePool) < 0 || e.Difference != nil && e.Difference.Type == host.PurseClaimed) {
		return e.Amount
	}
	return 0
}
