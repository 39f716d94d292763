package tlv

import (
	"fmt"
)

// Entry is one line of a data object list: what the card wants, and in how many bytes.
type Entry struct {
	Tag    Tag
	Length int
}

// ParseDOL reads a data object list (EMV Book 3, 5.4): tags, each with a length of one byte, in the card's order.
func ParseDOL(dol []byte) ([]Entry, error) {
	var list []Entry
	for at := 0; at < len(dol); {
		e, n, err := nextEntry(dol, at)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
		at += n
	}
	return list, nil
}

// CheckDOL tells whether ParseDOL can read a data object list, and its error if it cannot. It does not allocate.
func CheckDOL(dol []byte) error {
	for at := 0; at < len(dol); {
		_, n, err := nextEntry(dol, at)
		if err != nil {
			return err
		}
		at += n
	}
	return nil
}

// AppendDOL writes a data object list; it is the inverse of ParseDOL.
func AppendDOL(dst []byte, list []Entry) []byte {
	for _, e := range list {
		dst = append(AppendTag(dst, e.Tag), byte(e.Length))
	}
	return dst
}

// DOLHas tells whether a data object list asks for a tag. What cannot be read asks for nothing.
func DOLHas(dol []byte, tag Tag) bool {
	for at := 0; at < len(dol); {
		e, n, err := nextEntry(dol, at)
		if err != nil {
			return false
		}
		if e.Tag == tag {
			return true
		}
		at += n
	}
	return false
}

// FillDOL appends to dst the values a data object list asks for, each brought to the length asked for (EMV Book 3, 5.4):
//
//   - a numeric value is padded with 00 and cut off on the left;
//   - a compressed numeric value is padded with FF, any other with 00, and both are cut off on the right;
//   - a value that get does not have, and a constructed one, is zeros.
//
// get returns nil for what it does not have. A list that cannot be read is an error that names the offset.
func FillDOL(dst, dol []byte, get func(Tag) []byte) ([]byte, error) {
	for at := 0; at < len(dol); {
		e, n, err := nextEntry(dol, at)
		if err != nil {
			return nil, err
		}
		at += n
		var v []byte
		if !Constructed(e.Tag) {
			v = get(e.Tag)
		}
		dst = fit(dst, e, v)
	}
	return dst, nil
}

func nextEntry(dol []byte, at int) (Entry, int, error) {
	tag, n, err := readTag(dol[at:])
	if err != nil {
		return Entry{}, 0, fmt.Errorf("tlv: DOL offset %d: %w", at, err)
	}
	if tag == 0 {
		return Entry{}, 0, fmt.Errorf("tlv: DOL offset %d: tag 00", at)
	}
	if at+n >= len(dol) {
		return Entry{}, 0, fmt.Errorf("tlv: DOL offset %d: tag %X without a length", at, tag)
	}
	return Entry{tag, int(dol[at+n])}, n + 1, nil
}

// fit appends v in exactly e.Length bytes.
func fit(dst []byte, e Entry, v []byte) []byte {
	if len(v) == e.Length {
		return append(dst, v...)
	}
	format := FormatB
	if len(v) > 0 {
		if known, ok := Lookup(e.Tag); ok {
			format = known.Format
		}
	}
	if len(v) > e.Length {
		if format == FormatN {
			return append(dst, v[len(v)-e.Length:]...)
		}
		return append(dst, v[:e.Length]...)
	}
	missing := e.Length - len(v)
	if format == FormatN {
		return append(pad(dst, missing, 0), v...)
	}
	filler := byte(0)
	if format == FormatCN {
		filler = 0xFF
	}
	return pad(append(dst, v...), missing, filler)
}

func pad(dst []byte, n int, filler byte) []byte {
	for range n {
		dst = append(dst, filler)
	}
	return dst
}
