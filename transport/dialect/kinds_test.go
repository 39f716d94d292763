package dialect

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/posim/posim/internal/pan"
)

// Written by hand, as those of vectors_test.go.
func TestMessagesBesideSalesWrittenByHand(t *testing.T) {
	totals := "000003000000012345" + "000001000000000100" + "000000000000000000" + "000000000000000000"
	for _, c := range []struct {
		name    string
		bytes   []byte
		message *Message
	}{
		{"a void names its original by batch and STAN, and is of a batch", bytesOf(
			"0200 2020 0080 0000 0012", // 3, 11, 25, 60, 63
			"020000 000124 00",
			"0023", fmt.Sprintf("%X", "#000007000123----------"),
			"0006", fmt.Sprintf("%X", "000007")), &Message{
			MTI: "0200", Kind: KindVoid, ProcessingCode: "020000", SystemsTraceAuditNumber: "000124", POSConditionCode: "00", BatchNumber: "000007",
			Original: Original{Batch: "000007", STAN: "000123"}}},
		{"an original of a terminal without batches, and who authorised it", bytesOf(
			"0220 2000 0080 0000 0010",
			"200000 00",
			"0027", fmt.Sprintf("%X", "#------0001230302140511"+"01"+"48")), &Message{
			MTI: "0220", Kind: KindRefund, ProcessingCode: "200000", POSConditionCode: "00",
			Original: Original{STAN: "000123", Date: "0302", Time: "140511", AuthMethod: "01", Authorizer: "48"}}},
		{"a reversal of a void: the reason, then the original", bytesOf(
			"0420 0000 0000 0000 0010",
			"0025", fmt.Sprintf("%X", "98#000007000123----------")), &Message{
			MTI: "0420", ReversalReason: "98", Original: Original{Batch: "000007", STAN: "000123"}}},
		{"cash back is in the additional amounts", bytesOf(
			"0200 3000 0080 0000 8400", // 3, 4, 25, 49, 54
			"090000 000000012000 00 0156",
			"0020", fmt.Sprintf("%X", "0040156D000000002000")), &Message{
			MTI: "0200", Kind: KindCashBack, ProcessingCode: "090000", AmountTransaction: 12000, HasAmount: true, POSConditionCode: "00",
			CurrencyCodeTransaction: "0156", CashBackAmount: 2000}},
		{"so is that a part of the amount is enough", bytesOf(
			"0200 3000 0080 0000 8400", // 3, 4, 25, 49, 54
			"000000 000000012000 00 0156",
			"0020", fmt.Sprintf("%X", "0090156D000000000001")), &Message{
			MTI: "0200", Kind: KindSale, ProcessingCode: "000000", AmountTransaction: 12000, HasAmount: true, POSConditionCode: "00",
			CurrencyCodeTransaction: "0156", PartialSupport: "1"}},
		{"a settlement", bytesOf(
			"0500 2020 0000 0000 0012",
			"920000 000125",
			"0006", fmt.Sprintf("%X", "000007"),
			"0072", fmt.Sprintf("%X", totals)), &Message{
			MTI: "0500", Kind: KindSettlement, ProcessingCode: "920000", SystemsTraceAuditNumber: "000125", BatchNumber: "000007",
			Totals: &Totals{Debits: Total{3, 12345}, Credits: Total{1, 100}}}},
		{"its answer: not equal", bytesOf(
			"0510 2000 0000 0200 0010", // 3, 39, 60
			"920000 3935",
			"0006", fmt.Sprintf("%X", "000007")), &Message{
			MTI: "0510", Kind: KindSettlement, ProcessingCode: "920000", ResponseCode: "95", BatchNumber: "000007", SettlementResult: SettlementNotEqual}},
		{"a line of a batch", bytesOf(
			"0320 7020 0080 0000 0010", // 2, 3, 4, 11, 25, 60
			"16 4761739001010119", "000000", "000000010000", "000126", "00",
			"0017", fmt.Sprintf("%X", "0000070200000123D")), &Message{
			MTI: "0320", Kind: KindUpload, SystemsTraceAuditNumber: "000126", BatchNumber: "000007",
			Details: []Detail{{Kind: KindSale, STAN: "000123", PAN: number(t, "4761739001010119"), Amount: 10000, Debit: true}}}},
		{"its answer", bytesOf(
			"0330 0020 0000 0200 0010",
			"000126 3030",
			"0006", fmt.Sprintf("%X", "000007")), &Message{
			MTI: "0330", Kind: KindUpload, SystemsTraceAuditNumber: "000126", ResponseCode: "00", BatchNumber: "000007"}},
		{"the end of the upload: two lines sent", bytesOf(
			"0500 2000 0000 0000 0010",
			"960000",
			"0010", fmt.Sprintf("%X", "0000070002")), &Message{
			MTI: "0500", Kind: KindUploadEnd, ProcessingCode: "960000", BatchNumber: "000007", Uploaded: 2}},
		{"a balance", bytesOf(
			"0110 2000 0000 0200 0400",
			"310000 3030",
			"0020", fmt.Sprintf("%X", "0002156C000000004200")), &Message{
			MTI: "0110", Kind: KindBalance, ProcessingCode: "310000", ResponseCode: "00", AdditionalAmounts: "0002156C000000004200"}},
		{"a code that was scanned", bytesOf(
			"0200 2000 0080 0000 0020", // 3, 25, 59
			"700000 00",
			"0004", fmt.Sprintf("%X", "1234")), &Message{
			MTI: "0200", Kind: KindQRSale, ProcessingCode: "700000", POSConditionCode: "00", CodeScanned: "1234"}},
		{"a sign-off", bytesOf("0800 0000 0000 0000 0010 0003 303032"), &Message{MTI: "0800", Kind: KindSignOff, NetworkManagementCode: "002"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.message, mustUnpack(t, c.bytes), comparePANs); diff != "" {
				t.Errorf("Unpack (-want +got):\n%s", diff)
			}
			if packed := mustPack(t, c.message, nil); !bytes.Equal(packed, c.bytes) {
				t.Errorf("Pack\n got %X\nwant %X", packed, c.bytes)
			}
		})
	}
}

