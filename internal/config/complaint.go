package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/suggest"
)

// complaints collects what is wrong in a keys file. None of its texts may hold a
// part of that file, not even the name of a field, because people write secrets
// where none belong; the place says what is meant. What may be named are the words
// that the file could have held instead, and where a secret was looked for.
type complaints struct {
	path string
	list []complaint
}

type complaint struct {
	place
	message, suggestion string // the latter may be ""
}

func (c *complaints) add(at place, suggestion, format string, args ...any) {
	c.list = append(c.list, complaint{place: at, message: fmt.Sprintf(format, args...), suggestion: suggestion})
}

// err joins all complaints in the order of the file, one a line, or returns nil.
func (c *complaints) err() error {
	const maxListed = 50
	slices.SortStableFunc(c.list, func(a, b complaint) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	var lines []error
	for _, found := range c.list[:min(len(c.list), maxListed)] {
		lines = append(lines, errors.New(c.line(found)))
	}
	if more := len(c.list) - len(lines); more > 0 {
		lines = append(lines, fmt.Errorf("and %d more", more))
	}
	return errors.Join(lines...)
}

// line writes a complaint as editors and terminals understand it.
func (c *complaints) line(found complaint) string {
	text := c.path
	if found.line > 0 {
		text += fmt.Sprintf(":%d:%d", found.line, found.column)
	}
	text += ": " + found.message
	if found.suggestion != "" {
		text += "; " + found.suggestion
	}
	return text
}

// oneOf suggests one of the known words, or all of them where none is near.
func oneOf(written string, known []string) string {
	if near := suggest.Nearest(written, known); near != "" {
		return "did you mean " + near + "?"
	}
	if len(known) == 1 {
		return "write " + known[0]
	}
	last := len(known) - 1
	return "write " + strings.Join(known[:last], ", ") + " or " + known[last]
}
