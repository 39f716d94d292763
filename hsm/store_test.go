package hsm

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

// storeDisk is an empty memory disk whose owner has power.
func storeDisk(t testing.TB) (*sim.World, *sim.Actor, *sim.MemDisk) {
	w := sim.NewWorld(time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC), 1)
	t.Cleanup(w.Close)
	a := w.Actor("module")
	a.PowerOn(nil)
	return w, a, sim.NewMemDisk(a)
}

// quick is a passphrase lock whose derivation takes no time.
func quick(p string) Lock {
	l := Passphrase([]byte(p))
	l.iterations = 2
	return l
}

// kept is a list of n keys, the last of 400 bytes; mark tells lists apart.
func kept(n int, mark byte) []entry {
	all := make([]entry, n)
	for i := range all {
		secret := bytes.Repeat([]byte{0xC0 + byte(i)}, 16)
		if i == n-1 {
			secret = bytes.Repeat([]byte{0xD5}, 400)
		}
		secret[0] = mark
		all[i] = entry{slot: uint32(3 * i), label: fmt.Sprint("key ", i), usage: "P0", algorithm: 'T', mode: 'E', exportability: 'N', serial: uint64(100 + i), secret: secret}
	}
	return all
}

func same(a, b []entry) bool {
	return slices.EqualFunc(a, b, func(a, b entry) bool {
		secret := bytes.Equal(a.secret, b.secret)
		a.secret, b.secret = nil, nil
		return secret && fmt.Sprintf("%#v", plainEntry(a)) == fmt.Sprintf("%#v", plainEntry(b))
	})
}

type plainEntry entry // prints

