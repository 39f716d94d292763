package dialect

import (
	"fmt"
	"strings"
)

// cupOriginalParts are those of DE 61 that have a fixed length; 61.5, whoever authorised it, ends it with up to 11 digits.
var cupOriginalParts = []part{
	{"61.1", 6, func(m *Message) *string { return &m.Original.Batch }},
	{"61.2", 6, func(m *Message) *string { return &m.Original.STAN }},
	{"61.3", 4, func(m *Message) *string { return &m.Original.Date }},
	{"61.4", 2, func(m *Message) *string { return &m.Original.AuthMethod }},
}

const longestAuthorizer = 11

// cupOriginal writes DE 61 up to its last part that m has; a part before that is zeros.
func cupOriginal(m *Message) (string, error) {
	var s strings.Builder
	o := &m.Original
	if o.Authorizer != "" && o.AuthMethod == "" {
		return "", fmt.Errorf("61.5 without 61.4: want how it was authorised")
	}
	if err := appendParts(&s, m, cupOriginalParts, ""); err != nil {
		return "", err
	}
	if !isDigits(o.Authorizer) || len(o.Authorizer) > longestAuthorizer {
		return "", fmt.Errorf("61.5: want up to %d digits", longestAuthorizer)
	}
	s.WriteString(o.Authorizer)
	return s.String(), nil
}

func setCUPOriginal(m *Message, s string) error {
	whole := len(s)
	for i := range cupOriginalParts {
		p := &cupOriginalParts[i]
		if s == "" {
			return nil
		}
		if len(s) < p.length {
			return fmt.Errorf("%d digits: want 6, 12, 16, 18 or more (61.1, 61.2, 61.3, 61.4 with 61.5)", whole)
		}
		*p.at(m), s = s[:p.length], s[p.length:]
	}
	if len(s) > longestAuthorizer {
		return fmt.Errorf("%d digits: want up to 29", whole)
	}
	m.Original.Authorizer = s
	return nil
}
