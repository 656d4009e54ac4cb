package batch

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/job"
)

// PlannedImage is an image that the plan of a batch wants, or that lies in its folder from
// before.
type PlannedImage struct {
	Row   string
	Job   job.ID // that has made it, or is to make it
	N     int    // its place among the images of its job, from 1
	OfRow int    // and among those of its row
	// Output is its name as it was planned, "{ext}" not filled in.
	Output string
	// Outdated says that the plan wants another in its place, which is not made yet.
	Outdated bool
	Made     bool      // by the log; [Folder.Fresh] looks whether it is still there
	Image    job.Image // as it was stored, if it was made
	// From are the images of the batch that it was made from, if any.
	From []job.Picture
}

// Picture names the image by the job that makes it.
func (i *PlannedImage) Picture() job.Picture { return job.Picture{Job: i.Job, Image: i.N - 1} }

// PlannedImages are the images of the batch: those that its last plan wants, in its order,
// and after them those of rows that the plan does not have any more. Of an image that an
// edit is about to replace it is the one that is there.
func (f *Folder) PlannedImages(ctx context.Context) ([]PlannedImage, error) {
	made, err := f.standing(ctx)
	if err != nil {
		return nil, err
	}
	var list imageList
	submission, err := ReadSubmission(ctx, f.Bucket, f.Batch)
	if err != nil {
		return nil, err
	}
	if submission != nil {
		for planned, err := range PlannedJobs(ctx, f.Bucket, submission.Plan) {
			if err != nil {
				return nil, err
			}
			result, there := made[planned.Outputs[0]]
			if there {
				delete(made, planned.Outputs[0])
			} else {
				result = job.Result{Job: planned.ID, Outputs: planned.Outputs}
			}
			before := len(list.images)
			list.add(planned.Row, &result)
			for i := range list.images[before:] {
				list.images[before+i].Outdated = result.Job != planned.ID
			}
		}
	}
	list.addAll(made)
	return list.images, nil
}

// StandingImages are the images in the batch's folder by the log alone, of whatever plan.
func (f *Folder) StandingImages(ctx context.Context) ([]PlannedImage, error) {
	made, err := f.standing(ctx)
	var list imageList
	list.addAll(made)
	return list.images, err
}

// standing are the results that the images in the folder are of, by the first name of each:
// what an edit has replaced is left out.
func (f *Folder) standing(ctx context.Context) (map[string]job.Result, error) {
	last := make(map[string]job.Result)
	for result, err := range f.Log.Succeeded(ctx) {
		if err != nil {
			return nil, err
		}
		if !cameHome(&result) && len(result.Outputs) > 0 {
			last[result.Outputs[0]] = job.Result{Job: result.Job, Row: result.Row, Index: result.Index, Outputs: result.Outputs, Images: result.Images, Inputs: result.Inputs}
		}
	}
	return last, nil
}

// imageList numbers images by job and by row; the jobs of a row follow each other.
type imageList struct {
	images []PlannedImage
	row    string
	ofRow  int
}

// addAll adds results in the order of the plans that they were of.
func (l *imageList) addAll(results map[string]job.Result) {
	sorted := slices.Collect(maps.Values(results))
	slices.SortFunc(sorted, func(a, b job.Result) int { return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Job, b.Job)) })
	for i := range sorted {
		l.add(sorted[i].Row, &sorted[i])
	}
}

func (l *imageList) add(row string, of *job.Result) {
	if row != l.row {
		l.row, l.ofRow = row, 0
	}
	from := madeFrom(of.Inputs)
	for n := range of.Outputs {
		l.ofRow++
		image := PlannedImage{Row: row, Job: of.Job, N: n + 1, OfRow: l.ofRow, Output: of.Outputs[n], From: from}
		if n < len(of.Images) {
			image.Made, image.Image = true, of.Images[n]
		}
		l.images = append(l.images, image)
	}
}

// madeFrom are the images of the batch among the inputs of a job. A result does not say which
// of them hold pictures.
func madeFrom(inputs job.Inputs) []job.Picture {
	j := job.Job{Inputs: inputs, PictureInputs: slices.Sorted(maps.Keys(inputs))}
	return j.MadePictures()
}

// cameHome reports whether a job came home after its row was gone, under another name.
func cameHome(result *job.Result) bool {
	return len(result.Outputs) > 0 && strings.HasPrefix(result.Outputs[0], EarlierFolder)
}

// Freshness says whether an image lies under its name as its job has made it.
type Freshness int

// How an image can lie there.
const (
	Fresh    Freshness = iota
	Gone               // nothing has the name
	Replaced           // another job's image has it, or a file that no job has made
)

// String says of an image how it lies there.
func (f Freshness) String() string {
	switch f {
	case Gone:
		return "is gone"
	case Replaced:
		return "was replaced: it is not the image that this job has made"
	default:
		return "is there"
	}
}

// lookAtOnce is how many images are looked at at a time.
const lookAtOnce = 16

// Fresh looks how images lie in the bucket. The answers are in their order.
func (f *Folder) Fresh(ctx context.Context, images []PlannedImage) ([]Freshness, error) {
	fresh := make([]Freshness, len(images))
	looking, ctx := errgroup.WithContext(ctx)
	looking.SetLimit(lookAtOnce)
	for i := range images {
		looking.Go(func() error {
			object, err := f.Bucket.Stat(ctx, objectKey(f.Batch, images[i].Image.Key))
			switch {
			case errors.Is(err, fs.ErrNotExist):
				fresh[i] = Gone
				return nil
			case err != nil:
				return err
			case object.Metadata.Job != images[i].Job || object.Size != images[i].Image.Bytes:
				fresh[i] = Replaced
			}
			return nil
		})
	}
	return fresh, looking.Wait()
}
