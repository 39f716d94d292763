package reader

import "bytes"

// receive takes what the reader sends, while the owner waits.
func (r *CCID) receive(p []byte, err error) {
	if err != nil {
		r.lost = err
		return
	}
	for len(p) > 0 {
		var kind elementKind
		var b []byte
		switch kind, b, p = r.decoder.take(p); kind {
		case elementFrame:
			r.frame(b)
		case elementBad:
			r.stats.BadFrames++
			r.got |= gotBad
		case elementNAK:
			r.stats.Refused++
			r.got |= gotNAK
		case elementTimeRequest:
			r.stats.TimeRequests++
			r.got |= gotTime
		case elementGarbage:
			r.stats.Garbage++
		case elementEvent:
			r.event(b[0]&slotPresent != 0)
		}
	}
	if r.decoder.partial() {
		r.heard = r.clock.Now()
		r.got |= gotPart
	}
}

func (r *CCID) event(present bool) {
	r.present = present
	if !present {
		r.removed = true
		r.got |= gotRemoved
	}
}

func (r *CCID) frame(b []byte) {
	m, err := parseMessage(b)
	switch {
	case err != nil:
		r.stats.BadFrames++
		r.got |= gotBad
	case m.kind.fromHost():
		if len(r.out) < 3 || !bytes.Equal(b, r.out[2:len(r.out)-1]) {
			r.stats.BadEchoes++
		}
	case !r.waiting || m.seq != r.seq || m.slot != 0:
		r.stats.WrongSequence++
		r.strange = m.seq
	default:
		m.data = r.data[:copy(r.data[:], m.data)]
		r.answer = m
		r.got |= gotAnswer
	}
}
