package dialect

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cupVector is a file of testdata/vectors/cup (its sources are in it).
type cupVector struct {
	ID, Kind string
	Input    struct {
		Frame     string `json:"frame_hex"`
		Length    bool   `json:"has_length_prefix"`
		Header    bool   `json:"has_tpdu_and_header"`
		MAB       string `json:"mab_hex"`
		MABOffset int    `json:"mab_offset"`
	}
	Expected struct {
		MTI, Bitmap, Head string
		Present           []int
		Fields            map[string]any
		MACBytes          string `json:"mac_bytes"`
	}
	message []byte // behind length and TPDU; with the usual header, if it has none
}

// cupVectors are the vectors with a message.
func cupVectors(t testing.TB) (list []cupVector) {
	names, err := filepath.Glob("../../testdata/vectors/cup/CUP-M*.json")
	if err != nil || len(names) < 15 {
		t.Fatalf("%d vectors, %v", len(names), err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var v cupVector
		if err := json.Unmarshal(src, &v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b := bytesOf(v.Input.Frame)
		switch {
		case v.Input.MABOffset > 0: // a whole frame
			v.message = b[v.Input.MABOffset-cupHeaderLength:]
		case v.Input.MAB != "":
			v.message = bytesOf(usualCUPHeader, v.Input.MAB, v.Expected.MACBytes)
		default:
			if v.Input.Length {
				b = b[2:]
			}
			if v.Input.Header {
				b = b[5:]
			} else {
				b = append(bytesOf(usualCUPHeader), b...)
			}
			v.message = b
		}
		list = append(list, v)
	}
	return list
}

func cupSale(t testing.TB) *Message {
	m := sale(t)
	m.TimeLocalTransaction, m.DateLocalTransaction, m.ReservedPrivate63 = "", "", ""
	m.Kind, m.BatchNumber, m.TerminalCapability, m.ICCondition = KindSale, "000007", "6", "0"
	m.SecurityControl, m.PINCaptureCode = "2600000000000000", "12"
	if err := usualCUP.Shape(m); err != nil {
		t.Fatal(err)
	}
	return m
}

// repacked is m with the MAC it came with.
func repacked(d *Dialect, m *Message) ([]byte, error) {
	if m.MAC == nil {
		return d.Pack(m, nil)
	}
	return d.Pack(m, func(dst *[8]byte, _ []byte) error { copy(dst[:], m.MAC); return nil })
}

// Every known message is taken apart into the fields that its source has, and put together again byte for byte.
func TestKnownCUPMessages(t *testing.T) {
	compared := 0
	for _, v := range cupVectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			m, err := usualCUP.Unpack(v.message)
			if err != nil {
				t.Fatal(err)
			}
			b, err := repacked(usualCUP, m)
			if err != nil || !bytes.Equal(b, v.message) {
				t.Errorf("%v\n got %X\nwant %X", err, b, v.message)
			}
			mti, fields, err := usualCUP.Reveal(v.message)
			if err != nil {
				t.Fatal(err)
			}
			if v.Expected.MTI != "" && mti != v.Expected.MTI {
				t.Errorf("MTI %s, want %s", mti, v.Expected.MTI)
			}
			for _, f := range fields {
				want, length := v.Expected.Fields[strconv.Itoa(f.DE)], -1
				if o, ok := want.(map[string]any); ok {
					want, length = o["value"], int(o["len"].(float64))
				}
				if want == nil {
					continue
				}
				compared++
				if f.Value != want || length >= 0 && f.Length != length {
					t.Errorf("DE %d: %q of %d, want %q of %d", f.DE, f.Value, f.Length, want, length)
				}
			}
		})
	}
	if compared < 150 {
		t.Errorf("only %d fields compared", compared)
	}
}

