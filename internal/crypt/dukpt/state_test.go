package dukpt

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// world is a host and a device of it.
type world struct {
	name string
	host *Deriver
	ksn  KSN // of counter 0
	size int
}

func worlds(t testing.TB) []world {
	t.Helper()
	tdes := must(NewTDESDeriver(unhex(t, "0123456789ABCDEFFEDCBA9876543210")))(t)
	all := []world{{"TDES", tdes, ksn(t, "FFFF9876543210E00000"), 16}}
	bdk := unhex(t, "FEDCBA9876543210F1F1F1F1F1F1F1F1FEDCBA9876543210F1F1F1F1F1F1F1F1")
	for _, n := range []int{16, 24, 32} {
		host := must(NewAESDeriver(bdk[:n]))(t)
		all = append(all, world{fmt.Sprintf("AES-%d", n*8), host, ksn(t, "123456789012345600000000"), n})
	}
	return all
}

func (w world) initial(t testing.TB) []byte { return must(w.host.InitialKey(nil, w.ksn))(t) }

func (w world) state(t testing.TB) *State { return must(NewState(w.initial(t), w.ksn))(t) }

// at is the state of the device at a counter, made from the host's keys: what registers are full is told by the counter
// alone.
func (w world) at(t testing.TB, counter uint32) *State {
	t.Helper()
	k := w.ksn.with(counter)
	p := k.Append([]byte{1, byte(must(derivation("", k, w.size))(t))})
	for i := range k.registers() {
		below := k.with((counter>>i | 1) << i)
		if counter>>i&1 == 1 || below.Valid() != nil {
			p = append(p, make([]byte, w.size)...)
			continue
		}
		p = must(w.host.TransactionKey(p, below))(t)
	}
	return must(ParseState(p))(t)
}

// same checks that terminal and host have the same key.
func (w world) same(t testing.TB, s *State) {
	t.Helper()
	want := must(w.host.TransactionKey(nil, s.KSN()))(t)
	if !bytes.Equal(s.TransactionKey(), want) {
		t.Fatalf("%s %v: terminal and host differ", w.name, s.KSN())
	}
}

// Every counter of a long beginning: each of its keys is one derivation below the key of the counter without the lowest
// one-bit, and every hundredth is asked of the host, which derives it from the BDK.
func TestTerminalIsHostFromTheBeginning(t *testing.T) {
	for _, w := range worlds(t) {
		t.Run(w.name, func(t *testing.T) {
			n := 20_000
			if w.size > 16 {
				n = 2000 // the same tree with longer keys
			}
			s, k := w.state(t), w.ksn
			if s.TransactionKey() != nil {
				t.Error("a key before the first transaction")
			}
			keys := map[uint32][]byte{0: w.initial(t)}
			for i := range n {
				if err := s.Advance(); err != nil {
					t.Fatal(err)
				}
				if k = must(k.Next())(t); s.KSN() != k {
					t.Fatalf("%v, want %v", s.KSN(), k)
				}
				c := k.Counter()
				if keys[c] = w.below(t, keys[c&(c-1)], k); !bytes.Equal(s.TransactionKey(), keys[c]) {
					t.Fatalf("%v: another key than below its parent", k)
				}
				if i < 200 || i%100 == 0 {
					w.same(t, s)
				}
			}
		})
	}
}

// below is the key of k from that of the counter without k's lowest one-bit.
func (w world) below(t testing.TB, parent []byte, k KSN) []byte {
	t.Helper()
	var n node
	key := make([]byte, w.size)
	if err := n.load(must(derivation("parent", k, w.size))(t), parent); err != nil {
		t.Fatal(err)
	}
	n.child(key, k.tail())
	return key
}

