// Package apdu is the language between a terminal and a chip card: commands, responses, status words, and the Card interface
// that every back-end (emulated chip, reader, replay of a recorded session) offers to the EMV kernel.
//
// Start with Chain(card), which hides what differs between transports, then Command.Append, Transmit and Parse:
//
//	response, err := apdu.Parse(raw)
//	if err == nil && response.SW == apdu.SWSuccess { ... }
//
// Standards: ISO/IEC 7816-4 short commands; EMV Contact Interface Specification 1.0, Annex A (61xx, 6Cxx and warnings).
// It knows no protocol below the APDU: T=0 procedure bytes and T=1 blocks belong to the reader. Extended lengths are not
// supported, because EMV has none.
package apdu

import "errors"

// A Card answers one command at a time.
//
// Transmit blocks until the card has answered. The response ends with SW1 SW2 and is the caller's to keep: an implementation
// does not write to it again, and it does not keep the command after it returns. Any status word is a response, not an error;
// an error means that there was no response, and wraps one of the sentinels below where the cause is known.
type Card interface {
	Transmit(command []byte) (response []byte, err error)
}

// The causes for which a card gave no response. Back-ends wrap them with %w.
var (
	ErrCardRemoved = errors.New("apdu: card removed")            // the card left the reader
	ErrMute        = errors.New("apdu: card does not answer")    // no answer within the waiting time
	ErrProtocol    = errors.New("apdu: card protocol violation") // an answer that is no response: too short, too long, endless
)
