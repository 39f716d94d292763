package reader

import (
	"bytes"
	"errors"
	"time"
)

// cardT1 is the card's side of T=1 (ISO/IEC 7816-3, 11.6).
type cardT1 struct {
	ns, nr  byte   // the next N(S) to send, the next N(S) to come
	ifs     int    // what the host takes in one block
	command []byte // chained by the host so far
	answer  []byte // still to be sent
	last    []byte // the block sent last, as it should have been
	info    []byte // the I-block sent last
	more    bool   // the last block was an I-block with more to follow
	resume  func() // what waits for the host to grant time
}

// maxCommand is a short command: header, Lc, data, Le.
const maxCommand = 4 + 1 + 255 + 1

func (e *Emulator) t1Block(p []byte) {
	t := &e.t1
	b, err := parseBlock(p)
	if err != nil {
		reason := byte(rOther)
		if w := (*blockError)(nil); errors.As(err, &w) && w.edc {
			reason = rEDC
		}
		e.t1Send(rBlock(t.nr, reason), Fault{})
		return
	}
	switch {
	case b.isI():
		e.t1Information(b)
	case b.isR() && len(t.last) == 0:
		e.t1Send(rBlock(t.nr, rOther), Fault{})
	case b.isR() && t.more && b.sequence() == t.ns:
		e.t1Next(Fault{})
	case b.isR() && b.sequence() != t.ns && len(t.info) > 0: // the I-block sent last has not arrived
		t.last = append(t.last[:0], t.info...)
		t.more = t.last[1]&pcbIMore != 0
		e.t1Deliver(Fault{})
	case b.isR():
		e.t1Deliver(Fault{})
	default:
		e.t1Supervisory(b)
	}
}

func (e *Emulator) t1Supervisory(b block) {
	t := &e.t1
	switch b.pcb {
	case pcbIFS:
		t.ifs = int(b.inf[0])
	case pcbResynch:
		*t = cardT1{ifs: t.ifs}
	case pcbAbort:
		t.command, t.answer, t.more = t.command[:0], nil, false
	case pcbWTX | sResponse:
		if f := t.resume; f != nil {
			t.resume = nil
			f()
			return
		}
		e.t1Send(rBlock(t.nr, rOther), Fault{})
		return
	default:
		e.t1Send(rBlock(t.nr, rOther), Fault{})
		return
	}
	e.t1Send(block{b.pcb | sResponse, bytes.Clone(b.inf)}, Fault{})
}

func (e *Emulator) t1Information(b block) {
	t := &e.t1
	if b.sequence() != t.nr {
		e.t1Send(rBlock(t.nr, rOther), Fault{})
		return
	}
	if len(t.command)+len(b.inf) > maxCommand || b.more() && len(b.inf) == 0 {
		t.command = t.command[:0]
		e.t1Send(rBlock(t.nr, rOther), Fault{}) // longer than any short command, or a chain of nothing
		return
	}
	t.resume = nil
	if b.more() {
		t.nr ^= 1
		t.command = append(t.command, b.inf...)
		e.t1Send(rBlock(t.nr, rOK), Fault{})
		return
	}
	command := append(t.command, b.inf...)
	if len(command) < 4 {
		t.nr ^= 1
		t.command = t.command[:0]
		t.answer = []byte{0x67, 0x00}
		e.t1Next(Fault{})
		return
	}
	response, takes, fault, ok := e.run(command)
	if !ok {
		if fault.Kind != FaultNAK { // refused by the reader: the card has not seen the block
			t.nr ^= 1
			t.command = t.command[:0]
		}
		return
	}
	t.nr ^= 1
	t.command = command[:0]
	t.answer = append(t.answer[:0:0], response...)
	switch fault.Kind {
	case FaultWTXFlood:
		e.t1Extend(0, true)
	case FaultNullFlood:
		e.flood(FaultNullFlood, maxFlood)
	case FaultBadLRC, FaultWrongSequence:
		e.t1Work(takes, fault)
	default: // what it does is done
		e.t1Work(takes, Fault{})
	}
}

// t1Work lets the card work for a while; it asks for more time in good time.
func (e *Emulator) t1Work(takes time.Duration, fault Fault) {
	if bwt := e.atr.BWT(); takes > bwt {
		e.after(bwt/2, func() { e.t1Extend(takes-bwt/2, false) })
		return
	}
	e.after(takes, func() { e.t1Next(fault) })
}

// t1Extend asks for what is left of the work; endless does so for ever.
func (e *Emulator) t1Extend(left time.Duration, endless bool) {
	bwt := e.atr.BWT()
	n := min(max(1, (left+bwt-1)/bwt), 0xFF)
	if endless {
		e.t1.resume = func() { e.after(bwt/2, func() { e.t1Extend(0, true) }) }
	} else {
		granted := n * bwt
		e.t1.resume = func() {
			if left > granted {
				e.after(granted/2, func() { e.t1Extend(left-granted/2, false) })
				return
			}
			e.after(left, func() { e.t1Next(Fault{}) })
		}
	}
	e.t1Send(block{pcbWTX, []byte{byte(n)}}, Fault{})
}

// t1Next sends the next piece of the answer.
func (e *Emulator) t1Next(fault Fault) {
	t := &e.t1
	n := t.ifs
	if s := e.cfg.BlockSize; s > 0 {
		n = min(n, s)
	}
	n = min(n, len(t.answer))
	b := iBlock(t.ns, n < len(t.answer), t.answer[:n])
	t.answer = t.answer[n:]
	t.ns ^= 1
	t.info = b.append(t.info[:0])
	e.t1Send(b, fault)
}

func (e *Emulator) t1Send(b block, fault Fault) {
	t := &e.t1
	t.last = b.append(t.last[:0])
	t.more = b.isI() && b.more()
	e.t1Deliver(fault)
}

// t1Deliver sends the last block, with what goes wrong with it: fault, or what the hook says.
func (e *Emulator) t1Deliver(fault Fault) {
	p := append(e.scratch[:0], e.t1.last...)
	e.scratch = p
	b := block{pcb: p[1]}
	if own := e.ask(b.name()); own.Kind != "" {
		fault = own
	}
	switch fault.Kind {
	case FaultBadLRC:
		p[len(p)-1] ^= 0xFF
	case FaultWrongSequence:
		bit := byte(pcbISequence)
		if !b.isI() {
			bit = pcbRSequence
		}
		p[1] ^= bit
		p[len(p)-1] ^= bit
	case FaultMute:
		e.silence()
		return
	case FaultTear:
		e.tear()
		return
	case FaultUnplug:
		e.unplug()
		return
	case FaultSlow:
		late := bytes.Clone(p)
		e.after(fault.Delay, func() { e.t1Out(late) })
		return
	case FaultNAK:
		e.busy = false
		e.refuse()
		return
	case FaultWTXFlood, FaultNullFlood:
		e.flood(fault.Kind, maxFlood)
		return
	}
	e.t1Out(p)
}

func (e *Emulator) t1Out(p []byte) {
	e.busy = false
	e.answer(0, 0, p)
}
