package dialect

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/posim/posim/internal/pan"
)

// Message is a message in its neutral form: the same for every dialect. The empty string and the empty slice mean that
// the data element is absent; an amount says so with HasAmount.
//
// A Message holds track data, a PIN block and keys, so it prints, logs and marshals only as a masked summary (see
// Dialect.Fields). It cannot be read back from that.
type Message struct {
	MTI string // message type identifier, four digits, as the wire has it

	// Kind is what the message is about. Unpack finds it by the numbers that stand for it; Shape sets those numbers by it.
	Kind Kind

	PrimaryAccountNumber               pan.PAN // DE 2
	ProcessingCode                     string  // DE 3, six digits
	AmountTransaction                  int64   // DE 4, minor units; only if HasAmount
	HasAmount                          bool    // whether DE 4 is there: an absent amount and an amount of zero differ (SetAmount sets both)
	SystemsTraceAuditNumber            string  // DE 11, six digits
	TimeLocalTransaction               string  // DE 12, hhmmss
	DateLocalTransaction               string  // DE 13, MMDD
	DateExpiration                     string  // DE 14, YYMM
	POSEntryMode                       string  // DE 22, four digits, "0051" (see EntryMode); cup: without the first, a zero
	CardSequenceNumber                 string  // DE 23, four digits, "0001"; cup: without the first, a zero
	POSConditionCode                   string  // DE 25, two digits
	Track2Data                         string  // DE 35, digits with '=' as separator, no sentinels; cup: where it is enciphered also A to F
	RetrievalReferenceNumber           string  // DE 37, up to 12
	AuthorizationIDResponse            string  // DE 38, six characters
	ResponseCode                       string  // DE 39, two characters
	CardAcceptorTerminalIdentification string  // DE 41 (TID), up to 8, without the spaces that fill it
	CardAcceptorIdentificationCode     string  // DE 42 (MID), up to 15, without the spaces that fill it
	CurrencyCodeTransaction            string  // DE 49, ISO 4217 number, four digits with its leading zero, "0156", as EMV tag 5F2A has it; cup: without it
	PINData                            []byte  // the PIN block: DE 52 of 8 bytes; iso87: one of 16 bytes (ISO 9564-1 format 4) in DE 62
	KeySerialNumber                    []byte  // of the keys of a message that has its own (DUKPT), 10 or 12 bytes; iso87: in DE 62
	AdditionalAmounts                  string  // DE 54
	ICCSystemRelatedData               []byte  // DE 55, BER-TLV, taken as it is
	NetworkManagementCode              string  // DE 60 of class NetworkManagement, see NetworkSignOn; cup: 60.3 of every message
	ReversalReason                     string  // DE 60 of class Reversal; cup: DE 39 of its request; see ReasonNoAnswer
	ReservedPrivate60                  string  // DE 60 of all other classes
	ReservedPrivate62                  []byte  // DE 62 of network management; of an approved sign-on, see SessionKeys
	ReservedPrivate63                  string  // DE 63
	MAC                                []byte  // DE 64 as Unpack found it, 8 bytes; Pack takes it from its callback instead

	// What terminals do beside sales needs more. Where a dialect keeps each is said by its table (docs/dialects.md).
	TransmissionDateTime string // DE 7, MMDDhhmmss; iso87-128
	DateSettlement       string // DE 15, MMDD: the host's business date
	PINCaptureCode       string // DE 26, two digits; cup
	AcquiringInstitution string // DE 32, up to 11 digits
	Track3Data           string // DE 36, as DE 35; cup
	AdditionalResponse   string // DE 44; cup: issuing and acquiring institution, 11 + 11
	SecurityControl      string // DE 53, 16 digits; cup
	PrivateData47        string // DE 47: an acquirer's own; cup
	AdditionalData       string // DE 48, where it is none of Totals, Details, Uploaded and TipAmount: digits; cup
	PrivateData57        string // DE 57: TLV, see TerminalInformation; cup
	CodeScanned          string // the QR code; cup: DE 59, A3
	VoucherNumber        string // of a QR sale's answer; cup: DE 59, A4
	PrivateData59        string // DE 59, where it is neither CodeScanned nor VoucherNumber; cup
	MessageTypeCode      string // 60.1, two digits; cup
	BatchNumber          string // six digits; cup: 60.2; iso87: DE 63, from terminals that number their batches
	TerminalCapability   string // 60.4; cup
	ICCondition          string // 60.5; cup
	PartialSupport       string // 60.6: this terminal can take a partial approval; cup
	AccountType          string // 60.7; cup
	Original             Original
	OperatorNumber       string // 63.1 of a request, three characters; cup
	CardScheme           string // 63.1 of an answer: CUP, VIS, MCC ...; cup
	Remarks              string // 63.2 of an answer: texts of issuer, switch, acquirer and terminal for the receipt; cup
	CashBackAmount       int64  // minor units: the part of the amount that is cash; iso87: DE 54, account 00, type 40
	TipAmount            int64  // minor units: the part of a KindTipAdjust's amount that is a tip; cup: DE 48
	ReplacementAmount    int64  // DE 95, minor units: what is left of a transaction that is reversed in part; iso87-128

	Totals           *Totals          // of a settlement; nil: none
	SettlementResult SettlementResult // of its answer, domestic part; cup: digit 31 of DE 48; iso87-128: DE 66
	ForeignResult    SettlementResult // the same for foreign cards; cup: digit 62 of DE 48
	Details          []Detail         // of an upload; cup: DE 48
	Uploaded         int              // of the end of an upload: how many lines were sent; cup: DE 48

	// ProcessingRequest is what a host asks of the terminal in an answer's header; cup.
	ProcessingRequest ProcessingRequest
	// Header is the header, 12 hexadecimal digits, where it is not the one of the dialect's Switches; the digit of
	// ProcessingRequest in it is 0. cup.
	Header string
}

