package card

import (
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// externalAuthenticate answers EXTERNAL AUTHENTICATE (Book 3, 6.5.4): once, between an ARQC and the second GENERATE AC, on a
// card whose AIP offers it.
func (c *Card) externalAuthenticate(command apdu.Command) ([]byte, apdu.SW) {
	a, m := c.current()
	switch {
	case a == nil, a.aip[0]&aipIssuerAuthentication == 0, c.phase != online, c.issuer != notPerformed:
		return nil, apdu.SWConditionsOfUse
	case command.P1 != 0 || command.P2 != 0:
		return nil, apdu.SWWrongP1P2
	case !tlv.LengthAllowed(tlv.IssuerAuthenticationData, len(command.Data)):
		return nil, apdu.SWWrongLength
	}
	c.verify(m, command.Data)
	if c.issuer == failed {
		return nil, apdu.SWAuthenticationFailed
	}
	return nil, apdu.SWSuccess
}

// authenticateIssuer verifies the ARPC that the second GENERATE AC carries (tag 91), on a card whose AIP offers no EXTERNAL
// AUTHENTICATE. All zeros is how a terminal fills in what it has not (Book 3, 5.4).
func (c *Card) authenticateIssuer(a *application, m *memory, data []byte) {
	value := a.cdol2.get(data, tlv.IssuerAuthenticationData)
	if a.aip[0]&aipIssuerAuthentication != 0 || allZero(value) {
		return
	}
	c.verify(m, a.version.WithoutPadding(value))
}

func (c *Card) verify(m *memory, data []byte) {
	answer, err := c.keys.VerifyIssuerAuthenticationData(c.arqc, data)
	c.instructions = answer
	c.instructions.Proprietary = nil // the command's bytes are not the card's to keep
	switch {
	case err != nil:
		c.issuer = failed
	case answer.Approved:
		c.issuer = verified
	default:
		c.issuer = declined
	}
	m.issuerFailed = c.issuer == failed
	c.results.issuerAuthenticated = c.issuer != failed
	c.results.issuerFailed = c.issuer == failed
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
