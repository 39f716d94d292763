package reader

import (
	"errors"
	"time"

	"github.com/posim/posim/sim"
)

// Line is a serial line as one side holds it: bytes in order, no frames. What a real port adds (parity flags, modem
// lines, break) will be an optional interface that a Line may also have; nothing here needs it.
type Line interface {
	// Write sends p, all of it or with an error. p is the caller's again when it returns.
	Write(p []byte) (n int, err error)
	// Receive names the function that gets what arrives, on the owner's clock, while the owner waits. p is valid during
	// the call only. A non-nil err is the last call: the line is gone. What came before Receive is handed over at once.
	Receive(f func(p []byte, err error))
	// Close ends the line for both sides.
	Close() error
}

// ErrLineClosed is what a Line gives after Close, on either side, or once the other side lost its power.
var ErrLineClosed = errors.New("reader: line closed")

// BitsPerByte is what a byte costs on an 8N2 line: start bit, eight data bits, two stop bits.
const BitsPerByte = 11

// DefaultBitRate is the GemPC Twin's, in bits per second.
const DefaultBitRate = 115200

// Pipe is a line in memory between two parties of a world: what one end writes arrives at the other on its owner's
// clock, after the time the bytes take at bitRate (bits per second, 8N2; 0: no time). Each end holds for the present
// stretch of its owner's power: when that goes, the other end's line is gone too. Every write is noted in the world's
// hash under the writing end's name.
func Pipe(a, b *sim.Actor, aName, bName string, bitRate int) (x, y Line) {
	m, n := newEnd(a, aName, bitRate), newEnd(b, bName, bitRate)
	m.peer, n.peer = n, m
	return m, n
}

// end is one side of a Pipe.
type end struct {
	owner   *sim.Actor
	epoch   uint32
	name    string
	perByte time.Duration
	peer    *end
	free    time.Time // when the line is done with what was written so far
	spare   []*delivery
	unhook  func()
	inbox
}

// delivery is one write on its way; it is used again, for most writes are alike.
type delivery struct {
	to   *end
	from *end
	p    []byte
	run  func()
}

var _ Line = (*end)(nil)

func newEnd(owner *sim.Actor, name string, bitRate int) *end {
	e := &end{owner: owner, epoch: owner.Epoch(), name: name}
	if bitRate > 0 {
		e.perByte = BitsPerByte * time.Second / time.Duration(bitRate)
	}
	e.unhook = owner.OnPowerOff(func() { e.shut() })
	return e
}

func (e *end) Write(p []byte) (int, error) {
	e.owner.Check(e.epoch)
	if e.gone != nil {
		return 0, e.gone
	}
	if len(p) == 0 {
		return 0, nil
	}
	e.owner.World().Note(e.name, "line", p)
	now := e.owner.Now()
	if e.free.Before(now) {
		e.free = now
	}
	e.free = e.free.Add(time.Duration(len(p)) * e.perByte)
	if !e.peer.alive() {
		return len(p), nil // nobody at the other end: the bytes go nowhere, as on a cable
	}
	d := e.delivery()
	d.p = append(d.p[:0], p...)
	e.peer.owner.Do(e.free.Sub(now), d.run)
	return len(p), nil
}

func (e *end) delivery() *delivery {
	if n := len(e.spare); n > 0 {
		d := e.spare[n-1]
		e.spare = e.spare[:n-1]
		return d
	}
	d := &delivery{to: e.peer, from: e}
	d.run = d.arrive
	return d
}

func (d *delivery) arrive() {
	d.to.deliver(d.p)
	d.from.spare = append(d.from.spare, d)
}

func (e *end) Receive(f func(p []byte, err error)) {
	e.owner.Check(e.epoch)
	e.inbox.Receive(f)
}

func (e *end) Close() error {
	e.owner.Check(e.epoch)
	e.unhook()
	e.shut()
	return nil
}

// shut ends the line; the other side hears of it after what was written before.
func (e *end) shut() {
	if o := e.peer; e.inbox.shut() && o.alive() {
		o.owner.Do(max(0, e.free.Sub(e.owner.Now())), func() { o.hangUp(ErrLineClosed) })
	}
}

func (e *end) alive() bool { return e.gone == nil && e.owner.Alive(e.epoch) }
