package dialect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/field"
)

const (
	mtiLength    = 2 // four digits in BCD
	bitmapLength = 8
	headLength   = mtiLength + bitmapLength
	macLength    = 8
	macDE        = 64
	lastDE       = 64
)

// Dialect is what one acquirer's document says about messages. It never changes after it is made, so many goroutines may
// use one.
type Dialect struct {
	name     string
	mtis     []string
	elements []element
	forms    []written
	byDE     [lastDE + 1]*element
	mti      *field.Spec
	bitmap   *field.Spec
}

func newDialect(name string, mtis []string, elements []element, forms []Form) *Dialect {
	d := &Dialect{
		name:     name,
		mtis:     mtis,
		elements: slices.Clone(elements),
		mti:      &field.Spec{Length: 4, Description: "message type identifier", Enc: digits{}, Pref: fixed{}},
		bitmap:   &field.Spec{Length: bitmapLength, Description: "bitmap", Enc: octets{}, Pref: fixed{}, DisableAutoExpand: true},
	}
	for _, f := range forms {
		d.forms = append(d.forms, written{f, Response(f.MTI), d.Repeat(f.MTI)})
	}
	for i := range d.elements {
		e := &d.elements[i]
		e.spec = e.fieldSpec()
		d.byDE[e.de] = e
	}
	return d
}

// Name is the dialect's name as configurations and scripts write it: "iso87".
func (d *Dialect) Name() string { return d.name }

// MessageSpec returns the dialect as a new spec of github.com/moov-io/iso8583, for that library's own tools. Its Message
// is laxer than Unpack: it takes trailing bytes and knows no MTIs.
func (d *Dialect) MessageSpec() *iso8583.MessageSpec {
	fields := map[int]field.Field{0: field.NewString(d.mti), 1: field.NewBitmap(d.bitmap)}
	for i := range d.elements {
		fields[d.elements[i].de] = d.elements[i].field()
	}
	return &iso8583.MessageSpec{Name: d.name, Fields: fields}
}

// MACRequired tells whether a message of this MTI must carry DE 64: every one but those of network management, which is
// how the MAC key comes in the first place.
func (d *Dialect) MACRequired(mti string) bool { return Class(mti) != ClassNetworkManagement }

// MTI reads the message type identifier at the front of b. One that the dialect does not know is a *FieldError.
func (d *Dialect) MTI(b []byte) (string, error) {
	var f field.String
	f.SetSpec(d.mti)
	if _, err := f.Unpack(b); err != nil {
		return "", &FieldError{DE: 0, Err: cause(err)}
	}
	return f.Value(), d.checkMTI(f.Value())
}

func (d *Dialect) checkMTI(mti string) error {
	if slices.Contains(d.mtis, mti) {
		return nil
	}
	return &FieldError{DE: 0, Err: fmt.Errorf("%q is not a message of %s: want one of %s", mti, d.name, strings.Join(d.mtis, " "))}
}

// Pack writes m. mac computes DE 64, which is then the last field, over all bytes before it with bit 64 of the bitmap set;
// without mac there is no DE 64, and m.MAC is never written. Fields of m that the dialect has no data element for are not
// written either, so that a host can pass on what it got in another dialect. The bytes are the caller's.
//
// Errors are *FieldError. Of mac's own error the text and the chain are kept.
func (d *Dialect) Pack(m *Message, mac func(dst *[8]byte, data []byte) error) ([]byte, error) {
	if err := d.checkMTI(m.MTI); err != nil {
		return nil, err
	}
	m, err := m.spread()
	if err != nil {
		return nil, err
	}
	if m, err = d.spreadLine(m); err != nil {
		return nil, &FieldError{DE: 60, Err: err}
	}
	var f field.String
	f.SetSpec(d.mti)
	f.SetValue(m.MTI)
	mti, err := f.Pack()
	if err != nil {
		return nil, &FieldError{DE: 0, Err: cause(err)}
	}

	out := make([]byte, headLength, 320) // a 0200 with chip data has about 290 bytes
	copy(out, mti)
	bits := field.NewBitmap(d.bitmap)
	for i := range d.elements {
		e := &d.elements[i]
		if e.de == macDE {
			continue
		}
		var present bool
		if out, present, err = e.appendTo(out, m); err != nil {
			return nil, &FieldError{DE: e.de, Err: err}
		}
		if present {
			bits.Set(e.de)
		}
	}
	if mac != nil {
		bits.Set(macDE)
	}
	packedBits, err := bits.Pack()
	if err != nil {
		return nil, &FieldError{DE: 1, Err: cause(err)}
	}
	copy(out[mtiLength:], packedBits)
	if mac == nil {
		return out, nil
	}
	var sum [macLength]byte
	if err := mac(&sum, out); err != nil {
		return nil, &FieldError{DE: macDE, Err: err}
	}
	return append(out, sum[:]...), nil
}

