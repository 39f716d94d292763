package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/spf13/cobra"
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
