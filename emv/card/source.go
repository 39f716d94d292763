package card

import (
	"errors"
	"fmt"
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

const (
	maxProblem = 200 // bytes of a message
	longRun    = 8   // digits in a row that may be (part of) a card number
)

// scrub makes a message safe to show that quotes the file: somebody's misplaced line may have a card number in it.
func scrub(message string) string {
	if len(message) > maxProblem {
		message = strings.ToValidUTF8(message[:maxProblem], "") + "..."
	}
	b := []byte(message)
	for i := 0; i < len(b); {
		n := i
		for n < len(b) && b[n] >= '0' && b[n] <= '9' {
			n++
		}
		if n-i >= longRun {
			for ; i < n; i++ {
				b[i] = '*'
			}
		}
		i = n + 1
	}
	return string(b)
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
	Type       text          `yaml:"type"`
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
	place      `yaml:"-"`
	Status     text       `yaml:"status"`
	Balance    text       `yaml:"balance"`
	Currency   text       `yaml:"currency"`
	PIN        text       `yaml:"pin"`
	Expiry     text       `yaml:"expiry"`
	IMK        *imkSource `yaml:"imk"`
	SMI        *imkSource `yaml:"imk_smi"`
	SMC        *imkSource `yaml:"imk_smc"`
	Derivation text       `yaml:"derivation"`
	Cryptogram text       `yaml:"cryptogram"`
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
	OfflinePIN   *pinSource          `yaml:"offline_pin"`
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
	Purse         *purseSource   `yaml:"purse"`
	WrongARPC     text           `yaml:"wrong_arpc"`
	RequireARPC   text           `yaml:"require_arpc"`
	WhenBlocked   text           `yaml:"when_blocked"`
	RefuseGPO     text           `yaml:"refuse_gpo"`
	Decision      text           `yaml:"decision"`
	Advice        text           `yaml:"advice"`

	Keys         text                `yaml:"keys"`
	Certificates *certificatesSource `yaml:"certificates"`
	Wrong        []text              `yaml:"wrong"`
	Number       text                `yaml:"dynamic_number"`
	IAD          text                `yaml:"issuer_application_data"`
}

type certificatesSource struct {
	place            `yaml:"-"`
	IssuerIdentifier text `yaml:"issuer_identifier"`
	IssuerExpiry     text `yaml:"issuer_expiry"`
	IssuerSerial     text `yaml:"issuer_serial"`
	ICCExpiry        text `yaml:"icc_expiry"`
	ICCSerial        text `yaml:"icc_serial"`
	DAC              text `yaml:"dac"`
}

type pinSource struct {
	place      `yaml:"-"`
	PIN        text `yaml:"pin"`
	Limit      text `yaml:"limit"`
	Left       text `yaml:"left"`
	Plaintext  text `yaml:"plaintext"`
	Enciphered text `yaml:"enciphered"`
	Readable   text `yaml:"readable"`
	Refusal    text `yaml:"when_blocked"`
}

type recordSource struct {
	place  `yaml:"-"`
	SFI    text    `yaml:"sfi"`
	Record text    `yaml:"record"`
	Signed text    `yaml:"signed"`
	Data   objects `yaml:"data"`
}

type purseSource struct {
	place   `yaml:"-"`
	Balance text `yaml:"balance"`
	Limit   text `yaml:"limit"`
	Single  text `yaml:"single"`
}

type riskSource struct {
	place         `yaml:"-"`
	LowerLimit    text `yaml:"lower_limit"`
	UpperLimit    text `yaml:"upper_limit"`
	LowerAmount   text `yaml:"lower_amount"`
	UpperAmount   text `yaml:"upper_amount"`
	NewCardOnline text `yaml:"new_card_online"`
	PINExceeded   text `yaml:"pin_exceeded"`
	RefuseTypes   text `yaml:"refuse_types"`
}

// The sections note their places, then decode as plain structs.

func section(n ast.Node, at *place, into any) error {
	*at = placeOf(n)
	// A key that is no text, such as a number, would not be found unknown: the library passes over it.
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if _, ok := v.Key.(*ast.StringNode); !ok {
				return &keyError{placeOf(v.Key)}
			}
		}
	case *ast.MappingValueNode:
		if _, ok := n.Key.(*ast.StringNode); !ok {
			return &keyError{placeOf(n.Key)}
		}
	}
	return yaml.NodeToValue(n, into, yaml.Strict())
}

