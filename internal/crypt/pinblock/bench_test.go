package pinblock

import (
	"math/rand/v2"
	"testing"
)

// bench is what a module keeps: nothing of it is made again for a block.
type bench struct {
	pin, pan, fill []byte
	work           [MaxSize]byte
	block          [MaxSize]byte
}

func newBench(t testing.TB, f Format) *bench {
	return &bench{pin: numbers(t, "123456"), pan: []byte(pan1), fill: somewhat(f, 6)}
}

func TestNothingIsAllocated(t *testing.T) {
	source := rand.NewChaCha8([32]byte{1})
	for f, kind := range ciphers {
		k, b := newCipher(t, kind, key16), newBench(t, f)
		block := b.block[:f.Size()]
		if n := testing.AllocsPerRun(20, func() {
			if err := Encode(block, f, b.pin, b.pan, b.fill); err != nil {
				t.Fatal(err)
			}
			if _, err := Decode(&b.work, f, block, b.pan); err != nil {
				t.Fatal(err)
			}
			if err := RandomFill(b.fill, f, source); err != nil {
				t.Fatal(err)
			}
			if err := Encipher(block, k, f, b.pin, b.pan, b.fill); err != nil {
				t.Fatal(err)
			}
			if _, err := Decipher(&b.work, k, f, block, b.pan); err != nil {
				t.Fatal(err)
			}
			block[3]++
			if _, err := Decode(&b.work, 0, b.pin, b.pan); err != ErrBlock {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("format %v: %v allocations", f, n)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, f := range all {
		b.Run(f.String(), func(b *testing.B) {
			s := newBench(b, f)
			b.ReportAllocs()
			for b.Loop() {
				if err := Encode(s.block[:], f, s.pin, s.pan, s.fill); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, f := range all {
		b.Run(f.String(), func(b *testing.B) {
			s := newBench(b, f)
			clear := encoded(b, f, "123456", pan1)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(&s.work, f, clear, s.pan); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncipher(b *testing.B) {
	for _, f := range []Format{Format0, Format3, Format4, SM4X98} {
		b.Run(f.String(), func(b *testing.B) {
			s, k := newBench(b, f), newCipher(b, ciphers[f], key16)
			b.ReportAllocs()
			for b.Loop() {
				if err := Encipher(s.block[:], k, f, s.pin, s.pan, s.fill); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecipher(b *testing.B) {
	for _, f := range []Format{Format0, Format3, Format4, SM4X98} {
		b.Run(f.String(), func(b *testing.B) {
			s, k := newBench(b, f), newCipher(b, ciphers[f], key16)
			block := s.block[:f.Size()]
			if err := Encipher(block, k, f, s.pin, s.pan, s.fill); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decipher(&s.work, k, f, block, s.pan); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
