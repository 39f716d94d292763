//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package sim

import (
	"errors"
	"io/fs"
	"os"
)

const noFollow = 0

// lock refuses: without a lock that ends with its process, two of them could write one log.
func lock(*os.File) error {
	return errors.New("cannot be locked on this system: data directories need Linux, macOS or a BSD")
}

// lockShared has nothing to wait for: nobody can hold a lock here.
func lockShared(*os.File) error { return nil }

func running(int) bool { return true }

func foreignOwner(fs.FileInfo) (int, bool) { return 0, false }
