package security

// ValidOn tells whether something that expires at the end of a month, MMYY, is valid on a day, YYYYMMDD: the last day of
// the month counts (Book 2, 5.3 step 8 and 6.4 step 8). Years 00 to 49 are 20xx, 50 to 99 are 19xx (Book 4, 6.7.3).
// What is no month in BCD is never valid.
func ValidOn(expiration [2]byte, today int64) bool {
	month, ok1 := bcd(expiration[0])
	year, ok2 := bcd(expiration[1])
	if !ok1 || !ok2 || month < 1 || month > 12 {
		return false
	}
	year += 2000
	if year >= 2050 {
		year -= 100
	}
	return today/100 <= year*100+month
}

func bcd(c byte) (int64, bool) { return int64(c>>4)*10 + int64(c&15), c>>4 <= 9 && c&15 <= 9 }

// IdentifierMatches tells whether a certificate's issuer identifier is the leftmost 3 to 8 digits of a PAN, padded with F
// (Book 2, 5.3 step 7).
func IdentifierMatches(id [4]byte, pan string) bool {
	n, ok := leading(id[:], pan)
	return ok && n >= 3
}

// PANMatches tells whether a certificate's PAN is this one, padded with F (Book 2, 6.4 step 7).
func PANMatches(p [10]byte, pan string) bool {
	n, ok := leading(p[:], pan)
	return ok && n == len(pan) && n > 0
}

// leading counts the digits of packed in front of its padding; ok: there is only padding behind them, and pan begins with them.
func leading(packed []byte, pan string) (n int, ok bool) {
	padding := false
	for i := range 2 * len(packed) {
		nibble := packed[i/2] >> 4
		if i%2 == 1 {
			nibble = packed[i/2] & 15
		}
		switch {
		case nibble == 15:
			padding = true
		case padding || nibble > 9 || i >= len(pan) || pan[i] != '0'+nibble:
			return 0, false
		default:
			n++
		}
	}
	return n, true
}
