package terminal

import (
	"fmt"
	"strings"

	"github.com/posim/posim/internal/pan"
)

// A stripe has up to three tracks. Tracks 1 and 2 are ISO/IEC 7813, track 3 is ISO/IEC 4909; their characters and check
// characters are ISO/IEC 7811-2. An error names the track and the field, and quotes nothing of either.

// encoding is how a track is written.
type encoding struct {
	start     byte // sentinel
	separator byte
	base      byte // the character whose code is 0
	bits      int  // of a character, without parity
	most      int  // characters between the sentinels
}

// endSentinel ends every track.
const endSentinel = '?'

var encodings = [...]encoding{
	1: {'%', '^', 0x20, 6, 76},
	2: {';', '=', 0x30, 4, 37},
	3: {';', '=', 0x30, 4, 104},
}

// trackError is what is wrong with a field of a track.
func trackError(track int, field, format string, args ...any) error {
	return fmt.Errorf("terminal: track %d: %s: %s", track, field, fmt.Sprintf(format, args...))
}

// unframe takes the sentinels and the LRC off, where a reader gives them: both sentinels or none, and the LRC only behind them.
func unframe(track int, s string) (string, error) {
	e := encodings[track]
	data := s
	if strings.IndexByte(s, e.start) == 0 {
		end := strings.IndexByte(s, endSentinel)
		if end < 0 {
			return "", trackError(track, "end sentinel", "missing")
		}
		lrc := s[end+1:]
		data = s[1:end]
		switch {
		case len(lrc) > 1:
			return "", trackError(track, "LRC", "want one character behind the end sentinel, or none")
		case len(lrc) == 1 && lrc[0] != e.lrc(s[:end+1]):
			return "", trackError(track, "LRC", "wrong")
		}
	}
	if len(data) > e.most {
		return "", trackError(track, "length", "more than %d characters", e.most)
	}
	for i := range len(data) {
		if c := data[i]; c < e.base || c >= e.base+1<<e.bits || c == e.start || c == endSentinel {
			return "", trackError(track, "characters", "character %d of %d does not belong there", i+1, len(data))
		}
	}
	return data, nil
}

// lrc is the longitudinal redundancy check of everything from sentinel to sentinel, as the character it is (ISO/IEC 7811-2).
func (e encoding) lrc(framed string) byte {
	var sum byte
	for i := range len(framed) {
		sum ^= framed[i] - e.base
	}
	return sum&(1<<e.bits-1) + e.base
}

// trackReader takes the fields of a track off one after the other. The first error stays.
type trackReader struct {
	track int
	rest  string
	err   error
}

func (r *trackReader) fail(field, format string, args ...any) {
	if r.err == nil {
		r.err = trackError(r.track, field, format, args...)
	}
}

// digits takes n decimal digits.
func (r *trackReader) digits(field string, n int) string {
	if r.err != nil {
		return ""
	}
	if len(r.rest) < n || !digits(r.rest[:n], n) {
		r.fail(field, "want %d digits", n)
		return ""
	}
	v := r.rest[:n]
	r.rest = r.rest[n:]
	return v
}

// optional takes n decimal digits, or the separator that stands for their absence.
func (r *trackReader) optional(field string, n int) string {
	if r.err == nil && r.rest != "" && r.rest[0] == encodings[r.track].separator {
		r.rest = r.rest[1:]
		return ""
	}
	return r.digits(field, n)
}

// until takes what stands before the separator, and the separator.
func (r *trackReader) until(field string, least, most int) string {
	v, rest, found := strings.Cut(r.rest, string(encodings[r.track].separator))
	switch {
	case r.err != nil:
		return ""
	case !found:
		r.fail(field, "no separator behind it")
		return ""
	case len(v) < least || len(v) > most:
		r.fail(field, "want %d to %d characters", least, most)
		return ""
	}
	r.rest = rest
	return v
}

// cardNumber takes the primary account number and the separator behind it.
func (r *trackReader) cardNumber() (number pan.PAN) {
	v := r.until("card number", 12, 19)
	if r.err != nil {
		return number
	}
	number, err := pan.Parse(v)
	switch {
	case err != nil:
		r.fail("card number", "want 12 to 19 digits")
	case !number.LuhnValid():
		r.fail("card number", "the check digit is wrong")
	}
	return number
}

