package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/job"
)

// readItems finds where the items come from: from the manifest itself, from a
// file, or, where neither is given, a single one that is named like the batch.
func (h *headerReader) readItems() {
	inline, from := h.root.Get("items"), h.root.Get("items_from")
	switch {
	case inline != nil && from != nil:
		h.Report(from.Position, "keep one of them", "items and items_from are both given")
	case inline != nil:
		h.readInline(inline)
	case from != nil:
		h.readItemsFrom(from)
	default:
		whole := &layer{place: h.At(h.root.Position), id: h.m.Name}
		if last := len(h.root.Children) - 1; last >= 0 {
			whole.end = h.At(h.root.Children[last].Position)
		}
		whole.where = nowhere
		h.m.def.items = &inlineItems{layers: []*layer{whole}}
	}
}

func (h *headerReader) readInline(n *document.Node) {
	items := &inlineItems{}
	h.m.def.items = items
	if !h.Expect(n, "items", document.List) {
		return
	}
	if len(n.Children) == 0 {
		h.Report(n.Position, "give at least one item", "items is empty")
	}
	seen := map[string]bool{}
	for i := range n.Children {
		entry := &n.Children[i].Value
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

func (h *headerReader) readItemsFrom(n *document.Node) {
	named := h.Text(n, "items_from")
	if named == "" {
		return
	}
	path := filepath.FromSlash(named)
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(h.File), path)
	}
	file, err := h.statItems(path)
	if err == nil {
		d := newDecoder(path, h.Problems)
		h.m.def.items, err = d.flatItems(file)
	}
	if errors.Is(err, fs.ErrNotExist) {
		h.Report(n.Position, "the path starts at the folder of the manifest", "items_from names a file that does not exist: %s", path)
		return
	}
	if err != nil {
		h.Report(n.Position, job.Hint(err), "items_from: %s", err)
	}
}

// statItems looks at a file of items.
func (h *headerReader) statItems(path string) (*dataFile, error) {
	leads, err := followLink(filepath.Dir(h.File), path)
	if err != nil {
		return nil, err
	}
	return statLinked(path, leads)
}

// followLink finds where a path leads. A link in the folder that leads out of it is
// refused: who writes a manifest says openly what it reads, and a folder that somebody
// was given reads nothing else of theirs.
func followLink(dir, path string) (leads string, err error) {
	if leads, err = filepath.EvalSymlinks(path); err != nil {
		return "", readError(path, err)
	}
	folder, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", readError(dir, err)
	}
	if within(dir, path) && !within(folder, leads) {
		return "", &job.HintedError{
			Err:  fmt.Errorf("%s is a link that leads out of the manifest's folder", path),
			Hint: "copy the file into the folder, or write its own path",
		}
	}
	return leads, nil
}

// within reports whether a path is below a folder, as both are written.
func within(folder, path string) bool {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return false
	}
	if path, err = filepath.Abs(path); err != nil {
		return false
	}
	below, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(below)
}

// flatFormats are the endings of files with one item a line.
var flatFormats = []string{".jsonl", ".ndjson", ".csv", ".tsv"}

// flatItems opens a file with one item a line, by its ending.
func (d *decoder) flatItems(file *dataFile) (source, error) {
	switch strings.ToLower(filepath.Ext(file.path)) {
	case ".csv":
		return d.tableItems(file, ',')
	case ".tsv":
		return d.tableItems(file, '\t')
	case ".jsonl", ".ndjson":
		return &jsonlItems{file: file}, nil
	default:
		return nil, formatError(file.path)
	}
}

func (d *decoder) tableItems(file *dataFile, comma rune) (source, error) {
	items, err := d.readTableHeader(file, comma)
	if err != nil {
		return nil, err // rather than a source that is no table
	}
	return items, nil
}

// isFlat reports whether a file has one item a line.
func isFlat(path string) bool {
	return slices.Contains(flatFormats, strings.ToLower(filepath.Ext(path)))
}
