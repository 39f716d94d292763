package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/scenario"
)

func scriptsPage(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/scripts.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml( wrong)?\n(.*?)^```$")

// The examples of docs/scripts.md do what the page says: whole scripts pass, those that are wrong on purpose print what stands
// below them, and lists of steps show what they expect.
func TestScriptsPageExamples(t *testing.T) {
	page := scriptsPage(t)
	t.Chdir(t.TempDir())
	whole, steps := 0, 0
	for _, block := range yamlBlock.FindAllStringSubmatch(page, -1) {
		wrong, text := block[1] != "", block[2]
		name, found := strings.CutPrefix(text, "name: ")
		if !found {
			steps++
			playSteps(t, text)
			continue
		}
		whole++
		name, _, _ = strings.Cut(name, "\n")
		file := strings.ReplaceAll(name, " ", "-") + ".yaml"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, diag, status := posimRun(t, "", "run", file); !wrong && status != exitPassed {
			t.Errorf("%s: status %d\n%s%s", file, status, out, diag)
		}
	}
	commands := commandLines(yamlBlock.ReplaceAllString(page, ""))
	if whole < 5 || steps < 4 || len(commands) < 2 {
		t.Errorf("%d scripts, %d lists of steps, %d commands", whole, steps, len(commands))
	}
	for _, c := range commands {
		out, diag, status := posimRun(t, "", c.args...)
		got := strings.Split(strings.TrimRight(out+diag, "\n"), "\n")
		if m := mismatch(c.lines, got); m != "" || status == exitPassed {
			t.Errorf("posim %v: status %d, and %q is not here in\n%s%s", c.args, status, m, out, diag)
		}
	}
}

// playSteps runs a list of steps. Of its end nothing is said on the page, so any will do.
func playSteps(t *testing.T, steps string) {
	t.Helper()
	l, _, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	var r *scenario.Result
	for n := 1; n <= 9 && (r == nil || !r.Passed); n++ {
		ends := strings.TrimSuffix(strings.Repeat("F0|F1|F2|F3, ", n), ", ")
		src := "name: Z1 steps\nzh: 步骤\ncard: visa-credit\nsteps:\n" + steps + "expect:\n  end: [" + ends + "]\n"
		s, err := scenario.Parse("Z1-steps.yaml", []byte(src), l.Known())
		if err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		r = l.Run(s, scenario.Options{Seed: 1})
		if f := r.Failure; f != nil && !strings.Contains(fmt.Sprint(f.Err), "transactions, found") {
			t.Errorf("%v %v\n%s", f.Err, f.Violations, steps)
			return
		}
	}
	if !r.Passed {
		t.Errorf("%v\n%s", r.Failure.Err, steps)
	}
}

// knownWords is what the parser itself says that it knows, in its answer to a word that it does not know, by the section of the
// page that must have each.
var knownWords = []struct{ section, script string }{
	{"The file", "zzz: 1"},
	{"The host", "host: {zzz: 1}"},
	{"The host", "host: {switch-code: {zzz: 1}}"},
	{"The host", "host: {refunds: {zzz: 1}}"},
	{"The host", "host: {refunds: {fee: zzz}}"},
	{"The host", "host: {refunds: {limit: zzz}}"},
	{"The host", "host: {refunds: {merchant: zzz}}"},
	{"The host", "host: {settlement: zzz}"},
	{"The host", "host: {risk: [{zzz: 1}]}"},
	{"The host", "host: {risk: [{from: 1.00, days: 1, on-deadline: zzz, reason: x}]}"},
	{"The host", "host: {bank: {zzz: 1}}"},
	{"The host", "host: {bank: {account: zzz}}"},
	{"The host", "host: {stand-in: {zzz: 1}}"},
	{"The host", "host: {clearing: {zzz: 1}}"},
	{"The desk", "steps: [{desk: {zzz: 1}}]"},
	{"Steps", "steps: [{zzz: 1}]"},
	{"Steps", "steps: [{wait: zzz}]"},
	{"Steps", "steps: [{calendar: zzz}]"},
	{"Steps", "steps: [{line: zzz}]"},
	{"A sale", "steps: [{sale: {zzz: 1}}]"},
	{"A sale", "steps: [{sale: {amount: 1.00, entry: zzz}}]"},
	{"The issuer", "steps: [{host: {zzz: 1}}]"},
	{"Other things at the till", "steps: [{void: {zzz: 1}}]"},
	{"Other things at the till", "steps: [{refund: {zzz: 1}}]"},
	{"Other things at the till", "steps: [{pre-auth: {zzz: 1}}]"},
	{"Other things at the till", "steps: [{completion: {zzz: 1}}]"},
	{"Other things at the till", "steps: [{login: {zzz: 1}}]"},
	{"Other things at the till", "steps: [{download: zzz}]"},
	{"Other things at the till", "steps: [{reprint: zzz}]"},
	{"Other things at the till", "steps: [{report: zzz}]"},
	{"Other things at the till", "steps: [{saf: zzz}]"},
	{"The issuer", "steps: [{host: {status: zzz}}]"},
	{"The issuer", "steps: [{host: {script: [{zzz: 1}]}}]"},
	{"The issuer", "steps: [{host: {script: [{when: zzz, command: zzz}]}}]"},
	{"The issuer", "steps: [{host: {script: [{when: after, command: zzz}]}}]"},
	{"What a step must show", "steps: [{boot: {}, expect: {zzz: 1}}]"},
	{"What a step must show", "steps: [{sale: {amount: 1.00}, expect: {outcome: zzz}}]"},
	{"What a step must show", "steps: [{boot: {}, expect: {journal: zzz}}]"},
	{"What a step must show", "steps: [{boot: {}, expect: {oda: zzz}}]"},
	{"What a step must show", "steps: [{boot: {}, expect: {state: zzz}}]"},
	{"What a step must show", "steps: [{boot: {}, expect: {orders: [zzz]}}]"},
	{"What a step must show", "steps: [{boot: {}, expect: {payout: [zzz]}}]"},
	{"The desk", "steps: [{boot: {}, expect: {items: [{zzz: 1}]}}]"},
	{"What a step must show", "steps: [{boot: {}, expect: {saf: [zzz]}}]"},
	{"What a step must show", "steps: [{boot: {}, expect: {batch: {zzz: 1}}}]"},
	{"What a step must show", "steps: [{boot: {}, expect: {batch: {state: zzz}}}]"},
	{"What a step must show", `steps: [{boot: {}, expect: {batch: {closed: "000001", result: zzz}}}]`},
	{"What a step must show", "steps: [{boot: {}, expect: {fields: {zzz: 1}}}]"},
	{"What a step must show", `steps: [{boot: {}, expect: {fields: {at: zzz, mti: "0200", de: 2}}}]`},
	{"Money, and the end", "steps: [{boot: {}, expect: {money: {zzz: 0.00}}}]"},
	{"Money, and the end", "expect: {zzz: 1}"},
	{"Money, and the end", "expect: {end: zzz}"},
}

// wanted is the list in what the parser says of zzz.
var wanted = regexp.MustCompile(`(?:unknown [a-z ]+ "zzz": want|want an end state:|want) ([A-Za-z0-9:-]+(?:, [A-Za-z0-9:-]+)*)`)

// complaint is what the parser says of a script with one key changed.
func complaint(t *testing.T, l *scenario.Library, changed string) string {
	t.Helper()
	src := changed + "\n"
	for _, line := range []string{"name: x", "zh: 一", "card: visa-credit", "steps: [{boot: {}}]", "expect: {end: F0}"} {
		if key, _, _ := strings.Cut(line, ":"); !strings.HasPrefix(changed, key+":") {
			src += line + "\n"
		}
	}
	_, err := scenario.Parse("Z1-x.yaml", []byte(src), l.Known())
	if err == nil {
		t.Fatalf("%s: accepted", changed)
	}
	return err.Error()
}

// Every key and word of the parser is in docs/scripts.md, and every one in the first column of its tables is the parser's.
func TestScriptsPageIsWhole(t *testing.T) {
	page := scriptsPage(t)
	l, _, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, k := range knownWords {
		said := complaint(t, l, k.script)
		m := wanted.FindStringSubmatch(said)
		if m == nil {
			t.Errorf("%s: %s", k.script, said)
			continue
		}
		text := section(t, page, k.section)
		for _, word := range strings.Split(strings.TrimSuffix(m[1], ", or"), ", ") {
			known = append(known, word)
			if !strings.Contains(text, "`"+word+"`") && !strings.Contains(text, "`{"+word+": ") {
				t.Errorf("%q says nothing of `%s`, which the parser knows: %s", k.section, word, k.script)
			}
		}
	}
	said := complaint(t, l, `steps: [{boot: {}, expect: {fields: {at: issuer, mti: "0200", de: 99, is: "1"}}}]`)
	_, elements, _ := strings.Cut(said, "want ")
	elements, _, _ = strings.Cut(elements, "\n")
	if !strings.Contains(page, elements) {
		t.Errorf("the page does not have: %s", elements)
	}
	rows := firstColumn(page, "key", "action", "outcome", "journal state", "end")
	if len(rows) < 70 {
		t.Errorf("%d rows", len(rows))
	}
	for _, word := range rows {
		if !slices.Contains(known, word) {
			t.Errorf("`%s` is on the page, and the parser does not know it", word)
		}
	}
}

