package cardvalue

import (
	"fmt"

	"github.com/posim/posim/internal/crypt"
)

// maxTrack is the most of a track's static data: track 1 has 79 characters (ISO/IEC 7813), track 2 fewer bytes.
const maxTrack = 79

// IVCVC3 computes the initial vector of a card's CVC3 from a track's static data (its template, with zeros where the
// transaction writes): the last two bytes of the retail MAC with padding method 2. k is the card's key for CVC3, derived
// by EMV option A by the caller. ErrInput when the track is empty or longer than any.
func IVCVC3(w *Work, k *crypt.RetailMAC, track []byte) (iv [2]byte, err error) {
	if len(track) == 0 || len(track) > maxTrack {
		return iv, fmt.Errorf("%w: track template of %d bytes: want 1 to %d", ErrInput, len(track), maxTrack)
	}
	defer w.wipe()
	k.Sum2(&w.out, track)
	copy(iv[:], w.out[6:])
	return iv, nil
}

// CVC3 computes Mastercard's dynamic value of a contactless transaction with magnetic stripe data: five decimal digits,
// in ASCII, of which the track takes the last ones it has room for. k is the card's key, as for IVCVC3; un is the
// unpredictable number (tag 9F6A, packed digits), atc the card's transaction counter (tag 9F36).
func CVC3(w *Work, k *crypt.RetailMAC, iv [2]byte, un [4]byte, atc [2]byte) (v [5]byte) {
	defer w.wipe()
	copy(w.in[:], iv[:])
	copy(w.in[2:], un[:])
	copy(w.in[6:], atc[:])
	k.Sum(&w.out, w.in[:8]) // one block: TDES
	n := uint(w.out[6])<<8 | uint(w.out[7])
	for i := len(v) - 1; i >= 0; i-- {
		v[i] = byte('0' + n%10)
		n /= 10
	}
	return v
}
