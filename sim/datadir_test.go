//go:build linux

package sim_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/posim/posim/sim"
)

func TestADataDirectoryIsMadeAndFoundAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	for life := range 3 {
		d, err := sim.OpenDir(path, "terminal")
		if err != nil {
			t.Fatal(err)
		}
		old, err := d.ReadFile("journal")
		if life == 0 && !errors.Is(err, fs.ErrNotExist) || len(strings.TrimRight(string(old), "\x00")) != life {
			t.Errorf("life %d: %d bytes, %v", life, len(old), err)
		}
		f, err := d.Open("journal")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Truncate(int64(life)), put(f, "x"), f.Sync(), f.Close()); err != nil {
			t.Error(err)
		}
		if d.Path() != path {
			t.Error(d.Path())
		}
		modes(t, path)
		if err := errors.Join(d.Close(), d.Close()); err != nil {
			t.Error(err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(path, "VERSION")); string(b) != "posim terminal 1\n" {
		t.Errorf("%q %v", b, err)
	}
}

func put(f sim.File, s string) error {
	_, err := f.Write([]byte(s))
	return err
}

// modes fails when anything in the directory is open to others.
func modes(t *testing.T, path string) {
	t.Helper()
	_ = filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		info, _ := e.Info()
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[e.IsDir()]; err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, want %o", name, info.Mode(), want)
		}
		return nil
	})
}

func TestRefusedDataDirectories(t *testing.T) {
	foreign := func(t *testing.T, path string) string {
		if os.Geteuid() != 0 {
			return "/usr"
		}
		must(t, os.Mkdir(path, 0o700), os.Chown(path, 65534, 65534))
		return path
	}
	file := func(name, content string) func(t *testing.T, path string) string {
		return func(t *testing.T, path string) string {
			must(t, os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, name), []byte(content), 0o600))
			return path
		}
	}
	for _, tt := range []struct {
		name string
		make func(t *testing.T, path string) string
		is   error
		want string // PATH is the directory's, UP its parent's
	}{
		{"a file", func(t *testing.T, path string) string {
			must(t, os.WriteFile(path, nil, 0o600))
			return path
		}, nil, "this is a file, not a directory: choose another"},
		{"a symbolic link", func(t *testing.T, path string) string {
			must(t, os.Mkdir(path+"2", 0o700), os.Symlink(path+"2", path))
			return path
		}, sim.ErrUnsafeDir, "a symbolic link is not safe: name the directory itself"},
		{"a symbolic link to nothing", func(t *testing.T, path string) string {
			must(t, os.Symlink(path+"2", path))
			return path
		}, sim.ErrUnsafeDir, "a symbolic link is not safe: name the directory itself"},
		{"open to the group", func(t *testing.T, path string) string {
			must(t, os.Mkdir(path, 0o700), os.Chmod(path, 0o710))
			return path
		}, sim.ErrUnsafeDir, "a directory that others can enter (mode 0710) is not safe: run chmod 700 PATH"},
		{"open to the world", func(t *testing.T, path string) string {
			must(t, os.Mkdir(path, 0o700), os.Chmod(path, 0o701))
			return path
		}, sim.ErrUnsafeDir, "a directory that others can enter (mode 0701) is not safe: run chmod 700 PATH"},
		{"somebody else's", foreign, sim.ErrUnsafeDir, "is not safe: use one of your own"},
		{"something else in it", file("holiday.jpg", "x"), nil,
			"it holds holiday.jpg and no VERSION, so it is no data directory: choose an empty or a new one"},
		{"another kind", file("VERSION", "posim host 1\n"), sim.ErrVersion,
			`it holds the data of a "host", not of a terminal: choose another (another version)`},
		{"a later format", file("VERSION", "posim terminal 2\n"), sim.ErrVersion,
			"its data has format 2 and this program reads 1: use the later program that wrote it, or a new directory (another version)"},
		{"somebody else's VERSION", file("VERSION", "5.4.3\n"), sim.ErrVersion,
			`its VERSION file says "5.4.3\n", so it is no data directory: choose an empty or a new one (another version)`},
		{"an empty VERSION", file("VERSION", ""), sim.ErrVersion,
			`its VERSION file says "", so it is no data directory: choose an empty or a new one (another version)`},
		{"no format", file("VERSION", "posim terminal x\n"), sim.ErrVersion,
			`its VERSION file says "posim terminal x\n", so it is no data directory: choose an empty or a new one (another version)`},
		{"VERSION is a link", func(t *testing.T, path string) string {
			must(t, os.Mkdir(path, 0o700), os.WriteFile(path+"2", []byte("posim terminal 1\n"), 0o600),
				os.Symlink(path+"2", filepath.Join(path, "VERSION")))
			return path
		}, nil, "not a plain file"},
		{"LOCK is a link", func(t *testing.T, path string) string {
			must(t, os.Mkdir(path, 0o700), os.Symlink(path+"2", filepath.Join(path, "LOCK")))
			return path
		}, syscall.ELOOP, "its LOCK file cannot be opened"},
		{"no parent", func(t *testing.T, path string) string {
			return filepath.Join(path, "deeper")
		}, fs.ErrNotExist, "there is no UP to create it in: create that first (file does not exist)"},
		{"no path", func(t *testing.T, path string) string { return "" }, nil, "no path was given: name a directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := tt.make(t, filepath.Join(t.TempDir(), "data"))
			before := tree(path)
			d, err := sim.OpenDir(path, "terminal")
			if err == nil {
				d.Close()
				t.Fatal("opened")
			}
			want := strings.NewReplacer("PATH", path, "UP", filepath.Dir(path)).Replace(tt.want)
			if !strings.Contains(err.Error(), want) || tt.is != nil && !errors.Is(err, tt.is) ||
				!strings.HasPrefix(err.Error(), "sim: data directory "+path+": ") {
				t.Errorf("%v\nwant %s", err, want)
			}
			if after := tree(path); after != before {
				t.Errorf("it was touched:\n%s, was\n%s", after, before)
			}
		})
	}
	if _, err := sim.OpenDir(t.TempDir(), "A/b"); err == nil {
		t.Error("kind A/b")
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func tree(path string) (s string) {
	if path == "/usr" || path == "" {
		return ""
	}
	_ = filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		s += name + "\n"
		return nil
	})
	return s
}

