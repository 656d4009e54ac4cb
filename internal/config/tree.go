package config

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	// maxDepth bounds how deep values are nested.
	maxDepth = 32
	// maxIndent bounds the column in which a block value starts, and with it how
	// deep blocks are nested.
	maxIndent = 256
	// maxAliased bounds how many values aliases may stand for in all, since a few
	// lines of them can mean billions.
	maxAliased = 10_000
)

// place is where something stands in the file. Both count from 1, columns in
// characters; 0 means that it is not known.
type place struct{ line, column int }

type kind uint8

const (
	nothing kind = iota
	single
	list
	group
)

// describe names a kind as a person would.
func (k kind) describe() string {
	return [...]string{"nothing", "a single value", "a list", "a group of fields"}[k]
}

// node is one value of a YAML file with its place. JSON is read as the YAML that it
// also is.
type node struct {
	place
	kind   kind
	text   string  // a single value as it stands, without quotes and escapes
	fields []field // of a group, or the entries of a list, in order
}

// field is a field of a group, or an entry of a list, where it has no name.
type field struct {
	place // of the name
	name  string
	value node
}

// get returns the field of this name, or nil.
func (n *node) get(name string) *node {
	for i := range n.fields {
		if n.fields[i].name == name {
			return &n.fields[i].value
		}
	}
	return nil
}

// syntaxFault is where and why a text is no tree. Its message holds nothing of that
// text, as the parser's own messages do.
type syntaxFault struct {
	place
	message string
}

func (f *syntaxFault) Error() string { return f.message }

const unreadable = "this cannot be read as YAML or JSON; look at quotes, brackets, colons and indentation here and just above"

// parseTree reads src as one document. The error is a *syntaxFault.
func parseTree(src string) (root node, err error) {
	// The parser is another's and meets whatever people write. A fault in it is a
	// file that cannot be read, not the end of the process; what it says of it may
	// hold a secret.
	defer func() {
		if recover() != nil {
			err = &syntaxFault{message: unreadable}
		}
	}()
	tokens := lexer.Tokenize(src)
	if err := checkTokens(tokens); err != nil {
		return node{}, err
	}
	// Repeated names are reported with everything else that is wrong.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return node{}, parserFault(err)
	}
	var body ast.Node
	for _, document := range file.Docs {
		if body != nil && document.Body != nil {
			return node{}, faultAt(document.Body.GetToken(), "a second document starts here; a keys file is one document")
		}
		if body == nil {
			body = document.Body
		}
	}
	reader := treeReader{anchors: map[string]anchored{}}
	root, _, err = reader.read(body)
	return root, err
}

// checkTokens refuses what would nest deeper than the parser's own recursion can
// bear, and what is no token at all.
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
				return faultAt(t, "a value starts too far to the right")
			}
		case token.InvalidType:
			return faultAt(t, unreadable)
		}
		if flow > maxDepth {
			return faultAt(t, "values are nested too deep")
		}
	}
	return nil
}

func faultAt(t *token.Token, message string) *syntaxFault {
	fault := &syntaxFault{message: message}
	if t != nil && t.Position != nil {
		fault.place = place{line: t.Position.Line, column: t.Position.Column}
	}
	return fault
}

// parserFault keeps only the place of an error of the parser, since its message may
// quote the file.
func parserFault(err error) *syntaxFault {
	var located interface{ GetToken() *token.Token }
	if errors.As(err, &located) {
		return faultAt(located.GetToken(), unreadable)
	}
	return &syntaxFault{message: unreadable}
}

// fieldName returns the name of a field.
func fieldName(key ast.MapKeyNode) (string, error) {
	switch key := key.(type) {
	case *ast.StringNode:
		return key.Value, nil
	case *ast.MappingKeyNode:
		if inner, ok := key.Value.(ast.MapKeyNode); ok {
			return fieldName(inner)
		}
	case ast.ScalarNode:
		return key.GetToken().Value, nil
	}
	return "", faultAt(key.GetToken(), "the name of a field must be plain text")
}

// standardTag reports whether a tag only repeats what its value shows.
func standardTag(tag string) bool { return strings.HasPrefix(tag, "!!") && tag != "!!binary" }
