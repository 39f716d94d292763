package pinblock

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/known"
)

// hop is one side of a translation, or a vector's whole input.
type hop struct {
	Cipher, Key, PIN, PAN, Fill, Random, Block, KSN string
	Format                                          any // a number or a name
	From, To                                        *hop
}

// vector is one of layout hsm/1, as far as this room can answer it.
type vector struct {
	ID, Op string
	In     hop
	Out    struct {
		Block, PIN, Error any
		Clear             string `json:"clear_block"`
		PINField          string `json:"pin_field"`
		PANField          string `json:"pan_field"`
		PINKey            string `json:"pin_key"`
		PINBlock          string `json:"pin_block"`
		PINKeyAES         string `json:"pin_key_aes128"`
		PINBlock4         string `json:"pin_block_fmt4"`
	}
}

var (
	read  = known.Vectors[vector]
	unhex = known.Hex
	upper = known.Upper
)

// numbers are the digits of a PIN as a keypad has them, and the nibbles of a fill.
func numbers(t testing.TB, digits string) []byte {
	t.Helper()
	var b []byte
	for _, c := range digits {
		at := strings.IndexRune("0123456789ABCDEF", c)
		if at < 0 {
			t.Fatalf("digits %q", digits)
		}
		b = append(b, byte(at))
	}
	return b
}

func digits(pin []byte) string {
	var s strings.Builder
	for _, d := range pin {
		fmt.Fprintf(&s, "%X", d)
	}
	return s.String()
}

