package security_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/posim/posim/emv/security"
)

// The fuzzers choose what is inside a block, and this signs it: chance would never find a signature. fix says how much is
// put right first: header and trailer, and the hash over what follows.
func seal(t *testing.T, k *security.PrivateKey, inside []byte, format, fix byte, more ...[]byte) []byte {
	block := make([]byte, k.Public().Size())
	copy(block, inside)
	if fix&1 != 0 {
		block[0], block[1], block[len(block)-1] = 0x6A, format, 0xBC
	}
	if block[0]&0x80 != 0 {
		return block // too large a number, perhaps
	}
	if fix&2 != 0 {
		return forge(t, k, block, more...)
	}
	signed, err := k.Sign(block)
	if err != nil {
		return block
	}
	return signed
}

func inside(t testing.TB, k *security.PrivateKey, certificate []byte, err error) []byte {
	if err != nil {
		t.Fatal(err)
	}
	return open(t, k, certificate)
}

// Whatever stands in an issuer certificate: it is refused and leaves no key, or it is what its fields and key are issued as.
func FuzzIssuerCertificate(f *testing.F) {
	ca := privateKey(f, 768, 3)
	public := authority(f, ca)
	for _, bits := range []int{512, 768} {
		key := privateKey(f, bits, 3).Public()
		certificate, remainder, err := security.IssueIssuerCertificate(ca, testIssuer, key)
		f.Add(inside(f, ca, certificate, err), remainder, key.Exponent(), byte(3))
	}
	f.Add([]byte{0x6A, 2}, []byte{}, []byte{3}, byte(0))
	f.Fuzz(func(t *testing.T, block, remainder, exponent []byte, fix byte) {
		certificate := seal(t, ca, block, 2, fix, remainder, exponent)
		var a security.Arithmetic
		var key security.PublicKey
		c, err := a.RecoverIssuerKey(&key, public, certificate, remainder, exponent)
		if err != nil {
			if key.Size() != 0 && !errors.Is(err, security.ErrHash) {
				t.Fatalf("a key beside %v", err)
			}
			return
		}
		again, rest, err := security.IssueIssuerCertificate(ca, c, &key)
		if err != nil || !bytes.Equal(again, certificate) || !bytes.Equal(rest, remainder) {
			t.Fatalf("%+v is taken, and issued otherwise: %v", c, err)
		}
	})
}

// As FuzzIssuerCertificate, for the card's keys of both kinds.
func FuzzICCCertificate(f *testing.F) {
	issuer := privateKey(f, 768, 3)
	for _, bits := range []int{512, 768} {
		key := privateKey(f, bits, 3).Public()
		for _, static := range [][]byte{testStatic, nil} {
			certificate, remainder, err := security.IssueICCCertificate(issuer, testICC, key, static)
			f.Add(inside(f, issuer, certificate, err), remainder, key.Exponent(), static, byte(3))
		}
	}
	f.Add([]byte{0x6A, 4}, []byte{}, []byte{3}, []byte{}, byte(0))
	f.Fuzz(func(t *testing.T, block, remainder, exponent, static []byte, fix byte) {
		certificate := seal(t, issuer, block, 4, fix, remainder, exponent, static)
		var a security.Arithmetic
		var key security.PublicKey
		c, err := a.RecoverICCKey(&key, issuer.Public(), certificate, remainder, exponent, static)
		if err != nil {
			if key.Size() != 0 && !errors.Is(err, security.ErrHash) {
				t.Fatalf("a key beside %v", err)
			}
			return
		}
		again, rest, err := security.IssueICCCertificate(issuer, c, &key, static)
		if err != nil || !bytes.Equal(again, certificate) || !bytes.Equal(rest, remainder) {
			t.Fatalf("%+v is taken, and issued otherwise: %v", c, err)
		}
		security.PANMatches(c.PAN, "4761739001010119")
		security.ValidOn(c.Expiration, 20260101)
	})
}

