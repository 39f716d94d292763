package pinblock

import (
	"encoding/binary"
	"fmt"
)

// pair is a field as the numbers that its first and last eight bytes are; a field of eight bytes is hi alone. Nibbles are
// shifted in registers, so that no byte of a PIN lies about in memory.
type pair struct{ hi, lo uint64 }

func (p pair) xor(q pair) pair { return pair{p.hi ^ q.hi, p.lo ^ q.lo} }

// put writes as much of p as dst takes: 8 or 16 bytes.
func (p pair) put(dst []byte) {
	binary.BigEndian.PutUint64(dst, p.hi)
	if len(dst) == MaxSize {
		binary.BigEndian.PutUint64(dst[8:], p.lo)
	}
}

// load undoes put; what src does not have is zero.
func load(src []byte) (p pair) {
	p.hi = binary.BigEndian.Uint64(src)
	if len(src) == MaxSize {
		p.lo = binary.BigEndian.Uint64(src[8:])
	}
	return p
}

// PINField writes the plain text PIN field to dst[:f.Size()]: control nibble, length, digits, filler. pin is the digits as
// numbers. fill is what Format.FillLen and RandomFill say. ErrFormat, ErrPIN or ErrFill, and then nothing is written.
func PINField(dst []byte, f Format, pin, fill []byte) error {
	p, err := pinField(f, pin, fill)
	if err != nil {
		return err
	}
	p.put(dst[:f.Size()])
	return nil
}

// PANField writes the account number field to dst[:f.Size()]: zeros for a format without PAN; in formats 0 and 3 (the
// last eight bytes of SM4X98) four zeros and the rightmost twelve digits without the check digit; in format 4 how many
// digits there are above twelve, then all of them from the left. pan is ASCII digits. ErrFormat or ErrPAN, and then
// nothing is written.
func PANField(dst []byte, f Format, pan []byte) error {
	p, err := panField(f, pan)
	if err != nil {
		return err
	}
	p.put(dst[:f.Size()])
	return nil
}

func pinField(f Format, pin, fill []byte) (p pair, err error) {
	if err := f.check(); err != nil {
		return p, err
	}
	if err := checkPIN(pin); err != nil {
		return p, err
	}
	if err := checkFill(f, len(pin), fill); err != nil {
		return p, err
	}
	l := &layouts[f]
	p = pair{l.control<<4 | uint64(len(pin)), l.tail}
	for _, d := range pin {
		p.hi = p.hi<<4 | uint64(d)
	}
	switch f {
	case Format1, Format3:
		for _, d := range fill {
			p.hi = p.hi<<4 | uint64(d)
		}
		return p, nil
	case Format4:
		p.lo = binary.BigEndian.Uint64(fill)
	}
	for range nibbles - len(pin) {
		p.hi = p.hi<<4 | l.filler
	}
	return p, nil
}

// nibbles is how many there are behind control and length in the first eight bytes.
const nibbles = 14

func checkPIN(pin []byte) error {
	if len(pin) < MinPIN || len(pin) > MaxPIN {
		return ErrPIN
	}
	for _, d := range pin {
		if d > 9 {
			return ErrPIN
		}
	}
	return nil
}

func panField(f Format, pan []byte) (p pair, err error) {
	if err := CheckPAN(f, pan); err != nil || !f.HasPAN() {
		return p, err
	}
	switch f {
	case Format4:
		return panField4(pan), nil
	case SM4X98:
		p.lo = twelve(pan)
	default:
		p.hi = twelve(pan)
	}
	return p, nil
}

// twelve is the rightmost twelve digits without the check digit.
func twelve(pan []byte) (v uint64) {
	for _, c := range pan[len(pan)-13 : len(pan)-1] {
		v = v<<4 | uint64(c-'0')
	}
	return v
}

// panField4 is the plain text PAN field (ISO 9564-1, 9.4.2.3).
func panField4(pan []byte) (p pair) {
	const least = 12
	at := 1
	if len(pan) < least {
		at += least - len(pan) // zeros on the left
	} else {
		p.hi = uint64(len(pan)-least) << 60
	}
	for _, c := range pan {
		d := uint64(c - '0')
		if at < 16 {
			p.hi |= d << (60 - 4*at)
		} else {
			p.lo |= d << (60 - 4*(at-16))
		}
		at++
	}
	return p
}

// CheckPAN tells whether a block of format f can be made for pan, ASCII digits: 13 to 19 of them, in format 4 from 8. A
// format without PAN takes anything. ErrPAN says what is wrong without quoting it; ErrFormat.
func CheckPAN(f Format, pan []byte) error {
	if err := f.check(); err != nil {
		return err
	}
	if !f.HasPAN() {
		return nil
	}
	for i, c := range pan {
		if c < '0' || c > '9' {
			return fmt.Errorf("%w: character %d of %d is no digit", ErrPAN, i+1, len(pan))
		}
	}
	const most = 19 // ISO/IEC 7812-1
	if least := layouts[f].minPAN; len(pan) < least || len(pan) > most {
		return fmt.Errorf("%w of %d digits: want %d to %d", ErrPAN, len(pan), least, most)
	}
	return nil
}
