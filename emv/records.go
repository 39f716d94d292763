package emv

import (
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

// maxRecords bounds the READ RECORD commands of one transaction. Cards have less than twenty records.
const maxRecords = 128

// aflEntry is one entry of the application file locator (Book 3, 10.2): records first to last of a file, of which the first
// authenticated ones are input to offline data authentication.
type aflEntry struct{ sfi, first, last, authenticated byte }

// parseAFLEntry reads the four bytes at offset at of an AFL, which are there.
func parseAFLEntry(afl []byte, at int) (aflEntry, error) {
	e := aflEntry{afl[at] >> 3, afl[at+1], afl[at+2], afl[at+3]}
	switch {
	case afl[at]&7 != 0 || e.sfi < 1 || e.sfi > 30:
		return e, fmt.Errorf("AFL 94 offset %d: file %02X: want an SFI of 1 to 30 in bits 8-4 and zeros below", at, afl[at])
	case e.first == 0:
		return e, fmt.Errorf("AFL 94 offset %d: first record is 0", at+1)
	case e.last < e.first:
		return e, fmt.Errorf("AFL 94 offset %d: last record %d is before the first, %d", at+2, e.last, e.first)
	case int(e.authenticated) > int(e.last)-int(e.first)+1:
		return e, fmt.Errorf("AFL 94 offset %d: %d records to authenticate of %d", at+3, e.authenticated, int(e.last)-int(e.first)+1)
	}
	return e, nil
}

// ReadApplicationData reads every record that the application file locator names and keeps their data objects (Book 3, 10.2).
// An object given twice, a record that is not in order and a missing mandatory object (7.2) end the transaction.
func (s *Session) ReadApplicationData() error {
	afl := s.icc.get(tlv.ApplicationFileLocator)
	if len(afl) == 0 || len(afl)%4 != 0 {
		return terminate("AFL 94 of %d bytes: want a multiple of 4", len(afl))
	}
	records := 0
	for at := 0; at < len(afl); at += 4 {
		e, err := parseAFLEntry(afl, at)
		if err != nil {
			return terminate("%w", err)
		}
		for n := int(e.first); n <= int(e.last); n++ {
			if records++; records > maxRecords {
				return terminate("AFL 94: more than %d records", maxRecords)
			}
			if err := s.readRecord(e.sfi, byte(n), n-int(e.first) < int(e.authenticated)); err != nil {
				return err
			}
		}
	}
	if err := s.checkMandatory(); err != nil {
		return err
	}
	if s.traced() {
		s.decide(RuleRecords, fmt.Sprintf("records: %d, PAN %s", records, s.number.Masked()), s.fromCard(tlv.ApplicationFileLocator))
	}
	return nil
}

// readRecord reads one record. What is to be authenticated of it is kept as Book 3, 10.3 wants it: without tag and length in
// the files 1 to 10, whole in the others, which must be templates all the same.
func (s *Session) readRecord(sfi, n byte, authenticate bool) error {
	r, err := s.transmit(apdu.Command{INS: apdu.InsReadRecord, P1: n, P2: sfi<<3 | 4, Le: apdu.MaxLe})
	if err != nil {
		return err
	}
	if !r.SW.Success() {
		return terminate("SFI %d record %d: %w", sfi, n, &apdu.StatusError{INS: apdu.InsReadRecord, SW: r.SW})
	}
	v, err := tlv.Only(r.Data, tlv.READRECORDResponseMessageTemplate)
	if sfi > 10 { // the contents of files 11 to 30 are outside EMV (Book 3, 7.1)
		if authenticate && err != nil {
			s.oda.recordsErr = fmt.Errorf("emv: SFI %d record %d is to be authenticated: %w", sfi, n, err)
		} else if authenticate {
			s.oda.authenticate(r.Data)
		}
		return nil
	}
	if authenticate {
		s.oda.authenticate(v)
	}
	if err == nil {
		err = s.addObjects(v)
	}
	if err != nil {
		return terminate("SFI %d record %d: %w", sfi, n, err)
	}
	return nil
}

// checkMandatory looks for the data objects without which there is no transaction (Book 3, 7.2), and reads the PAN once.
func (s *Session) checkMandatory() error {
	for _, tag := range [...]tlv.Tag{tlv.ApplicationExpirationDate, tlv.ApplicationPAN, tlv.CDOL1, tlv.CDOL2} {
		if len(s.icc.get(tag)) == 0 {
			return terminate("mandatory data object %X (%s) is missing", tag, tlv.Name(tag))
		}
	}
	number, err := pan.Parse(track2(s.icc.get(tlv.ApplicationPAN))) // F at the end is padding
	if err != nil {
		return terminate("PAN 5A: %w", err)
	}
	s.number = number
	return nil
}

// admit asks whoever lends the terminal its hands (Config.Admit). The book knows no such step.
func (s *Session) admit() error {
	if s.cfg.Admit == nil {
		return nil
	}
	err := s.cfg.Admit(s)
	if s.traced() {
		s.decide(RuleAdmission, pick(err == nil, "the card may be used", "nothing more is done with the card"), about("PAN", "%s", s.number.Masked()))
	}
	return err
}