// cupSamples are messages of cup that use every data element.
func cupSamples(t testing.TB) []*Message {
	full := cupSale(t)
	full.MTI, full.Kind = "0200", KindNone
	full.Track3Data, full.AcquiringInstitution, full.DateSettlement = "996225000000000014=156000", "00155800", "0302"
	full.TimeLocalTransaction, full.DateLocalTransaction = "140511", "0302"
	full.RetrievalReferenceNumber, full.AuthorizationIDResponse, full.ResponseCode = "606114000123", "A1B2C3", "00"
	full.AdditionalResponse, full.PrivateData47, full.PrivateData57 = "65055810   \xD6\xD0\xB9\xFA", "PI\x00\x01", "A2"
	full.AdditionalAmounts, full.CodeScanned, full.VoucherNumber = "1002156C000000004200", "6225000000000000014", "05821052678978957080"
	full.AdditionalData, full.ReservedPrivate62, full.OperatorNumber = "12345", []byte{1, 2, 3}, "01"
	full.Original = Original{Batch: "000006", STAN: "000122", Date: "0301", AuthMethod: "01", Authorizer: "00155800"}
	full.PartialSupport, full.AccountType = "1", "001"
	answer := &Message{MTI: "0210", BatchNumber: "000007", MessageTypeCode: "22", ResponseCode: "10", CardScheme: "CUP", Remarks: "\xB7\xA2\xBF\xA8\xD0\xD0",
		ProcessingRequest: RequestSignOn, Header: "610000311100"}
	settle := &Message{MTI: "0510", MessageTypeCode: "00", BatchNumber: "000007", NetworkManagementCode: "201", ResponseCode: "00",
		SettlementResult: SettlementEqual, ForeignResult: SettlementNotEqual,
		Totals: &Totals{Debits: Total{3, 12345}, Credits: Total{1, 100}, ForeignDebits: Total{999, 999999999999}, ForeignCredits: Total{0, 1}}}
	upload := &Message{MTI: "0320", MessageTypeCode: "00", BatchNumber: "000007", NetworkManagementCode: UploadLines, Details: []Detail{
		{STAN: "000001", PAN: number(t, "4761739001010119"), Amount: 100, Debit: true}, {STAN: "000002", Amount: 200, Debit: true, Foreign: true}}}
	credit := &Message{MTI: "0320", MessageTypeCode: "00", BatchNumber: "000007", NetworkManagementCode: UploadLines, SystemsTraceAuditNumber: "000003",
		Details: []Detail{{Kind: KindRefund, STAN: "000003", PAN: number(t, "4761739001010119"), Amount: 300}}}
	end := &Message{MTI: "0320", MessageTypeCode: "00", BatchNumber: "000007", NetworkManagementCode: UploadEndNotEqual, Uploaded: 3}
	tip := &Message{MTI: "0220", MessageTypeCode: "34", BatchNumber: "000007", TipAmount: 500}
	reversal := &Message{MTI: "0400", MessageTypeCode: "22", BatchNumber: "000007", ReversalReason: ReasonMAC}
	return []*Message{cupSale(t), full, answer, settle, upload, credit, end, tip, reversal}
}

