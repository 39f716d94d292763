package scenario

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/terminal"
)

// sessionInRealTime is a house in real time that is ready for a customer.
func sessionInRealTime(t *testing.T, o LiveOptions) *LiveSession {
	t.Helper()
	s, err := NewLiveSession(context.Background(), quick(builtIn(t)), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	await(t, s, "an idle terminal", func(v *View) bool { return v.State == "idle" })
	return s
}

// await waits until something can be seen.
func await(t *testing.T, s *LiveSession, what string, seen func(*View) bool) *View {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if v := s.View(); seen(v) {
			return v
		}
		time.Sleep(5 * time.Millisecond)
	}
	v := s.View()
	for _, l := range v.Story {
		t.Logf("%8s %-8s %s %s", l.At.Round(time.Millisecond), l.Kind, l.Dir, l.Text)
	}
	t.Fatalf("no %s: state %s, screen %q, journal %v, money %v, where %v, trouble %q, script %+v", what, v.State, v.Screen.In(terminal.English),
		v.Journal, v.Money, v.Where, v.Trouble, v.Script)
	return nil
}

func showing(text string) func(*View) bool {
	return func(v *View) bool { return strings.Contains(v.Screen.In(terminal.English), text) }
}

func postLive(t *testing.T, s *LiveSession, events ...Event) {
	t.Helper()
	for _, e := range events {
		if err := s.Post(e); err != nil {
			t.Fatalf("%T: %v", e, err)
		}
	}
}

// chipSale is a sale by hand up to the PIN, which the cardholder types.
func chipSale(t *testing.T, s *LiveSession, amount string) {
	t.Helper()
	postLive(t, s, typed(amount+"\r")...)
	await(t, s, "request for a card", showing("SALE "))
	postLive(t, s, Insert{"visa-credit"})
	await(t, s, "prompt", showing("ENTER PIN"))
	postLive(t, s, EnterPIN{"visa-credit"})
}

func TestLiveSessionSales(t *testing.T) {
	t.Parallel()
	s := sessionInRealTime(t, LiveOptions{})
	chipSale(t, s, "10000")
	await(t, s, "end of the sale", showing("PLEASE REMOVE CARD"))
	v := await(t, s, "debit that came to rest at the acquirer", func(v *View) bool { // the hosts are asked one after the other
		return held(v, "cardholder") == "-100.00" && v.Where.End == "F3" && strings.Contains(v.Where.En, "acquirer")
	})
	if lastState(v) != terminal.Approved || len(v.Receipts) != 2 || v.Slot != "visa-credit" {
		t.Errorf("journal %v, %d receipts, slot %q, %v", v.Journal, len(v.Receipts), v.Slot, v.Where)
	}
	if r := v.Journal[0]; r.ICC != nil || r.Sealed != nil {
		t.Error("the view has the card's data")
	}
	kinds := map[string]bool{}
	for _, l := range v.Story {
		kinds[l.Kind] = true
	}
	for _, kind := range []string{"term", "screen", "card", "apdu", "decide", "journal", "wire", "host", "money", "receipt"} {
		if !kinds[kind] {
			t.Errorf("the story has nothing of kind %s", kind)
		}
	}
	postLive(t, s, Remove{})
	await(t, s, "idle terminal", func(v *View) bool { return showing("PLEASE INSERT CARD")(v) && v.Slot == "" })

	// A prompt that is cancelled while the cardholder types takes no more digits: they would be read as an amount.
	postLive(t, s, typed("777\r")...)
	await(t, s, "request for a card", showing("SALE 7.77"))
	postLive(t, s, Swipe{"stripe-only"})
	await(t, s, "prompt", showing("ENTER PIN"))
	postLive(t, s, EnterPIN{"stripe-only"})
	await(t, s, "first digit", showing("*"))
	postLive(t, s, Press{terminal.KeyCancel})
	await(t, s, "idle terminal", showing("PLEASE INSERT CARD"))
	time.Sleep(10 * liveKeystroke)
	if v := s.View(); v.State != "idle" || strings.Contains(v.Screen.In(terminal.English), "AMOUNT") || len(v.Journal) != 1 {
		t.Errorf("%s, %q, %v", v.State, v.Screen.In(terminal.English), v.Journal)
	}

	postLive(t, s, typed("550\r")...)
	await(t, s, "request for a card", showing("SALE 5.50"))
	postLive(t, s, Swipe{"stripe-only"})
	await(t, s, "prompt", showing("ENTER PIN"))
	postLive(t, s, typed("1234")...)
	await(t, s, "asterisks", showing("****"))
	postLive(t, s, Press{terminal.KeyEnter})
	v = await(t, s, "second debit", func(v *View) bool { return held(v, "cardholder") == "-105.50" && v.State == "idle" })
	if len(v.Journal) != 2 || v.Journal[1].Amount != 550 {
		t.Errorf("%+v", v.Journal)
	}
	for _, l := range v.Story {
		if strings.Contains(l.Text, "1234") {
			t.Errorf("the story has the PIN: %s", l.Text)
		}
	}
	time.Sleep(2 * liveGlance) // the last of what the hosts had to tell
	if before := s.View(); before != s.View() {
		t.Error("nothing happened and the view is another")
	}
}

