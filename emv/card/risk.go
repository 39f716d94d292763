package card

import "github.com/posim/posim/emv/tlv"

// risk reads what the application decides by itself.
func (c *checker) risk(p *Profile, s *applicationSource, a *application) {
	a.lowerLimit, a.upperLimit, a.lowerAmount, a.upperAmount = -1, -1, -1, -1
	if number := packed("0" + p.Issuer.Currency); len(number) == 2 {
		a.currency = [2]byte(number)
	}
	a.aac = c.oneOf(s.WhenBlocked, "when_blocked", "refuse", "aac") == "aac"
	switch t := s.RefuseGPO; {
	case t.value == "true":
		a.refusals = -1
	case t.value != "false":
		a.refusals = c.number(t, "refuse_gpo", 0, maxCardRisk, 0)
	}
	a.decision = map[string]decision{"online": goOnline, "decline": decline, "referral": refer}[c.oneOf(s.Decision, "decision", "normal", "online", "decline", "referral")]
	a.advice = map[string]advice{"reason": withReason, "required": wantAdvice}[c.oneOf(s.Advice, "advice", "none", "reason", "required")]
	r := s.Risk
	if r == nil {
		return
	}
	a.lowerLimit = c.number(r.LowerLimit, "lower_limit", 0, maxCardRisk, -1)
	a.upperLimit = c.number(r.UpperLimit, "upper_limit", 0, maxCardRisk, -1)
	if a.upperLimit >= 0 && a.upperLimit < a.lowerLimit {
		c.fail(r.UpperLimit.place, "upper_limit: below lower_limit")
	}
	if r.LowerAmount.set {
		a.lowerAmount = c.amount(r.LowerAmount, "lower_amount", r.place)
	}
	if r.UpperAmount.set {
		a.upperAmount = c.amount(r.UpperAmount, "upper_amount", r.place)
	}
	if r.LowerAmount.set && a.lowerAmount < 0 || r.UpperAmount.set && a.upperAmount < a.lowerAmount {
		c.fail(r.place, "risk: want lower_amount not below nothing, and upper_amount not below it")
	}
	a.newCardOnline = c.yes(r.NewCardOnline, "new_card_online", false)
	a.pinExceeded = map[string]decision{"online": goOnline, "decline": decline}[c.oneOf(r.PINExceeded, "pin_exceeded", "accept", "online", "decline")]
	a.refusedTypes = c.hex(r.RefuseTypes, "refuse_types", 0, 16)
}

// Reasons for an AAC (Book 3, table 14), the three lowest bits of tag 9F27, and the bit above them.
const (
	serviceNotAllowed     = 0x01
	pinTryLimitExceeded   = 0x02
	authenticationFailed  = 0x03
	adviceRequired        = 0x08
	applicationAuthorised = 0xC0 // a referral: reserved since EMV 4.1
)

// riskManagement is the card's own decision (Book 3, 10.8): it may answer what was asked, or go down from TC to ARQC and from
// ARQC to AAC, never up.
func (c *Card) riskManagement(a *application, m *memory, asked cryptogram) cryptogram {
	r := &c.results
	switch {
	case m.blocked:
		return aac
	case len(a.refusedTypes) > 0 && has(a.refusedTypes, a.cdol1.get(c.first, tlv.TransactionType)):
		r.reason = serviceNotAllowed
		return aac
	case a.decision == decline, a.decision == refer:
		return aac
	case r.pinExceeded && a.pinExceeded == decline:
		r.reason = pinTryLimitExceeded
		return aac
	case asked != tc:
		return asked
	}
	if terminal := a.cdol1.get(c.first, tlv.TerminalType); len(terminal) == 1 && tlv.OfflineOnly(terminal[0]) {
		if r.overLimit || r.overAmount || r.newCard && a.newCardOnline {
			return aac
		}
		return tc
	}
	if r.lowerLimit || r.overLimit || r.lowerAmount || r.overAmount || r.newCard && a.newCardOnline || r.lastOnlineIncomplete ||
		r.onlineNext || a.decision == goOnline || r.pinExceeded && a.pinExceeded == goOnline {
		return arqc
	}
	return tc
}

// has tells whether one byte is in a list.
func has(list, one []byte) bool {
	for _, b := range list {
		if len(one) == 1 && one[0] == b {
			return true
		}
	}
	return false
}

// over tells whether one more offline approval would exceed the limit; -1 is none.
func over(offline, limit int) bool { return limit >= 0 && offline+1 > limit }

// overAmount is the same for amounts.
func overAmount(offline, amount, limit int64) bool { return limit >= 0 && offline+amount > limit }

// amount is what the transaction counts for: 0 in a foreign currency, which the card cannot convert.
func (c *Card) amount(a *application) (minor int64) {
	if [2]byte(a.cdol1.get(c.first, tlv.TransactionCurrencyCode)) != a.currency {
		return 0
	}
	for _, b := range a.cdol1.get(c.first, tlv.AmountAuthorised) {
		minor = minor*100 + int64(b>>4)*10 + int64(b&15)
	}
	return minor
}

// approvedOffline counts a TC that no issuer has seen.
func (c *Card) approvedOffline(a *application, m *memory) {
	m.offline = min(m.offline+1, maxCardRisk)
	m.offlineAmount = min(m.offlineAmount+c.amount(a), maxMinor)
}

// declinedOffline remembers what the terminal found, for the next transaction to tell.
func (c *Card) declinedOffline(a *application, m *memory) {
	tvr := a.cdol1.get(c.first, tlv.TVR)
	m.sdaFailed = m.sdaFailed || tlv.TVRSDAFailed.In(tvr)
	m.ddaFailed = m.ddaFailed || tlv.TVRDDAFailed.In(tvr) || tlv.TVRCDAFailed.In(tvr)
}
