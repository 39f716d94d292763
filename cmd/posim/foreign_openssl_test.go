package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posim/posim/host"
)

// What went over the wire between a foreign terminal and our host is taken apart with the openssl program alone: the session keys of
// the sign-on are unwrapped and their check values compared, and the MACs of a request and of its answer are computed again.

// wire is the bytes of one message as a foreign terminal kept them: '>' sent, with length and TPDU; '<' received, bare.
type wire struct {
	sent bool
	b    []byte
}

func readWire(t *testing.T, file string) (all []wire) {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(string(src)), "\n") {
		b, err := hex.DecodeString(line[2:])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, wire{line[0] == '>', b})
	}
	return all
}

// openSSL runs a cipher of the openssl program. Single DES is in its legacy provider.
func openSSL(t *testing.T, cipher string, key, iv, in []byte, more ...string) []byte {
	t.Helper()
	args := []string{"enc", "-" + cipher, "-nopad", "-K", hex.EncodeToString(key), "-provider", "default", "-provider", "legacy"}
	if iv != nil {
		args = append(args, "-iv", hex.EncodeToString(iv))
	}
	c := exec.Command(outside(t, "openssl", "openssl"), append(args, more...)...)
	c.Stdin = bytes.NewReader(in)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("openssl %v: %v", cipher, err)
	}
	return out
}

// ede is a double-length key as openssl wants it.
func ede(key []byte) []byte { return append(bytes.Clone(key), key[:8]...) }

// macOfCUP is the MAC of cup: the XOR of all blocks as hexadecimal text, in two steps.
func macOfCUP(t *testing.T, key, data []byte) []byte {
	var sum [8]byte
	for i, c := range data {
		sum[i%8] ^= c
	}
	text := fmt.Appendf(nil, "%X", sum)
	once := openSSL(t, "des-ede3", ede(key), nil, text[:8])
	for i := range once {
		once[i] ^= text[8+i]
	}
	return fmt.Appendf(nil, "%X", openSSL(t, "des-ede3", ede(key), nil, once))[:8]
}

// macOfX919 is X9.19: a chain of single DES, and TDES for its last block.
func macOfX919(t *testing.T, key, data []byte) []byte {
	data = append(bytes.Clone(data), make([]byte, (8-len(data)%8)%8)...)
	chain := append(make([]byte, 8), openSSL(t, "des-cbc", key[:8], make([]byte, 8), data[:len(data)-8])...)
	return openSSL(t, "des-ede3-cbc", ede(key), chain[len(chain)-8:], data[len(data)-8:])
}

func TestOpenSSLReadsWhatWentOverTheWire(t *testing.T) {
	outside(t, "openssl", "openssl")
	outside(t, "python3", "python3")
	s := newStreet(t)
	master, err := hex.DecodeString(host.TestTerminalMaster)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []struct {
		name, addr, tid string
		check, front    int // bytes of a check value; before the message in what was sent
		mac             func(*testing.T, []byte, []byte) []byte
	}{
		{"iso87", s.listen, "SIM00001", 3, 2, macOfX919},
		{"cup", s.cup, "SIM00014", 4, 2 + 5 + 6, macOfCUP},
	} {
		t.Run(d.name, func(t *testing.T) {
			trace := filepath.Join(t.TempDir(), "trace")
			if out, err := foreign(t, "client.py", d.name, "--addr", d.addr, "--tid", d.tid, "--mid", foreignMID, "--trace", trace).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var macKey []byte
			checked := map[string]int{}
			for _, w := range readWire(t, trace) {
				b := w.b
				if w.sent {
					b = b[d.front:]
				}
				mti := fmt.Sprintf("%x", b[:2])
				if size := 2 * (16 + d.check); mti == "0810" && b[9]&4 != 0 { // DE 62 ends it: an echo's answer has none
					keys := b[len(b)-size:]
					for at := 0; at < size; at += 16 + d.check {
						key := openSSL(t, "des-ede3", ede(master), nil, keys[at:at+16], "-d")
						if value := openSSL(t, "des-ede3", ede(key), nil, make([]byte, 8)); !bytes.Equal(value[:d.check], keys[at+16:at+16+d.check]) {
							t.Errorf("check value of the key at %d: openssl has %X", at, value[:d.check])
						}
						macKey = key
					}
					checked["keys"]++
				}
				if mti != "0200" && mti != "0210" && mti != "0400" && mti != "0410" {
					continue
				}
				at := len(b) - 8
				good := bytes.Equal(d.mac(t, macKey, b[:at]), b[at:])
				switch {
				case b[9]&1 == 0:
					checked["no MAC"]++
				case good:
					checked[mti]++
				default:
					checked["wrong"]++
				}
			}
			// The client has spoilt one MAC itself, and A0 answers it, with a MAC or without.
			if checked["keys"] != 3 || checked["0200"] < 6 || checked["0210"] < 6 || checked["0400"] != 3 || checked["0410"] != 3 || checked["wrong"] != 1 {
				t.Errorf("%v", checked)
			}
		})
	}
}
