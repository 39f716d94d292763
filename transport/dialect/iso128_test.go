package dialect

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// DE 90 of the standard is n42: MTI 4, STAN 6, transmission date and time 10, acquirer 11, forwarder 11, the institutions at the
// right. The public question on jPOS's list (jpos-users, 9mMF_Ww7z7Y) is what comes of another order or length.
const originalDataByHand = "0200" + "000123" + "0302140511" + "00000123456" + "00000000000"

// Written by hand, as those of vectors_test.go.
func TestMessagesOf128BitsWrittenByHand(t *testing.T) {
	for _, c := range []struct {
		name    string
		bytes   []byte
		message *Message
	}{
		{"a reversal names its original, and what is left of it", bytesOf(
			"0420",
			"B238 0000 0000 0010", // 1, 3, 4, 7, 11, 12, 13, 60
			"0000 0042 0000 0000", // 90, 95; 128 is not set
			"000000",
			"000000010000",
			"0302140611 ; DE 7 n10 MMDDhhmmss",
			"000123",
			"140511",
			"0302",
			"0002 3938              ; DE 60: the reason",
			originalDataByHand,
			fmt.Sprintf("%X", "000000004000"+"000000000000"+"D00000000"+"D00000000")+" ; DE 95 an42",
		), &Message{
			MTI: "0420", ProcessingCode: "000000", AmountTransaction: 10000, HasAmount: true, TransmissionDateTime: "0302140611", SystemsTraceAuditNumber: "000123",
			TimeLocalTransaction: "140511", DateLocalTransaction: "0302", ReversalReason: "98", ReplacementAmount: 4000,
			Original: Original{MTI: "0200", STAN: "000123", Date: "0302", Time: "140511", Acquirer: "123456"}}},
		{"an original's batch number stays in DE 60", bytesOf(
			"0220 A000 0080 0000 0010", // 1, 3, 25, 60
			"0000 0040 0000 0000",
			"200000 00",
			"0023", fmt.Sprintf("%X", "#000007----------------"),
			"0000 000123 0000000000 00000000000 00000000000"), &Message{
			MTI: "0220", Kind: KindRefund, ProcessingCode: "200000", POSConditionCode: "00", Original: Original{Batch: "000007", STAN: "000123"}}},
		{"a sign-on", bytesOf(
			"0800 8020 0000 0000 0000", // 1, 11
			"0400 0000 0000 0000",      // 70
			"000001",
			"0001 ; DE 70 n3"), &Message{MTI: "0800", Kind: KindSignOn, SystemsTraceAuditNumber: "000001", NetworkManagementCode: "001"}},
		{"a settlement", bytesOf(
			"0500 A000 0000 0000 0010", // 1, 3, 60
			"0078 0780 8000 0000",      // 74-77; 86-89, 97
			"920000",
			"0006", fmt.Sprintf("%X", "000007"),
			"0000000001 ; DE 74 credits, number",
			"0000000000",
			"0000000003 ; DE 76 debits, number",
			"0000000000",
			"0000000000000100 ; DE 86 credits, amount",
			"0000000000000000",
			"0000000000012345 ; DE 88 debits, amount",
			"0000000000000000",
			"44 0000000000012245 ; DE 97 x+n16, D: debits exceed credits"), &Message{
			MTI: "0500", Kind: KindSettlement, ProcessingCode: "920000", BatchNumber: "000007", Totals: &Totals{Debits: Total{3, 12345}, Credits: Total{1, 100}}}},
		{"its answer: out of balance", bytesOf(
			"0510 A000 0000 0200 0000", // 1, 3, 39
			"4000 0000 0000 0000",      // 66
			"920000 3030",
			"02 ; DE 66 n1"), &Message{MTI: "0510", Kind: KindSettlement, ProcessingCode: "920000", ResponseCode: "00", SettlementResult: SettlementNotEqual}},
		{"nothing above 64, no secondary bitmap", bytesOf("0200 2000 0080 0000 0000 000000 00"), &Message{
			MTI: "0200", Kind: KindSale, ProcessingCode: "000000", POSConditionCode: "00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ISO128().Unpack(c.bytes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.message, got, comparePANs); diff != "" {
				t.Errorf("Unpack (-want +got):\n%s", diff)
			}
			packed, err := ISO128().Pack(c.message, nil)
			if err != nil || !bytes.Equal(packed, c.bytes) {
				t.Errorf("Pack, %v\n got %X\nwant %X", err, packed, c.bytes)
			}
		})
	}
}

