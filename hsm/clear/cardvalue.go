package clear

import (
	"crypto/cipher"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/cardvalue"
)

// ErrBiased is a decimalisation table that makes few PINs of many, which is the matter of CheckTable.
var ErrBiased = cardvalue.ErrBiased

// checkCard is for what goes into a card verification value.
func checkCard(pan, expiry, serviceCode string) error {
	if err := checkDigits("pan", pan, ErrPAN, 13, 19); err != nil {
		return err
	}
	if err := checkDigits("expiry", expiry, ErrLength, 4, 4); err != nil {
		return err
	}
	return checkDigits("service code", serviceCode, ErrLength, 3, 3)
}

// retail is the MAC of a pair of DES keys, which the card values use.
func (k Key) retail(field string) (*crypt.RetailMAC, error) {
	key, err := k.double(field)
	if err != nil {
		return nil, err
	}
	m, err := crypt.NewRetailMAC(key)
	return m, inField(field, err)
}

// CVV makes a card verification value of three digits under the pair of keys CVK A and B. expiry is as the value's user writes it, YYMM
// on a stripe, often MMYY for a CVV2. The service code is the stripe's for a CVV, 000 for a CVV2, 999 for an iCVV.
func CVV(cvk Key, pan, expiry, serviceCode string) (string, error) {
	if err := checkCard(pan, expiry, serviceCode); err != nil {
		return "", err
	}
	k, err := cvk.retail("cvk")
	if err != nil {
		return "", err
	}
	v, err := cardvalue.CVV(new(cardvalue.Work), k, []byte(pan), []byte(expiry), []byte(serviceCode))
	if err != nil {
		return "", inField("cvv", err)
	}
	return string(v[:]), nil
}

// DCVV makes Visa's dynamic CVV under the issuer's key: a CVV under the card's, which it gives too, with the transaction counter, four
// decimal digits, in place of the first four digits of the PAN. The formula has no published example.
func DCVV(issuer Key, pan, sequence, expiry, serviceCode, counter string) (udk Key, dcvv string, err error) {
	if err := checkCard(pan, expiry, serviceCode); err != nil {
		return Key{}, "", err
	}
	if err := checkDigits("transaction counter", counter, ErrLength, 4, 4); err != nil {
		return Key{}, "", err
	}
	if udk, err = ICCMasterKey(issuer, "A", pan, sequence); err != nil {
		return Key{}, "", err
	}
	k, err := udk.retail("card key")
	if err != nil {
		return Key{}, "", err
	}
	v, err := cardvalue.DCVV(new(cardvalue.Work), k, []byte(pan), []byte(counter), []byte(expiry), []byte(serviceCode))
	if err != nil {
		return Key{}, "", inField("dcvv", err)
	}
	return udk, string(v[:]), nil
}

// CVC3 makes Mastercard's dynamic value of five digits under the issuer's key, and the initial vector that a card holds for the track.
// track is its static data; atc and un are the card's counter and the unpredictable number, 2 and 4 bytes.
func CVC3(issuer Key, pan, sequence string, track, atc, un []byte) (iv []byte, cvc3 string, err error) {
	switch {
	case len(atc) != 2:
		return nil, "", wrongLength("atc", len(atc), "2 bytes")
	case len(un) != 4:
		return nil, "", wrongLength("un", len(un), "4 bytes")
	}
	mk, err := ICCMasterKey(issuer, "A", pan, sequence)
	if err != nil {
		return nil, "", err
	}
	k, err := mk.retail("card key")
	if err != nil {
		return nil, "", err
	}
	vector, err := cardvalue.IVCVC3(new(cardvalue.Work), k, track)
	if err != nil {
		return nil, "", inField("track", err)
	}
	v := cardvalue.CVC3(new(cardvalue.Work), k, vector, [4]byte(un), [2]byte(atc))
	return vector[:], string(v[:]), nil
}

