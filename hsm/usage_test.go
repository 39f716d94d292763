package hsm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
)

// operation is one that takes a key, of these usages and in these modes. The other keys that it needs are right.
type operation struct {
	name  string
	need  []Usage
	modes string
	do    func(t testing.TB, x *ring, k Key) error
}

// ring is a module with a key of every usage.
type ring struct {
	*Module
	by    map[Usage]Key
	ksn   []byte // of the device's present transaction
	block []byte // of a PIN, as it comes to pin
	pvv   string // of the same
}

func newRing(t testing.TB) *ring {
	t.Helper()
	return ringIn(t, New(counter()), func(Usage) string { return "" })
}

// ringIn puts a key of every usage into a module, each its own, under the labels that label gives.
func ringIn(t testing.TB, m *Module, label func(Usage) string) *ring {
	t.Helper()
	x := &ring{Module: m, by: map[Usage]Key{}, ksn: unhex(t, "FFFF9876543210E00001")}
	random := rand.NewChaCha8([32]byte{77})
	for _, r := range &rules {
		clear := make([]byte, r.lengths[0].bytes[0])
		if _, err := random.Read(clear); err != nil {
			t.Fatal(err)
		}
		var err error
		if r.usage == InitialKey {
			k, err := x.InstallInitialKey(label(r.usage), TDES, initialKey(t, TDES, fmt.Sprintf("%X", bytesOf(m, x.by[BaseDerivation])), x.ksn), withCounter(x.ksn, 0))
			if err == nil {
				_, err = x.NextKSN(k)
			}
			if err != nil {
				t.Fatal(err)
			}
			x.by[r.usage] = k
			continue
		}
		if x.by[r.usage], err = x.Install(label(r.usage), Attributes{Usage: r.usage}, clear); err != nil {
			t.Fatal(err)
		}
	}
	x.block = encrypted(t, x.Module, x.pin(), "1234", card(t, pan1))
	var err error
	if x.pvv, err = x.GeneratePVV(x.by[PINVerificationVisa], 1, x.pin(), card(t, pan1), x.block); err != nil {
		t.Fatal(err)
	}
	return x
}

// pin is a carrier with the ring's PIN key.
func (x *ring) pin() PINCarrier { return in(x.by[PINEncryption], Format0) }

func (x *ring) script(t testing.TB) *ScriptCard {
	return &ScriptCard{Version: security.VisaCVN10, Option: security.OptionA, PAN: card(t, pan1), PANSequenceNumber: "01", ATC: []byte{0, 7}, Cryptogram: []byte("cryptogr"),
		Integrity: x.by[IssuerMasterSMI], Confidentiality: x.by[IssuerMasterSMC], Cryptograms: x.by[IssuerMasterAC]}
}

func (x *ring) sealed(t testing.TB, c *ScriptCard, from PINCarrier, block []byte) error {
	return only(x.SealScript(c, ScriptCommand{Instruction: apdu.InsPINChangeUnblock, PIN: from, PINBlock: block}))
}

const (
	encrypts  = "BEN"
	deciphers = "BDN"
	generates = "CGN"
	verifies  = "CVN"
	derives   = "XN"
)

var (
	anyMAC = []Usage{MACAlgorithm1, MACAlgorithm3, CMAC, HMAC, XORMAC}
	p0     = []Usage{PINEncryption}
)

