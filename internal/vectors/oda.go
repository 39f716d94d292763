package vectors

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"

	"github.com/posim/posim/emv/security"
)

// runDataAuthentication is emv-oda-rsa/1: certificates and signatures of test cards and what is inside them (Book 2, 5 and 6), and
// enciphered PINs (7).
func runDataAuthentication(f *file) {
	f.vectors("vectors", byID, func(v *fields) {
		v.text("card_kind") // where the card comes from
		o := &dataAuthentication{v: v, tags: v.object("tags"), expected: v.object("expected")}
		if o.read() {
			o.run()
		}
	})
	if f.root.has("enciphered_pin") {
		f.vectors("enciphered_pin", func(i int, _ *fields) string { return fmt.Sprintf("enciphered_pin[%d]", i) }, runEncipheredPIN)
	}
}

// dataAuthentication is one vector: a chain of certificates, and signatures under its keys.
type dataAuthentication struct {
	v, tags, expected *fields
	ca                *security.CAPublicKey
	static            []byte // never nil, which would be a PIN encipherment key's

	arithmetic  security.Arithmetic
	issuer, icc security.PublicKey
	openedICC   bool
}

func (o *dataAuthentication) read() bool {
	capk := o.v.object("capk")
	o.ca = caKey(capk)
	if o.ca != nil {
		sum := o.ca.Checksum()
		capk.same("sha1", sum[:])
	}
	o.static = append([]byte{}, o.v.hex("static_data_to_authenticate")...)
	if known := o.v.flag("static_data_known"); !known && len(o.static) > 0 {
		o.v.fail("static_data_known", "false, with static data", "static data or none")
	}
	return o.v.ok()
}

func (o *dataAuthentication) run() {
	o.issuerKey(o.expected.object("issuer"))
	if o.expected.has("icc") {
		o.iccKey(o.expected.object("icc"))
	}
	if o.expected.has("ssad") {
		o.staticData(o.expected.object("ssad"))
	}
	if o.expected.has("sdad") {
		o.dynamicData(o.expected.object("sdad"))
	}
	if o.v.has("negative") {
		o.negative(o.v.object("negative"))
	}
}

// verdict compares an error with what a hash is expected to be: right, or that of other data.
func verdict(e *fields, err error) bool {
	if err != nil && !errors.Is(err, security.ErrHash) {
		e.fail(e.path+"hash_ok", err.Error(), "what opens")
		return false
	}
	e.flag("hash_ok") // must be there
	e.sameFlag("hash_ok", err == nil)
	return true
}

func (o *dataAuthentication) issuerKey(e *fields) {
	c, err := o.arithmetic.RecoverIssuerKey(&o.issuer, o.ca, o.tags.hex("90"), o.tags.hex("92"), o.tags.hex("9F32"))
	if !verdict(e, err) {
		return
	}
	e.sameNumber("fmt", 2) // RecoverIssuerKey opens no other
	e.same("iin", c.IssuerIdentifier[:])
	e.certificate(c.Expiration, c.SerialNumber, c.HashAlgorithm, c.KeyAlgorithm, c.KeyLength, c.ExponentLength, c.Hash, &o.issuer)
}

func (o *dataAuthentication) iccKey(e *fields) {
	c, err := o.arithmetic.RecoverICCKey(&o.icc, &o.issuer, o.tags.hex("9F46"), o.tags.hex("9F48"), o.tags.hex("9F47"), o.static)
	if !verdict(e, err) {
		return
	}
	o.openedICC = true
	e.sameNumber("fmt", 4) // as above
	e.same("pan", c.PAN[:])
	e.certificate(c.Expiration, c.SerialNumber, c.HashAlgorithm, c.KeyAlgorithm, c.KeyLength, c.ExponentLength, c.Hash, &o.icc)
	if o.tags.has("5A") && !security.PANMatches(c.PAN, padded(o.tags.hex("5A"))) {
		o.v.fail("tags.5A", "another number", "that of the certificate")
	}
}

// padded is a compressed numeric value as digits.
func padded(b []byte) string { return string(bytes.TrimRight(fmt.Appendf(nil, "%X", b), "F")) }

func (e *fields) certificate(expiration [2]byte, serial [3]byte, hashAlgorithm, keyAlgorithm byte, keyLength, exponentLength int, hash [20]byte, key *security.PublicKey) {
	e.same("expiry_mmyy", expiration[:])
	e.same("serial", serial[:])
	e.sameNumber("hash_alg", int64(hashAlgorithm))
	e.sameNumber("pk_alg", int64(keyAlgorithm))
	e.sameNumber("mod_len", int64(keyLength))
	e.sameNumber("exp_len", int64(exponentLength))
	e.same("modulus", key.Modulus())
	e.same("hash", hash[:])
}

func (o *dataAuthentication) staticData(e *fields) {
	d, err := o.arithmetic.RecoverStaticData(&o.issuer, o.tags.hex("93"), o.static)
	if !verdict(e, err) {
		return
	}
	e.same("dac", d.DataAuthenticationCode[:])
	e.sameNumber("hash_alg", int64(d.HashAlgorithm))
	e.same("hash", d.Hash[:])
}