func TestWhatPackRefusesBesideSales(t *testing.T) {
	for _, c := range []struct {
		name string
		m    Message
		want string
	}{
		{"an original without place", Message{MTI: "0500", Original: Original{STAN: "000001"}}, `DE 60: an original that class "reconciliation" has no place for`},
		{"an original beside private data", Message{MTI: "0200", Original: Original{STAN: "000001"}, ReservedPrivate60: "x"}, "DE 60: an original beside private data"},
		{"a short STAN of the original", Message{MTI: "0200", Original: Original{STAN: "1"}}, "DE 60: the original's STAN: want 6 digits"},
		{"private data like an original", Message{MTI: "0200", ReservedPrivate60: "#1"}, "DE 60: private data that begins with '#'"},
		{"a reason like an original", Message{MTI: "0400", ReversalReason: "98#"}, "DE 60: a reason with '#' in it"},
		{"a short batch number", Message{MTI: "0200", BatchNumber: "7"}, "DE 63: batch number of 1 characters: want 6 digits"},
		{"a batch number beside private data", Message{MTI: "0200", BatchNumber: "000007", ReservedPrivate63: "x"}, "DE 63: a batch number or totals beside private data"},
		{"private data like a batch number", Message{MTI: "0200", ReservedPrivate63: "000007"}, "DE 63: private data that looks like a batch number"},
		{"cash back without a currency", Message{MTI: "0200", CashBackAmount: 1}, "DE 54: cash back or tip without a currency"},
		{"less than no cash back", Message{MTI: "0200", CashBackAmount: -1, CurrencyCodeTransaction: "0156"}, "DE 54: cash back or tip of -1"},
		{"amounts like cash back", Message{MTI: "0200", AdditionalAmounts: "0040"}, "DE 54: additional amounts that begin with cash back"},
		{"amounts like a least part", Message{MTI: "0200", AdditionalAmounts: "0090"}, "DE 54: additional amounts that begin with cash back"},
		{"totals too many", Message{MTI: "0500", Totals: &Totals{Credits: Total{1_000_000, 1}}}, "DE 63: a total of 1000000 transactions"},
		{"a result beside another code", Message{MTI: "0510", ResponseCode: "96", SettlementResult: SettlementEqual}, "DE 39: a settlement result that is written 00 beside another response code"},
		{"a result that is none", Message{MTI: "0510", SettlementResult: 9}, "DE 39: settlement result 9"},
		{"two lines", Message{MTI: "0320", Details: make([]Detail, 2)}, "DE 60: 2 lines: want one to a message"},
		{"a line of no batch", Message{MTI: "0320", Details: []Detail{{Kind: KindEcho, STAN: "000001"}}}, "DE 60: a line of a kind (echo) that is in no batch"},
		{"a line without its STAN", Message{MTI: "0320", Details: []Detail{{Kind: KindSale}}}, "DE 60: the line's STAN: want 6 digits"},
		{"a line beside an amount", Message{MTI: "0320", HasAmount: true, Details: []Detail{{Kind: KindSale, STAN: "000001"}}}, "DE 60: a line beside a card number"},
		{"lines of a sale", Message{MTI: "0200", Details: []Detail{{Kind: KindSale, STAN: "000001"}}}, `DE 60: lines of a batch that class "financial" has no place for`},
		{"private data of an upload", Message{MTI: "0320", ReservedPrivate60: "x"}, "DE 60: private data that class"},
		{"lines too many", Message{MTI: "0500", Uploaded: 10_000}, "DE 60: 10000 lines sent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := ISO87().Pack(&c.m, nil)
			if err == nil || !strings.HasPrefix(err.Error(), "dialect: "+c.want) || b != nil {
				t.Errorf("got %X\n%v, want\ndialect: %s", b, err, c.want)
			}
		})
	}
}

