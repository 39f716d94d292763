package security

import (
	"fmt"
	"io"
	"math/big"
)

// primeRounds is how many Miller-Rabin rounds follow a Baillie-PSW test, of which no counterexample is known.
const primeRounds = 4

// GeneratePrivateKey makes a key whose modulus is exactly bits long, a multiple of 8 from 512 to 1984, with public exponent
// 3 or 65537. The same stream of random bytes makes the same key: crypto/rand.Prime does not promise that, and
// crypto/rsa refuses the lengths.
func GeneratePrivateKey(random io.Reader, bits, exponent int) (*PrivateKey, error) {
	if bits < 8*minModulus || bits > 8*maxModulus || bits%8 != 0 {
		return nil, fmt.Errorf("security: key of %d bits: want %d to %d in steps of 8", bits, 8*minModulus, 8*maxModulus)
	}
	e := big.NewInt(int64(exponent)).Bytes()
	if exponent < 0 || !legalExponent(e) {
		return nil, fmt.Errorf("security: key with exponent %d: want 3 or 65537", exponent)
	}
	// Both primes have their first two bits set, so that the product has its first bit set.
	p, err := prime(random, bits/2, exponent)
	if err != nil {
		return nil, err
	}
	for {
		q, err := prime(random, bits/2, exponent)
		if err != nil {
			return nil, err
		}
		if p.Cmp(q) == 0 {
			continue
		}
		k, err := newPrivateKey(p, q, e)
		if err != nil {
			return nil, fmt.Errorf("security: %w", err)
		}
		return k, nil
	}
}

// maxStep is how far a search goes from where it was begun; among odd numbers of 992 bits one in 344 is prime.
const maxStep = 1 << 14

// prime draws a number of this many bits and takes the first suitable prime from there on.
func prime(random io.Reader, bits, exponent int) (*big.Int, error) {
	bytes := make([]byte, (bits+7)/8)
	p, candidate, step := new(big.Int), new(big.Int), new(big.Int)
	var residues [len(smallPrimes)]int64
	for {
		if _, err := io.ReadFull(random, bytes); err != nil {
			return nil, fmt.Errorf("security: random bytes for a key: %w", err)
		}
		p.SetBytes(bytes)
		p.Rsh(p, uint(8*len(bytes)-bits))
		p.SetBit(p, bits-1, 1).SetBit(p, bits-2, 1).SetBit(p, 0, 1)
		for i, small := range smallPrimes {
			residues[i] = candidate.Mod(p, step.SetInt64(small)).Int64()
		}
		atExponent := candidate.Mod(p, step.SetInt64(int64(exponent))).Int64()
		for d := int64(0); d < maxStep; d += 2 {
			if hasSmallFactor(&residues, d) || (atExponent+d)%int64(exponent) == 1 { // the exponent must not divide p-1
				continue
			}
			if candidate.Add(p, step.SetInt64(d)); candidate.BitLen() == bits && candidate.ProbablyPrime(primeRounds) {
				return candidate, nil
			}
		}
	}
}

func hasSmallFactor(residues *[len(smallPrimes)]int64, d int64) bool {
	for i, small := range smallPrimes {
		if (residues[i]+d)%small == 0 {
			return true
		}
	}
	return false
}

var smallPrimes = [...]int64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137,
	139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239, 241, 251, 257, 263, 269, 271, 277,
	281, 283, 293, 307, 311, 313, 317, 331, 337, 347, 349, 353, 359, 367, 373, 379, 383, 389, 397, 401, 409, 419, 421, 431, 433, 439,
	443, 449, 457, 461, 463, 467, 479, 487, 491, 499, 503, 509, 521, 523, 541,
}
