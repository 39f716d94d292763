package card

import (
	"fmt"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// list is a DOL as the card reads it: where each element lies in the command.
type list struct {
	entries []tlv.Entry
	length  int
}

// get returns the element's bytes in a command's data, nil when the DOL does not ask for it.
func (l *list) get(data []byte, tag tlv.Tag) []byte {
	at := 0
	for _, e := range l.entries {
		n := int(e.Length)
		if e.Tag == tag && at+n <= len(data) {
			return data[at : at+n : at+n]
		}
		at += n
	}
	return nil
}

func (l *list) lengthOf(tag tlv.Tag) int {
	for _, e := range l.entries {
		if e.Tag == tag {
			return int(e.Length)
		}
	}
	return -1
}

func (c *checker) list(t text, field string, dol []byte) (l list) {
	entries, err := tlv.ParseDOL(dol)
	if err != nil {
		c.fail(t.place, "%s: %v", field, err)
		return l
	}
	l.entries = entries
	for _, e := range entries {
		l.length += int(e.Length)
	}
	if l.length > maxList {
		c.fail(t.place, "%s: asks for %d bytes: want at most %d", field, l.length, maxList)
	}
	return l
}

// lists checks that the card will be told all it needs for its cryptograms.
func (c *checker) lists(s *applicationSource, a *application) {
	c.required(s.AIP, "aip", s.place)
	a.aip = c.hex(s.AIP, "aip", 2, 2)
	a.pdol = c.list(s.PDOL, "pdol", c.hex(s.PDOL, "pdol", 0, 64))
	if c.err != nil {
		return
	}
	c.authentication(s, a)
	if a.purse != nil {
		if c.err == nil {
			c.purseLists(s, a)
		}
		return
	}
	if len(a.cdol1.entries) == 0 || len(a.cdol2.entries) == 0 {
		c.fail(s.place, "records: want tags 8C and 8D: the card cannot make cryptograms without them")
		return
	}
	for _, e := range security.Elements() {
		if e.Tag == tlv.ApplicationInterchangeProfile || e.Tag == tlv.ApplicationTransactionCounter { // the card's own
			continue
		}
		if n := a.cdol1.lengthOf(e.Tag); n != e.Length {
			c.fail(s.place, "tag 8C: asks %s for tag %02X: %s needs %d", bytesAsked(n), e.Tag, a.version, e.Length)
		}
		if n := a.cdol2.lengthOf(e.Tag); n >= 0 && n != e.Length {
			c.fail(s.place, "tag 8D: asks %s for tag %02X: %s needs %d", bytesAsked(n), e.Tag, a.version, e.Length)
		}
	}
	if n := a.cdol2.lengthOf(tlv.AuthorisationResponseCode); n != 2 {
		c.fail(s.place, "tag 8D: asks %s for tag 8A: want 2", bytesAsked(n))
	}
	need, _ := a.version.IssuerAuthenticationDataLength()
	if n := a.cdol2.lengthOf(tlv.IssuerAuthenticationData); a.aip[0]&aipIssuerAuthentication == 0 && n >= 0 && n < need {
		c.fail(s.place, "tag 8D: asks %s for tag 91: %s needs %d", bytesAsked(n), a.version, need)
	}
}

// authentication checks that the card can do what its AIP announces.
func (c *checker) authentication(s *applicationSource, a *application) {
	announced := a.aip[0]
	switch {
	case announced&(aipXDA|aipSDA|aipDDA|aipCDA) != 0 && (a.auth == nil || announced&aipXDA != 0):
		c.fail(s.AIP.place, "aip: announces offline data authentication, for which the card has no keys")
	case announced&(aipDDA|aipCDA) != 0 && a.auth.chain.icc == nil:
		c.fail(s.AIP.place, "aip: announces DDA or CDA: keys %s have none of the card's own", a.auth.chain.Name)
	}
	if c.err != nil {
		return
	}
	need := []tlv.Tag{}
	if announced&(aipSDA|aipDDA|aipCDA) != 0 {
		need = append(need, tlv.CertificationAuthorityPublicKeyIndex, tlv.IssuerPublicKeyCertificate, tlv.IssuerPublicKeyExponent)
	}
	if announced&aipSDA != 0 {
		need = append(need, tlv.SignedStaticApplicationData)
	}
	if announced&(aipDDA|aipCDA) != 0 {
		need = append(need, tlv.ICCPublicKeyCertificate, tlv.ICCPublicKeyExponent)
	}
	for _, tag := range need {
		if !a.tags[tag] && !a.auth.wrong.without(tag) {
			c.fail(s.place, "records: want tag %02X: the AIP announces what needs it", tag)
		}
	}
	if announced&aipCDA != 0 {
		iad := layoutOf(a.version.Family()).iad(nil, a.version, a.keyIndex, &results{})
		if a.iad != nil {
			iad = a.iad
		}
		signed := a.signature(make([]byte, a.auth.chain.icc.bits()/8), iad, tc, 0)
		if n := len(tlv.Append(nil, tlv.ResponseMessageTemplateFormat2, signed)); n > maxResponse {
			c.fail(s.Keys.place, "keys %s: an answer with CDA has %d bytes: want at most %d", a.auth.chain.Name, n, maxResponse)
		}
	}
}

func bytesAsked(n int) string {
	if n < 0 {
		return "nothing"
	}
	return fmt.Sprintf("%d bytes", n)
}