// operations are all that take a key.
var operations = []operation{
	{"MAC", anyMAC, generates, func(t testing.TB, x *ring, k Key) error { return x.MAC(k, MACParams{}, make([]byte, 8), nil) }},
	{"VerifyMAC", anyMAC, verifies, func(t testing.TB, x *ring, k Key) error { return x.VerifyMAC(k, MACParams{}, make([]byte, 8), nil) }},
	{"EncryptPIN", p0, encrypts, func(t testing.TB, x *ring, k Key) error {
		return only(x.EncryptPIN(nil, in(k, Format0), typed(x.Module, "1234"), card(t, pan1)))
	}},
	{"TranslatePIN from", p0, deciphers, func(t testing.TB, x *ring, k Key) error {
		return only(x.TranslatePIN(nil, in(k, Format0), x.pin(), card(t, pan1), x.block))
	}},
	{"TranslatePIN to", p0, encrypts, func(t testing.TB, x *ring, k Key) error {
		return only(x.TranslatePIN(nil, x.pin(), in(k, Format0), card(t, pan1), x.block))
	}},
	{"PINReference", []Usage{PINVerification}, generates, func(t testing.TB, x *ring, k Key) error {
		return only(x.PINReference(k, card(t, pan1), typed(x.Module, "1234")))
	}},
	{"ReferencePIN from", p0, deciphers, func(t testing.TB, x *ring, k Key) error {
		return only(x.ReferencePIN(in(k, Format0), card(t, pan1), x.block, x.by[PINVerification]))
	}},
	{"ReferencePIN to", []Usage{PINVerification}, generates, func(t testing.TB, x *ring, k Key) error {
		return only(x.ReferencePIN(x.pin(), card(t, pan1), x.block, k))
	}},
	{"VerifyPIN from", p0, deciphers, func(t testing.TB, x *ring, k Key) error {
		return x.VerifyPIN(in(k, Format0), card(t, pan1), x.block, x.by[PINVerification], make([]byte, 8))
	}},
	{"VerifyPIN by", []Usage{PINVerification}, verifies, func(t testing.TB, x *ring, k Key) error {
		return x.VerifyPIN(x.pin(), card(t, pan1), x.block, k, make([]byte, 8))
	}},
	{"GeneratePVV", []Usage{PINVerificationVisa}, generates, func(t testing.TB, x *ring, k Key) error {
		return only(x.GeneratePVV(k, 1, x.pin(), card(t, pan1), x.block))
	}},
	{"GeneratePVV from", p0, deciphers, func(t testing.TB, x *ring, k Key) error {
		return only(x.GeneratePVV(x.by[PINVerificationVisa], 1, in(k, Format0), card(t, pan1), x.block))
	}},
	{"VerifyPVV", []Usage{PINVerificationVisa}, verifies, func(t testing.TB, x *ring, k Key) error {
		return x.VerifyPVV(k, 1, x.pin(), card(t, pan1), x.block, "0000")
	}},
	{"VerifyPVV from", p0, deciphers, func(t testing.TB, x *ring, k Key) error {
		return x.VerifyPVV(x.by[PINVerificationVisa], 1, in(k, Format0), card(t, pan1), x.block, "0000")
	}},
	{"ChangePVV", []Usage{PINVerificationVisa}, "CN", func(t testing.TB, x *ring, k Key) error {
		return only(x.ChangePVV(k, 1, x.pin(), card(t, pan1), x.block, x.pvv, x.block))
	}},
	{"ChangePVV from", p0, deciphers, func(t testing.TB, x *ring, k Key) error {
		return only(x.ChangePVV(x.by[PINVerificationVisa], 1, in(k, Format0), card(t, pan1), x.block, "0000", x.block))
	}},
	{"GeneratePINOffset", []Usage{PINVerification3624}, generates, func(t testing.TB, x *ring, k Key) error {
		return only(x.GeneratePINOffset(k, natural, x.pin(), card(t, pan1), x.block))
	}},
	{"GeneratePINOffset from", p0, deciphers, func(t testing.TB, x *ring, k Key) error {
		return only(x.GeneratePINOffset(x.by[PINVerification3624], natural, in(k, Format0), card(t, pan1), x.block))
	}},
	{"VerifyPINOffset", []Usage{PINVerification3624}, verifies, func(t testing.TB, x *ring, k Key) error {
		return x.VerifyPINOffset(k, natural, x.pin(), card(t, pan1), x.block, "0000")
	}},
	{"VerifyPINOffset from", p0, deciphers, func(t testing.TB, x *ring, k Key) error {
		return x.VerifyPINOffset(x.by[PINVerification3624], natural, in(k, Format0), card(t, pan1), x.block, "0000")
	}},
	{"GeneratePIN", []Usage{PINVerification3624}, generates, func(t testing.TB, x *ring, k Key) error {
		return only(x.GeneratePIN(nil, k, natural, "0000", x.pin(), card(t, pan1)))
	}},
	{"GeneratePIN to", p0, encrypts, func(t testing.TB, x *ring, k Key) error {
		return only(x.GeneratePIN(nil, x.by[PINVerification3624], natural, "0000", in(k, Format0), card(t, pan1)))
	}},
	{"GenerateCVV", []Usage{CardVerification}, generates, func(t testing.TB, x *ring, k Key) error {
		return only(x.GenerateCVV(k, card(t, pan1), "3012", "101"))
	}},
	{"VerifyCVV", []Usage{CardVerification}, verifies, func(t testing.TB, x *ring, k Key) error {
		return x.VerifyCVV(k, card(t, pan1), "3012", "101", "000")
	}},
	{"VerifyDynamicCVV", []Usage{IssuerMasterDynamic}, derives, func(t testing.TB, x *ring, k Key) error {
		return x.VerifyDynamicCVV(k, DynamicValue{PAN: card(t, pan1)}, "3012", "101", "000")
	}},
	{"VerifyCVC3", []Usage{IssuerMasterDynamic}, derives, func(t testing.TB, x *ring, k Key) error {
		return x.VerifyCVC3(k, DynamicValue{PAN: card(t, pan1)}, []byte("track"), [4]byte{}, "00000")
	}},
	{"Export under", []Usage{KeyEncryption}, encrypts, func(t testing.TB, x *ring, k Key) error { _, _, err := x.Export(x.by[MACAlgorithm3], k); return err }},
	{"Import under", []Usage{KeyEncryption}, deciphers, func(t testing.TB, x *ring, k Key) error {
		return only(x.Import(Attributes{Usage: MACAlgorithm3}, k, make([]byte, 16), make([]byte, 3)))
	}},
	{"ExportKeyBlock under", []Usage{KeyBlockProtection}, encrypts, func(t testing.TB, x *ring, k Key) error {
		return only(x.ExportKeyBlock(x.by[MACAlgorithm3], k, 'B'))
	}},
	{"ImportKeyBlock under", []Usage{KeyBlockProtection}, deciphers, func(t testing.TB, x *ring, k Key) error {
		return only(x.ImportKeyBlock("", k, "B"))
	}},
	{"DeriveInitialKey from", []Usage{BaseDerivation}, derives, func(t testing.TB, x *ring, k Key) error {
		return only(x.DeriveInitialKey(k, x.by[KeyBlockProtection], withCounterOfAnother(withCounter(x.ksn, 0))))
	}},
	{"DeriveInitialKey under", []Usage{KeyBlockProtection}, encrypts, func(t testing.TB, x *ring, k Key) error {
		return only(x.DeriveInitialKey(x.by[BaseDerivation], k, withCounterOfAnother(withCounter(x.ksn, 0))))
	}},
	{"NextKSN", []Usage{InitialKey}, derives, func(t testing.TB, x *ring, k Key) error { return only(x.NextKSN(k)) }},
	{"KSN", []Usage{InitialKey}, derives, func(t testing.TB, x *ring, k Key) error { return only(x.KSN(k)) }},
	{"WorkingKey", []Usage{InitialKey, BaseDerivation}, derives, func(t testing.TB, x *ring, k Key) error {
		return only(x.WorkingKey(k, x.ksn, Working{Usage: PINEncryption}))
	}},
	{"VerifyCryptogram", []Usage{IssuerMasterAC}, derives, func(t testing.TB, x *ring, k Key) error {
		return x.VerifyCryptogram(k, security.VisaCVN10, security.OptionA, pan1, "00", elements(t), make([]byte, 8))
	}},
	{"ARPC", []Usage{IssuerMasterAC}, derives, func(t testing.TB, x *ring, k Key) error {
		return only(x.ARPC(k, security.VisaCVN10, security.OptionA, pan1, "00", elements(t), make([]byte, 8), security.IssuerAnswer{}))
	}},
	{"SealScript integrity", []Usage{IssuerMasterSMI}, derives, func(t testing.TB, x *ring, k Key) error {
		c := x.script(t)
		c.Integrity = k
		return x.sealed(t, c, x.pin(), x.block)
	}},
	{"SealScript confidentiality", []Usage{IssuerMasterSMC}, derives, func(t testing.TB, x *ring, k Key) error {
		c := x.script(t)
		c.Confidentiality = k
		return x.sealed(t, c, x.pin(), x.block)
	}},
	{"SealScript cryptograms", []Usage{IssuerMasterAC}, derives, func(t testing.TB, x *ring, k Key) error {
		c := x.script(t)
		c.Cryptograms = k
		return x.sealed(t, c, x.pin(), x.block)
	}},
	{"SealScript PIN", p0, deciphers, func(t testing.TB, x *ring, k Key) error {
		return x.sealed(t, x.script(t), in(k, Format0), x.block)
	}},
	{"Seal", []Usage{Sealing}, "BN", func(t testing.TB, x *ring, k Key) error { return only(x.Seal(k, nil, nil)) }},
	{"Open", []Usage{Sealing}, "BN", func(t testing.TB, x *ring, k Key) error { return only(x.Open(k, nil, make([]byte, 40))) }},
	{"EncryptData", []Usage{DataEncryption}, encrypts, func(t testing.TB, x *ring, k Key) error { return only(x.EncryptData(k, nil, make([]byte, 8))) }},
	{"DecryptData", []Usage{DataEncryption}, deciphers, func(t testing.TB, x *ring, k Key) error { return only(x.DecryptData(k, nil, make([]byte, 8))) }},
}

