package manifest

import (
	"errors"
	"slices"
	"strings"

	"nightshift/internal/job"
)

// definition is everything a manifest says but its items.
type definition struct {
	header   layer // the fields at the top
	defaults layer
	styles   []*style
	grid     grid
	items    source
	flat     bool // a file with one job a line, which has no header
}

// style is a named block: a text for prompts, and parameters.
type style struct {
	name string
	text string
	layer
}

// textPlace is where the text of the style stands.
func (s *style) textPlace() Place {
	if at, found := s.where("text"); found {
		return at
	}
	return s.place
}

func (def *definition) style(name string) *style {
	for _, s := range def.styles {
		if s.name == name {
			return s
		}
	}
	return nil
}

func (def *definition) styleNames() []string {
	names := make([]string, len(def.styles))
	for i, s := range def.styles {
		names[i] = s.name
	}
	return names
}

// The fields of a manifest and of its parts.
var (
	headerFields = []string{
		"version", "name", "mode", "model", "prompt", "defaults", "items", "items_from", "styles", "axes",
		"include", "exclude", "samples", "output", "budget", "on_budget", "pool", "priority", "window",
	}
	axesFields   = []string{"product", "zip", "sample"}
	sampleFields = []string{"n", "seed"}
	budgetFields = []string{"cu", "drift"}
	windowFields = []string{"hours", "timezone"}
	styleFields  = []string{"text", "parameters"}
)

// headerReader reads the fields at the top of a manifest.
type headerReader struct {
	decoder
	m    *Manifest
	root *node
}

// readHeader fills the manifest from the root of its file.
func (h *headerReader) readHeader() {
	h.m.def.header.place = h.place(h.root)
	h.m.def.header.where = h.nodeWhere(h.root)
	if h.root.kind == null {
		h.report(Place{File: h.file}, "start with version: 1", "the manifest is empty")
		return
	}
	h.fields(h.root, "the manifest", headerKnown(h.root), h.readField)
	if h.root.kind != object {
		return
	}
	h.require("version", "add version: 1 as the first line")
	h.require("name", "add a name; it becomes the folder of the batch")
	h.checkFolder()
	h.readGrid()
	h.readItems()
	h.checkModel()
	h.checkTemplates()
}

// headerKnown is the list of fields that are known, with those that stand one
// level too high, which get a problem of their own.
func headerKnown(root *node) []string {
	if root.get("parameters") == nil && root.get("seed") == nil {
		return headerFields
	}
	return append([]string{"parameters", "seed"}, headerFields...)
}

func (h *headerReader) require(name, suggestion string) {
	if h.root.get(name) == nil {
		h.report(Place{File: h.file, Line: 1, Column: 1}, suggestion, "the manifest has no %s", name)
	}
}

func (h *headerReader) readField(f *field) {
	n, m, header := &f.value, h.m, &h.m.def.header
	switch f.name {
	case "version":
		if !n.scalar() || n.text != "1" {
			h.report(h.place(n), "write version: 1", "version %s is not known", shown(n))
		}
	case "name":
		h.readName(n)
	case "mode":
		m.Mode = job.Mode(h.oneOf(n, "mode", string(job.Test), string(job.Live)))
	case "priority":
		m.Priority = h.oneOf(n, "priority", Urgent, Normal, Overnight)
	case "pool":
		m.Pool = h.readPool(n)
	case "model":
		header.model = h.text(n, "model")
	case "prompt":
		header.prompt = h.text(n, "prompt")
	case "output":
		header.output = h.text(n, "output")
	case "samples":
		header.samples = h.whole(n, "samples", maxSamples)
	case "defaults":
		h.readDefaults(n)
	case "styles":
		h.readStyles(n)
	case "budget":
		h.readBudget(n)
	case "on_budget":
		m.OnBudget = OnBudget(h.oneOf(n, "on_budget", string(OnBudgetWait), string(OnBudgetFail)))
	case "window":
		h.readWindow(n)
	case "parameters", "seed":
		h.report(h.name(f), "put it under defaults", "%s cannot stand at the top of a manifest", f.name)
	}
}

