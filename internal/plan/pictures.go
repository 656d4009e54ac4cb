package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/picture"
	"nightshift/internal/suggest"
	"nightshift/internal/text"
)

// fieldImage begins the names of inputs that take pictures, as manifest.Row.Places has them.
const fieldImage = "images."

// pictures are the files of a manifest that rows give to their models.
type pictures struct {
	manifest *manifest.Manifest
	fetch    func(ctx context.Context, link string) (path string, err error)
	byPath   map[string]looked
	bySum    map[string]bool
	files    []picture.File    // each content once
	called   map[string]string // by what a plan names them: what the manifest does
}

// looked is a file that was looked at.
type looked struct {
	file  picture.File
	fault string
}

func newPictures(o *Options) *pictures {
	return &pictures{manifest: o.Manifest, fetch: o.Links, byPath: make(map[string]looked), bySum: make(map[string]bool), called: make(map[string]string)}
}

// namesOf are what the manifest calls the files that a job takes.
func (p *pictures) namesOf(j *job.Job) map[string]string {
	var names map[string]string
	for _, taken := range j.Pictures() {
		if value := taken.String(); p.called[value] != "" {
			if names == nil {
				names = make(map[string]string)
			}
			names[value] = p.called[value]
		}
	}
	return names
}

// look reads a file, or what a link leads to, the first time that a row names it.
func (p *pictures) look(ctx context.Context, named manifest.Picture) looked {
	path := named.Path
	if known, ok := p.byPath[path]; ok {
		return known
	}
	var found looked
	var leads string
	var err error
	switch {
	case named.Source == manifest.PictureFile:
		leads, err = p.manifest.PictureFile(path)
	case p.fetch == nil:
		err = errors.New("links are not followed here")
	default:
		leads, err = p.fetch(ctx, path)
	}
	if err == nil {
		found.file, err = picture.Look(leads)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		found.fault = "there is no such file"
	case err != nil:
		found.fault = err.Error()
	case !p.bySum[found.file.SHA256]:
		p.bySum[found.file.SHA256] = true
		p.files = append(p.files, found.file)
	}
	p.byPath[path] = found
	return found
}

// setPictures puts the pictures of a row among its parameters, and says what is wrong with
// them. ready is false while a row is not read yet whose image it takes.
func (s *scan) setPictures(ctx context.Context, row *manifest.Row, c *checker) (found findings, ready bool) {
	if len(c.inputs) == 0 {
		return nil, true // of a model that does not run only the names are checked
	}
	if s.made.misses(row) {
		return nil, false
	}
	for i := range row.Images {
		in := &row.Images[i]
		values, f := s.pictureValues(ctx, in, c.inputs[in.Name])
		if !f.found() {
			f = c.putPictures(row, in, values)
		}
		found.add(f, fieldImage, in.Name)
	}
	return found, true
}

// pictureValues are the pictures of an input as a plan names them.
func (s *scan) pictureValues(ctx context.Context, in *manifest.ImageInput, taken *input) ([]any, finding) {
	values := make([]any, 0, len(in.Pictures))
	for _, p := range in.Pictures {
		var value string
		var f finding
		switch p.Source {
		case manifest.PictureAsset:
			value = p.Asset
		case manifest.PictureMade:
			value, f = s.made.image(p)
		case manifest.PictureFile, manifest.PictureLink:
			value, f = s.fileValue(ctx, p, taken)
		}
		if f.found() {
			return nil, f
		}
		values = append(values, value)
	}
	return values, finding{}
}

func (s *scan) fileValue(ctx context.Context, p manifest.Picture, taken *input) (string, finding) {
	found := s.pictures.look(ctx, p)
	if found.fault != "" {
		f := finding{message: fmt.Sprintf("picture %s: %s", text.Shown(p.Written, shownLength), found.fault), place: p.Place}
		if p.Source == manifest.PictureFile {
			f.suggestion = "give a whole PNG, JPEG or WebP file; its path starts at the folder of the manifest"
		}
		return "", f
	}
	if taken != nil {
		if most := int64(number(taken.MaxSize, 0)); most > 0 && found.file.Bytes > most {
			return "", finding{
				message:    fmt.Sprintf("picture %s has %s, but %s takes at most %s", text.Shown(p.Written, shownLength), text.Bytes(found.file.Bytes), taken.Name, text.Bytes(most)),
				suggestion: "make it smaller", place: p.Place,
			}
		}
	}
	value := job.Picture{SHA256: found.file.SHA256}.String()
	if s.pictures.called[value] == "" {
		s.pictures.called[value] = p.Written
		if p.Source == manifest.PictureLink {
			s.pictures.called[value] = text.HideSecrets(p.Path)
		}
	}
	return value, finding{}
}

// putPictures gives pictures to an input of the model.
func (c *checker) putPictures(row *manifest.Row, given *manifest.ImageInput, values []any) finding {
	in := c.inputs[given.Name]
	switch {
	case in == nil:
		return finding{message: fmt.Sprintf("%s has no input %q", c.model.ID, given.Name), suggestion: c.pictureMeant(given.Name)}
	case in.Type != job.TypeFile && in.Type != job.TypeFileArray:
		return finding{message: fmt.Sprintf("%s of %s takes no picture", given.Name, c.model.ID), suggestion: c.pictureInputs()}
	case in.Kind != "" && in.Kind != "image":
		return finding{message: fmt.Sprintf("%s of %s takes %s, not a picture", given.Name, c.model.ID, in.Kind), suggestion: c.pictureInputs()}
	}
	if _, twice := row.Parameters[given.Name]; twice {
		return finding{message: fmt.Sprintf("%s is given twice, under images and under parameters", given.Name), suggestion: "keep one"}
	}
	if in.Type == job.TypeFile {
		if len(values) != 1 {
			return finding{message: fmt.Sprintf("%s of %s takes one picture, not %d", given.Name, c.model.ID, len(values))}
		}
		row.Parameters[given.Name] = values[0]
		return finding{}
	}
	row.Parameters[given.Name] = values
	return finding{}
}

// pictureMeant says which input was meant by a name that none has, or which there are.
func (c *checker) pictureMeant(name string) string {
	var names []string
	for _, in := range c.model.Inputs {
		if c.inputs[in.Name].takesPictures() {
			names = append(names, in.Name)
		}
	}
	return cmp.Or(suggest.DidYouMean(name, names, "%"), c.pictureInputs())
}

// pictureInputs says which inputs of the model take pictures.
func (c *checker) pictureInputs() string {
	var names []string
	for name, in := range c.inputs {
		if in.takesPictures() {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "choose a model that takes pictures"
	}
	slices.Sort(names)
	return "it takes pictures in " + listed(names)
}

// pictureNames are the names of the inputs of a row that take pictures, as it gives them: a
// job is made of the first.
func pictureNames(row *manifest.Row) []string {
	if len(row.Images) == 0 {
		return nil
	}
	names := make([]string, len(row.Images))
	for i, in := range row.Images {
		names[i] = in.Name
	}
	return names
}
