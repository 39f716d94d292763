package cardvalue

import (
	"errors"
	"fmt"
)

// Table is an IBM 3624 decimalisation table: the digit for each of sixteen nibbles. ParseTable makes it; the zero Table is
// none. Whoever may choose the table at every call learns the PIN by what changes (Bond and Zieliński, "Decimalisation table
// attacks for PIN cracking", 2003): keep it fixed beside the key.
type Table struct {
	digits [16]byte // numbers
	set    bool
}

// ErrBiased is the error of a table that makes few PINs of many.
var ErrBiased = errors.New("cardvalue: biased decimalisation table")

// ParseTable takes the sixteen digits of a table in ASCII, for nibbles 0 to F. ErrInput for anything else. Biased tables
// are tables: see Policy.
func ParseTable(digits []byte) (t Table, err error) {
	if err := checkDigits("decimalisation table", digits, len(t.digits), len(t.digits)); err != nil {
		return t, err
	}
	for i, c := range digits {
		t.digits[i] = c - '0'
	}
	t.set = true
	return t, nil
}

// Policy is what a module asks of a table before it uses it: at least eight different digits, none more than four times.
// ErrBiased if not; ErrInput for the zero Table.
func (t *Table) Policy() error {
	const least, most = 8, 4
	if err := t.check(); err != nil {
		return err
	}
	var count [10]int
	different, often := 0, 0
	for _, d := range t.digits {
		if count[d]++; count[d] == 1 {
			different++
		}
		often = max(often, count[d])
	}
	if different < least || often > most {
		return fmt.Errorf("%w: %d different digits, one of them %d times: want %d at least, none more than %d times",
			ErrBiased, different, often, least, most)
	}
	return nil
}

// Decimalise replaces each of the sixteen nibbles of block by its digit, as numbers. ErrInput for the zero Table.
func (t *Table) Decimalise(digits *[16]byte, block *[8]byte) error {
	if err := t.check(); err != nil {
		return err
	}
	t.decimalise(digits, block)
	return nil
}

func (t *Table) decimalise(digits *[16]byte, block *[8]byte) {
	for i := range digits {
		digits[i] = t.digits[block[i/2]>>(4*(1-i%2))&15]
	}
}

func (t *Table) check() error {
	if !t.set {
		return fmt.Errorf("%w: no decimalisation table", ErrInput)
	}
	return nil
}
