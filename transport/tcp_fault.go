package transport

import (
	"fmt"
	"time"
)

// sliceGap stands between the pieces of a message that is sliced without a drip: long enough for the system to send
// them one by one, which is all that real time allows. The receiver's system may still join them.
const sliceGap = 500 * time.Microsecond

// piece is bytes to be sent after a pause, or the end.
type piece struct {
	pause time.Duration
	p     []byte
	end   func()
}

// writeBytes sends p the way a byte fault has it.
func (s *socket) writeBytes(p []byte, how Bytes) error {
	s.check()
	if s.err != nil {
		return s.err
	}
	if how.Reset {
		p = p[:min(max(how.Cut, 0), len(p))]
	} else if how.Merge {
		if len(s.held)+len(p) > maxUnsent {
			return s.tooMuch(len(s.held))
		}
		s.held = append(s.held, p...)
		return nil
	}
	p = release(&s.held, p)
	err := s.slice(p, how)
	if how.Reset {
		s.err, s.held = ErrReset, nil
		s.last(func() { s.breakOff(ErrReset) })
		return ErrReset
	}
	return err
}

// slice sends p in its pieces: the first at once, if nothing is under way, the rest by the pacer.
func (s *socket) slice(p []byte, how Bytes) error {
	size := len(p)
	if how.Slice > 0 {
		size = min(how.Slice, size)
	}
	if err := s.send(p[:size]); err != nil || size == len(p) {
		return err
	}
	gap := max(how.Drip, sliceGap)
	rest := append([]byte(nil), p[size:]...)
	s.mu.Lock()
	waiting := s.waiting
	if waiting+len(rest) > maxUnsent {
		s.mu.Unlock()
		return s.tooMuch(waiting)
	}
	defer s.mu.Unlock()
	for len(rest) > 0 {
		n := min(size, len(rest))
		s.pieces = append(s.pieces, piece{pause: gap, p: rest[:n]})
		rest = rest[n:]
		s.waiting += n
	}
	s.pace()
	return nil
}

// tooMuch breaks off a connection on which a message would have a hole.
func (s *socket) tooMuch(n int) error {
	err := fmt.Errorf("%w: %d bytes wait already for their time to be sent", ErrTimeout, n)
	s.breakOff(err)
	return err
}

// behind queues p if pieces are under way: bytes keep their order.
func (s *socket) behind(p []byte) (bool, error) {
	s.mu.Lock()
	waiting := s.waiting
	switch {
	case !s.pacing:
		s.mu.Unlock()
		return false, nil
	case waiting+len(p) > maxUnsent:
		s.mu.Unlock()
		return false, s.tooMuch(waiting)
	}
	defer s.mu.Unlock()
	s.pieces = append(s.pieces, piece{p: append([]byte(nil), p...)})
	s.waiting += len(p)
	return true, nil
}

// last ends the connection behind what is under way: now, if nothing is.
func (s *socket) last(end func()) {
	s.mu.Lock()
	pacing := s.pacing
	if pacing {
		s.pieces = append(s.pieces, piece{end: end})
	}
	s.mu.Unlock()
	if !pacing {
		end()
	}
}

// pace starts the pacer; s.mu is held.
func (s *socket) pace() {
	if !s.pacing && !s.halted && !s.over {
		s.pacing = true
		s.work.Add(1)
		go s.pacer()
	}
}

// pacer sends the pieces in their time.
func (s *socket) pacer() {
	defer s.work.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		s.mu.Lock()
		if len(s.pieces) == 0 || s.halted {
			s.pacing, s.pieces = false, nil
			s.mu.Unlock()
			return
		}
		next := s.pieces[0]
		s.pieces = s.pieces[1:]
		s.waiting -= len(next.p)
		s.mu.Unlock()
		if next.pause > 0 {
			timer.Reset(next.pause)
			select {
			case <-timer.C:
			case <-s.halt:
				continue
			}
		}
		if next.end != nil {
			next.end()
		} else if _, err := s.c.Write(next.p); err != nil {
			s.breakOff(s.out.why(err)) // the reader tells the owner
		}
	}
}
