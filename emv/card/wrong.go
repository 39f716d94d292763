package card

import (
	"strings"

	"github.com/posim/posim/emv/tlv"
)

// wrong is a set of ways in which a card is wrong on purpose, so that a terminal's checks can be seen at work.
type wrong uint64

// The ways, as profiles spell them.
const (
	wrongCAIndex wrong = 1 << iota
	wrongIssuerCertificate
	wrongIssuerHash
	wrongIssuerIdentifier
	wrongIssuerAlgorithm
	wrongICCCertificate
	wrongICCHash
	wrongICCNumber
	wrongICCAlgorithm
	wrongPINCertificate
	wrongSSAD
	wrongSSADHash
	wrongStaticData
	wrongSDAD
	wrongSDADHash
	wrongTransactionHash
	wrongSignedCID
	wrongCryptogram
	noCAIndex
	noIssuerCertificate
	noIssuerRemainder
	noIssuerExponent
	noICCCertificate
	noICCRemainder
	noICCExponent
	noSSAD
	noSDAD
)

type wrongRow struct {
	name  string
	about string
	way   wrong
	tag   tlv.Tag // of the object that is left out, 0 where none is
}

// wrongs is the table of them. It never changes.
var wrongs = [...]wrongRow{
	{"ca_index", "the card names a key of the authority that nobody has", wrongCAIndex, 0},
	{"issuer_certificate", "one byte of tag 90 is wrong: it cannot be opened", wrongIssuerCertificate, 0},
	{"issuer_certificate_hash", "tag 90 opens, but its hash is wrong", wrongIssuerHash, 0},
	{"issuer_certificate_identifier", "tag 90 is for another issuer", wrongIssuerIdentifier, 0},
	{"issuer_certificate_algorithm", "tag 90 names an algorithm that nobody knows", wrongIssuerAlgorithm, 0},
	{"icc_certificate", "one byte of tag 9F46 is wrong: it cannot be opened", wrongICCCertificate, 0},
	{"icc_certificate_hash", "tag 9F46 opens, but its hash is wrong", wrongICCHash, 0},
	{"icc_certificate_pan", "tag 9F46 is for another number", wrongICCNumber, 0},
	{"icc_certificate_algorithm", "tag 9F46 names an algorithm that nobody knows", wrongICCAlgorithm, 0},
	{"pin_certificate", "one byte of tag 9F2D is wrong: it cannot be opened", wrongPINCertificate, 0},
	{"signed_static_data", "one byte of tag 93 is wrong: it cannot be opened", wrongSSAD, 0},
	{"signed_static_data_hash", "tag 93 opens, but its hash is wrong", wrongSSADHash, 0},
	{"static_data", "the records are not those that were signed", wrongStaticData, 0},
	{"dynamic_signature", "one byte of tag 9F4B is wrong: it cannot be opened", wrongSDAD, 0},
	{"dynamic_signature_hash", "tag 9F4B opens, but it was made for another terminal's data", wrongSDADHash, 0},
	{"transaction_data_hash", "under CDA the hash of the transaction's data is wrong", wrongTransactionHash, 0},
	{"cid", "under CDA the signature holds another cryptogram information than tag 9F27", wrongSignedCID, 0},
	{"cryptogram", "one bit of every application cryptogram is wrong", wrongCryptogram, 0},
	{"no_ca_index", "tag 8F is missing", noCAIndex, tlv.CertificationAuthorityPublicKeyIndex},
	{"no_issuer_certificate", "tag 90 is missing", noIssuerCertificate, tlv.IssuerPublicKeyCertificate},
	{"no_issuer_remainder", "tag 92 is missing", noIssuerRemainder, tlv.IssuerPublicKeyRemainder},
	{"no_issuer_exponent", "tag 9F32 is missing", noIssuerExponent, tlv.IssuerPublicKeyExponent},
	{"no_icc_certificate", "tag 9F46 is missing", noICCCertificate, tlv.ICCPublicKeyCertificate},
	{"no_icc_remainder", "tag 9F48 is missing", noICCRemainder, tlv.ICCPublicKeyRemainder},
	{"no_icc_exponent", "tag 9F47 is missing", noICCExponent, tlv.ICCPublicKeyExponent},
	{"no_signed_static_data", "tag 93 is missing", noSSAD, tlv.SignedStaticApplicationData},
	{"no_dynamic_signature", "under CDA tag 9F4B is missing from a TC or an ARQC", noSDAD, 0},
}

func (w wrong) is(way wrong) bool { return w&way != 0 }

// without tells whether the object is left out on purpose.
func (w wrong) without(tag tlv.Tag) bool {
	for i := range wrongs {
		if wrongs[i].tag == tag && tag != 0 && w.is(wrongs[i].way) {
			return true
		}
	}
	return false
}

// String lists the ways by name.
func (w wrong) String() string {
	var names []string
	for i := range wrongs {
		if w.is(wrongs[i].way) {
			names = append(names, wrongs[i].name)
		}
	}
	return strings.Join(names, ", ")
}

func (c *checker) wrong(list []text) (w wrong) {
	names := make([]string, len(wrongs))
	for i := range wrongs {
		names[i] = wrongs[i].name
	}
	for _, t := range list {
		if !t.set {
			c.fail(t.place, "wrong: want one of %s", strings.Join(names, ", "))
			return w
		}
		name := c.oneOf(t, "wrong", names...)
		for i := range wrongs {
			if wrongs[i].name == name {
				w |= wrongs[i].way
			}
		}
	}
	return w
}
