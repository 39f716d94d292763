package emv

import (
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// InitiateApplicationProcessing sends GET PROCESSING OPTIONS and takes the application interchange profile and the
// application file locator (Book 3, 10.1 and 6.5.8). It is false if the card does not want this application under these
// conditions (6985): the candidate has then left the list, and the next is to be selected (Book 4, 6.3.1).
func (s *Session) InitiateApplicationProcessing() (bool, error) {
	s.resetResults()
	s.icc = s.icc[:s.gpoMark]
	options, err := s.fillDOL("PDOL 9F38", s.icc.get(tlv.PDOL)) // absent: the template is empty
	if err != nil {
		return false, err
	}
	options = s.keep(options)
	s.pdolData = options
	var template [apdu.MaxData + 3]byte
	data := tlv.Append(template[:0], tlv.CommandTemplate, options)
	if len(data) > apdu.MaxData {
		return false, terminate("PDOL 9F38: asks for %d bytes: too long for a command", len(options))
	}
	r, err := s.transmit(apdu.Command{CLA: 0x80, INS: apdu.InsGetProcessingOptions, Data: data, Le: apdu.MaxLe})
	if err != nil {
		return false, err
	}
	switch {
	case r.SW == apdu.SWConditionsOfUse:
		if s.traced() {
			s.decisive(RuleConditionsOfUse, fmt.Sprintf("AID %X leaves the list: conditions of use not satisfied (6985)", s.AID()))
		}
		s.remove(s.current)
		s.app = nil
		return false, nil
	case !r.SW.Success():
		return false, terminate("%w", &apdu.StatusError{INS: apdu.InsGetProcessingOptions, SW: r.SW})
	}
	if err := s.parseProcessingOptions(r.Data); err != nil {
		return false, terminate("GET PROCESSING OPTIONS: %w", err)
	}
	if s.traced() {
		s.decide(RuleProcessingOptions, "the card gave its profile and the locator of its records",
			s.fromCard(tlv.PDOL), s.fromCard(tlv.ApplicationInterchangeProfile), s.fromCard(tlv.ApplicationFileLocator))
	}
	return true, nil
}

// parseProcessingOptions reads both formats: 80 with AIP and AFL one after the other, 77 with 82 and 94.
func (s *Session) parseProcessingOptions(b []byte) error {
	if len(b) > 0 && tlv.Tag(b[0]) == tlv.ResponseMessageTemplateFormat1 {
		v, err := tlv.Only(b, tlv.ResponseMessageTemplateFormat1)
		if err != nil {
			return err
		}
		if len(v) < 6 || (len(v)-2)%4 != 0 {
			return fmt.Errorf("format 1 of %d bytes: want 2 and a multiple of 4", len(v))
		}
		s.icc.add(tlv.ApplicationInterchangeProfile, v[:2])
		s.icc.add(tlv.ApplicationFileLocator, v[2:])
		return nil
	}
	v, err := tlv.Only(b, tlv.ResponseMessageTemplateFormat2)
	if err != nil {
		return err
	}
	if err := s.addObjects(v); err != nil {
		return err
	}
	if aip := s.icc.get(tlv.ApplicationInterchangeProfile); len(aip) != 2 {
		return fmt.Errorf("format 2: AIP 82 of %d bytes: want 2", len(aip))
	}
	if s.icc.get(tlv.ApplicationFileLocator) == nil {
		return fmt.Errorf("format 2: no AFL 94")
	}
	return nil
}

// addObjects keeps the data objects of a response. A primitive object that the card has given already, and one of fixed
// length that has another, is an error (Book 3, 10.2). Templates are not looked into.
func (s *Session) addObjects(b []byte) error {
	r := tlv.NewReader(b)
	for r.Next() {
		tag := r.Tag()
		if tlv.Constructed(tag) {
			continue
		}
		if s.icc[s.gpoMark:].get(tag) != nil {
			return fmt.Errorf("data object %X twice", tag)
		}
		known, ok := tlv.Lookup(tag)
		if ok && known.Source != tlv.SourceICC {
			continue // not the card's to give
		}
		if tag == tlv.DataAuthenticationCode || tag == tlv.ICCDynamicNumber {
			continue // known from a signature that was verified, or not at all (Book 2, 5.4 and 6.5.2)
		}
		if n := len(r.Value()); ok && known.MinLength == known.MaxLength && known.MaxLength > 0 && n != known.MaxLength {
			return fmt.Errorf("data object %X of %d bytes: want %d", tag, n, known.MaxLength)
		}
		s.icc.add(tag, r.Value())
	}
	return r.Err()
}
