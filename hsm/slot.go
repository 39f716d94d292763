package hsm

import (
	"crypto/cipher"
	"crypto/sha256"
	"fmt"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/dukpt"
)

// slot is one stored key.
type slot struct {
	serial  uint64
	a       Attributes
	label   string
	check   [3]byte
	seals   uint64
	working Working // of a derived key
	*material
}

// material is what is secret about a key. fmt follows a pointer in an unexported field by one step when a verb does not fit
// it; Module, slot and Keypad therefore keep their secrets two pointers deep, where no verb gets to.
type material struct {
	clear  []byte           // the key, kept for wrapping and derivation; nil of a DUKPT initial key
	block  cipher.Block     // schedules, kept because making them costs more than using them
	retail *crypt.RetailMAC // of algorithm 3
	macs   [4]crypt.MAC     // by padding method, and of the XOR MAC's variant; made when first wanted
	aead   cipher.AEAD      // of sealing keys
	device *dukpt.State     // a DUKPT device's future keys
	host   *derivation      // of base derivation keys
	made   []Key            // working keys of the device's present transaction
}

// newMaterial takes clear, which becomes the slot's own: schedules and check value. Of a TDES key the parity must be right.
func newMaterial(a Attributes, clear []byte) (*material, [3]byte, error) {
	x := &material{clear: clear}
	var check [3]byte
	var err error
	switch {
	case a.Usage == MACAlgorithm3: // its two schedules give the check value too: a third would cost more than the key is used for in a run
		if x.retail, err = crypt.NewRetailMAC(clear); err == nil {
			check = x.retail.CheckValue()
		}
		return x, check, err
	case a.Algorithm == AlgorithmHMAC:
		x.macs[0] = crypt.NewHMAC(sha256.New, clear)
		x.macs[0].Sum(check[:], nil)
		return x, check, nil
	}
	if a.Usage == BaseDerivation {
		if x.host, err = newDerivation(a.Algorithm, clear); err != nil {
			return nil, check, err
		}
	}
	if x.block, err = newBlock(a.Algorithm, clear); err != nil {
		return nil, check, err
	}
	check = blockCheckValue(a.Algorithm, x.block)
	if a.Usage == Sealing {
		x.aead, err = cipher.NewGCM(x.block)
	}
	return x, check, err
}

// newBlock is the cipher of a key.
func newBlock(a Algorithm, clear []byte) (cipher.Block, error) {
	switch a {
	case AES:
		return crypt.NewAES(clear)
	case DES:
		return crypt.NewDES(clear)
	case SM4:
		return crypt.NewSM4(clear)
	case TDES:
		return crypt.NewTDES(clear)
	}
	return nil, fmt.Errorf("%w: %v has no block cipher", ErrAttributes, a)
}

// blockCheckValue is the check value as the algorithm has it.
func blockCheckValue(a Algorithm, b cipher.Block) (check [3]byte) {
	if a == AES {
		v := crypt.CMACCheckValue(b)
		copy(check[:], v[:])
		return check
	}
	return crypt.CheckValue(b)
}

// wipe overwrites what of a key this package holds. Cipher objects and the runtime may hold copies.
func (x *material) wipe() {
	wipe(x.clear)
	if x.device != nil {
		x.device.Wipe()
	}
	if x.host != nil {
		x.host.wipe()
	}
	*x = material{}
}

func wipe(b []byte) {
	for i := range b {
		b[i] = 0
	}
}
