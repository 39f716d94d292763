package keyblock

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// try runs a reader of a value, and gives what it read or its error.
func try[T any](v T, err error) any {
	if err != nil {
		return err
	}
	return v
}

func TestValues(t *testing.T) {
	at := time.Date(2020, 8, 18, 22, 12, 18, 0, time.UTC)
	tests := []struct {
		id, data string
		want     any // nil: the value is refused
	}{
		{"KS", "00604B120F9292800000", [10]byte{0, 0x60, 0x4B, 0x12, 0x0F, 0x92, 0x92, 0x80}},
		{"KS", "00604B120F929280", nil},
		{"KS", "VM9A", nil},
		{"KS", "00604b120f9292800000", nil},
		{"IK", "1234567890123456", [8]byte{0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56}},
		{"IK", "12345678901234", nil},
		{"BI", "001234567890", BaseKeyID{false, []byte{0x12, 0x34, 0x56, 0x78, 0x90}}},
		{"BI", "0112345678", BaseKeyID{true, []byte{0x12, 0x34, 0x56, 0x78}}},
		{"BI", "0012345678", nil},
		{"BI", "0212345678", nil},
		{"BI", "0", nil},
		{"KC", "005C9405", CheckValue{false, []byte{0x5C, 0x94, 0x05}}},
		{"PK", "00AB", CheckValue{false, []byte{0xAB}}},
		{"KP", "01D77F007724", CheckValue{true, []byte{0xD7, 0x7F, 0x00, 0x77, 0x24}}},
		{"KP", "01D77F00772401", nil},
		{"KC", "005C940501", nil},
		{"KC", "00", nil},
		{"KC", "005C9", nil},
		{"KC", "025C9405", nil},
		{"KC", "00ghijkl", nil},
		{"CT", "00AAEC", Certificate{false, []byte{0, 1, 2}}},
		{"CT", "01AAE=", Certificate{true, []byte{0, 1}}},
		{"CT", "00AAF=", nil}, // bits that belong to no byte
		{"CT", "00", nil},
		{"CT", "0", nil},
		{"CT", "03AAEC", nil},
		{"CT", "02AAEC", nil}, // a chain
		{"HM", "21", "SHA-256"},
		{"HM", "10", "SHA-1"},
		{"HM", "26", nil},
		{"HM", "2", nil},
		{"WP", "000", PedigreeStrong},
		{"WP", "003", PedigreeAsymmetricWeak},
		{"WP", "004", nil},
		{"WP", "00", nil},
		{"WP", "010", nil},
		{"AL", "0101", true},
		{"AL", "0100", false},
		{"AL", "0102", nil},
		{"AL", "02", nil},
		{"DA", "01P0TENM3AGE", []Derivation{{"P0", 'T', 'E', 'N'}, {"M3", 'A', 'G', 'E'}}},
		{"DA", "01", nil},
		{"DA", "01P0TE", nil},
		{"DA", "01P0tEN", nil},
		{"TS", "20200818221218Z", at},
		{"TS", "2020081822121807Z", at.Add(70 * time.Millisecond)},
		{"TC", "2020-08-18T22:12:18Z", at},
		{"TC", "2020-08-18T22:12:18.07Z", at.Add(70 * time.Millisecond)},
		{"TS", "2018-06-18T20:42:39.22", nil},
		{"TS", "20200818221218", nil},
		{"TS", "20201318221218Z", nil},
		{"TS", "202008182212180xZ", nil},
		{"TS", "", nil},
	}
	for _, test := range tests {
		o := Optional{test.id, test.data}
		got := map[string]func() any{
			"KS": func() any { return try(o.KSN()) }, "IK": func() any { return try(o.InitialKeyID()) },
			"BI": func() any { return try(o.BaseKeyID()) }, "KC": func() any { return try(o.CheckValue()) },
			"KP": func() any { return try(o.CheckValue()) }, "PK": func() any { return try(o.CheckValue()) },
			"CT": func() any { return try(o.Certificate()) }, "HM": func() any { return try(o.Hash()) },
			"WP": func() any { return try(o.Pedigree()) }, "AL": func() any { return try(o.StaticKey()) },
			"DA": func() any { return try(o.Derivations()) }, "TS": func() any { return try(o.Time()) },
			"TC": func() any { return try(o.Time()) },
		}[test.id]()
		if _, refused := got.(error); refused != (test.want == nil) || !refused && !cmp.Equal(got, test.want) {
			t.Errorf("%s %q: %v: want %v", test.id, test.data, got, test.want)
		}
		if o.Name() == "" {
			t.Errorf("%s has no name", test.id)
		}
	}
}

