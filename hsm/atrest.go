package hsm

import (
	"fmt"
	"io"

	"github.com/posim/posim/internal/crypt/dukpt"
	"github.com/posim/posim/sim"
)

// Create makes a module at rest on a disk that has none (ErrStoreExists): keys with a label are kept there, sealed under lock, and
// are durable when the operation that stored them returns. rand is as for New.
func Create(disk sim.Disk, lock Lock, rand io.Reader) (*Module, error) {
	m := New(rand)
	kept, err := createStore(disk, lock, rand)
	if err != nil {
		return nil, err
	}
	m.kept = kept
	return m, nil
}

// Open opens the module at rest on a disk, with its keys (List tells which, Find finds them). A module that was tampered with
// opens: it answers ErrTampered to everything. ErrNoStore, ErrLock, ErrRollback and ErrStore are the store's.
func Open(disk sim.Disk, lock Lock, rand io.Reader) (*Module, error) {
	m := New(rand)
	kept, entries, err := openStore(disk, lock)
	if err == ErrTampered {
		m.rand = nil
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	for i := range entries {
		if err := m.restore(&entries[i]); err != nil {
			return nil, fmt.Errorf("%w: key %d: %w", ErrStore, i+1, err)
		}
	}
	m.kept = kept
	return m, nil
}

// restore places a key that was kept. The store has it as it was when it was judged; it is not judged again.
func (m *Module) restore(e *entry) error {
	a := Attributes{Usage: Usage(e.usage), Algorithm: Algorithm(e.algorithm), Mode: Mode(e.mode), Exportability: Exportability(e.exportability)}
	if _, used := m.labels[e.label]; used || e.label == "" {
		return fmt.Errorf("label %q: want one of its own", e.label)
	}
	a, r, err := a.complete()
	if err != nil {
		return err
	}
	s := &slot{a: a, label: e.label}
	if a.Usage == InitialKey {
		if len(e.secret) < len(s.check) {
			return fmt.Errorf("device of %d bytes: want a check value and a state", len(e.secret))
		}
		device, err := dukpt.ParseState(e.secret[len(s.check):])
		if err != nil {
			return err
		}
		s.material = &material{device: device}
		copy(s.check[:], e.secret)
	} else {
		if err := r.allows(a.Algorithm, len(e.secret)); err != nil {
			return err
		}
		if s.material, s.check, err = newMaterial(a, append([]byte(nil), e.secret...)); err != nil {
			return err
		}
	}
	wipe(e.secret)
	k, err := m.place(s)
	if err == nil {
		m.labels[e.label] = k
	}
	return err
}

// save makes the keys with a label durable, if this module is at rest.
func (m *Module) save() error {
	if m.kept == nil {
		return nil
	}
	entries := m.entries[:0]
	for at, s := range m.slots {
		if s == nil || s.label == "" {
			continue
		}
		e := entry{
			slot: uint32(at), label: s.label, usage: string(s.a.Usage), algorithm: byte(s.a.Algorithm), mode: byte(s.a.Mode),
			exportability: byte(s.a.Exportability), serial: s.serial, secret: s.clear,
		}
		if s.device != nil { // its check value is of a key that is gone
			e.secret = s.device.Append(append([]byte(nil), s.check[:]...))
		}
		entries = append(entries, e)
	}
	m.entries = entries
	err := m.kept.save(entries)
	for i := range entries {
		if Usage(entries[i].usage) == InitialKey {
			wipe(entries[i].secret)
		}
		entries[i] = entry{}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDisk, err)
	}
	return nil
}

// KeyInfo is what a module tells of a key that is kept under a label.
type KeyInfo struct {
	Label string
	Key   Key
	KSN   []byte // of a DUKPT device's key: of its present or last transaction
}

// List tells which keys have a label, in the order of their slots.
func (m *Module) List() ([]KeyInfo, error) {
	if err := m.ready(); err != nil {
		return nil, err
	}
	var all []KeyInfo
	for at, s := range m.slots {
		if s == nil || s.label == "" {
			continue
		}
		k := KeyInfo{Label: s.label, Key: m.handle(at)}
		if s.device != nil {
			k.KSN = s.device.KSN().Bytes()
		}
		all = append(all, k)
	}
	return all, nil
}
