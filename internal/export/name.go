package export

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

// name gives each image its name outside: that in the batch, or what the layout says.
func (e *exporter) name(ctx context.Context, images []batch.PlannedImage, template string) error {
	for _, image := range images {
		e.done.Files = append(e.done.Files, File{Row: image.Row, Image: image.Image.Key, File: image.Image.Key, image: image})
	}
	if template == "" {
		for i := range e.done.Files {
			if err := manifest.CheckOutput(e.done.Files[i].File); err != nil {
				return &job.InputError{Err: fmt.Errorf("image %q of row %s cannot be copied: %w", e.done.Files[i].File, e.done.Files[i].Row, err)}
			}
		}
		return nil
	}
	layout, err := manifest.ParseLayout(template)
	if err != nil {
		return &job.InputError{Err: &job.HintedError{Err: fmt.Errorf("--layout %q: %w", template, err), Hint: job.Hint(err)}}
	}
	results, err := e.results(ctx)
	if err != nil {
		return err
	}
	for i := range e.done.Files {
		file := &e.done.Files[i]
		values := layoutValues{image: file.image, result: results[file.image.Job]}
		if file.File, err = layout.Name(values.lookup, values.known()); err != nil {
			return &job.InputError{Err: &job.HintedError{Err: fmt.Errorf("--layout %q, row %s: %w", template, file.Row, err), Hint: job.Hint(err)}}
		}
	}
	return nil
}

// results are those of the chosen jobs, by which a layout names images.
func (e *exporter) results(ctx context.Context) (map[job.ID]job.Result, error) {
	results := make(map[job.ID]job.Result)
	for i := range e.done.Files {
		results[e.done.Files[i].image.Job] = job.Result{}
	}
	for result, err := range e.from.Log.Succeeded(ctx) {
		if err != nil {
			return nil, err
		}
		if _, chosen := results[result.Job]; chosen {
			results[result.Job] = result
		}
	}
	return results, nil
}

// layoutValues are what a layout knows of an image: what an output name knows.
type layoutValues struct {
	image  batch.PlannedImage
	result job.Result
}

// parameterPrefix begins the names of parameters in a template.
const parameterPrefix = "parameters."

func (v *layoutValues) lookup(name string) (string, bool) {
	if value, ok := v.result.Variables[name]; ok {
		return value, true
	}
	item, _, _ := strings.Cut(v.image.Row, "/")
	switch name {
	case "id":
		return item, true
	case "row":
		return v.image.Row, true
	case "n":
		return strconv.Itoa(v.image.OfRow), true
	case "ext":
		return strings.TrimPrefix(path.Ext(v.image.Image.Key), "."), true
	case "model":
		return v.result.Model, true
	case "seed":
		return v.result.Seed, v.result.Seed != ""
	case "hash8":
		return string(v.image.Job[:8]), true
	}
	if parameter, ok := strings.CutPrefix(name, parameterPrefix); ok {
		return manifest.ScalarText(v.result.Inputs[parameter])
	}
	return "", false
}

func (v *layoutValues) known() []string {
	known := []string{"id", "row", "n", "ext", "model", "seed", "hash8"}
	for name := range v.result.Variables {
		known = append(known, name)
	}
	return known
}

// distinct refuses names that would overwrite each other, on some systems at least, and a
// name that is a folder of another.
func (e *exporter) distinct() error {
	taken := make(map[string]*File)
	for i := range e.done.Files {
		file := &e.done.Files[i]
		folded := manifest.FoldName(file.File)
		if other := taken[folded]; other != nil {
			return clash(fmt.Sprintf("%s of row %s and %s of row %s would both be copied to %s", other.Image, other.Row, file.Image, file.Row, file.File))
		}
		taken[folded] = file
	}
	for i := range e.done.Files {
		file := &e.done.Files[i]
		for folder := path.Dir(manifest.FoldName(file.File)); folder != "."; folder = path.Dir(folder) {
			if other := taken[folder]; other != nil {
				return clash(fmt.Sprintf("%s of row %s would be a folder of %s of row %s", other.File, other.Row, file.File, file.Row))
			}
		}
	}
	return nil
}

func clash(what string) error {
	return &job.InputError{Err: &job.HintedError{
		Err: errors.New(what + "; nothing was copied"), Hint: "tell them apart in --layout, with {n}, {id}, {row}, {hash8} or a variable",
	}}
}
