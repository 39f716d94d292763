package hsm

import (
	"bytes"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/keyblock"
	"github.com/posim/posim/internal/crypt/pinblock"
	"github.com/posim/posim/internal/pan"
)

// Any clear block either is refused or is exactly what the encoder makes of its digits.
func FuzzPINBlock(f *testing.F) {
	for _, s := range []string{"041274EDCBA9876F", "0C1274EDCBA9876F", "241261AAAAEDCBA9", "0000000000000000", "FFFFFFFFFFFFFFFF"} {
		f.Add(unhex(f, s), "4012345678909")
		f.Add(unhex(f, s), pan1)
	}
	f.Fuzz(func(t *testing.T, clear []byte, digits string) {
		p, err := pan.Parse(digits)
		if err != nil || len(clear) != 8 {
			return
		}
		m := New(counter())
		k, to := in(install(t, m, PINEncryption, keyA), Format0), in(install(t, m, PINEncryption, keyB), Format0)
		block := outside(t, keyA, clear, crypt.EncryptECB)
		out, err := m.TranslatePIN(nil, k, to, p, block)
		clean(t, m)
		pin, ok := written(Format0, clear, p)
		if ok != (err == nil) || err != nil && (err != ErrPINBlock || len(out) != 0) {
			t.Fatalf("%X: %X, %v", clear, out, err)
		}
		if err != nil {
			return
		}
		if got := outside(t, keyB, out, crypt.DecryptECB); !bytes.Equal(got, clear) {
			t.Fatalf("%X becomes %X", clear, got)
		}
		if again := encrypted(t, m, k, pin, p); !bytes.Equal(again, block) {
			t.Fatalf("%X is accepted: the digits in it give another block", clear)
		}
		back, err := m.TranslatePIN(nil, to, k, p, out)
		if err != nil || !bytes.Equal(back, block) {
			t.Fatalf("back %X, %v: want %X", back, err, block)
		}
	})
}

// written reads a clear block by the letter of its format, digit by digit, past the module's code; of format 4 and of SM4X98 clear is
// the PIN field.
func written(f PINFormat, clear []byte, p pan.PAN) (pin string, ok bool) {
	field := bytes.Clone(clear)
	if f == Format0 || f == Format3 {
		digits := p.Digits()
		if len(digits) < 13 {
			return "", false
		}
		for i, b := range unhexed("0000" + digits[len(digits)-13:len(digits)-1]) {
			field[i] ^= b
		}
	}
	text := fmt.Sprintf("%X", field)
	control := map[PINFormat]byte{Format0: '0', Format1: '1', Format3: '3', Format4: '4', SM4X98: '0'}[f]
	n := strings.IndexByte("0123456789ABC", text[1])
	if text[0] != control || n < 4 {
		return "", false
	}
	filler := map[PINFormat]string{Format0: "F", Format1: "0123456789ABCDEF", Format3: "ABCDEF", Format4: "A", SM4X98: "F"}[f]
	rest := text[2+n : 16]
	if f == SM4X98 {
		rest = text[2+n:]
	}
	if strings.Trim(text[2:2+n], "0123456789") != "" || strings.Trim(rest, filler) != "" {
		return "", false
	}
	return text[2 : 2+n], true
}