func created(t testing.TB, d sim.Disk, l Lock) *store {
	t.Helper()
	s, err := createStore(d, l, counter())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func opened(t testing.TB, d sim.Disk, l Lock) (*store, []entry) {
	t.Helper()
	s, entries, err := openStore(d, l)
	if err != nil {
		t.Fatal(err)
	}
	return s, entries
}

func saved(t testing.TB, s *store, entries []entry) {
	t.Helper()
	if err := s.save(entries); err != nil {
		t.Fatal(err)
	}
}

func content(t testing.TB, d sim.Disk, name string) []byte {
	t.Helper()
	b, err := d.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// put changes what is on a disk behind its owner's back.
func put(a *sim.Actor, d *sim.MemDisk, files map[string][]byte) {
	a.PowerOff()
	for name, b := range files {
		d.Put(name, b)
	}
	a.PowerOn(nil)
}

var locks = map[string]func() Lock{"device key": DeviceKey, "passphrase": func() Lock { return quick("correct horse") }}

func TestStoreRoundTrip(t *testing.T) {
	for name, lock := range locks {
		t.Run(name, func(t *testing.T) {
			_, a, d := storeDisk(t)
			s := created(t, d, lock())
			if _, got := opened(t, d, lock()); len(got) != 0 {
				t.Fatalf("a new store has %v", got)
			}
			many := kept(maxEntries, 'm')
			most := []entry{{slot: 1<<32 - 1, label: strings.Repeat("l", maxLabel), usage: "B1", algorithm: 255, mode: 255, exportability: 255, serial: 1<<64 - 1, secret: make([]byte, maxSecret)}}
			least := []entry{{usage: "\x00\x00", secret: []byte{0}}}
			for i, want := range [][]entry{kept(1, 1), kept(4, 2), nil, most, many, least, kept(4, 3)} {
				before := fmt.Sprintf("%x", clearOf(want))
				saved(t, s, want)
				if fmt.Sprintf("%x", clearOf(want)) != before {
					t.Error("the caller's secrets have changed")
				}
				if i%2 == 1 {
					a.PowerOff()
					a.PowerOn(nil)
				}
				again, got := opened(t, d, lock())
				if !same(got, want) {
					t.Fatalf("list %d: %d entries, want %d", i, len(got), len(want))
				}
				if i%3 == 0 || i%2 == 1 { // the one goes on, or the other
					s = again
				}
				if s.head.version != uint64(i+2) {
					t.Errorf("version %d after %d saves", s.head.version, i+1)
				}
			}
		})
	}
}

func clearOf(entries []entry) (all []byte) {
	for _, e := range entries {
		all = append(all, e.secret...)
	}
	return all
}

// The files by the comment in storeformat.go alone, with the standard library's primitives.
func TestStoreFormat(t *testing.T) {
	_, _, d := storeDisk(t)
	s := created(t, d, DeviceKey())
	want := kept(3, 'f')
	saved(t, s, want)
	b, key := content(t, d, storeFile), content(t, d, keyFile)[9:]
	derive := func(purpose string) []byte {
		k, err := hkdf.Key(sha256.New, key, b[14:30], "posim hsm store 1 "+purpose, 32)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	if !bytes.Equal(b[:14], []byte("posimHSM\x01\x01\x00\x00\x00\x00")) || !bytes.Equal(b[30:46], derive("check")[:16]) ||
		binary.BigEndian.Uint64(b[46:]) != 2 || binary.BigEndian.Uint16(b[66:]) != 3 {
		t.Fatalf("head %x", b[:68])
	}
	block, _ := aes.NewCipher(derive("seal"))
	gcm, _ := cipher.NewGCM(block)
	nonce := func(i byte) []byte {
		n := bytes.Clone(b[54:66])
		n[11] ^= i
		return n
	}
	at := 68
	for i, e := range want {
		end := at + 20 + len(e.label)
		aad := append(append(bytes.Clone(b[:68]), 0, byte(i)), b[at:end]...)
		clear, err := gcm.Open(nil, nonce(byte(i)), b[end:end+len(e.secret)+16], aad)
		if err != nil || !bytes.Equal(clear, e.secret) || string(b[at+20:end]) != e.label || binary.BigEndian.Uint32(b[at:]) != e.slot ||
			binary.BigEndian.Uint64(b[at+4:]) != e.serial || string(b[at+12:at+17]) != "P0TEN" {
			t.Fatalf("entry %d: %x %v", i, b[at:end], err)
		}
		at = end + len(e.secret) + 16
	}
	if _, err := gcm.Open(nil, nonce(3), b[at:], b[:at]); err != nil || len(b) != at+16 {
		t.Errorf("%d bytes behind the entries: %v", len(b)-at, err)
	}
	anchor := content(t, d, anchorFile)
	if want := append([]byte("posimANC\x01\x00\x00\x00\x00\x00\x00\x00\x02"), b[at:]...); !bytes.Equal(anchor[:33], want) || len(anchor) != 65 {
		t.Errorf("anchor %x", anchor)
	}
	// Stores that exist must open with later programs: a change here is a new format.
	sum := sha256.New()
	for _, name := range []string{keyFile, storeFile, anchorFile} {
		sum.Write(content(t, d, name))
	}
	if got := fmt.Sprintf("%x", sum.Sum(nil)[:8]); got != "cab488e6be6db86c" {
		t.Errorf("the files are others: %s", got)
	}
}

// refused opens, and fails unless the error is one of those.
func refused(t testing.TB, d sim.Disk, l Lock, what string, is ...error) {
	t.Helper()
	s, entries, err := openStore(d, l)
	if err == nil || s != nil || entries != nil || !slices.ContainsFunc(is, func(e error) bool { return errors.Is(err, e) }) {
		t.Fatalf("%s: %v, want one of %v", what, err, is)
	}
}

func TestEveryByteOfTheStoreCounts(t *testing.T) {
	for name, lock := range locks {
		t.Run(name, func(t *testing.T) {
			_, a, d := storeDisk(t)
			saved(t, created(t, d, lock()), kept(3, 'b'))
			for file, is := range map[string][]error{storeFile: {ErrStore, ErrLock}, anchorFile: {ErrAnchor}, keyFile: {ErrLock}} {
				if file == keyFile && name == "passphrase" {
					continue
				}
				whole := content(t, d, file)
				for i := range whole {
					for _, flip := range []byte{1, 0x80, 0xFF} {
						b := bytes.Clone(whole)
						b[i] ^= flip
						if name == "passphrase" && file == storeFile && flip == 0xFF && (i == 11 || i == 12) {
							continue // a million iterations are allowed, and slow
						}
						put(a, d, map[string][]byte{file: b})
						refused(t, d, lock(), fmt.Sprintf("%s, byte %d", file, i), is...)
					}
				}
				for n := range whole {
					put(a, d, map[string][]byte{file: whole[:n]})
					refused(t, d, lock(), fmt.Sprintf("%s, cut to %d bytes", file, n), is...)
				}
				put(a, d, map[string][]byte{file: append(bytes.Clone(whole), 0)})
				refused(t, d, lock(), file+", a byte longer", is...)
				put(a, d, map[string][]byte{file: whole})
			}
			if _, got := opened(t, d, lock()); !same(got, kept(3, 'b')) {
				t.Error("it does not open as it was")
			}
		})
	}
}

// Whatever is put back or taken away.
func TestStoreRollback(t *testing.T) {
	for _, tt := range []struct {
		name          string
		store, anchor int // versions; 0: none
		is            error
		want          byte
	}{
		{"nothing", 5, 5, nil, 5},
		{"the store by one", 4, 5, ErrRollback, 0},
		{"the store to the first", 1, 5, ErrRollback, 0},
		{"the anchor by one, as a power cut leaves it", 5, 4, nil, 5},
		{"the anchor by two", 5, 3, ErrAnchor, 0},
		{"the anchor to the first", 5, 1, ErrAnchor, 0},
		{"no store", 0, 5, ErrAnchor, 0},
		{"no anchor", 5, 0, ErrAnchor, 0},
		{"both, which cannot be seen", 3, 3, nil, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, d := storeDisk(t)
			s := created(t, d, DeviceKey())
			stores, anchors := [][]byte{nil, content(t, d, storeFile)}, [][]byte{nil, content(t, d, anchorFile)}
			for v := 2; v <= 5; v++ {
				saved(t, s, kept(2, byte(v)))
				stores, anchors = append(stores, content(t, d, storeFile)), append(anchors, content(t, d, anchorFile))
			}
			_, a, there := storeDisk(t)
			files := map[string][]byte{keyFile: content(t, d, keyFile)}
			if tt.store > 0 {
				files[storeFile] = stores[tt.store]
			}
			if tt.anchor > 0 {
				files[anchorFile] = anchors[tt.anchor]
			}
			put(a, there, files)
			if tt.is != nil {
				refused(t, there, DeviceKey(), tt.name, tt.is)
				return
			}
			s, got := opened(t, there, DeviceKey())
			if !same(got, kept(2, tt.want)) || !bytes.Equal(content(t, there, anchorFile), anchors[tt.store]) {
				t.Errorf("%d entries, or the anchor was not mended", len(got))
			}
			saved(t, s, kept(1, 'n'))
			if _, got := opened(t, there, DeviceKey()); !same(got, kept(1, 'n')) {
				t.Error("it does not go on")
			}
		})
	}
}

// A save that failed may be on somebody's copy of the disk. The save that took its number is the one that counts.
func TestAFailedSaveCannotBePutBack(t *testing.T) {
	_, a, d := storeDisk(t)
	s := created(t, d, DeviceKey())
	d.OnWrite(func(string, int) sim.DiskFault { return sim.SyncError })
	if err := s.save(kept(2, 'x')); !errors.Is(err, sim.ErrIO) {
		t.Fatal(err)
	}
	d.OnWrite(nil)
	failed := content(t, d, storeFile)
	saved(t, s, kept(2, 'y'))
	if at := s.head.version; at != 2 || bytes.Equal(failed, content(t, d, storeFile)) {
		t.Errorf("version %d", at)
	}
	put(a, d, map[string][]byte{storeFile: failed})
	refused(t, d, DeviceKey(), "a save that failed", ErrRollback)
}

// Parts of one store in another, with every seal that an attacker cannot make as it was; and with the list sealed again by
// one who can, so that it is the entry's own seal that holds.
func TestStoreEntriesCannotBeMoved(t *testing.T) {
	_, a, d := storeDisk(t)
	s := created(t, d, DeviceKey())
	saved(t, s, kept(3, 1))
	first := content(t, d, storeFile)
	saved(t, s, kept(3, 2))
	whole, anchor := content(t, d, storeFile), content(t, d, anchorFile)
	places, err := s.head.places(whole)
	if err != nil {
		t.Fatal(err)
	}
	_, _, other := storeDisk(t)
	o, err := createStore(other, DeviceKey(), constant(7))
	if err != nil {
		t.Fatal(err)
	}
	saved(t, o, kept(3, 1))
	saved(t, o, kept(3, 2))
	size := places[1] - places[0]
	for _, tt := range []struct {
		name  string
		spoil func(b []byte) []byte
		tries bool // to have it accepted, with the list sealed again
	}{
		{"two secrets swapped", func(b []byte) []byte {
			n := 32
			one, two := b[places[1]-n:places[1]], b[places[2]-n:places[2]]
			x := bytes.Clone(one)
			copy(one, two)
			copy(two, x)
			return b
		}, true},
		{"another slot", func(b []byte) []byte { b[places[0]+3] = 1; return b }, true},
		{"another serial number", func(b []byte) []byte { b[places[0]+11]++; return b }, true},
		{"another usage", func(b []byte) []byte { b[places[0]+12] = 'K'; return b }, true},
		{"another algorithm", func(b []byte) []byte { b[places[0]+14] = 'A'; return b }, true},
		{"another mode", func(b []byte) []byte { b[places[0]+15] = 'B'; return b }, true},
		{"another exportability", func(b []byte) []byte { b[places[0]+16] = 'E'; return b }, true},
		{"another label", func(b []byte) []byte { b[places[0]+entrySize] ^= 1; return b }, true},
		{"an entry of the version before", func(b []byte) []byte { copy(b[places[1]:places[2]], first[places[1]:]); return b }, true},
		{"an entry of another store", func(b []byte) []byte {
			copy(b[places[1]:places[2]], content(t, other, storeFile)[places[1]:])
			return b
		}, true},
		{"the nonce of the version before", func(b []byte) []byte { copy(b[54:66], first[54:66]); return b }, true},
		{"one left out", func(b []byte) []byte {
			b[67] = 2
			return append(b[:places[0]:places[0]], b[places[1]:]...)
		}, true},
		{"the last left out", func(b []byte) []byte {
			b[67] = 2
			return append(b[:places[2]:places[2]], b[len(b)-tagSize:]...)
		}, true},
		{"one doubled", func(b []byte) []byte {
			b[67] = 4
			twice := append(bytes.Clone(b[:places[1]]), b[places[0]:]...)
			return twice
		}, false},
		{"two in the other order", func(b []byte) []byte {
			x := bytes.Clone(b[places[0]:places[1]])
			copy(b[places[0]:], b[places[1]:places[2]])
			copy(b[places[0]+size:], x)
			return b
		}, false},
		{"all of another store", func([]byte) []byte { return content(t, other, storeFile) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.spoil(bytes.Clone(whole))
			put(a, d, map[string][]byte{storeFile: b, anchorFile: anchor})
			refused(t, d, DeviceKey(), "as it is", ErrStore, ErrLock)
			if !tt.tries {
				return
			}
			put(a, d, sealedAgain(s, b))
			refused(t, d, DeviceKey(), "with the list sealed again", ErrStore)
			if _, _, err := openStore(d, DeviceKey()); !strings.Contains(err.Error(), "the seal of entry ") {
				t.Errorf("%v", err)
			}
		})
	}
}

// sealedAgain are store and anchor with the seal over the list, and the anchor, made to fit.
func sealedAgain(s *store, b []byte) map[string][]byte {
	var h storeHeader
	if h.parse(b) != nil || len(b) < headSize+tagSize {
		return map[string][]byte{storeFile: b}
	}
	n := h.nonceAt(h.count)
	body := b[: len(b)-tagSize : len(b)-tagSize]
	b = s.keys.aead.Seal(body, n[:], nil, body)
	anchor := appendAnchor(nil, h.version, b[len(b)-tagSize:])
	return map[string][]byte{storeFile: b, anchorFile: append(anchor, s.keys.authenticate(anchor)...)}
}

func TestStoreRefusals(t *testing.T) {
	for _, tt := range []struct {
		name  string
		made  Lock
		open  Lock
		spoil func(files map[string][]byte)
		is    error
		says  string
	}{
		{"a wrong passphrase", quick("correct horse"), quick("battery staple"), nil, ErrLock, "not the passphrase it was made with"},
		{"no passphrase", quick("correct horse"), quick(""), nil, ErrLock, "the passphrase is empty"},
		{"no lock", quick("correct horse"), Lock{}, nil, ErrLock, "there is none: want DeviceKey or Passphrase"},
		{"another kind", quick("correct horse"), DeviceKey(), nil, ErrLock, "want the passphrase"},
		{"a passphrase for a device key", DeviceKey(), quick("correct horse"), nil, ErrLock, "want the device key"},
		{"no device key", DeviceKey(), DeviceKey(), func(f map[string][]byte) { delete(f, keyFile) }, ErrLock, "hsm.key is gone"},
		{"another device key", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[keyFile][20] ^= 1 }, ErrLock, "not the device key it was made with"},
		{"no key in hsm.key", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[keyFile] = f[keyFile][:40] }, ErrLock, "hsm.key holds no device key"},
		{"another salt", quick("x"), quick("x"), func(f map[string][]byte) { f[storeFile][20] ^= 1 }, ErrLock, "not the passphrase"},
		{"too many iterations", quick("x"), quick("x"), func(f map[string][]byte) { binary.BigEndian.PutUint32(f[storeFile][10:], maxIterations+1) }, ErrStore, "at byte 10: 2000001 iterations: want 1 to 2000000"},
		{"no iterations", quick("x"), quick("x"), func(f map[string][]byte) { binary.BigEndian.PutUint32(f[storeFile][10:], 0) }, ErrStore, "at byte 10: 0 iterations"},
		{"iterations of a device key", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[storeFile][13] = 1 }, ErrStore, "at byte 10: 1 iterations: want 0 to 0"},
		{"another format", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[storeFile][8] = 2 }, ErrStore, "at byte 0: no store of this format"},
		{"another lock", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[storeFile][9] = 3 }, ErrStore, "at byte 9: unknown kind of lock 3"},
		{"version 0", DeviceKey(), DeviceKey(), func(f map[string][]byte) { clear(f[storeFile][46:54]) }, ErrStore, "at byte 46: version 0"},
		{"a version beyond all", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[storeFile][46] = 1 }, ErrStore, "at byte 46: version"},
		{"too many entries", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[storeFile][66] = 0x20 }, ErrStore, "at byte 66: 8195 entries: want at most 4096"},
		{"more entries than there is room for", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[storeFile][66] = 1 }, ErrStore, "at byte 66: 259 entries: the file has room for"},
		{"fewer entries", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[storeFile][67] = 2 }, ErrStore, "behind the last entry: want a seal of 16"},
		{"one more entry", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[storeFile][67] = 4 }, ErrStore, "the file ends within entry 4"},
		{"a long label", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[storeFile][headSize+17] = 65 }, ErrStore, "at byte 68: entry 1: label of 65 bytes: want at most 64"},
		{"a long secret", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[storeFile][headSize+18] = 0x40 }, ErrStore, "at byte 68: entry 1: secret of 16400 bytes: want 1 to 2048"},
		{"no secret", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[storeFile][headSize+19] = 0 }, ErrStore, "at byte 68: entry 1: secret of 0 bytes"},
		{"slots out of order", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[storeFile][headSize] = 1 }, ErrStore, "entry 2: slot 3 after slot 16777216"},
		{"the list's seal", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[storeFile][len(f[storeFile])-1] ^= 1 }, ErrStore, "the seal over the list does not open"},
		{"no anchor", DeviceKey(), DeviceKey(), func(f map[string][]byte) { delete(f, anchorFile) }, ErrAnchor, "hsm.anchor is gone"},
		{"another anchor", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[anchorFile][64] ^= 1 }, ErrAnchor, "hsm.anchor is damaged, or of another store"},
		{"an anchor of another format", DeviceKey(), DeviceKey(), func(f map[string][]byte) { f[anchorFile][8] = 2 }, ErrAnchor, "hsm.anchor is no anchor of this format"},
		{"an anchor alone", DeviceKey(), DeviceKey(), func(f map[string][]byte) { delete(f, storeFile) }, ErrAnchor, "hsm.anchor has version 2, and there is no hsm.store"},
		{"a damaged anchor alone", DeviceKey(), DeviceKey(), func(f map[string][]byte) { delete(f, storeFile); f[anchorFile] = nil }, ErrAnchor, "hsm.anchor is no anchor of this format"},
		{"a key alone", DeviceKey(), DeviceKey(), func(f map[string][]byte) { delete(f, storeFile); delete(f, anchorFile) }, ErrNoStore, "hsm: no store"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, d := storeDisk(t)
			saved(t, created(t, d, tt.made), kept(3, 'r'))
			files := map[string][]byte{}
			for _, name := range []string{keyFile, storeFile, anchorFile} {
				if b, err := d.ReadFile(name); err == nil {
					files[name] = b
				}
			}
			if tt.spoil != nil {
				tt.spoil(files)
			}
			_, a, there := storeDisk(t)
			put(a, there, files)
			refused(t, there, tt.open, tt.name, tt.is)
			_, _, err := openStore(there, tt.open)
			if text := err.Error(); !strings.Contains(text, tt.says) || strings.Contains(text, "horse") || strings.Contains(text, "staple") {
				t.Errorf("%q, want %q", text, tt.says)
			}
			if _, store := files[storeFile]; store {
				if _, err := createStore(there, DeviceKey(), counter()); !errors.Is(err, ErrStoreExists) {
					t.Errorf("made another over it: %v", err)
				}
			} else if _, err := createStore(there, DeviceKey(), counter()); (err == nil) != (tt.is == ErrNoStore) {
				t.Errorf("made one in its place: %v", err)
			}
		})
	}
	_, _, d := storeDisk(t)
	refused(t, d, DeviceKey(), "an empty disk", ErrNoStore)
	for _, l := range []Lock{{}, Passphrase(nil)} {
		if _, err := createStore(d, l, counter()); !errors.Is(err, ErrLock) {
			t.Errorf("%v: %v", l, err)
		}
		refused(t, d, DeviceKey(), "after a refusal to make one", ErrNoStore)
	}
	if _, err := createStore(d, DeviceKey(), strings.NewReader("too few bytes")); err == nil {
		t.Error("made from a source of randomness that ends")
	}
	if _, err := createStore(d, DeviceKey(), strings.NewReader("enough for the salt, not for a key")); err == nil {
		t.Error("made from a source of randomness that ends")
	}
}

