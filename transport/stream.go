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
	x.forget = a.OnPowerOff(func() { x.end(ErrReset) })
	y.forget = b.OnPowerOff(func() { y.end(ErrReset) })
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
	m.arrive(m.next(), release(&m.held, p), nil)
	return len(p), nil
}

func (m *memory) check() { m.owner.Check(m.epoch) }

// writeBytes sends p the way a byte fault has it.
func (m *memory) writeBytes(p []byte, how Bytes) error {
	m.owner.Check(m.epoch)
	if m.err != nil {
		return m.err
	}
	if how.Reset {
		p = p[:min(max(how.Cut, 0), len(p))]
	} else if how.Merge {
		m.held = append(m.held, p...)
		return nil
	}
	p = release(&m.held, p)
	piece := len(p)
	if how.Slice > 0 {
		piece = how.Slice
	}
	for i, at := 0, m.next(); i < len(p); i, at = i+piece, at.Add(max(0, how.Drip)) {
		m.arrive(at, p[i:min(i+piece, len(p))], nil)
	}
	if how.Reset {
		m.end(ErrReset)
		return ErrReset
	}
	return nil
}

// next is when bytes written now arrive.
func (m *memory) next() time.Time {
	at := m.owner.Now().Add(m.latency)
	if at.Before(m.free) {
		return m.free
	}
	return at
}

// arrive schedules what the peer will see, on the peer's clock.
func (m *memory) arrive(at time.Time, p []byte, err error) {
	w := m.owner.World()
	if err == nil {
		w.Note(m.wire, "wire", p)
	}
	m.free = at
	o := m.peer
	if !o.owner.Alive(o.epoch) {
		return
	}
	bytes := append([]byte(nil), p...)
	o.owner.Do(at.Sub(w.Now()), func() { o.deliver(bytes, err) })
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

// Close ends the connection in order. What was held back for a merge goes out before.
func (m *memory) Close() error {
	if m.err != nil {
		return nil
	}
	m.owner.Check(m.epoch) // a deferred Close says no farewell after a power cut
	if len(m.held) > 0 {
		m.arrive(m.next(), release(&m.held, nil), nil)
	}
	m.end(ErrClosed)
	return nil
}

// Reset breaks the connection; what had been written before is under way and arrives, what was held back does not.
func (m *memory) Reset() {
	if m.err != nil {
		return
	}
	m.owner.Check(m.epoch)
	m.end(ErrReset)
}

func (m *memory) end(err error) {
	if m.err != nil {
		return
	}
	m.err, m.held = err, nil
	m.forget()
	m.arrive(m.next(), nil, err)
}

// release returns what was held back for a merge, and p behind it.
func release(held *[]byte, p []byte) []byte {
	if len(*held) == 0 {
		return p
	}
	p = append(*held, p...)
	*held = nil
	return p
}
