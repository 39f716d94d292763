package sim_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/posim/posim/internal/wal"
	"github.com/posim/posim/sim"
)

// poweredDisk is an empty memory disk whose owner has power.
func poweredDisk(t testing.TB, seed uint64) (*sim.World, *sim.Actor, *sim.MemDisk) {
	w := newWorld(t, seed)
	a := w.Actor("term")
	a.PowerOn(nil)
	return w, a, sim.NewMemDisk(a)
}

func open(t testing.TB, d sim.Disk, name string) sim.File {
	t.Helper()
	f, err := d.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t testing.TB, d sim.Disk, name string) string {
	t.Helper()
	b, err := d.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What both disks do alike. Of a real one only the front is compared: zeros behind it are no data.
func TestDisks(t *testing.T) {
	disks := map[string]func(t *testing.T) sim.Disk{
		"MemDisk": func(t *testing.T) sim.Disk { _, _, d := poweredDisk(t, 1); return d },
		"DirDisk": func(t *testing.T) sim.Disk { return sim.DirDisk(t.TempDir()) },
	}
	for kind, make := range disks {
		data := func(t *testing.T, d sim.Disk, name string) string {
			return string(bytes.TrimRight([]byte(read(t, d, name)), "\x00"))
		}
		t.Run(kind+"/an absent file does not exist", func(t *testing.T) {
			if b, err := make(t).ReadFile("log"); !errors.Is(err, fs.ErrNotExist) || b != nil {
				t.Errorf("%q %v", b, err)
			}
		})
		t.Run(kind+"/a new file is empty", func(t *testing.T) {
			d := make(t)
			open(t, d, "log")
			if got := read(t, d, "log"); got != "" {
				t.Errorf("%q", got)
			}
		})
		t.Run(kind+"/writes append", func(t *testing.T) {
			d := make(t)
			f, g := open(t, d, "log"), open(t, d, "other")
			write(t, f, "one ")
			write(t, g, "else")
			write(t, f, "two")
			if got := data(t, d, "log"); got != "one two" {
				t.Errorf("%q", got)
			}
			if err := errors.Join(f.Close(), g.Close()); err != nil {
				t.Error(err)
			}
		})
		t.Run(kind+"/what is written is read before it is synced", func(t *testing.T) {
			d := make(t)
			if _, err := open(t, d, "log").Write([]byte("now")); err != nil || data(t, d, "log") != "now" {
				t.Errorf("%q %v", data(t, d, "log"), err)
			}
		})
		t.Run(kind+"/a file opened again goes on where Truncate says", func(t *testing.T) {
			d := make(t)
			f := open(t, d, "log")
			write(t, f, "one two")
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			f = open(t, d, "log")
			if err := f.Truncate(4); err != nil {
				t.Fatal(err)
			}
			write(t, f, "three")
			if got := data(t, d, "log"); got != "one three" {
				t.Errorf("%q", got)
			}
		})
		t.Run(kind+"/Truncate refuses what is no part of the file", func(t *testing.T) {
			d := make(t)
			f := open(t, d, "log")
			write(t, f, "one two")
			for _, n := range []int64{-1, 8, 1 << 40} {
				if err := f.Truncate(n); !errors.Is(err, sim.ErrIO) {
					t.Errorf("%d: %v", n, err)
				}
			}
			if err := f.Truncate(7); err != nil || data(t, d, "log") != "one two" {
				t.Errorf("%q %v", data(t, d, "log"), err)
			}
		})
		t.Run(kind+"/the bytes read are the caller's", func(t *testing.T) {
			d := make(t)
			write(t, open(t, d, "log"), "one")
			b, _ := d.ReadFile("log")
			b[0] = 'X'
			if got := data(t, d, "log"); got != "one" {
				t.Errorf("%q", got)
			}
		})
		t.Run(kind+"/what is written is copied", func(t *testing.T) {
			d := make(t)
			b := []byte("one")
			if _, err := open(t, d, "log").Write(b); err != nil {
				t.Fatal(err)
			}
			b[0] = 'X'
			if got := data(t, d, "log"); got != "one" {
				t.Errorf("%q", got)
			}
		})
		t.Run(kind+"/a log comes back", func(t *testing.T) {
			d := make(t)
			for i := range 3 {
				var got []string
				l, err := wal.Open(d, "log", func(b []byte) error { got = append(got, string(b)); return nil })
				if err != nil || len(got) != i {
					t.Fatalf("opened %d times: %q %v", i, got, err)
				}
				if err := errors.Join(l.Append(fmt.Append(nil, "record ", i)), l.Commit(), l.Close()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// The image that a power cut leaves, by the fault that made it or by Settle.
func TestWhatAPowerCutLeaves(t *testing.T) {
	images := map[string]sim.DiskFault{"lost": sim.PowerOffLost, "kept": sim.PowerOffKept, "torn": sim.PowerOffTorn}
	for name, image := range images {
		for _, how := range []string{"fault", "settle"} {
			t.Run(name+" by "+how, func(t *testing.T) {
				lengths := map[int]bool{}
				for seed := range uint64(200) {
					w, a, d := poweredDisk(t, seed)
					f := open(t, d, "log")
					write(t, f, "synced|")
					d.OnWrite(func(file string, _ int) sim.DiskFault {
						if file != "log" {
							t.Errorf("asked for %q", file)
						}
						if how == "fault" {
							return image
						}
						return sim.NoDiskFault
					})
					if _, err := f.Write([]byte("unsynced")); err != nil {
						t.Fatal(err)
					}
					if got := read(t, d, "log"); got != "synced|unsynced" {
						t.Fatalf("its owner reads %q", got)
					}
					if got := string(d.Durable("log")); got != "synced|" {
						t.Fatalf("durable %q", got)
					}
					if how == "fault" {
						a.After(0, func() { _ = f.Sync(); t.Error("went on after the cut") })
						run(t, w)
					} else {
						d.Settle(image)
						a.PowerOff()
					}
					if a.On() {
						t.Fatal("on")
					}
					a.PowerOn(nil)
					got := read(t, d, "log")
					if got != string(d.Durable("log")) || !bytes.HasPrefix([]byte("synced|unsynced"), []byte(got)) {
						t.Fatalf("seed %d: %q, durable %q", seed, got, d.Durable("log"))
					}
					lengths[len(got)-len("synced|")] = true
					d.OnWrite(nil)
					write(t, open(t, d, "log"), "+")
					if after := string(d.Durable("log")); after != got+"+" {
						t.Fatalf("appended to %q: %q", got, after)
					}
					if tape := len(w.Tape()); tape != map[bool]int{true: 1}[image == sim.PowerOffTorn] {
						t.Fatalf("%d choices", tape)
					}
				}
				want := map[string][]int{"lost": {0}, "kept": {8}, "torn": {1, 2, 3, 4, 5, 6, 7}}[name]
				for _, n := range want {
					if !lengths[n] {
						t.Errorf("never %d bytes", n)
					}
				}
				if len(lengths) != len(want) {
					t.Errorf("of 8 bytes not synced were left: %v, want %v", lengths, want)
				}
			})
		}
	}
}

func TestOneByteCannotBeTorn(t *testing.T) {
	w, a, d := poweredDisk(t, 1)
	f := open(t, d, "log")
	write(t, f, "synced|")
	if _, err := f.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	d.Settle(sim.PowerOffTorn)
	a.PowerOff()
	if got := string(d.Durable("log")); got != "synced|" || len(w.Tape()) != 0 {
		t.Errorf("%q", got)
	}
}

func TestWhatNobodySettledIsLost(t *testing.T) {
	_, a, d := poweredDisk(t, 1)
	f := open(t, d, "log")
	write(t, f, "synced|")
	if _, err := f.Write([]byte("unsynced")); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, d, "new").Write([]byte("unsynced")); err != nil {
		t.Fatal(err)
	}
	a.PowerOff()
	if got := read(t, d, "log"); got != "synced|" {
		t.Errorf("without power it reads %q", got)
	}
	a.PowerOn(nil)
	if got, other := read(t, d, "log"), read(t, d, "new"); got != "synced|" || other != "" {
		t.Errorf("the next life reads %q and %q: a cache does not outlive the power", got, other)
	}
	if _, err := open(t, d, "log").Write([]byte("unsynced")); err != nil {
		t.Fatal(err)
	}
	a.PowerOff()
	a.PowerOn(nil)
	write(t, open(t, d, "log"), "again") // opened before it is read
	if got := string(d.Durable("log")); got != "synced|again" {
		t.Errorf("%q", got)
	}
}

func TestATruncationNotSyncedIsUndoneAtACut(t *testing.T) {
	for _, tt := range []struct {
		name  string
		image sim.DiskFault
		sync  bool
		want  string
	}{
		{"lost", sim.PowerOffLost, false, "one two three"},
		{"torn", sim.PowerOffTorn, false, "one two three"},
		{"kept", sim.PowerOffKept, false, "one FOUR"},
		{"synced, lost", sim.PowerOffLost, true, "one FOUR"},
		{"synced, torn", sim.PowerOffTorn, true, "one FOUR"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, a, d := poweredDisk(t, 1)
			f := open(t, d, "log")
			write(t, f, "one two three")
			if err := errors.Join(f.Truncate(8), f.Truncate(4)); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte("FOUR")); err != nil {
				t.Fatal(err)
			}
			durable := "one two three"
			if tt.sync {
				durable = "one FOUR"
				if err := f.Sync(); err != nil {
					t.Fatal(err)
				}
			}
			if got := string(d.Durable("log")); got != durable || read(t, d, "log") != "one FOUR" {
				t.Errorf("before the cut: durable %q, read %q", got, read(t, d, "log"))
			}
			d.Settle(tt.image)
			a.PowerOff()
			a.PowerOn(nil)
			if got := read(t, d, "log"); got != tt.want || string(d.Durable("log")) != tt.want {
				t.Errorf("%q, durable %q, want %q", got, d.Durable("log"), tt.want)
			}
		})
	}
}

func TestDiskFaults(t *testing.T) {
	for _, tt := range []struct {
		name            string
		fault           sim.DiskFault
		write, sync     error
		written         string
		durable         string
		choices, events int
	}{
		{"none", sim.NoDiskFault, nil, nil, "one two ", "one two ", 0, 0},
		{"full: nothing is written", sim.DiskFull, sim.ErrFull, nil, "one ", "one ", 0, 0},
		{"error: nothing is written", sim.DiskError, sim.ErrIO, nil, "one ", "one ", 0, 0},
		{"sync error: written, and not durable", sim.SyncError, nil, sim.ErrIO, "one two ", "one ", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, _, d := poweredDisk(t, 1)
			f := open(t, d, "log")
			write(t, f, "one ")
			h := w.Hash()
			d.OnWrite(func(string, int) sim.DiskFault { return tt.fault })
			n, err := f.Write([]byte("two "))
			if err != tt.write || n != map[bool]int{true: 4}[err == nil] {
				t.Errorf("write: %d %v", n, err)
			}
			if err := f.Sync(); err != tt.sync {
				t.Errorf("sync: %v", err)
			}
			if read(t, d, "log") != tt.written || string(d.Durable("log")) != tt.durable {
				t.Errorf("read %q, durable %q", read(t, d, "log"), d.Durable("log"))
			}
			if (w.Hash() != h) != (tt.write == nil) {
				t.Error("noted what was not written, or did not note what was")
			}
		})
	}
}

func TestAFaultWaitsForItsSync(t *testing.T) {
	_, _, d := poweredDisk(t, 1)
	f := open(t, d, "log")
	faults := []sim.DiskFault{sim.SyncError, sim.NoDiskFault, sim.NoDiskFault}
	d.OnWrite(func(string, int) (x sim.DiskFault) { x, faults = faults[0], faults[1:]; return x })
	_, err1 := f.Write([]byte("one"))
	_, err2 := f.Write([]byte("two")) // a second write does not take it away
	if err := f.Sync(); err1 != nil || err2 != nil || err != sim.ErrIO {
		t.Errorf("%v %v %v", err1, err2, err)
	}
	write(t, f, "three") // it struck once
}

func TestAfterASyncErrorTheWorldChooses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		retry bool
		more  string // written and synced after the error
		pick  int
		want  string
	}{
		{"lost", false, "", 0, "one "},
		{"kept", false, "", 1, "one two "},
		{"a later sync mends nothing: lost", true, "", 0, "one \x00\x00\x00\x00"},
		{"a later sync mends nothing: kept", true, "", 1, "one two "},
		{"later bytes are durable, those in doubt are lost", false, "three", 0, "one \x00\x00\x00\x00three"},
		{"later bytes are durable, those in doubt are kept", false, "three", 1, "one two three"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, image := range []sim.DiskFault{sim.PowerOffLost, sim.PowerOffKept, sim.PowerOffTorn} {
				w, a, d := poweredDisk(t, 1)
				f := open(t, d, "log")
				write(t, f, "one ")
				n := 0
				d.OnWrite(func(string, int) sim.DiskFault {
					if n++; n == 1 {
						return sim.SyncError
					}
					return sim.NoDiskFault
				})
				if _, err := f.Write([]byte("two ")); err != nil {
					t.Fatal(err)
				}
				if err := f.Sync(); err != sim.ErrIO {
					t.Fatal(err)
				}
				if tt.retry {
					if err := f.Sync(); err != nil { // what it answers is worth nothing
						t.Fatal(err)
					}
				}
				if tt.more != "" {
					write(t, f, tt.more)
				}
				if got := string(d.Durable("log")); got != "one " {
					t.Errorf("certain is %q", got)
				}
				w.Preset([]int{tt.pick})
				d.Settle(image)
				a.PowerOff()
				a.PowerOn(nil)
				if got := read(t, d, "log"); got != tt.want || string(d.Durable("log")) != tt.want {
					t.Errorf("%q, durable %q, want %q", got, d.Durable("log"), tt.want)
				}
				if p := w.Tape(); len(p) != 1 || p[0] != (sim.Pick{Label: "after sync error", N: 2, Picked: tt.pick}) {
					t.Errorf("tape %v", p)
				}
				d.Settle(sim.PowerOffLost) // no doubt is left
				if len(w.Tape()) != 1 || read(t, d, "log") != tt.want {
					t.Error("settled twice")
				}
			}
		})
	}
}

