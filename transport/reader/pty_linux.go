package reader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/posim/posim/sim"
)

// OpenPTY makes a pseudo-terminal and gives its far end: what an emulated reader talks through. path is the device that a
// host opens as its serial port. link, unless empty, is a symbolic link to it, under a name that stays: an older link to
// a pseudo-terminal is replaced, anything else is not; Close takes it away. The device is open to its owner only (0600),
// raw, and kept open here too, so that the line outlives hosts that come and go.
func OpenPTY(link string, p sim.Poster) (line Line, path string, err error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, "", fmt.Errorf("reader: pseudo-terminal: %w: the system has none left (/proc/sys/kernel/pty/max)", err)
	}
	path = slave.Name()
	fail := func(what string, err error) (Line, string, error) {
		return nil, "", errors.Join(fmt.Errorf("reader: pseudo-terminal: %s: %w", what, err), master.Close(), slave.Close())
	}
	if err := makeRaw(int(slave.Fd())); err != nil {
		return fail("raw mode", err)
	}
	if err := slave.Chmod(0o600); err != nil {
		return fail("permissions", err)
	}
	far, err := pollable(master)
	if err != nil {
		return fail("non-blocking mode", err)
	}
	if link != "" {
		if err := relink(path, link); err != nil {
			return nil, "", errors.Join(err, far.Close(), slave.Close())
		}
	}
	l := newPump(far, p, func() error { return errors.Join(slave.Close(), unlink(path, link)) })
	l.gather = true
	return l, path, nil
}

// pollable is the file f in a form that has deadlines and whose Close ends a Read: the library leaves it blocking.
func pollable(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), f.Name()), f.Close()
}

// makeRaw lets every byte through as it is, in both directions.
func makeRaw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

const ptyFolder = "/dev/pts/"

// relink makes link point to path.
func relink(path, link string) error {
	switch old, err := os.Readlink(link); {
	case err == nil && strings.HasPrefix(old, ptyFolder):
		if err := os.Remove(link); err != nil {
			return fmt.Errorf("reader: %w", err)
		}
	case err == nil:
		return fmt.Errorf("reader: %s is a link to %s, not to a pseudo-terminal: give another name", link, old)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("reader: %s exists and is no link to a pseudo-terminal: give another name", link)
	}
	if err := os.Symlink(path, link); err != nil {
		return fmt.Errorf("reader: link to the pseudo-terminal: %w: give a name in a folder of yours", err)
	}
	return nil
}

// unlink takes link away while it is ours.
func unlink(path, link string) error {
	if link == "" {
		return nil
	}
	if old, err := os.Readlink(link); err != nil || old != path {
		return nil // somebody else's now, or gone
	}
	return os.Remove(filepath.Clean(link))
}
