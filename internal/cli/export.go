package cli

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/text"
	"nightshift/internal/view"
)

type exportOptions struct {
	picked bool   // images that are picked, and what was made of them
	layout string // of the names; "" for those in the batch
	json   bool
}

// copyAtOnce is how many images are copied at a time.
const copyAtOnce = 8

// exported is what came of copying images out of a batch. The names of its JSON stay.
type exported struct {
	Batch  string          `json:"batch"`
	Dir    string          `json:"dir"`
	Copied int             `json:"copied"`
	There  int             `json:"there"` // were in the folder already
	Bytes  int64           `json:"bytes"` // copied
	Files  []exportedImage `json:"files"`
	// NotThere are images of the batch that are not in its folder as they were made.
	NotThere []refusedMark `json:"notThere,omitempty"`
}

// exportedImage is an image and its name outside.
type exportedImage struct {
	Row   string `json:"row"`
	Image string `json:"image"` // within the batch's folder
	File  string `json:"file"`  // within the folder it is copied to

	image batch.PlannedImage
}

// export is the command export: it copies images of a batch into a folder. What stands in
// the way is found before anything is copied.
func export(ctx context.Context, p app.Process, s config.Settings, arg, dir string, o exportOptions) error {
	return view.With(ctx, p, s, func(v *view.View) error {
		id, err := v.Find(ctx, arg)
		if err != nil {
			return err
		}
		to, err := bucket.NewLocal(dir)
		if err != nil {
			return &job.InputError{Err: err}
		}
		e := exporter{folder: batch.NewFolder(v.Bucket, id), to: to, done: &exported{Batch: id, Dir: to.Path(""), Files: []exportedImage{}}}
		if err := e.prepare(ctx, o); err != nil {
			return err
		}
		if err := e.copy(ctx); err != nil {
			return err
		}
		if o.json {
			err = text.WriteJSON(p.Stdout, e.done)
		} else {
			_, err = fmt.Fprint(p.Stdout, e.done.words(o.picked))
		}
		if err == nil && len(e.done.NotThere) > 0 {
			err = app.ErrSomeFailed
		}
		return err
	})
}

// exporter copies the images of one batch.
type exporter struct {
	folder batch.Folder
	to     *bucket.Local
	done   *exported
	todo   []exportedImage // that are not there yet
}

// prepare chooses the images, names them, and looks what is in the folder.
func (e *exporter) prepare(ctx context.Context, o exportOptions) error {
	images, err := e.chosen(ctx, o.picked)
	if err != nil {
		return err
	}
	if err := e.name(ctx, images, o.layout); err != nil {
		return err
	}
	if err := e.distinct(); err != nil {
		return err
	}
	return e.look(ctx)
}

// chosen are the images that are to be copied. Those that are not in the batch's folder as
// they were made are told.
func (e *exporter) chosen(ctx context.Context, picked bool) ([]batch.PlannedImage, error) {
	images, err := e.folder.PlannedImages(ctx)
	if err != nil {
		return nil, err
	}
	if picked {
		picks, err := batch.ReadPicks(ctx, e.folder.Bucket, e.folder.Batch)
		if err != nil {
			return nil, err
		}
		images = picks.Inherited(images)
	}
	made := images[:0]
	for i := range images {
		if images[i].Made {
			made = append(made, images[i])
		}
	}
	if len(made) == 0 {
		return nil, e.nothing(picked)
	}
	fresh, err := e.folder.Fresh(ctx, made)
	if err != nil {
		return nil, err
	}
	chosen := made[:0]
	for i, image := range made {
		if image.Outdated {
			e.done.NotThere = append(e.done.NotThere, refusedMark{image.Row, image.Image.Key, "it was made of what the row was before; the image of what it is now is not made yet"})
			continue
		}
		if fresh[i] == batch.Fresh {
			chosen = append(chosen, image)
			continue
		}
		e.done.NotThere = append(e.done.NotThere, refusedMark{image.Row, image.Image.Key, "it " + notThere(fresh[i])})
	}
	return chosen, nil
}

func (e *exporter) nothing(picked bool) error {
	if picked {
		return &job.InputError{Err: &job.HintedError{
			Err: fmt.Errorf("no image of batch %s is picked", e.folder.Batch), Hint: "mark images with enqueue pick, or in the contact sheet; without --picked all images are copied",
		}}
	}
	return &job.InputError{Err: fmt.Errorf("batch %s has no images yet", e.folder.Batch)}
}

