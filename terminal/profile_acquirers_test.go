package terminal

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// acquirers are the profiles whose every value says where it comes from.
var acquirers = []string{
	"allinpay", "generic-international", "lakala", "ruiyinxin", "shengpay-esign", "shengpay-smart", "shengpay-traditional", "unionpay-merchant",
}

func document(t testing.TB, name string) string {
	t.Helper()
	src, err := os.ReadFile("../docs/" + name)
	must(t, err)
	return string(src)
}

// section is what stands under a heading of a document.
func section(t testing.TB, doc, heading string) string {
	t.Helper()
	_, after, ok := strings.Cut(doc, "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("no section %q", heading)
	}
	body, _, _ := strings.Cut(after, "\n## ")
	return body
}

func TestEveryProfileOfTheLibraryLoads(t *testing.T) {
	files, err := filepath.Glob("../testdata/terminals/*.yaml")
	must(t, err)
	tids, names := map[string]string{}, []string{}
	for _, file := range files {
		src, err := os.ReadFile(file)
		must(t, err)
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		names = append(names, name)
		p, err := ParseProfile(name, src)
		if err != nil {
			t.Error(err)
			continue
		}
		if other := tids[p.TID]; other != "" || !regexp.MustCompile(`^SIM000\d\d$`).MatchString(p.TID) {
			t.Errorf("%s: terminal number %s, which %q has", name, p.TID, other)
		}
		tids[p.TID] = name
	}
	for _, name := range acquirers {
		if !slices.Contains(names, name) {
			t.Errorf("no profile %s", name)
		}
	}
}

// mark is how a value says where it comes from: `# assumption`, or `# fact (SOURCE): WHAT`.
var mark = regexp.MustCompile(`# (?:assumption\b|fact \(([^)]+)\): .)`)

// unmarked are the lines of a profile with a value that does not say where it comes from, and the sources that are named.
func unmarked(src string) (lines, sources []string) {
	for _, line := range strings.Split(src, "\n") {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "#") || strings.HasSuffix(trimmed, ":") && !strings.Contains(trimmed, " ") {
			continue
		}
		m := mark.FindStringSubmatch(line)
		if m == nil {
			lines = append(lines, trimmed)
			continue
		}
		if m[1] != "" {
			sources = append(sources, strings.Split(m[1], ", ")...)
		}
	}
	return lines, sources
}

func TestEveryValueOfAnAcquirersProfileSaysWhereItComesFrom(t *testing.T) {
	known := section(t, document(t, "profiles.md"), "Sources")
	plans := section(t, document(t, "profiles.md"), "Plans")
	for _, name := range acquirers {
		src, err := os.ReadFile("../testdata/terminals/" + name + ".yaml")
		must(t, err)
		lines, sources := unmarked(string(src))
		for _, line := range lines {
			t.Errorf("%s: fact or assumption? %s", name, line)
		}
		for _, s := range sources {
			if !strings.Contains(known, "| "+s+" |") {
				t.Errorf("%s: source %q is not listed", name, s)
			}
		}
		p, err := ParseProfile(name, src)
		must(t, err)
		for _, plan := range []string{p.FeePlan, p.SettlementPlan} {
			if plan == "" || !strings.Contains(plans, "| `"+plan+"` |") {
				t.Errorf("%s: plan %q is not described", name, plan)
			}
		}
	}
	if lines, _ := unmarked("# a comment\nemv:\n  category: \"5411\"\ncarry: true # assumption\nfee: x # fact\n"); len(lines) != 2 {
		t.Errorf("found %q", lines)
	}
}
