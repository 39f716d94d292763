package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// lay changes a transaction in a party's log, as if it had become so.
func (o *bureau) lay(at int, m *dialect.Message, change func(t *Transaction), posts ...Posting) {
	o.t.Helper()
	n := o.nodes[at]
	t := n.m.View().Find(m.Key()).Transaction
	change(&t)
	r, err := DecodeRecord(AppendRecord(nil, &Record{At: o.now, Transaction: &t, Postings: posts}))
	if err == nil {
		err = n.m.Apply(r)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	n.log = append(n.log, AppendRecord(nil, r))
}

// withItem lays an item about a sale, and a slip beside it.
func (o *bureau) withItem(m *dialect.Message, k ItemType, s ItemStage, amount int64, posts ...Posting) {
	o.t.Helper()
	o.lay(atAcquirer, m, func(t *Transaction) {
		t.Difference = &Item{Owner: "acquirer", Amount: amount, Type: k, Stage: s, Deadline: "2026-03-22"}
		if s == ItemLost {
			t.Difference.Bearer = "acquirer"
		}
		t.Signature = &Signature{STAN: "000099", Size: 3, Digest: strings.Repeat("0a", 32)}
	}, posts...)
	if k == Dispute {
		o.lay(atIssuer, m, func(t *Transaction) {
			t.Difference = &Item{Owner: "acquirer", Amount: amount, Type: k, Stage: ItemChargedBack, Deadline: "2026-03-22"}
		})
	}
}

// Every deed about an item of every type at every stage: it is done, it has been done already, or it is refused and changes nothing.
func TestEveryDeedAtEveryStage(t *testing.T) {
	long := []string{"reversal-refused open", "host-only open", "amount-more open", "switch-only open", "held-back open"}
	missing := []string{"terminal-only open", "amount-less open", "acquirer-only open", "switch-less open"}
	allowed := map[string][]string{
		DeedAdjust:    long,
		DeedClaim:     missing,
		DeedRepresent: {"dispute charged-back"},
		DeedWriteOff:  append([]string{"dispute charged-back", "dispute charged-back-again"}, "advice-refused open", "offline-refused open", "not-passed-on open", "dispute open"),
	}
	allowed[DeedWriteOff] = append(append(allowed[DeedWriteOff], missing...), "refund-uncovered open", "refund-netted open")
	for _, k := range []ItemType{TerminalOnly, AmountLess, AcquirerOnly, SwitchLess, RefundUncovered, Dispute, AdviceRefused, OfflineRefused, NotPassedOn, RefundNetted} {
		for _, s := range []ItemStage{ItemRefused, ItemChargedBack, ItemChargedBackAgain} { // stages that wait for somebody to bear it
			allowed[DeedWriteOff] = append(allowed[DeedWriteOff], k.String()+" "+s.String())
		}
	}
	done := map[string]ItemStage{DeedAdjust: ItemAdjusted, DeedClaim: ItemClaimed, DeedRepresent: ItemRepresented, DeedWriteOff: ItemLost}
	for deed, list := range allowed {
		for k := ReversalRefused; int(k) < len(itemTypeNames); k++ {
			for s := ItemOpen; int(s) < len(itemStageNames); s++ {
				what := k.String() + " " + s.String()
				o := newBureau(t, rules.Set{})
				sale := o.sold(1, 10000)
				o.withItem(sale, k, s, 10000)
				logged := len(o.nodes[atAcquirer].log)
				err := o.deed(atAcquirer, deed, sale)
				wrote := len(o.nodes[atAcquirer].log) > logged
				ok := err == nil && !wrote
				switch {
				case s == done[deed] && !(deed == DeedAdjust && !k.long()):
				case slices.Contains(list, what):
					ok = err == nil && wrote
				case s == done[deed]: // it cannot have come there
				default:
					ok = errors.Is(err, ErrItem) && !wrote
				}
				if !ok {
					t.Errorf("%s of %s: %v, records %v", deed, what, err, wrote)
				}
			}
		}
	}
}

// What each deed moves, and where the money is in the end.
func TestWhatADeedMoves(t *testing.T) {
	suspended := Posting{PositionAcquirer, PositionSuspense, 10000}
	for _, c := range []struct {
		name       string
		paid       bool
		item       ItemType
		amount     int64
		posts      []Posting
		deed       string
		money, end string // at once, and when the files have been read
		then       string // the item
	}{
		{"too much, in suspense", false, HostOnly, 10000, []Posting{suspended}, DeedAdjust, "", "", "host-only 10000 adjusted"},
		{"too much, not paid yet", false, ReversalRefused, 4000, nil, DeedAdjust, "cardholder -6000 acquirer 6000", "cardholder -6000 merchant 5964 fees 36", "reversal-refused 4000 adjusted"},
		{"too much, with its fee", true, ReversalRefused, 4000, nil, DeedAdjust, "cardholder -6000 merchant 5964 fees 36", "cardholder -6000 merchant 5964 fees 36", "reversal-refused 4000 adjusted"},
		{"all of it was paid", true, ReversalRefused, 10000, nil, DeedAdjust, "", "", "reversal-refused 10000 adjusted"},
		{"the switch has less: it is claimed, and charged again", false, SwitchLess, 3000, nil, DeedClaim,
			"cardholder -13000 issuer 3000 acquirer 10000", "cardholder -13000 issuer 3000 merchant 9940 fees 60", "switch-less 3000 accepted"},
		{"the terminal has more", false, AmountLess, 3000, nil, DeedClaim,
			"cardholder -13000 acquirer 13000", "cardholder -13000 merchant 12922 fees 78", "amount-less 3000 accepted"},
		{"it is borne", false, AmountLess, 3000, nil, DeedWriteOff,
			"cardholder -10000 acquirer 13000 loss:acquirer -3000", "cardholder -10000 merchant 12922 fees 78 loss:acquirer -3000", "amount-less 3000 lost acquirer"},
		{"borne, out of suspense", false, AcquirerOnly, 10000, []Posting{suspended}, DeedWriteOff,
			"cardholder -10000 issuer 10000 acquirer 10000 loss:acquirer -10000", "cardholder -10000 issuer 10000 merchant 9940 fees 60 loss:acquirer -10000", "acquirer-only 10000 lost acquirer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newBureau(t, rules.Set{})
			sale := o.sold(1, 10000)
			if c.paid {
				o.days("2026-03-03")
			}
			o.withItem(sale, c.item, ItemOpen, c.amount, c.posts...)
			o.must(atAcquirer, c.deed, sale)
			o.expect("money", o.all(), c.money)
			_ = o.deed(atAcquirer, c.deed, sale) // done, or refused because it was
			o.expect("money", o.all(), c.money)
			o.days("2026-03-04", "2026-03-05")
			o.expect("in the end", o.all(), c.end)
			o.expect("item", o.item(atAcquirer, sale), c.then)
		})
	}
}

