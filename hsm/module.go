package hsm

import (
	"fmt"
	"io"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/cardvalue"
	"github.com/posim/posim/internal/crypt/pinblock"
)

// maxKeys bounds what a module holds: a host with a thousand terminals holds three keys for each.
const maxKeys = 4096

// Module is a security module. It is used by one actor at a time. Make it with New, Create or Open; the zero Module answers
// ErrTampered.
type Module struct{ *state }

type state struct {
	slots   []*slot // nil: free
	free    []int
	serial  uint64         // of the last key made; never used twice, so an erased key's handle stays dead
	labels  map[string]Key // keys that are found again by name
	rand    io.Reader      // nil after tampering
	kept    *store         // where keys with a label are kept; nil: nowhere
	pad     *Keypad        // the entry in progress
	parts   []*Ceremony    // in progress
	recent  *recentSession // of the cryptogram verified last
	entries []entry        // scratch of save
	onUse   func() error   // nil: nobody asks
	work    [16]byte       // scratch that keeps the paths with kept schedules free of allocation
	other   [16]byte
	code    [32]byte // a MAC that is compared
	fill    [pinblock.MaxFill]byte
	card    cardvalue.Work
	digits  [19]byte // of a card number
}

// New returns an empty module whose keys are in memory only. rand gives generated keys and nonces; it must be a cryptographic
// source wherever more than a simulation depends on it. New panics without one.
func New(rand io.Reader) *Module {
	if rand == nil {
		panic("hsm: New without a source of randomness")
	}
	return &Module{&state{rand: rand, labels: map[string]Key{}}}
}

// Install loads a clear key, as a key loading device does at personalisation. Of a DES or TDES key the parity is adjusted (load
// components, NewCeremony, to have it checked); a wrong length for the usage (ErrKeyLength), a weak key (ErrWeakKey), a full
// module (ErrFull) and a label that is in use are errors. clear stays the caller's, who should wipe it. The label may be empty;
// otherwise Find finds the key by it, and a module at rest keeps it. Initial keys of DUKPT have a door of their own:
// InstallInitialKey.
func (m *Module) Install(label string, a Attributes, clear []byte) (Key, error) {
	if err := m.ready(); err != nil {
		return Key{}, err
	}
	if a.Usage == InitialKey {
		return Key{}, fmt.Errorf("%w: an initial key comes with its key serial number", ErrUsage)
	}
	if err := m.unused(label); err != nil {
		return Key{}, err
	}
	k, err := m.put(a, append([]byte(nil), clear...))
	if err != nil {
		return Key{}, err
	}
	return m.labelled(label, k)
}

// unused refuses a label that a key has.
func (m *Module) unused(label string) error {
	if _, used := m.labels[label]; used && label != "" {
		return fmt.Errorf("hsm: label %q is in use", label)
	}
	if len(label) > maxLabel {
		return fmt.Errorf("hsm: label of %d bytes: want at most %d", len(label), maxLabel)
	}
	return nil
}

// labelled stores a new key under its label, if it has one. A key that cannot be stored is erased.
func (m *Module) labelled(label string, k Key) (Key, error) {
	if label == "" {
		return k, nil
	}
	if err := m.Store(label, k); err != nil {
		m.erase(k.at)
		return Key{}, err
	}
	return k, nil
}

// Generate makes a random key of the shortest length that the attributes allow.
func (m *Module) Generate(a Attributes) (Key, error) {
	if err := m.ready(); err != nil {
		return Key{}, err
	}
	a, r, err := a.complete()
	if err != nil {
		return Key{}, err
	}
	if a.Usage == InitialKey {
		return Key{}, fmt.Errorf("%w: an initial key is derived, not drawn", ErrUsage)
	}
	clear := make([]byte, r.bytes(a.Algorithm)[0])
	for range 8 { // a source that gives weak keys eight times in a row is broken
		if _, err := io.ReadFull(m.rand, clear); err != nil {
			return Key{}, fmt.Errorf("hsm: generate %s: %w", r.name, err)
		}
		if a.Algorithm == TDES || a.Algorithm == DES {
			crypt.OddParity(clear)
			if crypt.WeakTDES(clear) {
				continue
			}
		}
		return m.put(a, clear)
	}
	return Key{}, fmt.Errorf("hsm: generate %s: %w", r.name, ErrWeakKey)
}

