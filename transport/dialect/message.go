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
	MTI string // message type identifier, four digits

	PrimaryAccountNumber               pan.PAN // DE 2
	ProcessingCode                     string  // DE 3, six digits
	AmountTransaction                  int64   // DE 4, minor units; only if HasAmount
	HasAmount                          bool    // whether DE 4 is there: an absent amount and an amount of zero differ (SetAmount sets both)
	SystemsTraceAuditNumber            string  // DE 11, six digits
	TimeLocalTransaction               string  // DE 12, hhmmss
	DateLocalTransaction               string  // DE 13, MMDD
	DateExpiration                     string  // DE 14, YYMM
	POSEntryMode                       string  // DE 22; iso87: four digits
	CardSequenceNumber                 string  // DE 23; iso87: four digits, "0001"
	POSConditionCode                   string  // DE 25, two digits
	Track2Data                         string  // DE 35, digits with '=' as separator, no sentinels
	RetrievalReferenceNumber           string  // DE 37, up to 12
	AuthorizationIDResponse            string  // DE 38, six characters
	ResponseCode                       string  // DE 39, two characters
	CardAcceptorTerminalIdentification string  // DE 41 (TID), up to 8, without the spaces that fill it
	CardAcceptorIdentificationCode     string  // DE 42 (MID), up to 15, without the spaces that fill it
	CurrencyCodeTransaction            string  // DE 49, ISO 4217 number; iso87: four digits with its leading zero, "0156", as EMV tag 5F2A has it
	PINData                            []byte  // the PIN block: DE 52 of 8 bytes; iso87: one of 16 bytes (ISO 9564-1 format 4) in DE 62
	KeySerialNumber                    []byte  // of the keys of a message that has its own (DUKPT), 10 or 12 bytes; iso87: in DE 62
	AdditionalAmounts                  string  // DE 54
	ICCSystemRelatedData               []byte  // DE 55, BER-TLV, taken as it is
	NetworkManagementCode              string  // DE 60 of class NetworkManagement, see NetworkSignOn
	ReversalReason                     string  // DE 60 of class Reversal, see ReasonNoAnswer
	ReservedPrivate60                  string  // DE 60 of all other classes
	ReservedPrivate62                  []byte  // DE 62 of network management; of an approved sign-on, see SessionKeys
	ReservedPrivate63                  string  // DE 63
	MAC                                []byte  // DE 64 as Unpack found it, 8 bytes; Pack takes it from its callback instead
}

// Network management codes of iso87 (NetworkManagementCode).
const (
	NetworkSignOn = "001"
	NetworkEcho   = "301"
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
type Key struct {
	MID, TID, STAN string
	Date           string // DE 13, MMDD
	Time           string // DE 12, hhmmss
}

// Key returns the identity key of m.
func (m *Message) Key() Key {
	return Key{
		MID: m.CardAcceptorIdentificationCode, TID: m.CardAcceptorTerminalIdentification, STAN: m.SystemsTraceAuditNumber,
		Date: m.DateLocalTransaction, Time: m.TimeLocalTransaction,
	}
}

// Undated is the key without date and time: what is left of it for those who leave them out.
func (k Key) Undated() Key {
	k.Date, k.Time = "", ""
	return k
}

// String is TID/STAN/MMDDhhmmss; the MID is left out because people look at one merchant at a time.
func (k Key) String() string { return k.TID + "/" + k.STAN + "/" + k.Date + k.Time }

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

// MarshalJSON is the MTI and the masked fields as iso87 numbers them. It is for reading: nothing turns it back.
func (m Message) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		MTI    string       `json:"mti"`
		Fields []FieldValue `json:"fields"`
	}{m.MTI, ISO87().Fields(&m)})
}
