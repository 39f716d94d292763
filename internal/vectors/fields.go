package vectors

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// prose is what is written for people: not compared, wherever it stands.
var prose = map[string]bool{"reason": true, "next": true, "note": true, "notes": true, "rule": true, "title": true, "source": true, "check": true,
	"phase": true, "emv_utils_tvr": true, "result_codes": true}

// check is one vector under way.
type check struct {
	failures []Failure
	compared int // fields
}

func (c *check) fail(field, got, want string) {
	c.failures = append(c.failures, Failure{field, got, want})
}

// ok tells whether nothing has failed yet: a vector that lacks an input is not run.
func (c *check) ok() bool { return len(c.failures) == 0 }

// fields is an object of a vector. What is asked for is remembered; what nobody asked for is a failure in the end, so that a file
// cannot say something that is not looked at. A missing or malformed member fails the vector and reads as nothing.
type fields struct {
	*check
	path  string // "expected."
	v     *value
	read  map[string]bool
	inner []*fields
}

func newFields(c *check, path string, v *value) *fields {
	return &fields{check: c, path: path, v: v, read: map[string]bool{}}
}

// finish fails what nobody asked for.
func (f *fields) finish() {
	for _, name := range f.v.names {
		if !f.read[name] && !prose[name] {
			f.fail(f.path+name, fmt.Sprintf("a field that is not known here (line %d)", f.v.members[name].line), "no such field")
		}
	}
	for _, i := range f.inner {
		i.finish()
	}
}

// member is a member that is there and not null.
func (f *fields) member(name string) *value {
	f.read[name] = true
	v := f.v.members[name]
	if v == nil || v.kind == null {
		return nil
	}
	return v
}

func (f *fields) has(name string) bool { return f.member(name) != nil }

// need is a member of one kind; nil and a failure otherwise.
func (f *fields) need(name string, k kind) *value {
	v := f.member(name)
	if v == nil {
		f.fail(f.path+name, "nothing", string(k))
		return nil
	}
	if v.kind != k {
		f.fail(f.path+name, fmt.Sprintf("%s (line %d)", v.kind, v.line), string(k))
		return nil
	}
	return v
}

func (f *fields) text(name string) string {
	if v := f.need(name, text); v != nil {
		return v.text
	}
	return ""
}

// oneOf is a text that is one of these.
func (f *fields) oneOf(name string, words ...string) string {
	v := f.need(name, text)
	if v == nil {
		return ""
	}
	for _, w := range words {
		if v.text == w {
			return w
		}
	}
	f.fail(f.path+name, strconv.Quote(v.text), strings.Join(words, ", "))
	return ""
}

func (f *fields) number(name string) int64 {
	v := f.need(name, number)
	if v == nil {
		return 0
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil {
		f.fail(f.path+name, v.text, "a whole number")
	}
	return n
}

func (f *fields) flag(name string) bool {
	v := f.need(name, boolean)
	return v != nil && v.truth
}

// hex is a text of hexadecimal digits, empty if the text is.
func (f *fields) hex(name string) []byte {
	v := f.need(name, text)
	if v == nil {
		return nil
	}
	b, err := hex.DecodeString(v.text)
	if err != nil {
		f.fail(f.path+name, fmt.Sprintf("%d characters (line %d)", len(v.text), v.line), "hexadecimal digits, two for a byte")
		return nil
	}
	return b
}

// hexN is hex of n bytes. What it returns has n bytes even if it failed, so that it can be turned into an array.
func (f *fields) hexN(name string, n int) []byte {
	failed := len(f.failures)
	b := f.hex(name)
	if len(b) != n {
		if len(f.failures) == failed {
			f.fail(f.path+name, fmt.Sprintf("%d bytes", len(b)), fmt.Sprintf("%d bytes", n))
		}
		return make([]byte, n)
	}
	return b
}

// object is a member that is an object; one without members, and a failure, otherwise.
func (f *fields) object(name string) *fields {
	v := f.need(name, object)
	if v == nil {
		v = &value{kind: object}
	}
	o := newFields(f.check, f.path+name+".", v)
	f.inner = append(f.inner, o)
	return o
}

// objects is a member that is a list of objects.
func (f *fields) objects(name string) (list []*fields) {
	v := f.need(name, array)
	if v == nil {
		return nil
	}
	for i, item := range v.items {
		path := fmt.Sprintf("%s%s[%d]", f.path, name, i)
		if item.kind != object {
			f.fail(path, string(item.kind), string(object))
			continue
		}
		o := newFields(f.check, path+".", item)
		f.inner = append(f.inner, o)
		list = append(list, o)
	}
	return list
}

// texts is a member that is a list of strings.
func (f *fields) texts(name string) (list []string) {
	v := f.need(name, array)
	if v == nil {
		return nil
	}
	for i, item := range v.items {
		if item.kind != text {
			f.fail(fmt.Sprintf("%s%s[%d]", f.path, name, i), string(item.kind), string(text))
			continue
		}
		list = append(list, item.text)
	}
	return list
}

// same compares bytes with a member, if it is there.
func (f *fields) same(name string, got []byte) {
	if !f.has(name) {
		return
	}
	f.compared++
	if want := f.hex(name); !bytes.Equal(got, want) {
		f.fail(f.path+name, fmt.Sprintf("%X", got), fmt.Sprintf("%X", want))
	}
}

// sameSecret compares bytes that are not shown.
func (f *fields) sameSecret(name string, got []byte) {
	if !f.has(name) {
		return
	}
	f.compared++
	if want := f.hex(name); !bytes.Equal(got, want) {
		f.fail(f.path+name, digest(got), digest(want))
	}
}

// digest stands for bytes that are not shown: people can tell two of them apart.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return fmt.Sprintf("[%d bytes not shown, SHA-256 %X...]", len(b), sum[:3])
}

func (f *fields) sameText(name, got string)         { same(f, name, got, f.text) }
func (f *fields) sameNumber(name string, got int64) { same(f, name, got, f.number) }
func (f *fields) sameFlag(name string, got bool)    { same(f, name, got, f.flag) }

// same compares a value that can be shown; read finds what the file has.
func same[T comparable](f *fields, name string, got T, read func(name string) T) {
	if !f.has(name) {
		return
	}
	f.compared++
	if want := read(name); got != want {
		f.fail(f.path+name, fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", want))
	}
}

// sameTexts compares a list of strings.
func (f *fields) sameTexts(name string, got []string) {
	if !f.has(name) {
		return
	}
	f.compared++
	if want := f.texts(name); strings.Join(got, "\x00") != strings.Join(want, "\x00") || len(got) != len(want) {
		f.fail(f.path+name, fmt.Sprintf("%q", got), fmt.Sprintf("%q", want))
	}
}
