package scenario

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A script is parsed to a tree of nodes that keep their places. Typing happens on the tree and not by reflection, so
// that an amount is its digits and not a float, variables are put in before anything has a type, and every error can
// name its place. Of YAML a script may use mappings, lists, scalars and comments: anchors, tags, several documents and
// the like would let two readers understand one file differently, and are refused.

// document is a script's text and tree.
type document struct {
	id, file string
	known    Known
	text     string // without carriage returns
	root     *node
	nodes    int
	secret   map[string]bool // variables that are PINs

	split sync.Once // lines are for errors only, and runs of one script may fail at the same time
	lines []string  // masked
}

type nodeSort int

const (
	sortNull    nodeSort = iota
	sortText             // a quoted or plain string
	sortNumber           // a plain scalar that YAML takes for a number, truth or null
	sortList             // items
	sortMapping          // keys and items
)

// node is one value of the tree.
type node struct {
	sort    nodeSort
	pos     Pos
	text    string // of a scalar, as written
	at      int    // characters from pos to where text stands literally in the source; -1: it does not
	varying bool   // a variable was put in
	quoted  bool
	keys    []*node
	items   []*node
}

func newDocument(file string, src []byte) (*document, *Error) {
	d := &document{file: file}
	if len(src) > maxFile {
		return nil, d.errorf(Pos{}, "the file is longer than %d KiB", maxFile>>10)
	}
	d.text = strings.ReplaceAll(strings.TrimPrefix(string(src), "\uFEFF"), "\r\n", "\n")
	if err := d.checkCharacters(); err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(d.text)
	if err := d.checkTokens(tokens); err != nil {
		return nil, err
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // doubled keys are found below, with our words
	if err != nil {
		return nil, d.syntaxError(err)
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		return nil, d.errorf(Pos{}, "the script is empty")
	}
	root, failed := d.node(tree.Docs[0].Body, 0)
	if failed != nil {
		return nil, failed
	}
	if root.sort != sortMapping {
		return nil, d.errorf(root.pos, "want a script: name, zh, card, steps, expect")
	}
	d.root = root
	return d, nil
}

// errorf is an error at p with its line quoted; a zero p is the file as a whole.
func (d *document) errorf(p Pos, format string, args ...any) *Error {
	e := &Error{File: d.file, Line: max(p.Line, 1), Column: max(p.Column, 1), Msg: maskNumbers(fmt.Sprintf(format, args...))}
	if p.Line < 1 {
		return e
	}
	d.split.Do(func() { d.lines = strings.Split(maskNumbers(maskPINs(d.text)), "\n") })
	if p.Line <= len(d.lines) {
		e.Quote = quote(d.lines[p.Line-1], p.Line, p.Column, p.Width)
	}
	return e
}

// checkCharacters keeps out what an editor does not show: what is quoted must not do anything to a screen.
func (d *document) checkCharacters() *Error {
	line, column := 1, 1
	for i, r := range d.text {
		bad := ""
		switch {
		case r == utf8.RuneError && (i+2 >= len(d.text) || d.text[i:i+3] != "\uFFFD"):
			bad = "a byte that is not UTF-8"
		case r == '\n':
			line, column = line+1, 1
			continue
		case r == '\t':
			bad = "a tab: indent with spaces"
		case !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r):
			bad = fmt.Sprintf("the character %U does not print", r)
		}
		if bad != "" {
			return &Error{File: d.file, Line: line, Column: column, Msg: bad} // not quoted: the line is what is wrong
		}
		column++
	}
	return nil
}

// checkTokens refuses the parts of YAML that scripts do not use and nesting that the parser would recurse into.
func (d *document) checkTokens(tokens token.Tokens) *Error {
	if len(tokens) > maxTokens {
		return d.errorf(Pos{}, "the script has more than %d words and marks", maxTokens)
	}
	depth := 0
	for i, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			if depth++; depth > maxDepth {
				return d.errorf(position(t), "nested deeper than %d", maxDepth)
			}
			if i > 0 && t.Type == token.MappingStartType && strings.HasSuffix(tokens[i-1].Value, "$") &&
				tokens[i-1].Position.Line == t.Position.Line && depth > 1 {
				return d.errorf(position(t), `a variable inside { } or [ ] stands in quotes: "${name}"`)
			}
		case token.SequenceEndType, token.MappingEndType:
			depth = max(0, depth-1)
		case token.SequenceEntryType:
			if t.Position.Column > maxColumn {
				return d.errorf(position(t), "indented deeper than %d columns", maxColumn)
			}
		case token.MappingValueType:
			if depth == 0 && i > 0 && tokens[i-1].Position.Column > maxColumn {
				return d.errorf(position(tokens[i-1]), "indented deeper than %d columns", maxColumn)
			}
		case token.CollectEntryType, token.CommentType, token.LiteralType, token.FoldedType,
			token.SingleQuoteType, token.DoubleQuoteType, token.StringType, token.NullType, token.ImplicitNullType,
			token.InfinityType, token.NanType, token.IntegerType, token.BinaryIntegerType, token.OctetIntegerType,
			token.HexIntegerType, token.FloatType, token.BoolType, token.SpaceType:
		case token.DocumentHeaderType:
			if i > 0 {
				return d.errorf(position(t), "a script is one document")
			}
		case token.InvalidType:
			return d.errorf(position(t), "%s", t.Error)
		default:
			return d.errorf(position(t), "a script has no %s", strings.ToLower(t.Type.String()))
		}
	}
	return nil
}

