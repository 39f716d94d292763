package host

import (
	"context"
	"fmt"
	"sync"

	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport"
)

// maxUnderWay bounds what one party has written to another and the other has not taken, in bytes. A terminal has one question
// open at a time, so that a thousand of them do not reach it.
const maxUnderWay = 1 << 20

// connect makes a connection between two parties in real time. The far end is given to accept on the far side's clock. What
// one writes waits in memory until the other takes it: no party ever waits for another, so two that send to each other
// cannot stop each other. It ends with ctx at the latest.
func connect(ctx context.Context, near, far sim.Poster, accept func(transport.Stream)) transport.Stream {
	up, down := newWire(), newWire()
	x, y := &line{out: up}, &line{out: down}
	go func() {
		far.Post(func() { accept(y) })
		up.pump(ctx, far, y.deliver)
	}()
	go down.pump(ctx, near, x.deliver)
	return x
}

// wire is one direction.
type wire struct {
	mu   sync.Mutex
	buf  []byte
	err  error         // how it ends, behind buf
	wake chan struct{} // holds one: there is something to take
}

func newWire() *wire { return &wire{wake: make(chan struct{}, 1)} }

// put leaves bytes, or the end.
func (w *wire) put(p []byte, end error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.err != nil:
		return w.err
	case end == nil && len(w.buf)+len(p) > maxUnderWay:
		w.err = fmt.Errorf("host: %d bytes that the other side does not take: %w", len(w.buf), transport.ErrReset)
		end = w.err
	case end != nil:
		w.err = end
	default:
		w.buf = append(w.buf, p...)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
	if p == nil {
		return nil
	}
	return end
}

// pump gives the other side everything there is, as often as there is something.
func (w *wire) pump(ctx context.Context, to sim.Poster, deliver func([]byte, error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		}
		w.mu.Lock()
		p, err := w.buf, w.err
		w.buf = nil
		w.mu.Unlock()
		to.Post(func() { deliver(p, err) })
		if err != nil {
			return
		}
	}
}

// line is one end, its owner's alone.
type line struct {
	out   *wire
	recv  func([]byte, error)
	early []byte // arrived before Receive
	err   error  // how it ended
	told  bool   // the other side ended it
}

var _ transport.Stream = (*line)(nil)

// Write sends p.
func (l *line) Write(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if l.err = l.out.put(p, nil); l.err != nil {
		return 0, l.err
	}
	return len(p), nil
}

// Receive has f given what arrives.
func (l *line) Receive(f func(p []byte, err error)) {
	l.recv = f
	if p := l.early; len(p) > 0 {
		l.early = nil
		f(p, nil)
	}
	if l.told {
		f(nil, l.err)
	}
}

// deliver gives the owner what arrived, on the owner's clock.
func (l *line) deliver(p []byte, err error) {
	if l.err != nil {
		return // this end is gone: what arrives is dropped
	}
	if err != nil {
		l.told, l.err = true, err
		_ = l.out.put(nil, err) // lets its pump end; the other side has ended already
	}
	if l.recv == nil {
		l.early = append(l.early, p...)
		return
	}
	l.recv(p, err)
}

// Close ends the connection in order: what was written still arrives.
func (l *line) Close() error {
	l.end(transport.ErrClosed)
	return nil
}

// Reset breaks the connection.
func (l *line) Reset() { l.end(transport.ErrReset) }

func (l *line) end(err error) {
	if l.err == nil {
		l.err = err
		_ = l.out.put(nil, err)
	}
}