// The faults and the replay ids that docs/scripts.md explains are ones.
func TestScriptsPageFaultsAndIDs(t *testing.T) {
	page := scriptsPage(t)
	faults, ids := firstColumn(page, "fault"), firstColumn(page, "ID")
	if len(faults) < 10 || len(ids) < 6 {
		t.Errorf("%d faults, %d ids", len(faults), len(ids))
	}
	for _, f := range faults {
		if _, err := scenario.ParseFault(f); err != nil {
			t.Error(err)
		}
	}
	for _, id := range ids {
		if out, diag, status := posimRun(t, "", "replay", id); status != exitPassed {
			t.Errorf("replay %s: status %d\n%s%s", id, status, out, diag)
		}
	}
}

// section is the text under one heading of a page.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	_, text, found := strings.Cut(page, "\n## "+heading+"\n")
	if !found {
		t.Fatalf("no section %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

var inCode = regexp.MustCompile("`([^`]+)`")

// firstColumn is what stands in the first column of the tables whose first column has one of these headings.
func firstColumn(page string, headings ...string) (all []string) {
	in := false
	for _, line := range strings.Split(page, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			in = false
			continue
		}
		switch cell := strings.TrimSpace(cells[1]); {
		case slices.Contains(headings, cell):
			in = true
		case in:
			for _, m := range inCode.FindAllStringSubmatch(cell, -1) {
				all = append(all, m[1])
			}
		}
	}
	return all
}
