package main

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/posim/posim/sim"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"posim": main})
}

func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"nowall": noWall, "status": status, "busy": busy, "free": free, "answers": answers, "certificate": certificate, "await": await, "shorten": shorten, "inuse": inUse},
	})
}

// wall is every form in which the program says how long something really took, with the blanks that align it.
var wall = regexp.MustCompile(`"wall_ms": [0-9.e+-]+| +[0-9.]+ (?:ms|s)\b| (?:in|用时) ?[0-9.]+ (?:ms|s)|[(][0-9,]+x[)]| time="[0-9.]+"`)

func withoutWall(s string) string { return wall.ReplaceAllString(s, " WALL") }

// noWall rewrites files without the real time in them.
func noWall(ts *testscript.TestScript, neg bool, files []string) {
	if neg || len(files) == 0 {
		ts.Fatalf("usage: nowall FILE...")
	}
	for _, f := range files {
		s := ts.ReadFile(f)
		ts.Check(os.WriteFile(ts.MkAbs(f), []byte(withoutWall(s)), 0o600))
	}
}

// status N posim ARGS... wants exactly this exit status: testscript's ! takes any but 0.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND ARGS...")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if args[0] != strconv.Itoa(got) {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

// shorten FILE takes the last byte away: what a power cut in the middle of a write leaves.
func shorten(ts *testscript.TestScript, neg bool, files []string) {
	if neg || len(files) != 1 {
		ts.Fatalf("usage: shorten FILE")
	}
	data := ts.ReadFile(files[0])
	ts.Check(os.Truncate(ts.MkAbs(files[0]), int64(len(data)-1)))
}

// inUse DIR KIND has the data directory open until the script ends.
func inUse(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: inuse DIR KIND")
	}
	d, err := sim.OpenDir(ts.MkAbs(args[0]), args[1])
	ts.Check(err)
	ts.Defer(func() { _ = d.Close() })
}
