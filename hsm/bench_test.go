package hsm

import (
	"fmt"
	"testing"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/internal/crypt/keyblock"
)

// macKeys are a key of each kind of MAC, by name.
var macKeys = []struct {
	name  string
	a     Attributes
	clear string
	size  int
}{
	{"X9.9", Attributes{Usage: MACAlgorithm1, Algorithm: DES}, keyA[:16], 8},
	{"algorithm1/TDES", Attributes{Usage: MACAlgorithm1}, keyA, 8},
	{"algorithm1/AES", Attributes{Usage: MACAlgorithm1, Algorithm: AES}, keyA, 16},
	{"X9.19", Attributes{Usage: MACAlgorithm3}, keyA, 8},
	{"CMAC/TDES", Attributes{Usage: CMAC}, keyA, 8},
	{"CMAC/AES", Attributes{Usage: CMAC, Algorithm: AES}, keyA, 16},
	{"CMAC/SM4", Attributes{Usage: CMAC, Algorithm: SM4}, keyA, 16},
	{"HMAC", Attributes{Usage: HMAC}, key32, 32},
	{"XOR/TDES", Attributes{Usage: XORMAC}, keyA, 8},
	{"XOR/SM4", Attributes{Usage: XORMAC, Algorithm: SM4}, keyA, 8},
}

// pinKeys are a carrier of each format that travels.
var pinKeys = []struct {
	format PINFormat
	a      Attributes
	clear  string
}{
	{Format0, Attributes{Usage: PINEncryption}, keyA},
	{Format1, Attributes{Usage: PINEncryption}, keyA},
	{Format3, Attributes{Usage: PINEncryption}, keyA},
	{Format4, Attributes{Usage: PINEncryption, Algorithm: AES}, keyA},
	{SM4X98, Attributes{Usage: PINEncryption, Algorithm: SM4}, keyA},
}

// dukptKinds are the kinds of DUKPT: the BDK, a serial number, and how PINs and MACs travel under it.
var dukptKinds = []struct {
	name      string
	algorithm Algorithm
	bdk, ksn  string
	format    PINFormat
	mac       Usage
}{
	{"TDES", TDES, keyA, "FFFF9876543210E00000", Format0, MACAlgorithm3},
	{"AES-128", AES, "FEDCBA9876543210F1F1F1F1F1F1F1F1", "123456789012345600000000", Format4, CMAC},
	{"AES-256", AES, "FEDCBA9876543210F1F1F1F1F1F1F1F1FEDCBA9876543210F1F1F1F1F1F1F1F1", "123456789012345600000000", Format4, HMAC},
}

