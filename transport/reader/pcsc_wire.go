package reader

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/posim/posim/emv/apdu"
)

// pcscd's socket, protocol 4.4: a request is a header (length of the body, command), then the body, little endian
// throughout. The answer is the body again, filled in, without a header; its last four bytes are the result. A command to
// a card follows the body of transmit, as its answer follows the body of the answer.
const (
	pcscMajor = 4
	pcscMinor = 4
)

type pcscCommand uint32

const (
	pcscEstablish    pcscCommand = 0x01
	pcscRelease      pcscCommand = 0x02
	pcscConnect      pcscCommand = 0x04
	pcscReconnect    pcscCommand = 0x05
	pcscDisconnect   pcscCommand = 0x06
	pcscBegin        pcscCommand = 0x07
	pcscEnd          pcscCommand = 0x08
	pcscTransmit     pcscCommand = 0x09
	pcscStatus       pcscCommand = 0x0B
	pcscVersion      pcscCommand = 0x11
	pcscReadersState pcscCommand = 0x12
	pcscWaitChange   pcscCommand = 0x13
	pcscStopWaiting  pcscCommand = 0x14
)

func (c pcscCommand) String() string {
	switch c {
	case pcscEstablish:
		return "establish context"
	case pcscRelease:
		return "release context"
	case pcscConnect:
		return "connect"
	case pcscReconnect:
		return "reconnect"
	case pcscDisconnect:
		return "disconnect"
	case pcscBegin:
		return "begin transaction"
	case pcscEnd:
		return "end transaction"
	case pcscTransmit:
		return "transmit"
	case pcscStatus:
		return "status"
	case pcscVersion:
		return "version"
	case pcscReadersState:
		return "readers' state"
	case pcscWaitChange:
		return "wait for a change"
	case pcscStopWaiting:
		return "stop waiting"
	}
	return fmt.Sprintf("command %02X", uint32(c))
}

// Sizes of bodies.
const (
	pcscName         = 128 // a reader's name with its closing zeros
	pcscMaxReaders   = 16
	pcscReaderState  = 184
	pcscStates       = pcscMaxReaders * pcscReaderState
	pcscTransmitBody = 32
)

// Values of the fields share, protocol and disposition (PC/SC part 5).
const (
	pcscShareExclusive = 1

	pcscProtocolT0 = 1
	pcscProtocolT1 = 2

	pcscLeave   = 0
	pcscUnpower = 2
)

// Bits of a reader's state.
const (
	pcscStateAbsent  = 0x02
	pcscStatePresent = 0x04
)

// appendRequest appends a request with a body of 32-bit fields.
func appendRequest(dst []byte, c pcscCommand, fields ...uint32) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(4*len(fields)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(c))
	for _, f := range fields {
		dst = binary.LittleEndian.AppendUint32(dst, f)
	}
	return dst
}

// appendConnect appends the request that connects to the card in the reader name.
func appendConnect(dst []byte, context uint32, name string, share, protocols uint32) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, 4+pcscName+5*4)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(pcscConnect))
	dst = binary.LittleEndian.AppendUint32(dst, context)
	var field [pcscName]byte
	copy(field[:pcscName-1], name)
	dst = append(dst, field[:]...)
	for _, f := range [...]uint32{share, protocols, 0, 0, 0} {
		dst = binary.LittleEndian.AppendUint32(dst, f)
	}
	return dst
}

// appendTransmit appends the request that carries a command to the card.
func appendTransmit(dst []byte, handle, protocol uint32, command []byte) []byte {
	const pci = 16 // what pcscd takes for the length of its own protocol header
	dst = appendRequest(dst, pcscTransmit, handle, protocol, pci, uint32(len(command)), protocol, pci, maxAnswer, 0)
	return append(dst, command...)
}

// maxAnswer is the room we offer for an answer: a short one, and to spare, so that a longer one is seen as what it is.
const maxAnswer = 264

func field(body []byte, i int) uint32 { return binary.LittleEndian.Uint32(body[4*i:]) }

// result is the last field of every answer.
func result(body []byte) pcscResult { return pcscResult(field(body, len(body)/4-1)) }

// PCSCReader is a reader as pcscd lists it.
type PCSCReader struct {
	Name    string
	Present bool   // a card is in it
	ATR     []byte // of that card; empty when it is mute, or has no power yet
	InUse   bool   // a program is connected to the card
	Changes uint32 // how often cards came and went
}

