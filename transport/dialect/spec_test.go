package dialect

import (
	"bytes"
	"strings"
	"testing"
)

// tiny is a dialect with a bit of everything that a Spec may have.
func tiny() Spec {
	return Spec{
		Name: "tiny", MTIs: []string{"0200", "0210", "0800", "0810"},
		Elements: append(StandardElements(70, 2, 4, 11),
			Element{DE: 48, Name: "additional data", Coding: CodeANS, Length: 9, Prefix: LLVAR, Text: func(m *Message) *string { return &m.AdditionalData }}),
		Forms:       []Form{{Kind: KindSale, MTI: "0200"}, {Kind: KindEcho, MTI: "0800", NetworkManagementCode: "301"}},
		MACRequired: func(mti string) bool { return mti < "0800" },
	}
}

func TestADialectFromOutside(t *testing.T) {
	d, err := New(tiny())
	if err != nil {
		t.Fatal(err)
	}
	m := &Message{MTI: "0800", Kind: KindEcho, SystemsTraceAuditNumber: "000001", NetworkManagementCode: "301", AdditionalData: "x"}
	b, err := d.Pack(m, nil)
	if want := bytesOf("0800 8020000000010000 0400000000000000 000001 01 78 0301"); err != nil || !bytes.Equal(b, want) {
		t.Fatalf("%v\n got %X\nwant %X", err, b, want)
	}
	if got, err := d.Unpack(b); err != nil || got.Kind != KindEcho || got.AdditionalData != "x" {
		t.Errorf("%v, %v", got, err)
	}
	if !d.MACRequired("0200") || d.MACRequired("0800") || d.NumbersBatches() || d.LinesPerUpload() != 1 {
		t.Error("not as the spec says")
	}
	unsigned := tiny()
	unsigned.MACRequired = nil
	if d, err = New(unsigned); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Pack(m, func(*[8]byte, []byte) error { return nil }); err == nil || err.Error() != "dialect: DE 128: not a data element of tiny" {
		t.Errorf("a MAC in a dialect that has none: %v", err)
	}
}

func TestWhatIsNoDialect(t *testing.T) {
	text := func(m *Message) *string { return &m.AdditionalData }
	data := func(m *Message) *[]byte { return &m.PINData }
	element := func(e Element) func(*Spec) { return func(s *Spec) { s.Elements = append(s.Elements, e) } }
	for _, c := range []struct {
		name   string
		change func(*Spec)
		want   string
	}{
		{"no name", func(s *Spec) { s.Name = "" }, "dialect: a dialect without a name"},
		{"an MTI that is none", func(s *Spec) { s.MTIs = append(s.MTIs, "9999") }, `dialect: tiny: MTI "9999": want four digits`},
		{"a question without an answer", func(s *Spec) { s.MTIs = append(s.MTIs, "0400") }, "dialect: tiny: MTI 0400 without its answer, 0410"},
		{"a form of no message", func(s *Spec) { s.Forms[0].MTI = "0220" }, `dialect: tiny: sale: MTI "0220" is no request of it`},
		{"a form of no kind", func(s *Spec) { s.Forms[0].Kind = KindNone }, "dialect: tiny: form 1: want a kind"},
		{"two kinds in one form", func(s *Spec) { s.Forms = append(s.Forms, Form{Kind: KindVoid, MTI: "0200"}) }, "dialect: tiny: sale and void have the same numbers"},
		{"a kind in two forms", func(s *Spec) { s.Forms = append(s.Forms, Form{Kind: KindSale, MTI: "0200", ProcessingCode: "1"}) }, "dialect: tiny: sale twice"},
		{"twice the same", func(s *Spec) { s.Elements = append(s.Elements, StandardElements(11)...) }, "dialect: tiny: DE 11 twice"},
		{"a bitmap", element(Element{DE: 1, Name: "x", Length: 1, Text: text}), "dialect: tiny: DE 1: want one of 2 to 63"},
		{"a MAC of its own", element(Element{DE: 64, Name: "x", Length: 8, Coding: CodeB, Data: data}), "dialect: tiny: DE 64: want one of 2 to 63"},
		{"nameless", element(Element{DE: 5, Length: 1, Text: text}), "dialect: tiny: DE 5: no name"},
		{"endless", element(Element{DE: 5, Name: "x", Length: 100, Prefix: LLVAR, Text: text}), "dialect: tiny: DE 5: length 100: want 1 to 99"},
		{"in no letters", element(Element{DE: 5, Name: "x", Length: 1, Coding: 99, Text: text}), "dialect: tiny: DE 5: coding 99 is none"},
		{"an even x+n", element(Element{DE: 5, Name: "x", Length: 8, Coding: CodeX, Text: text}), "dialect: tiny: DE 5: x+n"},
		{"nowhere", element(Element{DE: 5, Name: "x", Length: 1}), "dialect: tiny: DE 5: want one of Text, Data, or Get with Set"},
		{"half a place", element(Element{DE: 5, Name: "x", Length: 1, Text: text, Get: func(*Message) (string, error) { return "", nil }}), "dialect: tiny: DE 5: want one of Text"},
		{"bytes in a text", element(Element{DE: 5, Name: "x", Length: 1, Coding: CodeB, Text: text}), "dialect: tiny: DE 5: want Data for bytes"},
		{"digits in bytes", element(Element{DE: 5, Name: "x", Length: 1, Data: data}), "dialect: tiny: DE 5: want Data for bytes"},
		{"an amount of its own", func(s *Spec) { s.Elements = []Element{{DE: 4, Name: "x", Length: 12, Text: text}} }, "dialect: tiny: DE 4: has a place of its own"},
		{"a short amount", func(s *Spec) { s.Elements = []Element{{DE: 4, Name: "x", Length: 10}} }, "dialect: tiny: DE 4: want digits, of an amount 12"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := tiny()
			c.change(&s)
			if d, err := New(s); err == nil || !strings.HasPrefix(err.Error(), c.want) || d != nil {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
