package tui

import (
	"strings"

	"github.com/posim/posim/scenario"
)

// preset is a fault that is armed with one key or click.
type preset struct {
	spec string
	name word
}

// presets are the faults that people ask for first. Any other can be typed.
var presets = [...]preset{
	{"net.rsp[0210].lose", word{"lose next answer", "丢失下一应答"}},
	{"net.rsp[0210].delay(65s)", word{"answer 65 s late", "应答迟到 65 秒"}},
	{"net.req[0200].lose", word{"lose next request", "丢失下一请求"}},
	{"net.rsp[0410].lose", word{"lose reversal answer", "丢失冲正应答"}},
	{"issuer[0200].answer(51)", word{"issuer declines (51)", "发卡行拒绝(51)"}},
	{"acquirer[0200].wrong-mac", word{"answer with wrong MAC", "应答校验错"}},
	{"card[GENERATE AC#2].tear", word{"card torn out at the end", "交易末尾拔卡"}},
	{"term[send 0200].power-off", word{"power cut after sending", "发送后断电"}},
	{"term[print].paper-out", word{"paper runs out", "打印缺纸"}},
}

// faultRow is one line of the faults: something that is or can be wrong.
type faultRow struct {
	name  string
	spec  string
	on    bool
	fired int
	do    func()
}

func (r faultRow) mark() string {
	switch {
	case r.fired > 0:
		return "[✗]"
	case r.on:
		return "[!]"
	}
	return "[ ]"
}

// faultRows are the line, the plug, the presets, and what else is armed.
func (u *UI) faultRows(v *scenario.View) []faultRow {
	rows := []faultRow{
		{name: u.say(word{"cut the line", "切断线路"}), on: !v.Line, do: u.cutLine},
		{name: u.say(word{"pull the plug", "拔掉电源"}), on: !v.Power, do: u.plug},
	}
	state := map[string]*scenario.FaultState{}
	for i := range v.Faults {
		f := &v.Faults[i]
		if s := state[f.Spec]; s == nil || s.Over {
			state[f.Spec] = f
		}
	}
	add := func(spec, name string) {
		row := faultRow{name: name, spec: spec, do: func() { u.toggle(spec) }}
		if s := state[spec]; s != nil {
			row.on, row.fired = !s.Over, s.Fired
		}
		rows = append(rows, row)
		delete(state, spec)
	}
	for _, p := range presets {
		add(p.spec, u.say(p.name))
	}
	for _, f := range v.Faults {
		if state[f.Spec] != nil {
			add(f.Spec, f.Spec)
		}
	}
	return rows
}

// toggle arms a fault, or takes it away. One that has fired is armed again.
func (u *UI) toggle(spec string) {
	armed := false
	for _, f := range u.engine.View().Faults {
		armed = armed || f.Spec == spec && !f.Over
	}
	u.post(scenario.Disarm{Fault: spec})
	if !armed {
		u.post(scenario.Arm{Fault: spec})
	}
}

// typeFault asks for a fault in the scripts' grammar.
func (u *UI) typeFault() {
	u.dialog = &entry{u: u, title: u.say(word{"Type a fault, such as net.rsp[0210].delay(65s) or card[VERIFY].mute", "输入故障,例如 net.rsp[0210].delay(65s) 或 card[VERIFY].mute"}), done: func(text string) {
		if text = strings.TrimSpace(text); text != "" {
			u.post(scenario.Arm{Fault: text})
		}
	}}
}
