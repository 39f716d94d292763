package host

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/transport/dialect"
)

// chip is a cryptogram that verified.
type chip struct {
	data    icc
	version security.Version
	atc     string
}

// Cryptogram types in the cryptogram information data (EMV Book 3, 6.5.5.4).
const (
	cidMask = 0xC0
	cidARQC = 0x80
	cidTC   = 0x40
)

// verify checks the cryptogram of a request (ARQC) or advice (TC) over the data it came with (EMV Book 2, 8.1). Without
// chip data there is none, and that is no error: a stripe has none. What the cryptogram says must be what the message says.
func (x *Issuer) verify(a *account, m *dialect.Message, t *Transaction) (*chip, error) {
	data := icc(m.ICCSystemRelatedData)
	if len(data) == 0 {
		return nil, nil
	}
	if a.IssuerMasterKey.IsZero() {
		return nil, errors.New("chip data for an account without a chip")
	}
	if err := agrees(data, t); err != nil {
		return nil, err
	}
	version, err := security.VersionFor(a.Family, data.get(tlv.IssuerApplicationData))
	if err != nil {
		return nil, err
	}
	err = x.module.VerifyCryptogram(a.IssuerMasterKey, version, a.Option, a.PAN.Digits(), a.PANSequenceNumber, data.get, data.get(tlv.ApplicationCryptogram))
	if err != nil {
		return nil, err
	}
	c := &chip{data: data, version: version, atc: hex.EncodeToString(data.get(tlv.ApplicationTransactionCounter))}
	// A counter is used once. The same cryptogram may come again in another message after a decline, when only the PIN was
	// asked for again.
	used := x.counters[counter{a.Name, c.atc, t.Function}]
	if used != nil && used.Key != t.Key && !(used.State == Declined && used.Token == t.Token) {
		return nil, fmt.Errorf("host: tag 9F36: counter %s was used by %s", c.atc, used.Key)
	}
	if claim := x.counters[counter{account: a.Name, atc: c.atc}]; a.Purse && claim != nil && claim.Key != t.Key {
		return nil, fmt.Errorf("host: tag 9F36: counter %s is claimed as %s", c.atc, claim.Key)
	}
	return c, nil
}

// agrees compares the chip's view of the transaction with the message's.
func agrees(data icc, t *Transaction) error {
	if got, want := hex.EncodeToString(data.get(tlv.AmountAuthorised)), fmt.Sprintf("%012d", t.Amount); got != want {
		return errors.New("host: tag 9F02: other amount than DE 4")
	}
	if currency(hex.EncodeToString(data.get(tlv.TransactionCurrencyCode))) != currency(t.Currency) {
		return errors.New("host: tag 5F2A: other currency than DE 49")
	}
	want := byte(cidARQC)
	if t.Function == Advice {
		want = cidTC
	}
	if cid := data.get(tlv.CryptogramInformationData); cid != nil && (len(cid) != 1 || cid[0]&cidMask != want) {
		return fmt.Errorf("host: tag 9F27: other cryptogram than a %v has", t.Function)
	}
	return nil
}

// authenticate is the answer's chip data: issuer authentication data (tag 91) for the card that asked. A module that
// cannot make it leaves it out, and the card decides what it thinks of that.
func (x *Issuer) authenticate(a *account, c *chip, code string, csu security.CSU) []byte {
	data, err := x.module.ARPC(a.IssuerMasterKey, c.version, a.Option, a.PAN.Digits(), a.PANSequenceNumber, c.data.get,
		c.data.get(tlv.ApplicationCryptogram), security.IssuerAnswer{AuthorisationResponseCode: [2]byte([]byte(code)), Approved: dialect.Approves(code), CardStatusUpdate: csu})
	if err != nil || len(data) > 127 {
		return nil
	}
	return append([]byte{byte(tlv.IssuerAuthenticationData), byte(len(data))}, data...)
}
