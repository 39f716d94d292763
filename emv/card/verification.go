package card

import "github.com/posim/posim/emv/security"

// results is what the card tells its issuer about the transaction, in its card verification results (part of tag 9F10).
type results struct {
	first, second         cryptogram
	issuerAuthenticated   bool // an ARPC was verified
	issuerFailed          bool
	issuerMissing         bool // the answer came without one
	unableToGoOnline      bool
	lastOnlineIncomplete  bool // the last online transaction got no second GENERATE AC
	lastIssuerFailed      bool
	newCard               bool // never completed an online transaction
	lowerLimit, overLimit bool // consecutive offline transactions
}

// layout is how a chip specification writes results, and the issuer application data around them. The bits are those of the
// specifications' public descriptions; what this card never does (PIN, DDA, scripts) is left at 0.
type layout struct {
	family string
	iad    func(dst []byte, v security.Version, keyIndex byte, r *results) []byte
}

var layouts = [...]layout{
	{"visa", func(dst []byte, v security.Version, keyIndex byte, r *results) []byte {
		return appendShortCVR(append(dst, 0x06, keyIndex, v.Number()), r)
	}},
	{"cup", func(dst []byte, v security.Version, keyIndex byte, r *results) []byte {
		// The last byte is the algorithm: 1 is TDES.
		return append(appendShortCVR(append(dst, 0x07, keyIndex, v.Number()), r), 0x01)
	}},
	{"mc", appendLongIAD},
}

func layoutOf(family string) *layout {
	for i := range layouts {
		if layouts[i].family == family {
			return &layouts[i]
		}
	}
	return nil
}

// appendShortCVR writes the four-byte CVR: its length, 3, then three bytes of bits.
func appendShortCVR(dst []byte, r *results) []byte {
	b1 := byte(r.second)&0xC0 | byte(r.first)>>2
	b1 |= bit(r.issuerFailed, 0x08) | bit(r.unableToGoOnline, 0x01)
	b2 := bit(r.lastOnlineIncomplete, 0x80) | bit(r.lowerLimit || r.overLimit, 0x20) | bit(r.newCard, 0x10) |
		bit(r.lastIssuerFailed, 0x08) | bit(r.issuerMissing, 0x04)
	return append(dst, 0x03, b1, b2, 0x00)
}

// appendLongIAD writes key index, version, the six-byte CVR, a data authentication code of zeros (there is no offline data
// authentication) and, for the versions that cover them, eight bytes of counters.
func appendLongIAD(dst []byte, v security.Version, keyIndex byte, r *results) []byte {
	b1 := byte(r.second)&0xC0 | byte(r.first)>>2
	b2 := bit(r.issuerAuthenticated, 0x10)
	b4 := bit(r.unableToGoOnline, 0x40) | 0x20 // offline PIN verification not performed
	b5 := bit(r.lowerLimit, 0x80) | bit(r.overLimit, 0x40) | bit(r.issuerFailed || r.lastIssuerFailed, 0x04)
	dst = append(dst, keyIndex, v.Number(), b1, b2, 0x00, b4, b5, 0x00, 0x00, 0x00)
	if v.CoversCounters() {
		dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0) // no cumulative amounts are kept
	}
	return dst
}

func bit(set bool, mask byte) byte {
	if set {
		return mask
	}
	return 0
}