// A file of an item may be lost, late, doubled, and its deed be asked for again: what it asks for is done once.
func TestFilesOfAnItem(t *testing.T) {
	for _, what := range []int{0, lose, hold, double, crashBeforeLog, crashAfterLog} {
		for name, c := range map[string]struct {
			kind  ItemType
			deed  string
			money string
		}{
			"adjustment": {ReversalRefused, DeedAdjust, "cardholder -6000 merchant 5964 fees 36"},
			"claim":      {AmountLess, DeedClaim, "cardholder -14000 merchant 13916 fees 84"},
		} {
			o := newBureau(t, rules.Set{})
			sale := o.sold(1, 10000)
			o.withItem(sale, c.kind, ItemOpen, 4000)
			o.fault("file "+name, what)
			o.fault("file claim-answer", what)
			o.must(atAcquirer, c.deed, sale)
			_ = o.deed(atAcquirer, c.deed, sale) // done, or refused because it was
			o.days("2026-03-03", "2026-03-04")
			o.unshelve()
			o.days("2026-03-05", "2026-03-06")
			o.expect(fmt.Sprint(name, " ", what), o.all(), c.money)
		}
	}
}

// What the issuer says to a claim.
func TestClaims(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(o *bureau, sale *dialect.Message)
		want   string // the acquirer's item and why
	}{
		{"it is paid", func(*bureau, *dialect.Message) {}, "accepted "},
		{"the account is closed", func(o *bureau, _ *dialect.Message) {
			o.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", Status: Closed}}, 0)
		}, "refused the account is closed"},
		{"there is not enough", func(o *bureau, _ *dialect.Message) {
			o.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", SetBalance: true, Balance: 2999}}, 0)
		}, "refused not enough funds"},
		{"there is just enough", func(o *bureau, _ *dialect.Message) {
			o.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", SetBalance: true, Balance: 3000}}, 0)
		}, "accepted "},
		{"there is an item already", func(o *bureau, sale *dialect.Message) {
			o.lay(atIssuer, sale, func(t *Transaction) { t.Difference = &Item{Owner: "issuer", Amount: 1} })
		}, "refused there is an item already"},
		{"it is nobody's", func(o *bureau, sale *dialect.Message) {
			o.lay(atIssuer, sale, func(t *Transaction) { t.Account = "" })
		}, "refused no such transaction"},
	} {
		o := newBureau(t, rules.Set{})
		sale := o.sold(1, 10000)
		o.withItem(sale, AmountLess, ItemOpen, 3000)
		c.before(o, sale)
		o.must(atAcquirer, DeedClaim, sale)
		i := o.view(atAcquirer).Find(sale.Key()).Difference
		o.expect(c.name, i.Stage.String()+" "+i.History[len(i.History)-1].Why, c.want)
		o.expect("the acquirer has", o.positions()[PositionAcquirer], map[bool]int64{true: 13000, false: 10000}[i.Stage == ItemAccepted])
		if i.Stage == ItemRefused {
			o.must(atAcquirer, DeedWriteOff, sale)
			o.expect("and bears it then", o.item(atAcquirer, sale), "amount-less 3000 lost acquirer")
		}
	}
}

