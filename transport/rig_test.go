package transport

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

var start = time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC)

const (
	ms      = time.Millisecond
	latency = 10 * ms
)

// pair is two parties of events and a pipe between them.
type pair struct {
	w    *sim.World
	a, b *sim.Actor
	x, y Stream
}

func newPair(t testing.TB) *pair {
	w := sim.NewWorld(start, 1)
	t.Cleanup(w.Close)
	p := &pair{w: w, a: w.Actor("a"), b: w.Actor("b")}
	p.a.PowerOn(nil)
	p.b.PowerOn(nil)
	p.x, p.y = Pipe(p.a, p.b, latency)
	return p
}

func (p *pair) run() {
	for p.w.Step() {
	}
}

// at tells the present instant, in virtual time since the start.
func (p *pair) at() time.Duration { return p.w.Now().Sub(start) }

// bytes logs what arrives at a stream: "10ms 0800", "10ms reset".
func (p *pair) bytes(s Stream, log *[]string) {
	s.Receive(func(b []byte, err error) {
		if len(b) > 0 {
			*log = append(*log, fmt.Sprintf("%v %s", p.at(), b))
		}
		if err != nil {
			*log = append(*log, fmt.Sprintf("%v %s", p.at(), short(err)))
		}
	})
}

// frames logs what a link is given.
func (p *pair) frames(l *Link, log *[]string) {
	l.OnFrame(func(m []byte, err error) {
		if err != nil {
			*log = append(*log, fmt.Sprintf("%v %s", p.at(), short(err)))
			return
		}
		*log = append(*log, fmt.Sprintf("%v %s", p.at(), m))
	})
}

func short(err error) string {
	switch {
	case err == ErrReset:
		return "reset"
	case err == ErrClosed:
		return "closed"
	case errors.Is(err, ErrReset), errors.Is(err, ErrClosed):
		return err.Error()
	}
	return "error: " + err.Error()
}
