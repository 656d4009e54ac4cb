package manifest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxAliased bounds how many values aliases may stand for in all, since a few
// lines of them can mean billions.
const maxAliased = 100_000

// maxIndent bounds the column in which a block value starts, and with it how
// deep blocks are nested.
const maxIndent = 256

// yamlReader turns the syntax tree of a YAML file into nodes.
type yamlReader struct {
	anchors map[string]anchored
	aliased int
	depth   int
}

type anchored struct {
	value node
	size  int // how many values it holds, itself included
}

// parseYAML reads src as one document. The error is a *syntaxError.
func parseYAML(src string) (root node, err error) {
	// The parser is another's and meets whatever people write. A fault in it is
	// a file that cannot be read, not the end of the process.
	defer func() {
		if cause := recover(); cause != nil {
			err = &syntaxError{line: 1, column: 1, message: fmt.Sprintf("this cannot be read as YAML (%v)", cause)}
		}
	}()
	tokens := lexer.Tokenize(src)
	if err := checkTokens(tokens); err != nil {
		return node{}, err
	}
	// Repeated names are reported with everything else that is wrong.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return node{}, yamlError(err)
	}
	reader := &yamlReader{anchors: map[string]anchored{}}
	for i, document := range file.Docs {
		if i > 0 && document.Body != nil {
			return node{}, failAt(document.Body.GetToken(), "a second document starts here; a manifest is one document")
		}
	}
	if len(file.Docs) == 0 {
		return node{}, nil
	}
	root, _, err = reader.read(file.Docs[0].Body)
	return root, err
}

// checkTokens refuses what is no token, and what would nest deeper than the
// parser's own recursion can bear.
func checkTokens(tokens token.Tokens) error {
	flow := 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType:
			if flow <= 0 && t.Position.Column > maxIndent {
				return failAt(t, fmt.Sprintf("a block starts beyond column %d", maxIndent))
			}
		case token.InvalidType:
			return invalid(t)
		}
		if flow > maxDepth {
			return failAt(t, fmt.Sprintf("values are nested more than %d deep", maxDepth))
		}
	}
	return nil
}

// invalid says why a token is none. A tab before the first letter of a line is
// what people meet, and cannot see.
func invalid(t *token.Token) *syntaxError {
	start := t.Value[strings.LastIndexByte(t.Value, '\n')+1:]
	if !strings.HasSuffix(start, "\t") || strings.TrimSpace(start) != "" {
		return failAt(t, t.Error)
	}
	err := failAt(t, "a tab indents the line, which YAML does not allow")
	err.suggestion = "use spaces"
	return err
}

func failAt(t *token.Token, message string) *syntaxError {
	if t == nil || t.Position == nil {
		return &syntaxError{message: message}
	}
	return &syntaxError{line: int32(t.Position.Line), column: int32(t.Position.Column), message: message}
}

// yamlError takes place and message out of an error of the parser.
func yamlError(err error) error {
	var located interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &located) {
		return failAt(located.GetToken(), located.GetMessage())
	}
	return &syntaxError{message: err.Error()}
}

// read returns a value and how many values it holds.
func (r *yamlReader) read(from ast.Node) (node, int, error) {
	if r.depth++; r.depth > maxDepth {
		return node{}, 0, failAt(from.GetToken(), fmt.Sprintf("values are nested more than %d deep", maxDepth))
	}
	defer func() { r.depth-- }()
	switch from := from.(type) {
	case nil, *ast.NullNode:
		return placed(from, node{kind: null}), 1, nil
	case *ast.MappingNode:
		return r.mapping(from, from.Values)
	case *ast.MappingValueNode:
		return r.mapping(from, []*ast.MappingValueNode{from})
	case *ast.SequenceNode:
		return r.sequence(from)
	case *ast.AnchorNode:
		return r.anchor(from)
	case *ast.AliasNode:
		return r.alias(from)
	case *ast.TagNode:
		return r.tagged(from)
	case *ast.LiteralNode:
		return placed(from, node{kind: text, text: from.Value.Value}), 1, nil
	case *ast.StringNode:
		return r.scalar(from, from.Value), 1, nil
	case ast.ScalarNode:
		return r.scalar(from, from.GetToken().Value), 1, nil
	default:
		return node{}, 0, failAt(from.GetToken(), "this kind of YAML value has no place in a manifest")
	}
}

