package dialect

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/padding"

	"github.com/posim/posim/internal/pan"
)

// coding is how a data element is written, in the letters of ISO 8583.
type coding byte

const (
	codeN    coding = iota // n: digits in BCD, an odd count with a leading zero nibble
	codeLeft               // n: digits in BCD, an odd count with a trailing zero nibble
	codeZ                  // z: track 2 or 3 in nibbles
	codeHex                // hexadecimal digits in nibbles, an odd count with a trailing zero nibble
	codeAN                 // an: letters and digits
	codeANS                // ans: printable characters
	codeWide               // ans in any coding of more than ASCII (GBK, UTF-8): no control characters
	codeAny                // ans that a document calls so and that holds any bytes
	codeX                  // x+n: C or D in ASCII, then an even count of digits in BCD
	codeB                  // b: bytes
)

// element is one row of a dialect's table: a data element, its coding, and where its value lives in a Message.
type element struct {
	de     int
	name   string
	coding coding
	length int      // fixed, or the longest; digits, characters or bytes
	prefix variable // 0: fixed length; 1: LLVAR; 2: LLLVAR
	filled bool     // shorter values are filled with spaces at the end, which Unpack takes away
	secret bool     // the value is never shown, only its length
	zero   bool     // digits that have one more in front in a Message, a zero
	filler byte     // codeZ: the nibble after an odd count

	enciphered bool // codeZ: a part of it may be

	// Where the value lives: in a string, in bytes, or in several fields of which it is put together. The card number (DE 2) and the
	// amount (DE 4) have none of these. set gets no empty value; get gives one for an absent element.
	text func(*Message) *string
	data func(*Message) *[]byte
	get  func(*Message) (string, error)
	set  func(*Message, string) error

	note  func(*Message) string         // what the element means in this message, behind its name; nil: nothing to add
	shown func(*Message, string) string // what people see instead of the value; nil: the value

	spec *field.Spec
}

const (
	primaryAccountNumber = 2
	amountTransaction    = 4
	pinData              = 52
	iccSystemRelatedData = 55
	reservedPrivate62    = 62
	maxAmount            = 999_999_999_999 // n12
)

// fieldSpec makes the moov-io/iso8583 spec of e.
func (e *element) fieldSpec() *field.Spec {
	s := &field.Spec{Length: e.length, Description: e.name, Pref: fixed{}}
	if e.prefix > 0 {
		s.Pref = e.prefix
	}
	if e.filled {
		s.Pad = padding.Right(' ')
	}
	switch e.coding {
	case codeN:
		s.Enc = digits{}
	case codeLeft:
		s.Enc = nibbles{last: 9}
	case codeHex:
		s.Enc = nibbles{last: 15}
	case codeZ:
		s.Enc = track2{filler: e.filler, any: e.enciphered}
	case codeAN:
		s.Enc = text{alphanumeric: true}
	case codeANS:
		s.Enc = text{}
	case codeWide:
		s.Enc = text{wide: true}
	case codeAny:
		s.Enc = anything{}
	case codeX:
		s.Enc = signed{}
	case codeB:
		s.Enc = octets{}
	}
	return s
}

// field makes the moov-io/iso8583 field of e.
func (e *element) field() field.Field {
	if e.coding == codeB {
		return field.NewBinary(e.spec)
	}
	return field.NewString(e.spec)
}

// value returns the text of e in m; "" if it is absent. Not for the elements in bytes.
func (e *element) value(m *Message) (string, error) {
	switch e.de {
	case primaryAccountNumber:
		return m.PrimaryAccountNumber.Digits(), nil
	case amountTransaction:
		return amountDigits(m)
	}
	if e.get != nil {
		return e.get(m)
	}
	s := *e.text(m)
	switch {
	case e.zero && s != "" && s[0] != '0':
		return "", fmt.Errorf("begins with %q: want a zero, which the wire has no place for", s[0])
	case e.zero && s != "":
		return s[1:], nil
	case e.filled && strings.HasSuffix(s, " "):
		// Two texts for one value would make two keys of one transaction.
		return "", errors.New("ends in a space: want it without the filler")
	case e.filled && len(s) > e.length:
		return "", fmt.Errorf("length %d exceeds %d", len(s), e.length)
	}
	return s, nil
}

func amountDigits(m *Message) (string, error) {
	a := m.AmountTransaction
	switch {
	case !m.HasAmount && a != 0:
		return "", errors.New("an amount without HasAmount")
	case !m.HasAmount:
		return "", nil
	case a < 0 || a > maxAmount:
		return "", fmt.Errorf("amount %d: want 0 to %d minor units", a, int64(maxAmount))
	}
	var d [12]byte
	for i := len(d) - 1; i >= 0; i-- {
		d[i] = byte('0' + a%10)
		a /= 10
	}
	return string(d[:]), nil
}

// setValue is the way back of value. s is not empty.
func (e *element) setValue(m *Message, s string) (err error) {
	switch e.de {
	case primaryAccountNumber:
		m.PrimaryAccountNumber, err = pan.Parse(s)
		return err
	case amountTransaction:
		m.HasAmount = true
		m.AmountTransaction, err = strconv.ParseInt(s, 10, 64) // twelve digits always fit
		return err
	}
	switch {
	case e.set != nil:
		return e.set(m, s)
	case e.zero && !isDigits(s):
		return fmt.Errorf("want %d digits", e.length)
	case e.zero:
		s = "0" + s
	}
	*e.text(m) = s
	return nil
}

// appendTo appends e as m has it to dst, and tells whether it is there.
func (e *element) appendTo(dst []byte, m *Message) ([]byte, bool, error) {
	var v []byte
	if e.data != nil {
		v = *e.data(m)
	} else {
		text, err := e.value(m)
		if err != nil {
			return dst, false, err
		}
		v = []byte(text)
	}
	if len(v) == 0 {
		return dst, false, nil
	}
	dst, err := e.pack(dst, v)
	return dst, err == nil, err
}

// pack writes the length, if the element has one, and the content. It does what a Field of the library does with its value, in the place
// where the message is, and not in three others before.
func (e *element) pack(dst, v []byte) ([]byte, error) {
	if e.spec.Pad != nil {
		v = e.spec.Pad.Pad(v, e.spec.Length)
	}
	content, err := e.spec.Enc.Encode(v)
	if err != nil {
		return dst, cause(err)
	}
	length, err := e.spec.Pref.EncodeLength(e.spec.Length, len(v))
	if err != nil {
		return dst, cause(err)
	}
	return append(append(dst, length...), content...), nil
}

// unpack undoes pack. Bytes are a copy; text may still be a part of src.
func (e *element) unpack(src []byte) (v []byte, read int, err error) {
	length, prefix, err := e.spec.Pref.DecodeLength(e.spec.Length, src)
	if err != nil {
		return nil, 0, cause(err)
	}
	if v, read, err = e.spec.Enc.Decode(src[prefix:], length); err != nil {
		return nil, 0, cause(err)
	}
	if e.spec.Pad != nil {
		v = e.spec.Pad.Unpad(v)
	}
	return v, prefix + read, nil
}

// read decodes e from the front of src into m and returns how many bytes it took. m keeps no part of src.
func (e *element) read(src []byte, m *Message) (int, error) {
	v, read, err := e.unpack(src)
	switch {
	case err != nil:
		return 0, err
	case e.data != nil:
		*e.data(m) = v
		return read, nil
	case len(v) == 0:
		return 0, errors.New("nothing but filler")
	}
	return read, e.setValue(m, string(v))
}
