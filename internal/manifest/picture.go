package manifest

import (
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/suggest"
)

// imagePrefix starts the names of columns, and in places those of inputs, that take pictures.
const imagePrefix = "images."

// PictureSource says where a picture comes from.
type PictureSource int

// The sources.
const (
	PictureFile  PictureSource = iota // a file of this machine
	PictureLink                       // one that a link leads to
	PictureAsset                      // an asset that the provider has already
	PictureMade                       // an image that another row makes
)

// Picture is one picture that a row gives to its model.
type Picture struct {
	Source PictureSource
	// Path leads to the file of a PictureFile, or is the link of a PictureLink, and Asset is the id of a PictureAsset.
	Path, Asset string
	// Rows are the rows by one of which a PictureMade is made, by their ids, the likeliest
	// first, and N is the number of the image in its row, from 1.
	Rows []string
	N    int
	// Written is how the manifest names it, and Place where, if that is not where the row gives it to
	// its input: among the references, or in a line of its own.
	Written string
	Place   document.Place
}

// ImageInput is an input of the model with the pictures that a row gives to it.
type ImageInput struct {
	Name     string
	List     bool // the manifest gives a list
	Pictures []Picture
}

// imageInput is an input as a layer gives it; its texts may have variables.
type imageInput struct {
	name   string
	list   bool
	texts  []string
	places []document.Place // of the texts; none of a cell
	line   int              // of the input
}

// ownLine is where a text stands that has a line of its own.
func (in *imageInput) ownLine(i int) document.Place {
	if i < len(in.places) && in.places[i].Line != in.line {
		return in.places[i]
	}
	return document.Place{}
}

// assetPrefix starts the ids of assets.
const assetPrefix = "asset_"

// readImages reads a group of inputs with their pictures.
func (d *decoder) readImages(n *document.Node, into *layer) {
	d.Fields(n, "images", nil, func(f *document.Field) {
		if strings.TrimSpace(f.Name) == "" {
			d.Report(f.Position, "", "an input has no name")
			return
		}
		in := imageInput{name: f.Name, list: f.Value.Kind == document.List, line: d.At(f.Value.Position).Line}
		entries := []document.Field{{Value: f.Value}}
		if in.list {
			entries = f.Value.Children
		}
		for i := range entries {
			text := strings.TrimSpace(d.Text(&entries[i].Value, imagePrefix+f.Name))
			switch {
			case text != "":
				in.texts = append(in.texts, text)
				in.places = append(in.places, d.At(entries[i].Value.Position))
			case entries[i].Value.Scalar():
				d.Report(entries[i].Value.Position, "name a file, a reference or an asset, or take it out", "%s names no picture", imagePrefix+f.Name)
			}
		}
		into.images = append(into.images, in)
	})
}

// imageCell is an input as a cell of a table gives it: a name, or a JSON list of names.
func imageCell(name, cell string) imageInput {
	in := imageInput{name: name}
	items, list := cellValue(cell).([]any)
	if !list {
		in.texts = []string{strings.TrimSpace(cell)}
		return in
	}
	in.list = true
	for _, item := range items {
		if text, ok := item.(string); ok {
			in.texts = append(in.texts, strings.TrimSpace(text))
		}
	}
	return in
}

// reference is a name for a picture.
type reference struct {
	name, text string
	place      document.Place // of the text
}

// readReferences reads the names for pictures at the top of a manifest.
func (h *headerReader) readReferences(n *document.Node) {
	h.Fields(n, "references", nil, func(f *document.Field) {
		text := strings.TrimSpace(h.Text(&f.Value, "a reference"))
		switch {
		case strings.TrimSpace(f.Name) == "" || templated(f.Name):
			h.Report(f.Position, "use letters, digits, - _ and .", "%q is not the name of a reference", f.Name)
		case text == "" && f.Value.Scalar():
			h.Report(f.Value.Position, "name a file, a link or an asset", "the reference %s is empty", f.Name)
		case templated(text):
			h.Report(f.Value.Position, "write such a path where the picture is used, under images", "a reference has no variables")
		default:
			h.m.def.references = append(h.m.def.references, reference{f.Name, text, h.At(f.Value.Position)})
		}
	})
}

// imagesField is the field of the inputs that take pictures.
const imagesField = "images"