// Anywhere in the range, and across its end.
func TestTerminalIsHostAnywhere(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, w := range worlds(t) {
		for range 40 {
			counter := r.Uint32() >> (32 - w.ksn.registers()) &^ (1<<r.UintN(20) - 1)
			k, err := w.ksn.with(counter).Next()
			if err != nil {
				continue
			}
			s := w.at(t, k.Counter())
			for range 12 {
				before := s.KSN()
				err := s.Advance()
				k, none := before.Next()
				if (err == nil) != (none == nil) || err == nil && s.KSN() != k {
					t.Fatalf("%s after %v: %v, %v; want %v, %v", w.name, before, s.KSN(), err, k, none)
				}
				if err != nil {
					break
				}
				w.same(t, s)
			}
		}
	}
}

func TestTheEndOfTheCounter(t *testing.T) {
	for _, w := range worlds(t) {
		last := uint32(0x1FF800)
		if w.ksn.AES() {
			last = 0xFFFF0000
		}
		start := last & (last - 1)
		start &= start - 1
		s := w.at(t, start)
		n := 0
		err := s.Advance()
		for ; err == nil; err = s.Advance() {
			w.same(t, s)
			n++
		}
		if !errors.Is(err, ErrExhausted) || s.KSN().Counter() != last || s.TransactionKey() != nil {
			t.Errorf("%s: %v at %v", w.name, err, s.KSN())
		}
		free := w.ksn.registers() - w.ksn.mostOnes() + 2 // bits below start's: one or two of them can be set
		if want := free + free*(free-1)/2; n != want {
			t.Errorf("%s: %d transactions before the end, want %d", w.name, n, want)
		}
		if s.r.txn != [maxKey]byte{} {
			t.Errorf("%s: the last key is left", w.name)
		}
		if _, err := s.WorkingKey(nil, PIN, TDES2); !errors.Is(err, ErrState) {
			t.Errorf("%s: a working key without a transaction: %v", w.name, err)
		}
		p := s.Append(nil)
		again := must(ParseState(p))(t)
		if err := again.Advance(); !errors.Is(err, ErrExhausted) || again.KSN() != s.KSN() {
			t.Errorf("%s: brought back after the end: %v", w.name, err)
		}
		if !bytes.Equal(p[2+len(w.ksn.Bytes()):], make([]byte, len(p)-2-len(w.ksn.Bytes()))) {
			t.Errorf("%s: a key is left at the end", w.name)
		}
	}
}

// No register, and nothing that is stored, is a key that was used or the initial key; the used key is nowhere but in its own
// place.
func TestNoUsedKeyIsLeft(t *testing.T) {
	for _, w := range worlds(t) {
		s := w.state(t)
		used := map[string]bool{string(w.initial(t)): true}
		check := func() {
			t.Helper()
			for i := range s.r.keys {
				if key := s.r.keys[i][:w.size]; used[string(key)] {
					t.Fatalf("%s %v: register %d is a used key", w.name, s.KSN(), i)
				}
			}
			if s.r.node != (node{}) {
				t.Fatalf("%s: work space is not wiped", w.name)
			}
		}
		check()
		for range 3000 {
			before := bytes.Clone(s.TransactionKey())
			if err := s.Advance(); err != nil {
				t.Fatal(err)
			}
			if before != nil && bytes.Equal(before, s.TransactionKey()) {
				t.Fatal("a key twice")
			}
			used[string(s.TransactionKey())] = true
			check()
			if bytes.Contains(s.Append(nil), s.TransactionKey()) {
				t.Fatalf("%s %v: the used key is stored", w.name, s.KSN())
			}
		}
		if len(used) != 3001 {
			t.Errorf("%s: %d keys, want 3001", w.name, len(used))
		}
	}
}

// A state that was stored goes on exactly where it was, and without the key of its last transaction.
func TestAStoredStateGoesOn(t *testing.T) {
	for _, w := range worlds(t) {
		s := w.state(t)
		for range 200 {
			p := s.Append(nil)
			if len(p) > MaxStateSize {
				t.Fatalf("%d bytes", len(p))
			}
			again := must(ParseState(p))(t)
			clear(p)
			if again.KSN() != s.KSN() || again.TransactionKey() != nil {
				t.Fatalf("%s: back as %v", w.name, again.KSN())
			}
			for _, x := range []*State{s, again} {
				if err := x.Advance(); err != nil {
					t.Fatal(err)
				}
			}
			w.same(t, again)
			s = again
		}
		if !bytes.HasPrefix(s.Append([]byte("x")), []byte{'x', 1}) {
			t.Error("Append does not append")
		}
	}
}

