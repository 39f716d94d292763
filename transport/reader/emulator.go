package reader

import (
	"time"

	"github.com/posim/posim/sim"
)

// EmulatedCard is what an Emulator reads: a chip at the level of whole commands. It knows no 61xx and no 6Cxx; those
// belong to T=0, which the emulator plays.
type EmulatedCard interface {
	// Reset gives the answer to reset; empty is a mute card. The protocol the ATR offers first is the one spoken.
	Reset() []byte
	// Transmit answers one command, data and status word. The command is the card's for the call only, the answer the
	// emulator's. A card that cannot answer gives an error and stays mute; apdu.ErrCardRemoved is one that leaves.
	Transmit(command []byte) ([]byte, error)
}

// EmulatorConfig is how an Emulator behaves; the zero value is a GemPC Twin with a fast and healthy card.
type EmulatorConfig struct {
	// Firmware is the answer to the firmware query; empty: the Twin's.
	Firmware string
	// NoEcho leaves out the repetition of each command that a Twin sends before it answers.
	NoEcho bool
	// Processing is what the card takes for a command; with T=0 the reader asks for time meanwhile, a T=1 card itself.
	Processing time.Duration
	// BlockSize is the longest information field the T=1 card sends; 0: what the host allows.
	BlockSize int
	// Fault is asked at each event whether something goes wrong there; nil: never.
	Fault func(event string) (Fault, bool)
	// Trace sees each command the card ran, under its name, and the answer. The bytes are not masked, and are the
	// caller's for the call only.
	Trace func(name string, command, response []byte)
}

const (
	defaultFirmware = "GemTwin-V2.00-GB15"

	// patience is how often a reader tells that its card still works.
	patience = 500 * time.Millisecond
	// characterTimeout ends a frame that stopped in its middle.
	characterTimeout = 500 * time.Millisecond
	// maxFlood ends a flood that nobody stops: more than eight minutes, while a driver waits one.
	maxFlood = 1000
)

// Emulator is a GemPC Twin with a card in it, at the far end of a Line. It is a function of events: bytes from the line,
// timers of its clock, and Insert and Remove. It never waits.
type Emulator struct {
	clock sim.Clock
	line  Line
	cfg   EmulatorConfig

	card   EmulatedCard // nil: the slot is empty
	active bool         // the card has power
	mute   bool         // the card is deaf until its next reset
	atr    ATR
	t0     cardT0
	t1     cardT1

	protocol   byte // as parameters name it
	parameters []byte
	notify     bool // the host asked to be told of cards
	gone       bool // the line is closed

	decoder  frameDecoder
	stale    func() // cancels the character time-out
	out      []byte
	echo     []byte
	last     []byte // the last answer as it should have been
	fault    Fault  // what goes wrong with the answer to this frame; Kind empty: nothing
	request  message
	busy     bool   // a block was given to the card and not answered yet
	cancel   func() // of the timer the work goes on with
	scratch  []byte // answers are put together here
	firmware []byte
}

// NewEmulator puts a reader at line, with card in its slot (nil: none). Both clock and line belong to the reader, for one
// stretch of its power: after a cut, and for a new line, make a new one.
func NewEmulator(clock sim.Clock, line Line, card EmulatedCard, cfg EmulatorConfig) *Emulator {
	e := &Emulator{clock: clock, line: line, cfg: cfg, card: card, firmware: []byte(cfg.Firmware)}
	if cfg.Firmware == "" {
		e.firmware = []byte(defaultFirmware)
	}
	if len(e.firmware) > maxData {
		e.firmware = e.firmware[:maxData]
	}
	e.parameters = []byte{0x11, 0, 0, 10, 0}
	line.Receive(e.receive)
	return e
}

// Present tells whether a card is in the slot.
func (e *Emulator) Present() bool { return e.card != nil }

// Insert puts a card into the slot, in the place of what was there. It may be called by anybody in the world.
func (e *Emulator) Insert(card EmulatedCard) {
	if e.card != nil {
		e.Remove()
	}
	if card == nil {
		return
	}
	e.card = card
	e.clock.After(0, func() { e.notice(slotPresent) })
}

// Remove pulls the card out, in the middle of a command or not. It may be called by anybody in the world.
func (e *Emulator) Remove() {
	if tell := e.pull(); tell != nil {
		e.clock.After(0, tell)
	}
}

