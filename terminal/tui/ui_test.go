package tui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// A chip sale by hand: at every moment the line of what to do next says it.
func TestChipSaleByHand(t *testing.T) {
	s := house(t, 120, 40)
	u := s.ui
	s.has("PLEASE INSERT CARD")
	s.has("Type an amount, 1000 for 10.00, and Enter")
	u.keys("1")
	s.has("Type the amount")
	u.keys("0000\r")
	s.has("SALE 100.00")
	s.has("i inserts Visa credit, w swipes it")
	u.keys("i")
	u.wait(time.Second)
	s.has("ENTER PIN")
	s.has("e: the cardholder types the PIN")
	u.keys("e")
	u.wait(3 * time.Second)
	s.has("Take the card out: i")
	s.has("MERCHANT SIM000000000001") // the receipt
	s.has("Approved")
	s.has("F3 100.00 with the acquirer")
	u.keys("i")
	u.wait(time.Second)
	s.has("PLEASE INSERT CARD")
	s.has("Approved 00")
}

// A stripe sale by hand and in Chinese; the PIN is typed, and only asterisks are seen.
func TestStripeSaleByHand(t *testing.T) {
	s := house(t, 80, 24)
	u := s.ui
	u.keys("lc")
	s.has("选哪张卡")
	u.key(tcell.KeyHome)
	for range slices.IndexFunc(u.options.Cards, func(c Card) bool { return !c.Chip }) {
		u.key(tcell.KeyDown)
	}
	u.keys("\r550\r")
	s.has("w 刷纯磁条卡")
	u.keys("i")
	s.has("此卡没有芯片")
	u.keys("w")
	u.wait(100 * time.Millisecond)
	s.has("请输入密码")
	u.keys("1234")
	u.wait(100 * time.Millisecond)
	s.has("****")
	s.hasNot("1234")
	u.keys("\r")
	u.wait(3 * time.Second)
	u.keys("\t\t")
	s.has("5.50 成功 00 *0010")
}

// Keys of the keyboard are the terminal's, each on its own.
func TestKeysOfTheTerminal(t *testing.T) {
	e := &still{view: idle()}
	u := New(e, Options{Cards: hand()})
	u.keys("0123456789\r\b\x1b")
	want := ""
	for _, k := range "0123456789\r\b\x1b" {
		want += fmt.Sprintf("{%d}", k)
	}
	got := ""
	for _, p := range e.posted {
		got += fmt.Sprintf("%v", p.(scenario.Press))
	}
	if got != want {
		t.Errorf("posted %s, want %s", got, want)
	}
	for _, c := range []struct {
		keys string
		want scenario.Event
	}{
		{"i", scenario.Insert{Card: "one"}}, {"w", scenario.Swipe{Card: "one"}}, {"e", scenario.EnterPIN{Card: "one"}},
		{"x", scenario.CutLine{Down: true}}, {"p", scenario.PullPlug{}}, {"R", scenario.Restart{}},
	} {
		e.posted = nil
		u.keys(c.keys)
		if len(e.posted) != 1 || e.posted[0] != c.want {
			t.Errorf("%s posts %v, want %v", c.keys, e.posted, c.want)
		}
	}
	e.posted = nil
	u.Handle(tcell.NewEventKey(tcell.KeyRune, '5', tcell.ModAlt)) // Escape and 5 in one piece
	if len(e.posted) != 2 || e.posted[0] != (scenario.Press{Key: terminal.KeyCancel}) || e.posted[1] != (scenario.Press{Key: '5'}) {
		t.Errorf("Escape and 5 post %v", e.posted)
	}
	e.view = unplugged()
	for _, c := range []struct {
		keys string
		want scenario.Event
	}{{"i", scenario.Remove{}}, {"p", scenario.PowerOn{}}, {"e", scenario.EnterPIN{Card: "one"}}} {
		e.posted = nil
		u.keys(c.keys)
		if len(e.posted) != 1 || e.posted[0] != c.want {
			t.Errorf("%s posts %v, want %v", c.keys, e.posted, c.want)
		}
	}
}