func TestStatesThatAreRefused(t *testing.T) {
	for _, w := range worlds(t) {
		good := w.at(t, 0x12).Append(nil)
		header := 2 + len(w.ksn.Bytes())
		change := func(f func(p []byte) []byte) []byte { return f(bytes.Clone(good)) }
		for name, p := range map[string][]byte{
			"nothing":           nil,
			"one byte":          good[:1],
			"another version":   change(func(p []byte) []byte { p[0] = 2; return p }),
			"algorithm 0":       change(func(p []byte) []byte { p[1] = 0; return p }),
			"TDES3":             change(func(p []byte) []byte { p[1] = byte(TDES3); return p }),
			"HMAC128":           change(func(p []byte) []byte { p[1] = byte(HMAC128); return p }),
			"no algorithm":      change(func(p []byte) []byte { p[1] = 200; return p }),
			"a byte short":      good[:len(good)-1],
			"a byte long":       append(bytes.Clone(good), 0),
			"another counter":   change(func(p []byte) []byte { p[header-1] = 0x13; return p }),
			"too many one-bits": change(func(p []byte) []byte { copy(p[header-3:], "\x1F\xFF\xFF"); return p }),
			"no key, 21 or 32 one-bits": change(func(p []byte) []byte {
				clear(p[header:])
				w.ksn.with(uint32(1<<w.ksn.registers() - 1)).Append(p[:2])
				return p
			}),
			"a register missing": change(func(p []byte) []byte { clear(p[header : header+w.size]); return p }),
			"a used register":    change(func(p []byte) []byte { p[header+w.size] = 1; return p }),
			"another standard": change(func(p []byte) []byte {
				p[1] ^= byte(TDES2 ^ AES128)
				return p
			}),
		} {
			if s, err := ParseState(p); !errors.Is(err, ErrState) || s != nil {
				t.Errorf("%s, %s: %v", w.name, name, err)
			}
		}
	}
	if _, err := NewState(make([]byte, 16), KSN{}); !errors.Is(err, ErrKSN) {
		t.Error(err)
	}
	for _, c := range []struct {
		ksn  string
		size int
		want error
	}{
		{"FFFF9876543210E00001", 16, ErrKSN}, {"123456789012345600000001", 16, ErrKSN},
		{"FFFF9876543210E00000", 8, ErrKey}, {"FFFF9876543210E00000", 24, ErrKey}, {"FFFF9876543210E00000", 32, ErrKey},
		{"123456789012345600000000", 8, ErrKey}, {"123456789012345600000000", 0, ErrKey},
	} {
		if _, err := NewState(make([]byte, c.size), ksn(t, c.ksn)); !errors.Is(err, c.want) {
			t.Errorf("NewState %s with %d bytes: %v", c.ksn, c.size, err)
		}
	}
}

func TestAWipedStateIsDead(t *testing.T) {
	s := worlds(t)[0].state(t)
	if err := s.Advance(); err != nil {
		t.Fatal(err)
	}
	twin, key, r := *s, s.TransactionKey(), s.r.terminalKeys
	s.Wipe()
	if !bytes.Equal(key, make([]byte, 16)) || r.keys != [aesRegisters][maxKey]byte{} {
		t.Error("keys are left")
	}
	for _, x := range []*State{s, &twin, {}} {
		x.Wipe()
		if err := x.Advance(); !errors.Is(err, ErrState) {
			t.Error(err)
		}
		if x.TransactionKey() != nil || len(x.Append(nil)) != 0 || !x.KSN().IsZero() {
			t.Error("something is left")
		}
	}
}

// A copy is no second device: it never gives a key again.
func TestACopyIsTheSameState(t *testing.T) {
	s := worlds(t)[0].state(t)
	twin := *s
	if err := errors.Join(s.Advance(), twin.Advance()); err != nil || s.KSN() != twin.KSN() || s.KSN().Counter() != 2 {
		t.Errorf("%v %v %v", s, twin, err)
	}
}

