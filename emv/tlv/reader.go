package tlv

import (
	"fmt"
	"math"
	"strings"
)

// Bounds of what is read. EMV objects are far smaller; the bounds keep arithmetic and recursion safe on any input.
const (
	maxTagBytes    = 3
	maxLengthBytes = 3
	maxDepth       = 16
)

// Reader walks the data objects of one level. Bytes 00 before, between and after objects are skipped (EMV Book 3, B1).
// The zero Reader is at the end of nothing. Values are parts of the input.
//
//	r := tlv.NewReader(b)
//	for r.Next() {
//		use(r.Tag(), r.Value())
//	}
//	if r.Err() != nil { ... }
type Reader struct {
	b          []byte
	at         int // where the next object is looked for
	start, val int // of the object read last
	tag        Tag
	err        error
}

// NewReader starts at the first object of b.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Next moves to the next object; false at the end or at an error.
func (r *Reader) Next() bool {
	if r.err != nil {
		return false
	}
	for r.at < len(r.b) && r.b[r.at] == 0 {
		r.at++
	}
	if r.at >= len(r.b) {
		return false
	}
	tag, n, err := readTag(r.b[r.at:])
	if err != nil {
		return r.fail(err)
	}
	length, m, err := readLength(r.b[r.at+n:])
	if err != nil {
		return r.fail(fmt.Errorf("tag %X: %w", tag, err))
	}
	val := r.at + n + m
	if length > len(r.b)-val {
		return r.fail(fmt.Errorf("tag %X: length %d exceeds the %d bytes that follow", tag, length, len(r.b)-val))
	}
	r.tag, r.start, r.val, r.at = tag, r.at, val, val+length
	return true
}

func (r *Reader) fail(err error) bool {
	r.err = fmt.Errorf("tlv: offset %d: %w", r.at, err)
	return false
}

// Tag is the tag of the object read last.
func (r *Reader) Tag() Tag { return r.tag }

// Value is the value of the object read last.
func (r *Reader) Value() []byte { return r.b[r.val:r.at:r.at] }

// Raw is the object read last as it stands, with tag and length.
func (r *Reader) Raw() []byte { return r.b[r.start:r.at:r.at] }

// Err tells why Next stopped: nil at the end of the input. It names offset and tag.
func (r *Reader) Err() error { return r.err }

// Find returns the value of the first object with the tag on this level of b, and whether there is one. What follows that
// object is not looked at; an error before it is returned.
func Find(b []byte, tag Tag) ([]byte, bool, error) {
	r := NewReader(b)
	for r.Next() {
		if r.tag == tag {
			return r.Value(), true, nil
		}
	}
	return nil, false, r.err
}

// Only returns the value of the object with the tag that fills b from its first to its last byte, as a response message
// template must. Anything else is an error.
func Only(b []byte, tag Tag) ([]byte, error) {
	r := NewReader(b)
	if !r.Next() {
		if r.err != nil {
			return nil, r.err
		}
		return nil, fmt.Errorf("tlv: nothing: want tag %X", tag)
	}
	switch {
	case r.tag != tag:
		return nil, fmt.Errorf("tlv: tag %X: want %X", r.tag, tag)
	case r.start != 0 || r.at != len(b):
		return nil, fmt.Errorf("tlv: tag %X: fills bytes %d to %d of %d: want all", tag, r.start, r.at, len(b))
	}
	return r.Value(), nil
}

// Check reads every object of b to the innermost, and says what is wrong with the first bad one.
func Check(b []byte) error { return check(b, maxDepth) }

func check(b []byte, depth int) error {
	if depth == 0 {
		return fmt.Errorf("tlv: templates nested deeper than %d", maxDepth)
	}
	r := NewReader(b)
	for r.Next() {
		if Constructed(r.tag) {
			if err := check(r.Value(), depth-1); err != nil {
				return fmt.Errorf("tlv: tag %X at offset %d: %s", r.tag, r.start, strings.TrimPrefix(err.Error(), "tlv: "))
			}
		}
	}
	return r.err
}

// Constructed tells whether the tag is that of a template (EMV Book 3, B1).
func Constructed(tag Tag) bool {
	switch {
	case tag <= math.MaxUint8:
		return tag&0x20 != 0
	case tag <= math.MaxUint16:
		return tag&0x2000 != 0
	}
	return tag&0x200000 != 0
}

// readTag reads a tag of one to three bytes.
func readTag(b []byte) (Tag, int, error) {
	if len(b) == 0 {
		return 0, 0, fmt.Errorf("no tag")
	}
	tag := Tag(b[0])
	if tag&0x1F != 0x1F {
		return tag, 1, nil
	}
	for n := 1; n < maxTagBytes; n++ {
		if n >= len(b) {
			return 0, 0, fmt.Errorf("tag %X is cut short", tag)
		}
		tag = tag<<8 | Tag(b[n])
		if b[n]&0x80 == 0 {
			return tag, n + 1, nil
		}
	}
	return 0, 0, fmt.Errorf("tag %X goes on: want at most %d bytes", tag, maxTagBytes)
}

// readLength reads a length of one to four bytes (one that counts up to three).
func readLength(b []byte) (int, int, error) {
	if len(b) == 0 {
		return 0, 0, fmt.Errorf("no length")
	}
	if b[0] < 0x80 {
		return int(b[0]), 1, nil
	}
	n := int(b[0] & 0x7F)
	if n == 0 || n > maxLengthBytes {
		return 0, 0, fmt.Errorf("length byte %02X: want 00 to 7F, or 81 to 83", b[0])
	}
	if len(b) < 1+n {
		return 0, 0, fmt.Errorf("length is cut short")
	}
	length := 0
	for _, c := range b[1 : 1+n] {
		length = length<<8 | int(c)
	}
	return length, 1 + n, nil
}

// Append appends one data object to dst, its length in the fewest bytes. A tag that no card could send or a value of 16 MiB
// is a bug of the caller and panics.
func Append(dst []byte, tag Tag, value []byte) []byte {
	dst = AppendTag(dst, tag)
	n := len(value)
	switch {
	case n < 0x80:
		dst = append(dst, byte(n))
	case n <= math.MaxUint8:
		dst = append(dst, 0x81, byte(n))
	case n <= math.MaxUint16:
		dst = append(dst, 0x82, byte(n>>8), byte(n))
	case n < 1<<24:
		dst = append(dst, 0x83, byte(n>>16), byte(n>>8), byte(n))
	default:
		panic(fmt.Sprintf("tlv: tag %X: value of %d bytes: want less than 16 MiB", tag, n))
	}
	return append(dst, value...)
}

// AppendTag appends the bytes of a tag.
func AppendTag(dst []byte, tag Tag) []byte {
	start := len(dst)
	switch {
	case tag <= math.MaxUint8:
		dst = append(dst, byte(tag))
	case tag <= math.MaxUint16:
		dst = append(dst, byte(tag>>8), byte(tag))
	default:
		dst = append(dst, byte(tag>>16), byte(tag>>8), byte(tag))
	}
	if got, n, err := readTag(dst[start:]); err != nil || got != tag || start+n != len(dst) || tag == 0 {
		panic(fmt.Sprintf("tlv: %X is no tag", tag))
	}
	return dst
}
