package host

import (
	"fmt"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

const payCode = "1340000000000000172"

// withWallet makes a street that has one.
func withWallet(_, _ *RelayConfig, i *IssuerConfig) {
	i.Accounts = append(i.Accounts, Account{Name: "wallet", Code: payCode, Currency: "156", Balance: testBalance, Expiry: noExpiry})
}

func (s *street) scanned(stan int, amount int64) *dialect.Message {
	m := s.message("", stan)
	m.Kind, m.CodeScanned = dialect.KindQRSale, payCode
	if err := dialect.ISO87().Shape(m); err != nil {
		s.t.Fatal(err)
	}
	m.POSEntryMode = "0031"
	m.SetAmount(amount)
	return m
}

func (s *street) owner(wait int) {
	s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "wallet", OwnerWait: &wait}}, 0)
	s.run()
}

func TestWallet(t *testing.T) {
	tests := []struct {
		name  string
		play  func(s *street, sale *dialect.Message)
		said  string
		money string
	}{
		{"agrees at once", func(s *street, sale *dialect.Message) { s.ask(sale) }, "00", "acquirer 10000 wallet -10000"},
		{"agrees after a while", func(s *street, sale *dialect.Message) {
			s.owner(100)
			s.ask(sale)
			s.expect("money before", s.money(), "")
			s.pass(101 * time.Second)
		}, "00", "acquirer 10000 wallet -10000"},
		{"is not there, and nobody waits for ever", func(s *street, sale *dialect.Message) {
			s.owner(OwnerAway)
			s.ask(sale)
			s.pass(5 * time.Minute)
		}, "68", ""},
		{"the wallet's host falls while its owner thinks", func(s *street, sale *dialect.Message) {
			s.owner(100)
			s.ask(sale)
			s.restart(atIssuer)
			s.pass(101 * time.Second)
		}, "00", "acquirer 10000 wallet -10000"},
		{"his yes is lost, and asked for again", func(s *street, sale *dialect.Message) {
			s.fault("issuer>switch 0210", lose)
			s.ask(sale)
			s.pass(31 * time.Second)
		}, "00", "acquirer 10000 wallet -10000"},
		{"agrees when it is over, and has it back", func(s *street, sale *dialect.Message) {
			s.owner(OwnerAway)
			s.ask(sale)
			s.pass(5 * time.Minute)
			s.owner(0)
			s.owner(0)
			e := s.view(atIssuer).Transactions[0]
			s.expect("postings", len(e.Postings), 2)
		}, "68", ""},
		{"has not got so much", func(s *street, sale *dialect.Message) {
			s.owner(OwnerAway)
			s.ask(sale)
			s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "wallet", SetBalance: true, Balance: 1}}, 0)
			s.owner(0)
		}, "51", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{}, withWallet)
			sale := s.scanned(1, 10000)
			test.play(s, sale)
			s.expect("answer", s.till.said[sale.Key()], test.said)
			s.pass(5 * time.Minute)
			s.expect("money", s.money(), test.money)
			for _, bad := range s.wrong() {
				t.Error(bad)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits Limits
		want   string // of sales of 100, 50 and 1
	}{
		{"none", Limits{}, "00 00 00"},
		{"of a sale", Limits{Sale: 99}, "61 00 00"},
		{"of a sale, just so", Limits{Sale: 100}, "00 00 00"},
		{"of a day", Limits{Day: 149}, "00 61 00"},
		{"of a day, just so", Limits{Day: 151}, "00 00 00"},
		{"of a day, by one", Limits{Day: 150}, "00 00 61"},
		{"how many", Limits{Sales: 2}, "00 00 65"},
		{"amounts come first", Limits{Sale: 40, Sales: 1}, "61 61 00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", Limits: &test.limits}}, 0)
			s.restart(atIssuer)
			got := ""
			for i, n := range []int64{100, 50, 1} {
				sale := s.sale(i+1, n)
				s.ask(sale)
				got += " " + s.till.said[sale.Key()]
			}
			s.expect("answers", got[1:], test.want)
		})
	}
}

// A relay asks again for a sale from a code as long as its patience lasts, and not for any other.
func TestPatience(t *testing.T) {
	s := newStreet(t, rules.Set{}, withWallet)
	s.owner(OwnerAway)
	var asked int
	s.force = func(to int, m *dialect.Message) string {
		if to == atIssuer && m.MTI == "0201" {
			asked++
		}
		return ""
	}
	sale := s.scanned(1, 100)
	s.ask(sale)
	s.pass(QRPatience - SwitchWait)
	s.expect("asked again so far", asked, 5) // every 30 s
	s.expect("no answer yet", s.till.said[sale.Key()], "")
	s.pass(SwitchWait + AcquirerWait + time.Second)
	s.expect("given up", s.till.said[sale.Key()], codeNoAnswer)
	given := asked
	s.pass(time.Hour)
	s.expect("and not asked any more", asked, given)
	s.fault("switch>issuer 0200", lose)
	s.ask(s.sale(2, 100))
	s.pass(time.Hour)
	s.expect("a card's sale is not asked again", asked, given)
	for _, bad := range s.wrong() {
		t.Error(bad)
	}
}

// A copy that is refused leaves things as they are if that decides nothing; any other refusal is made true by a reversal.
func TestACopyIsRefused(t *testing.T) {
	for code, want := range map[string]string{"91": "00", "51": "51"} {
		s := newStreet(t, rules.Set{}, withWallet)
		s.owner(100)
		sale := s.scanned(1, 100)
		s.ask(sale)
		s.pass(31 * time.Second) // it has been asked for again
		refusal := *sale
		refusal.MTI, refusal.ResponseCode, refusal.CodeScanned = "0210", code, ""
		s.step(atSwitch, Event{Kind: EventMessage, Message: &refusal}, 0)
		s.run()
		s.pass(10 * time.Minute)
		s.expect("answer behind "+code, s.till.said[sale.Key()], want)
		s.owner(0)
		s.pass(10 * time.Minute)
		s.expect("money", s.money(), map[string]string{"00": "acquirer 100 wallet -100", "51": ""}[want])
		for _, bad := range s.wrong() {
			t.Error(bad)
		}
	}
}

// Only a sale from a wallet's code that would be approved waits for its owner.
func TestWhoWaits(t *testing.T) {
	wait := 5
	a := &account{state: AccountState{OwnerWait: wait}}
	at := &account{}
	for _, c := range []struct {
		a    *account
		k    dialect.Kind
		code string
		want bool
	}{
		{a, dialect.KindQRSale, codeApproved, true}, {a, dialect.KindQRSale, "51", false}, {a, dialect.KindSale, codeApproved, false},
		{at, dialect.KindQRSale, codeApproved, false}, {nil, dialect.KindQRSale, codeApproved, false},
	} {
		if got := c.a.waits(&Transaction{Kind: c.k}, c.code); got != c.want {
			t.Errorf("%v %s: %v", c.k, c.code, got)
		}
	}
}

// A yes to what does not wait any more changes nothing.
func TestAYesTooMuch(t *testing.T) {
	s := newStreet(t, rules.Set{}, withWallet)
	sale := s.scanned(1, 100)
	s.ask(sale)
	before, logged := s.money(), len(s.nodes[atIssuer].log)
	s.step(atIssuer, Event{Kind: EventTimer, Timer: Timer{TimerOwner, sale.Key()}}, 0)
	s.expect("money and records", s.money()+" "+fmt.Sprint(len(s.nodes[atIssuer].log)), before+" "+fmt.Sprint(logged))
}
