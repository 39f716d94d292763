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
		if bad := history(t, rules.Set{}, pick); bad != "" {
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
			if history(t, rules.Leave(rule), func(_ string, n int) int { return rng.IntN(n) }) != "" {
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
	s    *street
	pick func(label string, n int) int
	all  []*dialect.Message // what the terminal has asked and told
}

// event is one thing that happens: the wire is a bag, from which anything may be delivered, lost, doubled or left waiting.
func (r *random) event() {
	s := r.s
	pick := r.pick
	var at int
	kind := pick("event", 16)
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
		m := s.sale(len(r.all)+1, int64(1+pick("amount", 3))*1000)
		if pick("hold", 4) == 0 {
			s.kind(dialect.KindPreAuth, m)
		}
		r.begin(m)
	case 8:
		if len(r.all) > 0 { // the terminal gives up: it reverses, again and again
			r.reverse(r.all[pick("sale", len(r.all))])
		}
	case 9:
		n := len(r.all) + 1
		r.begin(s.chip("0220", n, 1000, uint16(n)))
	case 12, 13, 14:
		if len(r.all) > 0 {
			r.follow(r.all[pick("original", len(r.all))])
		}
	case 15:
		r.again(r.all)
	case 10:
		s.restart(pick("who", 3))
	case 11:
		r.wait([]time.Duration{time.Second, 31 * time.Second, 46 * time.Second}[pick("wait", 3)])
	}
}

func (r *random) begin(m *dialect.Message) {
	r.all = append(r.all, m)
	r.s.till.remember(m)
	r.s.post(envelope{atTerminal, atAcquirer, m})
}

// follow is a void, a refund, a completion ... of what the terminal has approved and is not busy with.
func (r *random) follow(o *dialect.Message) {
	s := r.s
	if !s.till.stands(o) {
		return
	}
	for _, d := range r.all {
		if _, answered := s.till.said[d.Key()]; d.OriginalKey() == o.Key() && !answered {
			return
		}
	}
	n, amount := len(r.all)+1, o.AmountTransaction
	switch k := kindOf(o); {
	case k == dialect.KindSale:
		switch r.pick("follow", 4) {
		case 0, 1:
			r.begin(s.after(dialect.KindVoid, n, o, amount))
		case 2:
			r.begin(s.after(dialect.KindRefund, n, o, amount/2))
		case 3:
			r.begin(s.after(dialect.KindTipAdjust, n, o, amount+int64(r.pick("tip", 4))*amount/20))
		}
	case k == dialect.KindPreAuth:
		switch r.pick("follow", 3) {
		case 0:
			r.begin(s.after(dialect.KindPreAuthVoid, n, o, amount))
		case 1:
			r.begin(s.after(dialect.KindCompletion, n, o, amount*int64(1+r.pick("part", 3))/2)) // too much is refused
		case 2:
			r.begin(s.after(dialect.KindCompletionAdvice, n, o, amount/2))
		}
	case completes(k):
		r.begin(s.after(dialect.KindCompletionVoid, n, o, amount))
	}
}

// again repeats one of what is not answered: an advice, as the rules have it, or a void, as those of some dialects have it.
func (r *random) again(all []*dialect.Message) {
	for _, m := range all {
		if r.s.till.said[m.Key()] == "" && !r.s.till.reversed[m.Key()] && (functionOf(kindOf(m)) == Advice || m.Kind == dialect.KindVoid) {
			again := *m
			again.MTI = dialect.ISO87().Repeat(m.MTI)
			r.s.post(envelope{atTerminal, atAcquirer, &again})
		}
	}
}

func (r *random) reverse(m *dialect.Message) {
	if dialect.Approves(r.s.till.said[m.Key()]) || functionOf(kindOf(m)) == Advice {
		return // a terminal that took the approval does not reverse it, and what has happened is never reversed
	}
	r.s.till.reversed[m.Key()] = true
	rev := r.s.message("0400", 0)
	rev.Kind, rev.ProcessingCode = m.Kind, m.ProcessingCode
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
		for _, m := range r.all {
			if _, ok := s.till.said[m.Key()]; !ok || s.till.reversed[m.Key()] {
				r.reverse(m)
			}
		}
		r.again(r.all)
		s.run()
		s.pass(2 * time.Minute)
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
	for _, m := range r.all {
		if purposeOf(kindOf(m)) != charging {
			continue
		}
		most := m.AmountTransaction
		var debit, held int64
		for _, d := range r.all {
			if d != m && d.OriginalKey() != m.Key() {
				continue
			}
			if d.Kind == dialect.KindTipAdjust {
				most = max(most, d.AmountTransaction)
			}
			if e := r.s.view(atIssuer).Find(d.Key()); e != nil {
				debit += e.charged()
			}
			if e := r.s.view(atAcquirer).Find(d.Key()); e != nil {
				held += e.Net(PositionAcquirer)
			}
		}
		if debit < 0 || debit > most {
			return fmt.Sprintf("%s is debited %d of %d", m.Key(), debit, most)
		}
		if held < 0 || held > most {
			return fmt.Sprintf("of %s the acquirer holds %d of %d", m.Key(), held, most)
		}
	}
	var holds int64
	for _, e := range r.s.view(atIssuer).Transactions {
		if holds += e.Hold; e.Hold < 0 {
			return fmt.Sprintf("%s holds %d", e.Key, e.Hold)
		}
	}
	if a := r.s.nodes[atIssuer].m.(*Issuer).byName["card"]; a.held != holds {
		return fmt.Sprintf("the account holds %d and its pre-authorisations %d", a.held, holds)
	}
	return ""
}
