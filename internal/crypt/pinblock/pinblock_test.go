package pinblock

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const (
	pan1   = "4761739001010010"
	key16  = "0123456789ABCDEFFEDCBA9876543210"
	random = "2F69ADDE2E9E7ACE"
)

var all = []Format{Format0, Format1, Format2, Format3, Format4, SM4X98}

// ciphers are the ciphers of the formats that are enciphered.
var ciphers = map[Format]string{Format0: "TDES", Format1: "TDES", Format3: "TDES", Format4: "AES", SM4X98: "SM4"}

// somewhat is a fill that is right for a PIN of n digits.
func somewhat(f Format, n int) []byte { return bytes.Repeat([]byte{0xC}, f.FillLen(n)) }

func encoded(t testing.TB, f Format, pin, pan string) []byte {
	t.Helper()
	dst := make([]byte, f.Size())
	if err := Encode(dst, f, numbers(t, pin), []byte(pan), somewhat(f, len(pin))); err != nil {
		t.Fatal(err)
	}
	return dst
}

// refused checks that nothing comes out of a block, in the one way there is.
func refused(t *testing.T, what string, f Format, clear []byte, pan string) {
	t.Helper()
	work := [MaxSize]byte{7, 7, 7}
	if n, err := Decode(&work, f, clear, []byte(pan)); err != ErrBlock || n != 0 || work != [MaxSize]byte{} {
		t.Errorf("format %v, %s: %d digits, %v", f, what, n, err)
	}
}

func TestEveryLengthGoesThereAndBack(t *testing.T) {
	for _, f := range all {
		for n := MinPIN; n <= MaxPIN; n++ {
			pin := "098765432109"[:n]
			var work [MaxSize]byte
			got, err := Decode(&work, f, encoded(t, f, pin, pan1), []byte(pan1))
			if err != nil || digits(work[:got]) != pin || bytes.Trim(work[got:], "\x00") != nil {
				t.Errorf("format %v, %d digits: %d, %v", f, n, got, err)
			}
			if ciphers[f] == "" {
				continue
			}
			k, dst := newCipher(t, ciphers[f], key16), make([]byte, f.Size())
			if err := Encipher(dst, k, f, numbers(t, pin), []byte(pan1), somewhat(f, n)); err != nil {
				t.Error(err)
			}
			if got, err := Decipher(&work, k, f, dst, []byte(pan1)); err != nil || digits(work[:got]) != pin {
				t.Errorf("format %v, %d digits: deciphered %d, %v", f, n, got, err)
			}
		}
	}
}

// Every nibble of every format is looked at: whatever stands in it, either the field is what the encoder makes of some
// PIN, or it is refused. Format 1 and the random half of format 4 take any filler; format 3 A to F.
func TestEveryNibbleIsChecked(t *testing.T) {
	const pin = "123456"
	for _, f := range all {
		account := make([]byte, f.Size())
		if f != Format4 {
			if err := PANField(account, f, []byte(pan1)); err != nil {
				t.Fatal(err)
			}
		}
		good := encoded(t, f, pin, pan1)
		for at := range 2 * f.Size() {
			for v := range byte(16) {
				shift := 4 * (1 - at%2)
				is := (good[at/2] ^ account[at/2]) >> shift & 15
				bad := slices.Clone(good)
				bad[at/2] ^= (is ^ v) << shift
				right := v == is
				switch {
				case at >= 2 && at < 2+len(pin):
					right = v <= 9
				case at < 2:
				case f == Format1, f == Format4 && at >= 16:
					right = true
				case f == Format3:
					right = v >= 10
				}
				if at == 1 && f == Format1 { // the filler C is no digit, but a shorter PIN leaves digits as filler
					right = v >= 4 && int(v) <= len(pin)
				}
				var work [MaxSize]byte
				if _, err := Decode(&work, f, bad, []byte(pan1)); (err == nil) != right {
					t.Errorf("format %v, nibble %d is %X: %v", f, at, v, err)
				}
			}
		}
	}
}

// A length out of range is refused even when digits stand behind it all the way.
func TestLengthNibble(t *testing.T) {
	for _, f := range all {
		for n := range 16 {
			inside := max(MinPIN, min(n, MaxPIN))
			field, account := make([]byte, f.Size()), make([]byte, f.Size())
			if err := PINField(field, f, make([]byte, inside), somewhat(f, inside)); err != nil {
				t.Fatal(err)
			}
			field[0] = field[0]&0xF0 | byte(n)
			if n > MaxPIN {
				field[7] = 0
			}
			if f != Format4 {
				if err := PANField(account, f, []byte(pan1)); err != nil {
					t.Fatal(err)
				}
			}
			for i := range field {
				field[i] ^= account[i]
			}
			var work [MaxSize]byte
			got, err := Decode(&work, f, field, []byte(pan1))
			if right := n == inside; right != (err == nil) || right && got != n {
				t.Errorf("format %v, length %d: %d, %v", f, n, got, err)
			}
		}
	}
}

