package dialect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ReasonRule says where a dialect of ISO 8583:1987 writes the reason of a reversal. The standard has no data element for it before
// 1993, and every acquirer found another place.
type ReasonRule byte

// The rules.
const (
	// ReasonIn60 writes the reason in DE 60 as it is: "98".
	ReasonIn60 ReasonRule = iota
	// ReasonIn39 writes it in DE 39 of the request, which is free there: a response code answers.
	ReasonIn39
	// Reason400x writes in DE 60 the message reason code that DE 25 has in the edition of 1993, whose n4 the n2 of this one has no
	// room for: 4021 no answer, 4007 device fault, 4020 wrong MAC, 4001 other contents. No other reason can be written or read.
	Reason400x
	reasonRules
)

var reasonRuleNames = [reasonRules]string{ReasonIn60: "60", ReasonIn39: "39", Reason400x: "400x"}

// String is the rule's name in a profile: "60", "39", "400x".
func (r ReasonRule) String() string {
	if r >= reasonRules {
		return fmt.Sprintf("reason rule %d", byte(r))
	}
	return reasonRuleNames[r]
}

// ParseReasonRule reads a rule's name. An unknown one is an error that lists the names.
func ParseReasonRule(s string) (ReasonRule, error) {
	if i := slices.Index(reasonRuleNames[:], s); i >= 0 {
		return ReasonRule(i), nil
	}
	return 0, fmt.Errorf("dialect: reason rule %q: want one of %s", s, strings.Join(reasonRuleNames[:], ", "))
}

// messageReasonCodes are the reasons with their codes of the edition of 1993: 4021 time-out waiting for a response, 4007 card
// acceptor device unable to complete, 4020 invalid response, 4001 unspecified.
var messageReasonCodes = [][2]string{
	{ReasonNoAnswer, "4021"}, {ReasonDeviceFault, "4007"}, {ReasonMAC, "4020"}, {ReasonMismatch, "4001"},
}

// put is a reason as DE 60 has it.
func (r ReasonRule) put(reason string) (string, error) {
	switch {
	case strings.Contains(reason, originalMark):
		return "", errors.New("a reason with '#' in it: that announces an original")
	case r == ReasonIn39: // it is in DE 39
		return "", nil
	case r == ReasonIn60 || reason == "":
		return reason, nil
	}
	for _, c := range messageReasonCodes {
		if c[0] == reason {
			return c[1], nil
		}
	}
	return "", errors.New("a reversal reason without a message reason code: want 98, 96, A0 or 06")
}

// take is the way back.
func (r ReasonRule) take(m *Message, s string) error {
	switch {
	case s == "":
		return nil
	case r == ReasonIn60:
		m.ReversalReason = s
		return nil
	case r == ReasonIn39:
		return errors.New("a reversal reason: want it in DE 39")
	}
	for _, c := range messageReasonCodes {
		if c[1] == s {
			m.ReversalReason = c[0]
			return nil
		}
	}
	return errors.New("want a message reason code: 4021, 4007, 4020 or 4001")
}

// inResponseCode gives the element of DE 39 with the reason of a reversal's request in it.
func (r ReasonRule) inResponseCode(e element) element {
	answer := e
	e.get = func(m *Message) (string, error) {
		switch {
		case !m.reverses():
			if m.ReversalReason != "" {
				return "", errors.New("a reversal reason on what is no request of a reversal")
			}
			return answer.get(m)
		case m.ResponseCode != "":
			return "", errors.New("a response code on the request of a reversal: want its reason")
		}
		return m.ReversalReason, nil
	}
	e.set = func(m *Message, s string) error {
		if !m.reverses() {
			return answer.set(m, s)
		}
		m.ReversalReason = s
		return nil
	}
	return e
}
