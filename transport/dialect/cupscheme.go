package dialect

import "errors"

const schemeLength = 3 // 63.1

// cupScheme writes DE 63: of a request the operator, of an answer the card scheme and the remarks.
func cupScheme(m *Message) (string, error) {
	answer := IsAnswer(m.MTI)
	switch {
	case m.ReservedPrivate63 != "" && (m.OperatorNumber != "" || m.CardScheme != "" || m.Remarks != ""):
		return "", errors.New("private data beside operator, card scheme or remarks: want one of them")
	case m.ReservedPrivate63 != "" && !answer && len(m.ReservedPrivate63) <= schemeLength:
		return "", errors.New("private data as short as an operator's number: want OperatorNumber")
	case m.ReservedPrivate63 != "" && answer && len(m.ReservedPrivate63) >= schemeLength:
		return "", errors.New("private data as long as a card scheme: want CardScheme and Remarks")
	case m.ReservedPrivate63 != "":
		return m.ReservedPrivate63, nil
	case !answer && (m.CardScheme != "" || m.Remarks != ""):
		return "", errors.New("a card scheme or remarks: want them in an answer")
	case !answer && len(m.OperatorNumber) > schemeLength:
		return "", errors.New("63.1: want an operator's number of up to 3 characters")
	case !answer:
		return m.OperatorNumber, nil
	case m.CardScheme == "" && m.Remarks == "":
		return "", nil // an answer does not bring the operator back
	case len(m.CardScheme) != schemeLength:
		return "", errors.New("63.1: want a card scheme of 3 characters")
	}
	return m.CardScheme + m.Remarks, nil
}

func setCUPScheme(m *Message, s string) error {
	switch answer := IsAnswer(m.MTI); {
	case !answer && len(s) <= schemeLength:
		m.OperatorNumber = s
	case answer && len(s) >= schemeLength:
		m.CardScheme, m.Remarks = s[:schemeLength], s[schemeLength:]
	default:
		m.ReservedPrivate63 = s
	}
	return nil
}

// Operator is an operator's number as the dialect writes it (63.1 of cup): filled with spaces up to the length of the switches.
func (d *Dialect) Operator(number string) string {
	for len(number) < d.switches.Length63 {
		number += " "
	}
	return number
}
