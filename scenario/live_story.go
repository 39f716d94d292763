package scenario

import (
	"fmt"
	"strings"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
)

// The lines of a story, the same whatever time the house is in. Whoever tells them sets the instant.

func screenLine(s terminal.Screen) Line {
	return Line{Kind: "screen", Text: strings.ReplaceAll(s.In(terminal.English), "\n", " / "), Zh: strings.ReplaceAll(s.In(terminal.Chinese), "\n", " / ")}
}

func receiptLines(rc terminal.Receipt) (lines []Line) {
	en, zh := strings.Split(rc.In(terminal.English), "\n"), strings.Split(rc.In(terminal.Chinese), "\n")
	for i := range en {
		lines = append(lines, Line{Kind: "receipt", Text: "| " + en[i], Zh: "| " + zh[i]})
	}
	return lines
}

// terminalLine is what happened in a terminal; false: nothing to tell.
func terminalLine(o terminal.Observation) (Line, bool) {
	switch o := o.(type) {
	case terminal.Sent:
		return Line{Kind: "wire", Dir: ">", Text: describe(o.Message)}, true
	case terminal.Received:
		note := ""
		if o.MAC != nil {
			note = "MAC wrong"
		}
		return Line{Kind: "wire", Dir: "<", Text: describe(o.Message), Note: note}, true
	case terminal.Unmatched:
		return Line{Kind: "wire", Dir: "<", Text: "dropped: " + o.Err.Error()}, true
	case terminal.Moved:
		rec := &o.Record
		text := rec.STAN + " " + string(rec.State)
		if o.From != "" {
			text = fmt.Sprintf("%s %s -> %s", rec.STAN, o.From, rec.State)
		}
		if rec.State == terminal.ReversalDue {
			text += " (" + rec.Reason + ")"
		}
		return Line{Kind: "journal", Text: text, Note: "synced"}, true
	case terminal.Remark:
		return Line{Kind: "remark", Text: o.Text}, true
	}
	return Line{}, false
}

func decisionLine(d emv.Decision) Line {
	return Line{Kind: "decide", Text: d.Rule.Book() + " " + d.Rule.String() + ": " + d.Text, Note: fmt.Sprintf("TVR % X", d.TVR[:]), Decision: &d}
}

// apduLines are a command that the card ran, and its answer.
func apduLines(name string, command, response []byte) [2]Line {
	sw := "no answer"
	if n := len(response); n >= 2 {
		sw = apdu.SW(uint16(response[n-2])<<8 | uint16(response[n-1])).String()
	}
	return [2]Line{
		{Kind: "apdu", Dir: ">", Text: name, Note: hexOf(command, name, true)},
		{Kind: "apdu", Dir: "<", Text: sw, Note: hexOf(response, name, false)},
	}
}

// hostLine is what happened at a host; false: the terminal's side tells of it.
func hostLine(o host.Observation) (Line, bool) {
	switch o.Kind {
	case host.Received, host.Sent:
		if o.Party == "acquirer" && !o.Up() {
			return Line{}, false
		}
		verb, note := "gets", ""
		if o.Kind == host.Sent {
			verb = "sends"
		}
		if o.Err != nil {
			note = o.Err.Error()
		}
		return Line{Kind: "host", Text: o.Party + " " + verb + " " + describe(o.Message), Note: note}, true
	case host.UnmatchedAnswer:
		return Line{Kind: "host", Text: fmt.Sprintf("%s: answer %s %s is to nothing that waits (in flight: %s)", o.Party, o.Message.MTI, o.Message.Key(), o.Want)}, true
	}
	if o.Kind == host.AlarmRaised {
		return Line{Kind: "alarm", Text: alarmText(o.Party, o.Alarm)}, true
	}
	if o.Kind == host.OrderMoved {
		return Line{Kind: "host", Text: o.Party + ": " + o.Order.String()}, true
	}
	return Line{Kind: "host", Text: fmt.Sprintf("%s: %s: %v", o.Party, o.Kind, o.Err)}, true
}

// moneyLine tells how the positions differ from those that were told last; false: they do not.
func moneyLine(now map[string]int64, before map[string]Money) (Line, bool) {
	positions := map[string]Money{}
	var changes []string
	for party, n := range now {
		positions[party] = Money(n)
	}
	for _, party := range parties {
		if positions[party] != before[party] {
			changes = append(changes, party+" "+positions[party].String())
		}
	}
	return Line{Kind: "money", Text: strings.Join(changes, ", "), Money: positions}, len(changes) > 0
}
