package posim_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/posim/posim/internal/pan"
)

// The rules that no reader can see at a glance. Each check takes a file and returns what is wrong with it, so that it can
// be shown to fail on planted text. Code is parsed; only prose and data are searched.

const module = "github.com/posim/posim"

// floors is the floor of each room; a room imports rooms of lower floors only. A test may import anything.
var floors = map[string]int{
	"": 0, "sim": 0, "internal/pan": 0, "internal/crypt": 0, "internal/crypt/known": 0, "internal/rules": 0, "emv/apdu": 0, "emv/tlv": 0,
	"internal/crypt/pinblock": 1, "internal/crypt/dukpt": 1, "internal/crypt/keyblock": 1, "internal/crypt/cardvalue": 1,
	"internal/wal": 1, "emv/security": 1, "transport": 1, "transport/dialect": 1, "transport/reader": 1,
	"emv": 2, "emv/card": 2, "hsm": 2, "hsm/clear": 2,
	"emv/purse": 3, "emv/transcript": 3, "docs/dialect-example": 3,
	"terminal": 4, "host": 4,
	"scenario":     5,
	"terminal/tui": 6, "posimtest": 6, "internal/vectors": 6,
	"cmd/posim": 7,
}

// outside is what a room may import besides the standard library and lower floors; a prefix of the import path.
var outside = map[string][]string{
	"internal/crypt":    {"github.com/emmansun/gmsm"},
	"emv/tlv":           {"github.com/moov-io/bertlv"},
	"transport/dialect": {"github.com/moov-io/iso8583"},
	"transport/reader":  {"go.bug.st/serial", "github.com/creack/pty", "golang.org/x/sys"},
	"emv":               {"golang.org/x/text"},
	"emv/card":          {"github.com/goccy/go-yaml"},
	"terminal":          {"github.com/goccy/go-yaml", "golang.org/x/text"},
	"terminal/tui":      {"github.com/gdamore/tcell", "golang.org/x/text"},
	"scenario":          {"github.com/goccy/go-yaml", "golang.org/x/text"},
	"cmd/posim":         {"github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/text"},
}

// source is one Go file.
type source struct {
	path string // from the root, with slashes
	file *ast.File
	set  *token.FileSet
}

func parse(t testing.TB, name string, src []byte) *source {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, name, src, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return &source{name, f, set}
}

func (s *source) room() string { return strings.TrimPrefix(path.Dir(s.path), ".") }

func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

func (s *source) problem(at token.Pos, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", s.path, s.set.Position(at).Line, fmt.Sprintf(format, args...))
}

// imports gives what s imports, by the name it has in the file.
func (s *source) imports() map[string]string {
	all := map[string]string{}
	for _, i := range s.file.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		name := path.Base(p)
		if rest := strings.TrimPrefix(name, "v"); rest != name && strings.Trim(rest, "0123456789") == "" {
			name = path.Base(path.Dir(p)) // math/rand/v2
		}
		if i.Name != nil {
			name = i.Name.Name
		}
		all[name] = p
	}
	return all
}

// checkFloors: who may import whom, and what from outside.
func checkFloors(s *source) (wrong []string) {
	if s.isTest() {
		return nil
	}
	room := s.room()
	floor, known := floors[room]
	if !known {
		return []string{s.problem(s.file.Package, "room %q stands on no floor", room)}
	}
	for _, i := range s.file.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		if p == module || strings.HasPrefix(p, module+"/") {
			other := strings.TrimPrefix(strings.TrimPrefix(p, module), "/")
			below, there := floors[other]
			if !there || below >= floor {
				wrong = append(wrong, s.problem(i.Pos(), "floor %d imports %q of floor %d", floor, other, below))
			}
			if other == "" && floor < 5 {
				wrong = append(wrong, s.problem(i.Pos(), "floor %d imports the library", floor))
			}
			if other == "hsm/clear" && room != "cmd/posim" && room != "internal/vectors" {
				wrong = append(wrong, s.problem(i.Pos(), "only cmd/posim and internal/vectors import hsm/clear"))
			}
			if (other == "internal/crypt" || strings.HasPrefix(other, "internal/crypt/")) && !mayCompute(room) {
				wrong = append(wrong, s.problem(i.Pos(), "%q imports %q: keys are the security module's", room, other))
			}
			continue
		}
		if first, _, _ := strings.Cut(p, "/"); !strings.Contains(first, ".") {
			continue // the standard library
		}
		if !slices.ContainsFunc(outside[room], func(allowed string) bool { return p == allowed || strings.HasPrefix(p, allowed+"/") }) {
			wrong = append(wrong, s.problem(i.Pos(), "%q does not import %s", room, p))
		}
	}
	return wrong
}

