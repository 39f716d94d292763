package hsm

import (
	"bytes"
	"errors"
	"testing"

	"github.com/posim/posim/internal/pan"
)

func TestKeypad(t *testing.T) {
	for _, tt := range []struct {
		name  string
		keys  string // digits, and C clear, X cancel, E enter
		state PINState
		n     int
	}{
		{"nothing yet", "", Entering, 0},
		{"digits", "123", Entering, 3},
		{"four digits are enough", "1234E", Entered, 4},
		{"three are not: the entry goes on", "123E", Entering, 3},
		{"and may be completed", "123E4E", Entered, 4},
		{"twelve fit", "123456789012E", Entered, 12},
		{"a thirteenth is not taken", "1234567890123E", Entered, 12},
		{"clear takes all back", "1234C56", Entering, 2},
		{"enter on nothing is a bypass", "E", Bypassed, 0},
		{"also after clear", "1234CE", Bypassed, 0},
		{"cancel wipes", "1234X", Cancelled, 0},
		{"cancel after enter wipes", "1234EX", Cancelled, 0},
		{"nothing follows enter", "1234E5CE", Entered, 4},
		{"nothing follows cancel", "1X234E", Cancelled, 0},
		{"cancel does not follow a bypass", "EX", Bypassed, 0},
		{"no digits but decimal ones", "12aA/:*#34E", Entered, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := New(counter()).Keypad()
			for i := range len(tt.keys) {
				switch c := tt.keys[i]; c {
				case 'C':
					p.Clear()
				case 'X':
					p.Cancel()
				case 'E':
					if p.Enter() != p.State() {
						t.Error("Enter returns another state")
					}
				default:
					before := p.Len()
					if took := p.Press(c); took != (p.Len() == before+1) {
						t.Errorf("Press %c: %v, %d digits", c, took, p.Len())
					}
				}
			}
			if p.State() != tt.state || p.Len() != tt.n || p.Done() != (tt.state != Entering) {
				t.Errorf("%v, %d digits, done %v: want %v, %d", p.State(), p.Len(), p.Done(), tt.state, tt.n)
			}
			if tt.n == 0 && *p.secret.digits != [maxPIN]byte{} {
				t.Error("digits are left")
			}
		})
	}
	if new(Keypad).Press('1') {
		t.Error("the zero Keypad takes a digit")
	}
}

func TestEntryServesOnce(t *testing.T) {
	m := New(counter())
	k := install(t, m, PINEncryption, keyA)
	p := card(t, pan1)
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
			if _, err := m.EncryptPIN(k, pad, p); err != nil {
				t.Fatal(err)
			}
			return pad
		}},
		{"used in vain", func() *Keypad {
			pad := typed(m, "1234")
			if _, err := m.EncryptPIN(Key{}, pad, p); !errors.Is(err, ErrKey) {
				t.Fatal(err)
			}
			return pad
		}},
		{"the zero Keypad", func() *Keypad { return new(Keypad) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pad := tt.pad()
			if block, err := m.EncryptPIN(k, pad, p); err != ErrNoPIN || block != [8]byte{} {
				t.Errorf("%X, %v", block, err)
			}
		})
	}
	pad := typed(m, "1234")
	if _, err := m.EncryptPIN(k, pad, p); err != nil || *pad.secret.digits != [maxPIN]byte{} || pad.State() != Used || pad.Len() != 0 {
		t.Errorf("the entry stays: %v, %v", pad.State(), err)
	}
	pad = typed(m, "1234")
	if _, err := m.EncryptPIN(k, pad, pan.PAN{}); err == nil || *pad.secret.digits != [maxPIN]byte{} {
		t.Errorf("without a card: %v", err)
	}
	if m.work != [8]byte{} {
		t.Error("a block is left in the module")
	}
}