func placed(from ast.Node, n node) node {
	if from == nil || from.GetToken() == nil || from.GetToken().Position == nil {
		return n
	}
	position := from.GetToken().Position
	n.line, n.column = int32(position.Line), int32(position.Column)
	return n
}

func (r *yamlReader) scalar(from ast.Node, value string) node {
	switch from.GetToken().Type {
	case token.SingleQuoteType, token.DoubleQuoteType:
		return placed(from, node{kind: text, text: value})
	}
	return placed(from, node{kind: plainKind(value), text: value})
}

func (r *yamlReader) sequence(from *ast.SequenceNode) (node, int, error) {
	n, size := placed(from, node{kind: list}), 1
	for _, entry := range from.Values {
		value, held, err := r.read(entry)
		if err != nil {
			return node{}, 0, err
		}
		size += held
		n.children = append(n.children, field{value: value})
	}
	return n, size, nil
}

func (r *yamlReader) mapping(from ast.Node, entries []*ast.MappingValueNode) (node, int, error) {
	n, size := placed(from, node{kind: object}), 1
	// The token of a block mapping is its first colon; its place is its first name.
	if len(entries) > 0 && from.GetToken().Type != token.MappingStartType {
		n = placed(entries[0].Key, n)
	}
	var merged []field
	for _, entry := range entries {
		value, held, err := r.read(entry.Value)
		if err != nil {
			return node{}, 0, err
		}
		size += held
		if entry.Key.IsMergeKey() {
			merged = append(merged, mergeable(value)...)
			continue
		}
		name, err := keyText(entry.Key)
		if err != nil {
			return node{}, 0, err
		}
		at := placed(entry.Key, node{})
		n.children = append(n.children, field{name: name, line: at.line, column: at.column, value: value})
	}
	for _, f := range merged {
		if n.get(f.name) == nil {
			n.children = append(n.children, f)
		}
	}
	return n, size, nil
}

// mergeable returns the fields that << brings in: of one object, or of a list of
// them, of which earlier ones come first.
func mergeable(value node) []field {
	if value.kind != list {
		return value.children
	}
	var fields []field
	for i := range value.children {
		fields = append(fields, value.children[i].value.children...)
	}
	return fields
}

func keyText(key ast.MapKeyNode) (string, error) {
	switch key := key.(type) {
	case *ast.StringNode:
		return key.Value, nil
	case *ast.MappingKeyNode:
		if inner, ok := key.Value.(ast.MapKeyNode); ok {
			return keyText(inner)
		}
	case ast.ScalarNode:
		return key.GetToken().Value, nil
	}
	return "", failAt(key.GetToken(), "the name of a field must be plain text")
}

func (r *yamlReader) anchor(from *ast.AnchorNode) (node, int, error) {
	value, size, err := r.read(from.Value)
	if err != nil {
		return node{}, 0, err
	}
	// Only now, so that an alias within its own anchor is an unknown one.
	r.anchors[from.Name.GetToken().Value] = anchored{value: value, size: size}
	return value, size, nil
}

func (r *yamlReader) alias(from *ast.AliasNode) (node, int, error) {
	name := from.Value.GetToken().Value
	target, known := r.anchors[name]
	if !known {
		return node{}, 0, failAt(from.Start, fmt.Sprintf("the alias *%s has no anchor &%s before it", name, name))
	}
	if r.aliased += target.size; r.aliased > maxAliased {
		return node{}, 0, failAt(from.Start, fmt.Sprintf("the aliases stand for more than %d values", maxAliased))
	}
	return target.value, target.size, nil
}

// tagged reads a value whose type is said: !!str 1 is text. The other standard
// tags only repeat what the value shows.
func (r *yamlReader) tagged(from *ast.TagNode) (node, int, error) {
	switch tag := from.Start.Value; tag {
	case "!!str":
		value, size, err := r.read(from.Value)
		if err == nil && (value.scalar() || value.kind == null) {
			value.kind = text
		}
		return value, size, err
	case "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		return r.read(from.Value)
	default:
		return node{}, 0, failAt(from.Start, fmt.Sprintf("the tag %s has no meaning in a manifest", tag))
	}
}
