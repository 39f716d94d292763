package scenario

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/terminal"
)

var update = flag.Bool("update", false, "write the golden files of the traces and docs/where-is-the-money.md")

// kept are the stores of the first run of a script, as its last step leaves them.
func kept(t testing.TB, l *Library, s *Script) (stores *Stores) {
	t.Helper()
	first := *s
	if !s.Each.Power {
		all, err := l.variants(s, Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		first = *all[0]
	}
	l.once(&first, Options{Seed: 1, Keep: func(_ string, s *Stores) { stores = s }})
	if stores == nil {
		t.Fatalf("%s: nothing was kept", s.ID)
	}
	return stores
}

// merchants are the scripts of the merchant's complaints.
func merchants(t testing.TB) (*Library, []*Script) {
	t.Helper()
	l, err := NewLibrary(os.DirFS("../testdata"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := l.Scripts(os.DirFS("../testdata"), "scenarios")
	if err != nil {
		t.Fatal(err)
	}
	return l, slices.DeleteFunc(all, func(s *Script) bool { return !strings.HasPrefix(s.ID, "W") })
}

// TestTraceGolden compares what is told of each transaction of each scenario with the golden files, in both languages.
func TestTraceGolden(t *testing.T) {
	l, scripts := merchants(t)
	golden := map[string]bool{}
	for _, s := range scripts {
		d, err := kept(t, l, s).Read()
		if err != nil {
			t.Errorf("%s: %v", s.ID, err)
			continue
		}
		for _, lang := range []terminal.Lang{terminal.English, terminal.Chinese} {
			name := s.ID + ".en.txt"
			if lang == terminal.Chinese {
				name = s.ID + ".zh.txt"
			}
			golden[name] = true
			compareGolden(t, filepath.Join("../testdata/traces", name), traced(d, s, lang))
		}
	}
	stale(t, golden)
}

// traced is the trace of everything that a run has left.
func traced(d *Dossier, s *Script, lang terminal.Lang) string {
	title := s.Name
	if lang == terminal.Chinese {
		title = s.ID + " " + s.Zh
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", title)
	all := d.Find(Query{})
	if len(all) == 0 {
		b.WriteString("\n" + label(lang, "No transaction is on record.", "没有任何交易记录。") + "\n")
	}
	for _, f := range all {
		b.WriteString("\n" + f.Text(lang))
	}
	return b.String()
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("%v: go test ./scenario -run Trace -update writes it", err)
		return
	}
	if got != string(want) {
		t.Errorf("%s is not what is told now: go test ./scenario -run Trace -update writes it, and look at what is new; first difference: %s", file, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range g {
		if i >= len(w) || w[i] != g[i] {
			return fmt.Sprintf("line %d: %q", i+1, g[i])
		}
	}
	return "the file has more"
}

// stale: a golden file of a scenario that is no more.
func stale(t *testing.T, golden map[string]bool) {
	t.Helper()
	all, err := os.ReadDir("../testdata/traces")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if golden[e.Name()] {
			continue
		}
		if *update {
			if err := os.Remove(filepath.Join("../testdata/traces", e.Name())); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("testdata/traces/%s is of no scenario", e.Name())
	}
}
