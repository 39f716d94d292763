package hsm

import (
	"errors"
	"fmt"
	"slices"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/dukpt"
)

// Direction is whose messages a working key is for.
type Direction uint8

// The directions.
const (
	Request  Direction = iota // from the terminal
	Response                  // to the terminal
	Both                      // one key for both ways
)

// Working says what a DUKPT working key is for. Algorithm and Length may be left zero: the transaction key's own.
type Working struct {
	Usage     Usage // P0, a MAC usage, D0, or K0 (AES DUKPT only)
	Direction Direction
	Algorithm Algorithm
	Length    int // bytes
}

// derivation is a base derivation key with what it derived last.
type derivation struct {
	d    *dukpt.Deriver
	made [8]madeKeys // the latest transactions; the oldest gives way
	next int
}

// madeKeys are the working keys of one transaction.
type madeKeys struct {
	ksn  dukpt.KSN
	keys []Key
}

func newDerivation(a Algorithm, clear []byte) (*derivation, error) {
	var d *dukpt.Deriver
	var err error
	if a == AES {
		d, err = dukpt.NewAESDeriver(clear)
	} else {
		d, err = dukpt.NewTDESDeriver(clear)
	}
	return &derivation{d: d}, err
}

func (d *derivation) wipe() { d.d.Wipe() }

// InstallInitialKey makes this module a DUKPT device: it loads an initial key (X9.24-1 for TDES, X9.24-3 for AES) with its key
// serial number, whose counter must be zero (ErrKSN), derives the future keys and forgets the initial key. A serial number that a
// device here has already is refused (ErrStaleKSN): its keys would be used twice. In a module at rest the device's state is kept;
// label must then not be empty.
func (m *Module) InstallInitialKey(label string, a Algorithm, clear, ksn []byte) (Key, error) {
	return m.installInitialKey(label, Attributes{Usage: InitialKey, Algorithm: a}, clear, ksn)
}

func (m *Module) installInitialKey(label string, a Attributes, clear, ksn []byte) (Key, error) {
	if err := m.ready(); err != nil {
		return Key{}, err
	}
	if err := m.unused(label); err != nil {
		return Key{}, err
	}
	if label == "" && m.kept != nil {
		return Key{}, fmt.Errorf("hsm: initial key: no label: want one, so that its counter outlives the power")
	}
	a, r, err := a.complete()
	if err != nil {
		return Key{}, err
	}
	if err := r.allows(a.Algorithm, len(clear)); err != nil {
		return Key{}, err
	}
	serial, err := m.initialKSN(a.Algorithm, ksn)
	if err != nil {
		return Key{}, err
	}
	if err := m.noDevice(serial); err != nil {
		return Key{}, err
	}
	if a.Algorithm == TDES && weakWithoutParity(clear) {
		return Key{}, fmt.Errorf("%w: %s", ErrWeakKey, r.name)
	}
	device, err := dukpt.NewState(clear, serial)
	if err != nil {
		return Key{}, fmt.Errorf("hsm: initial key: %w", err)
	}
	check, err := checkValueOf(a.Algorithm, clear)
	if err != nil {
		return Key{}, err
	}
	k, err := m.place(&slot{a: a, check: check, material: &material{device: device}})
	if err != nil {
		device.Wipe()
		return Key{}, err
	}
	return m.labelled(label, k)
}

// initialKSN checks the serial number of a key that is loaded.
func (m *Module) initialKSN(a Algorithm, ksn []byte) (dukpt.KSN, error) {
	serial, err := dukpt.ParseKSN(ksn)
	switch {
	case err != nil:
		return serial, fmt.Errorf("%w: %w", ErrKSN, err)
	case serial.AES() != (a == AES):
		return serial, fmt.Errorf("%w: %d bytes with a key for %v: want 10 for TDES, 12 for AES", ErrKSN, len(ksn), a)
	case serial.Counter() != 0:
		return serial, fmt.Errorf("%w: %v: want the counter zero, as an initial key has it", ErrKSN, serial)
	}
	return serial, nil
}

// noDevice refuses the serial number of a device that is here: each of two would use its keys.
func (m *Module) noDevice(serial dukpt.KSN) error {
	for _, s := range m.slots {
		if s != nil && s.device != nil && s.device.KSN().Initial() == serial {
			return fmt.Errorf("%w: %v: the device is at %v", ErrStaleKSN, serial, s.device.KSN())
		}
	}
	return nil
}

// weakWithoutParity judges a TDES key whose parity is not adjusted, because what is derived from it depends on every bit.
func weakWithoutParity(clear []byte) bool {
	k := append([]byte(nil), clear...)
	defer wipe(k)
	crypt.OddParity(k)
	return crypt.WeakTDES(k)
}

