package keyblock

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const published = "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E" // TR-31:2018, A.7.2.2

func TestParse(t *testing.T) {
	h, n, err := Parse(published)
	want := Header{Version: 'B', Usage: "P0", Algorithm: 'T', Mode: 'E', KeyVersion: "00", Exportability: 'E', Context: '0'}
	if diff := cmp.Diff(want, h); diff != "" || n != 80 || err != nil {
		t.Errorf("%d, %v\n%s", n, err, diff)
	}
}

// Every error of the header names its position and what was expected there.
func TestParseErrors(t *testing.T) {
	body := published[16:]
	tests := []struct{ block, want string }{
		{"", "position 0: ends in the header: want 16 characters"},
		{"B0080P0TE00E000", "position 15: ends in the header: want 16 characters"},
		{"Z" + published[1:], "position 0: version: want A, B, C, D or E"},
		{"b" + published[1:], "position 0: version: want A, B, C, D or E"},
		{"B008G" + published[5:], "position 1: length: want 4 decimal digits"},
		{"B+080" + published[5:], "position 1: length: want 4 decimal digits"},
		{"B0050" + published[5:], "position 1: length 50: the block has 80 characters"}, // 50 is 80 in hexadecimal
		{"B0080p0TE00E0000" + body, "position 5: key usage: want two of A-Z and 0-9"},
		{"B0080P TE00E0000" + body, "position 5: key usage: want two of A-Z and 0-9"},
		{"B0080P0tE00E0000" + body, "position 7: algorithm: want one of A-Z and 0-9"},
		{"B0080P0Te00E0000" + body, "position 8: mode of use: want one of A-Z and 0-9"},
		{"B0080P0TEa0E0000" + body, "position 9: key version number: want two of A-Z and 0-9, or c and one of them"},
		{"B0080P0TEccE0000" + body, "position 9: key version number: want two of A-Z and 0-9, or c and one of them"},
		{"B0080P0TE00e0000" + body, "position 11: exportability: want one of A-Z and 0-9"},
		{"B0080P0TE00E0A00" + body, "position 12: number of optional blocks: want 2 decimal digits"},
		{"B0080P0TE00E9900" + body, "position 12: 99 optional blocks do not fit in what follows"},
		{"B0080P0TE00E0030" + body, "position 14: key context: want 0, 1 or 2"},
		{"B0080P0TE00E0001" + body, "position 15: reserved: want 0"},
		{"B0078P0TE00E0000" + body[2:], "position 16: payload of 46 characters: want whole blocks of 16, and a MAC of 16"},
		{"B0032P0TE00E0000" + body[:16], "position 16: payload of 0 characters: want whole blocks of 16, and a MAC of 16"},
		{"B0016P0TE00E0000", "position 16: payload of 0 characters: want whole blocks of 16, and a MAC of 16"},
		{"B0080P0TE00E0000" + strings.ToLower(body), "position 18: want a hexadecimal digit, upper case"},
		{"B0080P0TE00E0000" + body[:63] + "G", "position 79: want a hexadecimal digit, upper case"},
		{"D0080P0TE00E0000" + body + "00", "position 1: length 80: the block has 82 characters"},
		{"D0064P0TE00E0000" + body[16:], "position 16: payload of 16 characters: want whole blocks of 32, and a MAC of 32"},
	}
	for _, test := range tests {
		h, n, err := Parse(test.block)
		if err == nil || err.Error() != "keyblock: "+test.want || !errors.Is(err, ErrFormat) || n != 0 || h.Version != 0 {
			t.Errorf("%.24s: %v\nwant %s", test.block, err, test.want)
		}
	}
}

