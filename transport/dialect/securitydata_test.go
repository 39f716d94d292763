package dialect

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// The bytes of DE 62 stand here as this dialect's document has them; the rest is the coding of every other element.
func TestSecurityDataOnTheWire(t *testing.T) {
	d := ISO87()
	ksn := []byte{0xF0, 0xF1, 0xF2, 0xF3, 0xA0, 0, 0, 0x10, 0, 0, 0, 1}
	block := bytes.Repeat([]byte{0xC5}, 16)
	for _, c := range []struct {
		name   string
		change func(*Message)
		wire   string // DE 62 with its length; "": none
		pin    string // DE 52
		shown  string
	}{
		{"AES", func(m *Message) { m.KeySerialNumber, m.PINData = ksn, block }, "0034DF010CF0F1F2F3A000001000000001DF0210" + strings.Repeat("C5", 16), "", "key serial number F0F1F2F3A0000010:00000001, PIN block [redacted, 16 bytes]"},
		{"TDES", func(m *Message) { m.KeySerialNumber, m.PINData = ksn[:10], block[:8] }, "0013DF010AF0F1F2F3A00000100000", "C5C5C5C5C5C5C5C5", "key serial number F0F1F2F3A000:00100000"},
		{"no PIN", func(m *Message) { m.KeySerialNumber = ksn }, "0015DF010CF0F1F2F3A000001000000001", "", "key serial number F0F1F2F3A0000010:00000001"},
		{"no serial number", func(m *Message) { m.PINData = block }, "0019DF0210" + strings.Repeat("C5", 16), "", "PIN block [redacted, 16 bytes]"},
		{"private data", func(m *Message) { m.ReservedPrivate62 = []byte{0xDF, 3, 1} }, "0003DF0301", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &Message{MTI: "0200", SystemsTraceAuditNumber: "000001"}
			c.change(m)
			b, err := d.Pack(m, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ToUpper(hex.EncodeToString(b)); !strings.HasSuffix(got, c.pin+c.wire) {
				t.Errorf("%s: want it to end in %s%s", got, c.pin, c.wire)
			}
			back, err := d.Unpack(b)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(back.KeySerialNumber, m.KeySerialNumber) || !bytes.Equal(back.PINData, m.PINData) || !bytes.Equal(back.ReservedPrivate62, m.ReservedPrivate62) {
				t.Errorf("came back as %X, %X, %X", back.KeySerialNumber, back.PINData, back.ReservedPrivate62)
			}
			if c.shown != "" {
				if got, ok := d.Field(back, 62); !ok || got != c.shown {
					t.Errorf("shown as %q: want %q", got, c.shown)
				}
			}
			if got, ok := d.Field(back, 52); ok != (c.pin != "") || strings.Contains(got, "C5") {
				t.Errorf("DE 52 shown as %q", got)
			}
		})
	}
}

func TestSecurityDataThatIsNone(t *testing.T) {
	d := ISO87()
	for name, de62 := range map[string]string{
		"a short serial number":  "DF0109F0F1F2F3A000001000",
		"an odd length":          "DF010BF0F1F2F3A000001000000A",
		"cut":                    "DF010CF0F1F2F3A0000010000000",
		"something behind":       "DF010AF0F1F2F3A0000010000000",
		"the wrong order":        "DF0210" + strings.Repeat("C5", 16) + "DF010AF0F1F2F3A00000100000",
		"twice":                  strings.Repeat("DF010AF0F1F2F3A00000100000", 2),
		"a PIN block of 8 bytes": "DF0208C5C5C5C5C5C5C5C5",
		"a tag alone":            "DF01",
	} {
		b, err := d.Pack(&Message{MTI: "0800", SystemsTraceAuditNumber: "000001", ReservedPrivate62: must(hex.DecodeString(de62))}, nil)
		if err != nil {
			t.Fatal(err)
		}
		b[0], b[1] = 0x02, 0x00 // the same bytes as a financial message
		m, err := d.Unpack(b)
		if err == nil || !strings.Contains(err.Error(), "DE 62") {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	// Beside DE 52.
	b, err := d.Pack(&Message{MTI: "0800", SystemsTraceAuditNumber: "000001", PINData: make([]byte, 8), ReservedPrivate62: must(hex.DecodeString("DF0210" + strings.Repeat("C5", 16)))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b[0], b[1] = 0x02, 0x00
	if _, err := d.Unpack(b); err == nil || !strings.Contains(err.Error(), "beside that of DE 52") {
		t.Error(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
