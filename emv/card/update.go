package card

import "github.com/posim/posim/emv/security"

// update is what the issuer wants done to the counters.
type update struct {
	counters   security.CSUCounters
	onlineNext bool
}

// Bits of an ARPC response code that is instructions and no code, byte 2; the two lowest bits there are as in a card status
// update, and so is the low half of byte 1.
const (
	codeSetPINTries = 0x08
	codeOnlineNext  = 0x04
)

// obey does what the issuer says in its authentication data, which have been verified. Method 1 with an authorisation
// response code says nothing but that the issuer was there.
func (c *Card) obey(a *application, m *memory) {
	tries, set := 0, false
	switch {
	case a.version.ARPCMethod() == 2:
		csu := security.CSU(c.instructions.CardStatusUpdate)
		tries, set = csu.PINTryCounter(), csu.Has(security.CSUUpdatePINTryCounter)
		c.update = update{csu.Counters(), csu.Has(security.CSUGoOnlineNext)}
		m.blocked = m.blocked || csu.Has(security.CSUApplicationBlock)
		if csu.Has(security.CSUCardBlock) {
			c.block()
		}
	case a.version.Family() == "mc":
		code := c.instructions.AuthorisationResponseCode
		tries, set = int(code[0]&0x0F), code[1]&codeSetPINTries != 0
		c.update = update{security.CSUCounters(code[1] & 0x03), code[1]&codeOnlineNext != 0}
	}
	if pin := c.profile.chip.pin; pin != nil && set {
		c.pin.tries = min(tries, pin.limit)
	}
}
