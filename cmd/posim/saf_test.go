package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posim/posim/internal/wal"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// safDir is a data directory with a reversal and an advice that are due.
func safDir(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t")
	dir, err := scenario.OpenTerminalData(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := wal.Open(dir, terminal.JournalFile, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		`{"Sale":{"STAN":"000007","Date":"0302","Time":"140511","Year":2026,"Amount":10000,"Currency":"0156","Card":"476173******0119","Entry":"0051","State":"AdviceDue","Code":"Y1"}}`,
		`{"Tried":{"STAN":"000007","Date":"0302","Time":"140511","Year":2026,"Attempts":5}}`,
		`{"Sale":{"STAN":"000008","Date":"0302","Time":"140612","Year":2026,"Amount":2050,"Currency":"0156","Card":"476173******0119","Entry":"0021","State":"ReversalDue","Reason":"98"}}`,
		`{"Sale":{"STAN":"000009","Date":"0302","Time":"140713","Year":2026,"Amount":1,"Currency":"0156","Card":"476173******0119","Entry":"0021","State":"Approved"}}`,
		`{"SAF":{"Paused":true}}`,
	} {
		if err := l.Append([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []func() error{l.Commit, l.Close, dir.Close} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestSAF(t *testing.T) {
	dir := safDir(t)
	before, err := os.ReadFile(filepath.Join(dir, terminal.JournalFile))
	if err != nil {
		t.Fatal(err)
	}
	out, diag, status := posimRun(t, "", "saf", "list", "--data", dir)
	lines := strings.Split(out, "\n")
	if status != exitPassed || len(lines) != 4 || lines[0] != "sending is paused" || !strings.HasPrefix(lines[1], "000008") || !strings.Contains(lines[1], "reason 98") ||
		!strings.Contains(lines[2], "100.00  476173******0119  AdviceDue    tries 5") {
		t.Errorf("%d %s%s", status, out, diag)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, terminal.JournalFile)); strings.TrimRight(string(after), "\x00") != strings.TrimRight(string(before), "\x00") { // zeros are written ahead
		t.Error("list has changed the journal")
	}
	out, diag, status = posimRun(t, "", "saf", "park", "--data", dir, "000008", "--reason", "confirmed by telephone")
	if status != exitPassed || !strings.HasPrefix(out, "000008 set aside\n") || !strings.Contains(out, "Parked       tries 0  reason 98  confirmed by telephone") {
		t.Errorf("%d %s%s", status, out, diag)
	}
	out, diag, status = posimRun(t, "", "saf", "retry", "--data", dir, "--json")
	var got struct {
		Paused bool
		Items  []struct {
			STAN, State, Kind string
			Attempts          int
			Because           string `json:"parked_because"`
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || status != exitPassed || got.Paused || len(got.Items) != 2 || got.Items[0].STAN != "000007" ||
		got.Items[0].Attempts != 0 || got.Items[0].Kind != "offline-sale" || got.Items[1].State != "Parked" || got.Items[1].Because != "confirmed by telephone" {
		t.Errorf("%v %d %+v %s%s", err, status, got, out, diag)
	}
}

func TestSAFRefuses(t *testing.T) {
	dir := safDir(t)
	empty := filepath.Join(t.TempDir(), "e")
	d, err := scenario.OpenTerminalData(empty)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	busy, err := scenario.OpenTerminalData(safDir(t))
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"saf", exitMisuse, "want list, retry or park"},
		{"saf list", exitMisuse, "want --data DIR"},
		{"saf list --data " + filepath.Join(dir, "nowhere"), exitMisuse, "no such file"},
		{"saf list --data " + empty, exitMisuse, "has no journal"},
		{"saf list --data " + busy.Path(), exitMisuse, "in use"},
		{"saf retry --data " + dir + " 000099", exitFailed, "nothing with this STAN waits: 000099"},
		{"saf retry --data " + dir + " 1 2", exitMisuse, "want at most one STAN"},
		{"saf park --data " + dir, exitMisuse, "want one STAN"},
		{"saf park --data " + dir + " 000008", exitMisuse, "want --reason TEXT"},
		{"saf park --data " + dir + " 000009 --reason x", exitFailed, "nothing with this STAN waits: 000009"},
		{"saf park --data " + dir + " 000008 --reason " + strings.Repeat("x", 81), exitFailed, "at most 80"},
	} {
		if out, diag, status := posimRun(t, "", strings.Fields(c.args)...); status != c.status || !strings.Contains(diag, c.want) || out != "" {
			t.Errorf("posim %s: status %d, want %d: %s%s", c.args, status, c.status, out, diag)
		}
	}
}
