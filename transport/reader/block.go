package reader

import "fmt"

// block is one T=1 block (ISO/IEC 7816-3, 11.3): NAD, PCB, LEN, INF, LRC.
type block struct {
	pcb byte
	inf []byte
}

// The protocol control byte. An I-block is 0 N M 00000, an R-block 100 N 00 ee, an S-block 11 r 000 tt.
const (
	pcbISequence = 0x40
	pcbIMore     = 0x20

	pcbR         = 0x80
	pcbRSequence = 0x10
	rOK          = 0x00
	rEDC         = 0x01
	rOther       = 0x02

	pcbS       = 0xC0
	sResponse  = 0x20
	pcbResynch = 0xC0
	pcbIFS     = 0xC1
	pcbAbort   = 0xC2
	pcbWTX     = 0xC3
	maxINF     = 0xFE
	blockFrame = 4 // NAD, PCB, LEN, LRC
	maxBlock   = maxINF + blockFrame
	defaultIFS = 32
)

func (b block) isI() bool { return b.pcb&0x80 == 0 }
func (b block) isR() bool { return b.pcb&0xC0 == pcbR }
func (b block) isS() bool { return b.pcb&0xC0 == pcbS }

// sequence is N(S) of an I-block and N(R) of an R-block, 0 or 1.
func (b block) sequence() byte {
	if b.isI() {
		return b.pcb >> 6 & 1
	}
	return b.pcb >> 4 & 1
}

func (b block) more() bool { return b.pcb&pcbIMore != 0 }

func iBlock(sequence byte, more bool, inf []byte) block {
	b := block{sequence << 6, inf}
	if more {
		b.pcb |= pcbIMore
	}
	return b
}

func rBlock(sequence, reason byte) block { return block{pcbR | sequence<<4 | reason, nil} }

// name is how errors and fault events call the block.
func (b block) name() string {
	switch {
	case b.isI():
		return EventIBlock
	case b.isR():
		return EventRBlock
	}
	return EventSBlock
}

func (b block) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, 0, b.pcb, byte(len(b.inf)))
	dst = append(dst, b.inf...)
	return append(dst, xor(dst[start:]))
}

// blockError tells a block that arrived damaged (answered with R, EDC) from one that is wrong or did not come (R, other).
type blockError struct {
	edc  bool
	mute bool
	text string
}

func (e *blockError) Error() string { return "reader: T=1 block: " + e.text }

// parseBlock reads a whole block; inf stays part of p. An error is a *blockError.
func parseBlock(p []byte) (block, error) {
	wrong := func(edc bool, format string, a ...any) (block, error) {
		return block{}, &blockError{edc: edc, text: fmt.Sprintf(format, a...)}
	}
	if len(p) < blockFrame {
		return wrong(true, "%d bytes, expected at least %d", len(p), blockFrame)
	}
	if int(p[2])+blockFrame != len(p) {
		return wrong(true, "LEN %02X at offset 2 in %d bytes", p[2], len(p))
	}
	if x := xor(p); x != 0 {
		return wrong(true, "LRC %02X, expected %02X", p[len(p)-1], p[len(p)-1]^x)
	}
	b := block{p[1], p[3 : len(p)-1]}
	if p[0] != 0 {
		return wrong(false, "NAD %02X, expected 00", p[0])
	}
	if len(b.inf) > maxINF {
		return wrong(false, "LEN FF, expected at most FE")
	}
	switch {
	case b.isI():
		if b.pcb&0x1F != 0 {
			return wrong(false, "PCB %02X is no I-block", b.pcb)
		}
	case b.isR():
		if b.pcb&0x2C != 0 || b.pcb&0x03 > rOther || len(b.inf) != 0 {
			return wrong(false, "PCB %02X with LEN %02X is no R-block", b.pcb, len(b.inf))
		}
	default:
		want := 0
		switch b.pcb &^ sResponse {
		case pcbResynch, pcbAbort:
		case pcbIFS, pcbWTX:
			want = 1
		default:
			return wrong(false, "PCB %02X is no S-block", b.pcb)
		}
		if len(b.inf) != want {
			return wrong(false, "S-block %02X with LEN %02X, expected %02X", b.pcb, len(b.inf), want)
		}
		if b.pcb&^sResponse == pcbIFS && (b.inf[0] == 0 || b.inf[0] > maxINF) {
			return wrong(false, "IFS of %02X, expected 01 to FE", b.inf[0])
		}
		if b.pcb&^sResponse == pcbWTX && b.inf[0] == 0 {
			return wrong(false, "WTX of 00, expected 01 to FF")
		}
	}
	return b, nil
}
