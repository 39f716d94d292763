package card_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posim/posim/emv/card"
)

func keySource(t testing.TB, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(cards, "keys", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

func TestKeyFileErrors(t *testing.T) {
	base := keySource(t, "own-1024")
	line := func(prefix string, n int) string { // the nth line that begins so
		for _, l := range strings.Split(base, "\n") {
			if strings.HasPrefix(l, prefix) {
				if n--; n == 0 {
					return l
				}
			}
		}
		t.Fatal(prefix)
		return ""
	}
	tests := []struct{ name, old, new, want string }{
		{"unknown field", "rid:", "rids:", `unknown field "rids"`},
		{"unknown field of a key", line("  p:", 1), line("  p:", 1) + "\n  d: \"00\"", `unknown field "d"`},
		{"no index", "index: \"D1\"\n", "", "index is missing"},
		{"long index", "index: \"D1\"", "index: \"D1D1\"", "index: length 2: want 1 to 1"},
		{"wrong checksum", line("checksum:", 1), `checksum: "` + strings.Repeat("00", 20) + `"`, "checksum"},
		{"another p", line("  p:", 1), line("  p:", 2), "authority: modulus: is not p times q"},
		{"no q", line("  q:", 2) + "\n", "", "issuer: q is missing"},
		{"exponent", "authority: # 1024 bits\n  exponent: 3", "authority: # 1024 bits\n  exponent: 17", "want one of 3, 65537"},
		{"no issuer", base[strings.Index(base, "issuer:"):strings.Index(base, "icc:")], "", "want the keys authority and issuer"},
		{"syntax", "rid: ", "rid: [", "syntax"},
	}
	for _, test := range tests {
		_, err := card.ParseKeys("k.yaml", []byte(edit(t, base, test.old, test.new)))
		var e *card.ProfileError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "card: k.yaml:") {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
		for n := 1; n <= 3; n++ {
			if secret := strings.Trim(line("  p:", n)[5:], "\" "); err != nil && strings.Contains(err.Error(), secret[:16]) {
				t.Errorf("%s: the error shows a prime", test.name)
			}
		}
	}
}

// A number that is no prime makes no key, whenever it is found out.
func TestCompositePrimes(t *testing.T) {
	// 2^511 + 1 and 2^512 - 1 are composite; their product is 1023 or 1024 bits.
	p, q := "80"+strings.Repeat("00", 62)+"01", strings.Repeat("FF", 64)
	modulus := "80" + strings.Repeat("00", 62) + "00" + "7F" + strings.Repeat("FF", 62) + "FF"
	bad := "  exponent: 65537\n  modulus: \"" + modulus + "\"\n  p: \"" + p + "\"\n  q: \"" + q + "\"\n"
	base := keySource(t, "visa-1408")
	icc := base[strings.Index(base, "icc:"):strings.Index(base, "pin:")]
	k, err := card.ParseKeys("visa-1408.yaml", []byte(strings.Replace(base, icc, "icc:\n"+bad, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Check(); err == nil || !strings.Contains(err.Error(), "no prime") {
		t.Errorf("Check: error %v", err)
	}
	p2, err := card.ParseProfile("visa-dda.yaml", []byte(source(t, "visa-dda")), k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := card.New(p2); err == nil || !strings.Contains(err.Error(), "no prime") {
		t.Errorf("New: error %v", err)
	}
}

func TestGenerateKeys(t *testing.T) {
	sizes := card.KeySizes{RID: [5]byte{0xA0, 0, 0, 9, 0x99}, Index: 0xC1, Authority: 600, Issuer: 552, ICC: 512, PIN: 520, Exponent: 65537, ICCExponent: 3}
	src, err := card.GenerateKeys(rand.NewChaCha8([32]byte{1}), sizes, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := card.GenerateKeys(rand.NewChaCha8([32]byte{1}), sizes, nil)
	if err != nil || !bytes.Equal(src, again) {
		t.Errorf("the same random bytes make other keys: %v", err)
	}
	k, err := card.ParseKeys("new.yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Check(); err != nil {
		t.Error(err)
	}
	if k.Authority.Size() != 75 || k.Authority.Index() != 0xC1 || !strings.Contains(k.PublicYAML(), `index: "C1"`) {
		t.Errorf("authority: %d bytes, index %02X", k.Authority.Size(), k.Authority.Index())
	}
	for _, change := range []func(*card.KeySizes){
		func(s *card.KeySizes) { s.Authority = 1992 }, func(s *card.KeySizes) { s.Issuer = 608 }, func(s *card.KeySizes) { s.ICC = 560 },
		func(s *card.KeySizes) { s.PIN = 504 }, func(s *card.KeySizes) { s.Exponent = 5 }, func(s *card.KeySizes) { s.ICC = 513 },
	} {
		s := sizes
		change(&s)
		if _, err := card.GenerateKeys(rand.NewChaCha8([32]byte{}), s, nil); err == nil {
			t.Errorf("%+v: no error", s)
		}
	}
}

func TestProfileWithKeys(t *testing.T) {
	base := source(t, "visa-cda")
	tests := []struct{ name, old, new, want string }{
		{"no such file", "keys: visa-1984", "keys: visa-2000", `keys: there is no key file "visa-2000"`},
		{"another RID", "keys: visa-1984", "keys: mc-1984", "not the application's"},
		{"no own key", "keys: visa-1984", "keys: visa-768", `"$icc_exponent": the card has no such value`},
		{"no certificate", "            9F46: $icc_certificate\n", "            9F4F: \"00\"\n", "records: want tag 9F46"},
		{"unknown way", "keys: visa-1984", "keys: visa-1984\n      wrong: [everything]", `wrong: "everything": want one of ca_index`},
		{"way that is no text", "keys: visa-1984", "keys: visa-1984\n      wrong: [[cid]]", "wrong: want a text"},
		{"certificates' unknown field", "keys: visa-1984", "keys: visa-1984\n      certificates: {expiry: 2024-01}", `unknown field "expiry"`},
		{"bad serial", "keys: visa-1984", "keys: visa-1984\n      certificates: {icc_serial: \"01\"}", "certificates: icc_serial: length 1"},
		{"value of a key that is not there", "$issuer_remainder", "$pin_remainder", "the card has no such value"},
		{"XDA", `aip: "3D00"`, `aip: "BD00"`, "for which the card has no keys"},
		{"dynamic number too long", "keys: visa-1984", "keys: visa-1984\n      dynamic_number: \"112233445566778899\"", "dynamic_number: length 9: want 2 to 8"},
		{"application data of another version", "keys: visa-1984", "keys: visa-1984\n      issuer_application_data: \"06010A03A00000\"", "not laid out as visa-cvn18"},
	}
	for _, test := range tests {
		_, err := card.ParseProfile("x.yaml", []byte(edit(t, base, test.old, test.new)), library(t)...)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
	if _, err := card.ParseProfile("x.yaml", []byte(edit(t, source(t, "visa-credit"), "      aip:", "      wrong: [cid]\n      aip:"))); err == nil || !strings.Contains(err.Error(), "want keys for it") {
		t.Errorf("wrong without keys: error %v", err)
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(keySource(f, "own-1024")))
	f.Add([]byte(keySource(f, "visa-768")))
	f.Add([]byte("rid: \"A000000999\"\nindex: \"00\"\nauthority: {p: \"03\", q: \"05\", modulus: \"0F\", exponent: 3}"))
	f.Fuzz(func(t *testing.T, src []byte) {
		k, err := card.ParseKeys("fuzz.yaml", src)
		if err != nil {
			var e *card.ProfileError
			if !errors.As(err, &e) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		k.PublicYAML()
	})
}