// Original names another transaction of the same terminal: the sale that a void undoes, for instance. Parts that are not known are
// empty; DE 37 and DE 38 of the message go with it.
type Original struct {
	Batch string // six digits; of a terminal that numbers its batches
	STAN  string // six digits
	Date  string // MMDD; the host's in cup, the terminal's own in iso87
	Time  string // hhmmss; iso87
	// AuthMethod and Authorizer are 61.4 and 61.5 of cup: how a forced sale was authorised ("00" POS, "01" telephone, "02" stand-in).
	AuthMethod string
	Authorizer string // up to 11 digits
	// MTI, Acquirer and Forwarder are more of what DE 90 of iso87-128 says of it: the message type, and the institutions that had it,
	// up to 11 digits without zeros in front. No other dialect has a place for them.
	MTI, Acquirer, Forwarder string
}

// OriginalKey is the identity of the transaction that m names; the zero Key if it names none.
func (m *Message) OriginalKey() Key {
	o := m.Original
	if o.STAN == "" || o.STAN == "000000" {
		return Key{}
	}
	k := Key{MID: m.CardAcceptorIdentificationCode, TID: m.CardAcceptorTerminalIdentification, STAN: o.STAN}
	if o.Batch != "" {
		k.Batch = o.Batch
		return k
	}
	k.Date, k.Time = o.Date, o.Time
	return k
}

// Total is a number of transactions and their sum in minor units.
type Total struct {
	Count  int   `json:"count"`
	Amount int64 `json:"amount"`
}

// Totals are a batch's, as terminal or host counts them (decisions: "Totals"): debits are sales, completions and offline sales,
// credits are refunds, voids and completion voids. Foreign is cards of other schemes; all zero where nobody tells them apart.
type Totals struct {
	Debits         Total `json:"debits"`
	Credits        Total `json:"credits"`
	ForeignDebits  Total `json:"foreign_debits"`
	ForeignCredits Total `json:"foreign_credits"`
}

// SettlementResult is what a host says about a batch's totals.
type SettlementResult byte

// The results, by their digits in cup.
const (
	SettlementNone     SettlementResult = iota // a request; or the part has no result
	SettlementEqual                            // equal
	SettlementNotEqual                         // not equal: lines are to be uploaded
	SettlementError                            // the host cannot compare: as not equal
)

