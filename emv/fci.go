package emv

import (
	"fmt"

	"github.com/posim/posim/emv/tlv"
)

// fci is what the kernel reads of a file control information (Book 1, 11.3.4). Absent parts are nil.
type fci struct {
	name          []byte // 84
	proprietary   []byte // A5
	sfi           []byte // 88, of a directory
	label         []byte // 50
	priority      []byte // 87
	preferredName []byte // 9F12
	codeTable     []byte // 9F11
}

// parseFCI reads a response to SELECT: 6F with 84 and A5, which are mandatory.
func parseFCI(b []byte) (fci, error) {
	var f fci
	template, err := tlv.Only(b, tlv.FCITemplate)
	if err != nil {
		return f, fmt.Errorf("FCI: %w", err)
	}
	r := tlv.NewReader(template)
	for r.Next() {
		switch r.Tag() {
		case tlv.DedicatedFileName:
			f.name = r.Value()
		case tlv.FCIProprietaryTemplate:
			f.proprietary = r.Value()
		}
	}
	if r.Err() != nil {
		return f, fmt.Errorf("FCI: %w", r.Err())
	}
	if len(f.name) < 5 || len(f.name) > 16 {
		return f, fmt.Errorf("FCI: DF name 84 of %d bytes: want 5 to 16", len(f.name))
	}
	if f.proprietary == nil {
		return f, fmt.Errorf("FCI: no proprietary template A5")
	}
	r = tlv.NewReader(f.proprietary)
	for r.Next() {
		switch r.Tag() {
		case tlv.ShortFileIdentifier:
			f.sfi = r.Value()
		case tlv.ApplicationLabel:
			f.label = r.Value()
		case tlv.ApplicationPriorityIndicator:
			f.priority = r.Value()
		case tlv.ApplicationPreferredName:
			f.preferredName = r.Value()
		case tlv.IssuerCodeTableIndex:
			f.codeTable = r.Value()
		}
	}
	if r.Err() != nil {
		return f, fmt.Errorf("FCI: %w", r.Err())
	}
	return f, nil
}