// Store gives k a label and erases the key that had it before, so that a new session key replaces the old one in one step. A key
// has one label at most; the earlier one is given up. A working key of DUKPT can have none (ErrUsage): it goes with its transaction.
// In a module at rest the key is durable when Store returns; an error of the disk leaves the module as it was.
func (m *Module) Store(label string, k Key) error {
	s, err := m.slot(k)
	if err != nil {
		return err
	}
	if s.working.Usage != "" {
		return fmt.Errorf("%w: store %v: a working key goes with its transaction", ErrUsage, k)
	}
	if label == "" || len(label) > maxLabel {
		return fmt.Errorf("hsm: store %v: label of %d bytes: want 1 to %d", k, len(label), maxLabel)
	}
	old, used := m.labels[label]
	if used && old == k {
		return nil
	}
	before := s.label
	delete(m.labels, before)
	s.label, m.labels[label] = label, k
	if used {
		m.slots[old.at].label = ""
	}
	if err := m.save(); err != nil {
		delete(m.labels, label)
		s.label = before
		if before != "" {
			m.labels[before] = k
		}
		if used {
			m.slots[old.at].label, m.labels[label] = label, old
		}
		return err
	}
	if used {
		m.erase(old.at)
	}
	return nil
}

// Find returns the key with that label, for whoever has no handle of it. ErrKey when there is none.
func (m *Module) Find(label string) (Key, error) {
	if err := m.ready(); err != nil {
		return Key{}, err
	}
	k, ok := m.labels[label]
	if !ok {
		return Key{}, fmt.Errorf("%w: label %q", ErrKey, label)
	}
	return k, nil
}

// Erase overwrites a key, and the working keys that were derived from it, and frees their slots; its handle is dead from then on. In a module at rest it is gone from there when
// Erase returns; an error of the disk leaves it where it was.
func (m *Module) Erase(k Key) error {
	s, err := m.slot(k)
	if err != nil {
		return err
	}
	if label := s.label; label != "" {
		delete(m.labels, label)
		s.label = ""
		if err := m.save(); err != nil {
			s.label, m.labels[label] = label, k
			return err
		}
	}
	m.erase(k.at)
	return nil
}

// Tamper is what opening the case does: every key, the components of keys, and the PIN being entered are overwritten, and every operation from then on
// answers ErrTampered, also of whoever opens the module's store later. There is no way back; a new Module is another device.
// The keys in memory are gone whatever Tamper answers: its error says that those at rest could not be destroyed.
func (m *Module) Tamper() error {
	if m.ready() != nil {
		return nil
	}
	for at := range m.slots {
		if m.slots[at] != nil {
			m.erase(at)
		}
	}
	if m.pad != nil {
		m.pad.end(Cancelled)
	}
	for _, c := range m.parts {
		c.Abort()
	}
	m.parts = nil
	m.rand = nil
	if m.kept == nil {
		return nil
	}
	kept := m.kept
	m.kept = nil
	return kept.destroy()
}

// Tampered tells whether the module has been tampered with.
func (m *Module) Tampered() bool { return m.ready() != nil }

// Format prints how many keys the module holds, for every verb.
func (m *Module) Format(f fmt.State, _ rune) {
	if m.ready() != nil {
		io.WriteString(f, "hsm.Module(tampered)") // fmt.State keeps its own errors
		return
	}
	fmt.Fprintf(f, "hsm.Module(%d keys)", len(m.slots)-len(m.free))
}

func (m *Module) ready() error {
	if m == nil || m.state == nil || m.rand == nil {
		return ErrTampered
	}
	return nil
}

