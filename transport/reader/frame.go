package reader

import "encoding/binary"

// The GemPC Twin's serial frame: SYNC, control, a CCID message, and LRC, which makes the exclusive-or of all bytes zero.
// Between frames stand, bare: a refusal of the last frame (SYNC NAK LRC), a card event (50 and a slot state), and, from
// the reader only, one byte of 80 to FF that asks for time while a T=0 card works.
const (
	frameSync    = 0x03
	frameControl = 0x06
	frameNAK     = 0x15
	frameNAKLRC  = frameSync ^ frameNAK
	slotEvent    = 0x50

	slotPresent = 0x01 // bit of a slot event: a card is there
	slotChanged = 0x02 // bit of a slot event: it came or went since the last one

	// maxFrame is a frame around the longest message.
	maxFrame = 2 + maxMessage + 1
)

// appendFrame puts message m in a frame.
func appendFrame(dst []byte, m *message) []byte {
	start := len(dst)
	dst = m.append(append(dst, frameSync, frameControl))
	return append(dst, xor(dst[start:]))
}

func xor(b []byte) (x byte) {
	for _, c := range b {
		x ^= c
	}
	return x
}

// elementKind is what stands on the line at one place.
type elementKind byte

const (
	elementNone        elementKind = iota // more bytes are needed
	elementFrame                          // a message, its LRC right
	elementBad                            // a frame whose LRC is wrong or whose length is impossible
	elementNAK                            // the other side refused our last frame
	elementEvent                          // a slot event; its state is in bytes[0]
	elementTimeRequest                    // the reader's card needs time
	elementGarbage                        // a byte that begins nothing
)

// frameDecoder finds the elements in a stream of bytes, from either side. It never holds more than one frame.
type frameDecoder struct {
	buf [maxFrame]byte
	n   int
}

// partial tells whether an element has begun and waits for its rest.
func (d *frameDecoder) partial() bool { return d.n > 0 }

// reset forgets what has begun.
func (d *frameDecoder) reset() { d.n = 0 }

// take eats bytes of p up to the end of one element; rest is what stands behind it. bytes (the message, of a frame) are
// valid until the next call.
func (d *frameDecoder) take(p []byte) (kind elementKind, bytes, rest []byte) {
	for len(p) > 0 {
		want := d.want()
		m := copy(d.buf[d.n:want], p)
		d.n += m
		p = p[m:]
		if d.n < want {
			break
		}
		if kind, bytes = d.judge(); kind != elementNone {
			d.n = 0
			return kind, bytes, p
		}
	}
	return elementNone, nil, nil
}

// want is how many bytes must be there before the next look.
func (d *frameDecoder) want() int {
	switch {
	case d.n < 1:
		return 1
	case d.n < 2:
		return 2
	case d.n < 3 && d.buf[1] == frameNAK:
		return 3
	case d.n < 2+messageHeader:
		return 2 + messageHeader
	}
	return 2 + messageHeader + int(d.length()) + 1
}

func (d *frameDecoder) length() uint32 { return binary.LittleEndian.Uint32(d.buf[3:7]) }

func (d *frameDecoder) judge() (elementKind, []byte) {
	b := d.buf[:d.n]
	switch first := b[0]; {
	case first >= 0x80:
		return elementTimeRequest, b
	case first != frameSync && first != slotEvent:
		return elementGarbage, b
	case len(b) == 1:
		return elementNone, nil
	case first == slotEvent:
		if b[1]&^(slotPresent|slotChanged) != 0 {
			return elementGarbage, b
		}
		return elementEvent, b[1:]
	case b[1] == frameNAK:
		if len(b) < 3 {
			return elementNone, nil
		}
		if b[2] != frameNAKLRC {
			return elementGarbage, b
		}
		return elementNAK, nil
	case b[1] != frameControl:
		return elementGarbage, b
	case len(b) < 2+messageHeader:
		return elementNone, nil
	case d.length() > maxData:
		return elementBad, b
	case len(b) < 2+messageHeader+int(d.length())+1:
		return elementNone, nil
	case xor(b) != 0:
		return elementBad, b
	}
	return elementFrame, b[2 : len(b)-1]
}
