package purse

import (
	"errors"
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// keep hands out what a second tap will need. When it returns the card may be asked for its last record.
func (t *tap) keep() error {
	t.icc = t.field55()
	torn := Torn{
		PAN: t.owner.PAN, PSN: t.owner.PSN, Expiry: t.owner.Expiry, Label: t.owner.Label,
		Amount: t.request.Amount, Currency: t.terminal.Kernel.CurrencyCode, ATC: t.atc, BalanceBefore: t.balance,
		AFL: t.get(tlv.ApplicationFileLocator), Signature: t.signature, ICC: t.icc,
	}
	if err := t.request.Keep(torn); err != nil {
		return fmt.Errorf("purse: keep: %w", err)
	}
	t.torn = &torn
	return nil
}

// check refuses facts that this package has not handed out: they come from a disk.
func (t *Torn) check(terminal *Terminal, request Request) error {
	switch {
	case t.PAN.IsZero():
		return errors.New("purse: torn tap: no card number")
	case t.Amount != request.Amount:
		return fmt.Errorf("purse: torn tap: amount %d: the request is for %d", t.Amount, request.Amount)
	case t.Currency != terminal.Kernel.CurrencyCode:
		return fmt.Errorf("purse: torn tap: currency %d: the terminal's is %d", t.Currency, terminal.Kernel.CurrencyCode)
	case t.BalanceBefore < t.Amount || t.BalanceBefore > maxAmount:
		return fmt.Errorf("purse: torn tap: balance %d: want at least the amount", t.BalanceBefore)
	}
	if _, err := parseLocator(t.AFL); err != nil {
		return fmt.Errorf("purse: torn tap: %w", err)
	}
	if err := tlv.Check(t.ICC); err != nil {
		return fmt.Errorf("purse: torn tap: field 55: %w", err)
	}
	for _, need := range []tlv.Entry{
		{Tag: tlv.ApplicationCryptogram, Length: 8}, {Tag: tlv.UnpredictableNumber, Length: 4}, {Tag: tlv.ApplicationInterchangeProfile, Length: 2},
	} {
		if v := t.of(need.Tag); len(v) != need.Length {
			return fmt.Errorf("purse: torn tap: field 55: tag %X of %d bytes: want %d", need.Tag, len(v), need.Length)
		}
	}
	if _, ok := day(t.of(tlv.TransactionDate)); !ok {
		return errors.New("purse: torn tap: field 55: tag 9A: want YYMMDD")
	}
	return nil
}

// of is a data object of field 55.
func (t *Torn) of(tag tlv.Tag) []byte {
	v, _, err := tlv.Find(t.ICC, tag)
	if err != nil {
		return nil
	}
	return v
}

func (t *Torn) tc() (tc [8]byte) {
	copy(tc[:], t.of(tlv.ApplicationCryptogram))
	return tc
}

func (t *Torn) owner() Card { return Card{PAN: t.PAN, PSN: t.PSN, Expiry: t.Expiry, Label: t.Label} }

// identify reads the records of the torn tap, but for the last one, and compares whose they are. A purse gives them outside a
// transaction: GET PROCESSING OPTIONS would begin another. A card that has no such records is another one.
func (t *tap) identify(torn Torn) error {
	locator, err := parseLocator(torn.AFL)
	if err != nil {
		return err // not reached: check has read it
	}
	t.locator = locator
	if err := t.readRecords(locator[:len(locator)-1]); err != nil {
		var status *apdu.StatusError
		if errors.As(err, &status) {
			return stop(OtherCard, "%w", err)
		}
		return err
	}
	owner, err := t.identity()
	switch {
	case err != nil:
		return stop(CardViolation, "%w", err)
	case owner.PAN != torn.PAN || owner.PSN != torn.PSN:
		return stop(OtherCard, "card %s: want %s", owner.PAN.Masked(), torn.PAN.Masked())
	}
	return nil
}

// take puts what was kept of a transaction in the place of what the card would give anew.
func (t *tap) take(torn Torn) {
	t.owner, t.icc, t.tc, t.signature = torn.owner(), torn.ICC, torn.tc(), torn.Signature
	t.un = [4]byte(torn.of(tlv.UnpredictableNumber))
	t.today, _ = day(torn.of(tlv.TransactionDate))
	t.objects = append(t.objects, object{tlv.ApplicationInterchangeProfile, torn.of(tlv.ApplicationInterchangeProfile)})
}
