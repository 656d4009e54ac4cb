package document

import (
	"strings"
	"unicode/utf8"
)

// source finds what stands at a place of a text. Places are asked for mostly in
// their order, so that finding them all takes one walk through the text.
type source struct {
	text string
	at   int // byte
	pos  Position
}

func newSource(text string) *source { return &source{text: text, pos: Position{1, 1}} }

// offset is the byte at a place; the end of the text where there is none such.
func (s *source) offset(p Position) int {
	if p.Line < s.pos.Line || p.Line == s.pos.Line && p.Column < s.pos.Column {
		s.at, s.pos = 0, Position{1, 1}
	}
	for s.at < len(s.text) && s.pos.Line < p.Line {
		end := strings.IndexAny(s.text[s.at:], "\r\n")
		if end < 0 {
			s.at = len(s.text)
			break
		}
		s.at += end + 1
		if s.text[s.at-1] == '\r' && s.at < len(s.text) && s.text[s.at] == '\n' {
			s.at++
		}
		s.pos = Position{s.pos.Line + 1, 1}
	}
	for s.at < len(s.text) && s.pos.Column < p.Column {
		_, size := utf8.DecodeRuneInString(s.text[s.at:])
		s.at += size
		s.pos.Column++
	}
	return s.at
}

// position is the place of a byte.
func (s *source) position(offset int) Position {
	before := s.text[:max(offset, 0)]
	start := strings.LastIndexByte(before, '\n') + 1
	return Position{Line: int32(1 + strings.Count(before, "\n")), Column: int32(1 + utf8.RuneCountInString(before[start:]))}
}

// indentsByTab reports whether nothing but white space with a tab in it stands from
// the start of the line up to and with a place.
func (s *source) indentsByTab(p Position) bool {
	offset := s.offset(p)
	start := strings.LastIndexAny(s.text[:offset], "\r\n") + 1
	end := offset
	for end < len(s.text) && (s.text[end] == ' ' || s.text[end] == '\t') {
		end++
	}
	line := s.text[start:end]
	return strings.Contains(line, "\t") && strings.Trim(line, " \t") == ""
}

// behindBrackets reports whether a place is in the line of a value that begins with a bracket,
// just behind the one that closes it: "{item}, painted". It returns the column where the value
// begins, and its brackets; "" if there are none.
func (s *source) behindBrackets(p Position) (column int32, brackets string) {
	offset := s.offset(p)
	start := strings.LastIndexAny(s.text[:offset], "\r\n") + 1
	line := s.text[start:offset]
	for _, pair := range []string{"{}", "[]"} {
		for _, before := range []string{": ", "- "} {
			at := strings.Index(line, before+pair[:1])
			end := strings.TrimRight(line, " ")
			if at >= 0 && strings.HasSuffix(end, pair[1:]) {
				return int32(1 + utf8.RuneCountInString(line[:at+len(before)])), pair
			}
		}
	}
	return 0, ""
}

// afterPlain returns what follows a plain text of this value in its last line.
func (s *source) afterPlain(p Position, value string) string {
	rest := s.text[s.offset(p):]
	for word := range strings.FieldsSeq(value) {
		at := strings.Index(rest, word)
		if at < 0 {
			return ""
		}
		rest = rest[at+len(word):]
	}
	if end := strings.IndexAny(rest, "\r\n"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// hasColon reports whether a colon ends the name that begins at a place, before its
// value would begin at another.
func (s *source) hasColon(name, value Position) bool {
	from := s.offset(name)
	between := s.text[from:max(from, s.offset(value))]
	for at := strings.IndexByte(between, ':'); at >= 0; {
		after := between[at+1:]
		if after == "" || strings.ContainsRune(" \t\r\n,", rune(after[0])) {
			return true
		}
		next := strings.IndexByte(after, ':')
		if next < 0 {
			return false
		}
		at += 1 + next
	}
	return false
}

// inQuotes returns a text in double quotes as it is written, without them.
func (s *source) inQuotes(p Position) string {
	text := s.text[s.offset(p):]
	start := strings.IndexByte(text, '"') // anchor and type may stand before
	if start < 0 {
		return ""
	}
	text = text[start+1:]
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			return text[:at]
		}
	}
	return text
}
