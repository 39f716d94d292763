package scenario

import (
	"fmt"
	"math/big"

	"github.com/posim/posim/host"
	"github.com/posim/posim/transport/dialect"
)

// feeJudge looks at what merchants pay (I15) and at what goes back (I16). It reads the acquirer's log in its order, and works every
// fee out anew: from the contract's table, the card that the library has under the number, and fractions of its own.
type feeJudge struct {
	contract *host.FeePlan
	code     string // the merchant category of the contract
	policy   host.RefundPolicy
	typeOf   func(card string) host.CardType // of a masked number

	now   map[dialect.Key]*host.Transaction // as the log has it so far
	about map[dialect.Key][]dialect.Key     // what names a transaction, in order
	late  map[dialect.Key]bool              // refunds of sales that had been paid out
	days  map[string]*cleared               // by party: how far its files have come
	fees  map[dialect.Key]int64             // what was taken of a sale and not given back
	wrong []Violation
}

// judgeFees judges the acquirer's log.
func (r *rig) judgeFees(families []*family) {
	j := &feeJudge{contract: r.library.planOf(&r.host, r.profile), code: categoryOf(r.profile), typeOf: r.cardType}
	if j.contract == nil {
		j.contract = host.StandardPlan()
	}
	if p := r.host.Refunds; p != nil {
		j.policy = *p
	}
	if _, err := r.hosts[0].durable(); err != nil {
		r.violate("I12", "%v", err)
		return
	}
	j.read(r.hosts[0].read.Records())
	j.judge(families)
	for _, v := range j.wrong {
		r.violate(v.Invariant, "%s", v.Text)
	}
}

func (j *feeJudge) violate(invariant, format string, args ...any) {
	j.wrong = append(j.wrong, Violation{invariant, fmt.Sprintf(format, args...)})
}

func (j *feeJudge) read(log []*host.Record) {
	j.now, j.about, j.fees = map[dialect.Key]*host.Transaction{}, map[dialect.Key][]dialect.Key{}, map[dialect.Key]int64{}
	j.late, j.days = map[dialect.Key]bool{}, map[string]*cleared{}
	for _, rec := range log {
		if rec.Transaction != nil {
			j.record(rec.Transaction)
		}
		if rec.Cleared != nil {
			j.day(rec.Cleared)
		}
		if rec.File != nil && rec.File.Kind == host.FilePayout && rec.File.State == host.FileDue {
			j.ordered(rec.File.Lines)
		}
	}
}

// record takes one image of a transaction, and looks at what is new in it.
func (j *feeJudge) record(t *host.Transaction) {
	before := j.now[t.Key]
	if before == nil {
		before = &host.Transaction{}
		if t.Original != (dialect.Key{}) {
			j.about[t.Original] = append(j.about[t.Original], t.Key)
		}
	}
	j.now[t.Key] = t
	switch {
	case t.Kind == dialect.KindRefund && t.State == host.Approved && before.State != host.Approved:
		j.refunded(t)
	case debits(t.Kind) && before.Leaving() && !t.Leaving(): // it came back
		j.fees[t.Key] -= before.Fee
	case debits(t.Kind) && t.State == host.Approved && t.Paid && !before.Leaving():
		j.paid(t)
	}
}

// cleared is how far one party's files have come.
type cleared struct {
	upTo string // the newest day that is whole
	come map[string]map[int]bool
}

// day is a file of a day, or a part of one.
func (j *feeJudge) day(r *host.Cleared) {
	c := j.days[r.From]
	if c == nil {
		c = &cleared{come: map[string]map[int]bool{}}
		j.days[r.From] = c
	}
	if c.come[r.Date] == nil {
		c.come[r.Date] = map[int]bool{}
	}
	c.come[r.Date][r.Part] = true
	if len(c.come[r.Date]) >= r.Parts {
		c.upTo = max(c.upTo, r.Date)
	}
}

// ordered is a payout file: from now on its transactions are as good as paid.
func (j *feeJudge) ordered(lines []host.FileLine) {
	for _, l := range lines {
		if j.now[l.Key] == nil || j.now[l.Key].Paid {
			continue
		}
		t := *j.now[l.Key]
		if t.Risk != nil && t.Risk.State == host.HoldHeld {
			j.violate("I17", "sale %s is held until %s, and its payout was ordered: %s", t.Key.STAN, t.Risk.Deadline, t.Risk.Reason)
		}
		if own, above := j.days["acquirer"], j.days["switch"]; own != nil && t.BusinessDate <= own.upTo && (above == nil || t.BusinessDate > above.upTo) {
			j.violate("I17", "sale %s of %s is paid out, and the switch's file of that day has not come", t.Key.STAN, t.BusinessDate)
		}
		t.Payout = &host.Payout{Order: l.Order, State: host.PayoutOrdered, Amount: l.Amount, Fee: l.Fee}
		t.Fee, t.FeeOf, t.FeePlan = l.Fee, l.FeeOf, l.FeePlan
		j.now[l.Key] = &t
		j.paid(&t)
	}
}

// amount is what a transaction was approved for, or adjusted to.
func (j *feeJudge) amount(t *host.Transaction) int64 {
	n := t.Amount
	if t.ApprovedAmount > 0 {
		n = t.ApprovedAmount
	}
	for _, k := range j.about[t.Key] {
		if d := j.now[k]; d.State == host.Approved && (d.Kind == dialect.KindTipAdjust || d.Kind == dialect.KindAdjustment) {
			n = d.Amount
		}
	}
	return n
}

