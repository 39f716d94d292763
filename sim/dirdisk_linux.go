package sim

import (
	"os"
	"syscall"
)

const writeAhead = true

// datasync leaves out the file's times, which no reader of a log needs.
func datasync(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return err // a signal is no failed sync
		}
	}
}
