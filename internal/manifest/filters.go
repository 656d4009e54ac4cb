package manifest

import (
	"slices"
	"strings"
)

// readExclude reads one partial combination that is left out.
func (h *headerReader) readExclude(n *node) {
	g, r := &h.m.def.grid, &rule{place: h.place(n), axes: map[int]map[int]bool{}}
	h.combinationFields(n, "an entry of exclude", func(f *field, a int) {
		if a < 0 {
			r.ids = h.idSet(&f.value)
			return
		}
		allowed := map[int]bool{}
		for _, value := range entries(&f.value) {
			if choice := h.choice(g.axes[a], value); choice != nil {
				if index := h.knownIndex(g.axes[a], choice, value); index >= 0 {
					allowed[index] = true
				}
			}
		}
		r.axes[a] = allowed
	})
	if len(n.children) == 0 {
		return
	}
	g.excludes = append(g.excludes, r)
	if !g.possible(r) {
		h.report(r.place, "zipped values go together by their place in the lists", "this entry of exclude matches nothing")
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
func (h *headerReader) readInclude(n *node) {
	g := &h.m.def.grid
	e := &extra{place: h.place(n), choices: make([]*choice, len(g.axes))}
	indices := make([]int, len(g.axes))
	before := h.problems.Len()
	h.combinationFields(n, "an entry of include", func(f *field, a int) {
		if a < 0 {
			e.ids = h.idSet(&f.value)
			return
		}
		if e.choices[a] = h.choice(g.axes[a], &f.value); e.choices[a] == nil {
			return
		}
		indices[a] = g.axes[a].index(e.choices[a].text)
		// A further seed or parameter is what include is for; a text that stands
		// nowhere else is a slip of the pen.
		if !g.axes[a].typed() {
			indices[a] = h.knownIndex(g.axes[a], e.choices[a], &f.value)
		}
	})
	for a, choice := range e.choices {
		if n.kind == object && choice == nil && n.get(g.axes[a].name) == nil {
			h.report(e.place, "give a value for every axis", "this entry of include does not name axis %s", g.axes[a].name)
		}
	}
	if h.problems.Len() > before || n.kind != object {
		return
	}
	if len(g.axes) == 0 {
		h.report(e.place, "add axes", "include has no axes to add combinations to")
		return
	}
	e.index = g.number(indices)
	g.includes = append(g.includes, e)
	if e.index >= 0 && g.sampled == 0 && len(g.excludes) == 0 {
		h.report(e.place, "leave it out", "the axes make this combination already")
	}
}

// combinationFields calls each with every field of an entry and the axis it
// names, -1 for id.
func (h *headerReader) combinationFields(n *node, what string, each func(f *field, axis int)) {
	names := h.m.def.grid.names()
	h.fields(n, what, nil, func(f *field) {
		if f.name == "id" {
			each(f, -1)
			return
		}
		a := slices.Index(names, f.name)
		if a < 0 {
			h.report(h.name(f), didYouMean(f.name, append(names, "id"), "%"), "%s names %s, which is no axis", what, f.name)
			return
		}
		each(f, a)
	})
	if n.kind == object && len(n.children) == 0 {
		h.report(h.place(n), "name values of axes or an id", "%s is empty", what)
	}
}

// knownIndex returns the index of a value in its axis, or -1 with a problem.
func (h *headerReader) knownIndex(a *axis, value *choice, n *node) int {
	index := a.index(value.text)
	if index < 0 {
		h.report(h.place(n), a.suggestion(value.text), "%s is not a value of axis %s", shown(n), a.name)
	}
	return index
}

// suggestion says which value was meant, or which there are: a number is near no
// other one.
func (a *axis) suggestion(written string) string {
	known := a.texts()
	if _, isNumber := wholeNumber(written); !isNumber {
		if near := didYouMean(written, known, "%"); near != "" {
			return near
		}
	}
	if len(known) == 0 {
		return ""
	}
	const most = 8
	listed := "its values are " + shorten(strings.Join(known[:min(most, len(known))], ", "))
	if a.count > most {
		listed += ", …"
	}
	return listed
}

// idSet reads one id or a list of them.
func (h *headerReader) idSet(n *node) map[string]bool {
	ids := map[string]bool{}
	for _, entry := range entries(n) {
		if id := h.text(entry, "id"); id != "" {
			ids[id] = true
		}
	}
	return ids
}

// entries returns the entries of a list, or the value itself.
func entries(n *node) []*node {
	if n.kind != list {
		return []*node{n}
	}
	nodes := make([]*node, len(n.children))
	for i := range n.children {
		nodes[i] = &n.children[i].value
	}
	return nodes
}
