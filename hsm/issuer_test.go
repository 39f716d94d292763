package hsm

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// elements is the data of the vector emv-030 (testdata/vectors/hsm/emv.json), whose ARQC is 29CCA15AE665FA2E.
func elements(t testing.TB) func(uint32) []byte {
	values := map[uint32][]byte{}
	for tag, s := range map[uint32]string{0x9F02: "000000004000", 0x9F03: "000000000000", 0x9F1A: "0124", 0x95: "8000048000",
		0x5F2A: "0124", 0x9A: "191105", 0x9C: "01", 0x9F37: "52BF4585", 0x82: "1800", 0x9F36: "001C", 0x9F10: "06010A03A06010"} {
		values[tag] = unhex(t, s)
	}
	return func(tag uint32) []byte { return values[tag] }
}

func TestVerifyCryptogram(t *testing.T) {
	const number = "1234567890123456"
	get := elements(t)
	arqc := unhex(t, "29CCA15AE665FA2E")
	with := func(tag uint32, value []byte) func(uint32) []byte {
		return func(x uint32) []byte {
			if x == tag {
				return value
			}
			return get(x)
		}
	}
	flipped := bytes.Clone(arqc)
	flipped[7] ^= 1
	for _, tt := range []struct {
		name     string
		v        security.Version
		pan, psn string
		get      func(uint32) []byte
		ac       []byte
		is       error
		says     string
	}{
		{"right", security.VisaCVN10, number, "00", get, arqc, nil, ""},
		{"no sequence number is 00", security.VisaCVN10, number, "", get, arqc, nil, ""},
		{"a wrong cryptogram", security.VisaCVN10, number, "00", get, flipped, ErrCryptogram, "cryptogram"},
		{"a short one", security.VisaCVN10, number, "00", get, arqc[:7], ErrCryptogram, "cryptogram"},
		{"none", security.VisaCVN10, number, "00", get, nil, ErrCryptogram, "cryptogram"},
		{"another amount", security.VisaCVN10, number, "00", with(0x9F02, unhex(t, "000000004001")), arqc, ErrCryptogram, "cryptogram"},
		{"another card", security.VisaCVN10, "1234567890123464", "00", get, arqc, ErrCryptogram, "cryptogram"},
		{"another sequence number", security.VisaCVN10, number, "01", get, arqc, ErrCryptogram, "cryptogram"},
		{"no amount", security.VisaCVN10, number, "00", with(0x9F02, nil), arqc, nil, "tag 9F02"},
		{"no counter", security.VisaCVN10, number, "00", with(0x9F36, nil), arqc, nil, "tag 9F36"},
		{"no version", 0, number, "00", get, arqc, nil, "version"},
		{"not a PAN", security.VisaCVN10, "12345678x", "00", get, arqc, nil, "PAN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := New(counter())
			k := install(t, m, IssuerMasterAC, keyA)
			err := m.VerifyCryptogram(k, tt.v, security.OptionA, tt.pan, tt.psn, tt.get, tt.ac)
			switch {
			case tt.says == "":
				if err != nil {
					t.Error(err)
				}
			case err == nil || !strings.Contains(err.Error(), tt.says) || errors.Is(err, ErrCryptogram) != (tt.is != nil):
				t.Errorf("%v: want %q", err, tt.says)
			case strings.Contains(err.Error(), tt.pan):
				t.Errorf("the error quotes the PAN: %v", err)
			}
		})
	}
}

// The card's half of the same computation accepts what the module answers.
func TestARPCSatisfiesTheCard(t *testing.T) {
	const number = "1234567890123456"
	m := New(counter())
	k := install(t, m, IssuerMasterAC, keyA)
	get := elements(t)
	arqc := unhex(t, "29CCA15AE665FA2E")
	answer := security.IssuerAnswer{AuthorisationResponseCode: [2]byte{'0', '0'}, Approved: true}
	for _, v := range security.Versions() {
		data, err := m.ARPC(k, v, security.OptionA, number, "00", get, arqc, answer)
		if err != nil {
			t.Fatalf("%v: %v", v, err)
		}
		mk, err := security.ICCMasterKey(unhex(t, keyA), number, "00", security.OptionA)
		if err != nil {
			t.Fatal(err)
		}
		master, err := security.NewMasterKey(mk)
		if err != nil {
			t.Fatal(err)
		}
		session, err := v.Session(master, get(tlv.ApplicationTransactionCounter), get(tlv.UnpredictableNumber))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := session.VerifyIssuerAuthenticationData([8]byte(arqc), data); err != nil || !got.Approved {
			t.Errorf("%v: %+v, %v", v, got, err)
		}
	}
	if _, err := m.ARPC(k, security.VisaCVN10, security.OptionA, number, "00", get, arqc[:7], answer); err == nil {
		t.Error("a short cryptogram is answered")
	}
	long := security.IssuerAnswer{Proprietary: make([]byte, 9)}
	if _, err := m.ARPC(k, security.VisaCVN18, security.OptionA, number, "00", get, arqc, long); err == nil {
		t.Error("nine bytes of proprietary data are sent")
	}
}

