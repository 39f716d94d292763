package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"posim": main})
}

func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:      "testdata",
		Commands: map[string]func(*testscript.TestScript, bool, []string){"nowall": noWall, "status": status},
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

// status N COMMAND... wants exactly this exit status: testscript's ! takes any but 0. It leaves the outputs in the files
// out and err.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || args[1] != "posim" {
		ts.Fatalf("usage: status N posim ARGS...")
	}
	var out, diag strings.Builder
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &diag, now: testClock()}
	wd, err := os.Getwd()
	ts.Check(err)
	ts.Check(os.Chdir(ts.MkAbs(".")))
	got := a.run(args[2:])
	ts.Check(os.Chdir(wd))
	if want := args[0]; want != string(rune('0'+got)) {
		ts.Fatalf("exit status %d, want %s\n%s%s", got, want, out.String(), diag.String())
	}
	ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(out.String()), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("err"), []byte(diag.String()), 0o600))
}
