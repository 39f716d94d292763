package terminal

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
)

// standIn is a slot with a card that does one thing whatever it is asked.
type standIn struct {
	present  bool
	reset    error // what comes of a reset
	answer   []byte
	transmit error
	lost     error
	commands int
}

var _ Slot = (*standIn)(nil)

func (s *standIn) Present() bool   { return s.present }
func (s *standIn) Physical() bool  { return false }
func (s *standIn) Lost() error     { return s.lost }
func (s *standIn) PowerOff() error { return nil }
func (s *standIn) PowerOn() (apdu.Card, error) {
	if s.reset != nil {
		return nil, s.reset
	}
	return s, nil
}

func (s *standIn) Transmit([]byte) ([]byte, error) {
	s.commands++
	return s.answer, s.transmit
}

// chipTill is a till with a slot, and what it shows and how its sales end.
func chipTill(t *testing.T, slot *standIn, fallback string) (x *till, ends *[]Ended, shown *[]string) {
	x = newTill(t)
	p, err := ParseProfile("generic", []byte(strings.Replace(generic(t), "attempts: 3", "attempts: 3\n"+fallback, 1)))
	must(t, err)
	ends, shown = &[]Ended{}, &[]string{}
	x.terminal.cfg.Devices.OpenSlot = func() (Slot, error) { return slot, nil }
	x.terminal.cfg.Devices.Show = func(s Screen) { *shown = append(*shown, s.In(English)) }
	x.terminal.cfg.Observe = func(o Observation) {
		if e, ok := o.(Ended); ok {
			*ends = append(*ends, e)
		}
	}
	x.terminal.profile = p
	x.start()
	x.pass(5 * time.Second)
	return x, ends, shown
}

func (x *till) press(keys string) {
	for _, k := range []byte(keys) {
		x.term.After(0, func() { x.terminal.Press(k) })
	}
	x.pass(time.Second)
}

func (x *till) insert(s *standIn) {
	x.term.After(0, func() { s.present = true })
	x.pass(time.Second)
	x.term.After(0, func() { s.present = false })
	x.pass(time.Second)
}

func (x *till) swipe(track2 string) {
	x.term.After(0, func() { x.terminal.Swipe(Stripe{Track2: track2}) })
	x.pass(time.Second)
}

const chipStripe = "4761739001010119=30122011143844805"

func TestWhatCountsForAFallback(t *testing.T) {
	for _, c := range []struct {
		name     string
		slot     standIn
		fallback string
		want     Outcome // after so many cards and a swipe
		entry    string  // of the record, if there is one
	}{
		{"no answer to reset", standIn{reset: apdu.ErrMute}, "", OutcomeApproved, "0801"},
		{"a bad answer to reset", standIn{reset: fmt.Errorf("reader: %w", apdu.ErrProtocol)}, "", OutcomeApproved, "0801"},
		{"no answer to a command", standIn{transmit: apdu.ErrMute}, "", OutcomeApproved, "0801"},
		{"nonsense for an answer", standIn{answer: []byte{0x90}}, "", OutcomeApproved, "0801"},
		{"after one, where one is enough", standIn{reset: apdu.ErrMute}, "fallback: {tries: 1}", OutcomeApproved, "0801"},
		{"a terminal without fallback", standIn{reset: apdu.ErrMute}, "fallback: off", OutcomeChipFailed, ""},
		{"a card that leaves", standIn{transmit: apdu.ErrCardRemoved}, "", OutcomeCardRemoved, ""},
		{"no application in common", standIn{answer: []byte{0x6A, 0x82}}, "", OutcomeNotAccepted, ""},
		{"no application in common, where that counts", standIn{answer: []byte{0x6A, 0x82}}, "fallback: {empty_list: true}", OutcomeApproved, "0801"},
		{"a blocked card, where an empty list counts", standIn{answer: []byte{0x6A, 0x81}}, "fallback: {empty_list: true}", OutcomeNotAccepted, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			slot := c.slot
			x, ends, shown := chipTill(t, &slot, c.fallback)
			defer x.w.Close()
			tries := x.terminal.profile.Fallback.Tries
			x.press("1000\r")
			for range tries {
				x.insert(&slot)
			}
			if len(*ends) == 0 {
				x.swipe(chipStripe)
				x.press("1234\r")
				x.pass(5 * time.Second)
			}
			if len(*ends) != 1 || (*ends)[0].Outcome != c.want {
				t.Fatalf("%+v, want %s; shown: %q", *ends, c.want, *shown)
			}
			records := x.terminal.Records()
			if c.entry == "" && len(records) > 0 || c.entry != "" && (len(records) != 1 || records[0].Entry != c.entry || len(x.printed) != 2) {
				t.Errorf("%d records, %d receipts", len(records), len(x.printed))
			}
			if c.entry == "" { // the next customer's chip is wanted
				x.swipeRefused(c.fallback == "fallback: off", ends, shown)
			}
		})
	}
}

