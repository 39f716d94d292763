package hsm

import (
	"crypto/subtle"
	"fmt"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/keyblock"
)

// Check values that come with a key have three bytes; some hosts send up to the whole block.
const minCheckValue, maxCheckValue = 3, 16

// Export wraps k under a master key: ECB over the clear key, as the answer to a sign-on carries it, and its check value. That
// binds nothing to the key, so only a Sensitive key leaves so (ErrExport), and never under a weaker master key, nor where it is
// no whole blocks of that key's cipher: 24 bytes under AES or SM4 would come back as another key. An 8-byte key goes in the first
// half of a block of 16.
func (m *Module) Export(k, under Key) (cryptogram []byte, checkValue [3]byte, err error) {
	kek, err := m.slot(under, KeyEncryption)
	if err == nil {
		err = kek.may(mayEncrypt)
	}
	if err != nil {
		return nil, checkValue, fmt.Errorf("hsm: export: master key: %w", err)
	}
	s, err := m.slot(k)
	if err != nil {
		return nil, checkValue, fmt.Errorf("hsm: export: %w", err)
	}
	if s.a.Exportability != Sensitive || s.clear == nil {
		return nil, checkValue, fmt.Errorf("%w: %v: want a key of exportability S", ErrExport, k)
	}
	if err := strong(kek, s.a.Algorithm, s.clear); err != nil {
		return nil, checkValue, fmt.Errorf("hsm: export: %w", err)
	}
	n := kek.block.BlockSize()
	if len(s.clear)%n != 0 && s.a.Algorithm != DES {
		return nil, checkValue, fmt.Errorf("%w: %v of %d bytes under a master key for %v: want whole blocks of %d", ErrExport, k, len(s.clear), kek.a.Algorithm, n)
	}
	cryptogram = make([]byte, (len(s.clear)+n-1)/n*n)
	copy(cryptogram, s.clear)
	crypt.EncryptECB(kek.block, cryptogram, cryptogram)
	return cryptogram, s.check, nil
}

// CheckValue is the first n bytes of a key's check value: three, as Key.CheckValue has them, or four of a DES or TDES key, as some
// zones send them. ErrCheckValue for any other number.
func (m *Module) CheckValue(k Key, n int) ([]byte, error) {
	s, err := m.slot(k)
	if err != nil {
		return nil, fmt.Errorf("hsm: check value: %w", err)
	}
	if n == minCheckValue {
		return append([]byte(nil), s.check[:]...), nil
	}
	if n != minCheckValue+1 || s.a.Algorithm != TDES && s.a.Algorithm != DES || s.clear == nil {
		return nil, fmt.Errorf("hsm: check value of %v: %w: %d bytes: want 3, or 4 of a DES or TDES key", k, ErrCheckValue, n)
	}
	block, err := newBlock(s.a.Algorithm, s.clear)
	if err != nil {
		return nil, fmt.Errorf("hsm: check value: %w", err)
	}
	return crypt.LegacyCheckValue(block, n), nil
}

// Import unwraps a session key that came under a master key and compares its check value of 3 bytes up to a block:
// ErrCheckValue when it is another key. Parity is adjusted: many hosts send keys without it, and the check value does not
// depend on it. The cryptogram has whole blocks of the master key's cipher; of an 8-byte key that came in a double-length place
// only the first eight bytes are the key, and give the check value.
func (m *Module) Import(a Attributes, under Key, cryptogram, checkValue []byte) (Key, error) {
	kek, err := m.slot(under, KeyEncryption)
	if err == nil {
		err = kek.may(mayDecrypt)
	}
	if err != nil {
		return Key{}, fmt.Errorf("hsm: import: master key: %w", err)
	}
	if a, err = imported(a, kek, len(cryptogram)); err != nil {
		return Key{}, fmt.Errorf("hsm: import: %w", err)
	}
	clear := make([]byte, len(cryptogram))
	crypt.DecryptECB(kek.block, clear, cryptogram)
	if a.Algorithm == DES {
		wipe(clear[8:])
		clear = clear[:8:8]
	}
	// The check value is compared before the key is judged: garbled input is then "another key", whatever it decrypts to.
	if err := compareCheckValue(a.Algorithm, clear, checkValue); err != nil {
		wipe(clear)
		return Key{}, fmt.Errorf("hsm: import %s: %w", a.Usage.Name(), err)
	}
	if err := strong(kek, a.Algorithm, clear); err != nil {
		wipe(clear)
		return Key{}, fmt.Errorf("hsm: import: %w", err)
	}
	k, err := m.put(a, clear)
	if err != nil {
		return Key{}, fmt.Errorf("hsm: import: %w", err)
	}
	return k, nil
}

// imported completes what a key that comes as a plain cryptogram of n bytes may be.
func imported(a Attributes, kek *slot, n int) (Attributes, error) {
	a, r, err := a.complete()
	if err != nil {
		return a, err
	}
	if r.export != Sensitive {
		return a, &UsageError{Need: exchanged(), Found: a.Usage}
	}
	if n%kek.block.BlockSize() != 0 {
		return a, fmt.Errorf("%w: cryptogram of %d bytes: want whole blocks of %d", ErrKeyLength, n, kek.block.BlockSize())
	}
	length := n
	if a.Algorithm == DES && n == 16 {
		length = 8
	}
	return a, r.allows(a.Algorithm, length)
}

// compareCheckValue compares what came with a key with the key's own, of either style where the algorithm has two.
func compareCheckValue(a Algorithm, clear, checkValue []byte) error {
	if len(checkValue) < minCheckValue || len(checkValue) > maxCheckValue {
		return fmt.Errorf("%w: %d bytes: want %d to %d", ErrCheckValue, len(checkValue), minCheckValue, maxCheckValue)
	}
	if a == AlgorithmHMAC {
		check, err := checkValueOf(a, clear)
		if err == nil && subtle.ConstantTimeCompare(check[:], checkValue) != 1 {
			err = ErrCheckValue
		}
		return err
	}
	block, err := newBlock(a, clear)
	if err != nil {
		return err
	}
	if n := block.BlockSize(); len(checkValue) > n {
		return fmt.Errorf("%w: %d bytes: want %d to %d", ErrCheckValue, len(checkValue), minCheckValue, n)
	}
	if subtle.ConstantTimeCompare(crypt.LegacyCheckValue(block, len(checkValue)), checkValue) == 1 {
		return nil
	}
	if v := crypt.CMACCheckValue(block); a == AES && len(checkValue) <= len(v) && subtle.ConstantTimeCompare(v[:len(checkValue)], checkValue) == 1 {
		return nil
	}
	return ErrCheckValue
}

// exchanged lists the usages that travel as plain cryptograms.
func exchanged() (all []Usage) {
	for i := range rules {
		if rules[i].export == Sensitive {
			all = append(all, rules[i].usage)
		}
	}
	return all
}

// strong refuses to protect a key by a weaker one.
func strong(kek *slot, a Algorithm, clear []byte) error {
	if need, have := keyblock.Strength(byte(a), clear), keyblock.Strength(byte(kek.a.Algorithm), kek.clear); need > have {
		return fmt.Errorf("%w: key of strength %d under a master key of %d", ErrExport, need, have)
	}
	return nil
}
