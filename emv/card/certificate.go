package card

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"sync"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// authentication is what an application needs to prove that it is genuine (Book 2, 5 and 6): its chain of keys, what the
// certificates say, and where in the records they go. Lengths are known when the profile is read; the signatures are made
// once, when the first card of the profile is.
type authentication struct {
	chain *Keys
	facts certificates
	wrong wrong
	slots []slot
	// pinKey says that the records have a certificate for PIN encipherment.
	pinKey bool

	once    sync.Once
	records map[address][]byte
	icc     *security.PrivateKey // nil without one
	signed  signatures           // by icc
	pin     *security.PrivateKey // what enciphered PINs are opened with; nil without one
	err     error
}

// certificates is what the certificates of an application say beside the keys.
type certificates struct {
	identifier              [4]byte // of the issuer: leftmost digits of the number, F behind them
	issuerExpiry, iccExpiry Month
	issuerSerial, iccSerial [3]byte
	dataAuthenticationCode  [2]byte
}

// slot is where a signed value goes.
type slot struct {
	name   string // "$issuer_certificate"
	at     address
	offset int // of the value in the record
	length int
}

// certificate reads the application's keys and what is certified of them.
func (c *checker) certificate(p *Profile, s *applicationSource, a *application) {
	w := c.wrong(s.Wrong)
	if !s.Keys.set {
		if w &^= wrongCryptogram; w != 0 {
			c.fail(s.place, "wrong: %s: want keys for it", w)
		}
		if s.Certificates != nil {
			c.fail(s.Certificates.place, "certificates: want keys for them")
		}
		a.wrong = c.wrong(s.Wrong)
		return
	}
	name := c.required(s.Keys, "keys", s.place)
	for _, chain := range c.chains {
		if chain.Name == name {
			a.auth = &authentication{chain: chain, wrong: w}
		}
	}
	if a.auth == nil {
		c.fail(s.Keys.place, "keys: there is no key file %q", name)
		return
	}
	a.wrong = w
	if rid := a.auth.chain.Authority.RID(); !bytes.HasPrefix(a.aid, rid[:]) {
		c.fail(s.Keys.place, "keys: %s are of RID %X: not the application's", name, rid)
	}
	number := p.PAN.Digits()
	facts := certificates{
		identifier: [4]byte{0xFF, 0xFF, 0xFF, 0xFF}, issuerExpiry: Month{min(p.Expiry.Year+1, maxYear), 12}, iccExpiry: p.Expiry,
		issuerSerial: [3]byte{0, 0, 1}, iccSerial: [3]byte{0, 0, 1}, dataAuthenticationCode: [2]byte{0xDA, 0xC0},
	}
	copy(facts.identifier[:], packed(number[:6]))
	if x := s.Certificates; x != nil {
		if x.IssuerIdentifier.set {
			digits := c.digits(x.IssuerIdentifier, "certificates: issuer_identifier", 3, 8)
			facts.identifier = [4]byte{0xFF, 0xFF, 0xFF, 0xFF}
			copy(facts.identifier[:], packed(digits))
		}
		if x.IssuerExpiry.set {
			facts.issuerExpiry = c.month(x.IssuerExpiry, "certificates: issuer_expiry")
		}
		if x.ICCExpiry.set {
			facts.iccExpiry = c.month(x.ICCExpiry, "certificates: icc_expiry")
		}
		copy(facts.issuerSerial[:], c.hex(x.IssuerSerial, "certificates: issuer_serial", 3, 3))
		copy(facts.iccSerial[:], c.hex(x.ICCSerial, "certificates: icc_serial", 3, 3))
		copy(facts.dataAuthenticationCode[:], c.hex(x.DAC, "certificates: dac", 2, 2))
	}
	a.auth.facts = facts
}

// Room for the key in a certificate (Book 2, tables 1 and 11): what is longer goes into the remainder.
const (
	issuerOverhead = 36
	iccOverhead    = 42
)

