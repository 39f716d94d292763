package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
)

// fullScript has every key once.
const fullScript = `---
# every key once
name: W99 everything
zh: 全部
about: one sentence
card: visa-credit
terminal: generic
host: {fee: 0.6%}
faults: ["net.rsp[0210#2].lose"]
steps:
  - sale: {amount: 100.00, pin: ["9999", "", "1234"], card: mc-credit, entry: [chip, swipe], choose: 2, force-online: true, cancel: true}
    faults: ["iss.rsp[0210].delay(35s)", 'term[write#3].power-off(torn)']
    expect:
      outcome: approved
      screen: ["APPROVED", 交易成功]
      receipt: AMOUNT 100.00
      code: "00"
      journal: ReversalDue
      messages: ["0200", "0210/00", "0400/98"]
      fields:
        - {at: acquirer, mti: "0200", n: 2, de: 22, is: "0051"}
        - {at: issuer, mti: "0200", de: 52, absent: true}
        - {at: issuer, mti: "0200", de: 55, tag: CVMResults, is: "420300"}
      oda: DDA
      tags: {9F34: "020300", TVR: "0000008000", 9B: "E800"}
      money: {cardholder: -100.00, "loss:switch": 1.00}
      state: idle
  - wait: reversal
  - wait: 65s
    expect: {receipt: none, journal: [approved, reversed], messages: []}
  - off: {}
  - boot: {}
    expect: {journal: []}
  - calendar: payout
  - calendar: 2026-03-05
  - host:
      card: mc-credit
      status: lost
      balance: 50.00
      answer: "01"
      script:
        - {when: before, command: put-data, tag: 9F58, value: "05"}
        - {when: after, command: change-pin, pin: "4321"}
        - {when: after, command: update-record, sfi: 2, record: 3, value: "7000"}
        - {when: csu, command: block-card}
    expect: {orders: [due, sent, done, failed]}
  - sign-on: {}
  - line: down
  - disk: {damage: journal}
  - disk: {repair: journal}
  - disk: {full: true}
  - disk: {full: false}
expect:
  end: [F2, F0|F1]
  money: {cardholder: 0.00, loss:switch: -1.00}
  journal: approved
`

var testKnown = Known{
	Card:     func(name string) bool { return name == "visa-credit" || name == "mc-credit" },
	Terminal: func(name string) bool { return name == "generic" },
}

