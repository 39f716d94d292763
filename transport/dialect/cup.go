package dialect

import (
	"errors"
	"fmt"
	"slices"
)

// CUP returns the dialect cup: what terminals speak that are connected to China UnionPay's acquirers directly (the package comment
// has its coding). Documents of it differ; Switches says which one this is, and its zero value is a usual one. It panics on switches
// that are none: ParseSwitches makes them from text.
func CUP(s Switches) *Dialect {
	s = s.normal()
	if err := s.check(); err != nil {
		panic("bug: " + err.Error())
	}
	return newDialect(book{
		name: "cup", mtis: cupMTIs, elements: cupElements(s), kinds: cupForms(s), lines: maxLines, line: spreadCUPLine, switches: s, batches: true,
		header: cupHeaderLength, readHeader: readCUPHeader, writeHeader: writeCUPHeader,
		spread: cupSpread, gather: cupGather, shape: cupShape, keys: cupKeys[s.KeyLayout],
		required: cupMACRequired, bare: cupMayBeBare, signed: cupSigned,
	})
}

// cupMTIs are the messages it knows. There are no repeats: a request is sent again as it was.
var cupMTIs = []string{
	"0100", "0110", "0200", "0210", "0220", "0230", "0320", "0330", "0400", "0410", "0500", "0510", "0620", "0630", "0800", "0810", "0820", "0830",
}

// cupElements are its data elements.
func cupElements(s Switches) []element {
	e := []element{
		{de: 2, name: "primary account number", coding: codeLeft, length: 19, prefix: 1},
		{de: 3, name: "processing code", coding: codeN, length: 6, text: func(m *Message) *string { return &m.ProcessingCode }},
		{de: 4, name: "amount, transaction", coding: codeN, length: 12},
		{de: 11, name: "systems trace audit number", coding: codeN, length: 6, text: func(m *Message) *string { return &m.SystemsTraceAuditNumber }},
		{de: 12, name: "time, local transaction", coding: codeN, length: 6, text: func(m *Message) *string { return &m.TimeLocalTransaction }},
		{de: 13, name: "date, local transaction", coding: codeN, length: 4, text: func(m *Message) *string { return &m.DateLocalTransaction }},
		{de: 14, name: "date, expiration", coding: codeN, length: 4, text: func(m *Message) *string { return &m.DateExpiration }},
		{de: 15, name: "date, settlement", coding: codeN, length: 4, text: func(m *Message) *string { return &m.DateSettlement }},
		{de: 22, name: "point of service entry mode", coding: codeLeft, length: 3, zero: true, text: func(m *Message) *string { return &m.POSEntryMode }},
		{de: 23, name: "card sequence number", coding: codeN, length: 3, zero: true, text: func(m *Message) *string { return &m.CardSequenceNumber }},
		{de: 25, name: "point of service condition code", coding: codeN, length: 2, text: func(m *Message) *string { return &m.POSConditionCode }},
		{de: 26, name: "point of service PIN capture code", coding: codeN, length: 2, text: func(m *Message) *string { return &m.PINCaptureCode }},
		{de: 32, name: "acquiring institution identification code", coding: codeLeft, length: 11, prefix: 1, text: func(m *Message) *string { return &m.AcquiringInstitution }},
		{de: 35, name: "track 2 data", coding: codeZ, length: 37, prefix: 1, secret: true, text: func(m *Message) *string { return &m.Track2Data }},
		{de: 36, name: "track 3 data", coding: codeZ, length: 104, prefix: 2, secret: true, text: func(m *Message) *string { return &m.Track3Data }},
		{de: 37, name: "retrieval reference number", coding: codeAN, length: 12, filled: true, text: func(m *Message) *string { return &m.RetrievalReferenceNumber }},
		{de: 38, name: "authorization identification response", coding: codeAN, length: 6, filled: true, text: func(m *Message) *string { return &m.AuthorizationIDResponse }},
		{de: 39, name: "response code", coding: codeAN, length: 2, text: cupResponseCode, note: cupNoteOf39},
		{de: 41, name: "card acceptor terminal identification", coding: codeANS, length: 8, filled: true, text: func(m *Message) *string { return &m.CardAcceptorTerminalIdentification }},
		{de: 42, name: "card acceptor identification code", coding: codeANS, length: 15, filled: true, text: func(m *Message) *string { return &m.CardAcceptorIdentificationCode }},
		{de: 44, name: "additional response data", coding: codeWide, length: 25, prefix: 1, text: func(m *Message) *string { return &m.AdditionalResponse }},
		{de: 47, name: "additional data, national", coding: codeAny, length: 999, prefix: 2, secret: true, text: func(m *Message) *string { return &m.PrivateData47 }},
		{de: 48, name: "additional data, private", coding: codeLeft, length: 322, prefix: 2, get: cupAdditional, set: setCUPAdditional, note: cupNoteOf48, shown: showCUPAdditional},
		{de: 49, name: "currency code, transaction", coding: codeAN, length: 3, zero: true, text: func(m *Message) *string { return &m.CurrencyCodeTransaction }},
		{de: 52, name: "personal identification number data", coding: codeB, length: 8, secret: true, data: func(m *Message) *[]byte { return &m.PINData }},
		{de: 53, name: "security related control information", coding: codeN, length: 16, text: func(m *Message) *string { return &m.SecurityControl }},
		{de: 54, name: "additional amounts", coding: codeANS, length: 40, prefix: 2, text: func(m *Message) *string { return &m.AdditionalAmounts }},
		{de: 55, name: "ICC system related data", coding: codeB, length: 255, prefix: 2, data: func(m *Message) *[]byte { return &m.ICCSystemRelatedData }},
		{de: 57, name: "reserved national 57", coding: codeAny, length: 999, prefix: 2, secret: true, text: func(m *Message) *string { return &m.PrivateData57 }},
		{de: 59, name: "reserved national 59", coding: codeWide, length: 999, prefix: 2, get: cupCode, set: setCUPCode, shown: showCUPCode},
		{de: 60, name: "reserved private 60", coding: codeLeft, length: 17, prefix: 2, get: cupType, set: setCUPType},
		{de: 61, name: "original message", coding: codeLeft, length: 29, prefix: 2, get: cupOriginal, set: setCUPOriginal},
		{de: 62, name: "reserved private 62", coding: codeB, length: 999, prefix: 2, secret: true, data: func(m *Message) *[]byte { return &m.ReservedPrivate62 }},
		{de: 63, name: "reserved private 63", coding: codeWide, length: 163, prefix: 2, get: cupScheme, set: setCUPScheme},
		{de: 64, name: "message authentication code", coding: codeB, length: 8, data: func(m *Message) *[]byte { return &m.MAC }},
	}
	for i := range e {
		switch e[i].de {
		case 35, 36:
			e[i].enciphered = true
			if !s.ZeroTrackFiller {
				e[i].filler = 0xF
			}
		case 59:
			if s.NumericCode {
				e[i].coding = codeHex
			}
		}
	}
	return e
}

