package security_test

import (
	"fmt"
	"testing"

	"github.com/posim/posim/emv/security"
)

// What of a card status update fits into an ARPC response code that is instructions, and what a version can say at all.
func TestInstructionsInTheResponseCode(t *testing.T) {
	mk, err := security.NewMasterKey(unhex(t, "0123456789ABCDEFFEDCBA9876543210"))
	if err != nil {
		t.Fatal(err)
	}
	session, err := security.MCCVN20.Session(mk, []byte{0, 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, a := range map[string]security.IssuerAnswer{
		"0000": {},
		"0010": {Approved: true},
		"031A": {Approved: true, CardStatusUpdate: security.CSU{0x03, 0x12}},
		"0004": {CardStatusUpdate: security.CSU{0x80, 0x68}}, // the blocks have no bit there
	} {
		data, err := session.IssuerAuthenticationData([8]byte{1}, a)
		if got := fmt.Sprintf("%X", data[8:]); err != nil || got != want {
			t.Errorf("%+v: response code %s, %v: want %s", a, got, err, want)
		}
		if _, err := session.VerifyIssuerAuthenticationData([8]byte{1}, data); err != nil {
			t.Errorf("%s: %v", want, err)
		}
	}
	for v, want := range map[security.Version][2]bool{security.VisaCVN10: {false, false}, security.VisaCVN18: {true, true}, security.MCCVN16: {false, true}, security.CUPCVN01: {false, false}} {
		if got := [2]bool{v.Tells(security.CSUCardBlock), v.Tells(security.CSUUpdatePINTryCounter)}; got != want {
			t.Errorf("%v tells %v: want %v", v, got, want)
		}
	}
}
