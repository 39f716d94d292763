package hsm

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/keyblock"
	"github.com/posim/posim/internal/crypt/pinblock"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/sim"
)

// refusal is an operation that is refused: prepare sets the stage and returns it.
type refusal struct {
	name    string
	is      error
	says    string // in the error
	prepare func(t *testing.T, m *Module) func() error
}

// only is an error of two values.
func only[T any](_ T, err error) error { return err }

func encryptUnder(a Attributes, f PINFormat, pin, number string) func(t *testing.T, m *Module) func() error {
	return func(t *testing.T, m *Module) func() error {
		k, p := install(t, m, a, keyA), card(t, number)
		return func() error { return only(m.EncryptPIN(nil, in(k, f), typed(m, pin), p)) }
	}
}

func refusedInstall(a Attributes, clear string) func(t *testing.T, m *Module) func() error {
	return func(t *testing.T, m *Module) func() error {
		return func() error { return only(m.Install("new", a, unhex(t, clear))) }
	}
}

// ceremony begins one, and gives it components.
func ceremony(t *testing.T, m *Module, p CeremonyParams, components ...string) *Ceremony {
	t.Helper()
	if p.Components == 0 {
		p.Components = 2
	}
	if p.Attributes.Usage == "" {
		p.Attributes.Usage = KeyEncryption
	}
	c, err := m.NewCeremony(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range components {
		if _, err := c.Component(unhex(t, part), nil); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func component(p CeremonyParams, earlier []string, part string, check []byte) func(t *testing.T, m *Module) func() error {
	return func(t *testing.T, m *Module) func() error {
		c := ceremony(t, m, p, earlier...)
		missing := c.Missing()
		return func() error {
			v, err := c.Component(unhex(t, part), check)
			if c.Missing() != missing || v != [3]byte{} {
				t.Error("a refused component counts")
			}
			return err
		}
	}
}

// wrapped is a key block under key32, of version D, with a key as the test wants it.
func wrapped(t *testing.T, h keyblock.Header, clear string) string {
	t.Helper()
	h.Version, h.KeyVersion = 'D', "00"
	block, err := keyblock.Wrap(unhex(t, key32), h, unhex(t, clear), keyblock.Padding{Random: counter()})
	if err != nil {
		t.Fatal(err)
	}
	return block
}

func refusedBlock(h keyblock.Header, clear string) func(t *testing.T, m *Module) func() error {
	return func(t *testing.T, m *Module) func() error {
		under, block := install(t, m, Attributes{Usage: KeyBlockProtection, Algorithm: AES}, key32), wrapped(t, h, clear)
		return func() error { return only(m.ImportKeyBlock("new", under, block)) }
	}
}

func exported(a Attributes, clear string, under Attributes, kek string) func(t *testing.T, m *Module) func() error {
	return func(t *testing.T, m *Module) func() error {
		k, master := install(t, m, a, clear), install(t, m, under, kek)
		return func() error { _, _, err := m.Export(k, master); return err }
	}
}

func exportedBlock(a Attributes, clear string, under Attributes, kek string, version byte) func(t *testing.T, m *Module) func() error {
	return func(t *testing.T, m *Module) func() error {
		k, protection := install(t, m, a, clear), install(t, m, under, kek)
		return func() error { return only(m.ExportKeyBlock(k, protection, version)) }
	}
}

// translated is refused for a pair of formats, with a block that is right.
func translated(from, to int) func(t *testing.T, m *Module) func() error {
	return func(t *testing.T, m *Module) func() error {
		a, b := pinKeys[from], pinKeys[to]
		c, d := in(install(t, m, a.a, a.clear), a.format), in(install(t, m, b.a, keyB), b.format)
		p := card(t, pan1)
		block := encrypted(t, m, c, "1234", p)
		return func() error { return only(m.TranslatePIN(nil, c, d, p, block)) }
	}
}

// offset asks for one with a table.
func offset(table, validation string) func(t *testing.T, m *Module) func() error {
	return func(t *testing.T, m *Module) func() error {
		k, c, p := install(t, m, PINVerification3624, keyB), in(install(t, m, PINEncryption, keyA), Format0), card(t, pan1)
		block := encrypted(t, m, c, "1234", p)
		return func() error {
			i := IBM3624{Decimalization: table, Validation: validation}
			_, one := m.GeneratePINOffset(k, i, c, p, block)
			_, other := m.GeneratePIN(nil, k, i, "0000", c, p)
			if v := m.VerifyPINOffset(k, i, c, p, block, "0000"); v == nil || v.Error() != one.Error() || other == nil {
				t.Errorf("GeneratePINOffset %v, VerifyPINOffset %v, GeneratePIN %v", one, v, other)
			}
			return one
		}
	}
}

// refusals provoke every named error, most of them in several ways.
var refusals = []refusal{
	{"an operation after tampering", ErrTampered, "", func(t *testing.T, m *Module) func() error {
		k := install(t, m, MACAlgorithm3, keyA)
		if err := m.Tamper(); err != nil {
			t.Fatal(err)
		}
		return func() error { return m.MAC(k, MACParams{}, make([]byte, 8), nil) }
	}},
	{"the case is opened in the middle of an operation", ErrTampered, "", func(t *testing.T, m *Module) func() error {
		k := install(t, m, MACAlgorithm3, keyA)
		if err := m.Tamper(); err != nil {
			t.Fatal(err)
		}
		return func() error { return m.VerifyMAC(k, MACParams{}, make([]byte, 8), nil) }
	}},
	{"an erased key", ErrKey, "", func(t *testing.T, m *Module) func() error {
		k := install(t, m, MACAlgorithm3, keyA)
		if err := m.Erase(k); err != nil {
			t.Fatal(err)
		}
		return func() error { return m.MAC(k, MACParams{}, make([]byte, 8), nil) }
	}},
	{"a label that nobody has", ErrKey, `"nobody"`, func(t *testing.T, m *Module) func() error {
		return func() error { return only(m.Find("nobody")) }
	}},
	{"a PIN key computes a MAC", ErrUsage, "found P0", func(t *testing.T, m *Module) func() error {
		k := install(t, m, PINEncryption, keyA)
		return func() error { return m.MAC(k, MACParams{}, make([]byte, 8), nil) }
	}},
	{"a PIN key deciphers data", ErrUsage, "need D0, found P0", func(t *testing.T, m *Module) func() error {
		k := install(t, m, PINEncryption, keyA)
		return func() error { return only(m.DecryptData(k, nil, make([]byte, 8))) }
	}},
	{"an initial key without its number", ErrUsage, "serial number", refusedInstall(Attributes{Usage: InitialKey}, keyA)},
	{"a key that only verifies generates", ErrMode, "need one of CGN, found V", func(t *testing.T, m *Module) func() error {
		k := install(t, m, Attributes{Usage: CMAC, Mode: VerifyOnly}, keyA)
		return func() error { return m.MAC(k, MACParams{}, make([]byte, 8), nil) }
	}},
	{"a key that only deciphers encrypts a PIN", ErrMode, "need one of BEN, found D", encryptUnder(Attributes{Usage: PINEncryption, Mode: DecryptOnly}, Format0, "1234", pan1)},

	{"a key of exportability N as a plain cryptogram", ErrExport, "want a key of exportability S", exported(Attributes{Usage: PINEncryption, Exportability: NonExportable}, keyB, Attributes{Usage: KeyEncryption}, keyA)},
	{"a key of exportability E as a plain cryptogram", ErrExport, "want a key of exportability S", exported(Attributes{Usage: PINEncryption, Exportability: Exportable}, keyB, Attributes{Usage: KeyEncryption}, keyA)},
	{"a key under a weaker one", ErrExport, "strength 112 under a master key of 80", exported(Attributes{Usage: PINEncryption}, key24, Attributes{Usage: KeyEncryption}, keyA)},
	{"an AES key under TDES", ErrExport, "strength 128 under a master key of 112", exported(Attributes{Usage: PINEncryption, Algorithm: AES}, keyB, Attributes{Usage: KeyEncryption}, key24)},
	{"a key that is not whole blocks", ErrExport, "24 bytes", exported(Attributes{Usage: PINEncryption}, key24, Attributes{Usage: KeyEncryption, Algorithm: AES}, keyA)},
	{"a key of exportability N in a key block", ErrExport, "exportability E or S", exportedBlock(Attributes{Usage: PINEncryption, Exportability: NonExportable}, keyB, Attributes{Usage: KeyBlockProtection}, keyA, 'B')},
	{"a master key in a key block", ErrExport, "exportability E or S", exportedBlock(Attributes{Usage: KeyEncryption}, keyB, Attributes{Usage: KeyBlockProtection}, keyA, 'B')},
	{"a key in a block under a weaker one", ErrExport, "strength 112 under a protection key of 80", exportedBlock(Attributes{Usage: PINEncryption}, key24, Attributes{Usage: KeyBlockProtection}, keyA, 'B')},
	{"an AES key in a block under a weaker one", ErrExport, "strength 256 under a protection key of 128", exportedBlock(Attributes{Usage: PINEncryption, Algorithm: AES}, key32, Attributes{Usage: KeyBlockProtection, Algorithm: AES}, keyA, 'D')},
	{"a device's key in a key block", ErrExport, "", func(t *testing.T, m *Module) func() error {
		device, _ := dukptPair(t, m, TDES, keyA, unhex(t, "FFFF9876543210E00000"))
		under := install(t, m, KeyBlockProtection, keyA)
		return func() error { return only(m.ExportKeyBlock(device, under, 'B')) }
	}},

	{"an unknown usage", ErrAttributes, `"S0"`, refusedInstall(Attributes{Usage: "S0"}, keyA)},
	{"an unknown usage in a key block", ErrAttributes, `"S0"`, refusedBlock(keyblock.Header{Usage: "S0", Algorithm: 'T', Mode: 'S', Exportability: 'E'}, keyA)},
	{"a mode that the usage has not, in a key block", ErrAttributes, "want one of BEDN", refusedBlock(keyblock.Header{Usage: "P0", Algorithm: 'T', Mode: 'C', Exportability: 'E'}, keyA)},
	{"an algorithm that the usage has not, in a key block", ErrAttributes, "want TDES", refusedBlock(keyblock.Header{Usage: "M3", Algorithm: 'H', Mode: 'C', Exportability: 'E'}, keyA)},
	{"an HMAC key for another hash", ErrAttributes, "SHA-256", refusedBlock(keyblock.Header{Usage: "M7", Algorithm: 'H', Mode: 'C', Exportability: 'E', Optional: []keyblock.Optional{{ID: "HM", Data: "10"}}}, keyA)},
	{"a key that is too short", ErrKeyLength, "8 bytes", refusedInstall(Attributes{Usage: PINEncryption}, keyA[:16])},
	{"a component that is too short", ErrKeyLength, "component 1 of 8 bytes: want 16", component(CeremonyParams{}, nil, keyA[:16], nil)},
	{"a component that is too long", ErrKeyLength, "component 2 of 24 bytes: want 16", component(CeremonyParams{}, []string{keyA}, key24, nil)},
	{"a ceremony for a length that no such key has", ErrKeyLength, "17 bytes", func(t *testing.T, m *Module) func() error {
		return func() error {
			return only(m.NewCeremony(CeremonyParams{Attributes: Attributes{Usage: KeyEncryption}, Length: 17, Components: 2}))
		}
	}},
	{"a component of wrong parity", ErrParity, "component 1: want odd parity", component(CeremonyParams{RequireParity: true}, nil, "00"+keyA[2:], nil)},
	{"a component whose last byte has wrong parity", ErrParity, "component 2: want odd parity", component(CeremonyParams{RequireParity: true}, []string{keyA}, keyB[:30]+"99", nil)},
	{"a key block of a key without parity", ErrParity, "want odd parity", refusedBlock(keyblock.Header{Usage: "P0", Algorithm: 'T', Mode: 'B', Exportability: 'E'}, "00"+keyA[2:])},
	{"a weak part", ErrWeakKey, "", refusedInstall(Attributes{Usage: PINEncryption}, keyA[:16]+"0101010101010101")},
	{"a semi-weak part", ErrWeakKey, "", refusedInstall(Attributes{Usage: PINEncryption}, keyA[:16]+"01FE01FE01FE01FE")},
	{"a weak part in a key block", ErrWeakKey, "", refusedBlock(keyblock.Header{Usage: "P0", Algorithm: 'T', Mode: 'B', Exportability: 'E'}, keyA[:16]+"E0E0E0E0F1F1F1F1")},
	{"equal parts", ErrWeakKey, "", refusedInstall(Attributes{Usage: MACAlgorithm3}, keyA[:16]+keyA[:16])},
	{"first and third part equal", ErrWeakKey, "", refusedInstall(Attributes{Usage: PINEncryption}, keyA+keyA[:16])},
	{"equal parts in a key block", ErrWeakKey, "", refusedBlock(keyblock.Header{Usage: "M3", Algorithm: 'T', Mode: 'C', Exportability: 'S'}, keyA[:16]+keyA[:16])},
	{"equal parts that came as a cryptogram", ErrWeakKey, "", func(t *testing.T, m *Module) func() error {
		master := install(t, m, KeyEncryption, keyA)
		clear := keyB[:16] + keyB[:16]
		cryptogram := outside(t, keyA, unhex(t, clear), crypt.EncryptECB)
		return func() error {
			return only(m.Import(Attributes{Usage: PINEncryption}, master, cryptogram, checkOf(t, clear, 3)))
		}
	}},
	{"a component of zeros", ErrWeakKey, "all zeros", component(CeremonyParams{}, []string{keyA}, strings.Repeat("00", 16), nil)},
	{"the same component again", ErrWeakKey, "the same as component 1", component(CeremonyParams{Components: 3}, []string{keyA, keyB}, keyA, nil)},
	{"a check value of another component", ErrCheckValue, "component 1", component(CeremonyParams{}, nil, keyA, []byte{1, 2, 3})},
	{"a check value of another key", ErrCheckValue, "", func(t *testing.T, m *Module) func() error {
		c := ceremony(t, m, CeremonyParams{}, keyA, "11111111111111112222222222222222")
		return func() error { return only(c.Finish("new", []byte{1, 2, 3})) }
	}},
	{"a check value of two bytes", ErrCheckValue, "2 bytes: want 3 to", func(t *testing.T, m *Module) func() error {
		c := ceremony(t, m, CeremonyParams{}, keyA, "11111111111111112222222222222222")
		return func() error { return only(c.Finish("new", []byte{1, 2})) }
	}},
	{"a ceremony that is not over", ErrCeremony, "1 of 2 components are missing", func(t *testing.T, m *Module) func() error {
		c := ceremony(t, m, CeremonyParams{}, keyA)
		return func() error { return only(c.Finish("new", nil)) }
	}},
	{"one component too many", ErrCeremony, "component 3: all 2 have come", component(CeremonyParams{}, []string{keyA, keyB}, "11111111111111112222222222222222", nil)},
	{"a ceremony that was given up", ErrCeremony, "has ended", func(t *testing.T, m *Module) func() error {
		c := ceremony(t, m, CeremonyParams{}, keyA)
		c.Abort()
		return func() error { return only(c.Component(unhex(t, keyB), nil)) }
	}},
	{"a ceremony of one", ErrCeremony, "1 components: want 2 to 9", func(t *testing.T, m *Module) func() error {
		return func() error {
			return only(m.NewCeremony(CeremonyParams{Attributes: Attributes{Usage: KeyEncryption}, Components: 1}))
		}
	}},
	{"parity of an AES key", ErrCeremony, "want TDES or DES", func(t *testing.T, m *Module) func() error {
		p := CeremonyParams{Attributes: Attributes{Usage: KeyEncryption, Algorithm: AES}, Components: 2, RequireParity: true}
		return func() error { return only(m.NewCeremony(p)) }
	}},
	{"ceremonies without end", ErrCeremony, "16 are in progress", func(t *testing.T, m *Module) func() error {
		for range maxCeremonies {
			ceremony(t, m, CeremonyParams{})
		}
		return func() error {
			return only(m.NewCeremony(CeremonyParams{Attributes: Attributes{Usage: KeyEncryption}, Components: 2}))
		}
	}},

	{"an altered key block", ErrKeyBlock, "MAC", func(t *testing.T, m *Module) func() error {
		under, block := install(t, m, Attributes{Usage: KeyBlockProtection, Algorithm: AES}, key32), wrapped(t, keyblock.Header{Usage: "P0", Algorithm: 'T', Mode: 'B', Exportability: 'E'}, keyB)
		block = strings.Replace(block, "P0TB", "P0TN", 1)
		return func() error { return only(m.ImportKeyBlock("new", under, block)) }
	}},
	{"no key block", ErrKeyBlock, "", func(t *testing.T, m *Module) func() error {
		under := install(t, m, KeyBlockProtection, keyA)
		return func() error { return only(m.ImportKeyBlock("new", under, "B0016P0TB00E0000")) }
	}},
	{"a key block of another key's kind", ErrKeyBlock, "", func(t *testing.T, m *Module) func() error {
		under := install(t, m, KeyBlockProtection, keyA)
		block := wrapped(t, keyblock.Header{Usage: "P0", Algorithm: 'T', Mode: 'B', Exportability: 'E'}, keyB)
		return func() error { return only(m.ImportKeyBlock("new", under, block)) }
	}},
	{"a full module", ErrFull, "4096", func(t *testing.T, m *Module) func() error {
		for range maxKeys {
			install(t, m, HMAC, keyA)
		}
		return func() error { return only(m.Install("", Attributes{Usage: PINEncryption}, unhex(t, keyA))) }
	}},

	{"a wrong MAC", ErrMAC, "", func(t *testing.T, m *Module) func() error {
		k := install(t, m, MACAlgorithm3, keyA)
		return func() error { return m.VerifyMAC(k, MACParams{}, make([]byte, 8), nil) }
	}},
	{"a wrong PIN", ErrPIN, "", func(t *testing.T, m *Module) func() error {
		c, ref, p := in(install(t, m, PINEncryption, keyA), Format0), install(t, m, PINVerification, keyB), card(t, pan1)
		kept, block := reference(t, m, ref, "1234", p), encrypted(t, m, c, "4321", p)
		return func() error { return m.VerifyPIN(c, p, block, ref, kept) }
	}},
	{"a wrong PVV", ErrPIN, "", func(t *testing.T, m *Module) func() error {
		c, pvk, p := in(install(t, m, PINEncryption, keyA), Format0), install(t, m, PINVerificationVisa, keyB), card(t, pan1)
		block := encrypted(t, m, c, "4321", p)
		return func() error { return m.VerifyPVV(pvk, 1, c, p, block, "none") }
	}},
	{"a block of another card", ErrPINBlock, "", func(t *testing.T, m *Module) func() error {
		c, ref := in(install(t, m, PINEncryption, keyA), Format0), install(t, m, PINVerification, keyB)
		block := encrypted(t, m, c, "1234", card(t, pan2))
		return func() error { return only(m.ReferencePIN(c, card(t, pan1), block, ref)) }
	}},
	{"a block of format 0 offered as one of format 3", ErrPINBlock, "", func(t *testing.T, m *Module) func() error {
		k, p := install(t, m, PINEncryption, keyA), card(t, pan1)
		block := encrypted(t, m, in(k, Format0), "1234", p)
		return func() error { return only(m.TranslatePIN(nil, in(k, Format3), in(k, Format0), p, block)) }
	}},
	{"format 0 under an AES key", ErrFormat, "format 0 under a key for AES: want TDES", encryptUnder(Attributes{Usage: PINEncryption, Algorithm: AES}, Format0, "1234", pan1)},
	{"format 3 under an SM4 key", ErrFormat, "format 3 under a key for SM4: want TDES", encryptUnder(Attributes{Usage: PINEncryption, Algorithm: SM4}, Format3, "1234", pan1)},
	{"format 4 under a TDES key", ErrFormat, "format 4 under a key for TDES: want AES", encryptUnder(Attributes{Usage: PINEncryption}, Format4, "1234", pan1)},
	{"format 2 on a line", ErrFormat, "format 2 under a PIN encryption key", encryptUnder(Attributes{Usage: PINEncryption}, Format2, "1234", pan1)},
	{"format 4 becomes format 1", ErrFormat, "from 4 to 1", translated(3, 1)},
	{"format 0 becomes format 1", ErrFormat, "from 0 to 1", translated(0, 1)},
	{"format 3 becomes format 1", ErrFormat, "from 3 to 1", translated(2, 1)},
	{"a PIN of three digits", ErrNoPIN, "", encryptUnder(Attributes{Usage: PINEncryption}, Format0, "123", pan1)},
	{"no PIN", ErrNoPIN, "", encryptUnder(Attributes{Usage: PINEncryption}, Format0, "", pan1)},
	{"no digits", ErrNoPIN, "", encryptUnder(Attributes{Usage: PINEncryption}, Format0, "abcd*#", pan1)},
	{"a card number that is too short", pinblock.ErrPAN, "8 digits: want 13 to 19", encryptUnder(Attributes{Usage: PINEncryption}, Format0, "1234", "12345678")},
	{"a card number that is too short for SM4", pinblock.ErrPAN, "want 13 to 19", encryptUnder(Attributes{Usage: PINEncryption, Algorithm: SM4}, SM4X98, "1234", "12345678")},
	{"no card", pinblock.ErrPAN, "", func(t *testing.T, m *Module) func() error {
		k := install(t, m, Attributes{Usage: PINEncryption, Algorithm: AES}, keyA)
		return func() error { return only(m.EncryptPIN(nil, in(k, Format4), typed(m, "1234"), pan.PAN{})) }
	}},
	{"no challenge of the card", ErrNoChallenge, "", func(t *testing.T, m *Module) func() error {
		c, key := newPINCard(t), pinKey(t).Public()
		c.challenge = unhex(t, "6985")
		return func() error { return only(m.PresentPIN(typed(m, "1234"), c, key)) }
	}},

	{"a wrong cryptogram", ErrCryptogram, "", func(t *testing.T, m *Module) func() error {
		k, get := install(t, m, IssuerMasterAC, keyA), elements(t)
		return func() error {
			return m.VerifyCryptogram(k, security.VisaCVN10, security.OptionA, pan1, "00", get, make([]byte, 8))
		}
	}},
	{"a wrong CVV", ErrCardValue, "", func(t *testing.T, m *Module) func() error {
		k := install(t, m, CardVerification, keyA)
		return func() error { return m.VerifyCVV(k, card(t, pan1), "3012", "101", "x") }
	}},
	{"a CVC3 of six digits", ErrCardValue, "6 digits: want 1 to 5", func(t *testing.T, m *Module) func() error {
		k := install(t, m, IssuerMasterDynamic, keyA)
		return func() error { return m.VerifyCVC3(k, DynamicValue{PAN: card(t, pan1)}, []byte{1}, [4]byte{}, "123456") }
	}},
	{"sealed data of another place", ErrSealed, "", func(t *testing.T, m *Module) func() error {
		k := install(t, m, Sealing, key32)
		sealed, err := m.Seal(k, []byte("here"), []byte("data"))
		if err != nil {
			t.Fatal(err)
		}
		return func() error { return only(m.Open(k, []byte("there"), sealed)) }
	}},
	{"a table that favours a digit", ErrDecimalization, "biased", offset("0000000000000000", pan1)},
	{"a table that tells one digit from the others", ErrDecimalization, "biased", offset("1000000000000000", pan1)},
	{"a table of seven digits", ErrDecimalization, "biased", offset("0123456012345601", pan1)},
	{"a digit five times", ErrDecimalization, "biased", offset("0123456789000012", pan1)},
	{"a short table", ErrDecimalization, "table", offset("012345678901234", pan1)},
	{"a table with a letter", ErrDecimalization, "table", offset("012345678901234A", pan1)},
	{"short validation data", nil, "want 16 hexadecimal digits", offset(natural.Decimalization, pan1[1:])},
	{"validation data that is no number", nil, "want 16 hexadecimal digits", offset(natural.Decimalization, "47617390010100XX")},

	{"a disk that is full", ErrDisk, "", func(t *testing.T, m *Module) func() error {
		_, _, d := storeDisk(t)
		kept, err := createStore(d, DeviceKey(), counter())
		if err != nil {
			t.Fatal(err)
		}
		m.kept = kept
		k := install(t, m, PINEncryption, keyA)
		d.OnWrite(func(string, int) sim.DiskFault { return sim.DiskFull })
		return func() error { return m.Store("label", k) }
	}},
	{"the initial key of a counter that is not zero", ErrKSN, "counter zero", func(t *testing.T, m *Module) func() error {
		return func() error {
			return only(m.InstallInitialKey("new", TDES, unhex(t, keyA), unhex(t, "FFFF9876543210E00001")))
		}
	}},
	{"a key block of an initial key without its number", ErrKSN, "no optional block KS", refusedBlock(keyblock.Header{Usage: "B1", Algorithm: 'T', Mode: 'X', Exportability: 'N'}, keyA)},
	{"a counter with too many one-bits", ErrKSN, "11 one-bits", func(t *testing.T, m *Module) func() error {
		k := install(t, m, BaseDerivation, keyA)
		return func() error {
			return only(m.WorkingKey(k, unhex(t, "FFFF9876543210E007FF"), Working{Usage: PINEncryption}))
		}
	}},
	{"a transaction that is over", ErrStaleKSN, "the device is at FFFF9876543210E00002", func(t *testing.T, m *Module) func() error {
		device, _ := dukptPair(t, m, TDES, keyA, unhex(t, "FFFF9876543210E00000"))
		for range 2 {
			if _, err := m.NextKSN(device); err != nil {
				t.Fatal(err)
			}
		}
		return func() error {
			return only(m.WorkingKey(device, unhex(t, "FFFF9876543210E00001"), Working{Usage: PINEncryption}))
		}
	}},
	{"an initial key again", ErrStaleKSN, "", func(t *testing.T, m *Module) func() error {
		ksn := unhex(t, "FFFF9876543210E00000")
		device, _ := dukptPair(t, m, TDES, keyA, ksn)
		if _, err := m.NextKSN(device); err != nil {
			t.Fatal(err)
		}
		return func() error { return only(m.InstallInitialKey("new", TDES, unhex(t, keyB), ksn)) }
	}},
	{"a device that is used up", ErrExhausted, "FFFF9876543210FFF800", func(t *testing.T, m *Module) func() error {
		device := deviceAt(t, m, "device", TDES, unhex(t, keyA), "FFFF9876543210FFF800")
		return func() error { return only(m.NextKSN(device)) }
	}},
	{"an AES device that is used up", ErrExhausted, "1234567890123456FFFF0000", func(t *testing.T, m *Module) func() error {
		device := deviceAt(t, m, "device", AES, unhex(t, key32), "1234567890123456FFFF0000")
		return func() error { return only(m.NextKSN(device)) }
	}},
}

// Each is refused for what it says, again and again, and nothing has changed.
func TestRefusals(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			m := New(counter())
			op := r.prepare(t, m)
			before := image(m)
			for range 2 {
				err := op()
				if err == nil || r.is != nil && !errors.Is(err, r.is) || !strings.Contains(err.Error(), r.says) || !strings.HasPrefix(err.Error(), "hsm: ") {
					t.Fatalf("%v: want %v, %q", err, r.is, r.says)
				}
				text := strings.NewReplacer("FFFF9876543210", "", "1234567890123456", "").Replace(err.Error()) // serial numbers
				for _, secret := range []string{"1234", "4321", keyA[:8], keyB[:8], pan1} {
					if strings.Contains(text, secret) {
						t.Errorf("the error tells a secret: %v", err)
					}
				}
				if image(m) != before {
					t.Fatalf("something has changed:\n%s\nwas\n%s", image(m), before)
				}
				clean(t, m)
			}
			if _, err := m.Find("new"); err == nil {
				t.Error("a refused key has a label")
			}
		})
	}
}

