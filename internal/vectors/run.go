package vectors

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Result is what came of one vector, or of what belongs to a file as a whole (ID is then empty).
type Result struct {
	File     string
	ID       string
	Failures []Failure // none: passed
}

// Passed tells whether everything was compared, and the same.
func (r Result) Passed() bool { return len(r.Failures) == 0 }

// Failure is one field that is not what it should be. Keys, PINs and what holds them are shown as a digest.
type Failure struct {
	Field, Got, Want string
}

// String is the failure in one line.
func (f Failure) String() string { return fmt.Sprintf("%s: got %s, want %s", f.Field, f.Got, f.Want) }

// layouts are the files that can be run: what each does with the file's members.
var layouts = map[string]func(*file){
	"emv-capk/1":              runCAKeys,
	"emv-oda-rsa/1":           runDataAuthentication,
	"emv-kernel-steps/1":      runKernelSteps,
	"emv-t0/1":                runT0,
	"emv-transcript/1":        runTranscript,
	"emv-issuer-crypto/1":     runIssuerCryptography,
	"emv-issuer-crypto-cup/1": runWorkedExample,
	"hsm/1":                   runSecurityModule,
	"cup/1":                   runUnionPay,
}

// maxFile is the longest file that is read: far more than anybody's vectors.
const maxFile = 32 << 20

// Paths runs files, and of folders all files that end in .json, in the order of their names. The error is about a path that cannot
// be read, or a folder without vectors; nothing was run then.
func Paths(paths ...string) ([]Result, error) {
	var names []string
	for _, p := range paths {
		n, err := find(p)
		if err != nil {
			return nil, fmt.Errorf("vectors: %w", err)
		}
		names = append(names, n...)
	}
	var results []Result
	for _, name := range names {
		b, err := read(name)
		if err != nil {
			return nil, fmt.Errorf("vectors: %w", err)
		}
		results = append(results, File(name, b)...)
	}
	return results, nil
}

func find(p string) (names []string, err error) {
	info, err := os.Stat(p)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{p}, nil
	}
	err = filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(name, ".json") {
			names = append(names, name)
		}
		return err
	})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s: no files that end in .json", p)
	}
	return names, err
}

func read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s: more than %d bytes", name, maxFile)
	}
	return b, err
}

// file is a file under way.
type file struct {
	name    string
	src     []byte
	root    *fields
	results []Result
}

// File runs one file. name is how results call it.
func File(name string, b []byte) []Result {
	v, err := parse(b)
	if err == nil && v.kind != object {
		err = fmt.Errorf("line %d: %s, want an object with a layout", v.line, v.kind)
	}
	if err != nil {
		return []Result{{File: name, Failures: []Failure{{"file", err.Error(), "JSON"}}}}
	}
	f := &file{name: name, src: b, root: newFields(&check{}, "", v)}
	layout := f.root.text("layout")
	run := layouts[layout]
	switch {
	case !f.root.ok():
	case run == nil:
		f.root.fail("layout", fmt.Sprintf("%q, which is not known here", layout), "one of "+strings.Join(Layouts(), ", "))
	default:
		run(f)
		f.root.finish()
		if len(f.results) == 0 && f.root.ok() {
			f.root.fail("file", "no vectors", "at least one")
		}
	}
	if !f.root.ok() {
		f.results = append([]Result{{File: name, Failures: f.root.failures}}, f.results...)
	}
	return f.results
}

// vectors runs each object of a list as a vector of its own. A list without any is a failure of the file.
func (f *file) vectors(name string, id func(i int, v *fields) string, run func(v *fields)) {
	list := f.root.need(name, array)
	if list == nil {
		return
	}
	for i, item := range list.items {
		f.vector(item, fmt.Sprintf("%s[%d]", name, i), func(v *fields) string { return id(i, v) }, run)
	}
}

// vector runs one.
func (f *file) vector(item *value, place string, id func(v *fields) string, run func(v *fields)) {
	c := &check{}
	if item.kind != object {
		c.fail(place, string(item.kind), string(object))
		f.results = append(f.results, Result{f.name, place, c.failures})
		return
	}
	v := newFields(c, "", item)
	r := Result{File: f.name, ID: id(v)}
	if c.ok() {
		run(v)
		if c.compared == 0 && c.ok() {
			c.fail("expected", "nothing to compare", "a field that can be compared")
		}
	}
	if c.ok() || c.compared > 0 { // what was not run has not been asked for everything
		v.finish()
	}
	r.Failures = c.failures
	f.results = append(f.results, r)
}

// whole runs a file that is one vector.
func (f *file) whole(id string, run func(v *fields)) {
	members := *f.root.v
	members.names = slices.DeleteFunc(slices.Clone(members.names), func(name string) bool { return name == "layout" })
	for _, name := range members.names {
		f.root.read[name] = true
	}
	f.vector(&members, id, func(v *fields) string {
		if v.has("id") {
			return v.text("id")
		}
		return id
	}, run)
}

// byID is the id that a vector gives itself.
func byID(_ int, v *fields) string { return v.text("id") }

// Layouts lists the layouts that can be run, in alphabetical order.
func Layouts() []string {
	names := make([]string, 0, len(layouts))
	for name := range layouts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
