package dialect

import (
	"errors"
	"fmt"

	"github.com/posim/posim/internal/pan"
)

// A file action (0320) of iso87 uploads one line of a batch, in the data elements that the line's own message had: DE 2, 3, 4 and
// 25. DE 60 is the batch number n6, then the line's MTI n4 and STAN n6, then D or C (debit, credit), d or c of a foreign card. In a Message that is one
// Detail; the message's own DE 11, 12 and 13 are its own. Of an answer, DE 60 is the batch number alone.

const privateLineLength = batchDigits + 4 + 6 + 1

// spreadLine gives a file action as the wire has it: the detail in data elements of its own. It is m itself where there is
// nothing to do.
func (d *Dialect) spreadLine(m *Message) (*Message, error) {
	if Class(m.MTI) != ClassFileAction {
		if len(m.Details) > 0 {
			return nil, fmt.Errorf("lines of a batch that class %q has no place for", Class(m.MTI))
		}
		return m, nil
	}
	if m.ReservedPrivate60 != "" {
		return nil, errors.New(`private data that class "file action" has no place for`)
	}
	if len(m.Details) == 0 && m.BatchNumber == "" {
		return m, nil
	}
	w := *m
	var err error
	if w.ReservedPrivate60, err = m.batchText(); err != nil {
		return nil, err
	}
	w.BatchNumber, w.Details = "", nil
	switch {
	case len(m.Details) == 0:
		return &w, nil
	case len(m.Details) > 1:
		return nil, fmt.Errorf("%d lines: want one to a message", len(m.Details))
	case !m.PrimaryAccountNumber.IsZero() || m.HasAmount || m.ProcessingCode != "" || m.POSConditionCode != "":
		return nil, errors.New("a line beside a card number, an amount, a processing or a condition code: want the line's alone")
	}
	line := &m.Details[0]
	f, ok := d.Form(line.Kind)
	switch {
	case !ok || f.ProcessingCode == "":
		return nil, fmt.Errorf("a line of a kind (%v) that is in no batch", line.Kind)
	case len(line.STAN) != 6 || !isDigits(line.STAN):
		return nil, errors.New("the line's STAN: want 6 digits")
	}
	w.PrimaryAccountNumber, w.ProcessingCode, w.POSConditionCode = line.PAN, f.ProcessingCode, f.POSConditionCode
	w.SetAmount(line.Amount)
	w.ReservedPrivate60 += f.MTI + line.STAN + line.sign()
	return &w, nil
}

// gatherLine undoes spreadLine.
func (d *Dialect) gatherLine(m *Message) error {
	if Class(m.MTI) != ClassFileAction || m.ReservedPrivate60 == "" {
		return nil
	}
	s := m.ReservedPrivate60
	if len(s) != batchDigits && len(s) != privateLineLength {
		return fmt.Errorf("%d characters: want a batch number of %d digits, and of a line its MTI 4, STAN 6 and D or C", len(s), batchDigits)
	}
	if err := m.setBatch(s[:batchDigits]); err != nil {
		return err
	}
	m.ReservedPrivate60 = ""
	if len(s) == batchDigits {
		if m.BatchNumber == "" {
			return errors.New("hyphens alone: want a batch number")
		}
		return nil
	}
	mti, stan, sign := s[6:10], s[10:16], s[16]
	line := Detail{STAN: stan, PAN: m.PrimaryAccountNumber, Amount: m.AmountTransaction, Debit: sign&^0x20 == 'D', Foreign: sign&0x20 != 0}
	for i := range d.forms {
		f := &d.forms[i]
		if f.MTI == mti && f.ProcessingCode != "" && f.ProcessingCode == m.ProcessingCode && f.POSConditionCode == m.POSConditionCode {
			line.Kind = f.Kind
			break
		}
	}
	switch {
	case line.Kind == KindNone:
		return errors.New("a line whose MTI, processing code (DE 3) and condition code (DE 25) are no kind together")
	case !isDigits(stan):
		return errors.New("the line's STAN: want 6 digits")
	case line.sign() != s[16:]:
		return errors.New("the line's last character: want D or C, or d or c of a foreign card")
	case !m.HasAmount:
		return errors.New("a line without an amount (DE 4)")
	}
	m.Details = []Detail{line}
	m.PrimaryAccountNumber, m.ProcessingCode, m.POSConditionCode = pan.PAN{}, "", ""
	m.AmountTransaction, m.HasAmount = 0, false
	return nil
}

// sign is D or C, of a foreign card d or c.
func (l *Detail) sign() string {
	switch {
	case l.Debit && l.Foreign:
		return "d"
	case l.Debit:
		return "D"
	case l.Foreign:
		return "c"
	}
	return "C"
}
