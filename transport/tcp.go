package transport

import (
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/posim/posim/sim"
)

// Limits bounds a connection of real time.
type Limits struct {
	Idle  time.Duration // it ends with ErrTimeout when nothing has arrived for so long; 0: never
	Write time.Duration // it ends with ErrTimeout when the peer takes nothing for so long; 0: 10 s
}

const (
	writeWait = 10 * time.Second // Limits.Write by default
	linger    = time.Second      // how long a closed connection waits for its peer to close too
	readSize  = 4 << 10          // bytes read at a time
)

// socket is a connection of real time, TCP or TLS after its handshake, as its owner sees it. What arrives is posted, one
// read at a time: the next begins when the owner has taken the last, so an owner that does not wait slows its peer down and
// no memory fills. No operation blocks: what the peer does not take at once is sent by a goroutine, and a peer that takes
// nothing for too long loses the connection. When the owner stops, so does the connection: the peer sees a reset, as it does
// at a power cut, and no goroutine is left.
type socket struct {
	c      net.Conn // what is read and written: the outbox, or TLS over it
	out    *outbox
	post   sim.Poster
	power  func() // unwinds when the owner's power has gone; nil: it never does
	idle   time.Duration
	closed func() // called once, when the connection is closed

	// the owner's
	recv func([]byte, error)
	held []byte // merged with the next write
	err  error  // how it ended
	told bool   // the owner has been given the end

	// handed between the reader and the owner: the owner's from the post to the turn
	buf  []byte
	n    int
	turn chan struct{}

	end     chan struct{} // closed: the owner wants no more of it, or has stopped
	halt    chan struct{} // closed: nothing more is to be sent
	mu      sync.Mutex
	work    sync.WaitGroup // reader and pacer
	reading bool
	ended   bool
	halted  bool
	closing bool    // in order: what is unsent goes out before the end
	pieces  []piece // waiting to be sent, each in its time
	waiting int     // bytes in them
	pacing  bool
	over    bool
	forget  func()
}

var (
	_ Stream = (*socket)(nil)
	_ faulty = (*socket)(nil)
	_ faulty = (*memory)(nil)
)

func newSocket(c net.Conn, out *outbox, p sim.Poster, l Limits) *socket {
	s := &socket{c: c, out: out, post: p, idle: l.Idle, closed: func() {},
		turn: make(chan struct{}, 1), end: make(chan struct{}), halt: make(chan struct{})}
	if o, ok := p.(interface{ Check() }); ok {
		s.power = o.Check
	}
	out.ended = func() { _ = c.SetReadDeadline(time.Now().Add(linger)) }
	return s
}

// attach has the connection end with its owner; at once, if that is gone.
func (s *socket) attach() {
	o, ok := s.post.(sim.Stopper)
	if !ok {
		return
	}
	forget := o.OnStop(s.stop)
	s.mu.Lock()
	over := s.over
	s.forget = forget
	s.mu.Unlock()
	if over {
		forget()
	}
}

func (s *socket) check() {
	if s.power != nil {
		s.power()
	}
}