// The right passphrase, at the real number of iterations.
func TestStorePassphrase(t *testing.T) {
	_, _, d := storeDisk(t)
	p := []byte("correct horse")
	saved(t, created(t, d, Passphrase(p)), kept(1, 'p'))
	if n := binary.BigEndian.Uint32(content(t, d, storeFile)[10:]); n != 600_000 || string(p) != "correct horse" {
		t.Errorf("%d iterations", n)
	}
	if _, got := opened(t, d, quick("correct horse")); !same(got, kept(1, 'p')) { // the number is the store's
		t.Error("another list")
	}
	if _, err := d.ReadFile(keyFile); !errors.Is(err, fs.ErrNotExist) {
		t.Error("it has a device key too")
	}
}

func TestStoreBounds(t *testing.T) {
	_, _, d := storeDisk(t)
	s := created(t, d, DeviceKey())
	saved(t, s, kept(2, 'b'))
	before := content(t, d, storeFile)
	one := func(f func(e *entry)) []entry {
		all := kept(2, 'c')
		f(&all[1])
		return all
	}
	for _, tt := range []struct {
		says    string
		entries []entry
	}{
		{"4097 entries: want at most 4096", kept(maxEntries+1, 'c')},
		{"entry 2: label of 65 bytes: want at most 64", one(func(e *entry) { e.label = strings.Repeat("l", 65) })},
		{"entry 2: usage of 3 characters: want 2", one(func(e *entry) { e.usage = "P00" })},
		{"entry 2: secret of 0 bytes: want 1 to 2048", one(func(e *entry) { e.secret = nil })},
		{"entry 2: secret of 2049 bytes: want 1 to 2048", one(func(e *entry) { e.secret = make([]byte, 2049) })},
		{"entry 2: slot 0 after slot 0", one(func(e *entry) { e.slot = 0 })},
	} {
		if err := s.save(tt.entries); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%v, want %s", err, tt.says)
		}
	}
	if !bytes.Equal(content(t, d, storeFile), before) || s.head.version != 2 {
		t.Error("a refused list was saved")
	}
	saved(t, s, kept(2, 'd'))
	s.head.version = maxVersion - 1
	saved(t, s, kept(2, 'e'))
	if err := s.save(kept(2, 'f')); err == nil || !strings.Contains(err.Error(), "it was saved 4294967296 times") {
		t.Errorf("saved for ever: %v", err)
	}
	if _, got := opened(t, d, DeviceKey()); !same(got, kept(2, 'e')) {
		t.Error("the last version does not open")
	}
}

