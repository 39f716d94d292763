package card

import (
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// cryptogram is a kind of application cryptogram, coded as in P1 of GENERATE AC and in tag 9F27.
type cryptogram byte

const (
	aac  cryptogram = 0x00
	tc   cryptogram = 0x40
	arqc cryptogram = 0x80
	none cryptogram = 0x80 // in the verification results: no second cryptogram yet
)

// generateAC answers GENERATE AC (Book 3, 6.5.5), the first and the second of a transaction.
func (c *Card) generateAC(command apdu.Command) ([]byte, apdu.SW) {
	a, m := c.current()
	if a == nil || a.purse != nil { // a purse has given its cryptogram already
		return nil, apdu.SWConditionsOfUse
	}
	asked := cryptogram(command.P1 &^ signature)
	// Of the bits that ask for a signature only CDA's is known, and where the AIP does not offer it, not even that.
	signed := command.P1&signature != 0
	wrong := asked != aac && asked != tc && (asked != arqc || c.phase == online) || command.P2 != 0 || signed && !a.combined()
	switch c.phase {
	case initiated:
		switch {
		case wrong:
			return nil, apdu.SWWrongP1P2
		case len(command.Data) != a.cdol1.length:
			return nil, apdu.SWWrongLength
		}
		return c.firstCryptogram(a, m, asked, signed, command.Data)
	case online:
		switch {
		case wrong:
			return nil, apdu.SWWrongP1P2
		case len(command.Data) != a.cdol2.length:
			return nil, apdu.SWWrongLength
		}
		return c.secondCryptogram(a, m, asked, signed, command.Data)
	}
	return nil, apdu.SWConditionsOfUse // no transaction, or it has ended
}

func (c *Card) firstCryptogram(a *application, m *memory, asked cryptogram, signed bool, data []byte) ([]byte, apdu.SW) {
	keys, err := a.version.Session(a.key, counter(m.atc), a.cdol1.get(data, tlv.UnpredictableNumber))
	if err != nil {
		return nil, apdu.SWConditionsOfUse // not reached: the profile's CDOL1 was checked for all of it
	}
	c.keys = keys
	c.first = append([]byte(nil), data...)
	c.resultsOf(a, m)
	given := c.riskManagement(a, m, asked)
	c.results.first = given
	c.results.cdaFirst = signed && given != aac
	c.phase = done
	switch given {
	case arqc:
		c.phase = online
		m.onlineOpen = true
	case tc:
		c.approvedOffline(a, m)
	}
	answer, sw := c.answer(a, m, given, signed, func(tag uint32) []byte { return a.cdol1.get(c.first, tag) }, c.options, c.first)
	if given == aac {
		c.declinedOffline(a, m)
	}
	return answer, sw
}

// resultsOf gathers what the verification results say before the card decides; what the PIN and INTERNAL AUTHENTICATE left
// there stays.
func (c *Card) resultsOf(a *application, m *memory) {
	r := &c.results
	amount := c.amount(a)
	r.second = none
	r.lastOnlineIncomplete, r.onlineNext, r.lastIssuerFailed = m.onlineOpen, m.onlineNext, m.issuerFailed
	r.newCard = m.lastOnlineATC == 0
	r.lowerLimit, r.overLimit = over(m.offline, m.lowerLimit), over(m.offline, m.upperLimit)
	r.lowerAmount, r.overAmount = overAmount(m.offlineAmount, amount, m.lowerAmount), overAmount(m.offlineAmount, amount, m.upperAmount)
	r.lastSDAFailed, r.lastDDAFailed = m.sdaFailed, m.ddaFailed
	r.scripts, r.scriptFailed = m.scripts, m.scriptFailed
	if c.profile.chip.pin != nil {
		r.pin = true
		r.tries = c.pin.tries
		r.pinExceeded = c.pin.tries == 0
		claimed := a.cdol1.get(c.first, tlv.CVMResults)
		r.pinClaimed = len(claimed) == 3 && claimed[2] == 0x02 && offlinePINMethod(claimed[0]) && !r.pinOK
	}
}

// offlinePINMethod tells whether a CVM code is one of those that the card itself verifies a PIN for (Book 3, annex C3).
func offlinePINMethod(code byte) bool {
	switch code & 0x3F {
	case 0x01, 0x03, 0x04, 0x05:
		return true
	}
	return false
}

func (c *Card) secondCryptogram(a *application, m *memory, asked cryptogram, signed bool, data []byte) ([]byte, apdu.SW) {
	r := &c.results
	given := asked
	if arc := string(a.cdol2.get(data, tlv.AuthorisationResponseCode)); arc == "Y3" || arc == "Z3" { // unable to go online (Book 4, annex A6)
		r.unableToGoOnline = true
		if r.overLimit || r.overAmount || r.newCard && a.newCardOnline || m.blocked {
			given = aac
		}
		if given == tc {
			c.approvedOffline(a, m)
		} else {
			c.declinedOffline(a, m)
		}
	} else {
		c.authenticateIssuer(a, m, data)
		c.update = update{counters: security.CSUResetCounters} // where the issuer does not say otherwise
		r.issuerMissing = c.issuer == notPerformed
		if c.issuer == verified || c.issuer == declined {
			c.obey(a, m)
		}
		refused := c.issuer == declined || c.issuer == failed && !a.lenient || c.issuer == notPerformed && a.requireARPC
		if refused || m.blocked {
			given = aac
		}
		if c.issuer == failed && given == aac {
			r.reason = authenticationFailed
		}
		// The issuer was there, whatever it said. Without proof of it, the next transaction tries again.
		if c.issuer == verified || c.issuer == declined || c.issuer == notPerformed && !a.requireARPC {
			c.completed(a, m)
		}
	}
	r.second = given
	r.cdaSecond = signed && given != aac
	r.scripts, r.scriptFailed = m.scripts, m.scriptFailed
	if r.pin {
		r.tries = c.pin.tries
		r.pinExceeded = c.pin.tries == 0
	}
	c.phase = done
	return c.answer(a, m, given, signed, func(tag uint32) []byte {
		if value := a.cdol2.get(data, tag); value != nil {
			return value
		}
		return a.cdol1.get(c.first, tag) // what CDOL2 does not ask again is as it was
	}, c.options, c.first, data)
}

// completed is what an answer of the issuer clears.
func (c *Card) completed(a *application, m *memory) {
	m.lastOnlineATC, m.onlineOpen, m.onlineNext = m.atc, false, c.update.onlineNext
	m.sdaFailed, m.ddaFailed = false, false
	switch c.update.counters {
	case security.CSUResetCounters:
		m.offline, m.offlineAmount = 0, 0
	case security.CSUCountersToLimit:
		m.offline, m.offlineAmount = max(m.offline, m.upperLimit), max(m.offlineAmount, m.upperAmount)
	case security.CSUAddToCounters:
		c.approvedOffline(a, m)
	}
	if !c.scripting {
		m.scripts, m.scriptFailed = 0, false
	}
}

// answer makes the cryptogram and the response. get is the terminal's data by tag, data all of them as they came.
func (c *Card) answer(a *application, m *memory, kind cryptogram, signed bool, get func(tag uint32) []byte, data ...[]byte) ([]byte, apdu.SW) {
	if signed && kind != aac {
		// Under CDA the number is in the signature, and in the issuer application data before it.
		c.number = a.dynamicNumber(m.atc, get(tlv.UnpredictableNumber))
	}
	var room [maxIAD]byte
	iad := layoutOf(a.version.Family()).iad(room[:0], a.version, a.keyIndex, c.reported(a, m))
	if a.iad != nil {
		iad = a.iad
	}
	var buffer [96]byte
	input, err := a.version.AppendInput(buffer[:0], func(tag uint32) []byte {
		switch tag {
		case tlv.ApplicationInterchangeProfile:
			return a.aip
		case tlv.ApplicationTransactionCounter:
			return counter(m.atc)
		case tlv.IssuerApplicationData:
			return iad
		}
		return get(tag)
	})
	if err != nil {
		return nil, apdu.SWConditionsOfUse // not reached: the profile's CDOLs were checked for all of it
	}
	ac := c.keys.Cryptogram(input)
	if a.wrong.is(wrongCryptogram) {
		ac[0] ^= 1
	}
	if c.results.second == none {
		c.given = ac
	}
	if kind == arqc {
		c.arqc = ac
	}
	if signed && kind != aac {
		answer, err := c.combine(a, kind, m.atc, ac, iad, get(tlv.UnpredictableNumber), data...)
		if err != nil {
			return nil, apdu.SWConditionsOfUse // not reached: the profile's keys were checked for room
		}
		return answer, apdu.SWSuccess
	}
	return generated(a.format, c.information(a, kind), m.atc, ac, iad), apdu.SWSuccess
}

// information is tag 9F27: the kind of cryptogram, and beside an AAC why, if the card says why.
func (c *Card) information(a *application, kind cryptogram) byte {
	if kind != aac {
		return byte(kind)
	}
	cid := byte(aac)
	if a.decision == refer && c.results.second == none {
		cid = applicationAuthorised
	}
	switch a.advice {
	case wantAdvice:
		cid |= adviceRequired | c.results.reason
	case withReason:
		cid |= c.results.reason
	}
	return cid
}

// generated is the response in format 1 or 2 (Book 3, 6.5.5.4).
func generated(format int, cid byte, atc uint16, ac [8]byte, iad []byte) []byte {
	if format == 1 {
		value := append([]byte{cid, byte(atc >> 8), byte(atc)}, ac[:]...)
		return tlv.Append(nil, tlv.ResponseMessageTemplateFormat1, append(value, iad...))
	}
	value := make([]byte, 0, 64)
	value = tlv.Append(value, tlv.CryptogramInformationData, []byte{cid})
	value = tlv.Append(value, tlv.ApplicationTransactionCounter, counter(atc))
	value = tlv.Append(value, tlv.ApplicationCryptogram, ac[:])
	value = tlv.Append(value, tlv.IssuerApplicationData, iad)
	return tlv.Append(nil, tlv.ResponseMessageTemplateFormat2, value)
}
