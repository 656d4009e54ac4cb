package manifest

import (
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/suggest"
)

// builder makes one row after the other from items and combinations.
type builder struct {
	def  *definition
	used []bool            // axes that a text has asked for
	near map[string]string // variables that look like a field, by name
	// mentioned are the names that texts of the whole manifest ask for.
	mentioned map[string]bool

	// Of the row that is being made:
	item     *layer
	chosen   combination
	style    *style
	row      *Row
	problems []*document.Problem
	asked    []string        // names that its texts ask for
	given    map[string]bool // folded names of the item's own parameters, reused
	styled   bool            // a text of it asks for the text of its style
	made     madeImages      // that its pictures may be
	written  []byte          // the text that is being filled

	// The lookups as values, made once.
	inText, inName, inStyle func(string) (string, bool)
}

func newBuilder(def *definition) *builder {
	b := &builder{def: def, used: make([]bool, len(def.grid.axes)), near: map[string]string{}, given: map[string]bool{}, mentioned: mentions(def)}
	b.inText, b.inName, b.inStyle = b.lookup, b.lookupName, b.lookupStyle
	return b
}

// build makes the row of an item in a combination, or returns what is wrong.
func (b *builder) build(item *layer, chosen combination) (*Row, []*document.Problem) {
	b.item, b.chosen, b.problems, b.asked = item, chosen, nil, b.asked[:0]
	b.styled = false
	b.row = &Row{Place: item.place, texts: item.texts, given: givenIn(item)}
	b.chooseStyle()
	b.row.Model = b.first(func(l *layer) string { return l.model })
	if model := b.axisChoice(modelAxis); model != nil {
		b.row.Model = model.text
	}
	b.setParameters()
	b.setVariables()
	b.fillTexts(b.first(func(l *layer) string { return l.prompt }))
	b.checkPrompt()
	b.checkStyle()
	b.setSamples()
	b.setID()
	b.setImages(b.needed(), &b.def.defaults, item)
	b.checkNeeds()
	b.setOutput()
	b.setUnused()
	b.checkNearFields()
	if b.row.Model == "" {
		b.report("model", b.modelSuggestion(), "the row has no model")
	}
	return b.row, b.problems
}

// places finds fields of the row on the levels of the manifest, the nearest
// first. It keeps nothing of the builder, which goes on to other rows.
func (b *builder) places() func(string) document.Place {
	def, item, fallback := b.def, b.item.where, b.item.fallback()
	style := def.defaults.where
	if b.style != nil {
		style = b.style.where
	}
	return func(name string) document.Place {
		for _, a := range def.grid.axes {
			if a.name == name || a.name == seedAxis && name == parameterPrefix+job.SeedInput {
				return a.place
			}
		}
		for _, where := range [...]func(string) (document.Place, bool){item, style, def.defaults.where, def.header.where} {
			if at, found := where(name); found {
				return at
			}
		}
		return fallback
	}
}

func (b *builder) report(name, suggestion, format string, args ...any) {
	b.problems = append(b.problems, &document.Problem{Place: b.row.Places(name), Suggestion: suggestion, Message: fmt.Sprintf(format, args...)})
}

// reportAt reports at a place or, where that is not known, where the field stands.
func (b *builder) reportAt(place document.Place, name, suggestion, format string, args ...any) {
	b.report(name, suggestion, format, args...)
	if place != (document.Place{}) {
		b.problems[len(b.problems)-1].Place = place
	}
}

func (b *builder) warn(name, suggestion, message string) {
	b.row.Warnings = append(b.row.Warnings, &document.Problem{Place: b.row.Places(name), Message: message, Suggestion: suggestion})
}

// givenIn finds the parameters that an item gives.
func givenIn(item *layer) func(string) bool {
	where := item.where
	return func(parameter string) bool {
		_, found := where(parameterPrefix + parameter)
		return found
	}
}

// first returns a text of the nearest level that has it.
func (b *builder) first(get func(*layer) string) string {
	for _, l := range [...]*layer{b.item, &b.def.defaults} {
		if value := get(l); value != "" {
			return value
		}
	}
	return get(&b.def.header)
}

// axisChoice returns the value that the row has of an axis, or nil.
func (b *builder) axisChoice(name string) *choice {
	if len(b.chosen) == 0 {
		return nil
	}
	if i := b.def.grid.find(name); i >= 0 {
		return b.chosen[i]
	}
	return nil
}

// chooseStyle finds the style that the row's variable or axis names.
func (b *builder) chooseStyle() {
	b.style = nil
	b.row.Places = b.places()
	if len(b.def.styles) == 0 {
		return
	}
	name, named := b.variable(styleAxis)
	if choice := b.axisChoice(styleAxis); choice != nil {
		name, named = choice.text, true
	}
	if !named || name == "" {
		return
	}
	if b.style = b.def.style(name); b.style != nil {
		b.row.Places = b.places()
	} else {
		b.report(styleAxis, suggest.DidYouMean(name, b.def.styleNames(), "%"), "unknown style %s", quoteShort(name))
	}
}