// A value is read by the method of its own block only.
func TestValueOfOtherBlock(t *testing.T) {
	o := Optional{"LB", "00604B120F9292800000"}
	for i, got := range []any{try(o.KSN()), try(o.InitialKeyID()), try(o.BaseKeyID()), try(o.CheckValue()), try(o.Certificate()),
		try(o.Hash()), try(o.Pedigree()), try(o.StaticKey()), try(o.Derivations()), try(o.Time())} {
		if _, refused := got.(error); !refused {
			t.Errorf("method %d reads a label as %v", i, got)
		}
	}
}

// Versions and codes to come are kept as they are, and so is what is known to be found in serial numbers and times.
func TestLenientReading(t *testing.T) {
	for _, o := range []Optional{{"WP", "01whatever"}, {"AL", "02x"}, {"DA", "02x"}, {"HM", "99"}, {"CT", "02x"}, {"KS", "VM9A"},
		{"KS", "00604B120F929280"}, {"TS", "2018-06-18T20:42:39.22"}, {"ZZ", "~"}, {"10", ""}, {"KV", "x"}, {"FL", "x"}, {"LB", ""}} {
		if err := o.readable(); err != nil {
			t.Errorf("%v: %v", o, err)
		}
	}
	for _, o := range []Optional{{"WP", "0"}, {"WP", "00"}, {"AL", "0103"}, {"DA", "01x"}, {"HM", "9"}, {"CT", "00="}, {"IK", ""}, {"BI", ""}} {
		if err := o.readable(); err == nil {
			t.Errorf("%v is taken", o)
		}
	}
}

func TestMakers(t *testing.T) {
	for _, test := range []struct{ got, want Optional }{
		{NewKSN([10]byte{0, 0x60, 0x4B, 0x12, 0x0F, 0x92, 0x92, 0x80}), Optional{"KS", "00604B120F9292800000"}},
		{NewInitialKeyID([8]byte{0x12, 7: 0xEF}), Optional{"IK", "12000000000000EF"}},
	} {
		if test.got != test.want {
			t.Errorf("%v: want %v", test.got, test.want)
		}
		if err := test.got.Valid(); err != nil {
			t.Errorf("%v: %v", test.got, err)
		}
	}
}

// Check values in a header are those of the keys, at both ends.
func TestCheckValuesCompared(t *testing.T) {
	v := findVector(t, "tr31-012") // an AES key with both check values published
	kbpk, key := unhexed(t, v.In.KBPK), unhexed(t, v.Out.Key)
	for _, test := range []struct {
		data string
		want error
	}{{"00E5E07C", nil}, {"0108793E25AB", nil}, {"00E5", nil}, {"00E5E07D", ErrCheckValue}, {"0108793E25AC", ErrCheckValue}, {"01E5E07C", ErrCheckValue}} {
		h := testHeader('D', 'A', Optional{"KC", test.data})
		if _, err := Wrap(kbpk, h, key, Padding{Random: &counting{}}); !errors.Is(err, test.want) {
			t.Errorf("wrap KC %s: %v: want %v", test.data, err, test.want)
		}
		padded, err := h.padded(16)
		if err != nil {
			t.Fatal(err)
		}
		payload := append(append([]byte{0, 128}, key...), make([]byte, 30)...)
		got, unwrapped, err := Unwrap(kbpk, forge(t, kbpk, padded, payload))
		if !errors.Is(err, test.want) || (err == nil) != bytes.Equal(unwrapped, key) || err != nil && got.Version != 0 {
			t.Errorf("unwrap KC %s: %v: want %v", test.data, err, test.want)
		}
	}
	published := findVector(t, "tr31-016") // its KP is published
	other := unhexed(t, published.In.KBPK)
	for i, kbpk := range [][]byte{other, testKey(16)} {
		h := testHeader('D', 'A', Optional{"KP", "01D77F007724"})
		if _, err := Wrap(kbpk, h, key, Padding{Random: &counting{}}); (err == nil) != (i == 0) {
			t.Errorf("KP under key %d: %v", i, err)
		}
	}
}