// The MAC is the last data element: DE 64, or DE 128 where the secondary bitmap says more than that.
func TestWhereTheMACOf128BitsIs(t *testing.T) {
	sum, verify := macer(t)
	narrow, wide := sale(t), sale(t)
	wide.Original.STAN = "000122"
	for _, c := range []struct {
		m          *Message
		first, end byte // bits 64 and 128
		length     int
	}{{narrow, 1, 0, 10}, {wide, 0, 1, 18}} {
		b, err := ISO128().Pack(c.m, sum)
		if err != nil {
			t.Fatal(err)
		}
		if b[9]&1 != c.first || c.length == 18 && b[17]&1 != c.end || b[2]>>7 != c.end {
			t.Errorf("bitmap %X", b[2:c.length])
		}
		m, err := ISO128().Unpack(b)
		if err != nil || len(m.MAC) != 8 {
			t.Fatalf("%v, MAC of %d bytes", err, len(m.MAC))
		}
		if err := ISO128().VerifyMAC(b, m, verify); err != nil {
			t.Error(err)
		}
		for i := range 8 * len(b) {
			bad := bytes.Clone(b)
			bad[i/8] ^= 0x80 >> (i % 8)
			m, err := ISO128().Unpack(bad)
			if err == nil {
				err = ISO128().VerifyMAC(bad, m, verify)
			}
			if err == nil {
				t.Errorf("bit %d of byte %d: %v", i%8, i/8, m)
			}
		}
		for n := range b {
			if m, err := ISO128().Unpack(b[:n:n]); err == nil {
				t.Errorf("%d of %d bytes: %v", n, len(b), m)
			}
		}
	}
}

func TestUnpackOf128BitsRefuses(t *testing.T) {
	totals := "0000000001 0000000000 0000000003 0000000000 0000000000000100 0000000000000000 0000000000012345 0000000000000000"
	for _, c := range []struct{ name, bytes, want string }{
		{"half a secondary bitmap", "0200 8000000000000000 00000000", "dialect: bitmap at offset 2: "},
		{"a secondary bitmap with nothing in it", "0200 8000000000000000 0000000000000000", "dialect: bitmap at offset 2: a secondary bitmap without a data element above 64"},
		{"with nothing but the MAC in it", "0200 8000000000000000 0000000000000001 0102030405060708", "dialect: bitmap at offset 2: a secondary bitmap without a data element above 64"},
		{"two MACs", "0200 8000000000000001 0400000000000001 0102030405060708 0001 0102030405060708", "dialect: DE 64 at offset 18: "},
		{"a third bitmap", "0200 8000000000000000 8000000000000000 0000000000000000", "dialect: DE 65 at offset "},
		{"a data element outside the table", "0200 8000000000000000 2000000000000000 0000", "dialect: DE 67 at offset 18: not a data element of iso87-128"},
		{"a network code in DE 60", "0800 0000000000000010 0003 303031", "dialect: DE 60 at offset 10: a network management code: want it in DE 70"},
		{"a network code of a sale", "0200 8000000000000000 0400000000000000 0001", "dialect: DE 70 at offset 18: a network management code of what is none"},
		{"an original of zeros", "0400 8000000000000000 0000004000000000" + strings.Repeat("00", 21), "dialect: DE 90 at offset 18: zeros alone"},
		{"an original's time without its date", "0400 8000000000000000 0000004000000000 0200 000123 0000140511 00000000000 00000000000", "dialect: DE 90 at offset 18: the original's time without its date"},
		{"an original of 40 digits", "0400 8000000000000000 0000004000000000" + strings.Repeat("11", 20), "dialect: DE 90 at offset 18: 42 digits need 21 bytes: 20 left"},
		{"an original of a settlement", "0500 8000000000000000 0000004000000000" + originalDataByHand, `dialect: DE 90 at offset 18: an original that class "reconciliation" has no place for`},
		{"an original's STAN in DE 60", "0200 0000000000000010 0023" + fmt.Sprintf("%X", "#000007000123----------"), "dialect: DE 60 at offset 10: an original's STAN, date or time: want them in DE 90"},
		{"fees replaced", "0400 8000000000000000 0000000200000000" + fmt.Sprintf("%X", "000000004000"+"000000000000"+"D00000001"+"D00000000"), "dialect: DE 95 at offset 18: want an amount n12"},
		{"nothing left", "0400 8000000000000000 0000000200000000" + fmt.Sprintf("%X", "000000000000"+noMoreReplacement), "dialect: DE 95 at offset 18: want an amount n12, not 0"},
		{"a settlement code of a request", "0500 8000000000000000 4000000000000000 01", "dialect: DE 66 at offset 18: want 1, 2 or 3 in the answer"},
		{"a settlement code of 4", "0510 8000000000000000 4000000000000000 04", "dialect: DE 66 at offset 18: want 1, 2 or 3"},
		{"a net that is another", "0500 8000000000000000 0078078080000000" + totals + "43 0000000000012245", "dialect: DE 97 at offset 70: not the net of DE 86 and DE 88"},
		{"a net that is neither", "0500 8000000000000000 0078078080000000" + totals + "45 0000000000012245", "dialect: DE 97 at offset 70: character 1: want C or D"},
		{"some of the totals", "0500 8000000000000000 0010000000000000 0000000003", "dialect: bitmap at offset 2: 1 of DE [74 75 76 77 86 87 88 89 97]: they come together or not at all"},
		{"reversals counted", "0500 8000000000000000 0078078080000000 0000000001 0000000001" + totals[22:] + "44 0000000000012245", "dialect: DE 75 at offset 23: reversals counted apart: want 0"},
		{"totals of a sale", "0200 8000000000000000 0078078080000000" + totals + "44 0000000000012245", "dialect: DE 74 at offset 18: totals of what is no reconciliation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ISO128().Unpack(bytesOf(c.bytes))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || m != nil {
				t.Fatalf("got %v\n%v, want\n%s", m, err, c.want)
			}
		})
	}
}

