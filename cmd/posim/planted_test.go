package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAPlantedBugIsFound builds the program with a bug in it, as somebody might write it, and lets it explore itself. The
// bug must be found, shrunk to at most four faults, and brought back from the printed line by a process that knows nothing
// of the exploration; and the same line must pass in the program without the bug.
func TestAPlantedBugIsFound(t *testing.T) {
	honest := build(t, "", "", "")
	t.Run("stopped", func(t *testing.T) { stopped(t, honest) })
	for _, c := range []struct{ name, file, old, new string }{
		{
			"the log skips a sync", "internal/wal/wal.go",
			"if err := l.file.Sync(); err != nil {", "var err error\n\tif l.seq%3 != 0 {\n\t\terr = l.file.Sync()\n\t}\n\tif err != nil {",
		},
		{
			"the terminal takes an answer with another STAN", "terminal/online.go",
			"(t.same(m.Key(), request.Key()) || any)", "(m.Key().TID == request.Key().TID || any)",
		},
		{
			"the acquirer forgets a tombstone", "host/reversal.go",
			"func (d *desk) tombstone(m *dialect.Message) *Record {\n\treturn &Record{Transaction: &Transaction{\n\t\tKey: m.Key(),",
			"func (d *desk) tombstone(m *dialect.Message) *Record {\n\tk := m.Key()\n\tk.STAN = \"999999\"\n\treturn &Record{Transaction: &Transaction{\n\t\tKey: k,",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			bugged := build(t, c.file, c.old, c.new)
			out, status := explored(t, bugged)
			if status != exitFailed || len(out.Findings) == 0 {
				t.Fatalf("exit status %d, %d findings in %d runs", status, len(out.Findings), out.Runs)
			}
			f := out.Findings[0]
			t.Logf("found in run %s, shrunk to %s in %d runs: %v", f.Found, f.Replay, f.ShrinkRuns, f.Violations)
			if f.Faults > 4 || len(f.Violations) == 0 {
				t.Errorf("shrunk to %d faults, %d violations", f.Faults, len(f.Violations))
			}
			text, err := exec.Command(bugged, "replay", f.Replay).CombinedOutput()
			if exitOf(err) != exitFailed || !strings.Contains(string(text), f.Violations[0].Invariant) {
				t.Errorf("replay with the bug: exit %d\n%s", exitOf(err), tail(text))
			}
			if text, err := exec.Command(honest, "replay", f.Replay).CombinedOutput(); err != nil {
				t.Errorf("replay without the bug: %v\n%s", err, tail(text))
			}
		})
	}
}

// build builds the program, with one text of one file replaced.
func build(t *testing.T, file, old, new string) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"build", "-buildvcs=false", "-o", filepath.Join(dir, "posim")}
	if file != "" {
		root, err := filepath.Abs("../..")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, filepath.FromSlash(file))
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(src), old) != 1 {
			t.Fatalf("%s has %d times: %s", file, strings.Count(string(src), old), old)
		}
		changed := filepath.Join(dir, "changed.go")
		overlay := filepath.Join(dir, "overlay.json")
		write(t, changed, []byte(strings.Replace(string(src), old, new, 1)))
		b, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
		if err != nil {
			t.Fatal(err)
		}
		write(t, overlay, b)
		args = append(args, "-overlay", overlay)
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "posim")
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// explored explores a few scenarios.
func explored(t *testing.T, program string) (out jsonExploration, status int) {
	t.Helper()
	args := []string{"explore", "--json"}
	for _, s := range []string{"W01-sale-paid", "W04-approval-lost", "W08-reversal-first", "S8a-any-answer-same-amount"} {
		args = append(args, "../../testdata/scenarios/"+s+".yaml")
	}
	text, err := exec.Command(program, args...).Output()
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%v\n%s", err, tail(text))
	}
	return out, exitOf(err)
}

func exitOf(err error) int {
	if e, ok := err.(*exec.ExitError); ok {
		return e.ExitCode()
	}
	if err != nil {
		return -1
	}
	return exitPassed
}

func tail(b []byte) string {
	lines := strings.Split(string(b), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// stopped stops an exploration of everything as soon as it has begun: what it did is told, and it is no success.
func stopped(t *testing.T, program string) {
	c := exec.Command(program, "explore")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var diag strings.Builder
	c.Stderr = &diag
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil { // its name: from then on it listens
		t.Fatal(err)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	if status := exitOf(c.Wait()); status != exitFailed || !strings.Contains(string(rest), " pairs of an event and a fault run · 0 violations") ||
		!strings.HasPrefix(diag.String(), "posim: explore: stopped") {
		t.Errorf("exit status %d, %q, %q", status, tail(rest), diag.String())
	}
}
