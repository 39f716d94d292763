package dialect

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cupBooks are the documents that the fuzz targets read with: a usual one, and one that differs everywhere.
var cupBooks = []*Dialect{usualCUP, CUP(Switches{
	Header: "613200322012", DropWrongHeader: true, Length60: 11, Length63: 2, ZeroTrackFiller: true, NumericCode: true, KeyLayout: 60, ManagementMAC: true, SignatureCode: "301",
})}

// Whatever decodes encodes to the same bytes, and people can always be shown what it was.
func FuzzUnpackCUP(f *testing.F) {
	for _, v := range cupVectors(f) {
		f.Add(v.message)
	}
	for _, m := range cupSamples(f) {
		for _, d := range cupBooks {
			f.Add(must(d.Pack(m, nil)))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, d := range cupBooks {
			m, err := d.Unpack(src)
			if err != nil {
				if m != nil || len(err.Error()) > 300 {
					t.Fatalf("%v beside an error of %d characters", m, len(err.Error()))
				}
				continue
			}
			again, err := repacked(d, m)
			if err != nil {
				t.Fatalf("%X: %v", src, err)
			}
			if !bytes.Equal(again, src) {
				t.Fatalf("%X\nbecame %X", src, again)
			}
			if second, err := d.Unpack(again); err != nil || !cmp.Equal(m, second, comparePANs) {
				t.Fatalf("%X: read twice is not the same: %v", src, err)
			}
			total := 0
			for _, v := range d.Fields(m) {
				if v.Name == "" || v.Value == "" {
					t.Fatalf("DE %d: %q %q", v.DE, v.Name, v.Value)
				}
				total += len(v.Value)
			}
			if total > 200+30*len(src) {
				t.Fatalf("%d bytes become %d of text", len(src), total)
			}
			if _, fields, err := d.Reveal(src); err != nil || len(fields) != len(d.Offsets(src))-2 {
				t.Fatalf("%d fields revealed: %v", len(fields), err)
			}
		}
	})
}

// Every data element that is made of several fields: what is read from its text is written as the same text.
func FuzzCUPElements(f *testing.F) {
	for i, s := range []string{"2200000700050", "22000007", "000000070005006000", "000001000134042800", "00000100013404280012345678901",
		"00000001234500300000000010000100000000000000000000000000000000", "02000001340000622500000000001400000000010001000135000062250000000000150000000002000007",
		"A30196225000000000000014", "A402058210526789789570802", "CUP\xD6\xD0\xB9\xFA", "01 ", "0003", "000000000500"} {
		f.Add(uint8(i), s)
	}
	mtis := []string{"0200", "0210", "0220", "0320", "0330", "0500", "0510", "0800", "0400"}
	f.Fuzz(func(t *testing.T, which uint8, s string) {
		if s == "" || len(s) > 400 {
			return
		}
		for _, d := range cupBooks {
			for _, de := range []int{48, 59, 60, 61, 63} {
				m := &Message{MTI: mtis[int(which)%len(mtis)]}
				e := d.byDE[de]
				if de == 48 {
					m.MessageTypeCode, m.NetworkManagementCode = "34", []string{"201", "207"}[which/128]
				}
				if de == 48 || de == 60 || de == 61 {
					if !isDigits(s) {
						continue
					}
				}
				if err := e.setValue(m, s); err != nil {
					continue
				}
				if de == 48 {
					if err := m.gatherAdditional(); err != nil {
						continue
					}
				}
				if got, err := e.value(m); err != nil || got != s {
					t.Fatalf("DE %d of %s: %q becomes %q, %v", de, m.MTI, s, got, err)
				}
			}
		}
	})
}

// What DE 53, DE 57 and DE 62 of cup hold: what is read is written again as the same bytes, or, where an order was free, as bytes that
// say the same.
func FuzzCUPObjects(f *testing.F) {
	f.Add(bytesOf("31", aidParameterVector(f).Input.TLV))
	for _, v := range cupVectors(f) {
		if m, err := usualCUP.Unpack(v.message); err == nil && len(m.ReservedPrivate62) > 0 {
			f.Add(m.ReservedPrivate62)
		}
	}
	f.Add([]byte("2610000000000000"))
	f.Add([]byte("A2042040020105010PAX0010001060060000140800512345"))
	f.Fuzz(func(t *testing.T, b []byte) {
		same := func(what string, got []byte, err error) {
			if err != nil || !bytes.Equal(got, b) {
				t.Fatalf("%s: %X becomes %X, %v", what, b, got, err)
			}
		}
		if c, err := ParsePINControl(string(b)); err == nil {
			same("DE 53", []byte(c.String()), nil)
		}
		if i, err := ParseTerminalInformation(string(b)); err == nil {
			s, err := i.Append("")
			same("terminal information", []byte(s), err)
		}
		if s, err := ParseSequence(b); err == nil {
			got, err := AppendSequence(nil, s)
			same("sequence", got, err)
		}
		for _, d := range cupBooks {
			if k, err := d.ParseSessionKeys(b); err == nil {
				got, err := d.AppendSessionKeys(nil, k)
				same("session keys", got, err)
				if s := fmt.Sprintf("%v %x", k, k); len(s) > 400 {
					t.Fatalf("it prints %d characters", len(s))
				}
			}
		}
		if p, err := ParseAIDParameters(b); err == nil && p != nil {
			second, err := ParseAIDParameters(p.Download())
			if err != nil || !reflect.DeepEqual(limitsOf(p), limitsOf(second)) {
				t.Fatalf("limits: %v become %v, %v", limitsOf(p), limitsOf(second), err)
			}
		}
	})
}

// limitsOf are the limits that may be missing, as they print.
func limitsOf(p *AIDParameters) (s []string) {
	for _, l := range p.limits() {
		if *l.at == nil {
			s = append(s, "-")
		} else {
			s = append(s, fmt.Sprint(**l.at))
		}
	}
	return s
}

// Whatever switches are written: they are refused, or read back as what was written.
func FuzzSwitches(f *testing.F) {
	for _, name := range SwitchNames() {
		for _, v := range SwitchValues(name) {
			f.Add(name, v)
		}
	}
	f.Add("header", "60310031110E")
	f.Add("mac", "x9.9")
	f.Fuzz(func(t *testing.T, name, value string) {
		s, err := ParseSwitches(map[string]string{name: value})
		if err != nil {
			return
		}
		again, err := ParseSwitches(s.Map())
		if err != nil || again != s {
			t.Fatalf("%s %s: %+v became %+v, %v", name, value, s, again, err)
		}
		if m := s.Map(); len(m) > 1 || len(m) == 1 && m[name] != value {
			t.Fatalf("%s %s: %v", name, value, m)
		}
		if got := CUP(s).Switches(); got != s {
			t.Fatalf("%+v became %+v", s, got)
		}
	})
}
