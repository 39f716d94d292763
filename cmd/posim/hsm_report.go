package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/posim/posim/hsm/clear"
	"github.com/posim/posim/internal/pan"
)

// hsmReport is what a calculation found, in order. In JSON its fields have the names of the known answers of layout hsm/1.
type hsmReport struct {
	rows    [][]string // label, value, note
	members object
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// set adds a member that has no row.
func (r *hsmReport) set(name string, value any) { r.members = append(r.members, member{name, value}) }

// row adds a row that is no member.
func (r *hsmReport) row(label, value, note string) {
	r.rows = append(r.rows, []string{label, value, note})
}

// add adds a text that was computed: never a card's number.
func (r *hsmReport) add(name, label, value, note string) {
	r.set(name, value)
	r.row(label, value, note)
}

// bytes adds bytes that were computed: a block, a MAC.
func (r *hsmReport) bytes(name, label string, value []byte) {
	r.add(name, label, fmt.Sprintf("%X", value), "")
}

// data adds a text in which card numbers are masked.
func (r *hsmReport) data(name, label, value string) { r.add(name, label, maskText(value), "") }

// number adds a card's number, masked.
func (r *hsmReport) number(digits string) {
	if digits != "" {
		r.add("pan", "PAN", pan.Mask(digits), "")
	}
}

// key adds a key that was computed, with its check value.
func (r *hsmReport) key(name, label string, k clear.Key) {
	r.add(name, label, fmt.Sprintf("%X", k.Bytes()), checkNote(k))
	if legacy, _, ok := checkValues(k); ok {
		r.set(name+"_kcv", legacy)
	}
}

// verified adds whether what was computed is what was given, if something was.
func (r *hsmReport) verified(asked bool, err error) {
	if !asked {
		return
	}
	r.set("verified", err == nil)
	r.row("verified", map[bool]string{true: "yes", false: "no"}[err == nil], "")
}

// checkValues are a key's check values in both ways; keys of HMAC have none.
func checkValues(k clear.Key) (legacy, cmac string, ok bool) {
	l, err := k.LegacyCheckValue(3)
	if err != nil {
		return "", "", false
	}
	c, err := k.CMACCheckValue()
	if err != nil {
		return "", "", false
	}
	return fmt.Sprintf("%X", l), fmt.Sprintf("%X", c), true
}

func checkNote(k clear.Key) string {
	legacy, cmac, ok := checkValues(k)
	if !ok {
		return ""
	}
	return "check value " + legacy + ", CMAC " + cmac
}

// keyObject is a key that was given, in JSON: not the key itself.
func (k hsmKey) object() object {
	o := object{{"name", k.flag}, {"cipher", string(k.key.Algorithm())}, {"length", k.key.Len()}}
	if legacy, cmac, ok := checkValues(k.key); ok {
		o = append(o, member{"legacy3", legacy}, member{"cmac5", cmac})
	}
	if r := k.remark(); r != "" {
		o = append(o, member{"remark", r})
	}
	return o
}

// note is the key's check value, and what is to be remarked of it.
func (k hsmKey) note() string {
	note := checkNote(k.key)
	if r := k.remark(); r != "" {
		note += "; " + r
	}
	return note
}

func (k hsmKey) row() []string {
	return []string{k.flag, fmt.Sprintf("%s, %d bytes", k.key.Algorithm(), k.key.Len()), k.note()}
}

func (r *hsmReport) text(keys []hsmKey) string {
	var rows [][]string
	for _, k := range keys {
		rows = append(rows, k.row())
	}
	return aligned(append(rows, r.rows...))
}

// aligned is a table of labels, values and notes. A value without a note may be as long as it likes.
func aligned(rows [][]string) string {
	label, value := 0, 0
	for _, row := range rows {
		label = max(label, len(row[0]))
		if row[2] != "" {
			value = max(value, len(row[1]))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("%-*s  %-*s  %s", label, row[0], value, row[1], row[2]), " "))
	}
	return b.String()
}

func (r *hsmReport) object(keys []hsmKey) object {
	if len(keys) == 0 {
		return r.members
	}
	var all []object
	for _, k := range keys {
		all = append(all, k.object())
	}
	return append(object{{"keys", all}}, r.members...)
}

// maskText masks the card numbers in a text.
func maskText(s string) string {
	var b strings.Builder
	w := pan.NewWriter(&b)
	_, _ = io.WriteString(w, s) // a Builder does not fail
	_ = w.Close()
	return b.String()
}
