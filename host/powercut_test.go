package host

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// A step's records are one write, of which a power cut keeps all or nothing, and before it nobody has been told. Whoever asked asks again
// then: the sender of a file, the calendar, the clerk at the desk. In the end everything is as if the power had stayed.
func TestPowerCutAtAnyStep(t *testing.T) {
	aggregate := func(a, _ *RelayConfig, _ *IssuerConfig) { a.Aggregator = &AggregatorConfig{Name: "payeasy"} }
	closed := func(a, _ *RelayConfig, _ *IssuerConfig) { a.PayTo = AccountClosed }
	netting := func(a, _ *RelayConfig, _ *IssuerConfig) { a.Refunds.Netting = true }
	plain := func(_, _ *RelayConfig, _ *IssuerConfig) {}
	for _, story := range []struct {
		name   string
		change func(a, s *RelayConfig, i *IssuerConfig)
		play   func(o *bureau, again func(at int, e Event))
	}{
		{"paid", plain, func(o *bureau, again func(at int, e Event)) {
			o.sold(1, 10000)
			o.sold(2, 300)
			week(again)
		}},
		{"paid to an aggregator", aggregate, func(o *bureau, again func(at int, e Event)) {
			o.sold(1, 10000)
			o.sold(2, 300)
			week(again)
		}},
		{"returned and paid", closed, func(o *bureau, again func(at int, e Event)) {
			o.sold(1, 10000)
			week(again)
			again(atAcquirer, Event{Kind: EventDeed, Deed: Deed{Do: DeedCorrect, MID: testMID, Account: AccountOpen}})
			day(again, "2026-03-09")
		}},
		{"a refund that is netted", netting, func(o *bureau, again func(at int, e Event)) {
			sale := o.sold(1, 10000)
			day(again, "2026-03-03")
			o.ask(o.after(dialect.KindRefund, 2, sale, 4000))
			o.sold(3, 5000)
			week(again)
		}},
		{"given back at the desk", plain, func(o *bureau, again func(at int, e Event)) {
			sale := o.sold(1, 10000)
			day(again, "2026-03-03")
			o.undo(sale, "0400") // refused: it is paid
			again(atAcquirer, Event{Kind: EventDeed, Deed: Deed{Do: DeedAdjust, Key: sale.Key()}})
			week(again)
		}},
		{"given back at the deadline", plain, func(o *bureau, again func(at int, e Event)) {
			sale := o.sold(1, 10000)
			day(again, "2026-03-03")
			o.undo(sale, "0400")
			day(again, "2026-05-04")
			week(again)
		}},
		{"disputed and asked for again", plain, func(o *bureau, again func(at int, e Event)) {
			sale := o.sold(1, 10000)
			day(again, "2026-03-03")
			sign(o, sale)
			again(atIssuer, Event{Kind: EventDeed, Deed: Deed{Do: DeedChargeBack, Key: sale.Key()}})
			day(again, "2026-03-04") // its file may have to come once more
			again(atAcquirer, Event{Kind: EventDeed, Deed: Deed{Do: DeedRepresent, Key: sale.Key()}})
			week(again)
		}},
		{"held, and given back", func(a, _ *RelayConfig, _ *IssuerConfig) {
			a.Risk = []RiskRule{{From: 1, Days: 3, Reason: "r", OnDeadline: HoldReturn}}
		},
			func(o *bureau, again func(at int, e Event)) {
				sale := o.sold(1, 10000)
				o.sold(2, 500)
				again(atAcquirer, Event{Kind: EventDeed, Deed: Deed{Do: DeedReturn, Key: sale.Key()}})
				week(again)
			}},
	} {
		t.Run(story.name, func(t *testing.T) {
			count := 0
			run := func(which, how int) string {
				o := newBureau(t, rules.Set{}, story.change)
				n, asking, stopped := 0, false, false
				o.cut = func(at int) int {
					if !asking {
						return 0
					}
					n++
					if n != which {
						return 0
					}
					stopped = true
					return how
				}
				story.play(o, func(at int, e Event) {
					asking = true
					defer func() { asking = false }()
					o.step(at, e, 0)
					o.run()
					if stopped { // whoever asked heard nothing
						stopped = false
						o.step(at, e, 0)
						o.run()
					}
				})
				count = n
				return o.end()
			}
			clean := run(0, 0)
			steps := count
			for which := 1; which <= steps; which++ {
				for _, how := range []int{crashBeforeLog, crashAfterLog} {
					if got := run(which, how); got != clean {
						t.Fatalf("step %d of %d, %d:\n%s\nwant\n%s", which, steps, how, got, clean)
					}
				}
			}
			if steps < 20 {
				t.Errorf("only %d steps", steps)
			}
		})
	}
}

