package scenario

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/posim/posim/host"
)

const goodPlan = `title: A plan
title_zh: 方案
codes: ["8062"]
credit: [{from: 0.01, rate: 0.6%}]
debit: [{from: 0.01, to: 100.00, rate: 0.5%, minimum: 0.10}, {from: 100.01, rate: 0.5%, cap: 20.00, rounding: down}]
qr: [{from: 0.01, rate: 0.38%, rounding: up}]
`

func TestAPlanIsReadAsItIsWritten(t *testing.T) {
	p, err := ParsePlan("fees/a-plan.yaml", []byte(goodPlan))
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "a-plan" || p.Title != "A plan" || p.TitleZh != "方案" || !p.For("8062") || p.For("5411") {
		t.Errorf("%+v", p)
	}
	for _, c := range []struct {
		kind host.CardType
		n    int64
		want int64
	}{{host.Credit, 100, 1}, {host.Debit, 100, 10}, {host.Debit, 10000, 50}, {host.Debit, 399999, 1999}, {host.Debit, 6000000, 2000}, {host.QR, 100, 1}} {
		if got := p.Of(c.kind, c.n); got != c.want {
			t.Errorf("%s %d costs %d, want %d", c.kind, c.n, got, c.want)
		}
	}
}

func TestWhatIsNoPlanDoesNotLoad(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"title: A plan", "titel: A plan", `1:1: unknown key "titel"`},
		{"title_zh: 方案\n", "", `missing key "title_zh"`},
		{"qr: [{from: 0.01, rate: 0.38%, rounding: up}]\n", "", `missing key "qr"`},
		{"codes: [\"8062\"]", "codes: [8062]", "3:9: want a merchant category code"},
		{"codes: [\"8062\"]", "codes: [\"8062\", \"8062\"]", "3:17: merchant category 8062 stands here twice"},
		{"from: 0.01, rate: 0.6%", "from: 1.00, rate: 0.6%", "4:17: a gap: nothing says what 0.01 to 0.99 costs"},
		{"from: 100.01", "from: 100.02", "a gap: nothing says what 100.01 to 100.01 costs"},
		{"from: 100.01", "from: 100.00", "an overlap: the range before this one goes to 100.00"},
		{"from: 0.01, rate: 0.6%", "from: 0.01, to: 5.00, rate: 0.6%", "a gap: nothing says what more than 5.00 costs"},
		{"to: 100.00, ", "", "an overlap: this range has no end"},
		{"rate: 0.6%", "rate: 0.6", "want a fee from 0% to 100%"},
		{"rate: 0.6%", "rate: 101%", "want a fee from 0% to 100%"},
		{"rate: 0.6%", "rebate: 0.6%", `unknown key "rebate"`},
		{", rate: 0.6%", "", `missing key "rate"`},
		{"cap: 20.00", "cap: 0.00", "want a cap above 0.00"},
		{"cap: 20.00", "cap: 20.00, minimum: 20.01", "the cap is below the minimum"},
		{"rounding: up", "rounding: sideways", `unknown rounding "sideways"`},
		{goodPlan, "- 1\n", "1:1"},
		{goodPlan, "", "1:1"},
	} {
		src := strings.Replace(goodPlan, c.old, c.new, 1)
		_, err := ParsePlan("fees/a-plan.yaml", []byte(src))
		var where *Error
		if !errors.As(err, &where) || !strings.Contains(err.Error(), "fees/a-plan.yaml:") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.new, err, c.want)
		}
	}
}

// A terminal whose plan is not there, or is for other merchants, does not load.
func TestATerminalsPlanMustBeThere(t *testing.T) {
	generic, err := os.ReadFile("../testdata/terminals/generic.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ plan, want string }{
		{"a-plan", `that plan is not for merchant category`},
		{"another-plan", "there is no such fee plan: want one of a-plan"},
	} {
		files := fstest.MapFS{
			"cards/none":             {},
			"fees/a-plan.yaml":       {Data: []byte(goodPlan)},
			"terminals/generic.yaml": {Data: append(generic, "\nfee: "+c.plan+"\n"...)},
		}
		_, err := TestedLibrary(files)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "terminals/generic.yaml:") {
			t.Errorf("%s: %v, want %q", c.plan, err, c.want)
		}
	}
}

// Nor does one that is paid in a way that nobody knows; a script that says so is refused where it does.
func TestASettlementMustBeKnown(t *testing.T) {
	generic, err := os.ReadFile("../testdata/terminals/generic.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"cards/none": {}, "terminals/generic.yaml": {Data: append(generic, "\nsettlement: t9\n"...)}}
	if _, err := TestedLibrary(files); err == nil || !strings.Contains(err.Error(), `settlement "t9": want one of t1, d1, d0`) {
		t.Errorf("a profile: %v", err)
	}
	_, err = Parse("W01x-t9.yaml", []byte("name: x\nzh: 结算\ncard: visa-credit\nhost: {settlement: t9}\nsteps:\n  - boot: {}\nexpect: {end: F0}\n"), builtIn(t).Known())
	if err == nil || !strings.Contains(err.Error(), "W01x-t9.yaml:4:20") {
		t.Errorf("a script: %v", err)
	}
}

// FuzzPlan: what is no plan is an error with its place; no fee of what is one is below nothing or above its amount.
func FuzzPlan(f *testing.F) {
	f.Add([]byte(goodPlan), int64(100))
	f.Add([]byte(strings.Replace(goodPlan, "rate: 0.6%", "rate: 100%, rounding: half-even", 1)), int64(999_999_999_999))
	f.Add([]byte("credit: [{from: 0.01, to: 0.00, rate: 1%}]"), int64(-1))
	f.Fuzz(func(t *testing.T, src []byte, n int64) {
		p, err := ParsePlan("fees/x.yaml", src)
		if err != nil {
			var where *Error
			if !errors.As(err, &where) || where.Line < 1 {
				t.Fatalf("no place: %v", err)
			}
			return
		}
		n %= int64(maxMoney) + 1
		for _, kind := range host.CardTypes() {
			if fee := p.Of(kind, n); fee < 0 || fee > max(0, n) {
				t.Fatalf("%s of %d is %d", kind, n, fee)
			}
		}
	})
}
