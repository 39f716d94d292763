package apdu

import "fmt"

// The largest data field and expected length of a short command (ISO/IEC 7816-4, 5.1).
const (
	MaxData = 255
	MaxLe   = 256
)

// LeAbsent is the Le of a command that expects no data.
const LeAbsent = -1

// Instructions of EMV Books 1 and 3 and of the ISO/IEC 7816-4 commands around them.
const (
	InsVerify               = 0x20
	InsExternalAuthenticate = 0x82
	InsGetChallenge         = 0x84
	InsInternalAuthenticate = 0x88
	InsSelect               = 0xA4
	InsGetProcessingOptions = 0xA8
	InsGenerateAC           = 0xAE
	InsReadRecord           = 0xB2
	InsGetResponse          = 0xC0
	InsGetData              = 0xCA
	InsApplicationBlock     = 0x1E
	InsApplicationUnblock   = 0x18
	InsCardBlock            = 0x16
	InsPINChangeUnblock     = 0x24
	InsPutData              = 0xDA
	InsUpdateRecord         = 0xDC
)

// Command is one short command. Le is LeAbsent, or 0 < Le <= 256 (256 travels as 00).
type Command struct {
	CLA, INS, P1, P2 byte
	Data             []byte
	Le               int
}

// Append appends the command's bytes to dst. Data of more than 255 bytes or an Le outside its range is a bug of the caller
// and panics: what comes from outside is bounded where it enters.
func (c Command) Append(dst []byte) []byte {
	if len(c.Data) > MaxData || c.Le > MaxLe || c.Le == 0 || c.Le < LeAbsent {
		panic(fmt.Sprintf("apdu: command %02X%02X with %d bytes and Le %d: want at most 255 bytes and Le -1 or 1..256", c.CLA, c.INS, len(c.Data), c.Le))
	}
	dst = append(dst, c.CLA, c.INS, c.P1, c.P2)
	if len(c.Data) > 0 {
		dst = append(dst, byte(len(c.Data)))
		dst = append(dst, c.Data...)
	}
	if c.Le != LeAbsent {
		dst = append(dst, byte(c.Le))
	}
	return dst
}

// ParseCommand reads the four cases of a short command (ISO/IEC 7816-3, 12.1.3). Data is a part of b.
// A header that is not whole, a length that differs from what follows, or an Lc of zero is an error.
func ParseCommand(b []byte) (Command, error) {
	if len(b) < 4 {
		return Command{}, fmt.Errorf("apdu: command of %d bytes: want at least CLA INS P1 P2", len(b))
	}
	c := Command{CLA: b[0], INS: b[1], P1: b[2], P2: b[3], Le: LeAbsent}
	body := b[4:]
	switch {
	case len(body) == 0: // case 1
		return c, nil
	case len(body) == 1: // case 2
		c.Le = le(body[0])
		return c, nil
	}
	lc := int(body[0])
	rest := body[1:]
	switch {
	case lc == 0:
		return Command{}, fmt.Errorf("apdu: command %02X%02X: Lc is 0 with %d bytes after it: want none, or a short Lc", c.CLA, c.INS, len(rest))
	case len(rest) == lc: // case 3
		c.Data = rest
	case len(rest) == lc+1: // case 4
		c.Data = rest[:lc]
		c.Le = le(rest[lc])
	default:
		return Command{}, fmt.Errorf("apdu: command %02X%02X: Lc is %d with %d bytes after it: want %d or %d", c.CLA, c.INS, lc, len(rest), lc, lc+1)
	}
	return c, nil
}

func le(b byte) int {
	if b == 0 {
		return MaxLe
	}
	return int(b)
}
