package tui

import (
	"strings"

	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// kinds is what the lines of a story begin with. A wire's direction and a host's name say enough.
var kinds = map[string]word{
	"screen": {"display", "屏幕"}, "card": {"card", "卡片"}, "journal": {"journal", "流水"}, "money": {"money", "资金"},
	"fault": {"fault", "故障"}, "remark": {"note", "说明"}, "step": {"step", "步骤"}, "judge": {"judge", "裁判"},
	"term": {"plug", "电源"}, "line": {"line", "线路"},
}

// storyText is a line of the story as it is shown.
func (u *UI) storyText(l scenario.Line) string {
	text := l.In(u.lang)
	if l.Zh == "" {
		text = u.translated(l.Kind, text)
	}
	if l.Dir != "" {
		text = l.Dir + " " + text
	}
	if k, known := kinds[l.Kind]; known {
		text = u.say(k) + " " + text
	}
	return text
}

// translated puts the Chinese words of a kind of line into an English text, in the UI's Chinese.
func (u *UI) translated(kind, text string) string {
	if u.lang == terminal.Chinese {
		for _, w := range chinese[kind] {
			text = strings.Replace(text, w.En, w.Zh, 1)
		}
	}
	return text
}

// chinese is the words of the story's lines that have no Chinese text of their own. Of two that begin alike the longer comes
// first.
var chinese = map[string][]word{
	"wire":    messageWords,
	"host":    append([]word{{"acquirer", "收单行"}, {"switch", "转接"}, {"issuer", "发卡行"}, {" sends ", " 发 "}, {" gets ", " 收 "}, {"restarts", "重启"}}, messageWords...),
	"card":    {{"inserted", "插入"}, {"swiped", "刷卡"}, {"removed", "取出"}},
	"term":    {{"power on", "通电"}, {"power off", "断电"}},
	"journal": states,
	"step": {
		{"sale", "消费"}, {"sign-on", "签到"}, {"wait", "等待"}, {"off", "断电"}, {"boot", "开机"}, {"calendar", "日历"}, {"host", "主机"},
		{"line", "线路"}, {"disk", "存储"}, {"idle", "空闲"}, {"reversal", "冲正"}, {"advices", "上送"}, {"cutover", "日切"}, {"payout", "付款"},
	},
	"judge": {{"passed", "通过"}, {"failed", "失败"}},
}

var messageWords = []word{{"reversal, reason", "冲正,原因"}, {"sale", "消费"}, {"sign-on", "签到"}}