// A dispute goes to and fro once, and each side has its money once.
func TestDispute(t *testing.T) {
	o := newBureau(t, rules.Set{})
	sale, refunded, young := o.sold(1, 10000), o.sold(2, 500), o.sold(3, 300)
	o.days("2026-03-03")
	o.ask(o.after(dialect.KindRefund, 4, refunded, 100))
	o.refuses(atIssuer, DeedAdjust, sale, "that is the acquirer's to do")
	o.refuses(atIssuer, DeedChargeBack, refunded, "it has been refunded")
	o.refuses(atIssuer, DeedChargeBack, o.sale(9, 1), "no sale that stands")
	o.undo(young, "0400") // it is paid: an item at the acquirer
	o.refuses(atAcquirer, DeedChargeBack, sale, "no item")
	before, merchant := o.all(), o.positions()[PositionMerchant]
	o.fault("file charge-back", double)
	o.must(atIssuer, DeedChargeBack, sale)
	o.must(atIssuer, DeedChargeBack, sale)
	o.expect("charged back", o.item(atAcquirer, sale)+", "+o.item(atIssuer, sale), "dispute 10000 charged-back, dispute 10000 charged-back")
	back := o.all()
	o.refuses(atAcquirer, DeedRepresent, sale, "no slip")
	o.lay(atAcquirer, sale, func(t *Transaction) {
		t.Signature = &Signature{STAN: "000099", Size: 3, Digest: strings.Repeat("0a", 32)}
	})
	o.fault("file representment", double)
	o.must(atAcquirer, DeedRepresent, sale)
	o.expect("asked for again", o.item(atAcquirer, sale)+", "+o.item(atIssuer, sale), "dispute 10000 represented, dispute 10000 represented")
	o.expect("the money is where it was", o.all(), before)
	if e := o.view(atIssuer).Find(sale.Key()).Difference; !strings.Contains(e.Evidence, "slip 0a") {
		t.Errorf("evidence %q", e.Evidence)
	}
	o.must(atIssuer, DeedChargeBack, sale)
	o.expect("and back again", o.item(atAcquirer, sale)+", "+o.item(atIssuer, sale), "dispute 10000 charged-back-again, dispute 10000 charged-back-again")
	o.expect("money", o.all(), back)
	o.refuses(atAcquirer, DeedRepresent, sale, "only what was charged back once")
	o.must(atAcquirer, DeedWriteOff, sale)
	o.expect("borne", o.item(atAcquirer, sale)+fmt.Sprint(" ", o.positions()["loss:acquirer"]), "dispute 10000 lost acquirer -10000")
	o.expect("and the merchant has it", o.positions()[PositionMerchant], merchant)
	o.calendar(CalendarDate, "2026-03-23")
	o.calendar(CalendarDate, "2026-03-24")
	o.expect("at the issuer it is over", o.item(atIssuer, sale), "dispute 10000 closed")
	o.refuses(atIssuer, DeedChargeBack, sale, "the dispute is over")
}

