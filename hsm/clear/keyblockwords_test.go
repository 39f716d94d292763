package clear

import (
	"errors"
	"strings"
	"testing"
)

func header(t testing.TB, text string) KeyBlockHeader {
	t.Helper()
	h, err := ParseKeyBlockHeader(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHeadersThatNobodyShouldMake(t *testing.T) {
	for _, c := range []struct {
		name, header string
		want         error
	}{
		{"a PIN key encrypts", "D0000P0AE00E0000", nil},
		{"no restriction", "B0000P0TN00E0000", nil},
		{"a BDK derives", "D0000B0TX00N0000", nil},
		{"a master key of chip cards", "B0000E0TX00N0000", nil},
		{"an HMAC key", "D0000M7HC00E0000", nil},
		{"proprietary codes", "D000010A100E0000", nil},
		{"a usage that is none", "D0000Q0AE00E0000", ErrKeyUsage},
		{"HMAC of another algorithm", "D0000M7AC00E0000", ErrKeyUsage},
		{"a PIN key makes codes", "D0000P0AC00E0000", ErrKeyMode},
		{"a MAC key encrypts", "B0000M3TE00E0000", ErrKeyMode},
		{"a mode that is none", "B0000M3TQ00E0000", ErrKeyMode},
		{"an algorithm that is none", "B0000M3ZC00E0000", ErrName},
		{"an exportability that is none", "B0000M3TC00X0000", ErrName},
	} {
		if err := CheckHeader(header(t, c.header)); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := ParseKeyBlockHeader("D0000P0AE00E000"); !errors.Is(err, ErrKeyBlock) {
		t.Error(err)
	}
}

func TestHeadersInWords(t *testing.T) {
	got := HeaderWords(header(t, "B0000P0TE00E0000"))
	if got != (KeyBlockWords{"TDES, derived keys", "PIN encryption", "TDES", "encrypt only", "exportable under a trusted key"}) {
		t.Errorf("%+v", got)
	}
	got = HeaderWords(header(t, "D0000Q09100Z0000"))
	if got != (KeyBlockWords{"AES, derived keys", "not known here", "proprietary", "proprietary", "not known here"}) {
		t.Errorf("%+v", got)
	}
	for _, c := range []struct{ id, data, name, value string }{
		{"KS", "00604B120F9292800000", "initial key serial number", ""},
		{"HM", "21", "hash algorithm for HMAC", "SHA-256"},
		{"KC", "0008D7B4", "check value of the key", "legacy 08D7B4"},
		{"KP", "012331550BC9", "check value of the protection key", "CMAC 2331550BC9"},
		{"TS", "2018-06-18T20:42:39.22Z", "time stamp", "2018-06-18T20:42:39Z"},
		{"WP", "001", "wrapping pedigree", "once under a weaker key"},
		{"WP", "009", "wrapping pedigree", ""},
		{"AL", "0101", "asymmetric key life", "kept"},
		{"BI", "0112345678", "base derivation key identifier", "AES DUKPT, 12345678"},
		{"DA", "01P0AEN", "derivations allowed", "P0 (PIN encryption), algorithm A, mode E, exportability N"},
		{"10", "x", "proprietary", ""},
		{"ZZ", "x", "not known here", ""},
	} {
		if name, value := OptionalWords(KeyBlockOptional{ID: c.id, Data: c.data}); name != c.name || value != c.value {
			t.Errorf("%s %s: %q, %q", c.id, c.data, name, value)
		}
	}
}

func TestFitByLength(t *testing.T) {
	for _, c := range []struct {
		n     int
		among []Algorithm
		want  Algorithm
		err   error
	}{
		{8, []Algorithm{DES, TDES, AES, SM4}, DES, nil},
		{32, []Algorithm{DES, TDES, AES, SM4}, AES, nil},
		{24, []Algorithm{DES, TDES}, TDES, nil},
		{16, []Algorithm{TDES, AES, SM4}, "", ErrAmbiguous},
		{24, []Algorithm{TDES, AES}, "", ErrAmbiguous},
		{15, []Algorithm{DES, TDES}, "", ErrLength},
		{8, []Algorithm{"IDEA"}, "", ErrName},
	} {
		if got, err := Fit("key", c.n, c.among...); got != c.want || !errors.Is(err, c.err) || (c.err == nil) != (err == nil) {
			t.Errorf("%d bytes among %v: %v, %v", c.n, c.among, got, err)
		}
	}
	_, err := Fit("--key", 15, DES, TDES)
	if err == nil || !strings.Contains(err.Error(), "--key: wrong length, 15 bytes: want 8 bytes for DES, or 16 or 24 bytes for TDES") {
		t.Error(err)
	}
	if _, err := NewNamedKey("--bdk", TDES, nil); err == nil || !strings.Contains(err.Error(), "--bdk: ") {
		t.Error(err)
	}
}

func TestPartsOfACeremony(t *testing.T) {
	odd, other := key(t, TDES, testKey), key(t, TDES, "89ABCDEF0123456776543210FEDCBA98")
	even := key(t, TDES, "0023456789ABCDEFFEDCBA9876543210")
	zero, aes := key(t, TDES, strings.Repeat("0", 32)), key(t, AES, "0023456789ABCDEFFEDCBA9876543210")
	for _, c := range []struct {
		name  string
		parts []Key
		any   bool
		want  error
		field string
	}{
		{"two parts", []Key{odd, other}, false, nil, ""},
		{"a zero part", []Key{odd, zero}, true, ErrZero, "component 2"},
		{"equal parts", []Key{odd, other, odd}, true, ErrEqualParts, "component 3"},
		{"wrong parity", []Key{odd, even}, false, ErrParity, "component 2"},
		{"wrong parity, allowed", []Key{odd, even}, true, nil, ""},
		{"AES has none", []Key{aes, key(t, AES, testKey)}, false, nil, ""},
	} {
		err := CheckComponents(c.parts, c.any)
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) || err != nil && !strings.Contains(err.Error(), c.field) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := even.CheckNamed("--bdk"); err == nil || !strings.Contains(err.Error(), "--bdk: wrong parity") {
		t.Error(err)
	}
}

func TestSameAndVersions(t *testing.T) {
	if err := Same("--verify", []byte("123"), []byte("123")); err != nil {
		t.Error(err)
	}
	if err := Same("--verify", []byte("123"), []byte("124")); !errors.Is(err, ErrMAC) {
		t.Error(err)
	}
	if err := Same("--verify", []byte("123"), []byte("1234")); !errors.Is(err, ErrLength) {
		t.Error(err)
	}
	for text, want := range map[string]string{"10": "visa-cvn10", "visa-cvn18": "visa-cvn18", "16": "mc-cvn16", "1": "cup-cvn01", "01": "cup-cvn01"} {
		if got, err := CryptogramVersionNamed(text); got != want || err != nil {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "22", "-1", "visa", "cvn10"} {
		if got, err := CryptogramVersionNamed(text); !errors.Is(err, ErrName) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	s, err := NewCardSession("visa-cvn18", key(t, TDES, testKey), []byte{0, 1}, nil)
	if err != nil || s.Method() != 2 {
		t.Error(s, err)
	}
}

// A version answers with a response code or with a card status update, and refuses the other.
func TestAnswers(t *testing.T) {
	arqc, code, csu, more := make([]byte, 8), []byte("00"), []byte{0, 0x80, 0, 0}, []byte{1}
	for _, version := range CryptogramVersions() {
		s, err := NewCardSession(version, key(t, TDES, testKey), []byte{0, 1}, []byte{1, 2, 3, 4})
		if err != nil {
			t.Fatal(err)
		}
		takesCSU := strings.HasPrefix(version, "mc-") || version == "visa-cvn18"
		right, wrong := [2][]byte{code, nil}, [2][]byte{nil, csu}
		if takesCSU {
			right, wrong = wrong, right
		}
		answer, err := s.Answer(arqc, right[0], right[1], nil)
		if err != nil || len(answer) != map[int]int{1: 10, 2: 8}[s.Method()] {
			t.Errorf("%s: %X, %v", version, answer, err)
		}
		if takesCSU && version != "visa-cvn18" && answer[9] != 0x10 { // approved
			t.Errorf("%s: %X", version, answer)
		}
		if _, err := s.Answer(arqc, wrong[0], wrong[1], nil); !errors.Is(err, ErrNotTaken) {
			t.Errorf("%s: the other: %v", version, err)
		}
		if _, err := s.Answer(arqc, nil, nil, nil); !errors.Is(err, ErrLength) {
			t.Errorf("%s: nothing: %v", version, err)
		}
		if _, err := s.Answer(arqc, right[0], right[1], more); (s.Method() == 1) != errors.Is(err, ErrNotTaken) {
			t.Errorf("%s: proprietary data: %v", version, err)
		}
	}
}

// What fills a translated block goes by the PIN's length, which is told only where the translation is permitted.
func TestLengthOfATranslatedPIN(t *testing.T) {
	k := key(t, TDES, testKey)
	block, err := EncipherPIN("0", k, "12345", testPAN, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		to, pan string
		n       int
		err     error
	}{
		{"3", testPAN, 5, nil},
		{"0", testPAN, 5, nil},
		{"1", testPAN, 0, ErrTranslation},
		{"3", "4761739001010119", 0, ErrBlock},
		{"9", testPAN, 0, ErrName},
	} {
		n, err := TranslatedLength(PINZone{"0", k}, PINZone{c.to, k}, block, c.pan)
		if n != c.n || !errors.Is(err, c.err) || (c.err == nil) != (err == nil) {
			t.Errorf("to format %s: %d, %v", c.to, n, err)
		}
	}
	if err := k.Verify(nil); !errors.Is(err, ErrLength) {
		t.Error(err)
	}
	if err := k.Verify(unhex(t, "08D7B4")); err != nil {
		t.Error(err)
	}
	if err := k.Verify(unhex(t, "08D7B5")); !errors.Is(err, ErrCheckValue) {
		t.Error(err)
	}
}