// PVV makes Visa's PIN verification value of four digits. index is that of the key, one digit.
func PVV(pvk Key, pan, index, pin string) (string, error) {
	if err := checkDigits("pan", pan, ErrPAN, 12, 19); err != nil {
		return "", err
	}
	if err := checkDigits("key index", index, ErrLength, 1, 1); err != nil {
		return "", err
	}
	if err := checkPIN("pin", pin); err != nil {
		return "", err
	}
	if _, err := pvk.double("pvk"); err != nil {
		return "", err
	}
	b, err := pvk.cipher("pvk")
	if err != nil {
		return "", err
	}
	v, err := cardvalue.PVV(new(cardvalue.Work), b, []byte(pan), index[0], numbers(pin))
	if err != nil {
		return "", inField("pvv", err)
	}
	return string(v[:]), nil
}

// IBM3624 is what PINs of IBM 3624 are made with: the PIN verification key, DES or TDES; the decimalisation table, 16 digits; and the
// validation data, 8 bytes, which is mostly the PAN or a part of it.
type IBM3624 struct {
	Key        Key
	Table      string
	Validation []byte
}

func (p IBM3624) parse() (b cipher.Block, t cardvalue.Table, v [8]byte, err error) {
	if err = p.Key.of("pvk", DES, TDES); err != nil {
		return b, t, v, err
	}
	if len(p.Validation) != 8 {
		return b, t, v, wrongLength("validation data", len(p.Validation), "8 bytes")
	}
	if t, err = parseTable(p.Table); err != nil {
		return b, t, v, err
	}
	b, err = p.Key.cipher("pvk")
	return b, t, [8]byte(p.Validation), err
}

func parseTable(digits string) (t cardvalue.Table, err error) {
	if err := checkDigits("decimalisation table", digits, ErrLength, 16, 16); err != nil {
		return t, err
	}
	t, err = cardvalue.ParseTable([]byte(digits))
	return t, inField("decimalisation table", err)
}

// CheckTable is ErrBiased for a decimalisation table that a module should refuse.
func CheckTable(digits string) error {
	t, err := parseTable(digits)
	if err != nil {
		return err
	}
	return inField("decimalisation table", t.Policy())
}

// NaturalPIN is the first n digits, 4 to 12, of the PIN that nobody has chosen.
func (p IBM3624) NaturalPIN(n int) (string, error) {
	if n < 4 || n > 12 {
		return "", &Error{"pin", ErrPIN, plural(n, "digit"), "4 to 12"}
	}
	b, t, v, err := p.parse()
	if err != nil {
		return "", err
	}
	pin := make([]byte, n)
	if err := cardvalue.NaturalPIN(new(cardvalue.Work), b, &t, &v, pin); err != nil {
		return "", inField("pin", err)
	}
	return digitsOf(pin), nil
}

// digitsOf undoes numbers.
func digitsOf(pin []byte) string {
	for i := range pin {
		pin[i] += '0'
	}
	return string(pin)
}

// Offset is what leads from the natural PIN to a chosen one, of as many digits as the PIN has.
func (p IBM3624) Offset(pin string) (string, error) {
	if err := checkPIN("pin", pin); err != nil {
		return "", err
	}
	b, t, v, err := p.parse()
	if err != nil {
		return "", err
	}
	offset := make([]byte, len(pin))
	if err := cardvalue.Offset(new(cardvalue.Work), b, &t, &v, numbers(pin), offset); err != nil {
		return "", inField("offset", err)
	}
	return string(offset), nil
}

// PIN is the PIN that an offset leads to.
func (p IBM3624) PIN(offset string) (string, error) {
	if err := checkDigits("offset", offset, ErrLength, 4, 12); err != nil {
		return "", err
	}
	b, t, v, err := p.parse()
	if err != nil {
		return "", err
	}
	pin := make([]byte, len(offset))
	if err := cardvalue.PINFromOffset(new(cardvalue.Work), b, &t, &v, []byte(offset), pin); err != nil {
		return "", inField("pin", err)
	}
	return digitsOf(pin), nil
}

// Decimalize replaces the sixteen nibbles of a block by the digits of a table.
func Decimalize(table string, block []byte) (string, error) {
	if len(block) != 8 {
		return "", wrongLength("block", len(block), "8 bytes")
	}
	t, err := parseTable(table)
	if err != nil {
		return "", err
	}
	var digits [16]byte
	if err := t.Decimalise(&digits, (*[8]byte)(block)); err != nil {
		return "", inField("block", err)
	}
	return digitsOf(digits[:]), nil
}
