package dialect

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/pan"
)

var errWrong = errors.New("wrong")

// comparePANs lets cmp look into a Message.
var comparePANs = cmp.Comparer(func(a, b pan.PAN) bool { return a == b })

// The messages of this file are written by hand from ISO 8583:1987 and the coding in the package comment, not by Pack.
// Where a vector has a MAC, it was computed with openssl's des-ede3-cbc under macKey (the same commands give the published
// value of testdata/x919.json).

var reversalBytes = bytesOf(
	"04 00                   ; MTI 0400",
	"30                      ; bits 1-8: 3, 4",
	"38                      ; bits 9-16: 11, 12, 13",
	"04                      ; bits 17-24: 22",
	"00                      ; bits 25-32",
	"0C                      ; bits 33-40: 37, 38",
	"C0                      ; bits 41-48: 41, 42",
	"82                      ; bits 49-56: 49, 55",
	"11                      ; bits 57-64: 60, 64",
	"00 00 00                ; DE 3 n6",
	"00 00 00 01 00 00       ; DE 4 n12: 100.00 in minor units",
	"00 01 23                ; DE 11 n6",
	"14 05 11                ; DE 12 n6 hhmmss",
	"03 02                   ; DE 13 n4 MMDD",
	"00 51                   ; DE 22 n4",
	"36 30 36 31 31 34       ; DE 37 an12, first half of 606114000123",
	"30 30 30 31 32 33       ; second half",
	"41 31 42 32 43 33       ; DE 38 an6 A1B2C3",
	"53 49 4D 31 20 20 20 20 ; DE 41 ans8 SIM1, filled with spaces",
	"53 49 4D 30 30 30 30 30 ; DE 42 ans15 SIM000000000001",
	"30 30 30 30 30 30 31",
	"01 56                   ; DE 49 n4",
	"00 12                   ; DE 55 LLL: 12 bytes",
	"9F 36 02 01 23          ; application transaction counter",
	"95 05 00 00 04 80 00    ; TVR",
	"00 02                   ; DE 60 LLL: 2 characters",
	"39 38                   ; reversal reason 98",
	"FC F8 DE 6C 38 2E 04 98 ; DE 64 by openssl",
)

func reversal() *Message {
	return &Message{
		MTI: "0400", ProcessingCode: "000000", AmountTransaction: 10000, HasAmount: true, SystemsTraceAuditNumber: "000123",
		TimeLocalTransaction: "140511", DateLocalTransaction: "0302", POSEntryMode: "0051", RetrievalReferenceNumber: "606114000123",
		AuthorizationIDResponse: "A1B2C3", CardAcceptorTerminalIdentification: "SIM1", CardAcceptorIdentificationCode: "SIM000000000001",
		CurrencyCodeTransaction: "0156", ICCSystemRelatedData: bytesOf("9F36020123 95050000048000"), ReversalReason: ReasonNoAnswer,
		MAC: bytesOf("FCF8DE6C382E0498"),
	}
}

// A card number and a track of odd length, and the fields a swiped sale with PIN adds. The track and the number are those
// of a public China UnionPay 0200, which fills the last nibble with F.
var swipedBytes = bytesOf(
	"02 00                         ; MTI 0200",
	"40 00 00 80 20 00 10 00       ; bitmap: 2, 25, 35, 52",
	"19                            ; DE 2 LL: 19 digits",
	"06 22 50 00 00 00 00 00 00 14 ; a zero nibble, then 19 digits",
	"00                            ; DE 25 n2",
	"37                            ; DE 35 LL: 37 nibbles",
	"62 25 00 00 00 00 00 00 01 4D ; 19 digits, D",
	"27 06 22 00 00 00 00 00 00    ; 17 digits, a zero nibble",
	"01 02 03 04 05 06 07 08       ; DE 52 b8",
)

func swiped(t *testing.T) *Message {
	return &Message{
		MTI: "0200", PrimaryAccountNumber: number(t, "6225000000000000014"), POSConditionCode: "00",
		Track2Data: "6225000000000000014=27062200000000000", PINData: bytesOf("0102030405060708"),
	}
}

// The answer to a sign-on is the public China UnionPay message CUP-MSG-010 up to DE 42, whose coding is the same; its
// DE 60 is BCD there and ASCII here.
var signOnAnswerBytes = bytesOf(
	"08 10",
	"00 18 00 00 0A C0 00 10    ; bitmap: 12, 13, 37, 39, 41, 42, 60",
	"19 49 56                   ; DE 12",
	"09 06                      ; DE 13",
	"393530353139303639383037   ; DE 37 950519069807",
	"34 30                      ; DE 39: 40",
	"3030303030303031           ; DE 41 00000001",
	"303133333632363730313130303031 ; DE 42 013362670110001",
	"00 03 30 30 31             ; DE 60 LLL, 001",
)

