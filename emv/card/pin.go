package card

import (
	"crypto/subtle"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
)

// offlinePIN is the cardholder verification that the card does itself, as personalised.
type offlinePIN struct {
	block                 [8]byte
	limit, left           int
	plaintext, enciphered bool
	readable              bool // GET DATA gives the PIN try counter
	refusal               apdu.SW
}

const (
	maxTries    = 15 // the counter of ISO 7816-4, 63Cx, has one digit
	pinBlockLen = 8
)

// offlinePIN reads what the chip says of its own PIN. Without the section the card has none.
func (c *checker) offlinePIN(p *Profile, s *pinSource) {
	if s == nil {
		return
	}
	pin := &offlinePIN{refusal: apdu.SWAuthenticationBlocked}
	digits := p.Issuer.pin
	if s.PIN.set {
		digits = c.digits(s.PIN, "offline_pin: pin", 4, 12)
	}
	if digits == "" {
		c.fail(s.place, "offline_pin: want pin, here or in the issuer's section")
		return
	}
	pin.block, _ = security.PINBlock2(digits) // four to twelve digits, as was checked
	pin.limit = c.number(s.Limit, "offline_pin: limit", 1, maxTries, 3)
	pin.left = c.number(s.Left, "offline_pin: left", 0, pin.limit, pin.limit)
	pin.plaintext = c.yes(s.Plaintext, "offline_pin: plaintext", true)
	pin.enciphered = c.yes(s.Enciphered, "offline_pin: enciphered", false)
	pin.readable = c.yes(s.Readable, "offline_pin: readable", true)
	if c.oneOf(s.Refusal, "offline_pin: when_blocked", "6983", "6984") == "6984" {
		pin.refusal = apdu.SWReferenceInvalidated
	}
	if !pin.plaintext && !pin.enciphered {
		c.fail(s.place, "offline_pin: want plaintext, enciphered or both")
	}
	p.chip.pin = pin
}

// getChallenge answers GET CHALLENGE (Book 3, 6.5.6): eight bytes that are good for the next command only.
func (c *Card) getChallenge(command apdu.Command) ([]byte, apdu.SW) {
	a, m := c.current()
	switch pin := c.profile.chip.pin; {
	case pin == nil || !pin.enciphered:
		return nil, apdu.SWInstructionInvalid // nothing of the card needs one
	case a == nil, c.phase != initiated:
		return nil, apdu.SWConditionsOfUse
	case command.P1 != 0 || command.P2 != 0:
		return nil, apdu.SWWrongP1P2
	case len(command.Data) != 0:
		return nil, apdu.SWWrongLength
	}
	c.challenges++
	challenge := a.derive("challenge", m.atc, c.challenges)
	c.challenge = challenge[:]
	return append([]byte(nil), c.challenge...), apdu.SWSuccess
}

// The two ways in which a PIN comes to the card: P2 of VERIFY (Book 3, 6.5.12).
const (
	plaintextPIN  = 0x80
	encipheredPIN = 0x88
)

// verifyPIN answers VERIFY (Book 3, 6.5.12). A try is spent before the PIN is looked at, so that pulling the card out gives
// none back. What cannot be deciphered, or is no PIN block, is a wrong PIN (Book 2, 7.2).
func (c *Card) verifyPIN(command apdu.Command) ([]byte, apdu.SW) {
	pin := c.profile.chip.pin
	a, _ := c.current()
	challenge := c.challenge
	switch {
	case pin == nil:
		return nil, apdu.SWInstructionInvalid
	case a == nil, c.phase != initiated:
		return nil, apdu.SWConditionsOfUse
	case command.P1 != 0, command.P2 != plaintextPIN && command.P2 != encipheredPIN:
		return nil, apdu.SWWrongP1P2
	case command.P2 == plaintextPIN && !pin.plaintext, command.P2 == encipheredPIN && (!pin.enciphered || a.pinKey() == nil):
		return nil, apdu.SWDataNotFound
	case command.P2 == plaintextPIN && len(command.Data) != pinBlockLen,
		command.P2 == encipheredPIN && len(command.Data) != a.pinKey().Public().Size():
		return nil, apdu.SWWrongLength
	case c.pin.tries == 0:
		return nil, pin.refusal
	case command.P2 == encipheredPIN && challenge == nil:
		return nil, apdu.SWConditionsOfUse
	}
	c.pin.tries--
	r := &c.results
	r.pinTried, r.pinOK, r.pinEnciphered = true, false, command.P2 == encipheredPIN
	var block [pinBlockLen]byte
	if command.P2 == plaintextPIN {
		block = [pinBlockLen]byte(command.Data)
	} else if !decipher(&block, a.pinKey(), command.Data, challenge) {
		return nil, c.wrongPIN()
	}
	if subtle.ConstantTimeCompare(block[:], c.pin.block[:]) != 1 {
		return nil, c.wrongPIN()
	}
	c.pin.tries = pin.limit
	r.pinOK = true
	return nil, apdu.SWSuccess
}

func (c *Card) wrongPIN() apdu.SW { return apdu.SWTriesLeft | apdu.SW(c.pin.tries) }

// decipher opens an enciphered PIN and checks that it was made for this challenge (Book 2, 7.2).
func decipher(block *[pinBlockLen]byte, key *security.PrivateKey, enciphered, challenge []byte) bool {
	b, made, err := key.DecipherPIN(enciphered)
	if err != nil || subtle.ConstantTimeCompare(made[:], challenge) != 1 {
		return false
	}
	*block = b
	return true
}
