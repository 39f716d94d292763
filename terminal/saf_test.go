package terminal

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/dialect"
)

// offline puts sales into the journal that a card approved alone, as chips do.
func (x *desk) offline(n int) {
	x.t.Helper()
	for range n {
		stan, err := x.terminal.journal.takeSTAN()
		must(x.t, err)
		now := x.w.Now()
		r := &Record{Kind: dialect.KindOfflineSale, STAN: stan, Date: now.Format("0102"), Time: now.Format("150405"), Year: now.Year(), Amount: 10_00, Currency: "0156", Card: "476173******0119",
			Entry: "0051", Code: "Y1", ICC: []byte{0x9F, 0x36, 2, 0, 1}, Printed: true}
		if x.terminal.numbersBatches() {
			r.Batch = x.terminal.journal.batch.number
		}
		number, err := pan.Parse("4761739001010119")
		must(x.t, err)
		must(x.t, x.terminal.seal(r, number, "3012"))
		must(x.t, x.terminal.journal.offlineApproved(r))
	}
}

// states are those of the journal, in order.
func (x *desk) states() (all []State) {
	for _, r := range x.terminal.Records() {
		all = append(all, r.State)
	}
	return all
}

// advised are the STANs of the offline sales that were sent, in order.
func (x *desk) advised() (all []string) {
	for _, m := range x.sent {
		if m.Kind == dialect.KindOfflineSale {
			all = append(all, m.SystemsTraceAuditNumber)
		}
	}
	return all
}

// What a host answers and does not settle keeps the others for so long, and no longer; silence ends an occasion; nothing is ever
// given up (traps T2 and T8 of other people's queues).
func TestAPoisonedItemGoesBehindTheOthers(t *testing.T) {
	x := newDesk(t, plainDesk, func(p *Profile) { p.SAF = SAF{Attempts: 3, Interval: time.Minute} })
	x.boot()
	first := ""
	x.treat = func(m, a *dialect.Message) *dialect.Message {
		if m.SystemsTraceAuditNumber == first {
			a.ResponseCode = "91" // decides nothing, for ever
		}
		return a
	}
	x.term.After(0, func() { x.offline(3) })
	x.pass(time.Millisecond)
	first = x.terminal.Records()[0].STAN
	x.cycle()
	x.pass(10 * time.Minute)
	if got := x.states(); !reflect.DeepEqual(got, []State{AdviceDue, Advised, Advised}) {
		t.Fatalf("%v; sent %v", got, x.advised())
	}
	order := x.advised()
	if order[0] != first || order[1] != first || order[2] != first || order[3] == first || order[4] == first {
		t.Errorf("sent in the order %v", order)
	}
	n := len(order)
	x.pass(10 * time.Minute)
	if more := len(x.advised()); more <= n {
		t.Error("it was given up")
	}
	if r := x.terminal.Records()[0]; r.Attempts < 6 {
		t.Errorf("%d tries are counted of %d", r.Attempts, len(x.advised()))
	}
	x.treat = nil
	x.pass(10 * time.Minute)
	if got := x.states()[0]; got != Advised {
		t.Errorf("once the host takes it: %s", got)
	}
}

func TestSilenceCountsAndBacksOff(t *testing.T) {
	x := newDesk(t, plainDesk, func(p *Profile) {
		p.SAF = SAF{Attempts: 2, Interval: time.Minute, Backoff: 2, MaxBackoff: 4 * time.Minute}
	})
	x.boot()
	x.treat = func(m, a *dialect.Message) *dialect.Message {
		if m.Kind == dialect.KindOfflineSale {
			return nil
		}
		return a
	}
	x.term.After(0, func() { x.offline(2) })
	x.pass(time.Millisecond)
	x.cycle()
	var at []time.Duration
	start, seen := x.w.Now(), len(x.advised())
	for range 40 * 60 {
		x.pass(time.Second)
		if n := len(x.advised()); n > seen {
			at, seen = append(at, x.w.Now().Sub(start).Round(time.Second)), n
		}
	}
	for i := 1; i < len(at); i++ {
		gap := at[i] - at[i-1]
		want := min(30*time.Second+time.Minute<<i, 30*time.Second+4*time.Minute)
		if i > 3 && (gap < want-2*time.Second || gap > want+2*time.Second) {
			t.Errorf("gap %d is %s, want %s", i, gap, want)
		}
	}
	if len(at) < 6 || len(at) > 20 {
		t.Errorf("%d tries in 40 minutes: %v", len(at), at)
	}
	if r := x.terminal.Records(); r[0].Attempts+r[1].Attempts < 6 || r[1].Attempts == 0 {
		t.Errorf("tries %d and %d: silence is not counted", r[0].Attempts, r[1].Attempts)
	}
	x.treat = nil
	x.choose(FunctionSAFRetry, "")
	x.pass(5 * time.Second)
	if got := x.states(); !reflect.DeepEqual(got, []State{Advised, Advised}) || x.ends[len(x.ends)-1].Outcome != OutcomeDone {
		t.Errorf("sent now: %v, %+v", got, x.ends)
	}
}

