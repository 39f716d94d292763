package dialect

import (
	"errors"
	"fmt"
	"slices"
)

// Spec is a dialect as its document has it: what New makes one of. Terminal and host take any *Dialect, so another acquirer's is one
// file, in any package; docs/dialect-example is such a file.
type Spec struct {
	Name     string
	MTIs     []string  // the messages it knows, answers too
	Elements []Element // its data elements but for the MAC; one above 64 brings a secondary bitmap
	Forms    []Form    // how it writes each kind

	// MACRequired tells which messages carry a MAC, in DE 64 or DE 128. nil: there is none in this dialect.
	MACRequired func(mti string) bool
	// NumbersBatches: terminals know their transactions by batch and STAN, and every message carries BatchNumber.
	NumbersBatches bool
	// LinesPerUpload is how many Details one KindUpload may have; 0: 1.
	LinesPerUpload int

	// Check refuses a message before it is packed that has a field without a data element; Done completes one whose data elements
	// have all been read. nil: nothing to do.
	Check, Done func(*Message) error
}

// Element is one data element of a Spec.
type Element struct {
	DE     int
	Name   string // of its standard
	Coding Coding
	Length int    // fixed, or the longest; digits, characters or bytes
	Prefix Prefix // of a variable length
	Filled bool   // shorter values are filled with spaces at the end, which Unpack takes away
	Secret bool   // the value is never shown, only its length
	Always bool   // it is in every message, and one without it is refused: what Get gives whatever the message is

	// Where the value lives in a Message: in a string, in bytes (CodeB), or in what Get and Set make of it. Get gives "" for an element
	// that is absent; Set gets no empty value. What Set takes, Get must give back as it was, and Set must refuse anything else: one
	// message has one form. Card number (2) and amount (4) live in their own places and have none of these.
	Text func(*Message) *string
	Data func(*Message) *[]byte
	Get  func(*Message) (string, error)
	Set  func(*Message, string) error
}

// Coding is how a data element is written, in the letters of ISO 8583.
type Coding = coding

// The codings.
const (
	CodeN    = codeN    // n: digits in BCD, an odd count with a leading zero nibble
	CodeLeft = codeLeft // n: digits in BCD, an odd count with a trailing zero nibble
	CodeZ    = codeZ    // z: track 2 or 3 in nibbles
	CodeAN   = codeAN   // an: letters and digits
	CodeANS  = codeANS  // ans: printable characters
	CodeAny  = codeAny  // ans that may hold any bytes
	CodeX    = codeX    // x+n: C or D, then an even count of digits in BCD
	CodeB    = codeB    // b: bytes
)

// Prefix is the length in front of a value: BCD, counting digits, characters or bytes.
type Prefix = variable

// The prefixes.
const (
	Fixed  Prefix = 0
	LLVAR  Prefix = 1
	LLLVAR Prefix = 2
)

// StandardElements are data elements as iso87-128 has them. It panics on one that is not there: that is a mistake in a table.
func StandardElements(des ...int) []Element {
	var list []Element
	for _, de := range des {
		e := iso128.byDE[de]
		if e == nil {
			panic(fmt.Sprintf("bug: DE %d is not a data element of iso87-128", de))
		}
		list = append(list, Element{DE: e.de, Name: e.name, Coding: e.coding, Length: e.length, Prefix: e.prefix, Filled: e.filled, Secret: e.secret,
			Text: e.text, Data: e.data, Get: e.get, Set: e.set})
	}
	return list
}

