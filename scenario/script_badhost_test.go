package scenario

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// badHosts are what host: and desk: refuse, by the key that they stand under and the key in it that is wrong ("" is the value as a whole). ¦
// stands before the place that the error names, and want is what it says there.
var badHosts = []struct{ under, key, src, want string }{
	{"risk", "", `¦{}`, "want a list of 1 to 32 rules: [{from: 50000.00, days: 3, reason: large amount}]"},
	{"risk", "", `¦[]`, "want a list of 1 to 32 rules: [{from: 50000.00, days: 3, reason: large amount}]"},
	{"risk", "", `[¦x]`, "want a rule such as {from: 50000.00, days: 3, reason: large amount}"},
	{"risk", "", `[¦{days: 1, reason: x}]`, "want an amount above 0, and a range that ends behind it"},
	{"risk", "", `[{from: 1.00, days: 1, reason: x, ¦color: red}]`, `unknown key "color": want from, to, by, within, count, sum, opened, days, on-deadline, reason`},
	{"risk", "from", `[{from: ¦1, days: 1, reason: x}]`, "want an amount with two decimals such as 100.00"},
	{"risk", "from", `[{from: ¦0.00, days: 1, reason: x}]`, "want an amount above 0, and a range that ends behind it"},
	{"risk", "from", `[{from: 1.00, days: 1, reason: x}, {from: ¦2.00, days: 1, reason: x}]`, "overlap: the range before it has this amount, too"},
	{"risk", "from", `[{from: 1.00, to: 2.00, days: 1, reason: x}, {from: ¦2.02, days: 1, reason: x}]`, "gap: between the range before it and this one there are amounts that no rule has"},
	{"risk", "from", `[{by: card, within: 1h, count: 2, from: ¦1.00, days: 1, reason: x}]`, "a rule is about a single amount or counts, and not both"},
	{"risk", "to", `[{from: 1.00, to: ¦x, days: 1, reason: x}]`, "want an amount with two decimals such as 100.00"},
	{"risk", "to", `[{from: ¦2.00, to: 1.99, days: 1, reason: x}]`, "want an amount above 0, and a range that ends behind it"},
	{"risk", "by", `[{by: ¦shop, within: 1h, count: 2, days: 1, reason: x}]`, `unknown what sales are counted by "shop": want card, merchant, terminal`},
	{"risk", "by", `[{by: card, within: 1h, count: 2, days: 1, reason: x}, {by: ¦card, within: 1h, count: 3, days: 1, reason: x}]`, "overlap: rule 1 counts the same within the same time"},
	{"risk", "by", `[¦{within: 1h, count: 2, days: 1, reason: x}]`, "want by with within, and with count or sum"},
	{"risk", "within", `[{by: card, within: ¦10, count: 2, days: 1, reason: x}]`, "want a duration such as 10m or 24h"},
	{"risk", "within", `[{by: card, within: ¦-1h, count: 2, days: 1, reason: x}]`, "want a duration such as 10m or 24h"},
	{"risk", "within", `[{by: card, within: ¦745h, count: 2, days: 1, reason: x}]`, "745h0m0s: want more than nothing, and at most 744h0m0s"},
	{"risk", "count", `[{by: card, within: 1h, count: ¦1, days: 1, reason: x}]`, "want how many sales, a number from 2 to 1000"},
	{"risk", "count", `[{by: card, within: 1h, count: ¦1001, days: 1, reason: x}]`, "want how many sales, a number from 2 to 1000"},
	{"risk", "count", `[{by: card, within: 1h, count: ¦2, sum: 1.00, days: 1, reason: x}]`, "want a count of 2 or more, or a sum above 0"},
	{"risk", "sum", `[{by: card, within: 1h, sum: ¦1.0, days: 1, reason: x}]`, "want an amount with two decimals such as 100.00"},
	{"risk", "days", `[¦{from: 1.00, reason: x}]`, `missing key "days"`},
	{"risk", "days", `[{from: 1.00, days: ¦0, reason: x}]`, "want how many days it is held, a number from 1 to 180"},
	{"risk", "days", `[{from: 1.00, days: ¦181, reason: x}]`, "want how many days it is held, a number from 1 to 180"},
	{"risk", "days", `[{from: 1.00, days: ¦soon, reason: x}]`, "want how many days it is held, a number from 1 to 180"},
	{"risk", "on-deadline", `[{from: 1.00, days: 1, on-deadline: ¦keep, reason: x}]`, `unknown what happens at the deadline "keep": want release, return`},
	{"risk", "reason", `[¦{from: 1.00, days: 1}]`, `missing key "reason"`},
	{"risk", "reason", `[{from: 1.00, days: 1, reason: ¦[]}]`, "want a reason"},
	{"risk", "reason", `[{from: 1.00, days: 1, reason: ¦` + strings.Repeat("x", 129) + `}]`, "reason of 129 bytes: want 1 to 128"},
	{"risk", "opened", `[{by: terminal, within: 1h, opened: ¦0, reason: r}]`, "want how many openings, a number from 1 to 16"},
	{"risk", "opened", `[{by: terminal, within: 1h, opened: ¦17, reason: r}]`, "want how many openings, a number from 1 to 16"},
	{"risk", "opened", `[{by: ¦card, within: 1h, opened: 2, reason: r}]`, `"card": want terminal, whose case it is`},
	{"risk", "opened", `[{by: terminal, within: 1h, opened: 2, days: ¦3, reason: r}]`, "want none: a suspended terminal stays so until somebody lifts it"},
	{"risk", "opened", `[{by: terminal, within: 1h, opened: ¦2, count: 3, reason: r}]`, "want openings alone: no amount, count or sum beside them"},
	{"risk", "opened", `[¦{by: terminal, within: 1h, opened: 2}]`, `missing key "reason"`},
	{"risk", "opened", `[{by: terminal, within: ¦800h, opened: 2, reason: r}]`, "800h0m0s: want more than nothing, and at most 744h0m0s"},

	{"bank", "", `¦closed`, "want the merchant's account such as {account: closed}"},
	{"bank", "", `{account: open, ¦name: x}`, `unknown key "name": want account`},
	{"bank", "account", `¦{}`, `missing key "account"`},
	{"bank", "account", `{account: ¦lost}`, `unknown account "lost": want open, wrong, closed, frozen`},
	{"bank", "account", `{account: ¦1}`, `unknown account "1": want open, wrong, closed, frozen`},

	{"aggregator", "", `¦payeasy`, "want somebody who is paid for the merchant such as {name: payeasy, defaults: true}"},
	{"aggregator", "", `{name: payeasy, ¦days: 2}`, `unknown key "days": want name, defaults`},
	{"aggregator", "name", `¦{defaults: true}`, `missing key "name"`},
	{"aggregator", "name", `{name: ¦Pay Easy}`, "want a name of small letters, digits and -, as in loss:NAME"},
	{"aggregator", "name", `{name: ¦[]}`, "want a name"},
	{"aggregator", "defaults", `{name: payeasy, defaults: ¦often}`, "want true or false"},

	{"clearing", "", `¦20`, "want rules of clearing such as {days: 20}"},
	{"clearing", "", `¦{}`, "want days or offline-refused"},
	{"clearing", "", `{¦day: 20}`, `unknown key "day": want days, offline-refused`},
	{"clearing", "days", `{days: ¦0}`, "want how many days an item has, a number from 1 to 540"},
	{"clearing", "days", `{days: ¦541}`, "want how many days an item has, a number from 1 to 540"},
	{"clearing", "days", `{days: ¦20.5}`, "want how many days an item has, a number from 1 to 540"},
	{"clearing", "offline-refused", `{offline-refused: ¦issuer}`, `unknown bearer "issuer": want merchant, acquirer`},

	{"stand-in", "", `¦500.00`, "want what the switch approves in the issuer's place such as {limit: 500.00}"},
	{"stand-in", "", `{limit: 500.00, ¦days: 1}`, `unknown key "days": want limit, code`},
	{"stand-in", "limit", `¦{code: A2}`, `missing key "limit"`},
	{"stand-in", "limit", `{limit: ¦0.00}`, "want a limit of more than 0.00"},
	{"stand-in", "limit", `{limit: ¦500}`, "want an amount with two decimals such as 100.00"},
	{"stand-in", "limit", `{limit: ¦-1.00}`, "want a limit of more than 0.00"},
	{"stand-in", "code", `{limit: 500.00, code: ¦"05"}`, `unknown code of an approval in the issuer's place "05": want 11, A2, A4, A5, A6`},

	{"fail-over", "", `¦2s`, "want a second acquirer such as {after: 2s}"},
	{"fail-over", "", `{after: 2s, ¦times: 1}`, `unknown key "times": want after`},
	{"fail-over", "after", `¦{}`, `missing key "after"`},
	{"fail-over", "after", `{after: ¦2}`, "want a duration of at most 1m such as 2s"},
	{"fail-over", "after", `{after: ¦61s}`, "want a duration of at most 1m such as 2s"},
	{"fail-over", "after", `{after: ¦0s}`, "want a duration of at most 1m such as 2s"},
	{"fail-over", "after", `{after: ¦999us}`, "want a duration of at most 1m such as 2s"},

	{"plan", "", `¦[]`, "want the name of a fee plan"},
	{"plan", "", `¦cheapest`, `unknown fee plan "cheapest"`},
	{"plan", "", `¦0.6%`, `unknown fee plan "0.6%"`},
	{"fee", "", `0.6%, plan: ¦standard`, "a fee and a plan: want one of them"},
	{"settlement", "", `¦t2`, `unknown settlement "t2": want t1, d1, d0`},

	{"desk", "", `¦adjust`, "want a deed such as {adjust: 1}"},
	{"desk", "", `¦{}`, "want a deed: adjust, claim, charge-back, represent, write-off, release, return, reverse, correct-account, suspend, lift, opened"},
	{"desk", "", `{¦forgive: 1}`, `unknown key "forgive": want adjust, claim, charge-back, represent, write-off, release, return, reverse, correct-account, suspend, lift, opened, reason`},
	{"desk", "", `{adjust: 1, ¦claim: 1}`, "one deed a step, and this one has adjust already"},
	{"desk", "reason", `¦{reason: why}`, "want a deed: adjust, claim, charge-back, represent, write-off, release, return, reverse, correct-account, suspend, lift, opened"},
	{"desk", "reason", `{adjust: 1, reason: ¦[]}`, "want a reason"},
	{"desk", "adjust", `{adjust: ¦0}`, ofWhat}, {"desk", "adjust", `{adjust: ¦3}`, ofWhat}, {"desk", "adjust", `{adjust: ¦"00001"}`, ofWhat},
	{"desk", "claim", `{claim: ¦x}`, ofWhat}, {"desk", "charge-back", `{charge-back: ¦-1}`, ofWhat}, {"desk", "represent", `{represent: ¦{}}`, ofWhat},
	{"desk", "write-off", `{write-off: ¦all}`, ofWhat}, {"desk", "release", `{release: ¦9}`, ofWhat}, {"desk", "return", `{return: ¦terminal}`, ofWhat},
	{"desk", "reverse", `{reverse: ¦""}`, ofWhat},
	{"desk", "correct-account", `{correct-account: ¦lost}`, `unknown account "lost": want open, wrong, closed, frozen`},
	{"desk", "suspend", `{suspend: ¦1}`, `unknown thing "1": want terminal`},
	{"desk", "opened", `{opened: ¦1}`, `unknown thing "1": want terminal`},
	{"desk", "lift", `{lift: ¦host}`, `unknown thing "host": want terminal`},
}