func TestTheQueueIsPausedAndParked(t *testing.T) {
	x := newDesk(t, plainDesk, nil)
	x.boot()
	x.choose(FunctionSAFPause, "")
	x.term.After(0, func() { x.offline(2) })
	x.pass(time.Millisecond)
	x.cycle()
	x.pass(10 * time.Minute)
	if got := x.states(); !reflect.DeepEqual(got, []State{AdviceDue, AdviceDue}) {
		t.Fatalf("paused: %v", got)
	}
	x.choose(FunctionSAFList, "")
	if !x.saw("SENDING IS PAUSED") || x.printed[len(x.printed)-1].Report != FunctionSAFList {
		t.Errorf("shown %q", x.shown)
	}
	stan := x.terminal.Records()[0].STAN
	x.choose(FunctionSAFPark, stan+"\r3\r")
	if r := x.terminal.Records()[0]; r.State != Parked || r.Parking != "supervisor: SETTLED BY HAND" {
		t.Errorf("%+v", r)
	}
	x.choose(FunctionSAFPark, stan+"\r")
	if e := x.ends[len(x.ends)-1]; e.Outcome != OutcomeNotFound {
		t.Errorf("parked twice: %+v", e)
	}
	x.choose(FunctionSAFPause, "")
	x.pass(2 * time.Minute)
	if got := x.states(); !reflect.DeepEqual(got, []State{Parked, Advised}) {
		t.Errorf("resumed: %v", got)
	}
}

// The queue of a terminal that is off is the same one.
func TestTheQueueOfATerminalThatIsOff(t *testing.T) {
	d, a := powered(t)
	j := opened(t, d)
	one, two := inState(t, j, AdviceDue), inState(t, j, ReversalDue)
	inState(t, j, Approved)
	must(t, j.tried(one, 4))
	must(t, j.pause(true))
	reopened(t, d, a)
	q, err := OpenQueue(d)
	must(t, err)
	items := q.Items()
	if len(items) != 2 || items[0].STAN != two.STAN || items[0].Reason != "98" || items[1].Attempts != 4 || !q.Paused() {
		t.Fatalf("%+v", items)
	}
	if _, err := q.Retry("000099"); !errors.Is(err, ErrNotQueued) {
		t.Errorf("%v", err)
	}
	for _, reason := range []string{"", "\x1b[2J", strings.Repeat("x", 81)} {
		if err := q.Park(two.STAN, reason); !errors.Is(err, ErrNoReason) {
			t.Errorf("%q: %v", reason, err)
		}
	}
	must(t, q.Park(two.STAN, "the host has confirmed by telephone"))
	if n, err := q.Retry(""); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	must(t, q.Close())
	j = reopened(t, d, a)
	if r := j.find(two.identity()); r.State != Parked || r.Parking != "the host has confirmed by telephone" {
		t.Errorf("%+v", r)
	}
	if r := j.find(one.identity()); r.Attempts != 0 || j.paused {
		t.Errorf("%+v", r)
	}
	inState(t, j, Pending)
	q, err = OpenQueue(d)
	must(t, err)
	if err := q.Park("000004", "x"); !errors.Is(err, ErrNoParking) {
		t.Errorf("what may be on its way is parked: %v", err)
	}
}

// W54: of three, one is taken, one refused, one not answered. The batch waits for the third alone; the second is on the list.
func TestASettlementWaitsForWhatIsNotAnswered(t *testing.T) {
	both(t, func(t *testing.T, profile string) {
		x := newDesk(t, profile, nil)
		x.boot()
		x.term.After(0, func() { x.offline(3) })
		x.pass(time.Millisecond)
		all := x.terminal.Records()
		silent := true
		x.treat = func(m, a *dialect.Message) *dialect.Message {
			if m.Kind == dialect.KindOfflineSale {
				switch m.SystemsTraceAuditNumber {
				case all[1].STAN:
					a.ResponseCode = "54"
					delete(x.books.approved, m.BatchNumber+"/"+m.SystemsTraceAuditNumber)
				case all[2].STAN:
					if silent {
						return nil
					}
				}
			}
			return a
		}
		if e := x.settle(); e.Outcome != OutcomeBlocked || !x.saw("1 TRANSACTIONS STILL DUE") {
			t.Fatalf("%+v; %v", e, x.states())
		}
		if got := x.states(); !reflect.DeepEqual(got, []State{Advised, Refused, AdviceDue}) {
			t.Fatalf("%v", got)
		}
		silent = false
		if e := x.settle(); e.Outcome != OutcomeDone {
			t.Fatalf("%+v", e)
		}
		last := x.terminal.journal.batch.last
		if last.Totals.Debits.Count != 2 || len(last.Failed) != 1 || last.Failed[0].STAN != all[1].STAN || last.Failed[0].Why != "54" {
			t.Errorf("%+v", last)
		}
		if slip := x.printed[len(x.printed)-1].In(English); !strings.Contains(slip, "REFUSED BY THE HOST: 1") {
			t.Errorf("%s", slip)
		}
	})
}

// W25: the power goes after the upload was accepted, before the flag is saved: the same STAN is sent again.
func TestAnAdviceWhoseAnswerTheTerminalForgot(t *testing.T) {
	x := newDesk(t, plainDesk, nil)
	x.boot()
	x.term.After(0, func() { x.offline(1) })
	x.pass(time.Millisecond)
	x.point = func(at string) {
		if at == "receive 0230" {
			x.disk.Settle(sim.PowerOffLost)
			x.term.PowerOff()
		}
	}
	x.cycle()
	x.point = nil
	if x.term.On() {
		t.Fatal("the power did not go")
	}
	x.boot()
	x.pass(5 * time.Minute)
	if sent := x.advised(); len(sent) != 2 || sent[0] != sent[1] || x.states()[0] != Advised {
		t.Errorf("sent %v, %v", sent, x.states())
	}
}
