package hsm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/posim/posim/emv/security"

	"github.com/posim/posim/internal/crypt"
)

// counter is a reader of bytes that never repeat soon.
func counter() io.Reader { return rand.NewChaCha8([32]byte{1}) }

type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

const (
	keyA  = "0123456789ABCDEFFEDCBA9876543210"
	keyB  = "89ABCDEF0123456776543210FEDCBA98"
	key24 = "0123456789ABCDEFFEDCBA987654321089ABCDEF01234567"
	key32 = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
	pan1  = "4761739001010010"
	pan2  = "5413330089020011"
)

func TestInstall(t *testing.T) {
	for _, tt := range []struct {
		name  string
		usage Usage
		clear string
		is    error
		says  string // in the error; "" none
	}{
		{"master key of two parts", TerminalMaster, keyA, nil, ""},
		{"master key of three parts", TerminalMaster, key24, nil, ""},
		{"PIN key of three parts", PINEncryption, key24, nil, ""},
		{"MAC key of three parts", MAC, key24, nil, "MAC key (M3) of 24 bytes: want 16"},
		{"single length", PINEncryption, keyA[:16], nil, "of 8 bytes: want 16 24"},
		{"no key", PINEncryption, "", nil, "of 0 bytes"},
		{"data key", DataEncryption, key32, nil, ""},
		{"data key of another length", DataEncryption, keyA, nil, "want 32"},
		{"unknown usage", "B0", keyA, nil, `unknown key usage "B0"`},
		{"equal halves", MAC, "0123456789ABCDEF0123456789ABCDEF", ErrWeakKey, "M"},
		{"halves that differ in parity only", MAC, "0123456789ABCDEF0022456789ABCDEF", ErrWeakKey, "M"},
		{"first and third part equal", PINEncryption, "0123456789ABCDEFFEDCBA98765432100123456789ABCDEF", ErrWeakKey, "P"},
		{"a weak half", MAC, "0123456789ABCDEF0101010101010101", ErrWeakKey, "M"},
		{"a weak half without parity", MAC, "0123456789ABCDEF0000000000000000", ErrWeakKey, "M"},
		{"an AES key may look like DES's weak keys", DataEncryption, strings.Repeat("01", 32), nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := New(counter())
			k, err := m.Install("k", tt.usage, unhex(t, tt.clear))
			if tt.says == "" {
				if err != nil || k.Usage() != tt.usage || k.IsZero() {
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
	if _, err := New(counter()).Install("", MAC, clear); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(clear, unhex(t, "00"+keyA[2:])) {
		t.Error("the caller's bytes have changed")
	}
}

func TestLabels(t *testing.T) {
	m := New(counter())
	a, err := m.Install("mac", MAC, unhex(t, keyA))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Install("mac", MAC, unhex(t, keyB)); err == nil {
		t.Error("a label in use is taken again")
	}
	b := install(t, m, MAC, keyB)
	if err := m.Store("mac", b); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Find("mac"); err != nil || got != b {
		t.Errorf("Find: %v, %v", got, err)
	}
	if err := m.MAC(a, new([8]byte), nil); !errors.Is(err, ErrKey) {
		t.Errorf("the replaced key: %v", err)
	}
	if err := m.Store("mac", b); err != nil || m.MAC(b, new([8]byte), nil) != nil {
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
	k := install(t, m, MAC, keyA)
	install(t, other, MAC, keyA)
	var sum [8]byte
	if err := other.MAC(k, &sum, nil); !errors.Is(err, ErrKey) {
		t.Errorf("in another module: %v", err)
	}
	for _, forged := range []Key{{}, {m: m}, {m: m, at: 9, serial: 1}, {m: m, serial: k.serial + 1}} {
		if err := m.MAC(forged, &sum, nil); !errors.Is(err, ErrKey) {
			t.Errorf("%#v: %v", forged, err)
		}
	}
	if err := m.Erase(k); err != nil {
		t.Fatal(err)
	}
	if err := m.Erase(k); !errors.Is(err, ErrKey) {
		t.Errorf("erased twice: %v", err)
	}
	next := install(t, m, MAC, keyB)
	if next.at != k.at {
		t.Fatal("the free slot is not used again: the test proves nothing")
	}
	if err := m.MAC(k, &sum, nil); !errors.Is(err, ErrKey) {
		t.Errorf("an erased key's handle on the slot's next key: %v", err)
	}
}

func TestModuleIsBounded(t *testing.T) {
	m := New(counter())
	var last Key
	for range maxKeys {
		last = install(t, m, DataEncryption, key32)
	}
	if _, err := m.Generate(DataEncryption); !errors.Is(err, ErrFull) {
		t.Errorf("one more key: %v", err)
	}
	if err := m.Erase(last); err != nil {
		t.Fatal(err)
	}
	install(t, m, DataEncryption, key32)
}

func TestGenerate(t *testing.T) {
	m := New(counter())
	seen := map[[3]byte]bool{}
	for _, r := range &rules {
		k, err := m.Generate(r.usage)
		if err != nil || k.Usage() != r.usage || seen[k.CheckValue()] {
			t.Errorf("%s: %v, %v", r.usage, k, err)
		}
		seen[k.CheckValue()] = true
	}
	if _, err := m.Generate("X1"); err == nil {
		t.Error("an unknown usage")
	}
	if _, err := New(constant(0x1F)).Generate(MAC); !errors.Is(err, ErrWeakKey) {
		t.Errorf("a source of weak keys: %v", err)
	}
	if _, err := New(strings.NewReader("short")).Generate(MAC); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a source that ends: %v", err)
	}
}

// Every operation with every key of a wrong usage.
func TestUsages(t *testing.T) {
	m := New(counter())
	keys := map[Usage]Key{}
	for _, r := range &rules {
		keys[r.usage] = install(t, m, r.usage, key32[:2*r.lengths[0]])
	}
	p := card(t, pan1)
	get := func(uint32) []byte { return []byte{0, 1} }
	block := make([]byte, 8)
	operations := []struct {
		name string
		need Usage
		do   func(Key) error
	}{
		{"MAC", MAC, func(k Key) error { return m.MAC(k, new([8]byte), nil) }},
		{"VerifyMAC", MAC, func(k Key) error { return m.VerifyMAC(k, block, nil) }},
		{"EncryptPIN", PINEncryption, func(k Key) error { _, err := m.EncryptPIN(k, typed(m, "1234"), p); return err }},
		{"TranslatePIN from", PINEncryption, func(k Key) error { _, err := m.TranslatePIN(k, keys["P0"], p, block); return err }},
		{"TranslatePIN to", PINEncryption, func(k Key) error { _, err := m.TranslatePIN(keys["P0"], k, p, block); return err }},
		{"PINReference", PINVerification, func(k Key) error { _, err := m.PINReference(k, p, "1234"); return err }},
		{"VerifyPIN", PINEncryption, func(k Key) error { return m.VerifyPIN(k, p, block, keys["V0"], block) }},
		{"VerifyPIN reference", PINVerification, func(k Key) error { return m.VerifyPIN(keys["P0"], p, block, k, block) }},
		{"Export under", TerminalMaster, func(k Key) error { _, _, err := m.Export(keys["M3"], k); return err }},
		{"Import under", TerminalMaster, func(k Key) error {
			_, err := m.Import(MAC, k, make([]byte, 16), make([]byte, 3))
			return err
		}},
		{"VerifyCryptogram", IssuerMasterAC, func(k Key) error {
			return m.VerifyCryptogram(k, security.VisaCVN10, security.OptionA, pan1, "00", get, block)
		}},
		{"ARPC", IssuerMasterAC, func(k Key) error {
			_, err := m.ARPC(k, security.VisaCVN10, security.OptionA, pan1, "00", get, block, security.IssuerAnswer{})
			return err
		}},
		{"Seal", DataEncryption, func(k Key) error { _, err := m.Seal(k, nil, nil); return err }},
		{"Open", DataEncryption, func(k Key) error { _, err := m.Open(k, nil, make([]byte, 40)); return err }},
	}
	for _, op := range operations {
		for usage, k := range keys {
			err := op.do(k)
			if usage == op.need {
				if errors.Is(err, ErrUsage) {
					t.Errorf("%s refuses %s: %v", op.name, usage, err)
				}
				continue
			}
			var wrong *UsageError
			if !errors.As(err, &wrong) || !errors.Is(err, ErrUsage) || wrong.Found != usage || len(wrong.Need) != 1 || wrong.Need[0] != op.need {
				t.Errorf("%s with %s: %v: want ErrUsage, need %s", op.name, usage, err, op.need)
			}
		}
	}
	if _, _, err := m.Export(keys["E0"], keys["K0"]); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "need P0 or M3, found E0") {
		t.Errorf("an issuer master key leaves: %v", err)
	}
	for _, u := range []Usage{TerminalMaster, IssuerMasterAC, DataEncryption, PINVerification} {
		if _, err := m.Import(u, keys["K0"], make([]byte, 16), make([]byte, 3)); !errors.Is(err, ErrUsage) {
			t.Errorf("a key of usage %s enters: %v", u, err)
		}
	}

	m.Tamper()
	for _, op := range operations {
		if err := op.do(keys[op.need]); !errors.Is(err, ErrTampered) {
			t.Errorf("%s on a tampered module: %v", op.name, err)
		}
	}
	if _, err := m.Install("", MAC, unhex(t, keyA)); !errors.Is(err, ErrTampered) {
		t.Errorf("Install: %v", err)
	}
	if _, err := m.Generate(MAC); !errors.Is(err, ErrTampered) {
		t.Errorf("Generate: %v", err)
	}
	if _, err := m.Find("x"); !errors.Is(err, ErrTampered) {
		t.Errorf("Find: %v", err)
	}
	if err := m.Store("x", keys["M3"]); !errors.Is(err, ErrTampered) {
		t.Errorf("Store: %v", err)
	}
	if err := m.Erase(keys["M3"]); !errors.Is(err, ErrTampered) {
		t.Errorf("Erase: %v", err)
	}
}

func TestTamperOverwrites(t *testing.T) {
	m := New(counter())
	var all [][]byte
	for range 3 {
		k := install(t, m, MAC, keyA)
		all = append(all, m.slots[k.at].clear)
	}
	pad := typed(m, "1234")
	m.Tamper()
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
	if err := (*Module)(nil).MAC(Key{}, new([8]byte), nil); !errors.Is(err, ErrTampered) {
		t.Errorf("no module: %v", err)
	}
	if err := new(Module).MAC(Key{}, new([8]byte), nil); !errors.Is(err, ErrTampered) {
		t.Errorf("the zero module: %v", err)
	}
}

func TestImport(t *testing.T) {
	m := New(counter())
	master := install(t, m, TerminalMaster, keyA)
	wrap := func(clear string) []byte { return outside(t, keyA, unhex(t, clear), ecbEncrypt) }
	check := func(clear string) []byte { return outside(t, clear, make([]byte, 8), ecbEncrypt) }
	ownCheck := func(n int) []byte { return check(keyB)[:n] }
	flipped := wrap(keyB)
	flipped[3] ^= 1
	for _, tt := range []struct {
		name        string
		usage       Usage
		wrapped, cv []byte
		is          error
		says        string
	}{
		{"three bytes of check value", MAC, wrap(keyB), ownCheck(3), nil, ""},
		{"eight bytes of check value", MAC, wrap(keyB), ownCheck(8), nil, ""},
		{"two bytes are too few", MAC, wrap(keyB), ownCheck(2), nil, "check value of 2 bytes: want 3 to 8"},
		{"nine are too many", MAC, wrap(keyB), append(ownCheck(8), 0), nil, "check value of 9 bytes"},
		{"none", MAC, wrap(keyB), nil, nil, "check value of 0 bytes"},
		{"a wrong check value", MAC, wrap(keyB), []byte{1, 2, 3}, ErrCheckValue, "MAC key"},
		{"the last byte decides too", MAC, wrap(keyB), append(ownCheck(7), ^ownCheck(8)[7]), ErrCheckValue, "MAC key"},
		{"a garbled key", MAC, flipped, ownCheck(3), ErrCheckValue, "MAC key"},
		{"no odd parity", PINEncryption, wrap("88AACCEE0022446776543210FEDCBA98"), check("88AACCEE0022446776543210FEDCBA98")[:3], nil, ""},
		{"equal halves", MAC, wrap("0123456789ABCDEF0123456789ABCDEF"), check("0123456789ABCDEF0123456789ABCDEF")[:3], ErrWeakKey, "M"},
		{"too short", MAC, wrap(keyB)[:8], ownCheck(3), nil, "of 8 bytes"},
		{"longer than the master key", PINEncryption, wrap(key24), check(key24)[:3], nil, "key of 24 bytes under a master key of 16"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(m.slots) - len(m.free)
			k, err := m.Import(tt.usage, master, tt.wrapped, tt.cv)
			if tt.says == "" {
				if err != nil || k.Usage() != tt.usage {
					t.Errorf("%v, %v", k, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v: want %q", err, tt.says)
			}
			if len(m.slots)-len(m.free) != before {
				t.Error("a refused key stays")
			}
		})
	}
	long := install(t, m, PINEncryption, key24)
	if _, _, err := m.Export(long, master); err == nil {
		t.Error("a key leaves under a shorter master key")
	}
}

// The way of DE 62: keys generated at the host are the terminal's after a sign-on.
func TestSignOnCarriesKeys(t *testing.T) {
	host, terminal := New(counter()), New(rand.NewChaCha8([32]byte{2}))
	hostMaster, terminalMaster := install(t, host, TerminalMaster, key24), install(t, terminal, TerminalMaster, key24)
	atHost, err := host.Generate(MAC)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, check, err := host.Export(atHost, hostMaster)
	if err != nil || len(wrapped) != 16 {
		t.Fatalf("%d bytes, %v", len(wrapped), err)
	}
	atTerminal, err := terminal.Import(MAC, terminalMaster, wrapped, check[:])
	if err != nil {
		t.Fatal(err)
	}
	var mac [8]byte
	if err := terminal.MAC(atTerminal, &mac, []byte("0200")); err != nil {
		t.Fatal(err)
	}
	if err := host.VerifyMAC(atHost, mac[:], []byte("0200")); err != nil {
		t.Error(err)
	}
}

func TestVerifyMAC(t *testing.T) {
	m := New(counter())
	k := install(t, m, MAC, keyA)
	data := []byte("eight by and a bit more")
	var mac [8]byte
	if err := m.MAC(k, &mac, data); err != nil {
		t.Fatal(err)
	}
	if err := m.VerifyMAC(k, mac[:], data); err != nil {
		t.Error(err)
	}
	for i := range mac {
		wrong := mac
		wrong[i] ^= 1
		if err := m.VerifyMAC(k, wrong[:], data); !errors.Is(err, ErrMAC) {
			t.Errorf("byte %d wrong: %v", i, err)
		}
	}
	for i := range data {
		wrong := bytes.Clone(data)
		wrong[i] ^= 0x80
		if err := m.VerifyMAC(k, mac[:], wrong); !errors.Is(err, ErrMAC) {
			t.Errorf("data byte %d wrong: %v", i, err)
		}
	}
	for _, short := range [][]byte{nil, mac[:4], append(mac[:], 0)} {
		if err := m.VerifyMAC(k, short, data); !errors.Is(err, ErrMAC) || !strings.Contains(err.Error(), "want 8") {
			t.Errorf("%d bytes: %v", len(short), err)
		}
	}
	if m.work != [8]byte{} {
		t.Error("the right MAC is left in the module")
	}
}

func TestSeal(t *testing.T) {
	m := New(counter())
	k := install(t, m, DataEncryption, key32)
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
	if _, err := dry.Seal(install(t, dry, DataEncryption, key32), nil, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("no nonce: %v", err)
	}
}

// SP 800-38D's own example: the GCM specification's test case 14 (zero key, nonce and block).
func TestSealKnownAnswer(t *testing.T) {
	m := New(constant(0))
	k := install(t, m, DataEncryption, strings.Repeat("00", 32))
	got, err := m.Seal(k, nil, make([]byte, 16))
	want := strings.Repeat("00", 12) + "CEA7403D4D606B6E074EC5D3BAF39D18" + "D0D1C8A799996BF0265B98B5D48AB919"
	if err != nil || !bytes.Equal(got, unhex(t, want)) {
		t.Errorf("%X, %v: want %s", got, err, want)
	}
}

// No way of printing shows a key or a PIN, not even fmt walking through unexported fields.
func TestNothingPrintsSecrets(t *testing.T) {
	m := New(constant(0x3C))
	k, err := m.Install("k", MAC, unhex(t, keyA))
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