// Every way a block can be wrong gives the one error, from both operations.
func TestPINBlockErrorsAreAlike(t *testing.T) {
	m := New(counter())
	k, to := install(t, m, PINEncryption, keyA), install(t, m, PINEncryption, keyB)
	ref := install(t, m, PINVerification, keyB)
	p := card(t, pan1)
	reference, err := m.PINReference(ref, p, "1234")
	if err != nil {
		t.Fatal(err)
	}
	account, err := accountField(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, field string // the PIN field, before XOR
	}{
		{"format 1", "141234FFFFFFFFFF"}, {"format 3", "341234FFFFFFFFFF"}, {"control nibble F", "F41234FFFFFFFFFF"},
		{"no digits", "00FFFFFFFFFFFFFF"}, {"three digits", "03123FFFFFFFFFFF"},
		{"thirteen digits", "0D1234567890123F"}, {"fifteen digits", "0F12345678901234"},
		{"digit A", "04A234FFFFFFFFFF"}, {"digit F in front of the end", "04123FFFFFFFFFFF"}, {"last digit of twelve", "0C12345678901BFF"},
		{"filler 0", "041234FFFFFFFFF0"}, {"first filler", "0412340FFFFFFFFF"}, {"filler E", "041234FFFFEFFFFF"},
		{"longer than it says", "0412345FFFFFFFFF"}, {"shorter than it says", "051234FFFFFFFFFF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			field := [8]byte(unhex(t, tt.field))
			xor(&field, account)
			block := outside(t, keyA, field[:], ecbEncrypt)
			if out, err := m.TranslatePIN(k, to, p, block); err != ErrPINBlock || out != [8]byte{} {
				t.Errorf("TranslatePIN: %X, %v", out, err)
			}
			if err := m.VerifyPIN(k, p, block, ref, reference[:]); err != ErrPINBlock {
				t.Errorf("VerifyPIN: %v", err)
			}
			if m.work != [8]byte{} {
				t.Error("a block is left in the module")
			}
		})
	}
	good, err := m.EncryptPIN(k, typed(m, "1234"), p)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"short":        m.VerifyPIN(k, p, good[:7], ref, reference[:]),
		"long":         m.VerifyPIN(k, p, append(good[:], 0), ref, reference[:]),
		"empty":        m.VerifyPIN(k, p, nil, ref, reference[:]),
		"no card":      m.VerifyPIN(k, pan.PAN{}, good[:], ref, reference[:]),
		"another card": m.VerifyPIN(k, card(t, pan2), good[:], ref, reference[:]),
		"another key":  m.VerifyPIN(to, p, good[:], ref, reference[:]),
	} {
		if err != ErrPINBlock {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyPIN(t *testing.T) {
	m := New(counter())
	k, ref := install(t, m, PINEncryption, keyA), install(t, m, PINVerification, keyB)
	p := card(t, pan1)
	for _, tt := range []struct {
		name, kept, typed string
		want              error
	}{
		{"right", "1234", "1234", nil},
		{"right, twelve digits", "123456789012", "123456789012", nil},
		{"wrong", "1234", "1235", ErrPIN},
		{"longer", "1234", "12340", ErrPIN},
		{"shorter", "12340", "1234", ErrPIN},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reference, err := m.PINReference(ref, p, tt.kept)
			if err != nil {
				t.Fatal(err)
			}
			block, err := m.EncryptPIN(k, typed(m, tt.typed), p)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.VerifyPIN(k, p, block[:], ref, reference[:]); err != tt.want {
				t.Errorf("%v: want %v", err, tt.want)
			}
			if err := m.VerifyPIN(k, p, block[:], ref, reference[:7]); err == nil || errors.Is(err, ErrPIN) || errors.Is(err, ErrPINBlock) {
				t.Errorf("a short reference is the caller's fault: %v", err)
			}
		})
	}
	for _, bad := range []string{"", "123", "1234567890123", "12a4", "12 4", "１２３４"} {
		if _, err := m.PINReference(ref, p, bad); err == nil {
			t.Errorf("a PIN of %d bytes is kept", len(bad))
		} else if bad != "" && bytes.Contains([]byte(err.Error()), []byte(bad)) {
			t.Errorf("the error quotes the PIN: %v", err)
		}
	}
	if _, err := m.PINReference(ref, pan.PAN{}, "1234"); err == nil {
		t.Error("a reference without a card")
	}
}

// The clear block is a published vector's; the cryptogram was computed with OpenSSL (des-ede).
func TestTranslatePINKnownAnswer(t *testing.T) {
	m := New(counter())
	from, to := install(t, m, PINEncryption, keyA), install(t, m, PINEncryption, keyB)
	out, err := m.TranslatePIN(from, to, card(t, pan1), unhex(t, "621F91F5470F2CFE"))
	if want := unhex(t, "B24B8E54FCB1DF85"); err != nil || !bytes.Equal(out[:], want) {
		t.Errorf("%X, %v: want %X", out, err, want)
	}
	if _, err := m.TranslatePIN(from, to, card(t, pan2), unhex(t, "621F91F5470F2CFE")); err != ErrPINBlock {
		t.Errorf("for another card: %v", err)
	}
}

// A PAN of fewer than 13 digits is padded with zeros on the left; the check digit is never used.
func TestAccountField(t *testing.T) {
	for digits, want := range map[string]string{
		"4761739001010010":    "0000173900101001",
		"6230606601007726888": "0000660100772688",
		"4012345678909":       "0000401234567890",
		"12345678":            "0000000001234567",
	} {
		if got, err := accountField(card(t, digits)); err != nil || !bytes.Equal(got[:], unhex(t, want)) {
			t.Errorf("%X, %v: want %s", got, err, want)
		}
	}
}
