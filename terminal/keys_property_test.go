package terminal

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/dialect"
)

// FuzzKeys: whatever is pressed, swiped and cut, and whatever the host says, a terminal with power ends idle; its journal
// is what its disk says, and every receipt is of a record that owes one.
func FuzzKeys(f *testing.F) {
	f.Add(uint64(1), []byte("M21123456\r2\r\r"), false)
	f.Add(uint64(2), []byte("M22123456\r606114000123\r0302\r500\r\r"), true)
	f.Add(uint64(3), []byte("M311000\rS1234\rM34\r4761739001010119\r3012\r123456\r0302\r900\r"), false)
	f.Add(uint64(4), []byte("M171000\r628800001111222233\r"), true)
	f.Add(uint64(5), []byte("1000\rS1234\rPM232\r100\r\rMMMM\x1b\x1bM9M0MO"), false)
	f.Add(uint64(6), []byte("M15900\r4761739001010119\r3012\rM42\rM44\r2\r"), true)
	f.Fuzz(func(t *testing.T, seed uint64, keys []byte, numbers bool) {
		if len(keys) > 200 {
			return
		}
		source := generic(t)
		if numbers {
			source = numbered(t, "")
		}
		playKeys(t, source, seed, keys)
	})
}

// TestRandomKeys presses what nobody would, for many seeds: digits of menus and prompts most of the time.
func TestRandomKeys(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 15
	}
	words := []string{"M", "1000\r", "S", "1234\r", "\r", "\x1b", "\b", "123456\r", "0302\r", "606114000123\r", "4761739001010119\r", "3012\r", "2\r", "3\r", "4\r",
		"500\r", "628800001111222233\r", "P", "M21123456\r", "M22123456\r", "M23", "M31", "M33123456\r", "M34", "M35", "M36123456\r", "M11", "M12", "M13", "M14", "M15",
		"M16", "M17", "M18", "M41", "M42", "M43", "M44", "7", "O", "123\r",
		"1000\rS1234\r", "1000\rS1234\r", "M121000\r500\rS1234\r", "M131000\r100\rS1234\r", "M141000\r3\rS1234\r", "M151000\r4761739001010119\r3012\r",
		"M311000\rS1234\r", "M311000\rS1234\r", "M33123456\rS123456\r0302\r\r", "M34S123456\r0302\r1100\r", "M35S123456\r0302\r900\r",
		"M21123456\r2\r\r", "M21123456\r3\r\r", "M21123456\r4\r\r", "M232\r100\r\r", "M233\r100\r\r", "M36123456\r5\r\r", "M36123456\r6\r\r",
		"M22123456\r606114000002\r0302\r500\r\r", "M22123456\r606114000003\r0302\rS500\r\r", "M41S1234\r",
		"1000\rS1234\rM21123456\r2\r\r", "1000\rS1234\rM21123456\r3\r\r", "1000\rS1234\rM21123456\r5\r\r", "1000\rS1234\rM21123456\r7\r\r"}
	seen := map[string]int{}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		var keys strings.Builder
		for range 40 {
			keys.WriteString(words[rng.IntN(len(words))])
		}
		source := generic(t)
		if seed%2 == 1 {
			source = numbered(t, "")
		}
		t.Logf("seed %d: %q", seed, keys.String())
		for _, r := range playKeys(t, source, uint64(seed), []byte(keys.String())) {
			seen[r.about().String()+" "+string(r.State)]++
		}
		if t.Failed() {
			return
		}
	}
	kinds := map[string]bool{}
	for s := range seen {
		kinds[strings.Fields(s)[0]] = true
	}
	if !testing.Short() && len(kinds) < 12 {
		t.Errorf("only %d kinds were met: %v", len(kinds), seen)
	}
}

// playKeys presses keys, S swipes and P pulls the plug; the host answers, refuses or keeps silent as the seed has it. Then everything
// is well again, and the terminal comes to rest. The records are what it has then.
func playKeys(t *testing.T, source string, seed uint64, keys []byte) []*Record {
	c := newCounterOf(t, source, nil)
	defer c.w.Close()
	rng := rand.New(rand.NewPCG(seed, 1))
	healed := false
	c.say = func(m, a *dialect.Message) {
		if !healed {
			a.ResponseCode = []string{"00", "00", "00", "00", "05", "25", "96", "09", "A0", "11", "10"}[rng.IntN(11)]
		}
		a.RetrievalReferenceNumber = "606114" + m.SystemsTraceAuditNumber
		a.AuthorizationIDResponse = "123456"
	}
	c.spoil = func(b []byte) [][]byte {
		if !healed && rng.IntN(6) == 0 {
			return nil
		}
		return [][]byte{b}
	}
	for _, k := range keys {
		switch k {
		case 'S':
			c.swipe(swiped)
		case 'P':
			c.disk.Settle(sim.PowerOffLost)
			c.term.PowerOff()
			c.pass(time.Second)
			c.restart()
		default:
			c.term.After(0, func() { c.terminal.Press(k) })
		}
		c.pass(300 * time.Millisecond)
	}
	healed = true
	c.term.After(0, func() { c.terminal.Press(KeyCancel) })
	c.pass(10 * time.Minute)
	c.disk.Settle(sim.PowerOffLost)
	c.term.PowerOff()
	c.pass(time.Second)
	c.restart() // one more occasion for what is due
	c.pass(20 * time.Minute)
	if err := c.terminal.Stopped(); err != nil || !c.terminal.Idle() {
		t.Fatalf("%v, it is %s; shown %q", err, c.terminal.State(), c.shown[max(0, len(c.shown)-5):])
	}
	kept, err := ReadJournal(c.disk.Durable(JournalFile))
	must(t, err)
	all := c.terminal.Records()
	if len(kept) != len(all) {
		t.Fatalf("%d records, %d in the journal", len(all), len(kept))
	}
	stans := map[string]bool{}
	for i, r := range all {
		if !reflect.DeepEqual(kept[i], r) {
			t.Fatalf("record %d is %+v, in the journal %+v", i, r, kept[i])
		}
		switch r.State {
		case Pending, ReversalDue, AdviceDue:
			t.Errorf("at rest: %+v", r)
		}
		if stans[r.STAN] {
			t.Errorf("STAN %s twice", r.STAN)
		}
		stans[r.STAN] = true
		if r.owedReceipt() != r.Printed {
			t.Errorf("owed a receipt %v, printed %v: %+v", r.owedReceipt(), r.Printed, r)
		}
	}
	for _, s := range c.shown {
		if strings.Contains(s, "4761739001010119") || strings.Contains(s, "%!") {
			t.Errorf("%q", s)
		}
	}
	return all
}
