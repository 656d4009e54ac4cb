package document

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/suggest"
)

// MaxText bounds one text in bytes; no model takes a prompt near it.
const MaxText = 64 << 10

// Reader takes values out of the tree of one file and collects what is wrong with
// them.
type Reader struct {
	File     string
	Problems *Problems
	// Private is set for a file of which no part may stand in a problem, not even
	// the name of a field, because people write secrets where none belong. The
	// place says what is meant.
	Private bool
	// Warnings take what is no problem and yet hardly meant; nil drops it.
	Warnings *Problems
}

// At is a position as a place of the file.
func (r *Reader) At(p Position) Place {
	return Place{File: r.File, Line: int(p.Line), Column: int(p.Column)}
}

// Report notes a problem; suggestion may be "".
func (r *Reader) Report(at Position, suggestion, format string, args ...any) {
	r.ReportAt(r.At(at), suggestion, format, args...)
}

// ReportAt notes a problem at a place that may be in another file.
func (r *Reader) ReportAt(at Place, suggestion, format string, args ...any) {
	r.Problems.Add(&Problem{Place: at, Message: fmt.Sprintf(format, args...), Suggestion: suggestion})
}

// Warn notes what is right as it stands and yet hardly meant; suggestion may be "".
func (r *Reader) Warn(at Position, suggestion, message string) {
	if r.Warnings != nil {
		r.Warnings.Add(&Problem{Place: r.At(at), Message: message, Suggestion: suggestion})
	}
}

// Syntax notes an error of [YAML] or [JSON].
func (r *Reader) Syntax(err error) {
	located, ok := errors.AsType[*SyntaxError](err)
	if !ok {
		located = &SyntaxError{Message: err.Error(), Unquoted: unreadable}
	}
	for _, fault := range append([]*SyntaxError{located}, located.More...) {
		message := fault.Message
		if r.Private && fault.Unquoted != "" {
			message = fault.Unquoted
		}
		r.Report(fault.Position, fault.Suggestion, "%s", message)
	}
}

// Expect reports a value of another kind than wanted.
func (r *Reader) Expect(n *Node, what string, want Kind) bool {
	if n.Kind == want {
		return true
	}
	r.Report(n.Position, "", "%s must be %s, not %s", what, want, n.Kind)
	return false
}

// Text returns a single value as it stands, or "" with a problem.
func (r *Reader) Text(n *Node, what string) string {
	if !n.Scalar() {
		r.Report(n.Position, "", "%s must be text, not %s", what, n.Kind)
		return ""
	}
	if fault := TextFault(n.Text); fault != "" {
		r.Report(n.Position, "", "%s %s", what, fault)
		return ""
	}
	// A block text ends with a line break that nobody means.
	return strings.TrimRight(n.Text, "\r\n")
}

// TextFault says what makes a text unfit for any use, or "".
func TextFault(value string) string {
	if len(value) > MaxText {
		return fmt.Sprintf("has %d bytes; a text has at most %d", len(value), MaxText)
	}
	if strings.IndexByte(value, 0) >= 0 {
		return "holds a NUL character"
	}
	return ""
}

// Whole returns a whole number within bounds, or 0 with a problem.
func (r *Reader) Whole(n *Node, what string, least, most int) int {
	value, err := strconv.Atoi(n.Text)
	if !n.Scalar() || err != nil || value < least || value > most {
		r.Report(n.Position, "", "%s must be a whole number from %d to %d", what, least, most)
		return 0
	}
	return value
}

// Fields calls each for every field of an object, once for each name. It reports a
// value that is no object, a field that stands twice, and one that is not known; a
// nil list knows all.
func (r *Reader) Fields(n *Node, what string, known []string, each func(f *Field)) {
	if !r.Expect(n, what, Object) {
		return
	}
	var index map[string]*Field
	if len(n.Children) > 16 {
		index = make(map[string]*Field, len(n.Children))
	}
	for i := range n.Children {
		switch f := &n.Children[i]; {
		case r.repeats(f, n.Children[:i], index):
		case known != nil && !slices.Contains(known, f.Name):
			r.unknown(f, what, known)
		default:
			each(f)
		}
	}
}

// repeats reports a field whose name an earlier one has. Of many fields the index
// holds the earlier ones.
func (r *Reader) repeats(f *Field, earlier []Field, index map[string]*Field) bool {
	first := index[f.Name]
	if index == nil {
		if at := slices.IndexFunc(earlier, func(other Field) bool { return other.Name == f.Name }); at >= 0 {
			first = &earlier[at]
		}
	} else if first == nil {
		index[f.Name] = f
	}
	if first == nil {
		return false
	}
	shown := "field " + f.Name
	if r.Private {
		shown = "this field"
	}
	r.Report(f.Position, "keep one", "%s stands twice, first in line %d", shown, first.Line)
	return true
}

func (r *Reader) unknown(f *Field, what string, known []string) {
	shown := "field " + f.Name
	if r.Private {
		shown = "field"
	}
	r.Report(f.Position, suggest.OneOf(f.Name, known), "unknown %s in %s", shown, what)
}
