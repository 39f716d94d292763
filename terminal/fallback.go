package terminal

import (
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/posim/posim/internal/pan"
)

// Fallback says when a terminal reads the stripe of a card whose chip it cannot read.
type Fallback struct {
	Off       bool
	Tries     int           // failures of the chip in a row before the stripe is read, 1 to 3; 3
	Window    time.Duration // after which a failure is forgotten; 90 s
	EmptyList bool          // a chip without an application in common counts as a failure
}

// chipFailures counts what went wrong with chips, as long as it may be one customer's card that is tried again. A failure is a
// chip that gives no answer: to reset, to the selection of its directory, to anything before its cryptogram went to the host.
// A chip that declines, is blocked, was cancelled or pulled out is none. What the count is of is gone with the power.
type chipFailures struct {
	count  int
	last   time.Time // of the latest failure; without one, when number was shown
	number pan.PAN   // of the card, where anything has shown it; zero: not known
}

// good forgets the failures: a chip was read.
func (f *chipFailures) good() { *f = chipFailures{} }

// of forgets the failures of another card, and those of long ago.
func (f *chipFailures) of(number pan.PAN, now time.Time, window time.Duration) {
	another := !number.IsZero() && !f.number.IsZero() && number != f.number
	if another || now.Sub(f.last) > window {
		f.good()
	}
	if f.count == 0 {
		f.last = now
	}
	if !number.IsZero() {
		f.number = number
	}
}

// failed counts a failure. The number is zero if the chip did not come to give it.
func (f *chipFailures) failed(number pan.PAN, now time.Time, window time.Duration) {
	f.of(number, now, window)
	f.count++
	f.last = now
}

// swipeRule is what becomes of a stripe that was swiped.
type swipeRule int

const (
	swipeAccepted   swipeRule = iota // it is the card's way
	swipeFallback                    // the chip cannot be read: the stripe, and the host is told
	swipeInsert                      // the chip is to be read
	swipeNotAllowed                  // the chip cannot be read, and this terminal has no fallback
	swipeNever                       // this terminal takes no stripes
)

// swipe decides about a stripe. chipCard is what its service code says, slot whether there is a slot where a chip could be read.
func (p Fallback) swipe(f *chipFailures, chipCard, slot bool, number pan.PAN, now time.Time) swipeRule {
	f.of(number, now, p.Window)
	switch {
	case !chipCard:
		return swipeAccepted
	case slot && f.count < p.Tries:
		return swipeInsert
	case p.Off:
		return swipeNotAllowed
	}
	return swipeFallback
}

// fallbackFile is the form of a profile's fallback: off, or {tries: 3, window: 90s, empty_list: false}.
type fallbackFile struct {
	off       bool
	Tries     int           `yaml:"tries"`
	Window    time.Duration `yaml:"window"`
	EmptyList bool          `yaml:"empty_list"`
}

// UnmarshalYAML reads either form. YAML takes a bare off for a word, and so do we.
func (f *fallbackFile) UnmarshalYAML(src []byte) error {
	if strings.TrimSpace(string(src)) == "off" {
		f.off = true
		return nil
	}
	type plain fallbackFile                                                            // without this method
	if err := yaml.UnmarshalWithOptions(src, (*plain)(f), yaml.Strict()); err != nil { // its line would be this mapping's own
		return wrong("fallback", ": want off, or tries, window and empty_list")
	}
	return nil
}

func (f fallbackFile) fallback() (Fallback, error) {
	p := Fallback{Off: f.off, Tries: f.Tries, Window: orDuration(f.Window, 90*time.Second), EmptyList: f.EmptyList}
	if p.Tries == 0 {
		p.Tries = 3
	}
	switch {
	case p.Tries < 1 || p.Tries > 3:
		return p, wrong("fallback.tries", " %d: want 1 to 3", p.Tries)
	case p.Window < time.Second || p.Window > time.Hour:
		return p, wrong("fallback.window", " %s: want 1s to 1h", p.Window)
	}
	return p, nil
}
