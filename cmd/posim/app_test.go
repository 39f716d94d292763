package main

import (
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/transport/dialect"
)

// testClock is a clock that goes on by a millisecond a look.
func testClock() func() time.Time {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ticks := make(chan time.Duration, 1)
	ticks <- 0
	return func() time.Time {
		n := <-ticks
		ticks <- n + time.Millisecond
		return now.Add(n)
	}
}

// posimRun is the program in this process.
func posimRun(t testing.TB, stdin string, args ...string) (out, diag string, status int) {
	t.Helper()
	var o, e strings.Builder
	a := &app{stdin: strings.NewReader(stdin), stdout: &o, stderr: &e, now: testClock()}
	status = a.run(args)
	return o.String(), e.String(), status
}

func TestJSONShape(t *testing.T) {
	out, _, status := posimRun(t, "", "run", "--json", "--seed", "7")
	if status != exitPassed {
		t.Fatalf("status %d\n%s", status, out)
	}
	var got struct {
		Version   string
		Seed      uint64
		Scenarios []map[string]any
		Totals    map[string]any
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version == "" || got.Seed != 7 || len(got.Scenarios) < 20 || got.Totals["scenarios"] != float64(len(got.Scenarios)) {
		t.Errorf("version %q, seed %d, %d scenarios, totals %v", got.Version, got.Seed, len(got.Scenarios), got.Totals)
	}
	hash := regexp.MustCompile(`^[0-9a-f]{8}:[0-9a-f]{8}$`)
	amount := regexp.MustCompile(`^-?[0-9]+\.[0-9]{2}$`)
	for _, s := range got.Scenarios {
		for _, key := range []string{"id", "name", "file", "verdict", "end", "money", "event_hash", "virtual", "virtual_ms", "wall_ms", "runs"} {
			if s[key] == nil {
				t.Errorf("%v: no %s", s["id"], key)
			}
		}
		if h, _ := s["event_hash"].(string); !hash.MatchString(h) {
			t.Errorf("%v: event_hash %v", s["id"], s["event_hash"])
		}
		money, _ := s["money"].(map[string]any)
		if len(money) < 3 {
			t.Errorf("%v: money %v", s["id"], money)
		}
		for party, n := range money {
			if text, _ := n.(string); !amount.MatchString(text) {
				t.Errorf("%v: %s has %v", s["id"], party, n)
			}
		}
		if s["failure"] != nil || s["story"] != nil {
			t.Errorf("%v: a failure or a story that nobody asked for", s["id"])
		}
	}
}

// hashes is the event hash of each scenario of a --json report.
func hashes(t *testing.T, out string) map[string]string {
	t.Helper()
	var got jsonReport
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, s := range got.Scenarios {
		all[s.ID] = s.EventHash
	}
	return all
}

func TestEventHashes(t *testing.T) {
	base, _, _ := posimRun(t, "", "run", "--json")
	want := hashes(t, base)
	for _, args := range [][]string{{"--lang", "zh"}, {"--verbose"}} {
		out, _, _ := posimRun(t, "", append([]string{"run", "--json"}, args...)...)
		for id, h := range hashes(t, out) {
			if h != want[id] {
				t.Errorf("%v changes the event hash of %s", args, id)
			}
		}
	}
	out, _, _ := posimRun(t, "", "run", "--json", "--seed", "2")
	for id, h := range hashes(t, out) {
		if h == want[id] {
			t.Errorf("%s: seeds 1 and 2 have the same event hash", id)
		}
	}
	for _, id := range []string{"W01", "W04"} {
		out, _, _ := posimRun(t, "", "replay", "--json", "--lang", "zh", id)
		if got := hashes(t, out); got[id] != want[id] {
			t.Errorf("replay of %s has event hash %s, the run %s", id, got[id], want[id])
		}
	}
}

func TestJSONFailure(t *testing.T) {
	out, _, status := posimRun(t, "", "run", "--json", "--verbose", "--naive", "no-wal")
	var got jsonReport
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if status != exitFailed || got.Totals.Failed == 0 || got.Totals.Passed+got.Totals.Failed != got.Totals.Scenarios {
		t.Errorf("status %d, totals %+v", status, got.Totals)
	}
	for _, s := range got.Scenarios {
		if (s.Verdict == "fail") != (s.Failure != nil) {
			t.Errorf("%s: verdict %s, failure %v", s.ID, s.Verdict, s.Failure)
		}
		if s.Failure != nil && (len(s.Failure.Violations) == 0 || !strings.HasPrefix(s.Failure.Replay, s.ID) || s.Failure.Where == "") {
			t.Errorf("%s: failure %+v", s.ID, s.Failure)
		}
		if len(s.Story) == 0 {
			t.Errorf("%s: no story", s.ID)
		}
	}
}

func TestJUnitIsWellFormed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.xml")
	posimRun(t, "", "run", "--junit", file, "--naive", "two-writes")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	failures := 0
	for _, c := range got.Suites[0].Cases {
		if c.Failure != nil {
			failures++
		}
	}
	if got.Tests != len(got.Suites[0].Cases) || failures == 0 || got.Failures != failures {
		t.Errorf("%d cases, %d failures; attributes say %d and %d", len(got.Suites[0].Cases), failures, got.Tests, got.Failures)
	}
}

