package manifest

import (
	"fmt"
	"strconv"
	"strings"
)

// The names that a row leaves open in its output template.
const (
	openNumber = "n"
	openExt    = "ext"
	openSeed   = "seed"
	openHash   = "hash8"
)

// Template is the output name of a row. The row's own variables are filled in;
// {n}, {ext}, {hash8} and, where the seed is still to be drawn, {seed} are open.
type Template struct{ text string }

// OutputValues fill what a Template leaves open.
type OutputValues struct {
	N     int    // the image's number within its row, from 1
	Ext   string // "png" without a dot; "" leaves "{ext}" as it is
	Seed  string // the seed as text
	Hash8 string // the first eight characters of the job's id
}

// String is the name with its open places: "health/painterly-{n}.{ext}".
func (t Template) String() string { return t.text }

// Uses reports whether the name (n, ext, seed, hash8) is still open.
func (t Template) Uses(name string) bool {
	return strings.Contains(t.text, "{"+name+"}")
}

// Expand fills the open places. It returns an error if the template uses a
// value that is not given; only {ext} may be left for later.
func (t Template) Expand(v OutputValues) (string, error) {
	const usual = 128 // bytes that most names fit in
	rest, name := t.text, make([]byte, 0, usual)
	for {
		start := strings.IndexByte(rest, '{')
		if start < 0 {
			name = append(name, rest...)
			if string(name) == t.text {
				return t.text, nil // only {ext} was open, as mostly, and is left
			}
			return string(name), nil
		}
		end := start + strings.IndexByte(rest[start:], '}')
		value, err := v.of(rest[start+1 : end])
		if err != nil {
			return "", fmt.Errorf("fill output name %q: %w", t.text, err)
		}
		name = append(append(name, rest[:start]...), value...)
		rest = rest[end+1:]
	}
}

func (v OutputValues) of(name string) (string, error) {
	switch {
	case name == openNumber && v.N > 0:
		return strconv.Itoa(v.N), nil
	case name == openExt && v.Ext == "":
		return "{" + openExt + "}", nil
	case name == openExt:
		return v.Ext, nil
	case name == openSeed && v.Seed != "":
		return v.Seed, nil
	case name == openHash && v.Hash8 != "":
		return v.Hash8, nil
	default:
		return "", fmt.Errorf("no value for {%s}", name)
	}
}