// mayCompute tells whether a room may hold clear keys: the security module, the calculator on test keys, the card and its issuer's
// mathematics, the runner of known answers, and the primitives themselves.
func mayCompute(room string) bool {
	first, _, _ := strings.Cut(room, "/")
	return first == "hsm" || first == "emv" || strings.HasPrefix(room, "internal/crypt") || room == "internal/vectors"
}

// checkKernel: emv knows no reader, clock, network or security module.
func checkKernel(s *source) (wrong []string) {
	if s.isTest() || s.room() != "emv" && !strings.HasPrefix(s.room(), "emv/") {
		return nil
	}
	for _, i := range s.file.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		inside := strings.TrimPrefix(p, module+"/")
		first, _, _ := strings.Cut(inside, "/")
		if inside != p && (first == "sim" || first == "transport" || first == "hsm") || p == "net" || strings.HasPrefix(p, "net/") || p == "os" {
			wrong = append(wrong, s.problem(i.Pos(), "the kernel imports %s", p))
		}
	}
	return wrong
}

// realPlaces are the files that stand in the real world, by pattern, each with why: only they may use real time and start
// goroutines. The kernel, the terminal, the host's machines and the module never do.
var realPlaces = map[string]string{
	"cmd/posim/*.go":            "the command line: what a run took, and one goroutine a script",
	"sim/wall*.go":              "the clock on real time",
	"transport/tcp*.go":         "sockets: one goroutine a line, which posts",
	"transport/reader/conn.go":  "a serial port: one goroutine, which posts",
	"transport/reader/slot.go":  "a slot opened on real hardware",
	"transport/reader/pcsc*.go": "the socket of the PC/SC daemon",
	"transport/reader/vpcd*.go": "the socket of the daemon's virtual reader",
	"host/server*.go":           "the host behind a listener",
	"host/admin*.go":            "the host's control connection",
	"scenario/live*.go":         "scripts against real hosts and readers",
}

func isRealPlace(name string) bool {
	for pattern := range realPlaces {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

// realTime is what reads or waits for real time. Types, durations and dates of package time are anybody's.
var realTime = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// seeded is what of math/rand takes a source.
var seeded = []string{"New", "NewPCG", "NewChaCha8", "NewSource", "NewZipf", "Rand", "PCG", "ChaCha8", "Source", "Zipf"}

// checkRealWorld: real time and goroutines in real places only, recover only at an actor's root in sim, no global randomness
// anywhere.
func checkRealWorld(s *source) (wrong []string) {
	if s.isTest() {
		return nil
	}
	imports := s.imports()
	allowed := isRealPlace(s.path)
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			if !allowed {
				wrong = append(wrong, s.problem(n.Pos(), "a go statement"))
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "recover" && s.room() != "sim" {
				wrong = append(wrong, s.problem(n.Pos(), "recover"))
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok {
				return true
			}
			p := imports[x.Name]
			if p == "time" && slices.Contains(realTime, n.Sel.Name) && !allowed {
				wrong = append(wrong, s.problem(n.Pos(), "%s.%s", p, n.Sel.Name))
			}
			if (p == "math/rand" || p == "math/rand/v2") && !slices.Contains(seeded, n.Sel.Name) {
				wrong = append(wrong, s.problem(n.Pos(), "%s.%s is global randomness", p, n.Sel.Name))
			}
		case *ast.ImportSpec:
			if n.Name != nil && n.Name.Name == "." {
				wrong = append(wrong, s.problem(n.Pos(), "a dot import hides what is used"))
			}
		}
		return true
	})
	return wrong
}

var brand = regexp.MustCompile(`(?i)visa|mastercard|unionpay|\bcup\b`)

// humps is where an identifier has its words: cupDebit is "cup Debit".
var humps = regexp.MustCompile(`([a-z0-9])([A-Z])|_`)

// checkBrands: terminal and host behave by profile and dialect, never by brand: no name and no text there has one.
func checkBrands(s *source) (wrong []string) {
	top, _, _ := strings.Cut(s.path, "/")
	if s.isTest() || top != "terminal" && top != "host" {
		return nil
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if brand.MatchString(n.Name) || brand.MatchString(humps.ReplaceAllString(n.Name, "$1 $2")) {
				wrong = append(wrong, s.problem(n.Pos(), "a brand in the name %s", n.Name))
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING && brand.MatchString(n.Value) {
				wrong = append(wrong, s.problem(n.Pos(), "a brand in %s", n.Value))
			}
		}
		return true
	})
	return wrong
}

