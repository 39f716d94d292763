package security_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/internal/crypt"
)

var allForms = []security.ScriptForm{security.ScriptVisa, security.ScriptMChip, security.ScriptCommonCore, security.ScriptUnionPay}

func takesCurrent(f security.ScriptForm) bool {
	return f == security.ScriptVisa || f == security.ScriptUnionPay
}

// scriptKeys are three different master keys of one card.
func scriptKeys(t testing.TB) security.ScriptKeys {
	const number = "4761739001010119"
	return security.ScriptKeys{
		MAC:          masterKey(t, "FEDCBA98765432100123456789ABCDEF", number, "01"),
		Encipherment: masterKey(t, "89ABCDEF0123456776543210FEDCBA98", number, "01"),
		Cryptogram:   masterKey(t, "0123456789ABCDEFFEDCBA9876543210", number, "01"),
	}
}

func scriptSession(t testing.TB, f security.ScriptForm, k security.ScriptKeys) *security.ScriptSession {
	t.Helper()
	s, err := f.Session(k, [2]byte{0, 7}, [8]byte{1, 2, 3, 4, 5, 6, 7, 8})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The three PIN changes of the security module's own vectors: keys by their check values, data, and a MAC over header and data.
func TestScriptPINChangeVectors(t *testing.T) {
	var file struct {
		Vectors []struct {
			ID string `json:"id"`
			Op string `json:"op"`
			In struct {
				SMC        string `json:"imk_smc"`
				SMI        string `json:"imk_smi"`
				AC         string `json:"imk_ac"`
				PAN        string `json:"pan"`
				PSN        string `json:"psn"`
				Method     string `json:"sk_method"`
				R          string `json:"diversifier"`
				Header     string `json:"command_header"`
				Encryption string `json:"encryption"`
				PIN        string `json:"pin"`
			} `json:"in"`
			Out struct {
				Enciphered string `json:"encrypted_data"`
				MAC        string `json:"script_mac"`
				SMCCheck   string `json:"sk_smc_kcv3"`
				SMICheck   string `json:"sk_smi_kcv3"`
			} `json:"out"`
		} `json:"vectors"`
	}
	decode(t, "../hsm/emv.json", &file)
	n := 0
	for _, v := range file.Vectors {
		if v.Op != "emv.script_pin_change" {
			continue
		}
		n++
		form, known := map[string]security.ScriptForm{"ECB, 80 pad only if needed": security.ScriptMChip,
			"ECB, length-prefixed + 80 pad": security.ScriptVisa, "CBC IV0, mandatory 80 pad": security.ScriptCommonCore}[v.In.Encryption]
		if !known {
			t.Fatalf("%s: encryption %q", v.ID, v.In.Encryption)
		}
		keys := security.ScriptKeys{MAC: masterKey(t, v.In.SMI, v.In.PAN, v.In.PSN), Encipherment: masterKey(t, v.In.SMC, v.In.PAN, v.In.PSN)}
		if v.In.AC != "" {
			keys.Cryptogram = masterKey(t, v.In.AC, v.In.PAN, v.In.PSN)
		}
		var atc [2]byte
		var ac [8]byte
		r := unhex(t, v.In.R)
		copy(atc[:], r)
		copy(ac[:], r)
		session, err := form.Session(keys, atc, ac)
		if err != nil {
			t.Fatal(err)
		}
		enciphered, err := session.EncipherPIN(v.In.PIN, "")
		if err != nil {
			t.Fatal(err)
		}
		same(t, v.ID+" enciphered PIN", enciphered, v.Out.Enciphered)
		for _, k := range []struct{ imk, check string }{{v.In.SMI, v.Out.SMICheck}, {v.In.SMC, v.Out.SMCCheck}} {
			mk, err := security.ICCMasterKey(unhex(t, k.imk), v.In.PAN, v.In.PSN, security.OptionA)
			if err != nil {
				t.Fatal(err)
			}
			sk := map[string]func() []byte{
				"visa":   func() []byte { return security.ScriptSessionKeyFromATC(mk, r) },
				"common": func() []byte { return security.CommonSessionKey(mk, r) },
			}[v.In.Method]()
			check(t, v.ID+" session key", sk, k.check)
			if k.imk != v.In.SMI {
				continue
			}
			mac, err := crypt.NewRetailMAC(sk)
			if err != nil {
				t.Fatal(err)
			}
			var sum [8]byte
			mac.Sum2(&sum, append(unhex(t, v.In.Header), enciphered...))
			same(t, v.ID+" MAC", sum[:], v.Out.MAC)
		}
	}
	if n != 3 {
		t.Errorf("%d vectors", n)
	}
}

func TestScriptCommands(t *testing.T) {
	for _, f := range allForms {
		for _, macLength := range []int{0, 4, 8} {
			k := scriptKeys(t)
			k.MACLength = macLength
			s := scriptSession(t, f, k)
			want := 8
			if macLength != 0 {
				want = macLength
			}
			put, err1 := s.PutData(0x9F58, []byte{3})
			update, err2 := s.UpdateRecord(2, 1, []byte{0x70, 0})
			change, err3 := s.PINChange("123456", "")
			if err := errors.Join(err1, err2, err3); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				command []byte
				header  string
				data    string
			}{
				{s.ApplicationBlock(), "841E0000", ""},
				{s.ApplicationUnblock(), "84180000", ""},
				{s.CardBlock(), "84160000", ""},
				{s.PINUnblock(), "84240000", ""},
				{put, "84DA9F58", "03"},
				{update, "84DC0114", "7000"},
				{change, "84240002", hex.EncodeToString(change[5 : len(change)-want])},
			} {
				same(t, "header", c.command[:4], c.header)
				parsed, err := apdu.ParseCommand(c.command)
				if err != nil || parsed.Le != apdu.LeAbsent || len(parsed.Data) != len(c.data)/2+want {
					t.Fatalf("%v: %X is %+v, %v", f, c.command, parsed, err)
				}
				data, err := s.Open(c.command)
				if err != nil {
					t.Fatal(err)
				}
				same(t, "data", data, strings.ToUpper(c.data))
				everyByte(c.command, func(changed []byte, at int) {
					if _, err := s.Open(changed); err == nil || at > 4 && !errors.Is(err, security.ErrScriptMAC) {
						t.Errorf("%v: %X with byte %d changed: %v", f, c.command, at, err)
					}
				})
				for _, wrong := range [][]byte{nil, c.command[:4], c.command[:len(c.command)-1], append(bytes.Clone(c.command), 0)} {
					if _, err := s.Open(wrong); err == nil || errors.Is(err, security.ErrScriptMAC) {
						t.Errorf("%v: %d bytes: %v", f, len(wrong), err)
					}
				}
			}
			if _, err := s.PutData(0x9F58, make([]byte, 256-want)); err == nil {
				t.Errorf("%v: data that leave no room for the MAC are sealed", f)
			}
			if _, err := s.Seal([4]byte{0x80, 0x24}, nil); err == nil {
				t.Errorf("%v: a class without secure messaging is sealed", f)
			}
			for _, at := range [][2]int{{0, 1}, {31, 1}, {1, 0}, {1, 256}} {
				if _, err := s.UpdateRecord(at[0], at[1], nil); err == nil {
					t.Errorf("%v: file %d, record %d", f, at[0], at[1])
				}
			}
		}
	}
}

