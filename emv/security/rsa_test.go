package security_test

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/posim/posim/emv/security"
)

func stream(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

type keyKind struct{ bits, exponent int }

// testKeys makes each key once: they are the same in every run.
var testKeys = struct {
	sync.Mutex
	made map[keyKind]*security.PrivateKey
}{made: map[keyKind]*security.PrivateKey{}}

func privateKey(t testing.TB, bits, exponent int) *security.PrivateKey {
	t.Helper()
	testKeys.Lock()
	defer testKeys.Unlock()
	kind := keyKind{bits, exponent}
	if k := testKeys.made[kind]; k != nil {
		return k
	}
	k, err := security.GeneratePrivateKey(stream(byte(bits/8)), bits, exponent)
	if err != nil {
		t.Fatal(err)
	}
	testKeys.made[kind] = k
	return k
}

var (
	testRID    = [5]byte{0xA0, 0, 0, 0, 0x99}
	testIssuer = security.IssuerCertificate{IssuerIdentifier: [4]byte{0x47, 0x61, 0x73, 0xFF}, Expiration: [2]byte{0x12, 0x31}, SerialNumber: [3]byte{1, 2, 3}}
	testICC    = security.ICCCertificate{PAN: [10]byte{0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x01, 0x19, 0xFF, 0xFF},
		Expiration: [2]byte{0x06, 0x30}, SerialNumber: [3]byte{4, 5, 6}}
	testStatic = []byte("records that the AFL names, and an AIP")
)

func authority(t testing.TB, k *security.PrivateKey) *security.CAPublicKey {
	t.Helper()
	ca, err := security.NewCAPublicKey(testRID, 0x92, k.Public().Modulus(), k.Public().Exponent(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// everyByte calls try with each byte of the value changed in turn.
func everyByte(value []byte, try func(changed []byte, at int)) {
	for i := range value {
		changed := bytes.Clone(value)
		changed[i] ^= byte(1 << (i % 8))
		try(changed, i)
	}
}

var keyLengths = []int{512, 768, 992, 1024, 1152, 1408, 1984}

// What one side issues the other recovers, whatever the lengths and exponents; and with any byte of it changed, never.
func TestCertificatesRoundTrip(t *testing.T) {
	for _, signerBits := range keyLengths {
		for _, bits := range keyLengths {
			if bits > signerBits {
				continue
			}
			for _, exponents := range [][2]int{{3, 3}, {65537, 3}, {3, 65537}, {65537, 65537}} {
				signer, key := privateKey(t, signerBits, exponents[0]), privateKey(t, bits, exponents[1])
				t.Run(fmt.Sprintf("%d.%d over %d.%d", signerBits, exponents[0], bits, exponents[1]), func(t *testing.T) {
					issuerRoundTrip(t, signer, key.Public())
					iccRoundTrip(t, signer, key.Public(), testStatic)
					iccRoundTrip(t, signer, key.Public(), nil)
				})
			}
		}
	}
}

func issuerRoundTrip(t *testing.T, signer *security.PrivateKey, key *security.PublicKey) {
	certificate, remainder, err := security.IssueIssuerCertificate(signer, testIssuer, key)
	if err != nil {
		t.Fatal(err)
	}
	ca := authority(t, signer)
	var a security.Arithmetic
	var got security.PublicKey
	recover := func(certificate, remainder, exponent []byte) (security.IssuerCertificate, error) {
		return a.RecoverIssuerKey(&got, ca, certificate, remainder, exponent)
	}
	c, err := recover(certificate, remainder, key.Exponent())
	if err != nil || !got.Equal(key) {
		t.Fatalf("%+v, %v", c, err)
	}
	want := testIssuer
	want.HashAlgorithm, want.KeyAlgorithm, want.KeyLength, want.ExponentLength, want.Hash = 1, 1, key.Size(), len(key.Exponent()), c.Hash
	if c != want {
		t.Fatalf("recovered %+v, want %+v", c, want)
	}
	if len(remainder) != max(0, key.Size()-(signer.Public().Size()-36)) {
		t.Fatalf("remainder of %d bytes", len(remainder))
	}
	refused(t, "certificate", certificate, func(b []byte) error { _, err := recover(b, remainder, key.Exponent()); return err })
	refused(t, "remainder", remainder, func(b []byte) error { _, err := recover(certificate, b, key.Exponent()); return err })
	refused(t, "exponent", key.Exponent(), func(b []byte) error { _, err := recover(certificate, remainder, b); return notHash(t, err) })
	remainderRefused(t, remainder, func(b []byte) error { _, err := recover(certificate, b, key.Exponent()); return err })
	if got.Size() != 0 {
		t.Error("a key is left after an error")
	}
	again, _, err := security.IssueIssuerCertificate(signer, c, key) // all of c is said, and agrees
	if err != nil || !bytes.Equal(again, certificate) {
		t.Errorf("what was recovered is not issued as it was: %v", err)
	}
}

func iccRoundTrip(t *testing.T, signer *security.PrivateKey, key *security.PublicKey, static []byte) {
	certificate, remainder, err := security.IssueICCCertificate(signer, testICC, key, static)
	if err != nil {
		t.Fatal(err)
	}
	var a security.Arithmetic
	var got security.PublicKey
	recover := func(certificate, remainder, exponent, static []byte) (security.ICCCertificate, error) {
		return a.RecoverICCKey(&got, signer.Public(), certificate, remainder, exponent, static)
	}
	c, err := recover(certificate, remainder, key.Exponent(), static)
	if err != nil || !got.Equal(key) {
		t.Fatalf("%+v, %v", c, err)
	}
	want := testICC
	want.HashAlgorithm, want.KeyAlgorithm, want.KeyLength, want.ExponentLength, want.Hash = 1, 1, key.Size(), len(key.Exponent()), c.Hash
	if c != want {
		t.Fatalf("recovered %+v, want %+v", c, want)
	}
	if len(remainder) != max(0, key.Size()-(signer.Public().Size()-42)) {
		t.Fatalf("remainder of %d bytes", len(remainder))
	}
	e := key.Exponent()
	refused(t, "certificate", certificate, func(b []byte) error { _, err := recover(b, remainder, e, static); return err })
	refused(t, "remainder", remainder, func(b []byte) error { _, err := recover(certificate, b, e, static); return err })
	refused(t, "exponent", e, func(b []byte) error { _, err := recover(certificate, remainder, b, static); return notHash(t, err) })
	remainderRefused(t, remainder, func(b []byte) error { _, err := recover(certificate, b, e, static); return err })
	everyByte(static, func(b []byte, at int) {
		if _, err := recover(certificate, remainder, e, b); !errors.Is(err, security.ErrHash) || !got.Equal(key) {
			t.Errorf("static data with byte %d changed: %v", at, err)
		}
	})
}

func refused(t *testing.T, what string, value []byte, try func([]byte) error) {
	t.Helper()
	everyByte(value, func(changed []byte, at int) {
		if try(changed) == nil {
			t.Errorf("%s with byte %d changed is taken", what, at)
		}
	})
}

// notHash wants an error to say what is wrong, and not only that something is.
func notHash(t *testing.T, err error) error {
	t.Helper()
	if errors.Is(err, security.ErrHash) {
		t.Error(err)
	}
	return err
}

func remainderRefused(t *testing.T, remainder []byte, try func([]byte) error) {
	t.Helper()
	if err := try(append(bytes.Clone(remainder), 1)); err == nil || errors.Is(err, security.ErrRemainderMissing) {
		t.Errorf("remainder with a byte too many: %v", err)
	}
	if len(remainder) == 0 {
		return
	}
	if err := try(nil); !errors.Is(err, security.ErrRemainderMissing) {
		t.Errorf("no remainder: %v", err)
	}
	if err := try(remainder[1:]); err == nil {
		t.Error("remainder with a byte too few is taken")
	}
}

func TestSignedDataRoundTrip(t *testing.T) {
	terminal := []byte{1, 2, 3, 4}
	for _, bits := range keyLengths {
		for _, exponent := range []int{3, 65537} {
			t.Run(fmt.Sprintf("%d.%d", bits, exponent), func(t *testing.T) {
				k := privateKey(t, bits, exponent)
				var a security.Arithmetic
				signed, err := security.SignStaticData(k, [2]byte{0xDA, 0xC0}, testStatic)
				if err != nil {
					t.Fatal(err)
				}
				static := func(b, static []byte) (security.SignedStaticData, error) {
					return a.RecoverStaticData(k.Public(), b, static)
				}
				d, err := static(signed, testStatic)
				if err != nil || d.DataAuthenticationCode != [2]byte{0xDA, 0xC0} || d.HashAlgorithm != 1 {
					t.Fatalf("%+v, %v", d, err)
				}
				refused(t, "93", signed, func(b []byte) error { _, err := static(b, testStatic); return err })
				if _, err := static(signed, terminal); !errors.Is(err, security.ErrHash) {
					t.Errorf("other static data: %v", err)
				}
				for _, n := range []int{0, 3, k.Public().Size() - 25} {
					data := bytes.Repeat([]byte{2}, n)
					signed, err := security.SignDynamicData(k, data, terminal)
					if err != nil {
						t.Fatal(err)
					}
					dynamic := func(b, terminal []byte) (security.DynamicData, error) {
						return a.RecoverDynamicData(k.Public(), b, terminal)
					}
					got, err := dynamic(signed, terminal)
					if err != nil || !bytes.Equal(got.Data, data) {
						t.Fatalf("%+v, %v", got, err)
					}
					refused(t, "9F4B", signed, func(b []byte) error { _, err := dynamic(b, terminal); return err })
					if _, err := dynamic(signed, []byte{1, 2, 3, 5}); !errors.Is(err, security.ErrHash) {
						t.Errorf("another unpredictable number: %v", err)
					}
				}
				if _, err := security.SignDynamicData(k, make([]byte, k.Public().Size()-24), terminal); err == nil {
					t.Error("data that the key has no room for are signed")
				}
			})
		}
	}
}

// forge signs a block as it is, its hash made right.
func forge(t testing.TB, k *security.PrivateKey, block []byte, more ...[]byte) []byte {
	t.Helper()
	n := len(block)
	h := sha1.New()
	h.Write(block[1 : n-21])
	for _, p := range more {
		h.Write(p)
	}
	copy(block[n-21:], h.Sum(nil))
	signed, err := k.Sign(block)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// A certificate may have the right hash and still not be one: each check on its own.
func TestCertificateChecks(t *testing.T) {
	const signerBits, bits = 1152, 768 // 144 bytes with room for 108 or 102 digits, and 96 digits
	signer, key := privateKey(t, signerBits, 3), privateKey(t, bits, 3).Public()
	small, even := bytes.Clone(key.Modulus()), bytes.Clone(key.Modulus())
	small[0] &= 0x7F
	even[95] &^= 1
	for _, c := range []struct {
		name   string
		change func(block []byte, key int) // key: where the digits are
		want   string
	}{
		{"trailer", func(b []byte, _ int) { b[143] = 0xBD }, "trailer BD"},
		{"header", func(b []byte, _ int) { b[0] = 0x6B }, "header 6B"},
		{"format", func(b []byte, _ int) { b[1] = 0x05 }, "format 05"},
		{"hash algorithm", func(b []byte, at int) { b[at-4] = 2 }, "hash algorithm 02"},
		{"public key algorithm", func(b []byte, at int) { b[at-3] = 0x10 }, "public key algorithm 10"},
		{"short key", func(b []byte, at int) { b[at-2] = 63 }, "public key of 63 bytes"},
		{"key longer than its signer", func(b []byte, at int) { b[at-2] = 145 }, "public key of 145 bytes"},
		{"key longer than any", func(b []byte, at int) { b[at-2] = 249 }, "public key of 249 bytes"},
		{"length of the exponent", func(b []byte, at int) { b[at-1] = 3 }, "the certificate says 3"},
		{"padding", func(b []byte, at int) { b[at+97] = 0xBA }, "padding byte 2: BA"},
		{"first bit of the modulus", func(b []byte, at int) { copy(b[at:], small) }, "first bit"},
		{"even modulus", func(b []byte, at int) { copy(b[at:], even) }, "even"},
		{"shorter key, so that digits are padding", func(b []byte, at int) { b[at-2] = 95 }, "padding byte 1"},
		{"longer key, so that there must be a remainder", func(b []byte, at int) { b[at-2] = 144 }, "public key remainder missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var a security.Arithmetic
			var dst security.PublicKey
			wants := func(err error) {
				t.Helper()
				if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, security.ErrHash) || dst.Size() != 0 {
					t.Errorf("error %v, want %q; key of %d bytes", err, c.want, dst.Size())
				}
			}
			certificate, _, err := security.IssueIssuerCertificate(signer, testIssuer, key)
			if err != nil {
				t.Fatal(err)
			}
			block := open(t, signer, certificate)
			c.change(block, 15)
			_, err = a.RecoverIssuerKey(&dst, authority(t, signer), forge(t, signer, block, key.Exponent()), nil, key.Exponent())
			wants(err)

			certificate, _, err = security.IssueICCCertificate(signer, testICC, key, testStatic)
			if err != nil {
				t.Fatal(err)
			}
			block = open(t, signer, certificate)
			c.change(block, 21)
			_, err = a.RecoverICCKey(&dst, signer.Public(), forge(t, signer, block, key.Exponent(), testStatic), nil, key.Exponent(), testStatic)
			wants(err)
		})
	}
}

// With its remainder, and all hashes right, a key is still not longer than the one that signs it.
func TestCertificateOfALongerKey(t *testing.T) {
	signer, digits := privateKey(t, 768, 3), privateKey(t, 1984, 3).Public().Modulus()
	for _, n := range []int{97, 248, 249, 255} {
		long := append(bytes.Clone(digits), make([]byte, 7)...)[:n]
		long[n-1] |= 1
		var a security.Arithmetic
		var dst security.PublicKey
		for _, c := range []struct {
			format byte
			owner  int
		}{{2, 10}, {4, 16}} {
			block := make([]byte, 96)
			block[0], block[1], block[95] = 0x6A, c.format, 0xBC
			at := 1 + c.owner
			copy(block[at:], []byte{1, 1, byte(n), 1})
			space := copy(block[at+4:75], long)
			rest := long[space:]
			certificate := forge(t, signer, block, rest, []byte{3}, testStatic[:0])
			var err error
			if c.format == 2 {
				_, err = a.RecoverIssuerKey(&dst, authority(t, signer), certificate, rest, []byte{3})
			} else {
				_, err = a.RecoverICCKey(&dst, signer.Public(), certificate, rest, []byte{3}, testStatic[:0])
			}
			if err == nil || !strings.Contains(err.Error(), "want 64 to 96") || dst.Size() != 0 {
				t.Errorf("format %02X, key of %d bytes: %v", c.format, n, err)
			}
		}
	}
}

func open(t testing.TB, k *security.PrivateKey, signed []byte) []byte {
	t.Helper()
	block, err := new(security.Arithmetic).Recover(nil, k.Public(), signed)
	if err != nil {
		t.Fatal(err)
	}
	return block
}

func TestSignedDataChecks(t *testing.T) {
	k := privateKey(t, 768, 3)
	for _, c := range []struct {
		name   string
		change func(block []byte)
		want   string
	}{
		{"trailer", func(b []byte) { b[95] = 0xBD }, "trailer BD"},
		{"header", func(b []byte) { b[0] = 0x6B }, "header 6B"},
		{"format", func(b []byte) { b[1] = 0x02 }, "format 02"},
		{"hash algorithm", func(b []byte) { b[2] = 0 }, "hash algorithm 00"},
		{"padding", func(b []byte) { b[74] = 0 }, "padding byte"},
	} {
		var a security.Arithmetic
		static, err := security.SignStaticData(k, [2]byte{}, testStatic)
		if err != nil {
			t.Fatal(err)
		}
		block := open(t, k, static)
		c.change(block)
		if _, err := a.RecoverStaticData(k.Public(), forge(t, k, block, testStatic), testStatic); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("93: %s: %v", c.name, err)
		}
		dynamic, err := security.SignDynamicData(k, []byte{2, 1, 1}, testStatic)
		if err != nil {
			t.Fatal(err)
		}
		block = open(t, k, dynamic)
		c.change(block)
		if _, err := a.RecoverDynamicData(k.Public(), forge(t, k, block, testStatic), testStatic); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("9F4B: %s: %v", c.name, err)
		}
		block = open(t, k, dynamic)
		block[3] = 96 - 24
		if _, err := a.RecoverDynamicData(k.Public(), forge(t, k, block), nil); err == nil || !strings.Contains(err.Error(), "at most 71") {
			t.Errorf("LDD of 72: %v", err)
		}
	}
}

func TestDynamicDataLengths(t *testing.T) {
	full, err := security.AppendCombined(nil, security.CombinedData{Number: make([]byte, 8)})
	if err != nil || len(full) != 38 {
		t.Fatalf("%d bytes, %v", len(full), err)
	}
	for _, c := range []struct {
		name             string
		data             []byte
		number, combined bool
	}{
		{"none", nil, false, false},
		{"length 1", []byte{1, 1}, false, false},
		{"length 9", append([]byte{9}, make([]byte, 60)...), false, false},
		{"cut off", []byte{3, 1, 1}, false, false},
		{"shortest number", []byte{2, 1, 1}, true, false},
		{"one byte short of CDA", full[:37], true, false},
		{"CDA", full, true, true},
		{"CDA and more", append(bytes.Clone(full), 1, 2, 3), true, true},
	} {
		d := security.DynamicData{Data: c.data}
		_, err1 := d.Number()
		_, err2 := d.Combined()
		if (err1 == nil) != c.number || (err2 == nil) != c.combined {
			t.Errorf("%s: %v, %v", c.name, err1, err2)
		}
	}
	for _, n := range []int{0, 1, 9} {
		if _, err := security.AppendCombined(nil, security.CombinedData{Number: make([]byte, n)}); err == nil {
			t.Errorf("a number of %d bytes is taken", n)
		}
	}
}

func TestPublicKeyRefuses(t *testing.T) {
	good := privateKey(t, 512, 3).Public().Modulus()
	for _, c := range []struct {
		name              string
		modulus, exponent []byte
	}{
		{"none", nil, []byte{3}},
		{"63 bytes", good[:63], []byte{3}},
		{"249 bytes", bytes.Repeat([]byte{0xFF}, 249), []byte{3}},
		{"leading zero", append([]byte{0}, good...), []byte{3}},
		{"even", append(bytes.Clone(good), 0), []byte{3}},
		{"no exponent", good, nil},
		{"exponent 2", good, []byte{2}},
		{"exponent 5", good, []byte{5}},
		{"exponent 3 in three bytes", good, []byte{0, 0, 3}},
		{"exponent 65539", good, []byte{1, 0, 3}},
	} {
		k := new(security.PublicKey)
		if err := k.Set(good, []byte{3}); err != nil {
			t.Fatal(err)
		}
		if err := k.Set(c.modulus, c.exponent); err == nil || k.Size() != 0 || len(k.Exponent()) != 0 {
			t.Errorf("%s: %v, key of %d bytes", c.name, err, k.Size())
		}
		if _, err := security.NewPublicKey(c.modulus, c.exponent); err == nil || !strings.HasPrefix(err.Error(), "security: ") {
			t.Errorf("%s: NewPublicKey: %v", c.name, err)
		}
		if _, err := security.NewCAPublicKey(testRID, 1, c.modulus, c.exponent, nil); err == nil || !strings.Contains(err.Error(), "A000000099 01") {
			t.Errorf("%s: NewCAPublicKey: %v", c.name, err)
		}
	}
}

func TestRecoverRefuses(t *testing.T) {
	k := privateKey(t, 512, 3)
	n := k.Public().Modulus()
	var a security.Arithmetic
	for _, signature := range [][]byte{nil, n[1:], append(bytes.Clone(n), 0), n, bytes.Repeat([]byte{0xFF}, 64)} {
		if got, err := a.Recover(nil, k.Public(), signature); err == nil || got != nil {
			t.Errorf("signature of %d bytes: %v", len(signature), err)
		}
		if got, err := k.Sign(signature); err == nil || got != nil {
			t.Errorf("block of %d bytes: %v", len(signature), err)
		}
	}
	if _, err := a.Recover(nil, new(security.PublicKey), nil); err == nil {
		t.Error("the zero key recovers")
	}
	if _, err := a.RecoverIssuerKey(new(security.PublicKey), nil, n, nil, nil); err == nil {
		t.Error("no CA key recovers")
	}
	if _, err := a.RecoverICCKey(new(security.PublicKey), nil, n, nil, nil, nil); err == nil {
		t.Error("no issuer key recovers")
	}
	if _, err := a.RecoverICCKey(k.Public(), k.Public(), n, nil, nil, nil); err == nil || k.Public().Size() == 0 {
		t.Errorf("a key is its own destination: %v", err)
	}
	if _, err := a.EncipherPIN(nil, new([8]byte), [8]byte{}, zeros{}); err == nil {
		t.Error("a PIN is enciphered under no key")
	}
	if _, err := a.EncipherPIN(k.Public(), new([8]byte), [8]byte{}, strings.NewReader("short")); err == nil {
		t.Error("a PIN is enciphered without random padding")
	}
}

func TestIssueRefuses(t *testing.T) {
	signer, key, long := privateKey(t, 1024, 3), privateKey(t, 768, 3).Public(), privateKey(t, 1152, 3).Public()
	for _, c := range []struct {
		name   string
		key    *security.PublicKey
		change func(*security.IssuerCertificate)
	}{
		{"no key", new(security.PublicKey), func(*security.IssuerCertificate) {}},
		{"a key longer than the signer's", long, func(*security.IssuerCertificate) {}},
		{"hash algorithm", key, func(c *security.IssuerCertificate) { c.HashAlgorithm = 2 }},
		{"key algorithm", key, func(c *security.IssuerCertificate) { c.KeyAlgorithm = 2 }},
		{"key length", key, func(c *security.IssuerCertificate) { c.KeyLength = 97 }},
		{"exponent length", key, func(c *security.IssuerCertificate) { c.ExponentLength = 3 }},
		{"hash", key, func(c *security.IssuerCertificate) { c.Hash[0] = 1 }},
	} {
		i := testIssuer
		c.change(&i)
		if got, _, err := security.IssueIssuerCertificate(signer, i, c.key); err == nil || got != nil {
			t.Errorf("%s: a certificate is issued", c.name)
		}
		icc := testICC
		icc.HashAlgorithm, icc.KeyAlgorithm, icc.KeyLength, icc.ExponentLength, icc.Hash = i.HashAlgorithm, i.KeyAlgorithm, i.KeyLength, i.ExponentLength, i.Hash
		if got, _, err := security.IssueICCCertificate(signer, icc, c.key, nil); err == nil || got != nil {
			t.Errorf("%s: an ICC certificate is issued", c.name)
		}
	}
}

func TestGeneratePrivateKey(t *testing.T) {
	step := 8
	for bits := 512; bits <= 1984; bits += step {
		if bits == 1024 {
			step = 40 // they take their time
		}
		exponent := []int{3, 65537}[bits/8%2]
		k := privateKey(t, bits, exponent)
		modulus := k.Public().Modulus()
		if len(modulus) != bits/8 || modulus[0]&0x80 == 0 {
			t.Fatalf("%d bits: modulus of %d bytes begins with %02X", bits, len(modulus), modulus[0])
		}
		block := append([]byte{0}, modulus[1:]...)
		signed, err := k.Sign(block)
		if err != nil {
			t.Fatal(err)
		}
		if got := open(t, k, signed); !bytes.Equal(got, block) {
			t.Fatalf("%d bits: signed and recovered: %X", bits, got)
		}
		again, err := security.NewPrivateKey(k.P(), k.Q(), k.Public().Exponent())
		if err != nil || !again.Public().Equal(k.Public()) {
			t.Fatalf("%d bits: from its primes: %v", bits, err)
		}
	}
	one, err := security.GeneratePrivateKey(stream(7), 640, 3)
	if err != nil {
		t.Fatal(err)
	}
	two, err := security.GeneratePrivateKey(stream(7), 640, 3)
	if err != nil || !one.Public().Equal(two.Public()) {
		t.Errorf("the same stream makes another key: %v", err)
	}
	for _, c := range []keyKind{{504, 3}, {1992, 3}, {1020, 3}, {1024, 5}, {1024, -3}, {1024, 0}} {
		if _, err := security.GeneratePrivateKey(stream(1), c.bits, c.exponent); err == nil {
			t.Errorf("%+v: a key is made", c)
		}
	}
	if _, err := security.GeneratePrivateKey(strings.NewReader("short"), 512, 3); err == nil {
		t.Error("a key is made of five random bytes")
	}
}

func TestNewPrivateKeyRefuses(t *testing.T) {
	k := privateKey(t, 512, 3)
	p, q := k.P(), k.Q()
	composite := bytes.Clone(p)
	composite[len(composite)-1] ^= 2
	for _, c := range []struct {
		name    string
		p, q, e []byte
	}{
		{"the same prime twice", p, p, []byte{3}},
		{"no prime", composite, q, []byte{3}},
		{"zero", nil, q, []byte{3}},
		{"too short", []byte{7}, q, []byte{3}},
		{"exponent", p, q, []byte{5}},
		{"absurdly long", make([]byte, 1<<20), q, []byte{3}},
		{"divisible by the exponent", []byte{0x01, 0x00, 0x03}, q, []byte{3}},
	} {
		if _, err := security.NewPrivateKey(c.p, c.q, c.e); err == nil {
			t.Errorf("%s: a key is made", c.name)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, k); got != "RSA private key" {
			t.Errorf("%s of a private key: %q", verb, got)
		}
	}
}

func TestPINEncipherment(t *testing.T) {
	for _, bits := range keyLengths {
		k := privateKey(t, bits, 65537)
		var a security.Arithmetic
		block, challenge := [8]byte{0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
		one, err := a.EncipherPIN(k.Public(), &block, challenge, stream(1))
		if err != nil {
			t.Fatal(err)
		}
		two, err := a.EncipherPIN(k.Public(), &block, challenge, stream(2))
		if err != nil || bytes.Equal(one, two) {
			t.Fatalf("%d bits: no random padding: %v", bits, err)
		}
		gotBlock, gotChallenge, err := k.DecipherPIN(one)
		if err != nil || gotBlock != block || gotChallenge != challenge {
			t.Fatalf("%d bits: %v", bits, err)
		}
		one[len(one)-1] ^= 1
		if _, _, err := k.DecipherPIN(one); err == nil { // 7F by chance: one in 256, and the keys are always the same
			t.Errorf("%d bits: changed data decipher", bits)
		}
		if _, _, err := k.DecipherPIN(one[1:]); err == nil || errors.Is(err, security.ErrPINHeader) {
			t.Errorf("%d bits: short data: %v", bits, err)
		}
	}
}

func TestValidOn(t *testing.T) {
	for _, c := range []struct {
		mmyy  [2]byte
		today int64
		want  bool
	}{
		{[2]byte{0x12, 0x25}, 20251231, true}, // the last day counts
		{[2]byte{0x12, 0x25}, 20260101, false},
		{[2]byte{0x02, 0x28}, 20280229, true},
		{[2]byte{0x02, 0x28}, 20280301, false},
		{[2]byte{0x12, 0x49}, 20491231, true},
		{[2]byte{0x12, 0x50}, 20250101, false}, // 1950
		{[2]byte{0x12, 0x99}, 19991231, true},
		{[2]byte{0x12, 0x99}, 20000101, false},
		{[2]byte{0x01, 0x00}, 20000131, true},
		{[2]byte{0x00, 0x30}, 20250101, false},
		{[2]byte{0x13, 0x30}, 20250101, false},
		{[2]byte{0x1A, 0x30}, 20250101, false},
		{[2]byte{0x12, 0x3A}, 20250101, false},
		{[2]byte{0xFF, 0xFF}, 20250101, false},
	} {
		if got := security.ValidOn(c.mmyy, c.today); got != c.want {
			t.Errorf("%X on %d: %v", c.mmyy, c.today, got)
		}
	}
}

func TestOwnerMatches(t *testing.T) {
	const number = "4761739001010119"
	for _, c := range []struct {
		id   string
		want bool
	}{
		{"476FFFFF", true}, {"4761FFFF", true}, {"476173FF", true}, {"47617390", true},
		{"47FFFFFF", false}, {"FFFFFFFF", false}, {"47617391", false}, {"477FFFFF", false},
		{"476F73FF", false}, {"476173F0", false}, {"4761A3FF", false},
	} {
		if got := security.IdentifierMatches([4]byte(unhex(t, c.id)), number); got != c.want {
			t.Errorf("identifier %s: %v", c.id, got)
		}
	}
	if security.IdentifierMatches([4]byte(unhex(t, "476173FF")), "47617") {
		t.Error("an identifier longer than the PAN matches")
	}
	for _, c := range []struct {
		pan  string
		want bool
	}{
		{"4761739001010119FFFF", true}, {"4761739001010119FFF0", false}, {"476173900101011FFFFF", false},
		{"47617390010101190FFF", false}, {"4761739001010118FFFF", false}, {"FFFFFFFFFFFFFFFFFFFF", false}, {"F4761739001010119FFF", false},
	} {
		if got := security.PANMatches([10]byte(unhex(t, c.pan)), number); got != c.want {
			t.Errorf("%s: %v", c.pan, got)
		}
	}
	if security.PANMatches([10]byte(unhex(t, "FFFFFFFFFFFFFFFFFFFF")), "") {
		t.Error("no PAN matches")
	}
}

// chain is what a terminal verifies of a DDA card.
type chain struct {
	ca                                           *security.CAPublicKey
	certificate90, remainder92, exponent9F32     []byte
	certificate9F46, remainder9F48, exponent9F47 []byte
	signed, terminal                             []byte
}

func newChain(t testing.TB, caBits, issuerBits, iccBits, exponent, iccExponent int) *chain {
	t.Helper()
	ca, issuer, icc := privateKey(t, caBits, exponent), privateKey(t, issuerBits, exponent), privateKey(t, iccBits, iccExponent)
	c := &chain{ca: authority(t, ca), exponent9F32: issuer.Public().Exponent(), exponent9F47: icc.Public().Exponent(), terminal: []byte{1, 2, 3, 4}}
	var errs [3]error
	c.certificate90, c.remainder92, errs[0] = security.IssueIssuerCertificate(ca, testIssuer, issuer.Public())
	c.certificate9F46, c.remainder9F48, errs[1] = security.IssueICCCertificate(issuer, testICC, icc.Public(), testStatic)
	c.signed, errs[2] = security.SignDynamicData(icc, []byte{2, 0, 1}, c.terminal)
	if err := errors.Join(slices.Clone(errs[:])...); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *chain) verify(t testing.TB, a *security.Arithmetic, issuer, icc *security.PublicKey) {
	if _, err := a.RecoverIssuerKey(issuer, c.ca, c.certificate90, c.remainder92, c.exponent9F32); err != nil {
		t.Fatal(err)
	}
	if _, err := a.RecoverICCKey(icc, issuer, c.certificate9F46, c.remainder9F48, c.exponent9F47, testStatic); err != nil {
		t.Fatal(err)
	}
	if _, err := a.RecoverDynamicData(icc, c.signed, c.terminal); err != nil {
		t.Fatal(err)
	}
}

func benchmarkRecover(b *testing.B, bits, exponent int) {
	k := privateKey(b, bits, exponent)
	signature := append([]byte{0x7F}, k.Public().Modulus()[1:]...)
	var a security.Arithmetic
	dst := make([]byte, 0, 248)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Recover(dst, k.Public(), signature); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecover1024e3(b *testing.B)     { benchmarkRecover(b, 1024, 3) }
func BenchmarkRecover1408e3(b *testing.B)     { benchmarkRecover(b, 1408, 3) }
func BenchmarkRecover1984e3(b *testing.B)     { benchmarkRecover(b, 1984, 3) }
func BenchmarkRecover1152e65537(b *testing.B) { benchmarkRecover(b, 1152, 65537) }

// The terminal's whole work of a DDA card: issuer's and card's certificate and the signature.
func BenchmarkDDAChain(b *testing.B) {
	c := newChain(b, 1408, 1152, 1024, 3, 3)
	var a security.Arithmetic
	var issuer, icc security.PublicKey
	b.ReportAllocs()
	for b.Loop() {
		c.verify(b, &a, &issuer, &icc)
	}
}

func benchmarkSign(b *testing.B, bits int) {
	k := privateKey(b, bits, 3)
	for b.Loop() {
		if _, err := security.SignDynamicData(k, []byte{2, 0, 1}, []byte{1, 2, 3, 4}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign1024(b *testing.B) { benchmarkSign(b, 1024) }
func BenchmarkSign1152(b *testing.B) { benchmarkSign(b, 1152) }

func BenchmarkGenerate1152(b *testing.B) {
	random := stream(1)
	for b.Loop() {
		if _, err := security.GeneratePrivateKey(random, 1152, 3); err != nil {
			b.Fatal(err)
		}
	}
}
