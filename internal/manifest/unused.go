package manifest

import (
	"slices"
	"strings"

	"nightshift/internal/suggest"
)

// mentions are the names that texts of the whole manifest ask for, those that some
// rows replace and the texts of all styles included.
func mentions(def *definition) map[string]bool {
	names := map[string]bool{}
	note := func(name string) (string, bool) {
		names[name] = true
		return "", true
	}
	for _, l := range []*layer{&def.header, &def.defaults} {
		fill(l.prompt, note)
		fill(l.output, note)
		noteParameters(l, note)
	}
	for _, s := range def.styles {
		names[styleAxis] = true // picks the style
		fill(s.text, note)
		noteParameters(&s.layer, note)
	}
	return names
}

func noteParameters(l *layer, note func(string) (string, bool)) {
	for i := range l.parameters {
		noteValue(l.parameters[i].value, note)
	}
}

func noteValue(value any, note func(string) (string, bool)) {
	switch value := value.(type) {
	case string:
		fill(value, note)
	case []any:
		for _, inner := range value {
			noteValue(inner, note)
		}
	case map[string]any:
		for _, inner := range value {
			noteValue(inner, note)
		}
	}
}

// uses reports whether a text of the row or of the whole manifest asks for the
// variable.
func (b *builder) uses(name string) bool {
	return b.mentioned[name] || slices.Contains(b.asked, name)
}

// setUnused notes the variables that have no effect. An axis of the same name goes
// before a variable, and has a check of its own.
func (b *builder) setUnused() {
	for i := range b.item.variables {
		b.noteUnused(&b.item.variables[i])
	}
	for i := range b.def.defaults.variables {
		v := &b.def.defaults.variables[i]
		if _, replaced := b.item.variable(v.name); !replaced {
			b.noteUnused(v)
		}
	}
}

func (b *builder) noteUnused(v *variable) {
	if v.text != "" && !b.uses(v.name) && b.axisChoice(v.name) == nil && !b.item.sets(v.name) {
		b.row.Unused = append(b.row.Unused, v.name)
	}
}

// sets reports whether the layer gives a parameter.
func (l *layer) sets(name string) bool {
	return slices.ContainsFunc(l.parameters, func(p parameter) bool { return p.name == name })
}

// checkNearFields reports a variable that nothing uses and that looks like a
// field which the row lacks: a column promt would cost a batch without prompts.
func (b *builder) checkNearFields() {
	for i := range b.item.variables {
		name := b.item.variables[i].name
		meant, asked := b.near[name]
		if !asked {
			meant = nearField(name)
			if len(b.near) < maxRemembered {
				b.near[name] = meant
			}
		}
		if meant != "" && !b.gives(meant) && !b.uses(name) {
			b.report(name, "did you mean "+meant+"?", "%s is taken for a variable, but nothing uses it", name)
		}
	}
}

// nearField returns the field that differs from the name by a missing, needless,
// swapped or changed letter, or only in case; "" if there is none. The first letter
// stays: a variable need or feed is not a seed.
func nearField(name string) string {
	for _, known := range itemFields {
		if strings.EqualFold(known, name) {
			return known
		}
		if len(known) > 3 && suggest.Distance(name, known) == 1 && !firstChanged(name, known) {
			return known
		}
	}
	return ""
}

// firstChanged reports whether two different names are alike beyond their first
// letters.
func firstChanged(a, b string) bool { return a != "" && b != "" && a[1:] == b[1:] }

// gives reports whether the item itself has the field.
func (b *builder) gives(name string) bool {
	_, found := b.item.where(name)
	return found
}
