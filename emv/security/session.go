package security

import (
	"crypto/cipher"
	"fmt"
	"io"

	"github.com/posim/posim/internal/crypt"
)

// CommonSessionKey derives a 16-byte session key with odd parity from an ICC master key (Book 2, A1.3.1). The diversifier
// is the ATC followed by zeros for a cryptogram, or the cryptogram itself for a script. It panics unless key is 16 and
// diversifier at most 8 bytes: both are the caller's own, never data from a wire.
func CommonSessionKey(mk, diversifier []byte) []byte {
	if len(diversifier) > 8 {
		panic(fmt.Sprintf("security: session key diversifier of %d bytes: want at most 8", len(diversifier)))
	}
	var r [8]byte
	copy(r[:], diversifier)
	key := commonSession(mustTDES(mk), r)
	return key[:]
}

// ScriptSessionKeyFromATC derives a 16-byte script key with odd parity from the ATC alone: the halves of the master key
// with the ATC, and its complement, added to their ends. It panics unless mk is 16 and atc 2 bytes.
func ScriptSessionKeyFromATC(mk, atc []byte) []byte {
	if len(mk) != doubleLength || len(atc) != 2 {
		panic(fmt.Sprintf("security: key of %d and ATC of %d bytes: want %d and 2", len(mk), len(atc), doubleLength))
	}
	key := append([]byte(nil), mk...)
	for i, c := range atc {
		key[6+i] ^= c
		key[14+i] ^= ^c
	}
	crypt.OddParity(key)
	return key
}

func commonSession(block cipher.Block, r [8]byte) (key [doubleLength]byte) {
	copy(key[:], r[:])
	copy(key[8:], r[:])
	key[2], key[10] = 0xF0, 0x0F
	crypt.EncryptECB(block, key[:], key[:])
	crypt.OddParity(key[:])
	return key
}

// atcSession encrypts six zeros and the ATC for the left half, six zeros and the ATC's complement for the right one.
func atcSession(block cipher.Block, atc [2]byte) (key [doubleLength]byte) {
	key[6], key[7] = atc[0], atc[1]
	key[14], key[15] = ^atc[0], ^atc[1]
	crypt.EncryptECB(block, key[:], key[:])
	crypt.OddParity(key[:])
	return key
}

func mustTDES(key []byte) cipher.Block {
	if len(key) != doubleLength {
		panic(fmt.Sprintf("security: key of %d bytes: want %d", len(key), doubleLength))
	}
	block, err := crypt.NewTDES(key)
	if err != nil {
		panic("security: " + err.Error()) // a 16-byte key always makes a cipher
	}
	return block
}

// Session holds the keys of one transaction of one card, schedules made. It prints nothing of them.
type Session struct {
	version Version
	mac     *crypt.RetailMAC
	arpc    *crypt.RetailMAC
	block   cipher.Block // the ARPC key; nil until method 1 needs it
	arpcKey [doubleLength]byte
}

// Session derives the keys of one transaction. un, the unpredictable number, matters to the versions that mix it in and
// may be nil for the others. A length that is not 2 for atc, or not 4 for an un that is needed, is an error.
func (v Version) Session(m *MasterKey, atc, un []byte) (*Session, error) {
	s, err := v.suite()
	if err != nil {
		return nil, err
	}
	key, err := s.derive(m, atc, un)
	if err != nil {
		return nil, err
	}
	session := &Session{version: v, mac: m.mac, arpcKey: key}
	if s.session != noSession {
		if session.mac, err = crypt.NewRetailMAC(key[:]); err != nil {
			return nil, fmt.Errorf("security: %s: %w", s.name, err)
		}
	}
	session.arpc = session.mac
	if s.arpcMaster {
		session.arpcKey, session.arpc, session.block = m.key, m.mac, m.block
	}
	return session, nil
}

// Version is the cryptogram version the session was made for.
func (s *Session) Version() Version { return s.version }

// Cryptogram computes the application cryptogram (ARQC, TC or AAC) over input, as Version.Input built it.
func (s *Session) Cryptogram(input []byte) (ac [8]byte) {
	suites[s.version].sum(s.mac, &ac, input)
	return ac
}

// Format prints the type's name for every verb.
func (s *Session) Format(f fmt.State, _ rune) { io.WriteString(f, "session keys") }

// derive returns the key that makes the cryptogram.
func (s *suite) derive(m *MasterKey, atc, un []byte) ([doubleLength]byte, error) {
	if m == nil {
		return [doubleLength]byte{}, fmt.Errorf("security: %s: no master key", s.name)
	}
	if len(atc) != 2 {
		return [doubleLength]byte{}, fmt.Errorf("security: %s: tag 9F36: length %d: want 2", s.name, len(atc))
	}
	switch s.session {
	case commonKey:
		return commonSession(m.block, [8]byte{atc[0], atc[1]}), nil
	case numberKey:
		if len(un) != 4 {
			return [doubleLength]byte{}, fmt.Errorf("security: %s: tag 9F37: length %d: want 4", s.name, len(un))
		}
		return commonSession(m.block, [8]byte{atc[0], atc[1], 0, 0, un[0], un[1], un[2], un[3]}), nil
	case atcKey:
		return atcSession(m.block, [2]byte(atc)), nil
	}
	return m.key, nil
}
