package manifest

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/suggest"
)

// definition is everything a manifest says but its items.
type definition struct {
	header   layer // the fields at the top
	defaults layer
	styles   []*style
	// references are names for pictures, and folder is where paths begin.
	references []reference
	folder     string
	steps      []*step
	grid       grid
	items      source
	flat       bool // a file with one job a line, which has no header
}

// style is a named block: a text for prompts, and parameters.
type style struct {
	name string
	text string
	layer
}

// textPlace is where the text of the style stands.
func (s *style) textPlace() document.Place {
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
		"include", "exclude", "references", "steps", "samples", "output", "budget", "on_budget", "pool", "priority", "window",
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
	root *document.Node
}

// readHeader fills the manifest from the root of its file.
func (h *headerReader) readHeader() {
	h.m.def.header.place = h.At(h.root.Position)
	h.m.def.header.where = h.nodeWhere(h.root)
	if h.root.Kind == document.List {
		h.Report(h.root.Position, "put the list under items: of a manifest with version, name and model, or write one object a line into a .jsonl file",
			"the manifest must be a group of fields, not a list")
		return
	}
	if h.root.Kind == document.Null {
		h.Report(document.Position{}, "start with version: 1", "the manifest is empty")
		return
	}
	h.Fields(h.root, "the manifest", headerKnown(h.root), h.readField)
	if h.root.Kind != document.Object {
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
func headerKnown(root *document.Node) []string {
	if root.Get("parameters") == nil && root.Get("seed") == nil {
		return headerFields
	}
	return append([]string{"parameters", "seed"}, headerFields...)
}

func (h *headerReader) require(name, suggestion string) {
	if h.root.Get(name) == nil {
		h.Report(document.Position{Line: 1, Column: 1}, suggestion, "the manifest has no %s", name)
	}
}

func (h *headerReader) readField(f *document.Field) {
	n, m, header := &f.Value, h.m, &h.m.def.header
	switch f.Name {
	case "version":
		if !n.Scalar() || n.Text != "1" {
			h.Report(n.Position, "write version: 1", "version %s is not known", shown(n))
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
		header.model = h.Text(n, "model")
	case "prompt":
		header.prompt = h.Text(n, "prompt")
	case "output":
		header.output = h.Text(n, "output")
	case "samples":
		header.samples = h.Whole(n, "samples", 1, maxSamples)
	case "defaults":
		h.readDefaults(n)
	case "styles":
		h.readStyles(n)
	case "references":
		h.readReferences(n)
	case "steps":
		h.readSteps(n)
	case "budget":
		h.readBudget(n)
	case "on_budget":
		m.OnBudget = OnBudget(h.oneOf(n, "on_budget", string(OnBudgetWait), string(OnBudgetFail)))
	case "window":
		h.readWindow(n)
	case "parameters", "seed":
		h.Report(f.Position, "put it under defaults", "%s cannot stand at the top of a manifest", f.Name)
	}
}

// oneOf returns a text out of a closed list, or the first with a problem.
func (h *headerReader) oneOf(n *document.Node, what string, values ...string) string {
	if slices.Contains(values, n.Text) && n.Scalar() {
		return n.Text
	}
	h.Report(n.Position, suggest.OneOf(n.Text, values), "%s %s is not known", what, shown(n))
	return values[0]
}

func (h *headerReader) readName(n *document.Node) {
	h.m.Name, h.m.Named = norm.NFC.String(h.Text(n, "name")), true
	if h.m.Name == "" && n.Scalar() && n.Text == "" {
		h.Report(n.Position, "", "the name is empty")
	}
	if message, suggestion := batchNameFault(h.m.Name); message != "" && h.m.Name != "" {
		h.Report(n.Position, suggestion, "%s", message)
	}
}

// checkFolder reports a live batch whose folder is that of all test batches, in any
// case, since file systems may fold it.
func (h *headerReader) checkFolder() {
	if h.m.Mode == job.Live && strings.EqualFold(h.m.Name, testFolder) {
		h.Report(h.root.Get("name").Position, "for example "+h.m.Name+"-batch",
			"a live batch cannot be named %s, which is the folder of all test batches", h.m.Name)
	}
}

func (h *headerReader) readPool(n *document.Node) string {
	pool := h.Text(n, "pool")
	if pool != "" && (safeBatchName(pool) != pool || !isSafe(pool)) {
		h.Report(n.Position, "use letters, digits, - _ and .", "pool %s is not the name of a key pool", shown(n))
	}
	return pool
}

func (h *headerReader) readDefaults(n *document.Node) {
	defaults := &h.m.def.defaults
	h.readLayer(n, "defaults", defaults)
	defaults.where = h.nodeWhere(n)
	if id := n.Get("id"); id != nil {
		h.Report(id.Position, "give each item its own", "an id cannot be a default")
	}
	if needs := n.Get(needsName); needs != nil {
		h.Report(needs.Position, "write it at each item", "needs cannot be a default")
	}
	defaults.id, defaults.ownSeed, defaults.needs = "", false, nil
}

func (h *headerReader) readStyles(n *document.Node) {
	h.Fields(n, "styles", nil, func(f *document.Field) {
		s := &style{name: f.Name, layer: layer{place: h.At(f.Position)}}
		s.where = nowhere
		if slug(f.Name) == "" {
			h.Report(f.Position, "use letters, digits, - _ and .", "%q is not the name of a style", f.Name)
		}
		if f.Value.Kind == document.Object {
			s.where = h.nodeWhere(&f.Value)
			h.Fields(&f.Value, "a style", styleFields, func(inner *document.Field) {
				if inner.Name == "text" {
					s.text = h.Text(&inner.Value, "the text of a style")
					return
				}
				h.readParameters(&inner.Value, &s.layer)
			})
		} else {
			s.place = h.At(f.Value.Position)
			s.text = h.Text(&f.Value, "a style")
		}
		h.m.def.styles = append(h.m.def.styles, s)
	})
}

func (h *headerReader) readWindow(n *document.Node) {
	hours, zone := n, &document.Node{}
	if n.Kind == document.Object {
		hours = n.Get("hours")
		h.Fields(n, "window", windowFields, func(f *document.Field) {
			if f.Name == "timezone" && h.Text(&f.Value, "timezone") != "" {
				zone = &f.Value
			}
		})
	}
	if hours == nil {
		h.Report(n.Position, `write {hours: "22:00-06:00", timezone: Europe/Paris}`, "the window has no hours")
		return
	}
	written := h.Text(hours, "window")
	if written == "" {
		return
	}
	window, err := ParseWindow(written, zone.Text)
	if errors.Is(err, errZone) {
		h.Report(zone.Position, "write an IANA name such as Europe/Paris", "%s", err)
		return
	}
	if err != nil {
		h.Report(hours.Position, "", "%s", err)
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
		h.Report(document.Position{Line: 1, Column: 1}, "add model: and the id of a model", "the manifest has no model")
	}
}