// Whatever stands in signed static data: refused, or what signing makes of it.
func FuzzStaticData(f *testing.F) {
	k := privateKey(f, 512, 3)
	signed, err := security.SignStaticData(k, [2]byte{1, 2}, testStatic)
	f.Add(inside(f, k, signed, err), testStatic, byte(3))
	f.Add([]byte{0x6A, 3}, []byte{}, byte(0))
	f.Fuzz(func(t *testing.T, block, static []byte, fix byte) {
		signed := seal(t, k, block, 3, fix, static)
		d, err := new(security.Arithmetic).RecoverStaticData(k.Public(), signed, static)
		if err != nil {
			return
		}
		again, err := security.SignStaticData(k, d.DataAuthenticationCode, static)
		if err != nil || !bytes.Equal(again, signed) {
			t.Fatalf("%+v is taken, and signed otherwise: %v", d, err)
		}
	})
}

// Whatever stands in signed dynamic data, of DDA or CDA: refused, or what signing makes of it.
func FuzzDynamicData(f *testing.F) {
	k := privateKey(f, 768, 3)
	signed, err := security.SignDynamicData(k, []byte{2, 0, 1}, testStatic)
	f.Add(inside(f, k, signed, err), testStatic, byte(3))
	data, err := security.AppendCombined(nil, security.CombinedData{Number: make([]byte, 8), CryptogramInformationData: 0x80})
	if err != nil {
		f.Fatal(err)
	}
	signed, err = security.SignDynamicData(k, data, testStatic)
	f.Add(inside(f, k, signed, err), testStatic, byte(3))
	f.Add([]byte{0x6A, 5}, []byte{}, byte(0))
	f.Fuzz(func(t *testing.T, block, terminal []byte, fix byte) {
		signed := seal(t, k, block, 5, fix, terminal)
		d, err := new(security.Arithmetic).RecoverDynamicData(k.Public(), signed, terminal)
		if c, err := d.Combined(); err == nil { // of what is not signed, too
			made, err := security.AppendCombined(nil, c)
			if err != nil || !bytes.HasPrefix(d.Data, made) {
				t.Fatalf("%X is taken apart, and made otherwise: %X, %v", d.Data, made, err)
			}
		}
		if err != nil {
			return
		}
		again, err := security.SignDynamicData(k, d.Data, terminal)
		if err != nil || !bytes.Equal(again, signed) {
			t.Fatalf("%X is taken, and signed otherwise: %v", d.Data, err)
		}
	})
}

// Whatever stands for a CA public key: refused, or a key that says what it was given.
func FuzzCAPublicKey(f *testing.F) {
	k := privateKey(f, 512, 3).Public()
	ca := authority(f, privateKey(f, 512, 3))
	sum := ca.Checksum()
	f.Add(testRID[:], byte(0x92), k.Modulus(), k.Exponent(), sum[:])
	f.Add(testRID[:], byte(0), bytes.Repeat([]byte{0xFF}, 248), []byte{1, 0, 1}, []byte{})
	f.Fuzz(func(t *testing.T, rid []byte, index byte, modulus, exponent, checksum []byte) {
		var five [5]byte
		copy(five[:], rid)
		k, err := security.NewCAPublicKey(five, index, modulus, exponent, checksum)
		if err != nil {
			if k != nil {
				t.Fatalf("a key beside %v", err)
			}
			return
		}
		got := k.Checksum()
		if k.RID() != five || k.Index() != index || !bytes.Equal(k.Key().Modulus(), modulus) || !bytes.Equal(k.Key().Exponent(), exponent) ||
			len(checksum) > 0 && !bytes.Equal(got[:], checksum) || k.Size() < 64 || k.Size() > 248 {
			t.Fatalf("%X %02X, %d bytes", k.RID(), k.Index(), k.Size())
		}
		// A number below every modulus, so that any key recovers it.
		block, err := new(security.Arithmetic).Recover(nil, k.Key(), make([]byte, k.Size()))
		if err != nil || !bytes.Equal(block, make([]byte, k.Size())) {
			t.Fatalf("zero recovers as %X, %v", block, err)
		}
	})
}