// elsewhere are the errors of the store, which its own tests provoke.
var elsewhere = map[string]string{
	"ErrNoStore": "store_test.go", "ErrStoreExists": "store_test.go", "ErrStore": "store_test.go", "ErrLock": "store_test.go",
	"ErrRollback": "store_test.go", "ErrAnchor": "store_test.go",
}

// There is no named error that nothing provokes.
func TestEveryNamedErrorIsProvoked(t *testing.T) {
	provoked := map[string]bool{}
	for _, r := range refusals {
		if r.is != nil {
			provoked[r.is.Error()] = true
		}
	}
	named := 0
	for _, f := range sources(t) {
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || len(v.Names) != 1 || !strings.HasPrefix(v.Names[0].Name, "Err") || len(v.Values) != 1 {
				return true
			}
			named++
			name := v.Names[0].Name
			call, ok := v.Values[0].(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				t.Errorf("%s: want errors.New with its text", name)
				return true
			}
			text := strings.Trim(call.Args[0].(*ast.BasicLit).Value, `"`)
			if file := elsewhere[name]; file != "" {
				b, err := os.ReadFile(file)
				if err != nil || !strings.Contains(string(b), name) {
					t.Errorf("%s: not in %s: %v", name, file, err)
				}
			} else if !provoked[text] {
				t.Errorf("nothing provokes %s (%s)", name, text)
			}
			return true
		})
	}
	if named < 30 {
		t.Errorf("%d named errors: the test looks at too few", named)
	}
}

