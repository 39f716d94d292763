package dialect

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/pan"
)

// chipData is 150 bytes of DE 55, as an online request has it.
var chipData = bytesOf(
	"9F26 08 1122334455667788", "9F27 01 80", "9F10 07 06010A03A00000", "9F37 04 5A5B5C5D", "9F36 02 0123",
	"95 05 0000048000", "9A 03 260302", "9C 01 00", "9F02 06 000000010000", "5F2A 02 0156", "82 02 1980", "9F1A 02 0156",
	"9F03 06 000000000000", "9F33 03 E0F8C8", "9F34 03 020300", "9F35 01 22", "9F1E 08 3132333435363738",
	"84 07 A0000000031010", "9F09 02 008C", "9F41 04 00000123", "5F34 01 01", "9F06 07 A0000000031010", "9F53 01 52",
)

// bytesOf joins hex with spaces. A line of a vector may end in a comment after a semicolon.
func bytesOf(lines ...string) []byte {
	var s strings.Builder
	for _, l := range lines {
		l, _, _ = strings.Cut(l, ";")
		s.WriteString(strings.ReplaceAll(l, " ", ""))
	}
	b, err := hex.DecodeString(s.String())
	if err != nil {
		panic(err)
	}
	return b
}

// number is a published test card number (EMVCo and scheme test cards).
func number(t testing.TB, digits string) pan.PAN {
	t.Helper()
	p, err := pan.Parse(digits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sale is a 0200 with chip data and an online PIN.
func sale(t testing.TB) *Message {
	return &Message{
		MTI: "0200", PrimaryAccountNumber: number(t, "4761739001010119"), ProcessingCode: "000000", AmountTransaction: 10000, HasAmount: true,
		SystemsTraceAuditNumber: "000123", TimeLocalTransaction: "140511", DateLocalTransaction: "0302", DateExpiration: "2912",
		POSEntryMode: "0051", CardSequenceNumber: "0001", POSConditionCode: "00", Track2Data: "4761739001010119=29122011143844805",
		CardAcceptorTerminalIdentification: "SIM00001", CardAcceptorIdentificationCode: "SIM000000000001", CurrencyCodeTransaction: "0156",
		PINData: bytesOf("0102030405060708"), ICCSystemRelatedData: chipData, ReservedPrivate63: "operator 1",
	}
}

// macKey is a test key, nobody's.
var macKey = bytesOf("0123456789ABCDEF FEDCBA9876543210")

// macer returns the two callbacks for macKey.
func macer(t testing.TB) (sum func(*[8]byte, []byte) error, verify func(mac, data []byte) error) {
	t.Helper()
	r, err := crypt.NewRetailMAC(macKey)
	if err != nil {
		t.Fatal(err)
	}
	sum = func(dst *[8]byte, data []byte) error { r.Sum(dst, data); return nil }
	verify = func(mac, data []byte) error {
		var want [8]byte
		if r.Sum(&want, data); string(want[:]) != string(mac) {
			return errWrong
		}
		return nil
	}
	return sum, verify
}

// full is a message with every data element but DE 64, which no real message has.
func full(t testing.TB) *Message {
	m := sale(t)
	m.RetrievalReferenceNumber, m.AuthorizationIDResponse, m.ResponseCode = "606114000123", "A1B2C3", "00"
	m.AdditionalAmounts, m.ReservedPrivate60, m.ReservedPrivate63 = "0002156C000000004200", "private sixty", "private sixty-three"
	m.ReservedPrivate62 = bytesOf("00FF10")
	return m
}

func mustPack(t testing.TB, m *Message, mac func(*[8]byte, []byte) error) []byte {
	t.Helper()
	b, err := ISO87().Pack(m, mac)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustUnpack(t testing.TB, b []byte) *Message {
	t.Helper()
	m, err := ISO87().Unpack(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
