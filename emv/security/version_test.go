package security_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/emv/security"
)

var testKey = []byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}

func TestVersionForRefuses(t *testing.T) {
	tests := []struct{ name, family, iad, want string }{
		{"unknown family", "acme", "06010A03A06010", `family "acme": want one of visa, mc, cup`},
		{"empty IAD", "visa", "", "no known cryptogram version"},
		{"unknown number", "visa", "06010B03A06010", "no known cryptogram version"},
		{"another family's number", "mc", "06010A03A06010", "no known cryptogram version"},
		{"short", "visa", "06010A03A060", "length 6: want 7 to 32"},
		{"wrong first byte", "visa", "07010A03A06010", "offset 0: 07: want 06"},
		{"wrong CVR length", "cup", "07010104A0400201", "offset 3: 04: want 03"},
		{"counters missing", "mc", "0115A000032200001234", "length 10: want 18"},
		{"longer than 32", "mc", "0110" + strings.Repeat("00", 31), "length 33: want 8 to 32"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := security.VersionFor(test.family, unhex(t, test.iad))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "security: ") {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestInputNamesTheWrongElement(t *testing.T) {
	s := load(t).Schemes[0]
	iad := s.iad(t, security.VisaCVN10)
	get := s.get(t, iad)
	for _, e := range security.Elements() {
		for _, wrong := range [][]byte{nil, make([]byte, e.Length+1)} {
			_, err := security.VisaCVN10.Input(func(tag uint32) []byte {
				if tag == e.Tag {
					return wrong
				}
				return get(tag)
			})
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("tag %02X: length %d: want %d", e.Tag, len(wrong), e.Length)) {
				t.Errorf("tag %02X of %d bytes: error %v", e.Tag, len(wrong), err)
			}
		}
	}
}

func TestZeroVersionAnswersWithErrors(t *testing.T) {
	var v security.Version
	m, err := security.NewMasterKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	_, e1 := v.Input(func(uint32) []byte { return nil })
	_, e2 := v.Key(testKey, []byte{0, 1}, nil)
	_, e3 := v.Cryptogram(testKey, nil)
	_, e4 := v.Session(m, []byte{0, 1}, nil)
	_, e5 := v.CVR(nil)
	for i, err := range []error{e1, e2, e3, e4, e5} {
		if err == nil {
			t.Errorf("call %d: no error", i)
		}
	}
	if v.Family() != "" || v.ARPCMethod() != 0 || v.String() != "no cryptogram version" {
		t.Errorf("zero version: %q %d %q", v.Family(), v.ARPCMethod(), v)
	}
}

func TestKeysNeedTheirLengths(t *testing.T) {
	for _, v := range security.Versions() {
		_, err := v.Key(testKey, []byte{1}, nil)
		if err == nil || !strings.Contains(err.Error(), "9F36") {
			t.Errorf("%v: ATC of one byte: error %v", v, err)
		}
		_, err = v.Key(testKey, []byte{0, 1}, nil)
		if needs := err != nil; needs != v.NeedsUnpredictableNumber() {
			t.Errorf("%v: no unpredictable number: error %v", v, err)
		}
		if _, err := v.Key(testKey[:15], []byte{0, 1}, make([]byte, 4)); err == nil {
			t.Errorf("%v: key of 15 bytes: no error", v)
		}
	}
}

func TestICCMasterKeyRefuses(t *testing.T) {
	tests := []struct {
		name     string
		imk      []byte
		pan, psn string
		o        security.Option
	}{
		{"short key", testKey[:8], "1234567890123456", "00", security.OptionA},
		{"letters in PAN", testKey, "12345678901234X6", "00", security.OptionA},
		{"no PAN", testKey, "", "00", security.OptionA},
		{"20 digits", testKey, strings.Repeat("1", 20), "00", security.OptionB},
		{"PSN of three", testKey, "1234567890123456", "001", security.OptionA},
		{"option C", testKey, "1234567890123456", "00", security.Option('C')},
	}
	for _, test := range tests {
		if _, err := security.ICCMasterKey(test.imk, test.pan, test.psn, test.o); err == nil {
			t.Errorf("%s: no error", test.name)
		} else if test.pan != "" && strings.Contains(err.Error(), test.pan) {
			t.Errorf("%s: the error quotes the PAN", test.name)
		}
	}
}

// A hash with fewer than 16 decimal digits is filled up with its letters (Book 2, A1.4.2 step 2). The key was computed with
// openssl: sha1 over the packed digits, des-ede over the 16 digits and their complement, parity.
func TestOptionBDecimalisesLetters(t *testing.T) {
	mk, err := security.ICCMasterKey(testKey, "47617300000001029", "01", security.OptionB)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ICC master key", mk, "86946E2538BC68B931C175E0C1803801")
}

// No known answer from outside is public for version 17: it must be 21 in its data and 16 in its keys.
func TestVersion17IsMadeOfProvenParts(t *testing.T) {
	s := load(t).Schemes[4]
	input := func(v security.Version) []byte {
		in, err := v.Input(s.get(t, s.iad(t, v)))
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	if !bytes.Equal(input(security.MCCVN17), input(security.MCCVN21)) {
		t.Error("input differs from version 21's")
	}
	m, err := security.NewMasterKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	answer := func(v security.Version) (ac [8]byte, data []byte) {
		session, err := v.Session(m, []byte{0, 1}, []byte{1, 2, 3, 4})
		if err != nil {
			t.Fatal(err)
		}
		ac = session.Cryptogram([]byte{1})
		data, err = session.IssuerAuthenticationData(ac, security.IssuerAnswer{Approved: true})
		if err != nil {
			t.Fatal(err)
		}
		return ac, data
	}
	ac16, data16 := answer(security.MCCVN16)
	ac17, data17 := answer(security.MCCVN17)
	if ac16 != ac17 || !bytes.Equal(data16, data17) {
		t.Error("keys differ from version 16's")
	}
}

func TestIssuerAnswerOfMethod2(t *testing.T) {
	m, err := security.NewMasterKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	session, err := security.VisaCVN18.Session(m, []byte{0, 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.IssuerAuthenticationData([8]byte{}, security.IssuerAnswer{Proprietary: make([]byte, 9)}); err == nil {
		t.Error("nine bytes of proprietary data: no error")
	}
	csu := [4]byte{0x80, 0x80, 0, 0} // says approved, but the issuer does not
	data, err := session.IssuerAuthenticationData([8]byte{}, security.IssuerAnswer{CardStatusUpdate: csu, Proprietary: []byte{1, 2}})
	if err != nil || !bytes.Equal(data[4:], []byte{0x80, 0, 0, 0, 1, 2}) {
		t.Fatalf("data %X, %v", data, err)
	}
	a, err := session.VerifyIssuerAuthenticationData([8]byte{}, data)
	if err != nil || a.Approved || !bytes.Equal(a.Proprietary, []byte{1, 2}) {
		t.Errorf("answer %+v, %v", a, err)
	}
}

// A version whose ARPC carries instructions for the card tells approval from decline by them.
func TestApprovalReachesTheCard(t *testing.T) {
	m, err := security.NewMasterKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	arqc := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	for _, v := range security.Versions() {
		session, err := v.Session(m, []byte{0, 1}, []byte{1, 2, 3, 4})
		if err != nil {
			t.Fatal(err)
		}
		for _, approved := range []bool{true, false} {
			data, err := session.IssuerAuthenticationData(arqc, security.IssuerAnswer{AuthorisationResponseCode: [2]byte{'0', '5'}, Approved: approved})
			if err != nil {
				t.Fatal(err)
			}
			a, err := session.VerifyIssuerAuthenticationData(arqc, data)
			if err != nil {
				t.Fatalf("%v: %v", v, err)
			}
			carriesCode := bytes.HasSuffix(data, []byte("05"))
			if !carriesCode && a.Approved != approved {
				t.Errorf("%v: approved %v arrives as %v", v, approved, a.Approved)
			}
			if carriesCode && a.AuthorisationResponseCode != [2]byte{'0', '5'} {
				t.Errorf("%v: code %q", v, a.AuthorisationResponseCode)
			}
		}
		for _, n := range []int{0, 7, 17} {
			if _, err := session.VerifyIssuerAuthenticationData(arqc, make([]byte, n)); err == nil || errors.Is(err, security.ErrARPC) {
				t.Errorf("%v: %d bytes: error %v, want one that names the length", v, n, err)
			}
		}
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	m, err := security.NewMasterKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	session, err := security.CUPCVN01.Session(m, []byte{0, 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, m); got != "ICC master key" {
			t.Errorf("%s of a master key: %q", verb, got)
		}
		if got := fmt.Sprintf(verb, session); got != "session keys" {
			t.Errorf("%s of a session: %q", verb, got)
		}
	}
}

func FuzzVersionFor(f *testing.F) {
	for _, s := range []string{"06010A03A06010", "06011203A0B800", "0115A0000322000012340000000000000000", "07010103A0400201"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, iad []byte) {
		for _, family := range security.Families() {
			v, err := security.VersionFor(family, iad)
			if err != nil {
				continue
			}
			cvr, err := v.CVR(iad)
			if err != nil || len(cvr) == 0 || v.Family() != family {
				t.Fatalf("%v: CVR %X, %v", v, cvr, err)
			}
			input, err := v.Input(func(tag uint32) []byte {
				for _, e := range security.Elements() {
					if e.Tag == tag {
						return make([]byte, e.Length)
					}
				}
				return iad
			})
			if err != nil || !bytes.Contains(input, cvr) {
				t.Fatalf("%v: input %X, %v: no CVR", v, input, err)
			}
		}
	})
}

func BenchmarkSession(b *testing.B) {
	m, err := security.NewMasterKey(testKey)
	if err != nil {
		b.Fatal(err)
	}
	input := make([]byte, 37)
	for b.Loop() {
		s, err := security.MCCVN20.Session(m, []byte{0, 1}, nil)
		if err != nil {
			b.Fatal(err)
		}
		s.Cryptogram(input)
	}
}
