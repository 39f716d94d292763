package host

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// Whatever the network does with the messages and the power with the parties: no sale is debited twice or credited more
// than it was debited, the positions always sum to zero, and once everything has drained all parties agree.
func TestAnySequenceOfEvents(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) }
		if bad := history(t, 0, pick); bad != "" {
			rt.Fatal(bad)
		}
	})
}

// The property must be able to fail: without any one of these rules a history is found that breaks it. Those that need more
// luck or a Party have tests of their own.
func TestPropertyFailsWithoutEachRule(t *testing.T) {
	for _, rule := range []rules.Rule{rules.ReplayDuplicates, rules.RememberUnmatched, rules.KeepTombstones, rules.CreditOnce,
		rules.ExactKey, rules.LogBeforeAnswer, rules.LogBeforeForward, rules.ReverseUpstream, rules.KeepDecision, rules.CancelPending,
		rules.RepeatUpstream, rules.IssuerRemembersUnmatched, rules.IssuerCreditsOnce} {
		for seed := uint64(1); ; seed++ {
			rng := rand.New(rand.NewPCG(seed, 1))
			if history(t, rules.Set(rule), func(_ string, n int) int { return rng.IntN(n) }) != "" {
				break
			}
			if seed == 500 {
				t.Errorf("rule %b: no history of %d breaks it", rule, seed)
				break
			}
		}
	}
}

// And it holds for the designs of hosts that are different and safe.
func TestPropertyHoldsForSafeVariants(t *testing.T) {
	for _, name := range []string{"forward-unknown", "stan-only-key"} {
		set, err := rules.Without(name)
		if err != nil {
			t.Fatal(err)
		}
		for seed := uint64(1); seed <= 100; seed++ {
			rng := rand.New(rand.NewPCG(seed, 1))
			if bad := history(t, set, func(_ string, n int) int { return rng.IntN(n) }); bad != "" {
				t.Errorf("%s, seed %d: %s", name, seed, bad)
				break
			}
		}
	}
}

// history plays one, and returns what is wrong with it.
func history(t testing.TB, naive rules.Set, pick func(label string, n int) int) string {
	r := &random{s: newStreet(t, naive), pick: pick}
	for range 5 + pick("events", 56) {
		r.event()
		if bad := r.always(); bad != "" {
			return bad
		}
	}
	r.heal()
	if bad := r.always(); bad != "" {
		return bad
	}
	if bad := r.s.wrong(); len(bad) > 0 {
		return fmt.Sprintf("after healing: %v; money %s", bad, r.s.money())
	}
	return ""
}

type random struct {
	s       *street
	pick    func(label string, n int) int
	sales   []*dialect.Message
	advices []*dialect.Message
}

// event is one thing that happens: the wire is a bag, from which anything may be delivered, lost, doubled or left waiting.
func (r *random) event() {
	s := r.s
	pick := r.pick
	var at int
	kind := pick("event", 12)
	if kind < 6 && len(s.wire) == 0 {
		kind = 6
	}
	if kind < 6 {
		at = pick("which", len(s.wire))
	}
	switch kind {
	case 0, 1, 2, 3:
		e := s.wire[at]
		s.wire = append(s.wire[:at:at], s.wire[at+1:]...)
		if kind == 3 && e.to != atTerminal {
			s.faults[e.String()] = []int{0, crashBeforeLog, crashAfterLog}[pick("crash", 3)]
		}
		s.deliver(e)
	case 4:
		s.wire = append(s.wire[:at:at], s.wire[at+1:]...)
	case 5:
		s.wire = append(s.wire, s.wire[at])
	case 6, 7:
		m := s.sale(len(r.sales)+len(r.advices)+1, int64(1+pick("amount", 3))*1000)
		r.sales = append(r.sales, m)
		s.till.amount[m.Key()] = m.AmountTransaction
		s.post(envelope{atTerminal, atAcquirer, m})
	case 8:
		if len(r.sales) > 0 { // the terminal gives up: it reverses, again and again
			r.reverse(r.sales[pick("sale", len(r.sales))])
		}
	case 9:
		n := len(r.sales) + len(r.advices) + 1
		m := s.chip("0220", n, 1000, uint16(n))
		r.advices = append(r.advices, m)
		s.post(envelope{atTerminal, atAcquirer, m})
	case 10:
		s.restart(pick("who", 3))
	case 11:
		r.wait([]time.Duration{time.Second, 31 * time.Second, 46 * time.Second}[pick("wait", 3)])
	}
}

func (r *random) reverse(m *dialect.Message) {
	if r.s.till.said[m.Key()] == codeApproved {
		return // a terminal that took the approval does not reverse it
	}
	r.s.till.reversed[m.Key()] = true
	rev := r.s.message("0400", 0)
	rev.SystemsTraceAuditNumber, rev.ReversalReason = m.SystemsTraceAuditNumber, "98"
	rev.SetAmount(m.AmountTransaction)
	r.s.post(envelope{atTerminal, atAcquirer, rev})
}

// wait fires the timers that are due, and leaves what they send on the wire.
func (r *random) wait(d time.Duration) {
	s := r.s
	s.now = s.now.Add(d)
	for at, n := range s.nodes {
		for _, t := range append([]Timer(nil), n.order...) {
			if due, on := s.nodes[at].timers[t]; on && !due.After(s.now) {
				delete(s.nodes[at].timers, t)
				s.step(at, Event{Kind: EventTimer, Timer: t}, 0)
			}
		}
	}
}

// heal lets the terminal finish what it began, and every queue drain. Every sale without an approval is reversed.
func (r *random) heal() {
	s := r.s
	s.run()
	for range 4 {
		for _, m := range r.sales {
			if _, ok := s.till.said[m.Key()]; !ok || s.till.reversed[m.Key()] {
				r.reverse(m)
			}
		}
		for _, m := range r.advices {
			if s.till.said[m.Key()] == "" {
				again := *m
				again.MTI = "0221"
				s.post(envelope{atTerminal, atAcquirer, &again})
			}
		}
		s.run()
		s.pass(2 * time.Minute)
	}
	for _, m := range r.advices {
		s.till.amount[m.Key()] = m.AmountTransaction
	}
}

// always is what holds at every instant.
func (r *random) always() string {
	var sum int64
	for _, n := range r.s.positions() {
		sum += n
	}
	if sum != 0 {
		return fmt.Sprintf("the positions sum to %d", sum)
	}
	for _, e := range r.s.view(atIssuer).Transactions {
		if d := -e.Net(PositionCardholder); d < 0 || d > e.Amount {
			return fmt.Sprintf("%s is debited %d of %d", e.Key, d, e.Amount)
		}
	}
	for _, e := range r.s.view(atAcquirer).Transactions {
		if h := e.Net(PositionAcquirer); h < 0 || h > e.Amount {
			return fmt.Sprintf("of %s the acquirer holds %d of %d", e.Key, h, e.Amount)
		}
	}
	return ""
}
