package tui

import (
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// mark is one thing on the time line.
type mark struct {
	at    time.Duration
	label string
	style tcell.Style
}

// screensOnTheLine are the screens that stand on the time line.
var screensOnTheLine = []struct {
	key  terminal.Key
	name word
}{
	{"pin", word{"PIN", "密码"}}, {"timeout", word{"time-out", "超时"}}, {"approved", word{"approved", "成功"}},
	{"approved-offline", word{"offline", "脱机"}}, {"declined-offline", word{"declined", "拒绝"}},
	{"card-refused", word{"refused", "卡拒绝"}}, {"unfinished", word{"recovery", "恢复"}}, {"reversed", word{"reversed", "已冲正"}},
	{"out-of-service", word{"stopped", "停用"}},
}

// markOf is how a line of the story stands on the time line; an empty label: not at all.
func (u *UI) markOf(l scenario.Line) mark {
	m := mark{at: l.At, style: u.style.text}
	switch l.Kind {
	case "wire":
		mti, _, _ := strings.Cut(l.Text, " ")
		if len(mti) == 4 && l.Dir != "" {
			m.label, m.style = mti, u.style.wire
		}
	case "card":
		for word, name := range map[string]word{"inserted": {"insert", "插卡"}, "swiped": {"swipe", "刷卡"}, "removed": {"out", "取卡"}} {
			if strings.HasPrefix(l.Text, word) {
				m.label = u.say(name)
			}
		}
	case "fault":
		m.label, m.style = "✗", u.style.bad
	case "line":
		m.label, m.style = u.say(wordLine), u.style.bad
	case "term":
		m.label, m.style = u.say(word{"boot", "启动"}), u.style.warn
		if strings.Contains(l.Text, "off") {
			m.label = u.say(word{"PLUG", "断电"})
		}
	case "screen":
		for _, s := range screensOnTheLine {
			if strings.HasPrefix(l.Text, (terminal.Text{Key: s.key}).In(terminal.English)) {
				m.label = u.say(s.name)
				break
			}
		}
	}
	return m
}

// timeline shows the last things that happened up to the one that is looked at, and how long nothing did between them.
func (u *UI) timeline(c *canvas, v *scenario.View, x, y, n int) {
	now := u.at(v)
	end := " " + Clock(now)
	n -= Columns(end) + 2
	var parts []mark // from the last one back: a mark, then the gap before it
	used, whole := 0, true
	last := mark{at: now}
	for i := len(v.Story) - 1; i >= 0; i-- {
		m := u.markOf(v.Story[i])
		if m.label == "" || m.label == last.label && len(parts) > 0 && last.at-m.at < 5*time.Second {
			continue
		}
		gap := mark{label: gapText(last.at - m.at), style: u.style.dim}
		w := Columns(m.label) + Columns(gap.label)
		if used+w > n-8 {
			whole = false
			break
		}
		parts = append(parts, gap, m)
		used += w
		last = m
	}
	at := x
	start := Clock(0)[:5] + " "
	if !whole {
		start = "… "
	}
	at += c.put(at, y, n, start, u.style.dim)
	if whole {
		at += c.put(at, y, n, gapText(last.at), u.style.dim)
	}
	for i := len(parts) - 1; i >= 0; i-- {
		at += c.put(at, y, x+n-at, parts[i].label, parts[i].style)
	}
	at += c.put(at, y, 1, "●", u.style.title)
	c.put(at, y, Columns(end), end, u.style.strong)
}

// gapText is a stretch of the line in which nothing happened.
func gapText(d time.Duration) string {
	if d < 2*time.Second {
		return "──"
	}
	return "──" + strings.ReplaceAll(span(d), " ", "") + "──"
}