func unhexed(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// Any field, in any format, to any format: what is accepted is what is written by the letter, for the pairs that are permitted, and
// the PIN that arrives is the one that was in it.
func FuzzTranslatePIN(f *testing.F) {
	for i, s := range []string{"041234FFFFFFFFFF", "141234FFFFFFFFFF", "341234ABCDEFABCD", "441234AAAAAAAAAA0011223344556677", "041234FFFFFFFFFFFFFFFFFFFFFFFFFF", "0C123456789012FF"} {
		for to := range pinKeys {
			f.Add(uint8(i%len(pinKeys)), uint8(to), unhex(f, s), pan1)
		}
	}
	f.Add(uint8(0), uint8(3), unhex(f, "041234FFFFFFFFFF"), "12345678")
	f.Fuzz(func(t *testing.T, from, to uint8, field []byte, digits string) {
		a, b := pinKeys[int(from)%len(pinKeys)], pinKeys[int(to)%len(pinKeys)]
		p, err := pan.Parse(digits)
		if err != nil || len(field) != a.format.Size() {
			return
		}
		m := New(counter())
		c, d := in(install(t, m, a.a, a.clear), a.format), in(install(t, m, b.a, keyB), b.format)
		account := make([]byte, a.format.Size())
		if err := pinblock.PANField(account, a.format, []byte(digits)); err != nil {
			return // no such card for this format
		}
		block := bytes.Clone(field)
		if a.format == Format4 { // the PAN comes between
			block = outsideBy(t, AES, a.clear, block, crypt.EncryptECB)
		}
		subtle.XORBytes(block, block, account)
		want, ok := written(a.format, field, p)
		if a.format == Format0 || a.format == Format3 {
			want, ok = written(a.format, block, p)
		}
		block = outsideBy(t, a.a.Algorithm, a.clear, block, crypt.EncryptECB)
		before := []byte("before")
		out, err := m.TranslatePIN(before, c, d, p, block)
		clean(t, m)
		permitted := b.format != Format1 || a.format == Format1
		fits := pinblock.CheckPAN(b.format, []byte(digits)) == nil
		switch {
		case (err == nil) != (ok && permitted && fits):
			t.Fatalf("%v to %v: field %X: %v", a.format, b.format, field, err)
		case err != nil:
			if string(out) != "before" || permitted && !ok && err != ErrPINBlock || !permitted && !errors.Is(err, ErrFormat) {
				t.Fatalf("%v to %v: %X, %v", a.format, b.format, out, err)
			}
			return
		case !bytes.HasPrefix(out, before) || len(out) != len(before)+b.format.Size():
			t.Fatalf("%v to %v: %X", a.format, b.format, out)
		}
		ref := install(t, m, PINVerification, keyB)
		kept, err := m.PINReference(ref, p, typed(m, want))
		if err != nil {
			return // a card too short for a reference
		}
		if err := m.VerifyPIN(d, p, out[len(before):], ref, kept[:]); err != nil {
			t.Fatalf("%v to %v: another PIN arrives: %v", a.format, b.format, err)
		}
	})
}

// Whatever arrives as a wrapped key: it is refused, or it is a sound key that goes out as it came but for parity.
func FuzzImport(f *testing.F) {
	f.Add("P0", unhex(f, "4230EF1CB268495597F4494DD23D8A72"), unhex(f, "EB7A8D"), true)
	f.Add("M3", unhex(f, "4230EF1CB268495597F4494DD23D8A72"), unhex(f, "000000"), false)
	f.Add("K0", make([]byte, 24), []byte{}, true)
	f.Fuzz(func(t *testing.T, usage string, wrapped, check []byte, honest bool) {
		m := New(counter())
		master := install(t, m, KeyEncryption, keyA)
		if honest && len(wrapped) == 16 { // with its right check value, so that more than one in millions gets past it
			clear := outside(t, keyA, wrapped, crypt.DecryptECB)
			b, err := crypt.NewTDES(clear)
			if err != nil {
				t.Fatal(err)
			}
			v := crypt.CheckValue(b)
			check = v[:]
		}
		k, err := m.Import(Attributes{Usage: Usage(usage)}, master, wrapped, check)
		if err != nil {
			if !k.IsZero() || len(m.slots) != 1 {
				t.Fatalf("%v, and a key: %v", err, k)
			}
			return
		}
		clear := bytes.Clone(m.slots[k.at].clear)
		if crypt.WeakTDES(clear) {
			t.Fatal("a weak key is accepted")
		}
		again, v, err := m.Export(k, master)
		if err != nil || v != k.CheckValue() || !bytes.Equal(v[:], check[:3]) {
			t.Fatalf("Export: %X, %v", v, err)
		}
		want := outside(t, keyA, wrapped, crypt.DecryptECB)
		crypt.OddParity(want)
		if !bytes.Equal(clear, want) || !bytes.Equal(outside(t, keyA, again, crypt.DecryptECB), want) {
			t.Fatal("another key")
		}
		if same, err := m.Import(Attributes{Usage: Usage(usage)}, master, again, v[:]); err != nil || !bytes.Equal(m.slots[same.at].clear, clear) {
			t.Fatalf("importing again: %v", err)
		}
	})
}

// Whatever arrives as a key block: it is refused and nothing has changed, or its key has the attributes that the block says, and
// leaves in a block again.
func FuzzImportKeyBlock(f *testing.F) {
	add := func(version byte, usage string, algorithm, mode, exportability byte, key string) {
		kbpk := keyA
		if version == 'D' {
			kbpk = key32
		}
		h := keyblock.Header{Version: version, Usage: usage, Algorithm: algorithm, Mode: mode, KeyVersion: "00", Exportability: exportability}
		block, err := keyblock.Wrap(unhex(f, kbpk), h, unhex(f, key), keyblock.Padding{Random: counter()})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(block, true)
		f.Add(block, false)
		f.Add(block[:len(block)-1]+"0", true)
	}
	odd := "0123456789ABCDEFFEDCBA9876543210"
	add('A', "P0", 'T', 'B', 'E', odd)
	add('B', "M3", 'T', 'C', 'S', odd)
	add('C', "K0", 'T', 'N', 'N', odd)
	add('D', "P0", 'A', 'E', 'E', key32)
	add('D', "M7", 'H', 'C', 'E', key32)
	add('D', "B0", 'T', 'X', 'N', "00000000000000000000000000000000")
	f.Add("D0144B1TX00N0200KS1800604B120F9292800000PB08000062860E0735EBFE50A6740C4F44D5C29A7DAD3B5612CBF4FA1BABE6908D38529B1F88E5AA384C5B5A0302BF725C4E34FB", true)
	f.Fuzz(func(t *testing.T, block string, honest bool) {
		m := New(counter())
		tdes, aes := install(t, m, KeyBlockProtection, keyA), install(t, m, Attributes{Usage: KeyBlockProtection, Algorithm: AES}, key32)
		under, kbpk := tdes, keyA
		if strings.HasPrefix(block, "D") {
			under, kbpk = aes, key32
		}
		if honest { // with its right MAC, as far as it is a block, so that more than one in millions gets past it
			h, _, err := keyblock.Parse(block)
			if err != nil {
				return
			}
			// the header with a key of its own: what is judged is what the header says
			clear := unhex(t, keyB)
			if h.Algorithm == 'A' && len(block)%64 < 32 {
				clear = unhex(t, key32)
			}
			if block, err = keyblock.Wrap(unhex(t, kbpk), h, clear, keyblock.Padding{Random: counter()}); err != nil {
				return
			}
		}
		before := image(m)
		k, err := m.ImportKeyBlock("label", under, block)
		if err != nil {
			if !k.IsZero() || image(m) != before {
				t.Fatalf("%v, and something has changed: %v", err, k)
			}
			return
		}
		h, _, err := keyblock.Parse(block)
		if err != nil {
			t.Fatalf("a block that is none is taken: %v", err)
		}
		want := Attributes{Usage(h.Usage), Algorithm(h.Algorithm), Mode(h.Mode), Exportability(h.Exportability)}
		if k.Attributes() != want {
			t.Fatalf("attributes %v: want %v", k.Attributes(), want)
		}
		if found, err := m.Find("label"); err != nil || found != k {
			t.Fatalf("Find: %v, %v", found, err)
		}
		again, err := m.ExportKeyBlock(k, aes, 'D')
		if want.Exportability == NonExportable || want.Usage == InitialKey {
			if !errors.Is(err, ErrExport) {
				t.Fatalf("a key of exportability %c leaves: %v", want.Exportability, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		back, err := m.ImportKeyBlock("", aes, again)
		if err != nil || back.Attributes() != want || !bytes.Equal(bytesOf(m, back), bytesOf(m, k)) {
			t.Fatalf("back: %v, %v", back, err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte{}, make([]byte, 28))
	f.Fuzz(func(t *testing.T, aad, sealed []byte) {
		m := New(counter())
		k := install(t, m, Sealing, key32)
		if plain, err := m.Open(k, aad, sealed); err != ErrSealed || plain != nil {
			t.Fatalf("%X, %v", plain, err)
		}
		mine, err := m.Seal(k, aad, sealed)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := m.Open(k, aad, mine); err != nil || !bytes.Equal(plain, sealed) {
			t.Fatalf("%X, %v", plain, err)
		}
	})
}
