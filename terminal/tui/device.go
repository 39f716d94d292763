package tui

import (
	"fmt"
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// device draws the terminal: display, keypad, slots and lights, and in a small window where the money is.
func (u *UI) device(c *canvas, v *scenario.View, r rect) {
	box := rect{r.x + 1, r.y, 36, 6}
	c.box(box)
	c.frames(u.style.frame)
	inside := rect{box.x + 1, box.y + 1, box.w - 2, box.h - 2}
	if v.Power {
		c.fill(inside, u.style.display)
		u.display(c, v, inside)
	} else {
		c.put(inside.x+(inside.w-Columns(u.say(wordNoPower)))/2, inside.y+1, inside.w, u.say(wordNoPower), u.style.dim)
	}
	before := u.say(wordJustNow) + ": "
	if trail := u.justNow(v, box.w-2-Columns(before)); trail != "" {
		c.put(box.x+1, r.y+6, box.w-2, before+trail, u.style.dim)
	}
	y := r.y + 8
	if r.h < 19 {
		y = r.y + 7
	}
	u.keypad(c, box.x+1, y)
	u.slots(c, v, box.x+1, y+5, box.w-2)
	if r.h < 19 {
		y--
	}
	u.lights(c, v, box.x+1, y+8, box.w-2)
	where := y + 10
	if r.h < 19 {
		where--
	}
	for i, line := range wrap(u.whereText(v), box.w-2) {
		if where+i < r.y+r.h {
			c.put(box.x+1, where+i, box.w-2, line, u.whereStyle(v))
		}
	}
}

func (u *UI) display(c *canvas, v *scenario.View, r rect) {
	y := r.y
	for _, text := range strings.Split(v.Screen.In(u.lang), "\n") {
		for _, line := range wrap(text, r.w-2) {
			if y < r.y+r.h {
				c.put(r.x+1, y, r.w-2, line, u.style.display)
			}
			y++
		}
	}
}

// justNow is the screens before this one, which a person had no time to read perhaps, in n columns.
func (u *UI) justNow(v *scenario.View, n int) string {
	trail, before, shown := "", "", false
	for i := len(v.Story) - 1; i >= 0; i-- {
		l := v.Story[i]
		if l.Kind == "term" || v.At-l.At > calendarLeap {
			break
		}
		if l.Kind != "screen" {
			continue
		}
		text, _, _ := strings.Cut(l.In(u.lang), " / ")
		same := text == before
		before = text
		if !shown || same { // the one that is on the display, and one that was only drawn again
			shown = true
			continue
		}
		if trail != "" {
			text += " › " + trail
		}
		if Columns(text) > n {
			break
		}
		trail = text
	}
	return trail
}

// pads are the keys of the terminal, as they lie.
var pads = [4][3]byte{{'1', '2', '3'}, {'4', '5', '6'}, {'7', '8', '9'}, {0, '0', 0}}

func (u *UI) keypad(c *canvas, x, y int) {
	for row, keys := range pads {
		for col, k := range keys {
			if k == 0 {
				continue
			}
			at := rect{x + col*6, y + row, 5, 1}
			c.put(at.x, at.y, at.w, fmt.Sprintf("[ %c ]", k), u.style.key)
			c.zone(at, func() { u.press(k) })
		}
	}
	for row, k := range []struct {
		key   byte
		name  word
		style tcell.Style
	}{{terminal.KeyCancel, wordCancel, u.style.bad}, {terminal.KeyClear, wordClear, u.style.warn}, {0, word{}, u.style.text}, {terminal.KeyEnter, wordEnter, u.style.good}} {
		if k.key == 0 {
			continue
		}
		name := u.say(k.name)
		at := rect{x + 20, y + row, 10, 1}
		left := (at.w - 2 - Columns(name)) / 2
		c.put(at.x, at.y, at.w, "["+Pad(strings.Repeat(" ", left)+name, at.w-2)+"]", k.style)
		c.zone(at, func() { u.press(k.key) })
	}
}

func (u *UI) slots(c *canvas, v *scenario.View, x, y, n int) {
	in, style := u.say(wordEmpty), u.style.dim
	if v.Slot != "" {
		in, style = u.cardTitle(v.Slot), u.style.strong
	}
	name := Pad(u.say(wordSlot), 8)
	c.put(x, y, n, "▣ "+name+" ", u.style.text)
	c.put(x+3+Columns(name), y, n-3-Columns(name), in, style)
	c.zone(rect{x, y, n, 1}, u.insert)

	name = Pad(u.say(wordHand), 8)
	c.put(x, y+1, n, "▤ "+name+" ", u.style.text)
	c.put(x+3+Columns(name), y+1, n-3-Columns(name), u.card().title(u.lang), u.style.text)
	c.zone(rect{x, y + 1, n, 1}, u.chooseCard)
}

func (u *UI) lights(c *canvas, v *scenario.View, x, y, n int) {
	busy := v.Power && v.State != "idle"
	at := x
	for _, l := range []struct {
		on   bool
		name word
		bad  bool
		do   func()
	}{{v.Power, wordPower, !v.Power, u.plug}, {v.Line, wordLine, !v.Line, u.cutLine}, {busy, wordBusy, false, nil}, {v.Paper, wordPaper, !v.Paper, nil}} {
		mark, style := "○", u.style.dim
		if l.on {
			mark, style = "●", u.style.good
		}
		if l.bad {
			mark, style = "✗", u.style.bad
		}
		w := c.put(at, y, n-(at-x), mark+" "+u.say(l.name), style)
		if l.do != nil {
			c.zone(rect{at, y, w, 1}, l.do)
		}
		at += w + 2
	}
}

// whereText is the state of the money in a sentence.
func (u *UI) whereText(v *scenario.View) string {
	if v.Where.End == "" {
		return v.Where.In(u.lang)
	}
	return v.Where.End + " " + v.Where.In(u.lang)
}

func (u *UI) whereStyle(v *scenario.View) tcell.Style {
	switch v.Where.End {
	case "F1", "F2":
		return u.style.good
	case "F3":
		return u.style.warn
	case "FX":
		return u.style.bad
	}
	return u.style.dim
}
