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
	macDE        = 64  // of a message with one bitmap
	secondMACDE  = 128 // of one with two
	lastDE       = 128
)

// Dialect is what one acquirer's document says about messages. It never changes after it is made, so many goroutines may
// use one.
type Dialect struct {
	book
	forms  []written
	byDE   [lastDE + 1]*element
	mti    *field.Spec
	bitmap *field.Spec
}

// book is a dialect as its document has it: what newDialect makes one of. A function that is nil has nothing to do.
type book struct {
	name     string
	mtis     []string
	elements []element
	kinds    []Form // how each kind is written
	lines    int    // LinesPerUpload

	// line gives a message with the one line that it uploads in data elements of its own; spread does that, too.
	line     func(d *Dialect, m *Message) (*Message, error)
	switches Switches
	batches  bool // NumbersBatches

	wide     bool  // there are data elements above 64, and a secondary bitmap in messages that have one of them
	together []int // data elements that come together or not at all
	always   []int // those that are in every message
	restamp  bool  // AsRepeat

	// A header stands in front of the MTI. readHeader and writeHeader get its bytes.
	header      int
	readHeader  func(d *Dialect, src []byte, m *Message) error
	writeHeader func(d *Dialect, dst []byte, m *Message) error

	// spread gives a message as its data elements are written, itself or another one, and refuses what no data element has a
	// place for. gather undoes it after all have been read. Their errors are *FieldError.
	spread func(d *Dialect, m *Message) (*Message, error)
	gather func(d *Dialect, m *Message) error

	shape    func(d *Dialect, m *Message)      // after Shape: what is no number of a kind
	required func(mti string) bool             // MACRequired
	bare     func(d *Dialect, m *Message) bool // whether a message may do without the MAC that its MTI requires
	signed   func(d *Dialect, m *Message) bool // whether a message has a MAC whose MTI does not require one
	keys     keyCoder                          // what an approved sign-on carries
}

