package manifest

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/suggest"
)

// step is what is made of the images of each row.
type step struct {
	name string
	layer
	picked bool // only of an image that a person has picked
}

// What stands in braces for an image, besides the names of steps before.
const (
	previousName = "previous" // that of the step before, or of the row
	firstName    = "first"    // that of the row
)

// whenPicked is the one thing that a step can wait for.
const whenPicked = "picked"

// stepFields are the fields of a step.
var stepFields = []string{"model", "prompt", "output", "seed", "parameters", "images", "when"}

func (h *headerReader) readSteps(n *document.Node) {
	var bodies []*document.Node
	h.Fields(n, "steps", nil, func(f *document.Field) {
		s := &step{name: f.Name}
		switch {
		case slices.Contains([]string{previousName, firstName, needsName}, f.Name):
			h.Report(f.Position, "give it another name", "a step cannot be named %s: {%s} has a meaning of its own", f.Name, f.Name)
		case slug(f.Name) != f.Name || f.Name == "":
			h.Report(f.Position, "use letters, digits, - _ and .", "%q is not the name of a step", f.Name)
		}
		s.place, s.where = h.At(f.Position), h.nodeWhere(&f.Value)
		h.m.def.steps, bodies = append(h.m.def.steps, s), append(bodies, &f.Value)
	})
	for i, s := range h.m.def.steps {
		h.readStep(bodies[i], s)
	}
}

func (h *headerReader) readStep(n *document.Node, s *step) {
	before := h.Problems.Len()
	h.Fields(n, "a step", stepFields, func(f *document.Field) {
		if !h.readLayerField(f, &s.layer) {
			h.readWhen(&f.Value, s) // the one field that is left
		}
	})
	h.checkSeeds(n, &s.layer)
	if h.Problems.Len() > before {
		return
	}
	if s.model == "" {
		h.Report(n.Position, "give it a model", "the step has no model")
	}
	if !h.takesMade(s) && !h.reportUnknown(s) {
		h.Report(n.Position, `give it one, such as images: {image: "{previous}"}`, "the step takes no image of its row")
	}
}

// readWhen reads what a step waits for.
func (h *headerReader) readWhen(n *document.Node, s *step) {
	s.picked = n.Text == whenPicked
	switch near := suggest.DidYouMean(n.Text, []string{whenPicked}, "%"); {
	case s.picked:
	case !n.Scalar():
		h.Report(n.Position, "write when: "+whenPicked+", or leave it out", "when is %s, not a text", n.Kind)
	case h.m.def.step(n.Text) != nil || slices.Contains([]string{previousName, firstName}, strings.Trim(n.Text, "{}")):
		h.Report(n.Position, "write when: "+whenPicked+", or leave it out: a step waits for the images that it takes by itself", "when %s is not known", shown(n))
	case near != "":
		h.Report(n.Position, near, "when %s is not known", shown(n))
	default:
		h.Report(n.Position, "write when: "+whenPicked+", or leave it out", "when %s is not known", shown(n))
	}
}

// reportUnknown reports a name in braces by which a step without an image means one.
func (h *headerReader) reportUnknown(s *step) bool {
	for in := range s.inBraces() {
		h.ReportAt(in.place, h.m.def.meantImage(s, in.name), "the step takes no image of its row: {%s} is none", in.name)
		return true
	}
	return false
}

// meantImage says which image a step means by an unknown name, or which there are.
func (def *definition) meantImage(s *step, name string) string {
	names := []string{previousName, firstName}
	for _, before := range def.steps {
		if before == s {
			break
		}
		names = append(names, before.name)
	}
	if near := suggest.DidYouMean(name, names, "{%}"); near != "" {
		return near
	}
	return "it can take {" + strings.Join(names, "}, {") + "}"
}

// takesMade reports whether a step takes the image of its row or of a step.
func (h *headerReader) takesMade(s *step) bool {
	for in := range s.inBraces() {
		if in.name == previousName || in.name == firstName || h.m.def.step(in.name) != nil {
			return true
		}
	}
	return false
}

// braced is a name in braces that a step gives to an input of its model, as an image of its
// row or of a step.
type braced struct {
	input, name string
	place       document.Place
}

func (s *step) inBraces() iter.Seq[braced] {
	return func(yield func(braced) bool) {
		for i := range s.images {
			in := &s.images[i]
			for k, text := range in.texts {
				if name, ok := inBraces(text); ok && !yield(braced{in.name, name, in.places[k]}) {
					return
				}
			}
		}
	}
}

func (def *definition) step(name string) *step {
	for _, s := range def.steps {
		if s.name == name {
			return s
		}
	}
	return nil
}

