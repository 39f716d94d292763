package tui

import (
	"strings"
	"unicode"

	"github.com/gdamore/tcell/v2"

	"github.com/posim/posim/scenario"
)

// dialog lies above everything and has the keyboard. While one is open the house's time stands.
type dialog interface {
	key(*tcell.EventKey)
	draw(*canvas)
}

var (
	_ dialog = (*list)(nil)
	_ dialog = (*entry)(nil)
	_ dialog = (*page)(nil)
)

// window draws the frame of a dialog and returns its inside.
func (u *UI) window(c *canvas, title string, w, h int) rect {
	w, h = min(w, c.w-4), min(h, c.h-2)
	r := rect{(c.w - w) / 2, (c.h - h) / 2, w, h}
	c.zone(rect{0, 0, c.w, c.h}, func() { u.dialog = nil }) // a click beside it closes it
	c.zone(r, nil)
	around := rect{r.x - 1, r.y, r.w + 2, r.h}
	for y := r.y; y < r.y+r.h; y++ { // no half of a wide character is left beside it
		u.mend(c, around.x-1, y)
	}
	c.fill(around, u.style.text)
	c.box(r)
	c.frames(u.style.title)
	c.put(r.x+2, r.y, r.w-4, " "+title+" ", u.style.title)
	return rect{r.x + 2, r.y + 1, r.w - 4, r.h - 2}
}

// mend blanks a wide character that something drawn over its right half has cut.
func (u *UI) mend(c *canvas, x, y int) {
	if x < 0 {
		return
	}
	if _, style, w := c.screen.Get(x, y); w == 2 {
		c.screen.SetContent(x, y, ' ', nil, style)
	}
}

// item is one line of a list.
type item struct {
	text  string
	about string // shown while it is chosen
	do    func()
}

// list lets one of several things be chosen.
type list struct {
	u     *UI
	title string
	items []item
	at    int
	again func() []item // the items after a choice; nil: a choice closes it
}

// choosing takes the keys that every dialog with lines to choose from has, and tells whether e was one of them.
func (u *UI) choosing(e *tcell.EventKey, choose func()) bool {
	key, r := e.Key(), rune(0)
	if key == tcell.KeyRune {
		r = e.Rune()
	}
	switch {
	case key == tcell.KeyEnter || r == ' ':
		choose()
	case key == tcell.KeyEscape || r == 'q':
		u.dialog = nil
	default:
		return false
	}
	return true
}

func (d *list) key(e *tcell.EventKey) {
	if d.u.choosing(e, func() { d.choose(d.at) }) {
		return
	}
	switch e.Key() {
	case tcell.KeyUp:
		d.move(-1)
	case tcell.KeyDown, tcell.KeyTab:
		d.move(1)
	case tcell.KeyPgUp:
		d.move(-10)
	case tcell.KeyPgDn:
		d.move(10)
	case tcell.KeyHome:
		d.at = 0
	case tcell.KeyEnd:
		d.at = len(d.items) - 1
	case tcell.KeyRune:
		switch e.Rune() {
		case 'j':
			d.move(1)
		case 'k':
			d.move(-1)
		}
	}
}

func (d *list) move(by int) { d.at = max(0, min(d.at+by, len(d.items)-1)) }

func (d *list) choose(i int) {
	if i < 0 || i >= len(d.items) {
		return
	}
	d.at = i
	if d.again == nil {
		d.u.dialog = nil
	}
	d.items[i].do()
	if d.again != nil {
		d.items = d.again()
	}
}

func (d *list) draw(c *canvas) {
	const about = 4
	w := 40
	hasAbout := false
	for _, it := range d.items {
		w = max(w, Columns(it.text)+6)
		hasAbout = hasAbout || it.about != ""
	}
	h := len(d.items) + 3
	if hasAbout {
		w, h = max(w, 74), h+about
	}
	r := d.u.window(c, d.title, min(w, 90), h)
	rows := r.h - 1
	if hasAbout {
		rows -= about
	}
	from := max(0, min(d.at-rows/2, len(d.items)-rows))
	for i := range rows {
		n := from + i
		if n >= len(d.items) {
			break
		}
		style, sign := d.u.style.text, "  "
		if n == d.at {
			style, sign = d.u.style.chosen, "▸ "
		}
		c.line(r.x, r.y+i, r.w, sign+d.items[n].text, style)
		c.zone(rect{r.x, r.y + i, r.w, 1}, func() { d.choose(n) })
	}
	if hasAbout && d.at < len(d.items) {
		for i, line := range wrap(d.items[d.at].about, r.w) {
			if i < about-1 {
				c.put(r.x, r.y+rows+1+i, r.w, line, d.u.style.good)
			}
		}
	}
	c.put(r.x, r.y+r.h-1, r.w, d.u.say(word{"↑↓ choose · Enter takes it · Esc closes", "↑↓ 选择 · Enter 确定 · Esc 关闭"}), d.u.style.dim)
}

// entry takes a line of text.
type entry struct {
	u     *UI
	title string
	text  []rune
	done  func(string)
}

const maxEntry = 200 // characters

func (d *entry) key(e *tcell.EventKey) {
	switch e.Key() {
	case tcell.KeyEnter:
		d.u.dialog = nil
		d.done(string(d.text))
	case tcell.KeyEscape:
		d.u.dialog = nil
	default:
		d.text = typed(d.text, e)
	}
}

// typed is a line after one more key.
func typed(text []rune, e *tcell.EventKey) []rune {
	switch e.Key() {
	case tcell.KeyBackspace, tcell.KeyBackspace2:
		return text[:max(0, len(text)-1)]
	case tcell.KeyCtrlU:
		return nil
	case tcell.KeyRune:
		if unicode.IsPrint(e.Rune()) && len(text) < maxEntry {
			return append(text, e.Rune())
		}
	}
	return text
}

