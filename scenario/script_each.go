package scenario

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Each is what a file is repeated for; the zero Each is a file that runs once.
type Each struct {
	Pos   Pos
	Power bool // once per durable write, send, receive, show and print of the terminal; the rig enumerates
	Count int  // of a list: how many values each variable has
	Range *Range
}

// Repeats tells whether the script is an enumeration of runs.
func (s *Script) Repeats() bool { return s.Each.Power || s.Each.Range != nil || s.Each.Count > 1 }

// Range is a variable that counts the bytes of a message.
type Range struct {
	Name     string
	From, To Bound
	Of       Place // the message whose length, with its framing, is n
}

// Bound is one end of a range: n+Offset, or Offset alone.
type Bound struct {
	Length bool
	Offset int
}

// At is the bound for a message of n framed bytes.
func (b Bound) At(n int) int {
	if b.Length {
		return n + b.Offset
	}
	return b.Offset
}

// Variants are the runs of a script: one for each value of a list, with ids W02.1, W02.2 ...; of a range one for each
// number, where n is the framed length of the message that [Each.Range] names, taken from a run of [Script.Without];
// otherwise the script itself (n is then not looked at). The error of a range that is empty for n, or too long, is an [*Error].
func (s *Script) Variants(n int) ([]*Script, error) {
	switch {
	case s.Each.Count > 0:
		return s.doc.lists(s.Each)
	case s.Each.Range != nil:
		return s.doc.ranged(s.Each, n)
	}
	return []*Script{s}, nil
}

// Without is the run that a range is measured in: no fault that the variable counts for is armed. Its expectations are
// those of the runs with the fault, so only the message's length means anything.
func (s *Script) Without() (*Script, error) {
	if s.Each.Range == nil {
		return s, nil
	}
	return s.doc.script(s.Each, s.doc.id, []Value{{s.Each.Range.Name, "1"}}, true)
}

// scripts types the document with every value that is known before a run.
func (d *document) scripts() (*Script, error) {
	each, names, failed := d.each()
	if failed != nil {
		return nil, failed
	}
	if err := d.variables(d.root, names); err != nil {
		return nil, err
	}
	switch {
	case each.Count > 0:
		all, err := d.lists(each)
		if err != nil {
			return nil, err
		}
		first := *all[0]
		first.ID = d.id
		return &first, nil
	case each.Range != nil:
		return d.script(each, d.id, []Value{{each.Range.Name, "1"}}, false)
	}
	return d.script(each, d.id, nil, false)
}

