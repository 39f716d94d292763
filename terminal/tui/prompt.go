package tui

import (
	"fmt"
	"time"

	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// asks is what a screen of the terminal asks a person for.
type asks byte

const (
	asksNothing asks = iota
	asksAmount
	asksSale // idle: an amount or a card begins a sale
	asksCard
	asksChip
	asksStripe
	asksPIN
	asksChoice
	asksRemoval
	stoppedForGood
)

// screenAsks is what the keys of the terminal's screens ask for; of a screen's lines the first that asks counts.
var screenAsks = map[terminal.Key]asks{
	"idle": asksSale, "amount": asksAmount, "insert-or-swipe": asksCard, "insert-chip": asksChip, "insert-again": asksChip, "tap-card": asksChip, "tap-again": asksChip,
	"swipe-instead": asksStripe, "pin": asksPIN, "pin-again": asksPIN,
	"choose": asksChoice, "remove-card": asksRemoval, "out-of-service": stoppedForGood,
}

func asked(v *scenario.View) asks {
	for _, line := range v.Screen {
		if a := screenAsks[line.Key]; a != asksNothing {
			return a
		}
	}
	return asksNothing
}

// waitsForPerson tells whether the terminal waits for the person at the screen: then time does not run ahead.
func waitsForPerson(v *scenario.View) bool {
	if !v.Power || playing(v) {
		return false
	}
	switch asked(v) {
	case asksAmount, asksCard, asksChip, asksStripe, asksPIN, asksChoice, asksRemoval:
		return true
	}
	return false
}

// next says what the person should do now.
func (u *UI) next() string {
	v := u.view()
	switch {
	case u.back > 0:
		return u.say(word{"Looking back: ←/→ move, End returns to the present", "回看中:←/→ 移动,End 回到现在"})
	case playing(v):
		return u.nextOfScript(v)
	case v.Trouble != "":
		return u.say(word{"r: another reader, R begins anew · ", "r:换读卡器,R:重新开始 · "}) + v.Trouble
	case !v.Power && v.State == "off" && !v.Virtual && v.Told == 0:
		return u.say(word{"The house is being built", "环境正在建立"})
	case !v.Power:
		return u.say(word{"The plug is out: p gives the terminal power", "已断电:按 p 通电"})
	}
	text := u.nextOfScreen(v)
	if p := v.Script; p != nil && v.State == "idle" {
		text = u.say(word{"%s%s, %s · s plays another, R begins anew · ", "%s%s,%s · s 播放其他,R 重新开始 · "}, p.ID, u.verdict(p), p.End) + text
	}
	if u.timed != nil && !u.running {
		text = u.say(word{"PAUSED, space goes on · ", "已暂停,空格继续 · "}) + text
	}
	return text
}

func (u *UI) nextOfScript(v *scenario.View) string {
	p := v.Script
	step := u.say(word{"gets ready", "准备中"})
	if p.Step > 0 && p.Step <= len(p.Steps) {
		step = fmt.Sprintf("%d/%d %s", p.Step, len(p.Steps), u.translated("step", p.Steps[p.Step-1]))
	}
	if v.Ask != "" {
		return u.say(word{"%s waits for you: ", "%s 等待您:"}, p.ID) + v.Ask
	}
	if !v.Virtual {
		return u.say(word{"%s plays by itself: %s", "%s 自动播放:%s"}, p.ID, step)
	}
	if !u.running {
		return u.say(word{"%s plays: %s · PAUSED, → next, space goes on", "%s 播放:%s · 已暂停,→ 下一步,空格继续"}, p.ID, step)
	}
	return u.say(word{"%s plays by itself: %s%s · space pauses", "%s 自动播放:%s%s · 空格暂停"}, p.ID, step, u.skip(v))
}

// skip tells how far away the next thing is, if that is long.
func (u *UI) skip(v *scenario.View) string {
	if u.timed == nil || v.Next < 2*time.Second {
		return ""
	}
	return u.say(word{" · n skips %s", " · n 跳过 %s"}, span(v.Next))
}

func (u *UI) nextOfScreen(v *scenario.View) string {
	if v.Physical {
		if text := u.nextByHand(v); text != "" {
			return text
		}
	}
	c := u.card()
	held := c.title(u.lang)
	switch asked(v) {
	case asksSale:
		if v.Slot != "" {
			return u.say(word{"Take the card out: i", "请取出卡:i"})
		}
		return u.say(word{"Type an amount, 1000 for 10.00, and Enter", "输入金额(10.00 输入 1000)后按 Enter"})
	case asksAmount:
		return u.say(word{"Type the amount, 1000 for 10.00, then Enter · Esc cancels", "输入金额(10.00 输入 1000)后按 Enter · Esc 取消"})
	case asksCard:
		switch {
		case c.Chip && c.Stripe:
			return u.say(word{"i inserts %s, w swipes it · c takes another card", "i 插入%s,w 刷卡 · c 换卡"}, held)
		case c.Chip:
			return u.say(word{"i inserts %s · c takes another card", "i 插入%s · c 换卡"}, held)
		}
		return u.say(word{"w swipes %s · c takes another card", "w 刷%s · c 换卡"}, held)
	case asksChip:
		return u.say(word{"The chip is to be read: i inserts the card", "须读芯片:按 i 插卡"})
	case asksStripe:
		return u.say(word{"The chip cannot be read: w swipes the card", "芯片无法读取:按 w 刷卡"})
	case asksPIN:
		return u.say(word{"e: the cardholder types the PIN · or type it, then Enter", "e:持卡人输入密码 · 或自行输入后按 Enter"})
	case asksChoice:
		return u.say(word{"Press the number of an application", "按应用的编号选择"})
	case asksRemoval:
		return u.say(word{"Take the card out: i", "请取出卡:i"})
	case stoppedForGood:
		return u.say(word{"Out of service: p pulls the plug, p again gives power", "终端停用:按 p 断电,再按 p 通电"})
	}
	if skip := u.skip(v); skip != "" {
		return u.say(word{"The terminal waits", "终端等待中"}) + skip + u.say(word{" · + goes faster", " · + 加速"})
	}
	return u.say(word{"The terminal works", "终端处理中"})
}

// nextByHand says what to do with one's own hands, where that differs.
func (u *UI) nextByHand(v *scenario.View) string {
	switch asked(v) {
	case asksSale:
		if v.Slot == "" {
			return ""
		}
		fallthrough
	case asksRemoval:
		return u.say(word{"Take your card out of the reader", "请从读卡器取出您的卡"})
	case asksCard, asksChip:
		return u.say(word{"Put a TEST card into the reader · w swipes %s", "请把测试卡插入读卡器 · w 刷%s"}, u.card().title(u.lang))
	case asksPIN:
		return u.say(word{"Type the card's TEST PIN, then Enter", "请输入测试卡密码后按 Enter"})
	}
	return ""
}
