package clear

import (
	"crypto/cipher"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/posim/posim/internal/crypt"
)

// Algorithm is what a key is for, by its name.
type Algorithm string

// The algorithms.
const (
	DES  Algorithm = "DES"  // 8 bytes
	TDES Algorithm = "TDES" // 16 or 24
	AES  Algorithm = "AES"  // 16, 24 or 32
	SM4  Algorithm = "SM4"  // 16
	HMAC Algorithm = "HMAC" // 16, 24 or 32, as DUKPT makes them
)

// keyForm is how long an algorithm's keys are, and what makes its cipher.
type keyForm struct {
	lengths string
	fits    func(n int) bool
	cipher  func(key []byte) (cipher.Block, error)
}

func (a Algorithm) form() (keyForm, bool) {
	long := func(n int) bool { return n == 16 || n == 24 || n == 32 }
	switch a {
	case DES:
		return keyForm{"8 bytes", func(n int) bool { return n == 8 }, crypt.NewDES}, true
	case TDES:
		return keyForm{"16 or 24 bytes", func(n int) bool { return n == 16 || n == 24 }, crypt.NewTDES}, true
	case AES:
		return keyForm{"16, 24 or 32 bytes", long, crypt.NewAES}, true
	case SM4:
		return keyForm{"16 bytes", func(n int) bool { return n == 16 }, crypt.NewSM4}, true
	case HMAC:
		return keyForm{"16, 24 or 32 bytes", long, nil}, true
	}
	return keyForm{}, false
}

// Algorithms lists them.
func Algorithms() []Algorithm { return []Algorithm{DES, TDES, AES, SM4, HMAC} }

// ParseAlgorithm takes a name in capital letters, as the standards write it.
func ParseAlgorithm(name string) (Algorithm, error) {
	if _, ok := Algorithm(name).form(); !ok {
		return "", &Error{"algorithm", ErrName, "", "DES, TDES, AES, SM4 or HMAC"}
	}
	return Algorithm(name), nil
}

// isDES tells whether keys of the algorithm have parity bits.
func (a Algorithm) isDES() bool { return a == DES || a == TDES }

// Key is a clear test key. Every way of printing it shows the algorithm and the check value. The zero Key is none.
type Key struct {
	algorithm Algorithm
	m         *material
}

// material is a key behind two pointers: where a Key is in a field that fmt may not call methods of, fmt follows no pointer, but for
// some wrong verbs one.
type material struct{ b *[]byte }

func newMaterial(key []byte) *material {
	b := append([]byte(nil), key...)
	return &material{&b}
}

func (k Key) raw() []byte {
	if k.m == nil {
		return nil
	}
	return *k.m.b
}

// NewKey makes a key of its bytes, which it copies. The length is checked; parity and weakness are looked at by Check.
func NewKey(a Algorithm, key []byte) (Key, error) { return newKey("key", a, key) }

func newKey(field string, a Algorithm, key []byte) (Key, error) {
	form, ok := a.form()
	if !ok {
		return Key{}, &Error{field, ErrName, "", "a key of DES, TDES, AES, SM4 or HMAC"}
	}
	if !form.fits(len(key)) {
		return Key{}, wrongLength(field, len(key), form.lengths+" for "+string(a))
	}
	return Key{a, newMaterial(key)}, nil
}

// ParseKey reads a key as people write it: hexadecimal digits in any case, single spaces between groups.
func ParseKey(a Algorithm, digits string) (Key, error) {
	b, err := ParseHex("key", digits)
	if err != nil {
		return Key{}, err
	}
	return NewKey(a, b)
}

// ParseHex reads hexadecimal digits in any case, with single spaces between groups. field is how an error calls them; it does not
// show them.
func ParseHex(field, digits string) ([]byte, error) {
	joined := strings.ReplaceAll(digits, " ", "")
	if strings.Contains(digits, "  ") || strings.Trim(joined, "0123456789abcdefABCDEF") != "" {
		return nil, &Error{field, ErrHex, "", "0 to 9, A to F"}
	}
	b, err := hex.DecodeString(joined)
	switch {
	case err == nil:
		return b, nil
	case len(joined)%2 == 1:
		return nil, &Error{field, ErrLength, plural(len(joined), "hexadecimal digit"), "two for a byte"}
	}
	return nil, &Error{field, ErrHex, "", "0 to 9, A to F"}
}

// Algorithm is what the key is for, "" for the zero Key.
func (k Key) Algorithm() Algorithm { return k.algorithm }

// Bytes is a copy of the clear key. It is for test keys, and the only way to them.
func (k Key) Bytes() []byte { return append([]byte(nil), k.raw()...) }

// Len is the key's length in bytes.
func (k Key) Len() int { return len(k.raw()) }

