package dialect

import (
	"errors"
	"fmt"

	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/prefix"
)

// The rules of this file:
//   - Encoders and prefixes say what is wrong in full, because cause drops everything moov-io/iso8583 says around it.
//   - No error holds a value: these bytes are card numbers and track data. A nibble above 9 is no digit of anything and may be named.
//   - Encode and Decode may return a slice of their argument: moov's fields copy on both ways where these are plugged in.

var (
	_ encoding.Encoder = digits{}
	_ encoding.Encoder = track2{}
	_ encoding.Encoder = nibbles{}
	_ encoding.Encoder = text{}
	_ encoding.Encoder = anything{}

	_ encoding.Encoder = signed{}
	_ encoding.Encoder = octets{}
	_ prefix.Prefixer  = fixed{}
	_ prefix.Prefixer  = variable(0)
)

// separatorNibble is the separator's nibble, D, in track 2 (ISO 7813 writes '=').
const separatorNibble = 0xD

// digits is n: two decimal digits to a byte, an odd count with a leading zero nibble.
type digits struct{}

func (digits) Encode(src []byte) ([]byte, error) {
	dst := make([]byte, (len(src)+1)/2)
	odd := len(src) & 1
	for i, c := range src {
		v := c - '0'
		if v > 9 {
			return nil, fmt.Errorf("character %d is not a digit", i+1)
		}
		if p := i + odd; p&1 == 0 {
			dst[p/2] = v << 4
		} else {
			dst[p/2] |= v
		}
	}
	return dst, nil
}

func (digits) Decode(src []byte, length int) ([]byte, int, error) {
	n := (length + 1) / 2
	if len(src) < n {
		return nil, 0, fmt.Errorf("%d digits need %d bytes: %d left", length, n, len(src))
	}
	dst := make([]byte, 2*n)
	for i, c := range src[:n] {
		hi, lo := c>>4, c&15
		if hi > 9 || lo > 9 {
			return nil, 0, notDigit(i, hi, lo)
		}
		dst[2*i], dst[2*i+1] = '0'+hi, '0'+lo
	}
	if length&1 == 0 {
		return dst, n, nil
	}
	if dst[0] != '0' {
		return nil, 0, errors.New("an odd count of digits starts with a nibble that is not 0")
	}
	return dst[1:], n, nil
}

func notDigit(i int, hi, lo byte) error {
	if hi > 9 {
		return fmt.Errorf("nibble %d is %X: want a digit", 2*i+1, hi)
	}
	return fmt.Errorf("nibble %d is %X: want a digit", 2*i+2, lo)
}

// nibbles is n or hexadecimal digits: two to a byte, an odd count with a trailing zero nibble.
type nibbles struct{ last byte } // the highest digit: 9 or 15

func (n nibbles) Encode(src []byte) ([]byte, error) {
	dst := make([]byte, (len(src)+1)/2)
	for i, c := range src {
		v := c - '0'
		if c >= 'A' && c <= 'F' {
			v = c - 'A' + 10
		}
		if v > n.last {
			return nil, fmt.Errorf("character %d is not a digit", i+1)
		}
		if i&1 == 0 {
			v <<= 4
		}
		dst[i/2] |= v
	}
	return dst, nil
}

func (n nibbles) Decode(src []byte, length int) ([]byte, int, error) {
	size := (length + 1) / 2
	if len(src) < size {
		return nil, 0, fmt.Errorf("%d digits need %d bytes: %d left", length, size, len(src))
	}
	dst := make([]byte, 2*size)
	for i, c := range src[:size] {
		hi, lo := c>>4, c&15
		if hi > n.last || lo > n.last {
			return nil, 0, notDigit(i, hi, lo)
		}
		dst[2*i], dst[2*i+1] = "0123456789ABCDEF"[hi], "0123456789ABCDEF"[lo]
	}
	if length&1 == 1 && dst[length] != '0' {
		return nil, 0, errors.New("an odd count of digits ends with a nibble that is not 0")
	}
	return dst[:length], size, nil
}

// track2 is z: digits and '=' in nibbles, '=' as D, an odd count with a trailing nibble. An acquirer wants 0 there or F, and takes
// nothing else: two fillers would make one track two messages.
type track2 struct {
	filler byte
	any    bool // a part may be enciphered: every nibble has a character, A to F, and D is '=' all the same
}

func (t track2) Encode(src []byte) ([]byte, error) {
	dst := make([]byte, (len(src)+1)/2)
	for i, c := range src {
		v := c - '0'
		switch {
		case c == '=':
			v = separatorNibble
		case t.any && c >= 'A' && c <= 'F' && c != 'D':
			v = c - 'A' + 10
		case v > 9:
			return nil, fmt.Errorf("character %d is not of track 2: want a digit or '='", i+1)
		}
		if i&1 == 0 {
			dst[i/2] = v << 4
		} else {
			dst[i/2] |= v
		}
	}
	if len(src)&1 == 1 {
		dst[len(dst)-1] |= t.filler
	}
	return dst, nil
}