func mustParse(t testing.TB, src string) *Script {
	t.Helper()
	s, err := Parse("W99-x.yaml", []byte(src), testKnown)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func want(text string) Want[string] { return Want[string]{Value: text, Pos: Pos{Line: 1}} }

func TestParseReadsEveryKey(t *testing.T) {
	fee, balance := Rate(60), Money(5000)
	expected := &Script{
		ID: "W99", File: "W99-x.yaml", Name: "W99 everything", Zh: "全部", About: "one sentence",
		Card: "visa-credit", Terminal: "generic", Host: Host{Fee: &fee},
		Faults: []Fault{{Spec: "net.rsp[0210#2].lose", Seam: "net.rsp", Event: "0210", N: 2, Kind: "lose"}},
		Steps: []Step{
			{
				Do:   "sale",
				Task: &Task{Function: terminal.FunctionSale, Number: 1, Amount: 10000, PINs: []PIN{{"9999"}, {}, {"1234"}}, Card: "mc-credit", Entries: []string{"chip", "swipe"}, Choose: 2, ForceOnline: true, Cancel: true},
				Faults: []Fault{
					{Spec: "iss.rsp[0210].delay(35s)", Seam: "iss.rsp", Event: "0210", N: 1, Kind: "delay", Duration: 35 * time.Second},
					{Spec: "term[write#3].power-off(torn)", Seam: "term", Event: "write", N: 3, Kind: "power-off", Image: "torn"},
				},
				Expect: &Expect{
					Outcome:  want("approved"),
					Screen:   []Want[string]{want("APPROVED"), want("交易成功")},
					Receipt:  []Want[string]{want("AMOUNT 100.00")},
					Code:     want("00"),
					Journal:  Journal{Last: true, States: []Want[string]{want("reversaldue")}},
					Messages: Want[[]Message]{Value: []Message{{MTI: "0200"}, {MTI: "0210", Code: "00"}, {MTI: "0400", Code: "98"}}},
					Fields: []Field{
						{At: "acquirer", MTI: "0200", N: 2, DE: 22, Is: "0051"},
						{At: "issuer", MTI: "0200", N: 1, DE: 52, Absent: true},
						{At: "issuer", MTI: "0200", N: 1, DE: 55, Tag: 0x9F34, Is: "420300"},
					},
					ODA: want("DDA"),
					Tags: []Tag{
						{Name: "9F34", Tag: 0x9F34, Value: []byte{2, 3, 0}},
						{Name: "TVR", Tag: 0x95, Value: []byte{0, 0, 0, 0x80, 0}},
						{Name: "9B", Tag: 0x9B, Value: []byte{0xE8, 0}},
					},
					Money: []Position{{Party: "cardholder", Amount: -10000}, {Party: "loss:switch", Amount: 100}},
					State: want("idle"),
				},
			},
			{Do: "wait", Wait: &Wait{For: "reversal"}},
			{Do: "wait", Wait: &Wait{Duration: 65 * time.Second}, Expect: &Expect{
				NoReceipt: Want[bool]{Value: true},
				Journal:   Journal{States: []Want[string]{want("approved"), want("reversed")}},
			}},
			{Do: "off"},
			{Do: "boot", Expect: &Expect{}},
			{Do: "calendar", Calendar: &Calendar{Event: "payout"}},
			{Do: "calendar", Calendar: &Calendar{Date: time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)}},
			{Do: "host", Host: &Host{Card: "mc-credit", Status: "lost", Balance: &balance, Answer: "01", Script: []ScriptOrder{
				{Order: host.ScriptOrder{When: "before", Command: "put-data", Tag: 0x9F58, Value: []byte{5}}},
				{Order: host.ScriptOrder{When: "after", Command: "change-pin"}, PIN: PIN{"4321"}},
				{Order: host.ScriptOrder{When: "after", Command: "update-record", SFI: 2, Record: 3, Value: []byte{0x70, 0}}},
				{Order: host.ScriptOrder{When: "csu", Command: "block-card"}},
			}}, Expect: &Expect{Orders: Want[[]string]{Value: []string{"due", "sent", "done", "failed"}}}},
			{Do: "sign-on"},
			{Do: "line", Line: "down"},
			{Do: "disk", Disk: "damage"},
			{Do: "disk", Disk: "repair"},
			{Do: "disk", Disk: "full"},
			{Do: "disk", Disk: "free"},
		},
		Expect: End{
			Ends:    []Want[[]string]{{Value: []string{"F2"}}, {Value: []string{"F0", "F1"}}},
			Money:   []Position{{Party: "cardholder"}, {Party: "loss:switch", Amount: -100}},
			Journal: Journal{Last: true, States: []Want[string]{want("approved")}},
		},
	}
	got := mustParse(t, fullScript)
	if diff := cmp.Diff(expected, got, cmp.AllowUnexported(PIN{}), cmpopts.IgnoreUnexported(Script{}), cmpopts.IgnoreTypes(Pos{})); diff != "" {
		t.Error("(-want +got)\n", diff)
	}
}

