package dialect

import "slices"

// ISO87 returns the dialect iso87: ISO 8583:1987 in BCD with a primary bitmap (the package comment has its coding). It is
// made once and shared: a Dialect never changes.
func ISO87() *Dialect { return iso87 }

var iso87 = newDialect(iso87Book(ReasonIn60))

func iso87Book(r ReasonRule) book {
	elements := slices.Clone(iso87Elements)
	for i := range elements {
		switch e := &elements[i]; {
		case e.de == 60:
			e.get, e.set = r.getPrivate60, r.setPrivate60
		case e.de == 39 && r == ReasonIn39:
			*e = r.inResponseCode(*e)
		}
	}
	return book{
		name: "iso87", mtis: iso87MTIs, elements: elements, kinds: iso87Forms, lines: 1, line: (*Dialect).spreadLine,
		spread: spreadISO87, gather: gatherISO87, keys: iso87Keys,
		required: func(mti string) bool { return Class(mti) != ClassNetworkManagement },
	}
}

// iso87MTIs are the messages it knows, in the order of the standard.
var iso87MTIs = []string{
	"0100", "0101", "0110", "0120", "0121", "0130",
	"0200", "0201", "0210", "0220", "0221", "0230",
	"0320", "0321", "0330",
	"0400", "0401", "0410", "0420", "0421", "0430",
	"0500", "0501", "0510",
	"0620", "0621", "0630",
	"0800", "0810",
}

// iso87Elements are its data elements. Names are the standard's (ISO 8583:1987, 4.3.9), but for those that EMV and private
// use gave a meaning to.
var iso87Elements = []element{
	{de: 2, name: "primary account number", coding: codeN, length: 19, prefix: 1},
	{de: 3, name: "processing code", coding: codeN, length: 6, text: func(m *Message) *string { return &m.ProcessingCode }},
	{de: 4, name: "amount, transaction", coding: codeN, length: 12},
	{de: 11, name: "systems trace audit number", coding: codeN, length: 6, text: func(m *Message) *string { return &m.SystemsTraceAuditNumber }},
	{de: 12, name: "time, local transaction", coding: codeN, length: 6, text: func(m *Message) *string { return &m.TimeLocalTransaction }},
	{de: 13, name: "date, local transaction", coding: codeN, length: 4, text: func(m *Message) *string { return &m.DateLocalTransaction }},
	{de: 14, name: "date, expiration", coding: codeN, length: 4, text: func(m *Message) *string { return &m.DateExpiration }},
	{de: 15, name: "date, settlement", coding: codeN, length: 4, text: func(m *Message) *string { return &m.DateSettlement }},
	{de: 22, name: "point of service entry mode", coding: codeN, length: 4, text: func(m *Message) *string { return &m.POSEntryMode }},
	{de: 23, name: "card sequence number", coding: codeN, length: 4, text: func(m *Message) *string { return &m.CardSequenceNumber }},
	{de: 25, name: "point of service condition code", coding: codeN, length: 2, text: func(m *Message) *string { return &m.POSConditionCode }},
	{de: 32, name: "acquiring institution identification code", coding: codeN, length: 11, prefix: 1, text: func(m *Message) *string { return &m.AcquiringInstitution }},
	{de: 35, name: "track 2 data", coding: codeZ, length: 37, prefix: 1, secret: true, text: func(m *Message) *string { return &m.Track2Data }},
	{de: 37, name: "retrieval reference number", coding: codeAN, length: 12, filled: true, text: func(m *Message) *string { return &m.RetrievalReferenceNumber }},
	{de: 38, name: "authorization identification response", coding: codeAN, length: 6, text: func(m *Message) *string { return &m.AuthorizationIDResponse }},
	{de: 39, name: "response code", coding: codeAN, length: 2, get: getResponseCode, set: setResponseCode},
	{de: 41, name: "card acceptor terminal identification", coding: codeANS, length: 8, filled: true, text: func(m *Message) *string { return &m.CardAcceptorTerminalIdentification }},
	{de: 42, name: "card acceptor identification code", coding: codeANS, length: 15, filled: true, text: func(m *Message) *string { return &m.CardAcceptorIdentificationCode }},
	{de: 44, name: "additional response data", coding: codeANS, length: 25, prefix: 1, text: func(m *Message) *string { return &m.AdditionalResponse }},
	{de: 49, name: "currency code, transaction", coding: codeN, length: 4, text: func(m *Message) *string { return &m.CurrencyCodeTransaction }},
	{de: 52, name: "personal identification number data", coding: codeB, length: 8, secret: true, data: func(m *Message) *[]byte { return &m.PINData }},
	{de: 54, name: "additional amounts", coding: codeANS, length: 120, prefix: 2, get: getAdditionalAmounts, set: setAdditionalAmounts},
	{de: 55, name: "ICC system related data", coding: codeB, length: 255, prefix: 2, data: func(m *Message) *[]byte { return &m.ICCSystemRelatedData }},
	{de: 59, name: "reserved national 59", coding: codeANS, length: 120, prefix: 2, secret: true, text: codeOrVoucher},
	{de: 60, name: "reserved private 60", coding: codeANS, length: 99, prefix: 2, get: ReasonIn60.getPrivate60, set: ReasonIn60.setPrivate60, note: noteOf60},
	{de: 62, name: "reserved private 62", coding: codeB, length: 999, prefix: 2, secret: true, data: func(m *Message) *[]byte { return &m.ReservedPrivate62 }},
	{de: 63, name: "reserved private 63", coding: codeANS, length: 99, prefix: 2, get: getPrivate63, set: setPrivate63, note: noteOf63},
	{de: 64, name: "message authentication code", coding: codeB, length: 8, data: func(m *Message) *[]byte { return &m.MAC }},
}

