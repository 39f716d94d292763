package keyblock

import (
	"crypto/cipher"

	"github.com/posim/posim/internal/crypt"
)

// protector holds the two keys that a protection key gives: one to encrypt the payload, one for the MAC.
type protector struct {
	kbpk       cipher.Block
	encryption cipher.Block
	mac        crypt.MAC
}

// protect makes the keys of a version from a protection key.
func (v *version) protect(kbpk []byte) (p protector, err error) {
	if err := v.supported(); err != nil {
		return p, err
	}
	if v.aes {
		if len(kbpk) != 16 && len(kbpk) != 24 && len(kbpk) != 32 {
			return p, fail(ErrKey, "version %c: protection key of %d bytes: want an AES key of 16, 24 or 32", v.id, len(kbpk))
		}
	} else if len(kbpk) != 16 && len(kbpk) != 24 {
		return p, fail(ErrKey, "version %c: protection key of %d bytes: want a TDES key of 16 or 24", v.id, len(kbpk))
	}
	if v.variant {
		return v.variants(kbpk)
	}
	return v.derivations(kbpk)
}

// newCipher is the version's block cipher.
func (v *version) newCipher(key []byte) (cipher.Block, error) {
	if v.aes {
		return crypt.NewAES(key)
	}
	return crypt.NewTDES(key)
}

// variants are the keys of versions A and C: the protection key with each byte XORed with 45 (E) or 4D (M).
func (v *version) variants(kbpk []byte) (p protector, err error) {
	var room [24]byte
	defer clear(room[:])
	key := room[:len(kbpk)]
	variant := func(constant byte) (cipher.Block, error) {
		for i, c := range kbpk {
			key[i] = c ^ constant
		}
		return v.newCipher(key)
	}
	if p.encryption, err = variant('E'); err != nil {
		return p, err
	}
	mac, err := variant('M')
	if err != nil {
		return p, err
	}
	p.mac = crypt.NewCBCMAC(mac, crypt.Padding1)
	p.kbpk, err = v.newCipher(kbpk)
	return p, err
}

// What a derived key is for, in the derivation data.
const (
	forEncryption = 0
	forMAC        = 1
)

// derivations are the keys of versions B and D: CMACs under the protection key (TR-31:2018, 5.3.2.1 and 5.3.2.3).
func (v *version) derivations(kbpk []byte) (p protector, err error) {
	if p.kbpk, err = v.newCipher(kbpk); err != nil {
		return p, err
	}
	var room [32]byte
	defer clear(room[:])
	key, prf := room[:len(kbpk)], crypt.NewCMAC(p.kbpk)
	v.derive(prf, key, forEncryption)
	if p.encryption, err = v.newCipher(key); err != nil {
		return p, err
	}
	v.derive(prf, key, forMAC)
	mac, err := v.newCipher(key)
	if err != nil {
		return p, err
	}
	p.mac = crypt.NewCMAC(mac)
	return p, nil
}

// derive fills key, which is as long as the protection key. The derivation data are a counter, the key's use, a separator, its
// algorithm and its length in bits (tables 1 and 2 there).
func (v *version) derive(prf *crypt.CMAC, key []byte, use byte) {
	algorithm := byte(len(key)/8 - 2) // 0 two-key TDES, 1 three-key TDES
	if v.aes {
		algorithm += 2 // 2, 3, 4: AES-128, AES-192, AES-256
	}
	bits := len(key) * 8
	data := [8]byte{0, 0, use, 0, 0, algorithm, byte(bits >> 8), byte(bits)}
	for len(key) > 0 {
		data[0]++
		n := min(len(key), v.block)
		prf.Sum(key[:n], data[:])
		key = key[n:]
	}
}
