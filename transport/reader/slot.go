package reader

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/sim"
)

// Slot is a chip reader as a terminal holds it, however it is attached. Everything but Close belongs to the owner of the
// clock it was opened with.
type Slot interface {
	// Spec says which reader this is. For pcsc:// the name is filled in.
	Spec() Spec
	// Physical tells whether a card in it may be plastic.
	Physical() bool
	// Present tells whether a card is in the slot. It changes while the owner waits, so it may stand in the ready function
	// of a wait.
	Present() bool
	// PowerOn resets the card and returns it, ready for commands: an apdu.Card that shows no 61xx and no 6Cxx. Errors wrap
	// apdu.ErrCardRemoved, apdu.ErrMute, apdu.ErrProtocol, ErrUnplugged or ErrSharing.
	PowerOn() (apdu.Card, error)
	// ATR is the answer to reset of the last PowerOn; nil before.
	ATR() []byte
	// PowerOff takes the power from the card.
	PowerOff() error
	// Lost is why the reader is gone, wrapped in ErrUnplugged; nil while it is there. A reader of pcscd may come back.
	Lost() error
	// Close lets go of the reader, from any goroutine and more than once.
	Close() error
}

// Options is what OpenSlot needs beside the line; the zero value is right for real readers.
type Options struct {
	// Card gives a card of the library for emu: lines. nil: there are none.
	Card func(name string) (EmulatedCard, error)
	// Emulator is how the reader of an emu: line behaves.
	Emulator EmulatorConfig
	// Driver is how the driver of a line with a protocol behaves.
	Driver Config
	// Socket is pcscd's; empty: PCSCLITE_CSOCK_NAME of the environment, or /run/pcscd/pcscd.comm.
	Socket string
}

const dialLimit = 5 * time.Second

// OpenSlot finds the reader that s names. clock belongs to the caller, which waits in it, and p posts to that clock.
// Errors are one sentence that says what to do.
func OpenSlot(clock sim.Clock, p sim.Poster, s Spec, o Options) (Slot, error) {
	switch s.Kind {
	case PCSC:
		return openPCSCSlot(clock, p, s, o)
	case Emulated:
		return openEmulated(clock, s, o)
	}
	line, err := openLine(clock, p, s)
	if err != nil {
		return nil, err
	}
	d, err := Open(clock, line, o.Driver)
	if err != nil {
		if errors.Is(err, ErrUnplugged) {
			err = fmt.Errorf("%w (nothing at %s speaks %s: check the cable, the reader's power and the protocol)", err, s.Address, s.Protocol)
		}
		return nil, errors.Join(err, line.Close())
	}
	return &LineSlot{CCID: d, spec: s}, nil
}

func openLine(clock sim.Clock, p sim.Poster, s Spec) (Line, error) {
	if s.Kind == Serial {
		return OpenSerial(s.Address, p)
	}
	var c net.Conn
	var err error
	dialled := false
	go func() {
		conn, fault := net.DialTimeout("tcp", s.Address, dialLimit)
		p.Post(func() { c, err, dialled = conn, fault, true })
	}()
	if !clock.Wait(clock.Now().Add(2*dialLimit), func() bool { return dialled }) {
		err = errNoConnection
	}
	if err != nil {
		return nil, fmt.Errorf("reader: %w: check that a reader listens at %s", err, s.Address)
	}
	return ConnLine(c, p), nil
}

var errNoConnection = errors.New("no connection in time")

func openEmulated(clock sim.Clock, s Spec, o Options) (Slot, error) {
	var card EmulatedCard
	if s.Address != "" {
		if o.Card == nil {
			return nil, fmt.Errorf("reader: %v: there is no library of cards here", s)
		}
		var err error
		if card, err = o.Card(s.Address); err != nil {
			return nil, err
		}
	}
	near, far := LocalPipe(clock, DefaultBitRate)
	e := NewEmulator(clock, far, card, o.Emulator)
	d, err := Open(clock, near, o.Driver)
	if err != nil {
		return nil, err
	}
	return &LineSlot{CCID: d, spec: s, emulator: e}, nil
}

// LineSlot is a slot of a reader that this package drives itself.
type LineSlot struct {
	*CCID
	spec     Spec
	emulator *Emulator
}

var _ Slot = (*LineSlot)(nil)

// Spec says which reader this is.
func (s *LineSlot) Spec() Spec { return s.spec }

// Physical tells whether a card in it may be plastic.
func (s *LineSlot) Physical() bool { return s.spec.Physical() }

// PowerOn resets the card and returns it.
func (s *LineSlot) PowerOn() (apdu.Card, error) {
	if _, err := s.CCID.PowerOn(); err != nil {
		return nil, err
	}
	return s.CCID, nil
}

// ATR is the answer to reset of the last PowerOn.
func (s *LineSlot) ATR() []byte { return s.CCID.atr.Raw }

// Close lets go of the line. The card keeps its power: PowerOff first. A line in memory needs no letting go.
func (s *LineSlot) Close() error {
	if s.emulator != nil {
		return nil
	}
	return s.CCID.line.Close()
}

// Emulator is the emulated reader of an emu: line, whose Insert and Remove are the customer's hand; nil for all others.
func (s *LineSlot) Emulator() *Emulator { return s.emulator }
