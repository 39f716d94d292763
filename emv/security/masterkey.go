package security

import (
	"crypto/cipher"
	"crypto/sha1"
	"fmt"
	"io"

	"github.com/posim/posim/internal/crypt"
)

// Option is how the ICC master key is derived from the issuer master key (Book 2, A1.4).
type Option byte

// The derivation options.
const (
	OptionA Option = 'A' // A1.4.1: the rightmost 16 digits of PAN and PAN sequence number
	OptionB Option = 'B' // A1.4.2: a PAN of more than 16 digits is hashed first; a shorter one is as under option A
)

// ParseOption reads "A" or "B".
func ParseOption(s string) (Option, error) {
	if s == "A" || s == "B" {
		return Option(s[0]), nil
	}
	return 0, fmt.Errorf("security: derivation option %q: want A or B", s)
}

// String is "A" or "B".
func (o Option) String() string { return string(rune(o)) }

const (
	maxPANDigits = 19 // ISO/IEC 7812-1
	psnDigits    = 2  // tag 5F34
	doubleLength = 16 // bytes of a double-length TDES key
)

// ICCMasterKey derives the card's 16-byte master key from the issuer's, with odd parity (Book 2, A1.4).
// pan is 1 to 19 digits; psn is the two digits of tag 5F34, or "" where the card has none, which counts as 00.
// Errors never quote a digit or a key.
func ICCMasterKey(imk []byte, pan, psn string, o Option) ([]byte, error) {
	if len(pan) == 0 || len(pan) > maxPANDigits || !digits(pan) {
		return nil, fmt.Errorf("security: master key: PAN of %d characters: want 1 to %d digits", len(pan), maxPANDigits)
	}
	if psn == "" {
		psn = "00" // A1.4.1: a PAN sequence number that is not available is replaced by 00
	}
	if len(psn) != psnDigits || !digits(psn) {
		return nil, fmt.Errorf("security: master key: PAN sequence number of %d characters: want %d digits", len(psn), psnDigits)
	}
	if len(imk) != doubleLength {
		return nil, fmt.Errorf("security: master key: issuer master key of %d bytes: want %d", len(imk), doubleLength)
	}
	block, err := crypt.NewTDES(imk)
	if err != nil {
		return nil, fmt.Errorf("security: master key: %w", err)
	}
	var y [8]byte
	switch {
	case o == OptionA, o == OptionB && len(pan) <= 16:
		y = rightmost16(pan + psn)
	case o == OptionB:
		y = hashed16(pan + psn)
	default:
		return nil, fmt.Errorf("security: master key: derivation option %q: want A or B", rune(o))
	}
	key := make([]byte, doubleLength)
	for i, c := range y {
		key[i], key[8+i] = c, ^c
	}
	crypt.EncryptECB(block, key, key)
	crypt.OddParity(key)
	return key, nil
}

// rightmost16 packs the last 16 digits of x, zeros in front where there are fewer (A1.4.1).
func rightmost16(x string) (y [8]byte) {
	for i, at := len(x)-1, 15; i >= 0 && at >= 0; i, at = i-1, at-1 {
		nibble := x[i] - '0'
		if at%2 == 0 {
			nibble <<= 4
		}
		y[at/2] |= nibble
	}
	return y
}

// hashed16 is the first 16 decimal digits of SHA-1 over the packed digits; where the hash has fewer, its letters follow
// as A to 0 ... F to 5 (A1.4.2).
func hashed16(x string) (y [8]byte) {
	if len(x)%2 == 1 {
		x = "0" + x
	}
	packed := make([]byte, len(x)/2)
	for i := range packed {
		packed[i] = (x[2*i]-'0')<<4 | (x[2*i+1] - '0')
	}
	hash := sha1.Sum(packed)
	n := 0
	take := func(letters bool) {
		for i := 0; i < 2*len(hash) && n < 16; i++ {
			nibble := hash[i/2] >> 4
			if i%2 == 1 {
				nibble = hash[i/2] & 15
			}
			if nibble > 9 != letters {
				continue
			}
			if letters {
				nibble -= 10
			}
			if n%2 == 0 {
				nibble <<= 4
			}
			y[n/2] |= nibble
			n++
		}
	}
	take(false)
	take(true)
	return y
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// MasterKey is an ICC master key with its key schedules kept. It prints nothing of the key.
type MasterKey struct {
	key   [doubleLength]byte
	block cipher.Block
	mac   *crypt.RetailMAC // for the versions whose cryptograms are made with the master key itself
}

// NewMasterKey takes a 16-byte ICC master key, as ICCMasterKey returns it.
func NewMasterKey(key []byte) (*MasterKey, error) {
	if len(key) != doubleLength {
		return nil, fmt.Errorf("security: ICC master key of %d bytes: want %d", len(key), doubleLength)
	}
	block, err := crypt.NewTDES(key)
	if err != nil {
		return nil, fmt.Errorf("security: ICC master key: %w", err)
	}
	mac, err := crypt.NewRetailMAC(key)
	if err != nil {
		return nil, fmt.Errorf("security: ICC master key: %w", err)
	}
	m := &MasterKey{block: block, mac: mac}
	copy(m.key[:], key)
	return m, nil
}

// Format prints the type's name for every verb.
func (m *MasterKey) Format(f fmt.State, _ rune) { io.WriteString(f, "ICC master key") }