// Everything that can be pressed can be clicked, once for each press of the button.
func TestMouse(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		e := &still{view: idle()}
		u := New(e, Options{Cards: hand()})
		s := newScreen(t, u, size[0], size[1])
		for _, c := range []struct {
			text string
			want scenario.Event
		}{
			{"[ 7 ]", scenario.Press{Key: '7'}}, {"[ 0 ]", scenario.Press{Key: '0'}}, {"CANCEL", scenario.Press{Key: terminal.KeyCancel}},
			{"CLEAR", scenario.Press{Key: terminal.KeyClear}}, {"ENTER", scenario.Press{Key: terminal.KeyEnter}},
			{"slot", scenario.Insert{Card: "one"}}, {"● power", scenario.PullPlug{}}, {"● line", scenario.CutLine{Down: true}},
			{"w swipe", scenario.Swipe{Card: "one"}},
		} {
			e.posted = nil
			s.click(c.text)
			if len(e.posted) != 1 || e.posted[0] != c.want {
				t.Errorf("%v: a click on %q posts %v, want %v", size, c.text, e.posted, c.want)
			}
		}
		s.click("in hand")
		s.has("Which card?")
		s.click("Stripe only")
		if u.dialog != nil || u.card().Name != "two" {
			t.Errorf("a click chose %q", u.card().Name)
		}
		s.click("? help")
		s.has("Backspace is CLEAR")
		u.Handle(tcell.NewEventMouse(0, 0, tcell.Button1, 0)) // beside it
		if u.dialog != nil {
			t.Error("a click beside a dialog leaves it open")
		}
		u.Handle(tcell.NewEventMouse(0, 0, tcell.ButtonNone, 0))
		s.text()
		e.posted = nil
		for range 5 { // held down on a key, whose line depends on the size
			for y := 8; y < 10; y++ {
				u.Handle(tcell.NewEventMouse(4, y, tcell.Button1, 0))
			}
		}
		if len(e.posted) > 1 {
			t.Errorf("one press of the button posts %v", e.posted)
		}
	}
}

// A lost answer, watched until it is reversed: once skipping, once at sixty times real time.
func TestTimeOutUntilReversed(t *testing.T) {
	for _, how := range []string{"skip", "faster", "fastest"} {
		t.Run(how, func(t *testing.T) {
			s := house(t, 120, 40)
			u := s.ui
			s.click("lose next answer")
			s.has("[!] lose next answer")
			u.keys("10000\ri")
			u.wait(time.Second)
			u.keys("e")
			u.wait(3 * time.Second)
			s.has("100.00 in flight until the host")
			s.has("[✗] lose next answer")
			s.has("n skips 5")
			switch how {
			case "skip":
				u.keys("nnnnnnnnnnnnnnn")
			case "faster":
				u.keys("++")
				s.has("60×")
				for range 100 {
					if u.Tick(frame); asked(u.engine.View()) == asksRemoval {
						break
					}
				}
				v := u.engine.View()
				if last := v.Story[len(v.Story)-1]; v.At != last.At {
					t.Errorf("the terminal waits for the person since %s, and it is %s", last.At, v.At)
				}
			case "fastest":
				u.keys("+++++")
				s.has("max")
				u.wait(time.Second)
			}
			u.wait(time.Second)
			s.has("F2 100.00 charged and returned")
			s.has("Reversed 98")
			s.has("time-out──0400──0410──reversed")
			if how == "faster" { // time does not run away from the person
				at := u.engine.View().At
				u.wait(time.Second)
				if passed := u.engine.View().At - at; passed > 1100*time.Millisecond {
					t.Errorf("while the terminal waits for the card to be taken, a second takes %s", passed)
				}
			}
		})
	}
}

// The plug is pulled with a sale on its way; what follows is the recovery.
func TestPlugAndRecovery(t *testing.T) {
	s := house(t, 80, 24)
	u := s.ui
	u.keys("f")
	s.has("What goes wrong?")
	for range 4 {
		u.key(tcell.KeyDown)
	}
	u.keys("\r\x1b") // lose next request
	u.keys("10000\ri")
	u.wait(time.Second)
	u.keys("e")
	u.wait(3 * time.Second)
	u.keys("p")
	s.has("NO POWER")
	s.has("The plug is out: p gives the terminal power")
	u.keys("5")
	s.has("! the terminal has no power")
	u.keys("ip")
	u.wait(3 * time.Second)
	s.has("PLEASE INSERT CARD")
	s.has("F0 nobody is charged")
	u.keys("\t\t")
	s.has("ReversedUnmatched")
}