// codeOrVoucher is where DE 59 lives: a request has the code that was scanned, an answer the voucher's number.
func codeOrVoucher(m *Message) *string {
	if IsAnswer(m.MTI) {
		return &m.VoucherNumber
	}
	return &m.CodeScanned
}

// spreadISO87 gives a message as the wire has it.
func spreadISO87(d *Dialect, m *Message) (*Message, error) {
	m, err := m.spread()
	if err != nil {
		return nil, err
	}
	if m, err = d.spreadLine(m); err != nil {
		return nil, &FieldError{DE: 60, Err: err}
	}
	return m, nil
}

// gatherISO87 undoes spreadISO87.
func gatherISO87(d *Dialect, m *Message) error {
	if err := m.gather(); err != nil {
		return &FieldError{DE: 62, Err: err}
	}
	if err := d.gatherLine(m); err != nil {
		return &FieldError{DE: 60, Err: err}
	}
	return nil
}

// noteOf60 says what DE 60 is in m.
func noteOf60(m *Message) string {
	switch class := Class(m.MTI); {
	case class == ClassNetworkManagement:
		return ", network management code"
	case class == ClassReversal:
		return ", reversal reason"
	case class == ClassReconciliation, class == ClassFileAction:
		return ", batch number"
	case m.Original != (Original{}):
		return ", original"
	}
	return ""
}

// noteOf63 says what DE 63 is in m.
func noteOf63(m *Message) string {
	switch {
	case m.BatchNumber != "" && Class(m.MTI) != ClassReconciliation:
		return ", batch number"
	case m.Totals != nil:
		return ", totals"
	}
	return ""
}

