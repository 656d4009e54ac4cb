package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxText bounds one text in bytes; no model takes a prompt near it.
	maxText = 64 << 10
	// maxSamples bounds the images of one row; more are several rows.
	maxSamples = 1000
)

// decoder reads nodes of one file and collects what is wrong with them.
type decoder struct {
	file     string
	problems *Problems
}

func (d *decoder) place(n *node) Place {
	return Place{File: d.file, Line: int(n.line), Column: int(n.column)}
}

func (d *decoder) name(f *field) Place {
	return Place{File: d.file, Line: int(f.line), Column: int(f.column)}
}

// report notes a problem; suggestion may be "".
func (d *decoder) report(at Place, suggestion, format string, args ...any) {
	d.problems.Add(&Problem{Place: at, Message: fmt.Sprintf(format, args...), Suggestion: suggestion})
}

// syntax notes an error of a parser.
func (d *decoder) syntax(err error) {
	at, suggestion := Place{File: d.file}, ""
	if located, ok := errors.AsType[*syntaxError](err); ok {
		at.Line, at.Column = int(located.line), int(located.column)
		suggestion = located.suggestion
	}
	d.report(at, suggestion, "%s", err)
}

// expect reports a value of another kind than wanted.
func (d *decoder) expect(n *node, what string, want kind) bool {
	if n.kind == want {
		return true
	}
	d.report(d.place(n), "", "%s must be %s, not %s", what, want.describe(), n.kind.describe())
	return false
}

// text returns a single value as it stands, or "" with a problem.
func (d *decoder) text(n *node, what string) string {
	if !n.scalar() {
		d.report(d.place(n), "", "%s must be text, not %s", what, n.kind.describe())
		return ""
	}
	if fault := textFault(n.text); fault != "" {
		d.report(d.place(n), "", "%s %s", what, fault)
		return ""
	}
	// A block text ends with a line break that nobody means.
	return strings.TrimRight(n.text, "\r\n")
}

// textFault says what makes a text unfit for any use, or "".
func textFault(value string) string {
	if len(value) > maxText {
		return fmt.Sprintf("has %d bytes; a text has at most %d", len(value), maxText)
	}
	if strings.IndexByte(value, 0) >= 0 {
		return "holds a NUL character"
	}
	return ""
}

// whole returns a whole number from 1 to most, or 0 with a problem.
func (d *decoder) whole(n *node, what string, most int) int {
	value, err := strconv.Atoi(n.text)
	if !n.scalar() || err != nil || value < 1 || value > most {
		d.report(d.place(n), "", "%s must be a whole number from 1 to %d", what, most)
		return 0
	}
	return value
}

// fields calls each for every field of an object. It reports a value that is no
// object, a field that stands twice, and one that is not known; a nil list knows
// all.
func (d *decoder) fields(n *node, what string, known []string, each func(f *field)) {
	if !d.expect(n, what, object) {
		return
	}
	d.repeated(n)
	for i := range n.children {
		f := &n.children[i]
		if known != nil && !slices.Contains(known, f.name) {
			d.report(d.name(f), didYouMean(f.name, known, "%"), "unknown field %s in %s", f.name, what)
			continue
		}
		each(f)
	}
}

// repeated reports fields that stand twice in one object.
func (d *decoder) repeated(n *node) {
	if len(n.children) > 16 {
		d.repeatedMany(n)
		return
	}
	for i := range n.children {
		for j := range i {
			if n.children[i].name == n.children[j].name {
				d.twice(&n.children[i], &n.children[j])
				break
			}
		}
	}
}

func (d *decoder) repeatedMany(n *node) {
	first := make(map[string]*field, len(n.children))
	for i := range n.children {
		f := &n.children[i]
		if other := first[f.name]; other != nil {
			d.twice(f, other)
			continue
		}
		first[f.name] = f
	}
}

func (d *decoder) twice(f, other *field) {
	d.report(d.name(f), "keep one", "field %s stands twice, first in line %d", f.name, other.line)
}
