package dukpt

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/posim/posim/internal/crypt"
)

// Deriver is a host's BDK with its schedules ready: any device's keys for any counter. It works in memory of its own: one
// caller at a time. Printed in any way it shows no key.
type Deriver struct{ d *deriver }

type deriver struct {
	alg Algorithm
	*hostKeys
}

// hostKeys is behind a second pointer for the same reason as terminalKeys.
type hostKeys struct {
	first, second cipher.Block // AES: first alone. TDES: the BDK, and the BDK under the mask
	block         [16]byte
	key           [maxKey]byte // the key derived so far
	node          node
}

// NewTDESDeriver takes a BDK of 16 bytes (X9.24-1). bdk is not kept.
func NewTDESDeriver(bdk []byte) (*Deriver, error) {
	a, err := derivationTDES("BDK", len(bdk))
	if err != nil {
		return nil, err
	}
	d := &deriver{a, new(hostKeys)}
	if d.first, err = crypt.NewTDES(bdk); err != nil {
		return nil, err
	}
	xorMask(d.key[:], bdk)
	defer clear(d.key[:])
	if d.second, err = crypt.NewTDES(d.key[:16]); err != nil {
		return nil, err
	}
	return &Deriver{d}, nil
}

// NewAESDeriver takes a BDK of 16, 24 or 32 bytes (X9.24-3): the keys derived from it have the same length. bdk is not kept.
func NewAESDeriver(bdk []byte) (*Deriver, error) {
	a, err := derivationAES("BDK", len(bdk))
	if err != nil {
		return nil, err
	}
	b, err := aes.NewCipher(bdk)
	if err != nil {
		return nil, err
	}
	return &Deriver{&deriver{a, &hostKeys{first: b}}}, nil
}

// InitialKey appends to dst the initial key of k's device, whatever k's counter is.
func (h *Deriver) InitialKey(dst []byte, k KSN) ([]byte, error) {
	if err := h.fits(k); err != nil {
		return dst, err
	}
	defer h.d.wipe()
	return append(dst, h.d.initial(k)...), nil
}

// TransactionKey appends to dst the key of k's transaction. ErrKSN when k has none or is of the other standard.
func (h *Deriver) TransactionKey(dst []byte, k KSN) ([]byte, error) {
	key, err := h.transaction(k)
	if err != nil {
		return dst, err
	}
	defer h.d.wipe()
	return append(dst, key...), nil
}

// WorkingKey appends to dst the working key of k's transaction: see the function WorkingKey.
func (h *Deriver) WorkingKey(dst []byte, k KSN, u Use, a Algorithm) ([]byte, error) {
	key, err := h.transaction(k)
	if err != nil {
		return dst, err
	}
	defer h.d.wipe()
	return h.d.node.working(dst, h.d.alg, key, k, u, a)
}

// Wipe forgets the BDK; the Deriver is of no use afterwards.
func (h *Deriver) Wipe() {
	if h.d != nil && h.d.hostKeys != nil {
		*h.d.hostKeys = hostKeys{}
		*h.d = deriver{}
	}
}

func (h *Deriver) transaction(k KSN) ([]byte, error) {
	if err := k.Valid(); err != nil {
		return nil, err
	}
	if err := h.fits(k); err != nil {
		return nil, err
	}
	h.d.initial(k)
	return h.d.descend(k)
}

func (h *Deriver) fits(k KSN) error {
	switch {
	case h.d == nil || h.d.hostKeys == nil:
		return fmt.Errorf("%w: no BDK: want a Deriver that is made and not wiped", ErrKey)
	case k.IsZero():
		return k.Valid()
	case k.AES() != (h.d.alg != TDES2):
		return fmt.Errorf("%w %v of %d bytes: the BDK is for %v", ErrKSN, k, k.n, h.d.alg)
	}
	return nil
}

// initial derives the initial key of k's device into d.key.
func (d *deriver) initial(k KSN) []byte {
	key := d.key[:d.alg.Size()]
	if d.alg != TDES2 {
		d.node.alg, d.node.key = d.alg, d.first
		d.node.expand(key, keyDerivationInitial, d.alg, binary.BigEndian.Uint64(k.b[:ikidSize]))
		return key
	}
	initial := k.Initial()
	copy(d.block[:], initial.b[:8]) // X9.24-1, A.6: the eight most significant bytes
	d.first.Encrypt(key[:8], d.block[:8])
	d.second.Encrypt(key[8:], d.block[:8])
	return key
}

