package emv

// Because answers why a transaction ended as it did: of all its decisions, in their order, those on which it turned, and for
// every bit of the TVR on which they turned, the one that set it.
func Because(all []Decision) []Decision {
	var why [5]byte // bits of the TVR whose origin is to be found
	for _, d := range all {
		for i := range why {
			why[i] |= d.Matched[i]
		}
	}
	var picked []Decision
	for _, d := range all {
		if d.Decisive || sets(&d, why) {
			picked = append(picked, d)
		}
	}
	return picked
}

// sets tells whether a decision set one of the bits.
func sets(d *Decision, bits [5]byte) bool {
	for i, b := range bits {
		if d.TVR[i]&^d.TVRBefore[i]&b != 0 {
			return true
		}
	}
	return false
}
