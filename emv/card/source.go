package card

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Limits of a profile. The largest committed one is a tenth of it.
const (
	maxSource   = 32 << 10 // bytes
	maxBrackets = 512      // of [ and {: the parser is slow on deep nesting, and no profile nests
)

// ProfileError is what is wrong with a profile, and where. It never quotes a card number, a PIN or a key.
type ProfileError struct {
	File         string
	Line, Column int // from 1; 0 where the file as a whole is meant
	Problem      string
}

// Error is "card: FILE:LINE:COLUMN: problem".
func (e *ProfileError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("card: %s: %s", e.File, e.Problem)
	}
	return fmt.Sprintf("card: %s:%d:%d: %s", e.File, e.Line, e.Column, e.Problem)
}

// place is where something stands in the file.
type place struct{ line, column int }

func placeOf(n ast.Node) place {
	if n == nil {
		return place{}
	}
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		n = m.Values[0].Key // a mapping's own token is its first colon
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return place{t.Position.Line, t.Position.Column}
	}
	return place{}
}

// text is a scalar as it is written: 0123 stays four digits and 9F02 is not a number.
type text struct {
	place
	value string
	set   bool
	bad   bool // something else than a scalar
}

// UnmarshalYAML keeps the scalar's text and place.
func (t *text) UnmarshalYAML(n ast.Node) error {
	*t = textOf(n)
	return nil
}

func textOf(n ast.Node) text {
	t := text{place: placeOf(n), set: true}
	switch n := n.(type) {
	case *ast.StringNode:
		t.value = n.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		t.value = n.GetToken().Value
	case *ast.NullNode:
		t.set = false
	default:
		t.bad = true
	}
	return t
}

// object is a data object of a profile: a tag and its value, both still text.
type object struct{ tag, value text }

// objects is a mapping of tags to values, in the order of the file: cards have an order.
type objects []object

// UnmarshalYAML keeps the order.
func (o *objects) UnmarshalYAML(n ast.Node) error {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			*o = append(*o, object{textOf(v.Key), textOf(v.Value)})
		}
	case *ast.MappingValueNode:
		*o = append(*o, object{textOf(n.Key), textOf(n.Value)})
	case *ast.NullNode:
	default:
		*o = append(*o, object{tag: text{place: placeOf(n), bad: true}})
	}
	return nil
}

type source struct {
	place      `yaml:"-"`
	Title      text          `yaml:"title"`
	TitleZH    text          `yaml:"title_zh"`
	Scheme     text          `yaml:"scheme"`
	PAN        text          `yaml:"pan"`
	PSN        text          `yaml:"psn"`
	Cardholder text          `yaml:"cardholder"`
	Effective  text          `yaml:"effective"`
	Expiry     text          `yaml:"expiry"`
	Stripe     *stripeSource `yaml:"stripe"`
	Chip       *chipSource   `yaml:"chip"`
	Issuer     *issuerSource `yaml:"issuer"`
}

type stripeSource struct {
	place         `yaml:"-"`
	ServiceCode   text `yaml:"service_code"`
	Discretionary text `yaml:"discretionary"`
	Track1        text `yaml:"discretionary_track1"`
}

type issuerSource struct {
	place        `yaml:"-"`
	Status       text       `yaml:"status"`
	Balance      text       `yaml:"balance"`
	Currency     text       `yaml:"currency"`
	PIN          text       `yaml:"pin"`
	Expiry       text       `yaml:"expiry"`
	IMK          *imkSource `yaml:"imk"`
	Derivation   text       `yaml:"derivation"`
	Cryptography text       `yaml:"cryptogram"`
}

type imkSource struct {
	place `yaml:"-"`
	Name  text `yaml:"name"`
	Key   text `yaml:"key"`
}

type chipSource struct {
	place        `yaml:"-"`
	Protocol     text                `yaml:"protocol"`
	Historical   text                `yaml:"historical"`
	PSE          text                `yaml:"pse"`
	Language     text                `yaml:"language"`
	Blocked      text                `yaml:"blocked"`
	Applications []applicationSource `yaml:"applications"`
}

