package host

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport"
)

// office is one party at work: its wall, its folder, its goroutine.
type office struct {
	name   string
	server *Server
	dir    *sim.Dir
	wall   *sim.Wall
	party  *Party
	above  *office // nil: the issuer
	seam   string  // of the line up
	living bool    // its goroutine has been started
	done   chan struct{}
}

// furnish builds the party; nothing runs yet.
func (o *office) furnish(build func(io.Reader) (Machine, *hsm.Module, error)) error {
	machine, module, err := build(rand.Reader)
	if err != nil {
		return err
	}
	s := o.server
	cfg := Config{Name: o.name, Clock: o.wall, Disk: o.dir, Machine: machine, Module: module, Rules: s.cfg.House.Rules, Observe: o.observe, Deliver: o.deliver, Gather: true}
	if o.above != nil {
		cfg.Uplink = o.dialUp
	}
	if s.cfg.Point != nil {
		cfg.Point = func(mti, point string) { s.cfg.Point(o.name, mti, point) }
	}
	o.party, err = NewParty(cfg)
	return err
}

// live runs the party until the power goes. A party that fails takes the server with it: two thirds of a house answer
// nobody, and a supervisor that starts it again finds everything in the logs.
func (o *office) live() {
	defer close(o.done)
	var failed error
	err := o.wall.Run(func(sim.Clock) { failed = o.party.Run() })
	if err == nil {
		o.server.cancel(failure{failed})
	}
}

func (o *office) observe(e Observation) {
	o.server.events.add(e)
	if o.server.cfg.Observe != nil {
		o.server.cfg.Observe(e)
	}
}

// deliver posts a file to the party that it is for, whose goroutine takes it. It is never changed, so both may hold it.
func (o *office) deliver(f *File) {
	for _, to := range o.server.everyOffice() {
		if to.name == f.To {
			to.wall.Post(func() { to.party.File(f) })
			return
		}
	}
	o.observe(Observation{At: o.wall.Now(), Party: o.name, Kind: Dropped, Err: fmt.Errorf("host: file %s is for %s: %w", f.ID, f.To, ErrFile)})
}

// accept takes a terminal's connection on a line, on the acquirer's goroutine.
func (o *office) accept(x transport.Stream, l TerminalLine) {
	o.party.AcceptAs(o.link(x, "net.rsp", l.Framing), l.Dialect)
}

// refused is told of a terminal's connection that came to nothing, on the acquirer's goroutine; it has no number.
func (o *office) refused(err error) {
	o.observe(Observation{At: o.wall.Now(), Party: o.name, Kind: Refused, Conn: nobody, Err: err})
}

// dialUp connects to the party above.
func (o *office) dialUp(done func(*transport.Link, error)) {
	x := connect(o.server.ctx, o.wall, o.above.wall, func(y transport.Stream) {
		o.above.party.Accept(o.above.link(y, o.seam+".rsp", transport.Framing{}))
	})
	o.wall.After(0, func() { done(o.link(x, o.seam+".req", transport.Framing{}), nil) })
}

func (o *office) link(x transport.Stream, seam string, f transport.Framing) *transport.Link {
	l := transport.NewLink(x, f, o.wall)
	if faults := o.server.cfg.Faults; faults != nil {
		l.Faults(func(frame []byte) []transport.Fault { return faults(seam, frame) })
	}
	return l
}

// errEnded is what a party that works no more tells.
var errEnded = errors.New("host: the server has ended")

// ask has f run on the party's goroutine between two of its turns, when everything it believes is durable, and returns
// what f returned.
func ask[T any](ctx context.Context, o *office, f func() T) (T, error) {
	answer := make(chan T, 1)
	o.wall.Post(func() { answer <- f() })
	return await(ctx, o, answer)
}

// await waits for what the party's goroutine was asked to say.
func await[T any](ctx context.Context, o *office, answer <-chan T) (none T, err error) {
	select {
	case v := <-answer:
		return v, nil
	case <-o.done:
		if cause := context.Cause(o.server.ctx); isFailure(cause) {
			return none, cause
		}
		return none, errEnded
	case <-ctx.Done():
		return none, fmt.Errorf("host: %s: %w", o.name, context.Cause(ctx))
	}
}
