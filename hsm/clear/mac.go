package clear

import (
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"

	"github.com/posim/posim/internal/crypt"
)

// The MACs, by the names of their standards.
const (
	ISO9797Alg1 = "iso9797-1-1" // the last block of a chain, of any cipher
	ISO9797Alg3 = "iso9797-1-3" // a DES chain, then TDES at its end
	X99         = "x9.9"        // algorithm 1 with DES
	X919        = "x9.19"       // algorithm 3
	CMAC        = "cmac"        // SP 800-38B, ISO 9797-1 algorithm 5
	HMACSHA256  = "hmac-sha256"
	CUPECB      = "cup-ecb" // of the China UnionPay dialect: eight characters; see CUPMAC
)

// MACs lists the names.
func MACs() []string {
	return []string{ISO9797Alg1, ISO9797Alg3, X99, X919, CMAC, HMACSHA256, CUPECB}
}

// MAC makes the whole code of data. padding is a method of ISO 9797-1, 1 to 3, where the MAC takes one: algorithms 1 and 3, X9.9 and
// X9.19. For the others it is 0.
func MAC(name string, k Key, padding int, data []byte) ([]byte, error) {
	m, err := newMAC(name, k, padding)
	if err != nil {
		return nil, err
	}
	sum := make([]byte, m.Size())
	m.Sum(sum, data)
	return sum, nil
}

// VerifyMAC is ErrMAC unless mac is the leftmost bytes, at least four, of the code.
func VerifyMAC(name string, k Key, padding int, data, mac []byte) error {
	sum, err := MAC(name, k, padding, data)
	if err != nil {
		return err
	}
	if len(mac) < 4 || len(mac) > len(sum) {
		return wrongLength("mac", len(mac), fmt.Sprintf("4 to %d", len(sum)))
	}
	if subtle.ConstantTimeCompare(sum[:len(mac)], mac) != 1 {
		return &Error{"mac", ErrMAC, "", ""}
	}
	return nil
}

func newMAC(name string, k Key, padding int) (crypt.MAC, error) {
	p := crypt.Padding(padding)
	switch name {
	case CMAC, HMACSHA256, CUPECB:
		if padding != 0 {
			return nil, &Error{"padding", ErrNotTaken, "", "none: " + name + " has its own"}
		}
	case ISO9797Alg1, ISO9797Alg3, X99, X919:
		if padding < 1 || padding > 3 {
			return nil, &Error{"padding", ErrRange, "", "1, 2 or 3 (ISO 9797-1)"}
		}
	default:
		return nil, &Error{"mac", ErrName, "", strings.Join(MACs(), ", ")}
	}
	switch name {
	case HMACSHA256:
		if err := k.of("key", HMAC); err != nil {
			return nil, err
		}
		return crypt.NewHMAC(sha256.New, k.raw()), nil
	case ISO9797Alg3, X919:
		key, err := k.double("key")
		if err != nil {
			return nil, err
		}
		m, err := crypt.NewRetailMAC(key)
		if err != nil {
			return nil, inField("key", err)
		}
		return m.Padded(p), nil
	case X99:
		if err := k.of("key", DES); err != nil {
			return nil, err
		}
	}
	b, err := k.cipher("key")
	if err != nil {
		return nil, err
	}
	switch name {
	case CMAC:
		if k.algorithm == DES { // its block is TDES's, but the standard has no such MAC
			return nil, k.of("key", TDES, AES, SM4)
		}
		return crypt.NewCMAC(b), nil
	case CUPECB:
		return crypt.NewXORMAC(b, b), nil
	}
	return crypt.NewCBCMAC(b, p), nil
}

// CUPSteps is what the MAC of China UnionPay's dialect computes on its way, as its descriptions name it. XOR, First, Sum and Second
// are a block of the cipher; Text is two.
type CUPSteps struct {
	XOR    []byte // all blocks of the message added up, the last one with zeros at its end
	Text   []byte // that as hexadecimal characters
	First  []byte // the left half of Text, encrypted
	Sum    []byte // that added to the right half
	Second []byte // that encrypted
	MAC    []byte // the first eight characters of it: what field 64 carries
}

// CUPMAC makes the MAC of China UnionPay's dialect, and shows how. leftOnly asks for the second encryption by the left half of a
// double-length key, as DES, which some hosts do.
func CUPMAC(k Key, data []byte, leftOnly bool) (CUPSteps, error) {
	first, err := k.cipher("key")
	if err != nil {
		return CUPSteps{}, err
	}
	second := first
	if leftOnly {
		if second, err = leftHalf(k); err != nil {
			return CUPSteps{}, err
		}
	}
	m := crypt.NewXORMAC(first, second)
	s := m.Steps(data)
	mac := make([]byte, m.Size())
	m.Sum(mac, data)
	return CUPSteps{s.XOR, s.Text, s.First, s.Sum, s.Second, mac}, nil
}

func leftHalf(k Key) (cipher.Block, error) {
	key, err := k.double("key")
	if err != nil {
		return nil, err
	}
	b, err := crypt.NewDES(key[:8])
	return b, inField("key", err)
}
