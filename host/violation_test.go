package host

import (
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// TestOpenedTerminalIsSuspended: reports count within their time alone, the state outlives a restart, and who is let back begins anew.
func TestOpenedTerminalIsSuspended(t *testing.T) {
	s := newStreet(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) {
		a.Risk = []RiskRule{{By: ByTerminal, Within: 48 * time.Hour, Opened: 2, Reason: "twice in two days"}, {From: 5_000_000, Days: 3, Reason: "large"}}
	})
	opened := func() { s.step(atAcquirer, Event{Kind: EventDeed, Deed: Deed{Do: DeedOpened, TID: testTID}}, 0) }
	state := func() TerminalReport { return *s.nodes[atAcquirer].m.(*Relay).terminalReport(testTID) }
	opened()
	s.pass(49 * time.Hour)
	opened()
	s.expect("the first is too long ago", state().Status, TerminalEnabled)
	s.pass(47 * time.Hour)
	s.restart(atAcquirer)
	opened()
	s.expect("the second within two days", state().Status+" "+state().Why, TerminalDisabled+" twice in two days")
	s.restart(atAcquirer)
	s.expect("after a restart", state().Status, TerminalDisabled)

	sale := s.sale(1, 10000)
	s.ask(sale)
	s.expect("a sale", s.till.last().ResponseCode, codeTerminal)
	s.step(atAcquirer, Event{Kind: EventDeed, Deed: Deed{Do: DeedLift, TID: testTID}}, 0)
	s.expect("let back", state().Status+" "+state().Why, TerminalEnabled+" ")
	opened()
	s.expect("what was before counts no more", state().Status, TerminalEnabled)
	s.ask(sale)
	s.expect("a copy of the refused sale", s.till.last().ResponseCode, codeTerminal)
	s.expect("money", s.money(), "")
	s.ask(s.sale(2, 10000))
	s.expect("another sale", s.till.last().ResponseCode, codeApproved)
}

// TestWhatHasHappenedPassesASuspension: a reversal undoes, and what was approved offline is no request; a refund is.
func TestWhatHasHappenedPassesASuspension(t *testing.T) {
	s := newStreet(t, rules.Set{})
	sale, kept := s.sale(1, 10000), s.sale(2, 500)
	s.ask(sale)
	s.ask(kept)
	s.step(atAcquirer, Event{Kind: EventDeed, Deed: Deed{Do: DeedSuspend, TID: testTID, Reason: "r"}}, 0)
	s.expect("why", s.nodes[atAcquirer].m.(*Relay).terminalReport(testTID).Why, "r")
	s.undo(sale, "0400")
	s.expect("a reversal", s.till.last().ResponseCode, codeApproved)
	s.ask(s.after(dialect.KindRefund, 3, kept, 500))
	s.expect("a refund", s.till.last().ResponseCode, codeTerminal)
	s.expect("money", s.money(), "cardholder -500 acquirer 500")
	m := s.sale(4, 700)
	m.MTI, m.Kind = "0220", dialect.KindOfflineSale
	s.ask(m)
	if got := s.till.last().ResponseCode; got == codeTerminal {
		t.Errorf("an offline sale that is uploaded is answered %s", got)
	}
}

func TestDeviceNumber(t *testing.T) {
	tdes := hsm.Attributes{Usage: hsm.BaseDerivation, Algorithm: hsm.TDES}
	aes := hsm.Attributes{Usage: hsm.BaseDerivation, Algorithm: hsm.AES}
	m := hsm.New(strings.NewReader(strings.Repeat("x", 1<<12)))
	for _, c := range []struct {
		name         string
		a            hsm.Attributes
		own, speaker []byte
		want         int
	}{
		{"itself", tdes, []byte{0xFF, 0xFF, 0xFA, 0x98, 0xFE, 0, 0, 0, 0, 0}, []byte{0xFF, 0xFF, 0xFA, 0x98, 0xFE, 0, 0, 0x1F, 0xFF, 0xFF}, 0},
		{"the next one", tdes, []byte{0xFF, 0xFF, 0xFA, 0x98, 0xFE, 0, 0, 0, 0, 0}, []byte{0xFF, 0xFF, 0xFA, 0x98, 0xFE, 0, 0, 0x20, 0, 0}, 1},
		{"the last one", tdes, []byte{0xFF, 0xFF, 0xFA, 0x98, 0xFE, 0, 0, 0, 0, 0}, []byte{0xFF, 0xFF, 0xFA, 0x98, 0xFE, 0, 0x01, 0xE0, 0, 1}, 15},
		{"one that began in the middle", tdes, []byte{0xFF, 0xFF, 0xFA, 0x98, 0xFE, 0, 0x01, 0xC0, 0, 0}, []byte{0xFF, 0xFF, 0xFA, 0x98, 0xFE, 0, 0, 0, 0, 1}, 2},
		{"AES", aes, []byte{0xF0, 0xF1, 0xF2, 0xF3, 0, 0, 0, 0xA0, 0, 0, 0, 0}, []byte{0xF0, 0xF1, 0xF2, 0xF3, 0, 0, 0, 0xA3, 0xFF, 0xFF, 0xFF, 0xFF}, 3},
	} {
		size := map[hsm.Algorithm]int{hsm.TDES: 16, hsm.AES: 16}[c.a.Algorithm]
		clear := make([]byte, size)
		for i := range clear {
			clear[i] = byte(i + 1)
		}
		k, err := m.Install("base", c.a, clear)
		if err != nil {
			t.Fatal(err)
		}
		x := &terminal{TerminalKeys: TerminalKeys{Key: k, KSN: c.own}}
		if got := x.deviceNumber(c.speaker); got != c.want {
			t.Errorf("%s: device %d, want %d", c.name, got, c.want)
		}
		if err := m.Erase(k); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRuleOfOpenings(t *testing.T) {
	good := RiskRule{By: ByTerminal, Within: time.Hour, Opened: 1, Reason: "r"}
	if err := CheckRisk([]RiskRule{good}); err != nil {
		t.Error(err)
	}
	for key, change := range map[string]func(*RiskRule){
		"opened": func(r *RiskRule) { r.Opened = 17 }, "by": func(r *RiskRule) { r.By = ByCard }, "days": func(r *RiskRule) { r.Days = 1 },
		"within": func(r *RiskRule) { r.Within = maxRiskTime + 1 }, "reason": func(r *RiskRule) { r.Reason = "" },
	} {
		r := good
		change(&r)
		err, ok := CheckRisk([]RiskRule{r}).(*RiskError)
		if !ok || err.Key != key {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, change := range []func(*RiskRule){func(r *RiskRule) { r.From = 1 }, func(r *RiskRule) { r.Count = 2 }, func(r *RiskRule) { r.Sum = 1 }} {
		r := good
		change(&r)
		if err, ok := CheckRisk([]RiskRule{r}).(*RiskError); !ok || err.Key != "opened" {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if err, ok := CheckRisk([]RiskRule{good, good}).(*RiskError); !ok || err.Rule != 1 || err.Key != "by" {
		t.Errorf("the same twice: %v", err)
	}
}
