package keyblock

import (
	"fmt"
	"io"

	"github.com/posim/posim/internal/crypt"
)

// Padding is what stands behind the key in a payload, to whole blocks and so that the block's length does not tell the key's.
type Padding struct {
	// Random gives the bytes. If it is nil, Fixed is all the padding.
	Random io.Reader
	// Length is how many bytes the key should seem to have. 0 means the standard's: 24 for TDES, 32 for AES, and the key's own
	// length for others (X9.143, 6.1). The key's own length hides nothing.
	Length int
	// Fixed is the padding itself, for known answers.
	Fixed []byte
}

// Wrap puts a key into a block with a header, to which it adds a padding block (PB) if it needs one. kbpk and key are only read.
//
// A key whose length does not fit its algorithm or the padding is an ErrPayload or ErrSingleDES; one stronger than kbpk an
// ErrStrength (by Strength: X9.143 speaks of it under the optional block WP); a header that cannot be written an ErrFormat; a
// KC or KP in it that is not the check value of key or kbpk an ErrCheckValue.
func (r Rules) Wrap(kbpk []byte, h Header, key []byte, pad Padding) (string, error) {
	if err := h.valid(); err != nil {
		return "", err
	}
	v, err := findVersion(h.Version)
	if err != nil {
		return "", err
	}
	keys, err := v.protect(kbpk)
	if err != nil {
		return "", err
	}
	if err := r.checkLength(h.Algorithm, len(key)); err != nil {
		return "", err
	}
	if err := v.checkStrength(kbpk, h.Algorithm, key); err != nil {
		return "", err
	}
	if err := h.checkValues(keys.kbpk, key); err != nil {
		return "", err
	}
	if h, err = h.padded(v.block); err != nil {
		return "", err
	}
	size, err := pad.payload(v, h.Algorithm, len(key))
	if err != nil {
		return "", err
	}
	head := h.size()
	length := head + 2*size + 2*v.mac
	if length > maxLength {
		return "", fail(ErrFormat, "block of %d characters: want at most %d", length, maxLength)
	}
	data := h.append(make([]byte, 0, head+size), length)[:head+size]
	defer clear(data)
	if err := pad.fill(data[head:], key); err != nil {
		return "", err
	}
	return v.seal(keys, data, head), nil
}

// seal encrypts the payload behind the header in data, and prints the block.
func (v *version) seal(keys protector, data []byte, head int) string {
	var room [16]byte
	mac, payload := room[:v.mac], data[head:]
	if v.variant {
		crypt.EncryptCBC(keys.encryption, data[:v.block], payload, payload)
		keys.mac.Sum(mac, data)
	} else {
		keys.mac.Sum(mac, data)
		crypt.EncryptCBC(keys.encryption, mac, payload, payload)
	}
	block := make([]byte, 0, head+2*len(payload)+2*v.mac)
	block = append(block, data[:head]...)
	block = appendHex(block, payload)
	return string(appendHex(block, mac))
}

// payload is the length of the payload of a key of n bytes.
func (p Padding) payload(v *version, algorithm byte, n int) (int, error) {
	if p.Random == nil {
		size := 2 + n + len(p.Fixed)
		if size != v.payload(size) || p.Length != 0 {
			return 0, fail(ErrPayload, "fixed padding of %d bytes behind a key of %d: want whole blocks of %d, and no length",
				len(p.Fixed), n, v.block)
		}
		return size, nil
	}
	if p.Fixed != nil {
		return 0, fail(ErrPayload, "padding is both fixed and random: want one")
	}
	seeming := p.Length
	if seeming == 0 {
		seeming = max(n, maskedLength(algorithm))
	}
	if seeming < n || seeming > maxLength {
		return 0, fail(ErrPayload, "key of %d bytes cannot seem to have %d: want %d to %d, or 0 for the standard's", n, seeming, n, maxLength)
	}
	return v.payload(2 + seeming), nil
}

// maskedLength is the length of an algorithm's longest key, or 0 if there is none.
func maskedLength(algorithm byte) int {
	switch algorithm {
	case 'T', 'D': // a single-length key looks like any other DES key
		return 24
	case 'A':
		return 32
	}
	return 0
}

// fill writes the clear payload.
func (p Padding) fill(payload, key []byte) error {
	bits := len(key) * 8
	payload[0], payload[1] = byte(bits>>8), byte(bits)
	rest := payload[2+copy(payload[2:], key):]
	if p.Random == nil {
		copy(rest, p.Fixed)
		return nil
	}
	if _, err := io.ReadFull(p.Random, rest); err != nil {
		return fmt.Errorf("keyblock: padding: %w", err)
	}
	return nil
}
