package tui

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// The panes, in the order in which Tab turns them.
const (
	paneStory = iota
	paneKernel
	paneJournal
	paneMoney
	paneFaults
	paneReceipt
)

// panes are their titles.
var panes = [...]word{wordStory, wordKernel, wordJournal, wordMoney, wordFaults, wordReceipt}

func (u *UI) paneTitle(p int) tcell.Style {
	if p == u.pane {
		return u.style.title.Underline(true)
	}
	return u.style.title
}

// drawPane draws a pane with its title in the frame above it.
func (u *UI) drawPane(c *canvas, v *scenario.View, p int, r rect) {
	title := " " + u.say(panes[p]) + " "
	if !c.wide() {
		title = fmt.Sprintf(" %s %d/%d Tab ", u.say(panes[p]), p+1, len(panes))
		c.zone(rect{r.x, r.y - 1, r.w, 1}, func() { u.turn(1) })
	} else {
		c.zone(rect{r.x, r.y - 1, r.w, r.h + 1}, func() { u.pane, u.scroll = p, 0 })
	}
	c.put(r.x+1, r.y-1, r.w-2, title, u.paneTitle(p))
	switch p {
	case paneStory:
		u.drawStory(c, v, r)
	case paneKernel:
		u.drawKernel(c, v, r)
	case paneJournal:
		u.drawJournal(c, v, r)
	case paneMoney:
		u.drawMoney(c, v, r)
	case paneFaults:
		u.drawFaults(c, r)
	case paneReceipt:
		u.drawReceipt(c, v, r)
	}
}

// scrolled is how many lines up pane p is, of all that there are.
func (u *UI) scrolled(p, all, shown int) int {
	if p != u.pane {
		return 0
	}
	u.scroll = max(0, min(u.scroll, all-shown))
	return u.scroll
}

// told lists the story's lines of some kinds, as many as can be needed: the newest at the end. Of screens that only count
// on, as an amount or the asterisks of a PIN while they are typed, it is the last.
func told(v *scenario.View, most int, want func(scenario.Line) bool) (lines []scenario.Line) {
	later := ""
	for i := len(v.Story) - 1; i >= 0 && len(lines) < most; i-- {
		l := v.Story[i]
		if !want(l) {
			continue
		}
		title := ""
		if l.Kind == "screen" {
			title, _, _ = strings.Cut(l.Text, " / ")
			title = strings.TrimRight(title, "0123456789.")
		}
		if title == "" || title != later {
			lines = append(lines, l)
		}
		later = title
	}
	slices.Reverse(lines)
	return lines
}

// The kernel's lines are those of its own pane; the receipt is shown whole; and what one host sent the next one gets.
func ofKernel(l scenario.Line) bool { return l.Kind == "apdu" || l.Kind == "decide" }
func ofStory(l scenario.Line) bool {
	return !ofKernel(l) && l.Kind != "receipt" && !(l.Kind == "host" && l.Note == "" && strings.Contains(l.Text, " gets "))
}

// tail gives the lines of a pane of h lines, scrolled.
func (u *UI) tail(p, h int, lines []scenario.Line) []scenario.Line {
	up := u.scrolled(p, len(lines), h)
	to := len(lines) - up
	return lines[max(0, to-h):to]
}

func (u *UI) drawStory(c *canvas, v *scenario.View, r rect) {
	lines := told(v, r.h+u.scroll+r.h, ofStory)
	if len(lines) == 0 {
		c.put(r.x+1, r.y, r.w-2, u.say(wordNothing), u.style.dim)
	}
	for i, l := range u.tail(paneStory, r.h, lines) {
		style := u.style.text
		text := u.storyText(l)
		switch l.Kind {
		case "wire":
			style = u.style.wire
		case "host":
			style = u.style.host
		case "fault", "judge", "term":
			style = u.style.warn
		case "step":
			style = u.style.title
		case "money":
			style = u.style.good
		}
		at := Clock(l.At)
		c.put(r.x+1, r.y+i, 9, PadLeft(at, 9), u.style.dim)
		c.put(r.x+11, r.y+i, r.w-12, text, style)
	}
}

