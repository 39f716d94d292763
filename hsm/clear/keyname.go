package clear

import (
	"crypto/subtle"
	"errors"
	"strings"
)

// ErrAmbiguous is an input that may be several things: which one must be said.
var ErrAmbiguous = errors.New("more than one meaning")

// Fit finds the algorithm, one of several, whose keys have n bytes. ErrLength if there is none, ErrAmbiguous if there is more than
// one. field is how an error calls the key.
func Fit(field string, n int, among ...Algorithm) (Algorithm, error) {
	var fit, lengths []string
	for _, a := range among {
		form, ok := a.form()
		if !ok {
			return "", &Error{field, ErrName, "", "an algorithm"}
		}
		lengths = append(lengths, form.lengths+" for "+string(a))
		if form.fits(n) {
			fit = append(fit, string(a))
		}
	}
	switch len(fit) {
	case 0:
		return "", wrongLength(field, n, strings.Join(lengths, ", or "))
	case 1:
		return Algorithm(fit[0]), nil
	}
	return "", &Error{field, ErrAmbiguous, plural(n, "byte"), "its algorithm: " + strings.Join(fit, ", ")}
}

// NewNamedKey is NewKey for one of several keys. field is how errors call it.
func NewNamedKey(field string, a Algorithm, key []byte) (Key, error) { return newKey(field, a, key) }

// CheckNamed is Check for one of several keys. field is how errors call it.
func (k Key) CheckNamed(field string) error { return k.check(field) }

// Same is ErrMAC unless given is what was computed. It takes the same time for all that are as long.
func Same(field string, computed, given []byte) error {
	if len(given) != len(computed) {
		return wrongLength(field, len(given), plural(len(computed), "byte"))
	}
	if subtle.ConstantTimeCompare(computed, given) != 1 {
		return &Error{field, ErrMAC, "", ""}
	}
	return nil
}
