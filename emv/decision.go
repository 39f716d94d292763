package emv

import (
	"fmt"

	"github.com/posim/posim/emv/tlv"
)

// Decision is one thing the kernel decided, for those who want to follow it: the rule of the book, what was looked at, what
// came of it, and TVR and TSI before and after. It holds no secrets: a card number in it is masked.
type Decision struct {
	Rule      Rule
	Text      string
	Inputs    []Input
	TVRBefore [5]byte // as they stood after the decision before
	TSIBefore [2]byte
	TVR       [5]byte // as they stand now
	TSI       [2]byte

	Decisive bool    // the transaction went the way it went because of this
	Matched  [5]byte // of an action code: the bits of the TVR that are in it
}

// Input is something that a decision looked at: a data element, a limit, a status word.
type Input struct{ Name, Value string }

// Changed names the bits of TVR and TSI that this decision set or cleared, as "+CDA failed".
func (d *Decision) Changed() (names []string) {
	names = appendChanged(nil, tlv.TVR, d.TVRBefore[:], d.TVR[:])
	return appendChanged(names, tlv.TSI, d.TSIBefore[:], d.TSI[:])
}

func appendChanged(names []string, tag tlv.Tag, before, after []byte) []string {
	for i := range before {
		for mask := 0x80; mask > 0; mask >>= 1 {
			b := tlv.Bit(i+1)<<8 | tlv.Bit(mask)
			switch was, is := b.In(before), b.In(after); {
			case is && !was:
				names = append(names, "+"+tlv.BitName(tag, b))
			case was && !is:
				names = append(names, "-"+tlv.BitName(tag, b))
			}
		}
	}
	return names
}

// traced tells whether anybody follows. Whoever formats a text asks first, so that no trace costs nothing.
func (s *Session) traced() bool { return s.cfg.Trace != nil }

// decide tells the trace.
func (s *Session) decide(rule Rule, text string, inputs ...Input) {
	if s.cfg.Trace == nil {
		return
	}
	s.tell(Decision{Rule: rule, Text: text, Inputs: inputs})
}

// decisive tells the trace of a decision on which the transaction turned.
func (s *Session) decisive(rule Rule, text string, inputs ...Input) {
	if s.cfg.Trace == nil {
		return
	}
	s.tell(Decision{Rule: rule, Text: text, Inputs: inputs, Decisive: true})
}

func (s *Session) tell(d Decision) {
	d.TVRBefore, d.TSIBefore, d.TVR, d.TSI = s.toldTVR, s.toldTSI, s.tvr, s.tsi
	s.toldTVR, s.toldTSI = s.tvr, s.tsi
	s.cfg.Trace(d)
}

// in is a data element as an input of a decision.
func (s *Session) in(tag tlv.Tag) Input { return inputOf(tag, s.Data(tag)) }

// fromCard is a data element of the card as an input of a decision: action codes, limits.
func (s *Session) fromCard(tag tlv.Tag) Input { return inputOf(tag, s.icc.get(tag)) }

func inputOf(tag tlv.Tag, value []byte) Input {
	in := Input{Name: fmt.Sprintf("%s %X", tlv.Name(tag), tag), Value: "absent"}
	switch {
	case value == nil:
	case tag == tlv.ApplicationPAN || tag == tlv.Track2EquivalentData:
		in.Value = tlv.Show(tag, value)
	default:
		in.Value = fmt.Sprintf("%X", value)
	}
	return in
}

// about is a fact as an input of a decision.
func about(name string, format string, args ...any) Input {
	return Input{name, fmt.Sprintf(format, args...)}
}
