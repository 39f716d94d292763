package dialect

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/posim/posim/internal/pan"
)

// DE 48 of cup is digits whose meaning the kind of the message tells: totals, lines, a count of lines, a tip. Of others they stay
// digits (Message.AdditionalData).
type additional byte

const (
	plainDigits additional = iota
	totalsDigits
	linesDigits
	countDigits
	tipDigits
)

const (
	totalsLength = 2 * (2*(12+3) + 1) // domestic and foreign: debits, credits and the result
	lineLength   = 2 + 6 + 20 + 12    // class, STAN, card number, amount
	maxLines     = 8
	countLength  = 4
	tipLength    = 12
)

// additional says what DE 48 of m is.
func (m *Message) additional() additional {
	switch Class(m.MTI) {
	case ClassReconciliation:
		return totalsDigits
	case ClassFileAction:
		if c := m.NetworkManagementCode; c == UploadEndEqual || c == UploadEndNotEqual {
			return countDigits
		}
		return linesDigits
	case ClassFinancial:
		if m.MessageTypeCode == tipAdjustCode && IsAdvice(m.MTI) {
			return tipDigits
		}
	}
	return plainDigits
}

func cupNoteOf48(m *Message) string {
	return [...]string{"", ", totals", ", lines", ", number of lines", ", tip"}[m.additional()]
}

// checkAdditional refuses what DE 48 of m has no place for.
func (m *Message) checkAdditional() error {
	is := m.additional()
	switch {
	case is != totalsDigits && (m.Totals != nil || m.SettlementResult != 0 || m.ForeignResult != 0):
		return &FieldError{DE: 48, Err: fmt.Errorf("totals on %s: want them on 0500", m.MTI)}
	case is == totalsDigits && m.Totals == nil && (m.SettlementResult != 0 || m.ForeignResult != 0):
		return &FieldError{DE: 48, Err: errors.New("a result without totals")}
	case is != linesDigits && len(m.Details) > 0:
		return &FieldError{DE: 48, Err: fmt.Errorf("lines of a batch on %s: want them on 0320", m.MTI)}
	case is != countDigits && m.Uploaded != 0:
		return &FieldError{DE: 48, Err: fmt.Errorf("a number of lines on %s: want it on an 0320 of %s or %s", m.MTI, UploadEndEqual, UploadEndNotEqual)}
	case is != tipDigits && m.TipAmount != 0:
		return &FieldError{DE: 48, Err: fmt.Errorf("a tip on %s: want it on an 0220 of %s", m.MTI, tipAdjustCode)}
	}
	return nil
}

// cupAdditional writes DE 48.
func cupAdditional(m *Message) (s string, err error) {
	switch is := m.additional(); {
	case is == totalsDigits && m.Totals != nil:
		s, err = totals(m)
	case is == linesDigits && len(m.Details) > 0:
		s, err = lines(m.Details)
	case is == countDigits && (m.Uploaded != 0 || !IsAnswer(m.MTI)):
		s, err = inDigits(int64(m.Uploaded), countLength)
	case is == tipDigits && m.TipAmount != 0:
		s, err = inDigits(m.TipAmount, tipLength)
	}
	switch {
	case err != nil || m.AdditionalData == "":
		return s, err
	case s != "":
		return "", errors.New("private digits beside what the kind of the message wants")
	}
	other := Message{MTI: m.MTI, NetworkManagementCode: m.NetworkManagementCode, MessageTypeCode: m.MessageTypeCode, AdditionalData: m.AdditionalData}
	if err := other.gatherAdditional(); err != nil {
		return "", err
	}
	if other.AdditionalData == "" {
		return "", errors.New("private digits that are what the kind of the message wants")
	}
	return m.AdditionalData, nil
}

// setCUPAdditional keeps the digits until the kind of the message is known.
func setCUPAdditional(m *Message, s string) error {
	m.AdditionalData = s
	return nil
}

// gatherAdditional makes of the digits what they mean.
func (m *Message) gatherAdditional() (err error) {
	s, is := m.AdditionalData, m.additional()
	switch {
	case s == "" && is == countDigits && !IsAnswer(m.MTI):
		return errors.New("none on the end of an upload: want how many lines were sent")
	case s == "" || is == plainDigits:
		return nil
	case is == totalsDigits:
		err = m.readTotals(s)
	case is == linesDigits:
		err = m.readLines(s)
	case is == countDigits:
		if len(s) != countLength {
			return fmt.Errorf("%d digits: want %d, the number of lines", len(s), countLength)
		}
		if m.Uploaded, err = strconv.Atoi(s); m.Uploaded == 0 && IsAnswer(m.MTI) {
			return err // zeros that nobody had to write
		}
	case is == tipDigits:
		if len(s) != tipLength {
			return fmt.Errorf("%d digits: want %d, the tip", len(s), tipLength)
		}
		if m.TipAmount, err = strconv.ParseInt(s, 10, 64); m.TipAmount == 0 {
			return err // no tip, said
		}
	}
	if err == nil {
		m.AdditionalData = ""
	}
	return err
}