// name gives each image its name outside: that in the batch, or what the layout says.
func (e *exporter) name(ctx context.Context, images []batch.PlannedImage, template string) error {
	for _, image := range images {
		e.done.Files = append(e.done.Files, exportedImage{Row: image.Row, Image: image.Image.Key, File: image.Image.Key, image: image})
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
	for result, err := range e.folder.Log.Succeeded(ctx) {
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
	taken := make(map[string]*exportedImage)
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

// look finds what is in the folder already. Another file of a name is refused.
func (e *exporter) look(ctx context.Context) error {
	for i := range e.done.Files {
		file := &e.done.Files[i]
		there, err := e.isThere(ctx, file)
		if err != nil {
			return err
		}
		if there {
			e.done.There++
		} else {
			e.todo = append(e.todo, *file)
		}
	}
	return nil
}

// isThere reports whether the image is in the folder under its name.
func (e *exporter) isThere(ctx context.Context, file *exportedImage) (bool, error) {
	other := &job.InputError{Err: &job.HintedError{
		Err:  fmt.Errorf("%s is there and is not %s of row %s; nothing was copied", e.to.Path(file.File), file.Image, file.Row),
		Hint: "move it away, export to another folder, or give the images other names with --layout",
	}}
	for folder := path.Dir(file.File); folder != "."; folder = path.Dir(folder) {
		if info, err := os.Stat(e.to.Path(folder)); err == nil && !info.IsDir() {
			return false, &job.InputError{Err: &job.HintedError{
				Err:  fmt.Errorf("%s is a file, and the folder of %s is to be there; nothing was copied", e.to.Path(folder), file.File),
				Hint: "move it away, or export to another folder",
			}}
		}
	}
	if info, err := os.Lstat(e.to.Path(file.File)); err == nil && !info.Mode().IsRegular() {
		return false, other // a folder, or a link that leads elsewhere
	}
	body, err := e.to.Open(ctx, file.File)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, &job.InputError{Err: fmt.Errorf("look for %s; nothing was copied: %w", e.to.Path(file.File), err)}
	}
	defer body.Close() // only read from
	sum := crc32.NewIEEE()
	size, err := io.Copy(sum, io.LimitReader(body, file.image.Image.Bytes+1))
	if err != nil {
		return false, fmt.Errorf("read %s: %w", e.to.Path(file.File), err)
	}
	if size != file.image.Image.Bytes || sumText(sum) != file.image.Image.CRC32 {
		return false, other
	}
	return true, nil
}

func sumText(sum hash.Hash32) string { return fmt.Sprintf("%08x", sum.Sum32()) }

// copy copies what is not there yet, each file whole or not at all.
func (e *exporter) copy(ctx context.Context) error {
	var copied, bytes atomic.Int64
	copying, ctx := errgroup.WithContext(ctx)
	copying.SetLimit(copyAtOnce)
	for i := range e.todo {
		copying.Go(func() error {
			if err := e.copyOne(ctx, &e.todo[i]); err != nil {
				return err
			}
			copied.Add(1)
			bytes.Add(e.todo[i].image.Image.Bytes)
			return nil
		})
	}
	err := copying.Wait()
	e.done.Copied, e.done.Bytes = int(copied.Load()), bytes.Load()
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w (%d of %s were copied; the same command copies the others)", err, e.done.Copied, text.Count(len(e.todo), "image"))
	}
	return err
}

func (e *exporter) copyOne(ctx context.Context, file *exportedImage) error {
	body, err := e.folder.Bucket.Open(ctx, e.folder.Batch+"/"+file.Image)
	if err != nil {
		return fmt.Errorf("copy %s of row %s: %w", file.Image, file.Row, err)
	}
	defer body.Close() // only read from
	if err := e.to.Put(ctx, file.File, &wholeImage{from: body, sum: crc32.NewIEEE(), of: &file.image.Image}); err != nil {
		return fmt.Errorf("copy %s of row %s: %w", file.Image, file.Row, err)
	}
	return nil
}

// wholeImage reads an image, and ends with an error where it is not what was stored.
type wholeImage struct {
	from io.Reader
	sum  hash.Hash32
	size int64
	of   *job.Image
}

var errNotWhole = errors.New("what the bucket gives is not the image that was stored")

// Read implements io.Reader.
func (w *wholeImage) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	w.size += int64(n)
	_, _ = w.sum.Write(p[:n]) // never fails
	if errors.Is(err, io.EOF) && (w.size != w.of.Bytes || sumText(w.sum) != w.of.CRC32) {
		return n, errNotWhole
	}
	return n, err
}

func (d *exported) words(picked bool) string {
	var words strings.Builder
	what := "image"
	if picked {
		what = "picked image"
	}
	fmt.Fprintf(&words, "%s: %s copied to %s", d.Batch, text.Count(d.Copied, what), filepath.Clean(d.Dir))
	if d.There > 0 {
		fmt.Fprintf(&words, ", %s there already", text.Number(d.There))
	}
	words.WriteByte('\n')
	for _, r := range d.NotThere {
		fmt.Fprintf(&words, "not copied: %s of row %s: %s\n", r.Image, r.Row, r.Reason)
	}
	return words.String()
}
