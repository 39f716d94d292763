package terminal

import (
	"slices"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/transport/dialect"
)

// What takes a transaction back, or changes it, is a transaction of its own that names it. The original's record stays as it is:
// a sale is voided if and only if the record of a void that names it was approved. So the reversal of a void needs no change of the
// sale, and a power cut between the two cannot be.

// chooseVoid takes a sale of this batch back.
func (t *Terminal) chooseVoid() (Ended, error) { return t.undo(dialect.KindVoid, voidable) }

// voidable is what a void undoes.
func voidable(k dialect.Kind) bool {
	switch k {
	case dialect.KindSale, dialect.KindCashBack, dialect.KindMOTOSale, dialect.KindInstalment:
		return true
	}
	return false
}

// undo takes a transaction of this batch back that the clerk names by its STAN and has seen.
func (t *Terminal) undo(k dialect.Kind, fits func(dialect.Kind) bool) (Ended, error) {
	o, e := t.askOriginal(k, fits)
	if o == nil {
		return e, nil
	}
	if !t.confirm(t.shownRecord(o)...) {
		return t.cancelled(), nil
	}
	d, e, err := t.dependent(k, o, t.profile.VoidCard, t.profile.VoidPIN)
	if d == nil {
		return e, err
	}
	return t.transact(d)
}

// askOriginal takes the STAN of a transaction of this batch about which something may be done; nil: none, and how that ended.
func (t *Terminal) askOriginal(k dialect.Kind, fits func(dialect.Kind) bool) (*Record, Ended) {
	stan, ok := t.askSTAN("ask-stan")
	if !ok {
		return nil, t.cancelled()
	}
	o := t.journal.latest(stan)
	if o == nil {
		t.show(say("no-record"))
		return nil, Ended{Outcome: OutcomeNotFound}
	}
	if why := t.against(o, fits); why != "" {
		t.show(say(why))
		return nil, Ended{Outcome: OutcomeNotAllowed}
	}
	return o, Ended{}
}

// against says why nothing may be done about a transaction; "": nothing is against it.
func (t *Terminal) against(o *Record, fits func(dialect.Kind) bool) Key {
	if !fits(o.about()) || o.State != Approved && o.State != Advised {
		return "not-possible"
	}
	for _, r := range t.journal.inBatch() {
		if r.Original == nil || t.journal.originalOf(r) != o {
			continue
		}
		switch r.State {
		case Approved, Advised:
			if undoes(r.about()) {
				return "voided-already"
			}
			if !t.undone(r) {
				return "not-possible" // it was completed, adjusted or refunded
			}
		case Pending, ReversalDue, AdviceDue:
			return "unfinished-yet"
		}
	}
	return ""
}

// undone tells whether what r did was taken back: a completion that was voided holds its amount again.
func (t *Terminal) undone(r *Record) bool {
	return slices.ContainsFunc(t.journal.inBatch(), func(x *Record) bool {
		return x.Original != nil && t.journal.originalOf(x) == r && undoes(x.about()) && (x.State == Approved || x.State == Advised)
	})
}

// latest is the newest transaction of this batch with a STAN.
func (j *Journal) latest(stan string) *Record {
	for _, r := range slices.Backward(j.inBatch()) {
		if r.STAN == stan {
			return r
		}
	}
	return nil
}

// shownRecord is a transaction as the clerk sees it before something is done about it.
func (t *Terminal) shownRecord(o *Record) []Text {
	return []Text{say(titleOf(o.about()), Amount(o.Amount)), say("show-record", o.STAN, o.Card, o.Date)}
}

// named is how later transactions name a record.
func (t *Terminal) named(o *Record) *Original {
	n := &Original{Batch: o.Batch, STAN: o.STAN, Date: o.Date, Time: o.Time, RRN: o.RRN, Auth: o.Auth, Amount: o.Amount}
	if o.Batch != "" {
		n.Date, n.Time = o.HostDate, ""
	}
	return n
}

// dependent makes a transaction about another one, for its whole amount. Its card is presented where that is wanted, and is the
// original's in any case. Without a deal it ended, and the screen says how.
func (t *Terminal) dependent(k dialect.Kind, o *Record, wantCard, wantPIN bool) (*deal, Ended, error) {
	r := &Record{
		Kind: k, Amount: o.Amount, Currency: o.Currency, Card: o.Card, PSN: o.PSN, Entry: t.posEntryMode(entryManual), CVM: cvmNone,
		Original: t.named(o),
	}
	d := &deal{record: r}
	if wantCard {
		card, e := t.presentCard(say(titleOf(k), Amount(o.Amount)), false)
		if card == nil {
			return nil, e, nil
		}
		if card.number.Masked() != o.Card {
			t.show(say("other-card"))
			return nil, Ended{Outcome: OutcomeNotAllowed}, nil
		}
		d.take(t, card)
	} else if len(o.Sealed) > 0 {
		var err error
		if d.number, d.expiry, err = t.unseal(o); err != nil {
			t.remark("card of %s: %v", o.STAN, err)
			t.show(say("terminated"))
			return nil, Ended{Outcome: OutcomeNotAccepted}, fatal(err)
		}
	}
	if wantPIN {
		if o := t.wantPIN(r, d); o != "" {
			return nil, Ended{Outcome: o}, nil
		}
	}
	return d, Ended{}, nil
}

// wantPIN has the cardholder's PIN go with a transaction, if the terminal can take one and the card is known; an outcome ends it.
func (t *Terminal) wantPIN(r *Record, d *deal) Outcome {
	if !t.takesOnlinePIN() || d.number.IsZero() {
		return ""
	}
	entry, err := t.enterPIN("pin", false, -1)
	if err != nil { // cancelled, or nobody there
		t.show(say("cancelled"))
		return OutcomeCancelled
	}
	if entry == emv.PINEntered {
		r.CVM = cvmPIN
	}
	return ""
}