// checkState: no init.
func checkState(s *source) (wrong []string) {
	if s.isTest() {
		return nil
	}
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			wrong = append(wrong, s.problem(f.Pos(), "an init function"))
		}
	}
	return wrong
}

// leaky are comparisons that take as long as what they compare is the same.
var leaky = map[string][]string{"bytes": {"Equal", "Compare", "HasPrefix"}, "slices": {"Equal", "Compare"}, "reflect": {"DeepEqual"}}

// checkCompare: where keys, PINs and MACs are, nothing is compared by a function that stops at the first difference.
func checkCompare(s *source) (wrong []string) {
	if s.isTest() || s.room() != "hsm" && !strings.HasPrefix(s.room(), "internal/crypt") {
		return nil
	}
	imports := s.imports()
	ast.Inspect(s.file, func(n ast.Node) bool {
		x, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if of, ok := x.X.(*ast.Ident); ok && slices.Contains(leaky[imports[of.Name]], x.Sel.Name) {
			wrong = append(wrong, s.problem(x.Pos(), "%s.%s among keys: want crypto/subtle", of.Name, x.Sel.Name))
		}
		return true
	})
	return wrong
}

// otherNumbers are committed runs of digits that look like card numbers and are none: each says what it is.
var otherNumbers = map[string]string{
	"31323334" + "353637":      "the text 1234567 in ASCII",
	"39343537" + "35394239":    "a MAC in ASCII, 945759B9",
	"6500000000" + "00020000":  "a CCID message",
	"4761739001010119" + "005": "a published test number made longer than a track takes",
}

var digitRun = regexp.MustCompile(`[0-9]+`)

// checkNumbers: no card number outside the published test ranges. It takes runs of 13 to 19 digits that begin like a
// payment card's and have the right check digit. A run inside other hexadecimal digits is a dump, not a number of a card.
func checkNumbers(name string, text []byte) (wrong []string) {
	for _, at := range digitRun.FindAllIndex(text, -1) {
		run := string(text[at[0]:at[1]])
		if len(run) < 13 || len(run) > 19 || run[0] < '3' || run[0] > '6' || otherNumbers[run] != "" || inHex(text, at[0], at[1]) {
			continue
		}
		p, err := pan.Parse(run)
		if err == nil && p.LuhnValid() && !pan.InTestRange(p) {
			wrong = append(wrong, fmt.Sprintf("%s:%d: %s is outside the published test ranges", name, 1+bytes.Count(text[:at[0]], []byte("\n")), p))
		}
	}
	return wrong
}

// inHex tells whether letters of hexadecimal digits touch the run. D does not count in front of a track's rest: a number
// with D and an expiry behind it is a track 2.
func inHex(text []byte, from, to int) bool {
	letter := func(i int) bool {
		return i >= 0 && i < len(text) && strings.IndexByte("abcdefABCDEF", text[i]) >= 0
	}
	return letter(from-1) || letter(to) && !track2.Match(text[to:min(len(text), to+8)])
}

var track2 = regexp.MustCompile(`^[Dd][0-9]{7}`)

// forbidden words; each is written in two halves so that this file does not hold it.
var forbidden = regexp.MustCompile(`\b(?:TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b|/wo` + `rk/|/ro` + `ot/|/ho` + `me/[a-z]`)

// checkWords: nothing unfinished and no path of anybody's machine.
func checkWords(name string, text []byte) (wrong []string) {
	for _, at := range forbidden.FindAllIndex(text, -1) {
		wrong = append(wrong, fmt.Sprintf("%s:%d: %q", name, 1+bytes.Count(text[:at[0]], []byte("\n")), text[at[0]:at[1]]))
	}
	return wrong
}

