package reader

import (
	"encoding/binary"
	"fmt"
)

// messageType is the first byte of a CCID message (CCID 1.1, 6.1 and 6.2).
type messageType byte

// Messages from the host are below 80, messages from the reader not: that tells an echo from an answer.
const (
	typeSetParameters messageType = 0x61
	typeIccPowerOn    messageType = 0x62
	typeIccPowerOff   messageType = 0x63
	typeGetSlotStatus messageType = 0x65
	typeEscape        messageType = 0x6B
	typeGetParameters messageType = 0x6C
	typeXfrBlock      messageType = 0x6F
	typeAbort         messageType = 0x72

	typeDataBlock    messageType = 0x80
	typeSlotStatus   messageType = 0x81
	typeParameters   messageType = 0x82
	typeEscapeAnswer messageType = 0x83
)

func (t messageType) String() string {
	switch t {
	case typeSetParameters:
		return "SetParameters"
	case typeIccPowerOn:
		return "IccPowerOn"
	case typeIccPowerOff:
		return "IccPowerOff"
	case typeGetSlotStatus:
		return "GetSlotStatus"
	case typeEscape:
		return "Escape"
	case typeGetParameters:
		return "GetParameters"
	case typeXfrBlock:
		return "XfrBlock"
	case typeAbort:
		return "Abort"
	case typeDataBlock:
		return "DataBlock"
	case typeSlotStatus:
		return "SlotStatus"
	case typeParameters:
		return "Parameters"
	case typeEscapeAnswer:
		return "EscapeAnswer"
	}
	return fmt.Sprintf("message %02X", byte(t))
}

func (t messageType) fromHost() bool { return t < 0x80 }

// answer is the type of message that answers t.
func (t messageType) answer() messageType {
	switch t {
	case typeIccPowerOn, typeXfrBlock:
		return typeDataBlock
	case typeSetParameters, typeGetParameters:
		return typeParameters
	case typeEscape:
		return typeEscapeAnswer
	}
	return typeSlotStatus
}

const (
	messageHeader = 10
	// maxData is a short command or answer with everything around it: the Twin's longest message is 271 bytes.
	maxData    = 261
	maxMessage = messageHeader + maxData
)

// message is one CCID message. In an answer the three specific bytes are status, error and one of the type's own.
type message struct {
	kind     messageType
	slot     byte
	seq      byte
	specific [3]byte
	data     []byte
}

func (m *message) append(dst []byte) []byte {
	dst = append(dst, byte(m.kind))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(m.data)))
	dst = append(dst, m.slot, m.seq, m.specific[0], m.specific[1], m.specific[2])
	return append(dst, m.data...)
}

// parseMessage reads a whole message; data stays part of b.
func parseMessage(b []byte) (message, error) {
	if len(b) < messageHeader {
		return message{}, fmt.Errorf("reader: CCID message of %d bytes, expected at least %d", len(b), messageHeader)
	}
	m := message{kind: messageType(b[0]), slot: b[5], seq: b[6], specific: [3]byte(b[7:10]), data: b[messageHeader:]}
	if n := binary.LittleEndian.Uint32(b[1:5]); n > maxData || int(n) != len(m.data) {
		return message{}, fmt.Errorf("reader: %v: dwLength %d at offset 1, expected %d", m.kind, n, len(m.data))
	}
	return m, nil
}

// Status byte of an answer (CCID 1.1, 6.2.6): the card below, the command above.
const (
	iccMask     = 0x03
	iccActive   = 0x00
	iccInactive = 0x01
	iccAbsent   = 0x02

	commandMask          = 0xC0
	commandFailed        = 0x40
	commandTimeExtension = 0x80
)

// Error byte of an answer whose command failed.
const (
	errorUnsupported    = 0x00
	errorBadLength      = 0x01 // index of dwLength in the message
	errorBadSlot        = 0x05 // index of bSlot
	errorSlotBusy       = 0xE0
	errorDeactivated    = 0xF3
	errorProtocol       = 0xF6
	errorBadATRTCK      = 0xF7
	errorBadATRTS       = 0xF8
	errorOverrun        = 0xFC
	errorParity         = 0xFD
	errorMute           = 0xFE
	errorCommandAborted = 0xFF
)

func errorName(b byte) string {
	switch b {
	case errorUnsupported:
		return "command not supported"
	case errorBadSlot:
		return "no such slot"
	case errorSlotBusy:
		return "slot busy"
	case errorDeactivated:
		return "card deactivated by the hardware"
	case errorProtocol:
		return "protocol not supported"
	case errorBadATRTCK:
		return "TCK of the answer to reset"
	case errorBadATRTS:
		return "TS of the answer to reset"
	case errorOverrun:
		return "overrun"
	case errorParity:
		return "parity"
	case errorMute:
		return "card mute"
	case errorCommandAborted:
		return "command aborted"
	}
	if b < 0x80 {
		return fmt.Sprintf("bad parameter at offset %d", b)
	}
	return fmt.Sprintf("error %02X", b)
}