// variable returns a variable of the item or of the defaults.
func (b *builder) variable(name string) (string, bool) {
	if value, ok := b.item.variable(name); ok {
		return value, true
	}
	return b.def.defaults.variable(name)
}

// setParameters joins the parameters of all levels, the nearest winning.
func (b *builder) setParameters() {
	const further = 3 // that the model wants besides: prompt, seed, number of images
	b.row.Parameters = make(job.Inputs, len(b.item.parameters)+len(b.def.defaults.parameters)+len(b.chosen)+further)
	b.addParameters(&b.def.defaults)
	if b.style != nil {
		b.addParameters(&b.style.layer)
	}
	b.addParameters(b.item)
	b.row.SeedAxis = b.item.ownSeed
	for i, a := range b.def.grid.axes {
		if inner, ok := strings.CutPrefix(a.name, parameterPrefix); ok {
			b.row.Parameters[inner] = b.chosen[i].data
		}
		if a.name == seedAxis {
			b.row.Parameters[job.SeedInput] = b.chosen[i].data
			b.row.SeedAxis = true
		}
	}
}

func (b *builder) addParameters(l *layer) {
	for i := range l.parameters {
		b.row.Parameters[l.parameters[i].name] = l.parameters[i].value
	}
}

// setVariables notes what people may want to filter the results by.
func (b *builder) setVariables() {
	size := len(b.item.variables) + len(b.def.defaults.variables) + len(b.chosen)
	if size == 0 {
		return
	}
	b.row.Variables = make(map[string]string, size)
	for _, l := range [...]*layer{&b.def.defaults, b.item} {
		for i := range l.variables {
			b.row.Variables[l.variables[i].name] = l.variables[i].text
		}
	}
	for i, a := range b.def.grid.axes {
		b.row.Variables[a.name] = b.chosen[i].text
	}
}

// fillTexts fills in the variables of the prompt and of text parameters.
func (b *builder) fillTexts(prompt string) {
	b.row.Prompt = b.fill("prompt", prompt, b.inText)
	var templates []string
	for name, value := range b.row.Parameters {
		if holdsTemplate(value) {
			templates = append(templates, name)
		}
	}
	slices.Sort(templates)
	for _, name := range templates {
		b.row.Parameters[name] = b.fillValue(parameterPrefix+name, b.row.Parameters[name])
	}
}

func holdsTemplate(value any) bool {
	switch value := value.(type) {
	case string:
		return templated(value)
	case []any:
		return slices.ContainsFunc(value, holdsTemplate)
	case map[string]any:
		for _, inner := range value {
			if holdsTemplate(inner) {
				return true
			}
		}
	}
	return false
}

// fillValue returns a copy of a parameter with its texts filled in.
func (b *builder) fillValue(name string, value any) any {
	switch value := value.(type) {
	case string:
		return b.fill(name, value, b.inText)
	case []any:
		filled := make([]any, len(value))
		for i := range value {
			filled[i] = b.fillValue(name, value[i])
		}
		return filled
	case map[string]any:
		filled := make(map[string]any, len(value))
		for key := range value {
			filled[key] = b.fillValue(name, value[key])
		}
		return filled
	default:
		return value
	}
}

// reportFault reports a fault of a text where the text stands, but a variable that
// is missing for a text of the whole manifest where the row stands.
func (b *builder) reportFault(name string, f fault) {
	if _, own := b.item.where(name); own || f.name == "" {
		b.report(name, f.suggestion(b.known()), "%s in %s", f.message, name)
		return
	}
	message := fmt.Sprintf("%s has no variable {%s}, which its %s needs", quoteShort(b.item.id), f.name, name)
	if at := b.row.Places(name); at != b.row.Place {
		message += " (" + at.String() + ")"
	}
	b.problems = append(b.problems, &document.Problem{Place: b.row.Place, Message: message, Suggestion: f.suggestion(b.known())})
}

// fill fills one text and reports what is wrong with it.
func (b *builder) fill(name, raw string, lookup func(string) (string, bool)) string {
	if !templated(raw) {
		return raw
	}
	written, faults := appendFilled(b.written[:0], raw, lookup)
	b.written = written
	filled := string(written)
	for _, f := range faults {
		b.reportFault(name, f)
	}
	if len(filled) > document.MaxText {
		b.report(name, "shorten it", "%s has %d bytes with its variables; a text has at most %d", name, len(filled), document.MaxText)
	}
	return filled
}
