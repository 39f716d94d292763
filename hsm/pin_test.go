package hsm

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/pinblock"
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
			if _, err := m.EncryptPIN(nil, in(k, Format0), pad, p); err != nil {
				t.Fatal(err)
			}
			return pad
		}},
		{"used in vain", func() *Keypad {
			pad := typed(m, "1234")
			if _, err := m.EncryptPIN(nil, PINCarrier{}, pad, p); !errors.Is(err, ErrKey) {
				t.Fatal(err)
			}
			return pad
		}},
		{"the zero Keypad", func() *Keypad { return new(Keypad) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pad := tt.pad()
			if block, err := m.EncryptPIN(nil, in(k, Format0), pad, p); err != ErrNoPIN || len(block) != 0 {
				t.Errorf("%X, %v", block, err)
			}
		})
	}
	pad := typed(m, "1234")
	if _, err := m.EncryptPIN(nil, in(k, Format0), pad, p); err != nil || *pad.secret.digits != [maxPIN]byte{} || pad.State() != Used || pad.Len() != 0 {
		t.Errorf("the entry stays: %v, %v", pad.State(), err)
	}
	pad = typed(m, "1234")
	if _, err := m.EncryptPIN(nil, in(k, Format0), pad, pan.PAN{}); err == nil || *pad.secret.digits != [maxPIN]byte{} {
		t.Errorf("without a card: %v", err)
	}
	clean(t, m)
}

// Every way a block can be wrong gives the one error, from every operation that opens one.
func TestPINBlockErrorsAreAlike(t *testing.T) {
	m := New(counter())
	from, to := in(install(t, m, PINEncryption, keyA), Format0), in(install(t, m, PINEncryption, keyB), Format0)
	ref := install(t, m, PINVerification, keyB)
	p := card(t, pan1)
	kept := reference(t, m, ref, "1234", p)
	pvk, ibm := install(t, m, PINVerificationVisa, keyB), install(t, m, PINVerification3624, keyB)
	opens := map[string]func(c PINCarrier, p pan.PAN, block []byte) error{
		"TranslatePIN": func(c PINCarrier, p pan.PAN, block []byte) error {
			out, err := m.TranslatePIN(nil, c, to, p, block)
			if len(out) != 0 {
				t.Error("a block beside an error")
			}
			return err
		},
		"VerifyPIN": func(c PINCarrier, p pan.PAN, block []byte) error { return m.VerifyPIN(c, p, block, ref, kept) },
		"ReferencePIN": func(c PINCarrier, p pan.PAN, block []byte) error {
			_, err := m.ReferencePIN(c, p, block, ref)
			return err
		},
		"GeneratePVV": func(c PINCarrier, p pan.PAN, block []byte) error {
			_, err := m.GeneratePVV(pvk, 1, c, p, block)
			return err
		},
		"VerifyPVV": func(c PINCarrier, p pan.PAN, block []byte) error { return m.VerifyPVV(pvk, 1, c, p, block, "0000") },
		"ChangePVV": func(c PINCarrier, p pan.PAN, block []byte) error {
			_, err := m.ChangePVV(pvk, 1, c, p, block, "0000", block)
			return err
		},
		"GeneratePINOffset": func(c PINCarrier, p pan.PAN, block []byte) error {
			_, err := m.GeneratePINOffset(ibm, natural, c, p, block)
			return err
		},
		"VerifyPINOffset": func(c PINCarrier, p pan.PAN, block []byte) error {
			return m.VerifyPINOffset(ibm, natural, c, p, block, "0000")
		},
	}
	refused := func(t *testing.T, c PINCarrier, p pan.PAN, block []byte) {
		t.Helper()
		for name, open := range opens {
			if err := open(c, p, block); err != ErrPINBlock {
				t.Errorf("%s: %v: want %v and nothing more", name, err, ErrPINBlock)
			}
		}
		clean(t, m)
	}
	var account [8]byte
	if err := pinblock.PANField(account[:], Format0, []byte(pan1)); err != nil {
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
			field := unhex(t, tt.field)
			for i := range field {
				field[i] ^= account[i]
			}
			refused(t, from, p, outside(t, keyA, field, crypt.EncryptECB))
		})
	}
	for _, kind := range pinKeys {
		c, other := in(install(t, m, kind.a, kind.clear), kind.format), in(install(t, m, kind.a, keyB), kind.format)
		good := encrypted(t, m, c, "1234", p)
		t.Run(fmt.Sprintf("format %v", kind.format), func(t *testing.T) {
			refused(t, c, p, good[:len(good)-1])
			refused(t, c, p, append(bytes.Clone(good), 0))
			refused(t, c, p, nil)
			refused(t, other, p, good)
			if kind.format.HasPAN() {
				refused(t, c, pan.PAN{}, good)
				refused(t, c, card(t, pan2), good)
			}
			refused(t, c, p, bytes.Repeat(good, 2))
		})
	}
}