func TestWhatUnpackRefusesBesideSales(t *testing.T) {
	private60 := func(mti, text string) []byte {
		return bytesOf(mti, "0000000000000010", fmt.Sprintf("%04d%X", len(text), text))
	}
	for _, c := range []struct {
		name  string
		bytes []byte
		want  string
	}{
		{"half an original", private60("0200", "#000007"), "dialect: DE 60 at offset 10: an original of 7 characters"},
		{"a letter in it", private60("0200", "#00000x000123----------"), "dialect: DE 60 at offset 10: the original's batch number: want 6 digits"},
		{"hyphens and digits", private60("0200", "#---000000123----------"), "dialect: DE 60 at offset 10: the original's batch number: want 6 digits"},
		{"nothing known", private60("0200", "#----------------------"), "dialect: DE 60 at offset 10: an original of which nothing is known"},
		{"hyphens behind it", private60("0200", "#000007000123------------"), "dialect: DE 60 at offset 10: behind the original's time: hyphens alone"},
		{"too much behind it", private60("0200", "#000007000123----------00123456789012"), "dialect: DE 60 at offset 10: behind the original's time: want"},
		{"a batch number of five digits", private60("0500", "00007"), "dialect: DE 60 at offset 10: 5 characters: want a batch number of 6 digits"},
		{"no batch number and no lines", private60("0500", "------"), "dialect: DE 60 at offset 10: hyphens alone"},
		{"no lines in digits", private60("0500", "0000070000"), "dialect: DE 60 at offset 10: the lines sent: want 4 digits, not all 0"},
		{"a line of no kind", private60("0320", "0000070200000123D"), "dialect: DE 60: a line whose MTI"},
		{"half a line", private60("0320", "0000070200"), "dialect: DE 60: 10 characters"},
		{"a line without its amount", bytesOf("0320 2000 0080 0000 0010 000000 00 0017", fmt.Sprintf("%X", "0000070200000123D")), "dialect: DE 60: a line without an amount"},
		{"a line that is neither", bytesOf("0320 3000 0080 0000 0010 000000 000000000001 00 0017", fmt.Sprintf("%X", "0000070200000123X")), "dialect: DE 60: the line's last character: want D or C"},
		{"cash back of another currency", bytesOf("0200 0000 0000 0000 8400 0156 0020", fmt.Sprintf("%X", "0040840D000000002000")), "dialect: DE 54 at offset 12: amount 0040: want 0040, the transaction's currency"},
		{"no cash back in digits", bytesOf("0200 0000 0000 0000 8400 0156 0020", fmt.Sprintf("%X", "0040156D000000000000")), "dialect: DE 54 at offset 12: amount 0040"},
		{"a tip before cash back", bytesOf("0200 0000 0000 0000 8400 0156 0040", fmt.Sprintf("%X", "0044156D0000000000010040156D000000000001")), "dialect: DE 54 at offset 12: want cash back (0040) once"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ISO87().Unpack(c.bytes)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || m != nil {
				t.Errorf("got %v\n%v, want\n%s", m, err, c.want)
			}
		})
	}
}

