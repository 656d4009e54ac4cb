package manifest

import (
	"encoding/json"
	"strconv"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/suggest"
	"nightshift/internal/text"
)

// layer is what one level of a manifest says about its rows: the header, the
// defaults, a style or an item. "" and 0 mean that it says nothing.
type layer struct {
	place                     document.Place
	id, model, prompt, output string
	samples                   int
	ownSeed                   bool // seed is given by its own field or column
	parameters                []parameter
	variables                 []variable
	images                    []imageInput
	needs                     []string // ids of items
	// end is where a field that is missing would stand; without a line at place.
	end document.Place
	// where finds the place of a field that this layer gives.
	where func(field string) (document.Place, bool)
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
	layerFields = []string{"model", "prompt", "output", "samples", "seed", "parameters", "images"}
	itemFields  = append([]string{"id", "needs"}, layerFields...)
)

// parameterPrefix starts the names of axes, columns and variables that stand for
// a parameter.
const parameterPrefix = "parameters."

// reset empties the layer for the next item and keeps its memory.
func (l *layer) reset(place document.Place) {
	*l = layer{place: place, parameters: l.parameters[:0], variables: l.variables[:0], images: l.images[:0], needs: l.needs[:0]}
}

// fallback is the place of fields that the layer does not give.
func (l *layer) fallback() document.Place {
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
func (d *decoder) readLayer(n *document.Node, what string, into *layer) {
	into.reset(d.At(n.Position))
	d.Fields(n, what, nil, func(f *document.Field) {
		switch {
		case f.Name == "images" && f.Value.Kind == document.Number: // a number of images, of another tool
			d.readVariable(f, into)
		case d.readLayerField(f, into):
		case f.Name == "id":
			into.id = d.Text(&f.Value, "id")
		case f.Name == "samples":
			into.samples = d.Whole(&f.Value, "samples", 1, maxSamples)
		case f.Name == needsName:
			d.readNeeds(&f.Value, into)
		default:
			d.readVariable(f, into)
		}
	})
	d.checkSeeds(n, into)
}

// readLayerField reads a field that items, defaults and steps share. It reports false for any
// other.
func (d *decoder) readLayerField(f *document.Field, into *layer) bool {
	switch f.Name {
	case "model":
		into.model = d.Text(&f.Value, "model")
	case "prompt":
		into.prompt = d.Text(&f.Value, "prompt")
	case "output":
		into.output = d.Text(&f.Value, "output")
	case "seed":
		d.readSeed(&f.Value, into)
	case "parameters":
		d.readParameters(&f.Value, into)
	case "images":
		d.readImages(&f.Value, into)
	default:
		return false
	}
	return true
}

// checkSeeds reports a seed that is given in both of its forms.
func (d *decoder) checkSeeds(n *document.Node, l *layer) {
	if !l.ownSeed {
		return
	}
	if parameters := n.Get("parameters"); parameters != nil && parameters.Get(job.SeedInput) != nil {
		d.Report(n.Get("seed").Position, "keep one", "the seed is given as seed and as parameters.seed")
	}
}

func (d *decoder) readSeed(n *document.Node, into *layer) {
	seed, ok := wholeNumber(n.Text)
	if !n.Scalar() || !ok {
		d.Report(n.Position, seedHint(n), "seed must be a whole number, not %s", shown(n))
		return
	}
	into.ownSeed = true
	into.parameters = append(into.parameters, parameter{name: job.SeedInput, value: seed})
}

// seedHint says what to write in place of what is no seed. It never names one: all
// rows would get it, and be one image.
func seedHint(n *document.Node) string {
	const own = "leave it out, and every row gets a seed of its own"
	whole, fraction, pointed := strings.Cut(n.Text, ".")
	_, number := wholeNumber(whole)
	switch {
	case !n.Scalar():
		return own + "; for several, write an axis seed"
	case strings.HasPrefix(n.Text, "-"):
		return own
	case number && pointed && strings.Trim(fraction, "0") == "":
		return "write " + whole + ", without a fraction"
	case number && pointed && strings.Trim(fraction, "0123456789") == "":
		return "write one without a fraction, or " + own
	case whole != "" && strings.Trim(whole, "0123456789") == "":
		return "it is too large; write a smaller one, or " + own
	default:
		return ""
	}
}

// wholeNumber reads a whole number that is not negative.
func wholeNumber(written string) (json.Number, bool) {
	value, err := strconv.ParseInt(written, 10, 64)
	if err != nil || value < 0 {
		return "", false
	}
	return json.Number(strconv.FormatInt(value, 10)), true
}

// shownLength is how many characters of a value a message shows.
const shownLength = 60

// shown is a value as a message shows it.
func shown(n *document.Node) string {
	if !n.Scalar() {
		return n.Kind.String()
	}
	return strconv.Quote(text.Shown(n.Text, shownLength))
}

func (d *decoder) readParameters(n *document.Node, into *layer) {
	d.Fields(n, "parameters", nil, func(f *document.Field) {
		if f.Name == "" {
			d.Report(f.Position, "", "a parameter has no name")
			return
		}
		if d.checkTexts(&f.Value, parameterPrefix, f.Name) {
			into.parameters = append(into.parameters, parameter{name: f.Name, value: f.Value.Value()})
		}
	})
}

// checkTexts reports texts within a value that cannot be used. What the value is
// comes in two parts, which are joined only then: most values are sound.
func (d *decoder) checkTexts(n *document.Node, what, name string) bool {
	if fault := document.TextFault(n.Text); fault != "" {
		d.Report(n.Position, "", "%s%s %s", what, name, fault)
		return false
	}
	good := true
	for i := range n.Children {
		good = d.checkTexts(&n.Children[i].Value, what, name) && good
	}
	return good
}

func (d *decoder) readVariable(f *document.Field, into *layer) {
	if fault := variableFault(f.Name); fault != "" {
		d.Report(f.Position, "", "%s", fault)
		return
	}
	if f.Value.Kind == document.List || f.Value.Kind == document.Object {
		d.Report(f.Position, suggest.DidYouMean(f.Name, itemFields, "%"),
			"%s is not a field of an item, and as a variable it must be text, not %s", f.Name, f.Value.Kind)
		return
	}
	value := ""
	if f.Value.Kind != document.Null {
		value = d.Text(&f.Value, f.Name)
	}
	into.variables = append(into.variables, variable{name: f.Name, text: value})
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

// nowhere is the where of a layer that gives no fields.
func nowhere(string) (document.Place, bool) { return document.Place{}, false }

// nodeWhere finds the fields of an object that stays in memory.
func (d *decoder) nodeWhere(n *document.Node) func(string) (document.Place, bool) {
	return func(name string) (document.Place, bool) { return d.find(n, name) }
}

// find returns the place of a field of an object, "parameters.x" included.
func (d *decoder) find(n *document.Node, name string) (document.Place, bool) {
	found := n.Get(name)
	if inner, ok := strings.CutPrefix(name, parameterPrefix); ok {
		if inner == job.SeedInput && n.Get(job.SeedInput) != nil {
			return d.At(n.Get(job.SeedInput).Position), true
		}
		if parameters := n.Get("parameters"); parameters != nil {
			found = parameters.Get(inner)
		}
	}
	if inner, ok := strings.CutPrefix(name, imagePrefix); ok {
		if images := n.Get("images"); images != nil {
			found = images.Get(inner)
		}
	}
	if found == nil {
		return document.Place{}, false
	}
	return d.At(found.Position), true
}