// A key of a strength that its protection key does not have is refused. Strengths are those of SP 800-57.
func TestStrength(t *testing.T) {
	rsa := unhexed(t, findVector(t, "tr31-016").Out.Key)
	curve := func(c elliptic.Curve) []byte {
		raw := make([]byte, (c.Params().BitSize+7)/8)
		raw[len(raw)-1] = 77
		k, err := ecdsa.ParseRawPrivateKey(c, raw)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalECPrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	k := testKey(24)
	tests := []struct {
		name      string
		algorithm byte
		key       []byte
		want      int
	}{
		{"single DES", 'T', k[:8], 56},
		{"two-key TDES", 'T', k[:16], 80},
		{"three-key TDES", 'T', k, 112},
		{"K1 K2 K1", 'T', append(append([]byte(nil), k[:16]...), k[:8]...), 80},
		{"K1 K1", 'T', append(append([]byte(nil), k[:8]...), k[:8]...), 56},
		{"K1 K1 K3", 'T', append(append([]byte(nil), k[:8]...), k[:16]...), 56},
		{"K1 K2 K2", 'T', append(append([]byte(nil), k[:16]...), k[8:16]...), 56},
		{"AES-128", 'A', k[:16], 128},
		{"AES-192", 'A', k, 192},
		{"AES-256", 'A', testKey(32), 256},
		{"HMAC of 20 bytes", 'H', k[:20], 160},
		{"HMAC of 64 bytes", 'H', testKey(64), 256},
		{"RSA-2048", 'R', rsa, 112},
		{"RSA, not to be read", 'R', rsa[:len(rsa)-1], 256},
		{"P-256", 'E', curve(elliptic.P256()), 128},
		{"P-384", 'E', curve(elliptic.P384()), 192},
		{"P-521", 'E', curve(elliptic.P521()), 256},
		{"a curve's key, not to be read", 'E', k, 192},
	}
	for _, test := range tests {
		if got := Strength(test.algorithm, test.key); got != test.want {
			t.Errorf("%s: %d: want %d", test.name, got, test.want)
		}
	}
	for _, test := range []struct {
		version   byte
		kbpk      int
		algorithm byte
		key       int
		want      error
	}{
		{'B', 16, 'T', 16, nil}, {'B', 16, 'T', 24, ErrStrength}, {'B', 24, 'T', 24, nil}, {'B', 24, 'A', 16, ErrStrength},
		{'D', 16, 'T', 24, nil}, {'D', 16, 'A', 16, nil}, {'D', 16, 'A', 24, ErrStrength}, {'D', 24, 'A', 32, ErrStrength},
		{'D', 32, 'A', 32, nil}, {'A', 16, 'T', 24, ErrStrength}, {'C', 16, 'H', 16, ErrStrength}, {'C', 24, 'H', 14, nil},
	} {
		_, err := Wrap(testKey(test.kbpk), testHeader(test.version, test.algorithm), testKey(test.key), Padding{Random: &counting{}})
		if !errors.Is(err, test.want) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}
