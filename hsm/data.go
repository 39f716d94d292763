package hsm

import (
	"crypto/cipher"
	"fmt"

	"github.com/posim/posim/internal/crypt"
)

// EncryptData enciphers data, whole blocks of the key's cipher, for a line: CBC from iv, one block; ECB where iv is nil, as track
// encryption has it. k is a data encryption key that may encrypt. The result is the caller's.
func (m *Module) EncryptData(k Key, iv, data []byte) ([]byte, error) {
	return m.data(k, mayEncrypt, iv, data, crypt.EncryptECB, crypt.EncryptCBC)
}

// DecryptData undoes EncryptData. k is a data encryption key that may decrypt: a PIN key never is one, so that no PIN block is
// opened here.
func (m *Module) DecryptData(k Key, iv, data []byte) ([]byte, error) {
	return m.data(k, mayDecrypt, iv, data, crypt.DecryptECB, crypt.DecryptCBC)
}

type ecb func(b cipher.Block, dst, src []byte)
type cbc func(b cipher.Block, iv, dst, src []byte)

func (m *Module) data(k Key, modes string, iv, data []byte, plain ecb, chained cbc) ([]byte, error) {
	s, err := m.slot(k, DataEncryption)
	if err != nil {
		return nil, err
	}
	if err := s.may(modes); err != nil {
		return nil, err
	}
	n := s.block.BlockSize()
	switch {
	case len(data) == 0 || len(data)%n != 0:
		return nil, fmt.Errorf("hsm: data of %d bytes: want whole blocks of %d", len(data), n)
	case iv != nil && len(iv) != n:
		return nil, fmt.Errorf("hsm: initialisation vector of %d bytes: want %d", len(iv), n)
	}
	out := make([]byte, len(data))
	if iv == nil {
		plain(s.block, out, data)
	} else {
		chained(s.block, iv, out, data)
	}
	return out, nil
}
