package card

import (
	"slices"

	"github.com/posim/posim/emv/tlv"
)

// processingOptions builds the answer to GET PROCESSING OPTIONS (Book 3, 6.5.8).
func (c *checker) processingOptions(s *applicationSource, a *application) {
	if c.err != nil {
		return
	}
	afl := a.everyRecord()
	if s.AFL.set {
		c.required(s.AFL, "afl", s.place)
		afl = c.hex(s.AFL, "afl", 4, maxList)
		if c.checkAFL(s.AFL, afl, a); c.err != nil {
			return
		}
	}
	a.afl = afl
	if a.format == 1 {
		a.gpo = tlv.Append(nil, tlv.ResponseMessageTemplateFormat1, append(slices.Clone(a.aip), afl...))
	} else {
		a.gpo = tlv.Append(nil, tlv.ResponseMessageTemplateFormat2, tlv.Append(tlv.Append(nil, tlv.ApplicationInterchangeProfile, a.aip), tlv.ApplicationFileLocator, afl))
	}
	if len(a.gpo) > maxRecord {
		c.fail(s.place, "afl: answer of %d bytes: want at most %d", len(a.gpo), maxRecord)
	}
}

// checkAFL checks an application file locator (Book 3, 10.2) against the records that are there.
func (c *checker) checkAFL(t text, afl []byte, a *application) {
	if len(afl)%4 != 0 {
		c.fail(t.place, "afl: length %d: want entries of 4 bytes", len(afl))
		return
	}
	for at := 0; at < len(afl); at += 4 {
		sfi, first, last, signed := afl[at]>>3, afl[at+1], afl[at+2], afl[at+3]
		if afl[at]&7 != 0 || sfi == 0 || sfi > maxSFI || first == 0 || first > last || int(signed) > int(last)-int(first)+1 {
			c.fail(t.place, "afl: offset %d: %X: no entry of file, first, last and number of authenticated records", at, afl[at:at+4])
			return
		}
		for n := int(first); n <= int(last); n++ {
			if _, ok := a.records[address{sfi, byte(n)}]; !ok {
				c.fail(t.place, "afl: offset %d: there is no record %d in SFI %d", at, n, sfi)
				return
			}
		}
	}
}

// everyRecord is the AFL that reads all records, in order; those that the profile calls signed are authenticated.
func (a *application) everyRecord() (afl []byte) {
	places := make([]address, 0, len(a.records))
	for at := range a.records {
		places = append(places, at)
	}
	slices.SortFunc(places, func(x, y address) int {
		return (int(x.sfi)<<8 | int(x.record)) - (int(y.sfi)<<8 | int(y.record))
	})
	for i, at := range places {
		signed := byte(0)
		if a.signed[at] {
			signed = 1
		}
		// Within an entry those that are authenticated come first.
		if i > 0 && places[i-1].sfi == at.sfi && places[i-1].record == at.record-1 && (signed == 0 || a.signed[places[i-1]]) {
			afl[len(afl)-2] = at.record
			afl[len(afl)-1] += signed
			continue
		}
		afl = append(afl, at.sfi<<3, at.record, at.record, signed)
	}
	return afl
}
