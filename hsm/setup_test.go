package hsm

import (
	"bytes"
	"crypto/cipher"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/dukpt"
	"github.com/posim/posim/internal/pan"
)

const (
	keyA  = "0123456789ABCDEFFEDCBA9876543210"
	keyB  = "89ABCDEF0123456776543210FEDCBA98"
	key24 = "0123456789ABCDEFFEDCBA987654321089ABCDEF01234567"
	key32 = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
	pan1  = "4761739001010010"
	pan2  = "5413330089020011"
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

// unhex decodes what a vector spells in hexadecimal.
func unhex(t testing.TB, s any) []byte {
	t.Helper()
	text, _ := s.(string)
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// attributes are those of a usage, with what is usual for it, or themselves.
func attributes[A Usage | Attributes](a A) Attributes {
	if u, ok := any(a).(Usage); ok {
		return Attributes{Usage: u}
	}
	return any(a).(Attributes)
}

// install loads a key without a label.
func install[A Usage | Attributes](t testing.TB, m *Module, a A, clear string) Key {
	t.Helper()
	k, err := m.Install("", attributes(a), unhex(t, clear))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func card(t testing.TB, digits string) pan.PAN {
	t.Helper()
	p, err := pan.Parse(digits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// typed enters a PIN.
func typed(m *Module, pin string) *Keypad {
	pad := m.Keypad()
	for i := range len(pin) {
		pad.Press(pin[i])
	}
	pad.Enter()
	return pad
}

// encrypted is the block of a PIN that is typed.
func encrypted(t testing.TB, m *Module, c PINCarrier, pin string, p pan.PAN) []byte {
	t.Helper()
	block, err := m.EncryptPIN(nil, c, typed(m, pin), p)
	if err != nil {
		t.Fatal(err)
	}
	return block
}

// reference is what an issuer keeps of a PIN.
func reference(t testing.TB, m *Module, ref Key, pin string, p pan.PAN) []byte {
	t.Helper()
	r, err := m.PINReference(ref, p, typed(m, pin))
	if err != nil {
		t.Fatal(err)
	}
	return r[:]
}

// in is a carrier.
func in(k Key, f PINFormat) PINCarrier { return PINCarrier{Key: k, Format: f} }

// outside enciphers or deciphers with a key that the test knows, past the module: TDES of 16 and 24 bytes.
func outside(t testing.TB, key string, data []byte, f func(b cipher.Block, dst, src []byte)) []byte {
	t.Helper()
	return outsideBy(t, TDES, key, data, f)
}

func outsideBy(t testing.TB, a Algorithm, key string, data []byte, f func(b cipher.Block, dst, src []byte)) []byte {
	t.Helper()
	var b cipher.Block
	var err error
	switch a {
	case AES:
		b, err = crypt.NewAES(unhex(t, key))
	case DES:
		b, err = crypt.NewDES(unhex(t, key))
	case SM4:
		b, err = crypt.NewSM4(unhex(t, key))
	default:
		b, err = crypt.NewTDES(unhex(t, key))
	}
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(data))
	f(b, out, data)
	return out
}

// checkOf is the check value of a TDES key that the test knows.
func checkOf(t testing.TB, clear string, n int) []byte {
	t.Helper()
	return outside(t, clear, make([]byte, 8), crypt.EncryptECB)[:n]
}

// bytesOf are a key's clear bytes, which only a test inside the package sees.
func bytesOf(m *Module, k Key) []byte { return bytes.Clone(m.slots[k.at].clear) }

// keys is how many keys a module holds.
func keys(m *Module) int { return len(m.slots) - len(m.free) }

// image is all that a module is, but for the entry on its pad and scratch: two are equal exactly if nothing has changed.
func image(m *Module) string {
	var all []string
	for at, s := range m.slots {
		if s == nil {
			continue
		}
		text := fmt.Sprintf("slot %d: %d %v %q %X %X %d %v made %d", at, s.serial, s.a, s.label, s.check, s.clear, s.seals, s.working, len(s.made))
		if s.device != nil {
			text += fmt.Sprintf(" device %X of transaction %X", s.device.Append(nil), s.device.TransactionKey())
		}
		all = append(all, text)
	}
	for label, k := range m.labels {
		all = append(all, fmt.Sprintf("label %q: slot %d, %d", label, k.at, k.serial))
	}
	slices.Sort(all)
	return fmt.Sprintf("%s\n%d free, tampered %v", strings.Join(all, "\n"), len(m.free), m.Tampered())
}

// clean tells that no PIN, block or MAC is left in the module's scratch.
func clean(t testing.TB, m *Module) {
	t.Helper()
	if m.work != [16]byte{} {
		t.Error("a PIN is left in the module")
	}
	if m.code != [32]byte{} {
		t.Error("the right MAC is left in the module")
	}
	if slices.ContainsFunc(m.fill[:], func(b byte) bool { return b != 0 }) {
		t.Error("a block's fill is left in the module")
	}
}

// deviceAt is a DUKPT device whose last transaction was that of ksn: its registers are derived here from the initial key, as many
// transactions later as it takes.
func deviceAt(t testing.TB, m *Module, label string, a Algorithm, initial []byte, ksn string) Key {
	t.Helper()
	at, err := dukpt.ParseKSN(unhex(t, ksn))
	if err != nil {
		t.Fatal(err)
	}
	k, err := m.InstallInitialKey(label, a, initial, at.Initial().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	s := m.slots[k.at]
	state, err := dukpt.ParseState(stateAt(t, s.device.Append(nil), initial, at))
	if err != nil {
		t.Fatal(err)
	}
	s.device = state
	return k
}

// stateAt moves a fresh state, as package dukpt writes it, to a later counter: register i is the key of the counter that has bit i
// set and those below it clear, if bit i is clear now and the counter may have one more bit.
func stateAt(t testing.TB, fresh, initial []byte, at dukpt.KSN) []byte {
	t.Helper()
	serial, n, most := at.Bytes(), 21, 10
	if at.AES() {
		n, most = 32, 16
	}
	registers := fresh[2+len(serial):]
	copy(fresh[2:], serial)
	for i := range n {
		register := registers[i*len(initial) : (i+1)*len(initial)]
		clear(register)
		c := uint64(at.Counter())
		if c>>i&1 != 0 || ones(c>>i) >= most {
			continue
		}
		next, err := dukpt.ParseKSN(withCounter(serial, c>>i<<i|1<<i))
		if err != nil {
			t.Fatal(err)
		}
		key, err := dukpt.TransactionKey(initial, next)
		if err != nil {
			t.Fatal(err)
		}
		copy(register, key)
	}
	return fresh
}

// withCounter is a KSN with another counter in its last 21 bits (10 bytes) or 32 (12 bytes).
func withCounter(ksn []byte, c uint64) []byte {
	ksn = bytes.Clone(ksn)
	keep := byte(0)
	if len(ksn) == 10 {
		keep = ksn[7] & 0xE0
	}
	for i := range 4 {
		if len(ksn) == 10 && i == 3 {
			break
		}
		ksn[len(ksn)-1-i] = byte(c >> (8 * i))
	}
	if len(ksn) == 10 {
		ksn[7] |= keep
	}
	return ksn
}

func ones(v uint64) (n int) {
	for ; v != 0; v &= v - 1 {
		n++
	}
	return n
}
