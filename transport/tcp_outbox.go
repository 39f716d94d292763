package transport

import (
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// maxUnsent bounds what waits for a peer that does not take it, in bytes: many times what a host owes one terminal.
const maxUnsent = 256 << 10

// atATime is how many bytes the peer must take within its time.
const atATime = 16 << 10

// outbox is a connection whose Write never blocks. What the socket takes at once is written at once, on the caller's
// goroutine; what it does not waits in memory for a goroutine that sends it. TLS, if there is any, stands on top, so that
// its records are never cut by a time-out. The alternative, a deadline around a Write that blocks, would let one peer that
// does not read hold up an owner of many connections.
type outbox struct {
	net.Conn
	raw      syscall.RawConn
	patience time.Duration
	ended    func()         // called when the end has been said
	work     sync.WaitGroup // the goroutine that sends

	mu      sync.Mutex
	p       []byte // what try writes, and what came of it
	n       int
	tryErr  error
	try     func(fd uintptr) bool
	unsent  []byte
	spare   []byte
	sending bool  // the goroutine has something to send
	ending  bool  // nothing is written any more; the end goes out behind what is unsent
	closed  bool  // no goroutine may start
	err     error // why nothing can be written
}

func newOutbox(c net.Conn, patience time.Duration) *outbox {
	if patience <= 0 {
		patience = writeWait
	}
	o := &outbox{Conn: c, patience: patience, ended: func() {}}
	if s, ok := c.(syscall.Conn); ok && canTry {
		if raw, err := s.SyscallConn(); err == nil {
			o.raw, o.try = raw, o.attempt
		}
	}
	return o
}

// Write sends p, or keeps it to be sent.
func (o *outbox) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	if o.ending || o.closed {
		return 0, ErrClosed
	}
	n := 0
	if o.raw != nil && !o.sending && len(p) > 0 {
		var err error
		if n, err = o.tryWrite(p); err != nil {
			o.err = broken(err)
			return n, o.err
		}
	}
	if n == len(p) {
		return n, nil
	}
	if len(o.unsent)+len(p)-n > maxUnsent {
		o.err = fmt.Errorf("%w: the peer has not taken %d bytes", ErrTimeout, len(o.unsent))
		o.reset()
		return n, o.err
	}
	o.unsent = append(o.unsent, p[n:]...)
	if !o.sending {
		o.sending = true
		o.work.Add(1)
		go o.send()
	}
	return len(p), nil
}

// tryWrite writes what the socket takes now; o.mu is held.
func (o *outbox) tryWrite(p []byte) (int, error) {
	o.p = p
	err := o.raw.Write(o.try)
	n := o.n
	if err == nil {
		err = o.tryErr
	}
	o.p, o.n, o.tryErr = nil, 0, nil
	return n, err
}

// send writes what is unsent, until nothing is.
func (o *outbox) send() {
	defer o.work.Done()
	for {
		o.mu.Lock()
		if len(o.unsent) == 0 || o.closed || o.err != nil {
			o.sending = false
			end := o.ending && o.err == nil
			o.mu.Unlock()
			if end {
				o.sayEnd()
			}
			return
		}
		p := o.unsent
		o.unsent, o.spare = o.spare[:0], nil
		o.mu.Unlock()
		var err error
		for rest := p; len(rest) > 0 && err == nil; { // each part has the whole time: who takes little is not silent
			n := min(len(rest), atATime)
			_ = o.Conn.SetWriteDeadline(time.Now().Add(o.patience))
			_, err = o.Conn.Write(rest[:n])
			rest = rest[n:]
		}
		_ = o.Conn.SetWriteDeadline(time.Time{})
		o.mu.Lock()
		if o.spare = p; err != nil && o.err == nil {
			o.err = broken(err)
			if isTimeout(err) {
				o.err = fmt.Errorf("%w: the peer has taken nothing for %v", ErrTimeout, o.patience)
			}
			o.reset() // also tells the reader
		}
		o.mu.Unlock()
	}
}

// endWrite lets the peer see the end behind all that was written.
func (o *outbox) endWrite() {
	o.mu.Lock()
	if o.ending || o.closed || o.err != nil {
		o.mu.Unlock()
		return
	}
	o.ending = true
	now := !o.sending
	o.mu.Unlock()
	if now {
		o.sayEnd()
	}
}

// sayEnd shuts the sending half; what has no halves is closed.
func (o *outbox) sayEnd() {
	if h, ok := o.Conn.(interface{ CloseWrite() error }); !ok || h.CloseWrite() != nil {
		_ = o.Conn.Close()
	}
	o.ended()
}

// abort breaks the connection; err is what its users are told, unless they know something already.
func (o *outbox) abort(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.unsent = nil
	o.reset()
}

// reset closes so that the peer sees a reset, where there is such a thing.
func (o *outbox) reset() {
	o.closed = true
	if t, ok := o.Conn.(interface{ SetLinger(sec int) error }); ok {
		_ = t.SetLinger(0)
	}
	_ = o.Conn.Close()
}

// shut closes.
func (o *outbox) shut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.unsent = true, nil
	_ = o.Conn.Close()
}

// Close is what TLS calls when a handshake is given up.
func (o *outbox) Close() error {
	o.abort(ErrReset)
	return nil
}

// why tells what ended the connection, when a read or a write found it ended.
func (o *outbox) why(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	return broken(err)
}

// ends has the next Write, too, fail with err, unless it knows better.
func (o *outbox) ends(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	return err
}

// SetWriteDeadline does nothing: the limits are the outbox's own, and TLS sets one when it closes.
func (o *outbox) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline bounds reads only.
func (o *outbox) SetDeadline(t time.Time) error { return o.SetReadDeadline(t) }
