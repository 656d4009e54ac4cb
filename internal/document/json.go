package document

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// JSON reads the content of a file as one JSON value; without any it is Null. The
// error is a *[SyntaxError].
func JSON(content string) (Node, error) {
	src, err := clean(content)
	if err != nil || strings.TrimSpace(src) == "" {
		return Node{}, err
	}
	var reader JSONReader
	return reader.Read(src, 1)
}

// JSONReader reads JSON values, one after the other. It reuses its memory from one
// to the next: what Read returns holds until the next call, except for texts, which
// are parts of the source.
type JSONReader struct {
	src      string
	at       int
	position Position // of the byte counted
	count    int      // up to which byte of src the column is known
	depth    int

	stack []Field // fields of the objects that are still open
	arena []Field // fields of the finished ones
}

// Read reads src, which starts at the given line, as exactly one value. The error is
// a *[SyntaxError].
func (p *JSONReader) Read(src string, line int) (Node, error) {
	*p = JSONReader{src: src, position: Position{int32(line), 1}, stack: p.stack[:0], arena: p.arena[:0]}
	root, err := p.value()
	if err != nil {
		return Node{}, err
	}
	p.space()
	if p.at < len(p.src) {
		return Node{}, p.fail("there is more after the end of the value")
	}
	return root, nil
}

// fail makes an error at the current byte. The message holds no part of the text.
func (p *JSONReader) fail(message string) *SyntaxError {
	p.mark()
	return &SyntaxError{Position: p.position, Message: message}
}

// failQuoting makes an error whose message holds a part of the text, with what it
// says without it.
func (p *JSONReader) failQuoting(message, unquoted string) *SyntaxError {
	err := p.fail(message)
	err.Unquoted = unquoted
	return err
}

// mark brings the column up to the current byte.
func (p *JSONReader) mark() {
	p.position.Column += int32(utf8.RuneCountInString(p.src[p.count:p.at]))
	p.count = p.at
}

// space skips white space, the only place where a line may end.
func (p *JSONReader) space() {
	for p.at < len(p.src) {
		switch p.src[p.at] {
		case ' ', '\t', '\r':
			p.at++
		case '\n':
			p.at++
			p.position, p.count = Position{p.position.Line + 1, 1}, p.at
		default:
			return
		}
	}
}

// next skips white space and returns the byte that follows, 0 at the end.
func (p *JSONReader) next() byte {
	p.space()
	if p.at == len(p.src) {
		return 0
	}
	return p.src[p.at]
}

func (p *JSONReader) value() (Node, error) {
	first := p.next()
	p.mark()
	n := Node{Position: p.position}
	var err error
	switch {
	case first == '{':
		n.Kind = Object
		n.Children, err = p.nested('}')
	case first == '[':
		n.Kind = List
		n.Children, err = p.nested(']')
	case first == '"':
		n.Kind = Text
		n.Text, err = p.quoted()
	case first == '-' || first >= '0' && first <= '9':
		n.Kind = Number
		n.Text, err = p.number()
	case first == 0 && p.at == len(p.src):
		err = p.fail("the value is missing")
	default:
		n.Kind, n.Text, err = p.word()
	}
	return n, err
}

// nested reads what stands between brackets.
func (p *JSONReader) nested(end byte) ([]Field, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail(tooDeep)
	}
	p.at++
	base := len(p.stack)
	for first := true; p.next() != end; first = false {
		if !first {
			if p.next() != ',' {
				return nil, p.fail("expected , or " + string(end))
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
func (p *JSONReader) entry(end byte) (Field, error) {
	if end == '}' {
		return p.member()
	}
	value, err := p.value()
	return Field{Value: value}, err
}

func (p *JSONReader) member() (Field, error) {
	if p.next() != '"' {
		return Field{}, p.fail("expected a field name in double quotes")
	}
	p.mark()
	f := Field{Position: p.position}
	var err error
	if f.Name, err = p.quoted(); err != nil {
		return f, err
	}
	if p.next() != ':' {
		return f, p.fail("expected : after a field name")
	}
	p.at++
	f.Value, err = p.value()
	return f, err
}

// quoted reads a string. Without escapes it is a part of the source.
func (p *JSONReader) quoted() (string, error) {
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
func (p *JSONReader) escaped(start int) (string, error) {
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

func (p *JSONReader) number() (string, error) {
	start := p.at
	for p.at < len(p.src) && strings.IndexByte("0123456789+-.eE", p.src[p.at]) >= 0 {
		p.at++
	}
	written := p.src[start:p.at]
	if !plainWhole(written) && (!json.Valid([]byte(written)) || !isDecimal(written)) {
		return "", p.failQuoting(written+" is not a number", "this is not a number")
	}
	return written, nil
}

// plainWhole reports whether the text is a whole number of the most common form,
// to spare the full check.
func plainWhole(written string) bool {
	if len(written) > 18 || len(written) > 1 && written[0] == '0' {
		return false
	}
	return !strings.ContainsFunc(written, func(r rune) bool { return r < '0' || r > '9' })
}

func (p *JSONReader) word() (Kind, string, error) {
	start := p.at
	for p.at < len(p.src) && p.src[p.at] >= 'a' && p.src[p.at] <= 'z' {
		p.at++
	}
	switch word := p.src[start:p.at]; word {
	case "true", "false":
		return Bool, word, nil
	case "null":
		return Null, "", nil
	}
	p.at = start
	return Null, "", p.fail("this is not JSON: expected a value")
}
