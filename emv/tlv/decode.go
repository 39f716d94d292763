package tlv

import (
	"fmt"
	"strconv"

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
