// Package nii is an example: a dialect in one file, made with nothing but what package dialect exports.
//
// It is what terminals outside China often speak to a host that is found by a network international identifier (NII, DE 24): ISO
// 8583:1987 with one bitmap, invoice numbers in DE 62, batch number and totals of a settlement in DE 60 and DE 63, and processing
// codes 920000 and 960000 for its two halves. Documents of such hosts differ; this one is nobody's in particular.
//
// To use it, hand the Dialect to a terminal's and a host's configuration in place of dialect.ISO87().
package nii

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/posim/posim/transport/dialect"
)

// New makes the dialect for the host of this NII, three digits.
func New(nii string) (*dialect.Dialect, error) {
	if len(nii) != 3 || strings.Trim(nii, "0123456789") != "" {
		return nil, fmt.Errorf("nii: %q: want three digits", nii)
	}
	return dialect.New(dialect.Spec{
		Name: "nii",
		MTIs: []string{"0100", "0110", "0200", "0210", "0220", "0230", "0320", "0330", "0400", "0410", "0500", "0510", "0800", "0810"},
		Elements: append(dialect.StandardElements(2, 3, 4, 11, 12, 13, 14, 22, 23, 25, 35, 37, 38, 39, 41, 42, 49, 52, 55),
			dialect.Element{DE: 24, Name: "network international identifier", Coding: dialect.CodeN, Length: 3, Always: true,
				Get: func(*dialect.Message) (string, error) { return nii, nil }, Set: isNII(nii)},
			dialect.Element{DE: 54, Name: "additional amount", Coding: dialect.CodeANS, Length: 12, Get: tip, Set: setTip},
			dialect.Element{DE: 60, Name: "reserved private 60", Coding: dialect.CodeANS, Length: 22, Prefix: dialect.LLLVAR, Get: private60, Set: setPrivate60},
			dialect.Element{DE: 62, Name: "reserved private 62", Coding: dialect.CodeAny, Length: 99, Prefix: dialect.LLLVAR, Secret: true, Get: private62, Set: setPrivate62},
			dialect.Element{DE: 63, Name: "reserved private 63", Coding: dialect.CodeANS, Length: 90, Prefix: dialect.LLLVAR, Get: totals, Set: setTotals},
		),
		Forms: []dialect.Form{
			{Kind: dialect.KindSale, MTI: "0200", ProcessingCode: "000000", POSConditionCode: "00"},
			{Kind: dialect.KindMOTOSale, MTI: "0200", ProcessingCode: "000000", POSConditionCode: "08"},
			{Kind: dialect.KindVoid, MTI: "0200", ProcessingCode: "020000", POSConditionCode: "00"},
			{Kind: dialect.KindRefund, MTI: "0220", ProcessingCode: "200000", POSConditionCode: "00"},
			{Kind: dialect.KindOfflineSale, MTI: "0220", ProcessingCode: "000000", POSConditionCode: "00"},
			{Kind: dialect.KindTipAdjust, MTI: "0220", ProcessingCode: "020000", POSConditionCode: "00"},
			{Kind: dialect.KindPreAuth, MTI: "0100", ProcessingCode: "300000", POSConditionCode: "06"},
			{Kind: dialect.KindBalance, MTI: "0100", ProcessingCode: "310000", POSConditionCode: "00"},
			{Kind: dialect.KindSettlement, MTI: "0500", ProcessingCode: "920000"},
			{Kind: dialect.KindUploadEnd, MTI: "0500", ProcessingCode: "960000"},
			{Kind: dialect.KindSignOn, MTI: "0800", ProcessingCode: "920000", NetworkManagementCode: dialect.NetworkSignOn},
			{Kind: dialect.KindEcho, MTI: "0800", ProcessingCode: "990000", NetworkManagementCode: dialect.NetworkEcho},
		},
		MACRequired: func(mti string) bool { return dialect.Class(mti) != dialect.ClassNetworkManagement },
		Check:       check,
		Done:        done,
	})
}

// check refuses what would be dropped silently and is needed to know a transaction by.
func check(m *dialect.Message) error {
	switch {
	case len(m.KeySerialNumber) > 0 || len(m.PINData) > 8:
		return &dialect.FieldError{DE: 62, Err: errors.New("a key of its own, or a PIN block of 16 bytes: there is no place for them")}
	case m.BatchNumber != "" && !isSettlement(m):
		return &dialect.FieldError{DE: 60, Err: errors.New("a batch number outside a settlement: transactions are known by date and time")}
	}
	return nil
}

