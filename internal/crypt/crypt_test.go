package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt/known"
)

var (
	unhex = known.Hex
	load  = known.File
)

// hsmVector is a vector of layout hsm/1, as far as this room can answer it.
type hsmVector struct {
	ID string
	Op string
	In struct {
		Alg, Cipher, Key, Data string
		Padding                int
		Components             []string
	}
	Out struct {
		MAC, MAC4, Legacy3, Legacy8, Key, KCV3 string
		RawXOR                                 string   `json:"key_raw_xor"`
		ComponentKCV3                          []string `json:"component_kcv3"`
	}
}

var hsmVectors = known.Vectors[hsmVector]

func retail(t testing.TB, key []byte, padding int, data []byte) string {
	t.Helper()
	r, err := NewRetailMAC(key)
	if err != nil {
		t.Fatal(err)
	}
	mac := [8]byte{0xEE} // what stands there before is of no account
	switch padding {
	case 1:
		r.Sum(&mac, data)
	case 2:
		r.Sum2(&mac, data)
	default:
		t.Fatalf("padding %d", padding)
	}
	return strings.ToUpper(hex.EncodeToString(mac[:]))
}

func TestRetailMACKnownAnswers(t *testing.T) {
	count := map[int]int{}
	for _, v := range hsmVectors(t, "mac.json") {
		if v.In.Alg != "iso9797-1-3" && v.In.Alg != "x9.19" || v.In.Padding > 2 {
			continue
		}
		got := retail(t, unhex(t, v.In.Key), v.In.Padding, unhex(t, v.In.Data))
		if got != v.Out.MAC || !strings.HasPrefix(got, v.Out.MAC4) {
			t.Errorf("%s: %s, want %s", v.ID, got, v.Out.MAC)
		}
		count[v.In.Padding]++
	}
	var issuer struct {
		MACs []struct {
			Source  string
			Left    string `json:"key_left"`
			Right   string `json:"key_right"`
			Data    string
			Padding int
			MAC     string
		} `json:"mac_iso9797_alg3"`
	}
	load(t, "emv/issuer_crypto.json", &issuer)
	for i, v := range issuer.MACs {
		if got := retail(t, unhex(t, v.Left+v.Right), v.Padding, unhex(t, v.Data)); got != v.MAC {
			t.Errorf("issuer %d (%s): %s, want %s", i, v.Source, got, v.MAC)
		}
		count[v.Padding]++
	}
	if count[1] < 7 || count[2] < 2 {
		t.Errorf("vectors by padding: %v, want 7 and 2 at least", count)
	}
}

// ISO 9797-1: what the paddings make of data is the MAC of the padded data; empty data is one block.
func TestPaddings(t *testing.T) {
	key := unhex(t, "0123456789ABCDEFFEDCBA9876543210")
	for n := range 33 {
		data := bytes.Repeat([]byte{0x5A}, n)
		zeros, marked := slices.Clone(data), append(slices.Clone(data), 0x80)
		for len(zeros)%8 != 0 || len(zeros) == 0 {
			zeros = append(zeros, 0)
		}
		for len(marked)%8 != 0 {
			marked = append(marked, 0)
		}
		if got, want := retail(t, key, 1, data), retail(t, key, 1, zeros); got != want {
			t.Errorf("method 1 of %d bytes: %s, want %s", n, got, want)
		}
		if got, want := retail(t, key, 2, data), retail(t, key, 1, marked); got != want {
			t.Errorf("method 2 of %d bytes: %s, want %s", n, got, want)
		}
		if !bytes.Equal(data, bytes.Repeat([]byte{0x5A}, n)) {
			t.Error("the data is changed")
		}
	}
}

// X9.19: with two equal halves the end undoes itself and a single DES CBC-MAC is left (FIPS 113, ISO 9797-1 algorithm 1).
func TestEqualHalvesAreASingleDESMAC(t *testing.T) {
	n := 0
	for _, v := range hsmVectors(t, "mac.json") {
		if (v.In.Alg != "iso9797-1-1" && v.In.Alg != "x9.9") || v.In.Cipher != "DES" || v.In.Padding > 2 {
			continue
		}
		if got := retail(t, unhex(t, v.In.Key+v.In.Key), v.In.Padding, unhex(t, v.In.Data)); got != v.Out.MAC {
			t.Errorf("%s: %s, want %s", v.ID, got, v.Out.MAC)
		}
		n++
	}
	if n < 4 {
		t.Errorf("%d vectors", n)
	}
}

