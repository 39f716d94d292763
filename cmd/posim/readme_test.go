package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// commandLine is one command of the README and what it says comes out; "..." stands for lines that are left out.
type commandLine struct {
	args  []string
	lines []string
}

var (
	fence    = regexp.MustCompile("(?ms)^```\n(.*?)^```$")
	argument = regexp.MustCompile(`'[^']*'|\S+`)
)

func commandLines(text string) (all []commandLine) {
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		for _, line := range strings.Split(strings.TrimRight(block[1], "\n"), "\n") {
			if command, ok := strings.CutPrefix(line, "$ posim "); ok {
				t := commandLine{}
				for _, a := range argument.FindAllString(command, -1) {
					t.args = append(t.args, strings.Trim(a, "'"))
				}
				all = append(all, t)
				continue
			}
			if len(all) > 0 && strings.HasPrefix(block[1], "$ posim ") {
				last := &all[len(all)-1]
				last.lines = append(last.lines, line)
			}
		}
	}
	return all
}

// blanks align columns, whose width goes with the longest name in the library.
var blanks = regexp.MustCompile(` {2,}`)

// totals is the last line of a run, whose numbers change with every scenario that is added to the library.
var totals = regexp.MustCompile(`^ \d+ passed, 0 failed · .* of virtual time`)

func shape(line string) string {
	return blanks.ReplaceAllString(totals.ReplaceAllString(withoutWall(line), " N passed, 0 failed"), "  ")
}

// mismatch is the first line of the commandLine that the output does not have in its place; "" when all are there.
func mismatch(want, got []string) string {
	at, skip := 0, false
	for _, w := range want {
		if strings.TrimSpace(w) == "..." {
			skip = true
			continue
		}
		for skip && at < len(got) && shape(got[at]) != shape(w) {
			at++
		}
		if at == len(got) || shape(got[at]) != shape(w) {
			return w
		}
		at, skip = at+1, false
	}
	if at < len(got) && !skip {
		return "(and nothing after it)"
	}
	return ""
}

// What the README shows is what comes out, but for the real time it took.
func TestREADME(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := commandLines(string(b))
	if len(all) < 2 {
		t.Fatalf("%d commandLines", len(all))
	}
	for _, tr := range all {
		out, diag, status := posimRun(t, "", tr.args...)
		if status != exitPassed || diag != "" {
			t.Errorf("posim %v: status %d, %q", tr.args, status, diag)
		}
		if len(tr.lines) < 4 {
			t.Errorf("posim %v: a commandLine of %d lines", tr.args, len(tr.lines))
		}
		if m := mismatch(tr.lines, strings.Split(strings.TrimRight(out, "\n"), "\n")); m != "" {
			t.Errorf("posim %v does not print %q here; it prints\n%s", tr.args, m, out)
		}
	}
}

func TestTranscriptsAreCompared(t *testing.T) {
	got := []string{"a", "b", "c 1.0 ms", "d"}
	for _, c := range []struct {
		name string
		want []string
		ok   bool
	}{
		{"all lines", []string{"a", "b", "c 1.0 ms", "d"}, true},
		{"another real time", []string{"a", "b", "c     22.5 ms", "d"}, true},
		{"lines left out", []string{"a", "...", "d"}, true},
		{"the end left out", []string{"a", "..."}, true},
		{"a line that is not there", []string{"a", "...", "x", "..."}, false},
		{"a line missing", []string{"a", "c 1.0 ms", "d"}, false},
		{"the wrong order", []string{"...", "d", "...", "a"}, false},
		{"too short", []string{"a", "b"}, false},
	} {
		if m := mismatch(c.want, got); (m == "") != c.ok {
			t.Errorf("%s: %q", c.name, m)
		}
	}
}