// sources are the package's own files.
func sources(t testing.TB) []*ast.File {
	t.Helper()
	all, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	set := token.NewFileSet()
	for _, e := range all {
		if name := e.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			f, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
	}
	if len(files) < 15 {
		t.Fatalf("%d files", len(files))
	}
	return files
}

// Every character of a key block counts: changed to any other that could stand there, it is refused and nothing is stored.
func TestEveryCharacterOfAKeyBlockCounts(t *testing.T) {
	m := New(counter())
	for _, kind := range []struct {
		version byte
		under   Key
	}{{'A', install(t, m, KeyBlockProtection, keyA)}, {'B', install(t, m, KeyBlockProtection, keyA)}, {'C', install(t, m, KeyBlockProtection, keyA)},
		{'D', install(t, m, Attributes{Usage: KeyBlockProtection, Algorithm: AES}, key32)}} {
		k := install(t, m, Attributes{Usage: PINEncryption, Exportability: Exportable}, keyB)
		block, err := m.ExportKeyBlock(k, kind.under, kind.version)
		if err != nil {
			t.Fatal(err)
		}
		before := image(m)
		for i := range block {
			for _, c := range "0" + "1" + "F" + "N" {
				if byte(c) == block[i] {
					continue
				}
				changed := block[:i] + string(c) + block[i+1:]
				if got, err := m.ImportKeyBlock("new", kind.under, changed); !errors.Is(err, ErrKeyBlock) || !got.IsZero() {
					t.Errorf("version %c, character %d is %c: %v, %v", kind.version, i, c, got, err)
				}
			}
		}
		for i := range block {
			if _, err := m.ImportKeyBlock("new", kind.under, block[:i]); !errors.Is(err, ErrKeyBlock) {
				t.Errorf("version %c, %d characters: %v", kind.version, i, err)
			}
		}
		if image(m) != before {
			t.Error("something has changed")
		}
	}
}