// inDigits is n in so many digits.
func inDigits(n int64, digits int) (string, error) {
	s := strconv.FormatInt(n, 10)
	if n < 0 || len(s) > digits {
		return "", fmt.Errorf("%d: want 0 to %s", n, strings.Repeat("9", digits))
	}
	return strings.Repeat("0", digits-len(s)) + s, nil
}

// totals writes debits, credits and result of domestic cards, and then of foreign ones.
func totals(m *Message) (string, error) {
	var s strings.Builder
	t := m.Totals
	for _, half := range []struct {
		name            string
		debits, credits Total
		result          SettlementResult
	}{{"", t.Debits, t.Credits, m.SettlementResult}, {"foreign ", t.ForeignDebits, t.ForeignCredits, m.ForeignResult}} {
		for _, v := range []struct {
			name string
			Total
		}{{"debits", half.debits}, {"credits", half.credits}} {
			amount, err := inDigits(v.Amount, 12)
			if err != nil {
				return "", fmt.Errorf("sum of the %s%s: %w", half.name, v.name, err)
			}
			count, err := inDigits(int64(v.Count), 3)
			if err != nil {
				return "", fmt.Errorf("count of the %s%s: %w", half.name, v.name, err)
			}
			s.WriteString(amount + count)
		}
		if half.result > SettlementError {
			return "", fmt.Errorf("result %d: want 0 to %d", half.result, SettlementError)
		}
		s.WriteByte('0' + byte(half.result))
	}
	return s.String(), nil
}

func (m *Message) readTotals(s string) error {
	if len(s) != totalsLength {
		return fmt.Errorf("%d digits: want %d, totals", len(s), totalsLength)
	}
	take := func(n int) (v int64) {
		for _, c := range s[:n] {
			v = 10*v + int64(c-'0')
		}
		s = s[n:]
		return v
	}
	t := &Totals{}
	for _, half := range []struct {
		debits, credits *Total
		result          *SettlementResult
	}{{&t.Debits, &t.Credits, &m.SettlementResult}, {&t.ForeignDebits, &t.ForeignCredits, &m.ForeignResult}} {
		for _, v := range []*Total{half.debits, half.credits} {
			v.Amount, v.Count = take(12), int(take(3))
		}
		if *half.result = SettlementResult(take(1)); *half.result > SettlementError {
			return fmt.Errorf("result %d: want 0 to %d", *half.result, SettlementError)
		}
	}
	m.Totals = t
	return nil
}

// lines writes a count of two digits, and the lines.
func lines(list []Detail) (string, error) {
	if len(list) > maxLines {
		return "", fmt.Errorf("%d lines: want up to %d", len(list), maxLines)
	}
	var s strings.Builder
	fmt.Fprintf(&s, "%02d", len(list))
	for i := range list {
		l := &list[i]
		amount, err := inDigits(l.Amount, 12)
		digits := l.PAN.Digits()
		switch {
		case err != nil:
			return "", fmt.Errorf("line %d: amount: %w", i+1, err)
		case len(l.STAN) != 6 || !isDigits(l.STAN):
			return "", fmt.Errorf("line %d: want a STAN of 6 digits", i+1)
		case !l.Debit:
			return "", fmt.Errorf("line %d: a credit: want it alone in a message with its own data elements", i+1)
		case strings.HasPrefix(digits, "0"):
			return "", fmt.Errorf("line %d: a card number that begins with 0 cannot be told from its filler", i+1)
		}
		class := "00"
		if l.Foreign {
			class = "01"
		}
		s.WriteString(class + l.STAN + strings.Repeat("0", 20-len(digits)) + digits + amount)
	}
	return s.String(), nil
}

func (m *Message) readLines(s string) error {
	n := 0
	if len(s) >= 2 {
		n = int(s[0]-'0')*10 + int(s[1]-'0')
	}
	if n < 1 || n > maxLines || len(s) != 2+n*lineLength {
		return fmt.Errorf("%d digits: want a count of 1 to %d and %d for each line", len(s), maxLines, lineLength)
	}
	s = s[2:]
	list := make([]Detail, n)
	for i := range list {
		l := &list[i]
		l.Debit, l.Foreign, l.STAN = true, s[:2] == "01", s[2:8]
		if s[:2] != "00" && s[:2] != "01" {
			return fmt.Errorf("line %d: class %s: want 00 (domestic) or 01 (foreign)", i+1, s[:2])
		}
		if digits := strings.TrimLeft(s[8:28], "0"); digits != "" {
			p, err := pan.Parse(digits)
			if err != nil {
				return fmt.Errorf("line %d: %w", i+1, err)
			}
			l.PAN = p
		}
		l.Amount, _ = strconv.ParseInt(s[28:lineLength], 10, 64) // twelve digits
		s = s[lineLength:]
	}
	m.Details = list
	return nil
}

// showCUPAdditional masks the card numbers.
func showCUPAdditional(m *Message, s string) string {
	if len(m.Details) == 0 {
		return s
	}
	var b strings.Builder
	for i, l := range m.Details {
		if i > 0 {
			b.WriteByte(' ')
		}
		card := "-"
		if !l.PAN.IsZero() {
			card = l.PAN.Masked()
		}
		fmt.Fprintf(&b, "%s:%s:%d", l.STAN, card, l.Amount)
	}
	return b.String()
}