// Unpack reads one message, which must be all of src: it is the frame's payload without header. The message keeps no part
// of src. The MAC is read and not verified: VerifyMAC does.
//
// Errors are *FieldError, or wrap ErrTrailing; they name the data element or the offset, and hold no value.
func (d *Dialect) Unpack(src []byte) (*Message, error) {
	if len(src) < headLength {
		return nil, fmt.Errorf("dialect: message of %d bytes: want at least %d, MTI and bitmap", len(src), headLength)
	}
	mti, err := d.MTI(src)
	if err != nil {
		return nil, err
	}
	m := &Message{MTI: mti}
	end, err := d.read(src, m, nil)
	switch {
	case err != nil:
		return nil, err
	case end != len(src):
		return nil, fmt.Errorf("%w: %d at offset %d", ErrTrailing, len(src)-end, end)
	}
	if err := m.gather(); err != nil {
		return nil, &FieldError{DE: 62, Err: err}
	}
	if err := d.gatherLine(m); err != nil {
		return nil, &FieldError{DE: 60, Err: err}
	}
	m.Kind = d.kindOf(m)
	return m, nil
}

// read reads what follows the MTI of m into m, and returns where the last data element ends. src has at least headLength
// bytes. at, if not nil, is called with the offset of each data element that can be read, in order.
func (d *Dialect) read(src []byte, m *Message, at func(offset int)) (end int, err error) {
	bits := field.NewBitmap(d.bitmap)
	if _, err := bits.Unpack(src[mtiLength:]); err != nil {
		return 0, &FieldError{DE: 1, Offset: mtiLength, Err: cause(err)}
	}
	if bits.IsSet(1) {
		return 0, &FieldError{DE: 1, Offset: mtiLength, Err: errors.New("bit 1 announces a secondary bitmap: want the primary one alone, the variant of 128 bits is not known here")}
	}
	offset := headLength
	for de := 2; de <= lastDE; de++ {
		if !bits.IsSet(de) {
			continue
		}
		e := d.byDE[de]
		if e == nil {
			return 0, &FieldError{DE: de, Offset: offset, Err: fmt.Errorf("not a data element of %s", d.name)}
		}
		length, err := e.read(src[offset:], m)
		if err != nil {
			return 0, &FieldError{DE: de, Offset: offset, Err: err}
		}
		if at != nil {
			at(offset)
		}
		offset += length
	}
	return offset, nil
}

// VerifyMAC verifies DE 64 of m, which Unpack made from src. verify gets DE 64 and all bytes before it.
//
// A message that must carry a MAC and does not is ErrNoMAC; one that need not and does not is fine. Any error of verify
// wraps ErrMAC and that error: whoever cannot verify a MAC must not act on the message.
func (d *Dialect) VerifyMAC(src []byte, m *Message, verify func(mac, data []byte) error) error {
	if len(m.MAC) == 0 {
		if d.MACRequired(m.MTI) {
			return ErrNoMAC
		}
		return nil
	}
	at := len(src) - macLength
	if at < headLength || string(src[at:]) != string(m.MAC) {
		return fmt.Errorf("%w: the message is not the one these %d bytes hold", ErrMAC, len(src))
	}
	if err := verify(src[at:], src[:at]); err != nil {
		return fmt.Errorf("%w: %w", ErrMAC, err)
	}
	return nil
}
