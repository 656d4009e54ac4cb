package manifest

import (
	"slices"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/suggest"
	"nightshift/internal/text"
)

// readExclude reads one partial combination that is left out.
func (h *headerReader) readExclude(n *document.Node) {
	g, r := &h.m.def.grid, &rule{place: h.At(n.Position), axes: map[int]map[int]bool{}}
	h.combinationFields(n, "an entry of exclude", func(f *document.Field, a int) {
		if a < 0 {
			r.ids = h.idSet(&f.Value)
			return
		}
		allowed := map[int]bool{}
		for _, value := range entries(&f.Value) {
			if choice := h.choice(g.axes[a], value); choice != nil {
				if index := h.knownIndex(g.axes[a], choice, value); index >= 0 {
					allowed[index] = true
				}
			}
		}
		r.axes[a] = allowed
	})
	if len(n.Children) == 0 {
		return
	}
	g.excludes = append(g.excludes, r)
	if !g.possible(r) {
		h.ReportAt(r.place, "zipped values go together by their place in the lists", "this entry of exclude matches nothing")
	}
}

// possible reports whether the zipped values of a rule stand side by side
// anywhere. A rule with a value that is unknown has its problem already.
func (g *grid) possible(r *rule) bool {
	for row := range g.zipped {
		fits := true
		for a := g.crossed; a < len(g.axes); a++ {
			allowed, named := r.axes[a]
			fits = fits && (!named || len(allowed) == 0 || allowed[row])
		}
		if fits {
			return true
		}
	}
	return g.zipped == 0
}

// readInclude reads one more combination, which names every axis.
func (h *headerReader) readInclude(n *document.Node) {
	g := &h.m.def.grid
	e := &extra{place: h.At(n.Position), choices: make([]*choice, len(g.axes))}
	indices := make([]int, len(g.axes))
	before := h.Problems.Len()
	h.combinationFields(n, "an entry of include", func(f *document.Field, a int) {
		if a < 0 {
			e.ids = h.idSet(&f.Value)
			return
		}
		if e.choices[a] = h.choice(g.axes[a], &f.Value); e.choices[a] == nil {
			return
		}
		indices[a] = g.axes[a].index(e.choices[a].text)
		// A further seed or parameter is what include is for; a text that stands
		// nowhere else is a slip of the pen.
		if !g.axes[a].typed() {
			indices[a] = h.knownIndex(g.axes[a], e.choices[a], &f.Value)
		}
	})
	for a, choice := range e.choices {
		if n.Kind == document.Object && choice == nil && n.Get(g.axes[a].name) == nil {
			h.ReportAt(e.place, "give a value for every axis", "this entry of include does not name axis %s", g.axes[a].name)
		}
	}
	if h.Problems.Len() > before || n.Kind != document.Object {
		return
	}
	if len(g.axes) == 0 {
		h.ReportAt(e.place, "add axes", "include has no axes to add combinations to")
		return
	}
	e.index = g.number(indices)
	g.includes = append(g.includes, e)
	if e.index >= 0 && g.sampled == 0 && len(g.excludes) == 0 {
		h.ReportAt(e.place, "leave it out", "the axes make this combination already")
	}
}

// combinationFields calls each with every field of an entry and the axis it
// names, -1 for id.
func (h *headerReader) combinationFields(n *document.Node, what string, each func(f *document.Field, axis int)) {
	names := h.m.def.grid.names()
	h.Fields(n, what, nil, func(f *document.Field) {
		if f.Name == "id" {
			each(f, -1)
			return
		}
		a := slices.Index(names, f.Name)
		if a < 0 {
			h.Report(f.Position, suggest.DidYouMean(f.Name, append(names, "id"), "%"), "%s names %s, which is no axis", what, f.Name)
			return
		}
		each(f, a)
	})
	if n.Kind == document.Object && len(n.Children) == 0 {
		h.Report(n.Position, "name values of axes or an id", "%s is empty", what)
	}
}

// knownIndex returns the index of a value in its axis, or -1 with a problem.
func (h *headerReader) knownIndex(a *axis, value *choice, n *document.Node) int {
	index := a.index(value.text)
	if index < 0 {
		h.Report(n.Position, a.suggestion(value.text), "%s is not a value of axis %s", shown(n), a.name)
	}
	return index
}

// suggestion says which value was meant, or which there are: a number is near no
// other one.
func (a *axis) suggestion(written string) string {
	known := a.texts()
	if _, isNumber := wholeNumber(written); !isNumber {
		if near := suggest.DidYouMean(written, known, "%"); near != "" {
			return near
		}
	}
	if len(known) == 0 {
		return ""
	}
	const most = 8
	listed := "its values are " + text.Shown(strings.Join(known[:min(most, len(known))], ", "), shownLength)
	if a.count > most {
		listed += ", …"
	}
	return listed
}

// idSet reads one id or a list of them.
func (h *headerReader) idSet(n *document.Node) map[string]bool {
	ids := map[string]bool{}
	for _, entry := range entries(n) {
		if id := h.Text(entry, "id"); id != "" {
			ids[id] = true
		}
	}
	return ids
}

// entries returns the entries of a list, or the value itself.
func entries(n *document.Node) []*document.Node {
	if n.Kind != document.List {
		return []*document.Node{n}
	}
	nodes := make([]*document.Node, len(n.Children))
	for i := range n.Children {
		nodes[i] = &n.Children[i].Value
	}
	return nodes
}