// A sum of components that is a weak key ends the ceremony; nothing is left of it.
func TestCeremonyOfAWeakKey(t *testing.T) {
	m := New(counter())
	other := make([]byte, 16) // with keyA it gives equal halves
	for i, b := range unhex(t, keyA) {
		other[i] = b ^ 0x13
	}
	c := ceremony(t, m, CeremonyParams{}, keyA, fmt.Sprintf("%X", other))
	if k, err := c.Finish("new", nil); !errors.Is(err, ErrWeakKey) || !k.IsZero() || keys(m) != 0 {
		t.Errorf("%v, %v", k, err)
	}
	if _, err := c.Finish("new", nil); !errors.Is(err, ErrCeremony) {
		t.Errorf("again: %v", err)
	}
	left := append(*c.secret.sum, slices.Concat(*c.secret.all...)...)
	if slices.ContainsFunc(left, func(b byte) bool { return b != 0 }) {
		t.Error("components are left")
	}
	if text := fmt.Sprintf("%v %+v %#v %s", c, c, c, c); strings.Contains(text, keyA[:4]) || !strings.Contains(text, "key ceremony, 2 of 2 components") {
		t.Error(text)
	}
	for name, zero := range map[string]func(c *Ceremony) error{
		"Component": func(c *Ceremony) error { return only(c.Component(nil, nil)) }, "Finish": func(c *Ceremony) error { return only(c.Finish("", nil)) },
		"Abort": func(c *Ceremony) error { c.Abort(); return ErrTampered },
	} {
		if err := zero(new(Ceremony)); !errors.Is(err, ErrTampered) {
			t.Errorf("%s of the zero Ceremony: %v", name, err)
		}
	}
}

