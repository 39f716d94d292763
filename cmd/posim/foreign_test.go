package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/host"
)

// Peers that share nothing with this program: a terminal and a host in Python (testdata/foreign), written from the documents alone.
// Both dialects, and bytes that come in one piece, one by one, in odd pieces, and with two messages in one segment.

const (
	foreignTrack = "5413330089600010=30121018880000000000" // the stripe of the card stripe-only
	foreignPIN   = "1234"
	foreignMID   = "SIM000000000001"
	foreignTPDU  = "6000030000"
)

var cuts = []string{"whole", "drip", "merge", "odd"}

// foreign is one of the programs with what it needs to know of the dialect.
func foreign(t *testing.T, program, dialect string, args ...string) *exec.Cmd {
	t.Helper()
	python := outside(t, "python3", "python3")
	file, err := filepath.Abs("../../testdata/foreign/" + program)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"-B", file, "--dialect", dialect, "--key", host.TestTerminalMaster, "--track2", foreignTrack, "--pin", foreignPIN}
	if dialect == "cup" {
		all = append(all, "--tpdu", foreignTPDU)
	}
	c := exec.Command(python, append(all, args...)...)
	c.Dir = t.TempDir()
	return c
}

// foreignTerminals are terminals of the library for each dialect, one for each cut.
var foreignTerminals = map[string][]string{
	"iso87": {"SIM00001", "SIM00002", "SIM00006", "SIM00007"}, "cup": {"SIM00014", "SIM00015", "SIM00016", "SIM00017"},
}

func TestTheForeignCipherIsDES(t *testing.T) {
	c := exec.Command(outside(t, "python3", "python3"), "-B", "../../testdata/foreign/des.py")
	if out, err := c.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAForeignTerminalAtOurHost(t *testing.T) {
	outside(t, "python3", "python3")
	s := newStreet(t)
	sold := int64(0)
	for _, d := range []string{"iso87", "cup"} {
		for i, cut := range cuts {
			addr := map[string]string{"iso87": s.listen, "cup": s.cup}[d]
			out, err := foreign(t, "client.py", d, "--addr", addr, "--tid", foreignTerminals[d][i], "--mid", foreignMID, "--cut", cut).CombinedOutput()
			if err != nil {
				t.Errorf("%s, %s: %v\n%s", d, cut, err, out)
				continue
			}
			if steps := stepsOf(t, out); strings.Join(steps, " ") !=
				"sign-on sale copy sale void reversal tombstone wrong-mac settlement mismatch end" {
				t.Errorf("%s, %s: %s", d, cut, steps)
			}
			sold += 1000 + 500 // the second sale was voided, the third reversed; the fourth is of the second batch
			if p := s.positions(); p["cardholder"] != -sold || p["acquirer"] != sold {
				t.Errorf("%s, %s: %d sold, positions %v", d, cut, sold, p)
			}
		}
	}
}

// stepsOf are the steps that a foreign terminal says it has done.
func stepsOf(t *testing.T, out []byte) (steps []string) {
	for _, line := range bytes.Split(bytes.TrimSpace(out), []byte("\n")) {
		var l struct{ Step string }
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		steps = append(steps, l.Step)
	}
	return steps
}

// foreignDay is sales, a void, an answer that does not come, and the batch's end.
const foreignDay = `name: a day at a foreign host
zh: 外部主机的一天
terminal: %s
card: stripe-only
steps:
  - sale: {amount: 10.00, pin: "1234"}
    expect: {outcome: approved}
  - sale: {amount: 25.00, pin: "1234"}
    expect: {outcome: approved}
  - void: {of: 2}
    expect: {outcome: approved}
  - sale: {amount: 13.00, pin: "1234"}
    expect: {outcome: no-answer}
  - wait: reversal
  - settle: {}
    expect: {outcome: done}
  - sale: {amount: 7.00, pin: "1234"}
    expect: {outcome: approved}
expect:
  end: [F1, F2, F2, F2, F1]
`

// foreignLine is what the foreign host believes after a message.
type foreignLine struct {
	Listen, Wrong, MTI, Code string
	BadMAC                   bool `json:"bad_mac"`
	Standing                 []int64
	Closed                   []struct {
		Batch, Uploaded int
		Debits, Credits []int64
	}
}

func TestOurTerminalAtAForeignHost(t *testing.T) {
	outside(t, "python3", "python3")
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []struct{ dialect, terminal string }{{"iso87", "impatient"}, {"cup", "impatient-cup"}} {
		for _, cut := range cuts {
			t.Run(d.dialect+" "+cut, func(t *testing.T) {
				t.Parallel()
				server := foreign(t, "server.py", d.dialect, "--lose", "1300", "--cut", cut)
				said := startForeign(t, server)
				name := filepath.Join(t.TempDir(), "T01-day.yaml")
				if err := os.WriteFile(name, fmt.Appendf(nil, foreignDay, d.terminal), 0o600); err != nil {
					t.Fatal(err)
				}
				first := <-said
				out, err := exec.Command(program, "run", "--verbose", "--host", first.Listen, name).CombinedOutput()
				if err != nil {
					t.Errorf("%v\n%s", err, out)
				}
				_ = server.Process.Kill()
				var last foreignLine
				mtis := map[string]int{}
				for l := range said {
					if l.Wrong != "" || l.BadMAC {
						t.Errorf("the host found: %+v", l)
					}
					mtis[l.MTI]++
					last = l
				}
				slices.Sort(last.Standing)
				if fmt.Sprint(last.Standing) != "[700 1000]" || mtis["0400"] == 0 || len(last.Closed) != 1 {
					t.Fatalf("messages %v, sales that stand %v, batches %+v", mtis, last.Standing, last.Closed)
				}
				if b := last.Closed[0]; fmt.Sprint(b.Debits, b.Credits, b.Uploaded) != "[1000 2500] [2500] 0" {
					t.Errorf("batch %+v", b)
				}
			})
		}
	}
}

// startForeign starts a foreign host. What it says comes until it has ended.
func startForeign(t *testing.T, c *exec.Cmd) <-chan foreignLine {
	t.Helper()
	var tail bytes.Buffer
	c.Stderr = &tail
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan foreignLine, 1000)
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if tail.Len() > 0 {
			t.Logf("%s", &tail)
		}
	})
	go func() {
		defer close(said)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var l foreignLine
			if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
				l.Wrong = fmt.Sprintf("%s: %v", lines.Bytes(), err)
			}
			said <- l
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	return said
}