func TestPackOf128BitsRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		m    Message
		want string
	}{
		{"a short STAN of the original", Message{MTI: "0200", Original: Original{STAN: "123"}}, "dialect: DE 90: the original's STAN: want 6 digits"},
		{"an institution with filler", Message{MTI: "0200", Original: Original{STAN: "000123", Acquirer: "00000123456"}}, "dialect: DE 90: the original's acquirer begins with 0"},
		{"a time without a date", Message{MTI: "0200", Original: Original{STAN: "000123", Time: "140511"}}, "dialect: DE 90: the original's time without its date"},
		{"an original of a settlement", Message{MTI: "0500", Original: Original{STAN: "000123"}}, `dialect: DE 60: an original that class "reconciliation" has no place for`},
		{"what is left of a sale", Message{MTI: "0200", ReplacementAmount: 1}, "dialect: DE 95: a replacement amount on what is no reversal"},
		{"less than nothing left", Message{MTI: "0400", ReplacementAmount: -1}, "dialect: DE 95: replacement amount -1"},
		{"a result of a request", Message{MTI: "0500", SettlementResult: SettlementEqual}, "dialect: DE 66: a settlement's result on what does not answer one"},
		{"totals of a sale", Message{MTI: "0200", Totals: &Totals{}}, `dialect: DE 63: totals that class "financial" has no place for`},
		{"totals too many", Message{MTI: "0500", Totals: &Totals{Debits: Total{Amount: 1e16}}}, "dialect: DE 88: 10000000000000000: want 0 to 9999999999999999"},
		{"a network code of a sale", Message{MTI: "0200", NetworkManagementCode: "001"}, "dialect: DE 60: network management code"},
		{"a half time of transmission", Message{MTI: "0200", TransmissionDateTime: "0302"}, "dialect: DE 7: length 4: want exactly 10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := ISO128().Pack(&c.m, nil)
			if field := (*FieldError)(nil); !errors.As(err, &field) || !strings.HasPrefix(err.Error(), c.want) || b != nil {
				t.Errorf("got %X\n%v, want\n%s", b, err, c.want)
			}
		})
	}
}

func TestWhatArrivesIsWhatWasSentIn128Bits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyKind(t, ISO128())
		m.TransmissionDateTime = "0302140511"
		if o := &m.Original; *o != (Original{}) { // what zeros stand for is not told from them
			if o.Date == "0000" || o.Date == "" {
				o.Date, o.Time = "", ""
			} else if o.Time == "" {
				o.Time = "000000"
			}
			if o.STAN == "000000" {
				o.STAN = ""
			}
			o.MTI = rapid.SampledFrom([]string{"", "0200", "0100"}).Draw(t, "original's MTI")
			o.Acquirer = rapid.SampledFrom([]string{"", "1", "12345678901"}).Draw(t, "acquirer")
			o.Forwarder = rapid.SampledFrom([]string{"", "10", "98765432109"}).Draw(t, "forwarder")
		}
		if Class(m.MTI) == ClassReversal {
			m.ReplacementAmount = rapid.Int64Range(0, maxAmount).Draw(t, "left")
		}
		if m.Totals != nil { // one set of totals
			m.Totals.ForeignCredits, m.Totals.ForeignDebits = Total{}, Total{}
		}
		if m.answersReconciliation() {
			m.ResponseCode = "00"
		}
		sum := func(dst *[8]byte, data []byte) error { copy(dst[:], data); return nil }
		b, err := ISO128().Pack(m, sum)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ISO128().Unpack(b)
		if err != nil {
			t.Fatal(err)
		}
		if got.Kind == KindNone { // more than one kind has these numbers
			got.Kind = m.Kind
		}
		m.MAC = b[:8]
		if diff := cmp.Diff(m, got, comparePANs); diff != "" {
			t.Fatalf("(-sent +arrived):\n%s", diff)
		}
		for _, f := range ISO128().Fields(got) {
			if one, ok := ISO128().Field(got, f.DE); !ok || one != f.Value {
				t.Fatalf("DE %d is %q, and %q alone", f.DE, f.Value, one)
			}
		}
	})
}

// All cards together: the standard has one set of totals.
func TestForeignTotalsAreInThoseOf128Bits(t *testing.T) {
	b, err := ISO128().Pack(&Message{MTI: "0510", ForeignResult: SettlementError, SettlementResult: SettlementEqual,
		Totals: &Totals{Debits: Total{1, 10}, ForeignDebits: Total{2, 5}, ForeignCredits: Total{1, 100}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ISO128().Unpack(b)
	if err != nil || *m.Totals != (Totals{Debits: Total{3, 15}, Credits: Total{1, 100}}) || m.SettlementResult != SettlementError {
		t.Errorf("%v, %+v, result %d", err, m.Totals, m.SettlementResult)
	}
}
