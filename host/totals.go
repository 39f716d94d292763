package host

import (
	"github.com/posim/posim/transport/dialect"
)

// A ledger is the transactions of one batch, in the order in which they were opened here.
type ledger []*Entry

// file puts a transaction that is new into the batch that its terminal is in. What still comes of another batch is in no totals
// any more.
func (x *Relay) file(e *Entry) {
	if !x.cfg.Acquirer {
		return
	}
	id := terminalID{e.Key.MID, e.Key.TID}
	at := batchID{id, x.book.batches.current(id).Number}
	if e.Key.Batch == "" || e.Key.Batch == at.number {
		x.ledgers[at] = append(x.ledgers[at], e)
	}
}

// column is where a transaction stands in totals: in none, with the debits or with the credits.
type column byte

const (
	inNone column = iota
	inDebits
	inCredits
)

// columnOf says where a kind stands, if it was approved (decisions: "Totals").
func columnOf(k dialect.Kind) column {
	switch k {
	case dialect.KindSale, dialect.KindCashBack, dialect.KindMOTOSale, dialect.KindInstalment, dialect.KindQRSale,
		dialect.KindCompletion, dialect.KindCompletionAdvice, dialect.KindOfflineSale, dialect.KindForcedSale:
		return inDebits
	case dialect.KindVoid, dialect.KindRefund, dialect.KindCompletionVoid:
		return inCredits
	}
	return inNone
}

// ownLine is one line of our own totals.
type ownLine struct {
	entry  *Entry
	debit  bool
	amount int64
}

// count is what a batch comes to: each approved transaction once. A reversed one is in none; a sale that was voided stays, and
// so does its void; an adjustment is no line of its own and replaces the amount of what it names.
func (x *Relay) count(id batchID) (lines []ownLine, totals dialect.Totals) {
	for _, e := range x.ledgers[id] {
		s := columnOf(e.Kind)
		if e.State != Approved || s == inNone {
			continue
		}
		l := ownLine{entry: e, debit: s == inDebits, amount: x.book.amount(e)}
		lines = append(lines, l)
		total := &totals.Credits
		if l.debit {
			total = &totals.Debits
		}
		total.Count++
		total.Amount += l.amount
	}
	return lines, totals
}