func TestASecondSyncErrorAddsToTheDoubt(t *testing.T) {
	for pick, want := range []string{"one \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00!", "one two three !"} {
		w, a, d := poweredDisk(t, 1)
		f := open(t, d, "log")
		write(t, f, "one ")
		faults := []sim.DiskFault{sim.SyncError, sim.NoDiskFault, sim.SyncError, sim.NoDiskFault}
		d.OnWrite(func(string, int) (x sim.DiskFault) { x, faults = faults[0], faults[1:]; return x })
		for _, s := range []string{"two ", "th", "ree ", "!"} {
			if _, err := f.Write([]byte(s)); err != nil {
				t.Fatal(err)
			}
			_ = f.Sync()
		}
		w.Preset([]int{pick})
		d.Settle(sim.PowerOffLost)
		a.PowerOff()
		if got := string(d.Durable("log")); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestATruncationWhoseSyncFailedIsInDoubt(t *testing.T) {
	for pick, want := range []string{"one two three", "one FOUR"} {
		w, a, d := poweredDisk(t, 1)
		f := open(t, d, "log")
		write(t, f, "one two three")
		d.OnWrite(func(string, int) sim.DiskFault { return sim.SyncError })
		if err := f.Truncate(4); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("FOUR")); err != nil || f.Sync() != sim.ErrIO {
			t.Fatal(err)
		}
		w.Preset([]int{pick})
		d.Settle(sim.PowerOffLost)
		a.PowerOff()
		if got := string(d.Durable("log")); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestBytesInDoubtThatWereCutOff(t *testing.T) {
	w, a, d := poweredDisk(t, 1)
	f := open(t, d, "log")
	write(t, f, "one ")
	d.OnWrite(func(string, int) sim.DiskFault { return sim.SyncError })
	if _, err := f.Write([]byte("two ")); err != nil || f.Sync() != sim.ErrIO {
		t.Fatal(err)
	}
	d.OnWrite(nil)
	if err := f.Truncate(4); err != nil {
		t.Fatal(err)
	}
	write(t, f, "three")
	w.Preset([]int{0})
	d.Settle(sim.PowerOffLost)
	a.PowerOff()
	if got := string(d.Durable("log")); got != "one three" {
		t.Errorf("%q", got)
	}
}

func TestHandlesOfADeadEpochUnwind(t *testing.T) {
	w, a, d := poweredDisk(t, 1)
	f := open(t, d, "log")
	write(t, f, "one")
	operations := map[string]func(){
		"write":    func() { _, _ = f.Write([]byte("x")) },
		"sync":     func() { _ = f.Sync() },
		"truncate": func() { _ = f.Truncate(0) },
	}
	h := w.Hash()
	try := func(when string) {
		for name, op := range operations {
			if got := panics(t, op); got != (sim.PowerCut{Actor: "term"}) {
				t.Errorf("%s %s: %v", name, when, got)
			}
		}
	}
	a.PowerOff()
	try("without power")
	if got := panics(t, func() { _, _ = d.Open("log") }); got != (sim.PowerCut{Actor: "term"}) {
		t.Errorf("open: %v", got)
	}
	a.PowerOn(nil)
	try("in the next life")
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if got := read(t, d, "log"); got != "one" || w.Hash() != h {
		t.Errorf("%q", got)
	}
}

func TestPutAndDurable(t *testing.T) {
	_, a, d := poweredDisk(t, 1)
	if d.Durable("log") != nil {
		t.Error("durable before it exists")
	}
	write(t, open(t, d, "log"), "one")
	a.PowerOff()
	image := []byte("damaged")
	d.Put("log", image)
	d.Put("new", []byte("from outside"))
	image[0] = 'X'
	b := d.Durable("log")
	b[1] = 'X'
	a.PowerOn(nil)
	d.Settle(sim.PowerOffLost) // what is put there is durable
	if got, other := read(t, d, "log"), string(d.Durable("new")); got != "damaged" || other != "from outside" {
		t.Errorf("%q %q", got, other)
	}
}

func TestDirDisk(t *testing.T) {
	dir := t.TempDir()
	d := sim.DirDisk(dir)
	f := open(t, d, "journal")
	info, err := os.Stat(filepath.Join(dir, "journal"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v, want a file of mode 0600", info.Mode(), err)
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 200_000) // more than is written ahead
	want := []byte("first")
	write(t, f, "first")
	for _, p := range [][]byte{big, []byte("x"), big[:1<<20], big[:1<<20-5]} {
		write(t, f, string(p))
		want = append(want, p...)
		got := []byte(read(t, d, "journal"))
		if !bytes.HasPrefix(got, want) || len(bytes.Trim(got[len(want):], "\x00")) != 0 {
			t.Fatalf("after %d bytes: what is read is not these and zeros", len(want))
		}
		if runtime.GOOS != "linux" && len(got) != len(want) {
			t.Errorf("%d bytes, want %d", len(got), len(want))
		}
	}
	if err := f.Truncate(5); err != nil || read(t, d, "journal") != "first" {
		t.Errorf("truncated: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if err := f.Sync(); err == nil {
		t.Error("sync after close")
	}
	if _, err := sim.DirDisk(filepath.Join(dir, "absent")).Open("journal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
}

// A log on a real folder, killed without being closed: the zeros written ahead are not data, and what follows a reopening
// stands directly behind the last record.
func TestZerosWrittenAheadAreNotRecords(t *testing.T) {
	dir := t.TempDir()
	d := sim.DirDisk(dir)
	var records []string
	reopen := func() *wal.Log {
		records = nil
		l, err := wal.Open(d, "log", func(b []byte) error { records = append(records, string(b)); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	var want []string
	for i := range 4 {
		l := reopen()
		if !slices.Equal(records, want) {
			t.Fatalf("life %d: %q, want %q", i, records, want)
		}
		if ahead := i > 0 && runtime.GOOS == "linux"; ahead != (l.Torn() > 1<<19) {
			t.Errorf("life %d: %d bytes behind the last record", i, l.Torn())
		}
		for n := range 3 {
			r := fmt.Sprintf("life %d record %d", i, n)
			want = append(want, r)
			if err := errors.Join(l.Append([]byte(r)), l.Commit()); err != nil {
				t.Fatal(err)
			}
		}
	}
	size := 0
	for _, r := range want {
		size += 16 + len(r) // a record's header
	}
	b := []byte(read(t, d, "log"))
	if len(bytes.Trim(b[size:], "\x00")) != 0 || bytes.HasSuffix(b[:size], []byte{0}) {
		t.Error("the records do not stand one behind the other")
	}
	reopen()
	if got := len(read(t, d, "log")); got != size {
		t.Errorf("%d bytes after a recovery, want %d", got, size)
	}
}