// A MAC is of one transaction: with another counter or cryptogram it does not verify.
func TestScriptMACIsOfOneTransaction(t *testing.T) {
	k := scriptKeys(t)
	for _, f := range allForms {
		command := scriptSession(t, f, k).CardBlock()
		for _, other := range []struct {
			atc [2]byte
			ac  [8]byte
		}{{[2]byte{0, 8}, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}}, {[2]byte{0, 7}, [8]byte{1, 2, 3, 4, 5, 6, 7, 9}}} {
			s, err := f.Session(k, other.atc, other.ac)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Open(command); err != security.ErrScriptMAC {
				t.Errorf("%v: %v", f, err)
			}
		}
	}
}

func TestScriptPINs(t *testing.T) {
	for _, f := range allForms {
		s := scriptSession(t, f, scriptKeys(t))
		for _, pin := range []string{"1234", "12345", "123456789012"} {
			for _, current := range []string{"", "8888", "987654"} {
				enciphered, err := s.EncipherPIN(pin, current)
				if current != "" && !takesCurrent(f) {
					if err == nil {
						t.Errorf("%v takes a current PIN", f)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				block, err := s.DecipherPIN(enciphered, current)
				if err != nil {
					t.Fatalf("%v: %d digits: %v", f, len(pin), err)
				}
				if want, err := security.PINBlock2(pin); err != nil || block != want {
					t.Errorf("%v: %d digits arrive otherwise: %v", f, len(pin), err)
				}
				if current == "8888" {
					if got, err := s.DecipherPIN(enciphered, ""); err == nil && got == block {
						t.Errorf("%v: the current PIN does not matter", f)
					}
				}
				if _, err := s.DecipherPIN(enciphered[1:], current); err == nil || errors.Is(err, security.ErrPINBlock) {
					t.Errorf("%v: %d bytes: %v", f, len(enciphered)-1, err)
				}
				everyByte(enciphered, func(changed []byte, at int) {
					if got, err := s.DecipherPIN(changed, current); err == nil && got == block {
						t.Errorf("%v: byte %d does not matter", f, at)
					}
				})
			}
		}
		for _, wrong := range []string{"", "123", "1234567890123", "12E4", "12 4"} {
			if _, err := s.EncipherPIN(wrong, ""); err == nil || wrong != "" && strings.Contains(err.Error(), wrong) {
				t.Errorf("%v: PIN of %d: %v", f, len(wrong), err)
			}
			if _, err := s.EncipherPIN("1234", wrong); wrong != "" && (err == nil || strings.Contains(err.Error(), wrong)) {
				t.Errorf("%v: current PIN of %d: %v", f, len(wrong), err)
			}
		}
		k := scriptKeys(t)
		k.Encipherment = nil
		if _, err := scriptSession(t, f, k).EncipherPIN("1234", ""); err == nil {
			t.Errorf("%v enciphers without a key", f)
		}
		if _, err := scriptSession(t, f, k).DecipherPIN(make([]byte, 16), ""); err == nil {
			t.Errorf("%v deciphers without a key", f)
		}
		if _, err := scriptSession(t, f, k).PINChange("1234", ""); err == nil {
			t.Errorf("%v changes a PIN without a key", f)
		}
		k = scriptKeys(t)
		k.Cryptogram = nil
		if _, err := scriptSession(t, f, k).EncipherPIN("1234", ""); (err == nil) == takesCurrent(f) {
			t.Errorf("%v without the card's key: %v", f, err)
		}
	}
}

// What deciphers is not yet a PIN: each part of the data on its own.
func TestScriptPINChecks(t *testing.T) {
	const number = "4761739001010119"
	k := scriptKeys(t)
	mk, err := security.ICCMasterKey(unhex(t, "89ABCDEF0123456776543210FEDCBA98"), number, "01", security.OptionA)
	if err != nil {
		t.Fatal(err)
	}
	common, err := crypt.NewTDES(security.CommonSessionKey(mk, []byte{1, 2, 3, 4, 5, 6, 7, 8}))
	if err != nil {
		t.Fatal(err)
	}
	visa, err := crypt.NewTDES(security.ScriptSessionKeyFromATC(mk, []byte{0, 7}))
	if err != nil {
		t.Fatal(err)
	}
	ac, err := security.ICCMasterKey(unhex(t, "0123456789ABCDEFFEDCBA9876543210"), number, "01", security.OptionA)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, clear string
		form        security.ScriptForm
		ok          bool
	}{
		{"a PIN", "241234FFFFFFFFFF", security.ScriptMChip, true},
		{"format 0", "041234FFFFFFFFFF", security.ScriptMChip, false},
		{"three digits", "23123FFFFFFFFFFF", security.ScriptMChip, false},
		{"filler", "241234FFFFFFFFF0", security.ScriptMChip, false},
		{"a PIN", "08041234FFFFFFFFFF80000000000000", security.ScriptVisa, true},
		{"format 2", "08241234FFFFFFFFFF80000000000000", security.ScriptVisa, false},
		{"length of the block", "07041234FFFFFFFFFF80000000000000", security.ScriptVisa, false},
		{"padding", "08041234FFFFFFFFFF00000000000000", security.ScriptVisa, false},
		{"padding's end", "08041234FFFFFFFFFF80000000000001", security.ScriptVisa, false},
	} {
		data := unhex(t, c.clear)
		if c.form == security.ScriptVisa {
			for i, b := range ac[4:8] {
				data[5+i] ^= b
			}
			crypt.EncryptECB(visa, data, data)
		} else {
			crypt.EncryptECB(common, data, data)
		}
		block, err := scriptSession(t, c.form, k).DecipherPIN(data, "")
		if c.ok && (err != nil || hex.EncodeToString(block[:3]) != "241234") || !c.ok && (err != security.ErrPINBlock || block != [8]byte{}) {
			t.Errorf("%v: %s: %v", c.form, c.name, err)
		}
	}
}

func TestScriptSessionRefuses(t *testing.T) {
	k := scriptKeys(t)
	for _, f := range []security.ScriptForm{0, 5, 255} {
		if _, err := f.Session(k, [2]byte{}, [8]byte{}); err == nil {
			t.Errorf("form %d", f)
		}
	}
	if _, err := security.Version(0).ScriptSession(k, [2]byte{}, [8]byte{}); err == nil {
		t.Error("no version")
	}
	for _, v := range security.Versions() {
		if s, err := v.ScriptSession(k, [2]byte{}, [8]byte{}); err != nil || s == nil {
			t.Errorf("%v: %v", v, err)
		}
	}
	for _, n := range []int{-1, 3, 9} {
		k := k
		k.MACLength = n
		if _, err := security.ScriptVisa.Session(k, [2]byte{}, [8]byte{}); err == nil {
			t.Errorf("MAC of %d bytes", n)
		}
	}
	if _, err := security.ScriptVisa.Session(security.ScriptKeys{}, [2]byte{}, [8]byte{}); err == nil {
		t.Error("no key")
	}
	s := scriptSession(t, security.ScriptVisa, k)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, s); got != "script session keys" {
			t.Errorf("%s of a session: %q", verb, got)
		}
		if got := fmt.Sprintf(verb, k); got != "script master keys" {
			t.Errorf("%s of keys: %q", verb, got)
		}
	}
}

