package crypt

import (
	"crypto/cipher"
	"crypto/des"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt/known"
)

// encryptOnce is DES as its users have it.
func encryptOnce(key [8]byte, block uint64) uint64 {
	var s DES
	s.Expand(&key)
	return s.Encrypt(block)
}

// sameDES checks one key and block against crypto/des.
func sameDES(t *testing.T, key [8]byte, block uint64) {
	t.Helper()
	b, err := des.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	var out [8]byte
	binary.BigEndian.PutUint64(out[:], block)
	b.Encrypt(out[:], out[:])
	if got, want := encryptOnce(key, block), binary.BigEndian.Uint64(out[:]); got != want {
		t.Fatalf("key %X, block %016X: %016X, want %016X", key, block, got, want)
	}
}

// The tables try each bit of the block and of the key and every entry of every S-box.
func TestDESKnownAnswers(t *testing.T) {
	text := known.Bytes(t, "des/sp800-20.txt")
	n := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var f [3][8]byte // key, plaintext, ciphertext
		for i, field := range strings.Fields(line) {
			if _, err := hex.Decode(f[i][:], []byte(field)); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
		plain, want := binary.BigEndian.Uint64(f[1][:]), binary.BigEndian.Uint64(f[2][:])
		if got := encryptOnce(f[0], plain); got != want {
			t.Errorf("key %X, plaintext %016X: %016X, want %016X", f[0], plain, got, want)
		}
		n++
	}
	if n != 64+56+32+19 {
		t.Errorf("%d answers", n)
	}
}

func TestDESIsThatOfTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(46, 3))
	for range 20_000 {
		var key [8]byte
		binary.BigEndian.PutUint64(key[:], r.Uint64())
		sameDES(t, key, r.Uint64())
	}
}

// All 64 weak, semi-weak and possibly weak keys, as they are listed and with each parity bit the other way.
func TestDESWithWeakKeys(t *testing.T) {
	const left, right = "\x01\x1F\xE0\xFE", "\x01\x0E\xF1\xFE"
	r := rand.New(rand.NewPCG(800, 67))
	n := 0
	for spelled := range 256 {
		var key, flipped [8]byte
		for i := range 4 {
			digit := spelled >> (2 * i) & 3
			key[i], key[4+i] = left[digit], right[digit]
			flipped[i], flipped[4+i] = left[digit]^1, right[digit]^1
		}
		if !WeakDES(key[:]) {
			continue
		}
		n++
		for range 10 {
			block := r.Uint64()
			sameDES(t, key, block)
			sameDES(t, flipped, block)
		}
	}
	if n != 64 {
		t.Errorf("%d weak keys", n)
	}
	// Under the four weak ones a block that is encrypted twice is itself.
	for digit := range 4 {
		l, r8 := left[digit], right[digit]
		key := [8]byte{l, l, l, l, r8, r8, r8, r8}
		if block := r.Uint64(); encryptOnce(key, encryptOnce(key, block)) != block {
			t.Errorf("weak key %X encrypts twice to another block", key)
		}
	}
}

// A schedule that another key was in before is that of the new key, of several blocks too, and the key stays as it is.
func TestDESScheduleAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var again DES
	for range 100 {
		var key [8]byte
		binary.BigEndian.PutUint64(key[:], r.Uint64())
		saved := key
		again.Expand(&key)
		for range 3 {
			block := r.Uint64()
			if again.Encrypt(block) != encryptOnce(key, block) {
				t.Fatal("a schedule that is used again differs from a new one")
			}
		}
		if key != saved {
			t.Fatal("the key is changed")
		}
	}
}

func TestDESDoesNotAllocate(t *testing.T) {
	key, block := [8]byte{1, 2, 3}, uint64(0)
	if n := testing.AllocsPerRun(100, func() { block = encryptOnce(key, block) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDES(f *testing.F) {
	f.Add(uint64(0), uint64(0))
	f.Add(uint64(0x0123456789ABCDEF), uint64(0x4E6F772069732074))
	f.Add(^uint64(0), uint64(1))
	f.Fuzz(func(t *testing.T, key, block uint64) {
		var k [8]byte
		binary.BigEndian.PutUint64(k[:], key)
		sameDES(t, k, block)
	})
}

func BenchmarkDES(b *testing.B) {
	key, block := [8]byte{1, 2, 3}, uint64(0)
	var s DES
	b.Run("expand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			key[0] += 2
			s.Expand(&key)
		}
	})
	b.Run("encrypt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			block = s.Encrypt(block)
		}
	})
	b.Run("once", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			binary.BigEndian.PutUint64(key[:], block) // each key from the last block, as in a derivation
			s.Expand(&key)
			block = s.Encrypt(block)
		}
	})
	b.Run("once-library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c, err := des.NewCipher(key[:])
			if err != nil {
				b.Fatal(err)
			}
			c.Encrypt(key[:], key[:])
		}
	})
}

// NewDES and NewTDES are crypto/des, both ways, whatever the length of the key.
func TestBlockCiphersAreThoseOfTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(46, 4))
	for range 5_000 {
		var key [24]byte
		var block [8]byte
		for i := 0; i < len(key); i += 8 {
			binary.BigEndian.PutUint64(key[i:], r.Uint64())
		}
		binary.BigEndian.PutUint64(block[:], r.Uint64())
		k1k2k1 := append(key[:16:16], key[:8]...)
		single, errSingle := NewDES(key[:8])
		double, errDouble := NewTDES(key[:16])
		triple, errTriple := NewTDES(key[:])
		wantSingle, _ := des.NewCipher(key[:8])
		wantDouble, _ := des.NewTripleDESCipher(k1k2k1)
		wantTriple, _ := des.NewTripleDESCipher(key[:])
		if err := errors.Join(errSingle, errDouble, errTriple); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ got, want cipher.Block }{{single, wantSingle}, {double, wantDouble}, {triple, wantTriple}} {
			var got, want [8]byte
			c.got.Encrypt(got[:], block[:])
			c.want.Encrypt(want[:], block[:])
			if got != want {
				t.Fatalf("key %X, block %X: %X, want %X", key, block, got, want)
			}
			if c.got.Decrypt(got[:], got[:]); got != block {
				t.Fatalf("key %X: decrypted to %X, want %X", key, got, block)
			}
		}
	}
}