// OnUse has f asked each time a key is taken into use; its error becomes the operation's. It is for whoever plays a module
// that breaks down or is opened; f may tamper with m.
func (m *Module) OnUse(f func() error) { m.onUse = f }

// slot finds a handle's key; any of the usages is right, none given means all.
func (m *Module) slot(k Key, need ...Usage) (*slot, error) {
	if err := m.ready(); err != nil {
		return nil, err
	}
	if m.onUse != nil {
		if err := m.onUse(); err != nil {
			return nil, err
		}
		if err := m.ready(); err != nil { // it may have been opened just now
			return nil, err
		}
	}
	if k.m != m || k.at >= len(m.slots) || m.slots[k.at] == nil || m.slots[k.at].serial != k.serial {
		return nil, ErrKey
	}
	s := m.slots[k.at]
	if len(need) == 0 {
		return s, nil
	}
	for _, u := range need {
		if s.a.Usage == u {
			return s, nil
		}
	}
	return nil, &UsageError{Need: append([]Usage(nil), need...), Found: s.a.Usage}
}

// may tells whether the key's mode allows what a key of one of the modes may do.
func (s *slot) may(modes string) error {
	for i := range len(modes) {
		if Mode(modes[i]) == s.a.Mode {
			return nil
		}
	}
	return fmt.Errorf("%w: need one of %s, found %c", ErrMode, modes, s.a.Mode)
}

// The modes that allow an operation.
const (
	mayEncrypt  = "BEN"
	mayDecrypt  = "BDN"
	mayGenerate = "CGN"
	mayVerify   = "CVN"
	mayDerive   = "XN"
)

// put stores clear, which becomes the module's own, and wipes it when it refuses.
func (m *Module) put(a Attributes, clear []byte) (k Key, err error) {
	defer func() {
		if err != nil {
			wipe(clear)
		}
	}()
	a, r, err := a.complete()
	if err != nil {
		return Key{}, err
	}
	if err := r.allows(a.Algorithm, len(clear)); err != nil {
		return Key{}, err
	}
	if a.Algorithm == TDES || a.Algorithm == DES {
		crypt.OddParity(clear)
		if crypt.WeakTDES(clear) {
			return Key{}, fmt.Errorf("%w: %s", ErrWeakKey, r.name)
		}
	}
	x, check, err := newMaterial(a, clear)
	if err != nil {
		return Key{}, fmt.Errorf("hsm: %s: %w", r.name, err)
	}
	return m.place(&slot{a: a, check: check, material: x})
}

// place gives a key its slot and its handle.
func (m *Module) place(s *slot) (Key, error) {
	at := len(m.slots)
	switch {
	case len(m.free) > 0:
		at = m.free[len(m.free)-1]
		m.free = m.free[:len(m.free)-1]
	case at == maxKeys:
		return Key{}, fmt.Errorf("%w: %d keys", ErrFull, maxKeys)
	default:
		m.slots = append(m.slots, nil)
	}
	m.serial++
	s.serial = m.serial
	m.slots[at] = s
	return m.handle(at), nil
}

// handle is the handle of the key in a slot.
func (m *Module) handle(at int) Key {
	s := m.slots[at]
	return Key{m: m, at: at, serial: s.serial, a: s.a, check: s.check}
}

func (m *Module) erase(at int) {
	s := m.slots[at]
	for _, k := range s.made {
		m.forget(k)
	}
	if s.host != nil {
		for i := range s.host.made {
			for _, made := range s.host.made[i].keys {
				m.forget(made)
			}
		}
	}
	m.recent = nil // it may be of this key
	if s.label != "" {
		delete(m.labels, s.label)
	}
	s.material.wipe()
	m.slots[at] = nil
	m.free = append(m.free, at)
}

// forget erases a key that was derived, unless it is gone already.
func (m *Module) forget(k Key) {
	if m.lives(k) {
		m.erase(k.at)
	}
}

// lives tells whether a handle that this module gave still has its key.
func (m *Module) lives(k Key) bool { return m.slots[k.at] != nil && m.slots[k.at].serial == k.serial }
