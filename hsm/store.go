package hsm

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/posim/posim/sim"
)

// The files of a module at rest.
const (
	storeFile  = "hsm.store"
	anchorFile = "hsm.anchor"
	keyFile    = "hsm.key" // under DeviceKey only
)

// tamperMark is all that a destroyed store's files hold.
const tamperMark = "posim hsm: tampered\n"

// What opening or making a module at rest can meet, for errors.Is; ErrTampered is the fifth. The text says which part.
var (
	ErrNoStore     = errors.New("hsm: no store")
	ErrStoreExists = errors.New("hsm: there is a store already")
	ErrStore       = errors.New("hsm: store is damaged")
	ErrLock        = errors.New("hsm: store does not open with this lock")
	ErrRollback    = errors.New("hsm: an earlier store was put back")
	ErrAnchor      = errors.New("hsm: store and anchor do not belong together")
)

// store is a module's keys at rest: hsm.store, which has the list of keys, sealed, and hsm.anchor, which says which store is
// the last. Both are replaced whole at each save, the store first, and each save has the next version.
//
// Whoever can write to the disk can destroy the store, and can do nothing else unseen: every entry is sealed together with
// its slot, label, attributes, serial number, place and version, and the whole list once more; a store that is older than
// the anchor is refused, and so is another of the same version, and one that is more than one version ahead. What it cannot
// see is a disk on which everything is put back together to what it was: store, anchor and, where the lock is one, device
// key. That takes a counter that no disk has. Nor can it tell a disk with nothing on it from one that never had a store.
//
// A power cut at any write leaves a store that opens. If the power goes between store and anchor, the store is one version
// ahead: opening mends that. A save that failed leaves the disk with the last version or the one that failed, and the next
// save has the same number as the one that failed, if its store did not get there. So one version may have several
// contents, and with a source of randomness that is seeded anew at each start, as a simulation's is, random nonces could
// meet again under the same key. The nonces are therefore derived from version and content by a pseudo-random function
// with a key of its own (HMAC-SHA-256, cut to 96 bits; the idea is that of synthetic initialisation vectors, RFC 5297): the
// same nonce means the same version with the same keys in it, which is the same file. Another content has the same 96 bits
// once in 2^96 pairs; maxVersion keeps the pairs of a store's life under 2^64. A save needs no randomness; the salt, which
// every key of a store is derived with, and the device key come from it once.
//
// Go may hold copies of a key that nobody can overwrite, and a replaced file's blocks may stay on a medium for long.
type store struct {
	disk   sim.Disk
	head   storeHeader // of the last version; its salt, lock and check value never change
	tag    [tagSize]byte
	owed   bool // the anchor of the last version may not be durable
	keys   *storeKeys
	buf    []byte // the file that is being made
	aad    []byte
	nonce  [nonceSize]byte
	anchor [anchorSize]byte
}

// Files are the names of a module at rest on its disk: device key, store, anchor.
func Files() []string { return []string{keyFile, storeFile, anchorFile} }

// createStore makes an empty store, durably. ErrStoreExists when there is one, ErrTampered when there was one.
func createStore(disk sim.Disk, lock Lock, rand io.Reader) (*store, error) {
	data, err := disk.ReadFile(storeFile)
	switch {
	case err == nil && string(data) == tamperMark:
		return nil, ErrTampered
	case err == nil:
		return nil, fmt.Errorf("%w: %s", ErrStoreExists, storeFile)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("hsm: store: %w", err)
	}
	if err := absent(disk); err != ErrNoStore { // what an interrupted creation leaves is no store
		return nil, err
	}
	s := &store{disk: disk}
	if err := s.head.make(lock, rand); err != nil {
		return nil, err
	}
	if err := lock.make(disk, rand); err != nil {
		return nil, err
	}
	if s.keys, err = lock.derive(disk, &s.head); err != nil {
		return nil, err
	}
	s.head.check = s.keys.check
	// The anchor of version 0 goes first: it is all that tells a store whose anchor is still to come from one whose anchor
	// was taken away.
	if err := s.writeAnchor(); err != nil {
		return nil, err
	}
	if err := s.save(nil); err != nil {
		return nil, err
	}
	return s, nil
}

// absent says what a disk without hsm.store is: ErrNoStore unless something tells of a store that was there.
func absent(disk sim.Disk) error {
	if key, err := disk.ReadFile(keyFile); err == nil && string(key) == tamperMark {
		return ErrTampered
	}
	data, err := disk.ReadFile(anchorFile)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNoStore
	}
	if err != nil {
		return fmt.Errorf("hsm: store: %w", err)
	}
	version, _, err := parseAnchor(data)
	if err != nil {
		return err
	}
	if version != 0 {
		return fmt.Errorf("%w: %s has version %d, and there is no %s", ErrAnchor, anchorFile, version, storeFile)
	}
	return ErrNoStore
}

