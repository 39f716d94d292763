package tui

import (
	"fmt"
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// The sizes of windows.
const (
	leastWidth, leastHeight = 80, 24
	wideWidth, wideHeight   = 110, 36 // from here on everything is shown at once
)

// wide tells whether there is room for everything at once.
func (c *canvas) wide() bool { return c.w >= wideWidth && c.h >= wideHeight }

// Draw draws everything. The caller shows it.
func (u *UI) Draw(s tcell.Screen) {
	s.Clear()
	s.HideCursor()
	c := newCanvas(s, u.options.ASCII)
	u.canvas = c
	v := u.view()
	switch {
	case c.w < leastWidth || c.h < leastHeight:
		u.drawSmall(c)
		return
	case c.wide():
		u.drawWide(c, v)
	default:
		u.drawNarrow(c, v)
	}
	if u.dialog != nil {
		u.dialog.draw(c)
	}
}

func (u *UI) drawSmall(c *canvas) {
	y := 0
	for _, text := range []string{u.say(wordSmall, c.w, c.h), u.say(wordWiden)} {
		for _, line := range wrap(text, c.w) {
			c.put(0, y, c.w, line, u.style.strong)
			y++
		}
	}
}

// drawWide is the whole house: the device with journal and faults under it, story, kernel and money beside it.
func (u *UI) drawWide(c *canvas, v *scenario.View) {
	const split, device, faults = 70, 21, 28 // columns of the left side, lines of the device with its rule, columns of the faults
	foot := c.h - 6
	u.frame(c, foot)
	c.vertical(split, 0, foot)
	c.horizontal(0, split, device)
	c.vertical(split-faults, device, foot)
	money := foot - 14
	kernel := 1 + (money-1)*6/10
	c.horizontal(split, c.w-1, kernel)
	c.horizontal(split, c.w-1, money)
	receipt := rect{40, 1, 29, device - 1}
	c.box(receipt)
	c.frames(u.style.frame)

	u.title(c, v)
	u.device(c, v, rect{1, 1, 38, device - 1})
	u.drawReceipt(c, v, rect{receipt.x + 1, receipt.y + 1, receipt.w - 2, receipt.h - 2})
	c.put(receipt.x+2, receipt.y, receipt.w-4, " "+u.say(wordReceipt)+" ", u.paneTitle(paneReceipt))
	side := c.w - split - 2
	u.drawPane(c, v, paneStory, rect{split + 1, 1, side, kernel - 1})
	u.drawPane(c, v, paneKernel, rect{split + 1, kernel + 1, side, money - kernel - 1})
	u.drawPane(c, v, paneMoney, rect{split + 1, money + 1, side, foot - money - 1})
	u.drawPane(c, v, paneJournal, rect{1, device + 1, split - faults - 1, foot - device - 1})
	u.drawPane(c, v, paneFaults, rect{split - faults + 1, device + 1, faults - 1, foot - device - 1})
	u.foot(c, v, foot+1)
}

// drawNarrow is the device and one pane beside it.
func (u *UI) drawNarrow(c *canvas, v *scenario.View) {
	const split = 39
	foot := c.h - 6
	u.frame(c, foot)
	c.vertical(split, 0, foot)
	c.frames(u.style.frame)
	u.title(c, v)
	u.device(c, v, rect{1, 1, split - 1, foot - 1})
	u.drawPane(c, v, u.pane, rect{split + 1, 1, c.w - split - 2, foot - 1})
	u.foot(c, v, foot+1)
}

func (u *UI) frame(c *canvas, foot int) {
	c.box(rect{0, 0, c.w, c.h})
	c.horizontal(0, c.w-1, foot)
}

// title is the top line: the house's time, and how it passes. The first pane's title stands in the same line.
func (u *UI) title(c *canvas, v *scenario.View) {
	wide := c.wide()
	room := 36
	if wide {
		room = 67
	}
	if !v.Virtual {
		style := u.style.title
		if v.LiveCards || u.back > 0 {
			style = u.style.warn
		}
		c.put(2, 0, room, fit(" "+strings.Join(u.realTitle(v, wide, room), " · ")+" ", room), style)
		return
	}
	parts := []string{Clock(v.At)}
	if wide || v.Script == nil && u.back == 0 {
		parts = append([]string{"posim"}, parts...)
	}
	style := u.style.title
	switch {
	case u.back > 0:
		parts = append(parts, u.say(wordPast, len(u.past)-u.back, len(u.past)))
		style = u.style.warn
	case u.running:
		parts = append(parts, u.speedText())
	default:
		parts = append(parts, u.say(wordPaused))
	}
	if p := v.Script; p != nil {
		name := p.ID
		if wide {
			name = u.scriptName(p.ID, p.Name, p.Zh)
		}
		parts = append(parts, name+u.verdict(p))
	}
	if wide {
		parts = append(parts, u.say(wordSeed, v.Seed))
		if v.Script == nil {
			parts = append(parts, v.TID)
		}
	}
	c.put(2, 0, room, " "+strings.Join(parts, " · ")+" ", style)
}

// scriptName is a script's id and name in the UI's language.
func (u *UI) scriptName(id, en, zh string) string {
	if u.lang == terminal.Chinese {
		en = zh
	}
	return id + " " + strings.TrimPrefix(en, id+" ")
}

func (u *UI) speedText() string {
	if speeds[u.speed] == 0 {
		return u.say(wordFastest)
	}
	return fmt.Sprintf("%d×", speeds[u.speed])
}

// verdict is how a script ended.
func (u *UI) verdict(p *scenario.Progress) string {
	switch {
	case !p.Over:
		return fmt.Sprintf(" %d/%d", p.Step, len(p.Steps))
	case p.Passed:
		return " " + u.say(word{"ok", "通过"})
	}
	return " " + u.say(word{"FAIL", "失败"})
}

// foot is the time line, what to do next, and the keys.
func (u *UI) foot(c *canvas, v *scenario.View, y int) {
	n := c.w - 4
	u.timeline(c, v, 2, y, n)
	text, style := " "+u.next(), u.style.prompt
	if u.note != "" {
		text, style = " ! "+u.note, u.style.bad.Reverse(true)
	}
	c.line(1, y+1, c.w-2, text, style)
	u.keyLines(c, rect{2, y + 2, n, 2})
}

// keyLines lists the keys; each can be clicked.
func (u *UI) keyLines(c *canvas, r rect) {
	at, y := r.x, r.y
	for _, k := range commands() {
		if k.short == (word{}) || u.timed == nil && ofTime(k.key) {
			continue
		}
		name, text := u.keyName(k.key), " "+u.say(k.short)
		w := Columns(name + text)
		if at+w > r.x+r.w {
			at, y = r.x, y+1
			if y == r.y+r.h {
				return
			}
		}
		n := c.put(at, y, w, name, u.style.key)
		c.put(at+n, y, w-n, text, u.style.dim)
		c.zone(rect{at, y, w, 1}, func() { k.do(u) })
		at += w + 2
	}
}