// Formats 0 and 3 differ in the control nibble and the filler: neither is taken for the other, nor any format for any other.
func TestNoFormatPassesForAnother(t *testing.T) {
	for _, f := range all {
		for _, other := range all {
			if f != other {
				refused(t, "a block of "+f.String(), other, encoded(t, f, "1234", pan1), pan1)
			}
		}
	}
	zero, three := encoded(t, Format0, "1234", pan1), make([]byte, 8)
	if err := Encode(three, Format3, numbers(t, "1234"), []byte(pan1), numbers(t, "FFFFFFFFFF")); err != nil {
		t.Fatal(err)
	}
	zero[0] ^= 0x30 // with format 0's filler
	if !bytes.Equal(zero, three) {
		t.Error("formats 0 and 3 differ in more than control nibble and filler")
	}
	refused(t, "format 3 with filler F", Format0, three, pan1)
}

// Defects that a decoder in the field has: a wrong PAN or filler passes, and a length of five with a filler behind four
// digits gives the PIN "1234f".
func TestDefectsOfOthers(t *testing.T) {
	for _, f := range []Format{Format0, SM4X98} {
		refused(t, "another PAN", f, encoded(t, f, "1234", pan1), "4761739001010119")
	}
	refused(t, "another PAN", Format3, encoded(t, Format3, "1234", pan1), "4761739001018010") // the letter C becomes 4
	refused(t, "a filler nibble 0", Format0, unhex(t, "041223C6FFEFEFF1"), pan1)
	block := encoded(t, Format0, "1234", pan1)
	block[0]++
	refused(t, "1234F", Format0, block, pan1)
	block[0] -= 2
	refused(t, "123, and 4 as filler", Format0, block, pan1)
}

// Format 4: a PIN field deciphered for another PAN, or under another key, is noise.
func TestFormat4BindsPANAndKey(t *testing.T) {
	k, dst := newCipher(t, "AES", key16), make([]byte, 16)
	if err := Encipher(dst, k, Format4, numbers(t, "1234"), []byte(pan1), unhex(t, random)); err != nil {
		t.Fatal(err)
	}
	var work [MaxSize]byte
	for name, c := range map[string]struct{ key, pan string }{
		"another PAN": {key16, "4761739001010119"}, "a check digit": {key16, pan1[:15] + "1"}, "a shorter PAN": {key16, pan1[:15]},
		"another key": {"1123456789ABCDEFFEDCBA9876543210", pan1},
	} {
		if n, err := Decipher(&work, newCipher(t, "AES", c.key), Format4, dst, []byte(c.pan)); err != ErrBlock || n != 0 || work != [MaxSize]byte{} {
			t.Errorf("%s: %d digits, %v", name, n, err)
		}
	}
	for i := range dst {
		dst[i] ^= 1
		if n, err := Decipher(&work, k, Format4, dst, []byte(pan1)); err != ErrBlock || n != 0 || work != [MaxSize]byte{} {
			t.Errorf("byte %d: %d digits, %v", i, n, err)
		}
		dst[i] ^= 1
	}
}

