package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// readItems finds where the items come from: from the manifest itself, from a
// file, or, where neither is given, a single one that is named like the batch.
func (h *headerReader) readItems() {
	inline, from := h.root.get("items"), h.root.get("items_from")
	switch {
	case inline != nil && from != nil:
		h.report(h.place(from), "keep one of them", "items and items_from are both given")
	case inline != nil:
		h.readInline(inline)
	case from != nil:
		h.readItemsFrom(from)
	default:
		whole := &layer{place: h.place(h.root), id: h.m.Name}
		if last := len(h.root.children) - 1; last >= 0 {
			whole.end = h.name(&h.root.children[last])
		}
		whole.where = func(string) (Place, bool) { return Place{}, false }
		h.m.def.items = &inlineItems{layers: []*layer{whole}}
	}
}

func (h *headerReader) readInline(n *node) {
	items := &inlineItems{}
	h.m.def.items = items
	if !h.expect(n, "items", list) {
		return
	}
	if len(n.children) == 0 {
		h.report(h.place(n), "give at least one item", "items is empty")
	}
	seen := map[string]bool{}
	for i := range n.children {
		entry := &n.children[i].value
		l := &layer{}
		h.readLayer(entry, "an item", l)
		l.where = h.nodeWhere(entry)
		if l.id == "" {
			l.id = deriveID(l)
		}
		items.layers = append(items.layers, l)
		for _, v := range l.variables {
			if !seen[v.name] {
				seen[v.name] = true
				items.names = append(items.names, v.name)
			}
		}
	}
}

func (h *headerReader) readItemsFrom(n *node) {
	named := h.text(n, "items_from")
	if named == "" {
		return
	}
	path := filepath.FromSlash(named)
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(h.file), path)
	}
	file, err := statFile(path)
	if err == nil {
		d := decoder{file: path, problems: h.problems}
		h.m.def.items, err = d.flatItems(file)
	}
	if errors.Is(err, fs.ErrNotExist) {
		h.report(h.place(n), "the path starts at the folder of the manifest", "items_from names a file that does not exist: %s", path)
		return
	}
	if err != nil {
		h.report(h.place(n), "", "items_from: %s", err)
	}
}

// flatFormats are the endings of files with one item a line.
var flatFormats = []string{".jsonl", ".ndjson", ".csv", ".tsv"}

// flatItems opens a file with one item a line, by its ending.
func (d *decoder) flatItems(file *dataFile) (source, error) {
	switch extension := strings.ToLower(filepath.Ext(file.path)); extension {
	case ".csv":
		return d.readTableHeader(file, ',')
	case ".tsv":
		return d.readTableHeader(file, '\t')
	case ".jsonl", ".ndjson":
		return &jsonlItems{file: file}, nil
	default:
		return nil, fmt.Errorf("a file of items ends in %s, not in %q", strings.Join(flatFormats, ", "), extension)
	}
}

// isFlat reports whether a file has one item a line.
func isFlat(path string) bool {
	return slices.Contains(flatFormats, strings.ToLower(filepath.Ext(path)))
}
