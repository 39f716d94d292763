package security

import (
	"errors"
	"fmt"
	"io"
)

// What a PIN is enciphered in (Book 2, 7.2): header, PIN block, ICC unpredictable number, random padding.
const (
	pinHeader = 0x7F
	pinHead   = 1 + 8 + 8
)

// EncipherPIN enciphers a PIN block for VERIFY under the card's key (Book 2, 7.2): the PIN block in format 2, the challenge
// that the card has just given (GET CHALLENGE), and random bytes up to the length of the modulus, which are read from
// random.
func (a *Arithmetic) EncipherPIN(k *PublicKey, block *[8]byte, challenge [8]byte, random io.Reader) ([]byte, error) {
	if k == nil || k.size == 0 {
		return nil, errors.New("security: enciphered PIN: no public key")
	}
	data := make([]byte, k.size)
	data[0] = pinHeader
	copy(data[1:], block[:])
	copy(data[9:], challenge[:])
	if _, err := io.ReadFull(random, data[pinHead:]); err != nil {
		return nil, fmt.Errorf("security: enciphered PIN: random padding: %w", err)
	}
	// The header is below 80, the first byte of every modulus: the number is in range.
	return a.Recover(make([]byte, 0, k.size), k, data)
}

// ErrPINHeader says that what was deciphered is no PIN for this key (Book 2, 7.2: the header 7F).
var ErrPINHeader = errors.New("security: enciphered PIN: header: want 7F")

// DecipherPIN is the card's half of EncipherPIN: the PIN block and the challenge it was enciphered with, which the card
// compares with the one it gave. What cannot be deciphered, or has no header 7F (ErrPINHeader), is an error that shows
// nothing of it.
func (k *PrivateKey) DecipherPIN(enciphered []byte) (block, challenge [8]byte, err error) {
	data, err := k.operate(enciphered)
	if err != nil {
		return block, challenge, fmt.Errorf("security: enciphered PIN: %w", err)
	}
	if data[0] != pinHeader {
		return block, challenge, ErrPINHeader
	}
	return [8]byte(data[1:]), [8]byte(data[9:]), nil
}
