package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
)

const twoTerminals = `name: W99 two at once
zh: 两机同时
card: visa-credit
spare: online-only
steps:
  - sale: {amount: 10.00, pin: "1234"}
    beside: {amount: 20.00, card: mc-credit, pin: "1234"}
    faults: ["issuer[0200].slow(5s)", "issuer[0200#2].slow(5s)"]
    expect: {outcome: approved, beside: approved, receipt: "10.00", journal: [approved]}
expect:
  end: [F3, F3]
`

func parsedBuiltIn(t *testing.T, l *Library, src string) *Script {
	t.Helper()
	s, err := Parse("W99-x.yaml", []byte(src), l.Known())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTwoTerminalsAreUnderWayAtOnce: with a customer beside the step's own, the acquirer has two transactions pending at one instant;
// and the receipts of both are judged, though their STAN is one.
func TestTwoTerminalsAreUnderWayAtOnce(t *testing.T) {
	l := builtIn(t)
	s := parsedBuiltIn(t, l, twoTerminals)
	r, err := newRig(l, s, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.world.Close()
	most := 0
	p := newPlay(r, s, Options{Seed: 1}, &outcome{money: map[string]Money{}})
	r.await = func(limit time.Duration, done func() bool) bool {
		return r.world.Until(limit, r.events, func() bool {
			pending := 0
			if run := r.hosts[0].run; run != nil {
				for _, e := range run.Machine().View().Transactions {
					if e.State == host.Pending {
						pending++
					}
				}
			}
			most = max(most, pending)
			return done()
		})
	}
	p.perform()
	if p.out.failed() {
		t.Fatal(p.out.err, p.out.wrong)
	}
	if most != 2 {
		t.Errorf("at most %d transactions were pending at once, want 2", most)
	}
	books, err := r.books()
	if err != nil {
		t.Fatal(err)
	}
	all := r.every(books)
	if len(all) != 2 || all[0].STAN != all[1].STAN || all[0].Amount != 1000 || all[1].Amount != 2000 {
		t.Fatalf("the journals hold %v", all)
	}
	for i, tid := range []string{"SIM00001", "SIM00004"} {
		if k := r.key(all[i]); k.TID != tid {
			t.Errorf("record %d is %s's, want %s", i, k.TID, tid)
		}
	}
}

// TestWhatTheOtherTerminalPrintsIsItsOwn: a receipt of the one is none of the other's, though number and time may be the same.
func TestWhatTheOtherTerminalPrintsIsItsOwn(t *testing.T) {
	here, there := &court{log: newRecord()}, &court{log: newRecord()}
	mine := &terminal.Record{STAN: "000002", Date: "0302", Time: "140500"}
	his := &terminal.Record{STAN: "000002", Date: "0302", Time: "140500"}
	here.away = &elsewhere{court: there, records: []*terminal.Record{his}}
	here.owner = map[*terminal.Record]*terminal.Profile{his: {}}
	there.log.printed = []terminal.Receipt{{STAN: "000002", Date: "0302", Time: "140500"}, {STAN: "000002", Date: "0302", Time: "140500"}}
	if a, b := here.receiptsOf(mine), here.receiptsOf(his); a != 0 || b != 2 {
		t.Errorf("%d and %d receipts, want 0 and 2", a, b)
	}
}

func TestBesideIsRefused(t *testing.T) {
	l := builtIn(t)
	for _, c := range []struct{ name, from, to, want string }{
		{"in a shop with one terminal", "spare: online-only\n", "", `W99-x.yaml:6:13: want beside a sale, in a shop with two terminals (spare: and a profile)`},
		{"of something else than a sale", `  - sale: {amount: 10.00, pin: "1234"}`, "  - boot: {}", `W99-x.yaml:7:13: want beside a sale, in a shop with two terminals (spare: and a profile)`},
		{"with the card that is in the other", "card: mc-credit", "card: visa-credit", `W99-x.yaml:7:13: the card visa-credit is in the other terminal: want another one here`},
		{"an unknown key", "20.00, card", "20.00, cart", `W99-x.yaml:7:29: unknown key "cart": want amount, wallet`},
		{"an outcome of nobody", `    beside: {amount: 20.00, card: mc-credit, pin: "1234"}` + "\n", "", `W99-x.yaml:8:41: nothing is done at another terminal in this step`},
		{"an unknown outcome", "beside: approved", "beside: paid", `W99-x.yaml:9:41: unknown outcome "paid"`},
	} {
		src := strings.Replace(twoTerminals, c.from, c.to, 1)
		if src == twoTerminals {
			t.Fatalf("%s: nothing was replaced", c.name)
		}
		_, err := Parse("W99-x.yaml", []byte(src), l.Known())
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}