// day is a cut-over and a payout at all parties.
func day(again func(at int, e Event), date string) {
	for _, k := range []CalendarKind{CalendarCutover, CalendarPayout} {
		for at := atAcquirer; at <= atAggregator; at++ {
			again(at, Event{Kind: EventCalendar, Calendar: Calendar{Kind: k, Date: date}})
		}
	}
}

func week(again func(at int, e Event)) {
	for _, d := range []string{"2026-05-05", "2026-05-06", "2026-05-07", "2026-05-08"} {
		day(again, d)
	}
}

// sign gives a sale a slip.
func sign(o *bureau, m *dialect.Message) {
	x := o.nodes[atAcquirer].m.(*Relay)
	t := x.book.find(m.Key()).Transaction
	t.Signature = &Signature{STAN: "000099", Size: 3, Digest: strings.Repeat("0a", 32)}
	r := &Record{At: o.now, Transaction: &t}
	if err := x.Apply(r); err != nil {
		o.t.Fatal(err)
	}
	o.nodes[atAcquirer].log = append(o.nodes[atAcquirer].log, AppendRecord(nil, r))
}

// end is how everything stands.
func (o *bureau) end() string {
	s := []string{o.all()}
	for at := atAcquirer; at <= atIssuer; at++ {
		for _, e := range o.view(at).Transactions {
			if e.Difference != nil || e.Payout != nil {
				payout := ""
				if e.Payout != nil {
					payout = e.Payout.State.String()
				}
				s = append(s, fmt.Sprintf("%s %s: %v %s %s", placeNames[at], e.Key.STAN, e.State, payout, o.item(at, o.message("", int(e.Key.STAN[5]-'0')))))
			}
		}
	}
	for at, n := range o.nodes {
		for _, f := range n.m.View().Files {
			if f.State == FileDue {
				s = append(s, fmt.Sprintf("%d: %s is due", at, f.ID))
			}
		}
	}
	return strings.Join(s, "\n")
}

// What a party does in one step is in its log as a whole or not at all, wherever a write is torn.
func TestAStepIsInTheLogAsAWhole(t *testing.T) {
	tw := newTown(t, rules.Set{})
	tw.signOn()
	tw.ask(tw.sale(10000))
	tw.ask(tw.sale(300))
	records := func(log []byte) (n int) {
		if _, err := RecoverEach(log, func([]byte, *Record, *Entry) { n++ }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, at := range []int{atAcquirer, atSwitch} {
		h := tw.houses[at]
		before := len(h.disk.Durable(LogName))
		h.party.Calendar(Calendar{Kind: CalendarCutover, Date: "2026-03-03"})
		tw.pass(time.Second)
		log := h.disk.Durable(LogName)
		old, all := records(log[:before]), records(log)
		if all < old+2 {
			t.Fatalf("the %s's step has %d records", placeNames[at], all-old)
		}
		for n := before; n < len(log); n++ {
			if got := records(log[:n]); got != old {
				t.Fatalf("%d of %d bytes: %d records, want %d", n-before, len(log)-before, got, old)
			}
		}
	}
}