// done: a settlement's result is its response code.
func done(m *dialect.Message) error {
	if isSettlement(m) && dialect.IsAnswer(m.MTI) {
		m.SettlementResult = map[string]dialect.SettlementResult{"00": dialect.SettlementEqual, "95": dialect.SettlementNotEqual}[m.ResponseCode]
	}
	return nil
}

func isSettlement(m *dialect.Message) bool {
	return dialect.Class(m.MTI) == dialect.ClassReconciliation
}

func isManagement(m *dialect.Message) bool {
	return dialect.Class(m.MTI) == dialect.ClassNetworkManagement
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func isNII(nii string) func(*dialect.Message, string) error {
	return func(_ *dialect.Message, s string) error {
		if s != nii {
			return errors.New("the message is for another host")
		}
		return nil
	}
}

// tip is DE 54: twelve digits.
func tip(m *dialect.Message) (string, error) {
	switch {
	case m.TipAmount == 0:
		return "", nil
	case m.TipAmount < 0 || m.TipAmount > 999_999_999_999:
		return "", fmt.Errorf("tip of %d: want twelve digits", m.TipAmount)
	}
	return fmt.Sprintf("%012d", m.TipAmount), nil
}

func setTip(m *dialect.Message, s string) (err error) {
	if !digits(s) || s == "000000000000" {
		return errors.New("want twelve digits, not all 0")
	}
	m.TipAmount, err = strconv.ParseInt(s, 10, 64)
	return err
}

// private60 is the batch number of a settlement, the code of network management, or nothing.
func private60(m *dialect.Message) (string, error) {
	switch {
	case isSettlement(m):
		return m.BatchNumber, nil
	case isManagement(m):
		return m.NetworkManagementCode, nil
	}
	return "", nil
}

func setPrivate60(m *dialect.Message, s string) error {
	switch {
	case isSettlement(m) && len(s) == 6 && digits(s):
		m.BatchNumber = s
	case isManagement(m) && len(s) == 3:
		m.NetworkManagementCode = s
	default:
		return errors.New("want six digits in a settlement, three in network management, none elsewhere")
	}
	return nil
}

// private62 is the session keys of a sign-on, or the invoice number: that of the original where a message names one. Our terminals
// write invoices with the numbers that they send.
func private62(m *dialect.Message) (string, error) {
	switch {
	case isManagement(m):
		return string(m.ReservedPrivate62), nil
	case isSettlement(m):
		return "", nil
	case m.Original.STAN != "":
		return m.Original.STAN, nil
	}
	return "", nil
}

func setPrivate62(m *dialect.Message, s string) error {
	switch {
	case isManagement(m):
		m.ReservedPrivate62 = []byte(s)
	case isSettlement(m) || len(s) != 6 || !digits(s):
		return errors.New("want an invoice number of six digits, and none in a settlement")
	default:
		m.Original.STAN = s
	}
	return nil
}

// totals are 90 digits: sales, refunds, and four zero totals for cards that are debited at once and for authorisations; each a
// count of three digits and a sum of twelve.
func totals(m *dialect.Message) (string, error) {
	if m.Totals == nil || !isSettlement(m) {
		return "", nil
	}
	var s strings.Builder
	for _, t := range []dialect.Total{m.Totals.Debits, m.Totals.Credits, {}, {}, {}, {}} {
		if t.Count < 0 || t.Count > 999 || t.Amount < 0 || t.Amount > 999_999_999_999 {
			return "", fmt.Errorf("%d transactions of %d: want up to 999, and twelve digits", t.Count, t.Amount)
		}
		fmt.Fprintf(&s, "%03d%012d", t.Count, t.Amount)
	}
	return s.String(), nil
}

func setTotals(m *dialect.Message, s string) error {
	if !isSettlement(m) || len(s) != 90 || !digits(s) || strings.Trim(s[30:], "0") != "" {
		return errors.New("want 90 digits in a settlement, the last 60 of them 0")
	}
	m.Totals = &dialect.Totals{}
	for i, t := range []*dialect.Total{&m.Totals.Debits, &m.Totals.Credits} {
		part := s[15*i:]
		t.Count, _ = strconv.Atoi(part[:3])
		t.Amount, _ = strconv.ParseInt(part[3:15], 10, 64) // digits, as above
	}
	return nil
}
