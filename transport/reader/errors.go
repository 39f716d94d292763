package reader

import (
	"errors"
	"fmt"

	"github.com/posim/posim/emv/apdu"
)

// ErrUnplugged means that the reader is gone: its line failed, was closed, or nothing on it answers as a reader. Open a
// new line to go on.
var ErrUnplugged = errors.New("reader: unplugged")

// Error is what went wrong with a reader, during which operation. Err wraps one of apdu.ErrCardRemoved, apdu.ErrMute,
// apdu.ErrProtocol and ErrUnplugged. No error of this package quotes the bytes of a command or an answer.
type Error struct {
	Op  string // "open", "power on", "power off", "status", "transmit", ...
	Err error
}

func (e *Error) Error() string { return "reader: " + e.Op + ": " + e.Err.Error() }

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }

// failed wraps err with the operation, once.
func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return err
	}
	return &Error{op, err}
}

func protocolError(format string, a ...any) error {
	return fmt.Errorf(format+": %w", append(a, apdu.ErrProtocol)...)
}
