package clear

import (
	"fmt"
	"strconv"
)

// checkDigits is an error unless s is decimal digits, least to most of them; wrong is what another number of them is.
func checkDigits(field, s string, wrong error, least, most int) error {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return &Error{field, ErrDigits, "", "0 to 9"}
		}
	}
	if len(s) < least || len(s) > most {
		want := strconv.Itoa(least)
		if most > least {
			want = fmt.Sprintf("%d to %d", least, most)
		}
		return &Error{field, wrong, plural(len(s), "digit"), want}
	}
	return nil
}

// checkPIN is for PINs of ISO 9564-1.
func checkPIN(field, pin string) error { return checkDigits(field, pin, ErrPIN, 4, 12) }
