package manifest

import (
	"slices"
	"strconv"

	"nightshift/internal/document"
	"nightshift/internal/suggest"
)

// readGrid reads axes, exclude and include.
func (h *headerReader) readGrid() {
	g := &h.m.def.grid
	g.zipped, g.total = 1, 1
	if axes := h.root.Get("axes"); axes != nil {
		h.readAxes(axes, g)
	}
	if excludes := h.root.Get("exclude"); excludes != nil && h.Expect(excludes, "exclude", document.List) {
		for i := range excludes.Children {
			h.readExclude(&excludes.Children[i].Value)
		}
	}
	if includes := h.root.Get("include"); includes != nil && h.Expect(includes, "include", document.List) {
		for i := range includes.Children {
			h.readInclude(&includes.Children[i].Value)
		}
	}
}

func (h *headerReader) readAxes(n *document.Node, g *grid) {
	var crossed, zipped []*axis
	h.Fields(n, "axes", h.axesKnown(n), func(f *document.Field) {
		switch f.Name {
		case "product":
			crossed = h.readAxisGroup(f)
		case "zip":
			zipped = h.readAxisGroup(f)
		case "sample":
			h.readSample(&f.Value, g)
		}
	})
	g.axes, g.crossed = append(crossed, zipped...), len(crossed)
	for _, a := range zipped {
		if crossedTwin := g.find(a.name); crossedTwin < g.crossed {
			h.ReportAt(a.place, "keep it in one of them", "axis %s stands in product and in zip", a.name)
		}
		if !a.broken && !zipped[0].broken && a.count != zipped[0].count {
			h.ReportAt(a.place, "the lists of zip go side by side and must be equally long",
				"axis %s has %d values, but %s has %d", a.name, a.count, zipped[0].name, zipped[0].count)
		}
		g.zipped = min(zipped[0].count, a.count)
	}
	h.countCombinations(n, g)
	h.checkStyleAxis(g)
}

// axesKnown reports axes that stand beside product and zip and not in one of them.
func (h *headerReader) axesKnown(n *document.Node) []string {
	known := axesFields
	for i := range n.Children {
		f := &n.Children[i]
		if f.Value.Kind == document.List && !slices.Contains(axesFields, f.Name) {
			h.Report(f.Position, "write product: {"+f.Name+": […]} for every combination, or zip for side by side",
				"axis %s stands outside of product and zip", f.Name)
			known = append(slices.Clone(known), f.Name)
		}
	}
	return known
}

func (h *headerReader) readAxisGroup(f *document.Field) []*axis {
	var axes []*axis
	h.Fields(&f.Value, f.Name, nil, func(inner *document.Field) {
		if h.checkAxisName(inner) {
			axes = append(axes, h.readAxis(inner))
		}
	})
	return axes
}

func (h *headerReader) countCombinations(n *document.Node, g *grid) {
	g.total = g.zipped
	for _, a := range g.axes[:g.crossed] {
		if a.count > 0 && g.total > maxCombinations/a.count {
			h.Report(n.Position, "draw some of them with sample, or shorten the axes",
				"the axes make more than %d combinations for each item", maxCombinations)
			g.total = 0
			return
		}
		g.total *= a.count
	}
	if g.sampled > 0 && len(g.axes) == 0 {
		h.Report(n.Get("sample").Position, "add product or zip", "sample has no axes to draw from")
	}
}

func (h *headerReader) readSample(n *document.Node, g *grid) {
	// A draw without a seed is the draw with this one, the same every time.
	g.seed = 1
	h.Fields(n, "sample", sampleFields, func(f *document.Field) {
		switch f.Name {
		case "n":
			g.sampled = h.Whole(&f.Value, "n", 1, maxCombinations)
		case "seed":
			seed, ok := wholeNumber(f.Value.Text)
			if !ok || !f.Value.Scalar() {
				h.Report(f.Value.Position, "", "the seed of sample must be a whole number, not %s", shown(&f.Value))
				return
			}
			g.seed, _ = strconv.ParseInt(seed.String(), 10, 64)
		}
	})
	if n.Kind == document.Object && n.Get("n") == nil {
		h.Report(n.Position, "write {n: 20, seed: 7}", "sample does not say how many combinations to draw")
	}
}

// checkStyleAxis reports values of the style axis that are no style. Without
// named styles the values are ordinary text.
func (h *headerReader) checkStyleAxis(g *grid) {
	a := g.axis(styleAxis)
	if a == nil || h.root.Get("styles") == nil {
		return
	}
	value := h.axisNode(styleAxis)
	for i := range value.Children {
		h.checkStyle(&value.Children[i].Value)
	}
}

func (h *headerReader) checkStyle(n *document.Node) {
	known := h.m.def.styleNames()
	if n.Scalar() && !slices.Contains(known, n.Text) {
		h.Report(n.Position, suggest.DidYouMean(n.Text, known, "%"), "unknown style %s", shown(n))
	}
}

// axisNode returns the values of an axis as they stand in the file.
func (h *headerReader) axisNode(name string) *document.Node {
	axes := h.root.Get("axes")
	for _, group := range []string{"product", "zip"} {
		if n := axes.Get(group); n != nil && n.Get(name) != nil {
			return n.Get(name)
		}
	}
	return &document.Node{}
}
