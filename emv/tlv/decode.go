package tlv

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/moov-io/bertlv"
)

// Object is one data object of a tree: a template has Children, anything else a Value.
type Object struct {
	Tag      Tag
	Value    []byte
	Children []Object
}

// Decode reads b to the innermost object. Values are parts of b. It is for tools and tests; the kernel walks with a Reader.
// Check has read b before the library does, which panics on a length that does not fit an int.
func Decode(b []byte) ([]Object, error) {
	if err := Check(b); err != nil {
		return nil, err
	}
	list, err := bertlv.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("tlv: %w", err)
	}
	return fromLibrary(list)
}

func fromLibrary(list []bertlv.TLV) ([]Object, error) {
	var objects []Object
	for _, t := range list {
		tag, err := strconv.ParseUint(t.Tag, 16, 32)
		if err != nil {
			return nil, fmt.Errorf("tlv: tag %s: %w", t.Tag, err)
		}
		o := Object{Tag: Tag(tag), Value: t.Value}
		if o.Children, err = fromLibrary(t.TLVs); err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// Encode writes a tree, with lengths in the fewest bytes; it is the inverse of Decode but for padding and long lengths.
// A tag that is none, or children under a tag that is no template, is an error.
func Encode(objects []Object) ([]byte, error) {
	list, err := toLibrary(objects, maxDepth)
	if err != nil {
		return nil, err
	}
	b, err := bertlv.Encode(list)
	if err != nil {
		return nil, fmt.Errorf("tlv: %w", err)
	}
	return b, nil
}

func toLibrary(objects []Object, depth int) ([]bertlv.TLV, error) {
	if depth == 0 {
		return nil, fmt.Errorf("tlv: templates nested deeper than %d", maxDepth)
	}
	var list []bertlv.TLV
	for _, o := range objects {
		name := strings.ToUpper(strconv.FormatUint(uint64(o.Tag), 16))
		if len(name)%2 != 0 {
			name = "0" + name
		}
		b, err := hex.DecodeString(name)
		if err != nil {
			return nil, fmt.Errorf("tlv: tag %s: %w", name, err)
		}
		if got, n, err := readTag(b); err != nil || n != len(b) || got == 0 {
			return nil, fmt.Errorf("tlv: %s is no tag", name)
		}
		if len(o.Children) > 0 && (len(o.Value) > 0 || !Constructed(o.Tag)) {
			return nil, fmt.Errorf("tlv: tag %s has children: want a template without a value of its own", name)
		}
		children, err := toLibrary(o.Children, depth-1)
		if err != nil {
			return nil, err
		}
		list = append(list, bertlv.TLV{Tag: name, Value: o.Value, TLVs: children})
	}
	return list, nil
}