// A scenario is chosen from the list, stepped and run, and says how it ended.
func TestScript(t *testing.T) {
	s := house(t, 80, 24)
	u := s.ui
	u.keys("s")
	s.has("W01 ")
	for range 40 {
		if strings.Contains(s.text(), "▸ W04 ") {
			break
		}
		u.key(tcell.KeyDown)
	}
	s.has("▸ W04")
	s.has("the issuer approved, the answer never came back")
	u.keys("\r ")
	s.has("W04 0/2")
	s.has("PAUSED, → next")
	at := u.engine.View().At
	u.wait(time.Second)
	if u.engine.View().At != at {
		t.Error("time passes while it is paused")
	}
	for range 12 {
		u.key(tcell.KeyRight)
	}
	s.has("W04 1/2")
	u.keys(" +++")
	u.wait(5 * time.Second)
	s.has("W04 ok")
	s.has("W04 passed: F2")
	s.has("W04 ok, F2 · s plays another")
	u.keys("s")
	s.has("▸ W04") // where one was
	u.keys("\x1bR")
	u.wait(time.Second)
	s.hasNot("W04")
	s.has("PLEASE INSERT CARD")
}

// A script whose calendar moves is not waited for at the speed of a clock.
func TestScriptCalendar(t *testing.T) {
	s := house(t, 120, 40)
	u := s.ui
	u.keys("s\r")
	s.has("W01")
	u.keys("++")
	u.wait(10 * time.Second)
	if v := u.engine.View(); !v.Script.Over || !v.Script.Passed {
		t.Errorf("%+v at %s", *v.Script, v.At)
	}
}

// Looking back shows what was; time stands, and doing something returns to the present.
func TestLookBack(t *testing.T) {
	s := house(t, 120, 40)
	u := s.ui
	u.keys("10000\r")
	s.has("SALE 100.00")
	now := s.text()
	u.key(tcell.KeyLeft)
	s.has("PAST, ")
	s.has("AMOUNT 100.00")
	s.has("Looking back")
	u.key(tcell.KeyHome)
	s.has("PAST, 1 of")
	s.hasNot("STARTING")
	u.wait(time.Minute)
	s.has("PAST, 1 of")
	s.hasNot("STARTING")
	u.key(tcell.KeyRight)
	s.hasNot("PAST, 1 of")
	u.key(tcell.KeyEnd)
	s.has("SALE 100.00")
	s.has("PAUSED, space goes on")
	if strings.Count(now, "\n") != strings.Count(s.text(), "\n") {
		t.Error("another size")
	}
	for range 100_000 { // no further back than the beginning
		u.key(tcell.KeyLeft)
	}
	s.has("PAST, 1 of")
	u.keys("i")
	u.wait(time.Second)
	s.hasNot("PAST")
	u.keys(" ")
	u.wait(time.Second)
	s.has("ENTER PIN")
}

// What is kept to look back is bounded.
func TestPastIsBounded(t *testing.T) {
	e := &still{}
	view := *idle()
	e.view = &view
	u := New(e, Options{})
	for i := range 5 * maxPast {
		v := view
		v.Told = i
		e.view = &v
		u.keep()
	}
	if len(u.past) > 2*maxPast || u.past[len(u.past)-1] != e.view {
		t.Errorf("%d views kept", len(u.past))
	}
}

// The house's time stands while a list is open.
func TestDialogsStopTime(t *testing.T) {
	s := house(t, 80, 24)
	u := s.ui
	u.keys("1?")
	at := u.engine.View().At
	u.wait(2 * time.Minute) // the terminal would give up
	if u.engine.View().At != at {
		t.Error("time passes")
	}
	u.keys("x")
	s.has("AMOUNT 0.01")
}

// Any fault of the grammar can be typed; what is none is refused with the reason.
func TestTypeAFault(t *testing.T) {
	s := house(t, 120, 40)
	u := s.ui
	u.keys("f")
	u.key(tcell.KeyEnd)
	u.keys("\r")
	s.has("Type a fault")
	u.keys("net.rsp[0210].explodes\b\r")
	s.has("! fault \"net.rsp[0210].explode\"")
	u.keys("f")
	u.key(tcell.KeyEnd)
	u.keys("\rcard[VERIFY].mute\r")
	s.has("[!] card[VERIFY].mute")
	s.click("[!] card[VERIFY].mute")
	s.hasNot("card[VERIFY].mute")
	u.keys("f")
	u.key(tcell.KeyEnd)
	u.keys("\r" + strings.Repeat("密", 10*maxEntry))
	s.text()
	u.keys("\x1b")
	if u.dialog != nil {
		t.Error("Escape does not close")
	}
}