type applicationSource struct {
	place         `yaml:"-"`
	AID           text           `yaml:"aid"`
	Label         text           `yaml:"label"`
	PreferredName text           `yaml:"preferred_name"`
	CodeTable     text           `yaml:"code_table"`
	Priority      text           `yaml:"priority"`
	Confirm       text           `yaml:"confirm"`
	Blocked       text           `yaml:"blocked"`
	Format        text           `yaml:"format"`
	Cryptogram    text           `yaml:"cryptogram"`
	KeyIndex      text           `yaml:"key_index"`
	IMK           text           `yaml:"imk"`
	AIP           text           `yaml:"aip"`
	AFL           text           `yaml:"afl"`
	PDOL          text           `yaml:"pdol"`
	Records       []recordSource `yaml:"records"`
	Data          objects        `yaml:"data"`
	Risk          *riskSource    `yaml:"risk"`
	WrongARPC     text           `yaml:"wrong_arpc"`
	RequireARPC   text           `yaml:"require_arpc"`
}

type recordSource struct {
	place  `yaml:"-"`
	SFI    text    `yaml:"sfi"`
	Record text    `yaml:"record"`
	Data   objects `yaml:"data"`
}

type riskSource struct {
	place         `yaml:"-"`
	LowerLimit    text `yaml:"lower_limit"`
	UpperLimit    text `yaml:"upper_limit"`
	NewCardOnline text `yaml:"new_card_online"`
}

// The sections note their places, then decode as plain structs.

// UnmarshalYAML notes the section's place.
func (s *source) UnmarshalYAML(n ast.Node) error {
	type plain source
	s.place = placeOf(n)
	return yaml.NodeToValue(n, (*plain)(s), yaml.Strict())
}

// UnmarshalYAML notes the section's place.
func (s *stripeSource) UnmarshalYAML(n ast.Node) error {
	type plain stripeSource
	s.place = placeOf(n)
	return yaml.NodeToValue(n, (*plain)(s), yaml.Strict())
}

// UnmarshalYAML notes the section's place.
func (s *issuerSource) UnmarshalYAML(n ast.Node) error {
	type plain issuerSource
	s.place = placeOf(n)
	return yaml.NodeToValue(n, (*plain)(s), yaml.Strict())
}

// UnmarshalYAML notes the section's place.
func (s *imkSource) UnmarshalYAML(n ast.Node) error {
	type plain imkSource
	s.place = placeOf(n)
	return yaml.NodeToValue(n, (*plain)(s), yaml.Strict())
}

// UnmarshalYAML notes the section's place.
func (s *chipSource) UnmarshalYAML(n ast.Node) error {
	type plain chipSource
	s.place = placeOf(n)
	return yaml.NodeToValue(n, (*plain)(s), yaml.Strict())
}

// UnmarshalYAML notes the section's place.
func (s *applicationSource) UnmarshalYAML(n ast.Node) error {
	type plain applicationSource
	s.place = placeOf(n)
	return yaml.NodeToValue(n, (*plain)(s), yaml.Strict())
}

// UnmarshalYAML notes the section's place.
func (s *recordSource) UnmarshalYAML(n ast.Node) error {
	type plain recordSource
	s.place = placeOf(n)
	return yaml.NodeToValue(n, (*plain)(s), yaml.Strict())
}

// UnmarshalYAML notes the section's place.
func (s *riskSource) UnmarshalYAML(n ast.Node) error {
	type plain riskSource
	s.place = placeOf(n)
	return yaml.NodeToValue(n, (*plain)(s), yaml.Strict())
}

// decode reads the file's structure. Errors of the YAML library are taken apart: their text quotes the lines around the
// error, and those may hold a card number or a PIN.
func decode(file string, src []byte) (*source, *ProfileError) {
	if len(src) > maxSource {
		return nil, &ProfileError{File: file, Problem: fmt.Sprintf("%d bytes: want at most %d", len(src), maxSource)}
	}
	if n := strings.Count(string(src), "[") + strings.Count(string(src), "{"); n > maxBrackets {
		return nil, &ProfileError{File: file, Problem: fmt.Sprintf("%d brackets: want at most %d", n, maxBrackets)}
	}
	tree, err := parser.ParseBytes(src, 0)
	if err != nil {
		return nil, yamlError(file, err)
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		return nil, &ProfileError{File: file, Problem: fmt.Sprintf("%d documents, or an empty one: want one profile", len(tree.Docs))}
	}
	body := tree.Docs[0].Body
	refs := references{}
	ast.Walk(&refs, body)
	if refs.found != nil {
		p := placeOf(refs.found)
		return nil, &ProfileError{file, p.line, p.column, "anchors and aliases are not used in profiles"}
	}
	s := new(source)
	if err := yaml.NodeToValue(body, s, yaml.Strict()); err != nil {
		return nil, yamlError(file, err)
	}
	return s, nil
}

