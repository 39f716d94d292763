package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// DirDisk is a real directory; files are 0600, and nothing but a plain file of a plain name is opened: no symbolic link
// (where the system can tell), no folder. OpenDir gives one that is locked and guarded. A name that ends in ".new" is the
// disk's own: Replace writes there first, and what a crash leaves under it is thrown away by the next Replace.
//
// On Linux a file grows in blocks of zeros written ahead of the data, so that a sync has only data to write and no
// change of the file's size. The zeros at the end of what ReadFile returns are not data: a log recognises its end, and
// Truncate says where appending goes on.
type DirDisk string

const growth = 1 << 20 // bytes written ahead

// Open opens name for appending.
func (d DirDisk) Open(name string) (File, error) {
	f, err := d.open(name, os.O_CREATE|os.O_RDWR)
	if err != nil {
		return nil, err
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := syncDir(string(d)); err != nil { // a new name is durable before its content can be
		return nil, errors.Join(err, f.Close())
	}
	return &dirFile{f: f, end: end, size: end}, nil
}

// ReadFile reads name whole.
func (d DirDisk) ReadFile(name string) ([]byte, error) {
	f, err := d.open(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if info, err := f.Stat(); err == nil {
		b.Grow(int(info.Size()) + bytes.MinRead)
	}
	_, err = b.ReadFrom(f)
	return b.Bytes(), errors.Join(err, f.Close())
}

const replacement = ".new" // the end of the name of a file that is to take another's place

// Replace writes data beside the file that has the name and gives it the name when it is durable.
func (d DirDisk) Replace(name string, data []byte) error {
	to, err := d.path("replace", name)
	if err != nil {
		return err
	}
	from := to + replacement
	if err := plain("replace", from); err != nil {
		return err
	}
	if err := os.Remove(from); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(from, os.O_CREATE|os.O_EXCL|os.O_WRONLY|noFollow, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync() // the content is durable before the name is
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(from, to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(from))
	}
	return syncDir(string(d))
}

func (d DirDisk) open(name string, flag int) (*os.File, error) {
	path, err := d.path("open", name)
	if err != nil {
		return nil, err
	}
	return os.OpenFile(path, flag|noFollow, 0o600)
}

// path is where name is, if it is a name for a file and nothing but a plain file has it.
func (d DirDisk) path(op, name string) (string, error) {
	if name != filepath.Base(name) || name == "." || name == ".." || strings.HasSuffix(name, replacement) {
		return "", &os.PathError{Op: op, Path: name, Err: errors.New("want a plain file name that does not end in " + replacement)}
	}
	path := filepath.Join(string(d), name)
	return path, plain(op, path)
}

// plain refuses what is there and is no plain file: opening a pipe would wait for its other end.
func plain(op, path string) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return &os.PathError{Op: op, Path: path, Err: errors.New("not a plain file")}
	}
	return nil
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

type dirFile struct {
	f         *os.File
	end, size int64 // of the data; of the file
}

// Write appends p.
func (d *dirFile) Write(p []byte) (int, error) {
	if writeAhead && d.end+int64(len(p)) > d.size {
		n := (int64(len(p))/growth + 1) * growth
		if _, err := d.f.WriteAt(make([]byte, n), d.size); err != nil {
			return 0, err
		}
		if err := d.f.Sync(); err != nil {
			return 0, err
		}
		d.size += n
	}
	n, err := d.f.WriteAt(p, d.end)
	d.end += int64(n)
	d.size = max(d.size, d.end)
	return n, err
}

// Sync makes what was written durable.
func (d *dirFile) Sync() error {
	if err := datasync(d.f); err != nil {
		return &os.PathError{Op: "sync", Path: d.f.Name(), Err: err}
	}
	return nil
}

// Truncate cuts the file to n bytes, durably, and appends from there.
func (d *dirFile) Truncate(n int64) error {
	if n < 0 || n > d.end {
		return fmt.Errorf("%w: truncate %s to %d bytes: want 0 to %d", ErrIO, d.f.Name(), n, d.end)
	}
	if err := d.f.Truncate(n); err != nil {
		return err
	}
	d.end, d.size = n, n
	return d.f.Sync()
}

// Close closes the file.
func (d *dirFile) Close() error { return d.f.Close() }
