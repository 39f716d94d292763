package nii

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/transport/dialect"
)

func made(t testing.TB) *dialect.Dialect {
	t.Helper()
	d, err := New("003")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func hexOf(t testing.TB, parts ...string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(parts, ""), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Written by hand.
func TestMessagesWrittenByHand(t *testing.T) {
	for _, c := range []struct {
		name    string
		bytes   []byte
		message *dialect.Message
	}{
		{"a void by its original's invoice number", hexOf(t,
			"0200 2020 0180 0000 0004", // 3, 11, 24, 25, 62
			"020000 000124 0003 00 0006", hex.EncodeToString([]byte("000123"))), &dialect.Message{
			MTI: "0200", Kind: dialect.KindVoid, ProcessingCode: "020000", SystemsTraceAuditNumber: "000124", POSConditionCode: "00", Original: dialect.Original{STAN: "000123"}}},
		{"a settlement", hexOf(t,
			"0500 2000 0100 0000 0012", // 3, 24, 60, 63
			"920000 0003 0006", hex.EncodeToString([]byte("000007")), "0090",
			hex.EncodeToString([]byte("003"+"000000012345"+"001"+"000000000100"+strings.Repeat("0", 60)))), &dialect.Message{
			MTI: "0500", Kind: dialect.KindSettlement, ProcessingCode: "920000", BatchNumber: "000007",
			Totals: &dialect.Totals{Debits: dialect.Total{Count: 3, Amount: 12345}, Credits: dialect.Total{Count: 1, Amount: 100}}}},
		{"its answer", hexOf(t, "0510 2000 0100 0200 0000 920000 0003 3935"), &dialect.Message{
			MTI: "0510", Kind: dialect.KindSettlement, ProcessingCode: "920000", ResponseCode: "95", SettlementResult: dialect.SettlementNotEqual}},
		{"a tip", hexOf(t, "0220 2000 0180 0000 0400 020000 0003 00", hex.EncodeToString([]byte("000000000150"))), &dialect.Message{
			MTI: "0220", Kind: dialect.KindTipAdjust, ProcessingCode: "020000", POSConditionCode: "00", TipAmount: 150}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := made(t).Unpack(c.bytes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.message, got, cmp.Comparer(func(a, b pan.PAN) bool { return a == b })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if b, err := made(t).Pack(c.message, nil); err != nil || !bytes.Equal(b, c.bytes) {
				t.Errorf("%v\n got %X\nwant %X", err, b, c.bytes)
			}
		})
	}
}

// Every kind is shaped, sent and known again; a reversal, a repeat and a MAC need nothing of their own.
func TestEveryKindArrives(t *testing.T) {
	d := made(t)
	sum := func(dst *[8]byte, data []byte) error { copy(dst[:], fmt.Sprintf("%08d", len(data))); return nil }
	verify := func(mac, data []byte) error {
		if string(mac) != fmt.Sprintf("%08d", len(data)) {
			return fmt.Errorf("over %d bytes", len(data))
		}
		return nil
	}
	for _, f := range d.Forms() {
		m := &dialect.Message{Kind: f.Kind, MTI: f.MTI, SystemsTraceAuditNumber: "000123", TimeLocalTransaction: "140511", DateLocalTransaction: "0302"}
		if err := d.Shape(m); err != nil {
			t.Fatal(err)
		}
		b, err := d.Pack(m, sum)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Unpack(b)
		if err != nil || got.Kind != f.Kind || got.Key() != m.Key() {
			t.Errorf("%v: %v, %v", f.Kind, got, err)
			continue
		}
		if err := d.VerifyMAC(b, got, verify); err != nil {
			t.Error(err)
		}
	}
	sale := &dialect.Message{MTI: "0200", Kind: dialect.KindSale, SystemsTraceAuditNumber: "000001"}
	answer := &dialect.Message{MTI: dialect.Response(sale.MTI), SystemsTraceAuditNumber: "000001", ResponseCode: "00"}
	if err := dialect.Match(sale, answer); err != nil {
		t.Error(err)
	}
	if got := d.Repeat("0400"); got != "0400" {
		t.Errorf("such hosts know no repeats: %s", got)
	}
}

func TestWhatIsRefused(t *testing.T) {
	d := made(t)
	for _, c := range []struct {
		name string
		m    dialect.Message
		want string
	}{
		{"a batch number of a sale", dialect.Message{MTI: "0200", BatchNumber: "000007"}, "dialect: DE 60: a batch number outside a settlement"},
		{"a key of its own", dialect.Message{MTI: "0200", KeySerialNumber: make([]byte, 10)}, "dialect: DE 62: a key of its own"},
		{"totals too many", dialect.Message{MTI: "0500", Totals: &dialect.Totals{Debits: dialect.Total{Count: 1000}}}, "dialect: DE 63: 1000 transactions"},
		{"a repeat", dialect.Message{MTI: "0401"}, `dialect: MTI: "0401" is not a message of nii`},
	} {
		if b, err := d.Pack(&c.m, nil); err == nil || !strings.HasPrefix(err.Error(), c.want) || b != nil {
			t.Errorf("%s: %X, %v", c.name, b, err)
		}
	}
	if _, err := d.Unpack(hexOf(t, "0200 0000 0100 0000 0000 0004")); err == nil || err.Error() != "dialect: DE 24 at offset 10: the message is for another host" {
		t.Error(err)
	}
	if _, err := d.Unpack(hexOf(t, "0200 0000 0000 0000 0000")); err == nil || err.Error() != "dialect: bitmap at offset 2: no DE 24: want it in every message of nii" {
		t.Error(err)
	}
	if _, err := New("3"); err == nil {
		t.Error("an NII of one digit")
	}
}

func FuzzUnpack(f *testing.F) {
	d := made(f)
	for _, m := range []*dialect.Message{
		{MTI: "0500", BatchNumber: "000007", Totals: &dialect.Totals{Debits: dialect.Total{Count: 1, Amount: 2}}},
		{MTI: "0810", NetworkManagementCode: "001", ReservedPrivate62: bytes.Repeat([]byte{0xAB}, 38)},
		{MTI: "0220", TipAmount: 1, Original: dialect.Original{STAN: "000001"}},
	} {
		b, err := d.Pack(m, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := d.Unpack(src)
		if err != nil {
			return
		}
		var mac func(*[8]byte, []byte) error
		if m.MAC != nil {
			mac = func(dst *[8]byte, _ []byte) error { copy(dst[:], m.MAC); return nil }
		}
		if again, err := d.Pack(m, mac); err != nil || !bytes.Equal(again, src) {
			t.Fatalf("%X\nbecame %X, %v", src, again, err)
		}
	})
}
