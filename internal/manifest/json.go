package manifest

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deep values are nested, in any format.
const maxDepth = 64

// jsonParser reads one JSON value into nodes with their places. It reuses its
// memory from one value to the next: what parse returns holds until the next
// call, except for texts, which are parts of the source.
type jsonParser struct {
	src    string
	at     int
	line   int32
	column int32 // of the byte counted
	count  int   // up to which byte of src the column is known
	depth  int

	stack []field // fields of the objects that are still open
	arena []field // fields of the finished ones
}

// syntaxError is where and why a text is neither JSON nor YAML.
type syntaxError struct {
	line, column int32
	message      string
	suggestion   string // or ""
}

func (e *syntaxError) Error() string { return e.message }

// parse reads src, which starts at the given line, as exactly one value. The
// error is a *syntaxError.
func (p *jsonParser) parse(src string, line int) (node, error) {
	*p = jsonParser{src: src, line: int32(line), column: 1, stack: p.stack[:0], arena: p.arena[:0]}
	root, err := p.value()
	if err != nil {
		return node{}, err
	}
	p.space()
	if p.at < len(p.src) {
		return node{}, p.fail("there is more after the end of the value")
	}
	return root, nil
}

// fail makes an error at the current byte.
func (p *jsonParser) fail(format string, args ...any) *syntaxError {
	p.mark()
	return &syntaxError{line: p.line, column: p.column, message: fmt.Sprintf(format, args...)}
}

// mark brings the column up to the current byte.
func (p *jsonParser) mark() {
	p.column += int32(utf8.RuneCountInString(p.src[p.count:p.at]))
	p.count = p.at
}

// space skips white space, the only place where a line may end.
func (p *jsonParser) space() {
	for p.at < len(p.src) {
		switch p.src[p.at] {
		case ' ', '\t', '\r':
			p.at++
		case '\n':
			p.at++
			p.line, p.column, p.count = p.line+1, 1, p.at
		default:
			return
		}
	}
}

// next skips white space and returns the byte that follows, 0 at the end.
func (p *jsonParser) next() byte {
	p.space()
	if p.at == len(p.src) {
		return 0
	}
	return p.src[p.at]
}

func (p *jsonParser) value() (node, error) {
	first := p.next()
	p.mark()
	n := node{line: p.line, column: p.column}
	var err error
	switch {
	case first == '{':
		n.kind = object
		n.children, err = p.nested('}')
	case first == '[':
		n.kind = list
		n.children, err = p.nested(']')
	case first == '"':
		n.kind = text
		n.text, err = p.quoted()
	case first == '-' || first >= '0' && first <= '9':
		n.kind = number
		n.text, err = p.number()
	case first == 0 && p.at == len(p.src):
		err = p.fail("the value is missing")
	default:
		n.kind, n.text, err = p.word()
	}
	return n, err
}

// nested reads what stands between brackets.
func (p *jsonParser) nested(end byte) ([]field, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("values are nested more than %d deep", maxDepth)
	}
	p.at++
	base := len(p.stack)
	for first := true; p.next() != end; first = false {
		if !first {
			if p.next() != ',' {
				return nil, p.fail("expected , or %c", end)
			}
			p.at++
		}
		f, err := p.entry(end)
		if err != nil {
			return nil, err
		}
		p.stack = append(p.stack, f)
	}
	p.at++
	p.depth--
	start := len(p.arena)
	p.arena = append(p.arena, p.stack[base:]...)
	p.stack = p.stack[:base]
	return p.arena[start:len(p.arena):len(p.arena)], nil
}

// entry reads an entry of a list or a field of an object, by the closing bracket.
func (p *jsonParser) entry(end byte) (field, error) {
	if end == '}' {
		return p.member()
	}
	value, err := p.value()
	return field{value: value}, err
}

func (p *jsonParser) member() (field, error) {
	if p.next() != '"' {
		return field{}, p.fail("expected a field name in double quotes")
	}
	p.mark()
	f := field{line: p.line, column: p.column}
	var err error
	if f.name, err = p.quoted(); err != nil {
		return f, err
	}
	if p.next() != ':' {
		return f, p.fail("expected : after the field name %q", f.name)
	}
	p.at++
	f.value, err = p.value()
	return f, err
}

// quoted reads a string. Without escapes it is a part of the source.
func (p *jsonParser) quoted() (string, error) {
	start := p.at
	for p.at++; p.at < len(p.src); p.at++ {
		switch c := p.src[p.at]; {
		case c == '"':
			p.at++
			return p.src[start+1 : p.at-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", p.fail("a control character stands in a text; write it as an escape such as \\n")
		}
	}
	return "", p.fail("a text is not closed with \"")
}

// escaped reads a string with escapes, from its opening quote.
func (p *jsonParser) escaped(start int) (string, error) {
	for ; p.at < len(p.src) && p.src[p.at] != '"'; p.at++ {
		if p.src[p.at] == '\\' {
			p.at++
		}
	}
	if p.at >= len(p.src) {
		p.at = len(p.src)
		return "", p.fail("a text is not closed with \"")
	}
	p.at++
	var value string
	if err := json.Unmarshal([]byte(p.src[start:p.at]), &value); err != nil {
		return "", p.fail("a text has an escape or character that JSON does not know")
	}
	return value, nil
}

func (p *jsonParser) number() (string, error) {
	start := p.at
	for p.at < len(p.src) && strings.IndexByte("0123456789+-.eE", p.src[p.at]) >= 0 {
		p.at++
	}
	written := p.src[start:p.at]
	if !plainWhole(written) && (!json.Valid([]byte(written)) || !isDecimal(written)) {
		return "", p.fail("%s is not a number", written)
	}
	return written, nil
}

// plainWhole reports whether the text is a whole number of the most common form,
// to spare the full check.
func plainWhole(written string) bool {
	if len(written) > 18 || len(written) > 1 && written[0] == '0' {
		return false
	}
	for i := range len(written) {
		if written[i] < '0' || written[i] > '9' {
			return false
		}
	}
	return true
}

func (p *jsonParser) word() (kind, string, error) {
	start := p.at
	for p.at < len(p.src) && p.src[p.at] >= 'a' && p.src[p.at] <= 'z' {
		p.at++
	}
	switch word := p.src[start:p.at]; word {
	case "true", "false":
		return boolean, word, nil
	case "null":
		return null, "", nil
	}
	p.at = start
	return null, "", p.fail("this is not JSON: expected a value")
}