// anyKind draws a message of a kind that d has, with what such a message has beside the numbers: what arrives is what was sent.
func anyKind(t *rapid.T, d *Dialect) *Message {
	digits := func(n int, name string) string {
		return rapid.StringOfN(rapid.RuneFrom([]rune("0123456789")), n, n, -1).Draw(t, name)
	}
	maybe := func(n int, name string) string {
		if rapid.Bool().Draw(t, "has "+name) {
			return digits(n, name)
		}
		return ""
	}
	amount := rapid.Int64Range(0, maxAmount)
	m := &Message{Kind: rapid.SampledFrom(d.forms).Draw(t, "form").Kind, MTI: "0200"}
	if err := d.Shape(m); err != nil {
		t.Fatal(err)
	}
	reversal := m.Kind.Reversible() && rapid.Bool().Draw(t, "reversal")
	if reversal {
		m.MTI = "0400"
		m.ReversalReason = rapid.SampledFrom([]string{ReasonNoAnswer, ReasonDeviceFault, ReasonMAC, ReasonMismatch}).Draw(t, "reason")
	}
	if rapid.Bool().Draw(t, "answer") {
		m.MTI, m.ReversalReason = Response(m.MTI), ""
		m.ResponseCode = "00"
	} else if rapid.Bool().Draw(t, "repeat") {
		m.MTI = d.Repeat(m.MTI)
	}
	m.SystemsTraceAuditNumber, m.BatchNumber = digits(6, "STAN"), maybe(6, "batch")
	m.CurrencyCodeTransaction = "0" + digits(3, "currency")
	class := Class(m.MTI)
	switch {
	case class == ClassReconciliation:
		if rapid.Bool().Draw(t, "totals") {
			m.Totals = &Totals{}
			for _, p := range m.Totals.list() {
				*p = Total{rapid.IntRange(0, 999_999).Draw(t, "count"), amount.Draw(t, "sum")}
			}
		}
		m.Uploaded = rapid.IntRange(0, 9999).Draw(t, "uploaded")
		if IsAnswer(m.MTI) {
			m.SettlementResult = rapid.SampledFrom([]SettlementResult{SettlementEqual, SettlementNotEqual}).Draw(t, "result")
			if m.SettlementResult == SettlementNotEqual {
				m.ResponseCode = codeNotEqual
			}
		}
	case class == ClassFileAction && !IsAnswer(m.MTI):
		lines := rapid.SampledFrom(d.forms).Filter(func(f written) bool { return f.ProcessingCode != "" && Class(f.MTI) <= ClassFinancial })
		m.Details = []Detail{{Kind: lines.Draw(t, "line").Kind, STAN: digits(6, "line's STAN"), Amount: amount.Draw(t, "amount"), Debit: rapid.Bool().Draw(t, "debit"),
			PAN: rapid.SampledFrom([]pan.PAN{{}, testNumber}).Draw(t, "number")}}
	case class == ClassAuthorization, class == ClassFinancial, class == ClassReversal:
		m.SetAmount(amount.Draw(t, "amount"))
		m.CashBackAmount, m.TipAmount = amount.Draw(t, "cash"), amount.Draw(t, "tip")
		m.PartialSupport = rapid.SampledFrom([]string{"", "1"}).Draw(t, "part")
		m.AdditionalAmounts = rapid.SampledFrom([]string{"", "0002156C000000004200"}).Draw(t, "balance")
		m.Original = Original{Batch: maybe(6, "original batch"), STAN: maybe(6, "original STAN"), Date: maybe(4, "date"), Time: maybe(6, "time"), AuthMethod: maybe(2, "method")}
		m.Original.Authorizer = maybe(rapid.IntRange(1, 11).Draw(t, "digits"), "authorizer")
	}
	return m
}

