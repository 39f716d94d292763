package hsm

import (
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/internal/pan"
)

// ScriptCard is a card, the transaction in which it is to be told something, and the issuer's keys for it.
type ScriptCard struct {
	Version           security.Version
	Option            security.Option
	PAN               pan.PAN
	PANSequenceNumber string // two digits, or ""
	ATC, Cryptogram   []byte // tags 9F36 and 9F26 of the request

	Integrity       Key // E2
	Confidentiality Key // E1; the zero Key where no PIN is changed
	Cryptograms     Key // E0; needed where a PIN is changed
}

// ScriptCommand is what the card is told, by the instruction of its command (apdu.InsApplicationBlock ...).
type ScriptCommand struct {
	Instruction  byte
	Tag          uint16     // PUT DATA
	File, Record int        // UPDATE RECORD
	Data         []byte     // PUT DATA, UPDATE RECORD
	PIN          PINCarrier // PIN CHANGE/UNBLOCK: how PINBlock came; the zero PINCarrier: only unblock
	PINBlock     []byte     // the new PIN; nil: only unblock
}

// SealScript makes the command with its MAC (EMV Book 2, 9), the value of tag 86. A new PIN goes from its block into the
// command, enciphered under the card's own session key: it is clear nowhere outside. ErrPINBlock, and nothing more, when the
// block does not decode.
func (m *Module) SealScript(c *ScriptCard, command ScriptCommand) ([]byte, error) {
	if len(c.ATC) != 2 || len(c.Cryptogram) != 8 {
		return nil, fmt.Errorf("hsm: script: ATC of %d and cryptogram of %d bytes: want 2 and 8", len(c.ATC), len(c.Cryptogram))
	}
	keys, err := m.scriptKeys(c, command.PINBlock != nil)
	if err != nil {
		return nil, err
	}
	s, err := c.Version.ScriptSession(keys, [2]byte(c.ATC), [8]byte(c.Cryptogram))
	if err != nil {
		return nil, fmt.Errorf("hsm: script: %w", err)
	}
	var sealed []byte
	switch command.Instruction {
	case apdu.InsApplicationBlock:
		return s.ApplicationBlock(), nil
	case apdu.InsApplicationUnblock:
		return s.ApplicationUnblock(), nil
	case apdu.InsCardBlock:
		return s.CardBlock(), nil
	case apdu.InsPINChangeUnblock:
		if command.PINBlock == nil {
			return s.PINUnblock(), nil
		}
		sealed, err = m.sealPIN(s, c.PAN, command)
	case apdu.InsPutData:
		sealed, err = s.PutData(command.Tag, command.Data)
	case apdu.InsUpdateRecord:
		sealed, err = s.UpdateRecord(command.File, command.Record, command.Data)
	default:
		return nil, fmt.Errorf("hsm: script: instruction %02X is none of an issuer script", command.Instruction)
	}
	if err != nil {
		return nil, fmt.Errorf("hsm: script: %w", err)
	}
	return sealed, nil
}

// scriptKeys derives the card's master keys; those for a PIN only where it changes.
func (m *Module) scriptKeys(c *ScriptCard, pin bool) (keys security.ScriptKeys, err error) {
	if keys.MAC, err = m.iccMaster(c, c.Integrity, IssuerMasterSMI); err != nil || !pin {
		return keys, err
	}
	if keys.Encipherment, err = m.iccMaster(c, c.Confidentiality, IssuerMasterSMC); err != nil {
		return keys, err
	}
	keys.Cryptogram, err = m.iccMaster(c, c.Cryptograms, IssuerMasterAC)
	return keys, err
}

// iccMaster derives one of a card's master keys.
func (m *Module) iccMaster(c *ScriptCard, imk Key, u Usage) (*security.MasterKey, error) {
	s, err := m.slot(imk, u)
	if err != nil {
		return nil, fmt.Errorf("hsm: script: %s: %w", u, err)
	}
	mk, err := security.ICCMasterKey(s.clear, c.PAN.Digits(), c.PANSequenceNumber, c.Option)
	if err != nil {
		return nil, fmt.Errorf("hsm: script: %w", err)
	}
	defer wipe(mk) // in memory only
	return security.NewMasterKey(mk)
}

// sealPIN deciphers the new PIN and has it enciphered for the card.
func (m *Module) sealPIN(s *security.ScriptSession, p pan.PAN, command ScriptCommand) ([]byte, error) {
	in, err := m.carrier(command.PIN, mayDecrypt)
	if err != nil {
		return nil, err
	}
	digits, err := m.decipher(in, command.PIN.Format, command.PINBlock, p)
	if err != nil {
		return nil, err
	}
	defer clear(m.work[:]) // in memory only
	for i := range digits {
		digits[i] += '0'
	}
	return s.PINChange(string(digits), "") // the text is the collector's
}
