package main

import (
	"encoding/hex"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/scenario"
)

// FuzzArguments: whatever stands behind a command that only looks, the program answers with one of its statuses, and what
// it says of a misuse is one short line.
func FuzzArguments(f *testing.F) {
	for _, args := range []string{"replay\nW01#seed=1", "replay\n--seed=2\n--lang\nzh\nW02", "replay\n--naive\nlate-accept\nW01", "replay\n--naive=x\n--json\nW01",
		"card\nshow\nvisa-credit", "card\nlist\n--json", "decode\ntlv\n9F02", "decode\niso\n-", "version\nx", "help\ncard\nshow", "reader\n--wait=1h1m1.5s", "scripts", "--", "-\n-h"} {
		f.Add(args, "7")
	}
	f.Fuzz(func(t *testing.T, line, in string) {
		args := strings.Split(line, "\n")
		switch args[0] {
		case "replay", "card", "decode", "version", "help", "__complete":
		default: // others reach for devices, ports and files
			args = append([]string{"replay"}, args...)
		}
		if len(line) > 500 || strings.ContainsAny(line, "/.~") && strings.Contains(line, "from") {
			return // a path is the file system's to know
		}
		out, diag, status := posimRun(t, in, args...)
		switch {
		case status == exitPassed && diag != "" && args[0] != "__complete":
			t.Errorf("%q passed, and says %q", args, diag)
		case status == exitMisuse && (out != "" || !strings.HasPrefix(diag, "posim: ") || len(diag) > 3000+20*len(line)):
			t.Errorf("%q is a misuse: %q %q", args, out, diag)
		case status != exitPassed && status != exitFailed && status != exitMisuse:
			t.Errorf("%q: status %d", args, status)
		}
	})
}

var decodeKinds = []string{"tlv", "iso", "iso --dialect cup", "apdu", "apdu --response", "atr", "dol", "cvm", "cid", "tvr", "tsi --all", "aip", "auc --all"}

// FuzzDecodeBytes: whatever bytes are decoded, what is said of them is in proportion, and JSON where that is asked for.
func FuzzDecodeBytes(f *testing.F) {
	for _, s := range []string{"9F0206000000010000", "6F1A840E315041592E5359532E4444463031A5088801015F2D02656E", "9505FFFFFFFFFF9B02FFFF8202FFFF",
		"70027000", "8C159F02069F03069F1A0295055F2A029A039C019F3704", "08000020000000000000000001", "0020008008241234FFFFFFFFFF", "3BE000008131FE45EB",
		"000000000000000041031E031F00", "9F02069F03069F1A0295", "0087600501000061310031110808200000000000000010001100000002301000"} {
		b, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		for how := range 2 * len(decodeKinds) {
			f.Add(b, uint8(how))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, how uint8) {
		args := append(strings.Fields("decode "+decodeKinds[int(how)>>1%len(decodeKinds)]), hex.EncodeToString(b))
		if how&1 != 0 {
			args = append(args, "--json")
		}
		out, diag, status := posimRun(t, "", args...)
		if status == exitPassed && how&1 != 0 && !json.Valid([]byte(out)) {
			t.Fatalf("no JSON: %s", out)
		}
		if args[1] == "apdu" && len(b) > 9 && (b[1] == apdu.InsVerify || b[1] == apdu.InsPINChangeUnblock) && len(args) == 3 && strings.Contains(strings.ToUpper(out+diag), strings.ToUpper(hex.EncodeToString(b[5:]))) {
			t.Fatalf("%X is shown in %s%s", b, out, diag)
		}
		// A byte of flags is up to eight lines, and a template of two bytes an object that says so.
		if len(out) > 1000+1000*len(b) || len(diag) > 2000 {
			t.Fatalf("%d bytes become %d, and %d of diagnosis", len(b), len(out), len(diag))
		}
	})
}

