package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/posim/posim/terminal"
	"github.com/posim/posim/terminal/tui"
)

// word is a text of the command line in both languages.
type word tui.Word

func (w word) in(lang language) string { return tui.Word(w).In(terminal.Lang(lang)) }

var (
	wordPassed      = word{"ok", "通过"}
	wordFailed      = word{"FAIL", "失败"}
	wordWhere       = word{"where is the money", "资金在哪里"}
	wordViolation   = word{"violation", "违反规则"}
	wordReplay      = word{"replay", "重放"}
	wordMoney       = word{"money", "资金"}
	wordBefore      = word{"before", "之前"}
	wordAtEnd       = word{"at the end", "结束时"}
	wordReal        = word{"real time", "真实时间"}
	wordHidden      = word{"not observable", "无法观察"}
	wordLibrary     = word{"built-in library", "内置剧本库"}
	wordScripts     = word{"%d scripts", "%d 个剧本"}
	wordVirtual     = word{"virtual time", "虚拟时间"}
	wordSeed        = word{"seed %d", "种子 %d"}
	wordWithout     = word{"without %s (%s)", "去掉规则 %s(%s)"}
	wordRuns        = word{"%d runs", "%d 次运行"}
	wordRunOf       = word{"run %d of %d", "第 %d 次运行,共 %d 次"}
	wordTotals      = word{"%d passed, %d failed · %s of virtual time in %s (%s)", "%d 通过,%d 失败 · 虚拟时间 %s,用时 %s(%s)"}
	wordRealTotals  = word{"%d passed, %d failed in %s", "%d 通过,%d 失败,用时 %s"}
	wordCaught      = word{"%s is caught: %s", "%s 已被发现:%s"}
	wordSafe        = word{"%s is safe, as the model says: %s", "%s 是安全的(模型如此):%s"}
	wordNotCaught   = word{"%s is not caught: %s", "%s 未被发现:%s"}
	wordTitle       = word{"TITLE", "名称"}
	wordName        = word{"NAME", "标识"}
	wordScheme      = word{"SCHEME", "卡组织"}
	wordNumber      = word{"NUMBER", "卡号"}
	wordExpiry      = word{"EXPIRY", "有效期"}
	wordInterfaces  = word{"READ BY", "读取方式"}
	wordChip        = word{"chip", "芯片"}
	wordStripe      = word{"stripe", "磁条"}
	wordChipStripe  = word{"chip, stripe", "芯片、磁条"}
	wordDescription = map[string]string{
		"card": "卡", "title": "名称", "scheme": "卡组织", "number": "卡号", "expiry": "有效期", "stripe": "磁条", "chip": "芯片",
		"issuer": "发卡行", "application": "应用", "PIN": "脱机密码",
	}
)

// ends is what the end states mean.
var ends = map[string]word{
	"F0": {"nobody charged", "未扣款"},
	"F1": {"paid", "已付款"},
	"F2": {"charged, returned", "已扣款,已退回"},
	"F3": {"held", "资金滞留"},
	"FX": {"loss", "损失"},
}

// endWords is the end state of a run in words, "F1 paid". Of several transactions only the codes fit a line: "F2, F1".
func endWords(end string, lang language) string {
	if end == "" {
		return "-"
	}
	all := strings.Split(end, ", ")
	if len(all) > 1 {
		return end
	}
	for i, state := range all {
		if w, known := ends[state]; known {
			all[i] = state + " " + w.in(lang)
		}
	}
	return all[0]
}

// kinds is what the story's lines are called in Chinese.
var kinds = map[string]string{
	"screen": "屏幕", "card": "卡片", "apdu": "指令", "decide": "判定", "journal": "流水", "wire": "报文", "host": "主机",
	"money": "资金", "fault": "故障", "receipt": "凭条", "remark": "说明", "step": "步骤", "judge": "裁判", "term": "终端",
}

func kindIn(kind string, lang language) string {
	if zh := kinds[kind]; zh != "" && terminal.Lang(lang) == terminal.Chinese {
		return zh
	}
	return kind
}

// virtualTime writes a virtual duration: "00:01:32.250", "2 d 04:00:12.000".
func virtualTime(d time.Duration) string {
	days, rest := d/(24*time.Hour), d%(24*time.Hour)
	clock := fmt.Sprintf("%02d:%02d:%02d.%03d", int(rest.Hours()), int(rest.Minutes())%60, int(rest.Seconds())%60, rest.Milliseconds()%1000)
	if days > 0 {
		return fmt.Sprintf("%d d %s", days, clock)
	}
	return clock
}

// wallTime writes how long something really took.
func wallTime(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// factor writes how much faster than real time a run was: "870,000x".
func factor(virtual, wall time.Duration) string {
	n := int64(virtual) / max(1, int64(wall))
	step := int64(1)
	for n/step >= 100 {
		step *= 10
	}
	digits := fmt.Sprint(n / step * step)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits + "x"
}