func TestCUPMessagesArriveAsTheyWere(t *testing.T) {
	seen := map[int]bool{}
	for i, m := range cupSamples(t) {
		b, err := usualCUP.Pack(m, nil)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		got, err := usualCUP.Unpack(b)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		want := *m
		if want.Kind == KindNone {
			want.Kind = got.Kind
		}
		if diff := cmp.Diff(&want, got, comparePANs); diff != "" {
			t.Errorf("%d (-packed +unpacked):\n%s", i, diff)
		}
		_, fields, err := usualCUP.Reveal(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fields {
			seen[f.DE] = true
		}
	}
	for _, e := range usualCUP.elements {
		if !seen[e.de] && e.de != macDE {
			t.Errorf("no sample has DE %d", e.de)
		}
	}
}

// The rows of the document's tables: kind, MTI, DE 3, DE 25, 60.1, 60.3.
func TestCUPFormsAreTheDocuments(t *testing.T) {
	const want = `balance 0200 310000 00 01 000
sale 0200 000000 00 22 000
qr-sale 0200 000000 00 22 000
void 0200 200000 00 23 000
refund 0220 200000 00 25 000
pre-auth 0100 030000 06 10 000
pre-auth-void 0100 200000 06 11 000
completion 0200 000000 06 20 000
completion-void 0200 200000 06 21 000
completion-advice 0220 000000 06 24 000
forced-sale 0220 000000 00 30 000
adjustment 0220 000000 00 32 000
tip-adjust 0220 000000 00 34 000
offline-sale 0200 000000 00 36 000
instalment 0200 000000 64 22 000
moto-sale 0200 000000 08 22 000
moto-pre-auth 0100 030000 18 10 000
qr-query 0200 730000 00 60 000
qr-cancel 0200 720000 00 60 000
script-result 0620 - - 00 951
signature 0820 - - 07 800
settlement 0500 - - 00 201
upload 0320 - - - 201
upload 0320 - - - 203
upload 0320 - - - 205
upload 0320 - - - 204
upload 0320 - - - 206
upload 0320 - - - 208
upload 0320 - - - 209
upload-end 0320 - - 00 207
upload-end 0320 - - 00 202
sign-on 0800 - - 00 003
sign-on 0800 - - 00 001
sign-on 0800 - - 00 004
sign-on 0800 - - 00 006
sign-off 0820 - - 00 002
echo 0820 - - 00 301
status 0820 - - 00 362
parameters 0800 - - 00 360
parameters-end 0800 - - 00 361
tms-parameters 0800 - - 00 364
tms-parameters-end 0800 - - 00 365
ca-key-list 0820 - - 00 372
ca-key 0800 - - 00 370
ca-keys-end 0800 - - 00 371
aid-list 0820 - - 00 382
aid 0800 - - 00 380
aids-end 0800 - - 00 381
bin-blacklist 0800 - - 00 390
bin-blacklist-end 0800 - - 00 391
contactless-parameters 0800 - - 00 394
contactless-parameters-end 0800 - - 00 395
pin-free-bins 0800 - - 00 396
pin-free-bins-end 0800 - - 00 397
pin-free-blacklist 0800 - - 00 398
pin-free-blacklist-end 0800 - - 00 399
`
	var got strings.Builder
	dash := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	for _, f := range usualCUP.Forms() {
		fmt.Fprintln(&got, f.Kind, f.MTI, dash(f.ProcessingCode), dash(f.POSConditionCode), dash(f.MessageTypeCode), dash(f.NetworkManagementCode))
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A message shaped by its kind is read as that kind, as request, answer and reversal; and packs and unpacks without loss.
func TestCUPKindsAreFoundByTheirNumbers(t *testing.T) {
	for _, length := range []int{8, 11, 13, 14, 15, 17} {
		d := CUP(Switches{Length60: length})
		for _, f := range d.Forms() {
			m := &Message{Kind: f.Kind, SystemsTraceAuditNumber: "000001", BatchNumber: "000007", NetworkManagementCode: f.NetworkManagementCode}
			if f.Scanned {
				m.POSEntryMode = EntryMode(EntryCode, false)
			}
			if err := d.Shape(m); err != nil {
				t.Fatal(err)
			}
			if m.MTI != f.MTI {
				t.Fatalf("%v is shaped as %s", f.Kind, m.MTI)
			}
			for _, change := range []func(*Message){
				func(*Message) {},
				func(m *Message) { m.MTI, m.ResponseCode = Response(m.MTI), "00" },
				func(m *Message) {
					if f.Kind.Reversible() {
						m.MTI, m.ReversalReason = "0400", ReasonNoAnswer
					}
				},
			} {
				x := *m
				change(&x)
				b, err := d.Pack(&x, nil)
				if err != nil {
					t.Fatal(err)
				}
				got, err := d.Unpack(b)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(&x, got, comparePANs); diff != "" {
					t.Errorf("%v, DE 60 of %d (-packed +unpacked):\n%s", f.Kind, length, diff)
				}
			}
		}
	}
}

func TestShapeKeepsWhatAnUploadIs(t *testing.T) {
	m := &Message{Kind: KindUpload, NetworkManagementCode: UploadICNotEqual, MessageTypeCode: "22", ProcessingCode: "000000", POSConditionCode: "00"}
	if err := usualCUP.Shape(m); err != nil {
		t.Fatal(err)
	}
	if m.NetworkManagementCode != "205" || m.MessageTypeCode != "22" || m.ProcessingCode != "000000" || m.POSConditionCode != "00" || m.MTI != "0320" {
		t.Errorf("%+v", plain(*m))
	}
	m = &Message{Kind: KindUpload}
	if err := usualCUP.Shape(m); err != nil || m.NetworkManagementCode != "201" || m.MessageTypeCode != "00" {
		t.Errorf("%+v %v", plain(*m), err)
	}
	m = &Message{MTI: "0420", Kind: KindSale, POSConditionCode: "06"}
	if err := usualCUP.Shape(m); err != nil || m.MTI != "0400" || m.POSConditionCode != "00" || m.NetworkManagementCode != "000" || m.TerminalCapability != "0" {
		t.Errorf("%+v %v", plain(*m), err)
	}
}

func TestTheLengthOfDE60(t *testing.T) {
	for length, want := range map[int]string{8: "0822000007", 11: "11220000070000", 13: "132200000700060" + "0", 14: "1422000007000600", 15: "15220000070006000" + "0", 17: "1722000007000600000" + "0"} {
		d := CUP(Switches{Length60: length})
		m := &Message{Kind: KindSale, BatchNumber: "000007", TerminalCapability: "6", ICCondition: "0"}
		if err := d.Shape(m); err != nil {
			t.Fatal(err)
		}
		m.ProcessingCode, m.POSConditionCode = "", ""
		b, err := d.Pack(m, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(b[cupHeaderLength+headLength:]); got != "00"+want {
			t.Errorf("%d: %s, want 00%s", length, got, want)
		}
	}
}

// CUP-MAC-001, -002 and -004: the MAC is over everything from the MTI on, and not over the header.
func TestCUPMAC(t *testing.T) {
	seen := 0
	for _, v := range cupVectors(t) {
		if v.Kind != "mac-ecb" {
			continue
		}
		seen++
		m, err := usualCUP.Unpack(v.message)
		if err != nil {
			t.Fatal(err)
		}
		var covered []byte
		err = usualCUP.VerifyMAC(v.message, m, func(mac, data []byte) error {
			covered = data
			if !bytes.Equal(mac, bytesOf(v.Expected.MACBytes)) {
				return errWrong
			}
			return nil
		})
		if err != nil || !bytes.Equal(covered, v.message[cupHeaderLength:len(v.message)-8]) {
			t.Errorf("%s: %v, MAC over %X", v.ID, err, covered)
		}
		if v.Input.MAB != "" && !bytes.Equal(covered, bytesOf(v.Input.MAB)) {
			t.Errorf("%s: MAC over %X", v.ID, covered)
		}
	}
	if seen != 3 {
		t.Errorf("%d vectors", seen)
	}
}

func TestWhatMayDoWithoutAMACInCUP(t *testing.T) {
	for _, c := range []struct {
		m    Message
		want error
	}{
		{Message{MTI: "0200"}, ErrNoMAC},
		{Message{MTI: "0210", ResponseCode: "00"}, ErrNoMAC},
		{Message{MTI: "0210", ResponseCode: "A2"}, ErrNoMAC},
		{Message{MTI: "0210"}, ErrNoMAC},
		{Message{MTI: "0210", ResponseCode: "A0"}, nil}, // CUP-MSG-009
		{Message{MTI: "0210", ResponseCode: "51"}, nil},
		{Message{MTI: "0230", ResponseCode: "00"}, ErrNoMAC},
		{Message{MTI: "0400", ReversalReason: "98"}, ErrNoMAC},
		{Message{MTI: "0410", ResponseCode: "00"}, ErrNoMAC},
		{Message{MTI: "0410", ResponseCode: "12"}, ErrNoMAC},
		{Message{MTI: "0410", ResponseCode: "25"}, ErrNoMAC},
		{Message{MTI: "0410", ResponseCode: "A0"}, nil},
		{Message{MTI: "0620"}, ErrNoMAC},
		{Message{MTI: "0500"}, nil},
		{Message{MTI: "0320"}, nil},
		{Message{MTI: "0800", Kind: KindSignOn}, nil},
		{Message{MTI: "0820", Kind: KindCAKeyList}, nil},
		{Message{MTI: "0820", Kind: KindSignature}, ErrNoMAC},
	} {
		if err := usualCUP.VerifyMAC(nil, &c.m, nil); err != c.want {
			t.Errorf("%v: %v, want %v", c.m, err, c.want)
		}
	}
	if err := CUP(Switches{ManagementMAC: true}).VerifyMAC(nil, &Message{MTI: "0830", Kind: KindCAKeyList, ResponseCode: "00"}, nil); err != ErrNoMAC {
		t.Error(err)
	}
	for _, mti := range cupMTIs {
		if got, want := usualCUP.MACRequired(mti), strings.Contains("1246", mti[1:2]); got != want {
			t.Errorf("%s: %v", mti, got)
		}
	}
}

func TestCUPPackRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Message)
		want   string
	}{
		{"an entry mode without its zero", func(m *Message) { m.POSEntryMode = "1051" }, "dialect: DE 22: begins with '1': want a zero"},
		{"a currency of three digits", func(m *Message) { m.CurrencyCodeTransaction = "156" }, "dialect: DE 49: begins with '1': want a zero"},
		{"a reason on a sale", func(m *Message) { m.ReversalReason = "98" }, "dialect: DE 39: a reversal reason on 0200"},
		{"a response code on a reversal", func(m *Message) { m.MTI, m.ResponseCode = "0400", "00" }, "dialect: DE 39: a response code on 0400"},
		{"a key serial number", func(m *Message) { m.KeySerialNumber = make([]byte, 10) }, "dialect: DE 62: a key serial number"},
		{"cash back", func(m *Message) { m.CashBackAmount = 1 }, "dialect: DE 54: a part that is cash"},
		{"a long PIN block", func(m *Message) { m.PINData = make([]byte, 16) }, "dialect: DE 52: length 16: want exactly 8"},
		{"totals on a sale", func(m *Message) { m.Totals = &Totals{} }, "dialect: DE 48: totals on 0200"},
		{"a tip on a sale", func(m *Message) { m.TipAmount = 1 }, "dialect: DE 48: a tip on 0200"},
		{"lines on a sale", func(m *Message) { m.Details = make([]Detail, 1) }, "dialect: DE 48: lines of a batch on 0200"},
		{"a credit behind a debit", func(m *Message) { m.MTI, m.Details = "0320", []Detail{{STAN: "000001", Debit: true}, {STAN: "000002"}} }, "dialect: DE 48: line 2: a credit: want it alone"},
		{"a debit behind a credit", func(m *Message) {
			m.MTI, m.Details = "0320", []Detail{{Kind: KindRefund, STAN: "000001"}, {STAN: "000002", Debit: true}}
		}, "dialect: DE 48: 2 lines, the first of them a credit"},
		{"a credit of another STAN", func(m *Message) {
			*m = Message{MTI: "0320", SystemsTraceAuditNumber: "000009", Details: []Detail{{Kind: KindRefund, STAN: "000001"}}}
		}, "dialect: DE 48: a credit whose STAN is not the message's"},
		{"a credit of a kind without numbers", func(m *Message) { *m = Message{MTI: "0320", Details: []Detail{{Kind: KindEcho}}} }, "dialect: DE 48: a credit of a kind (echo) that is in no batch"},
		{"a credit beside an amount", func(m *Message) { m.MTI, m.Details = "0320", []Detail{{Kind: KindRefund}} }, "dialect: DE 48: a line beside a card number"},
		{"nine lines", func(m *Message) {
			m.MTI = "0320"
			for range 9 {
				m.Details = append(m.Details, Detail{STAN: "000001", Debit: true})
			}
		}, "dialect: DE 48: 9 lines: want up to 8"},
		{"a thousand debits", func(m *Message) { m.MTI, m.Totals = "0500", &Totals{Debits: Total{Count: 1000}} }, "dialect: DE 48: count of the debits: 1000: want 0 to 999"},
		{"a negative total", func(m *Message) { m.MTI, m.Totals = "0500", &Totals{ForeignCredits: Total{Amount: -1}} }, "dialect: DE 48: sum of the foreign credits: -1: want 0 to"},
		{"a count on a sale", func(m *Message) { m.Uploaded = 1 }, "dialect: DE 48: a number of lines on 0200"},
		{"a batch of five digits", func(m *Message) { m.BatchNumber = "00007" }, "dialect: DE 60: 60.2: want 6 digits"},
		{"half of 60.6 and 60.7", func(m *Message) { m.PartialSupport, m.AccountType = "10", "001" }, "dialect: DE 60: 60.6: want 1 digits"},
		{"60.4 as the end", func(m *Message) { m.ICCondition = "" }, "dialect: DE 60: 12 digits: want 8, 11, 13"},
		{"an authoriser without a method", func(m *Message) { m.Original.Authorizer = "1" }, "dialect: DE 61: 61.5 without 61.4"},
		{"an operator of four characters", func(m *Message) { m.OperatorNumber = "0001" }, "dialect: DE 63: 63.1: want an operator's number"},
		{"private data that is an operator", func(m *Message) { m.ReservedPrivate63 = "01" }, "dialect: DE 63: private data as short as"},
		{"a scheme in a request", func(m *Message) { m.CardScheme = "CUP" }, "dialect: DE 63: a card scheme or remarks"},
		{"private data that is a code", func(m *Message) { m.PrivateData59 = "A30011" }, "dialect: DE 59: private data that is a code"},
		{"a header of lower case", func(m *Message) { m.Header = "60310031110e" }, "dialect: wrong header: want 12 upper-case"},
		{"a header with a request in it", func(m *Message) { m.Header = "603103311100" }, "dialect: wrong header: want 12 upper-case"},
		{"a repeat", func(m *Message) { m.MTI = "0201" }, `dialect: MTI: "0201" is not a message of cup`},
		{"text with a control character", func(m *Message) { m.AdditionalResponse = "a\n" }, "dialect: DE 44: character 2 is not printable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := cupSale(t)
			c.change(m)
			if b, err := usualCUP.Pack(m, nil); err == nil || !strings.HasPrefix(err.Error(), c.want) || b != nil {
				t.Errorf("got %X\n%v, want\n%s", b, err, c.want)
			}
		})
	}
}