// The session key of this form is the one that a known answer proves for the version's cryptograms.
func TestUnionPayScriptKeyIsTheCryptogramsKey(t *testing.T) {
	const imk, number = "FEDCBA98765432100123456789ABCDEF", "4761739001010119"
	mk, err := security.ICCMasterKey(unhex(t, imk), number, "01", security.OptionA)
	if err != nil {
		t.Fatal(err)
	}
	key, err := security.CUPCVN01.Key(mk, []byte{0, 7}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ac := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	mac, err := security.ScriptMAC(key, [5]byte{0x84, 0x16, 0, 0, 8}, [2]byte{0, 7}, ac, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "CARD BLOCK", scriptSession(t, security.ScriptUnionPay, scriptKeys(t)).CardBlock(), "8416000008"+strings.ToUpper(hex.EncodeToString(mac[:])))
}

func TestPINBlock2(t *testing.T) {
	for _, pin := range []string{"1234", "1234567", "123456789012"} {
		block, err := security.PINBlock2(pin)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := security.PINOfBlock2(block); err != nil || got != pin {
			t.Errorf("%d digits come back otherwise: %v", len(pin), err)
		}
	}
	for _, wrong := range []string{"041234FFFFFFFFFF", "231234FFFFFFFFFF", "2D12345678901234", "24123AFFFFFFFFFF", "2412340FFFFFFFFF", "241234FFFFFFFFF0"} {
		if _, err := security.PINOfBlock2([8]byte(unhex(t, wrong))); err != security.ErrPINBlock {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestSessionKeyTreeRefuses(t *testing.T) {
	for _, c := range []struct {
		mk             []byte
		branch, height int
		iv             []byte
	}{
		{testKey[:15], 4, 8, nil}, {testKey, 4, 8, testKey[:8]}, {testKey, 1, 16, nil}, {testKey, 257, 8, nil}, {testKey, 4, 7, nil},
		{testKey, 2, 15, nil}, {testKey, 2, 17, nil}, {testKey, 256, 0, nil}, {testKey, 255, 2, nil},
	} {
		if key, err := security.TreeSessionKey(c.mk, [2]byte{}, c.branch, c.height, c.iv); err == nil || key != nil {
			t.Errorf("branch %d, height %d: a key", c.branch, c.height)
		}
	}
	seen := map[string]bool{} // every ATC has its own key, in the flattest tree too
	for n := range 1 << 10 {
		key, err := security.TreeSessionKey(testKey, [2]byte{byte(n >> 2), byte(n << 6)}, 256, 2, nil)
		if err != nil || seen[string(key)] {
			t.Fatalf("ATC %d: %v", n, err)
		}
		seen[string(key)] = true
	}
}

func TestCardStatusUpdate(t *testing.T) {
	var c security.CSU
	if c.String() != "nothing" {
		t.Errorf("zeros are %q", c)
	}
	for _, b := range []struct {
		set  func()
		want string
		text string
	}{
		{func() { c.Set(security.CSUIssuerApproves) }, "00800000", "issuer approves online transaction"},
		{func() { c.SetPINTryCounter(3) }, "03900000", "issuer approves online transaction, update PIN try counter to 3"},
		{func() { c.SetCounters(security.CSUResetCounters) }, "03920000",
			"issuer approves online transaction, update PIN try counter to 3, counters to zero"},
		{func() { c.Set(security.CSUProprietaryDataIncluded) }, "83920000", ""},
		{func() { c.Set(security.CSUCardBlock) }, "83D20000", ""},
		{func() { c.Set(security.CSUApplicationBlock) }, "83F20000", ""},
		{func() { c.Set(security.CSUGoOnlineNext) }, "83FA0000", ""},
		{func() { c.Set(security.CSUCreatedByProxy) }, "83FE0000", ""},
		{func() { c.SetCounters(security.CSUCountersToLimit) }, "83FD0000", ""},
		{func() { c.SetPINTryCounter(15) }, "8FFD0000", ""},
		{func() { c.SetCounters(security.CSUAddToCounters) }, "8FFF0000", "proprietary authentication data included, issuer approves online transaction, " +
			"card block, application block, update PIN try counter to 15, set go online on next transaction, created by proxy for the issuer, add to counters"},
	} {
		b.set()
		same(t, "card status update", c[:], b.want)
		if b.text != "" && c.String() != b.text {
			t.Errorf("%X is %q", c[:], c)
		}
	}
	if c.PINTryCounter() != 15 || c.Counters() != security.CSUAddToCounters || !c.Has(security.CSUCardBlock) || (security.CSU{}).Has(security.CSUCardBlock) {
		t.Errorf("%X reads as counter %d, counters %d", c[:], c.PINTryCounter(), c.Counters())
	}
}

// Whatever stands in a script command: refused, or what sealing makes of it.
func FuzzScriptCommand(f *testing.F) {
	k := scriptKeys(f)
	s := scriptSession(f, security.ScriptMChip, k)
	f.Add(s.CardBlock(), false)
	f.Add([]byte{0x84, 0x24, 0, 2, 16, 1, 2, 3, 4, 5, 6, 7, 8}, true)
	f.Fuzz(func(t *testing.T, command []byte, honest bool) {
		if honest && len(command) >= 5 {
			sealed, err := s.Seal([4]byte(command), command[5:])
			if err != nil {
				return
			}
			command = sealed
		}
		data, err := s.Open(command)
		if err != nil {
			if honest && len(command) >= 5 {
				t.Fatalf("%X, which the issuer sealed: %v", command, err)
			}
			return
		}
		again, err := s.Seal([4]byte(command), data)
		if err != nil || !bytes.Equal(again, command) {
			t.Fatalf("%X is opened, and sealed as %X, %v", command, again, err)
		}
	})
}

// Whatever stands in the data of a PIN change: refused, or what enciphering makes of the PIN.
func FuzzScriptPIN(f *testing.F) {
	k := scriptKeys(f)
	f.Add(make([]byte, 16), uint8(0), "1234", "")
	f.Add([]byte{}, uint8(1), "999999999999", "")
	f.Add([]byte{}, uint8(3), "12345", "8888")
	f.Fuzz(func(t *testing.T, data []byte, form uint8, pin, current string) {
		s := scriptSession(t, allForms[int(form)%len(allForms)], k)
		if enciphered, err := s.EncipherPIN(pin, current); err == nil {
			data = enciphered
		}
		block, err := s.DecipherPIN(data, current)
		if err != nil {
			return
		}
		got, err := security.PINOfBlock2(block)
		if err != nil {
			t.Fatal("deciphered, but no PIN")
		}
		again, err := s.EncipherPIN(got, current)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("taken, and enciphered otherwise: %v", err)
		}
	})
}
