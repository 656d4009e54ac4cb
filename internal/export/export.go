// Package export copies images of a batch out of its bucket into a folder, under their own
// names or those of a layout. What stands in the way is found before anything is copied.
package export

import (
	"context"
	"fmt"
	"slices"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

// Options say which images are copied, and under which names.
type Options struct {
	Picked bool   // those that are picked, and what was made of them
	Last   bool   // of images that are made of each other only the last ones
	Layout string // of the names; "" for those in the batch
}

// Result is what came of copying images out of a batch. The names of its JSON stay.
type Result struct {
	Batch  string `json:"batch"`
	Dir    string `json:"dir"`
	Copied int    `json:"copied"`
	There  int    `json:"there"` // were in the folder already
	Bytes  int64  `json:"bytes"` // copied
	Files  []File `json:"files"`
	// NotThere are images of the batch that are not in its folder as they were made.
	NotThere []batch.LeftOut `json:"notThere,omitempty"`
}

// File is an image and its name outside. The names of its JSON stay.
type File struct {
	Row   string `json:"row"`
	Image string `json:"image"` // within the batch's folder
	File  string `json:"file"`  // within the folder it is copied to

	image batch.PlannedImage
}

// Images copies images of a batch into a folder. It returns a [job.InputError] where there is
// none, where two would have one name, and where another file is in the way; nothing is
// copied then.
func Images(ctx context.Context, from batch.Folder, dir string, o Options) (*Result, error) {
	to, err := bucket.NewLocal(dir)
	if err != nil {
		return nil, &job.InputError{Err: err}
	}
	e := exporter{from: from, to: to, done: &Result{Batch: from.Batch, Dir: to.Path(""), Files: []File{}}}
	images, err := e.chosen(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := e.name(ctx, images, o.Layout); err != nil {
		return nil, err
	}
	if err := e.distinct(); err != nil {
		return nil, err
	}
	if err := e.find(ctx); err != nil {
		return nil, err
	}
	return e.done, e.copy(ctx)
}

// exporter copies the images of one batch.
type exporter struct {
	from batch.Folder
	to   *bucket.Local
	done *Result
	todo []File // that are not there yet
}

// chosen are the images that are to be copied. Those that are not in the batch's folder as
// they were made are told.
func (e *exporter) chosen(ctx context.Context, o Options) ([]batch.PlannedImage, error) {
	images, err := e.from.PlannedImages(ctx)
	if err != nil {
		return nil, err
	}
	if o.Picked {
		picks, err := batch.ReadPicks(ctx, e.from.Bucket, e.from.Batch)
		if err != nil {
			return nil, err
		}
		images = picks.Picked(images)
	}
	made := images[:0]
	for i := range images {
		if images[i].Made {
			made = append(made, images[i])
		}
	}
	if len(made) == 0 {
		return nil, e.nothing(o.Picked)
	}
	if o.Last {
		made = last(made)
	}
	fresh, err := e.from.Fresh(ctx, made)
	if err != nil {
		return nil, err
	}
	chosen := made[:0]
	for i, image := range made {
		if image.Outdated {
			e.done.NotThere = append(e.done.NotThere, batch.LeftOut{Row: image.Row, Image: image.Image.Key, Reason: "it was made of what the row was before; the image of what it is now is not made yet"})
			continue
		}
		if fresh[i] == batch.Fresh {
			chosen = append(chosen, image)
			continue
		}
		e.done.NotThere = append(e.done.NotThere, batch.LeftOut{Row: image.Row, Image: image.Image.Key, Reason: "it " + fresh[i].String()})
	}
	return chosen, nil
}

// last are those of the images of which no other one was made.
func last(images []batch.PlannedImage) []batch.PlannedImage {
	taken := make(map[job.Picture]bool)
	for i := range images {
		for _, from := range images[i].From {
			taken[from] = true
		}
	}
	return slices.DeleteFunc(images, func(i batch.PlannedImage) bool { return taken[i.Picture()] })
}

func (e *exporter) nothing(picked bool) error {
	if picked {
		return &job.InputError{Err: &job.HintedError{
			Err: fmt.Errorf("no image of batch %s is picked", e.from.Batch), Hint: "mark images with enqueue pick, or in the contact sheet; without --picked all images are copied",
		}}
	}
	return &job.InputError{Err: fmt.Errorf("batch %s has no images yet", e.from.Batch)}
}
