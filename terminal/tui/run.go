package tui

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gdamore/tcell/v2"
)

// Window is the terminal that the program was started in.
type Window struct {
	screen tcell.Screen
	events chan tcell.Event
	quit   chan struct{}
}

// ErrNotTerminal is a standard input or output that nobody looks at.
var ErrNotTerminal = errors.New("tui: standard input and output are not a terminal")

// Attached tells whether standard input and output are a terminal.
func Attached() bool {
	out, err := os.Stdout.Stat()
	null, nullErr := os.Stat(os.DevNull)
	if err != nil || out.Mode()&os.ModeCharDevice == 0 || nullErr == nil && os.SameFile(out, null) {
		return false
	}
	return keyboard()
}

// Open takes the terminal over. Close gives it back.
func Open() (*Window, error) {
	s, err := attach()
	if err != nil {
		return nil, err
	}
	if err := s.Init(); err != nil {
		return nil, fmt.Errorf("tui: %w", err)
	}
	s.EnableMouse(tcell.MouseButtonEvents)
	return &Window{s, make(chan tcell.Event, 64), make(chan struct{})}, nil
}

// Close gives the terminal back as it was.
func (w *Window) Close() {
	close(w.quit)
	w.screen.Fini()
}

// Colours tells whether the terminal shows colours. NO_COLOR says that it does not.
func (w *Window) Colours() bool { return w.screen.Colors() > 2 }

// Listen passes keys and clicks on until Close. It is to run on a goroutine of its own.
func (w *Window) Listen() { w.screen.ChannelEvents(w.events, w.quit) }

// frame is how much real time passes between two ticks.
const frame = 40 * time.Millisecond

// Frame is how often Run wants a tick.
func Frame() time.Duration { return frame }

// longest bounds what one tick may count for: a program that was stopped does not catch up.
const longest = 250 * time.Millisecond

// Run shows the UI until the person leaves, or stop is closed. Each tick is the present instant of real time.
func (u *UI) Run(w *Window, ticks <-chan time.Time, stop <-chan struct{}) {
	var last time.Time
	for !u.Done() {
		u.Draw(w.screen)
		w.screen.Show()
		select {
		case <-stop:
			return
		case e, ok := <-w.events:
			if !ok {
				return
			}
			if _, resized := e.(*tcell.EventResize); resized {
				w.screen.Sync()
			}
			u.Handle(e)
		case now := <-ticks:
			if !last.IsZero() {
				u.Tick(min(max(0, now.Sub(last)), longest))
			}
			last = now
		}
	}
}
