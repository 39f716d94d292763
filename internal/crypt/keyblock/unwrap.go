package keyblock

import (
	"crypto/subtle"

	"github.com/posim/posim/internal/crypt"
)

// Rules says what is taken beyond today's standard. The zero value takes nothing.
type Rules struct {
	// SingleDES takes single-length DES keys: 8 bytes under algorithm T, as some old programs write them, or D. Others refuse
	// both, and so should everything but a calculator.
	SingleDES bool
}

// Unwrap takes the key out of a block by the zero Rules.
func Unwrap(kbpk []byte, block string) (Header, []byte, error) { return Rules{}.Unwrap(kbpk, block) }

// Wrap puts a key into a block by the zero Rules.
func Wrap(kbpk []byte, h Header, key []byte, pad Padding) (string, error) {
	return Rules{}.Wrap(kbpk, h, key, pad)
}

// Unwrap takes the key out of a block. The key is as it was put in: its parity is not touched, and the caller owns it and wipes
// it. kbpk, the protection key, is only read. What the header allows is for the caller to enforce.
//
// An altered block is an ErrMAC, unless it is not even a block (ErrFormat). After the MAC, a key of a wrong length is an
// ErrPayload or ErrSingleDES, and a KC or KP of another key an ErrCheckValue.
func (r Rules) Unwrap(kbpk []byte, block string) (Header, []byte, error) {
	p, err := split(block)
	if err != nil {
		return Header{}, nil, err
	}
	keys, err := p.version.protect(kbpk)
	if err != nil {
		return Header{}, nil, err
	}
	key, err := r.take(&p, keys, make([]byte, len(p.text)+len(p.payload)/2))
	if err != nil {
		return Header{}, nil, err
	}
	return p.header, key, nil
}

// take does the work of Unwrap in data, which has room for the header and the payload in bytes. The clear payload is in data for
// a while, and nowhere else; whatever comes, data is wiped.
func (r Rules) take(p *parts, keys protector, data []byte) ([]byte, error) {
	defer clear(data)
	payload := data[copy(data, p.text):]
	unhex(payload, p.payload)
	if !p.open(keys, data) {
		return nil, fail(ErrMAC, "wrong MAC: the block was altered, or is under another protection key")
	}
	n, err := r.keyLength(p.header.Algorithm, payload)
	if err != nil {
		return nil, err
	}
	key := payload[2 : 2+n]
	if err := p.header.checkValues(keys.kbpk, key); err != nil {
		return nil, err
	}
	return append([]byte(nil), key...), nil
}

// open decrypts the payload behind the header in data, and tells whether the MAC is right. If it is not, the payload may still
// be encrypted or may be clear: it is the caller's to wipe, unread.
func (p *parts) open(keys protector, data []byte) bool {
	var given, right [16]byte
	mac, sum := given[:p.version.mac], right[:p.version.mac]
	unhex(mac, p.mac)
	payload := data[len(p.text):]
	if p.version.variant {
		keys.mac.Sum(sum, data)
		if subtle.ConstantTimeCompare(mac, sum) != 1 {
			return false
		}
		crypt.DecryptCBC(keys.encryption, data[:p.version.block], payload, payload)
		return true
	}
	crypt.DecryptCBC(keys.encryption, mac, payload, payload)
	keys.mac.Sum(sum, data)
	return subtle.ConstantTimeCompare(mac, sum) == 1
}

// keyLength is the length in bytes of the key in a clear payload: its length in bits in two bytes, the key, padding.
func (r Rules) keyLength(algorithm byte, payload []byte) (int, error) {
	bits := int(payload[0])<<8 | int(payload[1])
	if bits%8 != 0 {
		return 0, fail(ErrPayload, "key of %d bits: want whole bytes", bits)
	}
	if room := len(payload) - 2; bits/8 > room {
		return 0, fail(ErrPayload, "key of %d bytes in a payload that has room for %d", bits/8, room)
	}
	return bits / 8, r.checkLength(algorithm, bits/8)
}

// checkLength tells whether an algorithm has keys of n bytes.
func (r Rules) checkLength(algorithm byte, n int) error {
	want := ""
	switch algorithm {
	case 'T', 'D':
		if n == 8 {
			if r.SingleDES {
				return nil
			}
			return fail(ErrSingleDES, "key of 8 bytes under algorithm %c: want a TDES key of 16 or 24", algorithm)
		}
		if algorithm == 'D' {
			want = "8"
		} else if n != 16 && n != 24 {
			want = "16 or 24"
		}
	case 'A':
		if n != 16 && n != 24 && n != 32 {
			want = "16, 24 or 32"
		}
	default:
		if n == 0 {
			want = "at least 1"
		}
	}
	if want != "" {
		return fail(ErrPayload, "key of %d bytes under algorithm %c: want %s", n, algorithm, want)
	}
	return nil
}
