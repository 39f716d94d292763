package keyblock

import "strings"

const (
	headerSize   = 16   // characters before the optional blocks
	maxLength    = 9999 // of a block: four decimal digits
	maxOptionals = 99   // two decimal digits
)

// Header says what a key is for. It is not secret; the MAC binds it to the key (X9.143, 6.2, table 1).
type Header struct {
	Version       byte   // A, B, C, D or E
	Usage         string // two characters, A-Z and 0-9: "P0" is a PIN encryption key
	Algorithm     byte   // A AES, T TDES, H HMAC, R RSA ...
	Mode          byte   // of use: E encrypt, N no restriction ...
	KeyVersion    string // two characters; "00" if there are no versions; c and a digit or letter for a component
	Exportability byte   // E, N or S
	Context       byte   // 0, 1 or 2: where the block may be kept (X9.143:2021); 0 as a byte means the character 0
	Optional      []Optional
}

// Find returns the optional block with an identifier.
func (h Header) Find(id string) (Optional, bool) {
	for _, o := range h.Optional {
		if o.ID == id {
			return o, true
		}
	}
	return Optional{}, false
}

// ParseHeader reads a header that stands alone, with its optional blocks, and no payload behind. Its length digits are those of
// a block that is not there: they must be digits, and that is all. The header need not be padded to whole blocks: Wrap does that.
func ParseHeader(text string) (Header, error) {
	h, n, err := readHeader(text)
	if err != nil {
		return Header{}, err
	}
	if n != len(text) {
		return Header{}, misplaced(n, "%d characters after the header: want none", len(text)-n)
	}
	return h, nil
}

// Encode prints the header as the beginning of a block of length characters.
func (h Header) Encode(length int) (string, error) {
	if err := h.valid(); err != nil {
		return "", err
	}
	text := h.append(nil, length)
	if length < len(text) || length > maxLength {
		return "", fail(ErrFormat, "block of %d characters: want %d to %d", length, len(text), maxLength)
	}
	return string(text), nil
}

// readHeader reads the header at the beginning of text, and returns how many characters it has with its optional blocks.
func readHeader(text string) (h Header, n int, err error) {
	if len(text) < headerSize {
		return Header{}, 0, misplaced(len(text), "ends in the header: want %d characters", headerSize)
	}
	h = Header{
		Version: text[0], Usage: text[5:7], Algorithm: text[7], Mode: text[8],
		KeyVersion: text[9:11], Exportability: text[11], Context: text[14],
	}
	if err := h.validFields(); err != nil {
		return Header{}, 0, err
	}
	if h.Context == 0 { // which in a Header is the context's default
		return Header{}, 0, misplaced(14, "key context: want 0, 1 or 2")
	}
	if _, ok := decimal(text[1:5]); !ok {
		return Header{}, 0, misplaced(1, "length: want 4 decimal digits")
	}
	count, ok := decimal(text[12:14])
	if !ok {
		return Header{}, 0, misplaced(12, "number of optional blocks: want 2 decimal digits")
	}
	if text[15] != '0' {
		return Header{}, 0, misplaced(15, "reserved: want 0")
	}
	h.Optional, n, err = readOptionals(text, headerSize, count)
	if err != nil {
		return Header{}, 0, err
	}
	return h, n, nil
}

// validFields checks the syntax of the fields at fixed positions.
func (h *Header) validFields() error {
	if _, err := findVersion(h.Version); err != nil {
		return err
	}
	switch {
	case len(h.Usage) != 2 || !alphanumeric(h.Usage[0]) || !alphanumeric(h.Usage[1]):
		return misplaced(5, "key usage: want two of A-Z and 0-9")
	case !alphanumeric(h.Algorithm):
		return misplaced(7, "algorithm: want one of A-Z and 0-9")
	case !alphanumeric(h.Mode):
		return misplaced(8, "mode of use: want one of A-Z and 0-9")
	case len(h.KeyVersion) != 2 || !alphanumeric(h.KeyVersion[0]) && h.KeyVersion[0] != 'c' || !alphanumeric(h.KeyVersion[1]):
		return misplaced(9, "key version number: want two of A-Z and 0-9, or c and one of them")
	case !alphanumeric(h.Exportability):
		return misplaced(11, "exportability: want one of A-Z and 0-9")
	case h.Context != 0 && (h.Context < '0' || h.Context > '2'):
		return misplaced(14, "key context: want 0, 1 or 2")
	}
	return nil
}

// valid checks a header that is going to be written.
func (h *Header) valid() error {
	if err := h.validFields(); err != nil {
		return err
	}
	return validOptionals(h.Optional)
}

// append prints a valid header.
func (h *Header) append(dst []byte, length int) []byte {
	dst = append(dst, h.Version)
	dst = appendDecimal(dst, length, 4)
	dst = append(dst, h.Usage...)
	dst = append(dst, h.Algorithm, h.Mode)
	dst = append(dst, h.KeyVersion...)
	dst = append(dst, h.Exportability)
	dst = appendDecimal(dst, len(h.Optional), 2)
	dst = append(dst, max(h.Context, '0'), '0')
	for _, o := range h.Optional {
		dst = o.append(dst)
	}
	return dst
}

// size is the number of characters that append makes.
func (h *Header) size() int {
	n := headerSize
	for _, o := range h.Optional {
		n += o.size()
	}
	return n
}

// padded returns the header with a padding block at its end, if it is not whole blocks without (X9.143, 6.3.6, PB). A padding
// block that is there already is left as it is, and must do.
func (h Header) padded(block int) (Header, error) {
	gap := (block - h.size()%block) % block
	if gap == 0 {
		return h, nil
	}
	if _, found := h.Find(idPadding); found {
		return h, fail(ErrFormat, "header of %d characters: want a multiple of %d: leave PB out to have it made", h.size(), block)
	}
	if gap < shortHead {
		gap += block
	}
	if len(h.Optional) == maxOptionals {
		return h, fail(ErrFormat, "header of %d characters: no place for PB after %d optional blocks", h.size(), maxOptionals)
	}
	optional := make([]Optional, len(h.Optional), len(h.Optional)+1) // the caller's array stays as it is
	copy(optional, h.Optional)
	h.Optional = append(optional, Optional{ID: idPadding, Data: strings.Repeat("0", gap-shortHead)})
	return h, nil
}

func alphanumeric(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' }

// printable tells whether text is readable ASCII throughout.
func printable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// decimal reads text as digits.
func decimal(text string) (n int, ok bool) {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		n = n*10 + int(text[i]-'0')
	}
	return n, true
}

func appendDecimal(dst []byte, n, digits int) []byte {
	for range digits {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; digits > 0; i, digits, n = i-1, digits-1, n/10 {
		dst[i] = '0' + byte(n%10)
	}
	return dst
}
