package card

import "strings"

// Track lengths without sentinels and LRC (ISO 7813).
const (
	maxTrack1 = 76
	maxTrack2 = 37
)

// Stripe returns tracks 1 and 2 as a reader decodes them, without sentinels and LRC (ISO 7813): "B" number ^ name ^ expiry,
// service code, discretionary data; and number = expiry, service code, discretionary data. Track 1 is "" without a
// cardholder's name, both are without a stripe. They are the card's secret: never to be printed.
func (p *Profile) Stripe() (track1, track2 string) {
	if !p.stripe {
		return "", ""
	}
	if p.Cardholder != "" {
		track1 = "B" + p.PAN.Digits() + "^" + p.Cardholder + "^" + p.Expiry.YYMM() + p.ServiceCode + p.discretionary1
	}
	return track1, p.PAN.Digits() + "=" + p.Expiry.YYMM() + p.ServiceCode + p.discretionary
}

func (c *checker) stripe(p *Profile, s *stripeSource) {
	p.stripe = true
	c.required(s.ServiceCode, "service_code", s.place)
	p.ServiceCode = c.digits(s.ServiceCode, "service_code", 3, 3)
	p.discretionary = c.digits(s.Discretionary, "discretionary", 0, 13)
	p.discretionary1 = p.discretionary
	if s.Track1.set {
		p.discretionary1 = c.printable(s.Track1, "discretionary_track1", 24)
		if strings.ContainsAny(p.discretionary1, "^%?") || p.discretionary1 != strings.ToUpper(p.discretionary1) {
			c.fail(s.Track1.place, "discretionary_track1: want capital letters, digits and marks, without ^ %% ?")
		}
	}
	track1, track2 := p.Stripe()
	if len(track1) > maxTrack1 {
		c.fail(s.place, "stripe: track 1 has %d characters: want at most %d", len(track1), maxTrack1)
	}
	if len(track2) > maxTrack2 {
		c.fail(s.place, "stripe: track 2 has %d characters: want at most %d", len(track2), maxTrack2)
	}
}

// track2Equivalent is the value of tag 57: the digits of track 2 with D for the separator, F to a whole byte.
func (p *Profile) track2Equivalent() []byte {
	digits := p.PAN.Digits() + "D" + p.Expiry.YYMM() + p.ServiceCode + p.discretionary
	return packed(digits)
}

// packed packs digits and D two to a byte, with F at the right end where one is missing (format cn).
func packed(digits string) []byte {
	b := make([]byte, (len(digits)+1)/2)
	for i := range b {
		b[i] = nibble(digits, 2*i)<<4 | nibble(digits, 2*i+1)
	}
	return b
}

func nibble(digits string, i int) byte {
	switch {
	case i >= len(digits):
		return 0xF
	case digits[i] == 'D':
		return 0xD
	}
	return digits[i] - '0'
}
