package card

import (
	"fmt"
	"io"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/posim/posim/internal/pan"
)

// Profile is a card as it was personalised. It is never changed: every card of it starts from the same memory.
// It prints its name and masked number; keys, PIN and tracks come out of the methods named for them only.
type Profile struct {
	Name         string // the file's name without folder and extension
	Title        string // for people, in English
	TitleChinese string
	Scheme       string // a label: "Visa", "Mastercard", "UnionPay"
	Type         string // TypeCredit or TypeDebit: what the merchant pays for it goes by that
	PAN          pan.PAN
	// PANSequenceNumber is the two digits of tag 5F34, "" where the card has none.
	PANSequenceNumber string
	Cardholder        string // as on track 1: FAMILY/GIVEN
	Effective         Month  // the zero Month where the profile has none
	Expiry            Month
	ServiceCode       string // ISO 7813; "" without a stripe
	HasChip           bool
	Issuer            Issuer

	discretionary, discretionary1 string
	stripe                        bool
	chip                          chip
}

// The types of cards. A profile that says none is of a credit card.
const (
	TypeCredit = "credit"
	TypeDebit  = "debit"
)

// Month is a month of the calendar, as cards carry it.
type Month struct {
	Year  int        // 2000 to 2049
	Month time.Month // 1 to 12
}

// YYMM is the four digits of tracks.
func (m Month) YYMM() string { return fmt.Sprintf("%02d%02d", m.Year%100, int(m.Month)) }

// String is "2030-12".
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", m.Year, int(m.Month)) }

// LastDay is the last day of the month in UTC, the last on which a card that expires then is good.
func (m Month) LastDay() time.Time { return time.Date(m.Year, m.Month+1, 0, 0, 0, 0, 0, time.UTC) }

func (m Month) bcd(day int) []byte {
	return []byte{bcd(m.Year % 100), bcd(int(m.Month)), bcd(day)}
}

func bcd(n int) byte { return byte(n/10<<4 | n%10) }

// Format prints name and masked number, for every verb.
func (p Profile) Format(f fmt.State, _ rune) {
	io.WriteString(f, "card "+p.Name+" "+p.PAN.Masked())
}

const (
	maxTitle = 60 // characters
	maxYear  = 2049
)

// ParseProfile reads a profile. name is the file's name, for errors, and gives the profile its own without extension. chains
// are the key files that it may name.
// Unknown keys, duplicate tags, bad values and an AFL that leads to no record are *ProfileError with line and column.
func ParseProfile(name string, src []byte, chains ...*Keys) (*Profile, error) {
	return parseProfile(&checker{file: name, chains: chains}, src)
}

func parseProfile(c *checker, src []byte) (*Profile, error) {
	s, err := decode(c.file, src)
	if err != nil {
		return nil, err
	}
	p := c.profile(s)
	if c.err != nil {
		return nil, c.err
	}
	return p, nil
}

func (c *checker) profile(s *source) *Profile {
	base := path.Base(c.file)
	p := &Profile{Name: strings.TrimSuffix(base, path.Ext(base))}
	p.Title = c.title(s.Title, "title", s.place)
	p.TitleChinese = c.title(s.TitleZH, "title_zh", s.place)
	p.Scheme = c.title(s.Scheme, "scheme", s.place)
	p.Type = TypeCredit
	if c.scalar(s.Type, "type") {
		if p.Type = s.Type.value; p.Type != TypeCredit && p.Type != TypeDebit {
			c.fail(s.Type.place, "type: want credit or debit")
		}
	}
	c.required(s.PAN, "pan", s.place)
	if digits := c.digits(s.PAN, "pan", 12, 19); digits != "" {
		number, err := pan.Parse(digits)
		if err != nil || !number.LuhnValid() && !c.anyNumber {
			c.fail(s.PAN.place, "pan: check digit is wrong")
		}
		p.PAN = number
	}
	p.PANSequenceNumber = c.digits(s.PSN, "psn", 2, 2)
	p.Cardholder = c.cardholder(s.Cardholder)
	p.Effective = c.month(s.Effective, "effective")
	c.required(s.Expiry, "expiry", s.place)
	p.Expiry = c.month(s.Expiry, "expiry")
	if s.Stripe == nil && s.Chip == nil {
		c.fail(s.place, "want a stripe, a chip or both")
	}
	if s.Stripe != nil {
		c.stripe(p, s.Stripe)
	}
	c.issuer(p, s)
	if s.Chip != nil && c.err == nil {
		p.HasChip = true
		c.chip(p, s.Chip)
	}
	return p
}

func (c *checker) title(t text, field string, in place) string {
	title := c.required(t, field, in)
	if !utf8.ValidString(title) || utf8.RuneCountInString(title) > maxTitle || strings.ContainsFunc(title, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		c.fail(t.place, "%s: want at most %d characters on one line", field, maxTitle)
	}
	return title
}

// cardholder checks the name for track 1 and tag 5F20: 2 to 26 characters of the stripe's alphabet without its separators.
func (c *checker) cardholder(t text) string {
	name := c.printable(t, "cardholder", 26)
	if name != "" && (len(name) < 2 || name != strings.ToUpper(name) || strings.ContainsAny(name, "^%?;_`{|}~")) {
		c.fail(t.place, "cardholder: want 2 to 26 capital letters, digits and marks, without ^ %% ? ;")
	}
	return name
}

func (c *checker) month(t text, field string) (m Month) {
	if !c.scalar(t, field) {
		return m
	}
	if d, err := time.Parse("2006-01", t.value); err == nil && d.Year() >= 2000 && d.Year() <= maxYear {
		// Two-digit years from 50 on are of the last century on a card (Book 4, 6.7.3).
		return Month{d.Year(), d.Month()}
	}
	c.fail(t.place, "%s: want a month from 2000-01 to 2049-12", field)
	return m
}

// Describe is the card for people: several lines, number masked, without key, PIN and track data.
func (p *Profile) Describe() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("card", "%s", p.Name)
	line("title", "%s / %s", p.Title, p.TitleChinese)
	line("scheme", "%s", p.Scheme)
	number := p.PAN.Masked()
	if p.PANSequenceNumber != "" {
		number += ", sequence number " + p.PANSequenceNumber
	}
	line("number", "%s", number)
	line("expiry", "%s", p.Expiry)
	if p.stripe {
		line("stripe", "service code %s", p.ServiceCode)
	} else {
		line("stripe", "none")
	}
	if !p.HasChip {
		line("chip", "none")
	} else {
		p.chip.describe(line)
	}
	i := &p.Issuer
	pin := "none"
	if i.pin != "" {
		pin = "set"
	}
	sign, balance := "", i.Balance
	if balance < 0 {
		sign, balance = "-", -balance
	}
	line("issuer", "%s, balance %s%d.%02d, currency %s, PIN %s", i.Status, sign, balance/100, balance%100, i.Currency, pin)
	if i.Expiry != p.Expiry {
		line("", "expiry in the issuer's file: %s", i.Expiry)
	}
	if i.IMKName != "" {
		line("", "key %s, derivation option %s, cryptograms of family %s", i.IMKName, i.Derivation, i.Cryptogram)
	}
	return b.String()
}
