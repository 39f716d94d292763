package dialect

import (
	"encoding/hex"
	"errors"
	"strings"
)

// trackPart is what is enciphered of a track, in bytes as the wire packs it: the eight before the last one. So the number's
// first digits stay, by which a message finds its way (cup; DE 53 says that it was done).
const trackPart = 8

// CipherTrack puts that part of a track through f, which enciphers or deciphers eight bytes and returns as many. What comes out
// enciphered are sixteen nibbles of any value in the places of digits: 0 to F, but for '=' where D stands.
func CipherTrack(track string, f func(part []byte) ([]byte, error)) (string, error) {
	packed := strings.ReplaceAll(track, "=", "D")
	odd := len(packed)%2 == 1
	if odd {
		packed += "F"
	}
	b, err := hex.DecodeString(packed)
	if err != nil || len(b) < trackPart+1 {
		return "", &FieldError{DE: 35, Err: errors.New("too short, or no track: want at least 17 nibbles")}
	}
	at := len(b) - 1 - trackPart
	part, err := f(b[at : at+trackPart])
	if err != nil {
		return "", err
	}
	copy(b[at:at+trackPart], part)
	out := strings.ReplaceAll(strings.ToUpper(hex.EncodeToString(b)), "D", "=")
	if odd {
		out = out[:len(out)-1]
	}
	return out, nil
}

// TrackInClear says whether a track 2 has nothing but digits and '=' in it, as every dialect can write it. One that cup gave may have
// A to F in it: enciphered, or damaged.
func TrackInClear(track string) bool {
	for i := 0; i < len(track); i++ {
		if c := track[i]; (c < '0' || c > '9') && c != '=' {
			return false
		}
	}
	return true
}
