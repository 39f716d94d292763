package reader

import (
	"errors"
	"fmt"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/sim"
)

// Config is how a driver behaves; the zero value is right for a GemPC Twin.
type Config struct {
	// Timeout is what the reader may take for an answer, beyond what the card may; 0: 2 s.
	Timeout time.Duration
	// Limit bounds one operation, however often reader or card ask for more time; 0: 60 s.
	Limit time.Duration
}

const (
	defaultTimeout = 2 * time.Second
	defaultLimit   = 60 * time.Second

	// maxTries is how often one frame is sent or asked for, and one T=1 block sent (EMV 4.4 Book 1, 9.2.5).
	maxTries = 3
	// atrTime is a whole answer to reset: 42 000 clocks to its first byte, then 20 160 etu (EMV 4.4 Book 1, 8.1).
	atrTime = 42_000*time.Second/cardClock + 20_160*etu
	// removedGrace is what the reader has left for its answer once it told that the card went.
	removedGrace = 500 * time.Millisecond
)

// Stats counts what a driver saw and survived.
type Stats struct {
	Frames         int // answers taken
	BadFrames      int // check byte or length wrong, or stopped in the middle
	Refused        int // our frames the reader refused
	WrongSequence  int // answers to something else
	BadEchoes      int // echoes that differ from what was sent
	TimeRequests   int // bare ones and time extensions
	Garbage        int // bytes that begin nothing
	BlocksRepeated int // T=1 blocks sent again or asked for again
	Resynchs       int // T=1 resynchronisations asked for
}

// CCID is a driver of a serial CCID reader at TPDU level. It is an apdu.Card for the card in the reader, and belongs to
// the owner of its clock.
type CCID struct {
	clock sim.Clock
	line  Line
	cfg   Config
	stats Stats

	decoder frameDecoder
	out     []byte // the frame in hand
	seq     byte
	limit   time.Time // of the operation in hand

	waiting  bool
	got      signal
	answer   message
	data     [maxData]byte // of answer
	strange  byte          // the number of an answer that was not awaited
	heard    time.Time     // when an unfinished frame grew last
	lost     error         // the line is gone
	ready    func() bool
	firmware string

	present bool // a card is in the slot, as far as is known
	removed bool // it went, since it got power
	powered bool
	atr     ATR
	t1      hostT1
	tpdu    []byte // of a T=0 command
	chained apdu.Card
}

var _ apdu.Card = (*CCID)(nil)

// signal is what a wait for an answer ends with.
type signal byte

const (
	gotAnswer signal = 1 << iota
	gotBad
	gotNAK
	gotTime
	gotRemoved
	gotPart // of a frame: the wait for its rest is another one
)

// Open finds a reader on line, asks it to tell of cards, and learns whether one is there. clock and line belong to the
// caller, which waits in it. Without a reader on the line the error wraps ErrUnplugged.
func Open(clock sim.Clock, line Line, cfg Config) (*CCID, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Limit <= 0 {
		cfg.Limit = defaultLimit
	}
	r := &CCID{clock: clock, line: line, cfg: cfg, seq: 0xFF}
	r.ready = func() bool { return r.got != 0 || r.lost != nil }
	r.chained = apdu.Chain(tpdu{r})
	line.Receive(r.receive)
	r.begin()
	m, err := r.exchange(typeEscape, [3]byte{}, []byte{0x02}, cfg.Timeout)
	if err != nil && r.lost == nil { // bytes of an earlier life may have been on the line
		m, err = r.exchange(typeEscape, [3]byte{}, []byte{0x02}, cfg.Timeout)
	}
	if err != nil {
		return nil, &Error{"open", err}
	}
	r.firmware = string(m.data)
	// A reader that cannot tell of cards is asked for its status instead; so a refusal is no failure.
	var refused *statusError
	if _, err = r.exchange(typeEscape, [3]byte{}, []byte{1, 1, 1}, cfg.Timeout); err != nil && !errors.As(err, &refused) {
		return nil, &Error{"open", err}
	}
	if err := r.status(); err != nil {
		return nil, &Error{"open", err}
	}
	return r, nil
}

// Firmware is what the reader calls itself.
func (r *CCID) Firmware() string { return r.firmware }

// Stats gives the counts so far.
func (r *CCID) Stats() Stats { return r.stats }

// Present tells whether a card is in the slot, as the reader told last. It changes while the owner waits, so it may stand
// in the ready function of a wait.
func (r *CCID) Present() bool { return r.present && r.lost == nil }

// Lost gives the error that ended the line, wrapped in ErrUnplugged; nil while it holds.
func (r *CCID) Lost() error {
	if r.lost == nil {
		return nil
	}
	return &Error{"line", fmt.Errorf("%w: %w", ErrUnplugged, r.lost)}
}

// status asks the reader whether a card is in the slot.
func (r *CCID) status() error {
	_, err := r.exchange(typeGetSlotStatus, [3]byte{}, nil, r.cfg.Timeout)
	if refused := (*statusError)(nil); errors.As(err, &refused) {
		return nil // the status of a slot without a card is a refusal with some readers
	}
	return err
}

