package card_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/security"
)

const (
	rightPIN = "0020008008241234FFFFFFFFFF"
	wrongPIN = "0020008008241235FFFFFFFFFF"
)

// ptc reads the PIN try counter.
func (d *desk) ptc() int {
	d.t.Helper()
	b := d.want("80CA9F1700", "9000")
	return int(b[len(b)-1])
}

func TestPlaintextPIN(t *testing.T) {
	d := newDesk(t, profile(t, "visa-dda"))
	d.selectAID()
	d.want(rightPIN, "6985") // before the transaction
	d.start()
	if n := d.ptc(); n != 3 {
		t.Fatalf("%d tries", n)
	}
	d.want(rightPIN, "9000")
	d.want(wrongPIN, "63C2")
	if n := d.ptc(); n != 2 {
		t.Errorf("%d tries", n)
	}
	d.want(rightPIN, "9000")                                                                     // and all tries are back
	for n, block := range []string{"141234FFFFFFFFFF", "241234FFFFFFFFF0", "231234FFFFFFFFFF"} { // no PIN blocks of this PIN
		d.want("0020008008"+block, fmt.Sprintf("63C%d", 2-n))
	}
	d.want(rightPIN, "6983")
	d.c.Reset() // what is lost stays lost
	d.start()
	if n := d.ptc(); n != 0 {
		t.Errorf("%d tries", n)
	}
	d.want(rightPIN, "6983")
	d.want("00200080", "6700")
	d.want("0020008007241234FFFFFFFF", "6700")
	d.want("0020018008241234FFFFFFFFFF", "6A86")
	d.want("0020008108241234FFFFFFFFFF", "6A86")
	d.want("0020008808241234FFFFFFFFFF", "6A88") // no enciphered PIN on this card
	d.want("0084000000", "6D00")
	d.want("8020008008241234FFFFFFFFFF", "6E00")
}

func TestPINBlockedFromTheStart(t *testing.T) {
	d := newDesk(t, profile(t, "visa-pin-blocked"))
	d.start()
	if n := d.ptc(); n != 0 {
		t.Errorf("%d tries", n)
	}
	d.want(rightPIN, "6983")

	d = newDesk(t, profile(t, "visa-pin-blocked-unreadable"))
	d.start()
	d.want("80CA9F1700", "6A88")
	d.want(rightPIN, "6984")

	d = newDesk(t, profile(t, "visa-pin-last-try"))
	d.start()
	d.want(wrongPIN, "63C0")
	d.want(rightPIN, "6983")
}

// encipher makes VERIFY as a PIN pad does, with the key that the certificate gives.
func encipher(t *testing.T, key *security.PublicKey, block string, challenge []byte) string {
	t.Helper()
	var a security.Arithmetic
	b := [8]byte(unhex(t, block))
	enciphered, err := a.EncipherPIN(key, &b, [8]byte(challenge), rand.NewChaCha8([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("00200088%02X%X", len(enciphered), enciphered)
}

func TestEncipheredPIN(t *testing.T) {
	for _, name := range []string{"visa-pin-enciphered", "mc-cda-pin-enciphered", "visa-pin-key", "cup-pin-key"} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, profile(t, name))
			o := d.start()
			var x terminal
			if problem := d.chain(&x, o, true); problem != "" {
				t.Fatal(problem)
			}
			key := &x.icc
			if o[0x9F2D] != nil { // the key for PINs comes before the card's own
				key = new(security.PublicKey)
				if _, err := x.a.RecoverICCKey(key, &x.issuer, o[0x9F2D], o[0x9F2F], o[0x9F2E], nil); err != nil {
					t.Fatal(err)
				}
			} else if strings.Contains(name, "pin-key") {
				t.Fatal("no certificate for PIN encipherment")
			}
			right := "241234FFFFFFFFFF"
			if strings.HasPrefix(name, "cup") {
				right = "26123456FFFFFFFF"
			}
			challenge := d.want("0084000000", "9000")
			if len(challenge) != 8 {
				t.Fatalf("challenge %X", challenge)
			}
			command := encipher(t, key, right, challenge)
			d.want(command, "9000")
			d.want(command, "6985") // the challenge is used up
			second := d.want("0084000000", "9000")
			if bytes.Equal(second, challenge) {
				t.Error("the same challenge again")
			}
			d.want(command, "63C2") // made for another challenge
			third := d.want("0084000000", "9000")
			d.ptc() // another command in between
			d.want(encipher(t, key, right, third), "6985")
			fourth := d.want("0084000000", "9000")
			d.want("0084000000", "9000")
			d.want(encipher(t, key, right, fourth), "63C1") // the newer one counts
			d.want("0084000000", "9000")
			d.want("00200088"+command[8:10]+strings.Repeat("00", len(command)/2-5), "63C0") // nothing that can be deciphered
			fifth := d.want("0084000000", "9000")
			d.want(encipher(t, key, right, fifth), "6983")
			d.want("0084000100", "6A86")
			d.want("00840000010000", "6700")
			d.want("0020008808241234FFFFFFFFFF", "6700")
		})
	}
}