func TestCUPUnpackRefuses(t *testing.T) {
	const head = "603100311100 "
	for _, c := range []struct{ name, bytes, want string }{
		{"less than a header", "603100311100 0200 00000000000000", "dialect: message of 15 bytes: want at least 16, header, MTI and bitmap"},
		{"a secondary bitmap", head + "0200 8000000000000000", "dialect: bitmap at offset 8: bit 1 announces a secondary bitmap"},
		{"an odd count with a digit behind it", head + "0200 0000040000000000 0211", "dialect: DE 22 at offset 16: an odd count of digits ends with a nibble that is not 0"},
		{"a card sequence number on the left", head + "0200 0000020000000000 0010 ", ""},
		{"a card sequence number of four digits", head + "0200 0000020000000000 1001", "dialect: DE 23 at offset 16: an odd count of digits starts with a nibble that is not 0"},
		{"the other filler behind a track", head + "0200 0000000020000000 03 1230", "dialect: DE 35 at offset 16: the filler after 3 nibbles of track 2 is 0: want F"},
		{"a currency of letters", head + "0200 0000000000008000 434E59", "dialect: DE 49 at offset 16: want 3 digits"},
		{"DE 60 of 9 digits", head + "0200 0000000000000010 0009 2200000700", "dialect: DE 60 at offset 16: 9 digits: want 8, 11, 13, 14, 15 or 17"},
		{"DE 61 of 7 digits", head + "0200 0000000000000008 0007 00000700", "dialect: DE 61 at offset 16: 7 digits: want 6, 12, 16, 18 or more"},
		{"totals of 60 digits", head + "0500 0000000000010000 0060" + strings.Repeat("00", 30), "dialect: DE 48: 60 digits: want 62, totals"},
		{"a result of 4", head + "0510 0000000000010000 0062" + strings.Repeat("00", 15) + "40" + strings.Repeat("00", 15), "dialect: DE 48: result 4: want 0 to 3"},
		{"lines without a count", head + "0320 0000000000010000 0040" + strings.Repeat("00", 20), "dialect: DE 48: 40 digits: want a count of 1 to 8 and 40 for each line"},
		{"no lines", head + "0320 0000000000010000 0002 00", "dialect: DE 48: 2 digits: want a count of 1 to 8"},
		{"nine lines", head + "0320 0000000000010000 0362 09" + strings.Repeat("00", 180), "dialect: DE 48 at offset 16: length 362 exceeds 322"},
		{"a line of class 02", head + "0320 0000000000010000 0042 01" + "02" + strings.Repeat("00", 19), "dialect: DE 48: line 1: class 02: want 00 (domestic) or 01 (foreign)"},
		{"the end of an upload without a count", head + "0320 0000000000000010 0011 000000072070", "dialect: DE 48: none on the end of an upload"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := usualCUP.Unpack(bytesOf(c.bytes))
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || m != nil {
				t.Errorf("got %v\n%v, want\n%s", m, err, c.want)
			}
		})
	}
}