// What is wrong on the way in is said by name, without the PIN or PAN, and nothing is written.
func TestWrongInput(t *testing.T) {
	right := somewhat
	these := func(fill ...byte) func(Format, int) []byte { return func(Format, int) []byte { return fill } }
	for _, c := range []struct {
		name     string
		f        Format
		pin      []byte
		pan      string
		fill     func(Format, int) []byte
		want     error
		contains string
	}{
		{"3 digits", Format0, []byte{1, 2, 3}, pan1, right, ErrPIN, "4 to 12 digits"},
		{"13 digits", Format0, make([]byte, 13), pan1, right, ErrPIN, "4 to 12 digits"},
		{"no PIN", Format4, nil, pan1, right, ErrPIN, "4 to 12 digits"},
		{"a letter", Format2, []byte{1, 2, 3, 10}, "", right, ErrPIN, "4 to 12 digits"},
		{"ASCII", SM4X98, []byte("1234"), pan1, right, ErrPIN, "4 to 12 digits"},
		{"a high byte", Format0, []byte{1, 2, 3, 0xFF}, pan1, right, ErrPIN, "4 to 12 digits"},
		{"a PAN of 12", Format0, make([]byte, 4), pan1[:12], right, ErrPAN, "of 12 digits: want 13 to 19"},
		{"a PAN of 12", Format3, make([]byte, 4), pan1[:12], right, ErrPAN, "of 12 digits: want 13 to 19"},
		{"a PAN of 12", SM4X98, make([]byte, 4), pan1[:12], right, ErrPAN, "of 12 digits: want 13 to 19"},
		{"no PAN", Format0, make([]byte, 4), "", right, ErrPAN, "of 0 digits: want 13 to 19"},
		{"a PAN of 20", Format0, make([]byte, 4), pan1 + "0000", right, ErrPAN, "of 20 digits: want 13 to 19"},
		{"a PAN of 7", Format4, make([]byte, 4), pan1[:7], right, ErrPAN, "of 7 digits: want 8 to 19"},
		{"a PAN of 20", Format4, make([]byte, 4), pan1 + "0000", right, ErrPAN, "of 20 digits: want 8 to 19"},
		{"a track", Format0, make([]byte, 4), pan1 + "D", right, ErrPAN, "character 17 of 17 is no digit"},
		{"a PAN in numbers", Format4, make([]byte, 4), "\x04" + pan1, right, ErrPAN, "character 1 of 17 is no digit"},
		{"a fill too much", Format0, make([]byte, 4), pan1, these(0), ErrFill, "of 1 bytes: want 0"},
		{"no fill", Format1, make([]byte, 5), "", these(), ErrFill, "of 0 bytes: want 9"},
		{"no fill", Format4, make([]byte, 5), pan1, these(), ErrFill, "of 0 bytes: want 8"},
		{"bytes as fill", Format1, make([]byte, 12), "", these(15, 16), ErrFill, "digit 2 is not 0 to F"},
		{"digits as fill", Format3, make([]byte, 12), pan1, these(9, 10), ErrFill, "digit 1 is not A to F"},
		{"bytes as fill", Format3, make([]byte, 12), pan1, these(10, 16), ErrFill, "digit 2 is not A to F"},
		{"no such format", 6, make([]byte, 4), pan1, right, ErrFormat, "format 6: want 0 to 5"},
	} {
		dst := bytes.Repeat([]byte{0xEE}, MaxSize)
		err := Encode(dst, c.f, c.pin, []byte(c.pan), c.fill(c.f, len(c.pin)))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.contains) || !strings.HasPrefix(err.Error(), "pinblock: ") {
			t.Errorf("format %v, %s: %v", c.f, c.name, err)
		}
		if c.pan != "" && err != nil && strings.Contains(err.Error(), c.pan[1:7]) {
			t.Errorf("%v quotes the PAN", err)
		}
		if !bytes.Equal(dst, bytes.Repeat([]byte{0xEE}, MaxSize)) {
			t.Errorf("format %v, %s: %X is written", c.f, c.name, dst)
		}
	}
}

// A PAN that no block can be for, or a block of another size, is one more block that does not open.
func TestWrongInputOnTheWayOut(t *testing.T) {
	block := encoded(t, Format0, "1234", pan1)
	refused(t, "a PAN of 12", Format0, block, pan1[4:])
	refused(t, "a PAN with a letter", Format0, block, "A"+pan1)
	for _, f := range all {
		good := encoded(t, f, "1234", pan1)
		for n := range 2 * MaxSize {
			if n != len(good) {
				refused(t, "another size", f, slices.Grow(good, 2*MaxSize)[:n], pan1)
			}
		}
		if ciphers[f] == "" {
			continue
		}
		k, work := newCipher(t, ciphers[f], key16), [MaxSize]byte{}
		room := make([]byte, 2*MaxSize) // a good block with zeros behind
		if err := Encipher(room, k, f, make([]byte, 4), []byte(pan1), somewhat(f, 4)); err != nil {
			t.Fatal(err)
		}
		for size := range room {
			n, err := Decipher(&work, k, f, room[:size], []byte(pan1))
			if (size == f.Size()) != (err == nil) || err != nil && (err != ErrBlock || work != [MaxSize]byte{}) {
				t.Errorf("format %v, %d bytes: %d digits, %v", f, size, n, err)
			}
		}
	}
	work := [MaxSize]byte{1}
	if n, err := Decode(&work, 6, block, []byte(pan1)); !errors.Is(err, ErrFormat) || n != 0 || work != [MaxSize]byte{} {
		t.Errorf("format 6: %d, %v", n, err)
	}
}

func TestCipherFitsFormat(t *testing.T) {
	for _, f := range append(slices.Clone(all), 6) {
		for _, kind := range []string{"TDES", "AES", "SM4"} {
			k := newCipher(t, kind, key16)
			fits := f.Online() && k.BlockSize() == f.Size()
			dst, work := make([]byte, MaxSize), [MaxSize]byte{1}
			err := Encipher(dst, k, f, make([]byte, 4), []byte(pan1), somewhat(f, 4))
			if fits != (err == nil) || err != nil && !errors.Is(err, ErrFormat) {
				t.Errorf("encipher format %v under %s: %v", f, kind, err)
			}
			if _, err = Decipher(&work, k, f, dst[:f.Size()], []byte(pan1)); fits != (err == nil) || err != nil && !errors.Is(err, ErrFormat) {
				t.Errorf("decipher format %v under %s: %v", f, kind, err)
			}
			if !fits && work != [MaxSize]byte{} {
				t.Errorf("format %v under %s: something is left", f, kind)
			}
		}
	}
}

