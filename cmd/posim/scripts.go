package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/posim/posim"
	"github.com/posim/posim/scenario"
)

// maxScript is how much of a file is read, in bytes. Parse takes less and says so.
const maxScript = 1 << 20

// builtInLibrary is the built-in cards and terminals.
func builtInLibrary() (*scenario.Library, error) {
	return scenario.TestedLibrary(posim.Files()) // a test reads all of it
}

// builtIn is the built-in library and the scripts in it.
func builtIn() (*scenario.Library, []*scenario.Script, error) {
	l, err := builtInLibrary()
	if err != nil {
		return nil, nil, err
	}
	scripts, err := l.Scripts(posim.Files(), "scenarios")
	return l, scripts, err
}

// load returns the library and the scripts at paths, or the library's own without paths. Every script that does not
// parse is reported on standard error; then the error is a misuse.
func (a *app) load(paths []string) (*scenario.Library, []*scenario.Script, error) {
	l, scripts, err := builtIn()
	if err != nil || len(paths) == 0 {
		return l, scripts, err
	}
	files, err := scriptFiles(paths)
	if err != nil {
		for _, s := range scripts {
			if _, absent := os.Stat(s.ID); absent != nil && slices.Contains(paths, s.ID) {
				return nil, nil, misuse("%s: run takes files; for the built-in script: posim replay %s", s.ID, s.ID)
			}
		}
		return nil, nil, err
	}
	scripts = nil
	broken := 0
	ids := map[string]string{}
	for _, file := range files {
		s, err := parseFile(l, file)
		if err == nil && ids[s.ID] != "" {
			err = fmt.Errorf("%s: its id %s is that of %s", file, s.ID, ids[s.ID])
		}
		if err != nil {
			broken++
			fmt.Fprintf(a.stderr, "posim: %v\n", err)
			continue
		}
		ids[s.ID] = file
		scripts = append(scripts, s)
	}
	if broken > 0 {
		return nil, nil, misuse("%d of %d scripts cannot be used; nothing was run", broken, len(files))
	}
	return l, scripts, nil
}

func parseFile(l *scenario.Library, file string) (*scenario.Script, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxScript))
	if err != nil {
		return nil, err
	}
	return scenario.Parse(file, src, l.Known())
}

// scriptFiles lists the files at paths; of a folder its own *.yaml and *.yml, W2 before W10. A file named twice counts
// once.
func scriptFiles(paths []string) ([]string, error) {
	var all []string
	add := func(file string) {
		if file = filepath.Clean(file); !slices.Contains(all, file) {
			all = append(all, file)
		}
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, misuse("%w", plain(err))
		}
		if !info.IsDir() {
			add(path)
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, misuse("%w", plain(err))
		}
		slices.SortStableFunc(entries, func(x, y os.DirEntry) int { return naturally(x.Name(), y.Name()) })
		before := len(all)
		found := false
		for _, e := range entries {
			if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml") {
				found = true
				add(filepath.Join(path, e.Name()))
			}
		}
		if !found && len(all) == before {
			return nil, misuse("%s: no scripts (*.yaml) in this folder", path)
		}
	}
	return all, nil
}

// plain leaves the system call's name out of an error: "x.yaml: no such file or directory".
func plain(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}

// naturally compares names with the numbers in them as numbers.
func naturally(x, y string) int {
	for x != "" && y != "" {
		nx, ny := leadingDigits(x), leadingDigits(y)
		if nx > 0 && ny > 0 {
			a, b := strings.TrimLeft(x[:nx], "0"), strings.TrimLeft(y[:ny], "0")
			if c := cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)); c != 0 {
				return c
			}
			x, y = x[nx:], y[ny:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Compare(len(x), len(y))
}

func leadingDigits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}
