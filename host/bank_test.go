package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

func TestBankConfig(t *testing.T) {
	account := func(name string, s Standing) BankAccount { return BankAccount{name, s} }
	for _, c := range []struct {
		cfg  BankConfig
		want string
	}{
		{BankConfig{}, "without a name"},
		{BankConfig{Name: "bank", Accounts: []BankAccount{account("", AccountOpen)}}, "want a name of its own"},
		{BankConfig{Name: "bank", Accounts: []BankAccount{account("a", AccountOpen), account("a", AccountClosed)}}, "want a name of its own"},
		{BankConfig{Name: "bank", Accounts: []BankAccount{account("a", AccountWrong)}}, "want open, closed or frozen"},
		{BankConfig{Name: "bank", Accounts: []BankAccount{account("a", "")}}, "want open, closed or frozen"},
		{BankConfig{Name: "bank", Accounts: []BankAccount{account("a", AccountFrozen), account("b", AccountOpen)}}, ""},
	} {
		if _, err := NewBank(c.cfg); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
		}
	}
}

// teller is a bank by itself.
type teller struct {
	t testing.TB
	*node
	out []*File
	no  error
}

func newTeller(t testing.TB) *teller {
	build := func() Machine {
		b, err := NewBank(BankConfig{Name: "bank", Accounts: []BankAccount{{"open", AccountOpen}, {"other", AccountOpen}, {"closed", AccountClosed}, {"frozen", AccountFrozen}}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	return &teller{t: t, node: &node{make: build, m: build()}}
}

// take gives it a file: what is handed out for it, in short, and why it is refused.
func (c *teller) take(f *File) string {
	c.out, c.no = nil, nil
	var said []string
	for _, x := range append([]Effect(nil), c.m.Step(streetStart, Event{Kind: EventFile, File: f})...) {
		switch {
		case x.Append != nil:
			c.log = append(c.log, AppendRecord(nil, x.Append))
		case x.Refused != nil:
			c.no = x.Refused
		case x.File != nil:
			c.out = append(c.out, x.File)
			for _, l := range x.File.Lines {
				said = append(said, strings.TrimSpace(fmt.Sprintf("%s %d %s %s", l.Key.STAN, l.Amount, l.Result, l.Reason)))
			}
		}
	}
	return strings.Join(said, ", ")
}

func (c *teller) restart() {
	c.m = c.make()
	for _, b := range c.log {
		r, err := DecodeRecord(b)
		if err == nil {
			err = c.m.Apply(r)
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
}

// credits are what it has done, in short.
func (c *teller) credits() string {
	var all []string
	for _, x := range c.m.View().Credits {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %d %s", x.Order, x.Account, x.Amount, x.Reason)))
	}
	return strings.Join(all, ", ")
}

// order is a line of a payout file.
func orderLine(stan, order, account string, amount int64) FileLine {
	return FileLine{Key: dialect.Key{MID: testMID, TID: testTID, STAN: stan}, Order: order, Account: account, Amount: amount}
}

func payoutFile(id string, lines ...FileLine) *File {
	return &File{ID: id, Kind: FilePayout, From: "acquirer", To: "bank", Date: "2026-03-02", Lines: lines}
}

func TestBankCarriesAnOrderOutOnce(t *testing.T) {
	c := newTeller(t)
	first := payoutFile("p-1", orderLine("1", "o-1", "open", 100), orderLine("2", "o-2", "closed", 20), orderLine("3", "o-1", "open", 11),
		orderLine("4", "o-3", "frozen", 5), orderLine("5", "o-4", "nobody's", 6))
	said := "1 100 credited, 2 20 returned the account is closed, 3 11 credited, 4 5 returned the account is frozen, 5 6 returned no such account"
	done := "o-1 open 111, o-2 closed 20 the account is closed, o-3 frozen 5 the account is frozen, o-4 nobody's 6 no such account"
	want(t, "answer", c.take(first), said)
	want(t, "credits", c.credits(), done)
	if len(c.out) != 2 || c.out[0].Kind != FilePayoutResult || c.out[0].To != "acquirer" || c.out[1].Kind != FileReceipt || c.out[1].ID != "p-1" {
		t.Errorf("handed out: %+v", c.out)
	}
	logged := len(c.log)
	want(t, "the file again", c.take(first), "")
	want(t, "its answer", len(c.out), 1) // a receipt
	want(t, "records of it", len(c.log), logged)
	c.restart()
	want(t, "behind a restart", c.take(first), "")
	want(t, "credits", c.credits(), done)
	// The same order in another file, as after a power cut of the acquirer: the answer is what became of it, and nothing is credited.
	again := payoutFile("p-2", orderLine("1", "o-1", "open", 100), orderLine("9", "o-9", "other", 7))
	want(t, "the order again", c.take(again), "1 100 credited, 9 7 credited")
	want(t, "credits", c.credits(), done+", o-9 other 7")
}

// What a bank cannot use is refused as a whole: nothing is credited, and there is no receipt.
func TestBankRefuses(t *testing.T) {
	c := newTeller(t)
	line := orderLine("1", "o-1", "open", 100)
	for name, f := range map[string]*File{
		"an order to two accounts":  payoutFile("p", line, orderLine("2", "o-1", "other", 1)),
		"an order beyond all sums":  payoutFile("p", orderLine("1", "o-1", "open", maxRecorded), orderLine("2", "o-1", "open", 1)),
		"no order":                  payoutFile("p", orderLine("1", "", "open", 1)),
		"no account":                payoutFile("p", orderLine("1", "o-1", "", 1)),
		"nothing":                   payoutFile("p", orderLine("1", "o-1", "open", 0)),
		"a file for somebody else":  {ID: "p", Kind: FilePayout, From: "acquirer", To: "issuer", Date: "2026-03-02", Lines: []FileLine{line}},
		"a file of another kind":    {ID: "p", Kind: FilePassOn, From: "acquirer", To: "bank", Date: "2026-03-02", Lines: []FileLine{line}},
		"what a bank itself writes": {ID: "p", Kind: FilePayoutResult, From: "acquirer", To: "bank", Date: "2026-03-02", Lines: []FileLine{line}},
	} {
		c.take(f)
		if !errors.Is(c.no, ErrFile) || len(c.out) != 0 || len(c.log) != 0 {
			t.Errorf("%s: %v, handed out %v, %d records", name, c.no, c.out, len(c.log))
		}
	}
	c.take(payoutFile("p", orderLine("1", "o-1", "open", maxRecorded-1), orderLine("2", "o-1", "open", 1)))
	want(t, "the largest order", c.credits(), fmt.Sprintf("o-1 open %d", maxRecorded))
}

// A bank's log has nothing of another party's, and no order twice.
func TestBankRefusesRecords(t *testing.T) {
	credit := &Record{Credit: &BankCredit{Order: "o", Account: "a", Amount: 1}}
	for name, r := range map[string]*Record{
		"a transaction":   {Transaction: &Transaction{Key: dialect.Key{TID: "T", STAN: "1"}, State: Approved}},
		"a sign-on":       {SignOn: everything().SignOn},
		"an account":      {Account: everything().Account},
		"a batch":         {Batch: everything().Batch},
		"a merchant":      {Merchant: everything().Merchant},
		"a duty":          {Duty: everything().Duty},
		"a credit of 0":   {Credit: &BankCredit{Order: "o", Account: "a"}},
		"a credit of < 0": {Credit: &BankCredit{Order: "o", Account: "a", Amount: -1}},
		"too much":        {Credit: &BankCredit{Order: "o", Account: "a", Amount: maxRecorded + 1}},
		"no order":        {Credit: &BankCredit{Account: "a", Amount: 1}},
		"no account":      {Credit: &BankCredit{Order: "o", Amount: 1}},
	} {
		if err := newTeller(t).m.Apply(r); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	b := newTeller(t).m
	if err := b.Apply(credit); err != nil {
		t.Fatal(err)
	}
	if err := b.Apply(credit); err == nil {
		t.Error("an order is carried out twice")
	}
}

// FuzzBank: whatever files come to a bank, in whatever order and however often, no order is credited twice, an account that is not open
// takes nothing, every line of a file that is taken is answered alike for one order, and the log makes the same bank again.
func FuzzBank(f *testing.F) {
	f.Add([]byte{0, 1, 0, 10, 0x10, 1, 0, 20, 1, 2, 1, 5})
	f.Add([]byte{0, 1, 0, 10, 0, 1, 0, 10, 0x81, 1, 0, 10, 2, 3, 2, 255})
	f.Add([]byte{0, 1, 3, 1, 0x11, 1, 0, 0, 3, 4, 4, 9, 0xF3, 1, 1, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		c := newTeller(t)
		accounts := []string{"open", "other", "closed", "frozen", "nobody's"}
		var lines []FileLine
		answered := map[string]string{}
		for n := 0; len(data) >= 4 && n < 64; n++ {
			b := data[:4]
			data = data[4:]
			lines = append(lines, orderLine(fmt.Sprint(n), fmt.Sprint("o-", b[1]&7), accounts[int(b[2])%len(accounts)], int64(b[3])))
			if b[0]&0x10 != 0 && len(data) >= 4 {
				continue // another line of the same file
			}
			c.take(payoutFile(fmt.Sprint("p-", b[0]&3), lines...))
			asked := lines
			lines = nil
			if c.no != nil {
				want(t, "handed out for what is refused", len(c.out), 0)
				continue
			}
			for _, out := range c.out {
				if out.Kind == FilePayoutResult && len(out.Lines) != len(asked) {
					t.Fatalf("%d lines are answered by %d", len(asked), len(out.Lines))
				}
				for _, l := range out.Lines {
					if (l.Result == resultCredited) != (l.Reason == "") || answered[l.Order] != "" && answered[l.Order] != l.Result {
						t.Fatalf("order %s: %s %q, and before %s", l.Order, l.Result, l.Reason, answered[l.Order])
					}
					answered[l.Order] = l.Result
				}
			}
			if b[0]&0x80 != 0 {
				c.restart()
			}
		}
		once := map[string]bool{}
		for _, x := range c.m.View().Credits {
			if once[x.Order] || x.Amount <= 0 || (x.Reason == "") != (x.Account == "open" || x.Account == "other") {
				t.Fatalf("%+v, once more: %v", x, once[x.Order])
			}
			once[x.Order] = true
		}
		before, err := json.Marshal(c.m.View())
		if err != nil {
			t.Fatal(err)
		}
		c.restart()
		if after, err := json.Marshal(c.m.View()); err != nil || string(after) != string(before) {
			t.Fatalf("before a restart\n%s\nafter it\n%s %v", before, after, err)
		}
	})
}

// A merchant's payout that comes back is his still: it is an item until his account is corrected, comes back once more if that is no
// better, and is paid once.
func TestMoneyThatTheBankRefusesTwice(t *testing.T) {
	o := newBureau(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) { a.PayTo = AccountClosed })
	sale, other := o.sold(1, 10000), o.sold(2, 5000)
	o.days("2026-03-03")
	o.expect("first", o.paid(sale)+" "+o.item(atAcquirer, sale), "returned payout-returned 9940 open")
	o.expect("money", o.all(), "cardholder -15000 acquirer 15000")
	o.days("2026-03-04")
	o.expect("nothing new is ordered", len(o.view(atBank).Credits), 1)
	correct := func(s Standing) { // the account
		t.Helper()
		if err := o.does(atAcquirer, Deed{Do: DeedCorrect, MID: testMID, Account: s}); err != nil {
			t.Error(err)
		}
	}
	correct(AccountFrozen)
	o.expect("corrected", o.paid(sale), "corrected")
	o.days("2026-03-05")
	e := o.view(atAcquirer).Find(sale.Key())
	o.expect("second", fmt.Sprint(o.paid(sale), e.Payout.Returns, e.Payout.Reason), "returned2the account is frozen")
	o.expect("one item", o.item(atAcquirer, sale), "payout-returned 9940 open")
	o.refuses(atAcquirer, DeedWriteOff, sale, "only what is missing is borne")
	o.days("2026-04-30", "2026-05-01") // behind every deadline
	o.expect("nobody bears it", o.all(), "cardholder -15000 acquirer 15000")
	correct(AccountOpen)
	o.restart(atAcquirer)
	o.fault("file payout-result", double)
	o.days("2026-05-04", "2026-05-05")
	o.expect("third", o.paid(sale)+" "+o.item(atAcquirer, sale), "credited payout-returned 9940 closed")
	o.expect("and the other", o.paid(other), "credited")
	o.expect("money", o.all(), "cardholder -15000 merchant 14910 fees 90")
	o.expect("orders", len(o.view(atBank).Credits), 3)
}

func TestAccountCorrections(t *testing.T) {
	o := newBureau(t, rules.Set{})
	for _, c := range []struct {
		d    Deed
		want string
	}{
		{Deed{Do: DeedCorrect, MID: testMID, Account: "lost"}, "want one of [open wrong closed frozen]"},
		{Deed{Do: DeedCorrect, MID: testMID}, "want one of"},
		{Deed{Do: DeedCorrect, MID: "nobody", Account: AccountOpen}, "there is none"},
		{Deed{Do: DeedSuspend, TID: "nobody"}, "there is none"},
		{Deed{Do: DeedLift}, "there is none"},
		{Deed{Do: DeedRelease}, "nobody holds it"},
		{Deed{Do: "dance"}, "no item"},
	} {
		logged := len(o.nodes[atAcquirer].log)
		if err := o.does(atAcquirer, c.d); !errors.Is(err, ErrItem) || !strings.Contains(err.Error(), c.want) || len(o.nodes[atAcquirer].log) != logged {
			t.Errorf("%+v: %v, want %q and no record", c.d, err, c.want)
		}
	}
	logged := len(o.nodes[atAcquirer].log)
	for range 2 {
		if err := o.does(atAcquirer, Deed{Do: DeedSuspend, TID: testTID}); err != nil {
			t.Error(err)
		}
	}
	o.expect("suspended once", len(o.nodes[atAcquirer].log), logged+1)
}

// An answer of the bank that is not about the order under way changes nothing, and one with a word that is none changes nothing at all.
func TestAnswersOfTheBank(t *testing.T) {
	o := newBureau(t, rules.Set{})
	sale, other := o.sold(1, 10000), o.sold(2, 500)
	o.jam = FilePayout
	o.days("2026-03-03")
	order := o.view(atAcquirer).Find(sale.Key()).Payout.Order
	answer := func(id string, lines ...FileLine) {
		o.hand(&File{ID: id, Kind: FilePayoutResult, From: "bank", To: "acquirer", Date: "2026-03-03", Lines: lines}, 0)
	}
	said := func(m *dialect.Message, order, result string) FileLine {
		return FileLine{Key: m.Key(), Amount: 9940, Order: order, Account: "a", Result: result, Reason: "x"}
	}
	before := o.all()
	stranger := said(sale, order, resultCredited)
	stranger.Key.STAN = "000777"
	answer("r-1", said(sale, "another", resultCredited), stranger)
	o.expect("of no order of ours", o.paid(sale)+", "+o.all(), "ordered, "+before)
	no := len(o.no)
	answer("r-2", said(sale, order, resultCredited), said(other, order, "perhaps"))
	o.expect("a word that is none", fmt.Sprintln(len(o.no)-no, o.paid(sale), o.paid(other)), "1 ordered ordered\n")
	answer("r-3", said(sale, order, resultCredited), said(other, order, resultReturned))
	answer("r-4", said(sale, order, resultReturned), said(other, order, resultCredited))
	o.expect("what it said first", o.paid(sale)+" "+o.paid(other), "credited returned")
}

// When a merchant is paid: D+0 at the cut-over, D+1 when the files of the day were compared, T+1 at the payout.
func TestSettlements(t *testing.T) {
	for _, c := range []struct {
		s                         Settlement
		cutover, compared, payday string
	}{
		{"", "none", "none", "credited"},
		{SettleT1, "none", "none", "credited"},
		{SettleD1, "none", "credited", "credited"},
		{SettleD0, "credited", "credited", "credited"},
	} {
		o := newBureau(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) { a.Terminals[0].Settles = c.s })
		sale := o.sold(1, 10000)
		o.fault("file clearing", hold)
		o.calendar(CalendarCutover, "2026-03-03")
		o.expect(string(c.s)+" at the cut-over", o.paid(sale), c.cutover)
		o.unshelve()
		o.expect(string(c.s)+" when compared", o.paid(sale), c.compared)
		o.calendar(CalendarPayout, "")
		o.expect(string(c.s)+" at the payout", o.paid(sale), c.payday)
		o.expect("money", o.all(), "cardholder -10000 merchant 9940 fees 60")
	}
	for s, ok := range map[Settlement]bool{"": true, SettleT1: true, SettleD1: true, SettleD0: true, "t2": false} {
		want(t, "known "+string(s), s.known(), ok)
	}
}

// Where nothing is left for the merchant no order is made, and what the fee is more than is owed is his.
func TestNothingIsLeftToPay(t *testing.T) {
	o := newBureau(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) {
		p := FlatPlan("dear", 0)
		for _, k := range CardTypes() {
			p.Fees[k] = []Fee{{From: 1, Minimum: 100}}
		}
		a.Plan, a.Refunds.Fee = p, RefundFeeKept
	})
	o.sold(1, 100)
	o.sold(2, 101)
	refunded := o.sold(3, 500)
	o.ask(o.after(dialect.KindRefund, 4, refunded, 450))
	o.days("2026-03-03")
	o.expect("paid", fmt.Sprintln(o.paid(o.till.asked[0]), o.paid(o.till.asked[1]), o.paid(refunded)), "none credited none\n")
	o.expect("money", o.all(), "cardholder -251 merchant -49 fees 300") // a fee of 100 each; 1 is ordered, and of the third 50 are owed
	o.expect("orders", len(o.view(atBank).Credits), 1)
}

// ordered is a bureau whose payout of a sale is ordered, and not answered.
func ordered(t *testing.T, amount int64, change ...func(a, s *RelayConfig, i *IssuerConfig)) (*bureau, *dialect.Message) {
	o := newBureau(t, rules.Set{}, change...)
	sale := o.sold(1, amount)
	o.calendar(CalendarCutover, "2026-03-03")
	o.fault("file payout-result", hold)
	o.step(atAcquirer, Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarPayout}}, 0)
	o.expect("payout", o.paid(sale), "ordered")
	o.now = o.now.Add(time.Second) // what comes now comes behind it
	return o, sale
}

// What is ordered is as good as paid: a refund is taken from the merchant then, and so is what is given back.
func TestWhatBefallsAnOrder(t *testing.T) {
	o, sale := ordered(t, 10000)
	o.ask(o.after(dialect.KindRefund, 2, sale, 4000))
	o.expect("refunded", o.all(), "cardholder -10000 switch 4000 acquirer 10000 merchant -3976 fees -24")
	o.unshelve()
	o.expect("and paid", o.all(), "cardholder -10000 switch 4000 merchant 5964 fees 36")

	o, sale = ordered(t, 10000)
	o.withItem(sale, ReversalRefused, ItemOpen, 4000)
	o.must(atAcquirer, DeedAdjust, sale)
	o.unshelve()
	o.expect("given back, and paid", o.all(), "cardholder -6000 merchant 5964 fees 36")

	// Netted: the refund is no part of the order, and is taken out of what the order brings.
	o, sale = ordered(t, 10000, func(a, _ *RelayConfig, _ *IssuerConfig) { a.Refunds.Netting = true })
	refund := o.after(dialect.KindRefund, 2, sale, 4000)
	o.ask(refund)
	o.expect("owed", o.view(atAcquirer).Find(refund.Key()).Paid, false)
	o.unshelve()
	o.expect("collected", fmt.Sprint(o.view(atAcquirer).Find(refund.Key()).Paid, " ", o.all()), "true cardholder -10000 switch 4000 merchant 5964 fees 36")

	// The fee is audited when it has been taken.
	o, sale = ordered(t, 10000, func(a, _ *RelayConfig, _ *IssuerConfig) {
		a.Books = &Booking{"8062", "a hospital", FlatPlan("hospitals", 0)}
	})
	o.step(atAcquirer, Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarPayout}}, 0)
	o.expect("before", o.item(atAcquirer, sale), "none")
	o.unshelve()
	o.expect("behind it", o.item(atAcquirer, sale), "fee-differs 60 open")
}