func TestAHeaderThatIsDropped(t *testing.T) {
	d := CUP(Switches{DropWrongHeader: true})
	for h, want := range map[string]bool{"603100311100": true, "60310031110E": true, "603103000000": true, "613100311100": false, "603200311100": false} {
		m, err := d.Unpack(bytesOf(h, "0820 0000000000000000"))
		if (err == nil) != want || err != nil && (!errors.Is(err, ErrHeader) || m != nil) {
			t.Errorf("%s: %v", h, err)
		}
	}
	m, err := usualCUP.Unpack(bytesOf("613103311100 0820 0000000000000000"))
	if err != nil || m.Header != "613100311100" || m.ProcessingRequest != RequestSignOn {
		t.Errorf("%+v %v", plain(*m), err)
	}
}

func TestEveryTruncationAndEveryAppendedByteIsAnErrorInCUP(t *testing.T) {
	for _, v := range cupVectors(t) {
		for n := range v.message {
			if m, err := usualCUP.Unpack(v.message[:n:n]); err == nil {
				t.Errorf("%s: %d of %d bytes: %v", v.ID, n, len(v.message), m)
			}
		}
		if _, err := usualCUP.Unpack(append(bytes.Clone(v.message), 0)); !errors.Is(err, ErrTrailing) {
			t.Errorf("%s: %v", v.ID, err)
		}
	}
}

