package config

import (
	"slices"
	"strconv"
)

// expect reports a value of another kind than wanted.
func (r *keysReader) expect(n *node, what string, want kind) bool {
	if n.kind == want {
		return true
	}
	r.add(n.place, "", "%s must be %s, not %s", what, want.describe(), n.kind.describe())
	return false
}

// fields calls each for every field of a group. It reports a value that is no
// group, a field that stands twice, and one that is not known; a nil list knows all.
func (r *keysReader) fields(n *node, what string, known []string, each func(f *field)) {
	if !r.expect(n, what, group) {
		return
	}
	first := make(map[string]place, len(n.fields))
	for i := range n.fields {
		f := &n.fields[i]
		if other, twice := first[f.name]; twice {
			r.add(f.place, "keep one", "this field stands twice, first in line %d", other.line)
			continue
		}
		first[f.name] = f.place
		if known != nil && !slices.Contains(known, f.name) {
			r.add(f.place, oneOf(f.name, known), "unknown field in %s", what)
			continue
		}
		each(f)
	}
}

func (r *keysReader) require(n *node, what, name, suggestion string) {
	if n.get(name) == nil {
		r.add(n.place, suggestion, "%s needs %s", what, name)
	}
}

// text returns a single value as it stands, or "" after a complaint.
func (r *keysReader) text(n *node, what string) string {
	if !r.expect(n, what, single) {
		return ""
	}
	if n.text == "" {
		r.add(n.place, "", "%s is empty", what)
	}
	return n.text
}

// readName returns a name of at most that many bytes, or "" after a complaint.
func (r *keysReader) readName(n *node, what string, most int) string {
	name := r.text(n, what)
	if name != "" {
		r.checkName(n.place, name, what, most)
	}
	return name
}

// whole returns a whole number within bounds, or 0 after a complaint.
func (r *keysReader) whole(n *node, what string, least, most int) int {
	value, err := strconv.Atoi(n.text)
	if n.kind != single || err != nil || value < least || value > most {
		r.add(n.place, "", "%s must be a whole number from %d to %d", what, least, most)
		return 0
	}
	return value
}