// A refund that is netted is taken out of the next payouts, as much as they bring.
func TestNettedRefunds(t *testing.T) {
	o := newBureau(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) { a.Refunds.Netting = true })
	sale := o.sold(1, 10000)
	o.days("2026-03-03")
	refund := o.after(dialect.KindRefund, 2, sale, 10000)
	o.ask(refund)
	o.expect("nobody is charged", o.all(), "cardholder -10000 switch 10000 acquirer -9940 merchant 9940")
	o.sold(3, 5000)
	o.days("2026-03-04", "2026-03-05")
	o.expect("a part", o.all(), "cardholder -5000 acquirer -4970 merchant 9940 fees 30")
	o.sold(4, 6000)
	o.days("2026-03-06", "2026-03-09")
	o.expect("and the rest", o.all(), "cardholder -11000 merchant 10934 fees 66")
	o.expect("settled", o.view(atAcquirer).Find(refund.Key()).Paid, true)
}

// What was refunded before the payout had no fee taken of it, and gives none back.
func TestShareOfTheFee(t *testing.T) {
	o := newBureau(t, rules.Set{})
	sale := o.sold(1, 10000)
	o.ask(o.after(dialect.KindRefund, 2, sale, 4000))
	o.days("2026-03-03")
	o.expect("paid", o.all(), "cardholder -6000 merchant 5964 fees 36")
	o.ask(o.after(dialect.KindRefund, 3, sale, 3000))
	o.expect("half of the rest, and of its fee", o.all(), "cardholder -6000 switch 3000 merchant 2982 fees 18")
}

