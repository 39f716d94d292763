package card

import (
	"github.com/posim/posim/emv/apdu"
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
	if a == nil {
		return nil, apdu.SWConditionsOfUse
	}
	asked := cryptogram(command.P1)
	// A request for a signature (CDA, b5) is wrong: the AIP does not offer one. So is a second ARQC.
	wrong := asked != aac && asked != tc && (asked != arqc || c.phase == online) || command.P2 != 0
	switch c.phase {
	case initiated:
		switch {
		case wrong:
			return nil, apdu.SWWrongP1P2
		case len(command.Data) != a.cdol1.length:
			return nil, apdu.SWWrongLength
		}
		return c.firstCryptogram(a, m, asked, command.Data)
	case online:
		switch {
		case wrong:
			return nil, apdu.SWWrongP1P2
		case len(command.Data) != a.cdol2.length:
			return nil, apdu.SWWrongLength
		}
		return c.secondCryptogram(a, m, asked, command.Data)
	}
	return nil, apdu.SWConditionsOfUse // no transaction, or it has ended
}

func (c *Card) firstCryptogram(a *application, m *memory, asked cryptogram, data []byte) ([]byte, apdu.SW) {
	keys, err := a.version.Session(a.key, counter(m.atc), a.cdol1.get(data, tlv.UnpredictableNumber))
	if err != nil {
		return nil, apdu.SWConditionsOfUse // not reached: the profile's CDOL1 was checked for all of it
	}
	c.keys = keys
	c.first = append([]byte(nil), data...)
	c.results = results{
		second:               none,
		lastOnlineIncomplete: m.onlineOpen,
		lastIssuerFailed:     m.issuerFailed,
		newCard:              m.lastOnlineATC == 0,
		lowerLimit:           over(m.offline, a.lowerLimit),
		overLimit:            over(m.offline, a.upperLimit),
	}
	given := c.riskManagement(a, asked)
	c.results.first = given
	c.phase = done
	switch given {
	case arqc:
		c.phase = online
		m.onlineOpen = true
	case tc:
		m.offline++
	}
	return c.answer(a, m, given, func(tag uint32) []byte { return a.cdol1.get(c.first, tag) })
}

// riskManagement is the card's own decision (Book 3, 10.8): it may answer what was asked, or go down from TC to ARQC and from
// ARQC to AAC, never up.
func (c *Card) riskManagement(a *application, asked cryptogram) cryptogram {
	if asked != tc {
		return asked
	}
	r := &c.results
	if terminal := a.cdol1.get(c.first, tlv.TerminalType); len(terminal) == 1 && offlineOnly(terminal[0]) {
		if r.overLimit || r.newCard && a.newCardOnline {
			return aac
		}
		return tc
	}
	if r.lowerLimit || r.overLimit || r.newCard && a.newCardOnline || r.lastOnlineIncomplete {
		return arqc
	}
	return tc
}

// over tells whether one more offline approval would exceed the limit; -1 is none.
func over(offline, limit int) bool { return limit >= 0 && offline+1 > limit }

// offlineOnly reads tag 9F35 (Book 4, annex A1): the right digit 3 or 6 is a terminal that cannot go online.
func offlineOnly(terminalType byte) bool { return terminalType&15 == 3 || terminalType&15 == 6 }

func (c *Card) secondCryptogram(a *application, m *memory, asked cryptogram, data []byte) ([]byte, apdu.SW) {
	r := &c.results
	given := asked
	if arc := string(a.cdol2.get(data, tlv.AuthorisationResponseCode)); arc == "Y3" || arc == "Z3" { // unable to go online (Book 4, annex A6)
		r.unableToGoOnline = true
		if r.overLimit || r.newCard && a.newCardOnline {
			given = aac
		}
		if given == tc {
			m.offline++
		}
	} else {
		c.authenticateIssuer(a, m, data)
		r.issuerMissing = c.issuer == notPerformed
		refused := c.issuer == declined || c.issuer == failed && !a.lenient || c.issuer == notPerformed && a.requireARPC
		if refused {
			given = aac
		}
		// The issuer was there, whatever it said: counting starts again. Without proof of it, the next transaction tries.
		if c.issuer == verified || c.issuer == declined || c.issuer == notPerformed && !a.requireARPC {
			m.lastOnlineATC, m.offline, m.onlineOpen = m.atc, 0, false
		}
	}
	r.second = given
	c.phase = done
	return c.answer(a, m, given, func(tag uint32) []byte {
		if value := a.cdol2.get(data, tag); value != nil {
			return value
		}
		return a.cdol1.get(c.first, tag) // what CDOL2 does not ask again is as it was
	})
}

// answer makes the cryptogram and the response. get is the terminal's data.
func (c *Card) answer(a *application, m *memory, kind cryptogram, get func(tag uint32) []byte) ([]byte, apdu.SW) {
	var room [32]byte
	iad := layoutOf(a.version.Family()).iad(room[:0], a.version, a.keyIndex, &c.results)
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
	if kind == arqc {
		c.arqc = ac
	}
	return generated(a.format, kind, m.atc, ac, iad), apdu.SWSuccess
}

// generated is the response in format 1 or 2 (Book 3, 6.5.5.4).
func generated(format int, kind cryptogram, atc uint16, ac [8]byte, iad []byte) []byte {
	if format == 1 {
		value := append([]byte{byte(kind), byte(atc >> 8), byte(atc)}, ac[:]...)
		return tlv.Append(nil, tlv.ResponseMessageTemplateFormat1, append(value, iad...))
	}
	value := make([]byte, 0, 64)
	value = tlv.Append(value, tlv.CryptogramInformationData, []byte{byte(kind)})
	value = tlv.Append(value, tlv.ApplicationTransactionCounter, counter(atc))
	value = tlv.Append(value, tlv.ApplicationCryptogram, ac[:])
	value = tlv.Append(value, tlv.IssuerApplicationData, iad)
	return tlv.Append(nil, tlv.ResponseMessageTemplateFormat2, value)
}