// What the card has seen of the PIN is in its verification results, from the first cryptogram on.
func TestPINInVerificationResults(t *testing.T) {
	tests := []struct {
		name, card string
		before     []string
		want       string
	}{
		{"no PIN", "visa-dda", nil, "03A01000"},
		{"right", "visa-dda", []string{rightPIN}, "03A41000"},
		{"wrong", "visa-dda", []string{wrongPIN}, "03A61000"},
		{"wrong, then right", "visa-dda", []string{wrongPIN, rightPIN}, "03A41000"},
		{"used up", "visa-dda", []string{wrongPIN, wrongPIN, wrongPIN}, "03A65000"},
		{"signature made", "visa-dda", []string{"008800000452BF458500"}, "03A01002"},
		{"no PIN, long", "mc-pin-exceeded-declines", nil, "A00002200000"},
		{"right, long", "mc-pin-exceeded-declines", []string{rightPIN}, "A50002000000"},
		{"wrong, long", "mc-pin-exceeded-declines", []string{wrongPIN}, "A40001100000"},
		{"signature made, long", "mc-pin-exceeded-declines", []string{"008800000452BF458500"}, "A08002200000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, profile(t, test.card))
			o := d.start()
			for _, command := range test.before {
				d.send(command)
			}
			g := d.generateAC(0x80, fill(t, o[0x8C], terminalData))
			h := d.verify(o, g, terminalData)
			if cvr, err := h.version.CVR(g.iad); err != nil || fmt.Sprintf("%X", cvr) != test.want {
				t.Errorf("CVR %X, %v: want %s", cvr, err, test.want)
			}
		})
	}
}

// A card that declines when the tries are used up says why.
func TestPINExceededDeclines(t *testing.T) {
	d := newDesk(t, profile(t, "mc-pin-exceeded-declines"))
	o := d.start()
	d.want(wrongPIN, "63C1")
	d.want(wrongPIN, "63C0")
	g := d.generateAC(0x80, fill(t, o[0x8C], terminalData))
	if g.cid != 0x02 {
		t.Errorf("CID %02X, want an AAC for the PIN try limit", g.cid)
	}
	h := d.verify(o, g, terminalData)
	if cvr, err := h.version.CVR(g.iad); err != nil || fmt.Sprintf("%X", cvr) != "840000180000" {
		t.Errorf("CVR %X, %v", cvr, err)
	}
}

func TestOfflinePINProfile(t *testing.T) {
	base := source(t, "visa-dda")
	tests := []struct{ name, old, new, want string }{
		{"more left than there are", "limit: 3", "limit: 3, left: 4", "offline_pin: left: want a number from 0 to 3"},
		{"no way", "limit: 3", "plaintext: false", "offline_pin: want plaintext, enciphered or both"},
		{"no PIN", "  pin: \"1234\"\n", "", "offline_pin: want pin"},
		{"short PIN", "limit: 3", "pin: \"12\"", "offline_pin: pin: 2 characters"},
		{"unknown field", "limit: 3", "tries: 3", `unknown field "tries"`},
		{"no such status", "limit: 3", "when_blocked: 6A88", "want one of 6983, 6984"},
		{"counter twice", "  offline_pin:", "  data: x\n  offline_pin:", `unknown field "data"`},
	}
	for _, test := range tests {
		_, err := card.ParseProfile("x.yaml", []byte(edit(t, base, test.old, test.new)), library(t)...)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
	if _, err := card.ParseProfile("x.yaml", []byte(edit(t, source(t, "visa-credit"), "  applications:\n", "  offline_pin: {enciphered: true, left: 1}\n  applications:\n"))); err == nil || !strings.Contains(err.Error(), "tag 9F17: the card has it already") {
		t.Errorf("counter in the data too: error %v", err)
	}
	src := edit(t, edit(t, source(t, "visa-credit"), "        9F17: \"03\" # PIN try counter\n", "        9F4F: \"00\"\n"), "  applications:\n", "  offline_pin: {enciphered: true}\n  applications:\n")
	if _, err := card.ParseProfile("x.yaml", []byte(src)); err == nil || !strings.Contains(err.Error(), "no application has a key") {
		t.Errorf("no key for enciphered PINs: error %v", err)
	}
}
