package card

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// A purse is an application that holds money of its own and pays with it, nobody asked: PBOC electronic cash by tap. GET
// PROCESSING OPTIONS decides and gives the cryptogram, and the answer to the last record of the AFL is where the money goes:
// before it nothing is lost if the card is torn away, and after it the card has paid whatever became of the answer.

// purse is what personalisation writes of one.
type purse struct {
	balance int64 // minor units: what it starts with
	limit   int64 // the most that it holds
	single  int64 // the most that one payment takes

	last    address // the record that debits
	related int     // offset of tag 9F69's value in it; 0: not yet known
}

// payment is one that the card has agreed to.
type payment struct {
	Debit
	related [relatedLength]byte
}

// Debit is one time that a purse has paid.
type Debit struct {
	ATC    uint16
	Amount int64   // minor units
	TC     [8]byte // the cryptogram that it gave for it
}

// Purse is what a purse holds and what it has paid, for reports and tests: what a reader of the card's memory would see.
type Purse struct {
	AID      []byte
	Currency string // ISO 4217, three digits
	Loaded   int64  // minor units: what it started with
	Balance  int64  // minor units
	Debits   []Debit
}

// Purses returns every purse of the card, in the profile's order.
func (c *Card) Purses() (all []Purse) {
	for i := range c.memory {
		a, m := &c.profile.chip.applications[i], &c.memory[i]
		if a.purse != nil {
			all = append(all, Purse{bytes.Clone(a.aid), c.profile.Issuer.Currency, a.purse.balance, m.balance, slices.Clone(m.debits)})
		}
	}
	return all
}

// HasPurse tells whether an application of the card is a purse.
func (p *Profile) HasPurse() bool {
	return p.chip.any(func(a *application) bool { return a.purse != nil })
}

// Values of the data that a purse is asked with, and answers with.
const (
	ttqByTap       = 0x20 // tag 9F66, byte 1: the terminal has this kind of transaction (qPBOC, qVSDC)
	supportsPurses = 0x01 // tag 9F7A
	relatedVersion = 0x01 // tag 9F69: what the signature covers
	relatedLength  = 7    // version, unpredictable number of the card, qualifiers
)

// pay answers GET PROCESSING OPTIONS: the cryptogram, and the locator of the records if it is a TC. The counter has counted.
func (c *Card) pay(a *application, m *memory) ([]byte, apdu.SW) {
	get := func(tag tlv.Tag) []byte { return a.pdol.get(c.options, tag) }
	keys, err := a.version.Session(a.key, counter(m.atc), get(tlv.UnpredictableNumber))
	if err != nil {
		return nil, apdu.SWConditionsOfUse // not reached: the profile's PDOL was checked for all of it
	}
	amount, agreed := a.agrees(m, get)
	kind := aac
	if agreed {
		kind = tc
	}
	c.results.first, c.results.second, c.results.dda = kind, none, true
	c.results.newCard = m.lastOnlineATC == 0
	iad := a.iad
	if iad == nil {
		iad = layoutOf(a.version.Family()).iad(nil, a.version, a.keyIndex, c.reported(a, m))
	}
	ac, err := cryptogramOf(a, m, keys, iad, get)
	if err != nil {
		return nil, apdu.SWConditionsOfUse // not reached either
	}
	if !agreed {
		c.phase = done
		return a.paid(kind, m.atc, ac, iad, nil), apdu.SWSuccess
	}
	p := &payment{Debit: Debit{m.atc, amount, ac}}
	p.related[0] = relatedVersion
	number := a.derive("card unpredictable number", m.atc, 0)
	copy(p.related[1:5], number[:])
	signed, err := a.vouch(m.atc, get, p.related[:])
	if err != nil {
		return nil, apdu.SWConditionsOfUse // not reached: the profile's keys were checked for room
	}
	c.phase, c.payment = initiated, p
	return a.paid(kind, m.atc, ac, iad, signed), apdu.SWSuccess
}

// agrees is the purse's own decision: enough money, not too much at once, and in its currency.
func (a *application) agrees(m *memory, get func(tlv.Tag) []byte) (amount int64, agreed bool) {
	amount, ok := minor(get(tlv.AmountAuthorised))
	switch {
	case !ok, amount <= 0, amount > a.purse.single, amount > m.balance:
		return 0, false
	case [2]byte(get(tlv.TransactionCurrencyCode)) != a.currency, m.blocked, a.decision == decline:
		return 0, false
	case len(a.refusedTypes) > 0 && has(a.refusedTypes, get(tlv.TransactionType)):
		return 0, false
	}
	return amount, true
}

// minor reads an amount of binary coded digits.
func minor(b []byte) (n int64, ok bool) {
	for _, c := range b {
		if c>>4 > 9 || c&15 > 9 {
			return 0, false
		}
		n = n*100 + int64(c>>4)*10 + int64(c&15)
	}
	return n, len(b) == amountLength
}

