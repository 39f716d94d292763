package hsm

import (
	"crypto/subtle"
	"fmt"

	"github.com/posim/posim/internal/crypt"
)

// Check values that come with a key have three bytes; some hosts send up to the whole block.
const minCheckValue, maxCheckValue = 3, 8

// Export wraps k under a master key: TDES-ECB over the clear key, as the answer to a sign-on carries it, and its check value.
// Only PIN encryption and MAC keys travel (UsageError), and never under a shorter master key.
func (m *Module) Export(k, under Key) (cryptogram []byte, checkValue [3]byte, err error) {
	kek, err := m.slot(under, TerminalMaster)
	if err != nil {
		return nil, checkValue, fmt.Errorf("hsm: export: master key: %w", err)
	}
	s, err := m.slot(k, exchanged()...)
	if err != nil {
		return nil, checkValue, fmt.Errorf("hsm: export: %w", err)
	}
	if err := strong(kek, len(s.clear)); err != nil {
		return nil, checkValue, fmt.Errorf("hsm: export: %w", err)
	}
	cryptogram = make([]byte, len(s.clear))
	crypt.EncryptECB(kek.block, cryptogram, s.clear)
	return cryptogram, s.check, nil
}

// Import unwraps a PIN encryption or MAC key that came under a master key and compares its check value of 3 to 8 bytes:
// ErrCheckValue when it is another key. Parity is adjusted: many hosts send keys without it, and the check value does not
// depend on it.
func (m *Module) Import(u Usage, under Key, cryptogram, checkValue []byte) (Key, error) {
	kek, err := m.slot(under, TerminalMaster)
	if err != nil {
		return Key{}, fmt.Errorf("hsm: import: master key: %w", err)
	}
	r, err := u.rule()
	if err != nil {
		return Key{}, fmt.Errorf("hsm: import: %w", err)
	}
	if !r.exchange {
		return Key{}, fmt.Errorf("hsm: import: %w", &UsageError{Need: exchanged(), Found: u})
	}
	if err := r.allows(len(cryptogram)); err != nil {
		return Key{}, fmt.Errorf("hsm: import: %w", err)
	}
	if err := strong(kek, len(cryptogram)); err != nil {
		return Key{}, fmt.Errorf("hsm: import: %w", err)
	}
	if len(checkValue) < minCheckValue || len(checkValue) > maxCheckValue {
		return Key{}, fmt.Errorf("hsm: import: check value of %d bytes: want %d to %d", len(checkValue), minCheckValue, maxCheckValue)
	}
	clear := make([]byte, len(cryptogram))
	crypt.DecryptECB(kek.block, clear, cryptogram)
	// The check value is compared before the key is judged: garbled input is then "another key", whatever it decrypts to.
	block, err := crypt.NewTDES(clear)
	if err != nil {
		wipe(clear)
		return Key{}, fmt.Errorf("hsm: import: %w", err)
	}
	var zeros [8]byte
	block.Encrypt(zeros[:], zeros[:])
	if subtle.ConstantTimeCompare(zeros[:len(checkValue)], checkValue) != 1 {
		wipe(clear)
		return Key{}, fmt.Errorf("%w: import %s", ErrCheckValue, r.name)
	}
	k, err := m.put(u, clear)
	if err != nil {
		return Key{}, fmt.Errorf("hsm: import: %w", err)
	}
	return k, nil
}

// exchanged lists the usages that travel.
func exchanged() (all []Usage) {
	for _, r := range &rules {
		if r.exchange {
			all = append(all, r.usage)
		}
	}
	return all
}

// strong refuses to protect a key by a weaker one.
func strong(kek *slot, n int) error {
	if n > len(kek.clear) {
		return fmt.Errorf("key of %d bytes under a master key of %d", n, len(kek.clear))
	}
	return nil
}
