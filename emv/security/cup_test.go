package security_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/posim/posim/emv/security"
)

// TestPublishedExampleOfVersion01 runs a worked example from outside through the whole of the version: IAD, input, key,
// cryptogram, ARPC.
func TestPublishedExampleOfVersion01(t *testing.T) {
	src, err := os.ReadFile("../../testdata/vectors/emv/cup_cvn01.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		IMK   string            `json:"imk"`
		Y     string            `json:"pan_psn"`
		ATC   string            `json:"atc"`
		IAD   string            `json:"iad"`
		Tags  map[string]string `json:"tags"`
		Input string            `json:"ac_input"`
		ARQC  string            `json:"arqc"`
		ARC   string            `json:"arc"`
		ARPC  string            `json:"arpc"`
	}
	if err := json.Unmarshal(src, &v); err != nil {
		t.Fatal(err)
	}
	iad := unhex(t, v.IAD)
	version, err := security.VersionFor("cup", iad)
	if err != nil || version != security.CUPCVN01 {
		t.Fatalf("VersionFor = %v, %v", version, err)
	}
	input, err := version.Input(func(tag uint32) []byte {
		if tag == 0x9F10 {
			return iad
		}
		return unhex(t, v.Tags[fmt.Sprintf("%02X", tag)])
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "input", input, v.Input)
	mk, err := security.ICCMasterKey(unhex(t, v.IMK), v.Y[:len(v.Y)-2], v.Y[len(v.Y)-2:], security.OptionA)
	if err != nil {
		t.Fatal(err)
	}
	m, err := security.NewMasterKey(mk)
	if err != nil {
		t.Fatal(err)
	}
	session, err := version.Session(m, unhex(t, v.ATC), nil)
	if err != nil {
		t.Fatal(err)
	}
	arqc := session.Cryptogram(input)
	same(t, "ARQC", arqc[:], v.ARQC)
	data, err := session.IssuerAuthenticationData(arqc, security.IssuerAnswer{AuthorisationResponseCode: [2]byte(unhex(t, v.ARC))})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "issuer authentication data", data, v.ARPC+v.ARC)
	if key, err := version.Key(mk, unhex(t, v.ATC), nil); err != nil {
		t.Fatal(err)
	} else if arpc := security.ARPC1(key, arqc, [2]byte(unhex(t, v.ARC))); arpc != [8]byte(data[:8]) {
		t.Errorf("ARPC1 = %X, want %X", arpc, data[:8])
	}
}
