package dialect

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moov-io/iso8583"
	"pgregory.net/rapid"

	"github.com/posim/posim/internal/pan"
)

// anyMessage draws a message with any data elements, of which every coding reaches its bounds. Classes where a data element has a
// form of its own have tests of their own.
func anyMessage(t *rapid.T) *Message {
	m := &Message{MTI: rapid.SampledFrom(iso87MTIs).Filter(func(mti string) bool {
		return Class(mti) != ClassFileAction && Class(mti) != ClassReconciliation
	}).Draw(t, "MTI")}
	for i := range iso87Elements {
		e := &iso87Elements[i]
		if e.de == macDE || !rapid.Bool().Draw(t, "present") {
			continue
		}
		shortest := e.length
		switch {
		case e.de == primaryAccountNumber:
			shortest = 8
		case e.prefix > 0, e.filled:
			shortest = 1
		}
		length := rapid.IntRange(shortest, e.length).Draw(t, "length")
		if e.data != nil {
			v := rapid.SliceOfN(rapid.Byte(), length, length).Draw(t, e.name)
			if e.de == reservedPrivate62 && v[0] == 0xDF {
				v[0] = 0 // DF01 and DF02 are fields of their own
			}
			*e.data(m) = v
			continue
		}
		alphabet := "0123456789"
		switch e.coding {
		case codeZ:
			alphabet += "="
		case codeAN:
			alphabet += "AZaz"
		case codeANS:
			alphabet += "AZaz ~!/-"
		}
		s := rapid.StringOfN(rapid.RuneFrom([]rune(alphabet)), length, length, -1).Draw(t, e.name)
		if e.filled {
			if s = strings.TrimRight(s, " "); s == "" {
				s = "A"
			}
		}
		if e.de == 54 && len(s) > 3 {
			s = "02" + s[2:] // cash back and tip are of account 00
		}
		if err := e.setValue(m, s); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// moov packs m by moov-io/iso8583's own Message under spec, with '=' of track 2 written as separator.
func moov(t *rapid.T, spec *iso8583.MessageSpec, m *Message, separator string) []byte {
	x := iso8583.NewMessage(spec)
	x.MTI(m.MTI)
	for i := range iso87Elements {
		e := &iso87Elements[i]
		var err error
		if e.data != nil {
			if v := *e.data(m); len(v) > 0 {
				err = x.BinaryField(e.de, v)
			}
		} else if v, _ := e.value(m); v != "" {
			if e.coding == codeZ {
				v = strings.ReplaceAll(v, "=", separator)
			}
			err = x.Field(e.de, v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b, err := x.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Stock moov-io/iso8583 is an independent coder of everything but track 2 in nibbles: the same bytes both ways, for any
// message.
func TestSameBytesAsStockMoov(t *testing.T) {
	stock, ours := stockSpec(), ISO87().MessageSpec()
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage(t)
		got, err := ISO87().Pack(m, nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := moov(t, stock, m, "D"); !bytes.Equal(got, want) {
			t.Fatalf("got  %X\nstock %X", got, want)
		}
		if want := moov(t, ours, m, "="); !bytes.Equal(got, want) {
			t.Fatalf("got  %X\nMessage %X", got, want)
		}
		back, err := ISO87().Unpack(got)
		if err != nil {
			t.Fatal(err)
		}
		m.Kind = back.Kind // found by its numbers
		if diff := cmp.Diff(m, back, cmp.Comparer(func(a, b pan.PAN) bool { return a == b })); diff != "" {
			t.Fatalf("(-packed +unpacked):\n%s", diff)
		}
		for _, spec := range []*iso8583.MessageSpec{stock, ours} {
			x := iso8583.NewMessage(spec)
			if err := x.Unpack(got); err != nil {
				t.Fatal(err)
			}
			for i := range iso87Elements {
				e := &iso87Elements[i]
				want, err := x.GetBytes(e.de)
				if err != nil {
					t.Fatal(err)
				}
				var v []byte
				if e.data != nil {
					v = *e.data(back)
				} else {
					s, err := e.value(back)
					if err != nil {
						t.Fatal(err)
					}
					v = []byte(s)
				}
				if !bytes.Equal(v, want) {
					t.Fatalf("%s DE %d: %q, moov has %q", spec.Name, e.de, v, want)
				}
			}
		}
	})
}
