package tui

import (
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"

	"github.com/posim/posim/scenario"
)

// pressed are the keys that are no characters.
var pressed = [...]tcell.Key{
	tcell.KeyEnter, tcell.KeyEscape, tcell.KeyTab, tcell.KeyBacktab, tcell.KeyBackspace2, tcell.KeyDelete, tcell.KeyUp, tcell.KeyDown,
	tcell.KeyLeft, tcell.KeyRight, tcell.KeyHome, tcell.KeyEnd, tcell.KeyPgUp, tcell.KeyPgDn, tcell.KeyF1, tcell.KeyCtrlA,
}

// play does what data says: a byte below 80 is a character typed, the next 16 are the other keys; then a click, a wheel, a
// new size, a tick, and a character of several bytes.
func (s *screen) play(data []byte) {
	eat := func(n int) []byte {
		b := append(append([]byte(nil), data[:min(n, len(data))]...), make([]byte, n)...)[:n]
		data = data[min(n, len(data)):]
		return b
	}
	for n := 0; len(data) > 0 && n < 200; n++ {
		switch c := eat(1)[0]; {
		case c == 'q' && s.ui.dialog == nil: // would end it
		case c < 0x80:
			s.ui.Handle(tcell.NewEventKey(tcell.KeyRune, rune(c), 0))
		case c < 0x90:
			s.ui.key(pressed[c&15])
		case c < 0xC0:
			s.ui.Draw(s) // what can be clicked is what was drawn last
			at := eat(2)
			s.ui.Handle(tcell.NewEventMouse(int(at[0]), int(at[1]), tcell.Button1, 0))
			s.ui.Handle(tcell.NewEventMouse(int(at[0]), int(at[1]), tcell.ButtonNone, 0))
		case c < 0xC4:
			s.ui.Handle(tcell.NewEventMouse(1, 1, tcell.WheelUp, 0))
		case c < 0xC8:
			s.ui.Handle(tcell.NewEventMouse(1, 1, tcell.WheelDown, 0))
		case c < 0xE0:
			size := eat(2)
			s.SetSize(int(size[0]), int(size[1]))
			s.ui.Draw(s)
		case c < 0xF0:
			s.ui.Tick(time.Duration(eat(1)[0]) * 20 * time.Millisecond)
		default:
			r, _ := utf8.DecodeRune(append([]byte{c}, eat(3)...))
			s.ui.Handle(tcell.NewEventKey(tcell.KeyRune, r, tcell.ModMask(c&1)*tcell.ModAlt))
		}
	}
	s.ui.Draw(s)
}

// FuzzKeys: whatever a person types and clicks, in whatever window, the screen is drawn, and what was typed is not kept
// beyond its limit.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("1000\x80i"), uint8(0))
	f.Add([]byte("f\x8b\x80net.req[0200].lose\x80"), uint8(0))
	f.Add([]byte("h\x87\x80127.0.0.1:8583\x80\x80"), uint8(1))
	f.Add([]byte("r\x80\xD0\x05\x05pcsc://\x80\xD0\x50\x18"), uint8(2))
	f.Add([]byte("c\x87\x87\x8b\x80s\x8a\x8dl?\x8c\x87\x88\x88\x8a\x8b"), uint8(3))
	f.Add([]byte("f\x8b\x80\xf0\x9f\x98\x80\xE4\x20\xD0\x0b\x03\xD0\xff\xff\x90\x28\x10\xC0\xC4"), uint8(4))
	views := []*scenario.View{idle(), entering(), unplugged(), outside(), timedOut()}
	f.Fuzz(func(t *testing.T, data []byte, n uint8) {
		opens := 0
		o := Options{Cards: hand(), ASCII: n&0x80 != 0, Open: func(_ Engine, want House, done func(Engine, error)) {
			opens++
			done(nil, errors.New("no such house: "+want.Reader+want.Admin))
		}}
		u := New(&still{view: views[int(n)%len(views)]}, o)
		s := newScreen(t, u, 80, 24)
		s.play(data)
		if opens > len(data) || len(u.past) > len(data)+1 || u.hand >= len(o.Cards) {
			t.Fatalf("%d houses opened, %d views kept, card %d, of %d bytes", opens, len(u.past), u.hand, len(data))
		}
		switch d := u.dialog.(type) {
		case *entry:
			if len(d.text) > maxEntry {
				t.Fatalf("%d characters kept", len(d.text))
			}
		case *houses:
			if d.entry != nil && len(*d.entry) > maxEntry {
				t.Fatalf("%d characters kept", len(*d.entry))
			}
		}
	})
}

// FuzzHouse is FuzzKeys over a house in virtual time: whatever is done to it, it goes on.
func FuzzHouse(f *testing.F) {
	f.Add([]byte("1000\x80i\xE0\xffe\xE0\xff\xE0\xffi"))
	f.Add([]byte("+++n550\x80w1234\x80nnnp\xE0\x20pn"))
	f.Add([]byte("f\x80\x811\x80\xE0\xffxnnR\x88\x88\x8a"))
	f.Add([]byte("s\x87\x80nnnnnn"))
	l, scripts := library(f)
	o := Options{Scripts: scripts, Card: "visa-credit"}
	for _, name := range l.Cards() {
		p := l.Card(name)
		o.Cards = append(o.Cards, Card{name, p.Title, p.TitleChinese, p.HasChip, p.ServiceCode != ""})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := scenario.NewSession(l, scenario.SessionOptions{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		u := New(e, o)
		defer u.Close()
		u.wait(time.Second)
		s := newScreen(t, u, 120, 40)
		s.play(data[:min(len(data), 100)])
		if v := u.engine.View(); v == nil || len(u.past) > 2*maxPast {
			t.Fatalf("%v, %d views kept", v, len(u.past))
		}
	})
}