// cupResponseCode is where DE 39 lives: in the request of a reversal it is the reason.
func cupResponseCode(m *Message) *string {
	if m.reverses() {
		return &m.ReversalReason
	}
	return &m.ResponseCode
}

// reverses tells whether m is the request of a reversal.
func (m *Message) reverses() bool { return Class(m.MTI) == ClassReversal && !IsAnswer(m.MTI) }

func cupNoteOf39(m *Message) string {
	if m.reverses() {
		return ", reversal reason"
	}
	return ""
}

// cupSpread gives a message as the wire has it. It refuses what stands where it has no place, and what changes a message's meaning
// when it is left out; other fields that cup has no data element for are not written.
func cupSpread(d *Dialect, m *Message) (*Message, error) {
	refuse := func(de int, what string) (*Message, error) { return nil, &FieldError{DE: de, Err: errors.New(what)} }
	switch {
	case m.ReversalReason != "" && !m.reverses():
		return refuse(39, fmt.Sprintf("a reversal reason on %s: want it on 0400", m.MTI))
	case m.ResponseCode != "" && m.reverses():
		return refuse(39, "a response code on 0400: want a reversal reason")
	case len(m.KeySerialNumber) > 0:
		return refuse(62, "a key serial number: cup has no place for one")
	case m.CashBackAmount != 0:
		return refuse(54, "a part that is cash: cup has no place for one")
	case m.ReplacementAmount != 0:
		return refuse(95, "a replacement amount: cup has no place for one")
	}
	m, err := spreadCUPLine(d, m)
	if err != nil {
		return nil, &FieldError{DE: 48, Err: err}
	}
	return m, m.checkAdditional()
}

// cupGather undoes cupSpread, and makes of DE 48 what it means.
func cupGather(d *Dialect, m *Message) error {
	err := m.gatherAdditional()
	if err == nil {
		gatherCUPLine(d, m)
		return nil
	}
	return &FieldError{DE: 48, Err: err}
}

// cupMACRequired: transactions, reversals and script results, and all their answers. Management and settlement have none.
func cupMACRequired(mti string) bool {
	switch Class(mti) {
	case ClassAuthorization, ClassFinancial, ClassReversal, ClassAdministrative:
		return true
	}
	return false
}

// cupSigned: a signature is authenticated, too, though its MTI is that of management.
func cupSigned(d *Dialect, m *Message) bool {
	switch Class(m.MTI) {
	case ClassNetworkManagement:
		return m.Kind == KindSignature || d.switches.ManagementMAC && m.Kind != KindSignOn && m.Kind != KindNone
	}
	return false
}

// cupMayBeBare: an answer that refuses may come without MAC, because a host that does not know the terminal's key has none to
// make it with. One that lets a transaction happen or a reversal end may not.
func cupMayBeBare(_ *Dialect, m *Message) bool {
	if !IsAnswer(m.MTI) || m.ResponseCode == "" || Approves(m.ResponseCode) {
		return false
	}
	return Class(m.MTI) != ClassReversal || !slices.Contains([]string{"12", "25"}, m.ResponseCode)
}