const amountLength = 6 // bytes of an amount: twelve digits

// numeric writes an amount as twelve digits.
func numeric(n int64) []byte {
	b := make([]byte, amountLength)
	for i := range b {
		b[amountLength-1-i] = bcd(int(n % 100))
		n /= 100
	}
	return b
}

// cryptogramOf makes the TC or the AAC over what the PDOL brought.
func cryptogramOf(a *application, m *memory, keys *security.Session, iad []byte, get func(tlv.Tag) []byte) (ac [8]byte, err error) {
	input, err := a.version.Input(func(tag tlv.Tag) []byte {
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
		return ac, err
	}
	ac = keys.Cryptogram(input)
	if a.wrong.is(wrongCryptogram) {
		ac[0] ^= 1
	}
	return ac, nil
}

// vouch signs what the terminal asked and what the last record will say (dynamic data authentication in its fast form, version
// 01): the terminal needs both to verify it. Nil where the profile wants no signature.
func (a *application) vouch(atc uint16, get func(tlv.Tag) []byte, related []byte) ([]byte, error) {
	if a.wrong.is(noSDAD) {
		return nil, nil
	}
	un := get(tlv.UnpredictableNumber)
	covered := slices.Concat(un, get(tlv.AmountAuthorised), get(tlv.TransactionCurrencyCode), related)
	number := a.dynamicNumber(atc, un)
	return a.sign(append([]byte{byte(len(number))}, number...), covered)
}

// paid writes the answer to GET PROCESSING OPTIONS. What is declined has no records to read.
func (a *application) paid(kind cryptogram, atc uint16, ac [8]byte, iad, signed []byte) []byte {
	var b []byte
	b = tlv.Append(b, tlv.ApplicationInterchangeProfile, a.aip)
	if kind == tc {
		b = tlv.Append(b, tlv.ApplicationFileLocator, a.afl)
	}
	b = tlv.Append(b, tlv.ApplicationTransactionCounter, counter(atc))
	b = tlv.Append(b, tlv.CryptogramInformationData, []byte{byte(kind)})
	b = tlv.Append(b, tlv.ApplicationCryptogram, ac[:])
	b = tlv.Append(b, tlv.IssuerApplicationData, iad)
	if signed != nil {
		b = tlv.Append(b, tlv.SignedDynamicApplicationData, signed)
	}
	return tlv.Append(nil, tlv.ResponseMessageTemplateFormat2, b)
}

// byTap tells whether the terminal wants what a purse can do.
func (c *Card) byTap(a *application, options []byte) bool {
	ttq := a.pdol.get(options, tlv.TerminalTransactionQualifiers)
	support := a.pdol.get(options, tlv.ElectronicCashTerminalSupportIndicator)
	return ttq[0]&ttqByTap != 0 && (support == nil || support[len(support)-1]&supportsPurses != 0)
}

// readable tells whether READ RECORD is answered. A purse answers outside a transaction, too: its last record then says what it
// said when the purse paid last, so that a terminal can end what was torn.
func (c *Card) readable(a *application) bool {
	if a.purse == nil {
		return c.phase != idle
	}
	return c.phase == idle || c.payment != nil
}

// debit gives the last record of a purse's locator. In a transaction that it has agreed to it pays here, once.
func (c *Card) debit(a *application, m *memory, record []byte) []byte {
	if p := c.payment; p != nil && c.phase == initiated {
		m.balance -= p.Amount
		m.debits = append(m.debits, p.Debit)
		m.related = p.related
		c.phase = done
	}
	record = bytes.Clone(record)
	copy(record[a.purse.related:], m.related[:])
	return record
}

// purse reads the section of a purse. It is the first to look at an application's keys that have no meaning for one.
func (c *checker) purse(p *Profile, s *applicationSource, a *application) {
	r := s.Purse
	if r == nil {
		return
	}
	a.purse = &purse{
		balance: c.amount(r.Balance, "purse: balance", r.place),
		limit:   c.amount(r.Limit, "purse: limit", r.place),
		single:  c.amount(r.Single, "purse: single", r.place),
	}
	u := a.purse
	switch {
	case c.err != nil:
	case u.limit <= 0 || u.limit > maxPurse:
		c.fail(r.Limit.place, "purse: limit: want more than 0.00, and at most twelve digits")
	case u.balance < 0 || u.balance > u.limit:
		c.fail(r.Balance.place, "purse: balance: want 0.00 to the limit")
	case u.single <= 0 || u.single > maxPurse:
		c.fail(r.Single.place, "purse: single: want more than 0.00, and at most twelve digits")
	case a.format != 2:
		c.fail(s.Format.place, "format: a purse answers in format 2")
	case a.decision == goOnline || a.decision == refer:
		c.fail(s.Decision.place, "decision: a purse asks nobody: want normal or decline")
	case s.Risk != nil && (r.onlyTypes(s.Risk) != place{}):
		c.fail(r.onlyTypes(s.Risk), "risk: a purse has no such limit: want refuse_types alone")
	case s.WrongARPC.set || s.RequireARPC.set || s.Advice.set:
		c.fail(s.place, "purse: wrong_arpc, require_arpc and advice are for cards that go online")
	case s.Keys.value == "":
		c.fail(s.place, "purse: want keys: it signs what it pays")
	case len(p.Issuer.Currency) != 3:
		c.fail(r.place, "purse: want the issuer's currency")
	}
}

const maxPurse = 999_999_999_999 // minor units: twelve digits of tag 9F79

// onlyTypes is where a section of risk has something that counts transactions; the zero place if nowhere.
func (*purseSource) onlyTypes(r *riskSource) place {
	for _, t := range []text{r.LowerLimit, r.UpperLimit, r.LowerAmount, r.UpperAmount, r.NewCardOnline, r.PINExceeded} {
		if t.set {
			return t.place
		}
	}
	return place{}
}

// purseLists checks that the PDOL brings all that a purse's cryptogram, signature and decision need.
func (c *checker) purseLists(s *applicationSource, a *application) {
	at := s.place
	if s.PDOL.set {
		at = s.PDOL.place
	}
	need := append(security.Elements(), security.Element{Tag: tlv.TerminalTransactionQualifiers, Length: 4})
	for _, e := range need {
		if e.Tag == tlv.ApplicationInterchangeProfile || e.Tag == tlv.ApplicationTransactionCounter { // the card's own
			continue
		}
		if n := a.pdol.lengthOf(e.Tag); n != e.Length {
			c.fail(at, "pdol: asks %s for tag %02X: a purse with %s needs %d", bytesAsked(n), e.Tag, a.version, e.Length)
		}
	}
	if n := a.pdol.lengthOf(tlv.ElectronicCashTerminalSupportIndicator); n == 0 {
		c.fail(at, "pdol: asks 0 bytes for tag 9F7A: want 1")
	}
	if a.aip[0]&aipDDA == 0 || a.aip[0]&(aipCDA|aipSDA) != 0 {
		c.fail(s.AIP.place, "aip: a purse signs dynamically: want DDA, and neither SDA nor CDA")
	}
	if len(a.cdol1.entries)+len(a.cdol2.entries) > 0 {
		c.fail(s.place, "records: tags 8C and 8D: a purse is sent no GENERATE AC")
	}
}

// purseRecords checks what the order of a purse's records has to be.
func (c *checker) purseRecords(s *applicationSource, a *application) {
	if c.err != nil {
		return
	}
	n := len(a.afl)
	a.purse.last = address{a.afl[n-4] >> 3, a.afl[n-2]}
	seen := map[address]bool{}
	for at := 0; at < n; at += 4 {
		for r := int(a.afl[at+1]); r <= int(a.afl[at+2]); r++ {
			where := address{a.afl[at] >> 3, byte(r)}
			if seen[where] {
				c.fail(s.place, "afl: record %d of SFI %d twice: a purse pays when its last record is read", where.record, where.sfi)
			}
			seen[where] = true
		}
	}
	signed := int(a.afl[n-1]) == int(a.afl[n-2])-int(a.afl[n-3])+1
	switch {
	case a.related == nil || a.related.at != a.purse.last:
		c.fail(s.place, "records: want tag 9F69: $card_authentication in the last record of the AFL")
		return
	case signed:
		c.fail(s.place, "records: the last record of a purse is not signed: it changes")
		return
	}
	a.purse.related = a.related.offset
	iad := layoutOf(a.version.Family()).iad(nil, a.version, a.keyIndex, &results{})
	if a.iad != nil {
		iad = a.iad
	}
	if size := len(a.paid(tc, 0, [8]byte{}, iad, make([]byte, a.auth.chain.icc.bits()/8))); size > maxResponse {
		c.fail(s.Keys.place, "keys %s: an answer with a signature has %d bytes: want at most %d", a.auth.chain.Name, size, maxResponse)
	}
}

const ppseName = "2PAY.SYS.DDF01"

// proximityDirectory writes the directory that is read by tap: one entry for each purse (EMV Contactless Book B, 3.3).
func (c *checker) proximityDirectory(p *Profile) {
	var entries []byte
	for i := range p.chip.applications {
		if a := &p.chip.applications[i]; a.purse != nil {
			entries = tlv.Append(entries, tlv.ApplicationTemplate, a.entry())
		}
	}
	if entries != nil {
		p.chip.ppseFCI = fci([]byte(ppseName), tlv.Append(nil, tlv.FCIIssuerDiscretionaryData, entries))
	}
}

// decimal writes an amount that is not negative.
func decimal(minor int64) string { return fmt.Sprintf("%d.%02d", minor/100, minor%100) }
