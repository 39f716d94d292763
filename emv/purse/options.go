package purse

import (
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// The types of cryptogram, the two highest bits of tag 9F27.
const (
	typeMask = 0xC0
	typeAAC  = 0x00
	typeTC   = 0x40
)

// getProcessingOptions asks for the amount. The card answers with its decision, its cryptogram and, under a TC, where its records
// are and a signature.
func (t *tap) getProcessingOptions() error {
	options, err := tlv.FillDOL(nil, t.pdol, t.data)
	if err != nil {
		return stop(CardViolation, "PDOL 9F38: %w", err)
	}
	template := tlv.Append(nil, tlv.CommandTemplate, options)
	if len(template) > apdu.MaxData {
		return stop(CardViolation, "PDOL 9F38: asks for %d bytes: too long for a command", len(options))
	}
	r, err := t.transmit(apdu.Command{CLA: 0x80, INS: apdu.InsGetProcessingOptions, Data: template, Le: apdu.MaxLe})
	if err != nil {
		return err
	}
	switch failure := (&apdu.StatusError{INS: apdu.InsGetProcessingOptions, SW: r.SW}); {
	case r.SW == apdu.SWConditionsOfUse:
		return stop(CardWantsMore, "%w", failure)
	case !r.SW.Success():
		return stop(CardViolation, "%w", failure)
	}
	v, err := tlv.Only(r.Data, tlv.ResponseMessageTemplateFormat2)
	if err == nil {
		err = t.add(v)
	}
	if err == nil {
		err = t.checkOptions()
	}
	if err != nil {
		return stop(CardViolation, "GET PROCESSING OPTIONS: %w", err)
	}
	return t.decided()
}

// checkOptions looks at the lengths of what every answer has.
func (t *tap) checkOptions() error {
	for _, e := range []struct {
		tag       tlv.Tag
		low, high int
	}{
		{tlv.ApplicationInterchangeProfile, 2, 2}, {tlv.ApplicationTransactionCounter, 2, 2}, {tlv.CryptogramInformationData, 1, 1},
		{tlv.ApplicationCryptogram, 8, 8}, {tlv.IssuerApplicationData, 1, 32},
	} {
		if n := len(t.get(e.tag)); n < e.low || n > e.high {
			return fmt.Errorf("%s %X of %d bytes: want %d to %d", tlv.Name(e.tag), e.tag, n, e.low, e.high)
		}
	}
	atc := t.get(tlv.ApplicationTransactionCounter)
	t.atc = uint16(atc[0])<<8 | uint16(atc[1])
	t.tc = [8]byte(t.get(tlv.ApplicationCryptogram))
	return nil
}

// decided is the card's decision: only a TC goes on.
func (t *tap) decided() error {
	switch kind := t.get(tlv.CryptogramInformationData)[0] & typeMask; {
	case kind == typeAAC && t.balance < t.request.Amount:
		return stop(NotEnough, "the card declines: it has less than the amount")
	case kind == typeAAC:
		return stop(CardDeclined, "the card declines")
	case kind != typeTC:
		return stop(CardWantsMore, "cryptogram information data 9F27 %02X: want a TC", t.get(tlv.CryptogramInformationData))
	case t.balance < t.request.Amount:
		return stop(CardViolation, "the card agrees, though it has less than the amount")
	}
	t.signature = t.get(tlv.SignedDynamicApplicationData)
	locator, err := parseLocator(t.get(tlv.ApplicationFileLocator))
	if err != nil {
		return stop(CardViolation, "%w", err)
	}
	t.locator = locator
	return nil
}

// field55 are the data elements of the advice, in their order. None of them is the card's number or track.
var field55 = []tlv.Tag{
	tlv.ApplicationCryptogram, tlv.CryptogramInformationData, tlv.IssuerApplicationData, tlv.UnpredictableNumber,
	tlv.ApplicationTransactionCounter, tlv.TVR, tlv.TransactionDate, tlv.TransactionType, tlv.AmountAuthorised,
	tlv.TransactionCurrencyCode, tlv.ApplicationInterchangeProfile, tlv.TerminalCountryCode, tlv.AmountOther,
	tlv.TerminalCapabilities, tlv.TerminalType, tlv.DedicatedFileName,
}

func (t *tap) field55() (b []byte) {
	for _, tag := range field55 {
		b = tlv.Append(b, tag, t.data(tag))
	}
	return b
}
