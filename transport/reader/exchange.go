package reader

import (
	"fmt"
	"time"

	"github.com/posim/posim/emv/apdu"
)

// statusError is an answer that says that its command failed.
type statusError struct {
	kind messageType
	seq  byte
	icc  byte
	code byte
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%v %02X: %s: %v", e.kind, e.seq, errorName(e.code), e.Unwrap())
}

// Unwrap gives the cause as the kernel knows it.
func (e *statusError) Unwrap() error {
	switch {
	case e.icc == iccAbsent:
		return apdu.ErrCardRemoved
	case e.code == errorMute:
		return apdu.ErrMute
	}
	return apdu.ErrProtocol
}

// exchange sends a command and waits for its answer, within that time from here and from every request for more. The
// answer's data are valid until the next exchange.
func (r *CCID) exchange(kind messageType, specific [3]byte, data []byte, within time.Duration) (message, error) {
	if r.lost != nil {
		return message{}, fmt.Errorf("%v: %w: %w", kind, ErrUnplugged, r.lost)
	}
	r.seq++
	m := message{kind: kind, seq: r.seq, specific: specific, data: data}
	r.out = appendFrame(r.out[:0], &m)
	r.got, r.waiting = 0, true
	answer, err := r.await(kind, within)
	r.waiting = false
	if err != nil {
		return message{}, err
	}
	return answer, r.judge(kind, answer)
}

func (r *CCID) await(kind messageType, within time.Duration) (message, error) {
	before := r.stats
	tries, asked := 1, 0
	deadline := r.now(within)
	r.send(r.out)
	for {
		until := deadline
		if r.decoder.partial() {
			until = earlier(until, r.heard.Add(characterTimeout))
		}
		met := r.clock.Wait(until, r.ready)
		got := r.got
		r.got = 0
		switch {
		case r.lost != nil:
			return message{}, fmt.Errorf("%v %02X: %w: %w", kind, r.seq, ErrUnplugged, r.lost)
		case got&gotAnswer != 0 && r.answer.specific[0]&commandMask != commandTimeExtension:
			r.stats.Frames++
			return r.answer, nil
		case got&gotAnswer != 0:
			r.stats.TimeRequests++
			deadline = r.now(within * time.Duration(max(1, r.answer.specific[1])))
		case got&gotBad != 0, !met && until.Before(deadline):
			if !met {
				r.decoder.reset()
				r.stats.BadFrames++
			}
			if asked++; asked >= maxTries {
				return message{}, protocolError("%v %02X: answer damaged %d times, expected LRC 0", kind, r.seq, asked)
			}
			r.send([]byte{frameSync, frameNAK, frameNAKLRC})
			deadline = r.now(within)
		case got&gotNAK != 0:
			if tries++; tries > maxTries {
				return message{}, protocolError("%v %02X: refused by the reader %d times", kind, r.seq, tries-1)
			}
			r.send(r.out)
			deadline = r.now(within)
		case got&gotTime != 0:
			deadline = r.now(within)
		}
		if got&gotRemoved != 0 {
			deadline = earlier(deadline, r.now(removedGrace))
		}
		if !met && !until.Before(deadline) || !r.clock.Now().Before(r.limit) {
			r.decoder.reset()
			return message{}, r.silent(kind, before)
		}
	}
}

// silent says what came instead of an answer in time.
func (r *CCID) silent(kind messageType, before Stats) error {
	switch now := r.stats; {
	case r.removed && (kind == typeXfrBlock || kind == typeIccPowerOn):
		return fmt.Errorf("%v %02X: %w", kind, r.seq, apdu.ErrCardRemoved)
	case now.WrongSequence > before.WrongSequence:
		return protocolError("%v %02X: an answer numbered %02X came, expected %02X", kind, r.seq, r.strange, r.seq)
	case now.TimeRequests > before.TimeRequests:
		return fmt.Errorf("%v %02X: %d requests for more time and no answer: %w", kind, r.seq, now.TimeRequests-before.TimeRequests, apdu.ErrMute)
	case kind == typeXfrBlock || kind == typeIccPowerOn:
		return fmt.Errorf("%v %02X: no answer from the reader: %w", kind, r.seq, apdu.ErrMute)
	}
	return fmt.Errorf("%v %02X: no answer, expected %v: %w", kind, r.seq, kind.answer(), ErrUnplugged)
}

// judge takes from the answer what it says about the card, and whether the command did what it should.
func (r *CCID) judge(kind messageType, m message) error {
	icc := m.specific[0] & iccMask
	if r.present = icc != iccAbsent; !r.present {
		r.removed = true // and stays so until PowerOn, whatever is put in: it is not the card we spoke to
	}
	if m.specific[0]&commandMask == commandFailed {
		return &statusError{kind, m.seq, icc, m.specific[1]}
	}
	switch {
	case m.specific[0]&^iccMask != 0 || icc > iccAbsent:
		return protocolError("%v %02X: bStatus %02X, expected 00 to 02 or 40 to 42", kind, m.seq, m.specific[0])
	case m.kind != kind.answer():
		return protocolError("%v %02X: answered by %v, expected %v", kind, m.seq, m.kind, kind.answer())
	}
	return nil
}

// transfer carries a block or TPDU to the card. The answer is valid until the next exchange.
func (r *CCID) transfer(bwi byte, data []byte, card time.Duration) ([]byte, error) {
	if len(data) > maxData {
		return nil, fmt.Errorf("%v of %d bytes, expected at most %d", typeXfrBlock, len(data), maxData)
	}
	m, err := r.exchange(typeXfrBlock, [3]byte{bwi}, data, card+r.cfg.Timeout)
	if err == nil && m.specific[2] != 0 {
		err = protocolError("%v %02X: bChainParameter %02X, expected 00", typeXfrBlock, m.seq, m.specific[2])
	}
	return m.data, err
}

func (r *CCID) send(p []byte) {
	if _, err := r.line.Write(p); err != nil && r.lost == nil {
		r.lost = err
	}
}

// now is d from now, and never past the limit of the operation.
func (r *CCID) now(d time.Duration) time.Time { return earlier(r.clock.Now().Add(d), r.limit) }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
