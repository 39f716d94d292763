package hsm

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"io"

	"github.com/posim/posim/internal/crypt"
)

// maxKeys bounds what a module stores: a host with a thousand terminals holds three keys for each.
const maxKeys = 4096

// maxSeals is how many random nonces one GCM key may have (SP 800-38D, 8.3).
const maxSeals = 1 << 32

// Module is a security module. It is used by one actor at a time. Make it with New; the zero Module answers ErrTampered.
//
// fmt follows a pointer in an unexported field by one step when a verb does not fit it. Module, slot and Keypad therefore
// keep their secrets two pointers deep, where no verb gets to.
type Module struct{ *state }

type state struct {
	slots  []*slot // nil: free
	free   []int
	serial uint64         // of the last key made; never used twice, so an erased key's handle stays dead
	labels map[string]Key // keys that are found again by name
	rand   io.Reader      // nil after tampering
	pad    *Keypad        // the entry in progress
	recent *recentSession // of the cryptogram verified last
	onUse  func() error   // nil: nobody asks
	work   [8]byte        // scratch that keeps the paths with kept schedules free of allocation
}

// slot is one stored key.
type slot struct {
	serial uint64
	usage  Usage
	label  string
	check  [3]byte
	seals  uint64
	*material
}

// material is what is secret about a key.
type material struct {
	clear []byte           // the key, kept for wrapping and derivation
	block cipher.Block     // schedules, kept because making them costs more than using them
	mac   *crypt.RetailMAC // MAC keys
	aead  cipher.AEAD      // data keys
}

// New returns an empty module. rand gives generated keys and nonces; it must be a cryptographic source wherever more than
// a simulation depends on it. New panics without one.
func New(rand io.Reader) *Module {
	if rand == nil {
		panic("hsm: New without a source of randomness")
	}
	return &Module{&state{rand: rand, labels: map[string]Key{}}}
}

// Install loads a clear key, as personalisation does. The key's parity is adjusted; a wrong length for the usage, a weak
// key (ErrWeakKey), a full module (ErrFull) and a label that is in use are errors. clear stays the caller's, who should
// wipe it. The label may be empty; otherwise Find finds the key by it.
func (m *Module) Install(label string, u Usage, clear []byte) (Key, error) {
	if err := m.ready(); err != nil {
		return Key{}, err
	}
	if _, used := m.labels[label]; used && label != "" {
		return Key{}, fmt.Errorf("hsm: label %q is in use", label)
	}
	k, err := m.put(u, append([]byte(nil), clear...))
	if err != nil || label == "" {
		return k, err
	}
	return k, m.Store(label, k)
}

// Generate makes a random key.
func (m *Module) Generate(u Usage) (Key, error) {
	if err := m.ready(); err != nil {
		return Key{}, err
	}
	r, err := u.rule()
	if err != nil {
		return Key{}, err
	}
	clear := make([]byte, r.lengths[0])
	for range 8 { // a source that gives weak keys eight times in a row is broken
		if _, err := io.ReadFull(m.rand, clear); err != nil {
			return Key{}, fmt.Errorf("hsm: generate %s: %w", r.name, err)
		}
		if !r.aes {
			crypt.OddParity(clear)
			if crypt.WeakTDES(clear) {
				continue
			}
		}
		return m.put(u, clear)
	}
	return Key{}, fmt.Errorf("hsm: generate %s: %w", r.name, ErrWeakKey)
}

// Store gives k a label and erases the key that had it before, so that a new session key replaces the old one in one step.
// A key has one label at most; the earlier one is given up.
func (m *Module) Store(label string, k Key) error {
	s, err := m.slot(k)
	if err != nil {
		return err
	}
	if label == "" {
		return fmt.Errorf("hsm: store %v: empty label", k)
	}
	if old, used := m.labels[label]; used && old != k {
		m.erase(old.at)
	}
	if s.label != label {
		delete(m.labels, s.label)
	}
	s.label = label
	m.labels[label] = k
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

// Erase overwrites a key and frees its slot; its handle is dead from then on.
func (m *Module) Erase(k Key) error {
	if _, err := m.slot(k); err != nil {
		return err
	}
	m.erase(k.at)
	return nil
}

// Tamper is what opening the case does: every key and the PIN being entered are overwritten, and every operation from then
// on answers ErrTampered. There is no way back; a new Module is another device.
func (m *Module) Tamper() {
	if m.ready() != nil {
		return
	}
	for at := range m.slots {
		if m.slots[at] != nil {
			m.erase(at)
		}
	}
	if m.pad != nil {
		m.pad.end(Cancelled)
	}
	m.rand = nil
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
		if s.usage == u {
			return s, nil
		}
	}
	return nil, &UsageError{Need: append([]Usage(nil), need...), Found: s.usage}
}

// put stores clear, which becomes the module's own, and wipes it when it refuses.
func (m *Module) put(u Usage, clear []byte) (k Key, err error) {
	defer func() {
		if err != nil {
			wipe(clear)
		}
	}()
	r, err := u.rule()
	if err != nil {
		return Key{}, err
	}
	if err := r.allows(len(clear)); err != nil {
		return Key{}, err
	}
	s := &slot{usage: u, material: &material{clear: clear}}
	if r.aes {
		if s.block, err = aes.NewCipher(clear); err == nil {
			s.aead, err = cipher.NewGCM(s.block)
		}
	} else {
		crypt.OddParity(clear)
		if crypt.WeakTDES(clear) {
			return Key{}, fmt.Errorf("%w: %s", ErrWeakKey, r.name)
		}
		if u == MAC { // its two schedules give the check value too: a third would cost more than the key is used for in a run
			if s.mac, err = crypt.NewRetailMAC(clear); err == nil {
				s.check = s.mac.CheckValue()
			}
		} else {
			s.block, err = crypt.NewTDES(clear)
		}
	}
	if err != nil {
		return Key{}, fmt.Errorf("hsm: %s: %w", r.name, err)
	}
	if s.block != nil {
		s.check = crypt.CheckValue(s.block)
	}

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
	return Key{m: m, at: at, serial: s.serial, usage: u, check: s.check}, nil
}

func (m *Module) erase(at int) {
	s := m.slots[at]
	wipe(s.clear)
	m.recent = nil // it may be of this key
	delete(m.labels, s.label)
	*s.material = material{}
	m.slots[at] = nil
	m.free = append(m.free, at)
}

func wipe(b []byte) {
	for i := range b {
		b[i] = 0
	}
}