// The keys that verify derives are kept for the answer and for nothing else: an answer is always of the card, the counter
// and the number that it is asked for, and nothing is left behind it.
func TestKeysAreKeptForOneAnswer(t *testing.T) {
	const number, other = "1234567890123456", "1234567890123464"
	iad := map[security.Version]string{security.VisaCVN10: "06010A03A06010", security.VisaCVN18: "06011203A00000"}
	answer := security.IssuerAnswer{AuthorisationResponseCode: [2]byte{'0', '0'}, Approved: true}
	fresh := func(v security.Version, pan string, get func(uint32) []byte, arqc []byte) string {
		m := New(counter())
		data, err := m.ARPC(install(t, m, IssuerMasterAC, keyA), v, security.OptionA, pan, "00", get, arqc, answer)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	tried := 0
	for _, v := range security.Versions() {
		data, known := iad[v]
		if !known {
			data = "0110A00003220000" + "000000000000000000FF" // of the length that the M/Chip versions want
		}
		with := func(tag uint32, value string) func(uint32) []byte {
			b := unhex(t, value)
			return func(x uint32) []byte {
				switch x {
				case tag:
					return b
				case 0x9F10:
					return unhex(t, data)
				}
				return elements(t)(x)
			}
		}
		get := with(0, "")
		input, err := v.Input(get)
		if err != nil {
			continue // it wants other elements
		}
		mk, err := security.ICCMasterKey(unhex(t, keyA), number, "00", security.OptionA)
		if err != nil {
			t.Fatal(err)
		}
		master, err := security.NewMasterKey(mk)
		if err != nil {
			t.Fatal(err)
		}
		session, err := v.Session(master, get(0x9F36), get(0x9F37))
		if err != nil {
			t.Fatal(err)
		}
		ac := session.Cryptogram(input)
		tried++
		for _, tt := range []struct {
			name, pan string
			get       func(uint32) []byte
		}{
			{"the same", number, get},
			{"another card", other, get},
			{"another counter", number, with(0x9F36, "001D")},
			{"another number", number, with(0x9F37, "52BF4586")},
		} {
			m := New(counter())
			k := install(t, m, IssuerMasterAC, keyA)
			if err := m.VerifyCryptogram(k, v, security.OptionA, number, "00", get, ac[:]); err != nil {
				t.Fatalf("%v: %v", v, err)
			}
			if m.recent == nil {
				t.Fatalf("%v: nothing is kept", v)
			}
			data, err := m.ARPC(k, v, security.OptionA, tt.pan, "00", tt.get, ac[:], answer)
			if err != nil || string(data) != fresh(v, tt.pan, tt.get, ac[:]) {
				t.Errorf("%v: %s: %X, %v: want what a fresh module answers", v, tt.name, data, err)
			}
			if m.recent != nil {
				t.Errorf("%v: %s: keys are left behind the answer", v, tt.name)
			}
		}
		m := New(counter())
		k := install(t, m, IssuerMasterAC, keyA)
		verify := func(ac []byte) error {
			return m.VerifyCryptogram(k, v, security.OptionA, number, "00", get, ac)
		}
		if err := verify(ac[:]); err != nil {
			t.Fatal(err)
		}
		if err := verify(make([]byte, 8)); !errors.Is(err, ErrCryptogram) || m.recent != nil {
			t.Errorf("%v: after a cryptogram that does not verify: %v, kept %v", v, err, m.recent != nil)
		}
		if err := verify(ac[:]); err != nil {
			t.Fatal(err)
		}
		if err := m.Erase(k); err != nil || m.recent != nil {
			t.Errorf("%v: after the key was erased: %v, kept %v", v, err, m.recent != nil)
		}
		if _, err := m.ARPC(k, v, security.OptionA, number, "00", get, ac[:], answer); !errors.Is(err, ErrKey) {
			t.Errorf("%v: an erased key answers: %v", v, err)
		}
	}
	if tried < 3 {
		t.Errorf("%d versions tried", tried)
	}
}

func BenchmarkVerifyAndAnswer(b *testing.B) {
	m := New(counter())
	k := install(b, m, IssuerMasterAC, keyA)
	get := elements(b)
	ac := unhex(b, "29CCA15AE665FA2E")
	answer := security.IssuerAnswer{AuthorisationResponseCode: [2]byte{'0', '0'}, Approved: true}
	b.ReportAllocs()
	for b.Loop() {
		if err := m.VerifyCryptogram(k, security.VisaCVN10, security.OptionA, "1234567890123456", "00", get, ac); err != nil {
			b.Fatal(err)
		}
		if _, err := m.ARPC(k, security.VisaCVN10, security.OptionA, "1234567890123456", "00", get, ac, answer); err != nil {
			b.Fatal(err)
		}
	}
}