func TestExpectationsKeepTheirPlaces(t *testing.T) {
	s := mustParse(t, fullScript)
	e := s.Steps[0].Expect
	for _, c := range []struct {
		name string
		pos  Pos
		want Pos
	}{
		{"step", s.Steps[0].Pos, Pos{11, 5, 4}},
		{"fault", s.Steps[0].Faults[1].Pos, Pos{12, 42, 31}},
		{"outcome", e.Outcome.Pos, Pos{14, 16, 8}},
		{"second screen", e.Screen[1].Pos, Pos{15, 28, 4}},
		{"journal", e.Journal.Pos, Pos{18, 16, 11}},
		{"message", e.Messages.Value[1].Pos, Pos{19, 26, 9}},
		{"field", e.Fields[0].Pos, Pos{21, 57, 6}},
		{"tag", e.Tags[2].Pos, Pos{25, 53, 6}},
		{"money", e.Money[1].Pos, Pos{26, 51, 4}},
		{"silence", s.Steps[2].Expect.Messages.Pos, Pos{30, 70, 1}},
		{"empty journal", s.Steps[4].Expect.Journal.Pos, Pos{33, 23, 1}},
		{"no receipt", s.Steps[2].Expect.NoReceipt.Pos, Pos{30, 23, 4}},
		{"end", s.Expect.Ends[1].Pos, Pos{54, 13, 5}},
		{"loss in braces", s.Expect.Money[1].Pos, Pos{55, 42, 5}},
	} {
		if c.pos != c.want {
			t.Errorf("%s at %v, want %v", c.name, c.pos, c.want)
		}
	}
	if e.Screen[0].Set() != true || (Want[string]{}).Set() {
		t.Error("a zero Want is not set, one with a place is")
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range badScripts {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("W06-x.yaml", []byte(c.src), testKnown)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Error("(-want +got)\n", diff)
			}
		})
	}
}

func TestParseLimitsTheFile(t *testing.T) {
	comment := "#" + strings.Repeat("x", maxFile-len(fullScript)-2) + "\n"
	if _, err := Parse("W99-x.yaml", []byte(fullScript+comment), testKnown); err != nil {
		t.Error("a file of 256 KiB:", err)
	}
	_, err := Parse("W99-x.yaml", []byte(fullScript+comment+"#"), testKnown)
	if err == nil || err.Error() != "W99-x.yaml:1:1: the file is longer than 256 KiB" {
		t.Error("a byte more:", err)
	}
}