// keyError is a key of a section that is no text.
type keyError struct{ place }

func (*keyError) Error() string { return "card: a key that is no text" }

// UnmarshalYAML notes the section's place.
func (s *source) UnmarshalYAML(n ast.Node) error {
	type plain source
	return section(n, &s.place, (*plain)(s))
}

// UnmarshalYAML notes the section's place.
func (s *stripeSource) UnmarshalYAML(n ast.Node) error {
	type plain stripeSource
	return section(n, &s.place, (*plain)(s))
}

// UnmarshalYAML notes the section's place.
func (s *issuerSource) UnmarshalYAML(n ast.Node) error {
	type plain issuerSource
	return section(n, &s.place, (*plain)(s))
}

// UnmarshalYAML notes the section's place.
func (s *imkSource) UnmarshalYAML(n ast.Node) error {
	type plain imkSource
	return section(n, &s.place, (*plain)(s))
}

// UnmarshalYAML notes the section's place.
func (s *chipSource) UnmarshalYAML(n ast.Node) error {
	type plain chipSource
	return section(n, &s.place, (*plain)(s))
}

// UnmarshalYAML notes the section's place.
func (s *applicationSource) UnmarshalYAML(n ast.Node) error {
	type plain applicationSource
	return section(n, &s.place, (*plain)(s))
}

// UnmarshalYAML notes the section's place.
func (s *certificatesSource) UnmarshalYAML(n ast.Node) error {
	type plain certificatesSource
	return section(n, &s.place, (*plain)(s))
}

// UnmarshalYAML notes the section's place.
func (s *pinSource) UnmarshalYAML(n ast.Node) error {
	type plain pinSource
	return section(n, &s.place, (*plain)(s))
}

// UnmarshalYAML notes the section's place.
func (s *recordSource) UnmarshalYAML(n ast.Node) error {
	type plain recordSource
	return section(n, &s.place, (*plain)(s))
}

// UnmarshalYAML notes the section's place.
func (s *riskSource) UnmarshalYAML(n ast.Node) error {
	type plain riskSource
	return section(n, &s.place, (*plain)(s))
}

// UnmarshalYAML notes the section's place.
func (s *purseSource) UnmarshalYAML(n ast.Node) error {
	type plain purseSource
	return section(n, &s.place, (*plain)(s))
}

// decode reads the file's structure. Errors of the YAML library are taken apart: their text quotes the lines around the
// error, and those may hold a card number or a PIN.
func decode(file string, src []byte) (*source, *ProfileError) {
	body, problem := parseYAML(file, src)
	if problem != nil {
		return nil, problem
	}
	s := new(source)
	if err := yaml.NodeToValue(body, s, yaml.Strict()); err != nil {
		return nil, yamlError(file, err)
	}
	return s, nil
}

// parseYAML reads one document that is not too large, nested or entangled.
func parseYAML(file string, src []byte) (ast.Node, *ProfileError) {
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
	return body, nil
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
	var key *keyError
	if errors.As(err, &key) {
		return &ProfileError{file, key.line, key.column, "unknown field: the key is no text"}
	}
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
	e.Problem = scrub(e.Problem)
	if errors.As(err, &positioned) {
		if t := positioned.GetToken(); t != nil && t.Position != nil {
			e.Line, e.Column = t.Position.Line, t.Position.Column
		}
	}
	return e
}