// testKey is a key of the house as the code has it: 16, 24 or 32 bytes.
var testKey = regexp.MustCompile(`"([0-9A-F]{32}|[0-9A-F]{48}|[0-9A-F]{64})"`)

// secrets is what must not be in any output, with what it is.
func secrets(t *testing.T, l *scenario.Library) map[string]string {
	t.Helper()
	all := map[string]string{}
	text := func(what, s string) {
		if s == "" {
			return
		}
		all[s] = what
		all[hex.EncodeToString([]byte(s))] = what + " in hexadecimal"
	}
	data := func(what string, b []byte) {
		if len(b) > 0 {
			all[hex.EncodeToString(b)] = what
			all[string(b)] = what + " as bytes"
		}
	}
	for _, name := range l.Cards() {
		p := l.Card(name)
		digits := p.PAN.Digits()
		text(name+": PAN", digits)
		for n := 4; n < len(digits); n += 5 { // grouped for people
			digits = digits[:n] + " " + digits[n:]
		}
		text(name+": PAN in groups", digits)
		_, track2 := p.Stripe()
		track2 = strings.Trim(track2, ";?")
		text(name+": track 2", track2)
		if _, rest, found := strings.Cut(track2, "="); found {
			text(name+": track 2 behind the number", rest)
			all[strings.ToLower("D"+rest)] = name + ": track 2 behind the number, BCD"
		}
		data(name+": issuer master key", p.Issuer.IssuerMasterKey())
		if pin := p.Issuer.PIN(); pin != "" {
			all[hex.EncodeToString([]byte(pin))+"ff"] = name + ": PIN" // as text in hexadecimal, at the end of something
			data(name+": clear PIN block", pinBlock(pin, p.PAN))
			data(name+": PIN as VERIFY has it", verifyBlock(pin))
		}
	}
	found := 0
	for _, pattern := range []string{"../../scenario/*.go", "../../host/*.go", "../../terminal/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range testKey.FindAllStringSubmatch(string(src), -1) {
				b, _ := hex.DecodeString(k[1])
				data("a key of "+name, b)
				found++
			}
		}
	}
	if found < 5 {
		t.Fatalf("%d keys of the house", found)
	}
	return all
}

// pinBlock is a clear PIN block of format 0 (ISO 9564-1).
func pinBlock(pin string, p pan.PAN) []byte {
	block := verifyBlock(pin)
	block[0] &= 0x0F
	digits := p.Digits()
	account, _ := hex.DecodeString("0000" + digits[len(digits)-13:len(digits)-1])
	for i := range block {
		block[i] ^= account[i]
	}
	return block
}

// verifyBlock is a plaintext offline PIN block, which VERIFY sends (EMV Book 3, 6.5.12).
func verifyBlock(pin string) []byte {
	s := "2" + string("0123456789abcdef"[len(pin)]) + pin
	b, _ := hex.DecodeString(s + strings.Repeat("f", 16-len(s)))
	return b
}

// leaks lists which secrets stand in out, in capital or small letters.
func leaks(out string, secrets map[string]string) (found []string) {
	const head = 4 // no secret is shorter
	byHead := map[string][]string{}
	for s := range secrets {
		small := small(s)
		byHead[small[:head]] = append(byHead[small[:head]], s)
	}
	text := small(out)
	for at := 0; at+head <= len(text); at++ { // once through: reports are long, and secrets many
		for _, s := range byHead[text[at:at+head]] {
			if strings.HasPrefix(text[at:], small(s)) {
				found = append(found, secrets[s])
			}
		}
	}
	return found
}

// small makes capital letters small and leaves every other byte as it is.
func small(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// capital is the other way round.
func capital(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - ('a' - 'A')
		}
	}
	return string(b)
}