// A right ceremony: parity of the key is adjusted, the label is taken, the next one may begin.
func TestCeremony(t *testing.T) {
	m := New(counter())
	for n := 2; n <= maxComponents; n++ {
		c := ceremony(t, m, CeremonyParams{Components: n, Attributes: Attributes{Usage: KeyEncryption, Algorithm: AES}, Length: 32})
		sum := make([]byte, 32)
		for i := range n {
			part := make([]byte, 32)
			if _, err := m.rand.Read(part); err != nil {
				t.Fatal(err)
			}
			if c.Missing() != n-i {
				t.Errorf("%d components are missing: want %d", c.Missing(), n-i)
			}
			check, err := c.Component(part, nil)
			if err != nil {
				t.Fatal(err)
			}
			if alone := install(t, m, Attributes{Usage: KeyEncryption, Algorithm: AES}, fmt.Sprintf("%X", part)); alone.CheckValue() != check {
				t.Errorf("component %d: check value %X: want %X", i+1, check, alone.CheckValue())
			}
			for j := range sum {
				sum[j] ^= part[j]
			}
		}
		label := fmt.Sprint("of ", n)
		k, err := c.Finish(label, nil)
		if err != nil || string(bytesOf(m, k)) != string(sum) {
			t.Errorf("%d components: %v, %v", n, k, err)
		}
		if found, err := m.Find(label); err != nil || found != k {
			t.Errorf("%v, %v", found, err)
		}
		if _, err := ceremony(t, m, CeremonyParams{}, keyA, "11111111111111112222222222222222").Finish(label, nil); err == nil {
			t.Error("a label in use is taken")
		}
	}
}