// Whatever prints, logs or marshals a State or a Deriver shows no byte of a key: all keys here are CACACA...
func TestNothingPrintsAKey(t *testing.T) {
	canary := bytes.Repeat([]byte{0xCA}, 32)
	for _, w := range worlds(t) {
		s := w.state(t)
		for i := range s.r.keys {
			copy(s.r.keys[i][:], canary)
		}
		copy(s.r.txn[:], canary)
		copy(s.r.node.out[:], canary)
		host := must(NewAESDeriver(canary[:max(16, w.size)]))(t)
		if !w.ksn.AES() {
			host = must(NewTDESDeriver(canary[:16]))(t)
		}
		copy(host.d.key[:], canary)
		holder := struct {
			S *State
			V State
			D *Deriver
			H Deriver
			s *State
			v State
			d *Deriver
			h Deriver
		}{s, *s, host, *host, s, *s, host, *host}
		var text strings.Builder
		for _, v := range []any{s, *s, host, *host, &s, holder, &holder, []any{s, *host}, map[string]State{"a": *s}} {
			for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %#x %d %o %b %c %t %g %T %p") {
				fmt.Fprintf(&text, verb+"\n", v)
			}
			text.Write(must(json.Marshal(v))(t))
		}
		if _, err := s.WorkingKey(nil, KeyEncryption, HMAC256); err != nil {
			text.WriteString(err.Error())
		}
		for _, secret := range []string{
			"cacacaca", "CACACACA", "ca ca", "CA CA", "0xca, 0xca", "0xca 0xca", "0XCA 0XCA", "202 202", "202, 202",
			"\xca\xca", `\xca\xca`, "ysrK", "ÊÊ", "Ê Ê", "312 312", "11001010 11001010",
		} {
			if strings.Contains(text.String(), secret) {
				t.Fatalf("%s: %q is printed", w.name, secret)
			}
		}
		if !strings.Contains(text.String(), w.ksn.String()) {
			t.Error("no KSN is shown")
		}
	}
	s := worlds(t)[0].state(t)
	if got := fmt.Sprintf("%v %d", s, *s); got != "dukpt.State(FFFF9876543210E00000) dukpt.State(FFFF9876543210E00000)" {
		t.Error(got)
	}
	if got := string(must(json.Marshal(s))(t)); got != `"FFFF9876543210E00000"` {
		t.Error(got)
	}
	if got := fmt.Sprintf("%d %x", worlds(t)[1].host, *worlds(t)[0].host); got != "dukpt.Deriver(AES128) dukpt.Deriver(TDES2)" {
		t.Error(got)
	}
	if got := fmt.Sprint(&State{}, Deriver{}, &Deriver{}); got != "dukpt.State() dukpt.Deriver(none) dukpt.Deriver(none)" {
		t.Error(got)
	}
}

func FuzzParseState(f *testing.F) {
	for _, w := range worlds(f) {
		f.Add(w.state(f).Append(nil))
		f.Add(w.at(f, 0x6C).Append(nil))
	}
	f.Add([]byte{1, 1})
	f.Fuzz(func(t *testing.T, p []byte) {
		s, err := ParseState(p)
		if err != nil {
			if !errors.Is(err, ErrState) {
				t.Fatalf("no ErrState: %v", err)
			}
			return
		}
		if !bytes.Equal(s.Append(nil), p) {
			t.Fatalf("%s comes back otherwise", hex.EncodeToString(p[:14]))
		}
		for range 3 {
			before := s.KSN()
			if err := s.Advance(); err != nil {
				if !errors.Is(err, ErrExhausted) {
					t.Fatal(err)
				}
				return
			}
			if next, err := before.Next(); err != nil || next != s.KSN() || s.TransactionKey() == nil {
				t.Fatalf("after %v: %v, %v", before, s.KSN(), err)
			}
			if _, err := ParseState(s.Append(nil)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
