package card

// update is what the issuer wants done to the counters.
type update struct {
	counters   byte
	onlineNext bool
}

// What is to become of the counters of offline transactions: two bits in both forms of the issuer's instructions.
const (
	leaveCounters    = 0
	countersToLimits = 1
	resetCounters    = 2
	countTransaction = 3
)

// Bits of the card status update (Book 3, annex C10), byte 2; the low half of byte 1 is a PIN try counter.
const (
	csuBlockCard        = 0x40
	csuBlockApplication = 0x20
	csuSetPINTries      = 0x10
	csuOnlineNext       = 0x08
)

// Bits of an ARPC response code that is instructions and no code, byte 2; byte 1 as above.
const (
	codeSetPINTries = 0x08
	codeOnlineNext  = 0x04
)

// obey does what the issuer says in its authentication data, which have been verified. Method 1 with an authorisation
// response code says nothing but that the issuer was there.
func (c *Card) obey(a *application, m *memory) {
	tries, set := byte(0), false
	switch {
	case a.version.ARPCMethod() == 2:
		csu := c.instructions.CardStatusUpdate
		tries, set = csu[0]&0x0F, csu[1]&csuSetPINTries != 0
		c.update = update{csu[1] & 0x03, csu[1]&csuOnlineNext != 0}
		m.blocked = m.blocked || csu[1]&csuBlockApplication != 0
		if csu[1]&csuBlockCard != 0 {
			c.blocked, m.blocked = true, true
		}
	case a.version.Family() == "mc":
		code := c.instructions.AuthorisationResponseCode
		tries, set = code[0]&0x0F, code[1]&codeSetPINTries != 0
		c.update = update{code[1] & 0x03, code[1]&codeOnlineNext != 0}
	}
	if pin := c.profile.chip.pin; pin != nil && set {
		c.pin.tries = min(int(tries), pin.limit)
	}
}
