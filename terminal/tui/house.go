package tui

import (
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// House says which house a person wants: in virtual time, where everything is built in, or in real time.
type House struct {
	Real   bool
	Reader string // LINE; empty: an emulated reader in this process
	Host   string // addresses of the acquirer, the second behind a comma; empty: a host in this process
	Admin  string // address of that host's admin view; empty: its money is not observable
}

// houseOf is the house that an engine shows.
func houseOf(v *scenario.View) House {
	return House{Real: !v.Virtual, Reader: v.Reader, Host: strings.Join(v.Hosts, ","), Admin: v.Admin}
}

// closer is an engine that holds something.
type closer interface{ Close() }

// opened is a house that a person asked for, or why it could not be opened.
type opened struct {
	engine Engine // nil: the one in use stays
	err    error
}

// open has the house opened that a person wants; Tick takes it.
func (u *UI) open(want House) {
	if u.options.Open == nil || u.opening != nil {
		return
	}
	now, ready := u.engine, make(chan opened, 1)
	u.opening = ready
	u.options.Open(now, want, func(e Engine, err error) { ready <- opened{e, err} })
}

// settle takes a house that has been opened.
func (u *UI) settle() {
	select {
	case o := <-u.opening:
		u.opening = nil
		d, asking := u.dialog.(*houses)
		if o.engine != nil && o.engine != u.engine {
			u.enter(o.engine)
		}
		switch {
		case o.err == nil && asking:
			u.dialog = nil
		case o.err != nil && asking:
			d.wrong = o.err.Error()
		case o.err != nil:
			u.tell(o.err.Error())
		}
	default:
	}
}

// enter leaves the house in use for another.
func (u *UI) enter(e Engine) {
	shut(u.engine)
	u.engine = e
	u.timed, _ = e.(Timed)
	u.past, u.running, u.speed, u.note, u.copy = nil, true, 0, "", 0
	u.present()
	u.keep()
}

// Close closes the house in use, and one that is being opened.
func (u *UI) Close() {
	if u.opening != nil {
		if o := <-u.opening; o.engine != nil && o.engine != u.engine {
			shut(o.engine)
		}
	}
	shut(u.engine)
}

func shut(e Engine) {
	if c, ok := e.(closer); ok {
		c.Close()
	}
}

// The rows of the dialog about the house.
const (
	rowTime = iota
	rowReader
	rowHost
	rowAdmin
	rowOpen
	rows
)

// houses shows which reader and host are in use and lets the person take others.
type houses struct {
	u     *UI
	want  House
	at    int
	entry *[]rune // not nil: being typed
	wrong string  // why the house that was wanted could not be opened
}

var _ dialog = (*houses)(nil)

func (u *UI) chooseHost()   { u.chooseHouse(rowHost) }
func (u *UI) chooseReader() { u.chooseHouse(rowReader) }

func (u *UI) chooseHouse(row int) {
	want := houseOf(u.engine.View())
	if !want.Real && u.wanted.Real {
		want = u.wanted // what was typed before is not typed again
		want.Real = false
	}
	u.dialog = &houses{u: u, want: want, at: row}
}

// field is the text of a row; nil: the row is none that is typed.
func (d *houses) field(row int) *string {
	switch row {
	case rowReader:
		return &d.want.Reader
	case rowHost:
		return &d.want.Host
	case rowAdmin:
		return &d.want.Admin
	}
	return nil
}

func (d *houses) key(e *tcell.EventKey) {
	if d.entry != nil {
		d.typing(e)
		return
	}
	if d.u.choosing(e, func() { d.choose(d.at) }) {
		return
	}
	switch e.Key() {
	case tcell.KeyUp, tcell.KeyBacktab:
		d.at = max(0, d.at-1)
	case tcell.KeyDown, tcell.KeyTab:
		d.at = min(d.at+1, rows-1)
	case tcell.KeyLeft, tcell.KeyRight:
		if d.at == rowTime {
			d.choose(d.at)
		}
	}
}

// typing takes a key of a line that is being typed.
func (d *houses) typing(e *tcell.EventKey) {
	text := *d.entry
	switch e.Key() {
	case tcell.KeyEnter, tcell.KeyTab, tcell.KeyDown:
		*d.field(d.at) = strings.TrimSpace(string(text))
		d.want.Real = d.want.Real || len(text) > 0
		d.entry = nil
		d.at++
		return
	case tcell.KeyEscape:
		d.entry = nil
		return
	}
	text = typed(text, e)
	d.entry = &text
}

func (d *houses) choose(row int) {
	d.at = row
	if d.u.opening != nil {
		return
	}
	switch f := d.field(row); {
	case row == rowTime:
		d.want.Real = !d.want.Real
	case f != nil:
		text := []rune(*f)
		d.entry = &text
	default:
		d.wrong = ""
		if d.u.options.Open == nil {
			d.wrong = d.u.say(word{"this house cannot be left", "此环境不能更换"})
			return
		}
		d.u.wanted = d.want
		d.u.open(d.want)
	}
}

// value is what a row says.
func (d *houses) value(row int) string {
	u, f := d.u, d.field(row)
	switch {
	case row == rowTime && d.want.Real:
		return u.say(word{"real", "实时"})
	case row == rowTime:
		return u.say(word{"virtual: everything is built in", "虚拟:全部内置"})
	case f == nil:
		return ""
	case d.entry != nil && row == d.at:
		return string(*d.entry)
	case *f != "":
		return *f
	}
	switch row {
	case rowReader:
		return u.say(wordOwnReader)
	case rowHost:
		return u.say(wordOwnHost)
	}
	if d.want.Host == "" {
		return "-"
	}
	return u.say(word{"none: the money is not observable", "无:资金无法观察"})
}

var rowNames = [rows]word{{"time", "时间"}, {"reader", "读卡器"}, {"host", "主机"}, {"admin view", "管理接口"}, {}}

// hints says what the chosen row takes.
var hints = [rows]word{
	{"Enter changes it", "Enter 切换"},
	{"pcsc://   /dev/ttyUSB0?protocol=ccid-serial   tcp://HOST:PORT?protocol=ccid-serial   empty: emulated", "pcsc://   /dev/ttyUSB0?protocol=ccid-serial   tcp://主机:端口?protocol=ccid-serial   空:模拟"},
	{"ADDRESS:PORT, such as 127.0.0.1:8583   empty: built in", "地址:端口,例如 127.0.0.1:8583   空:内置"},
	{"ADDRESS:PORT of a posim host's admin view, such as 127.0.0.1:8584", "posim 主机的管理接口 地址:端口,例如 127.0.0.1:8584"},
	{"Enter leaves this house for that one; a data directory that was named stays", "Enter 离开当前环境,进入该环境;指定的数据目录会保留"},
}

func (d *houses) draw(c *canvas) {
	u := d.u
	const height = 17
	r := u.window(c, u.say(word{"Reader and host", "读卡器与主机"}), 78, height)
	y := r.y
	for _, line := range d.inUse(r.w) {
		c.put(r.x, y, r.w, line.text, line.style)
		y++
	}
	y++
	for row := range rows {
		style, sign := u.style.text, "  "
		if row == d.at {
			style, sign = u.style.chosen, "▸ "
		}
		text := u.say(rowNames[row])
		if row == rowOpen {
			text = u.say(word{"take this house", "使用此环境"})
			if u.opening != nil {
				text = u.say(word{"being opened ...", "正在打开 ……"})
			}
		}
		name := sign + Pad(text, 12)
		value := d.value(row)
		if room := r.w - Columns(name) - 2; d.entry != nil && row == d.at { // the end is what is being typed
			for Columns(value) > room {
				value = string([]rune(value)[1:])
			}
		}
		c.line(r.x, y, r.w, name+value, style)
		if d.entry != nil && row == d.at {
			c.screen.ShowCursor(r.x+Columns(name+value), y)
		}
		c.zone(rect{r.x, y, r.w, 1}, func() {
			if d.entry == nil {
				d.choose(row)
			}
		})
		y++
	}
	y++
	text, style := u.say(hints[d.at]), u.style.good
	if d.wrong != "" {
		text, style = d.wrong, u.style.bad
	}
	for _, line := range wrap(text, r.w) {
		if y < r.y+r.h-1 {
			c.put(r.x, y, r.w, line, style)
			y++
		}
	}
	foot := word{"↑↓ choose · Enter changes it · Esc closes", "↑↓ 选择 · Enter 修改 · Esc 关闭"}
	if d.entry != nil {
		foot = word{"Enter takes it · Ctrl-U clears it · Esc leaves it as it was", "Enter 确定 · Ctrl-U 清空 · Esc 放弃"}
	}
	c.put(r.x, r.y+r.h-1, r.w, u.say(foot), u.style.dim)
}

type styledLine struct {
	text  string
	style tcell.Style
}

// inUse says which reader and host are in use, and what is wrong with them.
func (d *houses) inUse(n int) (lines []styledLine) {
	u, v := d.u, d.u.engine.View()
	text := u.say(word{"In use: virtual time, emulated reader, host built in", "当前:虚拟时间,模拟读卡器,内置主机"})
	if !v.Virtual {
		text = u.say(word{"In use: real time, %s, %s", "当前:实时,%s,%s"}, u.readerName(v), u.hostName(v))
	}
	for _, line := range wrap(text, n) {
		lines = append(lines, styledLine{line, u.style.strong})
	}
	if v.Trouble != "" {
		for _, line := range wrap(v.Trouble, n) {
			lines = append(lines, styledLine{line, u.style.bad})
		}
	}
	const most = 4
	return slices.Clip(lines[:min(len(lines), most)])
}

var (
	wordOwnReader = word{"emulated reader", "模拟读卡器"}
	wordOwnHost   = word{"host built in", "内置主机"}
)

// readerName is which reader is in use.
func (u *UI) readerName(v *scenario.View) string {
	if v.Reader == "" {
		return u.say(wordOwnReader)
	}
	return v.Reader
}

// hostName is which host is in use.
func (u *UI) hostName(v *scenario.View) string {
	if len(v.Hosts) == 0 {
		return u.say(wordOwnHost)
	}
	return strings.Join(v.Hosts, ",")
}

// realTitle is the top line of a house in real time in n columns: reader and host get what the rest leaves.
func (u *UI) realTitle(v *scenario.View, wide bool, n int) []string {
	at, _, _ := strings.Cut(Clock(u.at(v)), ".") // thousandths that run are nothing to read
	parts := []string{u.say(word{"real", "实时"})}
	reader, host := u.readerName(v), u.hostName(v)
	if wide {
		parts = []string{"posim", at, u.say(wordReal)}
	} else if u.lang == terminal.English {
		reader, host = strings.TrimSuffix(reader, " reader"), strings.TrimPrefix(host, "host ")
	}
	if u.back > 0 {
		parts = []string{u.say(wordPast, len(u.past)-u.back, len(u.past))}
	}
	if v.LiveCards { // before everything: it must never be cut
		parts = append([]string{u.say(wordLive)}, slices.DeleteFunc(parts, func(p string) bool { return p == "posim" })...)
	}
	if p := v.Script; p != nil {
		parts = append(parts, p.ID+u.verdict(p))
	}
	if len(v.Hosts) > 0 {
		host = v.Hosts[0]
	}
	reader, _, _ = strings.Cut(reader, "?") // what it speaks is told by the dialog
	const between = " · "
	room := n - 2 - Columns(strings.Join(parts, between)) - 2*len(between) + 2 // the dot is two bytes and one column
	if room < 12 {                                                             // nothing that could be read; the dialog tells
		return parts
	}
	host = fit(host, max(room-min(Columns(reader), 10), room/2))
	return append(parts, fit(reader, room-Columns(host)), host)
}