// FuzzExchange: whatever a card is sent and answers, what is shown of it has no data of a command that writes, and the guard
// of live cards opens only for a number it has read.
func FuzzExchange(f *testing.F) {
	f.Add([]byte{0, 0xA4, 4, 0, 0}, []byte{0x90, 0})
	f.Add([]byte{0, 0x20, 0, 0x80, 8, 0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, []byte{0x63, 0xC2})
	f.Add([]byte{0, 0xB2, 1, 0x0C, 0}, []byte{0x70, 0x0A, 0x5A, 8, 0x47, 0x61, 0x73, 0x90, 1, 1, 1, 0x19, 0x90, 0})
	f.Add([]byte{0, 0xB2, 1, 0x0C, 0}, []byte{0x5A, 1, 0xFF, 0x90, 0})
	f.Fuzz(func(t *testing.T, command, answer []byte) {
		if _, err := apdu.ParseCommand(command); err != nil || len(answer) < 2 || len(answer) > apdu.MaxLe+2 {
			return
		}
		e := exchangeOf(command, answer)
		if shown := strings.ToUpper(e.Command); !reads(command[1]) && len(command) > 9 && strings.Contains(shown, strings.ToUpper(hex.EncodeToString(command[5:]))) {
			t.Fatalf("%X is shown as %s", command, e.Command)
		}
		var out strings.Builder
		if err := (&app{stdout: &out}).printExchange(e, answer); err != nil || out.Len() > 1000*(len(command)+len(answer)) {
			t.Fatalf("%d characters, %v", out.Len(), err)
		}
		g := &liveGuard{physical: true}
		g.saw(answer)
		if err := g.allow(command); err == nil && !reads(command[1]) && (!g.test || g.live) {
			t.Fatalf("%X is sent to a card that is not known to be a test card", command)
		}
		if g.test && !strings.Contains(string(answer), "\x5A") && !strings.Contains(string(answer), "\x57") {
			t.Fatalf("%X names no card", answer)
		}
	})
}

// FuzzPlace: whatever place is named for an emulated reader, without leave it is one of this machine alone.
func FuzzPlace(f *testing.F) {
	f.Add("ccid-serial", "visa-credit", "", "tcp://127.0.0.1:7816", false, false, int64(0))
	f.Add("", "visa-credit", "", "vpcd://:35963", false, true, int64(1))
	f.Add("ccid-serial", "", "./reader0", "", false, true, int64(-1))
	f.Add("ccid-serial", "x", "", "tcp://0.0.0.0:1", true, false, int64(0))
	f.Add("ccid-serial", "x", "", "tcp://example.org:1", false, false, int64(0))
	f.Fuzz(func(t *testing.T, protocol, card, pty, listen string, public, hand bool, reinsert int64) {
		e := emulateFlags{protocol: protocol, card: card, pty: pty, listen: listen, public: public, hand: hand, reinsert: time.Duration(reinsert)}
		kind, address, err := e.place()
		if err != nil {
			if kind != "" || address != "" || len(err.Error()) > 300+4*(len(protocol)+len(listen)) {
				t.Fatalf("%s %q, and %v", kind, address, err)
			}
			return
		}
		switch kind {
		case "pty":
			if address != pty {
				t.Fatalf("%q is %q", pty, address)
			}
		case "tcp", "vpcd":
			host, port, err := net.SplitHostPort(address)
			ip := net.ParseIP(host)
			if err != nil || host == "" || port == "" || kind == "tcp" && !public && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
				t.Fatalf("%q is %q", listen, address)
			}
		default:
			t.Fatalf("a place of kind %q", kind)
		}
	})
}

// FuzzResume: whatever stands in the file of --resume, it is refused, or it says where in this library's order to go on, and
// is written again as it was read.
func FuzzResume(f *testing.F) {
	l, scripts, err := builtIn()
	if err != nil {
		f.Fatal(err)
	}
	x, err := l.Explore(scripts[:1], scenario.Options{Seed: 1})
	if err != nil {
		f.Fatal(err)
	}
	file := filepath.Join(f.TempDir(), "pairs.json")
	e := &exploring{flags: exploreFlags{resume: file, seed: 1}, x: x}
	for _, s := range []pairsState{e.pairsState(0, 0, 0), e.pairsState(x.Count(), 9, 1), e.pairsState(x.Count()+1, 0, 0), e.pairsState(-1, 0, 0)} {
		b, err := json.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("["))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := e.loadPairs()
		if err != nil {
			if len(err.Error()) > 500+len(file) {
				t.Fatalf("%d characters: %v", len(err.Error()), err)
			}
			return
		}
		if s.Done < 0 || s.Done > x.Count() {
			t.Fatalf("%s goes on at %d of %d", b, s.Done, x.Count())
		}
		if err := savePairs(file, s); err != nil {
			t.Fatal(err)
		}
		if again, err := e.loadPairs(); err != nil || again != s {
			t.Fatalf("%+v, then %+v, %v", s, again, err)
		}
	})
}
