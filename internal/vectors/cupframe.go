package vectors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// cupForm is how a field stands in a frame of China UnionPay's dialect. Digits are packed two to a byte.
type cupForm struct {
	length int  // of a fixed field in characters, digits or bytes; of a variable one 0
	prefix int  // bytes that hold a variable field's length, in decimal digits
	kind   byte // n digits, z digits and '=', a characters, b bytes
	right  bool // an odd number of digits has its zero in front, else behind
	secret bool
}

// cupForms are the fields of the frames whose MAC is compared: no dialect, only what tells such a frame's fields apart, so that the
// answers which stand beside the MAC are compared too. A field that is not here is a failure.
var cupForms = map[int]cupForm{
	2: {prefix: 1, kind: 'n', secret: true}, 3: {length: 6, kind: 'n'}, 4: {length: 12, kind: 'n'}, 11: {length: 6, kind: 'n'},
	14: {length: 4, kind: 'n'}, 22: {length: 3, kind: 'n'}, 23: {length: 3, kind: 'n', right: true}, 25: {length: 2, kind: 'n'},
	35: {prefix: 1, kind: 'z', secret: true}, 41: {length: 8, kind: 'a'}, 42: {length: 15, kind: 'a'}, 49: {length: 3, kind: 'a'},
	55: {prefix: 2, kind: 'b'}, 60: {prefix: 2, kind: 'n'}, 64: {length: 8, kind: 'b'},
}

// cupFrame is a frame as a line carries it: a length, the header that the MAC does not cover, and the message.
type cupFrame struct {
	covered []byte // by the MAC: the message but for field 64
	mac     []byte
	mti     []byte
	bitmap  []byte
	fields  map[int]cupValue
}

type cupValue struct {
	text   string
	length int // digits, characters or bytes
	form   cupForm
}

// cupFrame takes a frame apart. All of it must be used up.
func (f *fields) cupFrame() (frame cupFrame) {
	b, offset := f.hex("frame_hex"), f.number("mab_offset")
	const lengthBytes, tpdu, header, mti, bitmap, mac = 2, 5, 6, 2, 8, 8
	wrong := func(got, want string) cupFrame {
		f.fail(f.path+"frame_hex", got, want)
		return cupFrame{}
	}
	switch {
	case !f.ok():
		return frame
	case len(b) < lengthBytes+tpdu+header+mti+bitmap+mac:
		return wrong(bytesOf(len(b)), "a length, a header and a message")
	case int(binary.BigEndian.Uint16(b)) != len(b)-lengthBytes:
		return wrong(fmt.Sprintf("length %d before %d bytes", binary.BigEndian.Uint16(b), len(b)-lengthBytes), "the length of the rest")
	case offset != lengthBytes+tpdu+header:
		f.fail(f.path+"mab_offset", strconv.FormatInt(offset, 10), strconv.Itoa(lengthBytes+tpdu+header))
		return frame
	}
	message := b[offset:]
	end := len(message) - mac
	frame = cupFrame{covered: message[:end], mac: message[end:], mti: message[:mti], bitmap: message[mti : mti+bitmap], fields: map[int]cupValue{}}
	rest := message[mti+bitmap:]
	for de := 1; de <= 64; de++ {
		if frame.bitmap[(de-1)/8]>>(7-(de-1)%8)&1 == 0 {
			continue
		}
		form, known := cupForms[de]
		if !known {
			return wrong(fmt.Sprintf("field %d, which is not known here", de), "fields that are")
		}
		value, n, err := form.read(rest)
		if err != nil {
			return wrong(fmt.Sprintf("field %d: %v", de, err), "a field")
		}
		frame.fields[de], rest = value, rest[n:]
	}
	if len(rest) > 0 || frame.fields[64].length != mac {
		return wrong(bytesOf(len(rest))+" after the last field", "field 64 and nothing after it")
	}
	return frame
}

// read takes a field from the front of b and says how many bytes it has.
func (c cupForm) read(b []byte) (v cupValue, n int, err error) {
	v = cupValue{length: c.length, form: c}
	if len(b) < c.prefix {
		return v, 0, errors.New("the message ends in its length")
	}
	for _, d := range b[:c.prefix] {
		if d>>4 > 9 || d&15 > 9 {
			return v, 0, errors.New("its length is no decimal number")
		}
		v.length = 100*v.length + int(d>>4)*10 + int(d&15)
	}
	b = b[c.prefix:]
	size := v.length
	if c.kind == 'n' || c.kind == 'z' {
		size = (v.length + 1) / 2
	}
	if len(b) < size {
		return v, 0, fmt.Errorf("%d bytes are left, want %d", len(b), size)
	}
	b = b[:size]
	switch c.kind {
	case 'a':
		v.text = string(b)
	case 'b':
		v.text = fmt.Sprintf("%X", b)
	default:
		v.text, err = c.digits(b, v.length)
	}
	return v, c.prefix + size, err
}

// digits unpacks n digits. What an odd number of them leaves over is zero, of a track F.
func (c cupForm) digits(b []byte, n int) (string, error) {
	text, over, filler := fmt.Appendf(nil, "%X", b), byte(0), byte('0')
	if c.kind == 'z' {
		filler = 'F'
	}
	switch {
	case len(text) == n:
		over = filler
	case c.right:
		over, text = text[0], text[1:]
	default:
		over, text = text[n], text[:n]
	}
	if over != filler {
		return "", fmt.Errorf("the nibble beside an odd number of digits is not %c", filler)
	}
	for i, d := range text {
		switch {
		case d == 'D' && c.kind == 'z':
			text[i] = '='
		case d > '9':
			return "", errors.New("a nibble is no digit")
		}
	}
	return string(text), nil
}

// compare looks at what a vector says of the frame: all of its fields, and no others.
func (c cupFrame) compare(out *fields) {
	out.same("mti", c.mti)
	out.same("bitmap", c.bitmap)
	if !out.has("fields") {
		return
	}
	list := out.object("fields")
	for _, de := range slices.Sorted(maps.Keys(c.fields)) {
		name, v := strconv.Itoa(de), c.fields[de]
		if !list.has(name) {
			list.fail(list.path+name, "a field", "none")
			continue
		}
		value := list
		if list.member(name).kind == object {
			value = list.object(name)
			value.sameNumber("len", int64(v.length))
			name = "value"
		}
		if v.form.secret {
			value.sameSecretText(name, v.text)
		} else {
			value.sameText(name, v.text)
		}
	}
}