func (u *UI) drawKernel(c *canvas, v *scenario.View, r rect) {
	lines := told(v, 2*r.h+u.scroll, ofKernel)
	if len(lines) == 0 {
		c.put(r.x+1, r.y, r.w-2, u.say(wordNothing), u.style.dim)
		return
	}
	tvr := ""
	for i := len(lines) - 1; i >= 0 && tvr == ""; i-- {
		if lines[i].Kind == "decide" {
			tvr = lines[i].Note
		}
	}
	if tvr != "" {
		c.put(r.x+1, r.y, r.w-2, tvr, u.style.strong)
		r.y, r.h = r.y+1, r.h-1
		for _, name := range bitNames(tvr) {
			if r.h > 4 {
				c.put(r.x+2, r.y, r.w-3, "· "+name, u.style.warn)
				r.y, r.h = r.y+1, r.h-1
			}
		}
	}
	for i, l := range u.tail(paneKernel, r.h, lines) {
		if l.Kind == "decide" {
			c.put(r.x+1, r.y+i, r.w-2, l.In(u.lang), u.style.text)
			continue
		}
		at := r.x + 1 + c.put(r.x+1, r.y+i, r.w-2, l.Dir+" "+l.Text+"  ", u.style.wire)
		c.put(at, r.y+i, r.w-1-(at-r.x), l.Note, u.style.dim)
	}
}

// bitNames names the bits of a note such as "TVR 00 00 04 80 00".
func bitNames(note string) (names []string) {
	digits, ok := strings.CutPrefix(note, "TVR ")
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if !ok || err != nil {
		return nil
	}
	for i := range b {
		for mask := byte(0x80); mask > 0; mask >>= 1 {
			if b[i]&mask != 0 {
				names = append(names, tlv.BitName(tlv.TVR, tlv.Bit(i+1)<<8|tlv.Bit(mask)))
			}
		}
	}
	return names
}

func (u *UI) drawJournal(c *canvas, v *scenario.View, r rect) {
	if len(v.Journal) == 0 {
		c.put(r.x+1, r.y, r.w-2, u.say(wordNothing), u.style.dim)
		return
	}
	waiting, reversals, advices := 0, 0, 0
	for _, rec := range v.Journal {
		switch rec.State {
		case terminal.Pending:
			waiting++
		case terminal.ReversalDue:
			reversals++
		case terminal.AdviceDue:
			advices++
		}
	}
	var queue []string
	if reversals > 0 {
		queue = append(queue, u.say(wordReversal, reversals))
	}
	if advices > 0 {
		queue = append(queue, u.say(wordAdvice, advices))
	}
	switch {
	case len(queue) > 0:
		c.put(r.x+1, r.y, r.w-2, u.say(wordToSend, strings.Join(queue, ", ")), u.style.warn)
	case waiting > 0:
		c.put(r.x+1, r.y, r.w-2, u.say(word{"waits for an answer", "等待应答"}), u.style.warn)
	default:
		c.put(r.x+1, r.y, r.w-2, u.say(word{"nothing to send", "没有待发"}), u.style.dim)
	}
	r.y, r.h = r.y+1, r.h-1
	up := u.scrolled(paneJournal, len(v.Journal), r.h)
	for i := range r.h { // the newest first
		at := len(v.Journal) - 1 - up - i
		if at < 0 {
			break
		}
		rec := &v.Journal[at]
		style := u.style.text
		switch rec.State {
		case terminal.Approved, terminal.Advised:
			style = u.style.good
		case terminal.Pending, terminal.ReversalDue, terminal.AdviceDue, terminal.Torn:
			style = u.style.warn
		case terminal.Refused, terminal.ReversalRefused, terminal.Parked, terminal.Unresolved:
			style = u.style.bad
		}
		code := rec.Code
		if rec.Reason != "" {
			code = rec.Reason
		}
		card := rec.Card
		if len(card) > 4 {
			card = "*" + card[len(card)-4:]
		}
		text := fmt.Sprintf("%s %s %s %s %s", rec.STAN, PadLeft(terminal.Amount(rec.Amount), 9), u.state(rec.State), Pad(code, 2), card)
		c.put(r.x+1, r.y+i, r.w-2, text, style)
	}
}

func (u *UI) drawFaults(c *canvas, r rect) {
	v := u.view()
	for i, row := range u.faultRows(v) {
		if i >= r.h {
			return
		}
		at := rect{r.x, r.y + i, r.w, 1}
		style := u.style.text
		switch {
		case row.fired > 0:
			style = u.style.dim
		case row.on:
			style = u.style.warn
		}
		c.put(r.x+1, r.y+i, r.w-2, row.mark()+" "+row.name, style)
		c.zone(at, func() { row.do() })
	}
}

func (u *UI) drawReceipt(c *canvas, v *scenario.View, r rect) {
	if len(v.Receipts) == 0 {
		c.put(r.x+1, r.y, r.w-2, u.say(wordNothing), u.style.dim)
		return
	}
	rc := v.Receipts[max(0, len(v.Receipts)-1-u.copy)]
	lines := strings.Split(rc.In(u.lang), "\n")
	up := u.scrolled(paneReceipt, len(lines), r.h)
	for i := range r.h {
		if i+up < len(lines) {
			c.put(r.x+1, r.y+i, r.w-2, lines[i+up], u.style.paper)
		}
	}
}