func newDialect(b book) *Dialect {
	b.elements = slices.Clone(b.elements)
	d := &Dialect{
		book:   b,
		mti:    &field.Spec{Length: 4, Description: "message type identifier", Enc: digits{}, Pref: fixed{}},
		bitmap: &field.Spec{Length: bitmapLength, Description: "bitmap", Enc: octets{}, Pref: fixed{}, DisableAutoExpand: !b.wide},
	}
	for _, f := range b.kinds {
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

// Switches are those that the dialect was made with; all zero for one that has none.
func (d *Dialect) Switches() Switches { return d.switches }

// NumbersBatches tells whether terminals number their batches and tell their transactions apart by batch and STAN: every
// message then carries BatchNumber.
func (d *Dialect) NumbersBatches() bool { return d.batches }

// LinesPerUpload is how many Details one KindUpload may have.
func (d *Dialect) LinesPerUpload() int { return d.lines }

// MessageSpec returns the dialect as a new spec of github.com/moov-io/iso8583, for that library's own tools. Its Message
// is laxer than Unpack: it takes trailing bytes and knows no MTIs.
func (d *Dialect) MessageSpec() *iso8583.MessageSpec {
	fields := map[int]field.Field{0: field.NewString(d.mti), 1: field.NewBitmap(d.bitmap)}
	for i := range d.elements {
		fields[d.elements[i].de] = d.elements[i].field()
	}
	return &iso8583.MessageSpec{Name: d.name, Fields: fields}
}

// MACRequired tells whether a message of this MTI must carry DE 64. Network management does not: it is how the MAC key comes in
// the first place.
func (d *Dialect) MACRequired(mti string) bool { return d.required(mti) }

// Signed tells whether m is sent with DE 64: MACRequired, and in some dialects messages whose kind says so.
func (d *Dialect) Signed(m *Message) bool {
	return d.MACRequired(m.MTI) || d.signed != nil && d.signed(d, m)
}

// MTI reads the message type identifier at the front of b, behind the header. One that the dialect does not know is a *FieldError.
func (d *Dialect) MTI(b []byte) (string, error) {
	b = b[min(d.header, len(b)):]
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

// Pack writes m. mac computes DE 64 (DE 128 in a message with a secondary bitmap), which is then the last field, over all bytes from
// the MTI up to it, with its bit set; without mac there is none, and m.MAC is never written. Fields of m that the dialect has no data element for are not
// written either, so that a host can pass on what it got in another dialect. The bytes are the caller's.
//
// Errors are *FieldError. Of mac's own error the text and the chain are kept.
func (d *Dialect) Pack(m *Message, mac func(dst *[8]byte, data []byte) error) ([]byte, error) {
	if err := d.checkMTI(m.MTI); err != nil {
		return nil, err
	}
	m, err := d.spread(d, m)
	if err != nil {
		return nil, err
	}
	var f field.String
	f.SetSpec(d.mti)
	f.SetValue(m.MTI)
	mti, err := f.Pack()
	if err != nil {
		return nil, &FieldError{DE: 0, Err: cause(err)}
	}

	out := make([]byte, d.header+headLength, 320) // a 0200 with chip data has about 290 bytes
	if d.writeHeader != nil {
		if err := d.writeHeader(d, out[:d.header], m); err != nil {
			return nil, err
		}
	}
	copy(out[d.header:], mti)
	bits := field.NewBitmap(d.bitmap)
	for i := range d.elements {
		e := &d.elements[i]
		if e.de == macDE || e.de == secondMACDE {
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
	signature := macDE
	if bits.IsSet(1) {
		signature = secondMACDE
		out = slices.Insert(out, d.header+headLength, make([]byte, bitmapLength)...)
	}
	if mac != nil {
		if d.byDE[signature] == nil {
			return nil, &FieldError{DE: signature, Err: fmt.Errorf("not a data element of %s", d.name)}
		}
		bits.Set(signature)
	}
	packedBits, err := bits.Pack()
	if err != nil {
		return nil, &FieldError{DE: 1, Err: cause(err)}
	}
	copy(out[d.header+mtiLength:], packedBits)
	if mac == nil {
		return out, nil
	}
	var sum [macLength]byte
	if err := mac(&sum, out[d.header:]); err != nil {
		return nil, &FieldError{DE: signature, Err: err}
	}
	return append(out, sum[:]...), nil
}

// Unpack reads one message, which must be all of src: it is the frame's payload, with the header that some dialects have. The
// message keeps no part of src. The MAC is read and not verified: VerifyMAC does.
//
// Errors are *FieldError, or wrap ErrTrailing or ErrHeader; they name the data element or the offset, and hold no value.
func (d *Dialect) Unpack(src []byte) (*Message, error) {
	if len(src) < d.header+headLength {
		return nil, fmt.Errorf("dialect: message of %d bytes: want at least %d, %sMTI and bitmap", len(src), d.header+headLength, d.headerWord())
	}
	mti, err := d.MTI(src)
	if err != nil {
		return nil, err
	}
	m := &Message{MTI: mti}
	if d.readHeader != nil {
		if err := d.readHeader(d, src[:d.header], m); err != nil {
			return nil, err
		}
	}
	end, err := d.read(src, m, nil)
	switch {
	case err != nil:
		return nil, err
	case end != len(src):
		return nil, fmt.Errorf("%w: %d at offset %d", ErrTrailing, len(src)-end, end)
	}
	if err := d.gather(d, m); err != nil {
		return nil, err
	}
	m.Kind = d.kindOf(m)
	return m, nil
}

func (d *Dialect) headerWord() string {
	if d.header > 0 {
		return "header, "
	}
	return ""
}

// read reads what follows the MTI of m into m, and returns where the last data element ends. src has at least a header and
// headLength bytes. at, if not nil, is called with the offset of each data element that can be read, in order.
func (d *Dialect) read(src []byte, m *Message, at func(offset int)) (end int, err error) {
	bits, bitmapAt := field.NewBitmap(d.bitmap), d.header+mtiLength
	if _, err := bits.Unpack(src[bitmapAt:]); err != nil {
		return 0, &FieldError{DE: 1, Offset: bitmapAt, Err: cause(err)}
	}
	if err := d.checkBits(bits); err != nil {
		return 0, &FieldError{DE: 1, Offset: bitmapAt, Err: err}
	}
	offset := bitmapAt + bits.Len()/8
	for de := 2; de <= min(bits.Len(), lastDE); de++ {
		if !bits.IsSet(de) {
			continue
		}
		if de == macDE && bits.IsSet(1) {
			return 0, &FieldError{DE: de, Offset: offset, Err: errors.New("a message with a secondary bitmap: want the MAC in DE 128")}
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

// checkBits: a message has one form, so a secondary bitmap is there if it says something that the primary one could not.
func (d *Dialect) checkBits(bits *field.Bitmap) error {
	if bits.IsSet(1) {
		if !d.wide {
			return fmt.Errorf("bit 1 announces a secondary bitmap: want the primary one alone, %s has no other", d.name)
		}
		above := false
		for de := macDE + 1; de < secondMACDE; de++ {
			above = above || bits.IsSet(de)
		}
		if !above {
			return errors.New("a secondary bitmap without a data element above 64 (a MAC is in DE 64 then): want none")
		}
	}
	for _, de := range d.always {
		if !bits.IsSet(de) {
			return fmt.Errorf("no DE %d: want it in every message of %s", de, d.name)
		}
	}
	there := 0
	for _, de := range d.together {
		if bits.IsSet(de) {
			there++
		}
	}
	if there != 0 && there != len(d.together) {
		return fmt.Errorf("%d of DE %v: they come together or not at all", there, d.together)
	}
	return nil
}

// VerifyMAC verifies DE 64 or 128 of m, which Unpack made from src. verify gets it and all bytes before it.
//
// A message that must carry a MAC and does not is ErrNoMAC; one that need not and does not is fine. In cup an answer that refuses
// need not (a host that has no key for the terminal cannot). Any error of verify
// wraps ErrMAC and that error: whoever cannot verify a MAC must not act on the message.
func (d *Dialect) VerifyMAC(src []byte, m *Message, verify func(mac, data []byte) error) error {
	if len(m.MAC) == 0 {
		if d.Signed(m) && (d.bare == nil || !d.bare(d, m)) {
			return ErrNoMAC
		}
		return nil
	}
	at := len(src) - macLength
	if at < d.header+headLength || string(src[at:]) != string(m.MAC) {
		return fmt.Errorf("%w: the message is not the one these %d bytes hold", ErrMAC, len(src))
	}
	if err := verify(src[at:], src[d.header:at]); err != nil {
		return fmt.Errorf("%w: %w", ErrMAC, err)
	}
	return nil
}
