package terminal

import (
	"testing"
	"time"
)

// What a profile says of entry modes and offline sales is what the terminal does.

func TestAWayThatTheProfileForbids(t *testing.T) {
	slot := &standIn{}
	x, ends, shown := chipTill(t, slot, "entry_modes: [chip]")
	x.press("1000\r")
	x.swipe("4761739001010119=30121011143844805") // no chip, and still not taken
	x.pass(2 * time.Minute)
	if len(x.terminal.Records()) > 0 || len(*ends) != 1 || (*ends)[0].Outcome == OutcomeApproved {
		t.Errorf("%d records, %+v, shown %q", len(x.terminal.Records()), *ends, *shown)
	}
	x.w.Close()

	x, ends, _ = chipTill(t, slot, "entry_modes: [stripe]")
	defer x.w.Close()
	x.press("1000\r")
	x.swipe(chipStripe) // its service code says that there is a chip, which nobody can read here
	x.press("1234\r")
	x.pass(5 * time.Second)
	if len(*ends) != 1 || (*ends)[0].Outcome != OutcomeApproved || x.terminal.Records()[0].Entry != "0901" {
		t.Errorf("%+v, %+v", *ends, x.terminal.Records())
	}
	for f, want := range map[Function]bool{FunctionSale: true, FunctionMOTOSale: false, FunctionQRSale: false, FunctionRefund: true} {
		if _, ok := Menu(x.terminal.profile, f); ok != want {
			t.Errorf("%s is in the menu: %v", f, ok)
		}
	}
}

func TestOfflineSalesHaveALimit(t *testing.T) {
	for _, c := range []struct {
		name, limit string
		before      int // sales that the card may approve
	}{
		{"a number", "offline: {max_count: 2}", 2},
		{"a sum, which the next sale would exceed", "offline: {max_total: 2999}", 2},
		{"both, the tighter one", "offline: {max_count: 3, max_total: 1999}", 1},
		{"a sum that the next sale just meets", "offline: {max_total: 3000}", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, slot := chipCounter(t, "visa-offline", with(t, c.limit))
			defer x.w.Close()
			x.pass(time.Minute)
			x.terminal.hangUp()
			dial := x.terminal.cfg.Dial
			x.terminal.cfg.Dial = refuseDial
			for range c.before {
				x.choose(FunctionSale, "1000\r")
				x.insert(slot, "")
				x.wants(OutcomeOfflineApproved)
			}
			x.choose(FunctionSale, "1000\r")
			x.insert(slot, "")
			if o := x.ends[len(x.ends)-1].Outcome; o == OutcomeOfflineApproved || x.terminal.journal.count(AdviceDue) != c.before {
				t.Fatalf("one more is %s, %d wait", o, x.terminal.journal.count(AdviceDue))
			}
			x.terminal.cfg.Dial = dial // they are sent, and there is room again
			x.pass(5 * time.Minute)
			if n := x.terminal.journal.count(AdviceDue); n != 0 {
				t.Fatalf("%d wait", n)
			}
			for _, want := range []Outcome{OutcomeApproved, OutcomeOfflineApproved} { // a card that could not go online wants to, first
				x.choose(FunctionSale, "1000\r")
				x.insert(slot, "")
				x.wants(want)
			}
		})
	}
}
