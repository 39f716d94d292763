package wal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

var start = time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC)

// disk is a memory disk whose owner has power.
func disk(t testing.TB) (*sim.MemDisk, *sim.Actor) {
	w := sim.NewWorld(start, 1)
	t.Cleanup(w.Close)
	a := w.Actor("t")
	a.PowerOn(nil)
	return sim.NewMemDisk(a), a
}

func open(t testing.TB, d sim.Disk) (*Log, []string) {
	t.Helper()
	var got []string
	l, err := Open(d, "log", func(b []byte) error { got = append(got, string(b)); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return l, got
}

func commit(t testing.TB, l *Log, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		if err := l.Append([]byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestGroupCommitIsOneWrite(t *testing.T) {
	d, _ := disk(t)
	writes := 0
	d.OnWrite(func(string, int) sim.DiskFault { writes++; return 0 })
	l, _ := open(t, d)
	commit(t, l, "one", "two", "three")
	if writes != 1 {
		t.Errorf("%d writes, want 1", writes)
	}
	if _, got := open(t, d); fmt.Sprint(got) != "[one two three]" {
		t.Errorf("recovered %v", got)
	}
}

// A rewritten log is the old one or the new one, wherever the power goes, and goes on like any other.
func TestARewrittenLogIsWhole(t *testing.T) {
	for image, want := range map[sim.DiskFault]string{0: "[two five six]", sim.PowerOffLost: "[one two three]", sim.PowerOffKept: "[two five]"} {
		d, a := disk(t)
		l, _ := open(t, d)
		commit(t, l, "one", "two", "three")
		d.OnWrite(func(string, int) sim.DiskFault { return image })
		cut := func() (cut bool) {
			defer func() { cut = recover() != nil }()
			l, err := Rewrite(d, "log", [][]byte{[]byte("two"), []byte("five")})
			if err != nil {
				t.Fatal(err)
			}
			commit(t, l, "six")
			return false
		}()
		if cut != (image != 0) {
			t.Fatalf("image %d: cut %t", image, cut)
		}
		d.OnWrite(nil)
		if cut {
			a.PowerOn(nil)
		}
		if _, got := open(t, d); fmt.Sprint(got) != want {
			t.Errorf("image %d: %v, want %s", image, got, want)
		}
	}
}

func TestARewriteThatFailsLeavesTheLog(t *testing.T) {
	d, _ := disk(t)
	l, _ := open(t, d)
	commit(t, l, "one")
	if _, err := Rewrite(d, "log", [][]byte{make([]byte, MaxBody+1)}); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long a record: %v", err)
	}
	d.OnWrite(func(string, int) sim.DiskFault { return sim.DiskFull })
	if _, err := Rewrite(d, "log", nil); !errors.Is(err, sim.ErrFull) {
		t.Errorf("a full disk: %v", err)
	}
	d.OnWrite(nil)
	commit(t, l, "two")
	if _, got := open(t, d); fmt.Sprint(got) != "[one two]" {
		t.Errorf("%v", got)
	}
}

func TestTornTailIsCutAtEveryLength(t *testing.T) {
	d, a := disk(t)
	l, _ := open(t, d)
	commit(t, l, "one")
	whole := len(d.Durable("log"))
	commit(t, l, "the second")
	all := d.Durable("log")
	for n := whole; n < len(all); n++ {
		a.PowerOff()
		d.Put("log", all[:n])
		a.PowerOn(nil)
		l, got := open(t, d)
		if fmt.Sprint(got) != "[one]" || l.Torn() != n-whole {
			t.Fatalf("%d bytes: recovered %v, torn %d", n, got, l.Torn())
		}
		commit(t, l, "again")
		if _, got := open(t, d); fmt.Sprint(got) != "[one again]" {
			t.Fatalf("%d bytes: then %v", n, got)
		}
	}
}

// Of records that are bound together a power cut keeps all, or none; of others any front part.
func TestBoundRecordsAreAllOrNone(t *testing.T) {
	d, a := disk(t)
	l, _ := open(t, d)
	for _, step := range [][]string{{"one"}, {"two", "three", "four"}, {}, {"five"}, {"six", "seven"}} {
		mark := l.Mark()
		for _, b := range step {
			if err := l.Append([]byte(b)); err != nil {
				t.Fatal(err)
			}
		}
		l.Bind(mark)
	}
	if err := l.Commit(); err != nil {
		t.Fatal(err)
	}
	all := d.Durable("log")
	seen := map[string]bool{}
	for n := range len(all) + 1 {
		a.PowerOff()
		d.Put("log", all[:n])
		a.PowerOn(nil)
		l, got := open(t, d)
		seen[fmt.Sprint(got)] = true
		commit(t, l, "again")
		if _, then := open(t, d); fmt.Sprint(then) != fmt.Sprint(append(got, "again")) {
			t.Fatalf("%d bytes: %v, and then %v", n, got, then)
		}
	}
	for _, want := range []string{"[]", "[one]", "[one two three four]", "[one two three four five]", "[one two three four five six seven]"} {
		if !seen[want] {
			t.Errorf("never %s", want)
		}
	}
	if len(seen) != 5 {
		t.Errorf("%v", seen)
	}
}

// Damage inside what is bound is damage as everywhere: it is not taken for a torn write as long as a whole record stands behind it.
func TestDamageToBoundRecordsIsCorrupt(t *testing.T) {
	d, a := disk(t)
	l, _ := open(t, d)
	for _, b := range []string{"one", "two", "three"} {
		if err := l.Append([]byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	l.Bind(0)
	if err := l.Commit(); err != nil {
		t.Fatal(err)
	}
	all := d.Durable("log")
	for i := range 2*header + len("onetwo") {
		bad := bytes.Clone(all)
		bad[i] ^= 0x80 // of a length: that another record belongs to it
		a.PowerOff()
		d.Put("log", bad)
		a.PowerOn(nil)
		if _, err := Open(d, "log", func([]byte) error { return nil }); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

func TestDamageBeforeTheEndIsCorrupt(t *testing.T) {
	d, a := disk(t)
	l, _ := open(t, d)
	commit(t, l, "one")
	first := len(d.Durable("log"))
	commit(t, l, "two")
	all := d.Durable("log")
	for i := 0; i < first; i++ {
		bad := bytes.Clone(all)
		bad[i] ^= 0x10
		a.PowerOff()
		d.Put("log", bad)
		a.PowerOn(nil)
		_, err := Open(d, "log", func([]byte) error { return nil })
		if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

func TestAfterAFailureNothingIsWritten(t *testing.T) {
	for _, fault := range []sim.DiskFault{sim.DiskFull, sim.DiskError, sim.SyncError} {
		d, _ := disk(t)
		l, _ := open(t, d)
		commit(t, l, "one")
		n := 0
		d.OnWrite(func(string, int) sim.DiskFault {
			if n++; n == 1 {
				return fault
			}
			return 0
		})
		if err := l.Append([]byte("two")); err != nil {
			t.Fatal(err)
		}
		first, second := l.Commit(), l.Commit()
		if first == nil || second == nil || n != 1 {
			t.Errorf("fault %d: accepted, or tried %d times", fault, n)
		}
	}
}

func TestDirDiskRecovers(t *testing.T) {
	d := sim.DirDisk(t.TempDir())
	l, _ := open(t, d)
	commit(t, l, "one")
	commit(t, l, "two", "three")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, got := open(t, d)
	if fmt.Sprint(got) != "[one two three]" {
		t.Fatalf("recovered %v", got)
	}
	commit(t, l, "four")
	if _, got := open(t, d); fmt.Sprint(got) != "[one two three four]" {
		t.Fatalf("recovered %v", got)
	}
	info, err := os.Stat(filepath.Join(string(d), "log"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
}

func TestTooLongABodyIsAnError(t *testing.T) {
	d, _ := disk(t)
	l, _ := open(t, d)
	if err := l.Append(make([]byte, MaxBody+1)); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
}

func FuzzRecovery(f *testing.F) {
	d, _ := disk(f)
	l, _ := open(f, d)
	commit(f, l, "one", "two")
	f.Add(d.Durable("log"))
	_, _ = l.Append([]byte("three")), l.Append([]byte("four"))
	l.Bind(0)
	commit(f, l)
	f.Add(d.Durable("log"))
	f.Add([]byte{})
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, total := 0, 0
		end, err := Recover("log", data, func(b []byte) error { n++; total += len(b); return nil })
		if end > len(data) || total > len(data) {
			t.Fatalf("%d bytes and %d of bodies out of %d", end, total, len(data))
		}
		if err != nil {
			return
		}
		m := 0
		if again, err := Recover("log", data[:end], func([]byte) error { m++; return nil }); err != nil || again != end || m != n {
			t.Fatalf("the recovered part reads as %d bytes, %d records, %v; was %d, %d", again, m, err, end, n)
		}
	})
}

func BenchmarkGroupCommit64(b *testing.B) {
	l, _ := open(b, sim.DirDisk(b.TempDir()))
	body := bytes.Repeat([]byte{0x5A}, 300-header)
	for b.Loop() {
		for range 64 {
			_ = l.Append(body)
		}
		if err := l.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}