// At a deadline, which may be any day of the week, everything is as on the day before; behind it the rules of the house do what nobody did.
func TestDeadlines(t *testing.T) {
	const deadline, behind = "2026-03-22", "2026-03-23" // a Sunday and a Monday
	for _, c := range []struct {
		item  ItemType
		stage ItemStage
		want  string
	}{
		{HostOnly, ItemOpen, "host-only 1000 adjusted"},
		{ReversalRefused, ItemOpen, "reversal-refused 1000 adjusted"},
		{TerminalOnly, ItemOpen, "terminal-only 1000 lost acquirer"},
		{AcquirerOnly, ItemOpen, "acquirer-only 1000 lost acquirer"},
		{AmountLess, ItemRefused, "amount-less 1000 lost acquirer"},
		{AmountLess, ItemClaimed, "amount-less 1000 claimed"},
		{Dispute, ItemChargedBack, "dispute 1000 closed"},
		{Dispute, ItemRepresented, "dispute 1000 accepted"},
		{Dispute, ItemChargedBackAgain, "dispute 1000 closed"},
		{FeeDiffers, ItemOpen, "fee-differs 1000 closed"},
		{ReversedByHand, ItemOpen, "reversed-by-hand 1000 closed"},
		{ReturnedPayout, ItemOpen, "payout-returned 1000 open"},
		{OfflineRefused, ItemOpen, "offline-refused 1000 lost acquirer"},
	} {
		o := newBureau(t, rules.Set{})
		sale := o.sold(1, 10000)
		o.withItem(sale, c.item, c.stage, 1000)
		as := o.item(atAcquirer, sale)
		x := o.nodes[atAcquirer].m.(*Relay)
		for _, date := range []string{deadline, behind} {
			o.expect(as+" until "+date, o.item(atAcquirer, sale), as)
			x.book.date = date
			x.begin(o.now)
			x.overdue()
		}
		o.expect(as+" behind it", o.item(atAcquirer, sale), c.want)
	}
	// The calendar looks after them.
	o := newBureau(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) { a.Clearing.Days = 4 })
	sale := o.sold(1, 10000)
	o.days("2026-03-03")
	o.undo(sale, "0400")
	o.expect("deadline", o.view(atAcquirer).Find(sale.Key()).Difference.Deadline, "2026-03-07") // a Saturday
	o.days("2026-03-06", "2026-03-07")
	o.expect("on the day", o.item(atAcquirer, sale)+", "+o.all(), "reversal-refused 10000 open, cardholder -10000 merchant 9940 fees 60")
	o.days("2026-03-09")
	o.expect("behind it", o.item(atAcquirer, sale)+", "+o.all(), "reversal-refused 10000 adjusted, ")
}

// FuzzDeed: whatever is done at the desks, and whatever becomes of the files, every item moves forward only, nobody is credited what was not
// taken, the logs make the same parties again; and when all files have come and all deadlines have passed no money is between two parties.
func FuzzDeed(f *testing.F) {
	f.Add([]byte{0, 1, 0x30, 1, 0x10, 0, 2, 1, 0x30, 2})             // sold, a day, adjusted
	f.Add([]byte{0, 1, 0x30, 1, 0x20, 0, 0x10, 0, 0x13, 1})          // charged back
	f.Add([]byte{0, 9, 0, 3, 0x1C, 0, 0x30, 1, 0x40, 1, 0x50, 3})    // reversed by hand
	f.Add([]byte{0, 9, 0x30, 1, 0x60, 4, 0x60, 1, 0x30, 9, 0x70, 1}) // refunded
	f.Add([]byte{0, 200, 0x18, 0, 0x80, 5, 0x30, 1, 0x14, 1, 0x90, 0, 0x30, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		o := newBureau(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) {
			a.Risk = []RiskRule{{From: 15000, Days: 5, Reason: "large", OnDeadline: HoldReturn}}
		})
		deeds := append(Deeds(), PlainDeeds()...)
		day := 0
		next := func(n int) string { day += n; return streetStart.AddDate(0, 0, day).Format(dateForm) }
		stan := 0
		for n := 0; len(data) >= 2 && n < 48; n++ {
			what, arg := data[0], data[1]
			data = data[2:]
			var m *dialect.Message
			if len(o.till.asked) > 0 {
				m = o.till.asked[int(arg)%len(o.till.asked)]
			}
			switch {
			case what < 0x10 || m == nil:
				stan++
				o.ask(o.sale(stan, int64(arg)*100+1))
			case what < 0x20:
				_ = o.deed(atAcquirer, deeds[int(what)%len(deeds)], m)
			case what < 0x28:
				_ = o.deed(atIssuer, DeedChargeBack, m)
			case what < 0x30:
				_ = o.does(atAcquirer, Deed{Do: DeedCorrect, MID: testMID, Account: Standing(Standings()[int(arg)%4])})
			case what < 0x40:
				o.days(next(int(arg) % 8))
			case what < 0x50:
				o.undo(m, "0400")
			case what < 0x60:
				o.restart(int(arg) % len(o.nodes))
				o.run()
			case what < 0x70 && dialect.Class(m.MTI) == dialect.ClassFinancial && m.MTI == "0200":
				stan++
				o.ask(o.after(dialect.KindRefund, stan, m, min(m.AmountTransaction, int64(arg)*100+1)))
			case what < 0x80 && m.MTI == "0200":
				stan++
				o.ask(o.after(dialect.KindVoid, stan, m, m.AmountTransaction))
			case what < 0x90:
				o.fault("file "+FileKinds()[int(arg)%len(FileKinds())], []int{lose, hold, double, crashBeforeLog, crashAfterLog}[int(what)%5])
			case what < 0xA0:
				o.unshelve()
			case what < 0xB0 && o.view(atAcquirer).Find(m.Key()) != nil:
				o.lay(atAcquirer, m, func(t *Transaction) {
					t.Signature = &Signature{STAN: "000099", Size: 3, Digest: strings.Repeat("0a", 32)}
				})
			}
			o.pass(time.Minute)
		}
		o.settle(next)
	})
}