// Every operation with a key of every usage: of a wrong one it is refused, and the error says what is needed and what was found.
func TestUsages(t *testing.T) {
	for _, op := range operations {
		x := newRing(t)
		for _, usage := range Usages() {
			k := x.by[usage]
			before := image(x.Module)
			err := op.do(t, x, k)
			if slices.Contains(op.need, usage) {
				if errors.Is(err, ErrUsage) || errors.Is(err, ErrMode) || errors.Is(err, ErrKey) {
					t.Errorf("%s refuses %s: %v", op.name, usage, err)
				}
				continue
			}
			var wrong *UsageError
			if !errors.As(err, &wrong) || !errors.Is(err, ErrUsage) || wrong.Found != usage || !sameUsages(wrong.Need, op.need) {
				t.Errorf("%s with %s: %v: want ErrUsage, need %s", op.name, usage, err, op.need)
			}
			if image(x.Module) != before {
				t.Errorf("%s with %s: something has changed", op.name, usage)
			}
		}
		if err := op.do(t, x, Key{}); !errors.Is(err, ErrKey) {
			t.Errorf("%s with no key: %v", op.name, err)
		}
	}
}

func sameUsages(a, b []Usage) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// Every operation with a key of the right usage in every mode: it is refused in those that do not allow it.
func TestModes(t *testing.T) {
	tried := 0
	for _, op := range operations {
		for _, usage := range op.need {
			if usage == InitialKey {
				continue // the door for initial keys gives them one mode
			}
			for _, mode := range usage.rule().modes {
				x := newRing(t)
				clear := bytesOf(x.Module, x.by[usage])
				k := install(t, x.Module, Attributes{Usage: usage, Mode: Mode(mode)}, fmt.Sprintf("%X", clear))
				tried++
				if err := op.do(t, x, k); errors.Is(err, ErrMode) == strings.ContainsRune(op.modes, mode) {
					t.Errorf("%s with %s in mode %c: %v", op.name, usage, mode, err)
				}
			}
		}
	}
	if tried < 150 {
		t.Errorf("%d tried", tried)
	}
}