const ofWhat = "want the number of an earlier transaction of the script, or a STAN of six digits in quotes"

// hostScript is a script with a value under a key, and the line that it is in.
func hostScript(under, value string) (src string, line int) {
	if under == "desk" {
		return header + "steps:\n  - sale: {amount: 1.00}\n  - desk: " + value + "\n" + ending, 6
	}
	return header + "host: {" + under + ": " + value + "}\nsteps:\n  - boot: {}\n" + ending, 4
}

func TestBadHostsAndDesks(t *testing.T) {
	known := testKnown
	known.Plan = func(name string) bool { return name == "standard" }
	for _, c := range badHosts {
		before, behind, marked := strings.Cut(c.src, "¦")
		src, line := hostScript(c.under, before+behind)
		prefix, _ := hostScript(c.under, before+"\x00")
		prefix, _, _ = strings.Cut(prefix, "\x00")
		column := utf8.RuneCountInString(prefix[strings.LastIndex(prefix, "\n")+1:]) + 1
		_, err := Parse("W06-x.yaml", []byte(src), known)
		var e *Error
		if !marked || !errors.As(err, &e) {
			t.Errorf("%s: %s: %v", c.under, c.src, err)
			continue
		}
		got, _, _ := strings.Cut(err.Error(), "\n")
		if want := fmt.Sprintf("W06-x.yaml:%d:%d: %s", line, column, c.want); got != want {
			t.Errorf("%s: %s:\n got %s\nwant %s", c.under, c.src, got, want)
		}
	}
}

// Each key that the parser says it knows has a case above in which it is wrong.
func TestEveryHostKeyHasABadScript(t *testing.T) {
	list := regexp.MustCompile(`unknown key "zzz": want (.*)`)
	for _, under := range []string{"risk", "bank", "aggregator", "clearing", "stand-in", "fail-over", "desk"} {
		value := "{zzz: 1}"
		if under == "risk" {
			value = "[{zzz: 1}]"
		}
		src, _ := hostScript(under, value)
		_, err := Parse("W06-x.yaml", []byte(src), testKnown)
		if err == nil {
			t.Fatalf("%s takes any key", under)
		}
		m := list.FindStringSubmatch(err.Error())
		if m == nil {
			t.Fatalf("%s: %v", under, err)
		}
		for _, key := range strings.Split(m[1], ", ") {
			if !slices.ContainsFunc(badHosts, func(c struct{ under, key, src, want string }) bool { return c.under == under && c.key == key }) {
				t.Errorf("%s: %s is never wrong", under, key)
			}
		}
	}
}
