package vectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxDepth is how deep a file's objects and lists may stand in each other; vectors need eight.
const maxDepth = 32

// kind is what a JSON value is.
type kind string

const (
	object  kind = "an object"
	array   kind = "a list"
	text    kind = "a string"
	number  kind = "a number"
	boolean kind = "true or false"
	null    kind = "null"
)

// value is one JSON value with its place. encoding/json alone takes a key twice, and in any case of letters, and tells no place.
type value struct {
	kind    kind
	line    int
	text    string // of a string, and a number as it is written
	truth   bool
	items   []*value
	names   []string // of an object's members, in their order
	members map[string]*value
}

// parse reads one JSON value and nothing after it. Errors name the line.
func parse(b []byte) (*value, error) {
	p := &parser{src: b, dec: json.NewDecoder(bytes.NewReader(b))}
	p.dec.UseNumber()
	v, err := p.value(maxDepth)
	if err != nil {
		return nil, p.error(err)
	}
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, p.error(errors.New("more than one value"))
	}
	return v, nil
}

type parser struct {
	src  []byte
	dec  *json.Decoder
	at   int64 // the newlines before at are counted
	line int
}

// here is the line of the token read last.
func (p *parser) here() int {
	to := p.dec.InputOffset()
	p.line += bytes.Count(p.src[p.at:to], []byte("\n"))
	p.at = to
	return p.line + 1
}

func (p *parser) error(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the file ends in the middle of a value")
	}
	return fmt.Errorf("line %d: %w", p.here(), err)
}

func (p *parser) value(depth int) (*value, error) {
	if depth == 0 {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	t, err := p.dec.Token()
	if err != nil {
		return nil, err
	}
	v := &value{line: p.here()}
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			return v, p.list(v, depth)
		}
		return v, p.object(v, depth)
	case string:
		v.kind, v.text = text, t
	case json.Number:
		v.kind, v.text = number, t.String()
	case bool:
		v.kind, v.truth = boolean, t
	default:
		v.kind = null
	}
	return v, nil
}

func (p *parser) list(v *value, depth int) error {
	v.kind = array
	for p.dec.More() {
		item, err := p.value(depth - 1)
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
	}
	_, err := p.dec.Token()
	return err
}

func (p *parser) object(v *value, depth int) error {
	v.kind, v.members = object, map[string]*value{}
	for p.dec.More() {
		t, err := p.dec.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string) // the decoder takes nothing else for a key
		if v.members[name] != nil {
			return fmt.Errorf("key %q stands twice", name)
		}
		item, err := p.value(depth - 1)
		if err != nil {
			return err
		}
		v.names = append(v.names, name)
		v.members[name] = item
	}
	_, err := p.dec.Token()
	return err
}
