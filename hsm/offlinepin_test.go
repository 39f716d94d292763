package hsm

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
)

// pinCard is a card that hears VERIFY: it answers by table and keeps what it heard.
type pinCard struct {
	challenge []byte // answer to GET CHALLENGE, with its status word
	verify    []byte // answer to VERIFY
	err       error  // of VERIFY
	heard     [][]byte
	lent      []byte // VERIFY itself, not a copy
}

func (c *pinCard) Transmit(command []byte) ([]byte, error) {
	c.heard = append(c.heard, bytes.Clone(command))
	if command[1] == apdu.InsGetChallenge {
		return c.challenge, nil
	}
	c.lent = command
	return c.verify, c.err
}

func newPINCard(t testing.TB) *pinCard {
	return &pinCard{challenge: unhex(t, "C1C2C3C4C5C6C7C8"+"9000"), verify: unhex(t, "9000")}
}

func pinKey(t testing.TB) *security.PrivateKey {
	t.Helper()
	k, err := security.GeneratePrivateKey(rand.NewChaCha8([32]byte{7}), 512, 3)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The block on the wire is ISO 9564-1 format 2, in a VERIFY of Book 3, 6.5.12.
func TestPresentPINInTheClear(t *testing.T) {
	for pin, want := range map[string]string{
		"1234": "0020008008" + "241234FFFFFFFFFF", "12345": "0020008008" + "2512345FFFFFFFFF",
		"123456789012": "0020008008" + "2C123456789012FF", "0000": "0020008008" + "240000FFFFFFFFFF",
	} {
		m, c := New(counter()), newPINCard(t)
		pad := typed(m, pin)
		sw, err := m.PresentPIN(pad, c, nil)
		if err != nil || sw != 0x9000 {
			t.Fatal(sw, err)
		}
		if len(c.heard) != 1 || fmt.Sprintf("%X", c.heard[0]) != want {
			t.Errorf("%d digits: %d commands, the first differs", len(pin), len(c.heard))
		}
		gone(t, m, pad, c)
	}
}

// gone: neither module nor pad nor the command's storage have the PIN any more.
func gone(t *testing.T, m *Module, pad *Keypad, c *pinCard) {
	t.Helper()
	if *pad.secret.digits != [maxPIN]byte{} || pad.Len() != 0 || pad.State() != Used {
		t.Errorf("the entry stays: %v", pad)
	}
	clean(t, m)
	if slices.ContainsFunc(c.lent, func(b byte) bool { return b != 0 }) {
		t.Error("the command stays where it was made")
	}
}

func TestPresentPINEnciphered(t *testing.T) {
	key := pinKey(t)
	m, c := New(counter()), newPINCard(t)
	pad := typed(m, "123456")
	sw, err := m.PresentPIN(pad, c, key.Public())
	if err != nil || sw != 0x9000 {
		t.Fatal(sw, err)
	}
	if len(c.heard) != 2 || fmt.Sprintf("%X", c.heard[0]) != "0084000000" {
		t.Fatalf("%d commands: want GET CHALLENGE and VERIFY", len(c.heard))
	}
	verify := c.heard[1]
	if fmt.Sprintf("%X", verify[:5]) != "0020008840" || len(verify) != 5+64 {
		t.Fatalf("VERIFY with header %X and %d bytes: want 0020008840 and 64 bytes behind it", verify[:5], len(verify))
	}
	clear, err := key.Sign(verify[5:]) // the bare private operation
	if err != nil {
		t.Fatal(err)
	}
	if want := unhex(t, "7F"+"26123456FFFFFFFF"+"C1C2C3C4C5C6C7C8"); !bytes.Equal(clear[:17], want) {
		t.Error("the enciphered block does not begin with 7F, format 2 and the challenge (Book 2, 7.2)")
	}
	if rest := clear[17:]; len(rest) != 64-17 || bytes.Count(rest, rest[:1]) == len(rest) {
		t.Errorf("the rest, %d bytes, is not random", len(rest))
	}
	gone(t, m, pad, c)

	// The same PIN a second time looks different.
	again := newPINCard(t)
	if _, err := m.PresentPIN(typed(m, "123456"), again, key.Public()); err != nil || bytes.Equal(again.heard[1], verify) {
		t.Errorf("the same block twice: %v", err)
	}
}

func TestPresentPINGivesTheStatusWord(t *testing.T) {
	for _, word := range []string{"63C2", "63C0", "6983", "6984", "6A80"} {
		m, c := New(counter()), newPINCard(t)
		c.verify = unhex(t, word)
		pad := typed(m, "1234")
		if sw, err := m.PresentPIN(pad, c, nil); err != nil || sw.String() != word {
			t.Errorf("%v, %v: want %s", sw, err, word)
		}
		gone(t, m, pad, c)
	}
}

// No entry, no command.
func TestPresentPINNeedsAnEntry(t *testing.T) {
	m := New(counter())
	for _, tt := range []struct {
		name string
		pad  func() *Keypad
	}{
		{"no pad", func() *Keypad { return nil }},
		{"not entered", func() *Keypad { pad := m.Keypad(); pad.Press('1'); return pad }},
		{"bypassed", func() *Keypad { return typed(m, "") }},
		{"cancelled", func() *Keypad { pad := typed(m, "1234"); pad.Cancel(); return pad }},
		{"another module's", func() *Keypad { return typed(New(counter()), "1234") }},
		{"an earlier entry", func() *Keypad { pad := typed(m, "1234"); m.Keypad(); return pad }},
		{"used", func() *Keypad {
			pad := typed(m, "1234")
			if _, err := m.PresentPIN(pad, newPINCard(t), nil); err != nil {
				t.Fatal(err)
			}
			return pad
		}},
	} {
		for _, key := range []*security.PublicKey{nil, pinKey(t).Public()} {
			t.Run(tt.name, func(t *testing.T) {
				c := newPINCard(t)
				if sw, err := m.PresentPIN(tt.pad(), c, key); err != ErrNoPIN || sw != 0 || len(c.heard) != 0 {
					t.Errorf("%v, %v, %d commands: want ErrNoPIN and none", sw, err, len(c.heard))
				}
			})
		}
	}
}

// A card that gives no challenge hears no PIN, and the entry is gone.
func TestPresentPINWithoutChallenge(t *testing.T) {
	key := pinKey(t).Public()
	for _, answer := range []string{"6985", "6D00", "9000", "C1C2C3C4C5C6C79000", "C1C2C3C4C5C6C7C8C99000", "C1C2C3C4C5C6C7C86281"} {
		m, c := New(counter()), newPINCard(t)
		c.challenge = unhex(t, answer)
		pad := typed(m, "1234")
		sw, err := m.PresentPIN(pad, c, key)
		if !errors.Is(err, ErrNoChallenge) || sw != 0 || len(c.heard) != 1 {
			t.Errorf("%s: %v, %v, %d commands: want ErrNoChallenge after one", answer, sw, err, len(c.heard))
		}
		gone(t, m, pad, c)
	}
}

func TestPresentPINWithoutRandomness(t *testing.T) {
	m, c := New(counter()), newPINCard(t)
	pad := typed(m, "1234")
	m.rand = strings.NewReader("short")
	if _, err := m.PresentPIN(pad, c, pinKey(t).Public()); err == nil || len(c.heard) != 1 {
		t.Errorf("%v, %d commands: want an error before VERIFY", err, len(c.heard))
	}
	gone(t, m, pad, c)
}

func TestPresentPINTampered(t *testing.T) {
	m, c := New(counter()), newPINCard(t)
	pad := typed(m, "1234")
	m.Tamper()
	if sw, err := m.PresentPIN(pad, c, nil); !errors.Is(err, ErrTampered) || sw != 0 || len(c.heard) != 0 {
		t.Errorf("%v, %v, %d commands: want ErrTampered and none", sw, err, len(c.heard))
	}
	if *pad.secret.digits != [maxPIN]byte{} {
		t.Error("the entry stays")
	}
}

// A card that is pulled out, or answers nonsense, is an error of the card, without the PIN in it.
func TestPresentPINErrors(t *testing.T) {
	for name, change := range map[string]func(*pinCard){
		"pulled out": func(c *pinCard) { c.err = fmt.Errorf("slot 1: %w", apdu.ErrCardRemoved) },
		"one byte":   func(c *pinCard) { c.verify = []byte{0x90} },
		"nothing":    func(c *pinCard) { c.verify = nil },
	} {
		for _, key := range []*security.PublicKey{nil, pinKey(t).Public()} {
			m, c := New(counter()), newPINCard(t)
			change(c)
			pad := typed(m, "739184")
			_, err := m.PresentPIN(pad, c, key)
			if err == nil || !strings.HasPrefix(err.Error(), "hsm: ") || name == "pulled out" && !errors.Is(err, apdu.ErrCardRemoved) {
				t.Errorf("%s: %v", name, err)
			}
			gone(t, m, pad, c)
			for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%v %+v %#v", err, pad, pad), fmt.Sprintf("%+v", m)} {
				if strings.Contains(text, "739184") || strings.Contains(strings.ToUpper(text), "26739184") {
					t.Errorf("%s: the PIN is printed", name)
				}
			}
		}
	}
	c := newPINCard(t)
	c.challenge = []byte{1}
	m := New(counter())
	if _, err := m.PresentPIN(typed(m, "1234"), c, pinKey(t).Public()); err == nil || errors.Is(err, ErrNoChallenge) {
		t.Errorf("a challenge that is no answer: %v", err)
	}
}
