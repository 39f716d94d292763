//go:build !linux

package reader

import (
	"errors"
	"os"
	"time"

	"go.bug.st/serial"
)

// serialPort is a port as go.bug.st/serial has it on this system. Nobody has tried it with a reader.
type serialPort struct{ serial.Port }

func openPort(path string, mode *serial.Mode) (port, error) {
	p, err := serial.Open(path, mode)
	if err != nil {
		return nil, err
	}
	if err := p.SetRTS(false); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return serialPort{p}, p.ResetInputBuffer()
}

// SetWriteDeadline does nothing: without flow control a port takes what its rate allows.
func (serialPort) SetWriteDeadline(time.Time) error { return nil }

func isNotTTY(error) bool { return false }

func isHangUp(err error) bool {
	var p *serial.PortError
	return errors.Is(err, os.ErrClosed) || errors.As(err, &p) && p.Code() == serial.PortClosed
}
