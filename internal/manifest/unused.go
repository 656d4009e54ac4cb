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
		noteImages(l, note)
	}
	for _, s := range def.steps {
		fill(s.prompt, note)
		fill(s.output, note)
		noteParameters(&s.layer, note)
		noteImages(&s.layer, note)
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

func noteImages(l *layer, note func(string) (string, bool)) {
	for i := range l.images {
		for _, text := range l.images[i].texts {
			fill(text, note)
		}
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
	clear(b.given)
	for i := range b.item.variables {
		b.noteUnused(b.item, &b.item.variables[i])
	}
	for i := range b.def.defaults.variables {
		v := &b.def.defaults.variables[i]
		if _, replaced := b.item.variable(v.name); !replaced {
			b.noteUnused(&b.def.defaults, v)
		}
	}
}

func (b *builder) noteUnused(l *layer, v *variable) {
	if v.text != "" && !b.uses(v.name) && b.axisChoice(v.name) == nil && !b.gives(v.name) {
		b.row.Unused = append(b.row.Unused, v.name)
		if b.def.namesPicture(v.text) {
			b.row.Pictured = append(b.row.Pictured, v.name)
		}
		if meant := b.synonym(v); meant != "" && !gives(l, meant) {
			if b.row.Meant == nil {
				b.row.Meant = make(map[string]string)
			}
			b.row.Meant[v.name] = meant
		}
	}
}

// gives reports whether the item gives a parameter of a variable's name, in whatever form.
func (b *builder) gives(name string) bool {
	if len(b.given) < len(b.item.parameters) {
		for i := range b.item.parameters {
			b.given[suggest.Fold(b.item.parameters[i].name)] = true
		}
	}
	return len(b.given) > 0 && b.given[suggest.Fold(name)]
}

// checkNearFields reports a variable that nothing uses and that looks like a
// field which the row lacks: a column promt would cost a batch without prompts.
func (b *builder) checkNearFields() {
	b.checkNear(b.item)
	b.checkNear(&b.def.defaults)
}

func (b *builder) checkNear(l *layer) {
	for i := range l.variables {
		name := l.variables[i].name
		meant, asked := b.near[name]
		if !asked {
			meant = nearField(name)
			if len(b.near) < maxRemembered {
				b.near[name] = meant
			}
		}
		if meant != "" && !gives(l, meant) && !b.uses(name) && b.axisChoice(name) == nil {
			b.report(name, "did you mean "+meant+"?", "%s is taken for a variable, but nothing uses it", name)
		}
	}
}

// synonyms are what other tools call the fields of an item, by their folded names.
var synonyms = map[string]string{
	"numimages": "samples", "nimages": "samples", "imagecount": "samples", "numberofimages": "samples", "imagesperprompt": "samples",
	"numimagesperprompt": "samples", "numsamples": "samples", "samplecount": "samples", "nsamples": "samples", "batchsize": "samples",
	"numvariations": "samples", "variations": "samples",
	"filename": "output", "filepath": "output", "outputname": "output", "outputfile": "output", "outputfilename": "output",
	"outputpath": "output", "imagename": "output", "savename": "output", "saveas": "output",
	"randomseed": "seed", "rngseed": "seed", "noiseseed": "seed", "imageseed": "seed", "seednumber": "seed",
	"positiveprompt": "prompt", "positive": "prompt", "textprompt": "prompt", "prompttext": "prompt",
	"modelid": "model", "modelname": "model", "checkpoint": "model", "basemodel": "model", "ckpt": "model",
}

// synonym returns the field that a variable means by a name of other tools, or "". Where the manifest names its images, a file name is for people.
func (b *builder) synonym(v *variable) string {
	meant := synonyms[suggest.Fold(v.name)]
	if !suits(meant, v.text) {
		return ""
	}
	if meant == "output" && b.first(func(l *layer) string { return l.output }) != "" {
		return ""
	}
	return meant
}

// suits reports whether a value can be that of a field: a table of cameras has a column
// model_name of its own.
func suits(field, value string) bool {
	switch field {
	case "samples", "seed":
		_, whole := wholeNumber(value)
		return whole
	case "model":
		return strings.HasPrefix(value, "model_")
	case "output":
		return !strings.ContainsAny(value, " \t\n")
	default:
		return field != ""
	}
}

// nearField returns the field that differs from the name by a missing, needless,
// swapped or changed letter, or only in case, blanks and hyphens; "" if there is none.
// The first letter stays: a variable need or feed is not a seed.
func nearField(name string) string {
	for _, known := range itemFields {
		if known == imagesField && suggest.Fold(name) == "image" { // to which input it goes the model says
			continue
		}
		if known == suggest.Fold(name) {
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

// gives reports whether the layer itself has the field.
func gives(l *layer, name string) bool {
	_, found := l.where(name)
	return found
}