// PowerOn resets the card and agrees with it on a protocol. An answer to reset that EMV refuses gets one warm reset; the
// second one, and a mute card, lose their power again. Errors wrap apdu.ErrCardRemoved (no card is there),
// apdu.ErrMute, apdu.ErrProtocol or ErrUnplugged.
func (r *CCID) PowerOn() (ATR, error) {
	r.begin()
	r.removed, r.powered = false, false
	atr, protocol, err := r.reset()
	if errors.Is(err, errBadATR) {
		atr, protocol, err = r.reset() // power is on: this one is warm (EMV 4.4 Book 1, 6.1.3)
	}
	if err == nil {
		err = r.agree(&atr, protocol)
	}
	if err != nil {
		if r.lost == nil {
			r.exchange(typeIccPowerOff, [3]byte{}, nil, r.cfg.Timeout) // nothing to add to err
		}
		return ATR{}, &Error{"power on", err}
	}
	r.atr, r.powered = atr, true
	return atr, nil
}

var errBadATR = fmt.Errorf("answer to reset: %w", apdu.ErrProtocol)

func (r *CCID) reset() (atr ATR, protocol int, err error) {
	m, err := r.exchange(typeIccPowerOn, [3]byte{1}, nil, atrTime+r.cfg.Timeout) // 5 V: class A, every EMV contact card takes it
	if s := (*statusError)(nil); errors.As(err, &s) && (s.code == errorBadATRTS || s.code == errorBadATRTCK) {
		return ATR{}, 0, fmt.Errorf("%w: %w", errBadATR, err)
	}
	if err != nil {
		return ATR{}, 0, err
	}
	if atr, err = ParseATR(m.data); err == nil {
		protocol, err = atr.CheckEMV()
	}
	if err != nil {
		return ATR{}, 0, fmt.Errorf("%w: %w", errBadATR, err)
	}
	return atr, protocol, nil
}

// agree tells the reader how the card speaks, and a T=1 card how long a block may be.
func (r *CCID) agree(atr *ATR, protocol int) error {
	convention := byte(0)
	if atr.Inverse {
		convention = 0x02
	}
	parameters := []byte{0x11, convention, atr.guard(), 10, 0} // CCID 1.1, 6.1.7: Fi and Di 1, WI 10, clock never stopped
	if protocol == 1 {
		parameters = []byte{0x11, 0x10 | convention, atr.guard(), atr.waiting(), 0, byte(atr.IFSC()), 0}
	}
	_, err := r.exchange(typeSetParameters, [3]byte{byte(protocol)}, parameters, r.cfg.Timeout)
	if s := (*statusError)(nil); errors.As(err, &s) && s.code == errorUnsupported && s.icc == iccActive {
		err = nil // a reader that finds the parameters in the answer to reset itself
	}
	if err != nil || protocol == 0 {
		return err
	}
	r.t1.begin(atr)
	return r.t1NegotiateIFS()
}

// PowerOff takes the card's power away.
func (r *CCID) PowerOff() error {
	r.begin()
	r.powered = false
	_, err := r.exchange(typeIccPowerOff, [3]byte{}, nil, r.cfg.Timeout)
	if s := (*statusError)(nil); errors.As(err, &s) && s.icc == iccAbsent {
		return nil // no card, no power
	}
	return failed("power off", err)
}

// Transmit sends a command to the card and gives its answer, status word included. 61xx and 6Cxx are dealt with.
// Errors wrap apdu.ErrCardRemoved, apdu.ErrMute, apdu.ErrProtocol or ErrUnplugged. After one of them the card needs
// PowerOn, unless it could be resynchronised.
func (r *CCID) Transmit(command []byte) ([]byte, error) {
	r.begin()
	answer, err := r.chained.Transmit(command)
	return answer, failed("transmit", err)
}

// tpdu is the card as T=0 or T=1 leave it: a T=0 card shows 61xx and 6Cxx.
type tpdu struct{ r *CCID }

func (t tpdu) Transmit(command []byte) ([]byte, error) {
	answer, err := t.r.transmit(command)
	return answer, failed("transmit", err)
}

func (r *CCID) transmit(command []byte) ([]byte, error) {
	c, err := apdu.ParseCommand(command)
	switch {
	case r.lost != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnplugged, r.lost)
	case r.removed:
		return nil, fmt.Errorf("before the command: %w", apdu.ErrCardRemoved)
	case !r.powered:
		return nil, protocolError("the card has no power, expected PowerOn first")
	case err != nil:
		return nil, err
	}
	var answer []byte
	r.t1.recovered = false
	if r.atr.Protocol() == 1 {
		answer, err = r.t1Transmit(command)
	} else {
		answer, err = r.t0Transmit(command, c)
	}
	if err != nil {
		if !r.t1.recovered {
			r.powered = false // nobody knows what the card makes of the next command
		}
		if r.removed && r.lost == nil && !errors.Is(err, apdu.ErrCardRemoved) {
			err = fmt.Errorf("%w: %w", apdu.ErrCardRemoved, err)
		}
		return nil, err
	}
	return answer, nil
}

func (r *CCID) begin() { r.limit = r.clock.Now().Add(r.cfg.Limit) }