// settle has everything come and pass, and says what is wrong then.
func (o *bureau) settle(next func(int) string) {
	clear(o.faults)
	o.unshelve()
	o.pass(time.Hour)
	_ = o.does(atAcquirer, Deed{Do: DeedCorrect, MID: testMID, Account: AccountOpen})
	for range 4 {
		o.days(next(40), next(1))
		o.pass(time.Hour)
	}
	p := o.positions()
	for name, n := range p {
		if (name == PositionSwitch || name == PositionSuspense || name == PositionAggregator) && n != 0 {
			o.t.Errorf("%s has %d: %s\n%s", name, n, o.all(), o.end())
		}
	}
	for _, e := range o.view(atIssuer).Transactions {
		if n := e.charged(); purposeOf(e.Kind) == charging && (n < 0 || n > e.Amount) {
			o.t.Errorf("%s: charged %d of %d", e.Key, n, e.Amount)
		}
	}
	for at := range o.nodes {
		o.storiesMoveForward(at)
		before := o.log(at)
		o.restart(at)
		if after := o.log(at); after != before {
			o.t.Errorf("%d before a restart\n%s\nafter it\n%s", at, before, after)
		}
	}
}

func (o *bureau) log(at int) string {
	b, err := json.Marshal(o.view(at))
	if err != nil {
		o.t.Fatal(err)
	}
	return string(b)
}

// storiesMoveForward looks at every item that a party has.
func (o *bureau) storiesMoveForward(at int) {
	for _, e := range o.view(at).Transactions {
		if e.Difference == nil {
			continue
		}
		if err := e.Difference.check(); err != nil {
			o.t.Error(err)
		}
		h := e.Difference.History
		for i := 1; i < len(h); i++ {
			if !slices.Contains(itemMoves[h[i-1].Stage], h[i].Stage) {
				o.t.Errorf("%d: %s went from %v to %v", at, e.Difference, h[i-1].Stage, h[i].Stage)
			}
		}
	}
}

// A dispute about a sale that was not paid yet: the merchant is paid when it was asked for again. At the deadline it ends as it stands.
func TestDisputeBeforeThePayout(t *testing.T) {
	o := newBureau(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) { a.Clearing.Days = 20 })
	sale := o.sold(1, 10000)
	o.must(atIssuer, DeedChargeBack, sale)
	o.expect("charged back", o.all(), "")
	o.lay(atAcquirer, sale, func(t *Transaction) {
		t.Signature = &Signature{STAN: "000099", Size: 3, Digest: strings.Repeat("0a", 32)}
	})
	o.must(atAcquirer, DeedRepresent, sale)
	o.expect("asked for again", o.all(), "cardholder -10000 acquirer 10000")
	o.calendar(CalendarDate, "2026-03-22")
	o.expect("on the day", o.item(atAcquirer, sale)+", "+o.item(atIssuer, sale), "dispute 10000 represented, dispute 10000 represented")
	o.days("2026-03-23", "2026-03-24")
	o.expect("behind it", o.item(atAcquirer, sale)+", "+o.item(atIssuer, sale), "dispute 10000 accepted, dispute 10000 accepted")
	o.expect("paid", o.all(), "cardholder -10000 merchant 9940 fees 60")
}

