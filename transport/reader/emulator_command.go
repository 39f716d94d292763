package reader

import (
	"bytes"
	"errors"
	"time"

	"github.com/posim/posim/emv/apdu"
)

func (e *Emulator) obey(m message) {
	switch m.kind {
	case typeIccPowerOn:
		e.powerOn(m)
	case typeIccPowerOff:
		e.powerOff(m)
	case typeGetSlotStatus:
		if len(m.data) != 0 {
			e.fail(errorBadLength)
			return
		}
		e.answer(0, 0, nil)
	case typeEscape:
		e.escape(m)
	case typeGetParameters:
		e.answer(0, e.protocol, e.parameters)
	case typeSetParameters:
		e.setParameters(m)
	case typeXfrBlock:
		e.transfer(m.data)
	case typeAbort:
		e.busy = false
		e.answer(0, 0, nil)
	default:
		e.fail(errorUnsupported)
	}
}

func (e *Emulator) powerOn(m message) {
	e.busy, e.active, e.mute = false, false, false
	switch {
	case len(m.data) != 0:
		e.fail(errorBadLength)
		return
	case e.card == nil:
		e.fail(errorMute)
		return
	}
	raw := e.card.Reset()
	if len(raw) == 0 || len(raw) > maxATR {
		e.fail(errorMute)
		return
	}
	e.active = true
	e.t0, e.t1 = cardT0{}, cardT1{ifs: defaultIFS}
	e.protocol, e.parameters = 0, []byte{0x11, 0, 0, 10, 0}
	var err error
	if e.atr, err = ParseATR(raw); err != nil {
		e.atr = ATR{} // the host will refuse it; a card so broken is played as T=0
	}
	e.answer(0, 0, raw)
}

func (e *Emulator) powerOff(m message) {
	e.busy, e.active, e.mute = false, false, false
	if len(m.data) != 0 {
		e.fail(errorBadLength)
		return
	}
	e.answer(0, 1, nil) // the card's clock stands still, low
}

// escape knows the two commands a host opens the reader with; others are taken and change nothing, as a Twin does.
func (e *Emulator) escape(m message) {
	switch {
	case len(m.data) == 1 && m.data[0] == 0x02:
		e.answer(0, 0, e.firmware)
	case len(m.data) == 3 && m.data[0] == 0x01:
		e.notify = m.data[1] != 0
		e.answer(0, 0, nil)
	default:
		e.answer(0, 0, nil)
	}
}

func (e *Emulator) setParameters(m message) {
	protocol := m.specific[0]
	switch {
	case protocol > 1:
		e.fail(7) // index of bProtocolNum
	case protocol == 0 && len(m.data) != 5, protocol == 1 && len(m.data) != 7:
		e.fail(errorBadLength)
	default:
		e.protocol, e.parameters = protocol, bytes.Clone(m.data)
		e.answer(0, protocol, e.parameters)
	}
}

// transfer carries a block to the card: a TPDU with T=0, a block with T=1.
func (e *Emulator) transfer(data []byte) {
	if e.card == nil || !e.active {
		e.fail(errorMute)
		return
	}
	e.busy = true
	switch {
	case e.mute:
		e.silence()
	case e.atr.Protocol() == 1:
		e.t1Block(data)
	default:
		e.t0TPDU(data)
	}
}

// run has the card answer a command and finds out what goes wrong with it. Without an answer (ok is false) everything
// that happens instead has been seen to.
func (e *Emulator) run(command []byte) (response []byte, takes time.Duration, fault Fault, ok bool) {
	name := ""
	if e.cfg.Fault != nil || e.cfg.Trace != nil {
		name = apdu.Name(command[1])
	}
	takes = e.cfg.Processing
	switch fault = e.ask(name); fault.Kind {
	case FaultUnplug:
		e.unplug()
		return nil, 0, fault, false
	case FaultNAK:
		e.busy = false
		e.refuse()
		return nil, 0, fault, false
	case FaultTear:
		e.tear()
		return nil, 0, fault, false
	case FaultMute:
		e.silence()
		return nil, 0, fault, false
	case FaultSlow:
		takes += fault.Delay
	}
	response, err := answerOf(e.card, command, fault)
	switch {
	case err != nil:
		e.tear()
		return nil, 0, fault, false
	case response == nil:
		e.silence()
		return nil, 0, fault, false
	}
	if e.cfg.Trace != nil {
		e.cfg.Trace(name, command, response)
	}
	return response, takes, fault, true
}

// answerOf is what a card says to a command, or what the fault says in its place; nil: it stays mute. The error is a card
// that leaves, apdu.ErrCardRemoved.
func answerOf(card EmulatedCard, command []byte, fault Fault) ([]byte, error) {
	answer := fault.Answer
	if fault.Kind != FaultAnswer {
		var err error
		if answer, err = card.Transmit(command); errors.Is(err, apdu.ErrCardRemoved) {
			return nil, err
		} else if err != nil {
			return nil, nil
		}
	}
	if len(answer) < 2 || len(answer) > apdu.MaxLe+2 {
		return nil, nil
	}
	return answer, nil
}

// silence is a card that does not answer: the reader waits for it as long as the card may take, then says so.
func (e *Emulator) silence() {
	e.mute = true
	wait := WWT
	if e.atr.Protocol() == 1 {
		wait = e.atr.BWT()
	}
	e.after(wait, func() {
		e.busy = false
		e.fail(errorMute)
	})
}
