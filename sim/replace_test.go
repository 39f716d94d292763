package sim_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/posim/posim/sim"
)

// What both disks do alike at a Replace.
func TestReplace(t *testing.T) {
	disks := map[string]func(t *testing.T) sim.Disk{
		"MemDisk": func(t *testing.T) sim.Disk { _, _, d := poweredDisk(t, 1); return d },
		"DirDisk": func(t *testing.T) sim.Disk { return sim.DirDisk(t.TempDir()) },
	}
	for kind, make := range disks {
		t.Run(kind+"/a file that is absent", func(t *testing.T) {
			d := make(t)
			if err := d.Replace("state", []byte("new")); err != nil || read(t, d, "state") != "new" {
				t.Error(err)
			}
		})
		t.Run(kind+"/longer, shorter, empty", func(t *testing.T) {
			d := make(t)
			for _, s := range []string{"one", "and two", "3", "", "five"} {
				if err := d.Replace("state", []byte(s)); err != nil || read(t, d, "state") != s {
					t.Errorf("%q: %q %v", s, read(t, d, "state"), err)
				}
			}
		})
		t.Run(kind+"/what is written is copied", func(t *testing.T) {
			d, b := make(t), []byte("one")
			if err := d.Replace("state", b); err != nil {
				t.Fatal(err)
			}
			b[0] = 'X'
			if got := read(t, d, "state"); got != "one" {
				t.Errorf("%q", got)
			}
		})
		t.Run(kind+"/other files stay", func(t *testing.T) {
			d := make(t)
			write(t, open(t, d, "log"), "entry")
			if err := errors.Join(d.Replace("state", []byte("new")), d.Replace("state", []byte("newer"))); err != nil {
				t.Fatal(err)
			}
			if got := read(t, d, "log")[:5]; got != "entry" {
				t.Errorf("%q", got)
			}
		})
		t.Run(kind+"/an open file keeps the old content, which nobody reads any more", func(t *testing.T) {
			d := make(t)
			old := open(t, d, "state")
			write(t, old, "old")
			if err := d.Replace("state", []byte("new")); err != nil {
				t.Fatal(err)
			}
			write(t, old, "er")
			if err := old.Truncate(5); err != nil { // three bytes and two
				t.Error(err)
			}
			if err := old.Truncate(6); !errors.Is(err, sim.ErrIO) {
				t.Errorf("truncated behind its end: %v", err)
			}
			if got := read(t, d, "state"); got != "new" {
				t.Errorf("%q", got)
			}
			now := open(t, d, "state")
			write(t, now, "er")
			if err := old.Sync(); err != nil {
				t.Error(err)
			}
			if got := read(t, d, "state")[:5]; got != "newer" {
				t.Errorf("%q", got)
			}
			if err := errors.Join(old.Close(), now.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Every fault: what Replace answers, what a reader sees then, and what may be there after a power cut.
func TestReplaceFaults(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault sim.DiskFault
		err   error
		off   bool   // the power goes on the way
		seen  string // before the cut
		pick  []int
		left  string
	}{
		{"none", sim.NoDiskFault, nil, false, "new", nil, "new"},
		{"full", sim.DiskFull, sim.ErrFull, false, "old", nil, "old"},
		{"error", sim.DiskError, sim.ErrIO, false, "old", nil, "old"},
		{"sync error, lost", sim.SyncError, sim.ErrIO, false, "new", []int{0}, "old"},
		{"sync error, kept", sim.SyncError, sim.ErrIO, false, "new", []int{1}, "new"},
		{"lost", sim.PowerOffLost, nil, true, "", nil, "old"},
		{"torn", sim.PowerOffTorn, nil, true, "", nil, "old"},
		{"torn at", sim.PowerOffTorn.At(1), nil, true, "", nil, "old"},
		{"flipped", sim.PowerOffFlipped, nil, true, "", nil, "old"},
		{"flipped at", sim.PowerOffFlipped.At(1), nil, true, "", nil, "old"},
		{"kept", sim.PowerOffKept, nil, true, "", nil, "new"},
	} {
		for _, before := range []string{"there", "absent"} {
			t.Run(tt.name+", "+before, func(t *testing.T) {
				for _, image := range []sim.DiskFault{sim.PowerOffLost, sim.PowerOffKept, sim.PowerOffTorn, sim.PowerOffFlipped} {
					w, a, d := poweredDisk(t, 1)
					w.Preset(tt.pick)
					if err := d.Replace("other", []byte("other")); err != nil {
						t.Fatal(err)
					}
					if before == "there" {
						write(t, open(t, d, "state"), "old")
					}
					content := func() string { // "old" stands for no file, if there was none
						b, err := d.ReadFile("state")
						if err != nil && before == "absent" {
							return "old"
						}
						return string(b)
					}
					asked, h := 0, w.Hash()
					d.OnWrite(func(file string, n int) sim.DiskFault {
						if asked++; file != "state" || n != 3 {
							t.Errorf("asked for %d bytes of %q", n, file)
						}
						return tt.fault
					})
					if tt.off {
						a.After(0, func() { t.Errorf("went on after the cut: %v", d.Replace("state", []byte("new"))) })
						run(t, w)
					} else {
						if err := d.Replace("state", []byte("new")); err != tt.err || content() != tt.seen {
							t.Errorf("%v, then %q", err, content())
						}
						if got := string(d.Durable("state")); before == "there" && tt.pick != nil && got != "old" {
							t.Errorf("certain is %q", got)
						}
						d.Settle(image)
						a.PowerOff()
					}
					if asked != 1 || a.On() || (w.Hash() != h) != (tt.err != sim.ErrFull && tt.fault != sim.DiskError) {
						t.Errorf("asked %d times, power %v, noted %v", asked, a.On(), w.Hash() != h)
					}
					d.OnWrite(nil)
					a.PowerOn(nil)
					if got := content(); got != tt.left || read(t, d, "other") != "other" || len(w.Tape()) != len(tt.pick) {
						t.Errorf("left %q and %q, %d choices", got, read(t, d, "other"), len(w.Tape()))
					}
					if err := d.Replace("state", []byte("next")); err != nil || string(d.Durable("state")) != "next" {
						t.Errorf("the next: %v", err)
					}
				}
			})
		}
	}
}

// Nobody settles after a failed Replace: the next life's first look does.
func TestAReplaceInDoubtIsSettledAtTheNextLook(t *testing.T) {
	for pick, want := range []string{"old", "new and more"} {
		w, a, d := poweredDisk(t, 1)
		w.Preset([]int{pick})
		write(t, open(t, d, "state"), "old")
		d.OnWrite(func(string, int) sim.DiskFault { return sim.SyncError })
		if err := d.Replace("state", []byte("new")); err != sim.ErrIO {
			t.Fatal(err)
		}
		d.OnWrite(nil)
		write(t, open(t, d, "state"), " and more") // to the file that has the name now
		if got := string(d.Durable("state")); got != "old" {
			t.Errorf("certain is %q", got)
		}
		a.PowerOff()
		a.PowerOn(nil)
		if got := read(t, d, "state"); got != want || len(w.Tape()) != 1 {
			t.Errorf("%q after %v, want %q", got, w.Tape(), want)
		}
	}
}

func TestASecondReplace(t *testing.T) {
	faults := func(d *sim.MemDisk, all ...sim.DiskFault) {
		d.OnWrite(func(string, int) (f sim.DiskFault) { f, all = all[0], all[1:]; return f })
	}
	for _, tt := range []struct {
		name   string
		second sim.DiskFault
		pick   []int
		want   string
	}{
		{"that succeeds ends the doubt", sim.NoDiskFault, nil, "three"},
		{"in doubt too: the last", sim.SyncError, []int{1}, "three"},
		{"in doubt too: the one before", sim.SyncError, []int{0, 1}, "two"},
		{"in doubt too: neither", sim.SyncError, []int{0, 0}, "one"},
		{"that finds no room leaves the doubt", sim.DiskFull, []int{0}, "one"},
		{"lost with the power leaves the doubt", sim.PowerOffLost, []int{1}, "two"},
		{"kept with the power ends it", sim.PowerOffKept, nil, "three"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, a, d := poweredDisk(t, 1)
			w.Preset(tt.pick)
			if err := d.Replace("state", []byte("one")); err != nil {
				t.Fatal(err)
			}
			faults(d, sim.SyncError, tt.second)
			a.After(0, func() {
				_ = d.Replace("state", []byte("two"))
				_ = d.Replace("state", []byte("three"))
			})
			run(t, w)
			d.Settle(sim.PowerOffLost)
			a.PowerOff()
			a.PowerOn(nil)
			if got := read(t, d, "state"); got != tt.want || len(w.Tape()) != len(tt.pick) {
				t.Errorf("%q after %v, want %q", got, w.Tape(), tt.want)
			}
		})
	}
}

// What was appended and not synced goes with the file that is replaced; if that one stays, the fault settles it.
func TestReplaceOfWhatIsNotSynced(t *testing.T) {
	for fault, want := range map[sim.DiskFault]string{
		sim.NoDiskFault:        "new",
		sim.PowerOffKept:       "new",
		sim.PowerOffLost:       "synced",
		sim.PowerOffTorn.At(3): "synced un",
	} {
		w, a, d := poweredDisk(t, 1)
		f := open(t, d, "state")
		write(t, f, "synced")
		if _, err := f.Write([]byte(" unsynced")); err != nil {
			t.Fatal(err)
		}
		d.OnWrite(func(string, int) sim.DiskFault { return fault })
		a.After(0, func() { _ = d.Replace("state", []byte("new")) })
		run(t, w)
		a.PowerOff()
		if got := string(d.Durable("state")); got != want {
			t.Errorf("fault %x: %q, want %q", fault, got, want)
		}
	}
}

func TestReplaceOfADeadEpochUnwinds(t *testing.T) {
	w, a, d := poweredDisk(t, 1)
	if err := d.Replace("state", []byte("old")); err != nil {
		t.Fatal(err)
	}
	asked := false
	d.OnWrite(func(string, int) sim.DiskFault { asked = true; return sim.NoDiskFault })
	a.PowerOff()
	h := w.Hash()
	if got := panics(t, func() { _ = d.Replace("state", []byte("new")) }); got != (sim.PowerCut{Actor: "term"}) {
		t.Error(got)
	}
	if asked || w.Hash() != h || string(d.Durable("state")) != "old" {
		t.Error("it did something")
	}
}

// A real folder: the modes, and what a crash left behind under the name that Replace writes to first.
func TestDirDiskReplace(t *testing.T) {
	dir := t.TempDir()
	d := sim.DirDisk(dir)
	name := filepath.Join(dir, "state")
	only := func(names ...string) {
		t.Helper()
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != len(names) {
			t.Errorf("%v %v, want %q", entries, err, names)
		}
	}
	if err := os.WriteFile(name, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	// The crash came before the rename: the old content stands, beside a front part of the new.
	if err := os.WriteFile(name+".new", []byte("a rest longer than what comes"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := read(t, d, "state"); got != "old" {
		t.Errorf("%q", got)
	}
	if err := d.Replace("state", []byte("new")); err != nil || read(t, d, "state") != "new" {
		t.Error(err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v, want a file of mode 0600", info.Mode(), err)
	}
	only("state")
	if err := sim.DirDisk(filepath.Join(dir, "absent")).Replace("state", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
	for _, bad := range []string{"", ".", "..", "../x", "/tmp/x", "folder/x", "./state", "state.new"} {
		if err := d.Replace(bad, []byte("x")); err == nil {
			t.Errorf("%q replaced", bad)
		}
	}
	if _, err := d.Open("state.new"); err == nil {
		t.Error("the disk's own name opened")
	}
	only("state")
}

// Neither the name nor the one that is written first may be anything but a plain file.
func TestDirDiskReplacesPlainFilesOnly(t *testing.T) {
	for _, at := range []string{"state", "state.new"} {
		for what, make := range map[string]func(outside, name string) error{
			"a link":            os.Symlink,
			"a link to nowhere": func(_, name string) error { return os.Symlink("nowhere", name) },
			"a folder":          func(_, name string) error { return os.Mkdir(name, 0o700) },
		} {
			t.Run(at+" is "+what, func(t *testing.T) {
				dir := t.TempDir()
				d := sim.DirDisk(dir)
				outside := filepath.Join(t.TempDir(), "outside")
				if err := errors.Join(os.WriteFile(outside, []byte("kept"), 0o600), make(outside, filepath.Join(dir, at))); err != nil {
					t.Fatal(err)
				}
				if err := d.Replace("state", []byte("new")); err == nil {
					t.Error("replaced")
				}
				if b, err := os.ReadFile(outside); string(b) != "kept" {
					t.Errorf("%q %v", b, err)
				}
				if entries, err := os.ReadDir(dir); len(entries) != 1 {
					t.Errorf("%v %v", entries, err)
				}
			})
		}
	}
}

func BenchmarkMemDiskReplace(b *testing.B) {
	_, _, d := poweredDisk(b, 1)
	data := make([]byte, 800)
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Replace("state", data); err != nil {
			b.Fatal(err)
		}
	}
}
