package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// DirDisk is a real directory; files are 0600, and nothing but a plain file of a plain name is opened: no symbolic link
// (where the system can tell), no folder. OpenDir gives one that is locked and guarded.
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

func (d DirDisk) open(name string, flag int) (*os.File, error) {
	if name != filepath.Base(name) || name == "." || name == ".." {
		return nil, &os.PathError{Op: "open", Path: name, Err: errors.New("want a plain file name")}
	}
	name = filepath.Join(string(d), name)
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() { // opening a pipe would wait for its other end
		return nil, &os.PathError{Op: "open", Path: name, Err: errors.New("not a plain file")}
	}
	return os.OpenFile(name, flag|noFollow, 0o600)
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
