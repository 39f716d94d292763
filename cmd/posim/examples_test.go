package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// example is a line of a help text, as a shell reads it.
type example struct {
	stdin string
	args  []string
	makes string // where its output goes to; "": the screen
}

// examplesOf are the examples in a help text; other programs' lines say only what they make.
func examplesOf(t *testing.T, text string) (all []example) {
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "curl ") {
			continue
		}
		line, _, _ = strings.Cut(line, "   ") // what it is for stands behind it
		var e example
		line, e.makes, _ = strings.Cut(line, " > ")
		if said, rest, piped := strings.Cut(line, " | "); piped && strings.HasPrefix(said, "echo ") {
			e.stdin, line = strings.TrimPrefix(said, "echo "), rest
		}
		e.args = words(line)
		if e.args[0] != "posim" && e.args[0] != "openssl" || strings.ContainsAny(line, "<>|&") && !strings.Contains(line, "'") {
			t.Errorf("example %q: want a line of posim, openssl or curl, with echo before it or a file behind it", line)
			continue
		}
		all = append(all, e)
	}
	return all
}

// makers are the flags whose file or directory a command makes, or takes when it is there.
var makers = map[string][]string{
	"posim card keys": {"out"}, "posim run": {"record", "keep", "junit", "data"}, "posim explore": {"resume"}, "posim host": {"data"}, "posim tui": {"data"},
	"posim hsm inject": {"data"}, "posim reader emulate": {"pty", "trace"},
}

// fileLike is what looks like a file of ours, and not like a line, an address or a number.
var fileLike = regexp.MustCompile(`^[\w./-]*(\.(yaml|json|hex|pem|key|xml)|/[\w.-]+)$|^(runs|till|host-data)(/|$)|^DIR$`)

// files are the arguments that name one, but for those that the command itself makes, which it returns apart.
func (e *example) files(c *cobra.Command) (wants, makes []string) {
	for _, arg := range c.Flags().Args() {
		if fileLike.MatchString(arg) && !strings.HasPrefix(arg, "/") {
			wants = append(wants, arg)
		}
	}
	c.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if s, many := f.Value.(pflag.SliceValue); many {
			values = s.GetSlice()
		}
		for _, v := range values {
			switch {
			case slices.Contains(makers[c.CommandPath()], f.Name):
				makes = append(makes, v)
			case fileLike.MatchString(v) || directory(f):
				wants = append(wants, v)
			}
		}
	})
	return wants, append(makes, e.makes)
}

// directory tells whether a flag's value is one.
func directory(f *pflag.Flag) bool {
	name, _ := pflag.UnquoteUsage(f)
	return name == "DIR"
}

// slow is what an example does not do in a test: it stays, needs a device or a host, or takes the whole library.
func slow(c *cobra.Command, e *example) bool {
	path := c.CommandPath()
	switch {
	case strings.HasPrefix(path, "posim host"), path == "posim tui", path == "posim", path == "posim explore" && !slices.Contains(e.args, "--list"):
		return true
	case path == "posim run":
		return len(c.Flags().Args()) == 0 || strings.HasSuffix(c.Flags().Args()[0], "/") || c.Flags().Changed("host") || c.Flags().Changed("data")
	case strings.HasPrefix(path, "posim reader"):
		return path != "posim reader list" && !strings.Contains(strings.Join(e.args, " "), "emu:")
	}
	return c.Flags().Changed("host") || strings.HasPrefix(e.makes, "/")
}

// The examples of every help run as they are printed, from the root of a clone; those that stay, or need a device, are parsed at least,
// and what files they name is there, or made by a line above.
func TestExamplesOfEveryHelp(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	_, printed, _ := strings.Cut(usage, "\nexamples:\n")
	printed, _, _ = strings.Cut(printed, "\nexit status:")
	texts := map[string]string{"posim": printed}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.HasParent() && !(c.Parent().Name() == "completion") {
			texts[c.CommandPath()] = c.Example
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).root())
	parsed, ran := 0, 0
	for path, text := range texts {
		clone(t, root)
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s has no example", path)
		}
		var made []string
		for _, e := range examplesOf(t, text) {
			if e.args[0] == "openssl" {
				for i, a := range e.args[1:] {
					if a == "-out" || a == "-keyout" {
						made = append(made, e.args[i+2])
					}
				}
				continue
			}
			c, rest, err := (&app{}).root().Find(e.args[1:])
			if err == nil {
				err = c.ParseFlags(rest)
			}
			if err == nil {
				err = c.ValidateArgs(c.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: %q: %v", path, e.args, err)
				continue
			}
			parsed++
			wants, makes := e.files(c)
			made = append(made, makes...)
			for _, f := range wants {
				_, missing := os.Stat(f)
				if missing != nil && !slices.ContainsFunc(made, func(m string) bool { return m != "" && (f == m || strings.HasPrefix(f, m+"/")) }) {
					t.Errorf("%s: %q: no line makes %s, and a clone does not have it", path, e.args, f)
				}
			}
			if slow(c, &e) {
				continue
			}
			ran++
			if out, diag, status := posimRun(t, e.stdin, e.args[1:]...); status != exitPassed {
				t.Errorf("%s: %q: status %d\n%s%s", path, e.args, status, out, diag)
			}
		}
	}
	if parsed < 120 || ran < 75 {
		t.Errorf("%d examples, of which %d ran", parsed, ran)
	}
}

// clone makes a folder with everything that a clone's root has, and goes there.
func clone(t *testing.T, root string) {
	t.Helper()
	dir := t.TempDir()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(root, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}
