package host

import (
	"encoding/hex"
	"fmt"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/hsm"
)

// icc is the chip data of a message (DE 55), checked when it came in.
type icc []byte

// get returns the value of a tag, nil where there is none.
func (b icc) get(tag uint32) []byte {
	v, _, err := tlv.Find(b, tag)
	if err != nil {
		return nil
	}
	return v
}

// forDecisions keeps of a reversal's chip data what tells how the card decided, and nothing that identifies it: it is
// logged, and the queue survives restarts.
func (b icc) forDecisions() (kept []byte) {
	r := tlv.NewReader(b)
	for r.Next() {
		switch r.Tag() {
		case tlv.TVR, tlv.TSI, tlv.IssuerApplicationData, tlv.ApplicationTransactionCounter, tlv.ApplicationCryptogram, tlv.CryptogramInformationData,
			tlv.IssuerScriptResults:
			kept = append(kept, r.Raw()...)
		}
	}
	if r.Err() != nil {
		return nil
	}
	return kept
}

// token digests the number of a card or a code and the cryptogram under a key: two requests with the same token are about
// the same card and the same cryptogram. Without the key it tells nothing about the number.
func (d *desk) token(number string, chip icc) (string, error) {
	var data [40]byte
	b := append(data[:0], number...)
	if len(chip) > 0 {
		b = append(b, '/')
		b = append(b, chip.get(tlv.ApplicationTransactionCounter)...)
		b = append(b, chip.get(tlv.ApplicationCryptogram)...)
	}
	var mac [8]byte
	if err := d.module.MAC(d.tokenKey, hsm.MACParams{}, mac[:], b); err != nil {
		return "", fmt.Errorf("host: token: %w", err)
	}
	return hex.EncodeToString(mac[:]), nil
}
