package dialect

import (
	"fmt"
	"strings"
)

// part is digits of a composite data element.
type part struct {
	name   string
	length int
	at     func(*Message) *string
}

// cupTypeParts are those of DE 60. Documents end it after different ones: 8, 11, 13, 14, 15 or 17 digits. One of 15 has two digits for
// 60.6 and none for 60.7.
var cupTypeParts = []part{
	{"60.1", 2, func(m *Message) *string { return &m.MessageTypeCode }},
	{"60.2", 6, func(m *Message) *string { return &m.BatchNumber }},
	{"60.3", 3, func(m *Message) *string { return &m.NetworkManagementCode }},
	{"60.4", 1, func(m *Message) *string { return &m.TerminalCapability }},
	{"60.5", 1, func(m *Message) *string { return &m.ICCondition }},
	{"60.6", 1, func(m *Message) *string { return &m.PartialSupport }},
	{"60.7", 3, func(m *Message) *string { return &m.AccountType }},
}

// cupTypeLengths are the digits that DE 60 may have, with how many parts they are.
var cupTypeLengths = map[int]int{8: 2, 11: 3, 13: 5, 14: 6, 15: 6, 17: 7}

// cupType writes DE 60 up to its last part that m has; a part before that is zeros.
func cupType(m *Message) (string, error) {
	var s strings.Builder
	if err := appendParts(&s, m, cupTypeParts, m.PartialSupport); err != nil || s.Len() == 0 {
		return "", err
	}
	if _, ok := cupTypeLengths[s.Len()]; !ok {
		return "", fmt.Errorf("%d digits: want 8, 11, 13, 14, 15 or 17 (60.2 ends it, 60.3, 60.5, 60.6, or 60.7)", s.Len())
	}
	return s.String(), nil
}

// appendParts writes parts up to the last one there is. wide is the value of a part that may have one digit more, at the end.
func appendParts(s *strings.Builder, m *Message, parts []part, wide string) error {
	last := len(parts) - 1
	for last >= 0 && *parts[last].at(m) == "" {
		last--
	}
	for i := range last + 1 {
		p := &parts[i]
		v := *p.at(m)
		length := p.length
		if i == last && len(wide) == 2 && v == wide && p.name == "60.6" {
			length = 2
		}
		switch {
		case v == "":
			v = "00000000000"[:length]
		case len(v) != length || !isDigits(v):
			return fmt.Errorf("%s: want %d digits", p.name, length)
		}
		s.WriteString(v)
	}
	return nil
}

func setCUPType(m *Message, s string) error {
	n, ok := cupTypeLengths[len(s)]
	if !ok {
		return fmt.Errorf("%d digits: want 8, 11, 13, 14, 15 or 17", len(s))
	}
	for i := range n {
		p := &cupTypeParts[i]
		length := p.length
		if len(s) == 2 && i == 5 {
			length = 2
		}
		*p.at(m), s = s[:length], s[length:]
	}
	return nil
}

// cupShape gives DE 60 the length of the switches, and makes of another dialect's reversal one of cup.
func cupShape(d *Dialect, m *Message) {
	if Class(m.MTI) == ClassReversal && d.checkMTI(m.MTI) != nil {
		if IsAnswer(m.MTI) {
			m.MTI = "0410"
		} else {
			m.MTI = "0400"
		}
	}
	if m.MessageTypeCode == "" {
		m.MessageTypeCode = "00"
	}
	if m.BatchNumber == "" {
		m.BatchNumber = "000000"
	}
	if IsAnswer(m.MTI) {
		return
	}
	length := d.switches.Length60
	if !cupMACRequired(m.MTI) && length > 11 {
		length = 11 // management and settlement end with 60.3
	}
	fill := func(field *string, from int, zeros string) {
		switch {
		case length < from:
			*field = ""
		case len(*field) != len(zeros):
			*field = zeros
		}
	}
	if cupMACRequired(m.MTI) {
		fill(&m.NetworkManagementCode, 11, "000")
	}
	fill(&m.TerminalCapability, 13, "0")
	fill(&m.ICCondition, 13, "0")
	if length == 15 {
		fill(&m.PartialSupport, 15, "00")
	} else {
		fill(&m.PartialSupport, 14, "0")
	}
	fill(&m.AccountType, 17, "000")
}
