package dialect

import (
	"fmt"
	"strings"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

// DE 55 stays bytes in a Message: whoever recomputes a MAC or a cryptogram needs them as they came. This file reads it for
// people only, so what is wrong with it is shown and never an error.

// Tags of magnetic stripe data in a contactless answer (EMV Contactless Book C-2), which the contact books do not have.
const (
	track1MSD tlv.Tag = 0x56
	track2MSD tlv.Tag = 0x9F6B
)

// maxNesting bounds the templates in templates that a summary opens; issuer scripts need one.
const maxNesting = 4

// summariseChipData writes the data objects of b as TAG=VALUE, a template as TAG{...}, card numbers masked and what else
// identifies or authenticates the cardholder left out. What is no TLV is not shown: it may be anything.
func summariseChipData(s *strings.Builder, b []byte, nesting int) {
	start := s.Len()
	separate := func() {
		if s.Len() > start {
			s.WriteByte(' ')
		}
	}
	r := tlv.NewReader(b)
	for r.Next() {
		separate()
		switch {
		case !tlv.Constructed(r.Tag()):
			fmt.Fprintf(s, "%02X=%s", r.Tag(), showObject(r.Tag(), r.Value()))
		case nesting == maxNesting:
			fmt.Fprintf(s, "%02X=%s", r.Tag(), redacted(len(r.Value()), "bytes nested too deep"))
		default:
			fmt.Fprintf(s, "%02X{", r.Tag())
			summariseChipData(s, r.Value(), nesting+1)
			s.WriteByte('}')
		}
	}
	if r.Err() != nil {
		separate()
		s.WriteString("[redacted, the rest is no TLV]")
	}
}

func showObject(tag tlv.Tag, value []byte) string {
	switch tag {
	case tlv.ApplicationPAN, tlv.Track2EquivalentData, track2MSD:
		return maskedNibbles(value)
	case track1MSD, tlv.TransactionPINData, tlv.CardholderName, tlv.CardholderNameExtended, tlv.Track1DiscretionaryData, tlv.Track2DiscretionaryData:
		return redacted(len(value), "bytes")
	}
	return fmt.Sprintf("%X", value)
}

// maskedNibbles masks the card number that starts v, up to separator or filler, and leaves the rest out.
func maskedNibbles(v []byte) string {
	digits, _, _ := strings.Cut(fmt.Sprintf("%X", v), "D")
	digits = strings.TrimRight(digits, "F") // filler of an odd number
	p, err := pan.Parse(digits)
	if err != nil {
		return redacted(len(v), "bytes")
	}
	return p.Masked()
}

func redacted(count int, of string) string { return fmt.Sprintf("[redacted, %d %s]", count, of) }
