package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Dir is a data directory: a DirDisk that says what it is for, and that belongs to this process until Close or its end,
// kill -9 included.
//
// Beside the owner's files it holds VERSION, one line with the kind and the number of the format, and LOCK, which is
// locked while the directory is in use and names the process. The directory is 0700, its files are 0600.
type Dir struct {
	DirDisk
	lock *os.File
}

// Format is the number of the data format that this package's users write. A directory of another is refused.
const Format = 1

// What OpenDir refuses, for callers that test for it. The text of the error says which directory, and what to do.
var (
	ErrInUse     = errors.New("in use")
	ErrVersion   = errors.New("another version")
	ErrUnsafeDir = errors.New("not safe")
)

const (
	versionName = "VERSION"
	versionTemp = versionName + replacement
	lockName    = "LOCK"
)

// OpenDir opens the data directory at path, of the given kind (lower-case letters, digits and hyphens: "terminal"), and
// creates it if it is absent; its parent must exist. It refuses, in one sentence that says what to do: a directory in use
// (ErrInUse), of another kind or format (ErrVersion), one that others can enter or own, a symbolic link (ErrUnsafeDir), one
// that holds something else, and what is not a directory.
func OpenDir(path, kind string) (*Dir, error) {
	d, err := openDir(path, kind)
	if err != nil {
		return nil, fmt.Errorf("sim: data directory %s: %w", path, err)
	}
	return d, nil
}

func openDir(path, kind string) (*Dir, error) {
	if kind == "" || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return nil, fmt.Errorf("kind %q: want lower-case letters, digits and hyphens", kind)
	}
	if path == "" {
		return nil, errors.New("no path was given: name a directory")
	}
	path, err := filepath.Abs(path) // whoever changes the working directory later does not move the data
	if err != nil {
		return nil, err
	}
	if err := makeDir(path); err != nil {
		return nil, err
	}
	if err := private(path); err != nil {
		return nil, err
	}
	d := &Dir{DirDisk: DirDisk(path)}
	made, err := d.recognise(kind) // before anything is written into what may not be ours
	if err != nil {
		return nil, err
	}
	if d.lock, err = lockFile(filepath.Join(path, lockName)); err != nil {
		return nil, err
	}
	if !made {
		if made, err = d.recognise(kind); err == nil && !made { // somebody may have made it meanwhile
			err = d.Replace(versionName, []byte(version(kind))) // at one instant that a power cut cannot divide
		}
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// makeDir creates path if it is absent, durably.
func makeDir(path string) error {
	err := os.Mkdir(path, 0o700)
	switch {
	case err == nil:
		return syncDir(filepath.Dir(path))
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no %s to create it in: create that first (%w)", filepath.Dir(path), fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("no permission to create it in %s: choose another place (%w)", filepath.Dir(path), fs.ErrPermission)
	}
	return fmt.Errorf("cannot be created: %w", err)
}

// private refuses what others could read, change, or put in the place of the directory.
func private(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("a symbolic link is %w: name the directory itself", ErrUnsafeDir)
	case !mode.IsDir():
		return errors.New("this is a file, not a directory: choose another")
	}
	if owner, foreign := foreignOwner(info); foreign {
		return fmt.Errorf("a directory that belongs to user %d is %w: use one of your own", owner, ErrUnsafeDir)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return fmt.Errorf("a directory that others can enter (mode %04o) is %w: run chmod 700 %s", info.Mode().Perm(), ErrUnsafeDir, path)
	}
	return nil
}

// recognise tells whether the directory has been made already; what is neither a data directory nor empty is an error.
func (d *Dir) recognise(kind string) (made bool, err error) {
	entries, err := os.ReadDir(string(d.DirDisk))
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return false, fmt.Errorf("no permission to read it: run chmod 700 %s (%w)", string(d.DirDisk), fs.ErrPermission)
		}
		return false, err
	}
	content, err := d.ReadFile(versionName) // after the names: whoever makes the directory writes it before other files
	if err == nil {
		return true, matches(content, kind)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	for _, e := range entries {
		if name := e.Name(); name != lockName && name != versionTemp && name != versionName { // what a kill while it was made leaves
			return false, fmt.Errorf("it holds %s and no %s, so it is no data directory: choose an empty or a new one", name, versionName)
		}
	}
	return false, nil
}

func version(kind string) string { return fmt.Sprintf("posim %s %d\n", kind, Format) }

// matches compares what VERSION says.
func matches(content []byte, kind string) error {
	if string(content) == version(kind) {
		return nil
	}
	words := strings.Fields(string(content))
	format := 0
	if len(words) == 3 && words[0] == "posim" {
		format, _ = strconv.Atoi(words[2])
	}
	switch {
	case format < 1:
		return fmt.Errorf("its %s file says %.40q, so it is no data directory: choose an empty or a new one (%w)", versionName, content, ErrVersion)
	case words[1] != kind:
		return fmt.Errorf("it holds the data of a %.40q, not of a %s: choose another (%w)", words[1], kind, ErrVersion)
	case format > Format:
		return fmt.Errorf("its data has format %d and this program reads %d: use the later program that wrote it, or a new directory (%w)", format, Format, ErrVersion)
	}
	return fmt.Errorf("its data has format %d and this program reads %d: use the program that wrote it, or a new directory (%w)", format, Format, ErrVersion)
}

// lockFile takes the lock and leaves this process's number in it, for whoever finds it taken.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|noFollow, 0o600)
	if err != nil {
		return nil, fmt.Errorf("its %s file cannot be opened: %w", lockName, err)
	}
	if err := lock(f); err != nil {
		if errors.Is(err, ErrInUse) {
			err = fmt.Errorf("it is %w by %s: stop that one, or choose another directory", ErrInUse, holder(f))
		}
		return nil, errors.Join(err, f.Close())
	}
	// The number is a courtesy: the lock holds without it.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

// holder names the process that the file names, if it is still there.
func holder(f *os.File) string {
	var b [20]byte
	n, _ := f.ReadAt(b[:], 0)
	pid, err := strconv.Atoi(string(bytes.TrimSpace(b[:n])))
	switch {
	case err != nil || pid <= 0 || !running(pid):
		return "another process"
	case pid == os.Getpid():
		return "this process already"
	}
	return fmt.Sprintf("process %d", pid)
}

// Path is where the directory is, absolute.
func (d *Dir) Path() string { return string(d.DirDisk) }

// Close gives the directory up. Files that are open stay usable, which is their owner's mistake.
func (d *Dir) Close() error {
	if d.lock == nil {
		return nil
	}
	f := d.lock
	d.lock = nil
	return errors.Join(f.Truncate(0), f.Close())
}
