package purse

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

const directory = "2PAY.SYS.DDF01"

// selectPurse finds the purse in the directory of what is read by tap (EMV Contactless Book B, 3.3.2) and selects it.
func (t *tap) selectPurse() error {
	answer, err := t.selectFile([]byte(directory))
	if err != nil {
		return err
	}
	name, err := purseIn(answer)
	if err != nil {
		return stop(CardViolation, "directory: %w", err)
	}
	if name == nil {
		return stop(NotAPurse, "directory: no application %X", AID)
	}
	if answer, err = t.selectFile(name); err != nil {
		return err
	}
	if err := t.parseFCI(answer, name); err != nil {
		return stop(CardViolation, "FCI: %w", err)
	}
	return nil
}

func (t *tap) selectFile(name []byte) ([]byte, error) {
	r, err := t.transmit(apdu.Command{INS: apdu.InsSelect, P1: 0x04, Data: name, Le: apdu.MaxLe})
	if err != nil {
		return nil, err
	}
	switch failure := (&apdu.StatusError{INS: apdu.InsSelect, SW: r.SW}); r.SW {
	case apdu.SWSuccess:
		return r.Data, nil
	case apdu.SWFunctionNotSupported, apdu.SWSelectedBlocked:
		return nil, stop(CardBlocked, "%w", failure)
	default:
		return nil, stop(NotAPurse, "%w", failure)
	}
}

// purseIn is the name of the first purse of a directory's FCI, nil if there is none.
func purseIn(b []byte) ([]byte, error) {
	for _, tag := range []tlv.Tag{tlv.FCITemplate, tlv.FCIProprietaryTemplate, tlv.FCIIssuerDiscretionaryData} {
		v, there, err := tlv.Find(b, tag)
		if err != nil {
			return nil, err
		}
		if !there {
			return nil, fmt.Errorf("no %X", tag)
		}
		b = v
	}
	entries := tlv.NewReader(b)
	for entries.Next() {
		if entries.Tag() != tlv.ApplicationTemplate {
			continue
		}
		name, _, err := tlv.Find(entries.Value(), tlv.ApplicationDedicatedFileName)
		switch {
		case err != nil:
			return nil, err
		case len(name) <= maxName && strings.HasPrefix(string(name), AID):
			return name, nil
		}
	}
	return nil, entries.Err()
}

const maxName = 16 // bytes of an application's name

// parseFCI reads what the purse says when it is selected (Book 1, 11.3.4): its name, its label and its PDOL.
func (t *tap) parseFCI(b, name []byte) error {
	template, err := tlv.Only(b, tlv.FCITemplate)
	if err != nil {
		return err
	}
	got, _, err := tlv.Find(template, tlv.DedicatedFileName)
	if err == nil && !bytes.Equal(got, name) {
		err = fmt.Errorf("DF name 84 %X: want %X", got, name)
	}
	if err != nil {
		return err
	}
	proprietary, _, err := tlv.Find(template, tlv.FCIProprietaryTemplate)
	if err != nil {
		return err
	}
	label, _, err := tlv.Find(proprietary, tlv.ApplicationLabel)
	if err != nil {
		return err
	}
	if t.pdol, _, err = tlv.Find(proprietary, tlv.PDOL); err != nil {
		return err
	}
	t.name, t.label = name, printable(label)
	return checkPDOL(t.pdol)
}

// checkPDOL refuses a list that does not ask for what the signature will cover: it could not be right, and by then the card would
// have debited itself.
func checkPDOL(pdol []byte) error {
	entries, err := tlv.ParseDOL(pdol)
	if err != nil {
		return fmt.Errorf("PDOL 9F38: %w", err)
	}
	for _, need := range []tlv.Entry{
		{Tag: tlv.TerminalTransactionQualifiers, Length: 4}, {Tag: tlv.UnpredictableNumber, Length: 4},
		{Tag: tlv.AmountAuthorised, Length: 6}, {Tag: tlv.TransactionCurrencyCode, Length: 2},
	} {
		if !slices.Contains(entries, need) {
			return fmt.Errorf("PDOL 9F38: want %X with %d bytes: a purse pays what it was asked for", need.Tag, need.Length)
		}
	}
	return nil
}

// printable leaves out what does not belong into a label (Book 1, 12.2.4); at most 16 characters.
func printable(b []byte) string {
	var s strings.Builder
	for _, c := range b[:min(len(b), 16)] {
		if c >= 0x20 && c < 0x7F {
			s.WriteByte(c)
		}
	}
	return s.String()
}

// readBalance asks for what the purse holds.
func (t *tap) readBalance() error {
	b, err := t.getData(tlv.ElectronicCashBalance)
	if err != nil {
		return err
	}
	n, ok := number(b)
	if !ok || n > maxAmount {
		return stop(CardViolation, "balance 9F79 of %d bytes: want twelve digits", len(b))
	}
	t.balance = n
	return nil
}

// readCounter asks how many transactions the card has begun.
func (t *tap) readCounter() error {
	b, err := t.getData(tlv.ApplicationTransactionCounter)
	if err != nil {
		return err
	}
	if len(b) != 2 {
		return stop(CardViolation, "ATC 9F36 of %d bytes: want 2", len(b))
	}
	t.atc = uint16(b[0])<<8 | uint16(b[1])
	return nil
}

// getData is GET DATA (Book 3, 6.5.7). A card that does not answer these two could not be asked what became of a torn tap.
func (t *tap) getData(tag tlv.Tag) ([]byte, error) {
	r, err := t.transmit(apdu.Command{CLA: 0x80, INS: apdu.InsGetData, P1: byte(tag >> 8), P2: byte(tag), Le: apdu.MaxLe})
	if err != nil {
		return nil, err
	}
	if !r.SW.Success() {
		return nil, stop(CardViolation, "%X: %w", tag, &apdu.StatusError{INS: apdu.InsGetData, SW: r.SW})
	}
	value, err := tlv.Only(r.Data, tag)
	if err != nil {
		return nil, stop(CardViolation, "GET DATA: %w", err)
	}
	return value, nil
}
