package card

import "github.com/posim/posim/emv/security"

// results is what the card tells its issuer about the transaction, in its card verification results (part of tag 9F10).
type results struct {
	first, second           cryptogram
	issuerAuthenticated     bool // an ARPC was verified
	issuerFailed            bool
	issuerMissing           bool // the answer came without one
	unableToGoOnline        bool
	lastOnlineIncomplete    bool // the last online transaction got no second GENERATE AC
	onlineNext              bool // the issuer asked last time to be asked now
	lastIssuerFailed        bool
	newCard                 bool // never completed an online transaction
	lowerLimit, overLimit   bool // consecutive offline transactions
	lowerAmount, overAmount bool // what they come to
	lastSDAFailed           bool // and the transaction was declined offline
	lastDDAFailed           bool

	pin                            bool // the card has an offline PIN; the rest says what became of it
	tries                          int  // left
	pinTried, pinOK, pinEnciphered bool
	pinExceeded                    bool
	pinClaimed                     bool // the terminal says that a PIN was right which the card has not seen right

	dda                 bool // INTERNAL AUTHENTICATE was answered
	cdaFirst, cdaSecond bool // the answer is signed
	code                [2]byte
	offline             int
	offlineAmount       int64

	scripts      int
	scriptFailed bool
	reason       byte // for an AAC
}

// reported completes the results with what the issuer application data carry beside them.
func (c *Card) reported(a *application, m *memory) *results {
	r := &c.results
	r.offline, r.offlineAmount = m.offline, m.offlineAmount
	r.code = [2]byte{}
	switch {
	case c.number != nil:
		copy(r.code[:], c.number)
	case a.auth != nil:
		r.code = a.auth.facts.dataAuthenticationCode
	}
	return r
}

// layout is how a chip specification writes results, and the issuer application data around them. The bits are those of the
// specifications' public descriptions; what this card never does is left at 0.
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

const maxIAD = 32 // Book 3, annex A

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
	b1 |= bit(r.issuerFailed, 0x08) | bit(r.pinTried, 0x04) | bit(r.pinTried && !r.pinOK, 0x02) | bit(r.unableToGoOnline, 0x01)
	b2 := bit(r.lastOnlineIncomplete, 0x80) | bit(r.pinExceeded, 0x40) |
		bit(r.lowerLimit || r.overLimit || r.lowerAmount || r.overAmount, 0x20) | bit(r.newCard, 0x10) |
		bit(r.lastIssuerFailed, 0x08) | bit(r.issuerMissing, 0x04) | bit(r.lastSDAFailed, 0x01)
	b3 := byte(r.scripts)<<4 | bit(r.scriptFailed, 0x08) | bit(r.lastDDAFailed, 0x04) | bit(r.dda || r.cdaFirst || r.cdaSecond, 0x02)
	return append(dst, 0x03, b1, b2, b3)
}

// appendLongIAD writes key index, version, the six-byte CVR, the data authentication code or the first bytes of the ICC
// dynamic number (zeros without offline data authentication) and, for the versions that cover them, eight bytes of counters:
// cumulative amount, six bytes BCD; consecutive transactions; filler.
func appendLongIAD(dst []byte, v security.Version, keyIndex byte, r *results) []byte {
	b1 := byte(r.second)&0xC0 | byte(r.first)>>2
	b1 |= bit(r.pinTried, 0x04) | bit(r.pinTried && r.pinEnciphered, 0x02) | bit(r.pinTried && r.pinOK, 0x01)
	b2 := bit(r.dda, 0x80) | bit(r.cdaFirst, 0x40) | bit(r.cdaSecond, 0x20) | bit(r.issuerAuthenticated, 0x10)
	b3 := byte(r.scripts) << 4
	if r.pin {
		b3 |= byte(r.tries)
	}
	b4 := bit(r.unableToGoOnline, 0x40) | bit(!r.pinTried, 0x20) | bit(r.pinTried && !r.pinOK, 0x10) | bit(r.pinExceeded, 0x08) |
		bit(r.pinClaimed, 0x01)
	b5 := bit(r.lowerLimit, 0x80) | bit(r.overLimit, 0x40) | bit(r.lowerAmount, 0x20) | bit(r.overAmount, 0x10) | bit(r.onlineNext, 0x08) |
		bit(r.issuerFailed || r.lastIssuerFailed, 0x04) | bit(r.scripts > 0, 0x02) | bit(r.scriptFailed, 0x01)
	dst = append(dst, keyIndex, v.Number(), b1, b2, b3, b4, b5, 0x00, r.code[0], r.code[1])
	if v.CoversCounters() {
		amount := r.offlineAmount
		var digits [6]byte
		for i := range digits {
			digits[5-i] = bcd(int(amount % 100))
			amount /= 100
		}
		dst = append(append(dst, digits[:]...), byte(r.offline), 0xFF)
	}
	return dst
}

func bit(set bool, mask byte) byte {
	if set {
		return mask
	}
	return 0
}
