package sim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrNoData is a directory that is no data directory.
var ErrNoData = errors.New("no data directory")

// LookDir finds out what the data directory at path is for, and returns a disk to read it by. Nothing is written: no lock is
// taken for writing, and no file is made or touched. It refuses, in one sentence that says what to do, a directory without a
// VERSION file (ErrNoData), one of another format (ErrVersion), and one that somebody is writing (ErrInUse), whose files need not
// belong together.
func LookDir(path string) (kind string, disk DirDisk, err error) {
	kind, disk, err = lookDir(path)
	if err != nil {
		return "", "", fmt.Errorf("sim: data directory %s: %w", path, err)
	}
	return kind, disk, nil
}

func lookDir(path string) (string, DirDisk, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", "", err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "", fmt.Errorf("there is none: name one that a run has kept, a terminal's or a host's (%w)", fs.ErrNotExist)
	case err != nil:
		return "", "", err
	case !info.IsDir():
		return "", "", fmt.Errorf("this is a file: name its directory (%w)", ErrNoData)
	}
	d := DirDisk(path)
	content, err := d.ReadFile(versionName)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("it holds no %s (%w)", versionName, ErrNoData)
	}
	if err != nil {
		return "", "", err
	}
	words := strings.Fields(string(content))
	if len(words) != 3 {
		words = []string{"", "", ""}
	}
	if err := matches(content, words[1]); err != nil {
		return "", "", err
	}
	return words[1], d, written(filepath.Join(path, lockName))
}

// written tells whether somebody holds the lock. Only if a process that it names is there it is asked for, shared and for no
// longer than that: the number may be an old one.
func written(name string) error {
	f, err := os.OpenFile(name, os.O_RDONLY|noFollow, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var b [20]byte
	n, _ := f.ReadAt(b[:], 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil || pid <= 0 || !running(pid) {
		return nil
	}
	if err := lockShared(f); errors.Is(err, ErrInUse) {
		return fmt.Errorf("it is %w by %s: stop that one, or ask it", ErrInUse, holder(f))
	}
	return nil
}
