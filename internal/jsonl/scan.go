package jsonl

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// Fields walks over the fields of a JSON object in the form in which lines are
// written, without spaces, and hands out names and values as they stand there. It
// reports false where use does and where the text is anything else; whoever is
// told so reads the text with encoding/json, which decides. It is several times as
// fast as that, because it does not look into what nobody asks for.
func Fields(text []byte, use func(name, value []byte) bool) bool {
	s := scanner{text: text}
	if !s.take('{') {
		return false
	}
	for {
		name := s.value()
		if len(name) < len(`""`) || name[0] != '"' || !s.take(':') {
			return false
		}
		value := s.value()
		if value == nil || !use(name[1:len(name)-1], value) {
			return false
		}
		if s.take('}') {
			return s.at == len(text)
		}
		if !s.take(',') {
			return false
		}
	}
}

// Items walks over the items of a JSON array like [Fields] over an object.
func Items(text []byte, use func(item []byte) bool) bool {
	s := scanner{text: text}
	if !s.take('[') {
		return false
	}
	if s.take(']') {
		return s.at == len(text)
	}
	for {
		item := s.value()
		if item == nil || !use(item) {
			return false
		}
		if s.take(']') {
			return s.at == len(text)
		}
		if !s.take(',') {
			return false
		}
	}
}

type scanner struct {
	text []byte
	at   int
}

func (s *scanner) take(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// value moves over one value and returns it; nil if there is none.
func (s *scanner) value() []byte {
	start := s.at
	if !s.skip(0) {
		return nil
	}
	return s.text[start:s.at]
}

// maxDepth is far more than any line has; what has more is left to encoding/json.
const maxDepth = 64

func (s *scanner) skip(depth int) bool {
	switch {
	case depth > maxDepth:
		return false
	case s.take('"'):
		return s.skipText()
	case s.take('{'):
		return s.skipItems('}', func() bool { return s.take('"') && s.skipText() && s.take(':') && s.skip(depth+1) })
	case s.take('['):
		return s.skipItems(']', func() bool { return s.skip(depth + 1) })
	default:
		return s.skipWord()
	}
}

func (s *scanner) skipItems(end byte, item func() bool) bool {
	if s.take(end) {
		return true
	}
	for item() {
		if s.take(end) {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
	return false
}

// skipText moves behind the quote that ends a text.
func (s *scanner) skipText() bool {
	for begin := s.at; ; s.at++ {
		next := bytes.IndexByte(s.text[s.at:], '"')
		if next < 0 {
			return false
		}
		s.at += next
		slashes := s.at
		for slashes > begin && s.text[slashes-1] == '\\' {
			slashes--
		}
		if (s.at-slashes)%2 == 0 { // the quote is not escaped
			s.at++
			return true
		}
	}
}

// skipWord moves over a number, true, false or null.
func (s *scanner) skipWord() bool {
	start := s.at
	for s.at < len(s.text) && strings.IndexByte("+-.0123456789aeflnrstuE", s.text[s.at]) >= 0 {
		s.at++
	}
	return s.at > start
}

// Text takes the text of a field; one with escapes goes the long way.
func Text[T ~string](to *T, value []byte) bool {
	if value[0] == '"' && bytes.IndexByte(value, '\\') < 0 {
		*to = T(value[1 : len(value)-1])
		return true
	}
	return json.Unmarshal(value, to) == nil
}

// Number takes the whole number of a field.
func Number[T ~int | ~int64](to *T, value []byte) bool {
	number, err := strconv.ParseInt(string(value), 10, 64)
	*to = T(number)
	return err == nil
}
