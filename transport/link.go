package transport

import (
	"fmt"
	"time"

	"github.com/posim/posim/sim"
)

// Link is messages over a Stream, on its owner's clock. A message is delivered to OnFrame's function, or queued for Recv.
type Link struct {
	stream  Stream
	framing Framing
	clock   sim.Clock
	faults  func(frame []byte) []Fault
	frame   func(frame []byte, err error)
	buf     []byte   // received, not yet a frame
	out     []byte   // reused by Send
	queue   [][]byte // frames waiting for Recv
	strange func(err error)
	strays  int
	err     error
}

// faulty is a stream that can do to a message's bytes what a byte fault says.
type faulty interface {
	check() // unwinds when the owner's power has gone: what a fault loses or delays must unwind as a Write does
	writeBytes(p []byte, how Bytes) error
}

// NewLink returns the link over s, and receives from it.
func NewLink(s Stream, f Framing, clock sim.Clock) *Link {
	l := &Link{stream: s, framing: f, clock: clock}
	s.Receive(l.received)
	return l
}

// Faults has f asked, at each Send, what befalls the frame. The faults apply in order.
func (l *Link) Faults(f func(frame []byte) []Fault) { l.faults = f }

// OnFrame has f given each message, which is f's to keep, and last the error that ended the link. Messages and an end
// that came before are given at once. A link that its owner closes or resets later gives nothing more.
func (l *Link) OnFrame(f func(frame []byte, err error)) {
	l.frame = f
	end := l.err
	for len(l.queue) > 0 && l.err == end { // f may end the link
		m := l.queue[0]
		l.queue = l.queue[1:]
		f(m, nil)
	}
	if end != nil {
		f(nil, end)
	}
}

// OnStray has f told of each frame with another's TPDU, which is dropped without an answer.
func (l *Link) OnStray(f func(err error)) { l.strange = f }

// Strays counts the frames that were dropped because of their TPDU.
func (l *Link) Strays() int { return l.strays }

// stray counts one of them.
func (l *Link) stray(err error) {
	l.strays++
	if l.strange != nil {
		l.strange(err)
	}
}

func (l *Link) received(p []byte, err error) {
	if l.err != nil {
		return
	}
	l.buf = append(l.buf, p...)
	at := 0
	for l.err == nil { // whoever is given a message may end the link
		m, n, bad := l.framing.Next(l.buf[at:])
		if bad != nil && n > 0 {
			at += n
			l.stray(bad)
			continue
		}
		if bad != nil { // no next message can be found: the connection is of no more use
			l.broken(bad)
			break
		}
		if n == 0 {
			break
		}
		l.framing = l.framing.towards(l.buf[at:])
		at += n
		l.give(append([]byte(nil), m...))
	}
	if l.err != nil {
		l.buf = nil
		return
	}
	l.buf = l.buf[:copy(l.buf, l.buf[at:])]
	if err != nil {
		if len(l.buf) > 0 {
			err = fmt.Errorf("%w with %d bytes of an unfinished frame", err, len(l.buf))
		}
		l.end(err)
	}
}

func (l *Link) give(m []byte) {
	if l.frame != nil {
		l.frame(m, nil)
		return
	}
	if len(l.queue) == maxQueue {
		l.broken(fmt.Errorf("transport: %d messages that nobody asked for", maxQueue))
		return
	}
	l.queue = append(l.queue, m)
}

// maxQueue bounds the messages that wait for Recv: a terminal has one question open at a time.
const maxQueue = 1024

// broken ends a link that is of no more use, and its connection.
func (l *Link) broken(err error) {
	l.stream.Reset()
	l.end(err)
}

func (l *Link) end(err error) {
	if l.err != nil {
		return
	}
	l.err = err
	if l.frame != nil {
		l.frame(nil, err)
	}
}

// Send puts one message on the wire. After an error nobody knows what arrived.
func (l *Link) Send(p []byte) error {
	if l.err != nil {
		return l.err
	}
	var faults []Fault
	if l.faults != nil {
		faults = l.faults(p)
	}
	if len(faults) == 0 {
		return l.write(p, Bytes{})
	}
	if s, ok := l.stream.(faulty); ok {
		s.check()
	}
	out := []Delivery{{Frame: p}}
	for _, f := range faults {
		out = f.Apply(out)
	}
	for _, d := range out {
		if d.Delay > 0 {
			frame, how := append([]byte(nil), d.Frame...), d.Bytes
			l.clock.After(d.Delay, func() {
				if l.err == nil {
					_ = l.write(frame, how) // a connection that has ended loses what was delayed
				}
			})
			continue
		}
		if err := l.write(d.Frame, d.Bytes); err != nil {
			return err
		}
	}
	return nil
}

func (l *Link) write(p []byte, how Bytes) error {
	var err error
	if l.out, err = l.framing.Append(l.out[:0], p); err != nil {
		return err
	}
	if how == (Bytes{}) {
		_, err = l.stream.Write(l.out)
	} else if s, ok := l.stream.(faulty); ok {
		err = s.writeBytes(l.out, how)
	} else {
		err = fmt.Errorf("transport: this stream has no byte faults")
	}
	if err != nil {
		l.end(err)
	}
	return err
}

// Recv waits for the next message, up to the deadline (ErrTimeout), or for what ends the link. Only the actor that owns
// the link's clock may call it.
func (l *Link) Recv(deadline time.Time) ([]byte, error) {
	if !l.clock.Wait(deadline, func() bool { return len(l.queue) > 0 || l.err != nil }) {
		return nil, ErrTimeout
	}
	if len(l.queue) > 0 {
		m := l.queue[0]
		l.queue = l.queue[1:]
		return m, nil
	}
	return nil, l.err
}

// Pending tells whether Recv would not wait.
func (l *Link) Pending() bool { return len(l.queue) > 0 || l.err != nil }

// Err is what ended the link; nil while it stands.
func (l *Link) Err() error { return l.err }

// Close ends the connection in order.
func (l *Link) Close() error {
	if l.err != nil {
		return nil
	}
	l.err = ErrClosed
	return l.stream.Close()
}

// Reset breaks the connection.
func (l *Link) Reset() {
	if l.err == nil {
		l.err = ErrReset
		l.stream.Reset()
	}
}
