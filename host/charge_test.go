package host

import (
	"strings"
	"testing"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

func TestBooking(t *testing.T) {
	hospitals := FlatPlan("hospitals", 0)
	hospitals.Codes = []string{"8062"}
	broken := FlatPlan("broken", 20000)
	for _, c := range []struct {
		b    *Booking
		want string
	}{
		{nil, ""},
		{&Booking{"8062", "a hospital", hospitals}, ""},
		{&Booking{"5411", "a shop", FlatPlan("any", 60)}, ""},
		{&Booking{"5411", "a shop", hospitals}, "fee plan hospitals is not for merchant category 5411"},
		{&Booking{"806", "a hospital", hospitals}, "four digits"},
		{&Booking{"80622", "a hospital", hospitals}, "four digits"},
		{&Booking{"806a", "a hospital", hospitals}, "four digits"},
		{&Booking{"8062", "", hospitals}, "a name"},
		{&Booking{"8062", "a hospital", nil}, "a plan"},
		{&Booking{"8062", "a hospital", broken}, "basis points"},
	} {
		err := c.b.validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.b, err, c.want)
		}
	}
}

// twoPlans has the terminal's merchant pay 1 %, and who has agreed on nothing 0.6 %.
func twoPlans(a, _ *RelayConfig, _ *IssuerConfig) {
	a.Terminals[0].Plan, a.Terminals[0].Code = FlatPlan("dear", 100), "5411"
	a.BINs = BINs{"476173": Debit}
}

// A fee is of the merchant's own plan and the card's type, of what stands of a sale, and is not more than that.
func TestChargedByTheContract(t *testing.T) {
	o := newBureau(t, rules.Set{}, twoPlans, func(a, _ *RelayConfig, _ *IssuerConfig) {
		a.Terminals[0].Plan.Fees[Debit] = []Fee{{From: 1, To: 10000, BasisPoints: 100, Minimum: 50}, {From: 10001, BasisPoints: 200, Cap: 300}}
	})
	sales := map[int64]int64{1: 1, 49: 49, 50: 50, 51: 50, 4999: 50, 5049: 50, 5050: 51, 10000: 100, 10001: 200, 14974: 299, 14975: 300, 15000: 300, 90000: 300}
	stan := 0
	for n := range sales {
		stan++
		o.sold(stan, n)
	}
	o.days("2026-03-03")
	for _, e := range o.view(atAcquirer).Transactions {
		o.expect("fee", []any{e.Amount, e.Fee, e.FeePlan, e.FeeOf, e.CardType, e.MerchantCode}, []any{e.Amount, sales[e.Amount], "dear", e.Amount, Debit, "5411"})
		o.expect("item", e.Difference == nil, true)
	}
}

// What was booked elsewhere pays by another plan, and the audit, which goes by the contract, says so once.
func TestTheAuditGoesByTheContract(t *testing.T) {
	for _, c := range []struct {
		name string
		plan *FeePlan
		item string
	}{
		{"too little", FlatPlan("hospitals", 0), "fee-differs 100 open"},
		{"too much", FlatPlan("jewellers", 250), "fee-differs 150 open"},
		{"as much", FlatPlan("others", 100), "none"},
	} {
		o := newBureau(t, rules.Set{}, twoPlans, func(a, _ *RelayConfig, _ *IssuerConfig) { a.Books = &Booking{"8062", "a hospital", c.plan} })
		sale := o.sold(1, 10000)
		o.expect("booked as", o.view(atAcquirer).Find(sale.Key()).MerchantCode+" "+o.view(atAcquirer).Find(sale.Key()).MerchantName, "8062 a hospital")
		o.days("2026-03-03")
		o.expect(c.name, o.item(atAcquirer, sale), c.item)
		told := len(o.alarms)
		o.days("2026-03-04", "2026-03-05")
		o.expect(c.name+", told once", len(o.alarms), told)
		if c.item == "none" {
			continue
		}
		if i := o.view(atAcquirer).Find(sale.Key()).Difference; !strings.HasPrefix(i.Reason, ReasonFeeAudit) || !strings.Contains(i.Reason, "category 8062") {
			t.Errorf("reason %q", i.Reason)
		}
		o.refuses(atAcquirer, DeedWriteOff, sale, "only what is missing is borne")
		o.days("2026-03-25", "2026-03-26")
		o.expect(c.name+", behind its deadline", o.item(atAcquirer, sale), strings.Replace(c.item, "open", "closed", 1))
		o.undo(sale, "0400") // an item about the money takes its place, and says so
		i := o.view(atAcquirer).Find(sale.Key()).Difference
		o.expect("the next item", i.Type, ReversalRefused)
		if !strings.Contains(i.Reason, ReasonFeeAudit) {
			t.Errorf("reason %q", i.Reason)
		}
	}
}

// A refund of a sale that was not paid out leaves the fee of what stands; where the acquirer keeps it, that of the sale.
func TestFeeOfWhatIsRefunded(t *testing.T) {
	for _, c := range []struct {
		kept   string
		refund int64
		want   string
	}{
		{"", 4000, "cardholder -6000 merchant 5940 fees 60"},
		{RefundFeeKept, 4000, "cardholder -6000 merchant 5900 fees 100"},
		{"", 10000, ""},
		{RefundFeeKept, 9950, "cardholder -50 merchant -50 fees 100"},
	} {
		o := newBureau(t, rules.Set{}, twoPlans, func(a, _ *RelayConfig, _ *IssuerConfig) { a.Refunds.Fee = c.kept })
		o.ask(o.after(dialect.KindRefund, 2, o.sold(1, 10000), c.refund))
		o.days("2026-03-03", "2026-03-04")
		o.expect(c.kept, o.all(), c.want)
	}
	o := newBureau(t, rules.Set{}, twoPlans, func(a, _ *RelayConfig, _ *IssuerConfig) { a.Refunds.Fee = RefundFeeKept })
	o.ask(o.after(dialect.KindVoid, 2, o.sold(1, 10000), 10000))
	o.days("2026-03-03", "2026-03-04")
	o.expect("a sale that was voided costs nothing", o.all(), "")
}
