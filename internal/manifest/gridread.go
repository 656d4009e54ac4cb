package manifest

import (
	"slices"
	"strconv"
)

// readGrid reads axes, exclude and include.
func (h *headerReader) readGrid() {
	g := &h.m.def.grid
	g.zipped, g.total = 1, 1
	if axes := h.root.get("axes"); axes != nil {
		h.readAxes(axes, g)
	}
	if excludes := h.root.get("exclude"); excludes != nil && h.expect(excludes, "exclude", list) {
		for i := range excludes.children {
			h.readExclude(&excludes.children[i].value)
		}
	}
	if includes := h.root.get("include"); includes != nil && h.expect(includes, "include", list) {
		for i := range includes.children {
			h.readInclude(&includes.children[i].value)
		}
	}
}

func (h *headerReader) readAxes(n *node, g *grid) {
	var crossed, zipped []*axis
	h.fields(n, "axes", h.axesKnown(n), func(f *field) {
		switch f.name {
		case "product":
			crossed = h.readAxisGroup(f)
		case "zip":
			zipped = h.readAxisGroup(f)
		case "sample":
			h.readSample(&f.value, g)
		}
	})
	g.axes, g.crossed = append(crossed, zipped...), len(crossed)
	for _, a := range zipped {
		if crossedTwin := g.find(a.name); crossedTwin < g.crossed {
			h.report(a.place, "keep it in one of them", "axis %s stands in product and in zip", a.name)
		}
		if !a.broken && !zipped[0].broken && a.count != zipped[0].count {
			h.report(a.place, "the lists of zip go side by side and must be equally long",
				"axis %s has %d values, but %s has %d", a.name, a.count, zipped[0].name, zipped[0].count)
		}
		g.zipped = min(zipped[0].count, a.count)
	}
	h.countCombinations(n, g)
	h.checkStyleAxis(g)
}

// axesKnown reports axes that stand beside product and zip and not in one of them.
func (h *headerReader) axesKnown(n *node) []string {
	known := axesFields
	for i := range n.children {
		f := &n.children[i]
		if f.value.kind == list && !slices.Contains(axesFields, f.name) {
			h.report(h.name(f), "write product: {"+f.name+": […]} for every combination, or zip for side by side",
				"axis %s stands outside of product and zip", f.name)
			known = append(slices.Clone(known), f.name)
		}
	}
	return known
}

func (h *headerReader) readAxisGroup(f *field) []*axis {
	var axes []*axis
	h.fields(&f.value, f.name, nil, func(inner *field) {
		if h.checkAxisName(inner) {
			axes = append(axes, h.readAxis(inner))
		}
	})
	return axes
}

func (h *headerReader) countCombinations(n *node, g *grid) {
	g.total = g.zipped
	for _, a := range g.axes[:g.crossed] {
		if a.count > 0 && g.total > maxCombinations/a.count {
			h.report(h.place(n), "draw some of them with sample, or shorten the axes",
				"the axes make more than %d combinations for each item", maxCombinations)
			g.total = 0
			return
		}
		g.total *= a.count
	}
	if g.sampled > 0 && len(g.axes) == 0 {
		h.report(h.place(n.get("sample")), "add product or zip", "sample has no axes to draw from")
	}
}

func (h *headerReader) readSample(n *node, g *grid) {
	// A draw without a seed is the draw with this one, the same every time.
	g.seed = 1
	h.fields(n, "sample", sampleFields, func(f *field) {
		switch f.name {
		case "n":
			g.sampled = h.whole(&f.value, "n", maxCombinations)
		case "seed":
			seed, ok := wholeNumber(f.value.text)
			if !ok || !f.value.scalar() {
				h.report(h.place(&f.value), "", "the seed of sample must be a whole number, not %s", shown(&f.value))
				return
			}
			g.seed, _ = strconv.ParseInt(seed.String(), 10, 64)
		}
	})
	if n.kind == object && n.get("n") == nil {
		h.report(h.place(n), "write {n: 20, seed: 7}", "sample does not say how many combinations to draw")
	}
}

// checkStyleAxis reports values of the style axis that are no style. Without
// named styles the values are ordinary text.
func (h *headerReader) checkStyleAxis(g *grid) {
	a := g.axis(styleAxis)
	if a == nil || h.root.get("styles") == nil {
		return
	}
	value := h.axisNode(styleAxis)
	for i := range value.children {
		h.checkStyle(&value.children[i].value)
	}
}

func (h *headerReader) checkStyle(n *node) {
	known := h.m.def.styleNames()
	if n.scalar() && !slices.Contains(known, n.text) {
		h.report(h.place(n), didYouMean(n.text, known, "%"), "unknown style %s", shown(n))
	}
}

// axisNode returns the values of an axis as they stand in the file.
func (h *headerReader) axisNode(name string) *node {
	axes := h.root.get("axes")
	for _, group := range []string{"product", "zip"} {
		if n := axes.get(group); n != nil && n.get(name) != nil {
			return n.get(name)
		}
	}
	return &node{}
}
