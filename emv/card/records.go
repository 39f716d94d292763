package card

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/posim/posim/emv/tlv"
)

// files writes the records and the objects for GET DATA.
func (c *checker) files(p *Profile, s *applicationSource, a *application) {
	if len(s.Records) == 0 || len(s.Records) > maxRecords {
		c.fail(s.place, "records: %d: want 1 to %d", len(s.Records), maxRecords)
		return
	}
	a.records = make(map[address][]byte)
	a.signed = make(map[address]bool)
	seen := map[tlv.Tag]bool{ // live elsewhere
		tlv.ApplicationInterchangeProfile: true, tlv.ApplicationFileLocator: true, tlv.PDOL: true, tlv.DedicatedFileName: true,
		tlv.ApplicationLabel: true, tlv.ApplicationPriorityIndicator: true,
	}
	a.tags = seen
	for i := range s.Records {
		r := &s.Records[i]
		at := address{byte(c.number(r.SFI, "sfi", 1, maxSFI, 0)), byte(c.number(r.Record, "record", 1, 255, 0))}
		if at.sfi == 0 || at.record == 0 {
			c.fail(r.place, "record: want sfi and record")
			return
		}
		if _, twice := a.records[at]; twice {
			c.fail(r.place, "record %d of SFI %d is there already", at.record, at.sfi)
		}
		var content []byte
		var slots []slot
		var related *slot
		a.signed[at] = c.yes(r.Signed, "signed", false)
		for _, o := range r.Data {
			tag, value := c.object(p, a, o)
			if c.err != nil {
				return
			}
			if seen[tag] {
				c.fail(o.tag.place, "tag %02X: the application has it already", tag)
			}
			seen[tag] = true
			if value == nil || a.wrong.without(tag) {
				continue // a remainder that is not needed, or an object that is missing on purpose
			}
			switch tag {
			case tlv.DDOL:
				a.ddol = c.list(o.value, "tag 9F49", value)
			case tlv.StaticDataAuthenticationTagList:
				a.signsAIP = bytes.Equal(value, []byte{byte(tlv.ApplicationInterchangeProfile)})
			case tlv.CDOL1:
				a.cdol1 = c.list(o.value, "tag 8C", value)
			case tlv.CDOL2:
				a.cdol2 = c.list(o.value, "tag 8D", value)
			}
			content = tlv.Append(content, tag, value)
			if given, length := a.signedValue(o.value.value); length > 0 && given == nil {
				slots = append(slots, slot{o.value.value, at, len(content) - len(value), length})
			}
			if o.value.value == cardAuthentication {
				if tag != tlv.CardAuthenticationRelatedData {
					c.fail(o.tag.place, "tag %02X: %s is for tag 9F69", tag, cardAuthentication)
				}
				related = &slot{o.value.value, at, len(content) - len(value), len(value)}
			}
		}
		record := tlv.Append(nil, tlv.READRECORDResponseMessageTemplate, content)
		if len(record) > maxRecord {
			c.fail(r.place, "record %d of SFI %d: %d bytes: want at most %d", at.record, at.sfi, len(record), maxRecord)
		}
		for _, s := range slots {
			s.offset += len(record) - len(content)
			a.auth.slots = append(a.auth.slots, s)
			a.auth.pinKey = a.auth.pinKey || s.name == "$pin_certificate"
		}
		if related != nil {
			related.offset += len(record) - len(content)
			a.related = related
		}
		a.records[at] = record
		a.files[at.sfi] = true
	}
	a.data = make(map[tlv.Tag][]byte)
	for _, o := range s.Data {
		tag, value := c.object(p, a, o)
		if c.err != nil {
			return
		}
		if _, twice := a.data[tag]; twice || tag == tlv.ApplicationTransactionCounter || tag == tlv.LastOnlineATCRegister ||
			tag == tlv.PINTryCounter && p.chip.pin != nil || a.purse != nil && ofPurse(tag) {
			c.fail(o.tag.place, "tag %02X: the card has it already", tag)
		}
		a.data[tag] = value
	}
}

// object reads one data object. A value that begins with $ is filled in from the card, so that a profile states each fact
// once.
func (c *checker) object(p *Profile, a *application, o object) (tlv.Tag, []byte) {
	raw := c.hex(o.tag, "tag", 1, 4)
	if c.err != nil {
		return 0, nil
	}
	if !o.tag.set || len(raw) == 0 {
		c.fail(o.value.place, "tag: want hexadecimal digits")
		return 0, nil
	}
	entries, err := tlv.ParseDOL(append(slices.Clone(raw), 0)) // a tag and a length: the parser of DOLs knows tags
	if err != nil || len(entries) != 1 {
		c.fail(o.tag.place, "tag %X: no BER tag", raw)
		return 0, nil
	}
	tag := entries[0].Tag
	if tlv.Constructed(tag) {
		c.fail(o.tag.place, "tag %02X: constructed: want a primitive object", tag)
	}
	field := fmt.Sprintf("tag %02X", tag)
	if !o.value.set || o.value.bad || len(o.value.value) == 0 || o.value.value[0] != '$' {
		value := c.hex(o.value, field, 0, maxList)
		if !o.value.set {
			c.fail(o.tag.place, "%s: want a value", field)
		}
		if number := packed(p.PAN.Digits()); tag == tlv.ApplicationPAN && !bytes.Equal(value, number) ||
			tag == tlv.Track2EquivalentData && !bytes.Equal(value, p.track2Equivalent()) {
			c.fail(o.value.place, "%s: differs from the profile's pan or stripe: $pan and $track2 fill it in", field)
		}
		return tag, value
	}
	value, ok := fill(p, a, o.value.value)
	if !ok {
		var length int
		if value, length = a.signedValue(o.value.value); length > 0 && value == nil {
			value = make([]byte, length) // signed when the first card is made
		}
		ok = length >= 0
	}
	if !ok {
		c.fail(o.value.place, "%s: %q: the card has no such value", field, o.value.value)
	}
	return tag, value
}

// fill is the table of values that a profile may name, besides those that its keys give.
func fill(p *Profile, a *application, name string) (value []byte, ok bool) {
	switch name {
	case "$pan":
		return packed(p.PAN.Digits()), true
	case "$track2":
		return p.track2Equivalent(), p.stripe
	case "$track1_discretionary":
		return []byte(p.discretionary1), p.discretionary1 != ""
	case "$psn":
		return packed(p.PANSequenceNumber), p.PANSequenceNumber != ""
	case "$cardholder":
		return []byte(p.Cardholder), p.Cardholder != ""
	case "$expiry":
		return p.Expiry.bcd(p.Expiry.LastDay().Day()), true
	case "$effective":
		return p.Effective.bcd(1), p.Effective != Month{}
	case "$service_code":
		return packed("0" + p.ServiceCode), p.stripe
	case cardAuthentication:
		return append([]byte{relatedVersion}, make([]byte, relatedLength-1)...), a.purse != nil
	case "$lower_limit":
		return []byte{byte(a.lowerLimit)}, a.lowerLimit >= 0
	case "$upper_limit":
		return []byte{byte(a.upperLimit)}, a.upperLimit >= 0
	}
	return nil, false
}

// cardAuthentication is the value that a purse writes itself, anew each time it pays.
const cardAuthentication = "$card_authentication"

// ofPurse tells whether GET DATA gives what the purse holds, and not what the profile says.
func ofPurse(tag tlv.Tag) bool {
	return tag == tlv.ElectronicCashBalance || tag == tlv.ElectronicCashBalanceLimit || tag == tlv.ElectronicCashSingleTransactionLimit
}