func TestMessagesWrittenByHand(t *testing.T) {
	sum, verify := macer(t)
	for _, c := range []struct {
		name    string
		bytes   []byte
		message *Message
	}{
		{"a reversal, every fixed coding, filler, chip data and MAC", reversalBytes, reversal()},
		{"odd digits lead with a zero nibble, odd tracks end with one", swipedBytes, swiped(t)},
		{"the answer to a sign-on, from a public message", signOnAnswerBytes, &Message{
			MTI: "0810", Kind: KindSignOn, TimeLocalTransaction: "194956", DateLocalTransaction: "0906", RetrievalReferenceNumber: "950519069807", ResponseCode: "40",
			CardAcceptorTerminalIdentification: "00000001", CardAcceptorIdentificationCode: "013362670110001", NetworkManagementCode: NetworkSignOn}},
		{"no field at all", bytesOf("0800 0000000000000000"), &Message{MTI: "0800"}},
		{"an amount of zero is there, an absent amount is not", bytesOf("0210 1000000000000000 000000000000"), &Message{MTI: "0210", HasAmount: true}},
		{"the largest amount", bytesOf("0210 1000000000000000 999999999999"), &Message{MTI: "0210", AmountTransaction: 999999999999, HasAmount: true}},
		{"DE 60 of other classes is private data", bytesOf("0200 0000000000000010 0001 7E"), &Message{MTI: "0200", ReservedPrivate60: "~"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := mustUnpack(t, c.bytes)
			if diff := cmp.Diff(c.message, got, comparePANs); diff != "" {
				t.Errorf("Unpack (-want +got):\n%s", diff)
			}
			mac := sum
			if c.message.MAC == nil {
				mac = nil
			} else if err := ISO87().VerifyMAC(c.bytes, got, verify); err != nil {
				t.Error(err)
			}
			if packed := mustPack(t, c.message, mac); !bytes.Equal(packed, c.bytes) {
				t.Errorf("Pack\n got %X\nwant %X", packed, c.bytes)
			}
		})
	}
}

// The table in the notation of the dialect's document: fixed "n6", LLVAR "n..19", LLLVAR "ans...120".
func TestTheTableIsTheDocuments(t *testing.T) {
	const want = "2 n..19, 3 n6, 4 n12, 11 n6, 12 n6, 13 n4, 14 n4, 15 n4, 22 n4, 23 n4, 25 n2, 32 n..11, 35 z..37, 37 an12, 38 an6, 39 an2, 41 ans8, 42 ans15, " +
		"44 ans..25, 49 n4, 52 b8, 54 ans...120, 55 b...255, 59 ans...120, 60 ans...99, 62 b...999, 63 ans...99, 64 b8"
	letters := map[coding]string{codeN: "n", codeZ: "z", codeAN: "an", codeANS: "ans", codeB: "b"}
	dots := map[variable]string{0: "", 1: "..", 2: "..."}
	var got []string
	for _, e := range iso87Elements {
		got = append(got, fmt.Sprintf("%d %s%s%d", e.de, letters[e.coding], dots[e.prefix], e.length))
	}
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if ISO87().Name() != "iso87" {
		t.Error(ISO87().Name())
	}
}

func TestElementsOfPublicMessages(t *testing.T) {
	var file struct {
		Elements []struct {
			ID, Source, Bytes, Value string
			DE                       int
		}
	}
	readJSON(t, "testdata/cup-elements.json", &file)
	if len(file.Elements) < 20 {
		t.Fatalf("%d elements", len(file.Elements))
	}
	for _, v := range file.Elements {
		e, want := ISO87().byDE[v.DE], bytesOf(v.Bytes)
		m := &Message{MTI: "0210"}
		read, err := e.read(want, m)
		if err != nil || read != len(want) {
			t.Errorf("%s DE %d: read %d of %d, %v", v.ID, v.DE, read, len(want), err)
			continue
		}
		got := ""
		if e.data != nil {
			got = hex.EncodeToString(*e.data(m))
			v.Value = hex.EncodeToString(bytesOf(v.Value))
		} else if got, err = e.value(m); err != nil {
			t.Errorf("%s DE %d: %v", v.ID, v.DE, err)
		}
		if got != v.Value {
			t.Errorf("%s DE %d: %q, want %q", v.ID, v.DE, got, v.Value)
		}
		if packed, present, err := e.appendTo(nil, m); err != nil || !present || !bytes.Equal(packed, want) {
			t.Errorf("%s DE %d: packs to %X, %v, %v, want %X", v.ID, v.DE, packed, present, err, want)
		}
	}
}

func readJSON(t testing.TB, file string, into any) {
	t.Helper()
	src, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(src, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The MAC callback of Pack is X9.19: published values, then the message above.
func TestPublishedMACs(t *testing.T) {
	var file struct {
		Vectors []struct{ ID, Key, Data, MAC string }
	}
	readJSON(t, "testdata/x919.json", &file)
	if len(file.Vectors) != 3 {
		t.Fatalf("%d vectors", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		r, err := crypt.NewRetailMAC(bytesOf(v.Key))
		if err != nil {
			t.Fatal(err)
		}
		var got [8]byte
		if r.Sum(&got, bytesOf(v.Data)); !bytes.Equal(got[:], bytesOf(v.MAC)) {
			t.Errorf("%s: %X, want %s", v.ID, got, v.MAC)
		}
	}
}