func (d *document) syntaxError(err error) *Error {
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		return d.errorf(position(syntax.GetToken()), "%s", syntax.GetMessage())
	}
	return d.errorf(Pos{}, "not YAML")
}

// node copies the tree of the parser into ours.
func (d *document) node(n ast.Node, depth int) (*node, *Error) {
	out := &node{at: -1}
	d.nodes++
	if t := n.GetToken(); t != nil {
		out.pos = position(t)
	}
	if depth > maxDepth {
		return nil, d.errorf(out.pos, "nested deeper than %d", maxDepth)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return d.mapping(out, n.Values, n.Start, depth)
	case *ast.MappingValueNode:
		return d.mapping(out, []*ast.MappingValueNode{n}, nil, depth)
	case *ast.SequenceNode:
		out.sort = sortList
		for _, v := range n.Values {
			item, err := d.node(v, depth+1)
			if err != nil {
				return nil, err
			}
			out.items = append(out.items, item)
		}
	case *ast.LiteralNode:
		out.sort, out.quoted, out.text = sortText, true, n.Value.GetToken().Value
		out.pos = position(n.Start)
	case *ast.StringNode:
		t := n.GetToken()
		out.sort, out.text = sortText, t.Value
		out.quoted = t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType
		if out.quoted && out.pos.Width == utf8.RuneCountInString(t.Value)+2 {
			out.at = 1
		} else if !out.quoted && out.pos.Width == utf8.RuneCountInString(t.Value) {
			out.at = 0
		}
	case *ast.NullNode:
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		out.sort, out.text, out.at = sortNumber, n.GetToken().Value, 0
	default:
		return nil, d.errorf(out.pos, "a script has no %s", strings.ToLower(n.Type().YAMLName()))
	}
	if utf8.RuneCountInString(out.text) > maxSpec {
		return nil, d.errorf(out.pos, "longer than %d characters", maxSpec)
	}
	return out, nil
}

func (d *document) mapping(out *node, values []*ast.MappingValueNode, start *token.Token, depth int) (*node, *Error) {
	out.sort = sortMapping
	seen := map[string]Pos{}
	for i, v := range values {
		key, err := d.node(v.Key, depth+1)
		if err != nil {
			return nil, err
		}
		if key.sort != sortText && key.sort != sortNumber {
			return nil, d.errorf(key.pos, "want a word as a key")
		}
		if first, doubled := seen[key.text]; doubled {
			return nil, d.errorf(key.pos, "key %q stands here twice, first in line %d", shorten(key.text), first.Line)
		}
		seen[key.text] = key.pos
		value, err := d.node(v.Value, depth+1)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			out.pos = key.pos
		}
		out.keys, out.items = append(out.keys, key), append(out.items, value)
	}
	if start != nil && start.Type == token.MappingStartType {
		out.pos = position(start)
	}
	return out, nil
}

// position is where a token stands and how many characters of its first line it takes.
func position(t *token.Token) Pos {
	if t == nil || t.Position == nil {
		return Pos{}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(t.Origin), "\n")
	return Pos{Line: t.Position.Line, Column: max(t.Position.Column, 1), Width: max(1, utf8.RuneCountInString(strings.TrimSpace(first)))}
}

// key finds the value of a mapping's key; nil when it has none.
func (n *node) key(name string) *node {
	for i, k := range n.keys {
		if k.text == name {
			return n.items[i]
		}
	}
	return nil
}

// within narrows the node's place to characters offset..offset+width of its text, where they can be told apart.
func (n *node) within(offset, width int) Pos {
	if n.at < 0 || n.varying {
		return n.pos
	}
	return Pos{Line: n.pos.Line, Column: n.pos.Column + n.at + offset, Width: width}
}
