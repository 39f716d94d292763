package keyblock

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What Parse takes is printed again as it stands.
func FuzzParse(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(v.In.Block + v.In.Header)
	}
	f.Add("E0084M3AG01E000000000000000000000000000000000000000000000000000000000000000000000000")
	f.Fuzz(func(t *testing.T, block string) {
		h, n, err := Parse(block)
		if header, err := ParseHeader(block); err == nil {
			length, _ := decimal(block[1:5])
			if text := string(header.append(nil, length)); text != block {
				t.Fatalf("header %q printed as %q", block, text)
			}
		}
		if err != nil {
			return
		}
		if n != len(block) || n > maxLength || len(h.Optional) > maxOptionals {
			t.Fatalf("length %d, %d optional blocks", n, len(h.Optional))
		}
		if text := string(h.append(nil, n)); text != block[:len(text)] {
			t.Fatalf("header %q printed as %q", block[:len(text)], text)
		}
		for _, o := range h.Optional {
			_ = o.Valid()
		}
		text, err := h.Encode(n)
		if err == nil && text != block[:len(text)] { // Encode refuses what is only readable
			t.Fatalf("header %q encoded as %q", block[:len(text)], text)
		}
	})
}

// What Unwrap takes can be wrapped again, and is then the same.
func FuzzUnwrap(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(unhexed(f, v.In.KBPK), v.In.Block+v.In.Header)
	}
	f.Fuzz(func(t *testing.T, kbpk []byte, block string) {
		rules := Rules{SingleDES: true}
		h, key, err := rules.Unwrap(kbpk, block)
		if err != nil {
			if key != nil || h.Version != 0 {
				t.Fatal("an error and a key")
			}
			return
		}
		pad := Padding{Fixed: clearPayload(t, kbpk, block)[2+len(key):]}
		again, err := rules.Wrap(kbpk, h, key, pad)
		if err != nil { // weaker protection, serial numbers and times that are only read
			return
		}
		if again != block {
			t.Fatalf("%s wrapped again is %s", block, again)
		}
		back, same, err := rules.Unwrap(kbpk, again)
		if err != nil || !bytes.Equal(same, key) || !cmp.Equal(back, h) {
			t.Fatalf("%v, %+v", err, back)
		}
	})
}

func benchmarkUnwrap(b *testing.B, id string) {
	v := findVector(b, id)
	kbpk := unhexed(b, v.In.KBPK)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Unwrap(kbpk, v.In.Block); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnwrapA(b *testing.B) { benchmarkUnwrap(b, "tr31-004") }
func BenchmarkUnwrapB(b *testing.B) { benchmarkUnwrap(b, "tr31-005") }
func BenchmarkUnwrapD(b *testing.B) { benchmarkUnwrap(b, "tr31-008") }

func BenchmarkWrapD(b *testing.B) {
	kbpk, key, h := testKey(32), testKey(32), testHeader('D', 'A')
	random := &counting{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Wrap(kbpk, h, key, Padding{Random: random}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Parse(published); err != nil {
			b.Fatal(err)
		}
	}
}
