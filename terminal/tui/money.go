package tui

import (
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/posim/posim/scenario"
)

// drawMoney is the positions with a bar each, where the latest sale's money is, and how it came there.
func (u *UI) drawMoney(c *canvas, v *scenario.View, r rect) {
	if v.Hidden {
		for i, line := range wrap(u.whereText(v), r.w-2) {
			if i < r.h {
				c.put(r.x+1, r.y+i, r.w-2, line, u.style.dim)
			}
		}
		return
	}
	now := map[string]int64{}
	if n := len(v.Money); n > 0 {
		now = v.Money[n-1].Positions
	}
	most, sum := int64(1), int64(0)
	for _, n := range now {
		most, sum = max(most, n, -n), sum+n
	}
	y := r.y
	names, figures := 10, 11
	bar := (r.w - 3 - names - figures) / 2
	row := func(name string, n int64, style tcell.Style) {
		c.put(r.x+1, y, names, name, u.style.text)
		c.put(r.x+1+names, y, figures, PadLeft(scenario.Money(n).String(), figures), style)
		y++
	}
	for _, p := range parties {
		n := now[p.En]
		if p.En == suspense && n == 0 {
			continue
		}
		style := u.style.dim
		length := 0
		if n != 0 {
			length = max(1, int(int64(bar)*max(n, -n)/most))
			style = u.style.good
		}
		axis := r.x + 2 + names + figures + bar
		c.put(axis, y, 1, "│", u.style.frame)
		switch {
		case n < 0:
			style = u.style.bad
			c.put(axis-length, y, length, strings.Repeat("█", length), style)
		case n > 0:
			c.put(axis+1, y, length, strings.Repeat("█", length), style)
		}
		row(u.say(p), n, style)
	}
	row(u.say(wordSum), sum, u.style.dim)
	for _, line := range wrap(u.whereText(v), r.w-2) {
		if y < r.y+r.h {
			c.put(r.x+1, y, r.w-2, line, u.whereStyle(v))
		}
		y++
	}
	left := r.y + r.h - y
	changes := u.changes(v, max(0, left)+u.scroll, r.w-2)
	up := u.scrolled(paneMoney, len(changes), left)
	to := len(changes) - up
	for _, line := range changes[max(0, to-max(0, left)):to] {
		c.put(r.x+1, y, r.w-2, line, u.style.dim)
		y++
	}
}

// changes says how the positions moved at the last changes, at most so many, in lines of n columns.
func (u *UI) changes(v *scenario.View, most, n int) (lines []string) {
	from := max(1, len(v.Money)-most)
	for i := from; i < len(v.Money); i++ {
		var moved []string
		for _, p := range parties {
			d := v.Money[i].Positions[p.En] - v.Money[i-1].Positions[p.En]
			if d == 0 {
				continue
			}
			sign := ""
			if d > 0 {
				sign = "+"
			}
			moved = append(moved, u.say(p)+" "+sign+scenario.Money(d).String())
		}
		const indent = "          " // the instant's columns
		for j, line := range wrap(strings.Join(moved, ", "), n-len(indent)) {
			at := indent
			if j == 0 {
				at = Pad(Clock(v.Money[i].At), len(indent))
			}
			lines = append(lines, at+line)
		}
	}
	return lines
}
