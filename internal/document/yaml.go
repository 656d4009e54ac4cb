package document

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxIndent bounds the column in which a block value starts, and with it how
// deep blocks are nested.
const maxIndent = 256

// unreadable is what a private reader says instead of the parser's own messages,
// which quote the file.
const unreadable = "this cannot be read as YAML or JSON; look at quotes, brackets, colons and indentation here and just above"

// YAML reads the content of a file as one YAML document; without any it is Null. JSON
// is YAML too. The error is a *[SyntaxError].
func YAML(content string) (root Node, err error) {
	src, err := clean(content)
	if err != nil {
		return Node{}, err
	}
	// The parser is another's and meets whatever people write. A fault in it is
	// a file that cannot be read, not the end of the process.
	defer func() {
		if cause := recover(); cause != nil {
			root = Node{}
			err = &SyntaxError{Position: Position{1, 1}, Message: fmt.Sprintf("this cannot be read as YAML (%v)", cause), Unquoted: unreadable}
		}
	}()
	tokens := lexer.Tokenize(src)
	if err := checkTokens(tokens); err != nil {
		return Node{}, err
	}
	// Repeated names are reported with everything else that is wrong.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return Node{}, parserError(err)
	}
	body, err := onlyBody(file)
	if err != nil {
		return Node{}, err
	}
	reader := yamlReader{anchors: map[string]anchored{}}
	root, _, err = reader.read(body)
	return root, err
}

// onlyBody returns what the one document of the file holds, or nil.
func onlyBody(file *ast.File) (ast.Node, error) {
	var body ast.Node
	for _, document := range file.Docs {
		if body != nil && document.Body != nil {
			return nil, failAt(document.Body.GetToken(), "a second document starts here; the file must be one document")
		}
		if body == nil {
			body = document.Body
		}
	}
	return body, nil
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
			return failAt(t, tooDeep)
		}
	}
	return nil
}

// invalid says why a token is none. A tab before the first letter of a line is
// what people meet, and cannot see.
func invalid(t *token.Token) *SyntaxError {
	start := t.Value[strings.LastIndexByte(t.Value, '\n')+1:]
	if !strings.HasSuffix(start, "\t") || strings.TrimSpace(start) != "" {
		return failQuoting(t, t.Error, unreadable)
	}
	err := failAt(t, "a tab indents the line, which YAML does not allow")
	err.Suggestion = "use spaces"
	return err
}

// failAt makes an error at a token. The message holds no part of the file.
func failAt(t *token.Token, message string) *SyntaxError {
	return &SyntaxError{Position: positionOf(t), Message: message}
}

// failQuoting makes an error whose message holds a part of the file, with what it
// says without it.
func failQuoting(t *token.Token, message, unquoted string) *SyntaxError {
	return &SyntaxError{Position: positionOf(t), Message: message, Unquoted: unquoted}
}

func positionOf(t *token.Token) Position {
	if t == nil || t.Position == nil {
		return Position{}
	}
	return Position{Line: int32(t.Position.Line), Column: int32(t.Position.Column)}
}

// parserError takes position and message out of an error of the parser.
func parserError(err error) error {
	var located interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &located) {
		return failQuoting(located.GetToken(), located.GetMessage(), unreadable)
	}
	return failQuoting(nil, err.Error(), unreadable)
}
