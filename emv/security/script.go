package security

import (
	"fmt"

	"github.com/posim/posim/internal/crypt"
)

// ScriptMAC is the MAC of an issuer script command (Book 2, 9.2): over the command's five header bytes, the ATC, the
// cryptogram of the transaction and the command's data without the MAC, padding method 2. key is a 16-byte session key:
// CommonSessionKey with the cryptogram as diversifier, or ScriptSessionKeyFromATC. The caller takes the bytes it needs, 4 to 8.
func ScriptMAC(key []byte, header [5]byte, atc [2]byte, ac [8]byte, data []byte) (mac [8]byte, err error) {
	m, err := crypt.NewRetailMAC(key)
	if err != nil {
		return mac, fmt.Errorf("security: script MAC: %w", err)
	}
	input := make([]byte, 0, 15+len(data))
	input = append(append(append(append(input, header[:]...), atc[:]...), ac[:]...), data...)
	m.Sum2(&mac, input)
	return mac, nil
}
