//go:build !linux

package sim

import "os"

const writeAhead = false

func datasync(f *os.File) error { return f.Sync() }
