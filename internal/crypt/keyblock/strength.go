package keyblock

import (
	"crypto/subtle"
	"encoding/asn1"
	"math/big"
)

// strongest is the highest strength that is told apart.
const strongest = 256

// Strength is the effective strength of a key in bits (SP 800-57 part 1, table 2; the optional block WP of X9.143 compares by
// it). Keys of TDES count for as many different parts as they have: 56, 80 or 112. An RSA key is read as PKCS #1, an elliptic
// curve key as RFC 5915. What cannot be judged counts as its length in bits; 256 is the highest.
func Strength(algorithm byte, key []byte) int {
	switch algorithm {
	case 'T', 'D':
		return strengthTDES(key)
	case 'R':
		if bits, ok := modulusBits(key); ok {
			return step(bits, 1024, 2048, 3072, 7680, 15360)
		}
	case 'E':
		if bits, ok := curveBits(key); ok {
			return step(bits, 160, 224, 256, 384, 512)
		}
	}
	return min(8*len(key), strongest)
}

// strengthTDES counts parts. K1 K2 K1 is a two-key key however it is written; K1 K1 K3 and the like are single DES.
func strengthTDES(key []byte) int {
	if len(key) != 16 && len(key) != 24 {
		return 56
	}
	k1, k2, k3 := key[:8], key[8:16], key[:8]
	if len(key) == 24 {
		k3 = key[16:]
	}
	switch {
	case subtle.ConstantTimeCompare(k1, k2) == 1 || subtle.ConstantTimeCompare(k2, k3) == 1:
		return 56
	case subtle.ConstantTimeCompare(k1, k3) == 1:
		return 80
	}
	return 112
}

// step gives the strength of an asymmetric key by the sizes from which on it is 80, 112, 128, 192 and 256 bits.
func step(bits, s80, s112, s128, s192, s256 int) int {
	switch {
	case bits >= s256:
		return 256
	case bits >= s192:
		return 192
	case bits >= s128:
		return 128
	case bits >= s112:
		return 112
	case bits >= s80:
		return 80
	}
	return 0
}

// modulusBits is the size of an RSA private key (RFC 8017, A.1.2).
func modulusBits(key []byte) (int, bool) {
	var k struct {
		Version                             int
		N                                   *big.Int
		E, D, P, Q, Exp1, Exp2, Coefficient asn1.RawValue // not decoded: no copies of the private parts
	}
	rest, err := asn1.Unmarshal(key, &k)
	if err != nil || len(rest) > 0 {
		return 0, false
	}
	return k.N.BitLen(), true
}

// curveBits is the size of an elliptic curve private key, which is padded to its curve's (RFC 5915, 3).
func curveBits(key []byte) (int, bool) {
	var k struct {
		Version    int
		PrivateKey []byte
		Parameters asn1.RawValue  `asn1:"optional,explicit,tag:0"`
		PublicKey  asn1.BitString `asn1:"optional,explicit,tag:1"`
	}
	rest, err := asn1.Unmarshal(key, &k)
	clear(k.PrivateKey)
	if err != nil || len(rest) > 0 {
		return 0, false
	}
	return 8 * len(k.PrivateKey), true
}

// checkStrength refuses a key that would be worth less than it says under a protection key.
func (v *version) checkStrength(kbpk []byte, algorithm byte, key []byte) error {
	protection := byte('T')
	if v.aes {
		protection = 'A'
	}
	have, need := Strength(protection, kbpk), Strength(algorithm, key)
	if need > have {
		return fail(ErrStrength, "key of strength %d under a protection key of %d: want one at least as strong", need, have)
	}
	return nil
}
