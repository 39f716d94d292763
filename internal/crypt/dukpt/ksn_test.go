package dukpt

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestParseKSN(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"FFFF9876543210E00001", "FFFF9876543210E00001"},
		{"9876543210E00001", "FFFF9876543210E00001"}, // left padded
		{"E00001", "FFFFFFFFFFFFFFE00001"},
		{"123456789012345600000001", "123456789012345600000001"},
	} {
		p := unhex(t, c.in)
		k := must(ParseKSN(p))(t)
		clear(p) // nothing of the input is kept
		if k.String() != c.want || upper(k.Bytes()) != c.want || k.Counter() != 1 {
			t.Errorf("%s: %v, counter %X", c.in, k, k.Counter())
		}
		clear(k.Bytes())
		if k.String() != c.want {
			t.Error("Bytes gives the value away")
		}
	}
	for _, n := range []int{0, 1, 2, 11, 13, 100} {
		k, err := ParseKSN(make([]byte, n))
		if !errors.Is(err, ErrKSN) || !k.IsZero() || !strings.Contains(err.Error(), "want 3 to 10") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// moov-io/dukpt's next KSN overwrites the caller's: ours are values.
func TestNextChangesNobodysBytes(t *testing.T) {
	for _, in := range []string{"FFFF9876543210E00001", "123456789012345600000001"} {
		p := make([]byte, len(in)/2, 64)
		copy(p, unhex(t, in))
		k := must(ParseKSN(p))(t)
		next := must(k.Next())(t)
		_, _ = k.Initial(), k.Append(make([]byte, 0, 64))
		if upper(p) != in || k.String() != in || next == k || next.Initial() != k.Initial() {
			t.Errorf("%s: %v, %v", in, k, next)
		}
		if got := k.Append([]byte{7}); got[0] != 7 || upper(got[1:]) != in {
			t.Error("Append does not append")
		}
	}
}

// X9.24-1: the counter's 21 bits begin inside byte 7, whose upper three bits are the device's.
func TestTheTDESCounterLiesAcrossAByte(t *testing.T) {
	for _, c := range []struct {
		in      string
		counter uint32
		initial string
	}{
		{"FFFF9876543210FFF800", 0x1FF800, "FFFF9876543210E00000"},
		{"FFFF9876543210F00000", 0x100000, "FFFF9876543210E00000"},
		{"FFFF98765432101FFFFF", 0x1FFFFF, "FFFF9876543210000000"},
		{"FFFF9876543210C00000", 0, "FFFF9876543210C00000"},
	} {
		k := ksn(t, c.in)
		if k.Counter() != c.counter || k.Initial().String() != c.initial {
			t.Errorf("%v: counter %X, initial %v", k, k.Counter(), k.Initial())
		}
	}
}

func TestValid(t *testing.T) {
	for in, reason := range map[string]string{
		"FFFF9876543210E00000": "counter 0", "123456789012345600000000": "counter 0",
		"FFFF9876543210E007FF": "11 one-bits: want at most 10", "12345678901234560001FFFF": "17 one-bits: want at most 16",
		"1234567890123456FFFFFFFF": "32 one-bits",
	} {
		if err := ksn(t, in).Valid(); !errors.Is(err, ErrKSN) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", in, err)
		}
	}
	for _, in := range []string{
		"FFFF9876543210E003FF", "FFFF9876543210FFF800", "12345678901234560000FFFF", "1234567890123456FFFF0000",
	} {
		if err := ksn(t, in).Valid(); err != nil {
			t.Error(err)
		}
	}
	var none KSN
	if err := none.Valid(); !errors.Is(err, ErrKSN) {
		t.Error(err)
	}
	_, err := none.Next()
	if !errors.Is(err, ErrKSN) || Transactions(none) != 0 || none.String() != "" || none.Initial() != none {
		t.Errorf("%v: %v", none, err)
	}
}

// The whole life of a TDES device: as many transactions as there are counters of 1 to 10 one-bits, in ascending order.
func TestATDESDeviceHas1048575Transactions(t *testing.T) {
	k, n := ksn(t, "FFFF9876543210E00000"), 0
	for {
		next, err := k.Next()
		if err != nil {
			if !errors.Is(err, ErrExhausted) || k.Counter() != 0x1FF800 {
				t.Errorf("%v after %v", err, k)
			}
			break
		}
		if next.Counter() <= k.Counter() || bits.OnesCount32(next.Counter()) > 10 || next.Initial() != k.Initial() {
			t.Fatalf("%v after %v", next, k)
		}
		k = next
		n++
	}
	if n != 1_048_575 || Transactions(k) != uint64(n) {
		t.Errorf("%d transactions, Transactions says %d", n, Transactions(k))
	}
}

func TestNextLeavesNoAESCounterOut(t *testing.T) {
	k := ksn(t, "123456789012345600000000")
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		c := r.Uint32() | r.Uint32()&r.Uint32()<<r.UintN(32)
		next, err := k.with(c).Next()
		if c >= 0xFFFF0000 {
			if !errors.Is(err, ErrExhausted) {
				t.Fatalf("after %X: %v", c, err)
			}
			continue
		}
		if err != nil || next.Counter() <= c || next.Valid() != nil {
			t.Fatalf("after %X: %v, %v", c, next, err)
		}
		for x := c + 1; x < next.Counter() && x < c+500; x++ {
			if k.with(x).Valid() == nil {
				t.Fatalf("after %X: %X is left out", c, x)
			}
		}
	}
	for c, want := range map[uint32]uint32{0xFFFF: 0x10000, 0x1FFFE: 0x20000, 0xFFFE8000: 0xFFFF0000, 0x7FFF8000: 0x80000000} {
		if next := must(k.with(c).Next())(t); next.Counter() != want {
			t.Errorf("after %X: %X, want %X", c, next.Counter(), want)
		}
	}
	if Transactions(k) != 2_448_023_842 {
		t.Errorf("Transactions says %d", Transactions(k))
	}
}

func TestKSNInJSON(t *testing.T) {
	if got := string(must(json.Marshal(ksn(t, "9876543210E00001")))(t)); got != `"FFFF9876543210E00001"` {
		t.Error(got)
	}
}

func FuzzParseKSN(f *testing.F) {
	for _, s := range []string{
		"FFFF9876543210E00001", "9876543210FFF800", "1234567890123456FFFF0000", "12345678901234560001FFFF", "00",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		k, err := ParseKSN(p)
		if err != nil {
			if !errors.Is(err, ErrKSN) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.HasSuffix(k.Bytes(), p) || must(ParseKSN(k.Bytes()))(t) != k || k.with(k.Counter()) != k {
			t.Fatalf("%X comes back as %v", p, k)
		}
		next, err := k.Next()
		if err != nil {
			if !errors.Is(err, ErrExhausted) {
				t.Fatal(err)
			}
			return
		}
		if next.Valid() != nil || next.Counter() <= k.Counter() || next.Initial() != k.Initial() {
			t.Fatalf("%v after %v", next, k)
		}
	})
}
