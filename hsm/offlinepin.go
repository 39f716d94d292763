package hsm

import (
	"errors"
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/internal/crypt/pinblock"
)

// ErrNoChallenge is the error of an enciphered PIN for which the card gave no challenge.
var ErrNoChallenge = errors.New("hsm: the card gave no challenge for an enciphered PIN")

// P2 of VERIFY (EMV Book 3, 6.5.12).
const (
	verifyPlaintext  = 0x80
	verifyEnciphered = 0x88
)

// PresentPIN has a card verify the PIN that the keypad holds (EMV Book 3, 6.5.12), and returns the status word of VERIFY: in the
// clear, as ISO 9564-1 format 2, or enciphered under the card's key together with a challenge (Book 2, 7.2), if there is one.
// The block goes from here to the card and nowhere else. The entry is wiped whatever the outcome, once it is this module's own.
// ErrNoPIN unless it is Entered; ErrNoChallenge if the card gave none; any other error is the card's transport.
func (m *Module) PresentPIN(pad *Keypad, card apdu.Card, key *security.PublicKey) (apdu.SW, error) {
	if err := m.ready(); err != nil {
		return 0, err
	}
	if pad == nil || pad.m != m || pad.state != Entered {
		return 0, ErrNoPIN
	}
	defer pad.end(Used)    // in memory only
	defer clear(m.work[:]) // as this
	block := (*[8]byte)(m.work[:])
	if err := pinblock.Encode(block[:], Format2, pad.secret.digits[:pad.n], nil, nil); err != nil {
		return 0, fmt.Errorf("hsm: present PIN: %w", err)
	}
	command := apdu.Command{INS: apdu.InsVerify, P2: verifyPlaintext, Data: block[:], Le: apdu.LeAbsent}
	if key != nil {
		challenge, err := getChallenge(card)
		if err != nil {
			return 0, err
		}
		var a security.Arithmetic
		if command.Data, err = a.EncipherPIN(key, block, challenge, m.rand); err != nil {
			return 0, fmt.Errorf("hsm: present PIN: %w", err)
		}
		command.P2 = verifyEnciphered
	}
	var room [5 + apdu.MaxData]byte
	sent := command.Append(room[:0])
	defer clear(sent)
	r, err := transmit(card, sent)
	return r.SW, err
}

// getChallenge has the card draw eight bytes (Book 3, 6.5.6).
func getChallenge(card apdu.Card) (challenge [8]byte, err error) {
	r, err := transmit(card, apdu.Command{INS: apdu.InsGetChallenge, Le: apdu.MaxLe}.Append(nil))
	if err != nil {
		return challenge, err
	}
	if !r.SW.Success() || len(r.Data) != len(challenge) {
		return challenge, fmt.Errorf("%w: status word %v, %d bytes: want 9000 and %d", ErrNoChallenge, r.SW, len(r.Data), len(challenge))
	}
	return [8]byte(r.Data), nil
}

func transmit(card apdu.Card, command []byte) (apdu.Response, error) {
	raw, err := card.Transmit(command)
	if err != nil {
		return apdu.Response{}, fmt.Errorf("hsm: %s: %w", apdu.Name(command[1]), err)
	}
	r, err := apdu.Parse(raw)
	if err != nil {
		return apdu.Response{}, fmt.Errorf("hsm: %s: %w", apdu.Name(command[1]), err)
	}
	return r, nil
}
