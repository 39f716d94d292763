package transport

import (
	"time"

	"github.com/posim/posim/sim"
)

// Stream is bytes in order, both ways.
type Stream interface {
	// Write sends p, all of it or none that the caller may count on: after an error nothing is known of what arrived.
	Write(p []byte) (int, error)
	// Receive has f given what arrives, on the owner's clock; err is not nil in the last call. p is f's for the call only.
	Receive(f func(p []byte, err error))
	// Close ends the connection in order: what was written still arrives.
	Close() error
	// Reset breaks the connection: the peer sees an error, not an end.
	Reset()
}

var _ Stream = (*memory)(nil)

// Pipe connects two parties in memory. What one writes arrives at the other after latency, in order. The powers of both
// must be on; when one goes, the other sees a reset.
func Pipe(a, b *sim.Actor, latency time.Duration) (Stream, Stream) {
	x := &memory{owner: a, epoch: a.Epoch(), latency: latency}
	y := &memory{owner: b, epoch: b.Epoch(), latency: latency}
	x.peer, y.peer = y, x
	x.wire, y.wire = a.Name()+">"+b.Name(), b.Name()+">"+a.Name()
	x.forget = a.OnPowerOff(x.Reset)
	y.forget = b.OnPowerOff(y.Reset)
	return x, y
}

// memory is one end of a stream in memory.
type memory struct {
	owner   *sim.Actor
	epoch   uint32
	wire    string
	peer    *memory
	latency time.Duration
	free    time.Time // bytes keep their order: nothing arrives before this
	held    []byte    // merged with the next write
	recv    func([]byte, error)
	early   []byte // arrived before Receive
	err     error  // how it ended
	told    bool   // the owner has been given the end
	forget  func()
}

// Write sends p.
func (m *memory) Write(p []byte) (int, error) {
	m.owner.Check(m.epoch)
	if m.err != nil {
		return 0, m.err
	}
	if len(m.held) > 0 {
		p = append(m.held, p...)
		m.held = nil
	}
	m.arrive(0, p, nil)
	return len(p), nil
}

// writeBytes sends p the way a byte fault has it.
func (m *memory) writeBytes(p []byte, how Bytes) error {
	m.owner.Check(m.epoch)
	if m.err != nil {
		return m.err
	}
	if how.Merge {
		m.held = append(m.held, p...)
		return nil
	}
	if how.Reset {
		p = p[:min(max(how.Cut, 0), len(p))]
	}
	piece := len(p)
	if how.Slice > 0 {
		piece = how.Slice
	}
	for at, late := 0, time.Duration(0); at < len(p); at, late = at+piece, late+how.Drip {
		m.arrive(late, p[at:min(at+piece, len(p))], nil)
	}
	if how.Reset {
		m.end(ErrReset)
		return ErrReset
	}
	return nil
}

// arrive schedules what the peer will see, on the peer's clock.
func (m *memory) arrive(late time.Duration, p []byte, err error) {
	w := m.owner.World()
	if err == nil {
		w.Note(m.wire, "wire", p)
	}
	at := w.Now().Add(m.latency + late)
	if at.Before(m.free) {
		at = m.free
	}
	m.free = at
	o := m.peer
	if !o.owner.Alive(o.epoch) {
		return
	}
	bytes := append([]byte(nil), p...)
	o.owner.After(at.Sub(w.Now()), func() { o.deliver(bytes, err) })
}

// deliver gives the owner what arrived, on its own clock.
func (m *memory) deliver(p []byte, err error) {
	if m.err != nil {
		return // this end is gone: what arrives is dropped
	}
	if err != nil {
		m.told, m.err = true, err
		m.forget()
	}
	if m.recv == nil {
		m.early = append(m.early, p...)
		return
	}
	m.recv(p, err)
}

// Receive has f given what arrives.
func (m *memory) Receive(f func(p []byte, err error)) {
	m.recv = f
	if len(m.early) > 0 {
		p := m.early
		m.early = nil
		f(p, nil)
	}
	if m.told {
		f(nil, m.err)
	}
}

// Close ends the connection in order.
func (m *memory) Close() error {
	m.end(ErrClosed)
	return nil
}

// Reset breaks the connection; what had been written before is under way and arrives.
func (m *memory) Reset() { m.end(ErrReset) }

func (m *memory) end(err error) {
	if m.err != nil {
		return
	}
	m.err = err
	m.forget()
	m.arrive(0, nil, err)
}