// oneOf returns a text out of a closed list, or the first with a problem.
func (h *headerReader) oneOf(n *node, what string, values ...string) string {
	if slices.Contains(values, n.text) && n.scalar() {
		return n.text
	}
	suggestion := didYouMean(n.text, values, "%")
	if suggestion == "" {
		suggestion = "write " + strings.Join(values, ", ")
	}
	h.report(h.place(n), suggestion, "%s %s is not known", what, shown(n))
	return values[0]
}

func (h *headerReader) readName(n *node) {
	h.m.Name = h.text(n, "name")
	if h.m.Name == "" && n.scalar() && n.text == "" {
		h.report(h.place(n), "", "the name is empty")
	}
	if message, suggestion := batchNameFault(h.m.Name); message != "" && h.m.Name != "" {
		h.report(h.place(n), suggestion, "%s", message)
	}
}

// checkFolder reports a live batch whose folder is that of all test batches, in any
// case, since file systems may fold it.
func (h *headerReader) checkFolder() {
	if h.m.Mode == job.Live && strings.EqualFold(h.m.Name, testFolder) {
		h.report(h.place(h.root.get("name")), "for example "+h.m.Name+"-batch",
			"a live batch cannot be named %s, which is the folder of all test batches", h.m.Name)
	}
}

func (h *headerReader) readPool(n *node) string {
	pool := h.text(n, "pool")
	if pool != "" && safeBatchName(pool) != pool {
		h.report(h.place(n), "use letters, digits, - _ and .", "pool %s is not the name of a key pool", shown(n))
	}
	return pool
}

func (h *headerReader) readDefaults(n *node) {
	defaults := &h.m.def.defaults
	h.readLayer(n, "defaults", defaults)
	defaults.where = h.nodeWhere(n)
	if id := n.get("id"); id != nil {
		h.report(h.place(id), "give each item its own", "an id cannot be a default")
	}
	defaults.id, defaults.ownSeed = "", false
}

func (h *headerReader) readStyles(n *node) {
	h.fields(n, "styles", nil, func(f *field) {
		s := &style{name: f.name, layer: layer{place: h.name(f)}}
		s.where = func(string) (Place, bool) { return Place{}, false }
		if slug(f.name) == "" {
			h.report(h.name(f), "use letters, digits, - _ and .", "%q is not the name of a style", f.name)
		}
		if f.value.kind == object {
			s.where = h.nodeWhere(&f.value)
			h.fields(&f.value, "a style", styleFields, func(inner *field) {
				if inner.name == "text" {
					s.text = h.text(&inner.value, "the text of a style")
					return
				}
				h.readParameters(&inner.value, &s.layer)
			})
		} else {
			s.place = h.place(&f.value)
			s.text = h.text(&f.value, "a style")
		}
		h.m.def.styles = append(h.m.def.styles, s)
	})
}

func (h *headerReader) readWindow(n *node) {
	hours, zone := n, &node{}
	if n.kind == object {
		hours = n.get("hours")
		h.fields(n, "window", windowFields, func(f *field) {
			if f.name == "timezone" && h.text(&f.value, "timezone") != "" {
				zone = &f.value
			}
		})
	}
	if hours == nil {
		h.report(h.place(n), `write {hours: "22:00-06:00", timezone: Europe/Paris}`, "the window has no hours")
		return
	}
	written := h.text(hours, "window")
	if written == "" {
		return
	}
	window, err := ParseWindow(written, zone.text)
	if errors.Is(err, errZone) {
		h.report(h.place(zone), "write an IANA name such as Europe/Paris", "%s", err)
		return
	}
	if err != nil {
		h.report(h.place(hours), "", "%s", err)
		return
	}
	h.m.Window = window
}

// checkModel reports a manifest in which no row can have a model.
func (h *headerReader) checkModel() {
	def := &h.m.def
	if def.header.model != "" || def.defaults.model != "" || def.grid.axis(modelAxis) != nil {
		return
	}
	if inline, ok := def.items.(*inlineItems); ok && !slices.ContainsFunc(inline.layers, func(l *layer) bool { return l.model != "" }) {
		h.report(Place{File: h.file, Line: 1, Column: 1}, "add model: and the id of a model", "the manifest has no model")
	}
}
