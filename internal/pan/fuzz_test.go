package pan_test

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/posim/posim/internal/pan"
)

// leaks finds a published test number in text: digits that are adjacent but for single spaces and dashes.
func leaks(text string) string {
	var digits []byte
	check := func() string {
		for i := range digits {
			for n := 13; n <= 19 && i+n <= len(digits); n++ {
				p, err := pan.Parse(string(digits[i : i+n]))
				if err == nil && p.LuhnValid() && pan.InTestRange(p) {
					return p.Digits()
				}
			}
		}
		digits = digits[:0]
		return ""
	}
	gap := true
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= '0' && c <= '9':
			digits, gap = append(digits, c), false
		case (c == ' ' || c == '-') && !gap:
			gap = true
		default:
			if found := check(); found != "" {
				return found
			}
			gap = true
		}
	}
	return check()
}

// Published test numbers in random surroundings never come out: digits, letters, gaps and tracks around them, in every
// grouping and encoding, as a whole and in pieces.
func TestWriterFindsEmbeddedNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	cards := []string{"4761739001010119", "5413330089020011", "4012345678909", "6230606601007726888", "378282246310005", "30569309025904"}
	noise := func(from string) string {
		b := make([]byte, rng.IntN(30))
		for i := range b {
			b[i] = from[rng.IntN(len(from))]
		}
		return string(b)
	}
	alphabets := []string{"0123456789", "0123456789ABCDEF", "0123456789 ", "0123456789abcdef -=^", "0 x=D?^\n-"}
	for range 20_000 {
		number := cards[rng.IntN(len(cards))]
		secret := number
		switch rng.IntN(4) {
		case 0: // gaps anywhere
			var b []byte
			for i := range len(number) {
				b = append(b, number[i])
				if i+1 < len(number) && rng.IntN(3) == 0 {
					b = append(b, " -"[rng.IntN(2)])
				}
			}
			secret = string(b)
		case 1: // ASCII in hexadecimal
			secret = hex.EncodeToString([]byte(number))
		}
		from := alphabets[rng.IntN(len(alphabets))]
		in := noise(from) + secret + noise(from)
		out := through(t, in, 1+rng.IntN(40))
		if found := leaks(out); found != "" || strings.Contains(out, secret) {
			t.Fatalf("%s comes out of %q: %q", secret, in, out)
		}
	}
}

// Whatever is written, in whatever pieces: no published test number comes out, nothing but digits is hidden (behind '^', anything
// printable), nothing is added or lost, and the pieces make no difference.
func FuzzWriter(f *testing.F) {
	for _, s := range []string{"4761739001010119", "57114761739001010119D2912201=", "4761 7390-0101 0119", "%B4761739001010119^A^29?",
		"34373631373339303031303130313139", "6230606601007726888 4012345678909", "5413330089020011=29122011"} {
		f.Add([]byte(s), uint8(3), uint16(0))
		f.Add([]byte("x1 "+s+"F"), uint8(5), uint16(16*290+1))
	}
	f.Fuzz(func(t *testing.T, b []byte, piece uint8, zeros uint16) {
		b = b[:min(len(b), 1<<12)]
		in := string(b)
		if zeros%16 == 1 { // near the seam of a long run, now and then: it costs time
			in = strings.Repeat("0", 3800+int(zeros/16)%400) + in
		}
		out := through(t, in, len(in)+1)
		if found := leaks(out); found != "" {
			t.Fatalf("%s comes out of %q: %q", found, in, out)
		}
		if len(out) != len(in) {
			t.Fatalf("%d characters become %d", len(in), len(out))
		}
		track1 := strings.Contains(in, "^")
		for i := range len(in) {
			if out[i] != in[i] && (out[i] != '*' || !track1 && (in[i] < '0' || in[i] > '9')) {
				t.Fatalf("character %d: %q becomes %q", i, in[i], out[i])
			}
		}
		if parts := through(t, in, int(piece)+1); parts != out {
			t.Fatalf("pieces of %d: %q, whole %q", int(piece)+1, parts, out)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("4761739001010119")
	f.Add("0000000000000000000")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := pan.Parse(s)
		if err != nil {
			if !p.IsZero() {
				t.Fatal("an error and a number")
			}
			return
		}
		if again, err := pan.Parse(p.Digits()); p.Digits() != s || err != nil || again != p {
			t.Fatalf("%q becomes %q", s, p.Digits())
		}
		if m := p.Masked(); len(m) != len(s) || len(s) >= 13 && strings.Contains(m, s[:7]) {
			t.Fatalf("masked %q", m)
		}
	})
}
