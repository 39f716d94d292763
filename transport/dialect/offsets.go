package dialect

import "github.com/moov-io/iso8583/field"

// Offsets tells where in a packed message its parts begin: the message type, the bitmap, and each data element that can be
// read, in order. What cannot be read ends the list.
func (d *Dialect) Offsets(src []byte) []int {
	if len(src) < headLength {
		return nil
	}
	bits := field.NewBitmap(d.bitmap)
	if _, err := bits.Unpack(src[mtiLength:]); err != nil {
		return nil
	}
	at := []int{0, mtiLength}
	offset, scratch := headLength, &Message{}
	if mti, err := d.MTI(src); err == nil {
		scratch.MTI = mti
	}
	for de := 2; de <= lastDE; de++ {
		if !bits.IsSet(de) {
			continue
		}
		e := d.byDE[de]
		if e == nil {
			break
		}
		read, err := e.read(src[offset:], scratch)
		if err != nil {
			break
		}
		at = append(at, offset)
		offset += read
	}
	return at
}
