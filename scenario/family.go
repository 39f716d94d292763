package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// A family is a transaction and all that names it: the void of a sale, the refund, the completion of a pre-authorisation and the
// void of that. Each of them has a record and entries of its own, which say what it did; what has become of the money is what all
// of them did together. A sale that nothing names is a family of one.
type family struct {
	root    *transaction
	members []*transaction // the root first, then in the terminal's order, then what only hosts know
}

// families joins transactions with those that they name. What names a transaction that nobody knows has a family of its own.
func families(all []*transaction) (out []*family) {
	byKey := make(map[dialect.Key]*transaction, len(all))
	for _, t := range all {
		byKey[t.key] = t
	}
	of := make(map[*transaction]*family, len(all))
	for _, t := range all {
		if rootOf(t, all, byKey) == t {
			f := &family{root: t, members: []*transaction{t}}
			of[t] = f
			out = append(out, f)
		}
	}
	for _, t := range all {
		if f := of[rootOf(t, all, byKey)]; f.root != t {
			f.members = append(f.members, t)
		}
	}
	return out
}

// generations is how many names lead from a transaction to its root at most: the void of the completion of a pre-authorisation.
const generations = 4

func rootOf(t *transaction, all []*transaction, byKey map[dialect.Key]*transaction) *transaction {
	for range generations {
		original := t.original(all, byKey)
		if original == nil || original == t {
			break
		}
		t = original
	}
	return t
}

// original is the transaction that t names: as a host has found it, or by what the terminal's record says of it.
func (t *transaction) original(all []*transaction, byKey map[dialect.Key]*transaction) *transaction {
	for _, e := range t.entries {
		if e != nil && e.Original != (dialect.Key{}) && byKey[e.Original] != nil {
			return byKey[e.Original]
		}
	}
	if t.record == nil || t.record.Original == nil {
		return nil
	}
	o := t.record.Original
	for _, k := range []dialect.Key{
		{MID: t.key.MID, TID: t.key.TID, STAN: o.STAN, Batch: o.Batch}, {MID: t.key.MID, TID: t.key.TID, STAN: o.STAN, Date: o.Date, Time: o.Time},
	} {
		if found := byKey[k]; found != nil {
			return found
		}
	}
	for _, other := range all {
		if o.RRN != "" && other != t && other.rrn() == o.RRN {
			return other
		}
	}
	return nil
}

// rrn is the retrieval reference number by which others name the transaction.
func (t *transaction) rrn() string {
	if t.record != nil && t.record.RRN != "" {
		return t.record.RRN
	}
	if e := t.entries[0]; e != nil {
		return e.RetrievalReferenceNumber
	}
	return ""
}

// kind is what the transaction is about; KindNone: nobody says.
func (t *transaction) kind() dialect.Kind {
	if t.record != nil {
		switch rec := t.record; {
		case rec.Kind != dialect.KindNone:
			return rec.Kind
		case rec.State == terminal.AdviceDue, rec.State == terminal.Advised, rec.State == terminal.Refused,
			rec.State == terminal.Parked && rec.Reason == "":
			return dialect.KindOfflineSale // a journal of before there were kinds
		}
		return dialect.KindSale
	}
	for _, e := range t.entries {
		if e != nil && e.Kind != dialect.KindNone {
			return e.Kind
		}
	}
	return dialect.KindNone
}

// moves tells whether transactions of a kind move money, or keep it from being spent.
func moves(k dialect.Kind) bool {
	switch k {
	case dialect.KindBalance, dialect.KindQRQuery, dialect.KindScriptResult, dialect.KindSignature:
		return false
	}
	return true
}

// debits tells whether transactions of a kind are money for the merchant as totals count them.
func debits(k dialect.Kind) bool {
	switch k {
	case dialect.KindNone, dialect.KindSale, dialect.KindCashBack, dialect.KindMOTOSale, dialect.KindInstalment, dialect.KindQRSale,
		dialect.KindOfflineSale, dialect.KindCompletion, dialect.KindCompletionAdvice:
		return true
	}
	return false
}

// credits tells whether transactions of a kind take money from the merchant.
func credits(k dialect.Kind) bool {
	switch k {
	case dialect.KindVoid, dialect.KindRefund, dialect.KindCompletionVoid:
		return true
	}
	return false
}

// holds tells whether transactions of a kind keep an amount from being spent, and take nothing.
func holds(k dialect.Kind) bool { return k == dialect.KindPreAuth || k == dialect.KindMOTOPreAuth }

// net is what the family moved into a position.
func (f *family) net(position string) (n int64) {
	for _, t := range f.members {
		n += t.net(position)
	}
	return n
}

// debited is what its cardholder is out of pocket.
func (f *family) debited() int64 {
	return -f.net(host.PositionCardholder) - f.net(host.PositionWallet) - f.net(host.PositionPurse)
}

// acquired is what the merchant and those who work for him hold of it, less what they bear.
func (f *family) acquired() int64 {
	return f.net(host.PositionAcquirer) + f.net(host.PositionMerchant) + f.net(host.PositionFees) + f.net(host.PositionSuspense) +
		f.net(host.PositionAggregator) - f.lost()
}

// lost is what of it parties bear as their loss, in minor units.
func (f *family) lost() (n int64) {
	for _, t := range f.members {
		for _, e := range t.entries {
			if e == nil {
				continue
			}
			for _, p := range e.Postings {
				if strings.HasPrefix(p.From, host.PositionLoss) {
					n += p.Amount
				}
				if strings.HasPrefix(p.To, host.PositionLoss) {
					n -= p.Amount
				}
			}
		}
	}
	return n
}

