package pinblock

import (
	"errors"
	"fmt"
	"io"
)

// FillLen is how many bytes of fill a block wants for a PIN of n digits: in formats 1 and 3 one for each nibble behind the
// PIN (0 to 15, in format 3 10 to 15), in format 4 the eight random bytes, else none.
func (f Format) FillLen(n int) int {
	switch f {
	case Format1, Format3:
		return max(0, nibbles-n)
	case Format4:
		return 8
	}
	return 0
}

// MaxFill is the most that FillLen gives for a PIN.
const MaxFill = nibbles - MinPIN

// errSource is of a source that is not random at all.
var errSource = errors.New("pinblock: fill: the random source gives the same over and over")

// RandomFill makes fill for a block of format f, of the length that FillLen says, from a source of random bytes. Each digit
// is as likely as any other: 256 is no multiple of format 3's six letters, so what is left over is drawn again.
// The source's error, or one that says that it is stuck.
func RandomFill(fill []byte, f Format, random io.Reader) error {
	if _, err := io.ReadFull(random, fill); err != nil {
		return fmt.Errorf("pinblock: fill: %w", err)
	}
	switch f {
	case Format1:
		for i := range fill {
			fill[i] &= 15
		}
	case Format3:
		for i := range fill {
			if err := letter(fill[i:i+1], random); err != nil {
				return err
			}
		}
	}
	return nil
}

// letter turns the random byte b[0] into one of A to F.
func letter(b []byte, random io.Reader) error {
	const (
		letters = 6
		limit   = 256 / letters * letters
		draws   = 32 // each is refused once in 64: all of them, once in 2^192
	)
	for range draws {
		if b[0] < limit {
			b[0] = 10 + b[0]%letters
			return nil
		}
		if _, err := io.ReadFull(random, b); err != nil {
			return fmt.Errorf("pinblock: fill: %w", err)
		}
	}
	return errSource
}

// checkFill checks what FillLen says. Errors do not quote it.
func checkFill(f Format, n int, fill []byte) error {
	if want := f.FillLen(n); len(fill) != want {
		return fmt.Errorf("%w of %d bytes: want %d for a PIN of this length in format %v", ErrFill, len(fill), want, f)
	}
	if f != Format1 && f != Format3 {
		return nil
	}
	least := byte(0)
	if f == Format3 {
		least = 10
	}
	for i, d := range fill {
		if d < least || d > 15 {
			return fmt.Errorf("%w: digit %d is not %X to F", ErrFill, i+1, least)
		}
	}
	return nil
}
