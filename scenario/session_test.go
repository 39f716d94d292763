package scenario

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/terminal"
)

func newSession(t *testing.T) *Session {
	t.Helper()
	s, err := NewSession(builtIn(t), SessionOptions{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.Advance(5*time.Second, nil) // boot and sign-on
	return s
}

func post(t *testing.T, s *Session, events ...Event) {
	t.Helper()
	for _, e := range events {
		if err := s.Post(e); err != nil {
			t.Fatalf("%T: %v", e, err)
		}
		s.Advance(200*time.Millisecond, nil)
	}
}

func typed(s string) (all []Event) {
	for _, k := range []byte(s) {
		all = append(all, Press{k})
	}
	return all
}

func shows(t *testing.T, s *Session, want string) {
	t.Helper()
	if got := s.View().Screen.In(terminal.English); !strings.Contains(got, want) {
		t.Fatalf("at %s the display shows %q, want %q", s.View().At, got, want)
	}
}

func lastState(v *View) terminal.State {
	if len(v.Journal) == 0 {
		return ""
	}
	return v.Journal[len(v.Journal)-1].State
}

func held(v *View, party string) string {
	if len(v.Money) == 0 {
		return "none"
	}
	return Money(v.Money[len(v.Money)-1].Positions[party]).String()
}

func TestSessionChipSale(t *testing.T) {
	s := newSession(t)
	shows(t, s, "PLEASE INSERT CARD")
	post(t, s, typed("10000\r")...)
	post(t, s, Insert{"visa-credit"})
	s.Advance(2*time.Second, nil)
	shows(t, s, "ENTER PIN")
	post(t, s, typed("12")...)
	shows(t, s, "**")
	post(t, s, typed("34\r")...)
	s.Advance(2*time.Second, nil)
	shows(t, s, "PLEASE REMOVE CARD") // nobody takes it but the person
	v := s.View()
	if lastState(v) != terminal.Approved || len(v.Receipts) != 2 || held(v, "cardholder") != "-100.00" || v.Slot != "visa-credit" {
		t.Errorf("journal %v, %d receipts, cardholder %s, slot %q", v.Journal, len(v.Receipts), held(v, "cardholder"), v.Slot)
	}
	if v.Where.End != "F3" || !strings.Contains(v.Where.En, "acquirer") {
		t.Errorf("where: %+v", v.Where)
	}
	post(t, s, Remove{})
	s.Advance(time.Second, nil)
	shows(t, s, "PLEASE INSERT CARD")
	if before := s.View(); before != s.View() {
		t.Error("nothing happened and the view is another")
	}
}

func TestSessionStripeSale(t *testing.T) {
	s := newSession(t)
	post(t, s, typed("550\r")...)
	post(t, s, Swipe{"stripe-only"})
	post(t, s, typed("1234\r")...)
	s.Advance(2*time.Second, nil)
	if v := s.View(); len(v.Journal) != 1 || v.Journal[0].Amount != 550 {
		t.Errorf("journal: %+v", v.Journal)
	}
}

// A lost answer: time-out, reversal, and the money comes back. Step jumps to the time-out.
func TestSessionTimeOutUntilReversed(t *testing.T) {
	s := newSession(t)
	post(t, s, Arm{"net.rsp[0210].lose"})
	post(t, s, typed("10000\r")...)
	post(t, s, Insert{"visa-credit"})
	s.Advance(2*time.Second, nil)
	post(t, s, typed("1234\r")...)
	s.Advance(5*time.Second, nil)
	v := s.View()
	if lastState(v) != terminal.Pending || held(v, "cardholder") != "-100.00" || v.Where.En != "100.00 in flight until the host answers" {
		t.Fatalf("%s, cardholder %s, %+v", lastState(v), held(v, "cardholder"), v.Where)
	}
	if r := v.Journal[0]; r.ICC != nil || r.Sealed != nil {
		t.Error("the view has the card's data")
	}
	if f := v.Faults; len(f) != 1 || f[0].Fired != 1 || !f[0].Over {
		t.Errorf("faults: %+v", f)
	}
	if v.Next < 50*time.Second || v.Next > time.Minute {
		t.Errorf("the next thing is due in %s, want the rest of a minute", v.Next)
	}
	for lastState(s.View()) != terminal.Reversed {
		if !s.Step() {
			t.Fatal("nothing left to happen")
		}
	}
	s.Advance(time.Second, nil)
	if v := s.View(); held(v, "cardholder") != "0.00" || v.Where.End != "F2" {
		t.Errorf("cardholder %s, %+v", held(v, "cardholder"), v.Where)
	}
}

// The plug is pulled with the request on its way: the boot reverses first.
func TestSessionPlug(t *testing.T) {
	s := newSession(t)
	post(t, s, Arm{"net.rsp[0210].lose"})
	post(t, s, typed("10000\r")...)
	post(t, s, Insert{"visa-credit"})
	s.Advance(2*time.Second, nil)
	post(t, s, typed("1234\r")...)
	s.Advance(2*time.Second, nil)
	post(t, s, PullPlug{})
	if v := s.View(); v.Power || v.Screen != nil || v.State != "off" || len(v.Journal) != 1 {
		t.Fatalf("power %v, screen %v, state %s, journal %v", v.Power, v.Screen, v.State, v.Journal)
	}
	for _, e := range []Event{Press{'1'}, Swipe{"stripe-only"}, PullPlug{}} {
		if err := s.Post(e); !errors.Is(err, ErrNoPower) {
			t.Errorf("%T without power: %v", e, err)
		}
	}
	post(t, s, Remove{}, PowerOn{})
	s.Advance(5*time.Second, nil)
	if v := s.View(); lastState(v) != terminal.Reversed || v.State != "idle" {
		t.Errorf("%s, %s", lastState(v), v.State)
	}
}

// The cardholder types, and nothing that can be seen has the digits. Without a prompt nobody types.
func TestSessionEnterPIN(t *testing.T) {
	s := newSession(t)
	if err := s.Post(EnterPIN{"stripe-only"}); !errors.Is(err, ErrNoPrompt) {
		t.Error(err)
	}
	post(t, s, typed("550\r")...)
	post(t, s, Swipe{"stripe-only"}, EnterPIN{"stripe-only"})
	s.Advance(3*time.Second, nil)
	v := s.View()
	if lastState(v) != terminal.Approved {
		t.Error(lastState(v))
	}
	if pin := s.library.Card("stripe-only").Issuer.PIN(); strings.Contains(fmt.Sprintf("%+v", v.Story), " "+pin) {
		t.Error("the story has the PIN")
	}
}

// A prompt that is cancelled while the cardholder types takes no more digits: they would be read as an amount.
func TestSessionEnterPINAtACancelledPrompt(t *testing.T) {
	s := newSession(t)
	post(t, s, typed("550\r")...)
	post(t, s, Swipe{"stripe-only"}, EnterPIN{"stripe-only"}, Press{terminal.KeyCancel})
	s.Advance(5*time.Second, nil)
	shows(t, s, "PLEASE INSERT CARD")
	if v := s.View(); len(v.Journal) != 0 {
		t.Errorf("%+v", v.Journal)
	}
}

func TestSessionRefusals(t *testing.T) {
	s := newSession(t)
	post(t, s, Insert{"visa-credit"})
	for _, c := range []struct {
		e    Event
		want error
	}{
		{Insert{"visa-debit"}, ErrSlotTaken}, {Insert{"stripe-only"}, ErrNoChip}, {Insert{"nothing"}, ErrNoCard},
		{Swipe{"nothing"}, ErrNoCard}, {PowerOn{}, ErrPower},
	} {
		if err := s.Post(c.e); !errors.Is(err, c.want) {
			t.Errorf("%T %+v: %v, want %v", c.e, c.e, err, c.want)
		}
	}
	if err := s.Post(Arm{"net.rsp[0210].explode"}); err == nil {
		t.Error("an unknown fault is armed")
	}
	post(t, s, Remove{})
	if err := s.Post(Remove{}); !errors.Is(err, ErrSlotEmpty) {
		t.Error(err)
	}
	if _, err := NewSession(builtIn(t), SessionOptions{Terminal: "nothing"}); err == nil {
		t.Error("a session with an unknown terminal")
	}
}

func TestSessionLineAndFaults(t *testing.T) {
	s := newSession(t)
	post(t, s, CutLine{true})
	if s.View().Line {
		t.Error("the line is whole")
	}
	post(t, s, typed("550\r")...)
	post(t, s, Swipe{"stripe-only"})
	post(t, s, typed("1234\r")...)
	s.Advance(15*time.Second, nil)
	if v := s.View(); held(v, "cardholder") != "0.00" && held(v, "cardholder") != "none" {
		t.Error(held(v, "cardholder"))
	}
	post(t, s, CutLine{false}, Arm{"term[print].paper-out"})
	if v := s.View(); !v.Line || v.Paper {
		t.Errorf("line %v, paper %v", v.Line, v.Paper)
	}
	post(t, s, Disarm{"term[print].paper-out"})
	if v := s.View(); !v.Paper || len(v.Faults) != 0 {
		t.Errorf("paper %v, faults %v", v.Paper, v.Faults)
	}
	for range maxArmed {
		post(t, s, Arm{"net.rsp[0410].lose"})
	}
	if err := s.Post(Arm{"net.rsp[0410].lose"}); err == nil {
		t.Error("faults without end can be armed")
	}
}

// Every script of the library comes to the same end when it is played in a session, stepped or run, as when it is run.
// Of an enumeration the run without cuts, or that of the first values, is played.
func TestSessionPlaysTheLibrary(t *testing.T) {
	l := builtIn(t)
	s, err := NewSession(l, SessionOptions{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, script := range allScripts(t, l) {
		t.Run(script.ID, func(t *testing.T) {
			if err := s.Post(Play{script}); err != nil {
				t.Fatal(err)
			}
			told := -1
			for n := 0; !s.View().Script.Over; n++ {
				if n > 100_000 {
					t.Fatal("it never ends")
				}
				if i%2 == 0 {
					s.Advance(time.Minute, nil)
				} else if !s.Step() && !s.View().Script.Over {
					t.Fatalf("stuck at %s, step %d of %v", s.View().At, s.View().Script.Step, s.View().Script.Steps)
				} else if v := s.View(); v.Told < told {
					t.Fatal("the story goes back")
				}
				told = s.View().Told
			}
			v := s.View()
			if p := v.Script; !p.Passed || p.Step != len(script.Steps) || p.End == "" {
				t.Errorf("%+v", *p)
			}
			known := *s.playing.script
			known.every = l.Cards()
			want := l.once(&known, Options{Seed: 1})
			if got := s.rig.world.Hash(); v.Script.End != want.end || got != want.hash {
				t.Errorf("end %s and hash %016x, and %s, %016x when it is run", v.Script.End, got, want.end, want.hash)
			}
		})
	}
}

// What a script waits for in vain is given up after as long as when it is run, and the script goes on.
func TestSessionWaitsInVain(t *testing.T) {
	s := newSession(t)
	script, err := Parse("X2-x.yaml", []byte(`name: in vain
zh: 空等
about: an advice that nobody takes
card: visa-offline
steps:
  - line: down
  - sale: {amount: 10.00, pin: "1234"}
  - wait: advices
expect:
  end: F0
`), s.library.Known())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Post(Play{script}); err != nil {
		t.Fatal(err)
	}
	began := time.Duration(0)
	for n := 0; !s.View().Script.Over; n++ {
		if n > 100_000 {
			t.Fatal("it never ends")
		}
		s.Advance(10*time.Second, nil)
		if v := s.View(); v.Script.Step == 3 && began == 0 {
			began = v.At
		}
	}
	v := s.View()
	if p := v.Script; p.Passed || !strings.Contains(p.Failure, "no advice was answered within an hour") {
		t.Errorf("%+v", *p)
	}
	if waited := v.At - began; waited < 55*time.Minute {
		t.Errorf("it waited %s", waited)
	}
}

// A script that is left half-way lets go of its house.
func TestSessionLeavesAScript(t *testing.T) {
	s := newSession(t)
	for _, script := range allScripts(t, s.library) {
		for _, steps := range []int{0, 1, 40} {
			if err := s.Post(Play{script}); err != nil {
				t.Fatal(err)
			}
			for range steps {
				s.Step()
			}
		}
	}
	if err := s.Post(Restart{}); err != nil {
		t.Fatal(err)
	}
	s.Advance(5*time.Second, nil)
	if v := s.View(); v.Script != nil || v.State != "idle" || len(v.Journal) != 0 {
		t.Errorf("%+v", v)
	}
}

// A failing script says what was found, and plays to its end.
func TestSessionFailingScript(t *testing.T) {
	s := newSession(t)
	script, err := Parse("X1-x.yaml", []byte(`name: wrong
zh: 错
about: expects what does not happen
card: visa-credit
steps:
  - sale: {amount: 100.00, pin: "1234"}
    expect: {outcome: declined}
expect:
  end: F1
`), s.library.Known())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Post(Play{script}); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		s.Step()
	}
	if p := s.View().Script; p == nil || !p.Over || p.Passed || !strings.Contains(p.Failure, "expected declined, found approved") {
		t.Errorf("%+v", p)
	}
}

// A view that was taken does not change, however much happens later.
func TestSessionViewIsAValue(t *testing.T) {
	s := newSession(t)
	show := func(v *View) string { return fmt.Sprintf("%+v", *v) }
	v := s.View()
	before := show(v)
	for range 3 {
		post(t, s, typed("550\r")...)
		post(t, s, Swipe{"stripe-only"})
		post(t, s, typed("1234\r")...)
		s.Advance(10*time.Second, nil)
	}
	if after := show(v); after != before {
		t.Errorf("before %s\nafter %s", before, after)
	}
}

// Memory is bounded: old lines of the story go, and the count goes on.
func TestSessionStoryIsBounded(t *testing.T) {
	s := newSession(t)
	for range 5 * maxStory {
		s.tell(Line{Kind: "remark"})
	}
	if v := s.View(); len(v.Story) > 2*maxStory || v.Told < 5*maxStory {
		t.Errorf("%d lines of %d", len(v.Story), v.Told)
	}
}

// Time stops where what is looked for happened, and passes when nothing happens.
func TestSessionAdvance(t *testing.T) {
	s := newSession(t)
	at := s.View().At
	s.Advance(time.Hour, nil)
	if got := s.View().At - at; got != time.Hour {
		t.Errorf("an idle hour took %s", got)
	}
	if s.Step() {
		t.Error("something happens in an idle house")
	}
	post(t, s, typed("1")...)
	seen := 0
	s.Advance(time.Hour, func() bool { seen++; return false })
	if v := s.View(); seen != 1 || v.At > at+time.Hour+2*time.Minute {
		t.Errorf("seen %d things until %s", seen, v.At)
	}
}