// pull takes the card out of the slot; tell is how the host hears of it, nil when the slot was empty.
func (e *Emulator) pull() (tell func()) {
	if e.card == nil {
		return nil
	}
	e.card, e.active, e.mute = nil, false, false
	broken, seq := e.busy, e.request.seq
	if broken {
		e.stop()
	}
	e.busy = false
	return func() {
		e.notice(0)
		if broken && e.request.seq == seq {
			e.fail(errorMute)
		}
	}
}

// tear is a card pulled out by a fault, at once.
func (e *Emulator) tear() {
	if tell := e.pull(); tell != nil {
		tell()
	}
}

// unplug takes the reader away: its line is gone.
func (e *Emulator) unplug() {
	if e.gone {
		return
	}
	e.gone = true
	e.stop()
	e.line.Close()
}

func (e *Emulator) notice(present byte) {
	if e.notify {
		e.write([]byte{slotEvent, slotChanged | present})
	}
}

// write ignores the line's error: a reader without a host has nobody to tell.
func (e *Emulator) write(p []byte) {
	if !e.gone {
		e.line.Write(p)
	}
}

func (e *Emulator) stop() {
	if e.cancel != nil {
		e.cancel()
		e.cancel = nil
	}
}

// after goes on with f once d has passed; there is one thing to go on with at a time.
func (e *Emulator) after(d time.Duration, f func()) {
	e.stop()
	if d <= 0 {
		f()
		return
	}
	e.cancel = e.clock.After(d, func() {
		e.cancel = nil
		f()
	})
}

func (e *Emulator) receive(p []byte, err error) {
	if err != nil {
		e.gone = true
		e.stop()
		return
	}
	if e.stale != nil {
		e.stale()
		e.stale = nil
	}
	for len(p) > 0 && !e.gone {
		var kind elementKind
		var b []byte
		switch kind, b, p = e.decoder.take(p); kind {
		case elementFrame:
			e.frame(b)
		case elementBad:
			e.refuse()
		case elementNAK:
			e.repeat()
		}
	}
	if e.decoder.partial() && !e.gone {
		e.stale = e.clock.After(characterTimeout, func() {
			e.stale = nil
			e.decoder.reset()
			e.refuse()
		})
	}
}

func (e *Emulator) refuse() { e.write([]byte{frameSync, frameNAK, frameNAKLRC}) }

// ask is the hook; no hook costs nothing.
func (e *Emulator) ask(event string) Fault {
	if e.cfg.Fault == nil {
		return Fault{}
	}
	if f, ok := e.cfg.Fault(event); ok {
		return f
	}
	return Fault{}
}

// repeat sends the last answer again: the host found it damaged.
func (e *Emulator) repeat() {
	if len(e.last) == 0 {
		return
	}
	if e.fault = e.ask(EventFrame); e.early() {
		return
	}
	e.send()
}

// early plays the faults that come before a frame is looked at; true: nothing is left to do.
func (e *Emulator) early() bool {
	switch e.fault.Kind {
	case FaultUnplug:
		e.unplug()
	case FaultNAK:
		e.refuse()
	case FaultMute:
	case FaultTear:
		e.tear()
		return false
	default:
		return false
	}
	e.fault = Fault{}
	return true
}

// frame obeys one command of the host.
func (e *Emulator) frame(b []byte) {
	m, err := parseMessage(b)
	if err != nil {
		e.refuse() // the decoder has seen to the length, so this is no message at all
		return
	}
	if !e.cfg.NoEcho {
		e.echo = appendFrame(e.echo[:0], &m)
		e.write(e.echo)
	}
	if e.fault = e.ask(EventFrame); e.early() {
		return
	}
	aside := e.busy
	switch m.kind {
	case typeIccPowerOn, typeIccPowerOff, typeAbort:
		aside = false // they end the work
	}
	refusal := byte(errorSlotBusy)
	if m.slot != 0 {
		aside, refusal = true, errorBadSlot
	}
	if aside { // answered beside the work, under its own number
		e.put(m.kind.answer(), m.seq, commandFailed|e.icc(), refusal, 0, nil)
		e.write(e.out)
		return
	}
	e.stop() // a flood ends when the host goes on
	e.request = m
	e.request.data = nil
	e.obey(m)
}
