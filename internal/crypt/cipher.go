package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"hash"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

// NewDES returns the block cipher of a single-length key of 8 bytes. Only old zones and MAC algorithms still ask for one.
func NewDES(key []byte) (cipher.Block, error) {
	if len(key) != 8 {
		return nil, fmt.Errorf("crypt: DES key of %d bytes: want 8", len(key))
	}
	c := &singleDES{}
	c.k.Expand((*[8]byte)(key))
	return c, nil
}

// NewTDES returns the TDES block cipher of a 16-byte (K1 K2 K1) or 24-byte key.
func NewTDES(key []byte) (cipher.Block, error) {
	if len(key) != 16 && len(key) != 24 {
		return nil, fmt.Errorf("crypt: TDES key of %d bytes: want 16 or 24", len(key))
	}
	c := &tripleDES{}
	c.k[0].Expand((*[8]byte)(key))
	c.k[1].Expand((*[8]byte)(key[8:]))
	if len(key) == 16 {
		c.k[2] = c.k[0]
	} else {
		c.k[2].Expand((*[8]byte)(key[16:]))
	}
	return c, nil
}

// NewAES returns the AES block cipher of a key of 16, 24 or 32 bytes.
func NewAES(key []byte) (cipher.Block, error) {
	switch len(key) {
	case 16, 24, 32:
		return aes.NewCipher(key)
	}
	return nil, fmt.Errorf("crypt: AES key of %d bytes: want 16, 24 or 32", len(key))
}

// NewSM4 returns the SM4 block cipher (GB/T 32907) of a key of 16 bytes.
func NewSM4(key []byte) (cipher.Block, error) {
	if len(key) != sm4.BlockSize {
		return nil, fmt.Errorf("crypt: SM4 key of %d bytes: want %d", len(key), sm4.BlockSize)
	}
	return sm4.NewCipher(key)
}

// NewSM3 returns the SM3 hash (GB/T 32905), of 32 bytes.
func NewSM3() hash.Hash { return sm3.New() }

// EncryptECB encrypts src, a whole number of blocks, block by block into dst. dst and src may be the same slice.
func EncryptECB(b cipher.Block, dst, src []byte) { ecb(b.BlockSize(), b.Encrypt, dst, src) }

// DecryptECB undoes EncryptECB.
func DecryptECB(b cipher.Block, dst, src []byte) { ecb(b.BlockSize(), b.Decrypt, dst, src) }

func ecb(n int, f func(dst, src []byte), dst, src []byte) {
	if len(src)%n != 0 || len(dst) < len(src) {
		panic("crypt: ECB needs whole blocks") // a caller's bug: lengths are checked where input enters
	}
	for i := 0; i < len(src); i += n {
		f(dst[i:i+n], src[i:i+n])
	}
}

// EncryptCBC encrypts src, a whole number of blocks, chained from iv, one block, which stays as it is. dst and src may be the
// same slice.
func EncryptCBC(b cipher.Block, iv, dst, src []byte) {
	cipher.NewCBCEncrypter(b, iv).CryptBlocks(dst, src)
}

// DecryptCBC undoes EncryptCBC.
func DecryptCBC(b cipher.Block, iv, dst, src []byte) {
	cipher.NewCBCDecrypter(b, iv).CryptBlocks(dst, src)
}
