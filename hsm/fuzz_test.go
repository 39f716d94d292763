package hsm

import (
	"bytes"
	"testing"

	"github.com/posim/posim/internal/crypt"
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
		k, to := install(t, m, PINEncryption, keyA), install(t, m, PINEncryption, keyB)
		block := outside(t, keyA, clear, ecbEncrypt)
		out, err := m.TranslatePIN(k, to, p, block)
		if m.work != [8]byte{} {
			t.Fatal("a block is left in the module")
		}
		account, _ := accountField(p)
		field := [8]byte(clear)
		xor(&field, account)
		if err != nil {
			if err != ErrPINBlock || out != [8]byte{} {
				t.Fatalf("%X, %v", out, err)
			}
			return
		}
		if got := outside(t, keyB, out[:], ecbDecrypt); !bytes.Equal(got, clear) {
			t.Fatalf("%X becomes %X", clear, got)
		}
		var pin []byte
		for i := range int(field[0]) {
			pin = append(pin, field[1+i/2]>>(4*(1-i%2))&15)
		}
		if len(pin) < minPIN || len(pin) > maxPIN || pinField(pin) != field {
			t.Fatalf("field %X is accepted: the encoder makes %X", field, pinField(pin))
		}
		back, err := m.TranslatePIN(to, k, p, out[:])
		if err != nil || !bytes.Equal(back[:], block) {
			t.Fatalf("back %X, %v: want %X", back, err, block)
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
		master := install(t, m, TerminalMaster, keyA)
		if honest && len(wrapped) == 16 { // with its right check value, so that more than one in millions gets past it
			clear := outside(t, keyA, wrapped, ecbDecrypt)
			b, err := crypt.NewTDES(clear)
			if err != nil {
				t.Fatal(err)
			}
			v := crypt.CheckValue(b)
			check = v[:]
		}
		k, err := m.Import(Usage(usage), master, wrapped, check)
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
		want := outside(t, keyA, wrapped, ecbDecrypt)
		crypt.OddParity(want)
		if !bytes.Equal(clear, want) || !bytes.Equal(outside(t, keyA, again, ecbDecrypt), want) {
			t.Fatal("another key")
		}
		if same, err := m.Import(Usage(usage), master, again, v[:]); err != nil || !bytes.Equal(m.slots[same.at].clear, clear) {
			t.Fatalf("importing again: %v", err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte{}, make([]byte, 28))
	f.Fuzz(func(t *testing.T, aad, sealed []byte) {
		m := New(counter())
		k := install(t, m, DataEncryption, key32)
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