// New makes a dialect. Whatever is wrong with s is an error that names the data element, MTI or kind.
func New(s Spec) (*Dialect, error) {
	if s.Name == "" {
		return nil, errors.New("dialect: a dialect without a name")
	}
	b := book{
		name: s.Name, mtis: slices.Clone(s.MTIs), kinds: slices.Clone(s.Forms), lines: max(1, s.LinesPerUpload), batches: s.NumbersBatches, keys: iso87Keys,
		required: s.MACRequired,
		spread:   func(_ *Dialect, m *Message) (*Message, error) { return m, s.check(m) },
		gather:   func(_ *Dialect, m *Message) error { return s.done(m) },
	}
	if b.required == nil {
		b.required = func(string) bool { return false }
	}
	for i := range s.Elements {
		e := &s.Elements[i]
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("dialect: %s: DE %d: %w", s.Name, e.DE, err)
		}
		b.wide = b.wide || e.DE > macDE
		if e.Always {
			b.always = append(b.always, e.DE)
		}
		b.elements = append(b.elements, element{de: e.DE, name: e.Name, coding: e.Coding, length: e.Length, prefix: e.Prefix, filled: e.Filled, secret: e.Secret,
			text: e.Text, data: e.Data, get: e.Get, set: e.Set})
	}
	if s.MACRequired != nil {
		for _, de := range []int{macDE, secondMACDE} {
			if de == macDE || b.wide {
				e := *iso128.byDE[de]
				b.elements = append(b.elements, e)
			}
		}
	}
	slices.SortFunc(b.elements, func(x, y element) int { return x.de - y.de })
	for i := 1; i < len(b.elements); i++ {
		if b.elements[i].de == b.elements[i-1].de {
			return nil, fmt.Errorf("dialect: %s: DE %d twice", s.Name, b.elements[i].de)
		}
	}
	if err := s.checkForms(); err != nil {
		return nil, fmt.Errorf("dialect: %s: %w", s.Name, err)
	}
	return newDialect(b), nil
}

func (s *Spec) check(m *Message) error {
	if s.Check == nil {
		return nil
	}
	return s.Check(m)
}

func (s *Spec) done(m *Message) error {
	if s.Done == nil {
		return nil
	}
	return s.Done(m)
}

// check tells what is wrong with a row of the table.
func (e *Element) check() error {
	own := e.DE == primaryAccountNumber || e.DE == amountTransaction
	longest := map[Prefix]int{Fixed: 999, LLVAR: 99, LLLVAR: 999}[e.Prefix]
	homes := 0
	for _, there := range []bool{e.Text != nil, e.Data != nil, e.Get != nil && e.Set != nil} {
		if there {
			homes++
		}
	}
	switch {
	case e.DE < 2 || e.DE == macDE || e.DE == macDE+1 || e.DE >= secondMACDE:
		return errors.New("want one of 2 to 63 or 66 to 127: 1 and 65 announce bitmaps, 64 and 128 are the MAC, which MACRequired brings")
	case e.Name == "":
		return errors.New("no name")
	case e.Length < 1 || e.Length > longest:
		return fmt.Errorf("length %d: want 1 to %d", e.Length, longest)
	case e.Coding > codeB:
		return fmt.Errorf("coding %d is none", e.Coding)
	case e.Coding == codeX && (e.Length&1 == 0 || e.Prefix != Fixed):
		return errors.New("x+n: want a fixed and odd length, the letter and an even count of digits")
	case own && homes > 0:
		return errors.New("has a place of its own: want no Text, Data, Get or Set")
	case own && e.Coding != codeN && e.Coding != codeLeft, e.DE == amountTransaction && (e.Length != 12 || e.Prefix != Fixed):
		return errors.New("want digits, of an amount 12")
	case !own && (homes != 1 || (e.Get == nil) != (e.Set == nil)):
		return errors.New("want one of Text, Data, or Get with Set")
	case (e.Data != nil) != (e.Coding == codeB):
		return errors.New("want Data for bytes, and for nothing else")
	}
	return nil
}

// checkForms tells what is wrong with MTIs and forms. A request and its answer are both messages of the dialect, and no two kinds
// have the same numbers: nobody could tell them apart.
func (s *Spec) checkForms() error {
	for _, mti := range s.MTIs {
		if Class(mti) == ClassUnknown {
			return fmt.Errorf("MTI %q: want four digits of the 1987 edition", mti)
		}
		if answer := Response(mti); answer != "" && !slices.Contains(s.MTIs, answer) {
			return fmt.Errorf("MTI %s without its answer, %s", mti, answer)
		}
	}
	for i, f := range s.Forms {
		switch {
		case f.Kind == KindNone || f.Kind >= kinds:
			return fmt.Errorf("form %d: want a kind", i+1)
		case !slices.Contains(s.MTIs, f.MTI) || IsAnswer(f.MTI):
			return fmt.Errorf("%v: MTI %q is no request of it", f.Kind, f.MTI)
		}
		for _, other := range s.Forms[:i] {
			same := other
			if same.Kind = f.Kind; same == f && (other.Kind != f.Kind || !f.Variant) {
				return fmt.Errorf("%v and %v have the same numbers", other.Kind, f.Kind)
			}
			if other.Kind == f.Kind && !f.Variant {
				return fmt.Errorf("%v twice", f.Kind)
			}
		}
	}
	return nil
}