// What a file of the other side says is done only where it fits.
func TestFilesThatDoNotFit(t *testing.T) {
	file := func(k FileKind, from, to, id string, m *dialect.Message, amount int64, result string) *File {
		l := FileLine{Key: m.Key(), Amount: amount, Result: result}
		return &File{ID: id, Kind: k, From: from, To: to, Date: "2026-03-02", Lines: []FileLine{l}}
	}
	o := newBureau(t, rules.Set{})
	sale, other := o.sold(1, 10000), o.sold(2, 500)
	o.hand(file(FileChargeBack, "issuer", "acquirer", "b-1", sale, 10001, ""), 0)
	o.expect("more than was sold", o.item(atAcquirer, sale), "none")
	o.withItem(sale, AmountLess, ItemOpen, 3000)
	o.hand(file(FileClaimAnswer, "issuer", "acquirer", "a-1", sale, 3000, resultAccepted), 0)
	o.expect("an answer to no claim", o.item(atAcquirer, sale)+", "+o.all(), "amount-less 3000 open, cardholder -10500 acquirer 10500")
	// The same adjustment in two files credits once; one of what was credited already stays with the bank.
	o.hand(file(FileAdjustment, "acquirer", "issuer", "j-1", sale, 4000, ""), 0)
	o.hand(file(FileAdjustment, "acquirer", "issuer", "j-2", sale, 4000, ""), 0)
	o.expect("credited once", o.positions()[PositionCardholder], -6500)
	o.undo(other, "0400")
	o.hand(file(FileAdjustment, "acquirer", "issuer", "j-3", other, 500, ""), 0)
	o.expect("credited by its reversal", fmt.Sprint(o.positions()[PositionCardholder], o.positions()[PositionIssuer]), "-6000 500")
	stranger := o.sale(77, 900)
	o.hand(file(FileAdjustment, "acquirer", "issuer", "j-4", stranger, 900, ""), 0)
	o.expect("of what is not known", o.item(atIssuer, stranger)+fmt.Sprint(" ", o.positions()[PositionIssuer]), "reversal-refused 900 closed 1400")
	o.hand(file(FileAdjustment, "acquirer", "issuer", "j-5", sale, 0, ""), 0)
	o.expect("of nothing", o.positions()[PositionIssuer], 1400)
	// What was approved and never taken is paid by the bank, and not by the cardholder once more.
	third := o.sold(3, 700)
	o.hand(file(FileClaim, "acquirer", "issuer", "c-1", third, 700, TerminalOnly.String()), 0)
	o.expect("paid by the bank", fmt.Sprint(o.positions()[PositionCardholder], o.positions()[PositionIssuer]), "-6700 700")
}

func TestDeadlineOfWhatBeginsToday(t *testing.T) {
	now := streetStart
	for date, want_ := range map[string]string{"": "2026-03-22", "2026-03-01": "2026-03-22", "2026-03-02": "2026-03-22", "2026-03-10": "2026-03-30", "never": "2026-03-22"} {
		b := book{date: date}
		want(t, date, b.in(now, 20), want_)
	}
}

func TestWhatIsNotReversedByHand(t *testing.T) {
	o := newBureau(t, rules.Set{})
	declined := o.sale(1, testBalance+1)
	o.ask(declined)
	o.refuses(atAcquirer, DeedReverse, declined, "it is declined")
	undone := o.sold(2, 100)
	o.undo(undone, "0400")
	o.refuses(atAcquirer, DeedReverse, undone, "it is reversed")
	refunded := o.sold(3, 300)
	refund := o.after(dialect.KindRefund, 4, refunded, 100)
	o.ask(refund)
	o.refuses(atAcquirer, DeedReverse, refunded, "it has been refunded")
	o.refuses(atAcquirer, DeedReverse, refund, "only what a terminal asked the acquirer for")
	o.refuses(atSwitch, DeedReverse, refunded, "only what a terminal asked the acquirer for")
}
