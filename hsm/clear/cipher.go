package clear

import (
	"crypto/cipher"
	"fmt"

	"github.com/posim/posim/internal/crypt"
)

// blocks is the key's cipher, for data of whole blocks.
func (k Key) blocks(field string, data []byte) (cipher.Block, error) {
	b, err := k.cipher("key")
	if err != nil {
		return nil, err
	}
	if n := b.BlockSize(); len(data)%n != 0 || len(data) == 0 {
		return nil, wrongLength(field, len(data), fmt.Sprintf("whole blocks of %d", n))
	}
	return b, nil
}

// EncryptECB encrypts whole blocks, each by itself.
func EncryptECB(k Key, data []byte) ([]byte, error) { return ecb(k, data, crypt.EncryptECB) }

// DecryptECB undoes EncryptECB.
func DecryptECB(k Key, data []byte) ([]byte, error) { return ecb(k, data, crypt.DecryptECB) }

func ecb(k Key, data []byte, f func(b cipher.Block, dst, src []byte)) ([]byte, error) {
	b, err := k.blocks("data", data)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(data))
	f(b, out, data)
	return out, nil
}

// maxTimes is what the long example of GB/T 32907 asks for.
const maxTimes = 1_000_000

// EncryptECBTimes encrypts one block, then what came out, and so on.
func EncryptECBTimes(k Key, data []byte, times int) ([]byte, error) {
	if times < 1 || times > maxTimes {
		return nil, &Error{"times", ErrRange, "", fmt.Sprintf("1 to %d", maxTimes)}
	}
	b, err := k.blocks("data", data)
	if err != nil {
		return nil, err
	}
	if len(data) != b.BlockSize() {
		return nil, wrongLength("data", len(data), "one block of "+plural(b.BlockSize(), "byte"))
	}
	out := append([]byte(nil), data...)
	for range times {
		b.Encrypt(out, out)
	}
	return out, nil
}

// EncryptCBC encrypts whole blocks as a chain that begins with iv, one block; nil stands for zeros.
func EncryptCBC(k Key, iv, data []byte) ([]byte, error) { return cbc(k, iv, data, crypt.EncryptCBC) }

// DecryptCBC undoes EncryptCBC.
func DecryptCBC(k Key, iv, data []byte) ([]byte, error) { return cbc(k, iv, data, crypt.DecryptCBC) }

func cbc(k Key, iv, data []byte, f func(b cipher.Block, iv, dst, src []byte)) ([]byte, error) {
	b, err := k.blocks("data", data)
	if err != nil {
		return nil, err
	}
	if iv == nil {
		iv = make([]byte, b.BlockSize())
	}
	if len(iv) != b.BlockSize() {
		return nil, wrongLength("iv", len(iv), plural(b.BlockSize(), "byte"))
	}
	out := make([]byte, len(data))
	f(b, iv, out, data)
	return out, nil
}

// EncryptGCM encrypts by SP 800-38D under AES or SM4, and authenticates aad with it. The nonce is 12 bytes, the tag 16.
func EncryptGCM(k Key, nonce, aad, data []byte) (out, tag []byte, err error) {
	g, err := gcm(k, nonce)
	if err != nil {
		return nil, nil, err
	}
	sealed := g.Seal(nil, nonce, data, aad)
	return sealed[:len(data)], sealed[len(data):], nil
}

// DecryptGCM undoes EncryptGCM. A wrong tag is ErrMAC.
func DecryptGCM(k Key, nonce, aad, data, tag []byte) ([]byte, error) {
	g, err := gcm(k, nonce)
	if err != nil {
		return nil, err
	}
	if len(tag) != g.Overhead() {
		return nil, wrongLength("tag", len(tag), plural(g.Overhead(), "byte"))
	}
	out, err := g.Open(nil, nonce, append(append([]byte(nil), data...), tag...), aad)
	if err != nil {
		return nil, &Error{"tag", ErrMAC, "", ""}
	}
	return out, nil
}

func gcm(k Key, nonce []byte) (cipher.AEAD, error) {
	if err := k.of("key", AES, SM4); err != nil {
		return nil, err
	}
	b, err := k.cipher("key")
	if err != nil {
		return nil, err
	}
	g, err := cipher.NewGCM(b)
	if err != nil {
		return nil, inField("key", err)
	}
	if len(nonce) != g.NonceSize() {
		return nil, wrongLength("nonce", len(nonce), plural(g.NonceSize(), "byte"))
	}
	return g, nil
}

// ImportECB decrypts a key that a message carries under a key encryption key, without anything that binds it to a use. Its algorithm
// is that of the key encryption key; 8 bytes under TDES are a DES key. check, if not nil, is as much of its check value as the message
// has: another is ErrCheckValue.
func ImportECB(kek Key, wrapped, check []byte) (Key, error) {
	b, err := kek.cipher("key encryption key")
	if err != nil {
		return Key{}, err
	}
	if n := b.BlockSize(); len(wrapped)%n != 0 || len(wrapped) == 0 {
		return Key{}, wrongLength("wrapped", len(wrapped), fmt.Sprintf("whole blocks of %d", n))
	}
	key := make([]byte, len(wrapped))
	crypt.DecryptECB(b, key, wrapped)
	a := kek.algorithm
	if a.isDES() {
		a = TDES
		if len(key) == 8 {
			a = DES
		}
	}
	k, err := newKey("wrapped", a, key)
	if err != nil {
		return Key{}, err
	}
	return k, k.verify(check)
}

// SM3 is the hash of GB/T 32905, 32 bytes.
func SM3(data []byte) []byte {
	h := crypt.NewSM3()
	h.Write(data) // a hash does not fail
	return h.Sum(nil)
}