// Detail is one line of a batch as an upload has it. Its card number never leaves a message but masked. An upload of cup has up to 8
// debits in DE 48, and not their kinds: they come as KindNone. A credit is alone in a message, with its kind and with the line's STAN as
// the message's own.
type Detail struct {
	Kind    Kind
	STAN    string // six digits
	PAN     pan.PAN
	Amount  int64 // minor units
	Debit   bool
	Foreign bool // the card is of another scheme
}

// ProcessingRequest is the nibble of a host's header that asks the terminal for something.
type ProcessingRequest byte

// The requests (cup).
const (
	RequestNone          ProcessingRequest = 0x0
	RequestParameters    ProcessingRequest = 0x1 // download magnetic stripe parameters
	RequestStatus        ProcessingRequest = 0x2 // upload the terminal's status
	RequestSignOn        ProcessingRequest = 0x3 // sign on again
	RequestCAKeys        ProcessingRequest = 0x4 // download CA public keys
	RequestICParameters  ProcessingRequest = 0x5 // download IC card parameters
	RequestTMSParameters ProcessingRequest = 0x6 // download TMS parameters
)

// Network management codes of iso87 (NetworkManagementCode).
const (
	NetworkSignOn  = "001"
	NetworkSignOff = "002"
	NetworkEcho    = "301"
)

// Reasons of a reversal (ReversalReason).
const (
	ReasonNoAnswer    = "98" // no answer, or none that is known: a power cut is always this
	ReasonDeviceFault = "96" // a device of a running terminal failed
	ReasonMAC         = "A0" // the answer's MAC was wrong or missing
	ReasonMismatch    = "06" // the answer has the right key and other contents
)

// SetAmount sets AmountTransaction, in minor units, and HasAmount.
func (m *Message) SetAmount(minor int64) { m.AmountTransaction, m.HasAmount = minor, true }

// Key is the identity of a transaction from terminal to issuer: a request, its repeats, its reversal and all their answers
// carry the same one, stored and never stamped anew. It is comparable. The MTI's class and the processing code say which
// message of a key is meant.
//
// A terminal that numbers its batches tells its transactions apart by batch and STAN, and then Date and Time are empty.
type Key struct {
	MID, TID, STAN string
	Batch          string // six digits
	Date           string // DE 13, MMDD
	Time           string // DE 12, hhmmss
}

// Key returns the identity key of m.
func (m *Message) Key() Key {
	k := Key{MID: m.CardAcceptorIdentificationCode, TID: m.CardAcceptorTerminalIdentification, STAN: m.SystemsTraceAuditNumber}
	if m.BatchNumber != "" {
		k.Batch = m.BatchNumber
		return k
	}
	k.Date, k.Time = m.DateLocalTransaction, m.TimeLocalTransaction
	return k
}

// Undated is the key without date and time, or without its batch: what is left of it for those who leave them out.
func (k Key) Undated() Key {
	k.Date, k.Time, k.Batch = "", "", ""
	return k
}

// String is TID/STAN/MMDDhhmmss, or TID/STAN/B and the batch number; the MID is left out because people look at one merchant at a time.
func (k Key) String() string {
	if k.Batch != "" {
		return k.TID + "/" + k.STAN + "/B" + k.Batch
	}
	return k.TID + "/" + k.STAN + "/" + k.Date + k.Time
}

// String is MTI, key and response code: enough to recognise a message by, and nothing to hide.
func (m Message) String() string {
	s := m.MTI + " " + m.Key().String()
	if m.ResponseCode != "" {
		s += " " + m.ResponseCode
	}
	return s
}

// Format makes every verb print String, %#v and %x too.
func (m Message) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.String()) }

// LogValue is String.
func (m Message) LogValue() slog.Value { return slog.StringValue(m.String()) }

// MarshalJSON is the MTI and the masked fields, as cup numbers them if m has its 60.1, else as iso87 does. It is for reading:
// nothing turns it back.
func (m Message) MarshalJSON() ([]byte, error) {
	d := ISO87()
	if m.MessageTypeCode != "" {
		d = usualCUP
	}
	return json.Marshal(struct {
		MTI    string       `json:"mti"`
		Fields []FieldValue `json:"fields"`
	}{m.MTI, d.Fields(&m)})
}
