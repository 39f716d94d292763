package hsm

import (
	"errors"
	"slices"
	"testing"

	"github.com/posim/posim/sim"
)

// What a disk holds, as opening it tells: the mark of the list, or one of these.
const (
	nothing   = 0
	empty     = 1
	destroyed = 2
)

func found(t testing.TB, d sim.Disk) (byte, *store) {
	t.Helper()
	s, got, err := openStore(d, DeviceKey())
	switch {
	case errors.Is(err, ErrNoStore):
		return nothing, nil
	case err == ErrTampered:
		return destroyed, nil
	case err != nil:
		t.Fatalf("it does not open: %v", err)
	case len(got) == 0:
		return empty, s
	case !same(got, kept(2, got[0].secret[0])):
		t.Fatalf("a list that nobody saved: %v", got)
	}
	return got[0].secret[0], s
}

// user is somebody with a module on a disk that fails, who knows what the disk may hold.
type user struct {
	t   testing.TB
	d   *sim.MemDisk
	s   *store
	may []byte // contents
}

// try does something that is to change what the disk holds into x. Only the disk's errors are errors.
func (u *user) try(x byte, f func() error) {
	u.may = append(u.may, x)
	err := f()
	if err == nil {
		u.may = []byte{x}
	} else if !errors.Is(err, sim.ErrIO) && !errors.Is(err, sim.ErrFull) {
		u.t.Fatal(err)
	}
}

// boot opens the store, or makes it if there is none.
func (u *user) boot() {
	s, _, err := openStore(u.d, DeviceKey())
	if err == nil || err == ErrTampered {
		u.s = s
		return
	}
	u.s = nil
	if errors.Is(err, ErrNoStore) {
		u.try(empty, func() (err error) { u.s, err = createStore(u.d, DeviceKey(), counter()); return err })
	} else if !errors.Is(err, sim.ErrIO) && !errors.Is(err, sim.ErrFull) {
		u.t.Fatal(err)
	}
}

func (u *user) save(mark byte) {
	if u.s == nil {
		u.boot()
	}
	if u.s != nil {
		u.try(mark, func() error { return u.s.save(kept(2, mark)) })
	}
}

// live is a life: a store is made and saved, opened again with the power on, saved, and perhaps destroyed.
func (u *user) live(destroy bool) {
	u.boot()
	u.save('a')
	u.save('b')
	u.boot()
	u.save('c')
	u.save('d')
	if destroy && u.s != nil {
		u.try(destroyed, u.s.destroy)
	}
}

// powerTest is one life with faults at the writes named, and what is there after it.
type powerTest struct {
	destroy bool
	faults  map[int]sim.DiskFault // by the number of the write
	picks   []int                 // of what is in doubt at the cut
}

func (p powerTest) run(t *testing.T) (writes, choices int) {
	w, a, d := storeDisk(t)
	defer w.Close()
	defer func() {
		if t.Failed() {
			t.Logf("with %+v", p)
		}
	}()
	w.Preset(p.picks)
	d.OnWrite(func(string, int) sim.DiskFault { writes++; return p.faults[writes-1] })
	u := &user{t: t, d: d, may: []byte{nothing}}
	a.After(0, func() { u.live(p.destroy) })
	for w.Step() {
	}
	if a.On() {
		d.Settle(sim.PowerOffLost)
		a.PowerOff()
	}
	choices = len(w.Tape())
	d.OnWrite(nil)
	a.PowerOn(nil)
	got, s := found(t, d)
	if !slices.Contains(u.may, got) {
		t.Fatalf("%d is there: want one of %d", got, u.may)
	}
	if got == destroyed {
		return writes, choices
	}
	if s == nil {
		s = created(t, d, DeviceKey())
	}
	saved(t, s, kept(2, 'z')) // it goes on, through another cut
	a.PowerOff()
	a.PowerOn(nil)
	if got, _ := found(t, d); got != 'z' {
		t.Fatalf("then %d is there", got)
	}
	return writes, choices
}

// all runs the test with every outcome of what is in doubt.
func (p powerTest) all(t *testing.T) (writes int) {
	for n := 0; ; n++ {
		p.picks = nil
		for bit := range 8 {
			p.picks = append(p.picks, n>>bit&1)
		}
		all, choices := p.run(t)
		if writes = max(writes, all); n+1 >= 1<<choices {
			return writes
		}
	}
}

// The power goes at any write of a life, in which a write before may have failed: there is the list that was saved last, or
// one that was being saved since, and never none and never an error.
func TestStoreThroughPowerCuts(t *testing.T) {
	for _, destroy := range []bool{false, true} {
		writes := powerTest{destroy: destroy}.all(t)
		if want := map[bool]int{false: 13, true: 16}[destroy]; writes != want {
			t.Errorf("%d writes, want %d", writes, want)
		}
		first := []sim.DiskFault{sim.NoDiskFault, sim.DiskFull, sim.SyncError}
		second := []sim.DiskFault{sim.DiskError, sim.SyncError, sim.PowerOffLost, sim.PowerOffTorn.At(1), sim.PowerOffFlipped.At(1), sim.PowerOffKept}
		for j := range writes + 4 { // what fails is written again
			for _, at := range second {
				for i := range j + 1 {
					for _, before := range first {
						if (i == j) != (before == sim.NoDiskFault) || i < j && (at == sim.PowerOffTorn.At(1) || at == sim.PowerOffFlipped.At(1)) {
							continue
						}
						p := powerTest{destroy: destroy, faults: map[int]sim.DiskFault{i: before}}
						p.faults[j] = at
						p.all(t)
					}
				}
			}
		}
	}
}

// The same under a passphrase, whose store has no key beside it to destroy first.
func TestDestroyingAPassphraseStoreThroughPowerCuts(t *testing.T) {
	for n := range 3 {
		for _, fault := range []sim.DiskFault{sim.PowerOffLost, sim.PowerOffKept} {
			w, a, d := storeDisk(t)
			s := created(t, d, quick("correct horse"))
			saved(t, s, kept(2, 'p'))
			writes := 0
			d.OnWrite(func(string, int) (f sim.DiskFault) {
				if writes == n {
					f = fault
				}
				writes++
				return f
			})
			a.After(0, func() { _ = s.destroy() })
			for w.Step() {
			}
			if !a.On() {
				a.PowerOn(nil)
			}
			_, got, err := openStore(d, quick("correct horse"))
			if was := n == 0 && fault == sim.PowerOffLost; was != (err == nil && same(got, kept(2, 'p'))) || !was && err != ErrTampered {
				t.Errorf("write %d, fault %d: %v", n, fault, err)
			}
			if want := min(n+1, 2); writes != want {
				t.Errorf("%d writes, want %d", writes, want)
			}
		}
	}
}