func block(t testing.TB, kind string, key []byte) cipher.Block {
	t.Helper()
	b, err := NewTDES(key)
	if kind == "AES" {
		b, err = aes.NewCipher(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCheckValueKnownAnswers(t *testing.T) {
	n := map[string]int{}
	for _, v := range hsmVectors(t, "kcv.json") {
		check := func(key, want string) {
			kcv := CheckValue(block(t, v.In.Cipher, unhex(t, key)))
			if got := strings.ToUpper(hex.EncodeToString(kcv[:])); got != want {
				t.Errorf("%s: %s, want %s", v.ID, got, want)
			}
			n[v.In.Cipher]++
		}
		switch {
		case v.Out.Legacy3 != "":
			check(v.In.Key, v.Out.Legacy3)
		case v.Out.Legacy8 != "":
			check(v.In.Key, v.Out.Legacy8[:6])
			all := make([]byte, 8)
			EncryptECB(block(t, "TDES", unhex(t, v.In.Key)), all, all)
			if got := strings.ToUpper(hex.EncodeToString(all)); got != v.Out.Legacy8 {
				t.Errorf("%s: %s, want %s", v.ID, got, v.Out.Legacy8)
			}
		case v.Op == "components.combine":
			check(v.Out.Key, v.Out.KCV3)
			for i, c := range v.In.Components {
				check(c, v.Out.ComponentKCV3[i])
			}
		}
	}
	if n["TDES"] < 12 || n["AES"] < 5 {
		t.Errorf("check values by cipher: %v", n)
	}
}

func TestOddParityKnownAnswers(t *testing.T) {
	n := 0
	for _, v := range hsmVectors(t, "kcv.json") {
		in := v.In.Key
		switch {
		case v.Op == "components.combine" && v.In.Cipher == "TDES":
			in = v.Out.RawXOR
		case v.Op != "des.odd_parity":
			continue
		}
		key := unhex(t, in)
		OddParity(key)
		if got := strings.ToUpper(hex.EncodeToString(key)); got != v.Out.Key {
			t.Errorf("%s: %s, want %s", v.ID, got, v.Out.Key)
		}
		OddParity(key)
		if got := strings.ToUpper(hex.EncodeToString(key)); got != v.Out.Key {
			t.Errorf("%s: again %s, want %s", v.ID, got, v.Out.Key)
		}
		n++
	}
	if n < 5 {
		t.Errorf("%d vectors", n)
	}
}

// NIST SP 800-67 (the example of its appendix B: three keys, three blocks in ECB), and two keys as K1 K2 K1.
func TestTDESKnownAnswer(t *testing.T) {
	plain := []byte("The qufck brown fox jump")
	want := unhex(t, "A826FD8CE53B855FCCE21C8112256FE668D5C05DD9B6B900")
	b := block(t, "TDES", unhex(t, "0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123"))
	got := make([]byte, len(plain))
	EncryptECB(b, got, plain)
	if !bytes.Equal(got, want) {
		t.Errorf("%X, want %X", got, want)
	}
	DecryptECB(b, got, got) // in place
	if !bytes.Equal(got, plain) {
		t.Errorf("%q back", got)
	}
	two := block(t, "TDES", unhex(t, "0123456789ABCDEFFEDCBA9876543210"))
	three := block(t, "TDES", unhex(t, "0123456789ABCDEFFEDCBA98765432100123456789ABCDEF"))
	EncryptECB(two, got, plain)
	DecryptECB(three, got, got)
	if !bytes.Equal(got, plain) {
		t.Error("a key of 16 bytes is not K1 K2 K1")
	}
}

func TestECBWantsWholeBlocks(t *testing.T) {
	b := block(t, "TDES", make([]byte, 16))
	for _, f := range []func(cipher.Block, []byte, []byte){EncryptECB, DecryptECB} {
		f(b, nil, nil) // no block is whole blocks
		f(b, make([]byte, 24), make([]byte, 16))
		for _, n := range [][2]int{{8, 7}, {16, 9}, {8, 16}, {0, 8}} {
			func() {
				defer func() {
					if r := recover(); r != "crypt: ECB needs whole blocks" {
						t.Errorf("%d bytes into %d: %v", n[1], n[0], r)
					}
				}()
				f(b, make([]byte, n[0]), make([]byte, n[1]))
			}()
		}
	}
	dst := []byte("0123456789abcdef")
	EncryptECB(b, dst, make([]byte, 8))
	if string(dst[8:]) != "89abcdef" {
		t.Error("written behind the last block")
	}
}

func TestBadKeyLengths(t *testing.T) {
	for n := range 34 {
		key := bytes.Repeat([]byte{0x5A}, n)
		if _, err := NewTDES(key); (err == nil) != (n == 16 || n == 24) {
			t.Errorf("TDES key of %d bytes: %v", n, err)
		}
		if _, err := NewRetailMAC(key); (err == nil) != (n == 16) {
			t.Errorf("MAC key of %d bytes: %v", n, err)
		}
	}
	if _, err := NewTDES(make([]byte, 8)); err.Error() != "crypt: TDES key of 8 bytes: want 16 or 24" {
		t.Error(err)
	}
	if _, err := NewRetailMAC(make([]byte, 24)); err.Error() != "crypt: retail MAC key of 24 bytes: want 16" {
		t.Error(err)
	}
}

func TestAKeyIsCopied(t *testing.T) {
	key := unhex(t, "0123456789ABCDEFFEDCBA9876543210")
	r, _ := NewRetailMAC(key)
	b, _ := NewTDES(key)
	clear(key)
	var mac [8]byte
	r.Sum(&mac, unhex(t, "4E6F77206973207468652074696D6520666F7220616C6C20"))
	if want := unhex(t, "A1C72E74EA3FA9B6"); !bytes.Equal(mac[:], want) { // ISO/IEC 9797-1 annex B
		t.Errorf("%X, want %X", mac, want)
	}
	if kcv := CheckValue(b); kcv != [3]byte{0x08, 0xD7, 0xB4} {
		t.Errorf("%X", kcv)
	}
}

func TestAMACAllocatesNothing(t *testing.T) {
	r, err := NewRetailMAC(unhex(t, "0123456789ABCDEFFEDCBA9876543210"))
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 301)
	dst := new([8]byte)
	if n := testing.AllocsPerRun(100, func() { r.Sum(dst, data); r.Sum2(dst, data) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRetailMAC(b *testing.B) {
	r, err := NewRetailMAC(unhex(b, "0123456789ABCDEFFEDCBA9876543210"))
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 200) // a request of the field
	dst := new([8]byte)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r.Sum(dst, data)
	}
}

func BenchmarkNewTDES(b *testing.B) {
	key := unhex(b, "0123456789ABCDEFFEDCBA9876543210")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewTDES(key); err != nil {
			b.Fatal(err)
		}
	}
}
