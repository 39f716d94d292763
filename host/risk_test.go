package host

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

func TestCheckRisk(t *testing.T) {
	amount := func(from, to int64) RiskRule { return RiskRule{From: from, To: to, Days: 1, Reason: "r"} }
	counts := func(by RiskBy, within time.Duration, count int, sum int64) RiskRule {
		return RiskRule{By: by, Within: within, Count: count, Sum: sum, Days: 1, Reason: "r"}
	}
	with := func(r RiskRule, change func(r *RiskRule)) []RiskRule { change(&r); return []RiskRule{r} }
	many := make([]RiskRule, MaxRiskRules+1)
	for i := range many {
		many[i] = counts(ByCard, time.Duration(i+1)*time.Hour, 2, 0)
	}
	for _, c := range []struct {
		name  string
		rules []RiskRule
		want  string // "rule key: part of the error"; "": it is taken
	}{
		{"none", nil, ""},
		{"as many as there may be", many[:MaxRiskRules], ""},
		{"one more", many, fmt.Sprintf("%d : more than 32", MaxRiskRules)},
		{"one amount", []RiskRule{amount(1, 1)}, ""},
		{"ranges in their order", []RiskRule{amount(100, 199), amount(200, 0)}, ""},
		{"a range with rules that count between", []RiskRule{amount(100, 199), counts(ByCard, time.Hour, 2, 0), amount(200, 0)}, ""},
		{"the longest hold", with(amount(1, 0), func(r *RiskRule) { r.Days = 180 }), ""},
		{"and one day more", with(amount(1, 0), func(r *RiskRule) { r.Days = 181 }), "0 days: want 1 to 180"},
		{"no day", with(amount(1, 0), func(r *RiskRule) { r.Days = 0 }), "0 days: want 1 to 180"},
		{"no reason", with(amount(1, 0), func(r *RiskRule) { r.Reason = "" }), "0 reason: want 1 to 128"},
		{"the longest reason", with(amount(1, 0), func(r *RiskRule) { r.Reason = strings.Repeat("x", 128) }), ""},
		{"and one byte more", with(amount(1, 0), func(r *RiskRule) { r.Reason = strings.Repeat("x", 129) }), "0 reason: want 1 to 128"},
		{"a deadline that does something else", with(amount(1, 0), func(r *RiskRule) { r.OnDeadline = "keep" }), "0 on-deadline: want release or return"},
		{"it may release", with(amount(1, 0), func(r *RiskRule) { r.OnDeadline = HoldRelease }), ""},
		{"or return", with(amount(1, 0), func(r *RiskRule) { r.OnDeadline = HoldReturn }), ""},

		{"nothing at all", with(amount(0, 0), func(*RiskRule) {}), "0 from: above 0"},
		{"a range that ends before it begins", []RiskRule{amount(5, 4)}, "0 from: ends behind it"},
		{"an overlap by one", []RiskRule{amount(100, 200), amount(200, 0)}, "1 from: overlap"},
		{"a gap of one", []RiskRule{amount(100, 199), amount(201, 0)}, "1 from: gap"},
		{"behind the end", []RiskRule{amount(100, 0), amount(200, 0)}, "1 from: overlap"},
		{"in another order", []RiskRule{amount(200, 0), amount(100, 199)}, "1 from: overlap"},

		{"a count without whose", []RiskRule{counts("", time.Hour, 2, 0)}, "0 by: want by"},
		{"a sum without whose", []RiskRule{counts("", 0, 0, 5)}, "0 by: want by"},
		{"a time without whose", []RiskRule{counts("", time.Hour, 0, 0)}, "0 by: want by"},
		{"whose is unknown", []RiskRule{counts("shop", time.Hour, 2, 0)}, "0 by: want card, merchant or terminal"},
		{"an amount, too", with(counts(ByCard, time.Hour, 2, 0), func(r *RiskRule) { r.From = 1 }), "0 from: not both"},
		{"an end, too", with(counts(ByCard, time.Hour, 2, 0), func(r *RiskRule) { r.To = 1 }), "0 from: not both"},
		{"no time", []RiskRule{counts(ByCard, 0, 2, 0)}, "0 within: more than nothing"},
		{"the longest time", []RiskRule{counts(ByCard, 31*24*time.Hour, 2, 0)}, ""},
		{"and a little more", []RiskRule{counts(ByCard, 31*24*time.Hour+1, 2, 0)}, "0 within: at most"},
		{"neither count nor sum", []RiskRule{counts(ByCard, time.Hour, 0, 0)}, "0 count: a count of 2"},
		{"both", []RiskRule{counts(ByCard, time.Hour, 2, 1)}, "0 count: a count of 2"},
		{"one is every sale", []RiskRule{counts(ByCard, time.Hour, 1, 0)}, "0 count: a count of 2"},
		{"a count below nothing", []RiskRule{counts(ByCard, time.Hour, -1, 1)}, "0 count: a count of 2"},
		{"a sum below nothing", []RiskRule{counts(ByCard, time.Hour, 2, -1)}, "0 count: a count of 2"},
		{"a sum", []RiskRule{counts(ByMerchant, time.Hour, 0, 1)}, ""},
		{"count and sum of the same are two things", []RiskRule{counts(ByCard, time.Hour, 2, 0), counts(ByCard, time.Hour, 0, 5)}, ""},
		{"two counts within one time", []RiskRule{counts(ByCard, time.Hour, 2, 0), counts(ByTerminal, time.Hour, 2, 0), counts(ByCard, time.Hour, 3, 0)}, "2 by: rule 1 counts the same"},
	} {
		err := CheckRisk(c.rules)
		got := ""
		var wrong *RiskError
		if errors.As(err, &wrong) {
			got = fmt.Sprintf("%d %s: %v", wrong.Rule, wrong.Key, wrong.Err)
		}
		place, text, _ := strings.Cut(c.want, ": ")
		if (err == nil) != (c.want == "") || !strings.HasPrefix(got, place) || !strings.Contains(got, text) {
			t.Errorf("%s: %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}

// at has an acquirer hold sales by some rules.
func at(all ...RiskRule) func(a, s *RelayConfig, i *IssuerConfig) {
	return func(a, _ *RelayConfig, _ *IssuerConfig) {
		for i := range all {
			all[i].Days, all[i].Reason = 3, fmt.Sprint("rule ", i+1)
		}
		a.Risk = all
	}
}

func (o *bureau) risk(m *dialect.Message) string {
	e := o.view(atAcquirer).Find(m.Key())
	if e == nil || e.Risk == nil {
		return "none"
	}
	return e.Risk.State.String() + " " + e.Risk.Reason
}

func TestWhatARuleCatches(t *testing.T) {
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	type sale struct {
		after  time.Duration
		amount int64
		want   string
	}
	for _, c := range []struct {
		name  string
		rules []RiskRule
		sales []sale
	}{
		{"an amount, both ends included", []RiskRule{{From: 100, To: 200}}, []sale{{0, 99, "none"}, {0, 100, "held rule 1"}, {0, 200, "held rule 1"}, {0, 201, "none"}}},
		{"without an end", []RiskRule{{From: 100}}, []sale{{0, 99, "none"}, {0, 900000, "held rule 1"}}},
		{"the first rule decides", []RiskRule{{From: 100}, {By: ByCard, Within: minutes(1), Count: 2}}, []sale{{0, 100, "held rule 1"}, {0, 100, "held rule 1"}, {0, 5, "held rule 2"}}},
		{"how many", []RiskRule{{By: ByCard, Within: minutes(10), Count: 3}}, []sale{{0, 1, "none"}, {minutes(5), 2, "none"}, {minutes(5), 3, "held rule 1"}, {minutes(1), 4, "held rule 1"}, {minutes(9), 5, "held rule 1"}, {minutes(9), 6, "none"}}},
		{"a sale so long ago counts just so", []RiskRule{{By: ByMerchant, Within: minutes(10), Count: 2}}, []sale{{0, 1, "none"}, {minutes(10), 2, "held rule 1"}, {minutes(10) + 1, 3, "none"}}},
		{"how much", []RiskRule{{By: ByTerminal, Within: minutes(10), Sum: 100}}, []sale{{0, 99, "none"}, {minutes(10), 1, "held rule 1"}, {minutes(10) + 1, 99, "none"}}},
		{"a single sale can be the sum", []RiskRule{{By: ByTerminal, Within: minutes(10), Sum: 100}}, []sale{{0, 100, "held rule 1"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newBureau(t, rules.Set{}, at(c.rules...))
			for i, s := range c.sales {
				o.now = o.now.Add(s.after)
				m := o.sold(i+1, s.amount)
				o.expect(fmt.Sprint("sale ", i+1), o.risk(m), s.want)
			}
		})
	}
}

// What was declined or undone is not counted, nor what is no sale; and whose sales are counted is what the rule says.
func TestWhatARuleDoesNotCount(t *testing.T) {
	o := newBureau(t, rules.Set{}, at(RiskRule{By: ByCard, Within: time.Hour, Count: 2}))
	o.undo(o.sold(1, 100), "0400")
	o.ask(o.sale(2, testBalance+1))
	o.ask(o.kind(dialect.KindPreAuth, o.sale(3, 100)))
	o.expect("the first that counts", o.risk(o.sold(4, 100)), "none")
	o.expect("the second", o.risk(o.sold(5, 100)), "held rule 1")

	a := Transaction{Key: dialect.Key{MID: "m", TID: "t", STAN: "1"}, Card: "476173******0119"}
	other := func(change func(x *Transaction)) *Transaction { x := a; x.Key.STAN = "2"; change(&x); return &x }
	for _, c := range []struct {
		name string
		b    *Transaction
		want string // which rules count it with a
	}{
		{"the same", other(func(*Transaction) {}), "card merchant terminal"},
		{"another terminal", other(func(x *Transaction) { x.Key.TID = "u" }), "card merchant"},
		{"another merchant with a terminal of that number", other(func(x *Transaction) { x.Key.MID = "n" }), "card"},
		{"another card", other(func(x *Transaction) { x.Card = "622500******0014" }), "merchant terminal"},
	} {
		var got []string
		for _, by := range RiskBys() {
			if (&RiskRule{By: RiskBy(by)}).same(&a, c.b) {
				got = append(got, by)
			}
		}
		want(t, c.name, strings.Join(got, " "), c.want)
	}
	if none := (&Transaction{}); (&RiskRule{By: ByCard}).same(none, none) {
		t.Error("two sales without a card are of one card")
	}
}

// A hold ends on the first day of its deadline, whatever day that is, by what its rule says, once.
func TestDeadlineOfAHold(t *testing.T) {
	for _, c := range []struct {
		on         string
		held, then string
		money      string
	}{
		{"", "cardholder -10000 acquirer 10000", "released rule 1", "cardholder -10000 merchant 9940 fees 60"},
		{HoldReturn, "cardholder -10000 acquirer 10000", "given-back rule 1", ""},
	} {
		o := newBureau(t, rules.Set{}, at(RiskRule{From: 1, OnDeadline: c.on}))
		o.calendar(CalendarDate, "2026-03-04") // a Wednesday
		sale := o.sold(1, 10000)
		e := o.view(atAcquirer).Find(sale.Key())
		o.expect("hold", fmt.Sprintf("%+v", *e.Risk), fmt.Sprintf("{State:held Reason:rule 1 Since:2026-03-04 Deadline:2026-03-07 OnDeadline:%s By:}", orRelease(c.on)))
		o.days("2026-03-05", "2026-03-06")
		o.expect("the day before", o.risk(sale)+", "+o.all(), "held rule 1, "+c.held)
		o.restart(atAcquirer)
		o.calendar(CalendarDate, "2026-03-07") // a Saturday
		o.expect("on the day", o.risk(sale), c.then)
		o.days("2026-03-09", "2026-03-10")
		o.expect("behind it", o.risk(sale)+", "+o.all(), c.then+", "+c.money)
	}
}

func orRelease(on string) string {
	if on == "" {
		return HoldRelease
	}
	return on
}

func TestDeedsAboutAHold(t *testing.T) {
	o := newBureau(t, rules.Set{}, at(RiskRule{From: 1000}))
	plain, one, two, undone := o.sold(1, 999), o.sold(2, 1000), o.sold(3, 2000), o.sold(4, 4000)
	o.refuses(atAcquirer, DeedRelease, plain, "nobody holds it")
	o.refuses(atAcquirer, DeedReturn, o.sale(9, 1), "nobody holds it")
	o.must(atAcquirer, DeedRelease, one)
	o.must(atAcquirer, DeedReturn, two)
	logged := len(o.nodes[atAcquirer].log)
	o.must(atAcquirer, DeedRelease, one) // once more
	o.must(atAcquirer, DeedReturn, two)
	o.expect("records", len(o.nodes[atAcquirer].log), logged)
	o.refuses(atAcquirer, DeedReturn, one, "its hold has ended: released")
	o.refuses(atAcquirer, DeedRelease, two, "its hold has ended: given-back")
	o.undo(undone, "0400")
	o.refuses(atAcquirer, DeedRelease, undone, "it is reversed")
	o.refuses(atAcquirer, DeedReturn, undone, "it is reversed")
	o.expect("by", o.view(atAcquirer).Find(one.Key()).Risk.By, "the desk: a reason")
	o.days("2026-03-03")
	o.expect("money", o.all(), "cardholder -1999 merchant 1987 fees 12")
	o.expect("item", o.item(atAcquirer, two)+", "+o.item(atAcquirer, one), "held-back 2000 adjusted, none")
	o.days("2026-03-05", "2026-03-06")
	o.expect("at its deadline what was undone stays so", o.risk(undone), "held rule 1")
}

// What is still being decided about a held sale comes first; what has been refunded of it is not given back again.
func TestAHeldSaleThatIsRefundedInPart(t *testing.T) {
	o := newBureau(t, rules.Set{}, at(RiskRule{From: 1}))
	sale := o.sold(1, 10000)
	o.fault("switch>acquirer 0230", lose)
	refund := o.after(dialect.KindRefund, 2, sale, 4000)
	o.ask(refund)
	o.refuses(atAcquirer, DeedReturn, sale, "something else about it is not settled")
	again := *refund
	again.MTI = "0221"
	o.ask(&again)
	o.must(atAcquirer, DeedReturn, sale)
	o.expect("item", o.item(atAcquirer, sale), "held-back 6000 adjusted")
	o.days("2026-03-03", "2026-03-04")
	o.expect("money", o.all(), "")
}

// A refund is not held; and what has an item that is open is settled there, and not by the deadline of its hold.
func TestWhatAHoldLeavesAlone(t *testing.T) {
	o := newBureau(t, rules.Set{}, at(RiskRule{From: 1000, OnDeadline: HoldReturn}), func(a, _ *RelayConfig, _ *IssuerConfig) { a.Refunds.Fee = RefundFeeKept })
	x := o.nodes[atAcquirer].m.(*Relay)
	for k, held := range map[dialect.Kind]bool{dialect.KindSale: true, dialect.KindQRSale: true, dialect.KindRefund: false, dialect.KindPreAuth: false, dialect.KindVoid: false} {
		x.begin(o.now)
		o.expect(k.String(), x.screen(&Transaction{Kind: k, Amount: 5000}) != nil, held)
	}
	undone, large := o.sold(1, 5000), o.sold(2, 5000)
	o.undo(undone, "0400")
	o.withItem(large, AmountLess, ItemOpen, 77)
	o.calendar(CalendarDate, "2026-03-05")
	o.expect("with an item", o.risk(large)+" "+o.item(atAcquirer, large), "held rule 1 amount-less 77 open")
	o.lay(atAcquirer, large, func(t *Transaction) { t.Difference = nil })
	o.days("2026-03-06", "2026-03-09")
	o.expect("without one", o.risk(large), "given-back rule 1")
	o.expect("what was undone", o.risk(undone), "held rule 1")
	o.expect("which costs the merchant nothing", o.view(atAcquirer).Find(large.Key()).Fee, 0)
}
