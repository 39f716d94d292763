package host

import (
	"github.com/posim/posim/transport/dialect"
)

// numbers is the dialect whose numbers a machine thinks in, whatever the line speaks that a message came by.
var numbers = dialect.ISO87()

// purpose is what a kind does to the money when it is approved.
type purpose byte

const (
	idle      purpose = iota
	charging          // the cardholder pays
	holding           // an amount is kept from being spent; nothing is posted
	undoing           // the original's money goes back
	adjusting         // the original's amount becomes another
	refunding         // money goes back, at the next clearing
)

// purposeOf is a kind's purpose.
func purposeOf(k dialect.Kind) purpose {
	switch k {
	case dialect.KindSale, dialect.KindCashBack, dialect.KindMOTOSale, dialect.KindInstalment, dialect.KindQRSale,
		dialect.KindOfflineSale, dialect.KindForcedSale, dialect.KindCompletion, dialect.KindCompletionAdvice:
		return charging
	case dialect.KindPreAuth, dialect.KindMOTOPreAuth:
		return holding
	case dialect.KindVoid, dialect.KindPreAuthVoid, dialect.KindCompletionVoid:
		return undoing
	case dialect.KindTipAdjust, dialect.KindAdjustment:
		return adjusting
	case dialect.KindRefund:
		return refunding
	}
	return idle
}

// transacts tells whether messages of a kind open an entry that is decided above.
func transacts(k dialect.Kind) bool { return purposeOf(k) != idle || k == dialect.KindBalance }

// functionOf tells whether something has happened already when its message comes, or is asked for.
func functionOf(k dialect.Kind) Function {
	if k.Advice() {
		return Advice
	}
	return Sale
}

// plainKind is the kind that a function has without saying so, as every record did before there were kinds.
func plainKind(f Function) dialect.Kind {
	switch f {
	case Sale:
		return dialect.KindSale
	case Advice:
		return dialect.KindOfflineSale
	}
	return dialect.KindNone
}

// kindOf is a message's kind, or what its MTI makes of one whose numbers do not say.
func kindOf(m *dialect.Message) dialect.Kind {
	switch {
	case m.Kind != dialect.KindNone || dialect.Class(m.MTI) != dialect.ClassFinancial:
		return m.Kind
	case dialect.IsAdvice(m.MTI):
		return dialect.KindOfflineSale
	}
	return dialect.KindSale
}

// asked is the MTI by which this room asks for a transaction.
func (t *Transaction) asked() string {
	if f, ok := numbers.Form(t.Kind); ok {
		return f.MTI
	}
	if t.Function == Advice {
		return "0220"
	}
	return "0200"
}

// named finds the transaction that a message names: by its key, or else by the reference number that it brings back. The
// zero Key names none.
func (b *book) named(m *dialect.Message) *Entry {
	k := m.OriginalKey()
	if whole(k) {
		return b.find(k)
	}
	if !m.Kind.NamesOriginal() {
		return nil
	}
	e := b.numbered[m.RetrievalReferenceNumber]
	o := m.Original
	switch {
	case e == nil || m.RetrievalReferenceNumber == "" || e.Key.MID != m.CardAcceptorIdentificationCode:
		return nil
	case k.STAN != "" && e.Key.STAN != k.STAN:
		return nil
	case o.Date != "" && o.Date != "0000" && o.Date != e.hostDate() && o.Date != e.Key.Date:
		return nil
	}
	return e
}

// hostDate is the host's date of a transaction, MMDD, as its answer had it.
func (t *Transaction) hostDate() string {
	if d := t.BusinessDate; len(d) == len(dateForm) {
		return d[5:7] + d[8:]
	}
	return ""
}