// Check is what a key loader asks of a key: odd parity, no weak part, no equal parts, in this order. Keys without parity bits pass.
func (k Key) Check() error { return k.check("key") }

func (k Key) check(field string) error {
	if !k.algorithm.isDES() {
		return nil
	}
	if !crypt.HasOddParity(k.raw()) {
		return &Error{field, ErrParity, "", "odd parity in every byte"}
	}
	for at := 0; at < len(k.raw()); at += 8 {
		if crypt.WeakDES(k.raw()[at : at+8]) {
			return &Error{field, ErrWeakKey, fmt.Sprintf("part %d", at/8+1), "none of the 64 keys of SP 800-67"}
		}
	}
	if crypt.EqualParts(k.raw()) {
		return &Error{field, ErrEqualParts, "", "parts that differ"}
	}
	return nil
}

// OddParity is the key with every byte's parity made odd. It is an error for algorithms without parity bits.
func (k Key) OddParity() (Key, error) {
	if !k.algorithm.isDES() {
		return Key{}, &Error{"key", ErrName, "", "a key of DES or TDES: others have no parity"}
	}
	return NewKey(k.algorithm, OddParity(k.raw()))
}

// OddParity is b with every byte's parity made odd.
func OddParity(b []byte) []byte {
	b = append([]byte(nil), b...)
	crypt.OddParity(b)
	return b
}

// WeakDES tells whether 8 bytes are one of the 64 weak, semi-weak and possibly weak DES keys (SP 800-67, 3.4.2), whatever their
// parity bits.
func WeakDES(key []byte) (bool, error) {
	if len(key) != 8 {
		return false, wrongLength("key", len(key), "8 bytes")
	}
	return crypt.WeakDES(OddParity(key)), nil
}

// Variant is the key with a Thales variant, 0 to 31, added to the first byte of each of its 8-byte parts.
func (k Key) Variant(n int) (Key, error) {
	if n < 0 || n > 31 {
		return Key{}, &Error{"variant", ErrRange, "", "0 to 31"}
	}
	if !k.algorithm.isDES() {
		return Key{}, &Error{"key", ErrName, "", "a key of DES or TDES: others have no variants"}
	}
	b := k.Bytes()
	for at := 0; at < len(b); at += 8 {
		b[at] ^= byte(n << 3)
	}
	return NewKey(k.algorithm, b)
}

// LegacyCheckValue is the first n bytes of an encrypted block of zeros (X9.24-1): 3 in most places, up to the cipher's block.
func (k Key) LegacyCheckValue(n int) ([]byte, error) {
	b, err := k.cipher("key")
	if err != nil {
		return nil, err
	}
	if n < 1 || n > b.BlockSize() {
		return nil, &Error{"check value", ErrRange, plural(n, "byte"), fmt.Sprintf("1 to %d for %s", b.BlockSize(), k.algorithm)}
	}
	return crypt.LegacyCheckValue(b, n), nil
}

// CMACCheckValue is the first five bytes of the CMAC of a block of zeros (X9.24-3, X9.143).
func (k Key) CMACCheckValue() ([]byte, error) {
	b, err := k.cipher("key")
	if err != nil {
		return nil, err
	}
	v := crypt.CMACCheckValue(b)
	return v[:], nil
}

// cipher is the key's block cipher. field is how an error calls the key.
func (k Key) cipher(field string) (cipher.Block, error) {
	form, ok := k.algorithm.form()
	if !ok || form.cipher == nil {
		return nil, &Error{field, ErrName, "", "a key of DES, TDES, AES or SM4"}
	}
	b, err := form.cipher(k.raw())
	return b, inField(field, err)
}

// of is an error unless the key is of one of the algorithms.
func (k Key) of(field string, algorithms ...Algorithm) error {
	var names []string
	for _, a := range algorithms {
		if k.algorithm == a {
			return nil
		}
		names = append(names, string(a))
	}
	return &Error{field, ErrName, "", "a key of " + strings.Join(names, " or ")}
}

// double is the key's 16 bytes, if it is a double-length TDES key.
func (k Key) double(field string) ([]byte, error) {
	if err := k.of(field, TDES); err != nil {
		return nil, err
	}
	if len(k.raw()) != 16 {
		return nil, wrongLength(field, len(k.raw()), "16 bytes")
	}
	return k.raw(), nil
}

// String is the algorithm and the check value: "TDES key, check value 08D7B4".
func (k Key) String() string {
	switch v, err := k.LegacyCheckValue(3); {
	case k.algorithm == "":
		return "no key"
	case err != nil:
		return fmt.Sprintf("%s key of %s", k.algorithm, plural(len(k.raw()), "byte"))
	default:
		return fmt.Sprintf("%s key, check value %X", k.algorithm, v)
	}
}

// Format prints String for every verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// MarshalText gives String, to JSON too.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
