package manifest

import (
	"strings"

	"nightshift/internal/document"
)

// needsName stands in braces for all images that an item needs.
const needsName = "needs"

// readNeeds reads the items whose images an item takes: one, or a list.
func (d *decoder) readNeeds(n *document.Node, into *layer) {
	entries := []document.Field{{Value: *n}}
	if n.Kind == document.List {
		entries = n.Children
	}
	for i := range entries {
		if id := strings.TrimSpace(d.Text(&entries[i].Value, needsName)); id != "" {
			into.needs = append(into.needs, id)
		} else if entries[i].Value.Scalar() {
			d.Report(entries[i].Value.Position, "name the id of an item", "needs names no item")
		}
	}
}

// needed are the images that an item takes from others. Where rows are made by axes, one
// of the same values goes before the item's only row.
func (b *builder) needed() madeImages {
	if len(b.item.needs) == 0 {
		return nil
	}
	made := madeImages{}
	for _, need := range b.item.needs {
		id := rowName(need)
		rows := []string{id}
		if suffix, found := strings.CutPrefix(b.row.ID, slug(b.item.id)+"/"); found {
			rows = []string{id + "/" + suffix, id}
		}
		picture := Picture{Source: PictureMade, Rows: rows, N: 1, Written: need}
		made[need] = append(made[need], picture)
		made[needsName] = append(made[needsName], picture)
	}
	return made
}

// rowName is the id of a row as somebody writes it, made safe as those of rows are.
func rowName(written string) string {
	parts := strings.Split(written, "/")
	for i := range parts {
		parts[i] = slug(parts[i])
	}
	return strings.Join(parts, "/")
}

// checkNeeds reports an item that needs another and takes no image of it: that would only
// make it wait.
func (b *builder) checkNeeds() {
	for _, need := range b.item.needs {
		used := false
		for _, in := range b.row.Images {
			for _, picture := range in.Pictures {
				used = used || picture.Source == PictureMade && picture.Written == need
			}
		}
		switch {
		case used:
		case rowName(need) == slug(b.item.id):
			b.report(needsName, "take it out", "%s needs itself", quoteShort(need))
		case b.def.needEachOther(b.item, need):
			b.report(needsName, "take one of the needs out", "no input takes the image of %s, which needs %s in turn", quoteShort(need), quoteShort(b.item.id))
		default:
			b.report(needsName, "give its image to an input of the model, such as images: {image: \"{needs}\"}", "no input takes the image of %s, which the row needs", quoteShort(need))
		}
	}
}

// needEachOther reports whether an item needs one that comes to need it in turn, as far as the
// items are in the manifest itself.
func (def *definition) needEachOther(item *layer, need string) bool {
	list, within := def.items.(*inlineItems)
	if !within {
		return false
	}
	needs := make(map[string][]string)
	for _, one := range list.layers {
		needs[slug(one.id)] = one.needs
	}
	seen, open := map[string]bool{}, []string{need}
	for len(open) > 0 {
		id := rowName(open[0])
		if open = open[1:]; id == slug(item.id) {
			return true
		}
		if !seen[id] {
			seen[id] = true
			open = append(open, needs[id]...)
		}
	}
	return false
}

// Needs reports whether rows of the manifest may need images of others that are not their
// own.
func (m *Manifest) Needs() (bool, error) {
	if m.def.items == nil {
		return false, nil
	}
	return m.def.items.needs()
}
