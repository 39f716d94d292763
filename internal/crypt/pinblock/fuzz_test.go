package pinblock

import (
	"bytes"
	"testing"
)

// Whatever a clear block is, it is refused, or it is exactly what the encoder makes of its digits and its own filler. Then
// it goes through the cipher and back.
func FuzzDecode(f *testing.F) {
	for i, s := range []string{"041274EDCBA9876F", "1512345EDCBA9876", "2534567FFFFFFFFF", "351274488888822C",
		"441234AAAAAAAAAA2F69ADDE2E9E7ACE", "06123654FFFFFFFFFFFF99FEFF88D977", "0000000000000000"} {
		f.Add(uint8(i), unhex(f, s), "4012345678909")
		f.Add(uint8(i), unhex(f, s), "6230606601007726888")
	}
	f.Fuzz(func(t *testing.T, format uint8, clear []byte, pan string) {
		form := Format(format)
		var work [MaxSize]byte
		n, err := Decode(&work, form, clear, []byte(pan))
		if err != nil {
			if n != 0 || work != [MaxSize]byte{} || err != ErrBlock && form <= SM4X98 {
				t.Fatalf("%d digits, %v", n, err)
			}
			return
		}
		if n < MinPIN || n > MaxPIN {
			t.Fatalf("%d digits", n)
		}
		dst, fill := make([]byte, form.Size()), filler(t, form, clear, []byte(pan), n)
		if err := Encode(dst, form, work[:n], []byte(pan), fill); err != nil || !bytes.Equal(dst, clear) {
			t.Fatalf("%X becomes %X, %v", clear, dst, err)
		}
		if !form.Online() {
			return
		}
		k := newCipher(t, ciphers[form], key16)
		if err := Encipher(dst, k, form, work[:n], []byte(pan), fill); err != nil {
			t.Fatal(err)
		}
		var again [MaxSize]byte
		if m, err := Decipher(&again, k, form, dst, []byte(pan)); m != n || err != nil || again != work {
			t.Fatalf("%d digits become %d, %v", n, m, err)
		}
	})
}

// filler takes the fill out of a clear block that is right.
func filler(t *testing.T, f Format, clear, pan []byte, n int) (fill []byte) {
	account := make([]byte, f.Size())
	if f != Format4 {
		if err := PANField(account, f, pan); err != nil {
			t.Fatal(err)
		}
	}
	switch f {
	case Format4:
		return clear[8:]
	case Format1, Format3:
		for i := 2 + n; i < 16; i++ {
			fill = append(fill, (clear[i/2]^account[i/2])>>(4*(1-i%2))&15)
		}
	}
	return fill
}

// Whatever arrives enciphered is refused, or gives a PIN that enciphers. In the formats that hold nothing of their own,
// it gives the same block.
func FuzzDecipher(f *testing.F) {
	for i, s := range []string{"621F91F5470F2CFE", "0000000000000000", "", "621F91F5470F2CFE",
		"A912150391AB65A67E52883D81CE2D15", "F0BBC0B30F5694C22704628734B805E9"} {
		f.Add(uint8(i), unhex(f, s), pan1)
	}
	f.Fuzz(func(t *testing.T, format uint8, block []byte, pan string) {
		form := Format(format % 6)
		if !form.Online() {
			return
		}
		k := newCipher(t, ciphers[form], key16)
		var work [MaxSize]byte
		n, err := Decipher(&work, k, form, block, []byte(pan))
		if err != nil {
			if n != 0 || work != [MaxSize]byte{} || err != ErrBlock {
				t.Fatalf("%d digits, %v", n, err)
			}
			return
		}
		dst := make([]byte, form.Size())
		if err := Encipher(dst, k, form, work[:n], []byte(pan), somewhat(form, n)); err != nil {
			t.Fatal(err)
		}
		if form.FillLen(n) == 0 && !bytes.Equal(dst, block) {
			t.Fatalf("%X becomes %X", block, dst)
		}
	})
}
