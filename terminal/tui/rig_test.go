package tui

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/posim/posim"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

var update = flag.Bool("update", false, "write the golden screens")

// screen is a simulated screen of a size, with the UI drawn on it.
type screen struct {
	tcell.SimulationScreen
	t  testing.TB
	ui *UI
}

func newScreen(t testing.TB, u *UI, w, h int) *screen {
	t.Helper()
	s := tcell.NewSimulationScreen("UTF-8")
	if err := s.Init(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Fini)
	s.SetSize(w, h) // Init sets its own
	return &screen{s, t, u}
}

// text draws the UI and gives the screen's lines. A wide character that something else was drawn over is an error.
func (s *screen) text() string {
	s.t.Helper()
	s.ui.Draw(s)
	w, h := s.Size()
	var b strings.Builder
	for y := range h {
		for x := 0; x < w; x++ {
			r, _, n := s.Get(x, y)
			b.WriteString(r)
			if n == 2 {
				if x+1 >= w {
					s.t.Errorf("%s at the right edge of line %d is cut", r, y)
				} else if next, _, _ := s.Get(x+1, y); next != " " {
					s.t.Errorf("%s at %d,%d is cut by %s", r, x, y, next)
				}
				x++
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (s *screen) has(want string) {
	s.t.Helper()
	if got := s.text(); !strings.Contains(got, want) {
		s.t.Fatalf("no %q on the screen:\n%s", want, got)
	}
}

func (s *screen) hasNot(want string) {
	s.t.Helper()
	if got := s.text(); strings.Contains(got, want) {
		s.t.Fatalf("%q is on the screen:\n%s", want, got)
	}
}

// click clicks on the first place where text stands.
func (s *screen) click(text string) {
	s.t.Helper()
	for y, line := range strings.Split(s.text(), "\n") {
		if i := strings.Index(line, text); i >= 0 {
			x := Columns(line[:i])
			s.ui.Handle(tcell.NewEventMouse(x, y, tcell.Button1, 0))
			s.ui.Handle(tcell.NewEventMouse(x, y, tcell.ButtonNone, 0))
			return
		}
	}
	s.t.Fatalf("no %q to click on:\n%s", text, s.text())
}

// keys types: \r is Enter, \x1b Escape, \t Tab, \b Backspace.
func (u *UI) keys(text string) {
	for _, r := range text {
		k := tcell.KeyRune
		switch r {
		case '\r':
			k = tcell.KeyEnter
		case '\x1b':
			k = tcell.KeyEscape
		case '\t':
			k = tcell.KeyTab
		case '\b':
			k = tcell.KeyBackspace2
		}
		u.Handle(tcell.NewEventKey(k, r, 0))
	}
}

func (u *UI) key(k tcell.Key) { u.Handle(tcell.NewEventKey(k, 0, 0)) }

// wait lets real time pass in frames.
func (u *UI) wait(d time.Duration) {
	for ; d > 0; d -= frame {
		u.Tick(min(frame, d))
	}
}

// library is the built-in library with its scripts.
func library(t testing.TB) (*scenario.Library, []*scenario.Script) {
	t.Helper()
	l, err := scenario.NewLibrary(posim.Files())
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := l.Scripts(posim.Files(), "scenarios")
	if err != nil {
		t.Fatal(err)
	}
	return l, scripts
}

// house is a UI over a house in virtual time that has booted, in a window of a size.
func house(t testing.TB, w, h int) *screen {
	t.Helper()
	l, scripts := library(t)
	s, err := scenario.NewSession(l, scenario.SessionOptions{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	o := Options{Scripts: scripts, Card: "visa-credit"}
	for _, name := range l.Cards() {
		p := l.Card(name)
		o.Cards = append(o.Cards, Card{name, p.Title, p.TitleChinese, p.HasChip, p.ServiceCode != ""})
	}
	u := New(s, o)
	u.wait(2 * time.Second)
	return newScreen(t, u, w, h)
}

// still is an engine that shows one view, and remembers what was posted.
type still struct {
	view   *scenario.View
	posted []scenario.Event
	err    error
}

var _ Timed = (*still)(nil)

func (s *still) View() *scenario.View { return s.view }
func (s *still) Post(e scenario.Event) error {
	s.posted = append(s.posted, e)
	return s.err
}
func (s *still) Step() bool                         { return false }
func (s *still) Advance(time.Duration, func() bool) {}

// passing is an engine whose time passes by itself.
type passing struct{ view *scenario.View }

func (p *passing) View() *scenario.View        { return p.view }
func (p *passing) Post(e scenario.Event) error { return errors.New("scenario: not here") }

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: the screen is\n%swant\n%s", name, got, want)
	}
}

func text(key terminal.Key, args ...any) terminal.Text { return terminal.Text{Key: key, Args: args} }
