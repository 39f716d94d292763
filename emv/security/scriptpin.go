package security

import (
	"crypto/cipher"
	"errors"
	"fmt"

	"github.com/posim/posim/internal/crypt"
)

// ErrPINBlock says that what was deciphered holds no PIN: a wrong key, a wrong current PIN, or no PIN block at all.
var ErrPINBlock = errors.New("security: no PIN block: want 4 to 12 digits and filler")

// The lengths of a PIN (ISO 9564-1).
const (
	minPIN = 4
	maxPIN = 12
)

// PINBlock2 is the ISO 9564-1 format 2 block of a PIN: 2, its length, its digits, F to the end. It is what VERIFY carries
// and EncipherPIN enciphers (Book 3, 6.5.12). A PIN that is not 4 to 12 digits is an error, which does not show it.
func PINBlock2(pin string) (block [8]byte, err error) {
	block, err = pinField(pin)
	block[0] |= 0x20
	return block, err
}

// PINOfBlock2 is the PIN in a format 2 block. Anything else is ErrPINBlock.
func PINOfBlock2(block [8]byte) (string, error) {
	if block[0]>>4 != 2 {
		return "", ErrPINBlock
	}
	return pinOf(block)
}

// pinField is a block with control nibble 0.
func pinField(pin string) (block [8]byte, err error) {
	if len(pin) < minPIN || len(pin) > maxPIN || !digits(pin) {
		return block, fmt.Errorf("security: PIN of %d characters: want %d to %d digits", len(pin), minPIN, maxPIN)
	}
	block = [8]byte{byte(len(pin)), 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
	packDigits(block[1:], pin)
	return block, nil
}

// packDigits writes digits over the nibbles of dst, from the left, and leaves the rest of them.
func packDigits(dst []byte, digits string) {
	for i := range len(digits) {
		d := digits[i] - '0'
		if i%2 == 0 {
			dst[i/2] = d<<4 | dst[i/2]&15
		} else {
			dst[i/2] = dst[i/2]&0xF0 | d
		}
	}
}

// pinOf reads a block, whatever its control nibble.
func pinOf(block [8]byte) (string, error) {
	n := int(block[0] & 15)
	if n < minPIN || n > maxPIN {
		return "", ErrPINBlock
	}
	var pin [14]byte
	for i := range pin {
		d := block[1+i/2] >> 4
		if i%2 == 1 {
			d = block[1+i/2] & 15
		}
		if i < n && d > 9 || i >= n && d != 15 {
			return "", ErrPINBlock
		}
		pin[i] = '0' + d
	}
	return string(pin[:n]), nil
}

// EncipherPIN is the data of PIN CHANGE/UNBLOCK (Book 2, 9.3, in the schemes' forms): the new PIN, enciphered. current is the
// PIN that the card has now where the form takes it, and "" otherwise: with it only a card that has that PIN accepts the
// new one. Errors never show a PIN.
func (s *ScriptSession) EncipherPIN(pin, current string) ([]byte, error) {
	if err := s.canEncipher(current); err != nil {
		return nil, err
	}
	row := &scriptForms[s.form]
	var data []byte
	if row.visaPIN {
		block, err := pinField(pin)
		if err != nil {
			return nil, err
		}
		s.mix(&block, current)
		data = append([]byte{byte(len(block))}, block[:]...)
	} else {
		block, err := PINBlock2(pin)
		if err != nil {
			return nil, err
		}
		data = block[:]
	}
	if row.pad || len(data)%8 != 0 {
		data = append(data, 0x80)
		for len(data)%8 != 0 {
			data = append(data, 0)
		}
	}
	if row.chained {
		cipher.NewCBCEncrypter(s.cipher, make([]byte, 8)).CryptBlocks(data, data)
	} else {
		crypt.EncryptECB(s.cipher, data, data)
	}
	return data, nil
}

// DecipherPIN is the card's half of EncipherPIN: the new PIN as a format 2 block. current is the card's PIN if the command
// says that it is in the data, and "" otherwise. Data of another length are an error; what holds no PIN is ErrPINBlock.
func (s *ScriptSession) DecipherPIN(enciphered []byte, current string) (block [8]byte, err error) {
	if err := s.canEncipher(current); err != nil {
		return block, err
	}
	row := &scriptForms[s.form]
	want := 8
	if row.visaPIN || row.pad {
		want = 16
	}
	if len(enciphered) != want {
		return block, fmt.Errorf("security: %v script: enciphered PIN of %d bytes: want %d", s.form, len(enciphered), want)
	}
	data := make([]byte, want)
	if row.chained {
		cipher.NewCBCDecrypter(s.cipher, make([]byte, 8)).CryptBlocks(data, enciphered)
	} else {
		crypt.DecryptECB(s.cipher, data, enciphered)
	}
	control := byte(2)
	if row.visaPIN {
		if data[0] != 8 {
			return block, ErrPINBlock
		}
		data, control = data[1:], 0
	}
	block = [8]byte(data)
	for i, c := range data[8:] { // padding method 2
		if i == 0 && c != 0x80 || i > 0 && c != 0 {
			return [8]byte{}, ErrPINBlock
		}
	}
	if row.visaPIN {
		s.mix(&block, current)
	}
	if _, err := pinOf(block); err != nil || block[0]>>4 != control {
		return [8]byte{}, ErrPINBlock
	}
	block[0] = 0x20 | block[0]&15
	return block, nil
}

func (s *ScriptSession) canEncipher(current string) error {
	row := &scriptForms[s.form]
	switch {
	case s.cipher == nil:
		return fmt.Errorf("security: %v script: no master key for encipherment", s.form)
	case row.visaPIN && s.mixed == nil:
		return fmt.Errorf("security: %v script: no master key for cryptograms, which a PIN block is mixed with", s.form)
	case current != "" && !row.visaPIN:
		return fmt.Errorf("security: %v script: a current PIN, which the form does not take", s.form)
	case current != "" && (len(current) < minPIN || len(current) > maxPIN || !digits(current)):
		return fmt.Errorf("security: current PIN of %d characters: want %d to %d digits", len(current), minPIN, maxPIN)
	}
	return nil
}

// mix adds to a block, or takes off it, the right half of the cryptogram key's left half, and the current PIN's digits from
// the left.
func (s *ScriptSession) mix(block *[8]byte, current string) {
	for i, c := range s.mixed.key[4:8] {
		block[4+i] ^= c
	}
	var now [8]byte
	packDigits(now[:], current)
	for i, c := range now {
		block[i] ^= c
	}
}
