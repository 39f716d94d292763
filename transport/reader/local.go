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
	inbox
}

var _ Line = (*localEnd)(nil)

// Write sends p.
func (e *localEnd) Write(p []byte) (int, error) {
	if e.gone != nil {
		return 0, e.gone
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

// Close ends the line; the other side hears of it after what was written before.
func (e *localEnd) Close() error {
	if e.inbox.shut() {
		e.clock.After(e.arrival(0), func() { e.peer.hangUp(ErrLineClosed) })
	}
	return nil
}
