package transport

import "time"

// Delivery is one thing that becomes of a frame: Frame enters the wire after Delay, its bytes travelling as Bytes says.
type Delivery struct {
	Delay time.Duration
	Frame []byte
	Bytes Bytes
}

// Bytes is how the bytes of a framed message travel. The zero value: whole and at once.
type Bytes struct {
	Slice int           // in pieces of so many bytes; below 1: one piece
	Drip  time.Duration // between two pieces
	Merge bool          // held back, and sent together with what is written next, as that travels
	Reset bool          // the connection is reset after Cut bytes; nothing is held back then
	Cut   int
}

// Fault is a pure function of a frame: the deliveries so far in, zero or more deliveries out.
type Fault interface {
	Apply(in []Delivery) []Delivery
}

// The message faults.
type (
	Lose      struct{}                  // it never enters the wire
	Delay     struct{ D time.Duration } // it enters later, and is lost if the connection ends before
	Duplicate struct{ D time.Duration } // a second copy enters D after the first
	Corrupt   struct{ Byte int }        // the lowest bit of one byte is flipped; counted from 0, modulo the length
	Truncate  struct{ N int }           // only the first N bytes are framed and sent
)

// The byte faults.
type (
	Cut   struct{ N int }           // the connection is reset after N bytes of the framed message
	Reset struct{}                  // the connection is reset instead of the message
	Slice struct{ N int }           // it travels in pieces of N bytes
	Merge struct{}                  // it travels together with the next message
	Drip  struct{ D time.Duration } // it travels byte by byte, D apart
)

func each(in []Delivery, f func(d *Delivery)) []Delivery {
	for i := range in {
		f(&in[i])
	}
	return in
}

// Apply leaves nothing.
func (Lose) Apply([]Delivery) []Delivery { return nil }

// Apply adds the delay.
func (x Delay) Apply(in []Delivery) []Delivery {
	return each(in, func(d *Delivery) { d.Delay += x.D })
}

// Apply adds the copies.
func (x Duplicate) Apply(in []Delivery) []Delivery {
	for _, d := range in[:len(in):len(in)] {
		d.Delay += x.D
		in = append(in, d)
	}
	return in
}

// Apply flips the bit in a copy.
func (x Corrupt) Apply(in []Delivery) []Delivery {
	return each(in, func(d *Delivery) {
		if len(d.Frame) > 0 {
			d.Frame = append([]byte(nil), d.Frame...)
			n := len(d.Frame)
			d.Frame[(x.Byte%n+n)%n] ^= 1
		}
	})
}

// Apply shortens the frame.
func (x Truncate) Apply(in []Delivery) []Delivery {
	return each(in, func(d *Delivery) { d.Frame = d.Frame[:min(max(x.N, 0), len(d.Frame))] })
}

// Apply cuts.
func (x Cut) Apply(in []Delivery) []Delivery {
	return each(in, func(d *Delivery) { d.Bytes.Reset, d.Bytes.Cut = true, x.N })
}

// Apply resets.
func (Reset) Apply(in []Delivery) []Delivery { return Cut{0}.Apply(in) }

// Apply slices.
func (x Slice) Apply(in []Delivery) []Delivery {
	return each(in, func(d *Delivery) { d.Bytes.Slice = x.N })
}

// Apply merges.
func (Merge) Apply(in []Delivery) []Delivery {
	return each(in, func(d *Delivery) { d.Bytes.Merge = true })
}

// Apply drips.
func (x Drip) Apply(in []Delivery) []Delivery {
	return each(in, func(d *Delivery) { d.Bytes.Slice, d.Bytes.Drip = 1, x.D })
}