func (d *deriver) descendFrom(initial []byte, k KSN) ([]byte, error) {
	copy(d.key[:], initial)
	return d.descend(k)
}

// descend replaces the initial key in d.key by the key of k's counter: a derivation for each one-bit, the highest first.
func (d *deriver) descend(k KSN) ([]byte, error) {
	key := d.key[:d.alg.Size()]
	tail := k.Initial().tail()
	for rest := k.Counter(); rest != 0; {
		bit := uint32(1) << (bits.Len32(rest) - 1)
		rest, tail = rest&^bit, tail|uint64(bit)
		if err := d.node.load(d.alg, key); err != nil {
			return nil, err
		}
		d.node.child(key, tail)
	}
	return key, nil
}

// wipe forgets what was derived, not the BDK.
func (d *deriver) wipe() {
	clear(d.key[:])
	d.node.wipe()
}

// InitialKeyTDES is the initial key of k's device under a BDK of 16 bytes, whatever k's counter is.
func InitialKeyTDES(bdk []byte, k KSN) ([]byte, error) {
	h, err := NewTDESDeriver(bdk)
	if err != nil {
		return nil, err
	}
	defer h.Wipe()
	return h.InitialKey(nil, k)
}

// InitialKeyAES is the initial key with the 8-byte initial key ID ikid under a BDK of 16, 24 or 32 bytes.
func InitialKeyAES(bdk, ikid []byte) ([]byte, error) {
	k, err := ikidKSN(ikid)
	if err != nil {
		return nil, err
	}
	h, err := NewAESDeriver(bdk)
	if err != nil {
		return nil, err
	}
	defer h.Wipe()
	return h.InitialKey(nil, k)
}

// TransactionKey is the key of k's transaction, from the initial key of k's device: 16 bytes with TDES; 16, 24 or 32 with
// AES. ErrKSN when k has no transaction key, ErrKey by length.
func TransactionKey(initial []byte, k KSN) ([]byte, error) {
	if err := k.Valid(); err != nil {
		return nil, err
	}
	return TransactionKeyPastLimit(initial, k)
}

// TransactionKeyPastLimit is TransactionKey for any counter but 0, also one with too many one-bits. Devices skip those, and
// so does Next; X9.24-3's supplement prints the key of counter 1FFFF, which has 17, all the same. It is for comparing with
// that print.
func TransactionKeyPastLimit(initial []byte, k KSN) ([]byte, error) {
	if err := k.derivable(); err != nil {
		return nil, err
	}
	a, err := derivation("initial key", k, len(initial))
	if err != nil {
		return nil, err
	}
	d := &deriver{a, new(hostKeys)}
	defer d.wipe()
	key, err := d.descendFrom(initial, k)
	return append([]byte(nil), key...), err
}

// UpdateKey is the key encryption key, of algorithm a, under which a device with this initial key gets its next one
// (X9.24-3, 6.5.3): the working key of counter FFFFFFFF, derived through all of its 32 one-bits, which is no transaction's.
// A device that wants it derives it before NewState lets the initial key go.
func UpdateKey(initial, ikid []byte, a Algorithm) ([]byte, error) {
	k, err := ikidKSN(ikid)
	if err != nil {
		return nil, err
	}
	alg, err := derivationAES("initial key", len(initial))
	if err != nil {
		return nil, err
	}
	d := &deriver{alg, new(hostKeys)}
	defer d.wipe()
	k = k.with(1<<32 - 1)
	key, err := d.descendFrom(initial, k)
	if err != nil {
		return nil, err
	}
	return d.node.working(nil, alg, key, k, KeyEncryption, a)
}

// ikidKSN is the KSN of counter 0 of an initial key ID.
func ikidKSN(ikid []byte) (k KSN, err error) {
	if len(ikid) != ikidSize {
		return KSN{}, fmt.Errorf("%w: initial key ID of %d bytes: want %d", ErrKSN, len(ikid), ikidSize)
	}
	k.n = aesKSNSize
	copy(k.b[:], ikid)
	return k, nil
}