// parseReaders takes the list of readers apart. Unused places have no name.
func parseReaders(b []byte) ([]PCSCReader, error) {
	if len(b) != pcscStates {
		return nil, fmt.Errorf("readers' state of %d bytes, expected %d: %w", len(b), pcscStates, apdu.ErrProtocol)
	}
	var all []PCSCReader
	for ; len(b) > 0; b = b[pcscReaderState:] {
		name, _, _ := bytes.Cut(b[:pcscName], []byte{0})
		if len(name) == 0 {
			continue
		}
		n := binary.LittleEndian.Uint32(b[176:])
		if n > maxATR {
			return nil, fmt.Errorf("readers' state: %q has an ATR of %d bytes, expected at most %d: %w", name, n, maxATR, apdu.ErrProtocol)
		}
		state := binary.LittleEndian.Uint32(b[132:])
		r := PCSCReader{
			Name: string(name), Present: state&pcscStatePresent != 0 && state&pcscStateAbsent == 0,
			InUse: binary.LittleEndian.Uint32(b[136:]) != 0, Changes: binary.LittleEndian.Uint32(b[128:]),
		}
		if r.Present {
			r.ATR = bytes.Clone(b[140 : 140+n])
		}
		all = append(all, r)
	}
	return all, nil
}

// pcscResult is the last field of an answer: 0, or why it failed.
type pcscResult uint32

const (
	resultOK               pcscResult = 0
	resultUnknownReader    pcscResult = 0x80100009
	resultTimeout          pcscResult = 0x8010000A
	resultSharing          pcscResult = 0x8010000B
	resultNoCard           pcscResult = 0x8010000C
	resultProtocolMismatch pcscResult = 0x8010000F
	resultCommunication    pcscResult = 0x80100013
	resultNotTransacted    pcscResult = 0x80100016
	resultReaderGone       pcscResult = 0x80100017
	resultNoService        pcscResult = 0x8010001D
	resultServiceStopped   pcscResult = 0x8010001E
	resultNoReaders        pcscResult = 0x8010002E
	resultUnresponsive     pcscResult = 0x80100066
	resultUnpowered        pcscResult = 0x80100067
	resultReset            pcscResult = 0x80100068
	resultRemoved          pcscResult = 0x80100069
	resultSecurity         pcscResult = 0x8010006A
)

// Error says what happened and, where that helps, what to do.
func (r pcscResult) Error() string {
	switch r {
	case resultUnknownReader, resultReaderGone, resultNoReaders:
		return "the reader is gone: plug it in"
	case resultTimeout:
		return "pcscd ran out of time"
	case resultSharing:
		return "another program uses the card: end it (scdaemon of gpg, a browser, pcsc_scan)"
	case resultNoCard:
		return "no card is in the reader: insert one"
	case resultProtocolMismatch:
		return "the card speaks neither T=0 nor T=1 with this reader: try another card or reader"
	case resultCommunication, resultNotTransacted:
		return "reader and card did not understand each other: clean the card's contacts and insert it again"
	case resultNoService, resultServiceStopped:
		return "pcscd is stopping: start it again"
	case resultUnresponsive:
		return "the card does not answer to its reset: insert it the right way round"
	case resultUnpowered:
		return "the card has no power"
	case resultReset:
		return "another program has reset the card: end that program and start again"
	case resultRemoved:
		return "the card was removed"
	case resultSecurity:
		return "pcscd does not let this user in: see polkit's rules for org.debian.pcsc-lite.access_card"
	}
	return fmt.Sprintf("pcscd answers %08X", uint32(r))
}

// Unwrap gives the cause as the kernel knows it; nil when it has no word for it.
func (r pcscResult) Unwrap() error {
	switch r {
	case resultNoCard, resultRemoved:
		return apdu.ErrCardRemoved
	case resultUnresponsive, resultUnpowered:
		return apdu.ErrMute
	case resultUnknownReader, resultReaderGone, resultNoReaders, resultNoService, resultServiceStopped:
		return ErrUnplugged
	case resultSharing:
		return ErrSharing
	case resultProtocolMismatch, resultCommunication, resultNotTransacted, resultReset:
		return apdu.ErrProtocol
	}
	return nil
}