// Write sends p.
func (s *socket) Write(p []byte) (int, error) {
	s.check()
	if s.err != nil {
		return 0, s.err
	}
	if err := s.send(release(&s.held, p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// send writes, or lets p wait behind what waits. An error does not end the stream yet: what had arrived before is
// delivered, and then the end.
func (s *socket) send(p []byte) error {
	if len(p) == 0 {
		return nil // TLS would send a record of nothing
	}
	if queued, err := s.behind(p); queued || err != nil {
		return err
	}
	_, err := s.c.Write(p)
	if err == nil {
		return nil
	}
	err = s.out.why(err)
	s.mu.Lock()
	reading := s.reading
	s.mu.Unlock()
	if !reading {
		s.breakOff(err) // nobody else would close it
	}
	return err
}

// silence says what a read that timed out means.
func (s *socket) silence(err error) error {
	if isTimeout(err) && s.idle > 0 {
		return fmt.Errorf("%w: nothing has arrived for %v", ErrTimeout, s.idle)
	}
	return err
}

// Receive has f given what arrives, from now on: until then it waits in the system, and the peer with it.
func (s *socket) Receive(f func(p []byte, err error)) {
	s.recv = f
	if s.told {
		f(nil, s.err)
		return
	}
	s.mu.Lock()
	s.read()
	unread := s.over && !s.reading
	s.mu.Unlock()
	if unread {
		s.tell(s.out.why(ErrReset)) // it was broken off before anybody listened
	}
}

// read starts the reader, once; s.mu is held.
func (s *socket) read() {
	if !s.reading && !s.over {
		s.reading = true
		s.work.Add(1)
		go s.reader()
	}
}

// reader reads until the connection ends, tells the owner, and closes it.
func (s *socket) reader() {
	defer s.work.Done()
	defer s.close()
	s.buf = make([]byte, readSize)
	deliver := s.deliver
	var rest []byte
	for {
		switch s.state() {
		case brokenOff:
			err := s.out.why(ErrReset)
			s.post.Post(func() { s.tell(err) })
			return
		case closing:
			if rest == nil {
				rest = make([]byte, readSize) // the owner may still look at the other
			}
			if _, err := s.c.Read(rest); err != nil {
				s.out.work.Wait() // the peer may have ended before it has taken everything
				return
			}
			continue
		}
		n, err := s.c.Read(s.buf)
		if n > 0 {
			s.n = n
			s.post.Post(deliver)
			select {
			case <-s.turn:
			case <-s.end: // the buffer is not used again
			}
		}
		if err != nil && s.state() == open {
			err = s.out.ends(s.out.why(s.silence(err)))
			s.post.Post(func() { s.tell(err) })
			return
		}
	}
}

// What a reader is to do.
const (
	open      = iota // to deliver
	closing          // to wait for the peer's end
	brokenOff        // to stop
)

// state tells it, and bounds the next read.
func (s *socket) state() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.halted:
		return brokenOff
	case s.closing:
		return closing
	case s.idle > 0:
		_ = s.c.SetReadDeadline(time.Now().Add(s.idle))
	}
	return open
}

// deliver gives the owner what arrived. It runs inside the owner's Wait.
func (s *socket) deliver() {
	if s.err == nil {
		s.recv(s.buf[:s.n], nil)
	}
	s.turn <- struct{}{} // has room: one read is under way at a time
}

// tell gives the owner the end, unless the owner made it.
func (s *socket) tell(err error) {
	if s.err == nil {
		s.err, s.told = err, true
		s.recv(nil, err)
	}
}

// Close ends the connection in order: what was written goes out, however slowly the peer takes it within its limit, the
// peer sees the end behind it, and what it sends meanwhile is dropped.
func (s *socket) Close() error {
	if s.err != nil {
		return nil
	}
	s.check()
	if len(s.held) > 0 {
		_ = s.send(release(&s.held, nil)) // a connection that is broken loses it
	}
	s.err = ErrClosed
	s.last(s.farewell)
	return nil
}

// Reset breaks the connection.
func (s *socket) Reset() {
	if s.err != nil {
		return
	}
	s.check()
	s.err, s.held = ErrReset, nil
	s.last(func() { s.breakOff(ErrReset) })
}

// farewell ends what is sent, and waits a while for the peer to end too: closing at once, with bytes of the peer's
// unread, would be a reset that can overtake the last ones written.
func (s *socket) farewell() {
	if t, ok := s.c.(interface{ CloseWrite() error }); ok && s.c != net.Conn(s.out) {
		_ = t.CloseWrite() // TLS says so; it goes through the outbox
	}
	s.mu.Lock()
	s.wantNoMore()
	halted := s.halted
	if !halted {
		s.closing = true
		_ = s.c.SetReadDeadline(time.Time{}) // the outbox sets one when the end is out
	}
	s.mu.Unlock()
	if halted {
		return
	}
	s.out.endWrite()
	s.mu.Lock()
	s.read()
	s.mu.Unlock()
}

// wantNoMore tells the reader; s.mu is held.
func (s *socket) wantNoMore() {
	if !s.ended {
		s.ended = true
		close(s.end)
	}
}

// breakOff resets the connection, now.
func (s *socket) breakOff(err error) {
	s.out.abort(err)
	s.mu.Lock()
	if !s.halted {
		s.halted = true
		close(s.halt)
	}
	s.wantNoMore()
	reading := s.reading
	s.mu.Unlock()
	if !reading {
		s.close()
	}
}

// stop ends the connection because its owner has stopped, and returns when nothing of it is left. One that was closed
// in order has a moment for it.
func (s *socket) stop() {
	s.mu.Lock()
	closing := s.closing
	s.mu.Unlock()
	if closing {
		defer time.AfterFunc(linger, s.out.shut).Stop()
	} else {
		s.breakOff(ErrReset)
	}
	s.work.Wait()
	s.out.work.Wait()
}

// close lets go of the connection, once.
func (s *socket) close() {
	s.mu.Lock()
	over, forget := s.over, s.forget
	s.over = true
	s.mu.Unlock()
	if over {
		return
	}
	s.out.shut()
	if forget != nil {
		forget()
	}
	s.closed()
}
