package keyblock

// Hexadecimal digits of a key block are upper case (format H of X9.143); encoding/hex takes both.

const hexDigits = "0123456789ABCDEF"

// nibble is the value of an upper-case hexadecimal digit; ok is false for anything else.
func nibble(c byte) (n byte, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// hexNumber reads text as a number.
func hexNumber(text string) (n int, ok bool) {
	for i := range len(text) {
		d, ok := nibble(text[i])
		if !ok {
			return 0, false
		}
		n = n<<4 | int(d)
	}
	return n, true
}

// hexEnd is the position of the first character of text that is no digit, or its length.
func hexEnd(text string) int {
	for i := range len(text) {
		if _, ok := nibble(text[i]); !ok {
			return i
		}
	}
	return len(text)
}

// unhex fills dst from the digits of text, twice as many, which have been checked.
func unhex(dst []byte, text string) {
	for i := range dst {
		high, _ := nibble(text[2*i])
		low, _ := nibble(text[2*i+1])
		dst[i] = high<<4 | low
	}
}

func appendHex(dst, data []byte) []byte {
	for _, c := range data {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}
