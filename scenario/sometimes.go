package scenario

import (
	"errors"
	"slices"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// Sometimes counts what an exploration must have seen happen: a state that no fault ever led to is a hole in it.
type Sometimes [len(sometimes)]int

// The states and turns that are counted.
const (
	lateDropped      = iota // an approval came after its request was given up, and was dropped
	tombstoneHit            // a request met the tombstone that its reversal had left
	repeatAnswered          // a repeated request or reversal got the stored answer
	thirdReversal           // a reversal was sent for the third time or more
	bootPending             // a boot found a pending record
	cardRefused             // the card refused what the host had approved
	hostDied                // a host lost its power between its log and its answer
	adviceRepeated          // an advice was sent again
	keysRenewed             // a reversal made the terminal sign on first
	differenceOpened        // an item was opened for people to settle
	namedStop               // the terminal stopped in a state that has a name
	modulesDead             // the terminal's security module was opened
)

var sometimes = [...]string{
	"late approval dropped", "tombstone hit", "stored answer given again", "reversal sent three times", "pending record at boot",
	"card refused an approval", "host died between log and answer", "advice sent again",
	"sign-on before a reversal", "difference item opened", "terminal stopped in a named state", "security module opened",
}

// Each calls f with the name and the count of every property.
func (s *Sometimes) Each(f func(name string, n int)) {
	for i, n := range s {
		f(sometimes[i], n)
	}
}

// Add adds what another run saw.
func (s *Sometimes) Add(o Sometimes) {
	for i, n := range o {
		s[i] += n
	}
}

// countScreen counts what a screen gives away.
func (r *rig) countScreen(s terminal.Screen) {
	n := &r.log.sometimes
	for _, line := range s {
		switch line.Key {
		case "unfinished":
			n[bootPending]++
		case "card-refused":
			n[cardRefused]++
		case "out-of-service":
			n[namedStop]++
		}
	}
}

// countSent counts what the terminal does not do every time.
func (r *rig) countSent(m *dialect.Message) {
	n := &r.log.sometimes
	switch m.MTI {
	case "0221":
		n[adviceRepeated]++
	case "0400", "0401":
		if r.log.tries == nil {
			r.log.tries = map[string]int{}
		}
		if r.log.tries[m.SystemsTraceAuditNumber]++; r.log.tries[m.SystemsTraceAuditNumber] == 3 {
			n[thirdReversal]++
		}
	case "0800":
		if slices.ContainsFunc(r.terminal.Records(), func(rec *terminal.Record) bool { return rec.State == terminal.ReversalDue }) {
			n[keysRenewed]++
		}
	}
}

// countUnmatched counts approvals that came too late.
func (r *rig) countUnmatched(err error) {
	var late *dialect.MismatchError
	if errors.As(err, &late) && late.GotMTI == "0210" || len(r.log.wire) > 0 && r.log.wire[len(r.log.wire)-1].message.MTI == "0210" {
		r.log.sometimes[lateDropped]++
	}
}

// given is an answer to one message.
type given struct {
	mti string
	key dialect.Key
}

// count counts what a host does not do every time.
func (p *party) count(o host.Observation) {
	if o.Kind != host.Sent || !dialect.IsAnswer(o.Message.MTI) {
		return
	}
	n := &p.r.log.sometimes
	id := given{o.Message.MTI, o.Message.Key()}
	if p.said[id] {
		n[repeatAnswered]++
	}
	if p.said == nil {
		p.said = map[given]bool{}
	}
	p.said[id] = true
	if id.mti == "0210" && o.Message.ResponseCode == "25" {
		n[tombstoneHit]++
	}
}
