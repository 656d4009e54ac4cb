package document

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deep values are nested, in any format.
const maxDepth = 64

var tooDeep = fmt.Sprintf("values are nested more than %d deep", maxDepth)

// SyntaxError is where and why a text is neither JSON nor YAML.
type SyntaxError struct {
	Position
	Message    string
	Unquoted   string // the message without any part of the text, where Message holds one
	Suggestion string // or ""
	// More are further ones of the same text, where reading could go on.
	More []*SyntaxError

	escape bool // a backslash stands at the position
}

func (e *SyntaxError) Error() string { return e.Message }

// bom is the mark that some editors put at the start of a file.
const bom = "\ufeff"

// clean returns the content of a file without its mark, or why it is no text.
func clean(content string) (string, error) {
	content = strings.TrimPrefix(content, bom)
	at, message := strings.IndexByte(content, 0), "the file holds a NUL character"
	if invalid := FirstInvalid(content); invalid >= 0 && (at < 0 || invalid < at) {
		at, message = invalid, "the file is not valid UTF-8"
	}
	if strings.HasPrefix(content, "\xff\xfe") || strings.HasPrefix(content, "\xfe\xff") {
		at, message = 0, "the file is UTF-16"
	}
	if at < 0 {
		return content, nil
	}
	return "", &SyntaxError{Position: newSource(content).position(at), Message: message, Suggestion: "save the file as UTF-8"}
}

// FirstInvalid returns the index of the first byte that is not UTF-8, or -1.
func FirstInvalid(content string) int {
	for i, c := range content {
		if c == utf8.RuneError && !strings.HasPrefix(content[i:], string(utf8.RuneError)) {
			return i
		}
	}
	return -1
}
