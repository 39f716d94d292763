package terminal

import (
	"slices"

	"github.com/posim/posim/transport/dialect"
)

// A pre-authorisation holds an amount. What comes of it may be days and batches later, so it is named by its card, its
// authorisation code and the host's date; if it is still in the journal, by all the rest too.

// choosePreAuth holds an amount.
func (t *Terminal) choosePreAuth() (Ended, error) {
	amount, ok := t.askAmount("amount", t.profile.MaxAmount, false)
	if !ok {
		return t.cancelled(), nil
	}
	return t.serve(wanted{kind: dialect.KindPreAuth, amount: amount})
}

// choosePreAuthVoid releases what is held.
func (t *Terminal) choosePreAuthVoid() (Ended, error) { return t.afterPreAuth(dialect.KindPreAuthVoid) }

// chooseCompletion takes what is held.
func (t *Terminal) chooseCompletion() (Ended, error) { return t.afterPreAuth(dialect.KindCompletion) }

// chooseCompletionAdvice takes what is held, and tells so.
func (t *Terminal) chooseCompletionAdvice() (Ended, error) {
	return t.afterPreAuth(dialect.KindCompletionAdvice)
}

// chooseCompletionVoid takes a completion of this batch back: the amount is held again.
func (t *Terminal) chooseCompletionVoid() (Ended, error) {
	return t.undo(dialect.KindCompletionVoid, func(k dialect.Kind) bool {
		return k == dialect.KindCompletion || k == dialect.KindCompletionAdvice
	})
}

// afterPreAuth is what comes of a pre-authorisation.
func (t *Terminal) afterPreAuth(k dialect.Kind) (Ended, error) {
	card, e := t.presentCard(say(titleOf(k), ""), true)
	if card == nil {
		return e, nil
	}
	auth, ok := t.ask("ask-auth-code", 6, 6)
	if !ok {
		return t.cancelled(), nil
	}
	date, ok := t.askDate("ask-date")
	if !ok {
		return t.cancelled(), nil
	}
	d := &deal{record: &Record{Kind: k, Currency: t.profile.Currency, CVM: cvmNone, Original: &Original{Auth: auth, Date: date}}}
	d.take(t, card)
	o := t.journal.preAuth(d.record.Card, auth, date)
	if o != nil {
		if why := t.against(o, func(dialect.Kind) bool { return true }); why != "" {
			t.show(say(why))
			return Ended{Outcome: OutcomeNotAllowed}, nil
		}
		d.record.Original = t.named(o)
	}
	if d.record.Amount, ok = t.amountAfter(k, o); !ok {
		return t.cancelled(), nil
	}
	if k == dialect.KindPreAuthVoid && t.profile.VoidPIN {
		if o := t.wantPIN(d.record, d); o != "" {
			return Ended{Outcome: o}, nil
		}
	}
	return t.transact(d)
}

// amountAfter is the amount of what comes of a pre-authorisation: all of it where it is released, and up to some more where it is
// completed. Of one that the journal no longer has, the host knows the limit.
func (t *Terminal) amountAfter(k dialect.Kind, o *Record) (int64, bool) {
	switch {
	case o == nil:
		return t.askAmount("amount", t.profile.MaxAmount, false)
	case k == dialect.KindPreAuthVoid:
		return o.Amount, t.confirm(t.shownRecord(o)...)
	}
	most := min(percent(o.Amount, t.profile.CompletionPercent, usualCompletion), t.profile.MaxAmount)
	return t.askAmount("amount", most, false, t.shownRecord(o)...)
}

// preAuth finds an approved pre-authorisation in the batch by what the clerk knows of it.
func (j *Journal) preAuth(card, auth, date string) *Record {
	for _, r := range slices.Backward(j.inBatch()) {
		hold := r.Kind == dialect.KindPreAuth || r.Kind == dialect.KindMOTOPreAuth
		if hold && r.State == Approved && r.Card == card && r.Auth == auth && (r.Date == date || r.HostDate == date) {
			return r
		}
	}
	return nil
}