// What is on a disk and in the file of a store says nothing of its keys.
func TestStoreHidesItsSecrets(t *testing.T) {
	var seen bytes.Buffer
	w, _, d := storeDisk(t)
	w.OnNote(func(_ time.Time, _, kind string, b []byte) {
		if kind != "disk "+keyFile {
			seen.Write(b)
		}
	})
	s := created(t, d, DeviceKey())
	saved(t, s, kept(4, 's'))
	saved(t, s, kept(4, 't'))
	for _, e := range kept(4, 's') {
		if bytes.Contains(seen.Bytes(), e.secret[1:9]) {
			t.Error("a key in clear")
		}
	}
	if key := content(t, d, keyFile)[9:]; bytes.Contains(seen.Bytes(), key) {
		t.Error("the device key in clear")
	}
}

func TestStorePrintsNoSecret(t *testing.T) {
	_, _, d := storeDisk(t)
	lock := quick("correct horse")
	s := created(t, d, lock)
	e := kept(1, 'S')[0]
	e.secret = []byte("correct horse")
	holder := struct {
		lock  Lock
		Lock  Lock
		store *store
	}{lock, lock, s}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%X", "%q", "%t", "%T", "%c", "%b", "%08x"} {
		for _, v := range []any{lock, &lock, e, &e, []entry{e}, holder, &holder, s, *s} {
			text := strings.ToLower(fmt.Sprintf(verb, v))
			for _, secret := range []string{"horse", fmt.Sprintf("%x", "horse"), "104 111 114 115 101"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s of %T: %s", verb, v, text)
				}
			}
		}
	}
	if got := fmt.Sprint(lock, Lock{}, DeviceKey(), e); got != `hsm.Lock(passphrase) hsm.Lock(no lock) hsm.Lock(device key) slot 0 P0 "key 0"` {
		t.Error(got)
	}
	if b, err := json.Marshal(holder); err != nil || bytes.Contains(b, []byte("horse")) || bytes.Contains(b, []byte("Y29ycmVjdCBob3JzZQ")) {
		t.Errorf("%s %v", b, err)
	}
}