// namesPicture reports whether a text that is no field names a picture, or a list of them.
func (def *definition) namesPicture(text string) bool {
	for _, named := range imageCell("", text).texts {
		if _, referred := def.reference(named); referred || isLink(named) || strings.HasPrefix(named, assetPrefix) {
			return true
		}
		if extension := strings.ToLower(filepath.Ext(named)); slices.Contains([]string{".png", ".jpg", ".jpeg", ".webp"}, extension) {
			return true
		}
	}
	return false
}

func isLink(text string) bool {
	lower := strings.ToLower(text)
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

// otherLink matches a link that is of neither.
var otherLink = regexp.MustCompile(`(?i)^[a-z][a-z0-9+.-]+://`)

// linkHost is a link as it is shown: it may be signed, so that no more of it is.
func linkHost(link string) string {
	if address, err := url.Parse(link); err == nil && address.Host != "" {
		return "from " + address.Hostname()
	}
	return "of a link"
}

func (def *definition) reference(name string) (reference, bool) {
	at := slices.IndexFunc(def.references, func(r reference) bool { return r.name == name })
	if at < 0 {
		return reference{}, false
	}
	return def.references[at], true
}

func (def *definition) referenceNames() []string {
	names := make([]string, len(def.references))
	for i, r := range def.references {
		names[i] = r.name
	}
	return names
}

// madeImages are the images of other rows that a row can name in braces.
type madeImages map[string][]Picture

// setImages joins the inputs of all levels, the nearest winning, and finds out what their
// texts name.
func (b *builder) setImages(made madeImages, levels ...*layer) {
	b.made = made
	defer func() { b.made = nil }()
	for _, l := range slices.Backward(levels) {
		for i := range l.images {
			in := &l.images[i]
			if !slices.ContainsFunc(b.row.Images, func(known ImageInput) bool { return known.Name == in.name }) {
				b.row.Images = append(b.row.Images, ImageInput{Name: in.name, List: in.list, Pictures: b.pictures(in, made)})
			}
		}
	}
}

func (b *builder) pictures(in *imageInput, made madeImages) []Picture {
	var pictures []Picture
	for i, text := range in.texts {
		if inner, ok := inBraces(text); ok {
			if images, known := made[inner]; known {
				b.asked = append(b.asked, inner)
				pictures = append(pictures, images...)
				continue
			}
		}
		if picture, ok := b.picture(in.name, text, in.ownLine(i)); ok {
			pictures = append(pictures, picture)
		}
	}
	return pictures
}

// inBraces returns what stands in the braces of a text that is one placeholder.
func inBraces(text string) (string, bool) {
	inner, ok := strings.CutPrefix(text, "{")
	if !ok {
		return "", false
	}
	inner, ok = strings.CutSuffix(inner, "}")
	return strings.TrimSpace(inner), ok && !templated(inner)
}

// picture finds out what a text with variables names, which stands in a line of its own where it
// has a place.
func (b *builder) picture(input, text string, place document.Place) (Picture, bool) {
	field, before := imagePrefix+input, len(b.problems)
	filled := b.fill(field, text, b.inText)
	if len(b.problems) > before {
		return Picture{}, false
	}
	named := filled
	if referred, ok := b.def.reference(filled); ok {
		named, place = referred.text, referred.place
	}
	written := filled
	if named != filled {
		written += " (" + named + ")"
	}
	switch {
	case strings.TrimSpace(named) == "":
		b.reportAt(place, field, "name a file, a reference or an asset", "%s names no picture", field)
		return Picture{}, false
	case isLink(named):
		return Picture{Source: PictureLink, Path: named, Written: linkHost(named), Place: place}, true
	case otherLink.MatchString(named):
		b.reportAt(place, field, "give a link of http or https, or a file", "%s is not followed", quoteShort(named))
		return Picture{}, false
	case strings.HasPrefix(named, assetPrefix):
		return Picture{Source: PictureAsset, Asset: named, Written: written, Place: place}, true
	case named == filled && !strings.ContainsAny(named, `./\`):
		b.reportAt(place, field, suggest.DidYouMean(filled, b.def.referenceNames(), "%"), "%s is no reference, and no path of a file", quoteShort(filled))
		return Picture{}, false
	}
	path := filepath.FromSlash(named)
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.def.folder, path)
	}
	return Picture{Source: PictureFile, Path: path, Written: written, Place: place}, true
}

// PictureFile finds the file that a path of the manifest leads to. A link in the
// manifest's folder that leads out of it is refused, as it is for a file of items.
func (m *Manifest) PictureFile(path string) (leads string, err error) {
	return followLink(m.def.folder, path)
}