// expiry takes YYMM. ISO/IEC 7813 lets an issuer leave it out; a payment terminal cannot work with such a card.
func (r *trackReader) expiry() string {
	v := r.digits("expiry", 4)
	if r.err == nil && (v[2:] < "01" || v[2:] > "12") {
		r.fail("expiry", "want YYMM")
	}
	return v
}

// track1 is track 1 in format B (ISO/IEC 7813).
type track1 struct {
	number        pan.PAN
	name          string
	expiry        string // YYMM
	service       serviceCode
	discretionary string
}

func parseTrack1(s string) (t track1, err error) {
	data, err := unframe(1, s)
	if err != nil {
		return t, err
	}
	if !strings.HasPrefix(data, "B") {
		return t, trackError(1, "format code", "want B: any other is an issuer's own")
	}
	r := &trackReader{track: 1, rest: data[1:]}
	t.number = r.cardNumber()
	t.name = r.until("name", 2, 26)
	t.expiry = r.expiry()
	t.service = serviceCode(r.digits("service code", 3))
	t.discretionary = r.rest
	if strings.IndexByte(t.discretionary, '^') >= 0 {
		r.fail("discretionary data", "a separator stands in it")
	}
	return t, r.err
}

// track2 is track 2 (ISO/IEC 7813).
type track2 struct {
	number        pan.PAN
	expiry        string // YYMM
	service       serviceCode
	discretionary string
	data          string // all of it, without sentinels: DE 35
}

func parseTrack2(s string) (t track2, err error) {
	if t.data, err = unframe(2, s); err != nil {
		return t, err
	}
	r := &trackReader{track: 2, rest: t.data}
	t.number = r.cardNumber()
	t.expiry = r.expiry()
	t.service = serviceCode(r.digits("service code", 3))
	t.discretionary = r.rest
	if !digits(t.discretionary, len(t.discretionary)) {
		r.fail("discretionary data", "want digits")
	}
	return t, r.err
}

// track3 is track 3 in format 01 or 02 (ISO/IEC 4909), whose fields are a bank's own book-keeping on the card. No message of
// this terminal carries it: it is read so that a stripe with three tracks is read, and what is on it can be named.
type track3 struct {
	format                                  string // 01, 02
	number                                  string // "": on track 2 only
	country, currency, exponent             string
	authorised, remaining                   string // amounts of the cycle
	cycleBegin, cycleLength                 string
	retryCount, pinControl                  string
	interchange                             string
	restriction, restriction1, restriction2 string // type of account and service restriction: of the number, of both subsidiaries
	expiry, sequenceNumber, securityNumber  string
	subsidiary1, subsidiary2                string
	relayMarker, checkDigits                string
	additional                              string
}

func parseTrack3(s string) (t track3, err error) {
	data, err := unframe(3, s)
	if err != nil {
		return t, err
	}
	r := &trackReader{track: 3, rest: data}
	t.format = r.digits("format code", 2)
	if r.err == nil && t.format != "01" && t.format != "02" {
		r.fail("format code", "want 01 or 02: any other is an issuer's own")
	}
	t.number = r.until("card number", 0, 19)
	t.country = r.optional("country code", 3)
	t.currency = r.digits("currency", 3)
	t.exponent = r.digits("currency exponent", 1)
	t.authorised = r.digits("amount authorised per cycle", 4)
	t.remaining = r.digits("amount remaining this cycle", 4)
	t.cycleBegin = r.digits("cycle begin", 4)
	t.cycleLength = r.digits("cycle length", 2)
	t.retryCount = r.digits("retry count", 1)
	t.pinControl = r.optional("PIN control parameters", 6)
	t.interchange = r.digits("interchange control", 1)
	t.restriction = r.digits("type of account and service restriction", 2)
	t.restriction1 = r.digits("type of account and service restriction 1", 2)
	t.restriction2 = r.digits("type of account and service restriction 2", 2)
	t.expiry = r.optional("expiry", 4)
	t.sequenceNumber = r.digits("card sequence number", 1)
	t.securityNumber = r.optional("card security number", 9)
	t.subsidiary1 = r.until("first subsidiary account number", 0, 104)
	t.subsidiary2 = r.until("second subsidiary account number", 0, 104)
	t.relayMarker = r.digits("relay marker", 1)
	t.checkDigits = r.optional("crypto check digits", 6)
	t.additional = r.rest
	return t, r.err
}
