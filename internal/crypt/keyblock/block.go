package keyblock

// Parse reads the header of a whole block without its protection key, and returns it with the block's length in characters.
// All that can be known without the key is checked: lengths, characters, optional blocks. Who made the block cannot be known,
// so nothing in the header may be trusted.
func Parse(block string) (Header, int, error) {
	p, err := split(block)
	if err != nil {
		return Header{}, 0, err
	}
	return p.header, len(block), nil
}

// parts are the pieces of a block.
type parts struct {
	version *version
	header  Header
	text    string // the header as it stands
	payload string // hexadecimal digits
	mac     string // hexadecimal digits
}

// split takes a block apart.
func split(block string) (p parts, err error) {
	if len(block) > maxLength {
		return p, fail(ErrFormat, "block of %d characters: want at most %d", len(block), maxLength)
	}
	h, n, err := readHeader(block)
	if err != nil {
		return p, err
	}
	v, err := findVersion(h.Version)
	if err != nil {
		return p, err
	}
	if length, _ := decimal(block[1:5]); length != len(block) {
		return p, misplaced(1, "length %d: the block has %d characters", length, len(block))
	}
	if n%v.block != 0 {
		return p, misplaced(n, "header of %d characters: want a multiple of %d (padding block PB)", n, v.block)
	}
	body := block[n:]
	size := len(body) - 2*v.mac
	if size < 2*v.block || size%2 != 0 || !v.stream && size%(2*v.block) != 0 {
		return p, misplaced(n, "payload of %d characters: want whole blocks of %d, and a MAC of %d", max(size, 0), 2*v.block, 2*v.mac)
	}
	if i := hexEnd(body); i < len(body) {
		return p, misplaced(n+i, "want a hexadecimal digit, upper case")
	}
	return parts{v, h, block[:n], body[:size], body[size:]}, nil
}
