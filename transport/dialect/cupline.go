package dialect

import (
	"errors"
	"fmt"

	"github.com/posim/posim/internal/pan"
)

// spreadCUPLine gives an upload of a credit as the wire has it: in data elements of its own, DE 2, 3, 4, 11, 25 and 60.1. It is m
// itself where there is nothing to do.
func spreadCUPLine(d *Dialect, m *Message) (*Message, error) {
	if Class(m.MTI) != ClassFileAction || len(m.Details) == 0 || m.Details[0].Debit {
		return m, nil
	}
	line := &m.Details[0]
	f, ok := d.Form(line.Kind)
	switch {
	case len(m.Details) > 1:
		return nil, fmt.Errorf("%d lines, the first of them a credit: want it alone", len(m.Details))
	case !ok || f.ProcessingCode == "":
		return nil, fmt.Errorf("a credit of a kind (%v) that is in no batch", line.Kind)
	case !m.PrimaryAccountNumber.IsZero() || m.HasAmount || m.ProcessingCode != "" || m.POSConditionCode != "":
		return nil, errors.New("a line beside a card number, an amount, a processing or a condition code: want the line's alone")
	case m.SystemsTraceAuditNumber != line.STAN:
		return nil, errors.New("a credit whose STAN is not the message's")
	case line.Foreign:
		return nil, errors.New("a credit that is foreign: cup has no place to say so")
	}
	w := *m
	w.Details = nil
	w.PrimaryAccountNumber, w.ProcessingCode, w.POSConditionCode, w.MessageTypeCode = line.PAN, f.ProcessingCode, f.POSConditionCode, f.MessageTypeCode
	w.SetAmount(line.Amount)
	return &w, nil
}

// gatherCUPLine undoes spreadCUPLine. An upload whose numbers are no credit's stays as it is: a chip transaction comes with all its
// data elements.
func gatherCUPLine(d *Dialect, m *Message) {
	if Class(m.MTI) != ClassFileAction || m.NetworkManagementCode != UploadLines || !m.HasAmount || len(m.Details) > 0 || m.AdditionalData != "" {
		return
	}
	kind := d.numbered(m)
	switch kind {
	case KindRefund, KindVoid, KindCompletionVoid:
	default:
		return
	}
	m.Details = []Detail{{Kind: kind, STAN: m.SystemsTraceAuditNumber, PAN: m.PrimaryAccountNumber, Amount: m.AmountTransaction}}
	m.PrimaryAccountNumber, m.ProcessingCode, m.POSConditionCode, m.MessageTypeCode = pan.PAN{}, "", "", "00"
	m.AmountTransaction, m.HasAmount = 0, false
}

// numbered is the kind of a transaction's DE 3, DE 25 and 60.1, all three; KindNone if they are none's.
func (d *Dialect) numbered(m *Message) Kind {
	for i := range d.forms {
		f := &d.forms[i]
		if f.ProcessingCode != "" && f.ProcessingCode == m.ProcessingCode && f.POSConditionCode == m.POSConditionCode && f.MessageTypeCode == m.MessageTypeCode {
			return f.Kind
		}
	}
	return KindNone
}
