package purse

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// tap is one card before the reader: what it gave, and how far it came. Its steps are methods.
type tap struct {
	card     apdu.Card
	terminal Terminal
	request  Request
	today    int64 // YYYYMMDD of the transaction
	un       [4]byte

	name    []byte // 84 of the selected application
	label   string
	pdol    []byte
	balance int64 // 9F79 as it was read
	atc     uint16
	tc      [8]byte
	icc     []byte // field 55

	objects    []object // of GET PROCESSING OPTIONS and the records
	locator    []place
	static     []byte // the records to authenticate
	owner      Card
	arithmetic security.Arithmetic
	key        security.PublicKey // the card's
	signature  []byte             // 9F4B
	related    []byte             // 9F69

	stage   Stage
	torn    *Torn // what Keep was given last, or what is to be resumed
	resumed bool
}

// object is a data object of the card.
type object struct {
	tag   tlv.Tag
	value []byte
}

const maxAmount = 999_999_999_999 // minor units: twelve digits of tag 9F02

// newTap checks what the terminal brings, and draws the unpredictable number.
func newTap(card apdu.Card, terminal Terminal, request Request) (*tap, error) {
	k := terminal.Kernel
	switch {
	case k == nil:
		return nil, errors.New("purse: no kernel configuration")
	case k.CountryCode < 1 || k.CountryCode > 999:
		return nil, fmt.Errorf("purse: country code %d: want 1 to 999", k.CountryCode)
	case k.CurrencyCode < 1 || k.CurrencyCode > 999:
		return nil, fmt.Errorf("purse: currency code %d: want 1 to 999", k.CurrencyCode)
	case k.Rand == nil:
		return nil, errors.New("purse: no source of random numbers")
	case request.Amount < 1 || request.Amount > maxAmount:
		return nil, fmt.Errorf("purse: amount %d: want 1 to %d", request.Amount, int64(maxAmount))
	case request.Time.IsZero():
		return nil, errors.New("purse: no time")
	case request.Keep == nil:
		return nil, errors.New("purse: nobody keeps what a torn tap needs")
	}
	t := &tap{card: apdu.Chain(card), terminal: terminal, request: request}
	year, month, day := request.Time.Date()
	t.today = int64(year)*10000 + int64(month)*100 + int64(day)
	if _, err := io.ReadFull(k.Rand, t.un[:]); err != nil {
		return nil, fmt.Errorf("purse: unpredictable number 9F37: %w", err)
	}
	return t, nil
}

// What the terminal says of itself: taps of this kind (qPBOC), nobody online, and signatures of version 01.
var qualifiers = []byte{0x28, 0x00, 0x00, 0x80}

// data is a data element of terminal or transaction, nil if there is none (Book 3, annex A; those of the purse by PBOC 3.0).
func (t *tap) data(tag tlv.Tag) []byte {
	k := t.terminal.Kernel
	switch tag {
	case tlv.TerminalTransactionQualifiers:
		return qualifiers
	case tlv.ElectronicCashTerminalSupportIndicator:
		return []byte{0x01}
	case tlv.AmountAuthorised:
		return numeric(t.request.Amount, 6)
	case tlv.AmountOther:
		return make([]byte, 6)
	case tlv.TerminalCountryCode:
		return numeric(int64(k.CountryCode), 2)
	case tlv.TransactionCurrencyCode:
		return numeric(int64(k.CurrencyCode), 2)
	case tlv.TVR: // nothing that it could say is left to others: what is wrong ends the tap
		return make([]byte, 5)
	case tlv.TransactionDate:
		return numeric(t.today%1_000_000, 3)
	case tlv.TransactionType:
		return []byte{0x00} // goods and services
	case tlv.UnpredictableNumber:
		return t.un[:]
	case tlv.TerminalType:
		return []byte{k.Type}
	case tlv.TerminalCapabilities:
		return k.Capabilities[:]
	case tlv.DedicatedFileName:
		return t.name
	}
	return t.get(tag)
}

// get is a data object of the card, nil if it gave none.
func (t *tap) get(tag tlv.Tag) []byte {
	for i := range t.objects {
		if t.objects[i].tag == tag {
			return t.objects[i].value
		}
	}
	return nil
}

// add keeps the data objects of an answer. One that the card has given already is a violation (Book 3, 10.2).
func (t *tap) add(b []byte) error {
	r := tlv.NewReader(b)
	for r.Next() {
		if tlv.Constructed(r.Tag()) {
			continue
		}
		if t.get(r.Tag()) != nil {
			return fmt.Errorf("data object %X twice", r.Tag())
		}
		value := slices.Clone(r.Value())
		if value == nil {
			value = []byte{}
		}
		t.objects = append(t.objects, object{r.Tag(), value})
	}
	return r.Err()
}

// transmit sends one command. That there was no answer ends the tap.
func (t *tap) transmit(c apdu.Command) (apdu.Response, error) {
	raw, err := t.card.Transmit(c.Append(nil))
	if err == nil {
		var r apdu.Response
		if r, err = apdu.Parse(raw); err == nil {
			return r, nil
		}
	}
	if errors.Is(err, apdu.ErrProtocol) {
		return apdu.Response{}, stop(CardViolation, "%s: %w", apdu.Name(c.INS), err)
	}
	return apdu.Response{}, stop(CardGone, "%s: %w", apdu.Name(c.INS), err)
}

// numeric writes a number as binary coded digits.
func numeric(n int64, size int) []byte {
	b := make([]byte, size)
	for i := size - 1; i >= 0; i-- {
		b[i] = byte(n%10) | byte(n/10%10)<<4
		n /= 100
	}
	return b
}

// number reads binary coded digits; false if a nibble is none. At most eight bytes.
func number(b []byte) (n int64, ok bool) {
	for _, c := range b {
		if c>>4 > 9 || c&15 > 9 {
			return 0, false
		}
		n = n*100 + int64(c>>4)*10 + int64(c&15)
	}
	return n, len(b) > 0 && len(b) <= 8
}

// text writes the nibbles of b, without the padding behind them.
func text(b []byte) string {
	d := fmt.Sprintf("%X", b)
	for len(d) > 0 && d[len(d)-1] == 'F' {
		d = d[:len(d)-1]
	}
	return d
}
