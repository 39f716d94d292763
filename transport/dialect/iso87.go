package dialect

// ISO87 returns the dialect iso87: ISO 8583:1987 in BCD with a primary bitmap (the package comment has its coding). It is
// made once and shared: a Dialect never changes.
func ISO87() *Dialect { return iso87 }

var iso87 = newDialect("iso87", iso87MTIs, iso87Elements, iso87Forms)

// iso87MTIs are the messages it knows, in the order of the standard.
var iso87MTIs = []string{
	"0100", "0110",
	"0200", "0201", "0210", "0220", "0221", "0230",
	"0400", "0401", "0410", "0420", "0421", "0430",
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
	{de: 22, name: "point of service entry mode", coding: codeN, length: 4, text: func(m *Message) *string { return &m.POSEntryMode }},
	{de: 23, name: "card sequence number", coding: codeN, length: 4, text: func(m *Message) *string { return &m.CardSequenceNumber }},
	{de: 25, name: "point of service condition code", coding: codeN, length: 2, text: func(m *Message) *string { return &m.POSConditionCode }},
	{de: 35, name: "track 2 data", coding: codeZ, length: 37, prefix: 1, secret: true, text: func(m *Message) *string { return &m.Track2Data }},
	{de: 37, name: "retrieval reference number", coding: codeAN, length: 12, filled: true, text: func(m *Message) *string { return &m.RetrievalReferenceNumber }},
	{de: 38, name: "authorization identification response", coding: codeAN, length: 6, text: func(m *Message) *string { return &m.AuthorizationIDResponse }},
	{de: 39, name: "response code", coding: codeAN, length: 2, text: func(m *Message) *string { return &m.ResponseCode }},
	{de: 41, name: "card acceptor terminal identification", coding: codeANS, length: 8, filled: true, text: func(m *Message) *string { return &m.CardAcceptorTerminalIdentification }},
	{de: 42, name: "card acceptor identification code", coding: codeANS, length: 15, filled: true, text: func(m *Message) *string { return &m.CardAcceptorIdentificationCode }},
	{de: 49, name: "currency code, transaction", coding: codeN, length: 4, text: func(m *Message) *string { return &m.CurrencyCodeTransaction }},
	{de: 52, name: "personal identification number data", coding: codeB, length: 8, secret: true, data: func(m *Message) *[]byte { return &m.PINData }},
	{de: 54, name: "additional amounts", coding: codeANS, length: 120, prefix: 2, text: func(m *Message) *string { return &m.AdditionalAmounts }},
	{de: 55, name: "ICC system related data", coding: codeB, length: 255, prefix: 2, data: func(m *Message) *[]byte { return &m.ICCSystemRelatedData }},
	{de: 60, name: "reserved private 60", coding: codeANS, length: 99, prefix: 2, text: reservedPrivate60},
	{de: 62, name: "reserved private 62", coding: codeB, length: 255, prefix: 2, secret: true, data: func(m *Message) *[]byte { return &m.ReservedPrivate62 }},
	{de: 63, name: "reserved private 63", coding: codeANS, length: 99, prefix: 2, text: func(m *Message) *string { return &m.ReservedPrivate63 }},
	{de: 64, name: "message authentication code", coding: codeB, length: 8, data: func(m *Message) *[]byte { return &m.MAC }},
}

// reservedPrivate60 is where DE 60 lives: the class of the MTI says what it means.
func reservedPrivate60(m *Message) *string {
	switch Class(m.MTI) {
	case ClassNetworkManagement:
		return &m.NetworkManagementCode
	case ClassReversal:
		return &m.ReversalReason
	}
	return &m.ReservedPrivate60
}

// iso87Forms are its kinds. The first two digits of DE 3 are the standard's transaction types: 00 goods and services, 02
// adjustment, 09 goods with cash back, 20 returns, 31 balance inquiry.
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
	{Kind: KindTipAdjust, MTI: "0220", ProcessingCode: "020000", POSConditionCode: "00"},
	{Kind: KindSignOn, MTI: "0800", NetworkManagementCode: NetworkSignOn},
	{Kind: KindEcho, MTI: "0800", NetworkManagementCode: NetworkEcho},
}