func newCipher(t testing.TB, kind, key string) cipher.Block {
	t.Helper()
	make := map[string]func([]byte) (cipher.Block, error){"TDES": crypt.NewTDES, "AES": crypt.NewAES, "SM4": crypt.NewSM4}[kind]
	if make == nil {
		t.Fatalf("cipher %q", kind)
	}
	b, err := make(unhex(t, key))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (h *hop) format(t testing.TB) Format {
	t.Helper()
	f, err := ParseFormat(fmt.Sprint(h.Format))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// fill of format 4 is bytes, of 1 and 3 nibbles.
func (h *hop) fill(t testing.TB) []byte {
	t.Helper()
	if f := h.format(t); f == Format1 || f == Format3 {
		return numbers(t, h.Fill)
	}
	return unhex(t, h.Fill+h.Random)
}

func TestVectors(t *testing.T) {
	run := map[string]func(*testing.T, vector){
		"pinblock.encode":          vectorEncode,
		"pinblock.decode":          vectorDecode,
		"pinblock.fields4":         vectorFields4,
		"pinblock.encipher":        vectorEncipher,
		"pin.translate":            vectorTranslate,
		"pin.translate_dukpt_tdes": vectorTranslateDUKPT,
	}
	count := map[string]int{}
	for _, name := range []string{"pinblock.json", "sm.json", "translate.json"} {
		for _, v := range read(t, name) {
			f := run[v.Op]
			if f == nil {
				if name == "sm.json" && !strings.HasPrefix(v.Op, "pin") {
					continue // SM3, SM4 and keys are elsewhere
				}
				t.Errorf("%s: op %q", v.ID, v.Op)
				continue
			}
			key := v.Op
			if v.In.Format != nil {
				key += fmt.Sprint(" ", v.In.Format)
			}
			count[key]++
			t.Run(v.ID, func(t *testing.T) { f(t, v) })
		}
	}
	for key, want := range map[string]int{
		"pinblock.encode 0": 5, "pinblock.encode 1": 1, "pinblock.encode 2": 3, "pinblock.encode 3": 3, "pinblock.fields4": 4,
		"pinblock.encipher 4": 3, "pinblock.encipher 0": 2, "pinblock.encipher sm4-x98-16": 2,
		"pinblock.decode 0": 5, "pinblock.decode 1": 1, "pinblock.decode 2": 2, "pinblock.decode 3": 1,
		"pin.translate": 2, "pin.translate_dukpt_tdes": 1,
	} {
		if count[key] != want {
			t.Errorf("%s: %d vectors, want %d", key, count[key], want)
		}
	}
}

func vectorEncode(t *testing.T, v vector) {
	f, want := v.In.format(t), v.Out.Block.(string)
	dst := make([]byte, f.Size())
	if err := Encode(dst, f, numbers(t, v.In.PIN), []byte(v.In.PAN), v.In.fill(t)); err != nil || upper(dst) != want {
		t.Errorf("%X, %v: want %s", dst, err, want)
	}
	var work [MaxSize]byte
	n, err := Decode(&work, f, unhex(t, want), []byte(v.In.PAN))
	if err != nil || digits(work[:n]) != v.In.PIN {
		t.Errorf("decoded %d digits, %v: another PIN", n, err)
	}
}

func vectorDecode(t *testing.T, v vector) {
	work := [MaxSize]byte{1}
	n, err := Decode(&work, v.In.format(t), unhex(t, v.In.Block), []byte(v.In.PAN))
	if v.Out.Error != true || err != ErrBlock || n != 0 || work != [MaxSize]byte{} {
		t.Errorf("%d digits, %v", n, err)
	}
}

func vectorFields4(t *testing.T, v vector) {
	var pin, account [16]byte
	if err := PINField(pin[:], Format4, numbers(t, v.In.PIN), unhex(t, v.In.Random)); err != nil || upper(pin[:]) != v.Out.PINField {
		t.Errorf("PIN field %X, %v", pin, err)
	}
	if err := PANField(account[:], Format4, []byte(v.In.PAN)); err != nil || upper(account[:]) != v.Out.PANField {
		t.Errorf("PAN field %X, %v", account, err)
	}
}

func vectorEncipher(t *testing.T, v vector) {
	f := v.In.format(t)
	if v.Out.Clear != "" {
		dst := make([]byte, f.Size())
		if err := Encode(dst, f, numbers(t, v.In.PIN), []byte(v.In.PAN), v.In.fill(t)); err != nil || upper(dst) != v.Out.Clear {
			t.Errorf("clear %X, %v", dst, err)
		}
	}
	both(t, newCipher(t, v.In.Cipher, v.In.Key), f, v.In.PIN, v.In.PAN, v.In.fill(t), v.Out.Block.(string))
}

// both enciphers and deciphers.
func both(t *testing.T, k cipher.Block, f Format, pin, pan string, fill []byte, want string) {
	t.Helper()
	dst := make([]byte, f.Size())
	if err := Encipher(dst, k, f, numbers(t, pin), []byte(pan), fill); err != nil || upper(dst) != want {
		t.Errorf("%X, %v: want %s", dst, err, want)
	}
	var work [MaxSize]byte
	n, err := Decipher(&work, k, f, unhex(t, want), []byte(pan))
	if err != nil || digits(work[:n]) != pin {
		t.Errorf("deciphered %d digits, %v: another PIN", n, err)
	}
}

func vectorTranslate(t *testing.T, v vector) {
	translate(t, v.In.PAN, v.In.From, v.In.To, v.Out.Block.(string))
}

// The working key is one of the key management's own vectors: this room derives none.
func vectorTranslateDUKPT(t *testing.T, v vector) {
	from := hop{Cipher: "TDES", Format: 0, Block: v.In.Block}
	for _, d := range read(t, "dukpt_tdes.json") {
		if d.In.KSN == v.In.KSN && d.Out.PINKey != "" {
			from.Key = d.Out.PINKey
		}
	}
	translate(t, v.In.PAN, &from, v.In.To, v.Out.Block.(string))
}

func translate(t *testing.T, pan string, from, to *hop, want string) {
	t.Helper()
	if err := Permitted(from.format(t), to.format(t)); err != nil {
		t.Error(err)
	}
	var work [MaxSize]byte
	n, err := Decipher(&work, newCipher(t, from.Cipher, from.Key), from.format(t), unhex(t, from.Block), []byte(pan))
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, to.format(t).Size())
	err = Encipher(dst, newCipher(t, to.Cipher, to.Key), to.format(t), work[:n], []byte(pan), to.fill(t))
	if err != nil || upper(dst) != want {
		t.Errorf("%X, %v: want %s", dst, err, want)
	}
}

// X9.24-1 A.4 and the supplement of X9.24-3 print the block of each transaction's key.
func TestDUKPTBlocks(t *testing.T) {
	n := map[Format]int{}
	for _, name := range []string{"dukpt_tdes.json", "dukpt_aes.json"} {
		for _, v := range read(t, name) {
			if v.In.PIN == "" {
				continue
			}
			t.Run(v.ID, func(t *testing.T) {
				f, k, want := Format0, "TDES", v.Out.PINBlock
				key := v.Out.PINKey
				if v.Out.PINBlock4 != "" {
					f, k, want, key = Format4, "AES", v.Out.PINBlock4, v.Out.PINKeyAES
				}
				both(t, newCipher(t, k, key), f, v.In.PIN, v.In.PAN, unhex(t, v.In.Random), want)
				n[f]++
			})
		}
	}
	if n[Format0] < 20 || n[Format4] < 6 {
		t.Errorf("%v vectors", n)
	}
}

func TestUnionPayBlock(t *testing.T) {
	var v struct {
		Kind     string
		Input    struct{ PIN, PAN string }
		Expected struct {
			PIN   string `json:"pin_block"`
			PAN   string `json:"pan_block"`
			Clear string `json:"clear_block"`
		}
	}
	known.File(t, "cup/CUP-PIN-001.json", &v)
	var pin, account, clear [8]byte
	err := errors.Join(PINField(pin[:], Format0, numbers(t, v.Input.PIN), nil), PANField(account[:], Format0, []byte(v.Input.PAN)),
		Encode(clear[:], Format0, numbers(t, v.Input.PIN), []byte(v.Input.PAN), nil))
	for _, c := range []struct {
		got  [8]byte
		want string
	}{{pin, v.Expected.PIN}, {account, v.Expected.PAN}, {clear, v.Expected.Clear}} {
		if err != nil || !bytes.Equal(c.got[:], unhex(t, c.want)) {
			t.Errorf("%X, %v: want %s", c.got, err, c.want)
		}
	}
}
