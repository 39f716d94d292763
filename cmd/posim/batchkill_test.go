package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
)

// A terminal that numbers its batches is killed while it sells, voids, completes, sends what it has approved alone, and settles; the
// same data each time. Streets side by side make the rounds short: a round is mostly waiting.

// batchKills is how many rounds there are in all: POSIM_KILLS, or enough.
const (
	batchKills   = 200
	batchStreets = 10
)

// rounds are what a till can be doing when it dies, and about how often it writes its journal then. Each begins with whatever the
// round before has left.
var rounds = []struct {
	name, card, steps string
	writes            int
}{
	{"void", "stripe-only", `
  - sale: {amount: 10.00, pin: "1234"}
  - void: {of: 1}`, 9},
	{"completion", "stripe-only", `
  - pre-auth: {amount: 20.00, pin: "1234"}
  - completion: {of: 1, amount: 15.00}`, 9},
	{"queue", "visa-offline", `
  - sale: {amount: 3.00}
  - wait: advices`, 6},
	{"settlement", "stripe-only", `
  - settle: {}`, 7},
	{"settlement of a sale", "stripe-only", `
  - sale: {amount: 7.00, pin: "1234"}
  - settle: {}`, 12},
}

// batchScript is a script of these steps. What comes of them nobody expects.
func batchScript(card, steps string) string {
	return "name: round\nzh: 一轮\nabout: whatever comes of it\nterminal: impatient-cup\ncard: " + card + "\nsteps:" + steps + "\nexpect:\n  end: F0\n"
}

// numbered is a street whose till speaks cup.
func (s *street) numbered(script string) *exec.Cmd {
	s.Helper()
	name := filepath.Join(s.dir, "T02-round.yaml")
	if err := os.WriteFile(name, []byte(script), 0o600); err != nil {
		s.Fatal(err)
	}
	c := exec.Command(s.program, "run", "--host", s.cup, "--admin", s.admin, "--data", "till", "--json", name)
	c.Dir = s.dir
	return c
}

func TestRandomKillsOfBatches(t *testing.T) {
	kills := batchKills
	if n, err := strconv.Atoi(os.Getenv("POSIM_KILLS")); err == nil {
		kills = n
	}
	if testing.Short() {
		kills = batchStreets
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("POSIM_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("POSIM_SEED=%d POSIM_KILLS=%d", seed, kills)
	var mu sync.Mutex
	struck := map[string]int{}
	t.Run("streets", func(t *testing.T) {
		for i := range batchStreets {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(seed, uint64(i)))
				s := newStreet(t)
				for n := (kills + batchStreets - 1) / batchStreets; n > 0; {
					what := s.die(rng)
					if what != late {
						n--
					}
					mu.Lock()
					struck[what]++
					mu.Unlock()
				}
				s.heal()
				s.settled()
			})
		}
	})
	t.Logf("killed: %v", struck)
	if len(struck) < len(rounds) && kills >= batchKills {
		t.Errorf("only %v were struck", struck)
	}
}

// late is a round that ended before anybody killed it.
const late = "late"

// die is one round; it tells what the till was killed in, or that it had ended before.
func (s *street) die(rng *rand.Rand) string {
	s.Helper()
	r := rounds[rng.IntN(len(rounds))]
	c := s.numbered(batchScript(r.card, r.steps))
	if err := c.Start(); err != nil {
		s.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = c.Wait()
		close(ended)
	}()
	journal := filepath.Join(s.dir, "till", terminal.JournalFile)
	moment, pause := rng.IntN(r.writes+1), time.Duration(rng.Int64N(int64(40*time.Millisecond)))
	for before := stamp(journal); moment > 0; time.Sleep(time.Millisecond) { // the machine may be slow: what counts is what it has written
		select {
		case <-ended:
			return late
		default:
		}
		if now := stamp(journal); now != before {
			before, moment = now, moment-1
		}
	}
	time.Sleep(pause)
	select {
	case <-ended:
		return late
	default:
	}
	_ = c.Process.Kill()
	<-ended
	return r.name
}

// stamp is what shows that a file was written, or replaced.
func stamp(name string) string {
	f, err := os.Stat(name)
	if err != nil {
		return ""
	}
	return fmt.Sprint(f.Size(), f.ModTime())
}

// heal boots the till until nothing is due any more and its batch is closed.
func (s *street) heal() {
	s.Helper()
	script := batchScript("stripe-only", `
  - wait: reversal
  - wait: advices
  - settle: {}
    expect: {outcome: done, saf: []}`)
	deadline := time.Now().Add(2 * time.Minute)
	for {
		out, err := s.numbered(script).CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("it does not heal: %v\n%s", err, out)
		}
	}
}

// settled compares what is on the disks: every batch is closed with totals that the acquirer agrees with, nothing is due, what the
// till has claimed in its batches is what the acquirer owes, and what the cardholders have paid.
func (s *street) settled() {
	s.Helper()
	client, err := host.NewAdminClient(s.admin)
	if err != nil {
		s.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	views, err := client.Views(ctx)
	if err != nil {
		s.Fatal(err)
	}
	for _, v := range views {
		if n := len(v.Unresolved()); n > 0 {
			s.Errorf("%d transactions are unresolved", n)
		}
	}
	var claimed int64
	for _, b := range views[0].Batches {
		if b.Result == 0 && b.State == host.BatchOpen && b.Terminal.Debits.Count == 0 {
			continue // the next one
		}
		if b.State != host.BatchClosed || b.Result != 1 || b.Items != 0 {
			s.Errorf("batch %s is %v, result %v, %d items: the till has %+v, the acquirer %+v", b.Number, b.State, b.Result, b.Items, b.Terminal, b.Host)
		}
		claimed += b.Terminal.Debits.Amount + b.Terminal.ForeignDebits.Amount - b.Terminal.Credits.Amount - b.Terminal.ForeignCredits.Amount
	}
	for _, r := range s.journal() {
		if r.State == terminal.Pending || r.State == terminal.ReversalDue || r.State == terminal.AdviceDue {
			s.Errorf("%s: still due", r)
		}
	}
	if p := host.Positions(views...); p["acquirer"] != claimed || p["cardholder"] != -claimed {
		s.Errorf("the till claims %d in %d batches, positions %v", claimed, len(views[0].Batches), p)
	}
	kinds := map[string]int{}
	for _, e := range views[0].Transactions {
		kinds[e.Kind.String()+" "+e.State.String()]++
	}
	s.Logf("%d in %d batches; at the acquirer %v", claimed, len(views[0].Batches), kinds)
	items, err := client.Differences(ctx)
	if err != nil || len(items) > 0 {
		s.Errorf("differences %v, %v", items, err)
	}
	for _, e := range views[0].Transactions {
		other := views[2].Find(e.Key)
		if theirs := other != nil && other.State == host.Approved; theirs != (e.State == host.Approved) && e.Kind.Reversible() {
			s.Errorf("%s is %v at the acquirer, at the issuer %s", e.Key, e.State, stateOf(other))
		}
	}
}

func stateOf(e *host.Entry) string {
	if e == nil {
		return "unknown"
	}
	return fmt.Sprint(e.State)
}