func (d *document) lists(each Each) (all []*Script, err error) {
	values := d.root.key("each")
	if err := d.affordable(each.Count, each); err != nil {
		return nil, err
	}
	for i := range each.Count {
		var run []Value
		for k, key := range values.keys {
			run = append(run, Value{key.text, values.items[k].items[i].text})
		}
		s, err := d.script(each, d.id+"."+strconv.Itoa(i+1), run, false)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (d *document) ranged(each Each, n int) (all []*Script, err error) {
	from, to := each.Range.From.At(n), each.Range.To.At(n)
	if from < 0 || to < from {
		return nil, d.errorf(each.Pos, "from %d to %d is no range (n is %d)", from, to, n)
	}
	if to-from >= maxRuns {
		return nil, d.errorf(each.Pos, "from %d to %d is more than %d runs (n is %d)", from, to, maxRuns, n)
	}
	if err := d.affordable(to-from+1, each); err != nil {
		return nil, err
	}
	for k := from; k <= to; k++ {
		run := d.id + "." + strconv.Itoa(k-from+1)
		s, err := d.script(each, run, []Value{{each.Range.Name, strconv.Itoa(k)}}, false)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// affordable refuses an enumeration whose scripts would fill the memory.
func (d *document) affordable(runs int, each Each) error {
	if runs*d.nodes > maxWork {
		return d.errorf(each.Pos, "%d runs of so long a script are too many", runs)
	}
	return nil
}

// script types the document with the given values.
func (d *document) script(each Each, id string, values []Value, without bool) (*Script, error) {
	t := &typing{doc: d, without: without}
	s := t.script(t.substitute(d.root, values))
	if t.failed != nil {
		return nil, t.failed
	}
	for i, v := range values {
		if d.secret[v.Name] {
			values[i].Text = "****"
		}
	}
	s.ID, s.File, s.Each, s.Values, s.doc = id, d.file, each, values, d
	return s, nil
}

var variableName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// each reads what the file is repeated for, and the names of the variables.
func (d *document) each() (Each, []string, *Error) {
	n := d.root.key("each")
	switch {
	case n == nil:
		return Each{}, nil, nil
	case n.sort == sortText && n.text == "power":
		return Each{Pos: n.pos, Power: true}, nil, nil
	case n.sort != sortMapping || len(n.keys) == 0:
		return Each{}, nil, d.errorf(n.pos, `want power, a list of values {code: ["51", "54"]}, or a range {k: "1..n-1", n: "net.req[0200]"}`)
	}
	var names []string
	for _, k := range n.keys {
		if !variableName.MatchString(k.text) {
			return Each{}, nil, d.errorf(k.pos, "want a variable's name in lower-case letters and digits")
		}
		if k.text != "n" {
			names = append(names, k.text)
		}
	}
	if n.key("n") != nil {
		each, err := d.eachRange(n)
		return each, names, err
	}
	each := Each{Pos: n.pos}
	for _, list := range n.items {
		if list.sort != sortList || len(list.items) == 0 {
			return Each{}, nil, d.errorf(list.pos, "want a list of values")
		}
		if each.Count == 0 {
			each.Count = len(list.items)
		}
		if len(list.items) != each.Count {
			return Each{}, nil, d.errorf(list.pos, "want %d values as in the first list, found %d", each.Count, len(list.items))
		}
		if each.Count > maxList {
			return Each{}, nil, d.errorf(list.pos, "more than %d values", maxList)
		}
		for _, v := range list.items {
			if v.sort != sortText {
				return Each{}, nil, d.errorf(v.pos, "want a text in quotes")
			}
			if strings.Contains(v.text, "${") {
				return Each{}, nil, d.errorf(v.pos, "a value holds no variable")
			}
		}
	}
	return each, names, nil
}

func (d *document) eachRange(n *node) (Each, *Error) {
	message := n.key("n")
	if len(n.keys) != 2 {
		return Each{}, d.errorf(n.pos, `n goes with one variable: {k: "1..n-1", n: "net.req[0200]"}`)
	}
	value := n.items[0]
	if value == message {
		value = n.items[1]
	}
	r := &Range{Name: n.keys[slices.Index(n.items, value)].text}
	from, to, found := strings.Cut(value.text, "..")
	var fromOK, toOK bool
	r.From, fromOK = parseBound(from)
	r.To, toOK = parseBound(to)
	if value.sort != sortText || !found || !fromOK || !toOK {
		return Each{}, d.errorf(value.pos, `want a range such as "1..n-1": whole numbers, n, or n less a number`)
	}
	if message.sort != sortText {
		return Each{}, d.errorf(message.pos, `want the message that n is the length of: "net.req[0200]"`)
	}
	place, rest, err := parsePlace(message.text)
	if err == nil {
		_, err = rowsAt(place, rest > len(place.Seam))
	}
	if err == nil && (rest != len(message.text) || !strings.Contains(place.Seam, ".") || place.N == 0 || place.Later) {
		err = specErrorf(0, len(message.text), `want the message that n is the length of: "net.req[0200]"`)
	}
	if err != nil {
		return Each{}, d.specError(message, err)
	}
	r.Of = place
	return Each{Pos: value.pos, Range: r}, nil
}

// parseBound reads 17, n or n-17.
func parseBound(s string) (Bound, bool) {
	rest, length := strings.CutPrefix(s, "n")
	if length && rest == "" {
		return Bound{Length: true}, true
	}
	minus := false
	if length {
		if rest, minus = strings.CutPrefix(rest, "-"); !minus {
			return Bound{}, false
		}
	}
	k, ok := parseNumber(rest, 0, maxLength)
	if minus {
		k = -k
	}
	return Bound{Length: length, Offset: k}, ok
}

// variables checks that every ${name} of the script has a value and every value a use.
func (d *document) variables(root *node, names []string) *Error {
	d.secret = map[string]bool{}
	d.secrets(root, false)
	used := map[string]bool{}
	if err := d.uses(root, names, used, false); err != nil {
		return err
	}
	for _, k := range names {
		if !used[k] {
			each := root.key("each")
			at := slices.IndexFunc(each.keys, func(n *node) bool { return n.text == k })
			return d.errorf(each.keys[at].pos, "${%s} stands nowhere", k)
		}
	}
	return nil
}

// secrets notes the variables that a pin: takes its value from.
func (d *document) secrets(n *node, pin bool) {
	if pin {
		for _, v := range variable.FindAllStringSubmatch(n.text, -1) {
			d.secret[v[1]] = true
		}
	}
	for i, item := range n.items {
		d.secrets(item, pin || n.sort == sortMapping && n.keys[i].text == "pin")
	}
}

func (d *document) uses(n *node, names []string, used map[string]bool, pin bool) *Error {
	for rest := n.text; strings.Contains(rest, "${"); {
		start := strings.Index(rest, "${")
		at := len([]rune(n.text[:len(n.text)-len(rest)+start]))
		name, tail, closed := strings.Cut(rest[start+2:], "}")
		switch {
		case !closed:
			return d.errorf(n.within(at, 2), "want ${name}: the } is missing")
		case !slices.Contains(names, name):
			return d.errorf(n.within(at, len([]rune(name))+3), "unknown variable ${%s}: each: gives %s", shorten(name), orNothing(names))
		case d.secret[name] && !pin:
			return d.errorf(n.within(at, len([]rune(name))+3), "${%s} is a PIN and stands at pin: only", name)
		}
		used[name] = true
		rest = tail
	}
	for i, item := range n.items {
		if n == d.root && n.keys[i].text == "each" {
			continue
		}
		if err := d.uses(item, names, used, pin || n.sort == sortMapping && n.keys[i].text == "pin"); err != nil {
			return err
		}
	}
	return nil
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// substitute is the tree with the values put in; what has none is shared with n.
func (t *typing) substitute(n *node, values []Value) *node {
	if len(values) == 0 {
		return n
	}
	out := *n
	for _, v := range values {
		name := "${" + v.Name + "}"
		count := strings.Count(out.text, name)
		if len(out.text)+count*len(v.Text) > maxSpec*utf8.UTFMax {
			t.fail(n.pos, "longer than %d characters with its variables", maxSpec)
			return n
		}
		if count > 0 {
			out.text = strings.ReplaceAll(out.text, name, v.Text)
			out.varying = true
		}
	}
	if len(n.items) > 0 {
		out.items = make([]*node, len(n.items))
		for i, item := range n.items {
			out.items[i] = item
			if n != t.doc.root || n.keys[i].text != "each" {
				out.items[i] = t.substitute(item, values)
			}
		}
	}
	return &out
}
