package manifest

import (
	"encoding/json"
	"strconv"
	"strings"

	"nightshift/internal/job"
)

// layer is what one level of a manifest says about its rows: the header, the
// defaults, a style or an item. "" and 0 mean that it says nothing.
type layer struct {
	place                     Place
	id, model, prompt, output string
	samples                   int
	ownSeed                   bool // seed is given by its own field or column
	parameters                []parameter
	variables                 []variable
	// end is where a field that is missing would stand; without a line at place.
	end Place
	// where finds the place of a field that this layer gives.
	where func(field string) (Place, bool)
	// texts finds the text of a cell whose type was guessed; nil for other files.
	texts func(parameter string) (string, bool)
}

type parameter struct {
	name  string
	value any
}

type variable struct{ name, text string }

// The fields that every layer may have, and those of a whole item.
var (
	layerFields = []string{"model", "prompt", "output", "samples", "seed", "parameters"}
	itemFields  = append([]string{"id"}, layerFields...)
)

// parameterPrefix starts the names of axes, columns and variables that stand for
// a parameter.
const parameterPrefix = "parameters."

// reset empties the layer for the next item and keeps its memory.
func (l *layer) reset(place Place) {
	*l = layer{place: place, parameters: l.parameters[:0], variables: l.variables[:0]}
}

// fallback is the place of fields that the layer does not give.
func (l *layer) fallback() Place {
	if l.end.Line > 0 {
		return l.end
	}
	return l.place
}

// variable returns the text of a variable.
func (l *layer) variable(name string) (string, bool) {
	for i := range l.variables {
		if l.variables[i].name == name {
			return l.variables[i].text, true
		}
	}
	return "", false
}

// readLayer fills the layer from an object whose further fields are variables.
func (d *decoder) readLayer(n *node, what string, into *layer) {
	into.reset(d.place(n))
	d.fields(n, what, nil, func(f *field) {
		switch f.name {
		case "id":
			into.id = d.text(&f.value, "id")
		case "model":
			into.model = d.text(&f.value, "model")
		case "prompt":
			into.prompt = d.text(&f.value, "prompt")
		case "output":
			into.output = d.text(&f.value, "output")
		case "samples":
			into.samples = d.whole(&f.value, "samples", maxSamples)
		case "seed":
			d.readSeed(&f.value, into)
		case "parameters":
			d.readParameters(&f.value, into)
		default:
			d.readVariable(f, into)
		}
	})
	d.checkSeeds(n, into)
}

// checkSeeds reports a seed that is given in both of its forms.
func (d *decoder) checkSeeds(n *node, l *layer) {
	if !l.ownSeed {
		return
	}
	if parameters := n.get("parameters"); parameters != nil && parameters.get(job.SeedInput) != nil {
		d.report(d.place(n.get("seed")), "keep one", "the seed is given as seed and as parameters.seed")
	}
}

func (d *decoder) readSeed(n *node, into *layer) {
	seed, ok := wholeNumber(n.text)
	if !n.scalar() || !ok {
		d.report(d.place(n), "", "seed must be a whole number, not %s", shown(n))
		return
	}
	into.ownSeed = true
	into.parameters = append(into.parameters, parameter{name: job.SeedInput, value: seed})
}

// wholeNumber reads a whole number that is not negative.
func wholeNumber(written string) (json.Number, bool) {
	value, err := strconv.ParseInt(written, 10, 64)
	if err != nil || value < 0 {
		return "", false
	}
	return json.Number(strconv.FormatInt(value, 10)), true
}

// shown is a value as a message shows it.
func shown(n *node) string {
	if !n.scalar() {
		return n.kind.describe()
	}
	return strconv.Quote(shorten(n.text))
}

// shorten cuts a text that would fill a message.
func shorten(value string) string {
	const most = 60
	if len(value) <= most {
		return value
	}
	return strings.ToValidUTF8(value[:most], "") + "…"
}

func (d *decoder) readParameters(n *node, into *layer) {
	d.fields(n, "parameters", nil, func(f *field) {
		if f.name == "" {
			d.report(d.name(f), "", "a parameter has no name")
			return
		}
		if d.checkTexts(&f.value, parameterPrefix, f.name) {
			into.parameters = append(into.parameters, parameter{name: f.name, value: f.value.value()})
		}
	})
}

// checkTexts reports texts within a value that cannot be used. What the value is
// comes in two parts, which are joined only then: most values are sound.
func (d *decoder) checkTexts(n *node, what, name string) bool {
	if fault := textFault(n.text); fault != "" {
		d.report(d.place(n), "", "%s%s %s", what, name, fault)
		return false
	}
	good := true
	for i := range n.children {
		good = d.checkTexts(&n.children[i].value, what, name) && good
	}
	return good
}

func (d *decoder) readVariable(f *field, into *layer) {
	if fault := variableFault(f.name); fault != "" {
		d.report(d.name(f), "", "%s", fault)
		return
	}
	if f.value.kind == list || f.value.kind == object {
		d.report(d.name(f), didYouMean(f.name, itemFields, "%"),
			"%s is not a field of an item, and as a variable it must be text, not %s", f.name, f.value.kind.describe())
		return
	}
	value := ""
	if f.value.kind != null {
		value = d.text(&f.value, f.name)
	}
	into.variables = append(into.variables, variable{name: f.name, text: value})
}

// variableFault says why a name cannot be that of a variable, or "".
func variableFault(name string) string {
	switch {
	case strings.TrimSpace(name) == "":
		return "a variable has no name"
	case len(name) > 200:
		return "the name of a variable has at most 200 bytes"
	case strings.TrimSpace(name) != name || templated(name):
		return strconv.Quote(name) + " cannot be the name of a variable: it has braces or outer spaces"
	case name == openNumber || name == openExt || name == openHash:
		return "a variable cannot be named " + name + ": {" + name + "} has a meaning of its own in output names"
	case strings.HasPrefix(name, parameterPrefix):
		return "a parameter of an item stands in its parameters: {" + strings.TrimPrefix(name, parameterPrefix) + ": …}"
	}
	return ""
}

// nodeWhere finds the fields of an object that stays in memory.
func (d *decoder) nodeWhere(n *node) func(string) (Place, bool) {
	return func(name string) (Place, bool) { return d.find(n, name) }
}

// find returns the place of a field of an object, "parameters.x" included.
func (d *decoder) find(n *node, name string) (Place, bool) {
	found := n.get(name)
	if inner, ok := strings.CutPrefix(name, parameterPrefix); ok {
		if inner == job.SeedInput && n.get(job.SeedInput) != nil {
			return d.place(n.get(job.SeedInput)), true
		}
		if parameters := n.get("parameters"); parameters != nil {
			found = parameters.get(inner)
		}
	}
	if found == nil {
		return Place{}, false
	}
	return d.place(found), true
}
