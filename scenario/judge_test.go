package scenario

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// An invariant to which no naive variant leads is broken here by hand: a judge that never objects proves nothing.

// played is the house after a sale that went well: healed, at rest, and nobody objects.
func played(t *testing.T) *rig {
	t.Helper()
	l := builtIn(t)
	s, o := script(t, l, "W01"), Options{Seed: 1}
	r, err := newRig(l, s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.world.Close)
	out := &outcome{money: map[string]Money{}}
	newPlay(r, s, o, out).perform()
	if out.failed() {
		t.Fatalf("%v %v", out.err, out.wrong)
	}
	return r
}

// objected are the invariants that were found broken since the house was played.
func (r *rig) objected() (all []string) {
	for _, v := range r.log.wrong {
		all = append(all, v.Invariant)
	}
	return all
}

// TestAccountsThatThePostingsDoNotExplain: what an account lost and no posting says, or the other way round, breaks I2.
func TestAccountsThatThePostingsDoNotExplain(t *testing.T) {
	for _, c := range []struct {
		name string
		more int64 // on the cardholder's posting
		want []string
	}{
		{"as the issuer wrote them", 0, nil},
		{"a cent more than the account lost", 1, []string{"I2"}},
		{"a cent less", -1, []string{"I2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := played(t)
			issuer := r.hosts[2]
			r.judgeHost(issuer, withPosting(t, issuer, c.more))
			if got := r.objected(); !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", r.log.wrong, c.want)
			}
		})
	}
}

// withPosting is what the issuer's disk says, with so much more in its first posting.
func withPosting(t *testing.T, issuer *party, more int64) *host.View {
	t.Helper()
	v, err := host.Recover(issuer.disk.Durable(host.LogName))
	if err != nil || len(v.Transactions) == 0 || len(v.Transactions[0].Postings) == 0 {
		t.Fatalf("the issuer has no posting: %v", err)
	}
	v.Transactions[0].Postings[0].Amount += more
	return v
}

// TestATerminalThatHangsIsFound: with power, and nothing left to happen, it is idle or stopped, or it breaks I12 before
// anything is healed.
func TestATerminalThatHangsIsFound(t *testing.T) {
	for _, c := range []struct {
		name  string
		make  func(r *rig)
		holds func(r *rig) bool // so that the case is what its name says
		want  []string
	}{
		{"idle", func(*rig) {}, func(r *rig) bool { return r.terminal.Idle() }, nil},
		{
			"without power",
			func(r *rig) { r.powerOff(sim.PowerOffLost) },
			func(r *rig) bool { return !r.term.On() }, nil,
		},
		{
			"stopped",
			func(r *rig) {
				r.disk.full = true
				r.term.After(0, r.terminal.RequestSignOn)
			},
			func(r *rig) bool { return r.term.On() && !r.terminal.Idle() && r.terminal.Stopped() != nil }, nil,
		},
		{
			"waiting for nothing",
			func(r *rig) {
				r.powerOff(sim.PowerOffLost)
				r.terminal = &terminal.Terminal{}
				r.term.PowerOn(func(c sim.Clock) { c.Wait(time.Time{}, never) })
			},
			func(r *rig) bool { return r.term.On() && !r.terminal.Idle() && r.terminal.Stopped() == nil }, []string{"I12"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := played(t)
			c.make(r)
			if !r.settle() || !c.holds(r) {
				t.Fatalf("the terminal is %s", r.terminal.State())
			}
			r.judgeState()
			if got := r.objected(); !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", r.log.wrong, c.want)
			}
		})
	}
}

// TestASecretIsFoundWhereverItGoes declares secret what really goes there: every place that I11 names is searched.
func TestASecretIsFoundWhereverItGoes(t *testing.T) {
	l := builtIn(t)
	s := script(t, l, "W01")
	tid := l.terminals[s.Terminal].TID
	books := []string{"disk log of acquirer", "disk log of bank", "disk log of issuer", "disk log of switch", "print of term", "story: a line of kind receipt"}
	lines := []string{
		"sent of iss.req", "sent of iss.rsp", "sent of net.req", "sent of net.rsp", "sent of up.req", "sent of up.rsp",
		"wire of acquirer>switch", "wire of acquirer>term", "wire of issuer>switch", "wire of switch>acquirer", "wire of switch>issuer",
		"wire of term>acquirer",
	}
	for _, c := range []struct {
		name, secret string
		wires        bool // not even a wire may carry it
		want         []string
	}{
		{"what is nowhere", "never to be found", true, nil},
		{"what is in every message", tid, true, slices.Sorted(slices.Values(append(slices.Clone(books), lines...)))},
		{"the same, allowed on wires", tid, false, books},
		{"what the screen says", "approved", true, []string{"screen of term", "story: a line of kind decide"}},
		{"what the chip says", "\xA0\x00\x00\x00\x03\x10\x10", true, []string{
			"disk journal of term", "line of reader", "line of term", "print of term", "sent of iss.req", "sent of net.req", "sent of up.req",
			"story: a line of kind apdu", "story: a line of kind decide", "story: a line of kind receipt", "wire of acquirer>switch",
			"wire of switch>issuer", "wire of term>acquirer",
		}},
		{"the same, which readers may see", "\xA0\x00\x00\x00\x03\x10\x10", false, []string{
			"disk journal of term", "print of term", "story: a line of kind apdu", "story: a line of kind decide", "story: a line of kind receipt",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := emptyTaint()
			x.add("the secret", c.wires, []byte(c.secret))
			x.link()
			var got []string
			for _, v := range l.once(s, Options{Seed: 1, taint: x, Story: func(Line) {}}).wrong {
				got = append(got, strings.TrimPrefix(v.String(), "I11 the secret is in the "))
			}
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, c.want) {
				t.Errorf("found in %q, want %q", got, c.want)
			}
		})
	}
}

// TestWhatIsLaidOutHasAnItem: I18 knows a refund that no payout has borne yet by its money alone.
func TestWhatIsLaidOutHasAnItem(t *testing.T) {
	sale := dialect.Key{MID: "m", TID: "t", STAN: "000001"}
	item := func(n int64, s host.ItemStage) *host.Item {
		return &host.Item{Owner: "acquirer", Amount: n, Deadline: "2026-03-23", Type: host.RefundNetted, Stage: s}
	}
	for _, c := range []struct {
		name     string
		salePaid bool
		paid     bool
		item     *host.Item
		wrong    int
	}{
		{"an item of all of it", true, false, item(4000, host.ItemOpen), 0},
		{"no item", true, false, nil, 1},
		{"one of less", true, false, item(3999, host.ItemOpen), 1},
		{"one that is closed", true, false, item(4000, host.ItemClosed), 1},
		{"the sale is not paid: its payout is less", false, false, nil, 0},
		{"payouts have borne it", true, true, nil, 0},
	} {
		refund := &host.Entry{Transaction: host.Transaction{
			Key: dialect.Key{MID: "m", TID: "t", STAN: "000002"}, Original: sale, Kind: dialect.KindRefund, State: host.Approved, Paid: c.paid, Difference: c.item,
		}, Postings: []host.Posting{{From: host.PositionAcquirer, To: host.PositionSwitch, Amount: 4000}}}
		r := &court{log: newRecord()}
		r.judgeLaidOut(&host.View{Transactions: []*host.Entry{{Transaction: host.Transaction{Key: sale, Paid: c.salePaid}}, refund}})
		if len(r.log.wrong) != c.wrong {
			t.Errorf("%s: %v", c.name, r.log.wrong)
		}
	}
}
