package scenario

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// typing gives the nodes of a script their types. The first error sticks: everything after it is read to no effect, so
// the readers below can be written without a way out at every line.
type typing struct {
	doc     *document
	without bool // leave out the faults that a variable counts for
	failed  *Error

	card         string // default of the script
	spare        string // the profile of the shop's other terminal, if it has one
	transactions int    // of the steps so far
}

func (t *typing) fail(p Pos, format string, args ...any) {
	if t.failed == nil {
		t.failed = t.doc.errorf(p, format, args...)
	}
}

// specError is err at its part of n's text.
func (d *document) specError(n *node, err error) *Error {
	var part *specError
	if !errors.As(err, &part) {
		return d.errorf(n.pos, "%v", err)
	}
	start := min(part.offset, len(n.text))
	end := min(start+part.width, len(n.text))
	return d.errorf(n.within(utf8.RuneCountInString(n.text[:start]), max(1, utf8.RuneCountInString(n.text[start:end]))), "%s", part.msg)
}

// mapping checks that n is a mapping with no key but these.
func (t *typing) mapping(n *node, example string, keys ...string) bool {
	if n.sort != sortMapping {
		t.fail(n.pos, "want %s", example)
		return false
	}
	for _, k := range n.keys {
		if !slices.Contains(keys, k.text) {
			t.fail(k.pos, "unknown key %q: want %s", shorten(k.text), strings.Join(keys, ", "))
			return false
		}
	}
	return true
}

// text reads a string that stands in quotes, or plainly where YAML takes it for a string. One that YAML takes for a
// number would lose its zeros in another reader's hands.
func (t *typing) text(n *node, what string) string {
	switch {
	case n.sort == sortNumber:
		t.fail(n.pos, "want %s in quotes", what)
	case n.sort != sortText || strings.TrimSpace(n.text) == "":
		t.fail(n.pos, "want %s", what)
	default:
		return strings.TrimSpace(n.text)
	}
	return ""
}

// word reads one of a closed list.
func (t *typing) word(n *node, what string, words ...string) string {
	if n.sort == sortText || n.sort == sortNumber {
		if slices.Contains(words, n.text) {
			return n.text
		}
		t.fail(n.pos, "unknown %s %q: want %s", what, shorten(n.text), strings.Join(words, ", "))
		return ""
	}
	t.fail(n.pos, "want a %s: %s", what, strings.Join(words, ", "))
	return ""
}

func (t *typing) truth(n *node) bool {
	if n.sort != sortNumber && !n.varying || n.text != "true" && n.text != "false" {
		t.fail(n.pos, "want true or false")
	}
	return n.text == "true"
}

func (t *typing) number(n *node, what string, low, high int) int {
	k, ok := parseNumber(n.text, low, high)
	if n.sort != sortNumber && !n.varying || !ok {
		t.fail(n.pos, "want %s, a number from %d to %d", what, low, high)
	}
	return k
}

func (t *typing) money(n *node) Money {
	m, err := ParseMoney(n.text)
	if err != nil {
		t.fail(n.pos, "%v", err)
	}
	return m
}

// list reads a list, or a lone value as a list of one.
func (t *typing) list(n *node) []*node {
	if n.sort != sortList {
		return []*node{n}
	}
	if len(n.items) == 0 {
		t.fail(n.pos, "the list is empty")
	}
	if len(n.items) > maxList {
		t.fail(n.pos, "more than %d in a list", maxList)
		return nil
	}
	return n.items
}

func (t *typing) known(n *node, what string, exists func(string) bool) string {
	name := t.text(n, "the name of a "+what)
	if t.failed == nil && exists != nil && !exists(name) {
		t.fail(n.pos, "unknown %s %q", what, shorten(name))
	}
	return name
}

func (t *typing) script(root *node) *Script {
	s := &Script{Terminal: defaultTerminal}
	t.mapping(root, "a script", "name", "zh", "about", "card", "terminal", "spare", "host", "each", "faults", "steps", "expect")
	for _, required := range []string{"name", "zh", "steps", "expect"} {
		if root.key(required) == nil {
			t.fail(root.pos, "missing key %q", required)
		}
	}
	if t.failed != nil {
		return nil
	}
	s.Name = t.text(root.key("name"), "a name in English")
	s.Zh = t.text(root.key("zh"), "a name in Chinese")
	if n := root.key("about"); n != nil {
		s.About = t.text(n, "a sentence")
	}
	if n := root.key("card"); n != nil {
		s.Card = t.known(n, "card", t.doc.known.Card)
		t.card = s.Card
	}
	if n := root.key("terminal"); n != nil {
		s.Terminal = t.known(n, "terminal", t.doc.known.Terminal)
	}
	if n := root.key("spare"); n != nil {
		s.Spare = t.known(n, "terminal", t.doc.known.Terminal)
		t.spare = s.Spare
	}
	if n := root.key("host"); n != nil {
		s.Host = t.house(n)
	}
	if n := root.key("faults"); n != nil {
		s.Faults = t.faults(n)
	}
	s.Steps = t.steps(root.key("steps"))
	s.Expect = t.end(root.key("expect"))
	return s
}

// faults reads the faults of a step or of the whole script.
func (t *typing) faults(n *node) (all []Fault) {
	if n.sort != sortList || len(n.items) > maxFaults {
		t.fail(n.pos, `want a list of at most %d faults: ["net.rsp[0210].lose"]`, maxFaults)
		return nil
	}
	for _, item := range n.items {
		if t.without && item.varying {
			continue
		}
		t.text(item, `a fault such as "net.rsp[0210].lose"`)
		if t.failed != nil {
			return nil
		}
		f, err := parseFault(item.text)
		if err != nil {
			t.failed = t.doc.specError(item, err)
			return nil
		}
		f.Pos = item.pos
		all = append(all, f)
	}
	return all
}

func parseDate(s string) (time.Time, bool) {
	d, err := time.Parse(time.DateOnly, s)
	return d, err == nil && d.Year() >= 2000 && d.Year() < 2100
}
