package terminal

import (
	"errors"

	"github.com/posim/posim/internal/pan"
)

// A physical card may be live: the application identifiers of test cards and live ones are the same, so only the number
// tells. What is outside of the published test ranges is somebody's money. Reading a number harms nobody; a wrong PIN uses
// up a try, a cryptogram moves counters, a script may lock the card, and forwarding it makes a skimmer of a simulator.

var (
	errLiveRefused = errors.New("terminal: live card refused")
	errLiveRead    = errors.New("terminal: live card read, and nothing more")
)

// admit is asked once a physical card's number is known, before anything that the card would remember.
func (t *Terminal) admit(number pan.PAN) error {
	if pan.InTestRange(number) {
		return nil
	}
	if !t.cfg.AllowLiveCards {
		t.show(say("live-refused"), say("live-number", number.Masked()))
		return errLiveRefused
	}
	t.show(say("live-read"), say("live-number", number.Masked()))
	return errLiveRead
}
