package purse

import (
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// place is where a record is, and whether it is authenticated.
type place struct {
	sfi, record byte
	static      bool
}

// Bounds of a purse's records.
const (
	maxRecords  = 32 // cards have less than ten
	maxLocator  = 64 // bytes
	lastOpenSFI = 10 // Book 3, 10.3: above it the whole record is authenticated
)

// parseLocator reads an application file locator (Book 3, 10.2). A record that stands in it twice is refused: the last one is where
// the card debits itself, and it must not be asked for before its time. Nor can that one be authenticated with the others.
func parseLocator(afl []byte) ([]place, error) {
	if len(afl) == 0 || len(afl)%4 != 0 || len(afl) > maxLocator {
		return nil, fmt.Errorf("AFL 94 of %d bytes: want a multiple of 4, at most %d", len(afl), maxLocator)
	}
	var all []place
	seen := map[[2]byte]bool{}
	for at := 0; at < len(afl); at += 4 {
		sfi, first, last, static := afl[at]>>3, int(afl[at+1]), int(afl[at+2]), int(afl[at+3])
		n := last - first + 1
		if afl[at]&7 != 0 || sfi < 1 || sfi > 30 || first < 1 || n < 1 || static > n || len(all)+n > maxRecords {
			return nil, fmt.Errorf("AFL 94 offset %d: %X: want file, first and last record, how many are authenticated; at most %d records",
				at, afl[at:at+4], maxRecords)
		}
		for n := first; n <= last; n++ {
			if where := [2]byte{sfi, byte(n)}; seen[where] {
				return nil, fmt.Errorf("AFL 94 offset %d: record %d of SFI %d twice", at, n, sfi)
			} else {
				seen[where] = true
			}
			all = append(all, place{sfi, byte(n), n-first < static})
		}
	}
	if all[len(all)-1].static {
		return nil, fmt.Errorf("AFL 94: the last record is authenticated: nothing could be verified before the card debits itself")
	}
	return all, nil
}

// readRecords reads records and keeps their data objects.
func (t *tap) readRecords(places []place) error {
	for _, p := range places {
		r, err := t.readRecord(p)
		if err != nil {
			return err
		}
		if !r.SW.Success() {
			return stop(CardViolation, "SFI %d record %d: %w", p.sfi, p.record, &apdu.StatusError{INS: apdu.InsReadRecord, SW: r.SW})
		}
		v, err := tlv.Only(r.Data, tlv.READRECORDResponseMessageTemplate)
		if err == nil {
			err = t.add(v)
		}
		if err != nil {
			return stop(CardViolation, "SFI %d record %d: %w", p.sfi, p.record, err)
		}
		switch {
		case p.static && p.sfi > lastOpenSFI:
			t.static = append(t.static, r.Data...)
		case p.static:
			t.static = append(t.static, v...)
		}
	}
	return nil
}

func (t *tap) readRecord(p place) (apdu.Response, error) {
	return t.transmit(apdu.Command{INS: apdu.InsReadRecord, P1: p.record, P2: p.sfi<<3 | 4, Le: apdu.MaxLe})
}

// readLastRecord asks for the record that the card debits itself with. Whatever is not that record leaves open whether it did.
func (t *tap) readLastRecord() error {
	p := t.locator[len(t.locator)-1]
	r, err := t.readRecord(p)
	if err != nil {
		return err
	}
	if !r.SW.Success() {
		return stop(CardViolation, "SFI %d record %d: %w", p.sfi, p.record, &apdu.StatusError{INS: apdu.InsReadRecord, SW: r.SW})
	}
	v, err := tlv.Only(r.Data, tlv.READRECORDResponseMessageTemplate)
	if err == nil {
		t.related, _, err = tlv.Find(v, tlv.CardAuthenticationRelatedData)
	}
	if err != nil {
		return stop(CardViolation, "SFI %d record %d: %w", p.sfi, p.record, err)
	}
	return nil
}