// Input and output may share memory.
func TestMemoryMayBeShared(t *testing.T) {
	for _, f := range all {
		want := encoded(t, f, "1234", pan1)
		var work [MaxSize]byte
		n, err := Decode(&work, f, want, []byte(pan1))
		if err != nil {
			t.Fatal(err)
		}
		if err := Encode(work[:], f, work[:n], []byte(pan1), somewhat(f, n)); err != nil || !bytes.Equal(work[:f.Size()], want) {
			t.Errorf("format %v: %X, %v", f, work, err)
		}
		if n, err := Decode(&work, f, work[:f.Size()], []byte(pan1)); err != nil || digits(work[:n]) != "1234" {
			t.Errorf("format %v: %v", f, err)
		}
		if ciphers[f] == "" {
			continue
		}
		k := newCipher(t, ciphers[f], key16)
		if err := Encipher(work[:], k, f, work[:n], []byte(pan1), somewhat(f, n)); err != nil {
			t.Errorf("format %v: %v", f, err)
		}
		if n, err := Decipher(&work, k, f, work[:f.Size()], []byte(pan1)); err != nil || digits(work[:n]) != "1234" {
			t.Errorf("format %v: deciphered: %v", f, err)
		}
	}
}

// PCI PIN Security, requirement 3.
func TestPermitted(t *testing.T) {
	want := map[Format]string{ // where to
		Format0: "0 3 4 sm4-x98-16", Format3: "0 3 4 sm4-x98-16", Format4: "0 3 4 sm4-x98-16", SM4X98: "0 3 4 sm4-x98-16",
		Format1: "0 1 3 4 sm4-x98-16", Format2: "",
	}
	for from, list := range want {
		var got []string
		for _, to := range all {
			err := Permitted(from, to)
			if err == nil {
				got = append(got, to.String())
			} else if !errors.Is(err, ErrTranslation) {
				t.Errorf("%v to %v: %v", from, to, err)
			}
		}
		if strings.Join(got, " ") != list {
			t.Errorf("from %v to %v: want %s", from, got, list)
		}
	}
	if err := errors.Join(Permitted(6, 0)); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
	if err := errors.Join(Permitted(0, 6)); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

func TestFormatNames(t *testing.T) {
	for _, f := range all {
		if got, err := ParseFormat(f.String()); got != f || err != nil {
			t.Errorf("%v: %v, %v", f, got, err)
		}
	}
	for _, name := range []string{"", "5", "00", "SM4-X98-16", "iso-0"} {
		if f, err := ParseFormat(name); !errors.Is(err, ErrFormat) || f != 0 {
			t.Errorf("%q: %v, %v", name, f, err)
		}
	}
	if s := Format(6).String(); s != "Format(6)" || Format(6).Size() != 0 || Format(6).HasPAN() || Format(6).Online() {
		t.Error("format 6 is one of these:", s)
	}
}

// Format 3's letters are drawn with equal chances, and every fill is one that the encoder takes.
func TestRandomFill(t *testing.T) {
	source := rand.NewChaCha8([32]byte{1})
	count := map[byte]int{}
	const rounds = 6000
	for range rounds {
		for _, f := range all {
			fill := make([]byte, f.FillLen(4))
			if err := RandomFill(fill, f, source); err != nil {
				t.Fatal(err)
			}
			if err := checkFill(f, 4, fill); err != nil {
				t.Fatal(err)
			}
			if f == Format3 {
				for _, d := range fill {
					count[d]++
				}
			}
		}
	}
	for d, n := range count { // 10,000 each, deviation 91
		if n < 9500 || n > 10500 || len(count) != 6 {
			t.Errorf("%X: %d times", d, n)
		}
	}
	fill := []byte{0, 0, 0}
	for in, want := range map[string]string{"\x00\x05\x06": "AFA", "\xFB\xFC\xFF\x01\xFF\xFD\x02": "FBC"} {
		if err := RandomFill(fill, Format3, strings.NewReader(in)); err != nil || digits(fill) != want {
			t.Errorf("%X: %X, %v", in, fill, err)
		}
	}
	for f, in := range map[Format]string{Format1: "ab", Format3: "\xFC\x01\x01"} { // too little
		if err := RandomFill(fill, f, strings.NewReader(in)); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Errorf("format %v: %v", f, err)
		}
	}
	if err := RandomFill(fill, Format3, stuck{}); err != errSource {
		t.Error(err)
	}
}

type stuck struct{}

func (stuck) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 0xFF
	}
	return len(b), nil
}
