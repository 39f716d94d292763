package dialect

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// FieldValue is one data element for people and reports. Its value is safe to print anywhere.
type FieldValue struct {
	DE    int    `json:"de"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Fields lists the data elements of m in order, each with its name in the standard and its value as the wire has it, but
// without filler: the card number masked; PIN data, track data and keys left out; DE 55 as its tags, with the same care;
// DE 64 as Unpack found it.
func (d *Dialect) Fields(m *Message) []FieldValue {
	list := make([]FieldValue, 0, len(d.elements))
	m = d.shown(m)
	for i := range d.elements {
		e := &d.elements[i]
		if v, ok := e.show(m); ok {
			list = append(list, FieldValue{DE: e.de, Name: e.nameIn(m), Value: v})
		}
	}
	return list
}

// Field returns the value that Fields shows for one data element, and whether m has it. DE 0 is the MTI.
func (d *Dialect) Field(m *Message, de int) (string, bool) {
	if de == 0 {
		return m.MTI, m.MTI != ""
	}
	if de < 2 || de > lastDE || d.byDE[de] == nil {
		return "", false
	}
	return d.byDE[de].show(d.shown(m))
}

// shown is m with the line that it uploads in data elements; m itself if Pack would refuse that.
func (d *Dialect) shown(m *Message) *Message {
	if d.line == nil {
		return m
	}
	w, err := d.line(d, m)
	if err != nil {
		return m
	}
	return w
}

// nameIn is the element's name, with what it means in m.
func (e *element) nameIn(m *Message) string {
	if e.note == nil {
		return e.name
	}
	return e.name + e.note(m)
}

func (e *element) show(m *Message) (string, bool) {
	if e.data != nil {
		v := *e.data(m)
		if e.de == reservedPrivate62 {
			if s, ok := m.showSecurityData(); ok {
				return s, true
			}
		}
		switch {
		case e.de == pinData && len(v) > pinBlock: // it is in DE 62
			return "", false
		case len(v) == 0:
			return "", false
		case e.secret:
			return redacted(len(v), "bytes"), true
		case e.de == iccSystemRelatedData:
			var s strings.Builder
			summariseChipData(&s, v, 0)
			return s.String(), true
		}
		return fmt.Sprintf("%X", v), true
	}
	if e.de == primaryAccountNumber {
		return m.PrimaryAccountNumber.Masked(), !m.PrimaryAccountNumber.IsZero()
	}
	v, err := e.value(m)
	switch {
	case err != nil: // Pack would refuse it: say why instead of showing half of it
		return "[" + err.Error() + "]", true
	case v == "":
		return "", false
	case e.secret:
		return redacted(len(v), "characters"), true
	case e.shown != nil:
		return e.shown(m, v), true
	case e.coding == codeWide || e.coding == codeAny:
		return printable(v), true
	}
	return v, true
}

// printable is text whose coding nobody says: as it is where it can be printed, else with its bytes written out.
func printable(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	q := strconv.QuoteToASCII(s)
	return q[1 : len(q)-1]
}