// NextKSN begins the device's next transaction and returns its key serial number: k is an initial key (B1). The working keys of the
// transaction before are gone. In a module at rest the number is durable before anything can be computed with it: a power cut
// skips one at most, and none is used twice. ErrExhausted when the device has used up its keys. An error of the disk leaves the
// device without a transaction; the next call takes the number after.
func (m *Module) NextKSN(k Key) (ksn []byte, err error) {
	s, err := m.slot(k, InitialKey)
	if err != nil {
		return nil, err
	}
	m.endTransaction(s)
	switch err := s.device.Advance(); {
	case errors.Is(err, dukpt.ErrExhausted):
		return nil, fmt.Errorf("%w: %v", ErrExhausted, s.device.KSN())
	case err != nil:
		return nil, fmt.Errorf("hsm: next KSN: %w", err)
	}
	if s.label != "" {
		if err := m.save(); err != nil {
			s.device.EndTransaction()
			return nil, err
		}
	}
	return s.device.KSN().Bytes(), nil
}

func (m *Module) endTransaction(s *slot) {
	for _, made := range s.made {
		m.forget(made)
	}
	s.made = s.made[:0]
}

// KSN is the key serial number of the device's present or last transaction; its counter is zero before the first.
func (m *Module) KSN(k Key) ([]byte, error) {
	s, err := m.slot(k, InitialKey)
	if err != nil {
		return nil, err
	}
	return s.device.KSN().Bytes(), nil
}

// WorkingKey is the handle of a working key of one transaction. k is a device's key (B1), and ksn must be that of its present
// transaction (ErrStaleKSN): the handle is dead when the next begins. Or k is a host's base derivation key (B0), and ksn what came
// with a message (ErrKSN when no device has such a number): the handle is good until keys of some later transactions have been
// asked for, so use it and let it go. The key's mode is its side's: a device encrypts PINs, generates the MACs of requests and
// verifies those of responses, a host the other way round.
func (m *Module) WorkingKey(k Key, ksn []byte, w Working) (Key, error) {
	s, err := m.slot(k, InitialKey, BaseDerivation)
	if err != nil {
		return Key{}, err
	}
	if err := s.may(mayDerive); err != nil {
		return Key{}, err
	}
	serial, err := dukpt.ParseKSN(ksn)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrKSN, err)
	}
	if s.a.Usage == BaseDerivation {
		return m.hostKey(s, serial, w)
	}
	if serial != s.device.KSN() {
		return Key{}, fmt.Errorf("%w: %v: the device is at %v", ErrStaleKSN, serial, s.device.KSN())
	}
	if made, ok := m.made(&s.made, w); ok {
		return made, nil
	}
	made, err := m.derive(s, w, mode(w, false), func(u dukpt.Use, a dukpt.Algorithm) ([]byte, error) { return s.device.WorkingKey(nil, u, a) })
	if err == nil {
		s.made = append(s.made, made)
	}
	return made, err
}

// made finds a working key among those that were derived, and forgets those that are dead.
func (m *Module) made(keys *[]Key, w Working) (Key, bool) {
	*keys = slices.DeleteFunc(*keys, func(k Key) bool { return !m.lives(k) })
	for _, k := range *keys {
		if m.slots[k.at].working == w {
			return k, true
		}
	}
	return Key{}, false
}

// hostKey derives a working key from a base derivation key, or finds it among the latest.
func (m *Module) hostKey(s *slot, serial dukpt.KSN, w Working) (Key, error) {
	h := s.host
	var of *madeKeys
	for i := range h.made {
		if h.made[i].ksn == serial {
			of = &h.made[i]
		}
	}
	if of != nil {
		if made, ok := m.made(&of.keys, w); ok {
			return made, nil
		}
	}
	k, err := m.derive(s, w, mode(w, true), func(u dukpt.Use, a dukpt.Algorithm) ([]byte, error) { return h.d.WorkingKey(nil, serial, u, a) })
	if err != nil {
		return Key{}, err
	}
	if of == nil {
		of = &h.made[h.next]
		h.next = (h.next + 1) % len(h.made)
		for _, old := range of.keys {
			m.forget(old)
		}
		*of = madeKeys{serial, of.keys[:0]}
	}
	of.keys = append(of.keys, k)
	return k, nil
}