// back is what has been refunded of a transaction, its newest refund included, and whether it was voided.
func (j *feeJudge) back(t *host.Transaction) (refunds []*host.Transaction, voided bool) {
	for _, k := range j.about[t.Key] {
		d := j.now[k]
		if d.State != host.Approved {
			continue
		}
		switch d.Kind {
		case dialect.KindRefund:
			refunds = append(refunds, d)
		case dialect.KindVoid, dialect.KindCompletionVoid:
			voided = true
		}
	}
	return refunds, voided
}

// refunded: no more goes back than the sale was (I16); and when the merchant had been paid the fee goes back as his contract says.
func (j *feeJudge) refunded(t *host.Transaction) {
	o := j.now[t.Original]
	if o == nil {
		return
	}
	refunds, _ := j.back(o)
	var sum, later, given int64
	j.late[t.Key] = o.Leaving()
	for _, d := range refunds {
		sum += d.Amount
		if j.late[d.Key] {
			later += d.Amount
		}
		if d != t {
			given += d.Fee
		}
	}
	if n := j.amount(o); sum > n {
		j.violate("I16", "sale %s of %s: %s has been refunded", o.Key.STAN, Money(n), Money(sum))
		return
	}
	if !o.Leaving() {
		return
	}
	j.fees[o.Key] -= t.Fee
	most := int64(0)
	if j.policy.Fee != host.RefundFeeKept && !j.policy.NoPayout && o.FeeOf > 0 {
		share := new(big.Int).Mul(big.NewInt(o.Fee), big.NewInt(later))
		most = share.Quo(share, big.NewInt(o.FeeOf)).Int64()
	}
	if t.Fee != max(0, most-given) {
		j.violate("I15", "refund %s of %s gives %s of the fee back, and the contract says %s", t.Key.STAN, Money(t.Amount), Money(t.Fee), Money(max(0, most-given)))
	}
}

// paid: the fee is what the contract says for this transaction alone (I15). One that was booked under another merchant's category has an
// item instead.
func (j *feeJudge) paid(t *host.Transaction) {
	of := j.amount(t)
	refunds, voided := j.back(t)
	if voided {
		of = 0
	} else if j.policy.Fee != host.RefundFeeKept {
		for _, d := range refunds {
			if !j.late[d.Key] { // of a payout that came back: the merchant has given it back already
				of -= d.Amount
			}
		}
	}
	of -= givenBack(t)
	j.fees[t.Key] += t.Fee
	want := feeOf(j.contract, j.typed(t), of)
	if t.Fee != want && (t.MerchantCode == j.code || t.MerchantName == "") {
		j.violate("I15", "the fee of sale %s is %s of %s, and the contract %s says %s", t.Key.STAN, Money(t.Fee), Money(of), j.contract.Name, Money(want))
	}
}

// givenBack is what of a transaction went back as a difference before the merchant was paid.
func givenBack(t *host.Transaction) int64 {
	i := t.Difference
	if i == nil || i.Stage != host.ItemAdjusted && (i.Type != host.Dispute || i.Stage == host.ItemRepresented || i.Stage == host.ItemAccepted || i.Stage == host.ItemLost) {
		return 0
	}
	return i.Amount
}

// judge: who was booked elsewhere and pays another fee for it has an item, and what stands with the fees is what was taken.
func (j *feeJudge) judge(families []*family) {
	for _, f := range families {
		if f.excused(true) > 0 { // people have settled it: what goes with that is judged with the money
			continue
		}
		var fees int64
		paid := false
		for _, m := range f.members {
			t := j.now[m.key]
			if m.entries[0] == nil || t == nil || !debits(t.Kind) || !t.Paid || t.State != host.Approved {
				continue
			}
			paid = true
			fees += j.fees[t.Key]
			if want := feeOf(j.contract, j.typed(t), t.FeeOf); t.Fee != want && !t.Audited {
				j.violate("I15", "the fee of sale %s is %s, the contract %s says %s, and nobody has an item about it", t.Key.STAN, Money(t.Fee), j.contract.Name, Money(want))
			}
		}
		if found := f.net(host.PositionFees); paid && found != fees {
			j.violate("I15", "sale %s: %s stands with the fees, and %s was taken", f.root.key.STAN, Money(found), Money(fees))
		}
	}
}

// typed is the type of the card that a transaction was paid with.
func (j *feeJudge) typed(t *host.Transaction) host.CardType {
	if t.Kind == dialect.KindQRSale {
		return host.QR
	}
	return j.typeOf(t.Card)
}

// feeOf is a fee in fractions: the rate of the amount, rounded, not below the minimum, not above the cap, not above the amount.
func feeOf(p *host.FeePlan, kind host.CardType, n int64) int64 {
	if n <= 0 {
		return 0
	}
	var f host.Fee
	for _, one := range p.Fees[kind] {
		if n >= one.From && (one.To == 0 || n <= one.To) {
			f = one
		}
	}
	exact := big.NewRat(n*f.BasisPoints, 10_000)
	down := new(big.Int).Quo(exact.Num(), exact.Denom())
	rest := new(big.Rat).Sub(exact, new(big.Rat).SetInt(down))
	half := rest.Cmp(big.NewRat(1, 2))
	up := map[host.Rounding]bool{
		host.HalfUp: half >= 0, "": half >= 0, host.Up: rest.Sign() > 0, host.HalfEven: half > 0 || half == 0 && down.Bit(0) == 1,
	}[f.Rounding]
	fee := down.Int64()
	if up {
		fee++
	}
	fee = max(fee, f.Minimum)
	if f.Cap > 0 {
		fee = min(fee, f.Cap)
	}
	return min(fee, n)
}

// cardType is the type of the script's card with that masked number; a credit card's of one that is not there.
func (r *rig) cardType(masked string) host.CardType {
	for _, name := range r.cardNames {
		if p := r.library.Card(name); p.PAN.Masked() == masked {
			return host.CardType(p.Type)
		}
	}
	return host.Credit
}
