package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/posim/posim/terminal"
)

// results runs the library and lists what must be the same from run to run.
func results(t *testing.T, o Options) string {
	l := builtIn(t)
	var b strings.Builder
	for _, s := range allScripts(t, l) {
		r := l.Run(s, o)
		b.WriteString(r.ID + " " + r.End + " " + r.Virtual.String() + " " + hash(r) + "\n")
	}
	return b.String()
}

func hash(r *Result) string { return fmt.Sprintf("%016x", r.EventHash) }

func TestOneSeedGivesTheSameBytes(t *testing.T) {
	first := results(t, Options{Seed: 1})
	if again := results(t, Options{Seed: 1}); again != first {
		t.Errorf("two runs differ:\n%s\n%s", first, again)
	}
	told := 0
	watched := results(t, Options{Seed: 1, Story: func(x Line) { told += len(x.In(terminal.Chinese)) }})
	if watched != first || told == 0 {
		t.Errorf("a run that is watched differs:\n%s\n%s", first, watched)
	}
	if other := results(t, Options{Seed: 2}); other == first {
		t.Error("two seeds do not differ anywhere")
	}
}

// TestOneByteOnAnyWireChangesTheHash: a fault that flips one bit of one message, on each of the six seams.
func TestOneByteOnAnyWireChangesTheHash(t *testing.T) {
	l := builtIn(t)
	var sale *Script
	for _, s := range allScripts(t, l) {
		if s.ID == "W01" {
			sale = s
		}
	}
	seen := map[uint64]string{}
	for _, spec := range []string{"", "net.req[0200]", "net.rsp[0210]", "up.req[0200]", "up.rsp[0210]", "iss.req[0200]", "iss.rsp[0210]"} {
		o := Options{Seed: 1, IgnoreExpect: true}
		if spec != "" {
			f, err := ParseFault(spec + ".corrupt(byte=40)")
			if err != nil {
				t.Fatal(err)
			}
			o.Extra = []Fault{f}
		}
		h := l.Run(sale, o).EventHash
		if other, same := seen[h]; same {
			t.Errorf("%q has the hash of %q", spec, other)
		}
		seen[h] = spec
	}
}

// TestAChangedScriptFails changes one thing of a script at a time: an expectation, an amount, a fault. Each must make it
// fail, at its own line, with what was found instead.
func TestAChangedScriptFails(t *testing.T) {
	l := builtIn(t)
	for _, c := range []struct{ file, old, new, line, found string }{
		{"W01-sale-paid.yaml", "outcome: approved", "outcome: declined", ":8:", "found approved"},
		{"W01-sale-paid.yaml", "merchant: 99.40", "merchant: 99.41", "", "found 99.40"},
		{"W01-sale-paid.yaml", "sale: {amount: 100.00", "sale: {amount: 100.01", "", "found"},
		{"W01-sale-paid.yaml", "end: F1", "end: F2", "", "found F1"},
		{"W01-sale-paid.yaml", `is: "0051"`, `is: "0021"`, "", "is 0051"},
		{"W01-sale-paid.yaml", `messages: ["0200", "0210/00"]`, `messages: ["0200", "0210/51"]`, "", "0210/00"},
		{"W04-approval-lost.yaml", "net.rsp[0210].lose", "net.req[0200].lose", "", "found"},
		{"W01-sale-paid.yaml", "card: visa-credit", "card: visa-credit\nfaults: [\"net.rsp[0230].lose\"]", ":5:", "never fired"},
		{"W04-approval-lost.yaml", "TIME-OUT", "TIME-IN", "", "found"},
	} {
		t.Run(c.file+" "+c.new, func(t *testing.T) {
			src, err := os.ReadFile(filepath.Join("../testdata/scenarios", c.file))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(src), c.old) == 0 {
				t.Fatalf("%q is not in the file", c.old)
			}
			changed := strings.Replace(string(src), c.old, c.new, 1)
			s, err := Parse(c.file, []byte(changed), l.Known())
			if err != nil {
				t.Fatal(err)
			}
			r := l.Run(s, Options{Seed: 1})
			if r.Passed || r.Failure.Err == nil {
				t.Fatalf("passed: %+v", r)
			}
			text := r.Failure.Err.Error()
			if !regexp.MustCompile(`^W0\d-[a-z-]+\.yaml:\d+:\d+: `).MatchString(text) || !strings.Contains(text, c.found) || !strings.Contains(text, c.line) || !strings.Contains(text, "^") {
				t.Errorf("%s", text)
			}
		})
	}
}

func TestReplayIsTheSameRun(t *testing.T) {
	l := builtIn(t)
	all := allScripts(t, l)
	for _, id := range []string{"W04#seed=7", "W02.3#seed=7", "W14.9#seed=7", "W09#seed=7,term[write#2].power-off(torn)", "W09.5#seed=7"} {
		first, err := l.Replay(all, id, Options{})
		if err != nil {
			t.Fatal(err)
		}
		again, err := l.Replay(all, id, Options{})
		if err != nil || first.EventHash != again.EventHash || !first.Passed || first.Runs != 1 {
			t.Errorf("%s: %v %+v %+v", id, err, first, again)
		}
	}
	for _, id := range []string{"W99", "W04#seed=x", "W04#7", "W02.99#seed=1", "W04#seed=1,net.bad[0200].lose", "W04#seed=1x"} {
		if _, err := l.Replay(all, id, Options{}); err == nil {
			t.Errorf("%s: accepted", id)
		}
	}
}
