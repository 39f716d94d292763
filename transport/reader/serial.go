package reader

import (
	"errors"
	"fmt"
	"io/fs"

	"go.bug.st/serial"

	"github.com/posim/posim/sim"
)

// twinMode is how a GemPC Twin listens: 115200 8N2.
var twinMode = serial.Mode{BaudRate: DefaultBitRate, DataBits: 8, Parity: serial.NoParity, StopBits: serial.TwoStopBits}

// OpenSerial opens a serial port for a reader in CCID frames: 115200 8N2, RTS low (a Twin takes RTS for the wish to be
// identified). A port without modem lines, a pseudo-terminal for one, is as good. Errors are one sentence each and say
// what to do; they wrap ErrNoPort, ErrPortBusy or fs.ErrPermission where that is the cause.
func OpenSerial(path string, p sim.Poster) (Line, error) {
	mode := twinMode
	c, err := openPort(path, &mode)
	if err != nil {
		return nil, portError(path, err)
	}
	return newPump(c, p, nil), nil
}

// Why a port cannot be opened.
var (
	ErrNoPort   = errors.New("reader: no such port")
	ErrPortBusy = errors.New("reader: port in use")
)

// portError says what stands in the way of a port and what to do about it.
func portError(path string, err error) error {
	var p *serial.PortError
	code := serial.PortErrorCode(-1)
	if errors.As(err, &p) {
		code = p.Code()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), code == serial.PortNotFound:
		return fmt.Errorf("%w: %s: plug the reader in (posim reader list shows the ports there are)", ErrNoPort, path)
	case errors.Is(err, ErrPortBusy), code == serial.PortBusy:
		return fmt.Errorf("%w: %s: end the other program that has it open", ErrPortBusy, path)
	case errors.Is(err, fs.ErrPermission), code == serial.PermissionDenied:
		return fmt.Errorf("reader: %s: %w: join the group that owns it (sudo usermod -aG dialout $USER) and log in again", path, fs.ErrPermission)
	case errors.Is(err, errNotSerial):
		return fmt.Errorf("%w: %s is no serial port: give a device such as /dev/ttyUSB0", ErrNoPort, path)
	}
	return fmt.Errorf("reader: %s: %w: check that it is a serial port and still plugged in", path, err)
}

var errNotSerial = errors.New("no serial port")

// virtual tells that a port has no modem lines; that is no failure.
func virtual(err error) bool { return err == nil || isNotTTY(err) }
