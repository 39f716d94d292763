package hsm

// weak tells whether a TDES key of 16 or 24 bytes with odd parity is refused: a part that is one of the 64 weak, semi-weak
// and possibly weak DES keys (SP 800-67, 3.4.2), or two parts that are equal, which makes it a weaker cipher than it says.
func weak(key []byte) bool {
	parts := len(key) / 8
	for i := range parts {
		part := key[8*i : 8*i+8]
		if weakDES(part) {
			return true
		}
		for j := range i {
			if string(key[8*j:8*j+8]) == string(part) {
				return true
			}
		}
	}
	return false
}

// weakDES knows the 64 keys by their build: each of the four left bytes is 01, 1F, E0 or FE; the right bytes say the same
// in their own spelling, 01, 0E, F1 or FE; and with the four spellings counted 0 to 3 the left bytes XOR to zero.
func weakDES(key []byte) bool {
	const left, right = "\x01\x1F\xE0\xFE", "\x01\x0E\xF1\xFE"
	sum := 0
	for i := range 4 {
		n := -1
		for j := range 4 {
			if key[i] == left[j] && key[4+i] == right[j] {
				n = j
			}
		}
		if n < 0 {
			return false
		}
		sum ^= n
	}
	return sum == 0
}
