package security_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"os"
	"slices"
	"testing"

	"github.com/posim/posim/emv/security"
)

// odaVector is one of testdata/vectors/emv/oda_rsa.json: published test cards, and what is inside their certificates.
type odaVector struct {
	ID       string            `json:"id"`
	CAPK     capk              `json:"capk"`
	Tags     map[string]string `json:"tags"`
	Static   string            `json:"static_data_to_authenticate"`
	Terminal string            `json:"dynamic_terminal_data"`
	Expected struct {
		Issuer *odaCertificate `json:"issuer"`
		ICC    *odaCertificate `json:"icc"`
		SSAD   *odaSigned      `json:"ssad"`
		SDAD   *odaSigned      `json:"sdad"`
	} `json:"expected"`
	Negative map[string]string `json:"negative"`
}

type capk struct {
	RID       string  `json:"rid"`
	Index     string  `json:"index"`
	Bits      int     `json:"bits"`
	Modulus   string  `json:"modulus"`
	Exponent  string  `json:"exponent"`
	SHA1      string  `json:"sha1"`
	Published *string `json:"published_sha1"`
}

type odaCertificate struct {
	Format         byte   `json:"fmt"` // what the Recover method of its kind insists on
	IIN            string `json:"iin"`
	PAN            string `json:"pan"`
	Expiry         string `json:"expiry_mmyy"`
	Serial         string `json:"serial"`
	HashAlgorithm  byte   `json:"hash_alg"`
	KeyAlgorithm   byte   `json:"pk_alg"`
	KeyLength      int    `json:"mod_len"`
	ExponentLength int    `json:"exp_len"`
	Modulus        string `json:"modulus"`
	Hash           string `json:"hash"`
	HashOK         bool   `json:"hash_ok"`
}

type odaSigned struct {
	DAC           string `json:"dac"`
	HashAlgorithm byte   `json:"hash_alg"`
	LDD           int    `json:"ldd"`
	Number        string `json:"icc_dynamic_number"`
	Hash          string `json:"hash"`
	HashOK        bool   `json:"hash_ok"`
	CID           string `json:"cid"`
	AC            string `json:"ac"`
	DataHash      string `json:"txn_data_hash"`
}

type odaVectors struct {
	Vectors []odaVector `json:"vectors"`
	PIN     []struct {
		Modulus    string `json:"icc_modulus"`
		Exponent   string `json:"icc_exponent"`
		Private    string `json:"icc_private_exponent"`
		Enciphered string `json:"enciphered"`
		Plaintext  string `json:"plaintext"`
		Header     string `json:"header"`
		PINBlock   string `json:"pin_block"`
		Challenge  string `json:"challenge"`
	} `json:"enciphered_pin"`
}

func decode(t testing.TB, name string, into any) {
	t.Helper()
	src, err := os.ReadFile("../../testdata/vectors/emv/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(src, into); err != nil {
		t.Fatal(err)
	}
}

func loadODA(t testing.TB) *odaVectors {
	t.Helper()
	v := new(odaVectors)
	decode(t, "oda_rsa.json", v)
	if len(v.Vectors) != 4 || len(v.PIN) != 1 { // so that none falls out unseen
		t.Fatalf("%d vectors, %d PINs", len(v.Vectors), len(v.PIN))
	}
	return v
}

