package hsm

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzOpenStore: whatever stands in the three files, opening gives what was saved or one of the errors it names. With
// inside set, the lock, the seal over the list and the anchor are made to fit, as only one with the key could: then what the
// file says of its entries is attacked.
func FuzzOpenStore(f *testing.F) {
	_, _, d := storeDisk(f)
	s := created(f, d, DeviceKey())
	want := kept(3, 'f')
	saved(f, s, want)
	key, whole, anchor := content(f, d, keyFile), content(f, d, storeFile), content(f, d, anchorFile)
	f.Add(key, whole, anchor, false)
	f.Add(key, whole, anchor, true)
	f.Add(key, whole[:headSize], anchor, true)
	f.Add([]byte(tamperMark), whole, anchor, false)
	f.Add(key, []byte(tamperMark), []byte{}, false)
	more := bytes.Clone(whole)
	more[67] = 4
	f.Add(key, more, anchor, true)
	f.Fuzz(func(t *testing.T, k, b, a []byte, inside bool) {
		_, owner, disk := storeDisk(t)
		files := map[string][]byte{keyFile: k, storeFile: b, anchorFile: a}
		if inside {
			b = bytes.Clone(b)
			if len(b) >= headSize { // the store's own salt and check value
				copy(b[len(storeMagic)+5:], whole[len(storeMagic)+5:][:saltSize+checkSize])
			}
			files = sealedAgain(s, b)
			files[keyFile] = key
		}
		put(owner, disk, files)
		_, got, err := openStore(disk, DeviceKey())
		if err != nil {
			for _, is := range []error{ErrStore, ErrLock, ErrAnchor, ErrRollback, ErrTampered} {
				if errors.Is(err, is) && got == nil {
					return
				}
			}
			t.Fatalf("%d entries, %v", len(got), err)
		}
		// An empty list is what somebody with the key may make; no entry is.
		if !same(got, want) && !(inside && len(got) == 0) {
			t.Fatalf("%v was never saved", got)
		}
	})
}

// FuzzStoreSave: a list comes back as it was, or was refused.
func FuzzStoreSave(f *testing.F) {
	f.Add(uint32(0), uint8(1), "key", "P0", byte('T'), byte('E'), byte('N'), uint64(1), []byte("0123456789ABCDEF"))
	f.Add(uint32(1<<32-1), uint8(3), "", "B1", byte(0), byte(255), byte('E'), uint64(1<<64-1), make([]byte, maxSecret))
	f.Fuzz(func(t *testing.T, slot uint32, n uint8, label, usage string, algorithm, mode, exportability byte, serial uint64, secret []byte) {
		_, _, d := storeDisk(t)
		s := created(t, d, DeviceKey())
		var list []entry
		for i := range uint32(n % 4) {
			list = append(list, entry{slot + i, label, usage, algorithm, mode, exportability, serial, secret})
		}
		fits := len(label) <= maxLabel && len(usage) == 2 && len(secret) > 0 && len(secret) <= maxSecret && uint64(slot)+uint64(len(list)) <= 1<<32
		err := s.save(list)
		if (err == nil) != (fits || len(list) == 0) {
			t.Fatal(err)
		}
		if err != nil {
			list = nil
		}
		if _, got := opened(t, d, DeviceKey()); !same(got, list) {
			t.Fatalf("%v: want %v", got, list)
		}
	})
}
