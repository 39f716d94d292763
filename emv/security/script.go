package security

import (
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/internal/crypt"
)

// ErrScriptMAC says that a script command's MAC does not verify.
var ErrScriptMAC = errors.New("security: script MAC does not verify")

// ScriptMAC is the MAC of an issuer script command (Book 2, 9.2): over the command's five header bytes, the ATC, the
// cryptogram of the transaction and the command's data without the MAC, padding method 2. key is a 16-byte session key:
// CommonSessionKey with the cryptogram as diversifier, or ScriptSessionKeyFromATC. The caller takes the bytes it needs, 4 to 8.
func ScriptMAC(key []byte, header [5]byte, atc [2]byte, ac [8]byte, data []byte) (mac [8]byte, err error) {
	m, err := crypt.NewRetailMAC(key)
	if err != nil {
		return mac, fmt.Errorf("security: script MAC: %w", err)
	}
	return scriptMAC(m, header[:], atc, ac, data), nil
}

func scriptMAC(m *crypt.RetailMAC, header []byte, atc [2]byte, ac [8]byte, data []byte) (mac [8]byte) {
	input := make([]byte, 0, 15+len(data))
	input = append(append(append(append(input, header...), atc[:]...), ac[:]...), data...)
	m.Sum2(&mac, input)
	return mac
}

// The header of a secured command (Book 3, 6.5): CLA INS P1 P2 Lc. Its class says that there is a MAC.
const (
	scriptClass  = 0x84
	secureBit    = 0x04
	scriptHeader = 5
)

// Seal makes a script command of CLA, INS, P1 and P2 and of data, which it secures: the whole command, whose Lc counts data
// and MAC. A class without secure messaging, and data that leave no room for the MAC, are errors.
func (s *ScriptSession) Seal(header [4]byte, data []byte) ([]byte, error) {
	if header[0]&secureBit == 0 {
		return nil, fmt.Errorf("security: script command %02X%02X: its class has no secure messaging: want 84", header[0], header[1])
	}
	if most := apdu.MaxData - s.macLength; len(data) > most {
		return nil, fmt.Errorf("security: script command %02X%02X: %d bytes of data: want at most %d", header[0], header[1], len(data), most)
	}
	return s.seal(header, data), nil
}

func (s *ScriptSession) seal(header [4]byte, data []byte) []byte {
	command := append(make([]byte, 0, scriptHeader+len(data)+s.macLength), header[:]...)
	command = append(append(command, byte(len(data)+s.macLength)), data...)
	mac := scriptMAC(s.mac, command[:scriptHeader], s.atc, s.ac, data)
	return append(command, mac[:s.macLength]...)
}

// Open is the card's half of Seal: it verifies a command's MAC and returns the data in front of it, a part of command. What
// is no secured command is an error; a wrong MAC is ErrScriptMAC.
func (s *ScriptSession) Open(command []byte) (data []byte, err error) {
	switch n := len(command); {
	case n < scriptHeader+s.macLength:
		return nil, fmt.Errorf("security: script command of %d bytes: want at least %d", n, scriptHeader+s.macLength)
	case command[0]&secureBit == 0:
		return nil, fmt.Errorf("security: script command %02X%02X: its class has no secure messaging", command[0], command[1])
	case int(command[4]) != n-scriptHeader:
		return nil, fmt.Errorf("security: script command %02X%02X: Lc %d with %d bytes after it", command[0], command[1], command[4], n-scriptHeader)
	}
	at := len(command) - s.macLength
	data = command[scriptHeader:at:at]
	mac := scriptMAC(s.mac, command[:scriptHeader], s.atc, s.ac, data)
	if subtle.ConstantTimeCompare(mac[:s.macLength], command[at:]) != 1 {
		return nil, ErrScriptMAC
	}
	return data, nil
}

// ApplicationBlock is the command that blocks the selected application (Book 3, 6.5.1).
func (s *ScriptSession) ApplicationBlock() []byte {
	return s.seal([4]byte{scriptClass, apdu.InsApplicationBlock}, nil)
}

// ApplicationUnblock undoes it (Book 3, 6.5.2).
func (s *ScriptSession) ApplicationUnblock() []byte {
	return s.seal([4]byte{scriptClass, apdu.InsApplicationUnblock}, nil)
}

// CardBlock blocks all applications of the card for good (Book 3, 6.5.3).
func (s *ScriptSession) CardBlock() []byte {
	return s.seal([4]byte{scriptClass, apdu.InsCardBlock}, nil)
}

// P2 of PIN CHANGE/UNBLOCK (Book 3, 6.5.10; 01 and 02 are the schemes').
const (
	pinUnblock       = 0x00
	pinChangeCurrent = 0x01 // the current PIN is in the data
	pinChange        = 0x02
)

// PINUnblock sets the card's PIN try counter to its limit (Book 3, 6.5.10).
func (s *ScriptSession) PINUnblock() []byte {
	return s.seal([4]byte{scriptClass, apdu.InsPINChangeUnblock, 0, pinUnblock}, nil)
}

// PINChange gives the card a new PIN, and its counter the limit: PIN CHANGE/UNBLOCK around EncipherPIN, whose errors it has.
func (s *ScriptSession) PINChange(pin, current string) ([]byte, error) {
	data, err := s.EncipherPIN(pin, current)
	if err != nil {
		return nil, err
	}
	p2 := byte(pinChange)
	if current != "" {
		p2 = pinChangeCurrent
	}
	return s.Seal([4]byte{scriptClass, apdu.InsPINChangeUnblock, 0, p2}, data)
}

// PutData writes a primitive data object of the card (Book 3, 6.5.11). A value that leaves no room for the MAC is an error.
func (s *ScriptSession) PutData(tag uint16, value []byte) ([]byte, error) {
	return s.Seal([4]byte{scriptClass, apdu.InsPutData, byte(tag >> 8), byte(tag)}, value)
}

// UpdateRecord writes a record, 1 to 255, of the file with short identifier 1 to 30 (ISO/IEC 7816-4, 7.3.5). Other numbers,
// and a record that leaves no room for the MAC, are errors.
func (s *ScriptSession) UpdateRecord(file, record int, data []byte) ([]byte, error) {
	if file < 1 || file > 30 || record < 1 || record > 255 {
		return nil, fmt.Errorf("security: UPDATE RECORD: file %d, record %d: want 1 to 30 and 1 to 255", file, record)
	}
	return s.Seal([4]byte{scriptClass, apdu.InsUpdateRecord, byte(record), byte(file<<3) | 0x04}, data)
}
