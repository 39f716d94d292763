package tui

import (
	"time"

	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// Card is a card that the person at the screen can hold.
type Card struct {
	Name         string // as events name it
	Title, Zh    string
	Chip, Stripe bool
}

// Options are how the UI begins.
type Options struct {
	Lang    terminal.Lang
	Cards   []Card
	Card    string // in the hand at first; empty: the first of Cards
	Scripts []*scenario.Script
	// ASCII keeps to characters that take one column everywhere.
	ASCII bool
	// Open opens another house for the person; now is the one in use. It returns at once and has done called, once and from
	// any goroutine. Of now it only closes one in real time, if it must: the engine given to done is in use from then on,
	// whatever the error says; nil: now stays. The UI closes what it leaves. A nil Open: the house cannot be changed.
	Open func(now Engine, want House, done func(Engine, error))
}

// UI is the state of the screen: what is looked at, and how time is let pass. The house is the engine's.
type UI struct {
	engine  Engine
	timed   Timed // nil: time passes by itself
	options Options
	lang    terminal.Lang
	style   palette

	hand    int // of options.Cards
	running bool
	speed   int // of speeds
	past    []*scenario.View
	back    int // how many views back is looked at; 0: the present
	pane    int // of panes: shown in a small window, scrolled in a large one
	scroll  int // lines up in the pane
	copy    int // of the receipts, from the last

	opening chan opened // not nil: another house is being opened
	wanted  House       // what the person asked for last
	shown   *scenario.View
	since   time.Duration // of real time, since the house has shown something new

	dialog dialog // nil: none
	note   string // what could not be done, or was done
	noted  time.Duration
	pushed bool // a mouse button is down
	canvas *canvas
	quit   bool
}

// speeds are the factors of real time; 0: as fast as it goes.
var speeds = [...]int{1, 10, 60, 0}

const (
	maxPast = 4000            // views kept to look back
	atOnce  = 200             // things that can be seen in one tick at the highest speed
	noting  = 4 * time.Second // how long a note stands
	// calendarLeap is how far ahead the next event of a script may be before it is gone to at once: the business calendar
	// jumps, while no timer of a terminal or a host is as long.
	calendarLeap = 10 * time.Minute
)

// New returns a UI over an engine, which is the UI's from then on: Close closes it.
func New(e Engine, o Options) *UI {
	u := &UI{engine: e, options: o, lang: o.Lang, style: newPalette(false), running: true}
	u.timed, _ = e.(Timed)
	for i, c := range o.Cards {
		if c.Name == o.Card {
			u.hand = i
		}
	}
	u.keep()
	return u
}

// Colours tells the UI whether the window shows colours; it begins without.
func (u *UI) Colours(shown bool) { u.style = newPalette(shown) }

// Done tells whether the person has left.
func (u *UI) Done() bool { return u.quit }

// view is what is looked at: the present, or a view of the past.
func (u *UI) view() *scenario.View {
	if u.back > 0 && u.back < len(u.past) {
		return u.past[len(u.past)-1-u.back]
	}
	return u.engine.View()
}

// keep remembers the present, to look back at it.
func (u *UI) keep() {
	v := u.engine.View()
	if n := len(u.past); n > 0 {
		switch last := u.past[n-1]; {
		case v == last:
			return
		case v.Told < last.Told: // another house
			u.past, u.back = nil, 0
		case v.Told == last.Told: // only the clock has moved on
			u.past[n-1] = v
			return
		}
	}
	if len(u.past) >= 2*maxPast {
		u.past = append(u.past[:0], u.past[len(u.past)-maxPast:]...)
	}
	u.past = append(u.past, v)
}

// Tick lets real time pass, and the house's time with it.
func (u *UI) Tick(elapsed time.Duration) {
	if u.noted -= elapsed; u.noted <= 0 {
		u.note = ""
	}
	if u.opening != nil {
		u.settle()
	}
	switch {
	case u.timed == nil:
		u.keep()
		if v := u.engine.View(); v != u.shown {
			u.shown, u.since = v, 0
		} else {
			u.since += elapsed
		}
	case u.running && u.back == 0 && u.dialog == nil:
		u.advance(elapsed)
		u.keep()
	}
}

func (u *UI) advance(elapsed time.Duration) {
	v := u.engine.View()
	factor := speeds[u.speed]
	waits := waitsForPerson(v)
	switch {
	case playing(v) && v.Next > calendarLeap:
		u.timed.Step()
	case waits:
		u.timed.Advance(elapsed, u.seen)
	case factor > 0:
		u.timed.Advance(elapsed*time.Duration(factor), u.seen)
	default:
		for range atOnce {
			if !u.timed.Step() || !u.seen() {
				return
			}
		}
	}
}

// seen keeps a view and stops time that runs faster than the person could react to.
func (u *UI) seen() bool {
	u.keep()
	return !waitsForPerson(u.engine.View()) || u.speed == 0
}

// step goes to the next thing that can be seen, whatever time it takes.
func (u *UI) step() {
	if u.timed == nil {
		return
	}
	u.present()
	if !u.timed.Step() {
		u.tell(u.say(word{"nothing is left to happen until you do something", "没有等待发生的事,请操作终端"}))
	}
	u.keep()
}

// present leaves the past.
func (u *UI) present() { u.back, u.scroll = 0, 0 }

// look moves through the past.
func (u *UI) look(by int) {
	u.running = u.running && u.timed == nil
	u.back = max(0, min(u.back+by, len(u.past)-1))
	u.scroll = 0
}

// post does something to the house, in the present. What follows at the same instant is shown even while time stands.
func (u *UI) post(e scenario.Event) {
	u.present()
	if err := u.engine.Post(e); err != nil {
		u.tell(u.errorText(err))
		return
	}
	switch e.(type) {
	case scenario.Play, scenario.Restart: // another house
		u.past = nil
	}
	u.note = ""
	u.keep()
	if u.timed != nil {
		u.timed.Advance(0, func() bool { u.keep(); return true })
	}
	u.keep()
}

func (u *UI) tell(text string) { u.note, u.noted = text, noting }

// card is the card in the hand.
func (u *UI) card() Card {
	if u.hand < len(u.options.Cards) {
		return u.options.Cards[u.hand]
	}
	return Card{}
}

func (c Card) title(l terminal.Lang) string {
	if l == terminal.Chinese && c.Zh != "" {
		return c.Zh
	}
	return c.Title
}

// at is the instant of the view that is looked at. In real time it goes on while nothing happens.
func (u *UI) at(v *scenario.View) time.Duration {
	if u.timed == nil && v == u.shown {
		return v.At + u.since
	}
	return v.At
}

// cardTitle is the title of a card by its name.
func (u *UI) cardTitle(name string) string {
	if name == scenario.PhysicalCard {
		return u.say(wordPlastic)
	}
	for _, c := range u.options.Cards {
		if c.Name == name {
			return c.title(u.lang)
		}
	}
	return name
}

// playing tells whether a script acts in the house.
func playing(v *scenario.View) bool { return v.Script != nil && !v.Script.Over }