// signedValue is the table of values that personalisation signs or takes from the keys. length is -1 for a name that is none
// of them, or whose key the chain has not. A length of 0 leaves the object out; a value that needs no signature is given.
func (a *application) signedValue(name string) (value []byte, length int) {
	if a.auth == nil {
		return nil, -1
	}
	k := a.auth.chain
	size := func(p *keyPair) int { return p.bits() / 8 }
	remainder := func(p *keyPair, above *keyPair, overhead int) int { return max(0, size(p)-(size(above)-overhead)) }
	switch name {
	case "$ca_index":
		index := k.Authority.Index()
		if a.auth.wrong.is(wrongCAIndex) {
			index ^= 0x55
		}
		return []byte{index}, 1
	case "$issuer_certificate":
		return nil, size(k.ca)
	case "$issuer_remainder":
		return nil, remainder(k.issuer, k.ca, issuerOverhead)
	case "$issuer_exponent":
		return k.issuer.e, len(k.issuer.e)
	case "$signed_static_data":
		return nil, size(k.issuer)
	}
	own := k.icc
	if len(name) > 4 && name[:5] == "$pin_" {
		own = k.pin
	}
	if own == nil {
		return nil, -1
	}
	switch name {
	case "$icc_certificate", "$pin_certificate":
		return nil, size(k.issuer)
	case "$icc_remainder", "$pin_remainder":
		return nil, remainder(own, k.issuer, iccOverhead)
	case "$icc_exponent", "$pin_exponent":
		return own.e, len(own.e)
	}
	return nil, -1
}

// personalise signs what the applications have to be signed, once for a profile.
func (p *Profile) personalise() error {
	for i := range p.chip.applications {
		a := &p.chip.applications[i]
		if a.auth == nil {
			continue
		}
		a.auth.once.Do(func() { a.auth.err = a.auth.sign(p, a) })
		if a.auth.err != nil {
			return fmt.Errorf("card: %s: keys %s: %w", p.Name, a.auth.chain.Name, a.auth.err)
		}
	}
	return nil
}

// record is a record as personalised, its signatures in place.
func (a *application) record(at address) ([]byte, bool) {
	if a.auth != nil {
		record, ok := a.auth.records[at]
		return record, ok
	}
	record, ok := a.records[at]
	return record, ok
}

// sign makes the private keys and every signature that has a place.
func (u *authentication) sign(p *Profile, a *application) (err error) {
	u.records = make(map[address][]byte, len(a.records))
	for at, record := range a.records {
		u.records[at] = bytes.Clone(record)
	}
	if k := u.chain.icc; k != nil {
		if u.icc, err = k.key(); err != nil {
			return err
		}
		u.pin = u.icc
	}
	if u.pinKey {
		if u.pin, err = u.chain.pin.key(); err != nil {
			return err
		}
	}
	values := map[string][]byte{}
	static := a.staticData(u.records)
	for _, s := range u.slots {
		if values[s.name] == nil {
			if err := u.certify(values, s.name, p, static); err != nil {
				return err
			}
		}
		if len(values[s.name]) != s.length {
			return fmt.Errorf("%s: %d bytes: want %d", s.name, len(values[s.name]), s.length)
		}
		copy(u.records[s.at][s.offset:], values[s.name])
	}
	return nil
}

// certify makes the value of a name, and of the other half of a certificate.
func (u *authentication) certify(values map[string][]byte, name string, p *Profile, static []byte) error {
	k := u.chain
	if u.wrong.is(wrongStaticData) && len(static) > 0 {
		static = bytes.Clone(static)
		static[0] ^= 1
	}
	switch name {
	case "$issuer_certificate", "$issuer_remainder":
		ca, err := k.ca.key()
		if err != nil {
			return err
		}
		facts := security.IssuerCertificate{IssuerIdentifier: u.facts.identifier, Expiration: monthYear(u.facts.issuerExpiry), SerialNumber: u.facts.issuerSerial}
		if u.wrong.is(wrongIssuerIdentifier) {
			facts.IssuerIdentifier = [4]byte{0x99, 0x99, 0x99, 0xFF}
		}
		certificate, remainder, err := security.IssueIssuerCertificate(ca, facts, k.issuer.public)
		if err != nil {
			return err
		}
		values["$issuer_remainder"] = remainder
		values["$issuer_certificate"], err = u.spoil(ca, certificate, spoils{wrongIssuerCertificate, wrongIssuerHash, wrongIssuerAlgorithm, issuerAlgorithm}, remainder, k.issuer.e)
		return err
	case "$signed_static_data":
		issuer, err := k.issuer.key()
		if err != nil {
			return err
		}
		signed, err := security.SignStaticData(issuer, u.facts.dataAuthenticationCode, static)
		if err != nil {
			return err
		}
		values[name], err = u.spoil(issuer, signed, spoils{bytes: wrongSSAD, hash: wrongSSADHash})
		return err
	case "$icc_certificate", "$icc_remainder":
		return u.certifyOwn(values, "$icc", k.icc, p, static, spoils{wrongICCCertificate, wrongICCHash, wrongICCAlgorithm, iccAlgorithm})
	}
	return u.certifyOwn(values, "$pin", k.pin, p, nil, spoils{bytes: wrongPINCertificate})
}

