package reader

import (
	"time"

	"github.com/posim/posim/sim"
)

// LocalPipe is a line in memory between two parties that share one clock: a terminal with an emulated reader inside, in
// real time or virtual. What one end writes arrives at the other while the clock's owner waits, after the time the bytes
// take at bitRate (bits per second, 8N2; 0: no time).
func LocalPipe(clock sim.Clock, bitRate int) (x, y Line) {
	m, n := &localEnd{clock: clock}, &localEnd{clock: clock}
	m.peer, n.peer = n, m
	if bitRate > 0 {
		m.perByte = BitsPerByte * time.Second / time.Duration(bitRate)
		n.perByte = m.perByte
	}
	return m, n
}

type localEnd struct {
	clock   sim.Clock
	peer    *localEnd
	perByte time.Duration
	free    time.Time
	receive func(p []byte, err error)
	early   []byte
	closed  error
	told    bool
}

var _ Line = (*localEnd)(nil)

// Write sends p.
func (e *localEnd) Write(p []byte) (int, error) {
	if e.closed != nil {
		return 0, e.closed
	}
	b := append([]byte(nil), p...)
	e.clock.After(e.arrival(len(b)), func() { e.peer.deliver(b) })
	return len(p), nil
}

// arrival is how long n more bytes take to the other end.
func (e *localEnd) arrival(n int) time.Duration {
	now := e.clock.Now()
	if e.free.Before(now) {
		e.free = now
	}
	e.free = e.free.Add(time.Duration(n) * e.perByte)
	return e.free.Sub(now)
}

func (e *localEnd) deliver(p []byte) {
	switch {
	case e.closed != nil:
	case e.receive != nil:
		e.receive(p, nil)
	case len(e.early)+len(p) <= maxEarly: // else lost: a receive buffer that overruns
		e.early = append(e.early, p...)
	}
}

// Receive names the function that gets what arrives.
func (e *localEnd) Receive(f func(p []byte, err error)) {
	e.receive = f
	if p := e.early; p != nil {
		e.early = nil
		f(p, nil)
	}
	e.tell()
}

// Close ends the line; the other side hears of it after what was written before.
func (e *localEnd) Close() error {
	if e.closed != nil {
		return nil
	}
	e.closed, e.told = ErrLineClosed, true
	e.clock.After(e.arrival(0), e.peer.hangUp)
	return nil
}

func (e *localEnd) hangUp() {
	if e.closed == nil {
		e.closed = ErrLineClosed
		e.tell()
	}
}

func (e *localEnd) tell() {
	if e.closed != nil && !e.told && e.receive != nil {
		e.told = true
		e.receive(nil, e.closed)
	}
}