// An engine whose time passes by itself can be watched; it cannot be paused or stepped.
func TestRealTime(t *testing.T) {
	e := &passing{view: outside()}
	e.view.LiveCards = false
	u := New(e, Options{Cards: hand()})
	s := newScreen(t, u, 120, 40)
	s.has("real time")
	u.keys(" ")
	s.has("real time cannot be paused")
	u.keys("+")
	s.has("one speed")
	s.hasNot("faster")
	u.keys("n")
	u.keys("i")
	s.has("! not here")
	s.has("01:23 · real time")
	u.wait(3100 * time.Millisecond) // nothing happens, and time passes
	s.has("01:26 · real time")
	v := timedOut()
	v.Virtual = false
	e.view = v
	u.wait(time.Second)
	s.has("posim · 01:0")
	s.has("REVERSING 000002")
	u.key(tcell.KeyLeft)
	s.has("PAST")
	u.wait(10 * time.Second)
	u.key(tcell.KeyEnd)
	s.has("REVERSING 000002")
}

// Every error of a session has words in both languages.
func TestErrorWords(t *testing.T) {
	for _, err := range []error{scenario.ErrNoPower, scenario.ErrPower, scenario.ErrSlotTaken, scenario.ErrSlotEmpty, scenario.ErrNoChip,
		scenario.ErrNoStripe, scenario.ErrNoPrompt, scenario.ErrNoCard, scenario.ErrYourHands, scenario.ErrBuilding, scenario.ErrPlaying, scenario.ErrClosed} {
		for _, lang := range []terminal.Lang{terminal.English, terminal.Chinese} {
			u := New(&still{view: idle()}, Options{Lang: lang})
			if got := u.errorText(fmt.Errorf("wrapped: %w", err)); got == "" || strings.Contains(got, "wrapped") {
				t.Errorf("%v: %q", err, got)
			}
		}
	}
	u := New(&still{view: idle()}, Options{})
	if got := u.errorText(errors.New("scenario: else")); got != "else" {
		t.Error(got)
	}
}

// Every screen the terminal can show is either asked about or the terminal works; every state has a Chinese name.
func TestNamesAreComplete(t *testing.T) {
	for _, s := range terminal.States() {
		if named(states, string(s), terminal.Chinese) == string(s) {
			t.Errorf("state %s has no Chinese name", s)
		}
	}
	for i, s := range states {
		for _, later := range states[i+1:] {
			if strings.HasPrefix(later.En, s.En) {
				t.Errorf("state %s comes before %s, which begins alike and is longer", s.En, later.En)
			}
		}
	}
	for key := range screenAsks {
		if (terminal.Text{Key: key}).In(terminal.English) == "" { // In panics for an unknown key
			t.Errorf("no screen %s", key)
		}
	}
	for _, m := range screensOnTheLine {
		_ = (terminal.Text{Key: m.key}).In(terminal.English)
	}
	for _, c := range commands() {
		if (c.short.En == "") != (c.short.Zh == "") || (c.long.En == "") != (c.long.Zh == "") {
			t.Errorf("key %c lacks a language", c.key)
		}
	}
	for _, p := range presets {
		if _, err := scenario.ParseFault(p.spec); err != nil {
			t.Error(err)
		}
	}
}

// No screen of any scenario, at any step, in any pane, language or size has a full card number, a track, or a broken
// character.
func TestNoSecretOnAnyScreen(t *testing.T) {
	l, scripts := library(t)
	var secrets []string
	for _, name := range l.Cards() {
		p := l.Card(name)
		_, track2 := p.Stripe()
		secrets = append(secrets, p.PAN.Digits(), track2)
	}
	s := house(t, 80, 24)
	wide := newScreen(t, s.ui, 200, 50)
	u := s.ui
	for i, script := range scripts {
		u.play(script)
		for n := 0; !u.engine.View().Script.Over && n < 3000; n++ {
			u.step()
			if n%10 != i%10 {
				continue
			}
			u.turn(1)
			u.lang = terminal.Lang(n / 10 % 2)
			for _, got := range []string{s.text(), wide.text()} {
				plain := strings.NewReplacer(" ", "", "\n", "", "│", "").Replace(got)
				for _, secret := range secrets {
					if secret != "" && strings.Contains(plain, secret) {
						t.Fatalf("%s: a secret is on the screen:\n%s", script.ID, got)
					}
				}
			}
		}
		if !u.engine.View().Script.Passed {
			t.Errorf("%s: %+v", script.ID, *u.engine.View().Script)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	s := house(b, 120, 40)
	s.ui.keys("10000\ri")
	s.ui.wait(time.Second)
	for b.Loop() {
		s.ui.Draw(s)
	}
}
