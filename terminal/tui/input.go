package tui

import (
	"github.com/gdamore/tcell/v2"

	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// Handle takes a key, a click or a new size.
func (u *UI) Handle(e tcell.Event) {
	switch e := e.(type) {
	case *tcell.EventKey:
		if e.Key() == tcell.KeyRune && e.Modifiers()&tcell.ModAlt != 0 { // Escape and a key that came right behind it
			u.onKey(tcell.NewEventKey(tcell.KeyEscape, 0, 0))
			e = tcell.NewEventKey(tcell.KeyRune, e.Rune(), 0)
		}
		u.onKey(e)
	case *tcell.EventMouse:
		u.onMouse(e)
	}
}

func (u *UI) onKey(e *tcell.EventKey) {
	if e.Key() == tcell.KeyCtrlC {
		u.quit = true
		return
	}
	if u.dialog != nil {
		u.dialog.key(e)
		return
	}
	switch e.Key() {
	case tcell.KeyEnter:
		u.press(terminal.KeyEnter)
	case tcell.KeyBackspace, tcell.KeyBackspace2, tcell.KeyDelete:
		u.press(terminal.KeyClear)
	case tcell.KeyEscape:
		u.press(terminal.KeyCancel)
	case tcell.KeyTab:
		u.turn(1)
	case tcell.KeyBacktab:
		u.turn(-1)
	case tcell.KeyLeft:
		u.look(1)
	case tcell.KeyRight:
		u.forward()
	case tcell.KeyHome:
		u.look(len(u.past))
	case tcell.KeyEnd:
		u.present()
	case tcell.KeyPgUp:
		u.scroll += 5
	case tcell.KeyPgDn:
		u.scroll = max(0, u.scroll-5)
	case tcell.KeyRune:
		u.onRune(e.Rune())
	}
}

func (u *UI) onRune(r rune) {
	if r >= '0' && r <= '9' {
		u.press(byte(r))
		return
	}
	for _, c := range commands() {
		if c.key == r {
			c.do(u)
			return
		}
	}
}

// command is a key of the UI's own.
type command struct {
	key   rune
	short word // in the line of keys; empty: not there
	long  word // in the help
	do    func(*UI)
}

// commands are the keys of the UI's own, in the order in which they are shown.
func commands() []command {
	return []command{
		{'i', word{"card in/out", "插/取卡"}, word{"put the card in hand into the slot, or take it out", "把手中的卡插入卡槽,或取出"}, (*UI).insert},
		{'w', word{"swipe", "刷卡"}, word{"swipe the card in hand", "刷手中的卡"}, (*UI).swipe},
		{'c', word{"card", "选卡"}, word{"take another card into the hand", "换一张卡"}, (*UI).chooseCard},
		{'e', word{"PIN", "密码"}, word{"the cardholder types the PIN", "持卡人输入密码"}, (*UI).enterPIN},
		{'O', word{}, word{"the clerk has the issuer asked; before Enter", "收银员强制联机,在按 Enter 之前"}, (*UI).forceOnline},
		{'x', word{"line", "断线"}, word{"cut the line to the acquirer, or mend it", "切断或恢复到收单行的线路"}, (*UI).cutLine},
		{'p', word{"plug", "电源"}, word{"pull the plug, or give power", "拔电源,或通电"}, (*UI).plug},
		{'f', word{"faults", "故障"}, word{"arm a fault", "布置故障"}, (*UI).chooseFault},
		{'s', word{"scripts", "剧本"}, word{"play a scenario", "播放剧本"}, (*UI).chooseScript},
		{' ', word{"pause", "暂停"}, word{"run or pause", "运行/暂停"}, (*UI).pause},
		{'n', word{"skip", "跳过"}, word{"go to the next thing that happens, whatever time it takes", "跳到下一件发生的事,不论要等多久"}, (*UI).step},
		{'+', word{"faster", "加速"}, word{"faster: 10 times, 60 times, as fast as it goes", "加速:10 倍、60 倍、最快"}, (*UI).faster},
		{'=', word{}, word{}, (*UI).faster},
		{'-', word{}, word{"slower", "减速"}, (*UI).slower},
		{'r', word{"reader", "读卡器"}, word{"which reader: emulated, or one that is attached", "读卡器:模拟,或外接"}, (*UI).chooseReader},
		{'h', word{"host", "主机"}, word{"which host: built in, or at an address; virtual or real time", "主机:内置,或指定地址;虚拟或实时"}, (*UI).chooseHost},
		{'o', word{}, word{"the other copy of the receipt", "另一联凭条"}, (*UI).otherCopy},
		{'R', word{}, word{"a new house: everything begins again", "全部重新开始"}, (*UI).restart},
		{'l', word{"中文", "English"}, word{"中文", "English"}, (*UI).language},
		{'?', word{"help", "帮助"}, word{"this help", "本帮助"}, (*UI).help},
		{'q', word{"quit", "退出"}, word{"leave", "退出"}, func(u *UI) { u.quit = true }},
	}
}

// ofTime tells whether a key lets virtual time pass: it means nothing in real time.
func ofTime(key rune) bool { return key == ' ' || key == 'n' || key == '+' || key == '-' }

// keyName is a key as it is written.
func (u *UI) keyName(key rune) string {
	if key == ' ' {
		return u.say(word{"space", "空格"})
	}
	return string(key)
}

func (u *UI) press(key byte) { u.post(scenario.Press{Key: key}) }

func (u *UI) insert() {
	if u.engine.View().Slot != "" {
		u.post(scenario.Remove{})
		return
	}
	u.post(scenario.Insert{Card: u.card().Name})
}

func (u *UI) swipe() { u.post(scenario.Swipe{Card: u.card().Name}) }

func (u *UI) enterPIN() {
	name := u.engine.View().Slot
	if name == "" {
		name = u.card().Name
	}
	u.post(scenario.EnterPIN{Card: name})
}

func (u *UI) forceOnline() { u.press(terminal.KeyOnline) }

func (u *UI) cutLine() { u.post(scenario.CutLine{Down: u.engine.View().Line}) }

func (u *UI) plug() {
	if u.engine.View().Power {
		u.post(scenario.PullPlug{})
		return
	}
	u.post(scenario.PowerOn{})
}

func (u *UI) pause() {
	switch {
	case u.timed == nil:
		u.tell(u.say(word{"real time cannot be paused", "实时运行不能暂停"}))
	case u.back > 0:
		u.present()
		u.running = true
	default:
		u.running = !u.running
	}
}

// forward moves to the present, and beyond it one step at a time.
func (u *UI) forward() {
	if u.back > 0 {
		u.look(-1)
		return
	}
	u.running = u.running && u.timed == nil
	u.step()
}

func (u *UI) faster() { u.setSpeed(u.speed + 1) }
func (u *UI) slower() { u.setSpeed(u.speed - 1) }

func (u *UI) setSpeed(i int) {
	if u.timed == nil {
		u.tell(u.say(word{"real time has one speed", "实时运行只有一种速度"}))
		return
	}
	u.speed = max(0, min(i, len(speeds)-1))
}

func (u *UI) otherCopy() { u.copy = 1 - u.copy }

func (u *UI) restart() {
	u.post(scenario.Restart{})
	u.running = true
}

func (u *UI) language() { u.lang = terminal.Chinese - u.lang }

// turn goes to another pane.
func (u *UI) turn(by int) {
	u.pane = (u.pane + by + len(panes)) % len(panes)
	u.scroll = 0
}

func (u *UI) onMouse(e *tcell.EventMouse) {
	x, y := e.Position()
	b := e.Buttons()
	if b&tcell.WheelUp != 0 {
		u.scroll += 3
	}
	if b&tcell.WheelDown != 0 {
		u.scroll = max(0, u.scroll-3)
	}
	down := b&tcell.Button1 != 0
	if down && !u.pushed && u.canvas != nil {
		u.canvas.click(x, y)
	}
	u.pushed = down
}