// An item that is there already is not lost when the payout comes back.
func TestAnItemOutlivesAReturn(t *testing.T) {
	o := newBureau(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) { a.PayTo = AccountFrozen })
	sale := o.sold(1, 10000)
	o.withItem(sale, AmountLess, ItemOpen, 77)
	o.days("2026-03-03")
	o.expect("returned", o.paid(sale)+" "+o.item(atAcquirer, sale), "returned amount-less 77 open")
}

// While an item of money too much is open, or its sale is charged back, the merchant is not paid.
func TestWhatIsNotPaid(t *testing.T) {
	for _, c := range []struct {
		k    ItemType
		s    ItemStage
		want string
	}{
		{ReversalRefused, ItemOpen, "none"}, {HeldBack, ItemOpen, "none"}, {Dispute, ItemChargedBack, "none"}, {Dispute, ItemChargedBackAgain, "none"},
		{Dispute, ItemRepresented, "credited"}, {AmountLess, ItemOpen, "credited"}, {ReversalRefused, ItemClosed, "credited"},
	} {
		o := newBureau(t, rules.Set{})
		sale := o.sold(1, 10000)
		o.withItem(sale, c.k, c.s, 10)
		o.days("2026-03-03")
		o.expect(fmt.Sprint(c.k, " ", c.s), o.paid(sale), c.want)
	}
}