// After tampering nothing answers anything but ErrTampered; nor does an operation in whose middle the case is opened, at whichever of its
// keys.
func TestTamperedAnswersNothing(t *testing.T) {
	for _, op := range operations {
		opened := 0
		for at := 1; at <= 4; at++ {
			x := newRing(t)
			uses := 0
			x.OnUse(func() error {
				if uses++; uses == at {
					return x.Tamper()
				}
				return nil
			})
			if err := op.do(t, x, x.by[op.need[0]]); x.Tampered() {
				opened++
				if !errors.Is(err, ErrTampered) {
					t.Errorf("%s: opened at key %d: %v", op.name, at, err)
				}
			}
		}
		if opened == 0 {
			t.Errorf("%s takes no key into use", op.name)
		}
	}
	x := newRing(t)
	pad := x.Keypad()
	c := ceremony(t, x.Module, CeremonyParams{}, keyA)
	if err := x.Tamper(); err != nil {
		t.Fatal(err)
	}
	p, k := card(t, pan1), x.by[PINEncryption]
	for name, err := range map[string]error{
		"Install":           only(x.Install("", Attributes{Usage: CMAC}, unhex(t, keyA))),
		"InstallInitialKey": only(x.InstallInitialKey("", TDES, unhex(t, keyA), x.ksn)),
		"Generate":          only(x.Generate(Attributes{Usage: CMAC})),
		"Find":              only(x.Find("x")),
		"List":              only(x.List()),
		"Store":             x.Store("x", k),
		"Erase":             x.Erase(k),
		"NewCeremony":       only(x.NewCeremony(CeremonyParams{})),
		"Component":         only(c.Component(unhex(t, keyB), nil)),
		"Finish":            only(c.Finish("", nil)),
		"EncryptPIN":        only(x.EncryptPIN(nil, in(k, Format0), pad, p)),
		"TranslatePIN":      only(x.TranslatePIN(nil, in(k, Format0), in(k, Format0), p, make([]byte, 8))),
		"VerifyPIN":         x.VerifyPIN(in(k, Format0), p, make([]byte, 8), x.by[PINVerification], make([]byte, 8)),
		"PINReference":      only(x.PINReference(x.by[PINVerification], p, pad)),
		"PresentPIN":        only(x.PresentPIN(pad, newPINCard(t), nil)),
		"MAC":               x.MAC(x.by[CMAC], MACParams{}, make([]byte, 8), nil),
		"Seal":              only(x.Seal(x.by[Sealing], nil, nil)),
		"NextKSN":           only(x.NextKSN(x.by[InitialKey])),
		"WorkingKey":        only(x.WorkingKey(x.by[BaseDerivation], x.ksn, Working{Usage: PINEncryption})),
		"ImportKeyBlock":    only(x.ImportKeyBlock("", x.by[KeyBlockProtection], "B")),
		"SealScript":        x.sealed(t, x.script(t), x.pin(), nil),
	} {
		if !errors.Is(err, ErrTampered) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if pad.Press('1') || x.Keypad().Press('1') {
		t.Error("the pad of a tampered module takes a digit")
	}
}