// iso87Forms are its kinds. The first two digits of DE 3 are the standard's transaction types: 00 goods and services, 02 and
// 22 adjustments, 09 goods with cash back, 20 returns, 31 balance inquiry; 7x and 9x are of private use: QR codes, and what is no transaction
// (920000 and 960000 are those of NII hosts' settlement).
var iso87Forms = []Form{
	{Kind: KindSale, MTI: "0200", ProcessingCode: "000000", POSConditionCode: "00"},
	{Kind: KindCashBack, MTI: "0200", ProcessingCode: "090000", POSConditionCode: "00"},
	{Kind: KindMOTOSale, MTI: "0200", ProcessingCode: "000000", POSConditionCode: "08"},
	{Kind: KindInstalment, MTI: "0200", ProcessingCode: "000000", POSConditionCode: "64"},
	{Kind: KindVoid, MTI: "0200", ProcessingCode: "020000", POSConditionCode: "00"},
	{Kind: KindRefund, MTI: "0220", ProcessingCode: "200000", POSConditionCode: "00"},
	{Kind: KindPreAuth, MTI: "0100", ProcessingCode: "000000", POSConditionCode: "06"},
	{Kind: KindMOTOPreAuth, MTI: "0100", ProcessingCode: "000000", POSConditionCode: "18"},
	{Kind: KindPreAuthVoid, MTI: "0100", ProcessingCode: "020000", POSConditionCode: "06"},
	{Kind: KindCompletion, MTI: "0200", ProcessingCode: "000000", POSConditionCode: "06"},
	{Kind: KindCompletionAdvice, MTI: "0220", ProcessingCode: "000000", POSConditionCode: "06"},
	{Kind: KindCompletionVoid, MTI: "0200", ProcessingCode: "020000", POSConditionCode: "06"},
	{Kind: KindBalance, MTI: "0100", ProcessingCode: "310000", POSConditionCode: "00"},
	{Kind: KindOfflineSale, MTI: "0220", ProcessingCode: "000000", POSConditionCode: "00"},
	{Kind: KindForcedSale, MTI: "0220", ProcessingCode: "000000", POSConditionCode: "05"},
	{Kind: KindAdjustment, MTI: "0220", ProcessingCode: "220000", POSConditionCode: "00"},
	{Kind: KindTipAdjust, MTI: "0220", ProcessingCode: "020000", POSConditionCode: "00"},
	{Kind: KindQRSale, MTI: "0200", ProcessingCode: "700000", POSConditionCode: "00"},
	{Kind: KindQRQuery, MTI: "0200", ProcessingCode: "730000", POSConditionCode: "00"},
	{Kind: KindQRCancel, MTI: "0220", ProcessingCode: "720000", POSConditionCode: "00"},
	{Kind: KindScriptResult, MTI: "0620", ProcessingCode: "930000"},
	{Kind: KindSignature, MTI: "0620", ProcessingCode: "940000"},
	{Kind: KindUpload, MTI: "0320"},
	{Kind: KindSettlement, MTI: "0500", ProcessingCode: "920000"},
	{Kind: KindUploadEnd, MTI: "0500", ProcessingCode: "960000"},
	{Kind: KindSignOn, MTI: "0800", NetworkManagementCode: NetworkSignOn},
	{Kind: KindSignOff, MTI: "0800", NetworkManagementCode: NetworkSignOff},
	{Kind: KindEcho, MTI: "0800", NetworkManagementCode: NetworkEcho},
	{Kind: KindParameters, MTI: "0800", NetworkManagementCode: "360"},
	{Kind: KindParametersEnd, MTI: "0800", NetworkManagementCode: "361"},
	{Kind: KindStatus, MTI: "0800", NetworkManagementCode: "362"},
	{Kind: KindCAKey, MTI: "0800", NetworkManagementCode: "370"},
	{Kind: KindCAKeysEnd, MTI: "0800", NetworkManagementCode: "371"},
	{Kind: KindCAKeyList, MTI: "0800", NetworkManagementCode: "372"},
	{Kind: KindAID, MTI: "0800", NetworkManagementCode: "380"},
	{Kind: KindAIDsEnd, MTI: "0800", NetworkManagementCode: "381"},
	{Kind: KindAIDList, MTI: "0800", NetworkManagementCode: "382"},
}
