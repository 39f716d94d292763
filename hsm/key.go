package hsm

import (
	"fmt"
	"io"
)

// Key is the handle of a stored key: the module it lives in, its slot, its attributes and its check value. There is no key in
// it. It is comparable; it is dead in any other module and after Erase; the zero Key is none.
type Key struct {
	m      *Module
	at     int
	serial uint64
	a      Attributes
	check  [3]byte
}

// Usage is what the key is for, "" for the zero Key.
func (k Key) Usage() Usage { return k.a.Usage }

// Attributes are what the key was made with; they never change.
func (k Key) Attributes() Attributes { return k.a }

// CheckValue is the first three bytes of: for DES, TDES and SM4 keys a block of zeros encrypted under the key (X9.24-1); for AES
// keys the CMAC of such a block (X9.24-3); for HMAC keys the HMAC of nothing. A DUKPT initial key has none: its check value is
// that of the key as it was loaded.
func (k Key) CheckValue() [3]byte { return k.check }

// IsZero tells whether k is no key.
func (k Key) IsZero() bool { return k.m == nil }

// String shows usage and check value: "P0 08D7B4".
func (k Key) String() string {
	if k.m == nil {
		return "no key"
	}
	return fmt.Sprintf("%s %X", string(k.a.Usage), k.check[:])
}

// GoString is String.
func (k Key) GoString() string { return "hsm.Key(" + k.String() + ")" }

// Format prints String for every verb.
func (k Key) Format(f fmt.State, verb rune) {
	s := k.String()
	if verb == 'v' && f.Flag('#') {
		s = k.GoString()
	}
	io.WriteString(f, s) // fmt.State keeps its own errors
}

// MarshalText gives String, to JSON too.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
