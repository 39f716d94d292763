package pinblock

import (
	"errors"
	"fmt"
)

// Format is a way to lay out a PIN in a block.
type Format uint8

// The formats. Their zero value is format 0.
const (
	Format0 Format = iota // PIN and filler F, XOR twelve digits of the PAN
	Format1               // PIN and any filler, no PAN
	Format2               // PIN and filler F, no PAN: between a terminal and the chip in it
	Format3               // as format 0, but the filler is random, A to F
	Format4               // 16 bytes, AES: the PAN joins between two passes
	SM4X98                // 16 bytes, SM4: as format 0, filled with F to twice the length, the PAN in the last six bytes
)

// ISO 9564-1, 8.1: a PIN has four to twelve digits.
const (
	MinPIN = 4
	MaxPIN = 12
)

// MaxSize is the size of the largest block.
const MaxSize = 16

// The errors, for errors.Is. Only ErrBlock tells of what is inside a block, and nothing more than that it is not right.
var (
	ErrFormat      = errors.New("pinblock: format")
	ErrPIN         = errors.New("pinblock: PIN: want 4 to 12 digits")
	ErrPAN         = errors.New("pinblock: PAN")
	ErrFill        = errors.New("pinblock: fill")
	ErrBlock       = errors.New("pinblock: not a PIN block of this format for this PAN")
	ErrTranslation = errors.New("pinblock: translation not permitted")
)

// layout is what a format has of its own.
type layout struct {
	name           string
	control        uint64 // the first nibble
	size           int    // of the block
	minPAN         int    // 0: no PAN
	filler         uint64 // the nibble behind the PIN
	exact, letters uint64 // a mask each: the filler is that nibble; the filler is any of A to F
	tail           uint64 // what the last eight of sixteen bytes are
	tailMask       uint64 // where tail is checked
}

const ones = ^uint64(0)

// A PAN below 13 digits has no twelve besides its check digit: ISO 9564-1 would pad formats 0 and 3 with zeros, but no
// card has one, and two readings of "twelve digits" are about. Format 4 says how a short one is written (M is 0); eight
// is ISO/IEC 7812-1's least.
var layouts = [...]layout{
	Format0: {name: "0", control: 0, size: 8, minPAN: 13, filler: 0xF, exact: ones},
	Format1: {name: "1", control: 1, size: 8},
	Format2: {name: "2", control: 2, size: 8, filler: 0xF, exact: ones},
	Format3: {name: "3", control: 3, size: 8, minPAN: 13, letters: ones},
	Format4: {name: "4", control: 4, size: 16, minPAN: 8, filler: 0xA, exact: ones},
	SM4X98:  {name: "sm4-x98-16", control: 0, size: 16, minPAN: 13, filler: 0xF, exact: ones, tail: ones, tailMask: ones},
}

func (f Format) known() bool { return int(f) < len(layouts) }

func (f Format) check() error {
	if !f.known() {
		return fmt.Errorf("%w %d: want 0 to %d", ErrFormat, uint8(f), len(layouts)-1)
	}
	return nil
}

// String is the format's number, or "sm4-x98-16".
func (f Format) String() string {
	if !f.known() {
		return fmt.Sprintf("Format(%d)", uint8(f))
	}
	return layouts[f].name
}

// ParseFormat undoes String. ErrFormat for anything else.
func ParseFormat(name string) (Format, error) {
	for f, l := range layouts {
		if l.name == name {
			return Format(f), nil
		}
	}
	return 0, fmt.Errorf("%w %q: want 0, 1, 2, 3, 4 or sm4-x98-16", ErrFormat, name)
}

// Size is how many bytes a block has, which is also the cipher's block size: 8 or 16; 0 for no format of these.
func (f Format) Size() int {
	if !f.known() {
		return 0
	}
	return layouts[f].size
}

// HasPAN tells whether a block belongs to one PAN. Formats 1 and 2 do not look at a PAN that is given with them.
func (f Format) HasPAN() bool { return f.known() && layouts[f].minPAN > 0 }

// Online tells whether a block may leave the terminal: format 2 goes to the chip and nowhere else (ISO 9564-1, 9.3.4).
func (f Format) Online() bool { return f.known() && f != Format2 }

// Permitted tells whether a block of one format may become one of another (PCI PIN Security, requirement 3). It is for the
// same PAN on both sides: a translation that changes the PAN turns the host into an oracle for PINs. ErrTranslation if not.
//
// SM4X98 counts as format 0 does: the same control nibble, the same digits of the PAN bound in the same way, only longer.
func Permitted(from, to Format) error {
	if err := errors.Join(from.check(), to.check()); err != nil {
		return err
	}
	switch {
	case !from.Online() || !to.Online():
		return fmt.Errorf("%w: from %v to %v: format 2 is for the chip in the terminal only", ErrTranslation, from, to)
	case from != Format1 && to == Format1:
		return fmt.Errorf("%w: from %v to %v: the block would lose its PAN", ErrTranslation, from, to)
	}
	return nil // also from 1: the PAN joins
}
