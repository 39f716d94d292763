package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Header is the form of a frame's length.
type Header byte

// The length headers in use. Neither counts itself; both count the TPDU.
const (
	Binary2 Header = iota // two bytes, big-endian
	ASCII4                // four decimal digits
)

// MaxFrame is the longest frame by default, in bytes without its header: four times the longest message in the field.
const MaxFrame = 4096

// TPDU is a transport protocol data unit of five bytes: identifier 60, destination, source.
type TPDU struct{ Destination, Source uint16 }

const (
	tpduLen = 5
	tpduID  = 0x60
)

// ErrAddress is a frame whose TPDU is not one for this side. It is taken off the stream like others and nobody is told by an
// answer: whoever it was meant for, the next one may be right.
var ErrAddress = errors.New("transport: TPDU of somebody else")

// Framing says how messages stand in a stream of bytes. The zero value is a two-byte header without a TPDU.
type Framing struct {
	Header Header
	TPDU   *TPDU // what this side sends; the other side's has the two addresses exchanged; nil: none
	// AnySource is for whoever serves many: the other side's source address may be any, and a Link answers to the one that
	// wrote last. Only with a TPDU.
	AnySource bool
	Max       int // 0: MaxFrame
}

func (f Framing) headerLen() int {
	if f.Header == ASCII4 {
		return 4
	}
	return 2
}

func (f Framing) max() int {
	limit := f.Max
	if limit == 0 {
		limit = MaxFrame
	}
	if f.Header == ASCII4 {
		return min(limit, 9999)
	}
	return min(limit, 0xFFFF)
}

// Append puts p, framed, behind dst. A message longer than the framing allows is an error. An empty one can be sent, which
// is what a truncation may leave, and no Next takes it.
func (f Framing) Append(dst, p []byte) ([]byte, error) {
	n := len(p)
	if f.TPDU != nil {
		n += tpduLen
	}
	if n > f.max() {
		return dst, fmt.Errorf("transport: frame of %d bytes: want at most %d", n, f.max())
	}
	if f.Header == ASCII4 {
		dst = append(dst, byte('0'+n/1000), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
	} else {
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	}
	if t := f.TPDU; t != nil {
		dst = append(dst, tpduID)
		dst = binary.BigEndian.AppendUint16(dst, t.Destination)
		dst = binary.BigEndian.AppendUint16(dst, t.Source)
	}
	return append(dst, p...), nil
}

// Next takes one message off the front of b. It returns the message, which lies in b, and how many bytes it took with
// its header; zero bytes: more are needed. What cannot be a frame is an error: the stream has no next message then. A frame
// with another's TPDU is an error that wraps ErrAddress, and was taken: the next one stands behind it.
func (f Framing) Next(b []byte) (message []byte, taken int, err error) {
	h := f.headerLen()
	if len(b) < h {
		if f.Header == ASCII4 {
			_, err = digits(b)
		}
		return nil, 0, err
	}
	var n int
	if f.Header == ASCII4 {
		if n, err = digits(b[:h]); err != nil {
			return nil, 0, err
		}
	} else {
		n = int(binary.BigEndian.Uint16(b))
	}
	least := 1
	if f.TPDU != nil {
		least += tpduLen
	}
	if n < least || n > f.max() {
		return nil, 0, fmt.Errorf("transport: length header says %d bytes: want %d to %d", n, least, f.max())
	}
	if len(b) < h+n {
		return nil, 0, nil
	}
	m := b[h : h+n : h+n]
	if t := f.TPDU; t != nil {
		got := addresses(m)
		if m[0] != tpduID || got.Destination != t.Source || got.Source != t.Destination && !f.AnySource {
			return nil, h + n, fmt.Errorf("%w: TPDU %X: want %s", ErrAddress, m[:tpduLen], f.wanted())
		}
		m = m[tpduLen:]
	}
	return m, h + n, nil
}

// addresses are those of the TPDU at the front of b.
func addresses(b []byte) TPDU {
	return TPDU{binary.BigEndian.Uint16(b[1:]), binary.BigEndian.Uint16(b[3:])}
}

// wanted is the TPDU that this side takes, for people.
func (f Framing) wanted() string {
	from := "any source"
	if !f.AnySource {
		from = fmt.Sprintf("%04X", f.TPDU.Destination)
	}
	return fmt.Sprintf("%02X%04X %s", tpduID, f.TPDU.Source, from)
}

// towards is the framing that answers a frame which Next took.
func (f Framing) towards(frame []byte) Framing {
	if f.TPDU == nil || !f.AnySource {
		return f
	}
	if from := addresses(frame[f.headerLen():]).Source; from != f.TPDU.Destination {
		f.TPDU = &TPDU{Destination: from, Source: f.TPDU.Source}
	}
	return f
}

func digits(b []byte) (n int, err error) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("transport: length header % X: want 4 decimal digits", b)
		}
		n = n*10 + int(c-'0')
	}
	return n, nil
}
