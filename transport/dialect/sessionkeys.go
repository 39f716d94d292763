package dialect

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// SessionKeys is what DE 62 of an approved sign-on (0810) carries: the keys of the session, each as a cryptogram under the terminal
// master key with the check value of the clear key. ParseSessionKeys gives a cryptogram as its place has it: of a single-length key
// in a place for a double one zeros follow. A check value has 3 bytes in iso87 and 4 in cup, where that of a single-length key is one
// of single DES. A key that does not come has neither. It prints check values only.
type SessionKeys struct {
	PINKey, PINKeyCheckValue     []byte
	MACKey, MACKeyCheckValue     []byte
	TrackKey, TrackKeyCheckValue []byte // for the tracks; cup, where the layout has it
}

// keyCoder is how a dialect writes session keys.
type keyCoder struct {
	slots []keySlot
	check int // bytes of a check value
}

// keySlot is one key's place, of so many bytes: a shorter key is filled with zeros.
type keySlot struct {
	name       string
	length     int
	key, value func(*SessionKeys) *[]byte
}

func pinSlot(n int) keySlot {
	return keySlot{"PIN key", n, func(k *SessionKeys) *[]byte { return &k.PINKey }, func(k *SessionKeys) *[]byte { return &k.PINKeyCheckValue }}
}

func macSlot(n int) keySlot {
	return keySlot{"MAC key", n, func(k *SessionKeys) *[]byte { return &k.MACKey }, func(k *SessionKeys) *[]byte { return &k.MACKeyCheckValue }}
}

func trackSlot(n int) keySlot {
	return keySlot{"track key", n, func(k *SessionKeys) *[]byte { return &k.TrackKey }, func(k *SessionKeys) *[]byte { return &k.TrackKeyCheckValue }}
}

// iso87Keys is 16 + 3 for either key.
var iso87Keys = keyCoder{[]keySlot{pinSlot(16), macSlot(16)}, 3}

// length is what DE 62 has to have.
func (c keyCoder) length() (n int) {
	for _, s := range c.slots {
		n += s.length + c.check
	}
	return n
}

// layout describes DE 62: "PIN key 16, check value 3, ...".
func (c keyCoder) layout() string {
	var b bytes.Buffer
	for i, s := range c.slots {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %d, check value %d", s.name, s.length, c.check)
	}
	return b.String()
}

// SessionKeyForm tells what an approved sign-on carries: check values of so many bytes, and whether there is a key for tracks.
func (d *Dialect) SessionKeyForm() (check int, track bool) {
	return d.keys.check, len(d.keys.slots) > 2
}

// AppendSessionKeys appends DE 62 of an approved sign-on to dst. A key of another length than its place allows, or that has no
// place at all, is a *FieldError.
func (d *Dialect) AppendSessionKeys(dst []byte, k SessionKeys) ([]byte, error) {
	given := 0
	for _, p := range [][]byte{k.PINKey, k.MACKey, k.TrackKey} {
		if len(p) > 0 {
			given++
		}
	}
	for _, s := range d.keys.slots {
		key, value := *s.key(&k), *s.value(&k)
		if len(key) > 0 {
			given--
		}
		switch n := len(key); {
		case n > s.length || n != 8 && n != 16 && n != 24:
			return nil, &FieldError{DE: 62, Err: fmt.Errorf("%s of %d bytes: want %d, or a shorter key's", s.name, n, s.length)}
		case len(value) != d.keys.check:
			return nil, &FieldError{DE: 62, Err: fmt.Errorf("check value of %d bytes of the %s: want %d", len(value), s.name, d.keys.check)}
		}
		dst = append(append(append(dst, key...), make([]byte, s.length-len(key))...), value...)
	}
	if given > 0 {
		return nil, &FieldError{DE: 62, Err: fmt.Errorf("a key that has no place: want %s", d.keys.layout())}
	}
	return dst, nil
}

// ParseSessionKeys reads DE 62 of an approved sign-on. Any other length than the layout's is a *FieldError. The keys are the
// caller's.
func (d *Dialect) ParseSessionKeys(b []byte) (k SessionKeys, err error) {
	if want := d.keys.length(); len(b) != want {
		return k, &FieldError{DE: 62, Err: fmt.Errorf("session keys of %d bytes: want %d (%s)", len(b), want, d.keys.layout())}
	}
	for _, s := range d.keys.slots {
		*s.key(&k) = slices.Clone(b[:s.length])
		*s.value(&k) = slices.Clone(b[s.length : s.length+d.keys.check])
		b = b[s.length+d.keys.check:]
	}
	return k, nil
}

// ParseSessionKeys is iso87's.
func ParseSessionKeys(b []byte) (SessionKeys, error) { return ISO87().ParseSessionKeys(b) }

// Format makes every verb print the check values and no key.
func (k SessionKeys) Format(f fmt.State, _ rune) {
	s := fmt.Sprintf("session keys: PIN check value %X, MAC check value %X", k.PINKeyCheckValue, k.MACKeyCheckValue)
	if len(k.TrackKeyCheckValue) > 0 {
		s += fmt.Sprintf(", track check value %X", k.TrackKeyCheckValue)
	}
	_, _ = io.WriteString(f, s)
}

// MarshalJSON gives the same text as Format.
func (k SessionKeys) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", fmt.Sprint(k)), nil }
