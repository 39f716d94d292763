package hsm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/dukpt"
)

func TestInstall(t *testing.T) {
	by := func(u Usage) Attributes { return Attributes{Usage: u} }
	for _, tt := range []struct {
		name  string
		a     Attributes
		clear string
		is    error
		says  string // in the error; "" none
	}{
		{"master key of two parts", by(KeyEncryption), keyA, nil, ""},
		{"master key of three parts", by(KeyEncryption), key24, nil, ""},
		{"PIN key of three parts", by(PINEncryption), key24, nil, ""},
		{"MAC key of three parts", by(MACAlgorithm3), key24, ErrKeyLength, "MAC key (M3), TDES, of 24 bytes: want 16"},
		{"single length", by(PINEncryption), keyA[:16], ErrKeyLength, "of 8 bytes: want 16 24"},
		{"single length where it may be", Attributes{Usage: XORMAC, Algorithm: DES}, keyA[:16], nil, ""},
		{"double length under DES", Attributes{Usage: XORMAC, Algorithm: DES}, keyA, ErrKeyLength, "of 16 bytes: want 8"},
		{"no key", by(PINEncryption), "", ErrKeyLength, "of 0 bytes"},
		{"sealing key", by(Sealing), key32, nil, ""},
		{"sealing key of another length", by(Sealing), keyA, ErrKeyLength, "want 32"},
		{"an AES key of 15 bytes", Attributes{Usage: PINEncryption, Algorithm: AES}, keyA[:30], ErrKeyLength, "of 15 bytes: want 16 24 32"},
		{"an SM4 key of 32 bytes", Attributes{Usage: PINEncryption, Algorithm: SM4}, key32, ErrKeyLength, "want 16"},
		{"unknown usage", by("S0"), keyA, ErrAttributes, `unknown key usage "S0"`},
		{"no usage", Attributes{}, keyA, ErrAttributes, `unknown key usage ""`},
		{"an algorithm that the usage has not", Attributes{Usage: MACAlgorithm3, Algorithm: AES}, keyA, ErrAttributes, "algorithm AES: want TDES"},
		{"no algorithm", Attributes{Usage: PINEncryption, Algorithm: 'R'}, keyA, ErrAttributes, "Algorithm('R'): want TDES or AES or SM4"},
		{"a mode that the usage has not", Attributes{Usage: PINEncryption, Mode: GenerateVerify}, keyA, ErrAttributes, "mode 'C': want one of BEDN"},
		{"no exportability", Attributes{Usage: PINEncryption, Exportability: 'X'}, keyA, ErrAttributes, "exportability 'X': want one of ENS"},
		{"an initial key without its serial number", by(InitialKey), keyA, ErrUsage, "key serial number"},
		{"equal halves", by(MACAlgorithm3), "0123456789ABCDEF0123456789ABCDEF", ErrWeakKey, "M"},
		{"halves that differ in parity only", by(MACAlgorithm3), "0123456789ABCDEF0022456789ABCDEF", ErrWeakKey, "M"},
		{"first and third part equal", by(PINEncryption), "0123456789ABCDEFFEDCBA98765432100123456789ABCDEF", ErrWeakKey, "P"},
		{"a weak half", by(MACAlgorithm3), "0123456789ABCDEF0101010101010101", ErrWeakKey, "M"},
		{"a weak half without parity", by(MACAlgorithm3), "0123456789ABCDEF0000000000000000", ErrWeakKey, "M"},
		{"a single weak key", Attributes{Usage: XORMAC, Algorithm: DES}, "FEFEFEFEFEFEFEFE", ErrWeakKey, "XOR"},
		{"an AES key may look like DES's weak keys", by(Sealing), strings.Repeat("01", 32), nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := New(counter())
			k, err := m.Install("k", tt.a, unhex(t, tt.clear))
			if tt.says == "" {
				if err != nil || k.Usage() != tt.a.Usage || k.IsZero() {
					t.Fatalf("%v, %v", k, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) || tt.is != nil && !errors.Is(err, tt.is) || !k.IsZero() {
				t.Errorf("%v: want %q", err, tt.says)
			}
			if _, err := m.Find("k"); !errors.Is(err, ErrKey) {
				t.Error("a refused key has a label")
			}
			if keys(m) != 0 {
				t.Error("a refused key stays")
			}
		})
	}
}

// SP 800-67, 3.4.2: 4 weak, 12 semi-weak and 48 possibly weak keys, and no more.
func TestWeakKeysAreSixtyFour(t *testing.T) {
	count := 0
	left, right := []byte{1, 0x1F, 0xE0, 0xFE}, []byte{1, 0x0E, 0xF1, 0xFE}
	for n := range 256 {
		var key [8]byte
		for i := range 4 {
			key[i], key[4+i] = left[n>>(2*i)&3], right[n>>(2*i)&3]
		}
		if crypt.WeakDES(key[:]) {
			count++
		}
	}
	if count != 64 {
		t.Errorf("%d", count)
	}
}

func TestInstallLeavesTheCallersKey(t *testing.T) {
	clear := unhex(t, "00"+keyA[2:])
	if _, err := New(counter()).Install("", Attributes{Usage: MACAlgorithm3}, clear); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(clear, unhex(t, "00"+keyA[2:])) {
		t.Error("the caller's bytes have changed")
	}
}

func TestLabels(t *testing.T) {
	m := New(counter())
	a, err := m.Install("mac", Attributes{Usage: MACAlgorithm3}, unhex(t, keyA))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Install("mac", Attributes{Usage: MACAlgorithm3}, unhex(t, keyB)); err == nil {
		t.Error("a label in use is taken again")
	}
	b := install(t, m, MACAlgorithm3, keyB)
	if err := m.Store("mac", b); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Find("mac"); err != nil || got != b {
		t.Errorf("Find: %v, %v", got, err)
	}
	if err := m.MAC(a, MACParams{}, make([]byte, 8), nil); !errors.Is(err, ErrKey) {
		t.Errorf("the replaced key: %v", err)
	}
	if err := m.Store("mac", b); err != nil || m.MAC(b, MACParams{}, make([]byte, 8), nil) != nil {
		t.Errorf("storing again under its own label: %v", err)
	}
	if err := m.Store("other", b); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Find("mac"); !errors.Is(err, ErrKey) {
		t.Errorf("the label given up: %v", err)
	}
	if err := m.Store("", b); err == nil {
		t.Error("an empty label is stored")
	}
	if err := m.Erase(b); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Find("other"); !errors.Is(err, ErrKey) {
		t.Errorf("the label of an erased key: %v", err)
	}
}

// A handle is good in its own module, for its own key, as long as that lives.
func TestHandlesCannotBeForged(t *testing.T) {
	m, other := New(counter()), New(counter())
	k := install(t, m, MACAlgorithm3, keyA)
	install(t, other, MACAlgorithm3, keyA)
	sum := make([]byte, 8)
	if err := other.MAC(k, MACParams{}, sum, nil); !errors.Is(err, ErrKey) {
		t.Errorf("in another module: %v", err)
	}
	for _, forged := range []Key{{}, {m: m}, {m: m, at: 9, serial: 1}, {m: m, serial: k.serial + 1}} {
		if err := m.MAC(forged, MACParams{}, sum, nil); !errors.Is(err, ErrKey) {
			t.Errorf("%#v: %v", forged, err)
		}
	}
	if err := m.Erase(k); err != nil {
		t.Fatal(err)
	}
	if err := m.Erase(k); !errors.Is(err, ErrKey) {
		t.Errorf("erased twice: %v", err)
	}
	next := install(t, m, MACAlgorithm3, keyB)
	if next.at != k.at {
		t.Fatal("the free slot is not used again: the test proves nothing")
	}
	if err := m.MAC(k, MACParams{}, sum, nil); !errors.Is(err, ErrKey) {
		t.Errorf("an erased key's handle on the slot's next key: %v", err)
	}
}

func TestModuleIsBounded(t *testing.T) {
	m := New(counter())
	var last Key
	for range maxKeys {
		last = install(t, m, Sealing, key32)
	}
	if _, err := m.Generate(Attributes{Usage: Sealing}); !errors.Is(err, ErrFull) {
		t.Errorf("one more key: %v", err)
	}
	if err := m.Erase(last); err != nil {
		t.Fatal(err)
	}
	install(t, m, Sealing, key32)
}

// Whatever a usage allows can be drawn: every algorithm, mode and exportability that its rule names, and the key is as long and
// as sound as it should be.
func TestGenerate(t *testing.T) {
	m := New(counter())
	seen := map[[3]byte]bool{}
	made := 0
	for _, r := range &rules {
		if r.usage == InitialKey {
			continue
		}
		for _, l := range r.lengths {
			for _, mode := range r.modes {
				for _, e := range "ENS" {
					a := Attributes{r.usage, l.algorithm, Mode(mode), Exportability(e)}
					k, err := m.Generate(a)
					if err != nil || k.Attributes() != a || seen[k.CheckValue()] || len(m.slots[k.at].clear) != l.bytes[0] {
						t.Fatalf("%v: %v, %v", a, k, err)
					}
					if clear := m.slots[k.at].clear; (a.Algorithm == TDES || a.Algorithm == DES) && (!crypt.HasOddParity(clear) || crypt.WeakTDES(clear)) {
						t.Errorf("%v: a key without parity, or weak", a)
					}
					seen[k.CheckValue()] = true
					made++
				}
			}
		}
	}
	if made < 300 {
		t.Errorf("%d kinds of keys: the test looks at too few", made)
	}
	for name, a := range map[string]Attributes{"an unknown usage": {Usage: "X1"}, "no usage": {}, "a mode of another usage": {Usage: HMAC, Mode: EncryptOnly}} {
		if _, err := m.Generate(a); !errors.Is(err, ErrAttributes) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := m.Generate(Attributes{Usage: InitialKey}); !errors.Is(err, ErrUsage) {
		t.Errorf("an initial key: %v", err)
	}
	if _, err := New(constant(0x1F)).Generate(Attributes{Usage: MACAlgorithm3}); !errors.Is(err, ErrWeakKey) {
		t.Errorf("a source of weak keys: %v", err)
	}
	if _, err := New(strings.NewReader("short")).Generate(Attributes{Usage: MACAlgorithm3}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a source that ends: %v", err)
	}
}

// What is not said is what is usual.
func TestUsualAttributes(t *testing.T) {
	m := New(counter())
	for usage, want := range map[Usage]string{
		BaseDerivation: "B0 T X N", CardVerification: "C0 T C N", DataEncryption: "D0 T B S", IssuerMasterAC: "E0 T X N",
		IssuerPersonalisation: "E5 T X N", KeyEncryption: "K0 T B N", KeyBlockProtection: "K1 T B N", MACAlgorithm1: "M1 T C S",
		MACAlgorithm3: "M3 T C S", CMAC: "M6 T C S", HMAC: "M7 H C S", PINEncryption: "P0 T B S", PINVerification: "V0 T C N",
		PINVerification3624: "V1 T C N", PINVerificationVisa: "V2 T C N", XORMAC: "90 T C S", Sealing: "91 A B N",
	} {
		k, err := m.Generate(Attributes{Usage: usage})
		if err != nil || k.Attributes().String() != want || usage.Name() == "" {
			t.Errorf("%s (%q): %v, %v: want %s", usage, usage.Name(), k.Attributes(), err, want)
		}
	}
	if len(Usages()) != len(rules) || Usage("S0").Name() != "" {
		t.Error("Usages or Name know other usages than there are")
	}
	for a, want := range map[Algorithm]string{AES: "AES", DES: "DES", AlgorithmHMAC: "HMAC", TDES: "TDES", SM4: "SM4", 'R': "Algorithm('R')"} {
		if a.String() != want {
			t.Errorf("%q: %s", byte(a), a)
		}
	}
}

func TestTamperOverwrites(t *testing.T) {
	m := New(counter())
	var all [][]byte
	for range 3 {
		k := install(t, m, MACAlgorithm3, keyA)
		all = append(all, m.slots[k.at].clear)
	}
	pad := typed(m, "1234")
	ceremony, err := m.NewCeremony(CeremonyParams{Attributes: Attributes{Usage: KeyEncryption}, Components: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ceremony.Component(unhex(t, keyB), nil); err != nil {
		t.Fatal(err)
	}
	device, host := dukptPair(t, m, TDES, keyA, unhex(t, "FFFF9876543210E00000"))
	ksn, err := m.NextKSN(device)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []Key{device, host} {
		made, err := m.WorkingKey(k, ksn, Working{Usage: PINEncryption})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m.slots[made.at].clear)
	}
	all = append(all, *ceremony.secret.sum, (*ceremony.secret.all)[0], m.slots[host.at].clear)
	state, deriver := m.slots[device.at].device, m.slots[host.at].host.d
	if err := m.Tamper(); err != nil {
		t.Error(err)
	}
	if state.TransactionKey() != nil || len(state.Append(nil)) != 0 {
		t.Error("the device's keys are left")
	}
	if k, err := deriver.InitialKey(nil, dukpt.KSN{}); !errors.Is(err, dukpt.ErrKey) || len(k) != 0 {
		t.Errorf("the deriver is left: %v", err)
	}
	for _, clear := range all {
		if !bytes.Equal(clear, make([]byte, 16)) {
			t.Error("a key is left")
		}
	}
	if *pad.secret.digits != [maxPIN]byte{} || pad.State() != Cancelled || m.Keypad().Press('1') {
		t.Error("the PIN entry is left, or goes on")
	}
	if !m.Tampered() || New(counter()).Tampered() {
		t.Error("Tampered is wrong")
	}
	if err := (*Module)(nil).MAC(Key{}, MACParams{}, make([]byte, 8), nil); !errors.Is(err, ErrTampered) {
		t.Errorf("no module: %v", err)
	}
	if err := new(Module).MAC(Key{}, MACParams{}, make([]byte, 8), nil); !errors.Is(err, ErrTampered) {
		t.Errorf("the zero module: %v", err)
	}
}

func TestSeal(t *testing.T) {
	m := New(counter())
	k := install(t, m, Sealing, key32)
	plain, aad := []byte(pan1), []byte("record 7")
	sealed, err := m.Seal(k, aad, plain)
	if err != nil || bytes.Contains(sealed, plain) || len(sealed) != 12+len(plain)+16 {
		t.Fatalf("%d bytes, %v", len(sealed), err)
	}
	if got, err := m.Open(k, aad, sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("Open: %v", err)
	}
	again, err := m.Seal(k, aad, plain)
	if err != nil || bytes.Equal(again[:12], sealed[:12]) {
		t.Errorf("a nonce comes twice: %v", err)
	}
	for i := range sealed {
		wrong := bytes.Clone(sealed)
		wrong[i] ^= 1
		if got, err := m.Open(k, aad, wrong); err != ErrSealed || got != nil {
			t.Errorf("byte %d wrong: %v", i, err)
		}
	}
	if _, err := m.Open(k, []byte("record 8"), sealed); err != ErrSealed {
		t.Errorf("another place: %v", err)
	}
	for n := range 28 {
		if _, err := m.Open(k, aad, sealed[:n]); err != ErrSealed {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if empty, err := m.Seal(k, nil, nil); err != nil {
		t.Error(err)
	} else if got, err := m.Open(k, nil, empty); err != nil || len(got) != 0 {
		t.Errorf("nothing sealed: %v", err)
	}
	m.slots[k.at].seals = maxSeals
	if _, err := m.Seal(k, nil, nil); err == nil {
		t.Error("a key that is used up seals")
	}
	if _, err := New(strings.NewReader("")).Seal(k, nil, nil); !errors.Is(err, ErrKey) {
		t.Errorf("another module: %v", err)
	}
	dry := New(strings.NewReader("five"))
	if _, err := dry.Seal(install(t, dry, Sealing, key32), nil, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("no nonce: %v", err)
	}
}

// SP 800-38D's own example: the GCM specification's test case 14 (zero key, nonce and block).
func TestSealKnownAnswer(t *testing.T) {
	m := New(constant(0))
	k := install(t, m, Sealing, strings.Repeat("00", 32))
	got, err := m.Seal(k, nil, make([]byte, 16))
	want := strings.Repeat("00", 12) + "CEA7403D4D606B6E074EC5D3BAF39D18" + "D0D1C8A799996BF0265B98B5D48AB919"
	if err != nil || !bytes.Equal(got, unhex(t, want)) {
		t.Errorf("%X, %v: want %s", got, err, want)
	}
}

// No way of printing shows a key or a PIN, not even fmt walking through unexported fields.
func TestNothingPrintsSecrets(t *testing.T) {
	m := New(constant(0x3C))
	k, err := m.Install("k", Attributes{Usage: MACAlgorithm3}, unhex(t, keyA))
	if err != nil {
		t.Fatal(err)
	}
	pad := m.Keypad()
	for _, c := range []byte("90817263") {
		pad.Press(c)
	}
	type around struct {
		m *Module
		k Key
		p *Keypad
	}
	values := []any{m, k, &k, pad, around{m, k, pad}, &around{m, k, pad}, []any{m, k, pad}, map[Key]*Module{k: m}, *pad, pad.State(), *m,
		struct{ m Module }{*m}, struct{ p Keypad }{*pad}, struct{ a, b any }{m, pad}}
	var out bytes.Buffer
	for _, v := range values {
		for _, verb := range "vsqxXdobcUtTp" {
			for _, flag := range []string{"", "+", "#"} {
				fmt.Fprintf(&out, "%"+flag+string(verb)+"\n", v)
			}
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
	}
	text := strings.ToUpper(out.String())
	for _, secret := range []string{keyA, keyA[:8], "1 35 69 103", "0X1, 0X23", "01 23 45", "90817263", "9 0 8 1 7", "0X9, 0X0", "090008"} {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%q comes out: %s", secret, text[max(0, i-60):i+40])
		}
	}
	for _, want := range []string{"M3 08D7B4", "HSM.MODULE(1 KEYS)", "KEYPAD ENTERING"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not come out: the test looks at nothing", want)
		}
	}
	if got, _ := json.Marshal(k); string(got) != `"M3 08D7B4"` {
		t.Errorf("JSON: %s", got)
	}
	if fmt.Sprint(Key{}) != "no key" {
		t.Errorf("zero key: %v", Key{})
	}
}

func TestNewNeedsRandomness(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New without a reader returns")
		}
	}()
	New(nil)
}
