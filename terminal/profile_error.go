package terminal

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// profileError is what is wrong with one key of a profile: "emv.applications[2].aid". What it says follows the key as it is.
type profileError struct {
	key string
	err error
}

// wrong is a profileError; format begins with what stands between key and text.
func wrong(key, format string, args ...any) error {
	return &profileError{key, fmt.Errorf(format, args...)}
}

func (e *profileError) Error() string { return e.key + e.err.Error() }

func (e *profileError) Unwrap() error { return e.err }

// profileTree is a profile's text as a tree that knows the places of its keys.
type profileTree struct{ root ast.Node }

// errDocuments: what stands behind a second --- would be read by nobody.
var errDocuments = errors.New("want one document")

func parseProfileTree(src []byte) (*profileTree, error) {
	file, err := parser.ParseBytes(src, 0)
	switch {
	case err != nil:
		return nil, yamlError(err)
	case len(file.Docs) > 1:
		return nil, errDocuments
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		return &profileTree{}, nil
	}
	return &profileTree{file.Docs[0].Body}, nil
}

// locate puts line and column before an error about a key: those of the key, or of the nearest key above it if it is missing.
func (t *profileTree) locate(err error) error {
	var wrong *profileError
	if !errors.As(err, &wrong) {
		return err
	}
	line, column := 1, 1
	node := t.root
	for step := range strings.SplitSeq(strings.ReplaceAll(wrong.key, "[", ".["), ".") {
		key, value := child(node, step)
		if value == nil {
			break
		}
		if p := key.GetToken(); p != nil && p.Position != nil {
			line, column = p.Position.Line, p.Position.Column
		}
		node = value
	}
	return fmt.Errorf("%d:%d: %w", line, column, wrong)
}

// child is a key of a mapping and its value, or an item of a list twice.
func child(node ast.Node, step string) (key, value ast.Node) {
	if index, is := strings.CutPrefix(step, "["); is {
		list, isList := node.(*ast.SequenceNode)
		i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if !isList || err != nil || i < 0 || i >= len(list.Values) {
			return nil, nil
		}
		return first(list.Values[i]), list.Values[i]
	}
	switch n := node.(type) {
	case *ast.MappingValueNode:
		if n.Key.GetToken().Value == step {
			return n.Key, n.Value
		}
	case *ast.MappingNode:
		for _, v := range n.Values {
			if v.Key.GetToken().Value == step {
				return v.Key, v.Value
			}
		}
	}
	return nil, nil
}

// first is where a value begins: the token of a mapping is its first colon.
func first(node ast.Node) ast.Node {
	switch n := node.(type) {
	case *ast.MappingValueNode:
		return n.Key
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return n.Values[0].Key
		}
	}
	return node
}

// yamlError says what the YAML reader says, at its place and without the lines around it: they may hold a card number.
func yamlError(err error) error {
	var own *profileError // from a method of ours
	if errors.As(err, &own) {
		return own
	}
	var mismatch *yaml.TypeError
	if errors.As(err, &mismatch) {
		return at(mismatch.Token, fmt.Errorf("want %s", typeInWords(mismatch.DstType)))
	}
	var said yaml.Error
	if errors.As(err, &said) {
		return at(said.GetToken(), errors.New(said.GetMessage()))
	}
	return err
}

func at(t *token.Token, err error) error {
	if t == nil || t.Position == nil {
		return err
	}
	return fmt.Errorf("%d:%d: %w", t.Position.Line, t.Position.Column, err)
}

const aDuration = "a duration such as 60s"

// typeInWords is a type in words.
func typeInWords(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[span]():
		return aDuration
	case t.Kind() == reflect.Pointer:
		return typeInWords(t.Elem())
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "a whole number"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Map:
		return "a mapping of keys"
	}
	return "a text"
}
