package tlv

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// How much text a data object may become. A byte of a value is two digits and, of a text, up to four characters of a quoted
// one; a DOL has a line for each two bytes, a set of bits up to eight for a byte; a line is a name and its indentation.
const (
	maxLine  = 240
	maxLines = 8 // of one byte
)

// unprintable finds what would not be a character on a screen.
func unprintable(s string) (rune, bool) {
	for _, c := range s {
		if c < ' ' || c == 0x7F {
			return c, true
		}
	}
	return 0, !utf8.ValidString(s)
}

// Whatever data objects are shown to people: lines that can be printed, in proportion to what they were given, and the
// middle of a card number nowhere.
func FuzzRender(f *testing.F) {
	for _, s := range []string{"6F1A840E315041592E5359532E4444463031A5088801015F2D02656E", "8C159F02069F03069F1A0295055F2A029A039C019F3704",
		"9505FFFFFFFFFF9B02FFFF8202FFFF9F0702FFFF9F3303FFFFFF9F4005FFFFFFFFFF9F3003FFFFFF",
		"8E0E000000000000000041031E031F009F34034103029F27018B", "5A0847617390010101195F340101", "57114761739001010119D22122011143804400", "5613424234373631373339303031303130313139",
		"7002700070007000", "9532" + strings.Repeat("FF", 50)} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		if err := Render(&out, b); err != nil {
			if out.Len() > 0 || len(err.Error()) > 100*maxDepth {
				t.Fatalf("%v, and %q", err, out.String())
			}
			return
		}
		text := out.String()
		if lines := strings.Count(text, "\n"); lines > maxLines*len(b) || len(text) > maxLine*lines+8*len(b) {
			t.Fatalf("%d bytes become %d of text in %d lines", len(b), len(text), lines)
		}
		if c, bad := unprintable(strings.ReplaceAll(text, "\n", "")); bad {
			t.Fatalf("character %q in\n%s", c, text)
		}
	})
}

// Whatever value a data element has: what is shown of it can be printed, is not longer than its digits and characters, and
// of an account number has no more than its ends.
func FuzzShow(f *testing.F) {
	f.Add(uint32(ApplicationPAN), unhex(f, "4761739001010119"))
	f.Add(uint32(Track2EquivalentData), unhex(f, "4761739001010119D22122011143804400"))
	f.Add(uint32(Track1Data), []byte("B4761739001010119^A/B^2212201"))
	f.Add(uint32(ApplicationLabel), []byte("VISA\x1b[31m\"\xff"))
	f.Add(uint32(TVR), unhex(f, "8000"))
	f.Fuzz(func(t *testing.T, tag uint32, value []byte) {
		s := Show(Tag(tag), value)
		if len(s) > 40+7*len(value) {
			t.Fatalf("%d bytes become %d of text", len(value), len(s))
		}
		if c, bad := unprintable(s); bad {
			t.Fatalf("character %q in %q", c, s)
		}
		switch Tag(tag) {
		case ApplicationPAN, Track2EquivalentData, Track2Data, Track1Data:
			if digits := strings.Count(strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' {
					return '0'
				}
				return r
			}, strings.TrimSuffix(s, ", rest redacted")), "0"); digits > 10 {
				t.Fatalf("%d digits of an account number in %q", digits, s)
			}
		}
		explain(Object{Tag: Tag(tag), Value: value})
	})
}

// Whatever a list asks for and whatever values there are: every entry gets exactly its length, from the end of the value
// that its format says.
func FuzzFill(f *testing.F) {
	f.Add(unhex(f, "9F02069F03069F1A0295055F2A029A039C019F3704"), unhex(f, "000000010000"))
	f.Add(unhex(f, "5A0A"), unhex(f, "4761739001010119"))
	f.Add(unhex(f, "9F4EFF7000"), []byte("shop"))
	f.Fuzz(func(t *testing.T, dol, value []byte) {
		list, err := ParseDOL(dol)
		if same := CheckDOL(dol); fmt.Sprint(same) != fmt.Sprint(err) {
			t.Fatalf("%X: CheckDOL says %v, ParseDOL %v", dol, same, err)
		}
		if err != nil {
			return
		}
		if 2*len(list) > len(dol) {
			t.Fatalf("%d entries of %d bytes", len(list), len(dol))
		}
		front := []byte("front")
		filled, err := FillDOL(front, dol, func(Tag) []byte { return value })
		if err != nil || !bytes.HasPrefix(filled, front) {
			t.Fatalf("%X, %v", filled, err)
		}
		filled = filled[len(front):]
		for _, e := range list {
			if len(filled) < e.Length {
				t.Fatalf("%d bytes are left for %X, of %d", len(filled), e.Tag, e.Length)
			}
			part := filled[:e.Length]
			filled = filled[e.Length:]
			n := min(len(value), e.Length)
			known, _ := Lookup(e.Tag)
			switch {
			case Constructed(e.Tag):
				if len(bytes.Trim(part, "\x00")) > 0 {
					t.Fatalf("template %X is filled with %X", e.Tag, part)
				}
			case known.Format == FormatN && n > 0:
				if !bytes.HasSuffix(part, value[len(value)-n:]) {
					t.Fatalf("%X of %X is %X", e.Tag, value, part)
				}
			case !bytes.HasPrefix(part, value[:n]):
				t.Fatalf("%X of %X is %X", e.Tag, value, part)
			}
		}
		if len(filled) > 0 {
			t.Fatalf("%X is left over", filled)
		}
	})
}

// Whatever a CVM list is: its rules are its bytes, and each has names.
func FuzzCVMList(f *testing.F) {
	f.Add(unhex(f, "000000000000000041031E031F00"))
	f.Add(unhex(f, "00000000000000000010FFFF"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := ParseCVMList(b)
		if err != nil {
			return
		}
		if list.X < 0 || list.Y < 0 || len(b) != 8+2*list.Len() {
			t.Fatalf("%X: %d, %d and %d rules", b, list.X, list.Y, list.Len())
		}
		for i := range list.Len() {
			r := list.Rule(i)
			if r.Code != b[8+2*i] || r.Condition != b[9+2*i] || r.MethodName() == "" || r.ConditionName() == "" || r.Unsuccessful() == "" {
				t.Fatalf("%X: rule %d is %+v", b, i, r)
			}
		}
	})
}
