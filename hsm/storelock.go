package hsm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"github.com/posim/posim/sim"
)

// Lock is what the keys of a module at rest are sealed under: DeviceKey or Passphrase. The zero Lock is none.
type Lock struct{ *lock }

type lock struct {
	kind       byte
	iterations uint32
	secret     *lockSecret // two pointers deep, where no verb of fmt gets to
}

type lockSecret struct{ passphrase []byte }

// The kinds of locks, as the store has them.
const (
	lockDeviceKey  = 1
	lockPassphrase = 2
)

var lockNames = map[byte]string{lockDeviceKey: "device key", lockPassphrase: "passphrase"}

const (
	passphraseIterations = 600_000
	maxIterations        = 2_000_000 // of a file: a third of a second, and no file can ask for more
	deviceKeySize        = 32
	deviceKeyMagic       = "posimKEY\x01"
)

// DeviceKey locks with a random key in a file of its own beside the store, hsm.key: the store is as safe as that file.
func DeviceKey() Lock { return Lock{&lock{kind: lockDeviceKey, secret: &lockSecret{}}} }

// Passphrase locks with what a person knows (PBKDF2 with HMAC-SHA-256, 600,000 iterations: a tenth of a second). p stays the
// caller's, who wipes it when the module is open; it may not be empty.
func Passphrase(p []byte) Lock {
	return Lock{&lock{kind: lockPassphrase, iterations: passphraseIterations, secret: &lockSecret{p}}}
}

// String is the kind of lock.
func (l Lock) String() string {
	if l.lock == nil {
		return "no lock"
	}
	return lockNames[l.kind]
}

// Format prints String for every verb.
func (l Lock) Format(f fmt.State, _ rune) {
	io.WriteString(f, "hsm.Lock("+l.String()+")") // fmt.State keeps its own errors
}

// valid refuses what locks nothing.
func (l Lock) valid() error {
	switch {
	case l.lock == nil:
		return fmt.Errorf("%w: there is none: want DeviceKey or Passphrase", ErrLock)
	case l.kind == lockPassphrase && len(l.secret.passphrase) == 0:
		return fmt.Errorf("%w: the passphrase is empty", ErrLock)
	}
	return nil
}

// make writes the device key, if the lock is one.
func (l Lock) make(disk sim.Disk, rand io.Reader) error {
	if l.kind != lockDeviceKey {
		return nil
	}
	b := make([]byte, len(deviceKeyMagic)+deviceKeySize)
	defer wipe(b)
	copy(b, deviceKeyMagic)
	if _, err := io.ReadFull(rand, b[len(deviceKeyMagic):]); err != nil {
		return fmt.Errorf("hsm: store: device key: %w", err)
	}
	if err := disk.Replace(keyFile, b); err != nil {
		return fmt.Errorf("hsm: store: device key: %w", err)
	}
	return nil
}

// root is the lock's own key, for the store of this head.
func (l Lock) root(disk sim.Disk, h *storeHeader) ([]byte, error) {
	if err := l.valid(); err != nil {
		return nil, err
	}
	if l.kind != h.kind {
		return nil, fmt.Errorf("%w: want the %s", ErrLock, lockNames[h.kind])
	}
	if l.kind == lockPassphrase {
		return pbkdf2.Key(sha256.New, string(l.secret.passphrase), h.salt[:], int(h.iterations), deviceKeySize)
	}
	b, err := disk.ReadFile(keyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s is gone", ErrLock, keyFile)
	case err != nil:
		return nil, fmt.Errorf("hsm: store: device key: %w", err)
	case string(b) == tamperMark:
		return nil, ErrTampered
	}
	magic := len(deviceKeyMagic)
	if len(b) != magic+deviceKeySize || string(b[:magic]) != deviceKeyMagic {
		wipe(b)
		return nil, fmt.Errorf("%w: %s holds no device key of this format", ErrLock, keyFile)
	}
	return b[magic:], nil
}

// storeKeys are derived from the lock's key and the store's salt, each for one purpose.
type storeKeys struct {
	aead  cipher.AEAD
	nonce hash.Hash // HMAC-SHA-256 over version and content
	mac   hash.Hash // HMAC-SHA-256 over the anchor
	check [checkSize]byte
	sum   [sha256.Size]byte
}

// derive makes the keys of the store of this head (HKDF with SHA-256, RFC 5869).
func (l Lock) derive(disk sim.Disk, h *storeHeader) (*storeKeys, error) {
	root, err := l.root(disk, h)
	if err != nil {
		return nil, err
	}
	defer wipe(root)
	k := &storeKeys{}
	prk, err := hkdf.Extract(sha256.New, root, h.salt[:])
	if err != nil {
		return nil, fmt.Errorf("hsm: store: %w", err)
	}
	defer wipe(prk)
	var parts [4][]byte
	for i, purpose := range []string{"seal", "nonce", "anchor", "check"} {
		if parts[i], err = hkdf.Expand(sha256.New, prk, "posim hsm store 1 "+purpose, deviceKeySize); err != nil {
			return nil, fmt.Errorf("hsm: store: %w", err)
		}
		defer wipe(parts[i])
	}
	block, err := aes.NewCipher(parts[0])
	if err != nil {
		return nil, fmt.Errorf("hsm: store: %w", err)
	}
	if k.aead, err = cipher.NewGCM(block); err != nil {
		return nil, fmt.Errorf("hsm: store: %w", err)
	}
	k.nonce, k.mac = hmac.New(sha256.New, parts[1]), hmac.New(sha256.New, parts[2])
	copy(k.check[:], parts[3])
	return k, nil
}

// authenticate is the MAC of an anchor, until the next call.
func (k *storeKeys) authenticate(b []byte) []byte {
	k.mac.Reset()
	k.mac.Write(b)
	return k.mac.Sum(k.sum[:0])
}