func (c capk) key(t testing.TB) *security.CAPublicKey {
	t.Helper()
	k, err := security.NewCAPublicKey([5]byte(unhex(t, c.RID)), unhex(t, c.Index)[0], unhex(t, c.Modulus), unhex(t, c.Exponent), unhex(t, c.SHA1))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestCAPublicKeyVectors(t *testing.T) {
	var v struct {
		Keys []capk `json:"keys"`
	}
	decode(t, "capk.json", &v)
	if len(v.Keys) != 44 {
		t.Fatalf("%d keys", len(v.Keys))
	}
	published := 0
	for _, c := range v.Keys {
		k := c.key(t)
		sum := k.Checksum()
		same(t, c.RID+" "+c.Index+" checksum", sum[:], c.SHA1)
		if c.Published != nil {
			published++
			same(t, c.RID+" "+c.Index+" published checksum", sum[:], *c.Published)
		}
		rid := k.RID()
		same(t, "RID", rid[:], c.RID)
		same(t, "modulus", k.Key().Modulus(), c.Modulus)
		same(t, "exponent", k.Key().Exponent(), c.Exponent)
		if 8*k.Size() != c.Bits || k.Index() != unhex(t, c.Index)[0] {
			t.Errorf("%s %s: %d bytes, index %02X", c.RID, c.Index, k.Size(), k.Index())
		}
		sum[0] ^= 1
		if _, err := security.NewCAPublicKey(rid, k.Index(), k.Key().Modulus(), k.Key().Exponent(), sum[:]); err == nil {
			t.Errorf("%s %s: a wrong checksum is taken", c.RID, c.Index)
		}
	}
	if published != 42 {
		t.Errorf("%d published checksums", published)
	}
}

// hashVerdict wants no error, or ErrHash, as the vector says.
func hashVerdict(t *testing.T, what string, err error, ok bool) {
	t.Helper()
	if ok && err != nil || !ok && !errors.Is(err, security.ErrHash) {
		t.Fatalf("%s: error %v, hash right %v", what, err, ok)
	}
}

// recovered is one vector's chain, opened.
type recovered struct {
	arithmetic  security.Arithmetic
	issuer, icc security.PublicKey
}

func (v *odaVector) open(t *testing.T) *recovered {
	t.Helper()
	r := new(recovered)
	e := v.Expected
	c, err := r.arithmetic.RecoverIssuerKey(&r.issuer, v.CAPK.key(t), v.tag(t, "90"), v.tag(t, "92"), v.tag(t, "9F32"))
	hashVerdict(t, "issuer certificate", err, e.Issuer.HashOK)
	same(t, "issuer identifier", c.IssuerIdentifier[:], e.Issuer.IIN)
	e.Issuer.compare(t, 2, c.Expiration, c.SerialNumber, c.HashAlgorithm, c.KeyAlgorithm, c.KeyLength, c.ExponentLength, c.Hash, &r.issuer)
	if e.ICC == nil {
		return r
	}
	i, err := r.arithmetic.RecoverICCKey(&r.icc, &r.issuer, v.tag(t, "9F46"), v.tag(t, "9F48"), v.tag(t, "9F47"), v.static(t))
	hashVerdict(t, "ICC certificate", err, e.ICC.HashOK)
	same(t, "PAN", i.PAN[:], e.ICC.PAN)
	e.ICC.compare(t, 4, i.Expiration, i.SerialNumber, i.HashAlgorithm, i.KeyAlgorithm, i.KeyLength, i.ExponentLength, i.Hash, &r.icc)
	if number := v.Tags["5A"]; number != "" && !security.PANMatches(i.PAN, number) {
		t.Error("the certificate's PAN is not the card's")
	}
	return r
}

func (v *odaVector) tag(t *testing.T, tag string) []byte { return unhex(t, v.Tags[tag]) }

// static is never nil: nil would be the certificate of a PIN encipherment key.
func (v *odaVector) static(t *testing.T) []byte { return append([]byte{}, unhex(t, v.Static)...) }

func (e *odaCertificate) compare(t *testing.T, format byte, expiration [2]byte, serial [3]byte, hashAlgorithm, keyAlgorithm byte,
	keyLength, exponentLength int, hash [20]byte, key *security.PublicKey) {
	t.Helper()
	same(t, "expiration", expiration[:], e.Expiry)
	same(t, "serial number", serial[:], e.Serial)
	same(t, "hash", hash[:], e.Hash)
	same(t, "modulus", key.Modulus(), e.Modulus)
	if e.Format != format || hashAlgorithm != e.HashAlgorithm || keyAlgorithm != e.KeyAlgorithm || keyLength != e.KeyLength ||
		key.Size() != e.KeyLength || exponentLength != e.ExponentLength || len(key.Exponent()) != e.ExponentLength {
		t.Errorf("algorithms %d, %d, lengths %d, %d; want %+v", hashAlgorithm, keyAlgorithm, keyLength, exponentLength, e)
	}
}

func TestOfflineDataAuthenticationVectors(t *testing.T) {
	vectors := loadODA(t).Vectors
	negatives := 0
	for i := range vectors {
		v := &vectors[i]
		t.Run(v.ID, func(t *testing.T) {
			r := v.open(t)
			if e := v.Expected.SSAD; e != nil {
				d, err := r.arithmetic.RecoverStaticData(&r.issuer, v.tag(t, "93"), v.static(t))
				hashVerdict(t, "93", err, e.HashOK)
				same(t, "data authentication code", d.DataAuthenticationCode[:], e.DAC)
				same(t, "hash", d.Hash[:], e.Hash)
				if d.HashAlgorithm != e.HashAlgorithm {
					t.Errorf("hash algorithm %d", d.HashAlgorithm)
				}
			}
			if e := v.Expected.SDAD; e != nil {
				d, err := r.arithmetic.RecoverDynamicData(&r.icc, v.tag(t, "9F4B"), unhex(t, v.Terminal))
				hashVerdict(t, "9F4B", err, e.HashOK)
				e.compare(t, d)
			}
			for _, tag := range slices.Sorted(maps.Keys(v.Negative)) {
				negatives++
				r.refuse(t, v, tag, unhex(t, v.Negative[tag]))
			}
		})
	}
	if negatives != 5 {
		t.Errorf("%d negative vectors", negatives)
	}
}

func (e *odaSigned) compare(t *testing.T, d security.DynamicData) {
	t.Helper()
	same(t, "hash", d.Hash[:], e.Hash)
	if d.HashAlgorithm != e.HashAlgorithm || len(d.Data) != e.LDD {
		t.Errorf("hash algorithm %d, %d bytes of data", d.HashAlgorithm, len(d.Data))
	}
	number, err := d.Number()
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ICC dynamic number", number, e.Number)
	c, err := d.Combined()
	if e.AC == "" {
		if err == nil {
			t.Error("the data of a DDA are taken for those of a CDA")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ICC dynamic number of the CDA", c.Number, e.Number)
	same(t, "cryptogram information data", []byte{c.CryptogramInformationData}, e.CID)
	same(t, "cryptogram", c.Cryptogram[:], e.AC)
	same(t, "transaction data hash", c.TransactionDataHash[:], e.DataHash)
	again, err := security.AppendCombined(nil, c)
	if err != nil || string(again) != string(d.Data) {
		t.Errorf("made again: %X, %v, want %X", again, err, d.Data)
	}
}

// refuse gives the chain a changed value.
func (r *recovered) refuse(t *testing.T, v *odaVector, tag string, value []byte) {
	t.Helper()
	var (
		a   security.Arithmetic
		key security.PublicKey
		err error
	)
	switch tag {
	case "90":
		_, err = a.RecoverIssuerKey(&key, v.CAPK.key(t), value, v.tag(t, "92"), v.tag(t, "9F32"))
	case "93":
		_, err = a.RecoverStaticData(&r.issuer, value, v.static(t))
	case "9F46":
		_, err = a.RecoverICCKey(&key, &r.issuer, value, v.tag(t, "9F48"), v.tag(t, "9F47"), v.static(t))
	case "9F4B":
		_, err = a.RecoverDynamicData(&r.icc, value, unhex(t, v.Terminal))
	default:
		t.Fatalf("negative vector of tag %s", tag)
	}
	if err == nil || errors.Is(err, security.ErrHash) || key.Size() != 0 {
		t.Errorf("tag %s with one byte changed: error %v, key of %d bytes", tag, err, key.Size())
	}
}

// zeros is random padding as the vector's source has it.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestEncipheredPINVector(t *testing.T) {
	v := loadODA(t).PIN[0]
	icc, err := security.NewPublicKey(unhex(t, v.Modulus), unhex(t, v.Exponent))
	if err != nil {
		t.Fatal(err)
	}
	var a security.Arithmetic
	block, challenge := [8]byte(unhex(t, v.PINBlock)), [8]byte(unhex(t, v.Challenge))
	enciphered, err := a.EncipherPIN(icc, &block, challenge, zeros{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "enciphered PIN data", enciphered, v.Enciphered)

	p, q := factors(t, new(big.Int).SetBytes(unhex(t, v.Modulus)), new(big.Int).SetBytes(unhex(t, v.Exponent)), new(big.Int).SetBytes(unhex(t, v.Private)))
	private, err := security.NewPrivateKey(p.Bytes(), q.Bytes(), unhex(t, v.Exponent))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := private.Sign(unhex(t, v.Enciphered))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "plaintext", plain, v.Plaintext)
	same(t, "header", plain[:1], v.Header)
	gotBlock, gotChallenge, err := private.DecipherPIN(unhex(t, v.Enciphered))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "PIN block", gotBlock[:], v.PINBlock)
	same(t, "challenge", gotChallenge[:], v.Challenge)
}

// factors finds the primes of n by a private exponent that suits it: some power of a small number is a root of one that is
// neither 1 nor -1.
func factors(t *testing.T, n, e, d *big.Int) (p, q *big.Int) {
	t.Helper()
	one := big.NewInt(1)
	order := new(big.Int).Mul(e, d)
	order.Sub(order, one)
	twos := int(order.TrailingZeroBits())
	odd := new(big.Int).Rsh(order, uint(twos))
	for base := int64(2); base < 100; base++ {
		x := new(big.Int).Exp(big.NewInt(base), odd, n)
		for range twos {
			y := new(big.Int).Exp(x, big.NewInt(2), n)
			if y.Cmp(one) == 0 {
				if p = new(big.Int).GCD(nil, nil, new(big.Int).Sub(x, one), n); p.Cmp(one) > 0 && p.Cmp(n) < 0 {
					return p, new(big.Int).Div(n, p)
				}
				break
			}
			x = y
		}
	}
	t.Fatal("no factors")
	return nil, nil
}
