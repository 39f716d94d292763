//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

const noFollow = syscall.O_NOFOLLOW

// lock takes the file's lock, which the kernel gives back at the end of the process, however it ends.
func lock(f *os.File) error { return flock(f, syscall.LOCK_EX) }

// lockShared takes the lock beside other readers, as long as nobody has it for writing.
func lockShared(f *os.File) error { return flock(f, syscall.LOCK_SH) }

func flock(f *os.File, how int) error {
	for {
		switch err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrInUse
		default:
			return fmt.Errorf("cannot be locked (%w): choose a directory on a local disk", err)
		}
	}
}

func running(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func foreignOwner(info fs.FileInfo) (owner int, foreign bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, true
	}
	return int(s.Uid), int(s.Uid) != os.Geteuid()
}