// A key whose schedules are kept computes without allocation.
func TestNothingIsAllocated(t *testing.T) {
	m := New(counter())
	p := card(t, pan1)
	data := make([]byte, 256)
	free := func(name string, f func() error) {
		t.Helper()
		if n := testing.AllocsPerRun(20, func() {
			if err := f(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	for _, kind := range macKeys {
		k, mac := install(t, m, kind.a, kind.clear), make([]byte, kind.size)
		free("MAC "+kind.name, func() error { return m.MAC(k, MACParams{}, mac, data) })
		free("VerifyMAC "+kind.name, func() error { return m.VerifyMAC(k, MACParams{}, mac, data) })
	}
	ref := install(t, m, PINVerification, keyB)
	refBlock := reference(t, m, ref, "1234", p)
	for _, kind := range pinKeys {
		from, to := in(install(t, m, kind.a, kind.clear), kind.format), in(install(t, m, kind.a, keyB), kind.format)
		dst := make([]byte, 0, 16)
		block := encrypted(t, m, from, "1234", p)
		free(fmt.Sprintf("TranslatePIN %v", kind.format), func() error { _, err := m.TranslatePIN(dst, from, to, p, block); return err })
		free(fmt.Sprintf("VerifyPIN %v", kind.format), func() error { return m.VerifyPIN(from, p, block, ref, refBlock) })
		pad := typed(m, "1234")
		free(fmt.Sprintf("EncryptPIN %v", kind.format), func() error {
			pad.state, pad.n = Entered, 4 // again, past the module: making a pad is what would allocate
			*pad.secret.digits = [maxPIN]byte{1, 2, 3, 4}
			_, err := m.EncryptPIN(dst, from, pad, p)
			return err
		})
	}
}

func BenchmarkMAC256(b *testing.B) {
	for _, kind := range macKeys {
		b.Run(kind.name, func(b *testing.B) {
			m := New(counter())
			k, mac, data := install(b, m, kind.a, kind.clear), make([]byte, kind.size), make([]byte, 256)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := m.MAC(k, MACParams{}, mac, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerifyMAC256(b *testing.B) {
	for _, kind := range macKeys {
		b.Run(kind.name, func(b *testing.B) {
			m := New(counter())
			k, mac, data := install(b, m, kind.a, kind.clear), make([]byte, kind.size), make([]byte, 256)
			if err := m.MAC(k, MACParams{}, mac, data); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := m.VerifyMAC(k, MACParams{}, mac, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Without the pad, which is made for each entry.
func BenchmarkEncryptPIN(b *testing.B) {
	for _, kind := range pinKeys {
		b.Run(kind.format.String(), func(b *testing.B) {
			m := New(counter())
			c, p, dst := in(install(b, m, kind.a, kind.clear), kind.format), card(b, pan1), make([]byte, 0, 16)
			pad := typed(m, "1234")
			b.ReportAllocs()
			for b.Loop() {
				pad.state, pad.n = Entered, 4
				*pad.secret.digits = [maxPIN]byte{1, 2, 3, 4}
				if _, err := m.EncryptPIN(dst, c, pad, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The whole entry: pad, keys pressed, block.
func BenchmarkEnterPIN(b *testing.B) {
	m := New(counter())
	c, p := in(install(b, m, PINEncryption, keyA), Format0), card(b, pan1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.EncryptPIN(nil, c, typed(m, "1234"), p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTranslatePIN(b *testing.B) {
	for _, kind := range []struct{ from, to int }{{0, 0}, {0, 3}, {3, 0}, {3, 3}, {0, 4}} {
		from, to := pinKeys[kind.from], pinKeys[kind.to]
		b.Run(fmt.Sprintf("%v-%v", from.format, to.format), func(b *testing.B) {
			m := New(counter())
			one, other := in(install(b, m, from.a, from.clear), from.format), in(install(b, m, to.a, keyB), to.format)
			p, dst := card(b, pan1), make([]byte, 0, 16)
			block := encrypted(b, m, one, "1234", p)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.TranslatePIN(dst, one, other, p, block); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerifyPIN(b *testing.B) {
	for _, kind := range pinKeys {
		b.Run(kind.format.String(), func(b *testing.B) {
			m := New(counter())
			c, p, ref := in(install(b, m, kind.a, kind.clear), kind.format), card(b, pan1), install(b, m, PINVerification, keyB)
			block, refBlock := encrypted(b, m, c, "1234", p), reference(b, m, ref, "1234", p)
			b.ReportAllocs()
			for b.Loop() {
				if err := m.VerifyPIN(c, p, block, ref, refBlock); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A device's transaction: the next number, and its PIN key.
func BenchmarkNextKSN(b *testing.B) {
	for _, kind := range dukptKinds {
		b.Run(kind.name, func(b *testing.B) {
			m := New(counter())
			ksn := unhex(b, kind.ksn)
			device, _ := dukptPair(b, m, kind.algorithm, kind.bdk, ksn)
			b.ReportAllocs()
			for b.Loop() {
				ksn, err := m.NextKSN(device)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := m.WorkingKey(device, ksn, Working{Usage: PINEncryption}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The host's side of it, one number after the other.
func BenchmarkHostWorkingKey(b *testing.B) {
	for _, kind := range dukptKinds {
		b.Run(kind.name, func(b *testing.B) {
			m := New(counter())
			ksn := unhex(b, kind.ksn)
			_, host := dukptPair(b, m, kind.algorithm, kind.bdk, ksn)
			c := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				if c = c%1000 + 1; ones(c) > 9 {
					continue
				}
				if _, err := m.WorkingKey(host, withCounter(ksn, c), Working{Usage: PINEncryption}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkImportKeyBlock(b *testing.B) {
	for _, kind := range []struct {
		version byte
		kbpk    Attributes
	}{{'B', Attributes{Usage: KeyBlockProtection}}, {'D', Attributes{Usage: KeyBlockProtection, Algorithm: AES}}} {
		b.Run(string(kind.version), func(b *testing.B) {
			m := New(counter())
			under := install(b, m, kind.kbpk, keyA)
			h := keyblock.Header{Version: kind.version, Usage: "P0", Algorithm: 'T', Mode: 'B', KeyVersion: "00", Exportability: 'E'}
			block, err := keyblock.Wrap(unhex(b, keyA), h, bytesOf(m, install(b, m, PINEncryption, keyB)), keyblock.Padding{Random: counter()})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				k, err := m.ImportKeyBlock("", under, block)
				if err == nil {
					err = m.Erase(k)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
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
