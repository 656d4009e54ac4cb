package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/job"
)

// axis is a named list of values of which each row gets one. Ranges are kept as
// ranges, so that an axis of a million seeds is as small as one of two.
type axis struct {
	name   string
	place  document.Place
	spans  []span
	ranges []int // those of the spans that are ranges
	count  int
	broken bool           // a value of it has a problem already
	known  map[string]int // index of each single value by its text
}

// span is one value, or the whole numbers from first on.
type span struct {
	start  int // index of its first value
	length int
	single *choice // nil for a range
	first  int64
}

// choice is one value of an axis.
type choice struct {
	text string // as variables show it; for a style its name
	data any    // as a parameter
	slug string // as a part of the row's id
}

// The axes with a meaning of their own; one named "parameters.x" sets that
// parameter, and any other is a variable.
const (
	modelAxis = "model"
	seedAxis  = job.SeedInput
	styleAxis = "style"
)

// typed reports whether the values of the axis are those of a parameter.
func (a *axis) typed() bool {
	return a.name == seedAxis || strings.HasPrefix(a.name, parameterPrefix)
}

// at returns the value with the index.
func (a *axis) at(index int) *choice {
	s := &a.spans[sort.Search(len(a.spans), func(i int) bool { return a.spans[i].start > index })-1]
	if s.single != nil {
		return s.single
	}
	return rangeChoice(s.first + int64(index-s.start))
}

func rangeChoice(value int64) *choice {
	written := strconv.FormatInt(value, 10)
	return &choice{text: written, data: json.Number(written), slug: written}
}

// index returns the index of the value with this text, or -1.
func (a *axis) index(written string) int {
	if at, ok := a.known[written]; ok {
		return at
	}
	value, ok := wholeNumber(written)
	if !ok || value.String() != written {
		return -1
	}
	number, _ := value.Int64()
	for _, i := range a.ranges {
		s := &a.spans[i]
		if number >= s.first && number < s.first+int64(s.length) {
			return s.start + int(number-s.first)
		}
	}
	return -1
}

// texts returns the first values, for suggestions.
func (a *axis) texts() []string {
	var known []string
	for i := range min(a.count, 100) {
		known = append(known, a.at(i).text)
	}
	return known
}

// readAxis reads a list of values, or a range such as 1..10.
func (d *decoder) readAxis(f *document.Field) *axis {
	a := &axis{name: f.Name, place: d.At(f.Position), known: map[string]int{}}
	switch {
	case f.Value.Kind == document.List:
		for i := range f.Value.Children {
			d.addValue(a, &f.Value.Children[i].Value)
		}
	case f.Value.Scalar() && isRange(f.Value.Text):
		d.addRange(a, &f.Value)
	default:
		d.Report(f.Value.Position, "write a list such as [a, b] or a range such as 1..10",
			"the values of axis %s must be a list, not %s", f.Name, f.Value.Kind)
		a.broken = true
		return a
	}
	if a.count == 0 && len(f.Value.Children) == 0 && f.Value.Kind == document.List {
		d.Report(f.Value.Position, "leave the axis out or give it values", "axis %s has no values", f.Name)
	}
	return a
}

func (d *decoder) addValue(a *axis, n *document.Node) {
	if a.name == seedAxis && isRange(n.Text) {
		d.addRange(a, n)
		return
	}
	value := d.choice(a, n)
	if value == nil {
		a.broken = true
		return
	}
	if a.index(value.text) >= 0 {
		d.Report(n.Position, "keep one", "%s stands twice in axis %s", shown(n), a.name)
		return
	}
	a.known[value.text] = a.count
	a.spans = append(a.spans, span{start: a.count, length: 1, single: value})
	a.count++
}