func (t track2) Decode(src []byte, length int) ([]byte, int, error) {
	n := (length + 1) / 2
	if len(src) < n {
		return nil, 0, fmt.Errorf("%d characters of track 2 need %d bytes: %d left", length, n, len(src))
	}
	dst := make([]byte, length)
	for i := range dst {
		v := src[i/2]
		if i&1 == 0 {
			v >>= 4
		}
		switch v &= 15; {
		case v <= 9:
			dst[i] = '0' + v
		case v == separatorNibble:
			dst[i] = '='
		case t.any:
			dst[i] = 'A' + v - 10
		default:
			return nil, 0, fmt.Errorf("nibble %d is %X: want a digit or D", i+1, v)
		}
	}
	if length&1 == 1 && src[n-1]&15 != t.filler {
		return nil, 0, fmt.Errorf("the filler after %d nibbles of track 2 is %X: want %X", length, src[n-1]&15, t.filler)
	}
	return dst, n, nil
}

// text is an or ans in ASCII, or ans in something wider.
type text struct{ alphanumeric, wide bool }

func (t text) Encode(src []byte) ([]byte, error) { return src, t.check(src) }

func (t text) Decode(src []byte, length int) ([]byte, int, error) {
	if len(src) < length {
		return nil, 0, fmt.Errorf("want %d characters: %d bytes left", length, len(src))
	}
	return src[:length], length, t.check(src[:length])
}

// check: ans is printable ASCII, an is letters and digits, with the spaces that fill a fixed field at its end.
func (t text) check(s []byte) error {
	filler := false
	for i, c := range s {
		if t.wide && c > 0x7F {
			continue
		}
		if c < ' ' || c > '~' {
			return fmt.Errorf("character %d is not printable ASCII", i+1)
		}
		if !t.alphanumeric {
			continue
		}
		if c == ' ' {
			filler = true
			continue
		}
		letterOrDigit := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letterOrDigit || filler {
			return fmt.Errorf("character %d: want letters and digits, spaces only at the end", i+1)
		}
	}
	return nil
}

// anything is text that may have any bytes.
type anything struct{}

func (anything) Encode(src []byte) ([]byte, error) { return src, nil }

func (anything) Decode(src []byte, length int) ([]byte, int, error) {
	if len(src) < length {
		return nil, 0, fmt.Errorf("want %d characters: %d bytes left", length, len(src))
	}
	return src[:length], length, nil
}

// signed is x+n: C or D in ASCII, then an even count of digits.
type signed struct{}

func (signed) Encode(src []byte) ([]byte, error) {
	if len(src) == 0 || src[0] != 'C' && src[0] != 'D' {
		return nil, errors.New("character 1: want C or D")
	}
	packed, err := digits{}.Encode(src[1:])
	return append([]byte{src[0]}, packed...), err
}

func (signed) Decode(src []byte, length int) ([]byte, int, error) {
	if len(src) == 0 || src[0] != 'C' && src[0] != 'D' {
		return nil, 0, errors.New("character 1: want C or D")
	}
	v, read, err := digits{}.Decode(src[1:], length-1)
	return append([]byte{src[0]}, v...), 1 + read, err
}

// octets is b: bytes as they are.
type octets struct{}

func (octets) Encode(src []byte) ([]byte, error) { return src, nil }

func (octets) Decode(src []byte, length int) ([]byte, int, error) {
	if len(src) < length {
		return nil, 0, fmt.Errorf("want %d bytes: %d left", length, len(src))
	}
	dst := make([]byte, length) // it is kept, and a message must not share bytes with a receive buffer
	copy(dst, src)
	return dst, length, nil
}

// fixed is no prefix at all: the length is in the table.
type fixed struct{}

func (fixed) EncodeLength(length, n int) ([]byte, error) {
	if n != length {
		return nil, fmt.Errorf("length %d: want exactly %d", n, length)
	}
	return nil, nil
}

func (fixed) DecodeLength(length int, _ []byte) (int, int, error) { return length, 0, nil }

func (fixed) Inspect() string { return "posim.BCD.Fixed" }

// variable is LLVAR (1) or LLLVAR (2): a BCD length of that many bytes, counting digits or bytes of the value. A length of
// zero is refused: an empty data element is left out of the message, so it has one form only.
type variable int

func (p variable) EncodeLength(longest, n int) ([]byte, error) {
	if err := p.check(longest, n); err != nil {
		return nil, err
	}
	if p == 1 {
		return []byte{byte(n/10<<4 | n%10)}, nil
	}
	return []byte{byte(n / 100), byte(n/10%10<<4 | n%10)}, nil
}

func (p variable) DecodeLength(longest int, src []byte) (int, int, error) {
	if len(src) < int(p) {
		return 0, 0, fmt.Errorf("the length needs %d bytes: %d left", int(p), len(src))
	}
	n := 0
	for i, c := range src[:p] {
		hi, lo := c>>4, c&15
		if hi > 9 || lo > 9 {
			return 0, 0, fmt.Errorf("the length is not BCD: %v", notDigit(i, hi, lo))
		}
		n = n*100 + int(hi)*10 + int(lo)
	}
	return n, int(p), p.check(longest, n)
}

func (variable) check(longest, n int) error {
	switch {
	case n == 0:
		return fmt.Errorf("empty: want 1 to %d", longest)
	case n > longest:
		return fmt.Errorf("length %d exceeds %d", n, longest)
	}
	return nil
}

func (p variable) Inspect() string {
	if p == 1 {
		return "posim.BCD.LL"
	}
	return "posim.BCD.LLL"
}