// certifyOwn is the issuer's certificate for a key of the card; static is nil for the key of PIN encipherment.
func (u *authentication) certifyOwn(values map[string][]byte, name string, key *keyPair, p *Profile, static []byte, how spoils) error {
	issuer, err := u.chain.issuer.key()
	if err != nil {
		return err
	}
	facts := security.ICCCertificate{Expiration: monthYear(u.facts.iccExpiry), SerialNumber: u.facts.iccSerial}
	for i := range facts.PAN {
		facts.PAN[i] = 0xFF
	}
	copy(facts.PAN[:], packed(p.PAN.Digits()))
	if u.wrong.is(wrongICCNumber) {
		facts.PAN[4] ^= 0x01
	}
	certificate, remainder, err := security.IssueICCCertificate(issuer, facts, key.public, static)
	if err != nil {
		return err
	}
	values[name+"_remainder"] = remainder
	values[name+"_certificate"], err = u.spoil(issuer, certificate, how, remainder, key.e, static)
	return err
}

// spoils is how a signed value can be spoiled on purpose: a byte of it, its hash, or the algorithm at an offset of its
// block; 0 is a way that it has not.
type spoils struct {
	bytes, hash, algorithm wrong
	at                     int
}

// Where a certificate names the algorithm of its key (Book 2, tables 6 and 14).
const (
	issuerAlgorithm = 12
	iccAlgorithm    = 18
)

// spoil makes a signature wrong if the profile wants it so. more is what its hash covers behind the block.
func (u *authentication) spoil(signer *security.PrivateKey, signature []byte, how spoils, more ...[]byte) ([]byte, error) {
	if u.wrong&(how.hash|how.algorithm) != 0 {
		var arithmetic security.Arithmetic
		block, err := arithmetic.Recover(nil, signer.Public(), signature)
		if err != nil {
			return nil, err
		}
		hash := block[len(block)-1-sha1.Size : len(block)-1]
		if u.wrong.is(how.algorithm) {
			block[how.at] = 0x7F
			h := sha1.New()
			h.Write(block[1 : len(block)-1-sha1.Size])
			for _, m := range more {
				h.Write(m)
			}
			h.Sum(hash[:0])
		}
		if u.wrong.is(how.hash) {
			hash[0] ^= 1
		}
		if signature, err = signer.Sign(block); err != nil {
			return nil, err
		}
	}
	if u.wrong.is(how.bytes) {
		signature = bytes.Clone(signature)
		signature[len(signature)/2] ^= 1
	}
	return signature, nil
}

// staticData is the static data to be authenticated (Book 3, 10.3): the records that the AFL counts, without template in
// SFI 1 to 10, and the AIP where tag 9F4A asks for it.
func (a *application) staticData(records map[address][]byte) []byte {
	data := []byte{} // not nil: with nil a certificate covers nothing of the card
	for at := 0; at+4 <= len(a.afl); at += 4 {
		sfi, first, signed := a.afl[at]>>3, a.afl[at+1], a.afl[at+3]
		for n := range signed {
			record := records[address{sfi, first + n}]
			if sfi <= lastOpenSFI {
				r := tlv.NewReader(record)
				r.Next()
				record = r.Value()
			}
			data = append(data, record...)
		}
	}
	if a.signsAIP {
		data = append(data, a.aip...)
	}
	return data
}

const lastOpenSFI = 10 // Book 3, 10.3: above it the whole record counts

// monthYear is the four digits of a certificate's expiry.
func monthYear(m Month) [2]byte { return [2]byte{bcd(int(m.Month)), bcd(m.Year % 100)} }

// opensPIN tells whether the application can have a PIN enciphered for it.
func (a *application) opensPIN() bool {
	return a.auth != nil && (a.auth.pinKey || a.auth.chain.icc != nil)
}

// pinKey is what enciphered PINs are opened with, nil without one: the key for that, or the card's own (Book 2, 7.1).
func (a *application) pinKey() *security.PrivateKey {
	if a.auth == nil {
		return nil
	}
	return a.auth.pin
}

// describe adds what everybody may know of the certificates.
func (u *authentication) describe(line func(name, format string, args ...any)) {
	k := u.chain
	line("", "keys %s: authority %X index %02X, %d bits; issuer %d bits, certificate %06X until %s", k.Name, k.Authority.RID(), k.Authority.Index(),
		k.ca.bits(), k.issuer.bits(), u.facts.issuerSerial, u.facts.issuerExpiry)
	if k.icc != nil {
		line("", "card's key %d bits, certificate %06X until %s", k.icc.bits(), u.facts.iccSerial, u.facts.iccExpiry)
	}
	if u.pinKey {
		line("", "key for PIN encipherment %d bits", k.pin.bits())
	}
}
