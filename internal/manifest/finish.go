package manifest

import (
	"strings"
)

func (b *builder) setSamples() {
	for _, l := range [...]*layer{b.item, &b.def.defaults, &b.def.header} {
		if l.samples > 0 {
			b.row.Samples = l.samples
			return
		}
	}
}

// setID joins the item's id and the values of the axes.
func (b *builder) setID() {
	id := slug(b.item.id)
	if id == "" {
		b.report("id", "use letters or digits", "the id %s leaves nothing for a file name", quoteShort(b.item.id))
	}
	if len(b.chosen) > 0 {
		parts := make([]string, 0, 1+len(b.chosen))
		parts = append(parts, id)
		for i, value := range b.chosen {
			if value.slug == "" {
				b.report(b.def.grid.axes[i].name, "use letters or digits",
					"the value %s of axis %s leaves nothing for a file name", quoteShort(value.text), b.def.grid.axes[i].name)
			}
			parts = append(parts, value.slug)
		}
		id = strings.Join(parts, "/")
	}
	b.row.ID = id
}

// setOutput fills the output template as far as the row knows its values.
func (b *builder) setOutput() {
	before := len(b.problems)
	raw := b.first(func(l *layer) string { return l.output })
	var name string
	switch {
	case raw != "":
		if message, suggestion := templateFault(raw); message != "" {
			b.report("output", suggestion, "%s", message)
			return
		}
		name = b.fill("output", raw, b.inName)
	case b.row.Samples > 1:
		name = b.row.ID + "-{" + openNumber + "}.{" + openExt + "}"
	default:
		name = b.row.ID + ".{" + openExt + "}"
	}
	if len(b.problems) > before {
		return
	}
	if message, suggestion := nameFault(name); message != "" {
		b.report("output", suggestion, "%s", message)
		return
	}
	b.row.Output = Template{text: name}
	if b.row.Samples > 1 && !b.row.Output.Uses(openNumber) {
		b.report("output", "add {n}", "the %d images of a row would have one name", b.row.Samples)
	}
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
		if meant != "" && !b.gives(meant) && !b.mentions(name) {
			b.report(name, "did you mean "+meant+"?", "%s is taken for a variable, but nothing uses it", name)
		}
	}
}

// nearField returns the field that differs from the name by a missing, needless or
// swapped letter, or only in case; "" if there is none.
func nearField(name string) string {
	for _, known := range itemFields {
		if strings.EqualFold(known, name) {
			return known
		}
		if len(known) > 3 && distance(name, known) == 1 && !oneChanged(name, known) {
			return known
		}
	}
	return ""
}

// oneChanged reports whether two names of one length differ in a single letter:
// a variable need or feed is not a seed.
func oneChanged(a, b string) bool {
	changed := 0
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			changed++
		}
	}
	return len(a) == len(b) && changed == 1
}

// gives reports whether the item itself has the field.
func (b *builder) gives(name string) bool {
	_, found := b.item.where(name)
	return found
}

// mentions reports whether a text of the row uses the variable.
func (b *builder) mentions(name string) bool {
	placeholder := "{" + name + "}"
	for _, l := range []*layer{b.item, &b.def.defaults, &b.def.header} {
		if strings.Contains(l.prompt, placeholder) || strings.Contains(l.output, placeholder) {
			return true
		}
		for _, p := range l.parameters {
			if value, ok := p.value.(string); ok && strings.Contains(value, placeholder) {
				return true
			}
		}
	}
	return b.style != nil && strings.Contains(b.style.text, placeholder)
}
