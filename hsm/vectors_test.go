package hsm

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/pan"
)

type vector struct {
	ID, Op  string
	In, Out map[string]any
}

func (v vector) text(name string) string {
	if f, ok := v.In[name].(float64); ok {
		return fmt.Sprint(int(f))
	}
	s, _ := v.In[name].(string)
	return s
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

// The vectors that the Module has an operation for, run through its handles. internal/vectors runs all of them on clear keys, and
// finds those that nobody runs.
func TestVectors(t *testing.T) {
	run := map[string]func(*testing.T, vector){
		"pinblock.encode 0":        vectorEncode,
		"pinblock.encipher 0 TDES": vectorEncipher,
		"pinblock.decode 0":        vectorDecode,
		"mac.generate":             vectorMAC,
		"kcv TDES":                 vectorCheckValue,
		"kcv AES":                  vectorCheckValue,
		"des.weak_key":             vectorWeak,
		"key.import_ecb TDES":      vectorImport,
		"pin.translate":            vectorTranslate,
		"emv.cvn10":                vectorCVN10,
		"emv.script_pin_change":    vectorPINChange,
	}
	files, err := filepath.Glob("../testdata/vectors/hsm/*.json")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	ran := map[string]int{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var set struct {
			Layout  string
			Vectors []vector
		}
		if err := json.Unmarshal(b, &set); err != nil || set.Layout != "hsm/1" || len(set.Vectors) == 0 {
			t.Fatalf("%s: layout %q, %d vectors, %v", file, set.Layout, len(set.Vectors), err)
		}
		for _, v := range set.Vectors {
			key := v.Op
			switch {
			case v.Op == "mac.generate" && (v.text("alg") == "x9.19" || v.text("alg") == "iso9797-1-3"):
				if v.text("padding") != "1" {
					key += " padding " + v.text("padding")
				}
			case v.Op == "mac.generate":
				key += " " + v.text("alg") + " " + v.text("cipher")
			case strings.HasPrefix(v.Op, "pinblock.en"), strings.HasPrefix(v.Op, "pinblock.de"):
				key = strings.TrimSpace(v.Op + " " + v.text("format") + " " + v.text("cipher"))
			case v.Op == "emv.script_pin_change" && strings.HasPrefix(v.text("encryption"), "CBC"):
				key += " CBC"
			case v.Op == "key.import_ecb", v.Op == "kcv":
				key += " " + v.text("cipher")
			}
			if f := run[key]; f != nil {
				ran[key]++
				t.Run(v.ID, func(t *testing.T) { f(t, v) })
			}
		}
	}
	for key := range run {
		if ran[key] == 0 {
			t.Errorf("no vector of %q", key)
		}
	}
	t.Logf("%v", ran)
}

const someKey = "0123456789ABCDEFFEDCBA9876543210"

func install(t testing.TB, m *Module, u Usage, clear string) Key {
	t.Helper()
	k, err := m.Install("", u, unhex(t, clear))
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

// outside enciphers or deciphers with a key that the test knows, past the module.
func outside(t testing.TB, key string, block []byte, f func(b []byte, dst, src []byte)) []byte {
	t.Helper()
	out := make([]byte, len(block))
	f(unhex(t, key), out, block)
	return out
}

func ecbEncrypt(key, dst, src []byte) {
	b, err := crypt.NewTDES(key)
	if err != nil {
		panic(err)
	}
	crypt.EncryptECB(b, dst, src)
}

func ecbDecrypt(key, dst, src []byte) {
	b, err := crypt.NewTDES(key)
	if err != nil {
		panic(err)
	}
	crypt.DecryptECB(b, dst, src)
}

func vectorEncode(t *testing.T, v vector) {
	m := New(counter())
	k := install(t, m, PINEncryption, someKey)
	block, err := m.EncryptPIN(k, typed(m, v.text("pin")), card(t, v.text("pan")))
	if err != nil {
		t.Fatal(err)
	}
	if got := outside(t, someKey, block[:], ecbDecrypt); !bytes.Equal(got, unhex(t, v.Out["block"])) {
		t.Errorf("block %X: want %v", got, v.Out["block"])
	}
}

func vectorEncipher(t *testing.T, v vector) {
	m := New(counter())
	k := install(t, m, PINEncryption, v.text("key"))
	p := card(t, v.text("pan"))
	block, err := m.EncryptPIN(k, typed(m, v.text("pin")), p)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(block[:], unhex(t, v.Out["block"])) {
		t.Errorf("block %X: want %v", block, v.Out["block"])
	}
	if got := outside(t, v.text("key"), block[:], ecbDecrypt); !bytes.Equal(got, unhex(t, v.Out["clear_block"])) {
		t.Errorf("clear block %X: want %v", got, v.Out["clear_block"])
	}
	ref := install(t, m, PINVerification, "1111111111111111FEDCBA9876543210")
	reference, err := m.PINReference(ref, p, v.text("pin"))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.VerifyPIN(k, p, unhex(t, v.Out["block"]), ref, reference[:]); err != nil {
		t.Error(err)
	}
}

func vectorDecode(t *testing.T, v vector) {
	m := New(counter())
	k := install(t, m, PINEncryption, someKey)
	block := outside(t, someKey, unhex(t, v.text("block")), ecbEncrypt)
	_, err := m.TranslatePIN(k, k, card(t, v.text("pan")), block)
	if v.Out["error"] != true || len(v.Out) != 1 {
		t.Fatalf("output %v is not compared here", v.Out)
	}
	if err != ErrPINBlock {
		t.Errorf("%v: want %v and nothing more", err, ErrPINBlock)
	}
}

func vectorMAC(t *testing.T, v vector) {
	data, want := unhex(t, v.text("data")), unhex(t, v.Out["mac"])
	m := New(counter())
	k := install(t, m, MAC, v.text("key"))
	var got [8]byte
	if err := m.MAC(k, &got, data); err != nil {
		t.Fatal(err)
	}
	if err := m.VerifyMAC(k, want, data); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(got[:], want) {
		t.Errorf("MAC %X: want %X", got, want)
	}
	if four, ok := v.Out["mac4"]; ok && !bytes.Equal(got[:4], unhex(t, four)) {
		t.Errorf("MAC %X: want %v", got[:4], four)
	}
}

func vectorCheckValue(t *testing.T, v vector) {
	u := PINEncryption
	if v.text("cipher") == "AES" {
		u = DataEncryption
	}
	m := New(counter())
	k := install(t, m, u, v.text("key"))
	check := k.CheckValue()
	for name, want := range v.Out {
		switch name {
		case "legacy3":
			if !bytes.Equal(check[:], unhex(t, want)) {
				t.Errorf("%X: want %v", check, want)
			}
		case "legacy8": // a host that sends the whole block
			master := install(t, m, TerminalMaster, someKey)
			wrapped := outside(t, someKey, unhex(t, v.text("key")), ecbEncrypt)
			if _, err := m.Import(u, master, wrapped, unhex(t, want)); err != nil {
				t.Error(err)
			}
		case "cmac5": // CMAC check values are not here
		default:
			t.Errorf("output %q is not compared", name)
		}
	}
}

func vectorWeak(t *testing.T, v vector) {
	part := v.text("key")
	for _, clear := range []string{part + "0123456789ABCDEF", "FEDCBA9876543210" + part, "FEDCBA9876543210" + part + "1111111111111111"} {
		if strings.Count(clear, "0123456789ABCDEF") > 1 {
			continue // equal parts are another rule
		}
		if _, err := New(counter()).Install("", PINEncryption, unhex(t, clear)); errors.Is(err, ErrWeakKey) != v.Out["weak"] {
			t.Errorf("Install: %v", err)
		}
	}
}

func vectorImport(t *testing.T, v vector) {
	m := New(counter())
	master := install(t, m, TerminalMaster, v.text("kek"))
	wrapped, want := unhex(t, v.text("wrapped")), unhex(t, v.Out["key"])
	if len(want) == 8 { // single DES: known, and refused
		if _, err := m.Import(MAC, master, wrapped, []byte{1, 2, 3}); err == nil || !strings.Contains(err.Error(), "8 bytes") {
			t.Errorf("a single-length key: %v", err)
		}
		return
	}
	for _, u := range []Usage{PINEncryption, MAC} {
		k, err := m.Import(u, master, wrapped, unhex(t, v.Out["kcv3"]))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m.slots[k.at].clear, want) {
			t.Error("another key")
		}
		again, check, err := m.Export(k, master)
		if err != nil || !bytes.Equal(again, wrapped) || !bytes.Equal(check[:], unhex(t, v.Out["kcv3"])) {
			t.Errorf("Export: %X, %X, %v", again, check, err)
		}
	}
}

// The published translations change format; of each the leg that is TDES and format 0 is run here.
func vectorTranslate(t *testing.T, v vector) {
	p := card(t, v.text("pan"))
	for _, side := range []string{"from", "to"} {
		leg := v.In[side].(map[string]any)
		if leg["cipher"] != "TDES" || leg["format"] != 0.0 {
			continue
		}
		block := unhex(t, v.Out["block"])
		if side == "from" {
			block = unhex(t, leg["block"])
		}
		m := New(counter())
		k := install(t, m, PINEncryption, leg["key"].(string))
		other := install(t, m, PINEncryption, "1111111111111111FEDCBA9876543210")
		there, err := m.TranslatePIN(k, other, p, block)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := m.TranslatePIN(other, k, p, there[:]); err != nil || !bytes.Equal(back[:], block) || bytes.Equal(there[:], block) {
			t.Errorf("%s: there %X, back %X, %v: want %X", side, there, back, err, block)
		}
	}
}

func vectorCVN10(t *testing.T, v vector) {
	elements := map[uint32]string{0x9F02: "amount", 0x9F03: "amount_other", 0x9F1A: "country", 0x95: "tvr", 0x5F2A: "currency",
		0x9A: "date", 0x9C: "type", 0x9F37: "un", 0x82: "aip", 0x9F36: "atc"}
	get := func(tag uint32) []byte {
		if tag == 0x9F10 {
			return append([]byte{6, 1, 10}, unhex(t, v.text("cvr"))...)
		}
		return unhex(t, v.text(elements[tag]))
	}
	m := New(counter())
	k := install(t, m, IssuerMasterAC, v.text("imk_ac"))
	arqc := unhex(t, v.Out["arqc"])
	if err := m.VerifyCryptogram(k, security.VisaCVN10, security.OptionA, v.text("pan"), v.text("psn"), get, arqc); err != nil {
		t.Error(err)
	}
	answer := security.IssuerAnswer{AuthorisationResponseCode: [2]byte(unhex(t, v.text("arc"))), Approved: true}
	data, err := m.ARPC(k, security.VisaCVN10, security.OptionA, v.text("pan"), v.text("psn"), get, arqc, answer)
	if want := append(unhex(t, v.Out["arpc"]), unhex(t, v.text("arc"))...); err != nil || !bytes.Equal(data, want) {
		t.Errorf("tag 91: %X, %v: want %X", data, err, want)
	}
}

// vectorPINChange proves the data that a new PIN travels in. The vectors' MAC is over less than Book 2, 9.2.1 has under it, so
// the command's is compared with the one of package security, whose keys the same vectors prove there.
func vectorPINChange(t *testing.T, v vector) {
	p, diversifier := card(t, v.text("pan")), unhex(t, v.text("diversifier"))
	c := &ScriptCard{Version: security.MCCVN20, Option: security.OptionA, PAN: p, PANSequenceNumber: v.text("psn"), ATC: []byte{0, 1}, Cryptogram: diversifier}
	smi, err := security.ICCMasterKey(unhex(t, v.text("imk_smi")), v.text("pan"), v.text("psn"), security.OptionA)
	if err != nil {
		t.Fatal(err)
	}
	session := security.CommonSessionKey
	if v.text("sk_method") == "visa" {
		c.Version, c.ATC, c.Cryptogram = security.VisaCVN10, diversifier, []byte("cryptogr")
		session = security.ScriptSessionKeyFromATC
	}
	m := New(counter())
	c.Integrity, c.Confidentiality = install(t, m, IssuerMasterSMI, v.text("imk_smi")), install(t, m, IssuerMasterSMC, v.text("imk_smc"))
	ac := v.text("imk_ac")
	if ac == "" {
		ac = keyB // nothing of it is in this form
	}
	c.Cryptograms = install(t, m, IssuerMasterAC, ac)
	k := install(t, m, PINEncryption, someKey)
	block, err := m.EncryptPIN(k, typed(m, v.text("pin")), p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.SealScript(c, ScriptCommand{Instruction: apdu.InsPINChangeUnblock, PINKey: k, PINBlock: block[:]})
	if err != nil {
		t.Fatal(err)
	}
	data := unhex(t, v.Out["encrypted_data"])
	header := append(unhex(t, v.text("command_header"))[:4], byte(len(data)+8))
	mac, err := security.ScriptMAC(session(smi, diversifier), [5]byte(header), [2]byte(c.ATC), [8]byte(c.Cryptogram), data)
	if want := append(append(header, data...), mac[:]...); err != nil || !bytes.Equal(got, want) {
		t.Errorf("command %X: want %X, %v", got, want, err)
	}
}
