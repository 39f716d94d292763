package hsm

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
)

const (
	scriptPAN = "4761739001010119"
	keyC      = "FEDCBA98765432100123456789ABCDEF"
)

// scripted is a module with an issuer's keys, a card, and a new PIN for it under k.
func scripted(t testing.TB, pin string) (m *Module, c *ScriptCard, k Key, block []byte) {
	m = New(counter())
	c = &ScriptCard{Version: security.VisaCVN10, Option: security.OptionA, PAN: card(t, scriptPAN), PANSequenceNumber: "01",
		ATC: []byte{0, 7}, Cryptogram: []byte("cryptogr"),
		Integrity: install(t, m, IssuerMasterSMI, keyA), Confidentiality: install(t, m, IssuerMasterSMC, keyB), Cryptograms: install(t, m, IssuerMasterAC, keyC)}
	k = install(t, m, PINEncryption, keyA)
	return m, c, k, encrypted(t, m, in(k, Format0), pin, c.PAN)
}

// theCard is the other half: the session of the card, which has its own keys and asks no module.
func theCard(t testing.TB, c *ScriptCard) *security.ScriptSession {
	master := func(imk string) *security.MasterKey {
		mk, err := security.ICCMasterKey(unhex(t, imk), c.PAN.Digits(), c.PANSequenceNumber, c.Option)
		if err != nil {
			t.Fatal(err)
		}
		k, err := security.NewMasterKey(mk)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	s, err := c.Version.ScriptSession(security.ScriptKeys{MAC: master(keyA), Encipherment: master(keyB), Cryptogram: master(keyC)}, [2]byte(c.ATC), [8]byte(c.Cryptogram))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every command that a module seals is one that the card opens, and nobody with another counter, cryptogram or number.
func TestSealScript(t *testing.T) {
	for _, v := range security.Versions() {
		m, c, k, block := scripted(t, "987654")
		c.Version = v
		for _, test := range []struct {
			command ScriptCommand
			header  string
			data    string
		}{
			{ScriptCommand{Instruction: apdu.InsApplicationBlock}, "841E0000", ""},
			{ScriptCommand{Instruction: apdu.InsApplicationUnblock}, "84180000", ""},
			{ScriptCommand{Instruction: apdu.InsCardBlock}, "84160000", ""},
			{ScriptCommand{Instruction: apdu.InsPINChangeUnblock}, "84240000", ""},
			{ScriptCommand{Instruction: apdu.InsPINChangeUnblock, PIN: in(k, Format0), PINBlock: block}, "84240002", "PIN"},
			{ScriptCommand{Instruction: apdu.InsPutData, Tag: 0x9F58, Data: []byte{7}}, "84DA9F58", "07"},
			{ScriptCommand{Instruction: apdu.InsUpdateRecord, File: 2, Record: 3, Data: []byte{0x70, 0}}, "84DC0314", "7000"},
		} {
			sealed, err := m.SealScript(c, test.command)
			if err != nil || fmt.Sprintf("%X", sealed[:4]) != test.header {
				t.Errorf("%v: %X, %v: want %s", v, sealed, err, test.header)
				continue
			}
			data, err := theCard(t, c).Open(sealed)
			switch {
			case err != nil:
				t.Errorf("%v: %s: the card says %v", v, test.header, err)
			case test.data == "PIN":
				pin, err := theCard(t, c).DecipherPIN(data, "")
				if err != nil || fmt.Sprintf("%X", pin) != "26987654FFFFFFFF" || bytes.Contains(sealed, []byte{0x98, 0x76, 0x54}) {
					t.Errorf("%v: the card finds another PIN, %v", v, err)
				}
			case fmt.Sprintf("%X", data) != test.data:
				t.Errorf("%v: %s: data %X: want %s", v, test.header, data, test.data)
			}
			for name, change := range map[string]func(c *ScriptCard){
				"counter":    func(c *ScriptCard) { c.ATC = []byte{0, 8} },
				"cryptogram": func(c *ScriptCard) { c.Cryptogram = []byte("cryptogS") },
				"number":     func(c *ScriptCard) { c.PAN = card(t, "4761739001010010") },
			} {
				other := *c
				change(&other)
				if _, err := theCard(t, &other).Open(sealed); !errors.Is(err, security.ErrScriptMAC) {
					t.Errorf("%v: %s: with another %s: %v", v, test.header, name, err)
				}
			}
		}
	}
}

func TestSealScriptRefuses(t *testing.T) {
	unblock := ScriptCommand{Instruction: apdu.InsPINChangeUnblock}
	for _, test := range []struct {
		name   string
		change func(m *Module, c *ScriptCard, command *ScriptCommand)
		is     error
		says   string
	}{
		{"nothing is wrong", func(*Module, *ScriptCard, *ScriptCommand) {}, nil, ""},
		{"a cryptogram key for MACs", func(_ *Module, c *ScriptCard, _ *ScriptCommand) { c.Integrity = c.Cryptograms }, ErrUsage, "need E2, found E0"},
		{"the keys swapped", func(_ *Module, c *ScriptCard, _ *ScriptCommand) {
			c.Integrity, c.Confidentiality = c.Confidentiality, c.Integrity
		}, ErrUsage, "need E2, found E1"},
		{"no key for encipherment", func(_ *Module, c *ScriptCard, _ *ScriptCommand) { c.Confidentiality = Key{} }, ErrKey, "E1"},
		{"no key for cryptograms", func(_ *Module, c *ScriptCard, _ *ScriptCommand) { c.Cryptograms = Key{} }, ErrKey, "E0"},
		{"a PIN under a MAC key", func(_ *Module, c *ScriptCard, x *ScriptCommand) { x.PIN.Key = c.Integrity }, ErrUsage, "need P0"},
		{"a PIN of another card", func(_ *Module, c *ScriptCard, _ *ScriptCommand) { c.PAN = card(t, "4761739001010010") }, ErrPINBlock, ""},
		{"half a PIN block", func(_ *Module, _ *ScriptCard, x *ScriptCommand) { x.PINBlock = x.PINBlock[:4] }, ErrPINBlock, ""},
		{"no ATC", func(_ *Module, c *ScriptCard, _ *ScriptCommand) { c.ATC = nil }, nil, "ATC of 0"},
		{"half a cryptogram", func(_ *Module, c *ScriptCard, _ *ScriptCommand) { c.Cryptogram = c.Cryptogram[:4] }, nil, "cryptogram of 4"},
		{"no version", func(_ *Module, c *ScriptCard, _ *ScriptCommand) { c.Version = 0 }, nil, "version"},
		{"a bad sequence number", func(_ *Module, c *ScriptCard, _ *ScriptCommand) { c.PANSequenceNumber = "1" }, nil, "sequence number"},
		{"another instruction", func(_ *Module, _ *ScriptCard, x *ScriptCommand) { *x = ScriptCommand{Instruction: apdu.InsVerify} }, nil, "instruction 20"},
		{"no file", func(_ *Module, _ *ScriptCard, x *ScriptCommand) {
			*x = ScriptCommand{Instruction: apdu.InsUpdateRecord, Record: 1}
		}, nil, "file 0"},
		{"too much data", func(_ *Module, _ *ScriptCard, x *ScriptCommand) {
			*x = ScriptCommand{Instruction: apdu.InsPutData, Tag: 0x9F58, Data: make([]byte, 248)}
		}, nil, "248 bytes"},
		{"tampered", func(m *Module, _ *ScriptCard, _ *ScriptCommand) { m.Tamper() }, ErrTampered, ""},
	} {
		m, c, k, block := scripted(t, "1234")
		command := unblock
		command.PIN, command.PINBlock = in(k, Format0), block
		test.change(m, c, &command)
		sealed, err := m.SealScript(c, command)
		switch {
		case test.is == nil && test.says == "":
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		case err == nil || sealed != nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says):
			t.Errorf("%s: %X, %v: want %q", test.name, sealed, err, test.says)
		case strings.Contains(err.Error(), "1234") || strings.Contains(err.Error(), scriptPAN):
			t.Errorf("%s: the error tells a secret: %v", test.name, err)
		}
	}
}

// The reference of a PIN that came in a block is the one that personalisation makes of its digits.
func TestReferencePIN(t *testing.T) {
	m, c, k, block := scripted(t, "987654321012")
	ref := install(t, m, PINVerification, keyB)
	want := reference(t, m, ref, "987654321012", c.PAN)
	if got, err := m.ReferencePIN(in(k, Format0), c.PAN, block, ref); err != nil || !bytes.Equal(got[:], want) {
		t.Errorf("%X, %v: want %X", got, err, want)
	}
	if err := m.VerifyPIN(in(k, Format0), c.PAN, block, ref, want); err != nil {
		t.Error(err)
	}
	for name, test := range map[string]struct {
		k, ref Key
		block  []byte
		is     error
	}{
		"a key of another usage":  {c.Integrity, ref, block, ErrUsage},
		"a reference under it":    {k, k, block, ErrUsage},
		"a block of another card": {k, ref, append([]byte{1}, block[1:]...), ErrPINBlock},
		"no block":                {k, ref, nil, ErrPINBlock},
	} {
		if got, err := m.ReferencePIN(in(test.k, Format0), c.PAN, test.block, test.ref); !errors.Is(err, test.is) || got != [8]byte{} {
			t.Errorf("%s: %X, %v", name, got, err)
		}
	}
}
