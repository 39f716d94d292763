package reader

import (
	"bytes"
	"time"

	"github.com/posim/posim/emv/apdu"
)

// cardT0 is what a T=0 card keeps between two TPDUs: an answer that did not fit the first one.
type cardT0 struct {
	header [4]byte // of the command it belongs to
	fetch  bool    // by GET RESPONSE; else by the same header with the right length
	data   []byte
	sw     [2]byte
}

// t0TPDU plays reader and card for one TPDU (EMV 4.4 Book 1, 9.3.1): a header, with the data the command sends. A host
// that leaves the Le of a case 4 command in place is understood as well.
func (e *Emulator) t0TPDU(b []byte) {
	if len(b) < 4 {
		e.busy = false
		e.fail(errorBadLength)
		return
	}
	var p3 byte
	if len(b) > 4 {
		p3 = b[4]
	}
	switch sends := len(b) > 5; {
	case sends && p3 != 0 && (len(b) == 5+int(p3) || len(b) == 6+int(p3)):
		e.t0Run(b[:5+int(p3)], true)
	case sends:
		e.busy = false
		e.fail(errorBadLength)
	case b[1] == apdu.InsGetResponse:
		e.t0GetResponse(p3)
	case len(e.t0.data) > 0 && !e.t0.fetch && e.t0.header == [4]byte(b) && int(p3) == len(e.t0.data)&0xFF:
		e.t0Answer(e.t0.data, e.t0.sw[0], e.t0.sw[1])
		e.t0.data = nil
	default:
		e.scratch = append(append(e.scratch[:0], b[:4]...), p3)
		e.t0Run(e.scratch, false)
	}
}

func (e *Emulator) t0GetResponse(p3 byte) {
	rest := e.t0.data
	switch n := lengthOf(p3); {
	case len(rest) == 0 || !e.t0.fetch:
		e.t0Answer(nil, 0x69, 0x85) // nothing to fetch
	case n > len(rest):
		e.t0Answer(nil, 0x6C, byte(len(rest)))
	case n < len(rest):
		e.t0.data = rest[n:]
		e.t0Answer(rest[:n], 0x61, byte(len(rest)-n))
	default:
		e.t0.data = nil
		e.t0Answer(rest, e.t0.sw[0], e.t0.sw[1])
	}
}

func lengthOf(p3 byte) int {
	if p3 == 0 {
		return apdu.MaxLe
	}
	return int(p3)
}

// t0Run has the card run a command and turns its answer into what T=0 can carry: a command that sent data gives its
// answer through 61xx and GET RESPONSE, one that asked for the wrong length is told the right one with 6Cxx. The card
// runs a command once, however often it is asked for the answer.
func (e *Emulator) t0Run(command []byte, sent bool) {
	e.t0.data = nil
	response, takes, fault, ok := e.run(command)
	if !ok {
		return
	}
	header := [4]byte(command)
	asked := lengthOf(command[4])
	switch fault.Kind {
	case FaultBadLRC, FaultWrongSequence, FaultWTXFlood, FaultNullFlood:
		e.fault = fault // T=0 has none of these: it happens to the frame
	}
	n := len(response) - 2
	sw := [2]byte(response[n:])
	if n > 0 && (sent || n != asked) {
		e.t0 = cardT0{header, sent, bytes.Clone(response[:n]), sw}
		sw = [2]byte{0x6C, byte(n)}
		if sent {
			sw[0] = 0x61
		}
		response = response[:0:0]
		n = 0
	}
	if takes <= 0 {
		e.t0Answer(response[:n], sw[0], sw[1])
		return
	}
	data := bytes.Clone(response[:n])
	e.grind(takes, func() { e.t0Answer(data, sw[0], sw[1]) })
}

// grind lets a T=0 card work; every NULL of the card is a bare byte of the reader's.
func (e *Emulator) grind(takes time.Duration, done func()) {
	if takes <= patience {
		e.after(takes, done)
		return
	}
	e.after(patience, func() {
		e.write([]byte{0x80})
		e.grind(takes-patience, done)
	})
}

func (e *Emulator) t0Answer(data []byte, sw1, sw2 byte) {
	e.busy = false
	e.scratch = append(append(e.scratch[:0], data...), sw1, sw2)
	e.answer(0, 0, e.scratch)
}
