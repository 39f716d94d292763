package security

import "fmt"

// IssuerCertificate is what an issuer public key certificate says beside the key (Book 2, table 6).
type IssuerCertificate struct {
	IssuerIdentifier [4]byte // leftmost 3 to 8 digits of the PAN, F behind them
	Expiration       [2]byte // MMYY, see ValidOn
	SerialNumber     [3]byte
	HashAlgorithm    byte
	KeyAlgorithm     byte
	KeyLength        int // bytes
	ExponentLength   int // bytes
	Hash             [20]byte
}

// ICCCertificate is what an ICC public key certificate says beside the key (Book 2, table 14; for the PIN encipherment key
// table 24).
type ICCCertificate struct {
	PAN            [10]byte // digits, F behind them
	Expiration     [2]byte  // MMYY, see ValidOn
	SerialNumber   [3]byte
	HashAlgorithm  byte
	KeyAlgorithm   byte
	KeyLength      int // bytes
	ExponentLength int // bytes
	Hash           [20]byte
}

// The names in front of errors.
const (
	issuerCertificateName = "security: issuer certificate 90"
	iccCertificateName    = "security: ICC certificate 9F46"
	pinCertificateName    = "security: ICC PIN encipherment certificate 9F2D"
	staticName            = "security: signed static application data 93"
	dynamicName           = "security: signed dynamic application data 9F4B"
)

// What of a certificate stands in front of the key's fields: format and owner.
const (
	issuerOwner = 1 + 4 + 2 + 3
	iccOwner    = 1 + 10 + 2 + 3
)

// RecoverIssuerKey opens an issuer's certificate (tag 90, with remainder 92 and exponent 9F32) and writes its key into dst
// (Book 2, 5.3 and 6.3). It checks all that the section says of the certificate itself; whether it is for this card and
// this day is for IdentifierMatches and ValidOn, and whether it was revoked, the caller's.
//
// What the block says is returned even beside an error if the block could be opened. The error is ErrHash or
// ErrRemainderMissing by errors.Is, or says what differs. Beside ErrHash dst is the key that the block says, which nothing
// vouches for; beside any other error it is no key.
func (a *Arithmetic) RecoverIssuerKey(dst *PublicKey, ca *CAPublicKey, certificate, remainder, exponent []byte) (c IssuerCertificate, err error) {
	dst.Clear()
	if ca == nil {
		return c, fmt.Errorf("%s: no CA public key", issuerCertificateName)
	}
	o, err := a.open(&ca.key, certificate, formatIssuer)
	if err != nil {
		return c, fmt.Errorf("%s: %w", issuerCertificateName, err)
	}
	p := parseKeyParts(o.data[issuerOwner:])
	c = IssuerCertificate{
		IssuerIdentifier: [4]byte(o.data[1:]), Expiration: [2]byte(o.data[5:]), SerialNumber: [3]byte(o.data[7:]),
		HashAlgorithm: p.hashAlgorithm, KeyAlgorithm: p.keyAlgorithm, KeyLength: p.keyLength, ExponentLength: p.exponentLength,
		Hash: o.hash,
	}
	if err := a.take(dst, &o, p, ca.key.size, remainder, exponent, nil); err != nil {
		return c, fmt.Errorf("%s: %w", issuerCertificateName, err)
	}
	return c, nil
}

// RecoverICCKey opens a card's certificate (tag 9F46, with remainder 9F48 and exponent 9F47) under its issuer's key and
// writes the card's key into dst (Book 2, 6.4). static is the static data to be authenticated: the records that the AFL
// names for it, and the AIP where tag 9F4A asks for it. With static nil it is the certificate of a PIN encipherment key
// (7.1: tags 9F2D, 9F2F, 9F2E), which covers no data of the card. Whether it is for this card and this day is for
// PANMatches and ValidOn. Results and errors are as those of RecoverIssuerKey.
func (a *Arithmetic) RecoverICCKey(dst, issuer *PublicKey, certificate, remainder, exponent, static []byte) (c ICCCertificate, err error) {
	name := iccCertificateName
	if static == nil {
		name = pinCertificateName
	}
	if issuer == nil || dst == issuer {
		return c, fmt.Errorf("%s: no issuer public key of its own", name)
	}
	dst.Clear()
	o, err := a.open(issuer, certificate, formatICC)
	if err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	p := parseKeyParts(o.data[iccOwner:])
	c = ICCCertificate{
		PAN: [10]byte(o.data[1:]), Expiration: [2]byte(o.data[11:]), SerialNumber: [3]byte(o.data[13:]),
		HashAlgorithm: p.hashAlgorithm, KeyAlgorithm: p.keyAlgorithm, KeyLength: p.keyLength, ExponentLength: p.exponentLength,
		Hash: o.hash,
	}
	if err := a.take(dst, &o, p, issuer.size, remainder, exponent, static); err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}
