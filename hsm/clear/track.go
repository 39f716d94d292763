package clear

// The shortest track whose block for encryption lies within it: nine whole bytes.
const minTrack, maxTrack = 17, 107

// TrackEncryptionSource is the block of a track that a terminal of China UnionPay's dialect encrypts in place: the track packed two
// characters to a byte, '=' as D, its last byte left out, and of the rest the last eight bytes. The track is given without its
// sentinels.
func TrackEncryptionSource(track string) ([]byte, error) {
	if len(track) < minTrack || len(track) > maxTrack {
		return nil, &Error{"track", ErrLength, plural(len(track), "character"), "17 to 107"}
	}
	packed := make([]byte, (len(track)+1)/2)
	for i := range len(track) {
		v := track[i] - '0'
		switch {
		case track[i] == '=' || track[i] == 'D':
			v = 0xD
		case v > 9:
			return nil, &Error{"track", ErrDigits, "", "digits and '='"}
		}
		packed[i/2] |= v << (4 * (1 - i%2))
	}
	end := len(packed) - 1
	return packed[end-8 : end], nil
}