// derive makes a working key and places it.
func (m *Module) derive(s *slot, w Working, mode Mode, key func(dukpt.Use, dukpt.Algorithm) ([]byte, error)) (Key, error) {
	a := Attributes{Usage: w.Usage, Algorithm: w.Algorithm, Mode: mode, Exportability: NonExportable}
	if a.Algorithm == 0 {
		a.Algorithm = defaultAlgorithm(s.a.Algorithm, w.Usage)
	}
	a, r, err := a.complete()
	if err != nil {
		return Key{}, err
	}
	use, err := useOf(w)
	if err != nil {
		return Key{}, err
	}
	length := w.Length
	if length == 0 {
		length = s.defaultLength(a.Algorithm)
	}
	if err := r.allows(a.Algorithm, length); err != nil {
		return Key{}, err
	}
	algorithm, err := dukptAlgorithm(a.Algorithm, length)
	if err != nil {
		return Key{}, err
	}
	clear, err := key(use, algorithm)
	switch {
	case errors.Is(err, dukpt.ErrKSN):
		return Key{}, fmt.Errorf("%w: %w", ErrKSN, err)
	case errors.Is(err, dukpt.ErrUse):
		return Key{}, fmt.Errorf("%w: %w", ErrAttributes, err)
	case err != nil:
		return Key{}, fmt.Errorf("hsm: working key: %w", err)
	}
	x, check, err := newMaterial(a, clear) // nobody chose it: neither its parity nor its weakness is judged (X9.24-1, A.2)
	if err != nil {
		wipe(clear)
		return Key{}, fmt.Errorf("hsm: working key: %w", err)
	}
	k, err := m.place(&slot{a: a, check: check, working: w, material: x})
	if err != nil {
		x.wipe()
	}
	return k, err
}

// defaultAlgorithm is that of the transaction key where the usage has it.
func defaultAlgorithm(transaction Algorithm, u Usage) Algorithm {
	switch {
	case u == HMAC:
		return AlgorithmHMAC
	case u == MACAlgorithm3, u == XORMAC:
		return TDES
	}
	return transaction
}

// defaultLength is as long as the transaction key, of TDES always double.
func (s *slot) defaultLength(a Algorithm) int {
	if a == TDES || s.a.Algorithm == TDES {
		return 16
	}
	return s.transactionLength()
}

// transactionLength is the length of the device's or the base derivation key, and so of every key of its tree.
func (s *slot) transactionLength() int {
	if s.device != nil {
		return s.device.Size()
	}
	return len(s.clear)
}

// mode is what a side may do with a working key.
func mode(w Working, host bool) Mode {
	sends := w.Direction == Both || (w.Direction == Request) != host
	receives := w.Direction == Both || !sends
	switch w.Usage {
	case PINEncryption, DataEncryption, KeyEncryption:
		if w.Usage == PINEncryption { // PINs travel one way
			sends, receives = !host, host
		}
		return modeOf(sends, receives, EncryptDecrypt, EncryptOnly, DecryptOnly)
	}
	return modeOf(sends, receives, GenerateVerify, GenerateOnly, VerifyOnly)
}

func modeOf(sends, receives bool, both, send, receive Mode) Mode {
	switch {
	case sends && receives:
		return both
	case sends:
		return send
	}
	return receive
}

// useOf is a working key in the words of DUKPT.
func useOf(w Working) (dukpt.Use, error) {
	if w.Direction > Both {
		return 0, fmt.Errorf("%w: direction %d", ErrAttributes, w.Direction)
	}
	switch w.Usage {
	case PINEncryption:
		return dukpt.PIN, nil
	case MACAlgorithm1, MACAlgorithm3, CMAC, HMAC, XORMAC:
		return dukpt.MACRequest + dukpt.Use(w.Direction), nil
	case DataEncryption:
		return dukpt.DataRequest + dukpt.Use(w.Direction), nil
	case KeyEncryption:
		return dukpt.KeyEncryption, nil
	}
	return 0, &UsageError{Need: []Usage{PINEncryption, MACAlgorithm1, MACAlgorithm3, CMAC, HMAC, XORMAC, DataEncryption, KeyEncryption}, Found: w.Usage}
}

// dukptAlgorithm is an algorithm and a length as DUKPT names them.
func dukptAlgorithm(a Algorithm, length int) (dukpt.Algorithm, error) {
	type named struct {
		a Algorithm
		n int
	}
	d, ok := map[named]dukpt.Algorithm{
		{TDES, 16}: dukpt.TDES2, {TDES, 24}: dukpt.TDES3,
		{AES, 16}: dukpt.AES128, {AES, 24}: dukpt.AES192, {AES, 32}: dukpt.AES256,
		{AlgorithmHMAC, 16}: dukpt.HMAC128, {AlgorithmHMAC, 24}: dukpt.HMAC192, {AlgorithmHMAC, 32}: dukpt.HMAC256,
	}[named{a, length}]
	if !ok {
		return 0, fmt.Errorf("%w: working key for %v of %d bytes: want TDES, AES or HMAC", ErrAttributes, a, length)
	}
	return d, nil
}
