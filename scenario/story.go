package scenario

import (
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/terminal"
)

// Line is one line of a run's story. Nothing in it needs masking any more.
type Line struct {
	At   time.Duration // since the run began
	Kind string        // screen, card, apdu, decide, journal, wire, host, money, fault, receipt, remark, step
	Dir  string        // ">" out of the terminal's side, "<" into it, or empty
	Text string        // in English
	Zh   string        // in Chinese, where it differs
	Note string        // a second column: the hex, the TVR, "synced"

	Money    map[string]Money // of kind money: every position as it is from now on
	Decision *emv.Decision    // of kind decide: the kernel's rule, what it looked at, and what changed
}

// In is the line's text in a language.
func (l Line) In(lang terminal.Lang) string {
	if lang == terminal.Chinese && l.Zh != "" {
		return l.Zh
	}
	return l.Text
}
