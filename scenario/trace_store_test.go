package scenario

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/internal/wal"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/terminal"
)

// keptDir is the directory of a scenario's run.
func keptDir(t testing.TB, id string) string {
	t.Helper()
	l, scripts := merchants(t)
	i := slices.IndexFunc(scripts, func(s *Script) bool { return s.ID == id })
	if i < 0 {
		t.Fatalf("no scenario %s", id)
	}
	dir := filepath.Join(t.TempDir(), id)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := kept(t, l, scripts[i]).Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// image is every file of a directory: its bytes, its mode, and when it was changed.
func image(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %v %d", path, info.Mode(), info.ModTime().UnixNano())
		if !e.IsDir() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %x", sha256.Sum256(data))
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A question changes nothing: no byte, no time, no mode of any file, and no file is made.
func TestTraceReadsOnly(t *testing.T) {
	dir := keptDir(t, "W47b")
	before := image(t, dir)
	s, err := ReadStores(filepath.Join(dir, "terminal"), filepath.Join(dir, "host"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Read()
	if err != nil {
		t.Fatal(err)
	}
	if d.Count() == 0 || len(d.Open()) == 0 || len(d.Find(Query{STAN: "000002"})) != 1 {
		t.Fatalf("nothing was found in %s", dir)
	}
	if after := image(t, dir); after != before {
		t.Errorf("the question has changed the store:\n%s\nwas\n%s", after, before)
	}
}

// The folder of a run, its directories together, and the bytes in memory are one and the same house.
func TestTraceOfDirectoriesIsThatOfTheRun(t *testing.T) {
	l, scripts := merchants(t)
	for _, s := range scripts {
		if s.ID != "W21" && s.ID != "W54" {
			continue
		}
		stores := kept(t, l, s)
		inMemory, err := stores.Read()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := stores.Write(dir); err != nil {
			t.Fatal(err)
		}
		for _, paths := range [][]string{{dir}, {filepath.Join(dir, "terminal"), filepath.Join(dir, "host")}} {
			read, err := ReadStores(paths...)
			if err != nil {
				t.Fatal(err)
			}
			d, err := read.Read()
			if err != nil {
				t.Fatal(err)
			}
			if traced(d, s, terminal.English) != traced(inMemory, s, terminal.English) {
				t.Errorf("%s: %v tell another story than the run", s.ID, paths)
			}
		}
	}
}

func TestTraceRefusesWhatItCannotRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir string) []string
		want  error
		text  string
	}{
		{"nothing there", func(_ *testing.T, dir string) []string { return []string{dir + "-not"} }, fs.ErrNotExist, "there is none"},
		{"a folder of something else", func(t *testing.T, _ string) []string { return []string{t.TempDir()} }, sim.ErrNoData, "no journal and no log"},
		{"another version", func(t *testing.T, dir string) []string {
			write(t, filepath.Join(dir, "terminal", "VERSION"), "posim terminal 2\n")
			return []string{dir}
		}, sim.ErrVersion, "format 2"},
		{"somebody writes", func(t *testing.T, dir string) []string {
			d, err := OpenTerminalData(filepath.Join(dir, "terminal"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d.Close() })
			return []string{dir}
		}, sim.ErrInUse, "in use"},
		{"two houses", func(t *testing.T, dir string) []string { return []string{dir, keptDir(t, "W04")} }, ErrManyHouses, "name one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadStores(c.spoil(t, keptDir(t, "W01"))...)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, want %v and %q", err, c.want, c.text)
			}
		})
	}
}

// A torn record at the end is none; damage before the end is told, with its file.
func TestTraceOfTornAndDamagedStores(t *testing.T) {
	dir := keptDir(t, "W01")
	log := filepath.Join(dir, "host", "acquirer", "log")
	whole, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	at, seen := 0, map[Answer]bool{}
	for _, b := range bodies(whole) {
		write(t, log, string(whole[:at+7])) // the record that begins here is torn
		f := readDir(t, dir).Find(Query{STAN: "000002"})
		if len(f) != 1 {
			t.Fatalf("torn at %d: %d found", at, len(f))
		}
		merchant := int64(0)
		for _, x := range readLogs(t, []Store{{"acquirer", "", whole[:at]}}) {
			merchant += x.money["merchant"]
		}
		if got := f[0].Answer; (got == AnswerPaid) != (merchant > 0) {
			t.Errorf("torn at %d: %s, and the merchant has %d", at, got, merchant)
		}
		seen[f[0].Answer] = true
		at += 16 + len(b)
	}
	if !seen[AnswerPaid] || !seen[AnswerApproved] {
		t.Errorf("the answers were %v: want paid and approved among them", seen)
	}
	spoilt := slices.Clone(whole)
	spoilt[40] ^= 1
	write(t, log, string(spoilt))
	s, err := ReadStores(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(); !errors.Is(err, wal.ErrCorrupt) || !strings.Contains(err.Error(), filepath.Join("host", "acquirer")) {
		t.Errorf("a damaged log: %v", err)
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readDir(t testing.TB, dir string) *Dossier {
	t.Helper()
	s, err := ReadStores(dir)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Read()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Each part of a question narrows it.
func TestTraceQueries(t *testing.T) {
	d := readDir(t, keptDir(t, "W21"))
	for _, c := range []struct {
		q    Query
		want int
	}{
		{Query{}, 3}, {Query{STAN: "000004"}, 1}, {Query{STAN: "000009"}, 0}, {Query{RRN: "606114000001"}, 1}, {Query{Amount: 100_00}, 1},
		{Query{Last4: "0014"}, 3}, {Query{Last4: "0015"}, 0}, {Query{Date: "2026-03-02"}, 1}, {Query{Date: "2026-03-03", Time: "10:00"}, 1},
		{Query{Time: "14:05:04"}, 1}, {Query{Terminal: "SIM00001"}, 3}, {Query{Terminal: "SIM00002"}, 0}, {Query{Terminal: "SIM00001", Amount: 30_00}, 1},
	} {
		if got := len(d.Find(c.q)); got != c.want {
			t.Errorf("%+v: %d found, want %d", c.q, got, c.want)
		}
	}
}

// Every sentence has both languages, and the same facts in both.
func TestTraceSentences(t *testing.T) {
	facts := func(s string) string {
		all := fact.FindAllString(s, -1)
		slices.Sort(all)
		return strings.Join(slices.Compact(all), " ")
	}
	for id, s := range sentences {
		if s.En == "" || s.Zh == "" || facts(s.En) != facts(s.Zh) {
			t.Errorf("%s: %q and %q: want both, with the same facts", id, s.En, s.Zh)
		}
	}
	for id, s := range words {
		if s.En == "" || s.Zh == "" {
			t.Errorf("%s: want both languages", id)
		}
	}
	sources, err := filepath.Glob("trace*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := regexp.MustCompile(`\b(?:say\(|set\(\w+, |(?:itself|waits)\((?:"[^"]*"|[^",]+), |duty\([^,]+, )"([a-z0-9-]+[a-z0-9])"`)
	for _, name := range sources {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range used.FindAllStringSubmatch(string(src), -1) {
			if id := m[1]; !known(id) {
				t.Errorf("%s: no sentence %q", name, id)
			}
		}
	}
	for _, s := range terminal.States() {
		if !known("t-" + string(s)) {
			t.Errorf("no sentence for a record that is %s", s)
		}
	}
}