// choice reads one value of an axis, or reports why it is none and returns nil.
func (d *decoder) choice(a *axis, n *document.Node) *choice {
	if !a.typed() {
		if written := d.Text(n, "a value of axis "+a.name); written != "" {
			return &choice{text: written, slug: slug(written)}
		}
		if n.Scalar() && n.Text == "" {
			d.Report(n.Position, "", "a value of axis %s is empty", a.name)
		}
		return nil
	}
	if a.name == seedAxis {
		if _, ok := wholeNumber(n.Text); !ok || !n.Scalar() {
			d.Report(n.Position, "write whole numbers or a range such as 1..10", "%s is not a seed", shown(n))
			return nil
		}
		n = &document.Node{Kind: document.Number, Text: n.Text}
	}
	if !d.checkTexts(n, "a value of axis ", a.name) {
		return nil
	}
	return typedChoice(n)
}

// typedChoice makes a value of a parameter. Lists and groups are named by their
// content, because their place in the axis may change.
func typedChoice(n *document.Node) *choice {
	value := &choice{data: n.Value()}
	switch data := value.data.(type) {
	case string:
		value.text, value.slug = data, slug(data)
	case json.Number:
		value.text, value.slug = data.String(), data.String()
	case []any, map[string]any:
		value.text = string(job.Inputs{"": data}.Canonical())
		value.text = value.text[len(`{"":`) : len(value.text)-1]
		sum := sha256.Sum256([]byte(value.text))
		value.slug = hex.EncodeToString(sum[:4])
	default:
		value.text = fmt.Sprint(data)
		if data == nil {
			value.text = "null"
		}
		value.slug = value.text
	}
	return value
}

// maxRanges bounds the ranges of one axis, each of which is held against all values.
const maxRanges = 1000

func isRange(written string) bool {
	from, to, found := strings.Cut(written, "..")
	_, first := wholeNumber(from)
	_, last := wholeNumber(to)
	return found && first && last
}

// addRange adds the whole numbers of a range, both ends included.
func (d *decoder) addRange(a *axis, n *document.Node) {
	from, to, _ := strings.Cut(n.Text, "..")
	first, _ := strconv.ParseInt(from, 10, 64)
	last, _ := strconv.ParseInt(to, 10, 64)
	switch {
	case last < first:
		d.Report(n.Position, "write the smaller number first", "the range %s is empty", n.Text)
		return
	case last-first >= maxCombinations:
		d.Report(n.Position, "write a shorter one", "the range %s is too long; an axis has at most %d values", n.Text, maxCombinations)
		return
	}
	if len(a.ranges) == maxRanges {
		d.Report(n.Position, "join some of them", "axis %s has more than %d ranges", a.name, maxRanges)
		return
	}
	for i := range a.spans {
		if overlaps(&a.spans[i], first, last) {
			d.Report(n.Position, "keep each value once", "the range %s repeats values of axis %s", n.Text, a.name)
			return
		}
	}
	length := int(last-first) + 1
	a.ranges = append(a.ranges, len(a.spans))
	a.spans = append(a.spans, span{start: a.count, length: length, first: first})
	a.count += length
}

func overlaps(s *span, first, last int64) bool {
	if s.single == nil {
		return s.first <= last && first <= s.first+int64(s.length)-1
	}
	value, ok := wholeNumber(s.single.text)
	if !ok {
		return false
	}
	number, _ := value.Int64()
	return number >= first && number <= last
}

// checkAxisName reports names that cannot be an axis.
func (d *decoder) checkAxisName(f *document.Field) bool {
	if f.Name == modelAxis || f.Name == seedAxis {
		return true
	}
	if inner, ok := strings.CutPrefix(f.Name, parameterPrefix); ok && inner != "" {
		if inner == job.SeedInput {
			d.Report(f.Position, "name the axis seed", "the seed has an axis of its own")
			return false
		}
		return true
	}
	if slices.Contains(itemFields, f.Name) {
		d.Report(f.Position, "name the axis otherwise and use its {name} in the "+f.Name,
			"%s is a field of items and cannot be an axis", f.Name)
		return false
	}
	if fault := variableFault(f.Name); fault != "" {
		d.Report(f.Position, "", "%s", fault)
		return false
	}
	return true
}
