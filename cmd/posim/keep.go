package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/posim/posim/scenario"
)

// keeper writes what runs leave on their disks: run --keep DIR. Runs end in several goroutines.
type keeper struct {
	dir string
	mu  sync.Mutex
	err error // the first
}

// newKeeper makes the directory. One with something in it is refused: what an earlier run has left is not mixed with this one's.
func newKeeper(dir string) (*keeper, error) {
	all, err := os.ReadDir(dir)
	switch {
	case err == nil && len(all) > 0:
		return nil, misuse("--keep %s: it holds %s already: name a new directory, or an empty one", dir, all[0].Name())
	case err == nil:
		return &keeper{dir: dir}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, misuse("--keep: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, misuse("--keep: %w", err)
	}
	return &keeper{dir: dir}, nil
}

// keep writes the stores of one run into a folder that has its name.
func (k *keeper) keep(run string, s *scenario.Stores) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return
	}
	path := filepath.Join(k.dir, run)
	if k.err = os.Mkdir(path, 0o700); k.err == nil {
		k.err = s.Write(path)
	}
}

// done tells whether everything could be written.
func (k *keeper) done() error {
	if k == nil || k.err == nil {
		return nil
	}
	return failed(fmt.Errorf("--keep: %w", k.err))
}
