package dialect

import (
	"encoding/hex"
	"strings"

	"github.com/moov-io/iso8583/field"
)

// RevealedField is a data element as it stands in a message: card numbers, tracks and PIN blocks too.
type RevealedField struct {
	DE     int
	Length int    // digits, characters or bytes
	Value  string // digits with '=', or characters without a fixed field's filler; bytes in upper-case hexadecimal digits
}

// Reveal takes a message apart and shows everything, secrets too. It is for comparing known answers, never for people; Fields is.
func (d *Dialect) Reveal(src []byte) (mti string, fields []RevealedField, err error) {
	m, err := d.Unpack(src)
	if err != nil {
		return "", nil, err
	}
	at := d.Offsets(src)[2:]
	last := 8 * bitmapLength
	if d.wide && src[d.header+mtiLength]>>7 == 1 {
		last = lastDE
	}
	for de := 2; de <= last; de++ {
		if src[d.header+mtiLength+(de-1)/8]>>(7-(de-1)%8)&1 == 0 {
			continue
		}
		f, err := d.byDE[de].reveal(src[at[0]:])
		if err != nil {
			return "", nil, &FieldError{DE: de, Offset: at[0], Err: err}
		}
		fields, at = append(fields, f), at[1:]
	}
	return m.MTI, fields, nil
}

func (e *element) reveal(src []byte) (RevealedField, error) {
	r := RevealedField{DE: e.de, Length: e.length}
	if e.prefix > 0 {
		n, _, err := e.prefix.DecodeLength(e.length, src)
		if err != nil {
			return r, cause(err)
		}
		r.Length = n
	}
	if e.data != nil {
		var f field.Binary
		f.SetSpec(e.spec)
		if _, err := f.Unpack(src); err != nil {
			return r, cause(err)
		}
		r.Value = strings.ToUpper(hex.EncodeToString(f.Value()))
		return r, nil
	}
	var f field.String
	f.SetSpec(e.spec)
	if _, err := f.Unpack(src); err != nil {
		return r, cause(err)
	}
	r.Value = f.Value()
	return r, nil
}