func TestNoPermission(t *testing.T) {
	unprivileged(t, func() {
		up := t.TempDir()
		must(t, os.Chmod(up, 0o500))
		path := filepath.Join(up, "data")
		if _, err := sim.OpenDir(path, "terminal"); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "no permission to create it in "+up) {
			t.Error(err)
		}
		closed := filepath.Join(t.TempDir(), "data")
		must(t, os.Mkdir(closed, 0o300))
		if _, err := sim.OpenDir(closed, "terminal"); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "no permission to read it: run chmod 700 "+closed) {
			t.Error(err)
		}
		must(t, os.Chmod(up, 0o700), os.Chmod(closed, 0o700))
	})
}

// unprivileged runs f as somebody whom the modes of files bind: root's files are looked at by nobody.
func unprivileged(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		// The capabilities over files, and no others, go from this thread: modes bind root too.
		type header struct {
			version uint32
			pid     int32
		}
		h, data := header{version: 0x20080522}, [2]struct{ effective, permitted, inheritable uint32 }{}
		_, _, errno := syscall.RawSyscall(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&h)), uintptr(unsafe.Pointer(&data)), 0)
		if errno != 0 {
			t.Error(errno)
			return
		}
		f()
	}()
	<-done
}

func TestADirectoryInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	d, err := sim.OpenDir(path, "host")
	must(t, err)
	_, err = sim.OpenDir(path, "host")
	if !errors.Is(err, sim.ErrInUse) || !strings.Contains(err.Error(), "it is in use by this process already: stop that one, or choose another directory") {
		t.Error(err)
	}
	must(t, d.Close())
	d, err = sim.OpenDir(path, "host")
	must(t, err, d.Close())
}