func TestParseOptionalErrors(t *testing.T) {
	tests := []struct{ name, optional, want string }{
		{"lower case identifier", "lb08abcd", "position 16: identifier of an optional block: want two of A-Z and 0-9"},
		{"no hexadecimal length", "LBG8abcd", `position 18: length of optional block "LB": want 2 hexadecimal digits, upper case`},
		{"lower case length", "LB0cabcdabcd", `position 18: length of optional block "LB": want 2 hexadecimal digits, upper case`},
		{"length within its own head", "LB03abcd", `position 18: length 3 of optional block "LB": want 4 to 72`},
		{"length beyond the block", "LBFFabcd", `position 18: length 255 of optional block "LB": want 4 to 72`},
		{"length of length as bytes", "LB0002010A", `position 20: length of the length of optional block "LB": want 04, which counts hexadecimal digits`},
		{"extended where short would do", "LB0004000Eabcd", `position 18: length 14 of optional block "LB": want 262 to 78`},
		{"extended, lower case", "LB0004010a", `position 22: extended length of optional block "LB": want 4 hexadecimal digits, upper case`},
		{"extended beyond the block", "LB00042710", `position 18: length 10000 of optional block "LB": want 262 to 74`},
		{"not printable", "LB08ab\x00d", `position 20: data of optional block "LB": want printable ASCII`},
		{"not ASCII", "LB08abé", `position 20: data of optional block "LB": want printable ASCII`},
		{"key serial number cut", "IK080123", `position 16: optional block "IK": want an initial key identifier of 16 hexadecimal digits, upper case`},
		{"not whole blocks", "LB05a", "position 21: header of 21 characters: want a multiple of 8 (padding block PB)"},
	}
	for _, test := range tests {
		block := fmt.Sprintf("B%04dP0TE00E0100%s%s", 16+len(test.optional)+64, test.optional, published[16:])
		if _, _, err := Parse(block); err == nil || err.Error() != "keyblock: "+test.want || !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v\nwant %s", test.name, err, test.want)
		}
	}
	for name, optional := range map[string]string{"an identifier twice": "LB06abLB06cdLB04", "PB not last": "PB04LB08abcdKV04"} {
		block := fmt.Sprintf("B%04dP0TE00E0300%s%s", 16+len(optional)+64, optional, published[16:])
		if _, _, err := Parse(block); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v: want ErrFormat", name, err)
		}
	}
}

// The headers that X9.143:2021 misprints in 8.3.2.1 and 8.3.2.2: the length is not the block's.
func TestMisprintedLength(t *testing.T) {
	block := findVector(t, "tr31-049").In.Block
	for _, altered := range []string{block, "A0080" + block[5:]} {
		if _, _, err := Parse(altered); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "position 1: length") {
			t.Errorf("%v: want ErrFormat at position 1", err)
		}
	}
	if _, n, err := Parse("A0088" + block[5:]); err != nil || n != 88 {
		t.Errorf("with the length put right: %v", err)
	}
}

func TestHeaderRefused(t *testing.T) {
	good := testHeader('B', 'T')
	tests := map[string]func(*Header){
		"no version":            func(h *Header) { h.Version = 0 },
		"a version to come":     func(h *Header) { h.Version = 'F' },
		"short usage":           func(h *Header) { h.Usage = "P" },
		"long usage":            func(h *Header) { h.Usage = "P00" },
		"no algorithm":          func(h *Header) { h.Algorithm = 0 },
		"no mode":               func(h *Header) { h.Mode = 0 },
		"long key version":      func(h *Header) { h.KeyVersion = "001" },
		"no exportability":      func(h *Header) { h.Exportability = 0 },
		"context 3":             func(h *Header) { h.Context = '3' },
		"identifier of one":     func(h *Header) { h.Optional = []Optional{{"L", "x"}} },
		"identifier lower case": func(h *Header) { h.Optional = []Optional{{"lb", "x"}} },
		"label with a newline":  func(h *Header) { h.Optional = []Optional{{"LB", "x\n"}} },
		"label of 10000":        func(h *Header) { h.Optional = []Optional{{"LB", strings.Repeat("x", 10000)}} },
		"label of 9990":         func(h *Header) { h.Optional = []Optional{{"LB", strings.Repeat("x", 9990)}} },
		"an identifier twice":   func(h *Header) { h.Optional = []Optional{{"LB", "x"}, {"LB", "y"}} },
		"PB not last":           func(h *Header) { h.Optional = []Optional{{"PB", "0000"}, {"LB", "y"}} },
		"PB that does not do":   func(h *Header) { h.Optional = []Optional{{"PB", "0"}} },
		"a short serial number": func(h *Header) { h.Optional = []Optional{{"KS", "VM9A"}} },
		"a time without a zone": func(h *Header) { h.Optional = []Optional{{"TS", "2018-06-18T20:42:39.22"}} },
		"100 optional blocks":   func(h *Header) { h.Optional = manyOptionals(100) },
		"99 and no room for PB": func(h *Header) { h.Optional = manyOptionals(99); h.Optional[0].Data = "x" },
	}
	for name, change := range tests {
		h := good
		change(&h)
		if block, err := Wrap(testKey(16), h, testKey(16), Padding{Random: &counting{}}); block != "" || !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v: want ErrFormat", name, err)
		}
	}
	if _, err := Wrap(testKey(16), good, testKey(16), Padding{Random: &counting{}}); err != nil {
		t.Error(err)
	}
}

