package security

import (
	"crypto/sha1"
	"fmt"
)

// IssueIssuerCertificate makes an issuer public key certificate (tag 90) and the remainder of the key (tag 92; nil where
// the certificate has room for all of it), as an authority does (Book 2, 5.1). Of c, the algorithms, lengths and hash
// follow from the key: zeros, or what they come to. A key longer than the authority's is an error.
func IssueIssuerCertificate(ca *PrivateKey, c IssuerCertificate, issuer *PublicKey) (certificate, remainder []byte, err error) {
	block := newBlock(ca, formatIssuer)
	block = append(append(append(block, c.IssuerIdentifier[:]...), c.Expiration[:]...), c.SerialNumber[:]...)
	says := keyParts{hashAlgorithm: c.HashAlgorithm, keyAlgorithm: c.KeyAlgorithm, keyLength: c.KeyLength, exponentLength: c.ExponentLength}
	certificate, remainder, err = certify(ca, block, says, c.Hash, issuer, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", issuerCertificateName, err)
	}
	return certificate, remainder, nil
}

// IssueICCCertificate makes an ICC public key certificate (tag 9F46) and the remainder of the key (tag 9F48), as an issuer
// does (Book 2, 6.1); with static nil that of a PIN encipherment key (7.1, tags 9F2D and 9F2F). c is as in
// IssueIssuerCertificate.
func IssueICCCertificate(issuer *PrivateKey, c ICCCertificate, icc *PublicKey, static []byte) (certificate, remainder []byte, err error) {
	name := iccCertificateName
	if static == nil {
		name = pinCertificateName
	}
	block := newBlock(issuer, formatICC)
	block = append(append(append(block, c.PAN[:]...), c.Expiration[:]...), c.SerialNumber[:]...)
	says := keyParts{hashAlgorithm: c.HashAlgorithm, keyAlgorithm: c.KeyAlgorithm, keyLength: c.KeyLength, exponentLength: c.ExponentLength}
	certificate, remainder, err = certify(issuer, block, says, c.Hash, icc, static)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return certificate, remainder, nil
}

func newBlock(k *PrivateKey, format byte) []byte {
	return append(make([]byte, 0, k.public.size), blockHeader, format)
}

// certify puts key behind the owner in block and signs it.
func certify(signer *PrivateKey, block []byte, says keyParts, hash [sha1.Size]byte, key *PublicKey, static []byte) (
	certificate, remainder []byte, err error) {
	if key.size == 0 || key.size > signer.public.size {
		return nil, nil, fmt.Errorf("public key of %d bytes: want %d to %d, the length of the key that signs it",
			key.size, minModulus, signer.public.size)
	}
	if err := says.agree(key); err != nil {
		return nil, nil, err
	}
	block = append(block, hashSHA1, keyRSA, byte(key.size), byte(key.eLen))
	space := signer.public.size - blockEnd - len(block)
	digits := key.Modulus()
	if len(digits) > space {
		remainder = append(remainder, digits[space:]...)
		digits = digits[:space]
	}
	block = append(block, digits...)
	sum, certificate, err := sealBlock(signer, block, remainder, key.Exponent(), static)
	if err == nil && hash != [sha1.Size]byte{} && hash != sum {
		err = fmt.Errorf("hash %X: want zeros, or %X", hash, sum)
	}
	if err != nil {
		return nil, nil, err
	}
	return certificate, remainder, nil
}

// agree holds what a caller says of a key against the key.
func (p keyParts) agree(key *PublicKey) error {
	switch {
	case p.hashAlgorithm != 0 && p.hashAlgorithm != hashSHA1:
		return fmt.Errorf("hash algorithm %02X: want 00 or %02X", p.hashAlgorithm, hashSHA1)
	case p.keyAlgorithm != 0 && p.keyAlgorithm != keyRSA:
		return fmt.Errorf("public key algorithm %02X: want 00 or %02X", p.keyAlgorithm, keyRSA)
	case p.keyLength != 0 && p.keyLength != key.size:
		return fmt.Errorf("key length %d: want 0 or %d", p.keyLength, key.size)
	case p.exponentLength != 0 && p.exponentLength != key.eLen:
		return fmt.Errorf("exponent length %d: want 0 or %d", p.exponentLength, key.eLen)
	}
	return nil
}

// sealBlock pads a block, adds its hash, which covers more behind the block, and signs it.
func sealBlock(signer *PrivateKey, block []byte, more ...[]byte) (sum [sha1.Size]byte, signature []byte, err error) {
	for len(block) < signer.public.size-blockEnd {
		block = append(block, blockPadding)
	}
	h := sha1.New()
	h.Write(block[1:])
	for _, p := range more {
		h.Write(p)
	}
	h.Sum(sum[:0])
	block = append(append(block, sum[:]...), blockTrailer)
	signature, err = signer.operate(block)
	return sum, signature, err
}

// SignStaticData makes signed static application data (tag 93), as an issuer does (Book 2, 5.2). dac is the data
// authentication code (tag 9F45), static the data to be authenticated.
func SignStaticData(issuer *PrivateKey, dac [2]byte, static []byte) ([]byte, error) {
	block := append(newBlock(issuer, formatStatic), hashSHA1, dac[0], dac[1])
	_, signed, err := sealBlock(issuer, block, static)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", staticName, err)
	}
	return signed, nil
}

// SignDynamicData makes signed dynamic application data (tag 9F4B), as a card does (Book 2, 6.5.1 and 6.6.1). data are the
// ICC dynamic data ready made: the number and its length, under CDA those of AppendCombined. terminalData are the bytes
// that INTERNAL AUTHENTICATE brought, or under CDA the unpredictable number. Data for which the key has no room are an
// error.
func SignDynamicData(icc *PrivateKey, data, terminalData []byte) ([]byte, error) {
	if most := icc.public.size - 1 - dynamicHead - blockEnd; len(data) > most {
		return nil, fmt.Errorf("%s: ICC dynamic data of %d bytes: want at most %d", dynamicName, len(data), most)
	}
	block := append(newBlock(icc, formatDynamic), hashSHA1, byte(len(data)))
	_, signed, err := sealBlock(icc, append(block, data...), terminalData)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dynamicName, err)
	}
	return signed, nil
}
