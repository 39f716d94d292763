package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// busy VARIABLE listens on a port of loopback until the script ends, and sets the variable to its number.
func busy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: busy VARIABLE")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// free VARIABLE sets the variable to the number of a port of loopback on which nobody listens, and on which nobody has for a while.
func free(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: free VARIABLE")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Check(l.Close())
	ts.Setenv(args[0], port)
}

// answers ADDRESS waits until somebody listens there.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: answers ADDRESS")
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", args[0]); err == nil {
			ts.Check(c.Close())
			return
		}
	}
	ts.Fatalf("nobody listens at %s within 20 s", args[0])
}

// certificate NAME DURATION makes NAME.pem and NAME.key, good for so long.
func certificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: certificate NAME DURATION")
	}
	good, err := time.ParseDuration(args[1])
	ts.Check(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(good), IPAddresses: []net.IP{{127, 0, 0, 1}}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ts.Check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

// sorted puts words in order: profiles come by name, not by number.
func sorted(words string) string {
	all := strings.Fields(words)
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestHouseOfTheLibrary(t *testing.T) {
	generic, err := profileOf(genericProfile)
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := filepath.Glob("../../testdata/terminals/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h, err := houseOf(generic, len(profiles)+1)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, x := range h.Terminals {
		got += x.TID + "/" + x.MID + " "
	}
	want := ""
	for n := 1; n <= len(profiles)+1; n++ {
		want += fmt.Sprintf("SIM%05d/SIM000000000001 ", n)
	}
	if sorted(got) != sorted(want) {
		t.Errorf("terminals %s, want %s", got, want)
	}
	cards, err := filepath.Glob("../../testdata/cards/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, c := range h.Cards {
		names += c.Name + " "
	}
	if len(h.Cards) != len(cards) || !strings.Contains(names, "visa-credit ") {
		t.Errorf("cards %s, of %d files", names, len(cards))
	}
}
