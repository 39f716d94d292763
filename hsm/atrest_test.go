package hsm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt/dukpt"
	"github.com/posim/posim/sim"
)

// another is a source for a module that is opened again: its randomness is not the first one's.
func another() io.Reader { return rand.NewChaCha8([32]byte{9}) }

// createdModule is a module at rest, without keys.
func createdModule(t testing.TB, d sim.Disk, l Lock) *Module {
	t.Helper()
	m, err := Create(d, l, counter())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func openedModule(t testing.TB, d sim.Disk, l Lock) *Module {
	t.Helper()
	m, err := Open(d, l, another())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// labelled is all that a module keeps, without slots and handles, which are another module's after it is opened again.
func labelled(t testing.TB, m *Module) string {
	t.Helper()
	all, err := m.List()
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, k := range all {
		s := m.slots[k.Key.at]
		line := fmt.Sprintf("%q %v %X %X", k.Label, k.Key.Attributes(), s.check, s.clear)
		if s.device != nil {
			line += fmt.Sprintf(" at %X: %X", k.KSN, s.device.Append(nil))
		}
		if found, err := m.Find(k.Label); err != nil || found != k.Key || k.Key.Attributes() != s.a || k.Key.CheckValue() != s.check {
			t.Errorf("%q: %v, %v", k.Label, found, err)
		}
		text = append(text, line)
	}
	slices.Sort(text)
	return strings.Join(text, "\n")
}

// Every kind of key, in every algorithm and length, with every mode, comes back as what it was, if it has a label.
func TestKeysAtRest(t *testing.T) {
	for name, lock := range locks {
		t.Run(name, func(t *testing.T) {
			_, _, d := storeDisk(t)
			m := createdModule(t, d, lock())
			key := 0
			all := []Attributes{}
			for _, r := range &rules {
				for _, l := range r.lengths {
					for _, n := range l.bytes {
						mode := r.modes[key%len(r.modes)]
						a := Attributes{r.usage, l.algorithm, Mode(mode), Exportability("ENS"[key%3])}
						clear := make([]byte, n)
						if _, err := m.rand.Read(clear); err != nil {
							t.Fatal(err)
						}
						key++
						if r.usage == InitialKey {
							a.Exportability = NonExportable // the door for initial keys has no other
							ksn := unhex(t, map[Algorithm]string{TDES: "FFFF9876543210E00000", AES: "123456789012345600000000"}[l.algorithm])
							ksn[0] = byte(key)
							k, err := m.InstallInitialKey(fmt.Sprint("key ", key), l.algorithm, clear, ksn)
							for i := 0; i < n && err == nil; i++ { // devices at different transactions
								_, err = m.NextKSN(k)
							}
							if err != nil {
								t.Fatal(err)
							}
							continue
						}
						if _, err := m.Install(fmt.Sprint("key ", key), a, clear); err != nil {
							t.Fatalf("%v: %v", a, err)
						}
						install(t, m, Sealing, key32) // without a label
						all = append(all, a)
					}
				}
			}
			want := labelled(t, m)
			if key < 45 || strings.Count(want, "\n")+1 != key || keys(m) != key+len(all) {
				t.Fatalf("%d keys, %d lines", key, strings.Count(want, "\n")+1)
			}
			again := openedModule(t, d, lock())
			if got := labelled(t, again); got != want {
				t.Errorf("after opening:\n%s\nwant:\n%s", got, want)
			}
			if keys(again) != key {
				t.Errorf("%d keys: want the %d that have a label", keys(again), key)
			}
			for label := range m.labels {
				old, err := again.Find(label)
				if err != nil {
					t.Fatal(err)
				}
				if err := again.Erase(m.labels[label]); err != ErrKey {
					t.Errorf("%q: a handle of the module before: %v", label, err)
				}
				if err := again.Erase(old); err != nil {
					t.Error(err)
				}
				break
			}
			if got := labelled(t, openedModule(t, d, lock())); strings.Count(got, "\n")+2 != key {
				t.Error("an erased key comes back")
			}
		})
	}
}

// What a key computes is the same after opening; a device goes on with its next transaction, and the host follows.
func TestKeysGoOnAtRest(t *testing.T) {
	_, a, d := storeDisk(t)
	m := createdModule(t, d, DeviceKey())
	p := card(t, pan1)
	mac, err := m.Install("mac", Attributes{Usage: CMAC, Algorithm: AES}, unhex(t, keyA))
	if err != nil {
		t.Fatal(err)
	}
	ref, err := m.Install("reference", Attributes{Usage: PINVerification}, unhex(t, keyB))
	if err != nil {
		t.Fatal(err)
	}
	pin, err := m.Install("pin", Attributes{Usage: PINEncryption}, unhex(t, keyA))
	if err != nil {
		t.Fatal(err)
	}
	ksn := unhex(t, "FFFF9876543210E00000")
	device, err := m.InstallInitialKey("device", TDES, initialKey(t, TDES, keyA, ksn), ksn)
	if err != nil {
		t.Fatal(err)
	}
	first, err := m.NextKSN(device)
	if err != nil {
		t.Fatal(err)
	}
	sum, kept := make([]byte, 16), reference(t, m, ref, "1234", p)
	if err := m.MAC(mac, MACParams{}, sum, []byte("0200")); err != nil {
		t.Fatal(err)
	}
	block := encrypted(t, m, in(pin, Format0), "1234", p)
	a.PowerOff()
	a.PowerOn(nil)

	m = openedModule(t, d, DeviceKey())
	find := func(label string) Key {
		k, err := m.Find(label)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	if err := m.VerifyMAC(find("mac"), MACParams{}, sum, []byte("0200")); err != nil {
		t.Error(err)
	}
	if err := m.VerifyPIN(in(find("pin"), Format0), p, block, find("reference"), kept); err != nil {
		t.Error(err)
	}
	if at, err := m.KSN(find("device")); err != nil || !bytes.Equal(at, first) {
		t.Errorf("the device is at %X, %v: want %X", at, err, first)
	}
	if _, err := m.WorkingKey(find("device"), first, Working{Usage: PINEncryption}); err == nil {
		t.Error("the transaction before the power cut has a key again")
	}
	second, err := m.NextKSN(find("device"))
	if err != nil || !bytes.Equal(second, withCounter(ksn, 2)) {
		t.Errorf("%X, %v", second, err)
	}
	w := Working{Usage: CMAC, Direction: Both}
	one, err := m.WorkingKey(find("device"), second, w)
	if err != nil {
		t.Fatal(err)
	}
	other, err := m.WorkingKey(install(t, m, BaseDerivation, keyA), second, w)
	if err != nil || !bytes.Equal(bytesOf(m, one), bytesOf(m, other)) {
		t.Errorf("device and host have different keys: %v", err)
	}
	if _, err := m.InstallInitialKey("again", TDES, initialKey(t, TDES, keyA, ksn), ksn); !errors.Is(err, ErrStaleKSN) {
		t.Errorf("the initial key comes again: %v", err)
	}
	if _, err := m.InstallInitialKey("", TDES, initialKey(t, TDES, keyA, ksn), withCounterOfAnother(ksn)); err == nil {
		t.Error("a device without a label would forget its counter with the power")
	}
}

func TestTamperedAtRest(t *testing.T) {
	for name, lock := range locks {
		t.Run(name, func(t *testing.T) {
			_, a, d := storeDisk(t)
			m := createdModule(t, d, lock())
			k, err := m.Install("mac", Attributes{Usage: MACAlgorithm3}, unhex(t, keyA))
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Tamper(); err != nil {
				t.Fatal(err)
			}
			if err := m.Tamper(); err != nil {
				t.Errorf("again: %v", err)
			}
			for range 2 {
				again := openedModule(t, d, lock())
				if !again.Tampered() || fmt.Sprint(again) != "hsm.Module(tampered)" {
					t.Errorf("%v", again)
				}
				if _, err := again.Find("mac"); !errors.Is(err, ErrTampered) {
					t.Errorf("Find: %v", err)
				}
				if err := again.MAC(k, MACParams{}, make([]byte, 8), nil); !errors.Is(err, ErrTampered) {
					t.Errorf("MAC: %v", err)
				}
				if _, err := again.Install("new", Attributes{Usage: MACAlgorithm3}, unhex(t, keyB)); !errors.Is(err, ErrTampered) {
					t.Errorf("Install: %v", err)
				}
				if _, err := again.List(); !errors.Is(err, ErrTampered) {
					t.Errorf("List: %v", err)
				}
				a.PowerOff()
				a.PowerOn(nil)
			}
			if _, err := Create(d, lock(), counter()); !errors.Is(err, ErrTampered) {
				t.Errorf("a new module takes the place of the tampered one: %v", err)
			}
		})
	}
}

// The keys in memory are gone even if the disk does not let those at rest be destroyed, and Tamper says so.
func TestTamperOnABadDisk(t *testing.T) {
	_, _, d := storeDisk(t)
	m := createdModule(t, d, DeviceKey())
	k, err := m.Install("mac", Attributes{Usage: MACAlgorithm3}, unhex(t, keyA))
	if err != nil {
		t.Fatal(err)
	}
	clear := m.slots[k.at].clear
	d.OnWrite(func(string, int) sim.DiskFault { return sim.DiskError })
	if err := m.Tamper(); !errors.Is(err, sim.ErrIO) || !m.Tampered() || !bytes.Equal(clear, make([]byte, 16)) {
		t.Errorf("%v, tampered %v", err, m.Tampered())
	}
}

// change is something that a module at rest does durably.
type change struct {
	name string
	do   func(m *Module) error
}

// using does something with the key that has a label.
func using(m *Module, label string, f func(Key) error) error {
	k, err := m.Find(label)
	if err != nil {
		return err
	}
	return f(k)
}

func changes(t testing.TB) []change {
	ksn, odd := unhex(t, "FFFF9876543210E00000"), unhex(t, keyB)
	return []change{
		{"Install", func(m *Module) error { _, err := m.Install("new", Attributes{Usage: PINEncryption}, odd); return err }},
		{"Store a new key in a label's place", func(m *Module) error {
			k, err := m.Install("", Attributes{Usage: MACAlgorithm3}, odd)
			if err != nil {
				return err
			}
			return m.Store("mac", k)
		}},
		{"Store under another label", func(m *Module) error {
			return using(m, "mac", func(k Key) error { return m.Store("other", k) })
		}},
		{"Store in another's place", func(m *Module) error {
			return using(m, "mac", func(k Key) error { return m.Store("pin", k) })
		}},
		{"Erase", func(m *Module) error { return using(m, "mac", m.Erase) }},
		{"Erase a device", func(m *Module) error { return using(m, "device", m.Erase) }},
		{"NextKSN", func(m *Module) error {
			return using(m, "device", func(k Key) error { _, err := m.NextKSN(k); return err })
		}},
		{"InstallInitialKey", func(m *Module) error {
			_, err := m.InstallInitialKey("second", TDES, initialKey(t, TDES, keyA, ksn), withCounterOfAnother(ksn))
			return err
		}},
		{"a ceremony", func(m *Module) error {
			c, err := m.NewCeremony(CeremonyParams{Attributes: Attributes{Usage: KeyEncryption}, Components: 2})
			if err != nil {
				return err
			}
			for _, part := range []string{keyA, "11111111111111112222222222222222"} {
				if _, err := c.Component(unhex(t, part), nil); err != nil {
					return err
				}
			}
			_, err = c.Finish("master", nil)
			return err
		}},
	}
}

// prepared is a module at rest with some keys.
func prepared(t testing.TB, d sim.Disk) *Module {
	t.Helper()
	m := createdModule(t, d, DeviceKey())
	ksn := unhex(t, "FFFF9876543210E00000")
	for label, u := range map[string]Usage{"mac": MACAlgorithm3, "pin": PINEncryption, "base": BaseDerivation} {
		if _, err := m.Install(label, Attributes{Usage: u}, unhex(t, keyA)); err != nil {
			t.Fatal(err)
		}
	}
	device, err := m.InstallInitialKey("device", TDES, initialKey(t, TDES, keyA, ksn), ksn)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := m.NextKSN(device); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// The power goes at each durable write of each change: every key is there afterwards as before the change or as after it.
func TestChangesThroughPowerCuts(t *testing.T) {
	for _, c := range changes(t) {
		t.Run(c.name, func(t *testing.T) {
			_, _, d := storeDisk(t)
			m := prepared(t, d)
			old := labelled(t, m)
			if err := c.do(m); err != nil {
				t.Fatal(err)
			}
			changed := labelled(t, m)
			if old == changed {
				t.Fatal("nothing changes: the test proves nothing")
			}
			seen := map[string]bool{}
			for _, image := range []sim.DiskFault{sim.PowerOffLost, sim.PowerOffKept, sim.PowerOffTorn, sim.PowerOffFlipped} {
				for n := 0; ; n++ {
					w, a, d := storeDisk(t)
					m := prepared(t, d)
					writes := 0
					d.OnWrite(func(string, int) sim.DiskFault {
						if writes++; writes-1 == n {
							return image
						}
						return sim.NoDiskFault
					})
					var err error
					done := false
					a.After(0, func() { err = c.do(m); done = true })
					for w.Step() {
					}
					d.OnWrite(nil)
					if done {
						if err != nil || n == 0 {
							t.Fatalf("after %d writes: %v", writes, err)
						}
						break
					}
					a.PowerOn(nil)
					again := openedModule(t, d, DeviceKey())
					got := labelled(t, again)
					if got != old && got != changed {
						t.Fatalf("write %d, fault %v: there is\n%s\nwant\n%s\nor\n%s", n, image, got, old, changed)
					}
					seen[got] = true
					if _, err := again.Install("later", Attributes{Usage: CMAC}, unhex(t, keyA)); err != nil {
						t.Errorf("write %d, fault %v: it does not go on: %v", n, image, err)
					}
					if after := labelled(t, openedModule(t, d, DeviceKey())); after == got || len(after) < len(got) {
						t.Errorf("write %d, fault %v: what was kept later is not there", n, image)
					}
				}
			}
			if !seen[old] || !seen[changed] {
				t.Errorf("all cuts end the same: before %v, after %v", seen[old], seen[changed])
			}
		})
	}
}

// The disk refuses each durable write of each change: the change is refused (ErrDisk), the module is as before, but for a device's
// counter, which never goes back, and the same change works when the disk does.
func TestChangesOnABadDisk(t *testing.T) {
	for _, c := range changes(t) {
		for _, fault := range []sim.DiskFault{sim.DiskFull, sim.DiskError, sim.SyncError} {
			for n := 0; ; n++ {
				_, _, d := storeDisk(t)
				m := prepared(t, d)
				old, writes := labelled(t, m), 0
				d.OnWrite(func(string, int) sim.DiskFault {
					if writes++; writes-1 == n {
						return fault
					}
					return sim.NoDiskFault
				})
				err := c.do(m)
				d.OnWrite(nil)
				if writes <= n {
					if err != nil {
						t.Fatalf("%s: %v", c.name, err)
					}
					break
				}
				if !errors.Is(err, ErrDisk) || !errors.Is(err, sim.ErrIO) && !errors.Is(err, sim.ErrFull) {
					t.Fatalf("%s: write %d: %v: want ErrDisk", c.name, n, err)
				}
				if c.name == "NextKSN" {
					k, err := m.Find("device")
					if err != nil {
						t.Fatal(err)
					}
					at, err := m.KSN(k)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := m.WorkingKey(k, at, Working{Usage: PINEncryption}); err == nil {
						t.Errorf("write %d: a transaction whose number is not durable has keys", n)
					}
					if next, err := m.NextKSN(k); err != nil || !bytes.Equal(next, withCounter(at, 5)) {
						t.Errorf("write %d: %X, %v: want counter 5", n, next, err)
					}
					continue
				}
				if got := labelled(t, m); got != old {
					t.Errorf("%s: write %d: there is\n%s\nwant\n%s", c.name, n, got, old)
				}
				if err := c.do(m); err != nil {
					t.Errorf("%s: write %d: not again: %v", c.name, n, err)
				}
				if got := labelled(t, openedModule(t, d, DeviceKey())); got != labelled(t, m) {
					t.Errorf("%s: write %d: the disk has something else than the module", c.name, n)
				}
			}
		}
	}
}

// A device through lives with a cut or a failure at any of their writes: no number is given twice, each is a transaction's whose keys
// the host finds, and a cut skips one number at most.
func TestNoKSNTwice(t *testing.T) {
	ksn := unhex(t, "FFFF9876543210E00000")
	initial := initialKey(t, TDES, keyA, ksn)
	for _, fault := range []sim.DiskFault{sim.PowerOffLost, sim.PowerOffKept, sim.PowerOffTorn, sim.PowerOffFlipped, sim.DiskError, sim.SyncError} {
		for every := 1; every <= 7; every++ {
			w, a, d := storeDisk(t)
			if _, err := createdModule(t, d, DeviceKey()).InstallInitialKey("device", TDES, initial, ksn); err != nil {
				t.Fatal(err)
			}
			writes, failures, given := 0, 0, map[string]bool{}
			d.OnWrite(func(string, int) sim.DiskFault {
				if writes++; writes%every == 0 && failures < 20 {
					failures++
					return fault
				}
				return sim.NoDiskFault
			})
			last, err := dukpt.ParseKSN(ksn)
			if err != nil {
				t.Fatal(err)
			}
			lives, sinceLast := 0, 0
			for len(given) < 40 {
				if lives++; lives > 200 {
					t.Fatalf("%v, every %d: %d numbers in %d lives", fault, every, len(given), lives)
				}
				a.After(0, func() {
					m, err := Open(d, DeviceKey(), another())
					if err != nil {
						if !errors.Is(err, sim.ErrIO) {
							t.Error(err)
						}
						return
					}
					k, err := m.Find("device")
					if err != nil {
						t.Error(err)
						return
					}
					for len(given) < 40 {
						failed := failures
						b, err := m.NextKSN(k)
						if err != nil {
							if !errors.Is(err, ErrDisk) || failures == failed {
								t.Error(err)
								return
							}
							continue
						}
						next, err := dukpt.ParseKSN(b)
						if err != nil || given[string(b)] {
							t.Errorf("%X is given twice, or none, %v", b, err)
							return
						}
						given[string(b)] = true
						skipped := 0
						for at := last; at != next; skipped++ {
							if at, err = at.Next(); err != nil || skipped > 100 {
								t.Errorf("%v is not behind %v", next, last)
								return
							}
						}
						if skipped--; skipped > failures-sinceLast {
							t.Errorf("%v after %v: %d skipped by %d failures", next, last, skipped, failures-sinceLast)
						}
						last, sinceLast = next, failures
						if _, err := m.WorkingKey(k, b, Working{Usage: PINEncryption}); err != nil {
							t.Error(err)
						}
					}
				})
				for w.Step() {
				}
				if t.Failed() {
					t.Fatalf("fault %v at every %d. write", fault, every)
				}
				if a.On() {
					d.Settle(sim.PowerOffLost)
					a.PowerOff()
				}
				a.PowerOn(nil)
			}
			if failures == 0 {
				t.Errorf("%v, every %d: nothing failed", fault, every)
			}
		}
	}
}
