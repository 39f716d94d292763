package hsm

import (
	"testing"

	"github.com/posim/posim/emv/security"
)

func TestMACDoesNotAllocate(t *testing.T) {
	m := New(counter())
	k := install(t, m, MAC, keyA)
	data := make([]byte, 256)
	dst := new([8]byte)
	if n := testing.AllocsPerRun(100, func() {
		if err := m.MAC(k, dst, data); err != nil {
			t.Fatal(err)
		}
		if err := m.VerifyMAC(k, dst[:], data); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMAC256(b *testing.B) {
	m := New(counter())
	k := install(b, m, MAC, keyA)
	data := make([]byte, 256)
	dst := new([8]byte)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := m.MAC(k, dst, data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncryptPIN(b *testing.B) {
	m := New(counter())
	k := install(b, m, PINEncryption, keyA)
	p := card(b, pan1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.EncryptPIN(k, typed(m, "1234"), p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTranslatePIN(b *testing.B) {
	m := New(counter())
	from, to := install(b, m, PINEncryption, keyA), install(b, m, PINEncryption, keyB)
	p := card(b, pan1)
	block, err := m.EncryptPIN(from, typed(m, "1234"), p)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.TranslatePIN(from, to, p, block[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyCryptogram(b *testing.B) {
	m := New(counter())
	k := install(b, m, IssuerMasterAC, keyA)
	get := elements(b)
	ac := unhex(b, "29CCA15AE665FA2E")
	b.ReportAllocs()
	for b.Loop() {
		if err := m.VerifyCryptogram(k, security.VisaCVN10, security.OptionA, "1234567890123456", "00", get, ac); err != nil {
			b.Fatal(err)
		}
	}
}
