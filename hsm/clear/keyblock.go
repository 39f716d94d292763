package clear

import (
	"io"

	"github.com/posim/posim/internal/crypt/keyblock"
)

// KeyBlockHeader says what the key of a block is for.
type KeyBlockHeader = keyblock.Header

// KeyBlock is a key block that was opened, or only read.
type KeyBlock struct {
	Header KeyBlockHeader
	Length int // in characters
	key    *material
}

// Bytes is a copy of the clear key, as it lies in the block; nil if the block was only read. It need not be a key of an algorithm that
// is computed with here.
func (b KeyBlock) Bytes() []byte {
	if b.key == nil {
		return nil
	}
	return append([]byte(nil), *b.key.b...)
}

// Key is the key, if it is one of DES, TDES, AES or HMAC by its header and its length. Key blocks that call a single-length key TDES are
// about.
func (b KeyBlock) Key() (Key, bool) {
	return KeyOf(b.Header, b.Bytes())
}

// KeyOf is the key that a header is of, as KeyBlock.Key gives it.
func KeyOf(h KeyBlockHeader, key []byte) (Key, bool) {
	a := map[byte]Algorithm{'A': AES, 'D': DES, 'H': HMAC, 'T': TDES}[h.Algorithm]
	if a == TDES && len(key) == 8 {
		a = DES
	}
	k, err := NewKey(a, key)
	return k, err == nil
}

// ProtectionKey makes a key block protection key for a block or a header: the version, its first character, says of which algorithm.
func ProtectionKey(block string, key []byte) (Key, error) {
	a := TDES
	if block != "" && (block[0] == 'D' || block[0] == 'E') {
		a = AES
	}
	return newKey("kbpk", a, key)
}

// ShowKeyBlock reads the header of a block without its protection key. Nobody knows then who made it.
func ShowKeyBlock(block string) (KeyBlock, error) {
	h, n, err := keyblock.Parse(block)
	return KeyBlock{Header: h, Length: n}, inField("block", err)
}

// rules takes single-length keys, which a calculator meets in old systems.
var rules = keyblock.Rules{SingleDES: true}

// UnwrapKeyBlock opens a block. One that was altered, or is under another key, is keyblock.ErrMAC.
func UnwrapKeyBlock(kbpk Key, block string) (KeyBlock, error) {
	if err := kbpk.protects(block); err != nil {
		return KeyBlock{}, err
	}
	h, key, err := rules.Unwrap(kbpk.raw(), block)
	if err != nil {
		return KeyBlock{}, inField("block", err)
	}
	return KeyBlock{h, len(block), newMaterial(key)}, nil
}

// protects is an error unless the key is one for the block's version.
func (k Key) protects(block string) error {
	if block != "" && (block[0] == 'D' || block[0] == 'E') {
		return k.of("kbpk", AES)
	}
	return k.of("kbpk", TDES)
}

// Padding of a key in a block: either random, or fixed bytes for known answers.
type Padding struct {
	Random io.Reader
	Fixed  []byte
}

// WrapKeyBlock makes a block. header is its beginning as text, optional blocks and all; its length digits are filled in, and a padding
// block is added if one is needed.
func WrapKeyBlock(kbpk Key, header string, key []byte, p Padding) (string, error) {
	h, err := keyblock.ParseHeader(header)
	if err != nil {
		return "", inField("header", err)
	}
	if err := kbpk.protects(header); err != nil {
		return "", err
	}
	block, err := rules.Wrap(kbpk.raw(), h, key, keyblock.Padding{Random: p.Random, Fixed: p.Fixed})
	return block, inField("block", err)
}