func TestParseTakesTheIDFromTheFileName(t *testing.T) {
	src := header + "steps:\n  - boot: {}\n" + ending
	for file, id := range map[string]string{
		"W04-approval-lost.yaml": "W04", "W43a-x.yaml": "W43a", "mine.yaml": "mine", "dir.d/W01s-x.y-z.yml": "W01s",
	} {
		s, err := Parse(file, []byte(src), Known{})
		if err != nil || s.ID != id || s.File != file {
			t.Errorf("%s: id %v, error %v, want id %s", file, s, err, id)
		}
	}
	for _, file := range []string{"", "-x.yaml", "W04.1-x.yaml", "W,1-x.yaml", "W#1.yaml"} {
		if _, err := Parse(file, []byte(src), Known{}); err == nil || !strings.Contains(err.Error(), "file name starts with its id") {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestParseReadsOtherLineEnds(t *testing.T) {
	s, err := Parse("W99-x.yaml", []byte("\uFEFF"+strings.ReplaceAll(fullScript, "\n", "\r\n")), testKnown)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Expect.Ends[1].Pos, (Pos{54, 13, 5}); got != want {
		t.Errorf("end at %v, want %v", got, want)
	}
}

func TestErrorfQuotesTheFailedLine(t *testing.T) {
	s := mustParse(t, header+"steps:\n  - sale: {amount: 1.00, pin: \"1234\"}\nexpect:\n  end: F2\n"+
		"  money: {cardholder: 0.00, merchant: 0.00}\n")
	e := s.Errorf(s.Expect.Money[0].Pos, "found %v: the debit was never reversed", Money(-10000))
	wantReport := `W99-x.yaml:8:23
    8 |   money: {cardholder: 0.00, merchant: 0.00}
      |                       ^^^^ found -100.00: the debit was never reversed`
	wantError := `W99-x.yaml:8:23: found -100.00: the debit was never reversed
    8 |   money: {cardholder: 0.00, merchant: 0.00}
      |                       ^^^^`
	if diff := cmp.Diff(wantReport, e.Report()); diff != "" {
		t.Error("report (-want +got)\n", diff)
	}
	if diff := cmp.Diff(wantError, e.Error()); diff != "" {
		t.Error("error (-want +got)\n", diff)
	}
	if e := s.Errorf(Pos{}, "x"); e.Error() != "W99-x.yaml:1:1: x" || e.Report() != e.Error() {
		t.Errorf("without a place: %q", e.Error())
	}
	if e := s.Errorf(Pos{Line: 99, Column: 1}, "x"); e.Error() != "W99-x.yaml:99:1: x" {
		t.Errorf("behind the end: %q", e.Error())
	}
}

func TestErrorsMaskPINsAndCardNumbers(t *testing.T) {
	for _, src := range []string{
		`  - sale: {pin: "8352"`,
		`  - sale: {"pin": '8352'`,
		`  - sale: {pin: 8352, x: 1}`,
		"  - sale: {pin: [\"8352\",\n \"8352\"], x: 1}",
		"  - sale:\n      pin:\n        - \"8352\"\n        - 8352\n      x: y",
		"  - sale:\n      pin: >\n        8352\n",
		`  - sale: {PIN: "8352"}`,
		`  - x: {at: y, is: "4761739001010119=8352"}`,
	} {
		_, err := Parse("W99-x.yaml", []byte(header+"steps:\n"+src+"\n  - wait: [}\n"), testKnown)
		if err == nil {
			t.Fatalf("%q is a script", src)
		}
		s := &Script{doc: &document{text: src}}
		for line := 1; line <= strings.Count(src, "\n")+1; line++ {
			e := s.Errorf(Pos{line, 1, 1}, "card 4761739001010119")
			if strings.Contains(e.Error(), "8352") || strings.Contains(e.Error(), "900101") || e.Quote == "" {
				t.Errorf("%q shows a PIN or a card number:\n%v", src, e)
			}
		}
		if strings.Contains(err.Error(), "8352") {
			t.Errorf("%q shows a PIN:\n%v", src, err)
		}
	}
}

func TestPINPrintsAsAsterisks(t *testing.T) {
	sale := Task{PINs: []PIN{{"8352"}}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if text := fmt.Sprintf(verb, sale); strings.Contains(text, "8352") || strings.Contains(text, "38333532") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
	if b, err := sale.PINs[0].MarshalText(); err != nil || string(b) != "****" {
		t.Errorf("marshals as %q, %v", b, err)
	}
	if sale.PINs[0].Digits() != "8352" {
		t.Error("Digits is not what is typed")
	}
}

// library reads the scripts that come with the program.
func library(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	names, err := fs.Glob(os.DirFS("../testdata/scenarios"), "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join("../testdata/scenarios", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = b
	}
	if len(files) < 30 {
		t.Fatalf("%d scripts in the library, want 30 or more", len(files))
	}
	return files
}

func TestLibraryScriptsAreWellFormed(t *testing.T) {
	cards := Known{Card: func(name string) bool {
		_, err := os.Stat(filepath.Join("../testdata/cards", name+".yaml"))
		return err == nil
	}}
	ids := map[string]string{}
	for name, src := range library(t) {
		s, err := Parse(name, src, cards)
		if err != nil {
			t.Error(err)
			continue
		}
		if other, doubled := ids[s.ID]; doubled {
			t.Errorf("%s and %s have one id", name, other)
		}
		ids[s.ID] = name
		if !strings.HasPrefix(s.Name, s.ID+" ") || s.About == "" {
			t.Errorf("%s: name %q, about %q: want a name that starts with the id, and a sentence", name, s.Name, s.About)
		}
		if !slices.ContainsFunc([]rune(s.Zh), func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: zh %q is not Chinese", name, s.Zh)
		}
	}
}

func BenchmarkParseLibrary(b *testing.B) {
	files := library(b)
	b.ReportAllocs()
	for b.Loop() {
		for name, src := range files {
			if _, err := Parse(name, src, Known{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
