package scenario

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// quick has the terminal wait less: real time is real.
func quick(l *Library) *Library {
	p := *l.terminals[defaultTerminal]
	p.AnswerWait, p.ReversalWait, p.RetryPause, p.AdviceInterval = 2*time.Second, time.Second, time.Second, 2*time.Second
	fast := *l
	fast.terminals = maps.Clone(l.terminals)
	fast.terminals[defaultTerminal] = &p
	return &fast
}

// inRealTime runs one script of the library in real time.
func inRealTime(t *testing.T, l *Library, id string, o LiveOptions) *Result {
	t.Helper()
	if testing.Verbose() {
		o.Story = func(x Line) {
			t.Logf("%8s %-8s %s %s  %s", x.At.Round(time.Millisecond), x.Kind, x.Dir, x.Text, x.Note)
		}
	}
	for _, s := range allScripts(t, l) {
		if s.ID != id {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		r, err := l.RunLive(ctx, s, o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	t.Fatalf("no script %s", id)
	return nil
}

// W46 is not among them: a box with the same numbers begins at the same STAN again, here within the same second, and a slip's number
// and time are all that tells its two sales apart.
func TestTheSameScriptsInRealTime(t *testing.T) {
	l := quick(builtIn(t))
	for _, id := range []string{"W01", "W01s", "W02b", "F1", "F3", "W03", "W04", "W10", "W12", "W23", "W43", "W10c", "U01", "B1"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			r := inRealTime(t, l, id, LiveOptions{})
			if f := r.Failure; f != nil {
				t.Errorf("%v\n%v\n%s", f.Err, f.Violations, f.Where)
			}
			if len(r.Hidden) > 0 {
				t.Errorf("hidden: %v", r.Hidden)
			}
		})
	}
}

func TestRealTimeKeepsItsDataAndRefusesWhatItCannotDo(t *testing.T) {
	l := quick(builtIn(t))
	data := filepath.Join(t.TempDir(), "till")
	for range 2 { // the second run finds the first one's journal and goes on behind it
		if r := inRealTime(t, l, "W01", LiveOptions{Data: data}); !r.Passed {
			t.Fatalf("%+v", r.Failure)
		}
	}
	info, err := os.Stat(data)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	for _, s := range allScripts(t, l) {
		if s.ID != "W09" && s.ID != "W10a" && s.ID != "W56" {
			continue
		}
		if _, err := l.RunLive(context.Background(), s, LiveOptions{}); err == nil {
			t.Errorf("%s: accepted", s.ID)
		}
	}
}
