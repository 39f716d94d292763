package reader

import (
	"errors"
	"fmt"
	"os"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// serialPort sets the port up through go.bug.st/serial and talks over a file of its own. The library reads with select,
// which ends in a panic from file descriptor 1024 on, and writes without a bound; a file of our own has neither limit.
type serialPort struct {
	*os.File
	settings serial.Port
}

var _ port = (*serialPort)(nil)

// openPort opens and sets up a port. The lock keeps other programs that ask for it away, also from root, whom the
// terminal's own exclusive mode (TIOCEXCL) lets through.
func openPort(path string, mode *serial.Mode) (port, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EBUSY) {
		return nil, ErrPortBusy
	}
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err != nil {
		return nil, errors.Join(errNotSerial, f.Close())
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(ErrPortBusy, f.Close())
	}
	s, err := serial.Open(path, mode)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	p := &serialPort{f, s}
	if err := s.SetRTS(false); !virtual(err) {
		return nil, errors.Join(fmt.Errorf("RTS: %w", err), p.Close())
	}
	if err := s.ResetInputBuffer(); !virtual(err) { // of an earlier life
		return nil, errors.Join(fmt.Errorf("input: %w", err), p.Close())
	}
	return p, nil
}

// Close lets go of the port.
func (p *serialPort) Close() error { return errors.Join(p.File.Close(), p.settings.Close()) }

func isNotTTY(err error) bool { return errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) }

// isHangUp: a port whose other end is gone reads EIO, one that was pulled out ENXIO or ENODEV.
func isHangUp(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENODEV) || errors.Is(err, os.ErrClosed)
}