// CUP-BAT-001.
func TestBatchTotals(t *testing.T) {
	var v struct {
		Input struct {
			DebitAmount  int64 `json:"debit_amount"`
			DebitCount   int   `json:"debit_count"`
			CreditAmount int64 `json:"credit_amount"`
			CreditCount  int   `json:"credit_count"`
		}
		Expected struct {
			Digits string
			Field  string `json:"field48_hex"`
		}
	}
	readJSON(t, "../../testdata/vectors/cup/CUP-BAT-001.json", &v)
	m := &Message{MTI: "0500", Totals: &Totals{Debits: Total{v.Input.DebitCount, v.Input.DebitAmount}, Credits: Total{v.Input.CreditCount, v.Input.CreditAmount}}}
	b, err := usualCUP.Pack(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.ToUpper(hex.EncodeToString(b[cupHeaderLength+headLength:])); got != v.Expected.Field {
		t.Errorf("%s, want %s", got, v.Expected.Field)
	}
	if got, _ := usualCUP.Field(m, 48); got != v.Expected.Digits {
		t.Errorf("%s, want %s", got, v.Expected.Digits)
	}
}

type aidVector struct {
	Input struct {
		TLV string `json:"tlv_hex"`
	}
	Expected struct{ TLVs [][2]string }
}

func aidParameterVector(t testing.TB) (v aidVector) {
	readJSON(t, "../../testdata/vectors/cup/CUP-AID-001.json", &v)
	return v
}

// CUP-AID-001.
func TestAIDParameters(t *testing.T) {
	v := aidParameterVector(t)
	src := bytesOf("31", v.Input.TLV)
	p, err := ParseAIDParameters(src)
	if err != nil {
		t.Fatal(err)
	}
	zero, most := int64(0), int64(999999999)
	want := &AIDParameters{
		AID: bytesOf("A000000333010103"), Partial: true, Version: [2]byte{0, 0x20}, TACDefault: [5]byte(bytesOf("D84000A800")), TACOnline: [5]byte(bytesOf("D84004F800")),
		TACDenial: [5]byte(bytesOf("0010000000")), MaxTarget: 99, Target: 99, DefaultDDOL: bytesOf("9F3704"), OnlinePIN: true,
		PurseLimit: &zero, ContactlessFloorLimit: &zero, ContactlessLimit: &most, ContactlessCVMLimit: &most,
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if b := p.Download(); !bytes.Equal(b, src) {
		t.Errorf("%X", b)
	}
	for _, bad := range []string{strings.Replace(v.Input.TLV, "DF2006000999999999", "DF200600099999999A", 1), strings.Replace(v.Input.TLV, "DF2006000999999999", "DF20050999999999", 1)} {
		if _, err := ParseAIDParameters(bytesOf("31", bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// CUP-MSG-020 lists twelve keys.
func TestCAKeysOfAKnownMessage(t *testing.T) {
	for _, v := range cupVectors(t) {
		if v.ID != "CUP-MSG-020" {
			continue
		}
		m, err := usualCUP.Unpack(v.message)
		if err != nil {
			t.Fatal(err)
		}
		list, more, err := ParseCAKeyList(m.ReservedPrivate62)
		if err != nil || more || m.Kind != KindCAKeyList || len(list) != 12 || list[0] != (CAKeyName{[5]byte(bytesOf("A000000333")), 3, "20241231"}) || list[8].Index != 0x14 {
			t.Errorf("%v %v of %v: %v", list, more, m.Kind, err)
		}
		if b := CAKeyList(list, false); !bytes.Equal(b, m.ReservedPrivate62) {
			t.Errorf("%X", b)
		}
	}
}

func TestSequence(t *testing.T) {
	for _, v := range cupVectors(t) {
		if v.ID != "CUP-MSG-001" {
			continue
		}
		m, err := usualCUP.Unpack(v.message)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := ParseSequence(m.ReservedPrivate62); err != nil || s != "306099999906" || m.Kind != KindSignOn {
			t.Errorf("%q %v", s, err)
		}
		if b, err := AppendSequence(nil, "306099999906"); err != nil || !bytes.Equal(b, m.ReservedPrivate62) {
			t.Errorf("%s %v", b, err)
		}
	}
	for _, bad := range []string{"", "Sequence No", "Sequence No00", "Sequence No021", "Sequence No0112", "sequence No011", "Sequence No01\x00"} {
		if s, err := ParseSequence([]byte(bad)); err == nil {
			t.Errorf("%q is %q", bad, s)
		}
	}
}

// The keys of the known sign-ons.
func TestCUPSessionKeys(t *testing.T) {
	seen := 0
	for _, v := range cupVectors(t) {
		m, err := usualCUP.Unpack(v.message)
		if err != nil || m.MTI != "0810" || m.ReservedPrivate62 == nil {
			continue
		}
		seen++
		k, err := usualCUP.ParseSessionKeys(m.ReservedPrivate62)
		if err != nil {
			t.Fatal(err)
		}
		if v.ID == "CUP-MSG-002" && (!bytes.Equal(k.PINKeyCheckValue, bytesOf("900ECCE3")) || !bytes.Equal(k.MACKeyCheckValue, bytesOf("CFF1592A")) ||
			!bytes.Equal(k.MACKey, bytesOf("977731A7EA402DDF0000000000000000"))) {
			t.Errorf("%v", k)
		}
		if b, err := usualCUP.AppendSessionKeys(nil, k); err != nil || !bytes.Equal(b, m.ReservedPrivate62) {
			t.Errorf("%X %v", b, err)
		}
		k.MACKey = k.MACKey[:8]
		if b, err := usualCUP.AppendSessionKeys(nil, k); err != nil || len(b) != 40 {
			t.Errorf("a single-length key: %X %v", b, err)
		}
		for _, n := range []int{24, 60, 84} {
			if _, err := CUP(Switches{KeyLayout: n}).ParseSessionKeys(m.ReservedPrivate62); err == nil {
				t.Errorf("40 bytes are taken for %d", n)
			}
		}
		k.TrackKey, k.TrackKeyCheckValue = k.PINKey, k.PINKeyCheckValue
		if _, err := usualCUP.AppendSessionKeys(nil, k); err == nil {
			t.Error("a track key has a place in 40 bytes")
		}
		if b, err := CUP(Switches{KeyLayout: 60}).AppendSessionKeys(nil, k); err != nil || len(b) != 60 {
			t.Errorf("%X %v", b, err)
		}
		if _, err := CUP(Switches{KeyLayout: 24}).AppendSessionKeys(nil, SessionKeys{PINKey: k.PINKey, PINKeyCheckValue: k.PINKeyCheckValue, MACKey: k.MACKey, MACKeyCheckValue: k.MACKeyCheckValue}); err == nil {
			t.Error("16 bytes in a place of 8")
		}
		k.MACKeyCheckValue = k.MACKeyCheckValue[:3]
		if _, err := usualCUP.AppendSessionKeys(nil, k); err == nil {
			t.Error("a check value of 3 bytes")
		}
	}
	if seen != 6 {
		t.Errorf("%d sign-ons", seen)
	}
}

func TestPINControl(t *testing.T) {
	for s, want := range map[string]PINControl{
		"2600000000000000": {PINWithPAN, true, false}, "0600000000000000": {NoPIN, true, false}, "2610000000000000": {PINWithPAN, true, true}, "1000000000000000": {PIN: PINWithoutPAN},
	} {
		if got, err := ParsePINControl(s); err != nil || got != want || got.String() != s {
			t.Errorf("%s: %+v %v", s, got, err)
		}
	}
	for _, bad := range []string{"", "3600000000000000", "2100000000000000", "2620000000000000", "2600000000000001", "26000000000000000"} {
		if _, err := ParsePINControl(bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestTerminalInformation(t *testing.T) {
	want := TerminalInformation{DeviceType: "04", Serial: "000018040000001", Factor: "010119", Version: "00000001"}
	s, err := want.Append("")
	if err != nil || s != "A2051"+"0400204"+"05015000018040000001"+"06006010119"+"0800800000001" {
		t.Fatalf("%q %v", s, err)
	}
	if got, err := ParseTerminalInformation(s); err != nil || got != want {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []string{"", "A2", "A2000x", "A3000", "A2007040010", "A20070400112", "A2001", "A2014" + "0500010400204", "A2014" + "04001004001004"} {
		if got, err := ParseTerminalInformation(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
	if p := fmt.Sprintf("%v %+v %#v", want, want, want); strings.Contains(p, "010119") {
		t.Error(p)
	}
}

func TestEntryMode(t *testing.T) {
	for _, c := range []struct {
		how  string
		pin  bool
		want string
	}{{EntryStripe, true, "0021"}, {EntryChip, true, "0051"}, {EntryContactlessChip, false, "0072"}, {EntryCode, false, "0032"}} {
		m := Message{POSEntryMode: EntryMode(c.how, c.pin)}
		if how, pin := m.Entry(); m.POSEntryMode != c.want || how != c.how || pin != c.pin {
			t.Errorf("%s: %s %v", m.POSEntryMode, how, pin)
		}
	}
}

func TestSwitchesSayWhatTheyKnow(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"length-6", "13", `dialect: switch "length-6": want one of header, wrong-header, length-60`},
		{"length-60", "12", `dialect: switch length-60: "12": want 13, 8, 11, 14, 15, 17`},
		{"mismatch", "", `dialect: switch mismatch: "": want reverse, bctc`},
		{"header", "6031", "dialect: switch header: dialect: wrong header: want 12 upper-case"},
	} {
		if _, err := ParseSwitches(map[string]string{c.name: c.value}); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s %q: %v", c.name, c.value, err)
		}
	}
	s, err := ParseSwitches(nil)
	if err != nil || len(s.Map()) != 0 || s != usualCUP.Switches() || s.BCTCMismatch || s.GiveUpAtClose || s.OnlyApprovalEnds {
		t.Errorf("%+v %v", s, err)
	}
	if _, err := ByName("iso87", Options{Switches: Switches{SingleMAK: true}}); err == nil {
		t.Error("iso87 has a switch")
	}
	if _, err := ByName("cup", Options{Switches: Switches{Length60: 9}}); err == nil {
		t.Error("a length of 9")
	}
	if d, err := ByName("cup", Options{Switches: Switches{SingleMAK: true}}); err != nil || d.Name() != "cup" || !d.NumbersBatches() || !d.Switches().SingleMAK {
		t.Errorf("%v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("switches that are none")
		}
	}()
	CUP(Switches{KeyLayout: 41})
}

// Nothing of a card, a code or a key is shown.
func TestCUPHidesWhatIsSecret(t *testing.T) {
	for _, m := range cupSamples(t) {
		for _, f := range usualCUP.Fields(m) {
			noSecrets(t, f.Name, f.Value)
			if strings.Contains(f.Value, "6225000000000000014") {
				t.Errorf("DE %d: %s", f.DE, f.Value)
			}
		}
		j, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		noSecrets(t, "JSON", string(j))
	}
}

// As few as iso87's, but for the data elements that cup has more.
func TestAllocationsOfCUPStayFew(t *testing.T) {
	m := cupSale(t)
	b := must(usualCUP.Pack(m, nil))
	if n := testing.AllocsPerRun(100, func() { _, _ = usualCUP.Unpack(b) }); n > 44 {
		t.Errorf("Unpack allocates %.0f times", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = usualCUP.Pack(m, nil) }); n > 64 {
		t.Errorf("Pack allocates %.0f times", n)
	}
}

func BenchmarkPackCUP(b *testing.B) {
	m := cupSale(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := usualCUP.Pack(m, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnpackCUP(b *testing.B) {
	p := must(usualCUP.Pack(cupSale(b), nil))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := usualCUP.Unpack(p); err != nil {
			b.Fatal(err)
		}
	}
}