// Nonces are used once, whatever the source of randomness gives and however often one version is saved; and the same history
// gives the same bytes.
func TestStoreNonces(t *testing.T) {
	used := map[string]string{} // nonces, and what for
	note := func(b []byte) {
		var h storeHeader
		if err := h.parse(b); err != nil {
			t.Fatal(err)
		}
		for i := range h.count + 1 {
			n := h.nonceAt(i)
			if what, again := used[string(n[:])]; again && what != string(b) {
				t.Fatalf("a nonce of version %d is used again", h.version)
			}
			used[string(n[:])] = string(b)
		}
	}
	history := func() (all []byte) {
		_, a, d := storeDisk(t)
		if _, err := createStore(d, DeviceKey(), constant(7)); err != nil {
			t.Fatal(err)
		}
		for life := range 3 {
			s, _ := opened(t, d, DeviceKey())
			for i := range 6 {
				d.OnWrite(func(name string, n int) sim.DiskFault {
					if name == storeFile && i%2 == 0 {
						return sim.SyncError // the next save has the same version
					}
					return sim.NoDiskFault
				})
				list := kept(3, byte(10*life+i))
				if i == 3 {
					list[2].secret[399]++
				}
				if i == 5 {
					list = kept(3, byte(10*life+3)) // as before, but for one byte at its end
				}
				_ = s.save(list)
				note(content(t, d, storeFile))
				all = append(all, content(t, d, storeFile)...)
			}
			a.PowerOff()
			d.Settle(sim.PowerOffLost)
			a.PowerOn(nil)
		}
		return all
	}
	if !bytes.Equal(history(), history()) {
		t.Error("the same history gives other bytes")
	}
	if len(used) < 50 {
		t.Errorf("%d nonces", len(used))
	}
	h, seen := storeHeader{nonce: [nonceSize]byte{10: 0x5A, 11: 0xA5}}, map[[nonceSize]byte]bool{}
	for i := range maxEntries + 1 {
		seen[h.nonceAt(i)] = true
	}
	if len(seen) != maxEntries+1 {
		t.Errorf("%d nonces for %d places", len(seen), maxEntries+1)
	}
}

