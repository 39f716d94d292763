package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/posim/posim/hsm/clear"
)

// calculators are the commands that compute.
func calculators(t *testing.T) (all []*cobra.Command) {
	t.Helper()
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Flags().Lookup("json") != nil {
			all = append(all, c)
		}
		for _, under := range c.Commands() {
			switch under.Name() {
			case "inject", "list", "tamper": // on a module at rest
			default:
				walk(under)
			}
		}
	}
	for _, c := range (&app{}).root().Commands() {
		if c.Name() == "hsm" {
			walk(c)
		}
	}
	if len(all) < 16 {
		t.Fatalf("%d commands", len(all))
	}
	return all
}

// words splits an example as a shell does: blanks between words, ' around some.
func words(line string) (args []string) {
	for _, w := range argument.FindAllString(line, -1) {
		args = append(args, strings.Trim(w, "'"))
	}
	return args
}

// Every example of every help runs, in both forms, and every help says whose keys it is for.
func TestCalculatorExamples(t *testing.T) {
	for _, c := range calculators(t) {
		if !strings.Contains(c.Long, "Test keys only") {
			t.Errorf("%s: the help does not say so", c.CommandPath())
		}
		lines := strings.Split(strings.TrimSpace(c.Example), "\n")
		for _, line := range lines {
			rest, ok := strings.CutPrefix(strings.TrimSpace(line), c.CommandPath()+" ")
			if !ok {
				t.Errorf("%s: example %q", c.CommandPath(), line)
				continue
			}
			args := append(strings.Fields(c.CommandPath())[1:], words(rest)...)
			out, diag, status := posimRun(t, "", args...)
			if status != exitPassed || diag != "posim: hsm: "+testKeysOnly+"\n" || strings.Count(out, "\n") < 2 && !strings.Contains(line, "--json") {
				t.Errorf("%s: status %d\n%s%s", line, status, out, diag)
			}
			if out, _, _ = posimRun(t, "", append(args, "--json")...); !json.Valid([]byte(out)) || !strings.HasPrefix(out, "{\n") {
				t.Errorf("%s: %s", line, out)
			}
		}
	}
}

// What docs/hsm.md shows is what comes out behind the line that says whose keys it is for; every command is there, and every MAC.
func TestCalculatorPage(t *testing.T) {
	b, err := os.ReadFile("../../docs/hsm.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	all := commandLines(page)
	data := filepath.Join(t.TempDir(), "terminal")
	for _, c := range all {
		onStore := slices.Index(c.args, "DIR")
		if onStore >= 0 {
			c.args[onStore] = data
		}
		out, diag, _ := posimRun(t, "", c.args...)
		diag, begun := strings.CutPrefix(diag, "posim: hsm: "+testKeysOnly+"\n")
		begun = begun || onStore >= 0
		got := strings.Split(strings.TrimRight(out+diag, "\n"), "\n")
		if m := mismatch(c.lines, got); m != "" || !begun || len(c.lines) == 0 {
			t.Errorf("posim %v does not print %q here; it prints\n%s%s", c.args, m, out, diag)
		}
	}
	if len(all) < 25 {
		t.Errorf("%d commands", len(all))
	}
	for _, c := range calculators(t) {
		if !strings.Contains(page, "$ "+c.CommandPath()+" ") {
			t.Errorf("nothing of %s", c.CommandPath())
		}
	}
	for _, name := range clear.MACs() {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("nothing of %s", name)
		}
	}
}

// A key in digits looks like a card's number in one of some thousand cases; it comes out whole all the same, and a card's number in
// what was decrypted does not.
func TestComputedValuesAreNotMasked(t *testing.T) {
	const digits = "4761739001010119"
	block, _, status := posimRun(t, "", "hsm", "sm4", "--mode", "ecb", "--key", "0123456789ABCDEFFEDCBA9876543210", "--data", digits+digits)
	fields := strings.Fields(block)
	encrypted := fields[len(fields)-1]
	if status != exitPassed || len(encrypted) != 32 {
		t.Fatal(block)
	}
	out, _, _ := posimRun(t, "", "hsm", "sm4", "--mode", "ecb", "--key", "0123456789ABCDEFFEDCBA9876543210", "--data", encrypted, "--decrypt")
	if strings.Contains(out, digits) || !strings.Contains(out, "476173******0119") {
		t.Error(out)
	}
	out, _, _ = posimRun(t, "", "hsm", "components", "--cipher", "des", "--adjust-parity", "--component", "4761739001010118", "--component", "0000000000000001", "--json")
	if !strings.Contains(out, `"key_raw_xor": "`+digits+`"`) {
		t.Error(out)
	}
}

// A text in a sink and a value that passes it by come out in the order in which they were written.
func TestSinkKeepsOrder(t *testing.T) {
	var b strings.Builder
	s := newSink(&b)
	for range 2 {
		fmt.Fprint(s, "47617390")
		fmt.Fprint(s.unmasked(), "<4761739001010119>")
	}
	if err := s.Close(); err != nil || b.String() != "47617390<4761739001010119>47617390<4761739001010119>" {
		t.Error(b.String(), err)
	}
}