// references finds the first anchor or alias: a profile is to be read as it stands, and aliases can make it explode.
type references struct{ found ast.Node }

// Visit looks at one node.
func (r *references) Visit(n ast.Node) ast.Visitor {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		if r.found == nil {
			r.found = n
		}
		return nil
	}
	return r
}

func yamlError(file string, err error) *ProfileError {
	e := &ProfileError{File: file, Problem: "not readable as YAML"}
	var unknown *yaml.UnknownFieldError
	var duplicate *yaml.DuplicateKeyError
	var syntax *yaml.SyntaxError
	var positioned yaml.Error
	switch {
	case errors.As(err, &unknown): // "unknown field ..."
		e.Problem = unknown.GetMessage()
	case errors.As(err, &duplicate): // "duplicate key ..."
		e.Problem = duplicate.GetMessage()
	case errors.As(err, &syntax):
		e.Problem = "syntax: " + syntax.GetMessage()
	case errors.As(err, &positioned): // a scalar where a section is wanted, or the reverse; the message may quote it
		e.Problem = "wrong kind of value: a section, a list or a text is in another's place"
	}
	if errors.As(err, &positioned) {
		if t := positioned.GetToken(); t != nil && t.Position != nil {
			e.Line, e.Column = t.Position.Line, t.Position.Column
		}
	}
	return e
}

// checker turns texts into values and keeps the first problem.
type checker struct {
	file string
	err  *ProfileError
}

func (c *checker) fail(at place, format string, args ...any) {
	if c.err == nil {
		c.err = &ProfileError{c.file, at.line, at.column, fmt.Sprintf(format, args...)}
	}
}

// scalar reports whether t can be read; a bad one is a problem, a missing one only where it is required.
func (c *checker) scalar(t text, field string) bool {
	if t.bad {
		c.fail(t.place, "%s: want a text", field)
	}
	return t.set && !t.bad
}

func (c *checker) required(t text, field string, in place) string {
	if !c.scalar(t, field) || t.value == "" {
		if t.set {
			in = t.place
		}
		c.fail(in, "%s is missing", field)
		return ""
	}
	return t.value
}

// oneOf returns a word of a list, the first of them where the text is absent.
func (c *checker) oneOf(t text, field string, words ...string) string {
	if !c.scalar(t, field) {
		return words[0]
	}
	for _, w := range words {
		if t.value == w {
			return w
		}
	}
	c.fail(t.place, "%s: %q: want one of %s", field, t.value, strings.Join(words, ", "))
	return words[0]
}

func (c *checker) yes(t text, field string, absent bool) bool {
	words := []string{"false", "true"}
	if absent {
		words = []string{"true", "false"}
	}
	return c.oneOf(t, field, words...) == "true"
}

func (c *checker) number(t text, field string, low, high, absent int) int {
	if !c.scalar(t, field) {
		return absent
	}
	n, err := strconv.Atoi(t.value)
	if err != nil || n < low || n > high {
		c.fail(t.place, "%s: want a number from %d to %d", field, low, high)
		return absent
	}
	return n
}

// hex reads an even number of hexadecimal digits; blanks between bytes are allowed.
func (c *checker) hex(t text, field string, low, high int) []byte {
	if !c.scalar(t, field) {
		return nil
	}
	b, err := hex.DecodeString(strings.ReplaceAll(t.value, " ", ""))
	switch {
	case err != nil:
		c.fail(t.place, "%s: want an even number of hexadecimal digits", field)
		return nil
	case len(b) < low || len(b) > high:
		c.fail(t.place, "%s: length %d: want %d to %d bytes", field, len(b), low, high)
		return nil
	}
	return b
}

func (c *checker) digits(t text, field string, low, high int) string {
	if !c.scalar(t, field) {
		return ""
	}
	if len(t.value) < low || len(t.value) > high || strings.Trim(t.value, "0123456789") != "" {
		c.fail(t.place, "%s: %d characters: want %d to %d digits", field, len(t.value), low, high)
		return ""
	}
	return t.value
}

// printable reads a text of the alphabets that cards carry: printable ASCII.
func (c *checker) printable(t text, field string, high int) string {
	if !c.scalar(t, field) {
		return ""
	}
	for i := range len(t.value) {
		if t.value[i] < 0x20 || t.value[i] > 0x7E {
			c.fail(t.place, "%s: offset %d: want printable ASCII", field, i)
			return ""
		}
	}
	if len(t.value) > high {
		c.fail(t.place, "%s: %d characters: want at most %d", field, len(t.value), high)
		return ""
	}
	return t.value
}
