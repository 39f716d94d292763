package dialect

import (
	"fmt"
	"io"
)

// SessionKeys is what DE 62 of an approved sign-on (0810) carries: the PIN key and the MAC key of the session, each as a
// TDES-ECB cryptogram under the terminal master key with the check value of the clear key. It prints check values only.
type SessionKeys struct {
	PINKey           [16]byte
	PINKeyCheckValue [3]byte
	MACKey           [16]byte
	MACKeyCheckValue [3]byte
}

// sessionKeysLength is 16 + 3 for either key.
const sessionKeysLength = 2 * (16 + 3)

// Append appends the 38 bytes of DE 62 to dst.
func (k *SessionKeys) Append(dst []byte) []byte {
	dst = append(append(dst, k.PINKey[:]...), k.PINKeyCheckValue[:]...)
	return append(append(dst, k.MACKey[:]...), k.MACKeyCheckValue[:]...)
}

// ParseSessionKeys reads DE 62 of an approved sign-on. Any other length than 38 is a *FieldError.
func ParseSessionKeys(b []byte) (k SessionKeys, err error) {
	if len(b) != sessionKeysLength {
		return k, &FieldError{DE: 62, Err: fmt.Errorf("session keys of %d bytes: want %d (PIN key 16, check value 3, MAC key 16, check value 3)", len(b), sessionKeysLength)}
	}
	b = b[copy(k.PINKey[:], b):]
	b = b[copy(k.PINKeyCheckValue[:], b):]
	b = b[copy(k.MACKey[:], b):]
	copy(k.MACKeyCheckValue[:], b)
	return k, nil
}

// Format makes every verb print the check values and no key.
func (k SessionKeys) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, fmt.Sprintf("session keys: PIN check value %X, MAC check value %X", k.PINKeyCheckValue[:], k.MACKeyCheckValue[:]))
}

// MarshalJSON gives the same text as Format.
func (k SessionKeys) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", fmt.Sprint(k)), nil }