func TestStoreDestroyed(t *testing.T) {
	for name, lock := range locks {
		t.Run(name, func(t *testing.T) {
			_, _, d := storeDisk(t)
			s := created(t, d, lock())
			saved(t, s, kept(2, 'd'))
			if err := s.destroy(); err != nil {
				t.Fatal(err)
			}
			if _, _, err := openStore(d, lock()); err != ErrTampered {
				t.Errorf("opening: %v", err)
			}
			if _, err := createStore(d, lock(), counter()); err != ErrTampered {
				t.Errorf("making another: %v", err)
			}
			if err := s.save(kept(2, 'e')); err != ErrTampered {
				t.Errorf("saving: %v", err)
			}
			for _, file := range []string{keyFile, storeFile, anchorFile} {
				if b, err := d.ReadFile(file); string(b) != tamperMark && (file != keyFile || err == nil) {
					t.Errorf("%s: %x", file, b)
				}
			}
			if err := s.destroy(); err != nil {
				t.Errorf("again: %v", err)
			}
		})
	}
}

// What can be destroyed is, even when something cannot; and it can be tried again.
func TestStoreDestroyedOnABadDisk(t *testing.T) {
	for _, bad := range []string{keyFile, storeFile, anchorFile} {
		_, _, d := storeDisk(t)
		s := created(t, d, DeviceKey())
		d.OnWrite(func(name string, _ int) sim.DiskFault {
			if name == bad {
				return sim.DiskFull
			}
			return sim.NoDiskFault
		})
		if err := s.destroy(); !errors.Is(err, sim.ErrFull) {
			t.Errorf("%s: %v", bad, err)
		}
		if _, _, err := openStore(d, DeviceKey()); err != ErrTampered {
			t.Errorf("%s is full: %v", bad, err)
		}
		if err := s.save(nil); err != ErrTampered {
			t.Errorf("%s is full: saving: %v", bad, err)
		}
		d.OnWrite(nil)
		if err := s.destroy(); err != nil || string(content(t, d, bad)) != tamperMark {
			t.Errorf("%s, again: %v", bad, err)
		}
	}
	_, a, d := storeDisk(t)
	put(a, d, map[string][]byte{keyFile: []byte(tamperMark)}) // somebody took the rest away
	refused(t, d, DeviceKey(), "a destroyed key alone", ErrTampered)
}