func (d *entry) draw(c *canvas) {
	r := d.u.window(c, d.title, 76, 5)
	text := string(d.text)
	for Columns(text) > r.w-3 {
		text = string([]rune(text)[1:])
	}
	n := c.put(r.x, r.y+1, r.w, "> "+text, d.u.style.strong)
	c.screen.ShowCursor(r.x+n, r.y+1)
	c.put(r.x, r.y+2, r.w, d.u.say(word{"Enter arms it · Esc closes", "Enter 布置 · Esc 关闭"}), d.u.style.dim)
}

// page is text to read.
type page struct {
	u     *UI
	title string
	lines func() []string
	at    int
}

func (d *page) key(e *tcell.EventKey) {
	switch e.Key() {
	case tcell.KeyUp:
		d.at--
	case tcell.KeyDown:
		d.at++
	case tcell.KeyPgUp:
		d.at -= 10
	case tcell.KeyPgDn:
		d.at += 10
	case tcell.KeyRune:
		if e.Rune() == 'l' {
			d.u.language()
			d.u.help()
			return
		}
		d.u.dialog = nil
	default:
		d.u.dialog = nil
	}
}

func (d *page) draw(c *canvas) {
	lines := d.lines()
	w := 40
	for _, l := range lines {
		w = max(w, Columns(l)+4)
	}
	r := d.u.window(c, d.title, w, len(lines)+3)
	rows := r.h - 1
	d.at = max(0, min(d.at, len(lines)-rows))
	for i := range rows {
		if i+d.at < len(lines) {
			c.put(r.x, r.y+i, r.w, lines[i+d.at], d.u.style.text)
		}
	}
	hint := word{"any key closes", "按任意键关闭"}
	if len(lines) > rows {
		hint = word{"↑↓ more · any other key closes", "↑↓ 翻看 · 其他键关闭"}
	}
	c.put(r.x, r.y+r.h-1, r.w, d.u.say(hint), d.u.style.dim)
}

func (u *UI) chooseCard() {
	d := &list{u: u, title: u.say(word{"Which card?", "选哪张卡?"}), at: u.hand}
	width := 0
	for _, card := range u.options.Cards {
		width = max(width, Columns(card.title(u.lang)))
	}
	for i, card := range u.options.Cards {
		var read []string
		if card.Chip {
			read = append(read, u.say(wordChip))
		}
		if card.Stripe {
			read = append(read, u.say(wordStripe))
		}
		d.items = append(d.items, item{text: Pad(card.title(u.lang), width) + " " + Pad(strings.Join(read, ", "), 14) + " " + card.Name, do: func() { u.hand = i }})
	}
	u.dialog = d
}

func (u *UI) chooseScript() {
	d := &list{u: u, title: u.say(word{"Play which scenario? It begins in a new house", "播放哪个剧本?将在新的环境中开始"})}
	for i, s := range u.options.Scripts {
		if v := u.engine.View(); v.Script != nil && v.Script.ID == s.ID {
			d.at = i
		}
		name := strings.TrimPrefix(u.scriptName(s.ID, s.Name, s.Zh), s.ID+" ")
		d.items = append(d.items, item{text: Pad(s.ID, 5) + " " + name, about: s.About, do: func() { u.play(s) }})
	}
	u.dialog = d
}

// play plays a script from its beginning.
func (u *UI) play(s *scenario.Script) { u.post(scenario.Play{Script: s}) }

func (u *UI) chooseFault() {
	rows := func() []item {
		var items []item
		for _, row := range u.faultRows(u.engine.View()) {
			text := row.mark() + " " + Pad(row.name, 26)
			if row.spec != "" && row.spec != row.name {
				text += " " + row.spec
			}
			if row.fired > 0 {
				text += "  " + u.say(wordFired, row.fired)
			}
			items = append(items, item{text: text, do: row.do})
		}
		return append(items, item{text: u.say(word{"another fault ...", "其他故障 ……"}), do: u.typeFault})
	}
	u.dialog = &list{u: u, title: u.say(word{"What goes wrong?", "出什么故障?"}), items: rows(), again: rows}
}

// help lists the keys.
func (u *UI) help() {
	u.dialog = &page{u: u, title: u.say(word{"Help", "帮助"}), lines: func() []string {
		lines := []string{
			u.say(word{"0-9 Enter    the terminal's keys; Backspace is CLEAR, Esc is CANCEL", "0-9 Enter    终端按键;Backspace 为清除,Esc 为取消"}),
		}
		for _, c := range commands() {
			if c.long == (word{}) {
				continue
			}
			lines = append(lines, Pad(u.keyName(c.key), 12)+" "+u.say(c.long))
		}
		return append(lines,
			Pad("← →", 12)+" "+u.say(word{"look back and forward; → in the present takes one step", "回看与前进;在现在按 → 前进一步"}),
			Pad("Home End", 12)+" "+u.say(word{"the beginning; the present", "开头;现在"}),
			Pad("Tab PgUp PgDn", 13)+u.say(word{"another pane; scroll it", "换窗格;滚动"}),
			"",
			u.say(word{"Everything can be clicked. Time stands while a list is open,", "都可以用鼠标点击。打开列表时时间停止,"}),
			u.say(word{"and never runs ahead while the terminal waits for you.", "终端等待您操作时不会加速。"}),
			u.say(word{"A simulator: test cards only, no value.", "模拟程序:仅限测试卡,无价值。"}),
		)
	}}
}
