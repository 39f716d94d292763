package reader

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/posim/posim/sim"
)

// writeLimit bounds one Write on a real line: a frame takes 25 ms at 115200 bit/s, so a line that has not taken it by
// then has nobody who reads.
const writeLimit = 2 * time.Second

// readSize is more than the longest frame, so one read usually finds all that has come.
const readSize = 1024

// readAhead is how many reads may wait for their owner; the rest stays with the system.
const readAhead = 4

// ConnLine makes a Line of a connection. What arrives is posted to p, the clock of the line's owner. Close may be called
// by anybody and closes c; a clock that stops does so too.
func ConnLine(c net.Conn, p sim.Poster) Line { return newPump(c, p, nil) }

// port is what a pump reads and writes: a socket, a serial port, the master of a pseudo-terminal. Close ends a Read that
// waits.
type port interface {
	io.ReadWriteCloser
	SetWriteDeadline(t time.Time) error
}

// pump is a Line over a port. One goroutine reads and posts; all fields but those above the blank line belong to the
// owner of the clock it posts to.
type pump struct {
	port   port
	poster sim.Poster
	after  func() error // runs once, behind the port's Close
	once   sync.Once
	closed atomic.Bool
	closer error
	unhook func()
	check  func() // unwinds an owner whose power went; nil: the clock knows no such thing
	done   chan struct{}
	free   chan []byte // buffers that no posted function holds

	inbox   inbox
	gather  bool // what is written while one thing happens leaves together
	pending []byte
}

var _ Line = (*pump)(nil)

func newPump(c port, p sim.Poster, after func() error) *pump {
	l := &pump{port: c, poster: p, after: after, done: make(chan struct{}), free: make(chan []byte, readAhead)}
	for range readAhead {
		l.free <- make([]byte, readSize)
	}
	if c, ok := p.(interface{ Check() }); ok {
		l.check = c.Check
	}
	l.unhook = onStop(p, func() { _ = l.end() }) // there is nobody left to tell
	go l.run()
	return l
}

// onStop has f run when the clock behind p stops, if it can.
func onStop(p sim.Poster, f func()) (cancel func()) {
	if s, ok := p.(sim.Stopper); ok {
		return s.OnStop(f)
	}
	return func() {}
}

// run reads until the port fails. A clock that was stopped drops what is posted: then the buffers run out, and run waits
// for Close.
func (l *pump) run() {
	for {
		var b []byte
		select {
		case b = <-l.free:
		case <-l.done:
			return
		}
		n, err := l.port.Read(b)
		if n > 0 {
			l.poster.Post(func() {
				l.inbox.deliver(b[:n])
				l.free <- b // there is room: each buffer is in one place
			})
		} else if err == nil {
			l.free <- b
		}
		if err != nil {
			l.poster.Post(func() { l.hangUp(err) })
			return
		}
	}
}

func (l *pump) hangUp(err error) { l.inbox.hangUp(lineError(err)) }

// lineError puts the end of a line into one sentence.
func lineError(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), isHangUp(err):
		return ErrLineClosed
	}
	return fmt.Errorf("%w: %w", ErrLineClosed, err)
}

// Write sends p.
func (l *pump) Write(p []byte) (int, error) {
	if l.check != nil {
		l.check()
	}
	if l.closed.Load() {
		return 0, ErrLineClosed
	}
	if l.inbox.gone != nil {
		return 0, l.inbox.gone
	}
	if l.gather {
		if len(l.pending) == 0 {
			l.poster.Post(l.flush)
		}
		l.pending = append(l.pending, p...)
		return len(p), nil
	}
	return l.write(p)
}

// flush sends what was gathered. An emulator's echo and its answer so wake the host once.
func (l *pump) flush() {
	p := l.pending
	l.pending = l.pending[:0]
	if len(p) == 0 || l.closed.Load() || l.inbox.gone != nil {
		return
	}
	if _, err := l.write(p); err != nil {
		l.hangUp(err)
	}
}

func (l *pump) write(p []byte) (int, error) {
	if err := l.port.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		l.inbox.gone = lineError(err)
		return 0, l.inbox.gone
	}
	n, err := l.port.Write(p)
	if err != nil {
		l.inbox.gone = lineError(err) // half a frame may have left: there is no way to go on
	}
	return n, err
}

// Receive names the function that gets what arrives, until somebody closes the line.
func (l *pump) Receive(f func(p []byte, err error)) {
	l.inbox.Receive(func(p []byte, err error) {
		if !l.closed.Load() { // f may have closed it in the call before
			f(p, err)
		}
	})
}

// Close ends the line.
func (l *pump) Close() error {
	l.unhook()
	return l.end()
}

func (l *pump) end() error {
	l.once.Do(func() {
		l.closed.Store(true)
		close(l.done)
		l.closer = l.port.Close()
		if l.after != nil {
			l.closer = errors.Join(l.closer, l.after())
		}
	})
	return l.closer
}
