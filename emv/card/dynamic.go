package card

import (
	"bytes"
	"crypto/sha1"
	"sync"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

const (
	maxResponse = 256  // bytes of a response's data
	signature   = 0x10 // P1 of GENERATE AC: a signature is wanted (CDA)
)

// dynamic tells whether the application does DDA, combined whether it does CDA.
func (a *application) dynamic() bool  { return a.aip[0]&aipDDA != 0 }
func (a *application) combined() bool { return a.aip[0]&aipCDA != 0 }

// internalAuthenticate answers INTERNAL AUTHENTICATE (Book 3, 6.5.9): DDA (Book 2, 6.5).
func (c *Card) internalAuthenticate(command apdu.Command) ([]byte, apdu.SW) {
	a, m := c.current()
	switch {
	case !c.profile.chip.any((*application).dynamic), a != nil && !a.dynamic():
		return nil, apdu.SWInstructionInvalid
	case a == nil, a.purse != nil, c.phase != initiated:
		return nil, apdu.SWConditionsOfUse
	case command.P1 != 0 || command.P2 != 0:
		return nil, apdu.SWWrongP1P2
	case a.ddol.length > 0 && len(command.Data) != a.ddol.length, len(command.Data) < minDDOL || len(command.Data) > maxList:
		return nil, apdu.SWWrongLength
	}
	number := a.dynamicNumber(m.atc, command.Data)
	signed, err := a.sign(append([]byte{byte(len(number))}, number...), command.Data)
	if err != nil {
		return nil, apdu.SWConditionsOfUse // not reached: the profile's keys were checked for room
	}
	c.number = number
	c.results.dda = true
	if a.format == 1 {
		return tlv.Append(nil, tlv.ResponseMessageTemplateFormat1, signed), apdu.SWSuccess
	}
	return tlv.Append(nil, tlv.ResponseMessageTemplateFormat2, tlv.Append(nil, tlv.SignedDynamicApplicationData, signed)), apdu.SWSuccess
}

const minDDOL = 4 // the unpredictable number (Book 2, 6.5.1)

// dynamicNumber is the ICC dynamic number (tag 9F4C): different for each transaction and each terminal's data.
func (a *application) dynamicNumber(atc uint16, data []byte) []byte {
	if a.number != nil {
		return a.number
	}
	number := a.derive("dynamic number", atc, 0, data...)
	return number[:]
}

// sign makes signed dynamic application data (Book 2, 6.5.1), wrong if the profile wants it so.
func (a *application) sign(data, terminalData []byte) ([]byte, error) {
	if a.wrong.is(wrongSDADHash) {
		terminalData = bytes.Clone(terminalData)
		terminalData[0] ^= 1
	}
	signed, err := a.auth.signed.make(a.auth.icc, data, terminalData)
	if err == nil && a.wrong.is(wrongSDAD) {
		signed[len(signed)/2] ^= 1
	}
	return signed, err
}

// signatures remembers what cards of one profile have signed. The same card lives in every world of an exploration and signs the
// same things there, and a private-key operation costs as much as all the rest of a sale.
type signatures struct {
	mu   sync.Mutex
	made map[signedOf][]byte
}

// signedOf is what a signature covers.
type signedOf struct{ data, terminalData string }

// maxSignatures bounds what is remembered; then it begins anew.
const maxSignatures = 256

// make signs, or finds what was signed before. The bytes are the caller's.
func (s *signatures) make(key *security.PrivateKey, data, terminalData []byte) ([]byte, error) {
	id := signedOf{string(data), string(terminalData)}
	s.mu.Lock()
	before := s.made[id]
	s.mu.Unlock()
	if before != nil {
		return bytes.Clone(before), nil
	}
	signed, err := security.SignDynamicData(key, data, terminalData)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil || len(s.made) >= maxSignatures {
		s.made = map[signedOf][]byte{}
	}
	s.made[id] = bytes.Clone(signed)
	return signed, nil
}

// combine answers GENERATE AC under CDA (Book 2, 6.6.1): the cryptogram is inside the signature, which covers the whole
// transaction. un is the unpredictable number; data are the terminal's, in the order in which the commands brought them.
func (c *Card) combine(a *application, kind cryptogram, atc uint16, ac [8]byte, iad, un []byte, data ...[]byte) ([]byte, error) {
	h := sha1.New()
	for _, d := range data {
		h.Write(d)
	}
	h.Write(a.signature(nil, iad, kind, atc))
	hash := h.Sum(nil)
	if a.wrong.is(wrongTransactionHash) {
		hash[0] ^= 1
	}
	cid := byte(kind)
	if a.wrong.is(wrongSignedCID) {
		cid ^= byte(tc)
	}
	dynamic, err := security.AppendCombined(nil, security.CombinedData{
		Number: c.number, CryptogramInformationData: cid, Cryptogram: ac, TransactionDataHash: [sha1.Size]byte(hash),
	})
	if err != nil {
		return nil, err
	}
	signed, err := a.sign(dynamic, un)
	if err != nil {
		return nil, err
	}
	if a.wrong.is(noSDAD) {
		return tlv.Append(nil, tlv.ResponseMessageTemplateFormat2, a.signature(nil, iad, kind, atc)), nil
	}
	return tlv.Append(nil, tlv.ResponseMessageTemplateFormat2, a.signature(signed, iad, kind, atc)), nil
}

// signature writes the objects of an answer under CDA in their order; without signed those that the hash covers, which are
// all others.
func (a *application) signature(signed, iad []byte, kind cryptogram, atc uint16) (b []byte) {
	b = tlv.Append(b, tlv.CryptogramInformationData, []byte{byte(kind)})
	b = tlv.Append(b, tlv.ApplicationTransactionCounter, counter(atc))
	if signed != nil {
		b = tlv.Append(b, tlv.SignedDynamicApplicationData, signed)
	}
	return tlv.Append(b, tlv.IssuerApplicationData, iad)
}
