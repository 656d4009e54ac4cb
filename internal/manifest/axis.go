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

	"nightshift/internal/job"
)

// axis is a named list of values of which each row gets one. Ranges are kept as
// ranges, so that an axis of a million seeds is as small as one of two.
type axis struct {
	name   string
	place  Place
	spans  []span
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
	for i := range a.spans {
		s := &a.spans[i]
		if s.single == nil && number >= s.first && number < s.first+int64(s.length) {
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
func (d *decoder) readAxis(f *field) *axis {
	a := &axis{name: f.name, place: d.name(f), known: map[string]int{}}
	switch {
	case f.value.kind == list:
		for i := range f.value.children {
			d.addValue(a, &f.value.children[i].value)
		}
	case f.value.scalar() && isRange(f.value.text):
		d.addRange(a, &f.value)
	default:
		d.report(d.place(&f.value), "write a list such as [a, b] or a range such as 1..10",
			"the values of axis %s must be a list, not %s", f.name, f.value.kind.describe())
		a.broken = true
		return a
	}
	if a.count == 0 && len(f.value.children) == 0 && f.value.kind == list {
		d.report(d.place(&f.value), "leave the axis out or give it values", "axis %s has no values", f.name)
	}
	return a
}

func (d *decoder) addValue(a *axis, n *node) {
	if a.name == seedAxis && isRange(n.text) {
		d.addRange(a, n)
		return
	}
	value := d.choice(a, n)
	if value == nil {
		a.broken = true
		return
	}
	if a.index(value.text) >= 0 {
		d.report(d.place(n), "keep one", "%s stands twice in axis %s", shown(n), a.name)
		return
	}
	a.known[value.text] = a.count
	a.spans = append(a.spans, span{start: a.count, length: 1, single: value})
	a.count++
}

// choice reads one value of an axis, or reports why it is none and returns nil.
func (d *decoder) choice(a *axis, n *node) *choice {
	if !a.typed() {
		if written := d.text(n, "a value of axis "+a.name); written != "" {
			return &choice{text: written, slug: slug(written)}
		}
		if n.scalar() && n.text == "" {
			d.report(d.place(n), "", "a value of axis %s is empty", a.name)
		}
		return nil
	}
	if a.name == seedAxis {
		if _, ok := wholeNumber(n.text); !ok || !n.scalar() {
			d.report(d.place(n), "write whole numbers or a range such as 1..10", "%s is not a seed", shown(n))
			return nil
		}
		n = &node{kind: number, text: n.text}
	}
	if !d.checkTexts(n, "a value of axis ", a.name) {
		return nil
	}
	return typedChoice(n)
}

// typedChoice makes a value of a parameter. Lists and groups are named by their
// content, because their place in the axis may change.
func typedChoice(n *node) *choice {
	value := &choice{data: n.value()}
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

func isRange(written string) bool {
	from, to, found := strings.Cut(written, "..")
	_, first := wholeNumber(from)
	_, last := wholeNumber(to)
	return found && first && last
}

// addRange adds the whole numbers of a range, both ends included.
func (d *decoder) addRange(a *axis, n *node) {
	from, to, _ := strings.Cut(n.text, "..")
	first, _ := strconv.ParseInt(from, 10, 64)
	last, _ := strconv.ParseInt(to, 10, 64)
	switch {
	case last < first:
		d.report(d.place(n), "write the smaller number first", "the range %s is empty", n.text)
		return
	case last-first >= maxCombinations:
		d.report(d.place(n), "write a shorter one", "the range %s is too long; an axis has at most %d values", n.text, maxCombinations)
		return
	}
	for i := range a.spans {
		if overlaps(&a.spans[i], first, last) {
			d.report(d.place(n), "keep each value once", "the range %s repeats values of axis %s", n.text, a.name)
			return
		}
	}
	length := int(last-first) + 1
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
func (d *decoder) checkAxisName(f *field) bool {
	if f.name == modelAxis || f.name == seedAxis {
		return true
	}
	if inner, ok := strings.CutPrefix(f.name, parameterPrefix); ok && inner != "" {
		if inner == job.SeedInput {
			d.report(d.name(f), "name the axis seed", "the seed has an axis of its own")
			return false
		}
		return true
	}
	if slices.Contains(itemFields, f.name) {
		d.report(d.name(f), "name the axis otherwise and use its {name} in the "+f.name,
			"%s is a field of items and cannot be an axis", f.name)
		return false
	}
	if fault := variableFault(f.name); fault != "" {
		d.report(d.name(f), "", "%s", fault)
		return false
	}
	return true
}