// claimed is what the acquirer has laid out for refunds that the merchant's next payouts have to bear.
func (f *family) claimed() (n int64) {
	for _, t := range f.members {
		if e := t.entries[0]; e != nil && e.Kind == dialect.KindRefund && !e.Paid {
			n += max(0, -e.Net(host.PositionAcquirer))
		}
	}
	return n
}

// lines is what the terminal's batches say that the merchant gets. An adjustment replaces the amount of its sale.
func (f *family) lines() (n int64) {
	for _, t := range f.members {
		if t.record == nil {
			continue
		}
		n += t.record.Signed()
		if t.record.Kind == dialect.KindTipAdjust && t.record.InBatch() {
			n += t.record.Amount - f.adjusted(t)
		}
	}
	return n
}

// adjusted is the amount that an adjustment replaces: that of the one before it, or of the sale.
func (f *family) adjusted(adjustment *transaction) int64 {
	amount := f.root.amount()
	for _, t := range f.members {
		if t == adjustment {
			break
		}
		if t.record != nil && t.record.Kind == dialect.KindTipAdjust && t.record.InBatch() {
			amount = t.record.Amount
		}
	}
	return amount
}

// held is what its cardholder cannot spend and has not lost.
func (f *family) held() (n int64) {
	for _, t := range f.members {
		if e := t.issuer(); e != nil {
			n += e.Hold
		}
	}
	return n
}

// issuer is what the issuer holds of a transaction; nil: nothing.
func (t *transaction) issuer() *host.Entry { return t.entries[len(t.entries)-1] }

// cap is the most that its cardholder may be debited: what was asked for, with the tip and the room that the profile allows, and what
// his bank has accepted as a claim beyond that.
func (f *family) cap(p *terminal.Profile) int64 {
	n := f.root.amount()
	for _, t := range f.members {
		if e := t.issuer(); e != nil && e.Difference != nil && e.Difference.Stage == host.ItemAccepted && e.Difference.Type == host.AmountLess {
			n += e.Difference.Amount
		}
	}
	switch {
	case holds(f.root.kind()):
		return n * int64(p.CompletionPercent) / 100
	case f.has(dialect.KindTipAdjust):
		return n * int64(100+p.TipPercent) / 100
	}
	return n
}

func (f *family) has(k dialect.Kind) bool {
	for _, t := range f.members {
		if t.kind() == k {
			return true
		}
	}
	return false
}

// borne tells whether somebody bears it without any money having moved: the merchant whose goods are gone.
func (f *family) borne() bool {
	for _, t := range f.members {
		for _, e := range t.entries {
			if e != nil && e.Difference != nil && e.Difference.Stage == host.ItemLost {
				return true
			}
		}
	}
	return false
}

// excused is how much of it may differ, transaction by transaction: what the items say. on paper counts those, too, that hosts have
// settled among themselves, for what a terminal has printed does not change any more.
func (f *family) excused(onPaper bool) (n int64) {
	for _, t := range f.members {
		n += t.excused(onPaper)
	}
	return n
}

// moved tells whether money has moved at all.
func (f *family) moved() bool {
	for _, t := range f.members {
		for _, e := range t.entries {
			if e != nil && len(e.Postings) > 0 {
				return true
			}
		}
		if t.debit != 0 {
			return true
		}
	}
	return false
}

// end is where the money has come to rest, or rests for now; "" if there is none to ask about.
func (f *family) end() string {
	paid := f.net(host.PositionMerchant) + f.net(host.PositionFees)
	lines := f.lines()
	switch {
	case f.root.record == nil && !f.moved() && !f.root.known() || !moves(f.root.kind()):
		return ""
	case f.held() > 0:
		return "F3"
	case f.lost() != 0 || f.borne():
		return "FX"
	case !f.moved():
		return "F0"
	case f.debited() == 0 && paid == 0 && f.net(host.PositionAcquirer) == 0 && f.net(host.PositionSwitch) == 0 && f.net(host.PositionSuspense) == 0:
		return "F2"
	case lines > 0 && f.debited() == lines && paid == lines:
		return "F1"
	}
	return "F3"
}

// whereIs says in a sentence where its money is, as one would tell the merchant.
func (f *family) whereIs() string {
	n := f.root.amount()
	debited := f.debited()
	batch := "no sale in the terminal's batch"
	if f.lines() > 0 {
		batch = "a sale in the terminal's batch"
	}
	switch {
	case f.lost() != 0 || f.borne():
		return "lost: " + f.bearers()
	case f.held() > 0:
		return "with the cardholder, who cannot spend it: the issuer holds " + Money(f.held()).String()
	case debited == 0 && f.lines() <= 0:
		return "with the cardholder: nobody is charged"
	case f.net(host.PositionPursePool) > 0:
		return fmt.Sprintf("with the issuer, who holds it for the purse that paid %s: %s", Money(debited), batch)
	case debited == 0:
		return "with the cardholder, and there is " + batch
	case f.net(host.PositionSwitch) > 0:
		return fmt.Sprintf("with the switch: %s on its way back to the cardholder", Money(f.net(host.PositionSwitch)))
	case f.net(host.PositionMerchant) > 0:
		return fmt.Sprintf("with the merchant: paid %s of %s", Money(f.net(host.PositionMerchant)), Money(n))
	case f.net(host.PositionAcquirer) != 0:
		return "with the acquirer: approved there, " + batch
	}
	return "with the issuer: the cardholder is charged, " + batch
}

// bearers says who bears how much of it.
func (f *family) bearers() string {
	var all []string
	for _, t := range f.members {
		for _, e := range t.entries {
			if e != nil && e.Difference != nil && e.Difference.Bearer != "" {
				all = append(all, e.Difference.Bearer+" bears "+Money(e.Difference.Amount).String())
			}
		}
	}
	if len(all) == 0 {
		return Money(f.lost()).String()
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}