func TestWhatArrivesIsWhatWasSent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyKind(t, ISO87())
		b, err := ISO87().Pack(m, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ISO87().Unpack(b)
		if err != nil {
			t.Fatal(err)
		}
		if got.Kind == KindNone { // more than one kind has these numbers
			got.Kind = m.Kind
		}
		if diff := cmp.Diff(m, got, comparePANs); diff != "" {
			t.Fatalf("(-sent +arrived):\n%s", diff)
		}
		_ = ISO87().Fields(got)
	})
}

// Each kind's request is known by its numbers alone.
func TestEveryFormIsItsKinds(t *testing.T) {
	for _, f := range iso87Forms {
		m := &Message{Kind: f.Kind, MTI: "0200"}
		if err := ISO87().Shape(m); err != nil {
			t.Fatal(err)
		}
		if got := mustUnpack(t, mustPack(t, m, nil)); got.Kind != f.Kind || got.MTI != f.MTI {
			t.Errorf("%v arrives as %s, %v", f.Kind, got.MTI, got.Kind)
		}
	}
}

func TestASettlementsResultIsWrittenInTheCode(t *testing.T) {
	for _, c := range []struct {
		own, foreign SettlementResult
		code, want   string
	}{
		{SettlementEqual, SettlementNone, "", "00"},
		{SettlementNotEqual, SettlementNone, "00", "95"},
		{SettlementError, SettlementNone, "00", "95"},
		{SettlementEqual, SettlementNotEqual, "00", "95"},
		{SettlementNone, SettlementNone, "96", "96"},
	} {
		b := mustPack(t, &Message{MTI: "0510", ResponseCode: c.code, SettlementResult: c.own, ForeignResult: c.foreign}, nil)
		if got := mustUnpack(t, b); got.ResponseCode != c.want {
			t.Errorf("%d and %d beside %q: %q, want %q", c.own, c.foreign, c.code, got.ResponseCode, c.want)
		}
	}
}

func TestBalance(t *testing.T) {
	for _, minor := range []int64{0, 4200, -4200} {
		m := &Message{}
		m.SetBalance(minor, "0156")
		if got, ok := m.Balance(); !ok || got != minor || len(m.AdditionalAmounts) != 20 {
			t.Errorf("%d became %q, and %d", minor, m.AdditionalAmounts, got)
		}
	}
	for _, s := range []string{"", "0002156C00000000420", "0040156D000000000001", "0002156X000000004200", "0002156C00000000420x"} {
		if n, ok := (&Message{AdditionalAmounts: s}).Balance(); ok {
			t.Errorf("%q: %d", s, n)
		}
	}
	if n, ok := (&Message{AdditionalAmounts: "0001156C0000000000010002156C000000004200"}).Balance(); !ok || n != 4200 {
		t.Errorf("behind another amount: %d, %v", n, ok)
	}
}

// testNumber is a published test card's.
var testNumber, _ = pan.Parse("4761739001010119")

func TestALineOfEveryKindArrives(t *testing.T) {
	for _, f := range iso87Forms {
		if Class(f.MTI) > ClassFinancial {
			continue
		}
		want := Detail{Kind: f.Kind, STAN: "000123", PAN: testNumber, Amount: 10000, Debit: true, Foreign: f.Kind == KindVoid}
		got := mustUnpack(t, mustPack(t, &Message{MTI: "0320", Details: []Detail{want}}, nil))
		if len(got.Details) != 1 || got.Details[0] != want {
			t.Errorf("%v: %+v", f.Kind, got.Details)
		}
	}
}