// natural is how the tests make IBM 3624 PINs.
var natural = IBM3624{Decimalization: "0123456789012345", Validation: "4761739001010010"}

func TestVerifyPIN(t *testing.T) {
	for _, kind := range pinKeys {
		m := New(counter())
		c, ref := in(install(t, m, kind.a, kind.clear), kind.format), install(t, m, PINVerification, keyB)
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
			t.Run(fmt.Sprintf("%v %s", kind.format, tt.name), func(t *testing.T) {
				kept := reference(t, m, ref, tt.kept, p)
				block := encrypted(t, m, c, tt.typed, p)
				if err := m.VerifyPIN(c, p, block, ref, kept); err != tt.want {
					t.Errorf("%v: want %v", err, tt.want)
				}
				if err := m.VerifyPIN(c, p, block, ref, kept[:7]); err == nil || errors.Is(err, ErrPIN) || errors.Is(err, ErrPINBlock) {
					t.Errorf("a short reference is the caller's fault: %v", err)
				}
				if err := m.VerifyPIN(c, p, block, ref, nil); err == nil {
					t.Error("no reference verifies")
				}
				clean(t, m)
			})
		}
	}
}

// A reference is of digits that the keypad took, once; the pad is empty afterwards, whatever the answer.
func TestPINReferenceTakesTheEntry(t *testing.T) {
	m := New(counter())
	ref, p := install(t, m, PINVerification, keyB), card(t, pan1)
	for name, pad := range map[string]*Keypad{
		"none": nil, "no digit": typed(New(counter()), ""), "another module's": typed(New(counter()), "1234"),
	} {
		if got, err := m.PINReference(ref, p, pad); !errors.Is(err, ErrNoPIN) || got != [8]byte{} {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, digits := range []string{"", "1", "12", "123"} {
		if _, err := m.PINReference(ref, p, typed(m, digits)); !errors.Is(err, ErrNoPIN) {
			t.Errorf("%d digits: %v", len(digits), err)
		}
	}
	thirteen := reference(t, m, ref, "1234567890129", p)
	if !bytes.Equal(thirteen, reference(t, m, ref, "123456789012", p)) {
		t.Error("a thirteenth digit counts")
	}
	pad := typed(m, "1234")
	if _, err := m.PINReference(ref, pan.PAN{}, pad); err == nil || strings.Contains(err.Error(), "1234") {
		t.Errorf("a reference without a card: %v", err)
	}
	if *pad.secret.digits != [maxPIN]byte{} || pad.State() != Used {
		t.Error("the entry stays")
	}
	pad = typed(m, "1234")
	if _, err := m.PINReference(ref, p, pad); err != nil || *pad.secret.digits != [maxPIN]byte{} || pad.State() != Used {
		t.Errorf("the entry stays: %v", err)
	}
	if _, err := m.PINReference(ref, p, pad); !errors.Is(err, ErrNoPIN) {
		t.Errorf("a second time: %v", err)
	}
}

// The clear block is a published vector's; the cryptogram was computed with OpenSSL (des-ede).
func TestTranslatePINKnownAnswer(t *testing.T) {
	m := New(counter())
	from, to := in(install(t, m, PINEncryption, keyA), Format0), in(install(t, m, PINEncryption, keyB), Format0)
	out, err := m.TranslatePIN([]byte{7}, from, to, card(t, pan1), unhex(t, "621F91F5470F2CFE"))
	if want := unhex(t, "07"+"B24B8E54FCB1DF85"); err != nil || !bytes.Equal(out, want) {
		t.Errorf("%X, %v: want %X", out, err, want)
	}
	if _, err := m.TranslatePIN(nil, from, to, card(t, pan2), unhex(t, "621F91F5470F2CFE")); err != ErrPINBlock {
		t.Errorf("for another card: %v", err)
	}
}

// Every pair of formats: it is translated, and the PIN is the same at the other end, or it is refused for its formats. From a format
// with the PAN to one without there is no way, also not over others.
func TestTranslatePINPairs(t *testing.T) {
	m := New(counter())
	p, ref := card(t, pan1), install(t, m, PINVerification, keyB)
	kept := reference(t, m, ref, "739184", p)
	done := 0
	for _, from := range pinKeys {
		for _, to := range pinKeys {
			a, b := in(install(t, m, from.a, from.clear), from.format), in(install(t, m, to.a, keyB), to.format)
			out, err := m.TranslatePIN(nil, a, b, p, encrypted(t, m, a, "739184", p))
			if from.format != Format1 && to.format == Format1 {
				if !errors.Is(err, ErrFormat) || len(out) != 0 {
					t.Errorf("%v to %v: %X, %v: want ErrFormat", from.format, to.format, out, err)
				}
				continue
			}
			if err != nil || len(out) != to.format.Size() {
				t.Errorf("%v to %v: %X, %v", from.format, to.format, out, err)
				continue
			}
			done++
			if err := m.VerifyPIN(b, p, out, ref, kept); err != nil {
				t.Errorf("%v to %v: %v", from.format, to.format, err)
			}
		}
	}
	if done != len(pinKeys)*len(pinKeys)-4 {
		t.Errorf("%d pairs", done)
	}
}

// A block under a format's neighbour is not opened as that format's, under the same key.
func TestNoFormatPassesForAnother(t *testing.T) {
	m := New(counter())
	tdes, p := install(t, m, PINEncryption, keyA), card(t, pan1)
	to := in(install(t, m, PINEncryption, keyB), Format0)
	for _, is := range []PINFormat{Format0, Format1, Format3} {
		block := encrypted(t, m, in(tdes, is), "1234", p)
		for _, said := range []PINFormat{Format0, Format1, Format3} {
			if _, err := m.TranslatePIN(nil, in(tdes, said), to, p, block); (err == nil) != (is == said) || err != nil && err != ErrPINBlock {
				t.Errorf("a block of format %v as one of %v: %v", is, said, err)
			}
		}
	}
}

// Each format goes under one cipher, and format 2 under none.
func TestFormatsAndKeys(t *testing.T) {
	m := New(counter())
	p := card(t, pan1)
	ciphers := map[PINFormat]Algorithm{Format0: TDES, Format1: TDES, Format3: TDES, Format4: AES, SM4X98: SM4}
	for _, a := range []Algorithm{TDES, AES, SM4} {
		k := install(t, m, Attributes{Usage: PINEncryption, Algorithm: a}, keyA)
		for f := Format0; f <= SM4X98+1; f++ {
			pad := typed(m, "1234")
			block, err := m.EncryptPIN(nil, in(k, f), pad, p)
			if ok := ciphers[f] == a; ok != (err == nil) || !ok && (!errors.Is(err, ErrFormat) || len(block) != 0) {
				t.Errorf("format %v under %v: %X, %v", f, a, block, err)
			}
			if pad.State() != Used || pad.Len() != 0 {
				t.Errorf("format %v under %v: the entry stays", f, a)
			}
		}
	}
	for _, name := range []string{"0", "1", "2", "3", "4", "sm4-x98-16"} {
		if f, err := ParsePINFormat(name); err != nil || f.String() != name {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
	if _, err := ParsePINFormat("5"); err == nil {
		t.Error("format 5")
	}
}

// The fill of formats 1, 3 and 4 is random: two blocks of one PIN differ. Formats 0 and SM4X98 have none.
func TestFillIsRandom(t *testing.T) {
	for _, kind := range pinKeys {
		m := New(counter())
		c, p := in(install(t, m, kind.a, kind.clear), kind.format), card(t, pan1)
		same := bytes.Equal(encrypted(t, m, c, "1234", p), encrypted(t, m, c, "1234", p))
		if want := kind.format == Format0 || kind.format == SM4X98; same != want {
			t.Errorf("format %v: the same block twice: %v", kind.format, same)
		}
		if kind.format == Format0 || kind.format == SM4X98 {
			continue
		}
		dry := New(strings.NewReader("x"))
		c.Key = install(t, dry, kind.a, kind.clear)
		pad := typed(dry, "1234")
		if block, err := dry.EncryptPIN(nil, c, pad, p); err == nil || len(block) != 0 || pad.State() != Used {
			t.Errorf("format %v without randomness: %X, %v", kind.format, block, err)
		}
		clean(t, dry)
	}
}
