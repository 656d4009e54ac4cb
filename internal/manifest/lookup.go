package manifest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/job"
)

// lookup returns what {name} means in a prompt or parameter of the row.
func (b *builder) lookup(name string) (string, bool) {
	if name == styleAxis && b.style != nil {
		b.use(styleAxis)
		b.styled = true
		filled, faults := fill(b.style.text, b.inStyle)
		for _, f := range faults {
			b.problems = append(b.problems, &document.Problem{
				Place: b.style.textPlace(), Message: f.message + " in style " + b.style.name, Suggestion: f.suggestion(b.known()),
			})
		}
		return filled, true
	}
	return b.lookupPlain(name)
}

// lookupStyle returns what {name} means in the text of a style, in which there is
// no {style}.
func (b *builder) lookupStyle(name string) (string, bool) {
	if name == styleAxis {
		return "", false
	}
	return b.lookupPlain(name)
}

// lookupPlain returns what {name} means; of a style it is the name.
func (b *builder) lookupPlain(name string) (string, bool) {
	b.asked = append(b.asked, name)
	if b.use(name) {
		return b.axisChoice(name).text, true
	}
	if value, ok := b.variable(name); ok {
		return value, true
	}
	switch name {
	case "id":
		return b.item.id, true
	case "model":
		return b.row.Model, b.row.Model != ""
	case seedAxis:
		return scalarText(b.row.Parameters[job.SeedInput])
	}
	if inner, ok := strings.CutPrefix(name, parameterPrefix); ok {
		return scalarText(b.row.Parameters[inner])
	}
	return "", false
}

// use notes that a text asks for an axis, and reports whether there is one.
func (b *builder) use(name string) bool {
	i := -1
	if len(b.chosen) > 0 {
		i = b.def.grid.find(name)
	}
	if i >= 0 {
		b.used[i] = true
	}
	return i >= 0
}

func scalarText(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case json.Number:
		return value.String(), true
	case bool:
		return strconv.FormatBool(value), true
	default:
		return "", false
	}
}

// lookupName returns what {name} means in an output: values made safe for file
// names, and what is still open as it is.
func (b *builder) lookupName(name string) (string, bool) {
	switch name {
	case openNumber:
		return "{" + openNumber + "}", true
	case openExt:
		return "{" + openExt + "}", true
	case openHash:
		return "{" + openHash + "}", true
	}
	value, known := b.lookupPlain(name)
	if !known && name == openSeed {
		return "{" + openSeed + "}", true
	}
	safe := slug(value)
	if known && safe == "" {
		b.report("output", "give it letters or digits", "{%s} is %s, which leaves nothing for a file name", name, quoteShort(value))
	}
	return safe, known
}

// known are the names that texts of this row may use, for suggestions.
func (b *builder) known() []string {
	known := b.def.grid.names()
	for _, l := range []*layer{b.item, &b.def.defaults} {
		for _, v := range l.variables {
			known = append(known, v.name)
		}
	}
	if b.style != nil {
		known = append(known, styleAxis)
	}
	for name := range b.made {
		if name != "" {
			known = append(known, name)
		}
	}
	known = append(known, "id", "model")
	slices.Sort(known)
	return slices.Compact(known)
}