// manyOptionals are n proprietary blocks of 8 characters.
func manyOptionals(n int) []Optional {
	all := make([]Optional, n)
	for i := range all {
		all[i] = Optional{fmt.Sprintf("%c%c", '0'+i/10%10, 'A'+i%10), "1234"}
	}
	return all
}

// 99 optional blocks and long ones go in and come out.
func TestManyOptionals(t *testing.T) {
	for _, optional := range [][]Optional{manyOptionals(99), {{"LB", strings.Repeat("x", 9000)}}, {{"10", ""}, {"Z9", "~ !"}}} {
		for _, version := range []byte("ABC") {
			block := mustWrap(t, testHeader(version, 'T', optional...), testKey(16), Padding{Random: &counting{}})
			h, _, err := Unwrap(protectionKey(version), block)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(optional, h.Optional[:len(optional)]); diff != "" {
				t.Error(diff)
			}
		}
	}
}

// A header is padded to whole blocks of the version's cipher with PB, which is last.
func TestPaddingBlock(t *testing.T) {
	for _, version := range []byte("ABCD") {
		for n := range 300 {
			h := testHeader(version, 'T', Optional{"LB", strings.Repeat("x", n)})
			block := mustWrap(t, h, testKey(16), Padding{Random: &counting{}})
			back, _, err := Unwrap(protectionKey(version), block)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(h.Optional[0], back.Optional[0]); diff != "" || len(back.Optional) > 2 {
				t.Fatalf("%c, %d: %s", version, n, diff)
			}
			if len(back.Optional) == 2 && (back.Optional[1].ID != "PB" || back.size() > h.size()+16+4) {
				t.Fatalf("%c, %d: %v", version, n, back.Optional[1])
			}
			if again := mustWrap(t, back, testKey(16), Padding{Random: &counting{}}); again != block {
				t.Fatalf("%c, %d: wrapped again with the header unwrapped: another block", version, n)
			}
		}
	}
}

// The length of a long block is 00 04 and four digits; the published one is CT 00 04 0500.
func TestExtendedLength(t *testing.T) {
	for _, test := range []struct {
		data int
		head string
	}{{251, "LBFFx"}, {252, "LB00040106x"}, {1270, "LB00040500x"}} {
		block := mustWrap(t, testHeader('B', 'T', Optional{"LB", strings.Repeat("x", test.data)}), testKey(16), Padding{Random: &counting{}})
		if !strings.HasPrefix(block[16:], test.head) {
			t.Errorf("%d characters: %s: want %s", test.data, block[16:28], test.head)
		}
		h, _, err := Parse(block)
		if err != nil || len(h.Optional[0].Data) != test.data {
			t.Errorf("%d characters: %v", test.data, err)
		}
	}
	v := findVector(t, "tr31-016")
	if !strings.HasPrefix(v.In.Block[16:], "CT00040500") {
		t.Error("the published block with CT has changed")
	}
	misread := strings.Replace(v.In.Block, "CT00040500", "CT00020500", 1) // two bytes
	if _, _, err := Parse(misread); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "want 04") {
		t.Errorf("length of length in bytes: %v: want ErrFormat", err)
	}
}

func TestParseHeader(t *testing.T) {
	for _, text := range []string{"D0000P0AE00E0000", "D0000B1TX00N0200KS1800604B120F9292800000PB080000", "A9999P0AEc1E0120LB05x"} {
		h, err := ParseHeader(text)
		if err != nil {
			t.Fatal(err)
		}
		if h.KeyVersion == "c1" && h.Context != '2' {
			t.Errorf("context %c: want 2", h.Context)
		}
		n, _ := decimal(text[1:5])
		if got, err := h.Encode(max(n, 112)); err != nil || got[5:] != text[5:] {
			t.Errorf("%s, %v: want %s", got, err, text)
		}
	}
	if _, err := ParseHeader("D0000P0AE00E0000" + "0"); !errors.Is(err, ErrFormat) {
		t.Errorf("a character behind: %v: want ErrFormat", err)
	}
	for _, n := range []int{-1, 0, 15, 10000} {
		if _, err := testHeader('B', 'T').Encode(n); !errors.Is(err, ErrFormat) {
			t.Errorf("block of %d characters: %v: want ErrFormat", n, err)
		}
	}
}

func TestFind(t *testing.T) {
	h := testHeader('B', 'T', Optional{"LB", "x"}, Optional{"KV", "y"})
	if o, ok := h.Find("KV"); !ok || o.Data != "y" {
		t.Errorf("%v, %v", o, ok)
	}
	if o, ok := h.Find("PB"); ok {
		t.Errorf("found %v", o)
	}
}