// A merchant's account is his: another one's payouts wait, and his sales are not counted with another's.
func TestTwoMerchants(t *testing.T) {
	const otherTID, otherMID = "SIM00002", "SIM000000000002"
	o := newBureau(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) {
		a.Terminals = append(a.Terminals, TerminalKeys{TID: otherTID, MID: otherMID, Key: a.Terminals[0].Key})
		a.Risk = []RiskRule{{By: ByMerchant, Within: time.Hour, Count: 2, Days: 1, Reason: "r"}}
		a.PayTo = AccountClosed
	})
	other := o.sale(2, 5000)
	other.CardAcceptorTerminalIdentification, other.CardAcceptorIdentificationCode = otherTID, otherMID
	sale := o.sold(1, 10000)
	o.ask(other)
	o.expect("two sales of two merchants", o.risk(sale)+" "+o.risk(other), "none none")
	o.days("2026-03-03")
	o.expect("returned", o.paid(sale)+" "+o.paid(other), "returned returned")
	if err := o.does(atAcquirer, Deed{Do: DeedCorrect, MID: testMID, Account: AccountOpen}); err != nil {
		t.Error(err)
	}
	o.expect("corrected", o.paid(sale)+" "+o.paid(other), "corrected returned")
	o.days("2026-03-04", "2026-03-05")
	o.expect("paid", o.paid(sale)+" "+o.paid(other), "credited returned")
	for range 2 {
		for _, c := range []struct {
			do   string
			want bool
		}{{DeedSuspend, true}, {DeedLift, false}} {
			if err := o.does(atAcquirer, Deed{Do: c.do, TID: otherTID}); err != nil {
				t.Error(err)
			}
			x := o.nodes[atAcquirer].m.(*Relay)
			o.expect(c.do, fmt.Sprint(x.stateOf(x.terminals[otherTID]).Disabled, x.stateOf(x.terminals[testTID]).Disabled), fmt.Sprint(c.want, false))
		}
	}
}
