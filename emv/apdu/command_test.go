package apdu

import (
	"bytes"
	"strings"
	"testing"
)

func TestParseCommand(t *testing.T) {
	tests := []struct {
		name, in string
		want     Command
		err      string
	}{
		{name: "case 1", in: "00A40400", want: Command{INS: 0xA4, P1: 4, Le: LeAbsent}},
		{name: "case 2", in: "00B2010C1C", want: Command{INS: 0xB2, P1: 1, P2: 0x0C, Le: 28}},
		{name: "case 2, Le 00 is 256", in: "00B2010C00", want: Command{INS: 0xB2, P1: 1, P2: 0x0C, Le: 256}},
		{name: "case 3", in: "008200000211AA", want: Command{INS: 0x82, Data: []byte{0x11, 0xAA}, Le: LeAbsent}},
		{name: "case 4", in: "80A8000002830000", want: Command{CLA: 0x80, INS: 0xA8, Data: []byte{0x83, 0}, Le: 256}},
		{name: "a header cut short", in: "00A404", err: "3 bytes"},
		{name: "an Lc of zero", in: "00A404000000", err: "Lc is 0"},
		{name: "less data than Lc", in: "00A4040003AABB", err: "Lc is 3 with 2 bytes"},
		{name: "more than data and Le", in: "00A4040001AABBCC", err: "Lc is 1 with 3 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseCommand(unhex(t, tt.in))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v: want %q in it", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.CLA != tt.want.CLA || got.INS != tt.want.INS || got.P1 != tt.want.P1 || got.P2 != tt.want.P2 || got.Le != tt.want.Le || !bytes.Equal(got.Data, tt.want.Data) {
				t.Errorf("%+v: want %+v", got, tt.want)
			}
			if b := got.Append(nil); !bytes.Equal(b, unhex(t, tt.in)) {
				t.Errorf("encodes as %X: want %s", b, tt.in)
			}
		})
	}
}

func TestAppendRefusesWhatCannotBeSent(t *testing.T) {
	for _, c := range []Command{{Data: make([]byte, 256), Le: LeAbsent}, {Le: 0}, {Le: 257}, {Le: -2}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d bytes and Le %d were encoded", len(c.Data), c.Le)
				}
			}()
			c.Append(nil)
		}()
	}
}

func TestSW(t *testing.T) {
	for sw, warning := range map[SW]bool{0x9000: false, 0x6283: true, 0x63C1: true, 0x9001: true, 0x9F10: true, 0x6A82: false, 0x6400: false, 0x8000: false} {
		if sw.Warning() != warning {
			t.Errorf("%v: warning %v: want %v", sw, sw.Warning(), warning)
		}
		if sw.Success() != (sw == 0x9000) {
			t.Errorf("%v: success %v", sw, sw.Success())
		}
	}
	if got := (&StatusError{INS: InsGenerateAC, SW: SWConditionsOfUse}).Error(); got != "apdu: GENERATE AC: status word 6985" {
		t.Errorf("error reads %q", got)
	}
	if Name(0x42) != "INS 42" || Name(InsSelect) != "SELECT" {
		t.Errorf("names %q, %q", Name(0x42), Name(InsSelect))
	}
}

func FuzzCommand(f *testing.F) {
	for _, s := range []string{"00A40400", "00B2010C00", "008200000211AA", "80A8000002830000", "00A404000000"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCommand(b)
		if err != nil {
			return
		}
		if got := c.Append(nil); !bytes.Equal(got, b) {
			t.Fatalf("%X encodes as %X", b, got)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{0x6F, 0x00, 0x90, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if (err == nil) != (len(b) >= 2 && len(b) <= 258) {
			t.Fatalf("%d bytes: error %v", len(b), err)
		}
		if err == nil && !bytes.Equal(append(append([]byte{}, r.Data...), byte(r.SW>>8), byte(r.SW)), b) {
			t.Fatalf("%X parses as %X %v", b, r.Data, r.SW)
		}
	})
}

// The words are those of ISO/IEC 7816-4, the exact ones before those of a class.
func TestMeaning(t *testing.T) {
	for sw, want := range map[SW]string{
		0x9000: "process completed", 0x6A82: "file or application not found", 0x63C2: "counter is 2", 0x63C0: "counter is 0", 0x6300: "authentication failed",
		0x6C26: "exact length is 38", 0x6100: "256 bytes", 0x6283: "blocked", 0x62F1: "warning: state of non-volatile memory not changed",
		0x6A99: "wrong parameters P1-P2", 0x6999: "command not allowed", 0x9104: "application specific", 0x1234: "not defined",
	} {
		if got := sw.Meaning(); !strings.Contains(got, want) {
			t.Errorf("%v means %q: want %q in it", sw, got, want)
		}
	}
	for i := range 1 << 16 {
		if SW(i).Meaning() == "" {
			t.Errorf("%04X has no meaning", i)
		}
	}
}
