package dialect

import (
	"errors"
	"fmt"
	"strconv"
)

// DE 63 of iso87's reconciliation is the batch's totals in 72 digits, of our own choice: debits, credits, and the same of foreign
// cards, each a count n6 and a sum n12. Its answer has the host's totals in the same form. DE 39 of that answer is the result: 00
// equal, 95 not equal (lines are to be uploaded), anything else: not compared.

const (
	privateCountLength  = 6
	privateSumLength    = 12
	privateTotalLength  = privateCountLength + privateSumLength
	privateTotalsLength = 4 * privateTotalLength
)

// Response codes of a reconciliation (ISO 8583:1987: 95 is reconcile error).
const (
	codeEqual    = "00"
	codeNotEqual = "95"
)

func getPrivate63(m *Message) (string, error) {
	own := ""
	var err error
	if m.Totals != nil && !m.reconciles() {
		return "", fmt.Errorf("totals that class %q has no place for", Class(m.MTI))
	}
	switch Class(m.MTI) {
	case ClassFileAction: // the batch number is in DE 60
		return m.ReservedPrivate63, nil
	case ClassReconciliation:
		if m.Totals != nil {
			own, err = m.Totals.text()
		}
	default:
		if m.BatchNumber != "" {
			own, err = m.batchText()
		}
	}
	switch {
	case err != nil:
		return "", err
	case own != "" && m.ReservedPrivate63 != "":
		return "", errors.New("a batch number or totals beside private data: want one of them")
	case own != "":
		return own, nil
	case m.announced63(m.ReservedPrivate63):
		return "", errors.New("private data that looks like a batch number or totals: want BatchNumber or Totals for those")
	}
	return m.ReservedPrivate63, nil
}

func setPrivate63(m *Message, s string) (err error) {
	switch {
	case !m.announced63(s):
		m.ReservedPrivate63 = s
	case Class(m.MTI) == ClassReconciliation:
		m.Totals, err = parseTotals(s)
	default:
		m.BatchNumber = s
	}
	return err
}

// announced63 tells whether a text of DE 63 is the batch number or the totals.
func (m *Message) announced63(s string) bool {
	switch Class(m.MTI) {
	case ClassFileAction:
		return false
	case ClassReconciliation:
		return len(s) == privateTotalsLength && isDigits(s)
	}
	return len(s) == batchDigits && isDigits(s)
}

func (t *Totals) list() [4]*Total {
	return [4]*Total{&t.Debits, &t.Credits, &t.ForeignDebits, &t.ForeignCredits}
}

func (t *Totals) text() (string, error) {
	s := make([]byte, 0, privateTotalsLength)
	for _, p := range t.list() {
		if p.Count < 0 || p.Count > 999_999 || p.Amount < 0 || p.Amount > maxAmount {
			return "", fmt.Errorf("a total of %d transactions and %d minor units: want 0 to 999999, and 0 to %d", p.Count, p.Amount, int64(maxAmount))
		}
		s = fmt.Appendf(s, "%0*d%0*d", privateCountLength, p.Count, privateSumLength, p.Amount)
	}
	return string(s), nil
}

// parseTotals reads 72 digits.
func parseTotals(s string) (*Totals, error) {
	t := &Totals{}
	for _, p := range t.list() {
		var err error
		if p.Count, err = strconv.Atoi(s[:privateCountLength]); err != nil {
			return nil, err
		}
		if p.Amount, err = strconv.ParseInt(s[privateCountLength:privateTotalLength], 10, 64); err != nil {
			return nil, err
		}
		s = s[privateTotalLength:]
	}
	return t, nil
}

// getResponseCode is DE 39: that of a reconciliation's answer follows from its result, where it has one.
func getResponseCode(m *Message) (string, error) {
	if !m.answersReconciliation() {
		return m.ResponseCode, nil
	}
	code := ""
	for _, r := range []SettlementResult{m.SettlementResult, m.ForeignResult} {
		switch r {
		case SettlementNone:
		case SettlementEqual:
			code = max(code, codeEqual)
		case SettlementNotEqual, SettlementError:
			code = codeNotEqual
		default:
			return "", fmt.Errorf("settlement result %d: want equal, not equal or error", r)
		}
	}
	switch {
	case code == "":
		return m.ResponseCode, nil
	case m.ResponseCode != "" && m.ResponseCode != codeEqual && m.ResponseCode != code:
		return "", fmt.Errorf("a settlement result that is written %s beside another response code", code)
	}
	return code, nil
}

func setResponseCode(m *Message, s string) error {
	m.ResponseCode = s
	if m.answersReconciliation() {
		switch s {
		case codeEqual:
			m.SettlementResult = SettlementEqual
		case codeNotEqual:
			m.SettlementResult = SettlementNotEqual
		}
	}
	return nil
}

func (m *Message) answersReconciliation() bool {
	return Class(m.MTI) == ClassReconciliation && IsAnswer(m.MTI)
}
