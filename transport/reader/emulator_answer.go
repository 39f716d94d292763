package reader

import "bytes"

func (e *Emulator) icc() byte {
	switch {
	case e.card == nil:
		return iccAbsent
	case !e.active:
		return iccInactive
	}
	return iccActive
}

// answer answers the request in hand: its work is done.
func (e *Emulator) answer(errorByte, third byte, data []byte) {
	e.put(e.request.kind.answer(), e.request.seq, e.icc(), errorByte, third, data)
	e.finish()
}

func (e *Emulator) fail(errorByte byte) {
	e.put(e.request.kind.answer(), e.request.seq, commandFailed|e.icc(), errorByte, 0, nil)
	e.finish()
}

func (e *Emulator) put(kind messageType, seq, status, errorByte, third byte, data []byte) {
	m := message{kind: kind, slot: 0, seq: seq, specific: [3]byte{status, errorByte, third}, data: data}
	e.out = appendFrame(e.out[:0], &m)
}

func (e *Emulator) finish() {
	e.last = append(e.last[:0], e.out...)
	e.send()
}

// send sends the last answer, with what goes wrong with it.
func (e *Emulator) send() {
	e.out = append(e.out[:0], e.last...)
	fault := e.fault
	e.fault = Fault{}
	switch fault.Kind {
	case FaultBadLRC:
		e.out[len(e.out)-1] ^= 0xFF
	case FaultWrongSequence:
		e.out[2+6]++
		e.out[len(e.out)-1] ^= (e.out[2+6] - 1) ^ e.out[2+6]
	case FaultWTXFlood, FaultNullFlood:
		e.flood(fault.Kind, maxFlood)
		return
	case FaultSlow:
		late := bytes.Clone(e.out)
		e.clock.After(fault.Delay, func() { e.write(late) }) // even if the host has gone on
		return
	}
	e.write(e.out)
}

// flood asks for time, again and again.
func (e *Emulator) flood(kind FaultKind, left int) {
	if left == 0 {
		return
	}
	e.after(patience, func() {
		if kind == FaultNullFlood {
			e.write([]byte{0x80})
		} else {
			e.put(e.request.kind.answer(), e.request.seq, commandTimeExtension|e.icc(), 1, 0, nil)
			e.write(e.out)
		}
		e.flood(kind, left-1)
	})
}