// The canary: whatever is run, shown and reported, in both languages, nothing secret comes out. Standing in a word of its
// own, a PIN may not come out either.
func TestNothingSecretComesOut(t *testing.T) {
	l, _, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	forbidden := secrets(t, l)
	pins := regexp.MustCompile(`(?i)\bpin\W{0,4}[0-9]{4}`)
	check := func(name, out string) {
		t.Helper()
		if len(out) < 200 {
			t.Errorf("%s: only %q", name, out)
		}
		for _, what := range leaks(out, forbidden) {
			t.Errorf("%s holds %s", name, what)
		}
		if at := pins.FindString(out); at != "" {
			t.Errorf("%s holds %q", name, at)
		}
	}
	for lang, views := range map[string][][]string{
		"en": {{"--verbose"}, {"--json", "--verbose", "--naive", "any-answer"}},
		"zh": {{"--json", "--verbose"}, {"--verbose", "--naive", "no-wal"}},
	} {
		for _, args := range views {
			file := filepath.Join(t.TempDir(), "report.xml")
			out, diag, _ := posimRun(t, "", append([]string{"run", "--lang", lang, "--junit", file}, args...)...)
			name := lang + " run " + strings.Join(args, " ")
			check(name, out+diag)
			report, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			check(name+" JUnit", string(report))
		}
		for _, name := range l.Cards() {
			out, _, _ := posimRun(t, "", "card", "show", "--lang", lang, name)
			more, _, _ := posimRun(t, "", "card", "show", "--json", name)
			check("card show "+name, out+more)
		}
		out, _, _ := posimRun(t, "", "card", "list", "--lang", lang)
		check("card list", out)
	}
}

// The canary sings: each secret is found in a text that has it.
func TestSecretsAreFound(t *testing.T) {
	l, _, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	all := secrets(t, l)
	if len(all) < 50 {
		t.Fatalf("only %d secrets", len(all))
	}
	for s, what := range all {
		for _, form := range []string{s, capital(s), small(s)} {
			if len(leaks("x "+form+" y", map[string]string{s: what})) == 0 {
				t.Errorf("%s is not found", what)
			}
		}
	}
}

// dump is a line with bytes in hexadecimal: amounts and dates in a row may look like a card number, and are masked.
var dump = regexp.MustCompile(`\b[0-9A-F]{24,}\b`)

// The masking sink is a net below: what the engine says needs none, so it must not change anything but dumps.
func TestTheNetHasNothingToCatch(t *testing.T) {
	for _, args := range [][]string{{"run", "--verbose"}, {"run", "--json", "--verbose", "--lang", "zh", "--naive", "two-writes"}, {"card", "list"}} {
		var raw strings.Builder
		a := &app{stdout: &raw, stderr: io.Discard, now: testClock()}
		root := a.root() // not through run, which puts the sinks in front
		root.SetArgs(args)
		_ = root.Execute() // the naive variant fails
		masked, _, _ := posimRun(t, "", args...)
		before, after := strings.Split(withoutWall(raw.String()), "\n"), strings.Split(withoutWall(masked), "\n")
		if len(before) != len(after) {
			t.Fatalf("%v: %d lines become %d", args, len(before), len(after))
		}
		for i, line := range before {
			if after[i] != line && !dump.MatchString(line) {
				t.Errorf("%v: masking changes %q to %q", args, line, after[i])
			}
		}
	}
}

func TestInputIsMaskedInErrors(t *testing.T) {
	const number = "4761739001010119"
	for _, args := range [][]string{{number}, {"run", number}, {"run", "--seed", number + "x"}, {"replay", number}, {"card", "show", number},
		{"run", "--naive", number}, {"run", "--junit", number + "/x"}, {"decode", "tlv", "zz" + number}, {"run", "--lang", number}} {
		out, diag, status := posimRun(t, "", args...)
		if status == exitPassed || strings.Contains(out+diag, number) || diag == "" {
			t.Errorf("%s: status %d, %q %q", args[0], status, out, diag)
		}
	}
}

