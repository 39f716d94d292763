package tui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// Word is a text in both languages.
type Word struct{ En, Zh string }

type word = Word

// In is the text in one of them.
func (w Word) In(l terminal.Lang) string {
	if l == terminal.Chinese {
		return w.Zh
	}
	return w.En
}

// say is w in the UI's language, with its verbs filled in.
func (u *UI) say(w word, args ...any) string {
	if len(args) == 0 {
		return w.In(u.lang)
	}
	return fmt.Sprintf(w.In(u.lang), args...)
}

var (
	wordStory   = word{"Story", "经过"}
	wordKernel  = word{"Card and kernel", "卡片与内核"}
	wordJournal = word{"Journal and queue", "流水与待发"}
	wordMoney   = word{"Money", "资金"}
	wordFaults  = word{"Faults", "故障"}
	wordReceipt = word{"Receipt", "凭条"}

	wordPower    = word{"power", "电源"}
	wordLine     = word{"line", "线路"}
	wordBusy     = word{"busy", "忙"}
	wordPaper    = word{"paper", "纸"}
	wordChip     = word{"chip", "芯片"}
	wordStripe   = word{"stripe", "磁条"}
	wordSlot     = word{"slot", "卡槽"}
	wordEmpty    = word{"empty", "空"}
	wordHand     = word{"in hand", "手中"}
	wordJustNow  = word{"just now", "刚才"}
	wordNoPower  = word{"NO POWER", "无电源"}
	wordNothing  = word{"nothing yet", "暂无"}
	wordSum      = word{"sum", "合计"}
	wordCancel   = word{"CANCEL", "取消"}
	wordClear    = word{"CLEAR", "清除"}
	wordEnter    = word{"ENTER", "确认"}
	wordToSend   = word{"to send: %s", "待发:%s"}
	wordReversal = word{"%d to reverse", "%d 笔待冲正"}
	wordAdvice   = word{"%d offline to send", "%d 笔脱机待上送"}
	wordFired    = word{"fired %d×", "已触发 %d 次"}

	wordPlastic = word{"a card", "有卡"}
	wordLive    = word{"LIVE CARDS: READ ONLY", "真实卡:只读"}
	wordReal    = word{"real time", "实时"}
	wordPaused  = word{"paused", "暂停"}
	wordPast    = word{"PAST, %d of %d", "回看 %d/%d"}
	wordSeed    = word{"seed %d", "种子 %d"}
	wordFastest = word{"max", "最快"}

	wordSmall = word{"posim needs 80 columns and 24 lines; this window has %d by %d.", "posim 需要 80 列 24 行;当前窗口为 %d 列 %d 行。"}
	wordWiden = word{"Make it larger, or press q to leave.", "请放大窗口,或按 q 退出。"}
)

// What a person is told when something cannot be done.
var errorWords = []struct {
	err  error
	word word
}{
	{scenario.ErrNoPower, word{"the terminal has no power: p gives it power", "终端没有电源:按 p 通电"}},
	{scenario.ErrPower, word{"the terminal has power already", "终端已通电"}},
	{scenario.ErrSlotTaken, word{"there is a card in the slot: i takes it out", "卡槽里已有卡:按 i 取出"}},
	{scenario.ErrSlotEmpty, word{"there is no card in the slot", "卡槽是空的"}},
	{scenario.ErrNoChip, word{"this card has no chip: w swipes it", "此卡没有芯片:按 w 刷卡"}},
	{scenario.ErrNoStripe, word{"this card has no stripe: i inserts it", "此卡没有磁条:按 i 插卡"}},
	{scenario.ErrNoPrompt, word{"the terminal does not ask for a PIN now", "终端现在没有要求输入密码"}},
	{scenario.ErrYourHands, word{"this reader is a real one: use your hands, and type the PIN yourself", "这是真实读卡器:请用手操作,并自行输入密码"}},
	{scenario.ErrBuilding, word{"the house is being built", "环境正在建立"}},
	{scenario.ErrPlaying, word{"a scenario is being played: let it end, or press R", "剧本播放中:请等待结束,或按 R 重新开始"}},
	{scenario.ErrClosed, word{"the house is closed", "环境已关闭"}},
	{scenario.ErrNoCard, word{"no such card", "没有此卡"}},
}

func (u *UI) errorText(err error) string {
	for _, e := range errorWords {
		if errors.Is(err, e.err) {
			return u.say(e.word)
		}
	}
	return strings.TrimPrefix(err.Error(), "scenario: ")
}

// states is what the journal's states are called. Of two that begin alike the longer comes first.
var states = []word{
	{string(terminal.ReversedUnmatched), "已冲正(无原交易)"}, {string(terminal.ReversalRefused), "冲正被拒"}, {string(terminal.ReversalDue), "待冲正"},
	{string(terminal.Reversed), "已冲正"}, {string(terminal.Pending), "待定"}, {string(terminal.Approved), "成功"}, {string(terminal.Declined), "拒绝"},
	{string(terminal.Parked), "已搁置"}, {string(terminal.AdviceDue), "脱机待上送"}, {string(terminal.Advised), "已上送"}, {string(terminal.Refused), "上送被拒"},
	{string(terminal.Torn), "闪卡中断"}, {string(terminal.Unresolved), "未决"},
}

func (u *UI) state(s terminal.State) string { return named(states, string(s), u.lang) }

// named is what something is called that has a word among all; others keep their name.
func named(all []word, name string, l terminal.Lang) string {
	for _, w := range all {
		if w.En == name {
			return w.In(l)
		}
	}
	return name
}

// parties are the holders of money, in the order in which they are shown.
var parties = []word{
	{"cardholder", "持卡人"}, {"issuer", "发卡行"}, {"switch", "转接机构"}, {"acquirer", "收单行"}, {suspense, "挂账"},
	{"merchant", "商户"}, {"fees", "手续费"},
}

// suspense is shown here only when it holds something.
const suspense = "suspense"

// PartyName is what the holder of a position is called.
func PartyName(position string, l terminal.Lang) string { return named(parties, position, l) }

// PositionNames is the names of positions in the order in which they are shown; those of nobody we know follow by name.
func PositionNames[V any](positions map[string]V) []string {
	var names []string
	for _, p := range parties {
		if _, there := positions[p.En]; there {
			names = append(names, p.En)
		}
	}
	known := len(names)
	for name := range positions {
		if !slices.Contains(names[:known], name) {
			names = append(names, name)
		}
	}
	slices.Sort(names[known:])
	return names
}

// Clock writes an instant of a story: "00:06.301", and from an hour on "1:01:06", "2d 1:01:06".
func Clock(d time.Duration) string {
	if d < time.Hour {
		return fmt.Sprintf("%02d:%02d.%03d", int(d.Minutes()), int(d.Seconds())%60, d.Milliseconds()%1000)
	}
	s := fmt.Sprintf("%d:%02d:%02d", int(d.Hours())%24, int(d.Minutes())%60, int(d.Seconds())%60)
	if days := int(d.Hours()) / 24; days > 0 {
		s = fmt.Sprintf("%dd %s", days, s)
	}
	return s
}

// span writes how long something takes, roughly: "0.4 s", "58 s", "12 min", "20 h".
func span(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h", int(d.Hours()))
}