// TestHold is no test by itself: another runs it as a process that holds a directory.
func TestHold(t *testing.T) {
	path := os.Getenv("POSIM_TEST_HOLD")
	if path == "" {
		return
	}
	d, err := sim.OpenDir(path, "host")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	defer d.Close()
	fmt.Println("held")
	_, _ = os.Stdin.Read(make([]byte, 1)) // until it is killed, or the other has gone
}

func TestKillingAProcessFreesItsDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	for range 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestHold$")
		cmd.Env = append(os.Environ(), "POSIM_TEST_HOLD="+path)
		out, err := cmd.StdoutPipe()
		must(t, err)
		in, err := cmd.StdinPipe()
		must(t, err, cmd.Start())
		defer in.Close()
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
			t.Fatal(line, err)
		}
		_, err = sim.OpenDir(path, "host")
		if want := fmt.Sprintf("in use by process %d: stop that one", cmd.Process.Pid); !errors.Is(err, sim.ErrInUse) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		must(t, cmd.Process.Kill())
		_ = cmd.Wait()
		d, err := sim.OpenDir(path, "host")
		must(t, err, d.Close())
	}
}

// A stale number in LOCK accuses nobody.
func TestALockOfNobodyKnown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	d, err := sim.OpenDir(path, "host")
	must(t, err)
	defer d.Close()
	for _, content := range []string{"", "x\n", "-1\n", "999999999\n", "99999999999999999999999999999\n"} {
		must(t, os.WriteFile(filepath.Join(path, "LOCK"), []byte(content), 0o600))
		if _, err := sim.OpenDir(path, "host"); err == nil || !strings.Contains(err.Error(), "in use by another process: stop") {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// What a kill leaves of a directory that was being made is no obstacle.
func TestAHalfMadeDirectory(t *testing.T) {
	for _, files := range [][]string{{"LOCK"}, {"VERSION.new"}, {"LOCK", "VERSION.new"}} {
		path := filepath.Join(t.TempDir(), "data")
		must(t, os.Mkdir(path, 0o700))
		for _, f := range files {
			must(t, os.WriteFile(filepath.Join(path, f), []byte("posim"), 0o600))
		}
		d, err := sim.OpenDir(path, "host")
		must(t, err)
		if b, _ := d.ReadFile("VERSION"); string(b) != "posim host 1\n" {
			t.Errorf("%q", b)
		}
		must(t, d.Close())
	}
}

func TestADiskOpensPlainFilesOnly(t *testing.T) {
	dir := t.TempDir()
	d := sim.DirDisk(dir)
	must(t, os.WriteFile(filepath.Join(dir, "there"), []byte("x"), 0o600), os.Symlink("there", filepath.Join(dir, "link")),
		os.Mkdir(filepath.Join(dir, "folder"), 0o700), syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	for _, name := range []string{"link", "folder", "pipe", "", ".", "..", "../x", "/etc/passwd", "folder/x", "./there"} {
		if f, err := d.Open(name); err == nil {
			f.Close()
			t.Errorf("%q opened", name)
		}
		if b, err := d.ReadFile(name); err == nil {
			t.Errorf("%q read: %q", name, b)
		}
	}
	if b, err := d.ReadFile("there"); string(b) != "x" {
		t.Errorf("%q %v", b, err)
	}
}

// The working directory may change under a relative path.
func TestARelativePath(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	t.Chdir(dir)
	d, err := sim.OpenDir("data", "terminal")
	must(t, err)
	defer d.Close()
	must(t, os.Chdir(other))
	f, err := d.Open("journal")
	must(t, err, f.Close())
	if _, err := os.Stat(filepath.Join(dir, "data", "journal")); err != nil {
		t.Error(err)
	}
}