// swipeRefused swipes a chip card in a sale of its own: it is sent to the slot, or away where there is no fallback for it.
func (x *till) swipeRefused(away bool, ends *[]Ended, shown *[]string) {
	x.press("1000\r")
	x.swipe(chipStripe)
	last := (*shown)[len(*shown)-1]
	if !away && !strings.Contains(last, "CHIP CARD: PLEASE INSERT") {
		x.t.Errorf("shown: %q", last)
	}
	if away && (len(*ends) != 2 || (*ends)[1].Outcome != OutcomeNotAccepted) {
		x.t.Errorf("%+v", *ends)
	}
	x.press(string(KeyCancel))
	if !away && (len(*ends) != 2 || (*ends)[1].Outcome != OutcomeCancelled) {
		x.t.Errorf("%+v", *ends)
	}
}

// TestAReaderThatIsGone: there is nowhere to insert the card, so its stripe is read at once.
func TestAReaderThatIsGone(t *testing.T) {
	slot := standIn{lost: fmt.Errorf("reader: unplugged")}
	x, ends, _ := chipTill(t, &slot, "")
	defer x.w.Close()
	x.press("1000\r")
	x.swipe(chipStripe)
	x.press("1234\r")
	x.pass(5 * time.Second)
	if len(*ends) != 1 || (*ends)[0].Outcome != OutcomeApproved || x.terminal.Records()[0].Entry != "0801" {
		t.Errorf("%+v", *ends)
	}
}

func TestTheServiceCodeIsObeyed(t *testing.T) {
	for _, c := range []struct {
		name, service, pin string
		want               Outcome
		cvm                string
	}{
		{"no restrictions, a PIN", "101", "1234\r", OutcomeApproved, cvmPIN},
		{"no restrictions, no PIN", "101", "\r", OutcomeApproved, cvmSignature},
		{"PIN required, and given", "120", "1234\r", OutcomeApproved, cvmPIN},
		{"PIN required, and not given", "120", "\r", OutcomeNotAccepted, ""},
		{"goods and services, PIN required, and not given", "525", "\r", OutcomeNotAccepted, ""},
		{"PIN where feasible, not given", "106", "\r", OutcomeApproved, cvmSignature},
		{"cash machines only", "103", "1234\r", OutcomeNotAccepted, ""},
		{"cash only", "104", "1234\r", OutcomeNotAccepted, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, ends, shown := chipTill(t, &standIn{}, "")
			defer x.w.Close()
			x.press("1000\r")
			x.swipe("4761739001010119=3012" + c.service + "1143844805")
			if len(*ends) == 0 {
				x.press(c.pin)
				x.pass(5 * time.Second)
			}
			if len(*ends) != 1 || (*ends)[0].Outcome != c.want {
				t.Fatalf("%+v; shown: %q", *ends, *shown)
			}
			if records := x.terminal.Records(); c.cvm == "" && len(records) > 0 || c.cvm != "" && (len(records) != 1 || records[0].CVM != c.cvm) {
				t.Errorf("%d records", len(records))
			}
		})
	}
}