// The plug is pulled with the request on its way; nobody asks the disk what was in memory. The boot reverses first.
func TestLiveSessionPlug(t *testing.T) {
	t.Parallel()
	s := sessionInRealTime(t, LiveOptions{Data: filepath.Join(t.TempDir(), "till")})
	postLive(t, s, Arm{"net.rsp[0210].lose"})
	chipSale(t, s, "10000")
	await(t, s, "lost answer", func(v *View) bool { return len(v.Faults) == 1 && v.Faults[0].Over })
	postLive(t, s, PullPlug{})
	v := s.View()
	if v.Power || v.Screen != nil || v.State != "off" || lastState(v) != terminal.Pending || v.Slot != "visa-credit" {
		t.Fatalf("power %v, screen %v, state %s, journal %v, slot %q", v.Power, v.Screen, v.State, v.Journal, v.Slot)
	}
	for _, e := range []Event{Press{'1'}, Swipe{"stripe-only"}, PullPlug{}, EnterPIN{"visa-credit"}} {
		if err := s.Post(e); !errors.Is(err, ErrNoPower) {
			t.Errorf("%T without power: %v", e, err)
		}
	}
	await(t, s, "debit", func(v *View) bool { return held(v, "cardholder") == "-100.00" })
	postLive(t, s, PowerOn{})
	if err := s.Post(PowerOn{}); !errors.Is(err, ErrPower) {
		t.Error(err)
	}
	await(t, s, "card that is still there", showing("PLEASE REMOVE CARD"))
	postLive(t, s, Remove{})
	await(t, s, "reversal", func(v *View) bool { return lastState(v) == terminal.Reversed && v.State == "idle" })
	await(t, s, "money that came back", func(v *View) bool { return held(v, "cardholder") == "0.00" && v.Where.End == "F2" })

	s.Close()
	if err := s.Post(Press{'1'}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if v := s.View(); v.Power || len(v.Journal) != 1 {
		t.Error("the last view is gone")
	}
}

func TestLiveSessionLine(t *testing.T) {
	t.Parallel()
	s := sessionInRealTime(t, LiveOptions{})
	postLive(t, s, CutLine{true})
	if s.View().Line {
		t.Error("the line is whole")
	}
	chipSale(t, s, "2000")
	await(t, s, "end of the sale", showing("PLEASE REMOVE CARD"))
	postLive(t, s, CutLine{false}, Remove{}, Arm{"term[print].paper-out"})
	if v := s.View(); !v.Line || v.Paper || len(v.Faults) != 1 {
		t.Errorf("line %v, paper %v, faults %v", v.Line, v.Paper, v.Faults)
	}
	postLive(t, s, Disarm{"term[print].paper-out"})
	v := await(t, s, "idle terminal", func(v *View) bool { return showing("PLEASE INSERT CARD")(v) && v.Slot == "" })
	if !v.Paper || len(v.Faults) != 0 || held(v, "cardholder") == "-20.00" || lastState(v) == terminal.Approved {
		t.Errorf("%v %v %s %v", v.Paper, v.Faults, held(v, "cardholder"), v.Journal)
	}
	chipSale(t, s, "2000")
	await(t, s, "debit", func(v *View) bool { return held(v, "cardholder") == "-20.00" })
}

// A script plays by itself, and the house then is the person's.
func TestLiveSessionPlaysAScript(t *testing.T) {
	t.Parallel()
	s := sessionInRealTime(t, LiveOptions{})
	for _, script := range allScripts(t, s.library) {
		switch script.ID {
		case "W56", "W09":
			if err := s.Post(Play{script}); !errors.Is(err, ErrNeedsVirtual) {
				t.Errorf("%s: %v", script.ID, err)
			}
		}
	}
	if v := s.View(); !v.Power || v.Script != nil {
		t.Error("a script that was refused has done something")
	}
	for _, script := range allScripts(t, s.library) {
		if script.ID != "W04" {
			continue
		}
		postLive(t, s, Play{script})
		await(t, s, "first step", func(v *View) bool { return v.Script != nil && v.Script.Step > 0 })
		if err := s.Post(Play{script}); !errors.Is(err, ErrPlaying) {
			t.Error(err)
		}
		v := await(t, s, "verdict", func(v *View) bool { return v.Script.Over })
		if p := v.Script; !p.Passed || p.End != "F2" || p.Step != len(p.Steps) || p.ID != "W04" {
			t.Errorf("%+v", *p)
		}
	}
	await(t, s, "idle terminal", func(v *View) bool { return showing("PLEASE INSERT CARD")(v) && v.Slot == "" })
	chipSale(t, s, "4200")
	await(t, s, "end of the sale", showing("PLEASE REMOVE CARD"))
	await(t, s, "debit", func(v *View) bool { return held(v, "cardholder") == "-42.00" })
	postLive(t, s, Restart{})
	if err := s.Post(Press{'1'}); err != nil && !errors.Is(err, ErrBuilding) && !errors.Is(err, ErrNoPower) {
		t.Error(err)
	}
	v := await(t, s, "new house", func(v *View) bool { return v.State == "idle" })
	if v.Script != nil || len(v.Journal) != 0 {
		t.Errorf("%+v", v)
	}
}

// A script that is left half-way lets go of its house.
func TestLiveSessionLeavesAScript(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "till")
	s := sessionInRealTime(t, LiveOptions{Data: data})
	script, err := Parse("X1-x.yaml", []byte(`name: long
zh: 久
about: waits for longer than anybody
card: visa-credit
steps:
  - wait: 20m
  - sale: {amount: 100.00, pin: "1234"}
expect:
  end: F3
`), s.library.Known())
	if err != nil {
		t.Fatal(err)
	}
	postLive(t, s, Play{script})
	await(t, s, "first step", func(v *View) bool { return v.Script != nil && v.Script.Step == 1 })
	if _, err := NewLiveSession(context.Background(), s.library, LiveOptions{Data: data}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("two houses in one directory: %v", err)
	}
	s.Close()
	again := sessionInRealTime(t, LiveOptions{Data: data})
	if v := again.View(); v.Script != nil {
		t.Error("the script is still there")
	}
}

