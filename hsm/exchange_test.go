package hsm

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt"
)

func TestImport(t *testing.T) {
	m := New(counter())
	master, aes, sm4 := install(t, m, KeyEncryption, keyA), install(t, m, Attributes{Usage: KeyEncryption, Algorithm: AES}, keyA), install(t, m, Attributes{Usage: KeyEncryption, Algorithm: SM4}, keyA)
	wrap := func(clear string) []byte { return outside(t, keyA, unhex(t, clear), crypt.EncryptECB) }
	wrapBy := func(a Algorithm, clear string) []byte {
		return outsideBy(t, a, keyA, unhex(t, clear), crypt.EncryptECB)
	}
	check := func(clear string) []byte { return checkOf(t, clear, 8) }
	checkBy := func(a Algorithm, clear string, n int) []byte {
		return outsideBy(t, a, clear, make([]byte, 16), crypt.EncryptECB)[:n]
	}
	ownCheck := func(n int) []byte { return check(keyB)[:n] }
	flipped := wrap(keyB)
	flipped[3] ^= 1
	mac, pin := Attributes{Usage: MACAlgorithm3}, Attributes{Usage: PINEncryption}
	singleDES := Attributes{Usage: XORMAC, Algorithm: DES}
	aesPIN, sm4PIN := Attributes{Usage: PINEncryption, Algorithm: AES}, Attributes{Usage: PINEncryption, Algorithm: SM4}
	single := keyB[:16]
	singleCheck := outsideBy(t, DES, single, make([]byte, 8), crypt.EncryptECB)
	for _, tt := range []struct {
		name        string
		a           Attributes
		under       Key
		wrapped, cv []byte
		is          error
		says        string
	}{
		{"three bytes of check value", mac, master, wrap(keyB), ownCheck(3), nil, ""},
		{"eight bytes of check value", mac, master, wrap(keyB), ownCheck(8), nil, ""},
		{"two bytes are too few", mac, master, wrap(keyB), ownCheck(2), ErrCheckValue, "2 bytes: want 3 to 16"},
		{"nine are too many for TDES", mac, master, wrap(keyB), append(ownCheck(8), 0), ErrCheckValue, "9 bytes: want 3 to 8"},
		{"seventeen are too many", aesPIN, aes, wrapBy(AES, key32), make([]byte, 17), ErrCheckValue, "17 bytes: want 3 to 16"},
		{"none", mac, master, wrap(keyB), nil, ErrCheckValue, "0 bytes"},
		{"a wrong check value", mac, master, wrap(keyB), []byte{1, 2, 3}, ErrCheckValue, "MAC key"},
		{"the last byte decides too", mac, master, wrap(keyB), append(ownCheck(7), ^ownCheck(8)[7]), ErrCheckValue, "MAC key"},
		{"a garbled key", mac, master, flipped, ownCheck(3), ErrCheckValue, "MAC key"},
		{"no odd parity", pin, master, wrap("88AACCEE0022446776543210FEDCBA98"), check("88AACCEE0022446776543210FEDCBA98")[:3], nil, ""},
		{"equal halves", mac, master, wrap("0123456789ABCDEF0123456789ABCDEF"), check("0123456789ABCDEF0123456789ABCDEF")[:3], ErrWeakKey, "M"},
		{"too short", mac, master, wrap(keyB)[:8], ownCheck(3), ErrKeyLength, "of 8 bytes"},
		{"no whole blocks", mac, master, wrap(keyB)[:15], ownCheck(3), ErrKeyLength, "15 bytes: want whole blocks of 8"},
		{"nothing", mac, master, nil, ownCheck(3), ErrKeyLength, "of 0 bytes"},
		{"stronger than the master key", pin, master, wrap(key24), check(key24)[:3], ErrExport, "key of strength 112 under a master key of 80"},
		{"single length", singleDES, master, wrap(single), singleCheck[:3], nil, ""},
		{"single length in a double-length place", singleDES, master, wrap(single + single), singleCheck[:3], nil, ""},
		{"single length in a triple-length place", singleDES, master, wrap(single + single + single), singleCheck[:3], ErrKeyLength, "of 24 bytes"},
		{"an AES key by the check value of X9.24-1", aesPIN, aes, wrapBy(AES, keyB), checkBy(AES, keyB, 3), nil, ""},
		{"an AES key by a whole block of it", aesPIN, aes, wrapBy(AES, keyB), checkBy(AES, keyB, 16), nil, ""},
		{"an SM4 key", sm4PIN, sm4, wrapBy(SM4, keyB), checkBy(SM4, keyB, 8), nil, ""},
		{"an SM4 key under an AES key", sm4PIN, aes, wrapBy(AES, keyB), checkBy(SM4, keyB, 8), nil, ""},
		{"a TDES key under an AES key", mac, aes, wrapBy(AES, keyB), ownCheck(3), nil, ""},
		{"an AES key of 32 bytes under one of 16", aesPIN, aes, wrapBy(AES, key32), checkBy(AES, key32, 3), ErrExport, "strength 256 under a master key of 128"},
		{"the same bytes for another cipher", sm4PIN, aes, wrapBy(AES, keyB), checkBy(AES, keyB, 3), ErrCheckValue, "PIN"},
		{"a usage that does not travel so", Attributes{Usage: KeyEncryption}, master, wrap(keyB), ownCheck(3), ErrUsage, "found K0"},
		{"an unknown usage", Attributes{Usage: "S0"}, master, wrap(keyB), ownCheck(3), ErrAttributes, `"S0"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := image(m)
			k, err := m.Import(tt.a, tt.under, tt.wrapped, tt.cv)
			if tt.says == "" {
				if err != nil || k.Usage() != tt.a.Usage || !bytes.HasPrefix(checkBytes(k), tt.cv[:3]) && tt.a.Algorithm != AES {
					t.Errorf("%v, %v", k, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) || !errors.Is(err, tt.is) || !k.IsZero() {
				t.Errorf("%v: want %q", err, tt.says)
			}
			if image(m) != before {
				t.Error("a refused key stays")
			}
		})
	}
}

func checkBytes(k Key) []byte { c := k.CheckValue(); return c[:] }

// What leaves comes in again, under a key at least as strong, or does not leave.
func TestExportAndImport(t *testing.T) {
	m := New(counter())
	masters := map[string]Key{}
	for name, kind := range map[string]struct {
		a     Algorithm
		clear string
	}{"TDES of two parts": {TDES, keyA}, "TDES of three parts": {TDES, key24}, "AES-128": {AES, keyA}, "AES-256": {AES, key32}, "SM4": {SM4, keyA}} {
		masters[name] = install(t, m, Attributes{Usage: KeyEncryption, Algorithm: kind.a}, kind.clear)
	}
	strength := map[string]int{"TDES of two parts": 80, "TDES of three parts": 112, "AES-128": 128, "AES-256": 256, "SM4": 128}
	block := map[string]int{"TDES of two parts": 8, "TDES of three parts": 8, "AES-128": 16, "AES-256": 16, "SM4": 16}
	out, refused := 0, 0
	for _, kind := range []struct {
		a        Attributes
		clear    string
		strength int
	}{
		{Attributes{Usage: MACAlgorithm3}, keyB, 80}, {Attributes{Usage: PINEncryption}, key24, 112}, {Attributes{Usage: XORMAC, Algorithm: DES}, keyB[:16], 56},
		{Attributes{Usage: PINEncryption, Algorithm: AES}, keyB, 128}, {Attributes{Usage: CMAC, Algorithm: AES}, key32[:48], 192}, {Attributes{Usage: DataEncryption, Algorithm: AES}, key32, 256},
		{Attributes{Usage: PINEncryption, Algorithm: SM4}, keyB, 128}, {Attributes{Usage: HMAC}, keyB, 128},
	} {
		k := install(t, m, kind.a, kind.clear)
		for name, master := range masters {
			before := image(m)
			cryptogram, check, err := m.Export(k, master)
			whole := len(kind.clear)/2%block[name] == 0 || kind.a.Algorithm == DES
			if kind.strength > strength[name] || !whole {
				refused++
				if !errors.Is(err, ErrExport) || cryptogram != nil || check != [3]byte{} {
					t.Errorf("%v under %s: %v: want ErrExport", k.Attributes(), name, err)
				}
				continue
			}
			if err != nil || check != k.CheckValue() || image(m) != before {
				t.Errorf("%v under %s: %v", k.Attributes(), name, err)
				continue
			}
			out++
			back, err := m.Import(kind.a, master, cryptogram, check[:])
			if err != nil || !bytes.Equal(bytesOf(m, back), bytesOf(m, k)) || back.Attributes() != k.Attributes() || back.CheckValue() != check {
				t.Errorf("%v back from under %s: %v, %v", k.Attributes(), name, back, err)
			}
		}
	}
	if out < 15 || refused < 10 {
		t.Errorf("%d keys left and %d were refused: the test looks at too few", out, refused)
	}
}

// Four bytes begin with the three that every check value has, and are those of the clear key from outside.
func TestCheckValue(t *testing.T) {
	m := New(counter())
	double, single := install(t, m, Attributes{Usage: MACAlgorithm3}, keyB), install(t, m, Attributes{Usage: XORMAC, Algorithm: DES}, keyB[:16])
	aes := install(t, m, Attributes{Usage: CMAC, Algorithm: AES}, keyB)
	for _, tt := range []struct {
		name string
		k    Key
		n    int
		want []byte
		is   error
	}{
		{"three of TDES", double, 3, checkOf(t, keyB, 3), nil},
		{"four of TDES", double, 4, checkOf(t, keyB, 4), nil},
		{"four of DES", single, 4, outsideBy(t, DES, keyB[:16], make([]byte, 8), crypt.EncryptECB)[:4], nil},
		{"two", double, 2, nil, ErrCheckValue},
		{"five", double, 5, nil, ErrCheckValue},
		{"four of AES", aes, 4, nil, ErrCheckValue},
		{"of no key", Key{}, 3, nil, ErrKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := m.CheckValue(tt.k, tt.n); !bytes.Equal(got, tt.want) || !errors.Is(err, tt.is) {
				t.Errorf("%X, %v, want %X, %v", got, err, tt.want, tt.is)
			}
		})
	}
}

// The way of DE 62: keys generated at the host are the terminal's after a sign-on.
func TestSignOnCarriesKeys(t *testing.T) {
	host, terminal := New(counter()), New(rand.NewChaCha8([32]byte{2}))
	hostMaster, terminalMaster := install(t, host, KeyEncryption, key24), install(t, terminal, KeyEncryption, key24)
	atHost, err := host.Generate(Attributes{Usage: MACAlgorithm3})
	if err != nil {
		t.Fatal(err)
	}
	wrapped, check, err := host.Export(atHost, hostMaster)
	if err != nil || len(wrapped) != 16 {
		t.Fatalf("%d bytes, %v", len(wrapped), err)
	}
	atTerminal, err := terminal.Import(Attributes{Usage: MACAlgorithm3}, terminalMaster, wrapped, check[:])
	if err != nil {
		t.Fatal(err)
	}
	mac := make([]byte, 8)
	if err := terminal.MAC(atTerminal, MACParams{}, mac, []byte("0200")); err != nil {
		t.Fatal(err)
	}
	if err := host.VerifyMAC(atHost, MACParams{}, mac, []byte("0200")); err != nil {
		t.Error(err)
	}
}
