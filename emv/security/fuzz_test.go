package security_test

import (
	"bytes"
	"testing"

	"github.com/posim/posim/emv/security"
)

// Whatever stands in tag 91: the card refuses it, or it is byte for byte what the issuer makes of the answer read from it.
func FuzzIssuerAuthenticationData(f *testing.F) {
	f.Add(uint8(0), unhex(f, "1122334455667788"), unhex(f, "00112233445566773030"), false)
	f.Add(uint8(1), unhex(f, "1122334455667788"), unhex(f, "0000000000820000"), true)
	f.Add(uint8(2), unhex(f, "1122334455667788"), unhex(f, "00000000008200000102030405060708"), true)
	m, err := security.NewMasterKey(testKey)
	if err != nil {
		f.Fatal(err)
	}
	versions := security.Versions()
	f.Fuzz(func(t *testing.T, n uint8, cryptogram, data []byte, honest bool) {
		v := versions[int(n)%len(versions)]
		s, err := v.Session(m, []byte{0, 1}, []byte{1, 2, 3, 4})
		if err != nil {
			t.Fatal(err)
		}
		var arqc [8]byte
		copy(arqc[:], cryptogram)
		if honest { // with its right cryptogram, so that more than one in millions gets past it
			a := security.IssuerAnswer{Approved: n&0x80 != 0}
			switch {
			case v.ARPCMethod() == 1 && len(data) == 10:
				a.AuthorisationResponseCode = [2]byte(data[8:])
			case v.ARPCMethod() == 2 && len(data) >= 8:
				a.CardStatusUpdate, a.Proprietary = [4]byte(data[4:]), data[8:]
			}
			if data, err = s.IssuerAuthenticationData(arqc, a); err != nil {
				return
			}
		}
		got, err := s.VerifyIssuerAuthenticationData(arqc, data)
		if err != nil {
			if honest {
				t.Fatalf("%v: %X, which the issuer made: %v", v, data, err)
			}
			return
		}
		if len(got.Proprietary) > len(data) {
			t.Fatalf("%d bytes out of %d", len(got.Proprietary), len(data))
		}
		again, err := s.IssuerAuthenticationData(arqc, got)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%v: %X is taken, and made again as %X, %v", v, data, again, err)
		}
	})
}

// Whatever stands for a card number and its sequence number: no key, or one of sixteen bytes with odd parity.
func FuzzMasterKey(f *testing.F) {
	f.Add("4761739001010119", "01", byte('A'))
	f.Add("6230606601007726888", "", byte('B'))
	f.Add("", "001", byte('C'))
	f.Fuzz(func(t *testing.T, pan, psn string, option byte) {
		key, err := security.ICCMasterKey(testKey, pan, psn, security.Option(option))
		if err != nil {
			if key != nil || len(err.Error()) > 200 {
				t.Fatalf("a key of %d bytes, and %v", len(key), err)
			}
			return
		}
		if len(key) != 16 || len(pan) > 19 || psn != "" && len(psn) != 2 {
			t.Fatalf("%q and %q make a key of %d bytes", pan, psn, len(key))
		}
		for _, c := range key {
			odd := byte(0)
			for ; c != 0; c &= c - 1 {
				odd ^= 1
			}
			if odd != 1 {
				t.Fatal("even parity")
			}
		}
		if o, err := security.ParseOption(security.Option(option).String()); err != nil || o != security.Option(option) {
			t.Fatalf("option %v is taken, and read as %v, %v", option, o, err)
		}
	})
}
