package card

import (
	"fmt"
	"strings"

	"github.com/posim/posim/emv/security"
)

// Status is what the issuer knows of the card.
type Status string

// The statuses.
const (
	Active     Status = "active"
	Lost       Status = "lost"
	Stolen     Status = "stolen"
	Frozen     Status = "frozen"
	Closed     Status = "closed"
	Restricted Status = "restricted"
)

// Issuer is the issuer's view of the card and of the account behind it.
type Issuer struct {
	Status     Status
	Balance    int64  // minor units: what can be spent at the start
	Currency   string // ISO 4217, three digits; its minor unit is a hundredth
	Expiry     Month  // as the issuer's file has it, which may differ from the card's
	IMKName    string // the label of the issuer master key for cryptograms; "" without one
	Derivation security.Option
	Cryptogram string // the family for security.VersionFor; "" without a chip
	SMIName    string // the label of the issuer master key for script MACs; "" without one: the issuer cannot script this card
	SMCName    string // the label of the issuer master key for script encipherment; "" without one: it cannot change its PIN

	pin           string
	imk, smi, smc []byte
}

// PIN is the clear PIN, four to twelve digits, "" where the card has none.
func (i *Issuer) PIN() string { return i.pin }

// IssuerMasterKey is the clear key that IMKName labels, nil without one. It is a published test key. The bytes are a copy.
func (i *Issuer) IssuerMasterKey() []byte { return append([]byte(nil), i.imk...) }

// ScriptMACKey is the clear key that SMIName labels, nil without one. It is a published test key. The bytes are a copy.
func (i *Issuer) ScriptMACKey() []byte { return append([]byte(nil), i.smi...) }

// ScriptEncryptionKey is the clear key that SMCName labels, nil without one. It is a published test key. The bytes are a copy.
func (i *Issuer) ScriptEncryptionKey() []byte { return append([]byte(nil), i.smc...) }

// Format prints status and key name only, for every verb.
func (i Issuer) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "issuer: %s, key %s", i.Status, i.IMKName)
}

const maxMinor = 1e15 // minor units: twelve digits of DE 4 and room for sums

func (c *checker) issuer(p *Profile, s *source) {
	if s.Issuer == nil {
		c.fail(s.place, "issuer is missing")
		return
	}
	i := s.Issuer
	p.Issuer.Status = Status(c.oneOf(i.Status, "status", string(Active), string(Lost), string(Stolen), string(Frozen), string(Closed), string(Restricted)))
	p.Issuer.Balance = c.amount(i.Balance, "balance", i.place)
	c.required(i.Currency, "currency", i.place)
	p.Issuer.Currency = c.digits(i.Currency, "currency", 3, 3)
	p.Issuer.pin = c.digits(i.PIN, "pin", 4, 12)
	p.Issuer.Expiry = p.Expiry
	if i.Expiry.set {
		p.Issuer.Expiry = c.month(i.Expiry, "issuer expiry")
	}
	p.Issuer.Derivation, _ = security.ParseOption(c.oneOf(i.Derivation, "derivation", "A", "B"))
	if i.Cryptogram.set {
		p.Issuer.Cryptogram = c.oneOf(i.Cryptogram, "cryptogram", security.Families()...)
	}
	p.Issuer.IMKName, p.Issuer.imk = c.masterKey(i.IMK, "imk")
	p.Issuer.SMIName, p.Issuer.smi = c.masterKey(i.SMI, "imk_smi")
	p.Issuer.SMCName, p.Issuer.smc = c.masterKey(i.SMC, "imk_smc")
	if i.SMC != nil && i.SMI == nil {
		c.fail(i.SMC.place, "imk_smc: an enciphered command has a MAC too: want imk_smi")
	}
	if i.SMI != nil && s.Chip == nil {
		c.fail(i.SMI.place, "imk_smi: a card without a chip takes no scripts")
	}
	if s.Chip != nil && (p.Issuer.imk == nil || p.Issuer.Cryptogram == "") {
		c.fail(i.place, "issuer: a card with a chip needs imk and cryptogram")
	}
}

// masterKey reads an issuer master key, which may be left out: its name and the key.
func (c *checker) masterKey(s *imkSource, what string) (name string, key []byte) {
	if s == nil {
		return "", nil
	}
	c.required(s.Name, what+" name", s.place)
	c.required(s.Key, what+" key", s.place)
	return c.printable(s.Name, what+" name", 32), c.hex(s.Key, what+" key", 16, 16)
}

// amount reads an amount with two decimals into minor units.
func (c *checker) amount(t text, field string, in place) (minor int64) {
	s := c.required(t, field, in)
	whole, cents, ok := strings.Cut(s, ".")
	negative := strings.HasPrefix(whole, "-")
	whole = strings.TrimPrefix(whole, "-")
	if !ok || len(cents) != 2 || whole == "" || len(whole) > 13 || strings.Trim(whole+cents, "0123456789") != "" {
		c.fail(t.place, "%s: want an amount with two decimals, as 1000.00", field)
		return 0
	}
	for _, d := range whole + cents {
		minor = minor*10 + int64(d-'0')
	}
	if minor > maxMinor {
		c.fail(t.place, "%s: too large", field)
	}
	if negative {
		return -minor
	}
	return minor
}
