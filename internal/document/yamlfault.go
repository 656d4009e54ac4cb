package document

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	yaml "go.yaml.in/yaml/v4"
)

// unreadable is what there is to say of a file where nothing more is known.
const unreadable = "this cannot be read as YAML or JSON; look at quotes, brackets, colons and indentation here and just above"

// fault is what the parser's message means to the person who wrote the file.
type fault struct {
	message    string
	suggestion string
	start      bool // it is told where the value begins, rather than where the parser gave up
}

// faults are those messages of the parser that people meet. No words of its own are
// shown: they speak of tokens and scalars, and some of them quote the file.
var faults = map[string]fault{
	"mapping values are not allowed in this context": {
		message: "a colon and a blank stand within a text, or the line is indented too deep", suggestion: "quote the text, or indent the line as its neighbours"},
	"could not find expected ':'": {
		message: "the line is no field: it has no colon, and does not go on with the text above", suggestion: "write name: value; a text that goes on is indented deeper",
		start: true},
	"found unexpected end of stream":         {message: "a quote is opened here and never closed", suggestion: "close it", start: true},
	"found unexpected document indicator":    {message: "a quote is opened here and never closed", suggestion: "close it", start: true},
	"did not find expected ',' or ']'":       {message: "the list in brackets is not closed with ]", suggestion: "close it; quote texts in it that hold , : # [ ] { or }"},
	"did not find expected ',' or '}'":       {message: "the group in braces is not closed with }", suggestion: "close it; quote texts in it that hold , : # [ ] { or }"},
	"did not find expected key":              {message: "the line does not belong to the fields above", suggestion: "indent all fields of a group alike; nothing follows the quote that ends a text"},
	"did not find expected '-' indicator":    {message: "the line does not belong to the list above", suggestion: "indent all entries of a list alike, each with a dash and a blank"},
	"did not find expected <document start>": {message: "there is more after the end of the value", suggestion: "indent all fields alike; nothing follows the quote that ends a text"},
	"did not find expected node content":     {message: "a value is missing here", suggestion: "write it, or \"\" for an empty text"},
	"block sequence entries are not allowed in this context": {
		message: "a list cannot start here", suggestion: "begin it in the next line, or quote a text that starts with a dash and a blank"},
	"mapping keys are not allowed in this context": {
		message: "a question mark and a blank begin the name of a field, and none can start here", suggestion: "quote the text"},
	"did not find expected alphabetic or numeric character": {
		message: "* and & stand for aliases and anchors", suggestion: "quote a text that starts with one of them", start: true},
	"did not find expected comment or line break":        {message: "nothing may follow | or > in its line", suggestion: "begin the text in the next line, or quote it"},
	"found a comment without preceding whitespace":       {message: "a # follows the end of a text directly", suggestion: "write a blank before a comment, or quote the whole text"},
	"found undefined tag handle":                         {message: "! begins a type, and this one is not known", suggestion: "quote a text that starts with !"},
	"found an indentation indicator equal to 0":          {message: "the indentation after | or > is at least 1", suggestion: "leave the number out"},
	"found unexpected content after document-end marker": {message: "there is more after the end of the document", suggestion: "take out the line with three dots"},
}

// escapeFaults are the messages about a backslash in double quotes.
var escapeFaults = map[string]bool{
	"found unknown escape character": true, "did not find expected hexadecimal number": true, "found invalid Unicode character escape code": true,
}

// yamlFault says in our words what the parser found.
func yamlFault(src string, err error) error {
	at, start, reading, message := whereAndWhat(err)
	switch {
	case message == "":
		return failAt(Position{1, 1}, unreadable)
	case strings.HasPrefix(message, "control characters"):
		return &SyntaxError{Position: newSource(src).position(strings.IndexFunc(src, isControl)), Message: "the file holds a control character", Suggestion: "take it out"}
	case escapeFaults[message]:
		return escapeFault(newSource(src), at)
	case strings.HasPrefix(message, "exceeded max depth"):
		return failAt(at, tooDeep)
	case strings.HasPrefix(message, "unknown anchor "):
		_, name, _ := strings.Cut(message, "'")
		name, _, _ = strings.Cut(name, "'")
		if strings.ContainsFunc(name, func(r rune) bool { return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			return &SyntaxError{Position: at, Message: "* begins an alias, and this is none", Suggestion: "quote a text that starts with *"}
		}
		return noAnchor(at, name)
	case strings.Contains(message, "tab"), newSource(src).indentsByTab(at):
		return &SyntaxError{Position: at, Message: "a tab indents the line, which YAML does not allow", Suggestion: "use spaces"}
	case message == "found character that cannot start any token":
		return &SyntaxError{Position: at, Message: "a text cannot start with this character", Suggestion: "quote the text"}
	}
	if open, brackets := newSource(src).behindBrackets(at); brackets != "" {
		at.Column = open
		return &SyntaxError{Position: at, Message: brackets[:1] + " begins " + groupOf[brackets[0]] + ", and more follows its " + brackets[1:], Suggestion: "quote the text"}
	}
	f, known := faults[message]
	switch {
	case strings.HasSuffix(reading, " tag"):
		f, known = fault{message: "! begins a type, and this is none", suggestion: "quote a text that starts with !", start: true}, true
	case strings.HasSuffix(reading, " directive"):
		f, known = fault{message: "% begins a directive, and this is none", suggestion: "quote a text that starts with %", start: true}, true
	}
	if !known {
		return failAt(at, unreadable)
	}
	atEnd := newSource(src).offset(at) == len(src)
	if (f.start || atEnd) && start.Line > 0 {
		at = start
	}
	return &SyntaxError{Position: at, Message: f.message, Suggestion: f.suggestion}
}

// groupOf is what a bracket at the start of a value begins.
var groupOf = map[byte]string{'{': "a group of fields", '[': "a list"}

// isControl reports whether a character is none that YAML allows in a file.
func isControl(r rune) bool {
	return r < ' ' && !strings.ContainsRune("\t\n\r", r) || r == '\ufffe' || r == '\uffff'
}

// whereAndWhat takes an error of the parser apart: where it gave up, where that begins
// which it was reading, what that is, and its message.
func whereAndWhat(err error) (at, start Position, reading, message string) {
	load, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return Position{}, Position{}, "", ""
	}
	at = Position{Line: int32(load.Mark.Line), Column: int32(load.Mark.Column)}
	start = Position{Line: int32(load.ContextMark.Line), Column: int32(load.ContextMark.Column)}
	return at, start, load.ContextMsg, load.Message
}

func noAnchor(at Position, name string) error {
	return failQuoting(at, fmt.Sprintf("the alias *%s has no anchor &%s before it", name, name), "this alias has no anchor before it")
}

// escapeFault says of a backslash in double quotes, at or just before a place, that
// it is none of YAML's escapes. Windows paths are what people write there.
func escapeFault(s *source, at Position) error {
	offset := s.offset(at)
	before := s.text[:min(offset+1, len(s.text))]
	slash := strings.LastIndexByte(before, '\\')
	if slash < 0 {
		return failAt(at, unreadable)
	}
	at.Column -= int32(len([]rune(before[slash:min(offset, len(before))])))
	written := []rune(s.text[slash:])
	fault := failQuoting(at, fmt.Sprintf("%s is not an escape of YAML", string(written[:min(2, len(written))])), "this is not an escape of YAML")
	fault.Suggestion, fault.escape = `write \\ for a backslash, or put the text in single quotes`, true
	return fault
}
