package dialect

import "fmt"

// PINControl is what DE 53 of cup says: how the PIN block was made, and whether the tracks are enciphered.
type PINControl struct {
	PIN          PINBlockKind
	DoubleLength bool // the PIN key has 16 bytes; false: single DES
	TracksHidden bool // DE 35 and 36 are enciphered in part, under the track key
}

// PINBlockKind is the first digit of DE 53.
type PINBlockKind byte

// The kinds of PIN block (ANSI X9.8, ISO 9564-1).
const (
	NoPIN         PINBlockKind = 0
	PINWithoutPAN PINBlockKind = 1 // format 1
	PINWithPAN    PINBlockKind = 2 // format 0
)

// String is DE 53: "2600000000000000".
func (c PINControl) String() string {
	b := []byte("0000000000000000")
	b[0] += byte(c.PIN)
	if c.DoubleLength {
		b[1] = '6'
	}
	if c.TracksHidden {
		b[2] = '1'
	}
	return string(b)
}

// ParsePINControl reads DE 53. What it does not know, national ciphers for instance, is a *FieldError.
func ParsePINControl(s string) (c PINControl, err error) {
	if len(s) != 16 || s[0] < '0' || s[0] > '2' || s[1] != '0' && s[1] != '6' || s[2] != '0' && s[2] != '1' || s[3:] != "0000000000000" {
		return c, &FieldError{DE: 53, Err: fmt.Errorf("want 0, 1 or 2 (PIN block), 0 or 6 (key), 0 or 1 (tracks) and 13 zeros")}
	}
	return PINControl{PINBlockKind(s[0] - '0'), s[1] == '6', s[2] == '1'}, nil
}
