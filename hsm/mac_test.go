package hsm

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// Of every kind of MAC: the right one verifies, cut too; none with a changed bit does, nor one that is too short or too long.
func TestVerifyMAC(t *testing.T) {
	data := []byte("eight by and a bit more")
	for _, kind := range macKeys {
		t.Run(kind.name, func(t *testing.T) {
			m := New(counter())
			k := install(t, m, kind.a, kind.clear)
			mac := make([]byte, kind.size)
			if err := m.MAC(k, MACParams{}, mac, data); err != nil {
				t.Fatal(err)
			}
			for n := 4; n <= kind.size; n++ {
				cut := make([]byte, n)
				if err := m.MAC(k, MACParams{}, cut, data); err != nil || !bytes.Equal(cut, mac[:n]) {
					t.Errorf("cut to %d bytes: %X, %v", n, cut, err)
				}
				if err := m.VerifyMAC(k, MACParams{}, cut, data); err != nil {
					t.Errorf("%d bytes: %v", n, err)
				}
			}
			for i := range mac {
				wrong := bytes.Clone(mac)
				wrong[i] ^= 1
				if err := m.VerifyMAC(k, MACParams{}, wrong, data); !errors.Is(err, ErrMAC) {
					t.Errorf("byte %d wrong: %v", i, err)
				}
			}
			for i := range data {
				wrong := bytes.Clone(data)
				wrong[i] ^= 0x80
				if err := m.VerifyMAC(k, MACParams{}, mac, wrong); !errors.Is(err, ErrMAC) {
					t.Errorf("data byte %d wrong: %v", i, err)
				}
			}
			for _, unfit := range [][]byte{nil, mac[:3], append(bytes.Clone(mac), 0)} {
				if err := m.VerifyMAC(k, MACParams{}, unfit, data); !errors.Is(err, ErrMAC) || !strings.Contains(err.Error(), "want 4 to ") {
					t.Errorf("%d bytes: %v", len(unfit), err)
				}
				if err := m.MAC(k, MACParams{}, unfit, data); err == nil || !strings.Contains(err.Error(), "want 4 to ") {
					t.Errorf("a MAC of %d bytes: %v", len(unfit), err)
				}
			}
			clean(t, m)
		})
	}
}

// Padding and halves are parameters of those keys that have them, and of no others; each changes the MAC.
func TestMACParams(t *testing.T) {
	data := []byte("eight by") // a whole block, so that padding method 2 has one of its own
	for _, kind := range macKeys {
		m := New(counter())
		k := install(t, m, kind.a, kind.clear)
		seen := map[string]int{}
		for padding := -1; padding <= 4; padding++ {
			mac := make([]byte, 8)
			err := m.MAC(k, MACParams{Padding: padding}, mac, data)
			padded := kind.a.Usage == MACAlgorithm1 || kind.a.Usage == MACAlgorithm3
			if ok := padding == 0 || padded && padding >= 1 && padding <= 3; (err == nil) != ok {
				t.Errorf("%s, padding %d: %v", kind.name, padding, err)
			}
			if err != nil {
				if v := m.VerifyMAC(k, MACParams{Padding: padding}, mac, data); v == nil || errors.Is(v, ErrMAC) {
					t.Errorf("%s, padding %d: verify answers %v", kind.name, padding, v)
				}
				continue
			}
			if earlier, was := seen[string(mac)]; was && earlier+padding != 1 { // 0 is 1
				t.Errorf("%s: paddings %d and %d give the same", kind.name, earlier, padding)
			}
			seen[string(mac)] = padding
		}
		whole, half := make([]byte, 8), make([]byte, 8)
		err := m.MAC(k, MACParams{LeftHalf: true}, half, data)
		if ok := kind.a == (Attributes{Usage: XORMAC}); (err == nil) != ok {
			t.Errorf("%s, left half: %v", kind.name, err)
		} else if ok && (m.MAC(k, MACParams{}, whole, data) != nil || bytes.Equal(whole, half)) {
			t.Errorf("%s: the left half gives what the whole key gives", kind.name)
		}
	}
}

// No MAC key computes another kind of MAC with the same bytes.
func TestMACsDiffer(t *testing.T) {
	m := New(counter())
	seen := map[string]string{}
	for _, kind := range macKeys {
		mac := make([]byte, 8)
		if err := m.MAC(install(t, m, kind.a, kind.clear), MACParams{}, mac, []byte("two blocks of 16 bytes: 32 here.")); err != nil {
			t.Fatal(err)
		}
		if other, was := seen[string(mac)]; was {
			t.Errorf("%s and %s give the same", kind.name, other)
		}
		seen[string(mac)] = kind.name
	}
}