func (o *dataAuthentication) dynamicData(e *fields) {
	if !o.openedICC {
		o.v.fail("expected.icc", "no key", "the key that expected.sdad is under")
		return
	}
	d, err := o.arithmetic.RecoverDynamicData(&o.icc, o.tags.hex("9F4B"), o.v.hex("dynamic_terminal_data"))
	if !verdict(e, err) {
		return
	}
	e.sameNumber("hash_alg", int64(d.HashAlgorithm))
	e.sameNumber("ldd", int64(len(d.Data)))
	e.same("hash", d.Hash[:])
	number, err := d.Number()
	if err != nil {
		e.fail(e.path+"icc_dynamic_number", err.Error(), "a number")
		return
	}
	e.same("icc_dynamic_number", number)
	if !e.has("cid") && !e.has("ac") && !e.has("txn_data_hash") {
		return
	}
	c, err := d.Combined()
	if err != nil {
		e.fail(e.path+"ac", err.Error(), "the data of a CDA")
		return
	}
	e.same("cid", []byte{c.CryptogramInformationData})
	e.same("ac", c.Cryptogram[:])
	e.same("txn_data_hash", c.TransactionDataHash[:])
}

// negative is the same tags with a byte changed: none may be taken. A hash that was another card's before is no proof.
func (o *dataAuthentication) negative(n *fields) {
	for _, tag := range n.v.names {
		if prose[tag] {
			continue
		}
		value := n.hex(tag)
		var a security.Arithmetic
		var key security.PublicKey
		var err error
		known := "" // the verdict that the unchanged value had
		switch tag {
		case "90":
			_, err = a.RecoverIssuerKey(&key, o.ca, value, o.tags.hex("92"), o.tags.hex("9F32"))
			known = "issuer"
		case "93":
			_, err = a.RecoverStaticData(&o.issuer, value, o.static)
			known = "ssad"
		case "9F46":
			_, err = a.RecoverICCKey(&key, &o.issuer, value, o.tags.hex("9F48"), o.tags.hex("9F47"), o.static)
			known = "icc"
		case "9F4B":
			_, err = a.RecoverDynamicData(&o.icc, value, o.v.hex("dynamic_terminal_data"))
			known = "sdad"
		default:
			n.fail(n.path+tag, "a tag that is not known here", "90, 93, 9F46 or 9F4B")
			continue
		}
		n.compared++
		if bytes.Equal(value, o.tags.hex(tag)) {
			n.fail(n.path+tag, "the value that must be taken", "a changed one")
		}
		if e := o.expected.v.members[known]; err == nil || errors.Is(err, security.ErrHash) && e != nil && e.kind == object && e.members["hash_ok"] != nil && !e.members["hash_ok"].truth {
			n.fail(n.path+tag, "taken", "refused")
		}
	}
}

// runEncipheredPIN enciphers a PIN block as a terminal does and deciphers it as the card does (Book 2, 7.2).
func runEncipheredPIN(v *fields) {
	modulus, exponent, private := v.hex("icc_modulus"), v.hex("icc_exponent"), v.hex("icc_private_exponent")
	plain := v.hex("plaintext")
	challenge, block := v.hexN("challenge", 8), [8]byte(v.hexN("pin_block", 8))
	if !v.ok() {
		return
	}
	icc, err := security.NewPublicKey(modulus, exponent)
	if err != nil {
		v.fail("icc_modulus", err.Error(), "a public key")
		return
	}
	var a security.Arithmetic
	enciphered, err := a.EncipherPIN(icc, &block, [8]byte(challenge), bytes.NewReader(plain[min(len(plain), 17):]))
	if err != nil {
		v.fail("plaintext", err.Error(), fmt.Sprintf("%d bytes, from the 18th on random", icc.Size()))
		return
	}
	v.sameSecret("enciphered", enciphered)
	p, q := factors(icc, private)
	if p == nil {
		v.fail("icc_private_exponent", "no exponent for this modulus", "one that the public exponent undoes")
		return
	}
	key, err := security.NewPrivateKey(p, q, exponent)
	if err != nil {
		v.fail("icc_private_exponent", err.Error(), "a private key")
		return
	}
	opened, err := key.Sign(enciphered)
	if err != nil {
		v.fail("enciphered", err.Error(), "what the card can decipher")
		return
	}
	v.sameSecret("plaintext", opened)
	v.same("header", opened[:1])
	gotBlock, gotChallenge, err := key.DecipherPIN(enciphered)
	if err != nil {
		v.fail("enciphered", err.Error(), "a PIN")
		return
	}
	v.sameSecret("pin_block", gotBlock[:])
	v.sameSecret("challenge", gotChallenge[:])
}

// maxPrivateExponent is the longest that a modulus of 248 bytes can have.
const maxPrivateExponent = 248

// factors finds the primes of a modulus by a private exponent that suits it: a power of a small number is a root of one that is
// neither 1 nor -1. Nil if the exponent does not suit.
func factors(key *security.PublicKey, private []byte) (p, q []byte) {
	if len(private) == 0 || len(private) > maxPrivateExponent {
		return nil, nil
	}
	one := big.NewInt(1)
	n := new(big.Int).SetBytes(key.Modulus())
	order := new(big.Int).Mul(new(big.Int).SetBytes(key.Exponent()), new(big.Int).SetBytes(private))
	order.Sub(order, one)
	if order.Sign() <= 0 {
		return nil, nil
	}
	twos := order.TrailingZeroBits()
	odd := new(big.Int).Rsh(order, twos)
	for base := int64(2); base < 50; base++ {
		x := new(big.Int).Exp(big.NewInt(base), odd, n)
		for range twos {
			y := new(big.Int).Mul(x, x)
			y.Mod(y, n)
			if y.Cmp(one) == 0 {
				f := new(big.Int).GCD(nil, nil, new(big.Int).Sub(x, one), n)
				if f.Cmp(one) > 0 && f.Cmp(n) < 0 {
					return f.Bytes(), new(big.Int).Div(n, f).Bytes()
				}
				break
			}
			x = y
		}
	}
	return nil, nil
}