// A message of a sale with everything secret in it, decoded.
func TestDecodeISO(t *testing.T) {
	number, err := pan.Parse("4761739001010119")
	if err != nil {
		t.Fatal(err)
	}
	m := &dialect.Message{MTI: "0200", PrimaryAccountNumber: number, ProcessingCode: "000000", AmountTransaction: 10000, HasAmount: true,
		SystemsTraceAuditNumber: "000123", TimeLocalTransaction: "140511", DateLocalTransaction: "0302", POSEntryMode: "0021",
		Track2Data: "4761739001010119=29122011143844805", CardAcceptorTerminalIdentification: "SIM00001", CardAcceptorIdentificationCode: "SIM000000000001",
		CurrencyCodeTransaction: "0156", PINData: []byte{0xDE, 0xAD, 0xBE, 0xEF, 0xDE, 0xAD, 0xBE, 0xEF}}
	b, err := dialect.ISO87().Pack(m, func(dst *[8]byte, _ []byte) error { *dst = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}; return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, stdin := range []bool{false, true} {
		for _, flags := range [][]string{{}, {"--json"}} {
			in, arg := "", hex.EncodeToString(b)
			if stdin {
				in, arg = arg[:20]+"\r\n\t "+arg[20:], "-"
			}
			out, diag, status := posimRun(t, in, append(append([]string{"decode", "iso"}, flags...), arg)...)
			if status != exitPassed {
				t.Fatalf("status %d: %s", status, diag)
			}
			for _, want := range []string{"0200", "476173******0119", "000123", "SIM000000000001", "personal identification number"} {
				if !strings.Contains(out, want) {
					t.Errorf("%v: no %s in\n%s", flags, want, out)
				}
			}
			for _, secret := range []string{number.Digits(), "29122011143844805", "deadbeef", "1143844805"} {
				if strings.Contains(strings.ToLower(out), secret) {
					t.Errorf("%v: %s in\n%s", flags, secret, out)
				}
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("9F0206000000010000", false)
	f.Add("08000020000000000000000001", true)
	f.Add("7", true)
	f.Fuzz(func(t *testing.T, in string, iso bool) {
		kind := "tlv"
		if iso {
			kind = "iso"
		}
		out, diag, status := posimRun(t, in, "decode", kind, "-")
		switch {
		case status == exitPassed && diag != "":
			t.Errorf("passed, and says %q", diag)
		case status == exitFailed && (out != "" || !strings.HasPrefix(diag, "posim: ")):
			t.Errorf("failed: %q %q", out, diag)
		case status == exitMisuse:
			t.Error("misuse")
		}
	})
}

var errFull = errors.New("no space left on device")

// full is a disk with room for n bytes.
type full struct{ n int }

func (f *full) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestALostReportIsAFailure(t *testing.T) {
	for _, args := range [][]string{{"run"}, {"replay", "--json", "W01"}, {"card", "list"}, {"version"}, {"help"}} {
		var diag strings.Builder
		a := &app{stdout: &full{}, stderr: &diag, now: testClock()}
		if status := a.run(args); status != exitFailed || !strings.Contains(diag.String(), errFull.Error()) {
			t.Errorf("%v: status %d, %q", args, status, diag.String())
		}
	}
}

func TestColoursOnlyRepeatWords(t *testing.T) {
	var out strings.Builder
	a := &app{stdout: &out, stderr: io.Discard, now: testClock(), colours: true}
	a.run([]string{"replay", "W04"})
	plain, _, _ := posimRun(t, "", "replay", "W04")
	if !strings.Contains(out.String(), "\x1b[32mok  \x1b[0m") {
		t.Error("no colours")
	}
	if strings.Contains(plain, "\x1b") {
		t.Error("colours where nobody wants any")
	}
	if got := regexp.MustCompile(`\x1b\[[0-9]*m`).ReplaceAllString(out.String(), ""); withoutWall(got) != withoutWall(plain) {
		t.Error("without its colours the text differs")
	}
}

func TestProgress(t *testing.T) {
	var diag strings.Builder
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tick := make(chan time.Time)
	clock := now
	p := &progress{app: &app{stderr: &diag, now: func() time.Time { return clock }}, began: now, of: 3, tick: tick}
	results := make(chan *report)
	go func() {
		tick <- now // too early
		tick <- now
		results <- &report{}
	}()
	clock = now.Add(patience / 2)
	p.await(results, 0, "W01")
	if p.clear(); diag.String() != "" {
		t.Errorf("before a second: %q", diag.String())
	}
	clock = now.Add(patience)
	go func() {
		tick <- now
		results <- &report{}
	}()
	p.await(results, 1, "W02")
	p.clear()
	if want := "\r 1 of 3 done, running W02 ...\x1b[K\r\x1b[K"; diag.String() != want {
		t.Errorf("%q, want %q", diag.String(), want)
	}
}
