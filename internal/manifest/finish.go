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
	given := b.row.ID + ".{" + openExt + "}"
	if b.row.Samples > 1 {
		given = b.row.ID + "-{" + openNumber + "}.{" + openExt + "}"
	}
	if !b.setOutputName(b.first(func(l *layer) string { return l.output }), given, b.inName) {
		return
	}
	if b.row.Samples > 1 && !b.row.Output.Uses(openNumber) {
		b.report("output", "add {n}", "the %d images of a row would have one name", b.row.Samples)
	}
}

// setOutputName fills an output template in, or takes the name that is given where there is
// none. It reports false after telling why that is no name of a file.
func (b *builder) setOutputName(raw, given string, lookup func(string) (string, bool)) bool {
	before, name := len(b.problems), given
	if raw != "" {
		if message, suggestion := templateFault(raw); message != "" {
			b.report("output", suggestion, "%s", message)
			return false
		}
		name = b.fill("output", raw, lookup)
	}
	if len(b.problems) > before {
		return false
	}
	if message, suggestion := nameFault(name); message != "" {
		b.report("output", suggestion, "%s", message)
		return false
	}
	b.row.Output = Template{text: name}
	return true
}

// modelSuggestion says where the model of a row without one may stand.
func (b *builder) modelSuggestion() string {
	if b.def.flat {
		return "give it a model, or name this file in items_from of a manifest that has one"
	}
	return "give it a model"
}