// A real folder.
func TestStoreOnADirectory(t *testing.T) {
	dir := t.TempDir()
	d := sim.DirDisk(dir)
	s := created(t, d, DeviceKey())
	saved(t, s, kept(4, 1))
	saved(t, s, kept(2, 2))
	s, got := opened(t, d, DeviceKey())
	if !same(got, kept(2, 2)) {
		t.Fatal("another list")
	}
	saved(t, s, kept(3, 3))
	if _, got := opened(t, d, DeviceKey()); !same(got, kept(3, 3)) {
		t.Error("another list")
	}
	for _, name := range []string{keyFile, storeFile, anchorFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v %v, want a file of mode 0600", name, info.Mode(), err)
		}
	}
	if all, err := os.ReadDir(dir); len(all) != 3 {
		t.Errorf("%v %v", all, err)
	}
	if err := os.Remove(filepath.Join(dir, keyFile)); err != nil {
		t.Fatal(err)
	}
	refused(t, d, DeviceKey(), "without its key", ErrLock)
	if err := os.Symlink("elsewhere", filepath.Join(dir, keyFile)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openStore(d, DeviceKey()); err == nil || !strings.Contains(err.Error(), "not a plain file") {
		t.Errorf("the key is a link: %v", err)
	}
}

func TestStoreSaveAllocatesLittle(t *testing.T) {
	_, _, d := storeDisk(t)
	s := created(t, d, DeviceKey())
	list := kept(4, 'a')
	saved(t, s, list)
	if n := testing.AllocsPerRun(100, func() { saved(t, s, list) }); n > 6 { // what the disk in memory needs for two files
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkStoreSave(b *testing.B) {
	_, _, d := storeDisk(b)
	s := created(b, d, DeviceKey())
	list := kept(4, 'a')
	b.ReportAllocs()
	for b.Loop() {
		if err := s.save(list); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenStore(b *testing.B) {
	_, _, d := storeDisk(b)
	saved(b, created(b, d, DeviceKey()), kept(4, 'a'))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := openStore(d, DeviceKey()); err != nil {
			b.Fatal(err)
		}
	}
}
