package reader

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
)

// TestATRVectors: the two EMV answers to reset of the captures.
func TestATRVectors(t *testing.T) {
	var file struct {
		Vectors []struct {
			ID, ATR, Hist, TCK string
			T                  []int
			IFSC, BWI, CWI     int
		}
	}
	vectors(t, "phoenix_t0.json", &file)
	seen := 0
	for _, v := range file.Vectors {
		if v.ATR == "" {
			continue
		}
		seen++
		a, err := ParseATR(unhex(t, v.ATR))
		if err != nil {
			t.Errorf("%s: %v", v.ID, err)
			continue
		}
		protocol, err := a.CheckEMV()
		if err != nil || protocol != v.T[0] || a.Protocol() != v.T[0] {
			t.Errorf("%s: protocol %d, %v; expected %d", v.ID, protocol, err, v.T[0])
		}
		if v.Hist != "" && hexOf(a.Historical) != strings.ToLower(strings.ReplaceAll(v.Hist, " ", "")) {
			t.Errorf("%s: historical bytes % X, expected %s", v.ID, a.Historical, v.Hist)
		}
		if protocol == 1 {
			if a.IFSC() != v.IFSC || int(a.waiting()) != v.BWI<<4|v.CWI || a.TCK != int(unhex(t, v.TCK)[0]) {
				t.Errorf("%s: IFSC %d, BWI/CWI %02X, TCK %02X", v.ID, a.IFSC(), a.waiting(), a.TCK)
			}
		} else if a.TCK != absent {
			t.Errorf("%s: TCK %02X, expected none", v.ID, a.TCK)
		}
	}
	if seen != 2 {
		t.Fatalf("%d ATR vectors, expected 2", seen)
	}
}

func TestATRDecode(t *testing.T) {
	for _, tt := range []struct{ name, hex, err string }{
		{"empty", "", "expected TS and T0"},
		{"one byte", "3B", "expected TS and T0"},
		{"TS", "3C00", "TS 3C, expected 3B or 3F"},
		{"inverse convention", "3F00", ""},
		{"interface byte missing", "3B60 00", "ends at offset 3, expected TC1"},
		{"TD1 missing", "3B80", "ends at offset 2, expected TD1"},
		{"historical bytes missing", "3B02 41", "1 historical bytes at offset 2, expected 2"},
		{"left over", "3B00 00", "goes on at offset 2"},
		{"TCK missing", "3B80 01", "ends at offset 3, expected TCK"},
		{"TCK wrong", "3B80 01 80", "TCK 80, expected 81"},
		{"TCK right", "3B80 01 81", ""},
		{"TCK where only T=0 is offered", "3B80 00 80", "goes on at offset 3"},
		{"too long", "3B" + strings.Repeat("00", 33), "34 bytes, expected at most 33"},
	} {
		_, err := ParseATR(unhex(t, tt.hex))
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, expected %q", tt.name, err, tt.err)
		}
	}
}

// TestATRsThatEMVTakes follows EMV 4.4 Book 1, 8.3. The TCK is added by the test.
func TestATRsThatEMVTakes(t *testing.T) {
	for _, tt := range []struct {
		name, hex string
		protocol  int
		err       string
	}{
		{"T=0", "3B60 00 00", 0, ""},
		{"T=0, inverse, guard time", "3F61 00 FF 41", 0, ""},
		{"T=0 with programming voltage", "3B60 25 00", 0, "TB1 is 25"},
		{"T=0 with TA1", "3B70 11 00 00", 0, "T0 is 70"},
		{"T=0 without interface bytes", "3B00", 0, "T0 is without interface bytes"},
		{"T=1", "3BE0 00 00 81 31 FE 45", 1, ""},
		{"T=1, shortest IFSC", "3BE0 00 FF 81 31 10 00", 1, ""},
		{"T=1, TB1", "3BE0 25 00 81 31 FE 45", 0, "TB1 is 25"},
		{"T=1, TD1 names T=0", "3BE0 00 00 80 31 FE 45", 0, "TD1 is 80"},
		{"T=1, TD2", "3BE0 00 00 81 71 FE 45 00", 0, "TD2 is 71"},
		{"T=1, IFSC too short", "3BE0 00 00 81 31 0F 45", 0, "TA3 is 0F"},
		{"T=1, IFSC FF", "3BE0 00 00 81 31 FF 45", 0, "TA3 is FF"},
		{"T=1, BWI 5", "3BE0 00 00 81 31 FE 55", 0, "TB3 is 55"},
		{"T=1, CWI 6", "3BE0 00 00 81 31 FE 46", 0, "TB3 is 46"},
		{"T=1, guard time longer than the character waiting time", "3BE0 00 1F 81 31 FE 45", 0, "TC1 is 1F"},
		{"T=1, guard time just short enough", "3BE0 00 1E 81 31 FE 45", 1, ""},
	} {
		b := unhex(t, tt.hex)
		if strings.Contains(tt.name, "T=1") {
			b = append(b, xor(b[1:]))
		}
		a, err := ParseATR(b)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		protocol, err := a.CheckEMV()
		if protocol != tt.protocol || (err == nil) != (tt.err == "") || err != nil && (!strings.Contains(err.Error(), tt.err) || !errors.Is(err, apdu.ErrProtocol)) {
			t.Errorf("%s: protocol %d, %v; expected %d, %q", tt.name, protocol, err, tt.protocol, tt.err)
		}
	}
}

func TestWaitingTimes(t *testing.T) {
	a, err := ParseATR(unhex(t, atrT1)) // BWI 4: 2^4 x 960 x 372 clocks and 11 etu at 3.579545 MHz
	if err != nil {
		t.Fatal(err)
	}
	if got := a.BWT().Round(time.Millisecond); got != 1597*time.Millisecond {
		t.Errorf("BWT %v, expected 1.597s", got)
	}
	if got := WWT.Round(time.Millisecond); got != 998*time.Millisecond {
		t.Errorf("WWT %v, expected 998ms", got)
	}
}