var codeChecks = map[string]func(*source) []string{
	"floors": checkFloors, "kernel": checkKernel, "real world": checkRealWorld, "brands": checkBrands, "state": checkState, "constant time": checkCompare,
}

var textChecks = map[string]func(string, []byte) []string{"card numbers": checkNumbers, "words": checkWords}

// files are the text files of the repository; what .gitignore names is not committed.
func files(t *testing.T) map[string][]byte {
	t.Helper()
	const largest = 8 << 20
	all := map[string][]byte{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		slash := filepath.ToSlash(name)
		switch {
		case d.IsDir() && slash == ".git":
			return fs.SkipDir
		case !d.Type().IsRegular() || slash == "posim" || strings.HasSuffix(slash, ".test") || strings.HasSuffix(slash, ".prof"):
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if len(b) > largest {
			t.Errorf("%s: %d bytes: too large to be committed", slash, len(b))
		}
		if !bytes.Contains(b, []byte{0}) {
			all[slash] = b
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTidy(t *testing.T) {
	all := files(t)
	if len(all) < 100 {
		t.Fatalf("only %d files: is this the root?", len(all))
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, check := range textChecks {
			for _, wrong := range check(name, all[name]) {
				t.Error(wrong)
			}
		}
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		s := parse(t, name, all[name])
		for _, check := range codeChecks {
			for _, wrong := range check(s) {
				t.Error(wrong)
			}
		}
	}
}

// Every check finds what is planted, and lets what is allowed pass.
func TestTidyFindsWhatIsPlanted(t *testing.T) {
	const live = "491600000" + "0000005" // no published test number
	for _, c := range []struct {
		name, check, path, src string
		found                  bool
	}{
		{"a floor imports its own", "floors", "terminal/x.go", `package terminal; import _ "github.com/posim/posim/host"`, true},
		{"a floor imports a higher one", "floors", "hsm/x.go", `package hsm; import _ "github.com/posim/posim/scenario"`, true},
		{"a low floor imports the library", "floors", "host/x.go", `package host; import _ "github.com/posim/posim"`, true},
		{"an unknown room", "floors", "util/x.go", `package util`, true},
		{"a room imports an unknown room", "floors", "terminal/x.go", `package terminal; import _ "github.com/posim/posim/util"`, true},
		{"a library in the wrong room", "floors", "hsm/x.go", `package hsm; import _ "github.com/moov-io/iso8583"`, true},
		{"a library whose name begins alike", "floors", "emv/tlv/x.go", `package tlv; import _ "github.com/moov-io/bertlvx"`, true},
		{"a library in its room", "floors", "emv/tlv/x.go", `package tlv; import _ "github.com/moov-io/bertlv"`, false},
		{"a lower floor", "floors", "terminal/x.go", `package terminal; import _ "github.com/posim/posim/emv"`, false},
		{"a test may", "floors", "terminal/x_test.go", `package terminal; import _ "github.com/posim/posim/host"`, false},

		{"clear keys in the terminal", "floors", "terminal/x.go", `package terminal; import _ "github.com/posim/posim/internal/crypt/dukpt"`, true},
		{"the calculator in the terminal", "floors", "terminal/x.go", `package terminal; import _ "github.com/posim/posim/hsm/clear"`, true},
		{"the calculator in the command line", "floors", "cmd/posim/x.go", `package main; import _ "github.com/posim/posim/hsm/clear"`, false},
		{"clear keys in the module", "floors", "hsm/x.go", `package hsm; import _ "github.com/posim/posim/internal/crypt/dukpt"`, false},
		{"a leaky comparison", "constant time", "hsm/x.go", `package hsm; import "bytes"; func f(a, b []byte) bool { return bytes.Equal(a, b) }`, true},
		{"a leaky comparison, renamed", "constant time", "internal/crypt/dukpt/x.go", `package dukpt; import b "bytes"; var _ = b.Compare`, true},
		{"a comparison elsewhere", "constant time", "host/x.go", `package host; import "bytes"; var _ = bytes.Equal`, false},
		{"a comparison in constant time", "constant time", "hsm/x.go", `package hsm; import "crypto/subtle"; var _ = subtle.ConstantTimeCompare`, false},

		{"the kernel and the clock", "kernel", "emv/x.go", `package emv; import _ "github.com/posim/posim/sim"`, true},
		{"the kernel and a reader", "kernel", "emv/card/x.go", `package card; import _ "github.com/posim/posim/transport/reader"`, true},
		{"the kernel and a module", "kernel", "emv/x.go", `package emv; import _ "github.com/posim/posim/hsm"`, true},
		{"the kernel and the network", "kernel", "emv/x.go", `package emv; import _ "net/http"`, true},
		{"the kernel and its parts", "kernel", "emv/x.go", `package emv; import _ "github.com/posim/posim/emv/tlv"`, false},

		{"real time", "real world", "emv/x.go", `package emv; import "time"; var _ = time.Now`, true},
		{"real time renamed", "real world", "host/x.go", `package host; import clock "time"; func f() { clock.Sleep(1) }`, true},
		{"a duration", "real world", "host/x.go", `package host; import "time"; const x = time.Second`, false},
		{"real time in the command line", "real world", "cmd/posim/x.go", `package main; import "time"; var _ = time.Now`, false},
		{"a goroutine in the host's machine", "real world", "host/issuer.go", `package host; func f() { go f() }`, true},
		{"a goroutine in the host's listener", "real world", "host/server.go", `package host; func f() { go f() }`, false},
		{"global randomness in a real place", "real world", "cmd/posim/x.go", `package main; import "math/rand"; var _ = rand.Int`, true},
		{"recover in a real place", "real world", "cmd/posim/x.go", `package main; func f() { defer func() { _ = recover() }() }`, true},
		{"global randomness", "real world", "sim/x.go", `package sim; import "math/rand/v2"; var _ = rand.IntN`, true},
		{"a seeded source", "real world", "sim/x.go", `package sim; import "math/rand/v2"; var _ = rand.New(rand.NewPCG(1, 2))`, false},
		{"a goroutine", "real world", "terminal/x.go", `package terminal; func f() { go f() }`, true},
		{"recover", "real world", "terminal/x.go", `package terminal; func f() { defer func() { _ = recover() }() }`, true},
		{"recover at an actor's root", "real world", "sim/x.go", `package sim; func f() { defer func() { _ = recover() }() }`, false},
		{"a dot import", "real world", "host/x.go", `package host; import . "time"; var _ = Now`, true},

		{"a brand in an if", "brands", "terminal/x.go", `package terminal; func f(s string) bool { return s == "Visa" }`, true},
		{"a brand in a name", "brands", "host/x.go", `package host; func cupDebit() {}`, true},
		{"a brand in a name, in capitals", "brands", "host/x.go", `package host; const isUnionPay = true`, true},
		{"a brand in a comment", "brands", "host/x.go", "package host // as Visa has it\n", false},
		{"a word that holds one", "brands", "host/x.go", `package host; const occupied = "cupboard"`, false},
		{"a brand in a dialect", "brands", "transport/dialect/x.go", `package dialect; const x = "cup"`, false},

		{"an init", "state", "hsm/x.go", `package hsm; func init() {}`, true},
		{"a method named so", "state", "hsm/x.go", `package hsm; type x int; func (x) init() {}`, false},

		{"a live card number", "card numbers", "a.yaml", "pan: " + live, true},
		{"a live card number in a track", "card numbers", "a.txt", live + "D29122011", true},
		{"a published test number", "card numbers", "a.yaml", "pan: 4761739001010119", false},
		{"a wrong check digit", "card numbers", "a.yaml", "pan: 4916000000000006", false},
		{"digits of a dump", "card numbers", "a.txt", "AF" + live, false},

		{"something to do", "words", "a.md", "TO" + "DO: more", true},
		{"a machine's path", "words", "a.md", "see /wo" + "rk/main", true},
		{"a harmless text", "words", "a.md", "work in progress", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var found []string
			if check := codeChecks[c.check]; check != nil {
				found = check(parse(t, c.path, []byte(c.src)))
			} else {
				found = textChecks[c.check](c.path, []byte(c.src))
			}
			if (len(found) > 0) != c.found {
				t.Errorf("found %q", found)
			}
		})
	}
}
