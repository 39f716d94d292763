//go:build linux

package reader_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/transport/reader"
)

// A program that knows nothing of us reads our card through pcscd, and openssl opens what it read: the issuer's certificate
// under the authority's key, the card's under the issuer's, and its signature under its own (EMV Book 2, 5.3, 6.4 and 6.5.2). The
// fields are taken apart here by the book, not by emv/security.
func TestOutsideCertificates(t *testing.T) {
	if !alone(t) {
		return
	}
	need(t, vpcdDriver, packageVPCD)
	need(t, "opensc-tool", packageOpenSC)
	need(t, "openssl", "openssl")
	const keyFile = "../../testdata/cards/keys/visa-1408.yaml"
	src, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := card.ParseKeys(keyFile, src)
	if err != nil {
		t.Fatal(err)
	}
	daemon(t, vpcdConf)
	c, err := card.New(profile(t, "visa-dda", keys))
	if err != nil {
		t.Fatal(err)
	}
	virtual(t, c, reader.VPCDConfig{})

	const number = "1A2B3C4D"
	commands := []string{"00A4040007A000000003101000", "80A8000002830000"}
	for _, record := range []string{"0214", "0114", "011C", "021C", "0124", "0224", "0324"} {
		commands = append(commands, "00B2"+record+"00")
	}
	responses := foreign(t, append(commands, "0088000004"+number+"00"))
	tags := map[string][]byte{}
	for _, r := range responses {
		collect(r, tags)
	}
	for _, tag := range []string{"82", "90", "9F32", "9F46", "9F47", "8F"} {
		if len(tags[tag]) == 0 {
			t.Fatalf("the card gave no %s: %d objects", tag, len(tags))
		}
	}
	if got, want := tags["8F"], []byte{keys.Authority.Index()}; !bytes.Equal(got, want) {
		t.Errorf("8F is %X: want %X", got, want)
	}
	authority := publicKey(t, keys.Authority.Key().Modulus(), keys.Authority.Key().Exponent())
	issuer := recovered(t, authority, tags["90"], 0x02, 15, tags["92"], tags["9F32"], nil)
	static := append(bytes.Clone(value(responses[3])), tags["82"]...) // SFI 2 record 1, which the AFL counts, and the AIP
	icc := recovered(t, publicKey(t, issuer, tags["9F32"]), tags["9F46"], 0x04, 21, tags["9F48"], tags["9F47"], static)

	signed := value(responses[len(responses)-1])
	if raw := tags["9F4B"]; raw != nil {
		signed = raw
	}
	block := open(t, publicKey(t, icc, tags["9F47"]), signed)
	if block[1] != 0x05 {
		t.Fatalf("the signature's format is %02X: want 05", block[1])
	}
	n := len(block)
	if got, want := digest(t, append(bytes.Clone(block[1:n-21]), bytesOf(t, number)...)), block[n-21:n-1]; !bytes.Equal(got, want) {
		t.Errorf("the signature's hash is %X: openssl says %X", want, got)
	}
}

// recovered opens a certificate and returns the key in it, having checked the hash: fixed is where the key begins.
func recovered(t *testing.T, key string, certificate []byte, format byte, fixed int, remainder, exponent, static []byte) []byte {
	t.Helper()
	block := open(t, key, certificate)
	n := len(block)
	if block[1] != format {
		t.Fatalf("the certificate's format is %02X: want %02X", block[1], format)
	}
	data := append(bytes.Clone(block[1:n-21]), remainder...)
	data = append(append(data, exponent...), static...)
	if got, want := digest(t, data), block[n-21:n-1]; !bytes.Equal(got, want) {
		t.Fatalf("the certificate's hash is %X: openssl says %X", want, got)
	}
	modulus := append(bytes.Clone(block[fixed:n-21]), remainder...)
	return modulus[:int(block[fixed-2])]
}

// open has openssl recover the block of a signature, and checks what frames it.
func open(t *testing.T, key string, signature []byte) []byte {
	t.Helper()
	in := filepath.Join(t.TempDir(), "signature")
	if err := os.WriteFile(in, signature, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("openssl", "pkeyutl", "-verifyrecover", "-pubin", "-inkey", key, "-pkeyopt", "rsa_padding_mode:none", "-in", in).Output()
	if err != nil {
		t.Fatalf("openssl pkeyutl: %v", err)
	}
	if len(out) != len(signature) || out[0] != 0x6A || out[len(out)-1] != 0xBC {
		t.Fatalf("openssl recovers %d bytes, %02X to %02X: want %d, 6A to BC", len(out), out[0], out[len(out)-1], len(signature))
	}
	return out
}

func digest(t *testing.T, data []byte) []byte {
	t.Helper()
	cmd := exec.Command("openssl", "dgst", "-sha1", "-binary")
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl dgst: %v", err)
	}
	return out
}

// publicKey writes a key for openssl.
func publicKey(t *testing.T, modulus, exponent []byte) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(new(big.Int).SetBytes(exponent).Int64())})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

var answerOf = regexp.MustCompile(`(?m)^Received \(SW1=0x([0-9A-F]{2}), SW2=0x([0-9A-F]{2})\):?$`)

// foreign has opensc-tool send commands and returns what the card answered, without status words, which must be 9000.
func foreign(t *testing.T, commands []string) (responses [][]byte) {
	t.Helper()
	args := []string{"-c", "default"}
	for _, c := range commands {
		args = append(args, "-s", c)
	}
	out := tool(t, "opensc-tool", args...)
	for _, part := range strings.Split(out, "Sending: ")[1:] {
		m := answerOf.FindStringSubmatchIndex(part)
		if m == nil || part[m[2]:m[3]]+part[m[4]:m[5]] != "9000" {
			t.Fatalf("opensc-tool says\n%s", part)
		}
		var b []byte
		for _, line := range strings.Split(part[m[1]:], "\n") {
			// Each byte is two digits and a blank, and behind all of them the same in characters.
			v, err := hex.DecodeString(strings.ReplaceAll(line[:3*(len(line)/4)], " ", ""))
			if err != nil {
				t.Fatalf("opensc-tool says %q: %v", line, err)
			}
			b = append(b, v...)
		}
		responses = append(responses, b)
	}
	if len(responses) != len(commands) {
		t.Fatalf("opensc-tool sent %d of %d commands:\n%s", len(responses), len(commands), out)
	}
	return responses
}

// value is the value of the data object that b is.
func value(b []byte) []byte {
	_, v, _ := object(b)
	return v
}

// object reads one data object the short way: tags of one or two bytes, lengths of up to two.
func object(b []byte) (tag string, v, rest []byte) {
	n := 1
	if b[0]&0x1F == 0x1F {
		n = 2
	}
	tag = fmt.Sprintf("%X", b[:n])
	length := int(b[n])
	n++
	if length == 0x81 {
		length = int(b[n])
		n++
	}
	return tag, b[n : n+length], b[n+length:]
}

// collect keeps every primitive data object.
func collect(b []byte, tags map[string][]byte) {
	for len(b) > 0 {
		tag, v, rest := object(b)
		if b[0]&0x20 != 0 {
			collect(v, tags)
		} else {
			tags[tag] = v
		}
		b = rest
	}
}