// What somebody else's reader and host do not let us do is said, and what they hide is not made up.
func TestLiveSessionWithWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	s, err := NewLiveSession(context.Background(), quick(builtIn(t)), LiveOptions{
		Reader: "tcp://127.0.0.1:1?protocol=ccid-serial", Hosts: []string{"127.0.0.1:1"}, AllowLiveCards: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	v := await(t, s, "idle terminal", func(v *View) bool { return v.State == "idle" })
	if !v.Physical || !v.Hidden || !v.LiveCards || v.Virtual || v.Reader == "" || len(v.Hosts) != 1 || v.Money != nil {
		t.Errorf("%+v", v.LiveView)
	}
	if !strings.Contains(v.Trouble, "check that a reader listens") || !strings.Contains(v.Where.En, "not observable") {
		t.Errorf("trouble %q, where %q", v.Trouble, v.Where.En)
	}
	for _, c := range []struct {
		e    Event
		want error
	}{
		{Insert{"visa-credit"}, ErrYourHands}, {Remove{}, ErrYourHands}, {EnterPIN{"visa-credit"}, ErrYourHands},
		{Arm{"card[VERIFY].mute"}, ErrNeedsVirtual}, {Arm{"net.rsp[0210].lose"}, ErrNeedsVirtual}, {Arm{"term[write].disk-full"}, ErrNeedsVirtual},
		{Swipe{"nothing"}, ErrNoCard}, {Arm{"net.req[0200].lose"}, nil},
	} {
		if err := s.Post(c.e); !errors.Is(err, c.want) {
			t.Errorf("%T %+v: %v, want %v", c.e, c.e, err, c.want)
		}
	}
	for _, o := range []LiveOptions{{Reader: "nonsense"}, {Reader: "emu:nobody?protocol=ccid-serial"}, {Hosts: []string{"127.0.0.1:1"}, Admin: "127.0.0.1:1"}} {
		if s, err := NewLiveSession(context.Background(), builtIn(t), o); err == nil {
			s.Close()
			t.Errorf("%+v: accepted", o)
		}
	}
}

// The card of an emu: line is in the slot at first.
func TestLiveSessionCardOfTheLine(t *testing.T) {
	t.Parallel()
	s, err := NewLiveSession(context.Background(), quick(builtIn(t)), LiveOptions{Reader: "emu:visa-debit?protocol=ccid-serial"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	v := await(t, s, "card", func(v *View) bool { return showing("PLEASE REMOVE CARD")(v) || v.State == "idle" })
	if v.Slot != "visa-debit" || v.Reader != "" || v.Physical {
		t.Errorf("slot %q, %+v", v.Slot, v.LiveView)
	}
}