// openStore reads the store. The entries' secrets are the caller's, who wipes them. The error is one of those above, what
// the disk says, or ErrTampered.
func openStore(disk sim.Disk, lock Lock) (*store, []entry, error) {
	data, err := disk.ReadFile(storeFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, absent(disk)
	case err != nil:
		return nil, nil, fmt.Errorf("hsm: store: %w", err)
	case string(data) == tamperMark:
		return nil, nil, ErrTampered
	}
	s := &store{disk: disk}
	if err := s.head.parse(data); err != nil {
		return nil, nil, err
	}
	places, err := s.head.places(data)
	if err != nil {
		return nil, nil, err
	}
	if s.keys, err = lock.derive(disk, &s.head); err != nil {
		return nil, nil, err
	}
	if subtle.ConstantTimeCompare(s.keys.check[:], s.head.check[:]) != 1 {
		return nil, nil, fmt.Errorf("%w: not the %s it was made with", ErrLock, lockNames[s.head.kind])
	}
	if err := s.verify(data); err != nil {
		return nil, nil, err
	}
	if err := s.compareAnchor(data); err != nil {
		return nil, nil, err
	}
	entries, err := s.unseal(data, places)
	if err != nil {
		return nil, nil, err
	}
	return s, entries, nil
}

// compareAnchor refuses a store that the anchor does not know, and mends an anchor that a power cut left one behind.
func (s *store) compareAnchor(data []byte) error {
	b, err := s.disk.ReadFile(anchorFile)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is gone", ErrAnchor, anchorFile)
	}
	if err != nil {
		return fmt.Errorf("hsm: store: %w", err)
	}
	version, tag, err := parseAnchor(b)
	if err != nil {
		return err
	}
	if want := s.keys.authenticate(b[:anchorBody]); subtle.ConstantTimeCompare(want, b[anchorBody:]) != 1 {
		return fmt.Errorf("%w: %s is damaged, or of another store", ErrAnchor, anchorFile)
	}
	// A save of the same life of the power may have failed, and then what is read here is not what the disk holds. So what
	// a later version builds upon is written once more before it: store and anchor here, the anchor alone at the next save.
	s.owed = true
	switch at := s.head.version; {
	case at == version && subtle.ConstantTimeCompare(tag, s.tag[:]) == 1:
		return nil
	case at == version:
		return fmt.Errorf("%w: version %d is not the one that %s knows", ErrRollback, at, anchorFile)
	case at < version:
		return fmt.Errorf("%w: version %d, and %s has %d", ErrRollback, at, anchorFile, version)
	case at > version+1:
		return fmt.Errorf("%w: version %d, and %s has %d", ErrAnchor, at, anchorFile, version)
	}
	if err := s.disk.Replace(storeFile, data); err != nil {
		return fmt.Errorf("hsm: store: %w", err)
	}
	return s.writeAnchor()
}

// save writes the next version, with these entries in ascending order of their slots, and is durable when it returns. The
// entries stay the caller's. After an error of the disk, the store has what it had or what is saved here; save may be tried
// again with either, or with something else.
func (s *store) save(entries []entry) error {
	if s.keys == nil {
		return ErrTampered
	}
	if s.owed {
		if err := s.writeAnchor(); err != nil {
			return err
		}
	}
	next := s.head
	next.version++
	tag, err := s.seal(&next, entries)
	if err != nil {
		return err
	}
	if err := s.disk.Replace(storeFile, s.buf); err != nil {
		return fmt.Errorf("hsm: store: %w", err)
	}
	s.head, s.tag, s.owed = next, tag, true
	return s.writeAnchor()
}

// writeAnchor makes the store's version the last.
func (s *store) writeAnchor() error {
	b := appendAnchor(s.anchor[:0], s.head.version, s.tag[:])
	b = append(b, s.keys.authenticate(b)...)
	if err := s.disk.Replace(anchorFile, b); err != nil {
		return fmt.Errorf("hsm: store: %w", err)
	}
	s.owed = false
	return nil
}

// destroy is for tampering: a mark takes the place of the device key first, without which the rest is noise, and then of
// the store and the anchor. Opening answers ErrTampered from then on. It goes on after an error, and may be called again.
func (s *store) destroy() error {
	s.keys = nil
	names := []string{keyFile, storeFile, anchorFile}
	if s.head.kind != lockDeviceKey {
		names = names[1:]
	}
	var errs []error
	for _, name := range names {
		if err := s.disk.Replace(name, []byte(tamperMark)); err != nil {
			errs = append(errs, fmt.Errorf("hsm: store: %w", err))
		}
	}
	return errors.Join(errs...)
}
