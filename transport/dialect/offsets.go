package dialect

// Offsets tells where in a packed message its parts begin, behind the header: the message type, the bitmap, and each data element that can be
// read, in order. What cannot be read ends the list.
func (d *Dialect) Offsets(src []byte) []int {
	if len(src) < d.header+headLength {
		return nil
	}
	mti, _ := d.MTI(src) // a text that is none is a part, too
	at := []int{d.header, d.header + mtiLength}
	_, _ = d.read(src, &Message{MTI: mti}, func(offset int) { at = append(at, offset) })
	return at
}
