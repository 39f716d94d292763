package dialect

import (
	"fmt"
	"strings"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

// Fingerprint is what a request is about, apart from its Key: two requests with one key are duplicates if their
// fingerprints are equal, and a clash (response code 94) if not. Reversal reason and RRN are in neither. It is comparable,
// and holds no clear card number.
type Fingerprint struct {
	Amount         int64 // minor units
	HasAmount      bool
	ProcessingCode string
	Currency       string
	Card           string // the masked card number, of DE 2 or of the track; "" without either
	ATC            string // tag 9F36 of DE 55 in hex
	Cryptogram     string // tag 9F26 of DE 55 in hex
}

// Fingerprint returns the fingerprint of m.
func (m *Message) Fingerprint() Fingerprint {
	return Fingerprint{
		Amount: m.AmountTransaction, HasAmount: m.HasAmount,
		ProcessingCode: m.ProcessingCode, Currency: m.CurrencyCodeTransaction,
		Card:       m.cardToken(),
		ATC:        m.chipValue(tlv.ApplicationTransactionCounter),
		Cryptogram: m.chipValue(tlv.ApplicationCryptogram),
	}
}

// chipValue is a value of DE 55 in hex. One that cannot be reached for what stands before it is absent: two copies of a
// request have the same bytes, so they agree on that too.
func (m *Message) chipValue(tag tlv.Tag) string {
	v, _, _ := tlv.Find(m.ICCSystemRelatedData, tag)
	return fmt.Sprintf("%X", v)
}

// cardToken masks whichever of the two carries the number: a swiped card may come without DE 2.
func (m *Message) cardToken() string {
	if !m.PrimaryAccountNumber.IsZero() {
		return m.PrimaryAccountNumber.Masked()
	}
	digits, _, _ := strings.Cut(m.Track2Data, "=")
	p, err := pan.Parse(digits)
	if err != nil {
		return ""
	}
	return p.Masked()
}

// String is every part in one line, "-" for what is absent.
func (f Fingerprint) String() string {
	amount := "-"
	if f.HasAmount {
		amount = fmt.Sprint(f.Amount)
	}
	parts := []string{amount, f.ProcessingCode, f.Currency, f.Card, f.ATC, f.Cryptogram}
	for i, p := range parts {
		if p == "" {
			parts[i] = "-"
		}
	}
	return strings.Join(parts, " ")
}