// stepRows yields the rows of all steps of a row, in their order. A step of one image of
// several is a row for each of them.
func (b *builder) stepRows(base *Row, yield func(*Row, []*document.Problem) bool) bool {
	spread := map[string]int{} // how many rows a step has
	previous := ""
	for _, s := range b.def.steps {
		rows := 1
		for _, name := range s.takes(previous) {
			if name == "" && s.picked {
				rows = max(rows, base.Samples)
			}
			rows = max(rows, spread[name])
		}
		for n := 1; n <= rows; n++ {
			if !yield(b.buildStep(base, s, previous, spread, n, rows)) {
				return false
			}
		}
		spread[s.name], previous = rows, s.name
	}
	return true
}

// takes are the steps whose images a step takes; "" is the row itself.
func (s *step) takes(previous string) []string {
	var names []string
	for in := range s.inBraces() {
		switch in.name {
		case previousName:
			names = append(names, previous)
		case firstName:
			names = append(names, "")
		default:
			names = append(names, in.name)
		}
	}
	return names
}

// stepID is the id of a step's row, of one of several images where there are more.
func stepID(base *Row, name string, n, rows int) string {
	id := base.ID
	if name != "" {
		id += "/" + name
	}
	if name != "" && rows > 1 {
		id += "/" + strconv.Itoa(n)
	}
	return id
}

// buildStep makes the row of a step, for image n of its row.
func (b *builder) buildStep(base *Row, s *step, previous string, spread map[string]int, n, rows int) (*Row, []*document.Problem) {
	b.problems, b.asked = nil, b.asked[:0]
	b.row = &Row{
		Place: base.Place, Places: s.fieldPlace, ID: stepID(base, s.name, n, rows), Model: s.model, Step: s.name, Picked: s.picked,
		Variables: base.Variables, given: givenIn(&s.layer), SeedAxis: s.ownSeed,
	}
	b.row.Parameters = make(job.Inputs, len(s.parameters)+len(s.images)+1)
	b.addParameters(&s.layer)
	b.fillTexts(s.prompt)
	b.setImages(b.madeBefore(base, s, previous, spread, n), &s.layer)
	b.setStepOutput(base, s, n, rows)
	b.warnOfOthers(base, s, previous, rows)
	return b.row, b.problems
}

// warnOfOthers tells of a step that is made of the first image alone of a row that has more.
func (b *builder) warnOfOthers(base *Row, s *step, previous string, rows int) {
	if rows < base.Samples && slices.Contains(s.takes(previous), "") {
		b.warn("images", "make the images by an axis, and each is a row with steps of its own", "the step "+s.name+" is made of the first image of each row, and of none of the others")
	}
}

// fieldPlace is where a field of the step stands.
func (s *step) fieldPlace(name string) document.Place {
	if at, found := s.where(name); found {
		return at
	}
	return s.place
}

// madeBefore are the images that a step can take: those of its row, and of the steps before.
func (b *builder) madeBefore(base *Row, s *step, previous string, spread map[string]int, n int) madeImages {
	image := func(name string) []Picture {
		p := Picture{Source: PictureMade, N: 1, Written: name}
		rows := spread[name]
		p.Rows = []string{stepID(base, name, min(n, max(rows, 1)), rows)}
		if name == "" {
			p.N = n
		}
		return []Picture{p}
	}
	made := madeImages{previousName: image(previous), firstName: image("")}
	for _, before := range b.def.steps {
		if before == s {
			break
		}
		made[before.name] = image(before.name)
	}
	for in := range s.inBraces() {
		if made[in.name] != nil {
			continue
		}
		if b.def.step(in.name) != nil {
			message := "the step %s comes later"
			if in.name == s.name {
				message = "the step %s would take its own image"
			}
			b.reportAt(in.place, imagePrefix+in.input, "take the image of a step before, or move the steps", message, in.name)
			made[in.name] = []Picture{}
		} else if _, known := b.lookupPlain(in.name); !known {
			b.reportAt(in.place, imagePrefix+in.input, b.def.meantImage(s, in.name), "unknown image {%s} of step %s", in.name, s.name)
			made[in.name] = []Picture{}
		}
	}
	return made
}

// setStepOutput fills the output of a step. {n} is the number of the image that it is made of.
func (b *builder) setStepOutput(base *Row, s *step, n, rows int) {
	numbered := s.output == "" // by stepOutput
	named := b.setOutputName(s.output, stepOutput(base, s, n, rows), func(variable string) (string, bool) {
		if variable == openNumber {
			numbered = true
			return strconv.Itoa(n), true
		}
		return b.lookupName(variable)
	})
	if named && rows > 1 && !numbered {
		b.report("output", "add {n}, the number of the image that the step is made of", "the %d images of step %s would have one name", rows, s.name)
	}
}

func stepOutput(base *Row, s *step, n, rows int) string {
	name := base.ID + "-" + s.name
	if rows > 1 {
		name = fmt.Sprintf("%s-%d-%s", base.ID, n, s.name)
	}
	return name + ".{" + openExt + "}"
}
