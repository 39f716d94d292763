package keyblock

import "errors"

const (
	shortHead    = 4   // identifier, length in 2 hexadecimal digits
	extendedHead = 10  // identifier, 00, 04, length in 4 hexadecimal digits
	maxShort     = 255 // characters of a block with the short length
	minExtended  = maxShort + 1 + extendedHead - shortHead
)

// Optional is an optional block of the header: facts about the key beyond the fixed fields (X9.143, 6.3.6). Known blocks have
// a method that reads their value (KSN, CheckValue ...); others are kept as they are.
type Optional struct {
	ID   string // two characters, A-Z and 0-9
	Data string // printable ASCII
}

// readOptionals reads count optional blocks of text from position on, and returns where they end.
func readOptionals(text string, position, count int) ([]Optional, int, error) {
	if count == 0 {
		return nil, position, nil
	}
	if count*shortHead > len(text)-position { // before room is made for them
		return nil, 0, misplaced(12, "%d optional blocks do not fit in what follows", count)
	}
	blocks := make([]Optional, 0, count)
	for i := range count {
		o, n, err := readOptional(text, position)
		if err != nil {
			return nil, 0, err
		}
		if err := o.fits(blocks, i == count-1); err != nil {
			return nil, 0, misplaced(position, "optional block %q: %v", o.ID, err)
		}
		if err := o.readable(); err != nil {
			return nil, 0, misplaced(position, "optional block %q: %v", o.ID, err)
		}
		blocks = append(blocks, o)
		position += n
	}
	return blocks, position, nil
}

// readOptional reads one block at a position and returns how many characters it has.
//
// A length of 00 is followed by the number of characters, not bytes, of the true length, 04, and the length (X9.143, 6.2,
// table 1; examples 8.5 and 8.6). There are programs that count bytes there and write 02: their blocks are refused, since read
// by the standard they mean something else.
func readOptional(text string, position int) (o Optional, n int, err error) {
	rest := text[position:]
	if len(rest) < shortHead {
		return o, 0, misplaced(position, "ends in an optional block: want its identifier and length")
	}
	if !alphanumeric(rest[0]) || !alphanumeric(rest[1]) {
		return o, 0, misplaced(position, "identifier of an optional block: want two of A-Z and 0-9")
	}
	o.ID = rest[:2]
	head := shortHead
	n, ok := hexNumber(rest[2:4])
	if !ok {
		return o, 0, misplaced(position+2, "length of optional block %q: want 2 hexadecimal digits, upper case", o.ID)
	}
	least := shortHead
	if n == 0 {
		head, least = extendedHead, minExtended // a shorter block has the short length: one spelling each
		if len(rest) < extendedHead {
			return o, 0, misplaced(position+4, "ends in the extended length of optional block %q", o.ID)
		}
		if rest[4:6] != "04" {
			return o, 0, misplaced(position+4, "length of the length of optional block %q: want 04, which counts hexadecimal digits", o.ID)
		}
		if n, ok = hexNumber(rest[6:10]); !ok {
			return o, 0, misplaced(position+6, "extended length of optional block %q: want 4 hexadecimal digits, upper case", o.ID)
		}
	}
	if n < least || n > len(rest) {
		return o, 0, misplaced(position+2, "length %d of optional block %q: want %d to %d", n, o.ID, least, len(rest))
	}
	o.Data = rest[head:n]
	if !printable(o.Data) {
		return o, 0, misplaced(position+head, "data of optional block %q: want printable ASCII", o.ID)
	}
	return o, n, nil
}

// validOptionals checks blocks that are going to be written.
func validOptionals(blocks []Optional) error {
	if len(blocks) > maxOptionals {
		return fail(ErrFormat, "%d optional blocks: want at most %d", len(blocks), maxOptionals)
	}
	for i, o := range blocks {
		switch err := o.fits(blocks[:i], i == len(blocks)-1); {
		case len(o.ID) != 2 || !alphanumeric(o.ID[0]) || !alphanumeric(o.ID[1]):
			return fail(ErrFormat, "optional block %d: identifier: want two of A-Z and 0-9", i+1)
		case len(o.Data) > maxLength:
			return fail(ErrFormat, "optional block %q: %d characters: want at most %d", o.ID, len(o.Data), maxLength)
		case !printable(o.Data):
			return fail(ErrFormat, "optional block %q: want printable ASCII", o.ID)
		case err != nil:
			return fail(ErrFormat, "optional block %q: %v", o.ID, err)
		}
		if err := o.Valid(); err != nil {
			return fail(ErrFormat, "optional block %q: %v", o.ID, err)
		}
	}
	return nil
}

// fits tells whether a block may follow others: no identifier twice, and PB stands last (X9.143, 6.3.6).
func (o *Optional) fits(before []Optional, last bool) error {
	for i := range before {
		if before[i].ID == o.ID {
			return errors.New("stands there twice: want it once")
		}
	}
	if o.ID == idPadding && !last {
		return errors.New("others follow: want it last")
	}
	return nil
}

// size is the number of characters that append makes.
func (o *Optional) size() int {
	if n := shortHead + len(o.Data); n <= maxShort {
		return n
	}
	return extendedHead + len(o.Data)
}

func (o *Optional) append(dst []byte) []byte {
	dst = append(dst, o.ID...)
	n := o.size()
	if n > maxShort {
		dst = append(dst, "0004"...)
		dst = append(dst, hexDigits[n>>12&15], hexDigits[n>>8&15])
	}
	dst = append(dst, hexDigits[n>>4&15], hexDigits[n&15])
	return append(dst, o.Data...)
}
