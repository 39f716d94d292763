package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/posim/posim/scenario"
)

// guest is an engine in real time that remembers that it was closed.
type guest struct {
	passing
	closed int
}

func (g *guest) Close() { g.closed++ }

// opening waits until the house that was asked for has come, or has not.
func (u *UI) opened(t *testing.T) {
	t.Helper()
	for range 1000 {
		if u.Tick(frame); u.opening == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("it is never opened")
}

// The person leaves the virtual house for one in real time: what is typed is what is opened, and what is left is closed.
func TestAnotherHouse(t *testing.T) {
	first := &guest{passing: passing{view: idle()}}
	second := &guest{passing: passing{view: outside()}}
	var asked []House
	refuse := errors.New("scenario: data directory ./till: in use by process 1")
	var answer error
	u := New(first, Options{Cards: hand(), Open: func(now Engine, want House, done func(Engine, error)) {
		asked = append(asked, want)
		if now != Engine(first) {
			t.Errorf("the house in use is %v", now)
		}
		if answer != nil {
			done(nil, answer)
			return
		}
		go done(second, nil)
	}})
	s := newScreen(t, u, 80, 24)
	u.keys("r")
	s.has("In use: virtual time, emulated reader, host built in")
	s.has("▸ reader")
	u.keys("\rpcsc:///\b\r") // Enter takes it and goes on to the host
	s.has("reader      pcsc://")
	s.has("time        real")
	u.keys("\r127.0.0.1:8583\r\r\x1b") // the admin view is left as it was
	s.has("admin view  none: the money is not observable")
	u.key(tcell.KeyDown)

	answer = refuse
	u.keys("\r")
	u.opened(t)
	s.has("in use by process 1") // as it is
	s.has("reader      pcsc://") // nothing is lost
	if first.closed != 0 || u.engine != Engine(first) {
		t.Error("a house that could not be opened has closed the one in use")
	}
	answer = nil
	u.keys("\r")
	u.opened(t)
	want := House{Real: true, Reader: "pcsc://", Host: "127.0.0.1:8583"}
	if len(asked) != 2 || asked[0] != want || asked[1] != want {
		t.Errorf("asked for %+v", asked)
	}
	if first.closed != 1 || u.engine != Engine(second) || u.dialog != nil {
		t.Errorf("closed %d times, %v", first.closed, u.dialog)
	}
	s.has("Type the card's TEST PIN")
	u.keys("h")
	s.has("▸ host        127.0.0.1:8583,127.0.0.1:8593")
	u.keys("\x1b")
	u.Close()
	if second.closed != 1 {
		t.Error("the house is still open")
	}
}

// Whoever leaves while a house is being opened leaves nothing open.
func TestLeaveWhileOpening(t *testing.T) {
	first, second := &guest{passing: passing{view: idle()}}, &guest{passing: passing{view: outside()}}
	ready := make(chan struct{})
	u := New(first, Options{Cards: hand(), Open: func(_ Engine, _ House, done func(Engine, error)) {
		go func() {
			<-ready
			done(second, nil)
		}()
	}})
	s := newScreen(t, u, 80, 24)
	u.keys("h")
	s.click("take this house")
	u.wait(time.Second)
	s.has("being opened ...")
	u.keys("\x1bi")
	close(ready)
	u.Close()
	if first.closed != 1 || second.closed != 1 {
		t.Errorf("closed %d and %d times", first.closed, second.closed)
	}
}

// What is typed stays in its line, however long it is; without a way to open another house that is said.
func TestHouseIsTyped(t *testing.T) {
	u := New(&still{view: idle()}, Options{Cards: hand()})
	s := newScreen(t, u, 80, 24)
	u.keys("h\r" + strings.Repeat("长", maxEntry) + "end")
	s.text()
	u.key(tcell.KeyCtrlU)
	u.keys("here:1")
	s.has("host        here:1")
	u.keys("\x1b")
	s.has("host        host built in") // Escape leaves it as it was
	u.key(tcell.KeyDown)
	u.key(tcell.KeyDown)
	u.keys("\r")
	s.has("cannot be left")
	s.click("time        virtual")
	s.has("time        real")
	u.keys(" ")
	u.key(tcell.KeyUp)
	u.keys("q")
	if u.dialog != nil {
		t.Error("q does not close")
	}
	if got := houseOf(&scenario.View{LiveView: scenario.LiveView{Reader: "pcsc://", Hosts: []string{"a:1", "b:2"}, Admin: "c:3"}}); got != (House{true, "pcsc://", "a:1,b:2", "c:3"}) {
		t.Errorf("%+v", got)
	}
}
