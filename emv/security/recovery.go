package security

import (
	"crypto/sha1"
	"errors"
	"fmt"
)

// ErrHash says that a certificate or signature opened as it should, but its hash is not that of its data: the data were
// changed, or belong to another card.
var ErrHash = errors.New("security: hash differs")

// ErrRemainderMissing says that a key is longer than its certificate has room for and its remainder was not given.
// For a terminal that is missing data (Book 3, 7.5), apart from the authentication that fails.
var ErrRemainderMissing = errors.New("security: public key remainder missing")

// A recovered block (Book 2, A2.1): header, format, what it says, hash, trailer.
const (
	blockHeader  = 0x6A
	blockTrailer = 0xBC
	blockPadding = 0xBB

	formatIssuer  = 0x02
	formatStatic  = 0x03
	formatICC     = 0x04
	formatDynamic = 0x05

	hashSHA1 = 0x01 // B2: hash algorithm indicator
	keyRSA   = 0x01 // B2: public key algorithm indicator

	blockEnd = sha1.Size + 1 // hash and trailer
)

// opened is a recovered block whose frame is right.
type opened struct {
	data []byte // what the hash covers, from the format on; a part of Arithmetic
	hash [sha1.Size]byte
}

// open recovers a block and checks its frame: trailer, header and format, in the books' order (such as 5.3, steps 1 to 4).
func (a *Arithmetic) open(k *PublicKey, signature []byte, format byte) (o opened, err error) {
	block, err := a.recover(k, signature)
	if err != nil {
		return o, err
	}
	n := len(block)
	switch {
	case block[n-1] != blockTrailer:
		return o, fmt.Errorf("trailer %02X: want %02X", block[n-1], blockTrailer)
	case block[0] != blockHeader:
		return o, fmt.Errorf("header %02X: want %02X", block[0], blockHeader)
	case block[1] != format:
		return o, fmt.Errorf("format %02X: want %02X", block[1], format)
	}
	return opened{data: block[1 : n-blockEnd], hash: [sha1.Size]byte(block[n-blockEnd:])}, nil
}

// keyParts are the fields that both kinds of certificate have behind what names their owner.
type keyParts struct {
	hashAlgorithm, keyAlgorithm byte
	keyLength, exponentLength   int
	space                       []byte // leftmost digits of the key, or all of it and padding
}

// keyFields is how long the four fields in front of the key's digits are.
const keyFields = 4

func parseKeyParts(p []byte) keyParts {
	return keyParts{hashAlgorithm: p[0], keyAlgorithm: p[1], keyLength: int(p[2]), exponentLength: int(p[3]), space: p[keyFields:]}
}

// check holds the fields against each other and against what came beside the certificate. signer is the length of the key
// that signed it: no key is longer than the one above it (Book 2, D1.1).
func (p *keyParts) check(signer int, remainder, exponent []byte) error {
	switch {
	case p.hashAlgorithm != hashSHA1:
		return fmt.Errorf("hash algorithm %02X: want %02X", p.hashAlgorithm, hashSHA1)
	case p.keyAlgorithm != keyRSA:
		return fmt.Errorf("public key algorithm %02X: want %02X", p.keyAlgorithm, keyRSA)
	case p.keyLength < minModulus || p.keyLength > signer:
		return fmt.Errorf("public key of %d bytes: want %d to %d, the length of the key that signed it", p.keyLength, minModulus, signer)
	case len(exponent) != p.exponentLength:
		return fmt.Errorf("exponent of %d bytes: the certificate says %d", len(exponent), p.exponentLength)
	case !legalExponent(exponent):
		return fmt.Errorf("exponent %X: want 03 or 010001", exponent)
	}
	return p.checkRemainder(remainder)
}

func (p *keyParts) checkRemainder(remainder []byte) error {
	need := max(0, p.keyLength-len(p.space))
	switch {
	case need > 0 && len(remainder) == 0:
		return fmt.Errorf("public key of %d bytes, %d of them in the certificate: %w", p.keyLength, len(p.space), ErrRemainderMissing)
	case len(remainder) != need:
		return fmt.Errorf("remainder of %d bytes: want %d", len(remainder), need)
	case need == 0:
		return checkPadding(p.space[p.keyLength:])
	}
	return nil
}

func checkPadding(padding []byte) error {
	for i, c := range padding {
		if c != blockPadding {
			return fmt.Errorf("padding byte %d: %02X: want %02X", i+1, c, blockPadding)
		}
	}
	return nil
}

// take checks the parts and the hash, and sets dst to the certificate's key. A hash that differs leaves dst set all the
// same: what the block says can be shown.
func (a *Arithmetic) take(dst *PublicKey, o *opened, p keyParts, signer int, remainder, exponent, static []byte) error {
	if err := p.check(signer, remainder, exponent); err != nil {
		return err
	}
	n := copy(a.modulus[:p.keyLength], p.space)
	copy(a.modulus[n:p.keyLength], remainder)
	sum := a.digest(o.data, remainder, exponent, static)
	err := dst.Set(a.modulus[:p.keyLength], exponent)
	if sum != o.hash {
		return errHash
	}
	return err
}

// errHash is ErrHash for a place that names the package itself.
var errHash = hashError{}

type hashError struct{}

func (hashError) Error() string        { return "hash differs" }
func (hashError) Is(target error) bool { return target == ErrHash }
